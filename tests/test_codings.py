"""Codings of time: each variant is the refit it names, and faults of timing are found."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from reform_analysis.codings import timing_codings
from reform_analysis.counts import fit_poisson
from reform_analysis.simulate import draw_panel
from reform_analysis.treatment import treated_fraction

FIT = partial(
    fit_poisson, outcome="losses", terms=["treated"], unit="unit_id", period="period", inference="cluster"
)


def panel(seed: int, **scenario: object) -> pd.DataFrame:
    options = {"effect": 0.4, "units": 200, "pilots": 60, "counties": 12, "cities": 6, "mean": 1.5}
    df = draw_panel(seed=seed, **(options | scenario))
    df["adopted"] = df["adopted"].where(~df["pilot"], "2021-05")
    return df.assign(treated=treated_fraction(df) * df["pilot"])


def test_every_coding_is_the_refit_it_names() -> None:
    df = panel(1)
    frame = timing_codings(df, FIT, treatment="treated").to_frame()
    assert frame.index.tolist() == ["as reported", "fraction", "binary", "drop", "without 2020"]
    binary = df.assign(treated=(df["pilot"] & (df["period"] >= "2021")).astype(float))
    expected = {
        "fraction": FIT(df),
        "binary": FIT(binary),
        # Only the pilots' rows of 2021 are partly treated.
        "drop": FIT(binary[~(binary["pilot"] & (binary["period"] == "2021"))]),
        "without 2020": FIT(df[df["period"] != "2020"]),
    }
    for name, fit in expected.items():
        assert frame.loc[name, "estimate"] == pytest.approx(fit.to_frame()["estimate"].iloc[0], rel=1e-9)


def test_a_year_of_adoption_alone_leaves_the_fraction_out() -> None:
    df = panel(1)
    df["adopted"] = df["adopted"].where(~df["pilot"], "2021")
    frame = timing_codings(df, FIT, treatment="treated", without=()).to_frame()
    assert frame.index.tolist() == ["as reported", "binary", "drop"]


@pytest.mark.parametrize("seed", [1, 2])
def test_pilots_chosen_on_2020_fail_and_a_clean_effect_passes(seed: int) -> None:
    chosen = timing_codings(panel(seed, effect=None, selection=2.0), FIT, treatment="treated")
    assert chosen.passed is False
    assert "without 2020" in chosen.sentences["en"]
    assert "去除2020" in chosen.sentences["zh"]
    assert timing_codings(panel(seed), FIT, treatment="treated").passed is True


@pytest.mark.parametrize(("ratio", "passed"), [(0.2, False), (1.0, True)])
def test_acts_from_before_the_reform_are_a_negative_control(ratio: float, passed: bool) -> None:
    df = panel(3, mean=3.0)
    rng = np.random.default_rng(3)
    share = np.where(df["treated"] > 0, ratio, 1.0)
    df["old"] = rng.binomial(rng.poisson(1.5, len(df)), share)
    result = timing_codings(df, FIT, treatment="treated", earlier_acts="old")
    assert result.passed is passed
    key = "did not change" if passed else "cannot have changed their legality"
    assert key in result.sentences["en"]


def test_a_coding_that_cannot_be_estimated_leaves_the_question_open() -> None:
    df = panel(1).query("period <= '2021'")
    result = timing_codings(df, FIT, treatment="treated", without=())
    assert result.to_frame().loc["drop", "conclusion"] == "not estimated"
    assert result.passed is None
    assert "Not estimable, and so not tested: " in result.sentences["en"]


def test_periods_that_are_numbers_are_left_out_alike() -> None:
    df = panel(1).astype({"period": int})
    assert "without 2020" in timing_codings(df, FIT, treatment="treated").to_frame().index
