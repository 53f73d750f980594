"""Batched Poisson fits: against statsmodels with dummies and pyfixest, draw by draw; infinite estimates."""

import warnings

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize_scalar

from reform_analysis.poisson_effects import Refits, at_infinity, fit_periods, slopes

UNITS, PERIODS = 30, 5


def example(seed: int = 3, *, gaps: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Counts with units and cells missing, and exposures."""
    rng = np.random.default_rng(seed)
    exposure = rng.lognormal(0, 0.5, (UNITS, PERIODS))
    if gaps:
        exposure[rng.random(exposure.shape) < 0.1] = 0
    counts = rng.poisson(rng.gamma(1.0, 1.5, (UNITS, 1)) * exposure).astype(float)
    return counts, exposure


def long(counts: np.ndarray, exposure: np.ndarray, treated: np.ndarray) -> pd.DataFrame:
    unit, period = np.indices(counts.shape)
    frame = pd.DataFrame(
        {
            "unit": unit.ravel(),
            "period": period.ravel(),
            "y": counts.ravel(),
            "e": exposure.ravel(),
            "d": treated.ravel(),
        }
    )
    return frame[frame["e"] > 0].assign(log_e=lambda f: np.log(f["e"]))


def by_pyfixest(frame: pd.DataFrame) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # units without events are dropped
        warnings.simplefilter("ignore", DeprecationWarning)  # of pandas 3.1, in pyfixest 0.60
        fit = pf.fepois(
            "y ~ d | unit + period",
            frame,
            offset="log_e",
            vcov="iid",
            iwls_tol=1e-13,
            demeaner=pf.MapDemeaner(fixef_tol=1e-13),
        )
    return float(fit.coef()["d"])


def with_dummies(counts: np.ndarray, exposure: np.ndarray, held: np.ndarray) -> object:
    """Poisson GLM with unit and period dummies, units without events left out."""
    some = counts.sum(axis=1) > 0
    frame = long(counts[some], (exposure * held)[some], np.zeros_like(counts[some]))
    dummies = pd.get_dummies(frame[["unit", "period"]].astype(str), dtype=float)
    columns = dummies.drop(columns=["period_0"]).to_numpy()
    model = sm.GLM(frame["y"], columns, family=sm.families.Poisson(), offset=frame["log_e"])
    return model.fit(tol=1e-13, maxiter=200), frame


def test_period_effects_against_a_model_with_dummies() -> None:
    counts, exposure = example()
    fitted, frame = with_dummies(counts, exposure, np.ones_like(counts))
    some = np.flatnonzero(counts.sum(axis=1) > 0)
    expected = fit_periods(counts, exposure).expected[some[frame["unit"]], frame["period"]]
    np.testing.assert_allclose(expected, fitted.fittedvalues, rtol=1e-7, atol=1e-9)


def test_expected_counts_keep_both_margins() -> None:
    counts, exposure = example(8)
    expected = fit_periods(counts, exposure).expected
    for axis in (0, 1):
        np.testing.assert_allclose(expected.sum(axis=axis), counts.sum(axis=axis), atol=1e-9)


def test_a_period_without_events_is_expected_to_have_none() -> None:
    counts, exposure = example(8)
    counts[:, 2] = 0
    assert (fit_periods(counts, exposure).expected[:, 2] == 0).all()


@pytest.mark.parametrize("gaps", [False, True])
def test_refits_are_those_of_pyfixest_draw_by_draw(gaps: bool) -> None:
    counts, exposure = example(gaps=gaps)
    history = np.array([0, 0, 0, 1, 1.0])
    rng = np.random.default_rng(1)
    members = np.array([rng.choice(UNITS, 8, replace=False) for _ in range(12)])
    refits = Refits(counts, exposure, np.array([0 * history, history]))
    got = refits.log_ratios([members], start=np.zeros(12))
    for found, chosen in zip(got, members, strict=True):
        treated = np.zeros_like(counts)
        treated[chosen] = history
        assert found == pytest.approx(by_pyfixest(long(counts, exposure, treated)), abs=1e-8)


def test_refits_of_staggered_histories() -> None:
    counts, exposure = example(5)
    histories = np.array([[0, 0, 0, 0, 0], [0, 1, 1, 1, 1], [0, 0, 0, 1, 1], [0, 0, 1, 1, 0.0]])
    rng = np.random.default_rng(2)
    orders = np.array([rng.permutation(UNITS) for _ in range(8)])
    members = [orders[:, 3 * k : 3 * k + 3 + k] for k in (0, 1, 3)]
    got = Refits(counts, exposure, histories).log_ratios(members, start=np.zeros(8))
    for row, found in enumerate(got):
        treated = np.zeros_like(counts)
        for history, chosen in zip(histories[1:], members, strict=True):
            treated[chosen[row]] = history
        assert found == pytest.approx(by_pyfixest(long(counts, exposure, treated)), abs=1e-8)


def test_places_left_empty_hold_nobody() -> None:
    counts, exposure = example()
    refits = Refits(counts, exposure, np.array([[0, 0, 0, 0, 0], [0, 0, 1, 1, 1.0]]))
    plain = refits.log_ratios([np.arange(6)[None, :]], start=np.zeros(1))
    padded = refits.log_ratios([np.array([[*range(6), UNITS, UNITS]])], start=np.zeros(1))
    assert padded[0] == pytest.approx(plain[0], abs=1e-10)


def test_a_period_treated_in_part_is_fitted_by_its_mean() -> None:
    counts, exposure = example(4)
    history = np.array([0, 0, 7 / 12, 1, 1])
    chosen = np.arange(10)
    treated = np.zeros_like(counts)
    treated[chosen] = history

    def minus_log_likelihood(log_ratio: float) -> float:
        fitted, _ = with_dummies(counts, exposure, 1 - treated + treated * np.exp(log_ratio))
        return -float(fitted.llf)

    by_profile = minimize_scalar(minus_log_likelihood, bounds=(-2, 2), method="bounded").x
    refits = Refits(counts, exposure, np.array([0 * history, history]))
    # The optimiser's own tolerance in log_ratio is 1e-5.
    assert refits.log_ratios([chosen[None, :]], start=np.zeros(1))[0] == pytest.approx(by_profile, abs=2e-5)


def test_an_estimate_that_runs_away_is_infinite() -> None:
    counts, exposure = example(gaps=False)
    counts[:4, 3:] = 0
    refits = Refits(counts, exposure, np.array([[0, 0, 0, 0, 0], [0, 0, 0, 1, 1.0]]))
    assert refits.log_ratios([np.arange(4)[None, :]], start=np.zeros(1))[0] == -np.inf


def test_slopes_are_the_derivative_of_the_log_mean() -> None:
    share = np.array([0, 0.25, 7 / 12, 1])
    step = 1e-6
    up, down = (np.log(1 - share + share * np.exp(np.log(0.4) + sign * step)) for sign in (1, -1))
    np.testing.assert_allclose(slopes(share, 0.4), (up - down) / (2 * step), atol=1e-9)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((0, 3, 5, 5), -np.inf),
        ((3, 0, 5, 5), np.inf),
        ((3, 3, 0, 5), np.inf),
        ((3, 3, 5, 0), -np.inf),
        ((0, 0, 5, 5), -np.inf),
        ((3, 3, 5, 5), 0),
    ],
)
def test_where_the_estimate_is_infinite(events: tuple[int, ...], expected: float) -> None:
    assert at_infinity(*(np.array([float(n)]) for n in events))[0] == expected


def test_infinite_estimates_are_where_the_likelihood_says() -> None:
    """Two periods: the estimate is the log of the cross-product ratio, infinite with a 0 in it."""
    table = {"treated": (4.0, 6.0), "others": (5.0, 3.0)}
    refits = Refits(np.array(list(table.values())), np.ones((2, 2)), np.array([[0.0, 0.0], [0.0, 1.0]]))
    got = refits.log_ratios([np.array([[0]])], start=np.zeros(1))[0]
    assert got == pytest.approx(np.log(6 * 5 / (4 * 3)), abs=1e-10)
