"""Ratios of sums: the three inferences on one example, and draws that are undefined."""

from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from reform_analysis.estimates import Estimates
from reform_analysis.imputation import imputation
from reform_analysis.simulate import draw_panel
from reform_analysis.staggered import staggered
from reform_analysis.treated_ratio import Inference

COLUMNS: dict[str, Any] = {"outcome": "losses", "unit": "unit_id", "period": "period", "adopted": "adopted"}


def panel(**options: Any) -> pd.DataFrame:
    size = {"units": 120, "pilots": 40, "counties": 12, "cities": 4, "mean": 2.0}
    return draw_panel(**{"effect": 0.6, "seed": 21, **size, **options})


def row(frame: pd.DataFrame, inference: Inference, **options: Any) -> pd.Series:
    seed = {"seed": 1, "draws": 199} if inference == "bootstrap" else {}
    return imputation(frame, **COLUMNS, inference=inference, **seed, **options).to_frame().loc["att"]


def test_the_estimate_is_the_same_whatever_the_inference() -> None:
    found = [row(panel(), inference)["estimate"] for inference in get_args(Inference)]
    assert found[0] == found[1] == found[2]
    assert row(panel(), "score")["std_error"] == row(panel(), "delta")["std_error"]


@pytest.mark.parametrize("inference", ["score", "delta"])
def test_the_interval_holds_1_exactly_where_p_exceeds_its_level(inference: Inference) -> None:
    frame = panel()
    p_value = row(frame, inference)["p_value"]
    assert 0.5 > p_value > 1e-6
    inside, outside = (row(frame, inference, ci_level=1 - p_value * (1 + by)) for by in (-1e-6, 1e-6))
    assert inside["ci_high"] > 1 > outside["ci_high"]


def test_a_scale_of_counts_leaves_everything_and_one_of_exposure_too() -> None:
    frame = panel().assign(area=2.0)
    plain = row(frame, "score")
    np.testing.assert_allclose(row(frame, "score", exposure="area"), plain, rtol=1e-10)
    doubled = frame.assign(losses=2 * frame["losses"].astype(float))
    np.testing.assert_allclose(row(doubled, "score"), plain, rtol=1e-10)


def test_undefined_draws_open_the_interval() -> None:
    """One control unit holds every event before treatment: 1 in e draws has no untreated event at all."""
    frame = pd.DataFrame([(u, t) for u in range(60) for t in (0, 1)], columns=["unit", "t"])
    frame["start"] = np.where(frame["unit"] < 30, 1.0, np.nan)
    frame["y"] = np.where((frame["unit"] < 30) & (frame["t"] == 1), 1.0, 0.0)
    frame.loc[frame["unit"] == 59, "y"] = 5.0
    columns = {"outcome": "y", "unit": "unit", "period": "t", "adopted": "start"}
    found = imputation(frame, **columns, inference="bootstrap", seed=3, draws=199).to_frame().loc["att"]
    assert found["estimate"] == np.inf
    assert found["ci_low"] == 0
    assert found["ci_high"] == np.inf
    assert np.isnan(found["std_error"])


def clustered(seed: int, clusters: int) -> pd.DataFrame:
    """Eight units of a few clusters, two cohorts of two units, three periods."""
    frame = pd.DataFrame([(unit, t) for unit in range(8) for t in range(3)], columns=["unit", "t"])
    frame["start"] = frame["unit"].map({0: 1.0, 1: 1.0, 2: 2.0, 3: 2.0})
    counts = np.random.default_rng(seed).poisson(6, len(frame))
    return frame.assign(y=counts, of=frame["unit"] % clusters)


def at_ratio(frame: pd.DataFrame, ratio: float) -> Estimates:
    """The test of a ratio: that of 1, once the treated cells' exposures are multiplied by it."""
    exposure = np.where(frame["start"] <= frame["t"], ratio, 1.0)
    columns = {"outcome": "y", "unit": "unit", "period": "t", "adopted": "start", "cluster": "of"}
    return staggered(frame.assign(below=exposure), **columns, exposure="below")


@pytest.mark.filterwarnings("ignore:few clusters:reform_analysis.estimates.StatisticalWarning")
@pytest.mark.parametrize(("seed", "clusters"), [(0, 2), (2, 2), (4, 2), (8, 2), (1, 3), (5, 3), (9, 3)])
def test_the_interval_is_the_hull_of_the_ratios_accepted(seed: int, clusters: int) -> None:
    frame = clustered(seed, clusters)
    grid = np.exp(np.linspace(-6, 6, 121))
    accepted = np.array([at_ratio(frame, ratio).to_frame().loc["att", "p_value"] > 0.05 for ratio in grid])
    result = at_ratio(frame, 1.0)
    low, high = result.to_frame().loc["att", ["ci_low", "ci_high"]]
    inside = np.flatnonzero(accepted)
    assert (low == 0) == accepted[0]
    assert (high == np.inf) == accepted[-1]
    assert low <= grid[inside[0]] <= low * np.exp(0.1) or accepted[0]
    assert high * np.exp(-0.1) <= grid[inside[-1]] <= high or accepted[-1]
    gaps = not accepted[inside[0] : inside[-1] + 1].all()
    assert any("have gaps" in note for note in result.notes) == gaps
