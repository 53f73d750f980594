"""Displacement and attribution: shares by hand, and losses that only moved."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from reform_analysis.counts import fit_poisson
from reform_analysis.displacement import attribution, displacement
from reform_analysis.estimates import DataError, DesignError
from reform_analysis.simulate import draw_panel

FIT = partial(
    fit_poisson, outcome="losses", terms=["treated"], unit="unit_id", period="period", inference="cluster"
)
COUNTIES = {"county": "county", "county_total": "total"}


def panel(seed: int, effect: float | None) -> pd.DataFrame:
    df = draw_panel(seed=seed, effect=effect, units=200, pilots=60, counties=40, cities=6, mean=2.0)
    treated = (df["pilot"] & (df["period"] >= "2021")).astype(float)
    df = df.assign(treated=treated, losses=df["losses"].astype(int), into=df["corrections"].astype(int))
    return df.assign(total=df.groupby(["county", "period"])["losses"].transform("sum"))


def moved(seed: int) -> pd.DataFrame:
    """No effect; 60% of the pilots' losses are counted elsewhere after the reform."""
    df = panel(seed, None)
    share = np.where(df["treated"] > 0, 0.4, 1.0)
    kept = np.random.default_rng(seed).binomial(df["losses"], share)
    return df.assign(losses=kept, into=df["into"] + df["losses"] - kept)


def test_the_cases_that_came_and_went_by_hand() -> None:
    df = moved(1)
    frame = displacement(df, FIT, into=["into"], treatment="treated").to_frame()
    for name, outcome in {
        "losses": df["losses"],
        "into": df["into"],
        "all together": df["losses"] + df["into"],
    }.items():
        ratio = FIT(df.assign(losses=outcome)).to_frame()["estimate"].iloc[0]
        total = outcome[df["treated"] > 0].sum()
        assert frame.loc[name, "estimate"] == pytest.approx(ratio, rel=1e-9)
        assert frame.loc[name, "change"] == pytest.approx(total - total / ratio, rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2])
def test_losses_that_moved_fail_and_losses_that_went_pass(seed: int) -> None:
    failed = displacement(moved(seed), FIT, into=["into"], treatment="treated")
    assert failed.passed is False
    assert "cases may only have moved" in failed.sentences["en"]
    assert "全部转移不能排除" in failed.sentences["zh"]
    passed = displacement(panel(seed, 0.3), FIT, into=["into"], treatment="treated")
    assert passed.passed is True
    assert "full displacement is excluded" in passed.sentences["en"]


def test_a_large_other_account_drowns_the_outcome_and_the_sentence_says_so() -> None:
    df = panel(1, 0.5)
    big = df.assign(into=np.random.default_rng(1).poisson(200.0, len(df)))
    result = displacement(big, FIT, into=["into"], treatment="treated")
    assert result.passed is None
    assert "whether cases went or only moved is not decided" in result.sentences["en"]
    assert "没有判定" in result.sentences["zh"]
    assert "full displacement is not excluded" in result.sentences["en"]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_change_of_name_fails(seed: int) -> None:
    failed = attribution(moved(seed), FIT, department="into", treatment="treated")
    assert failed.passed is False
    assert "may only have changed name" in failed.sentences["en"]
    passed = attribution(panel(seed, 0.3), FIT, department="into", treatment="treated")
    assert passed.passed is True


def test_a_fall_that_the_sum_does_not_show_fails() -> None:
    df = panel(1, 0.5)
    noisy = df.assign(into=np.random.default_rng(1).poisson(200.0, len(df)))
    result = attribution(noisy, FIT, department="into", treatment="treated")
    assert result.passed is False
    assert "under one name alone" in result.sentences["en"]


def test_county_totals_stand_beside_for_information() -> None:
    df = panel(2, 0.3)
    result = attribution(df, FIT, department="into", treatment="treated", **COUNTIES)
    by_county = df.groupby(["county", "period"], sort=False)
    counties = by_county.agg(losses=("losses", "sum"), treated=("treated", "mean")).reset_index()
    spec = {"unit": "county", "cluster": "county"}
    expected = FIT(counties, **spec).to_frame()["estimate"].iloc[0]
    assert result.to_frame().loc["county totals", "estimate"] == pytest.approx(expected, rel=1e-8)
    assert "County totals give" in result.sentences["en"]


def test_what_cannot_be_added_up_is_refused() -> None:
    df = panel(1, 0.5)
    with pytest.raises(DesignError, match="^into must name at least one column other than the outcome"):
        displacement(df, FIT, into=["losses"], treatment="treated")
    with pytest.raises(DesignError, match="given together"):
        attribution(df, FIT, department="into", treatment="treated", county="county")
    wrong = df.assign(total=np.arange(len(df)))
    with pytest.raises(DataError, match="^'total' must be one number a county and period"):
        attribution(wrong, FIT, department="into", treatment="treated", **COUNTIES)


def test_an_account_without_cases_is_not_known_to_be_still() -> None:
    df = panel(1, 0.3).assign(into=0)
    found = displacement(df, FIT, into=["into"], treatment="treated")
    assert found.passed is None
    assert "not tested whether cases moved" in found.sentences["en"]
    assert attribution(df, FIT, department="into", treatment="treated").passed is None


def test_other_accounts_that_fell_are_given_no_negative_share() -> None:
    df = panel(1, 0.3)
    fewer = np.where(df["treated"] > 0, 0.5, 1.0)
    df = df.assign(into=np.random.default_rng(2).binomial(df["into"] + 3, fewer))
    found = displacement(df, FIT, into=["into"], treatment="treated")
    assert found.passed is True
    assert found.to_frame().loc["into", "change"] < 0
    assert "the other accounts fell too" in found.sentences["en"]
    assert "-" not in found.sentences["en"].split("At the estimates")[1]
