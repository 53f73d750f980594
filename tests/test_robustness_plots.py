"""The specification curve as drawn: order, filling, a row an alternative."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from reform_analysis import robustness_plots
from reform_analysis.estimates import CheckResult
from reform_analysis.specification_curve import SpecificationCurve


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def curve(*, synthetic: bool = False) -> SpecificationCurve:
    frame = pd.DataFrame(
        {
            "outcome": "losses",
            "exposure": ["none", "population"] * 2,
            "coding": ["binary"] * 2 + ["drop"] * 2,
            "controls": "none",
            "sample": "all",
            "weights": "equal",
            "estimate": [0.8, 0.5, 1.2, 0.6],
            "ci_low": [0.4, 0.25, 0.6, 0.3],
            "ci_high": [1.6, 1.0, 2.4, 1.2],
            "p_claimed": [0.2, 0.01, 0.9, 0.02],
        },
        index=pd.RangeIndex(1, 5, name="specification"),
    )
    return SpecificationCurve(frame, pd.DataFrame(), "fall", 99, "rate_ratio", 0.95, synthetic)


def dots(ax: Axes) -> dict[str, list[tuple[float, float]]]:
    """Points by the colour they are filled with."""
    lines = [line for line in ax.get_lines() if line.get_marker() == "o"]
    return {
        str(line.get_markerfacecolor()): list(zip(line.get_xdata(), line.get_ydata(), strict=True))
        for line in lines
    }


def test_estimates_stand_in_order_and_significant_ones_are_filled() -> None:
    ax = robustness_plots.specification_curve(curve())
    found = dots(ax)
    assert found.pop("white") == [(2, 0.8), (3, 1.2)]
    assert next(iter(found.values())) == [(0, 0.5), (1, 0.6)]
    assert ax.get_yscale() == "log"


@pytest.mark.parametrize(
    ("language", "names"),
    [
        (
            "en",
            [
                "exposure: none",
                "exposure: Residents",
                "coding: treated or not",
                "coding: without the partly treated period",
            ],
        ),
        ("zh", ["分母：无", "分母：常住人口", "时间编码：按是否已实施", "时间编码：去除部分处理的时期"]),
    ],
)
def test_a_row_stands_for_every_alternative_of_a_real_choice(language: str, names: list[str]) -> None:
    ax = robustness_plots.specification_curve(curve(), language=language)
    below = ax.child_axes[0]
    assert [text.get_text() for text in below.get_yticklabels()] == names
    marks = [np.asarray(line.get_xdata()).tolist() for line in below.get_lines()]
    assert marks == [[2, 3], [0, 1], [0, 2], [1, 3]]


def test_synthetic_data_are_marked() -> None:
    ax = robustness_plots.specification_curve(curve(synthetic=True), language="zh")
    assert [text.get_gid() for text in ax.texts] == ["synthetic"]
    assert not robustness_plots.specification_curve(curve()).texts


def relaxed(breakdown: float, *, synthetic: bool = False) -> CheckResult:
    frame = pd.DataFrame(
        {
            "size": [np.nan, 0.5, 1.0, 2.0, breakdown],
            "ci_low": [0.4, 0.35, 0.3, 0.2, 0.36],
            "ci_high": [0.9, 1.05, 1.3, 2.0, 1.0],
            "excludes_one": [True, False, False, False, True],
        },
        index=pd.Index(["original", "0.5", "1", "2", "breakdown"], name="variant"),
    )
    said = {"zh": "一句。", "en": "A sentence."}
    return CheckResult("common_trend_bounds", False, said, frame, synthetic)


def test_bounds_widen_from_the_exact_trend_and_the_breakdown_is_marked() -> None:
    ax = robustness_plots.trend_bounds(relaxed(0.32, synthetic=True), kind="relative_magnitudes")
    bars = [path.vertices for each in ax.collections for path in each.get_paths()]
    assert [tuple(bar[:, 1]) for bar in bars] == [(0.4, 0.9), (0.35, 1.05), (0.3, 1.3), (0.2, 2.0)]
    assert [bar[0, 0] for bar in bars[1:]] == [0.5, 1.0, 2.0]
    assert bars[0][0, 0] < 0
    dotted = [line for line in ax.get_lines() if line.get_linestyle() == ":"]
    assert [list(line.get_xdata()) for line in dotted] == [[0.32, 0.32]]
    assert any("0.32" in text.get_text() for text in ax.texts)
    assert any(text.get_gid() == "synthetic" for text in ax.texts)


@pytest.mark.parametrize("breakdown", [np.nan, np.inf, 5.0])
def test_a_breakdown_off_the_axis_is_not_drawn(breakdown: float) -> None:
    ax = robustness_plots.trend_bounds(relaxed(breakdown), kind="smoothness", language="zh")
    assert not [line for line in ax.get_lines() if line.get_linestyle() == ":"]
    assert ax.get_xlabel() == "斜率每期变化的上限（对数）"
