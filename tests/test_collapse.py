"""Series counted as one: what is refitted, and panels whose result rests on a series."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from reform_analysis.collapse import series_collapse
from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import DataError, DesignError
from reform_analysis.simulate import draw_panel

FIT = partial(
    fit_poisson, outcome="losses", terms=["treated"], unit="unit_id", period="period", inference="cluster"
)


def panel(seed: int, effect: float | None) -> pd.DataFrame:
    df = draw_panel(seed=seed, effect=effect, units=150, pilots=50, counties=12, cities=6, mean=2.0)
    return df.assign(
        treated=(df["pilot"] & (df["period"] >= "2021")).astype(float), losses=df["losses"].astype(int)
    )


def batches(seed: int) -> pd.DataFrame:
    """No effect; twelve pilots each with 20 suits over one act in 2020."""
    df = panel(seed, None)
    early = np.flatnonzero(df["pilot"] & (df["period"] == "2020"))
    hit = np.isin(np.arange(len(df)), np.random.default_rng(seed).choice(early, 12, replace=False))
    return df.assign(net=df["losses"] + hit, losses=df["losses"] + 20 * hit)


def test_a_cap_is_a_refit_of_the_smaller_count() -> None:
    df = panel(1, 0.5)
    frame = series_collapse(df, FIT, caps=[2]).to_frame()
    capped = df.assign(losses=df["losses"].clip(upper=2))
    assert frame.loc["at most 2", "estimate"] == pytest.approx(FIT(capped).to_frame()["estimate"].iloc[0])
    assert frame.loc["at most 2", "total"] == capped["losses"].sum()
    assert frame.loc["at most 2", "changed"] == (df["losses"] > 2).sum()
    assert frame.loc["as counted", "changed"] == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_result_made_by_batches_fails_with_net_counts(seed: int) -> None:
    df = batches(seed)
    assert FIT(df).to_frame()["p_value"].iloc[0] < 0.05
    net = series_collapse(df, FIT, events="net")
    assert net.passed is False
    assert "rests on series" in net.sentences["en"]
    assert "系于系列诉讼" in net.sentences["zh"]


def test_caps_alone_find_most_batches() -> None:
    """Chance makes some capped panels significant; `benchmarks/fit_checks.py` has the rates."""
    failed = [series_collapse(batches(seed), FIT).passed is False for seed in range(1, 6)]
    assert sum(failed) >= 3


@pytest.mark.parametrize("seed", [1, 2])
def test_a_strong_effect_survives(seed: int) -> None:
    df = panel(seed, 0.35)
    result = series_collapse(df.assign(net=df["losses"].clip(upper=3)), FIT, events="net")
    assert result.passed is True
    assert series_collapse(df, FIT).passed is True


def test_net_counts_above_the_counts_are_refused() -> None:
    df = panel(1, 0.5)
    df["net"] = df["losses"] + (df.index == df.index[4])
    with pytest.raises(DataError, match="^events 'net' must be at most the outcome, row"):
        series_collapse(df, FIT, events="net")
    with pytest.raises(DesignError, match="^caps must hold at least one number"):
        series_collapse(df, FIT, caps=[])
