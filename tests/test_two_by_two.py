"""`two_by_two` against R, exact tails, the Poisson regression, and its zero cells."""

from fractions import Fraction
from math import comb, inf, isnan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import DataError, DesignError, Estimates, UntestableError
from reform_analysis.simulate import draw_panel
from reform_analysis.two_by_two import two_by_two

R_OUTPUT = pd.read_csv(Path(__file__).parent / "reference" / "fisher_test.csv", comment="#")
R_UNIROOT = (
    np.finfo(float).eps ** 0.25
)  # fisher.test solves for the bound, or for its inverse above 1, to that
CELLS = ["treated_pre", "treated_post", "control_pre", "control_post"]


def table(cells: list[int], exposures: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)) -> pd.DataFrame:
    """Two units, two periods."""
    return pd.DataFrame(
        {
            "unit": ["a", "a", "b", "b"],
            "period": ["2020", "2021"] * 2,
            "pilot": [True, True, False, False],
            "losses": cells,
            "cases": exposures,
        }
    )


def compare(frame: pd.DataFrame, **options: object) -> Estimates:
    columns = {"outcome": "losses", "unit": "unit", "period": "period", "treatment": "pilot"}
    return two_by_two(frame, **{**columns, "pre": "2020", "post": "2021", **options})


def only_row(frame: pd.DataFrame, **options: object) -> pd.Series:
    return compare(frame, **options).to_frame().loc["treatment_post"]


@pytest.mark.parametrize("case", R_OUTPUT.index)
def test_agrees_with_r(case: int) -> None:
    expected = R_OUTPUT.loc[case]
    frame = table(expected[CELLS].astype(int).tolist(), (1.0, expected["odds"], 1.0, 1.0))
    row = only_row(frame, exposure="cases", ci_level=expected["ci_level"])
    assert row["p_value"] == pytest.approx(expected["p_value"], rel=1e-6)
    for name in ("ci_low", "ci_high"):
        ours, theirs = row[name] * expected["odds"], expected[name]
        if theirs > 1:
            ours, theirs = 1 / ours, 1 / theirs
        assert ours == pytest.approx(theirs, abs=R_UNIROOT)


def tail(cells: list[int], odds: float, *, upper: bool) -> float:
    """Tail of the noncentral hypergeometric law, in exact arithmetic."""
    treated, control, after = cells[0] + cells[1], cells[2] + cells[3], cells[1] + cells[3]
    values = range(max(0, after - control), min(treated, after) + 1)
    weights = {k: comb(treated, k) * comb(control, after - k) * Fraction(odds) ** k for k in values}
    part = sum(w for k, w in weights.items() if (k >= cells[1] if upper else k <= cells[1]))
    return float(part / sum(weights.values()))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 30), min_size=4, max_size=4), st.sampled_from([0.25, 1.0, 1.75]))
def test_interval_cuts_both_tails_alike(cells: list[int], ratio: float) -> None:
    result = compare(table(cells, (1.0, ratio, 1.0, 1.0)), exposure="cases")
    row = result.to_frame().loc["treatment_post"]
    if row["ci_low"] > 0:
        assert tail(cells, row["ci_low"] * ratio, upper=True) == pytest.approx(0.025, rel=1e-8)
    if row["ci_high"] < inf:
        assert tail(cells, row["ci_high"] * ratio, upper=False) == pytest.approx(0.025, rel=1e-8)
    central = min(1.0, 2 * min(tail(cells, ratio, upper=side) for side in (True, False)))
    assert result.p_central is not None
    assert result.p_central["treatment_post"] == pytest.approx(central, rel=1e-8)


def test_equals_the_poisson_regression_on_a_balanced_panel() -> None:
    panel = draw_panel(effect=0.6, seed=3, units=120, pilots=20, counties=12, cities=4)
    panel = panel.assign(treated=(panel["pilot"] & (panel["period"] >= "2021")).astype(float))
    columns = {"outcome": "losses", "unit": "unit_id", "period": "period"}
    fit = fit_poisson(panel, **columns, terms=["treated"], inference="hc")
    ours = two_by_two(
        panel,
        **columns,
        treatment="pilot",
        pre=["2018", "2019", "2020"],
        post=["2021", "2022", "2023"],
    )
    assert ours.to_frame().loc["treatment_post", "estimate"] == pytest.approx(
        fit.to_frame().loc["treated", "estimate"], rel=1e-10
    )


@pytest.mark.parametrize(
    ("cells", "estimate"),
    [([3, 0, 5, 9], 0.0), ([0, 3, 5, 9], inf), ([0, 3, 0, 5], np.nan), ([0, 0, 5, 9], np.nan)],
)
def test_zero_cells_are_said_as_they_are(cells: list[int], estimate: float) -> None:
    row = only_row(table(cells))
    assert row["estimate"] == estimate or (isnan(row["estimate"]) and isnan(estimate))
    assert isnan(row["std_error"])
    assert row["ci_low"] == 0 if estimate == 0 or isnan(estimate) else row["ci_low"] > 0
    assert row["ci_high"] == inf if estimate == inf or isnan(estimate) else row["ci_high"] < inf


def test_exposure_divides_the_cross_product() -> None:
    row = only_row(table([10, 8, 20, 30], (100.0, 160.0, 50.0, 60.0)), exposure="cases")
    assert row["estimate"] == pytest.approx((8 / 160 / (10 / 100)) / (30 / 60 / (20 / 50)), rel=1e-12)
    assert row["std_error"] == pytest.approx(np.sqrt(1 / 8 + 1 / 10 + 1 / 30 + 1 / 20), rel=1e-12)


def test_incomplete_units_and_periods_outside_are_left_out() -> None:
    extra = table([1, 1, 1, 1]).assign(unit=["c", "c", "d", "d"])
    frame = pd.concat(
        [table([10, 8, 20, 30]), extra.iloc[:3], table([7, 7, 7, 7]).assign(period="2019").iloc[[0]]]
    )
    result = compare(frame.reset_index(drop=True))
    assert result.dropped.to_numpy().tolist() == [
        ["pilot", "period in neither pre nor post (1 units)", 1],
        ["other", "lacks a period of pre or post (1 units)", 1],
    ]
    assert result.to_frame().loc["treatment_post", "estimate"] == pytest.approx((9 / 11) / (30 / 20))
    assert result.n_obs == 6
    assert "exact for independent Poisson counts only" in result.notes[-1]


def test_a_row_without_events_or_exposure_stays() -> None:
    extra = table([0, 4, 0, 0], (0.0, 5.0, 3.0, 4.0)).assign(unit=["c", "c", "d", "d"])
    frame = pd.concat([table([10, 8, 20, 30]), extra], ignore_index=True)
    assert compare(frame, exposure="cases").n_obs == 8


def test_refusals() -> None:
    frame = table([10, 8, 20, 30])
    with pytest.raises(DesignError, match="must not overlap"):
        compare(frame, post=["2020", "2021"])
    with pytest.raises(DesignError, match="post must name periods that are in the data and clean"):
        compare(frame, last_clean_period="2020")
    with pytest.raises(DataError, match="whole counts"):
        compare(frame.assign(losses=[1.5, 2, 3, 4]))
    with pytest.raises(DataError, match="constant within a unit"):
        compare(frame.assign(pilot=[True, False, False, False]))
    with pytest.raises(UntestableError, match="none of 'other'"):
        compare(frame[frame["unit"] == "a"])
