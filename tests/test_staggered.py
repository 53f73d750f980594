"""`staggered` against diff-diff, a regression with every cell's dummy, closed forms and enumeration."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from diff_diff import WooldridgeDiD
from scipy.stats import t

from reform_analysis.estimates import DataError, DesignError, UntestableError
from reform_analysis.simulate import draw_panel
from reform_analysis.staggered import staggered

COLUMNS: dict[str, Any] = {"outcome": "losses", "unit": "unit_id", "period": "period", "adopted": "adopted"}


def panel(**options: Any) -> pd.DataFrame:
    """Pilots of 2021 and two later cohorts."""
    size = {"units": 150, "pilots": 25, "counties": 15, "cities": 5, "mean": 1.0}
    return draw_panel(**{"effect": 0.6, "seed": 7, "rollout": {"2022": 0.2, "2023": 0.2}, **size, **options})


def numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Whole numbers for periods, first treated periods (0: never) and losses."""
    cohort = frame["adopted"].str[:4].replace("", "0").astype(int)
    return frame.assign(t=frame["period"].astype(int), g=cohort, y=frame["losses"].astype(float))


@pytest.mark.parametrize("aggregate", ["simple", "event", "cohort", "calendar"])
def test_equals_diff_diff_without_exposure(aggregate: str) -> None:
    frame = numbered(panel())
    theirs = WooldridgeDiD(method="poisson", control_group="not_yet_treated").fit(
        frame, outcome="y", unit="unit_id", time="t", first_treat="g"
    )
    cells = frame[(frame["g"] > 0) & (frame["t"] >= frame["g"])].groupby(["g", "t"])["y"].agg(["sum", "size"])
    att = pd.Series({cell: effect["att"] for cell, effect in theirs.group_time_effects.items()})
    cells["expected"] = cells["sum"] - cells["size"] * att.reindex(cells.index)
    cells = cells.reset_index()
    keys = {
        "simple": cells["t"] * 0,
        "event": cells["t"] - cells["g"],
        "cohort": cells["g"],
        "calendar": cells["t"],
    }
    sums = cells.groupby(keys[aggregate])[["sum", "expected"]].sum()
    ours = staggered(panel(), **COLUMNS, aggregate=aggregate).to_frame()["estimate"]
    assert ours.to_numpy() == pytest.approx((sums["sum"] / sums["expected"]).to_numpy(), rel=1e-6)


def regression(frame: pd.DataFrame) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
    """Dummies of cohorts, periods and treated cells, with exposure, clustered by unit, uncorrected."""
    treated = (frame["g"] > 0) & (frame["t"] >= frame["g"])
    cell = (10_000 * frame["g"] + frame["t"]).where(treated)
    parts = [pd.get_dummies(frame["g"]), pd.get_dummies(frame["t"]).iloc[:, 1:], pd.get_dummies(cell)]
    design = np.column_stack([part.to_numpy(dtype=float) for part in parts])
    effects = np.zeros(design.shape[1], dtype=bool)
    effects[-parts[2].shape[1] :] = True
    exposure = frame["population"].to_numpy(dtype=float)
    glm = sm.GLM(frame["y"], design, family=sm.families.Poisson(), exposure=exposure)
    groups = pd.factorize(frame["unit_id"])[0]
    fit = glm.fit(
        tol=1e-13,
        tol_criterion="params",
        cov_type="cluster",
        cov_kwds={"groups": groups, "use_correction": False},
    )
    return fit, design[treated], effects, exposure[treated]


def test_equals_g_computation_from_the_full_regression_with_exposure() -> None:
    frame = numbered(panel())
    fit, design, effects, exposure = regression(frame)
    with_effect = exposure * np.exp(design @ fit.params)
    without = exposure * np.exp(design @ np.where(effects, 0.0, fit.params))
    above, below = with_effect / with_effect.sum(), without / without.sum()
    gradient = above @ design - below @ np.where(effects, 0.0, design)
    error = np.sqrt(gradient @ fit.cov_params() @ gradient)
    row = staggered(frame, **COLUMNS, exposure="population").to_frame().loc["att"]
    treated = frame.loc[frame["g"] > 0, "unit_id"].nunique()
    assert row["estimate"] == pytest.approx(with_effect.sum() / without.sum(), rel=1e-9)
    assert row["std_error"] == pytest.approx(error * np.sqrt(treated / (treated - 1)), rel=1e-6)


def test_never_treated_controls_give_each_cohort_its_cross_product() -> None:
    frame = numbered(panel())
    found = staggered(frame, **COLUMNS, aggregate="cohort", controls="never_treated").to_frame()["estimate"]
    never = frame.loc[frame["g"] == 0].groupby("t")["y"].sum()
    for cohort in (2021, 2022, 2023):
        own = frame.loc[frame["g"] == cohort].groupby("t")["y"].sum()
        change = own[own.index >= cohort].sum() / own[own.index < cohort].sum()
        other = never[never.index >= cohort].sum() / never[never.index < cohort].sum()
        assert found[f"cohort_{cohort}"] == pytest.approx(change / other, rel=1e-10)


def tiny(post: tuple[int, int, int, int]) -> pd.DataFrame:
    """Two pilots and two controls, two periods."""
    start, pre = (1.0, 1.0, np.nan, np.nan), (4, 2, 5, 3)
    units = zip("abcd", start, pre, post, strict=True)
    rows = [(unit, t, begun, (before, after)[t]) for unit, begun, before, after in units for t in (0, 1)]
    return pd.DataFrame(rows, columns=["unit", "t", "start", "y"])


TINY: dict[str, Any] = {"outcome": "y", "unit": "unit", "period": "t", "adopted": "start"}


def test_bootstrap_draws_are_those_of_the_enumeration() -> None:
    frame = tiny((2, 3, 7, 4))
    counts = frame.pivot_table(index="unit", columns="t", values="y").to_numpy()
    ratios = [
        (counts[list(p), 1].sum() / counts[list(p), 0].sum())
        / (counts[list(c), 1].sum() / counts[list(c), 0].sum())
        for p, c in product(product((0, 1), repeat=2), product((2, 3), repeat=2))
    ]
    row = staggered(frame, **TINY, inference="bootstrap", seed=1, draws=999).to_frame().loc["att"]
    # The smallest and the largest of the 16 equally likely draws have probability 1/16, above 2.5%.
    assert [row["ci_low"], row["ci_high"]] == pytest.approx([min(ratios), max(ratios)], rel=1e-10)


def test_bootstrap_repeats_with_its_seed_and_needs_one() -> None:
    frame = panel()
    options = {"inference": "bootstrap", "seed": 4, "draws": 99}
    first, second = (staggered(frame, **COLUMNS, **options).to_frame() for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    with pytest.raises(DesignError, match="seed must be given"):
        staggered(frame, **COLUMNS, inference="bootstrap")


def test_an_interval_without_bounds_is_said_to_be_open() -> None:
    """Three events in one unit bound nothing: (3 / 3)^2 is below every critical value."""
    row = staggered(tiny((3, 0, 7, 4)), **TINY).to_frame().loc["att"]
    assert row["ci_low"] == 0
    assert row["ci_high"] == np.inf


def test_no_events_under_treatment_is_0_without_an_interval() -> None:
    row = staggered(tiny((0, 0, 7, 4)), **TINY).to_frame().loc["att"]
    assert row["estimate"] == 0
    assert row[["std_error", "ci_low", "ci_high", "p_value"]].isna().all()


def test_no_events_without_treatment_is_infinite() -> None:
    row = staggered(tiny((1, 2, 0, 0)), **TINY).to_frame().loc["att"]
    assert row["estimate"] == np.inf
    assert row[["std_error", "ci_low", "ci_high", "p_value"]].isna().all()


def test_reformed_controls_are_left_out() -> None:
    """Cohorts after the last clean period are controls there, unless another pilot has them."""
    frame = panel()
    frame = frame.assign(other=frame["city"] == frame["city"].iloc[0])
    options = {"exposure": "population", "last_clean_period": "2021"}
    flagged = frame.assign(other=frame["other"] & (frame["adopted"] == ""))
    found = staggered(flagged, **COLUMNS, **options, other_pilot="other")
    kept = frame[(frame["period"] <= "2021") & ~flagged["other"]]
    expected = staggered(kept, **COLUMNS, exposure="population")
    pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame())
    reasons = {reason.split(" (")[0] for reason in found.dropped["reason"]}
    assert reasons == {"after last_clean_period 2021", "control in other"}


def score(frame: pd.DataFrame, ratio: float, exposure: str) -> float:
    """Observed less ratio times expected events over the root of units' squares, by derivatives."""

    def left(weights: np.ndarray) -> float:
        weighed = frame.assign(**{name: frame[name] * weights for name in ("losses", exposure)})
        row = staggered(weighed, **COLUMNS, exposure=exposure).to_frame().loc["att", "estimate"]
        treated = (frame["adopted"] != "") & (frame["period"] >= frame["adopted"].str[:4])
        observed = weighed.loc[treated, "losses"].sum()
        return float(observed - ratio * observed / row)

    step, one = 1e-4, np.ones(len(frame))
    sides = [
        [one + sign * step * (frame["unit_id"] == unit) for sign in (1, -1)]
        for unit in frame["unit_id"].unique()
    ]
    slopes = [(left(up) - left(down)) / (2 * step) for up, down in sides]
    return left(one) / float(np.sqrt(np.square(slopes).sum()))


def test_bounds_are_where_the_score_test_turns() -> None:
    frame = panel(units=40, pilots=15, counties=5, mean=4.0, heterogeneity=0.2)
    frame = frame.assign(losses=frame["losses"].astype(float), population=frame["population"].astype(float))
    row = staggered(frame, **COLUMNS, exposure="population").to_frame().loc["att"]
    critical = t.ppf(0.975, 39)
    assert 0 < row["ci_low"] < row["ci_high"] < np.inf
    assert score(frame, row["ci_low"], "population") == pytest.approx(critical, rel=1e-6)
    assert score(frame, row["ci_high"], "population") == pytest.approx(-critical, rel=1e-6)
    p_value = 2 * t.sf(abs(score(frame, 1.0, "population")), 39)
    assert row["p_value"] == pytest.approx(p_value, rel=1e-5)


def test_periods_without_controls_and_units_always_treated_are_left_out() -> None:
    frame = tiny((2, 3, 7, 4)).assign(start=[1, 1, 1, 1, 2, 2, 0, 0])
    late = frame.loc[frame["t"] == 1].assign(t=2)
    found = staggered(pd.concat([frame, late], ignore_index=True), **TINY)
    reasons = found.dropped["reason"].tolist()
    assert reasons[0] == "treated in every period observed: no counterfactual (1 units)"
    assert reasons[1] == "no not-yet-treated unit in the period (3 units)"
    with pytest.raises(UntestableError):
        staggered(frame.assign(start=1), **TINY)
    with pytest.raises(DataError, match="aggregate must be one of"):
        staggered(frame, **TINY, aggregate="unit")
