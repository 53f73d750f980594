"""Contaminated controls: what is left out, and panels whose controls were reformed too."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from reform_analysis.contamination import contamination
from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import DesignError, UntestableError
from reform_analysis.randomise import randomisation_test
from reform_analysis.simulate import draw_panel

FIT = partial(
    fit_poisson, outcome="losses", terms=["treated"], unit="unit_id", period="period", inference="cluster"
)
ROLLOUT = {"2022": 0.3, "2023": 0.4}


def panel(seed: int, **scenario: object) -> pd.DataFrame:
    options = {"effect": 0.4, "units": 200, "pilots": 60, "counties": 12, "cities": 6, "mean": 1.5}
    df = draw_panel(seed=seed, **(options | scenario))
    return df.assign(treated=(df["pilot"] & (df["period"] >= "2021")).astype(float))


def test_each_variant_leaves_out_what_it_names() -> None:
    df = panel(1, rollout=ROLLOUT)
    frame = contamination(df, FIT, treatment="treated", last_clean_period="2021").to_frame()
    reformed = ~df["pilot"] & (df["adopted"] != "")
    later = df["period"] >= "2022"
    year = df["adopted"].str[:4]
    cells = reformed & (df["period"] >= year)
    expected = {
        "without reformed controls": ~reformed,
        "without their reformed rows": ~cells,
        "up to the last clean period": ~later,
        "both": ~reformed & ~later,
    }
    for name, keep in expected.items():
        assert frame.loc[name, "left_out"] == (~keep).sum()
        assert frame.loc[name, "estimate"] == pytest.approx(FIT(df[keep]).to_frame()["estimate"].iloc[0])
    controls = df[~df["pilot"]]
    own = FIT(controls.assign(treated=cells[~df["pilot"]].astype(float))).to_frame()["estimate"].iloc[0]
    assert frame.loc["reformed controls against the others", "estimate"] == pytest.approx(own)


@pytest.mark.parametrize("seed", [1, 2])
def test_controls_that_the_reform_moved_fail(seed: int) -> None:
    result = contamination(panel(seed, rollout=ROLLOUT), FIT, treatment="treated")
    assert result.passed is False
    assert "Controls' own reform moved them: their ratio is" in result.sentences["en"]


@pytest.mark.parametrize("seed", [1, 2])
def test_flagged_controls_that_did_not_move_pass(seed: int) -> None:
    df = panel(seed)
    flagged = np.random.default_rng(seed).choice(df["unit_id"].unique(), 20, replace=False)
    df["city_pilot"] = df["unit_id"].isin(flagged) & ~df["pilot"]
    result = contamination(df, FIT, treatment="treated", adopted=None, other_pilot="city_pilot")
    assert result.passed is True
    frame = result.to_frame()
    assert (
        frame.loc["without their reformed rows", "left_out"]
        == 3 * df.groupby("unit_id")["city_pilot"].max().sum()
    )
    assert "未见变化" in result.sentences["zh"]


def test_periods_alone_can_be_left_out() -> None:
    result = contamination(panel(1), FIT, treatment="treated", last_clean_period="2022")
    assert result.to_frame().index.tolist() == ["all rows", "up to the last clean period"]
    assert result.passed is True


def test_nothing_flagged_is_not_a_pass() -> None:
    with pytest.raises(UntestableError, match="no control is flagged"):
        contamination(panel(1), FIT, treatment="treated")
    with pytest.raises(DesignError, match="got none"):
        contamination(panel(1), FIT, treatment="treated", adopted=None)
    with pytest.raises(DesignError, match="^last_clean_period must be one of"):
        contamination(panel(1), FIT, treatment="treated", last_clean_period="2030")


def with_flags(seed: int, units: int = 20, **scenario: object) -> pd.DataFrame:
    """Controls flagged by lot, for nothing."""
    df = panel(seed, **scenario)
    controls = df.loc[~df["pilot"], "unit_id"].unique()
    return df.assign(
        city_pilot=df["unit_id"].isin(np.random.default_rng(seed).choice(controls, units, False))
    )


def test_controls_own_reform_is_tested_by_the_randomisation_test() -> None:
    df = with_flags(3)
    frame = contamination(
        df, FIT, treatment="treated", adopted=None, other_pilot="city_pilot", draws=199, seed=5
    ).to_frame()
    own = df.assign(treated=(df["city_pilot"] & (df["period"] >= "2021")).astype(float))[~df["pilot"]]
    test = randomisation_test(
        own, outcome="losses", unit="unit_id", period="period", treatment="treated", draws=199, seed=5
    )
    expected = test.to_frame()["p_value"].iloc[0]
    assert frame.loc["reformed controls against the others", "p_randomised"] == expected
    assert frame["p_randomised"].notna().sum() == 1


def test_false_alarms_keep_their_rate() -> None:
    """Flags by lot and few events: the test is exact, so alarms are binomial with at most 5%."""
    seeds, alarms = 40, 0
    for seed in range(seeds):
        df = with_flags(seed, units=8, effect=None, mean=0.5)
        found = contamination(df, FIT, treatment="treated", adopted=None, other_pilot="city_pilot", draws=99)
        alarms += found.passed is False
    # The 99.9% point of a binomial with 40 trials of 5%.
    assert alarms <= binom.ppf(0.999, seeds, 0.05)


def test_a_conclusion_that_changes_without_a_test_is_for_information() -> None:
    """An effect in the last period alone: up to the one before it there is none to see."""
    df = panel(6, effect=None, mean=3.0)
    gone = df["pilot"] & (df["period"] == "2023")
    df["losses"] = df["losses"].where(~gone, 0)
    result = contamination(df, FIT, treatment="treated", adopted=None, last_clean_period="2022")
    assert result.passed is None
    assert "fewer rows or an effect that grows" in result.sentences["en"]
    assert "行数减少" in result.sentences["zh"]


def test_a_variant_without_an_estimate_is_no_other_conclusion() -> None:
    """Up to 2020 nobody is treated: there is nothing to estimate, and nothing that concludes otherwise."""
    result = contamination(panel(1), FIT, treatment="treated", adopted=None, last_clean_period="2020")
    assert result.passed is None
    assert "another conclusion" not in result.sentences["en"]
    assert "There is no estimate for up to the last clean period" in result.sentences["en"]
    assert "截至推广之前无法估计" in result.sentences["zh"]


USED = {"pre": ["2018", "2019", "2020"], "post": ["2021"]}


def test_a_reform_of_controls_after_the_periods_used_is_for_information() -> None:
    """Controls adopt in 2022 and 2023, and it works: no row of 2018 to 2021 is touched."""
    df = panel(1, rollout=ROLLOUT)
    result = contamination(df, FIT, treatment="treated", **USED)
    assert result.passed is None
    frame = result.to_frame()
    assert frame.index.tolist() == ["all rows", "controls reformed afterwards against the others"]
    used = FIT(df[df["period"] <= "2021"]).to_frame()["estimate"].iloc[0]
    assert frame.loc["all rows", "estimate"] == pytest.approx(used)
    controls = df[~df["pilot"]]
    own = ((controls["adopted"] != "") & (controls["period"] >= controls["adopted"].str[:4])).astype(float)
    later = FIT(controls.assign(treated=own)).to_frame()["estimate"].iloc[0]
    assert frame["estimate"].iloc[1] == pytest.approx(later)
    assert frame["p_randomised"].iloc[1] <= 0.05
    reformed = controls.loc[controls["adopted"] != "", "unit_id"].nunique()
    assert result.sentences["en"].startswith("No control that the estimate uses was reformed in the periods")
    assert (
        f"After 2021, {reformed} of 140 controls were reformed: periods after 2021 must stay out"
        in (result.sentences["en"])
    )
    assert "2021之后的时期不得用于比较，届时对照单位自身的比值为" in result.sentences["zh"]
    assert "do not show what would have been" not in result.sentences["en"]


def test_a_roll_out_by_the_last_period_used_still_fails() -> None:
    df = panel(1, rollout=ROLLOUT)
    result = contamination(df, FIT, treatment="treated", pre=USED["pre"], post=["2021", "2022", "2023"])
    assert result.passed is False
    assert "Controls' own reform moved them" in result.sentences["en"]
    assert "controls reformed afterwards against the others" not in result.to_frame().index


def test_in_the_periods_used_alone_flags_decide_as_in_a_panel_that_ends_there() -> None:
    df = with_flags(3)
    asked = {"treatment": "treated", "adopted": None, "other_pilot": "city_pilot", "draws": 199, "seed": 5}
    whole = contamination(df, FIT, **USED, **asked)
    cut = contamination(df[df["period"] <= "2021"], FIT, **asked)
    pd.testing.assert_frame_equal(whole.to_frame(), cut.to_frame())
    assert whole.sentences == cut.sentences
    assert whole.passed is cut.passed is True


def test_only_what_was_left_out_is_named() -> None:
    """A study that ends with its last clean period has no later periods to leave out, or no flags."""
    flags = contamination(
        with_flags(3), FIT, treatment="treated", adopted=None, other_pilot="city_pilot"
    ).sentences
    assert "without controls that were reformed too (20 of 140): " in flags["en"]
    assert "roll-out" not in flags["en"]
    assert "推广之后的时期" not in flags["zh"]
    periods = contamination(panel(1), FIT, treatment="treated", last_clean_period="2022").sentences
    assert "without periods after the roll-out: " in periods["en"]
    assert "reformed too" not in periods["en"]
    both = contamination(
        with_flags(3),
        FIT,
        treatment="treated",
        adopted=None,
        other_pilot="city_pilot",
        last_clean_period="2022",
    ).sentences
    assert (
        "without controls that were reformed too (20 of 140) and without periods after the roll-out"
        in (both["en"])
    )
    assert "去除也实施了改革的对照单位（140个中20个）与推广之后的时期，结论不变" in both["zh"]


@pytest.mark.parametrize("windows", [{"pre": ["2018"]}, {"pre": ["2018"], "post": ["2030"]}])
def test_periods_used_come_in_pairs_and_are_in_the_panel(windows: dict[str, list[str]]) -> None:
    with pytest.raises(DesignError, match="^pre and post must both name periods of the panel"):
        contamination(panel(1), FIT, treatment="treated", **windows)
