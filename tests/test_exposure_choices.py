"""Denominators: the same conclusion for counts and rates, and denominators that move."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import DesignError
from reform_analysis.exposure_choices import exposure_choices
from reform_analysis.simulate import draw_panel

FIT = partial(
    fit_poisson, outcome="losses", terms=["treated"], unit="unit_id", period="period", inference="cluster"
)


def panel(seed: int, effect: float | None) -> pd.DataFrame:
    df = draw_panel(seed=seed, effect=effect, units=200, pilots=60, counties=12, cities=6, mean=2.0)
    return df.assign(treated=(df["pilot"] & (df["period"] >= "2021")).astype(float))


def fewer_cases(seed: int) -> pd.DataFrame:
    """Losses fall because cases do: as many of those concluded are lost."""
    df, rng = panel(seed, None), np.random.default_rng(seed)
    share = np.where(df["treated"] > 0, 0.4, 1.0)
    won = df["lawsuits_concluded"].astype(int) - df["losses"].astype(int)
    losses = rng.binomial(df["losses"].astype(int), share)
    return df.assign(losses=losses, lawsuits_concluded=losses + rng.binomial(won, share))


def test_each_rate_is_the_fit_with_that_exposure() -> None:
    df = panel(1, 0.5)
    frame = exposure_choices(df, FIT, exposures=["lawsuits_concluded", "disputes"]).to_frame()
    for name in ("lawsuits_concluded", "disputes"):
        expected = FIT(df, exposure=name).to_frame()["estimate"].iloc[0]
        assert frame.loc[name, "estimate"] == pytest.approx(expected, rel=1e-9)
        moved = FIT(df, outcome=name).to_frame()["estimate"].iloc[0]
        assert frame.loc[f"moved: {name}", "estimate"] == pytest.approx(moved, rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2])
def test_fewer_cases_fail_and_fewer_losses_pass(seed: int) -> None:
    exposures = ["lawsuits_concluded", "population"]
    failed = exposure_choices(fewer_cases(seed), FIT, exposures=exposures)
    assert failed.passed is False
    assert "The conclusion depends on the denominator" in failed.sentences["en"]
    assert "行政诉讼审结本身也变了" in failed.sentences["zh"]
    assert exposure_choices(panel(seed, 0.3), FIT, exposures=exposures).passed is True


def test_no_denominator_that_stands_still_is_a_failure() -> None:
    df = panel(1, 0.3)
    moved = df.assign(disputes=(df["disputes"].astype(int) * np.where(df["treated"] > 0, 2, 1)))
    result = exposure_choices(moved, FIT, exposures=["disputes"])
    assert result.passed is False
    assert "none can be used" in result.sentences["en"]


def test_a_denominator_must_be_named() -> None:
    with pytest.raises(DesignError, match="^exposures must name at least one column"):
        exposure_choices(panel(1, 0.5), FIT, exposures=[])


EMPTY = {
    "blank": lambda _: np.nan,
    "all zero": lambda _: 0.0,
    "missing in treated rows": lambda df: df["disputes"].astype(float).where(df["treated"] == 0),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_a_denominator_without_values_is_left_out_and_named(kind: str) -> None:
    df = panel(1, 0.3)
    emptied = df.assign(disputes=EMPTY[kind](df))
    result = exposure_choices(emptied, FIT, exposures=["disputes", "population"])
    assert result.passed is True
    assert "over Administrative disputes cannot be estimated" in result.sentences["en"]
    assert "以行政争议发案量为分母无法估计" in result.sentences["zh"]
    assert exposure_choices(df, FIT, exposures=["disputes", "population"]).passed is True


def test_without_one_rate_that_can_be_estimated_nothing_is_decided() -> None:
    result = exposure_choices(panel(1, 0.3).assign(disputes=np.nan), FIT, exposures=["disputes"])
    assert result.passed is None
    assert "not tested" in result.sentences["en"]
