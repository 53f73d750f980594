"""Studentised scores: against dense regressions with dummies, draw by draw, and pyfixest's standard error."""

import warnings

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest
import statsmodels.api as sm

from reform_analysis.assignments import Assignment
from reform_analysis.poisson_effects import Refits
from reform_analysis.score_draws import Layout, scores, standard_error

UNITS, PERIODS = 24, 4
NEVER, EARLY, LATE = [0, 0, 0, 0.0], [0, 1, 1, 1.0], [0, 0, 7 / 12, 1.0]
HISTORY = np.array([1] * 5 + [2] * 4 + [0] * 15)


def example(seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    exposure = rng.lognormal(0, 0.5, (UNITS, PERIODS))
    exposure[rng.random(exposure.shape) < 0.1] = 0
    counts = rng.poisson(rng.gamma(1.0, 2.0, (UNITS, 1)) * exposure).astype(float)
    return counts, exposure


def layout(
    histories: list[list[float]], history: np.ndarray, *, size: int = 1, group: np.ndarray | None = None
) -> tuple[Layout, Assignment]:
    """Points of `size` units each, none of them in a stratum."""
    point = np.arange(UNITS) // size
    by_point = history[::size]
    stratum = np.zeros(len(by_point), dtype=int)
    return Layout(point, group, np.array(histories), by_point[point]), Assignment(stratum, by_point)


def dense(
    counts: np.ndarray,
    exposure: np.ndarray,
    layout: Layout,
    columns: np.ndarray,
    ratio: float,
    summed: np.ndarray,
) -> float:
    """The statistic by regression on dummies with the expected counts as weights; `summed` by unit."""
    observed = layout.histories[layout.unit_history]
    by_point = np.zeros(layout.points, dtype=int)
    by_point[columns % layout.points] = columns // layout.points + 1
    share = layout.histories[by_point[layout.point]]
    slope = share * ratio / (1 - share + share * ratio)
    unit, period = np.nonzero((exposure > 0) & (counts.sum(axis=1, keepdims=True) > 0))
    at = unit, period
    columns = np.column_stack([unit[:, None] == np.unique(unit), period[:, None] == np.arange(1, PERIODS)])
    offset = np.log(exposure[at] * (1 - observed[at] + observed[at] * ratio))
    model = sm.GLM(counts[at], columns.astype(float), family=sm.families.Poisson(), offset=offset)
    expected = model.fit(tol=1e-14, maxiter=300).fittedvalues
    root = np.sqrt(expected)[:, None]
    explained = columns @ np.linalg.lstsq(columns * root, slope[at][:, None] * root, rcond=None)[0]
    efficient = (slope[at] - explained[:, 0]) * (counts[at] - expected)
    sums = np.bincount(summed[unit], weights=efficient)
    return float(sums.sum() / np.sqrt(np.sum(sums**2)))


@pytest.mark.parametrize("ratio", [1.0, 0.5, 2.0])
@pytest.mark.parametrize("case", ["one history", "staggered", "no unit untreated", "clusters", "groups"])
def test_statistics_against_regressions_with_dummies(case: str, ratio: float) -> None:
    counts, exposure = example()
    histories = [NEVER, LATE] if case == "one history" else [NEVER, EARLY, LATE]
    histories = [EARLY, LATE] if case == "no unit untreated" else histories
    history = np.minimum(HISTORY, len(histories) - 1)
    groups = np.arange(UNITS) % 6 if case == "groups" else None
    size = 3 if case == "clusters" else 1
    plan, assignment = layout(histories, history, size=size, group=groups)
    summed = plan.point if groups is None else groups
    drawn = np.vstack([assignment.observed(), assignment.drawn(12, np.random.default_rng(1))])
    got = scores(counts, exposure, plan, ratio=ratio).statistics(drawn)
    expected = [dense(counts, exposure, plan, row, ratio, summed) for row in drawn]
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8)


def test_the_score_vanishes_at_the_estimate() -> None:
    counts, exposure = example()
    plan, assignment = layout([NEVER, EARLY, LATE], HISTORY)
    members = [np.flatnonzero(k == HISTORY)[None, :] for k in (1, 2)]
    found = Refits(counts, exposure, plan.histories).log_ratios(members, start=np.zeros(1))[0]
    at_it = scores(counts, exposure, plan, ratio=float(np.exp(found))).statistics(assignment.observed())
    assert at_it[0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("clusters", [False, True])
def test_standard_error_is_that_of_pyfixest_without_small_sample_factors(clusters: bool) -> None:
    counts, exposure = example()
    groups = np.arange(UNITS) % 8 if clusters else None
    plan, _ = layout([NEVER, EARLY], np.minimum(HISTORY, 1), group=groups)
    unit, period = np.nonzero(exposure > 0)
    frame = pd.DataFrame({"unit": unit, "period": period, "y": counts[unit, period]}).assign(
        d=plan.treated[unit, period], log_e=np.log(exposure[unit, period]), group=unit % 8
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # units without events are dropped
        warnings.simplefilter("ignore", DeprecationWarning)  # of pandas 3.1, in pyfixest 0.60
        fit = pf.fepois(
            "y ~ d | unit + period",
            frame,
            offset="log_e",
            vcov={"CRV1": "group" if clusters else "unit"},
            ssc=pf.ssc(k_adj=False, G_adj=False, k_fixef="none"),
            iwls_tol=1e-13,
            demeaner=pf.MapDemeaner(fixef_tol=1e-13),
        )
    error = standard_error(counts, exposure, plan, log_ratio=float(fit.coef()["d"]))
    assert error == pytest.approx(float(fit.se()["d"]), rel=1e-6)


def test_draws_without_events_to_compare_are_infinite() -> None:
    counts = np.array([[3, 0], [0, 3], [2, 2], [0, 0.0]])
    plan = Layout(np.arange(4), None, np.array([[0, 0], [0, 1.0]]), np.array([1, 0, 0, 0]))
    found = scores(counts, np.ones((4, 2)), plan).statistics(np.arange(4)[:, None])
    assert found[[0, 1, 3]].tolist() == [-np.inf, np.inf, -np.inf]
    assert found[2] == pytest.approx(0)
