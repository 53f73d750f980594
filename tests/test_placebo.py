"""Placebos: what is refitted, the verdict over the family, and faults that must be found."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import DesignError, UntestableError
from reform_analysis.placebo import placebo_dates, placebo_outcomes
from reform_analysis.simulate import draw_panel

FIT = partial(
    fit_poisson, outcome="losses", terms=["treated"], unit="unit_id", period="period", inference="cluster"
)


def panel(seed: int, **scenario: object) -> pd.DataFrame:
    options = {"effect": 0.5, "units": 120, "pilots": 40, "counties": 12, "cities": 6, "mean": 2.0}
    df = draw_panel(seed=seed, **(options | scenario))
    return df.assign(treated=(df["pilot"] & (df["period"] >= "2021")).astype(float))


def trending(seed: int) -> pd.DataFrame:
    """Pilots' losses fall by 40% a year from the first year on."""
    df = panel(seed, effect=None)
    share = np.where(df["pilot"], 0.6 ** (df["period"].astype(int) - 2018), 1.0)
    return df.assign(losses=np.random.default_rng(seed).binomial(df["losses"].astype(int), share))


def test_a_date_is_a_refit_on_the_periods_before_the_reform() -> None:
    df = panel(1)
    frame = placebo_dates(df, FIT, treatment="treated").to_frame()
    assert frame.index.tolist() == ["2019", "2020"]
    early = df[df["period"] < "2021"]
    pretended = early.assign(treated=(early["pilot"] & (early["period"] >= "2020")).astype(float))
    expected = FIT(pretended).to_frame().iloc[0]
    assert frame.loc["2020", "estimate"] == pytest.approx(expected["estimate"], rel=1e-10)
    assert frame.loc["2020", "n_obs"] <= len(early)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_trend_before_adoption_fails_and_a_clean_panel_passes(seed: int) -> None:
    failed = placebo_dates(trending(seed), FIT, treatment="treated")
    assert failed.passed is False
    assert "had already come apart" in failed.sentences["en"]
    passed = placebo_dates(panel(seed), FIT, treatment="treated")
    assert passed.passed is True
    assert "并未排除" in passed.sentences["zh"]


def test_the_verdict_is_over_the_family() -> None:
    """A p of 0.03 is no alarm among two, nor is one of 0.06 alone."""

    def told(df: pd.DataFrame, **spec: object) -> object:
        result = FIT(df.assign(losses=1 + df["losses"].astype(int)), **(spec | {"outcome": "losses"}))
        frame = result.to_frame()
        frame["p_value"] = {"corrections": 0.03, "lawsuits_filed": 0.9}[str(spec["outcome"])]
        return type(result)(frame, "rate_ratio", 0.95, "told", 1)

    result = placebo_outcomes(panel(1), told, outcomes=["corrections", "lawsuits_filed"])
    assert result.passed is True
    assert result.to_frame()["holm"].tolist() == pytest.approx([0.06, 0.9])
    assert placebo_outcomes(panel(1), told, outcomes=["corrections"]).passed is False


@pytest.mark.parametrize("seed", [1, 2])
def test_an_outcome_that_moves_fails(seed: int) -> None:
    df = panel(seed, mean=4.0)
    assert placebo_outcomes(df, FIT, outcomes=["corrections"]).passed is True
    share = np.where(df["treated"] > 0, 0.3, 1.0)
    moved = df.assign(corrections=np.random.default_rng(seed).binomial(df["corrections"].astype(int), share))
    assert placebo_outcomes(moved, FIT, outcomes=["corrections"]).passed is False


def test_a_mapping_passes_further_keywords() -> None:
    df = panel(1)
    plain = placebo_outcomes(df, FIT, outcomes=["corrections"]).to_frame()
    spec = {"corrections": {"exposure": "population"}}
    per_head = placebo_outcomes(df, FIT, outcomes=spec).to_frame()
    expected = FIT(df, outcome="corrections", exposure="population").to_frame().iloc[0]["estimate"]
    assert per_head.loc["corrections", "estimate"] == pytest.approx(expected, rel=1e-10)
    assert per_head.loc["corrections", "estimate"] != plain.loc["corrections", "estimate"]


def test_what_cannot_be_asked_is_refused() -> None:
    df = panel(1)
    with pytest.raises(DesignError, match="^dates must name periods before the reform"):
        placebo_dates(df, FIT, treatment="treated", dates=["2018"])
    with pytest.raises(DesignError, match="^outcomes must name at least one column"):
        placebo_outcomes(df, FIT, outcomes=[])
    with pytest.raises(UntestableError, match="needs at least two periods"):
        placebo_dates(df[df["period"] >= "2020"], FIT, treatment="treated")
