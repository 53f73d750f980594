"""Bounds on a common trend against honestdid's stored ones, breakdown values against grids, verdicts."""

import json
from pathlib import Path

import numpy as np
import pytest

from reform_analysis.estimates import DataError, DesignError
from reform_analysis.event_coefficients import EventCoefficients
from reform_analysis.trend_bounds import Kind, breakdown_value, common_trend_bounds

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "trend_bounds.json").read_text(encoding="utf-8")
)
FALL = EventCoefficients([0.03, -0.02, -0.7, -0.8], 0.005 * (np.eye(4) + 1), n_pre=2)


def study(name: str) -> EventCoefficients:
    return EventCoefficients(REFERENCE[name]["beta"], REFERENCE[name]["vcov"], REFERENCE[name]["n_pre"])


@pytest.mark.parametrize("name", sorted(REFERENCE))
@pytest.mark.parametrize("kind", ["relative_magnitudes", "smoothness"])
def test_equals_honestdid_to_a_step_of_its_grid(name: str, kind: Kind) -> None:
    rows = REFERENCE[name][kind]
    found = common_trend_bounds(
        study(name), kind=kind, mbar=[size for size, _, _ in rows], weights=REFERENCE[name]["weights"]
    ).to_frame()
    assert len(rows) == 3
    step = REFERENCE[name]["grid_step"]
    for size, low, high in rows:
        ends = np.log(found.loc[f"{size:.4g}", ["ci_low", "ci_high"]].to_numpy(float))
        if kind == "relative_magnitudes":  # its ends are the outermost grid points that it keeps
            ends = (np.r_[np.ceil(ends[0] / step - 0.5), np.floor(ends[1] / step - 0.5)] + 0.5) * step
        assert ends == pytest.approx([low, high], abs=1.000001 * step)


@pytest.mark.parametrize("name", sorted(REFERENCE))
@pytest.mark.parametrize(("kind", "step"), [("relative_magnitudes", 0.05), ("smoothness", 0.01)])
def test_breakdown_by_halving_is_the_grids(name: str, kind: Kind, step: float) -> None:
    weights = REFERENCE[name]["weights"]
    found = breakdown_value(study(name), np.array(weights), kind=kind)
    around = [step * np.floor(found / step), step * np.ceil(found / step)]
    frame = common_trend_bounds(study(name), kind=kind, mbar=around, weights=weights).to_frame()
    assert frame["excludes_one"].iloc[1:3].tolist() == [True, False]
    assert frame.loc["breakdown", "size"] == found
    ends = frame.loc["breakdown", ["ci_low", "ci_high"]].to_numpy(float)
    assert np.abs(np.log(ends)).min() == pytest.approx(0, abs=1e-6)


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


def test_no_finding_cannot_break_down() -> None:
    null = EventCoefficients([0.03, -0.02, -0.01, 0.02], FALL.vcov, n_pre=2)
    found = common_trend_bounds(null)
    assert found.passed is None
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
