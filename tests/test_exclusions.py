"""A null result excludes what lies beyond its interval, and nothing where the interval is open."""

import math

import pytest

from reform_analysis.exclusions import excluded_ends
from reform_analysis.wording import LANGUAGES, excluded_text

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("scale", "low", "high", "below", "above"),
    [
        ("rate_ratio", 0.6, 1.3, 0.6, 1.3),
        ("rate_ratio", 0.0, 1.3, NAN, 1.3),
        ("rate_ratio", 0.6, INF, 0.6, NAN),
        ("rate_ratio", NAN, 1.3, NAN, 1.3),
        ("rate_ratio", 1.0, 1.3, 1.0, 1.3),
        ("odds_ratio", 0.0, INF, NAN, NAN),
        ("correlation", -0.2, 0.1, -0.2, 0.1),
        ("correlation", -1.0, 1.0, NAN, NAN),
        ("difference", -INF, 2.0, NAN, 2.0),
        ("log_rate_ratio", -0.5, 0.3, -0.5, 0.3),
    ],
)
def test_values_beyond_the_ends_are_excluded(
    scale: str, low: float, high: float, below: float, above: float
) -> None:
    assert excluded_ends(low, high, scale=scale) == pytest.approx((below, above), nan_ok=True)


@pytest.mark.parametrize(
    ("scale", "low", "high"),
    [
        ("rate_ratio", 0.4, 0.9),
        ("rate_ratio", 1.01, INF),
        ("rate_ratio", NAN, 0.9),
        ("correlation", 0.01, 0.3),
        ("correlation", NAN, NAN),
        ("proportion", 0.1, 0.9),
    ],
)
def test_what_is_no_null_result_says_nothing(scale: str, low: float, high: float) -> None:
    assert excluded_ends(low, high, scale=scale) is None
    assert [excluded_text(low, high, scale=scale, language=each) for each in LANGUAGES] == ["", ""]


@pytest.mark.parametrize(
    ("scale", "low", "high", "chinese", "english"),
    [
        (
            "rate_ratio",
            0.6,
            1.3,
            "低于0.60或高于1.30的比值",
            "only ratios below 0.60 or above 1.30 are excluded",
        ),
        ("rate_ratio", 0.6, INF, "再大的都没有排除", "only ratios below 0.60 are excluded, and none above"),
        ("rate_ratio", 0.0, 1.3, "再小的都没有排除", "only ratios above 1.30 are excluded, and none below"),
        ("rate_ratio", 0.0, INF, "再小或再大的比值都没有排除", "no ratios are excluded"),
        ("rate_ratio", 0.0012, 1.3, "低于0.0012", "below 0.0012 or"),
        ("rate_ratio", 0.6, 1.0004, "高于1.0004", "above 1.0004"),
        ("correlation", -0.2, 0.1, "低于-0.20或高于0.10的相关系数", "correlations below -0.20 or above 0.10"),
    ],
)
def test_the_clause_names_the_ends(scale: str, low: float, high: float, chinese: str, english: str) -> None:
    assert chinese in excluded_text(low, high, scale=scale, language="zh")
    assert english in excluded_text(low, high, scale=scale, language="en")
