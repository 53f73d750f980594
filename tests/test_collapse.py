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
    frame = series_collapse(df, FIT, caps=[2], treatment="treated").to_frame()
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
    failed = [
        series_collapse(batches(seed), FIT, treatment="treated").passed is False for seed in range(1, 6)
    ]
    assert sum(failed) >= 3


@pytest.mark.parametrize("seed", [1, 2])
def test_a_strong_effect_survives(seed: int) -> None:
    df = panel(seed, 0.35)
    result = series_collapse(df.assign(net=df["losses"].clip(upper=3)), FIT, events="net")
    assert result.passed is True
    assert series_collapse(df, FIT, treatment="treated").passed is True


def test_net_counts_above_the_counts_are_refused() -> None:
    df = panel(1, 0.5)
    df["net"] = df["losses"] + (df.index == df.index[4])
    with pytest.raises(DataError, match="^events 'net' must be at most the outcome, row"):
        series_collapse(df, FIT, events="net")
    with pytest.raises(DesignError, match="^caps must hold at least one number"):
        series_collapse(df, FIT, caps=[])


def one_by_one(seed: int) -> pd.DataFrame:
    """Independent Poisson suits without any series, and a ratio of 0.6."""
    rng, units = np.random.default_rng(seed), 600
    pilot = np.repeat(np.arange(units) < 89, 4)
    treated = pilot & np.tile([False, False, False, True], units)
    level = np.repeat(rng.gamma(2, 0.5, units), 4)
    return pd.DataFrame(
        {
            "unit_id": np.repeat(np.arange(units), 4),
            "period": np.tile(np.arange(4), units),
            "city": np.repeat(np.arange(units) % 40, 4),
            "treated": treated.astype(float),
            "losses": rng.poisson(0.64 * level * np.where(treated, 0.6, 1.0)),
        }
    )


def cap_changes(df: pd.DataFrame) -> bool:
    capped = df.assign(losses=df["losses"].clip(upper=1))
    p_values = [FIT(each, cluster="city").to_frame()["p_value"].iloc[0] for each in (df, capped)]
    return bool(p_values[0] <= 0.05 < p_values[1])


def test_a_cap_that_changes_the_conclusion_of_suits_that_come_one_by_one_finds_no_series() -> None:
    """`benchmarks/fit_checks.py` has the rate of false alarms over many panels."""
    df = next(df for df in map(one_by_one, range(20)) if cap_changes(df))
    result = series_collapse(df, partial(FIT, cluster="city"), caps=[1], treatment="treated", draws=99)
    assert result.passed is None
    assert "No series is shown" in result.sentences["en"]
    assert "没有显示出系列诉讼" in result.sentences["zh"]
    frame = result.to_frame()
    low, high = frame.loc["at most 1", ["chance_low", "chance_high"]]
    assert low < frame.loc["at most 1", "estimate"] < high
    assert np.sqrt(low * high) > frame.loc["as counted", "estimate"]  # a cap pulls a fall towards 1


def test_the_value_of_a_cap_stands_beside_its_name() -> None:
    result = series_collapse(panel(1, 0.35), FIT, caps=[2, 3], treatment="treated")
    value = result.to_frame().loc["at most 2", "estimate"]
    assert (
        f"{value:.2f} (" in result.sentences["en"].partition("with at most 2 (tried: at most 2, at most 3")[0]
    )
