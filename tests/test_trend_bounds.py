"""Bounds on a common trend against honestdid's stored ones, breakdown values against grids, verdicts."""

import dataclasses
import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from scipy import stats

from reform_analysis import did
from reform_analysis.estimates import DataError, DesignError
from reform_analysis.event_coefficients import EventCoefficients
from reform_analysis.relative_magnitudes import Moments, ends, moments
from reform_analysis.simulate import draw_panel
from reform_analysis.trend_bounds import Kind, breakdown_value, common_trend_bounds

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "trend_bounds.json").read_text(encoding="utf-8")
)
FALL = EventCoefficients([0.03, -0.02, -0.7, -0.8], 0.005 * (np.eye(4) + 1), n_pre=2)


def study(name: str) -> EventCoefficients:
    return EventCoefficients(REFERENCE[name]["beta"], REFERENCE[name]["vcov"], REFERENCE[name]["n_pre"])


def sizes_and_ends(name: str, kind: Kind) -> list[tuple[float, np.ndarray]]:
    rows = REFERENCE[name][kind]
    assert len(rows) == 3
    return [(size, np.array([low, high])) for size, low, high in rows]


def on_grid(ends: np.ndarray, step: float) -> np.ndarray:
    """The outermost points of honestdid's grid (odd multiples of half a step) within the ends."""
    return (np.r_[np.ceil(ends[0] / step - 0.5), np.floor(ends[1] / step - 0.5)] + 0.5) * step


def with_stored_first_stage(name: str, position: int, mbar: float) -> tuple[list[Moments], list[float]]:
    """Our moments and honestdid's simulated critical values of the first stage, in our order."""
    weights, n_pre = np.array(REFERENCE[name]["weights"]), REFERENCE[name]["n_pre"]
    stored = np.array(REFERENCE[name]["first_stage"]).reshape(3, n_pre, 2)[position].T.ravel().tolist()
    return list(moments(study(name), weights, mbar, level=0.95)), stored


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_relative_magnitudes_are_honestdids_to_a_step_of_its_grid(name: str) -> None:
    step = REFERENCE[name]["grid_step"]
    for position, (mbar, expected) in enumerate(sizes_and_ends(name, "relative_magnitudes")):
        ours, stored = with_stored_first_stage(name, position, mbar)
        replaced = [dataclasses.replace(each, first=value) for each, value in zip(ours, stored, strict=True)]
        found = [pair for pair in (ends(each, level=0.95) for each in replaced) if pair is not None]
        outer = np.array([min(low for low, _ in found), max(high for _, high in found)])
        assert on_grid(outer, step) == pytest.approx(expected, abs=1.000001 * step)


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_first_stage_agrees_with_honestdids_simulation(name: str) -> None:
    """Its quantile of simulated draws lies between ours at 4 standard errors of its tail on either side."""
    weights, draws = np.array(REFERENCE[name]["weights"]), REFERENCE[name]["draws"]
    error = 4 * np.sqrt(0.005 * 0.995 / draws)
    for position, (mbar, _) in enumerate(sizes_and_ends(name, "relative_magnitudes")):
        _, stored = with_stored_first_stage(name, position, mbar)
        for tail, sign in ((0.005 + error, 1), (max(0.005 - error, 1e-6), -1)):
            bounds = moments(study(name), weights, mbar, level=1 - 10 * tail)
            assert all(sign * (value - each.first) > 0 for value, each in zip(stored, bounds, strict=True))


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_smoothness_is_honestdids_to_a_step_of_the_grid(name: str) -> None:
    rows = sizes_and_ends(name, "smoothness")
    found = common_trend_bounds(
        study(name), kind="smoothness", mbar=[m for m, _ in rows], weights=REFERENCE[name]["weights"]
    ).to_frame()
    for m, expected in rows:
        ours = np.log(found.loc[f"{m:.4g}", ["ci_low", "ci_high"]].to_numpy(float))
        assert ours == pytest.approx(expected, abs=REFERENCE[name]["grid_step"])


@pytest.mark.parametrize("name", sorted(REFERENCE))
@pytest.mark.parametrize(("kind", "step"), [("relative_magnitudes", 0.05), ("smoothness", 0.01)])
def test_breakdown_by_halving_is_the_grids(name: str, kind: Kind, step: float) -> None:
    weights = REFERENCE[name]["weights"]
    found = breakdown_value(study(name), np.array(weights), kind=kind)
    around = [step * np.floor(found / step), step * np.ceil(found / step)]
    frame = common_trend_bounds(study(name), kind=kind, mbar=around, weights=weights).to_frame()
    assert frame["excludes_one"].iloc[1:3].tolist() == [True, False]
    assert frame.loc["breakdown", "size"] == found
    at_it = frame.loc["breakdown", ["ci_low", "ci_high"]].to_numpy(float)
    assert np.abs(np.log(at_it)).min() == pytest.approx(0, abs=1e-6)


def test_passes_a_clean_fall_and_fails_a_trend() -> None:
    clean = common_trend_bounds(FALL)
    assert clean.passed is True
    assert f"at most {clean.to_frame().loc['breakdown', 'size']:.2f} times" in clean.sentences["en"]
    trend = EventCoefficients(-0.35 * np.array([-2.0, -1.0, 1.0, 2.0]), FALL.vcov, n_pre=2)
    assert common_trend_bounds(trend).passed is False
    straight = common_trend_bounds(trend, kind="smoothness")
    assert straight.passed is False
    assert np.isnan(straight.to_frame().loc["breakdown", "size"])
    assert "if the straight difference in earlier trends goes on, it holds 1" in straight.sentences["en"]


def test_where_the_original_holds_one_nothing_breaks_down_though_a_straight_line_would_exclude_it() -> None:
    """Pilots rose before; the interval under an exact common trend holds 1, that at M = 0 does not."""
    vcov = np.diag([0.02, 0.02, 0.09]) + 0.01
    rising = EventCoefficients([-0.8, -0.3, -0.55], vcov, n_pre=2)
    assert np.isnan(breakdown_value(rising, np.ones(1), kind="smoothness"))
    found = common_trend_bounds(rising, kind="smoothness")
    frame = found.to_frame()
    assert found.passed is None
    assert not frame.loc["original", "excludes_one"]
    assert frame["excludes_one"].iloc[1]
    assert np.isnan(frame.loc["breakdown", "size"])
    assert not frame.loc["breakdown", "excludes_one"]
    low, high = frame[["ci_low", "ci_high"]].iloc[1]
    assert "no finding" in found.sentences["en"]
    assert f"goes on, the interval is {low:.2f} to {high:.2f}, without 1" in found.sentences["en"]
    assert f"区间为{low:.2f}至{high:.2f}，不含1" in found.sentences["zh"]


def test_no_finding_cannot_break_down() -> None:
    null = EventCoefficients([0.03, -0.02, -0.01, 0.02], FALL.vcov, n_pre=2)
    found = common_trend_bounds(null)
    assert found.passed is None
    assert np.isnan(found.to_frame().loc["breakdown", "size"])
    assert "no finding" in found.sentences["en"]


def test_default_sizes_follow_the_earlier_path() -> None:
    sizes = common_trend_bounds(FALL, kind="smoothness").to_frame()["size"].iloc[1:5].tolist()
    assert sizes == pytest.approx([0, 0.5 * 0.07, 0.07, 2 * 0.07])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"kind": "other"}, DataError, "^kind must"),
        ({"mbar": [-1]}, DataError, "^mbar must"),
        ({"mbar": []}, DataError, "^mbar must"),
        ({"mbar": 1.0}, DataError, "^mbar must"),
        ({"mbar": ["1"]}, DataError, "^mbar must"),
        ({"mbar": [np.inf]}, DataError, "^mbar must"),
        ({"ci_level": 95}, DataError, "^ci_level must"),
        ({"weights": [1.0]}, DesignError, "^weights must"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        common_trend_bounds(FALL, **arguments)


def test_one_earlier_period_has_no_curvature_of_its_own() -> None:
    short = EventCoefficients([0.1, -0.7], [[0.02, 0.01], [0.01, 0.02]], n_pre=1)
    with pytest.raises(DesignError, match="^mbar must be given"):
        common_trend_bounds(short, kind="smoothness")


def test_an_event_study_of_counts_gives_the_bounds_of_its_own_numbers() -> None:
    df = draw_panel(seed=1, effect=0.3, units=400, pilots=80, counties=40, mean=2.0)
    df["start"] = df["adopted"].where(df["pilot"], "")
    events = did.event_study(
        df, outcome="losses", unit="unit_id", period="period", adopted="start", inference="cluster"
    )
    frame = events.to_frame()
    assert frame.index.tolist() == ["event_-3", "event_-2", "event_0", "event_1", "event_2"]
    numbers = EventCoefficients(np.log(frame["estimate"]), events.vcov, n_pre=2)
    for kind in get_args(Kind):
        result = common_trend_bounds(events, kind=kind)
        assert result.to_frame().equals(common_trend_bounds(numbers, kind=kind).to_frame())
        assert result.synthetic
    weight = np.array([0, 0, 1, 1, 1]) / 3
    centre = np.exp(weight @ np.log(frame["estimate"]))
    reach = np.exp(stats.norm.ppf(0.975) * np.sqrt(weight @ events.vcov @ weight))
    original = result.to_frame().loc["original", ["ci_low", "ci_high"]].astype(float)
    assert original.to_numpy() == pytest.approx([centre / reach, centre * reach], rel=1e-12)


@pytest.mark.filterwarnings("ignore::reform_analysis.estimates.StatisticalWarning")
@pytest.mark.parametrize(("cities", "said"), [(6, True), (60, False)])
def test_few_clusters_are_said(cities: int, said: bool) -> None:
    frame = draw_panel(units=240, pilots=100, counties=60, cities=cities, mean=4.0, effect=0.5, seed=1)
    columns = {"outcome": "losses", "unit": "unit_id", "period": "period", "exposure": "population"}
    found = did.event_study(frame, **columns, adopted="adopted", cluster="city", inference="cluster")
    notes = common_trend_bounds(found).notes
    assert any("not as t with 5 degrees of freedom" in note for note in notes) == said
