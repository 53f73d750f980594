"""The numbers of the first sentence: those that decide, each once, in both languages."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis.brief_numbers import briefly
from reform_analysis.estimates import CheckResult
from reform_analysis.wording import LANGUAGES

SAID = {"zh": "很长的一句。", "en": "A long sentence."}


def shrinkage(*, passed: bool | None, base: tuple[float, ...], own: tuple[float, ...]) -> CheckResult:
    rows = [base, own, (0.97, 0.71, 1.33)]
    frame = pd.DataFrame(
        rows, index=["base_period", "predicted", "pooled"], columns=["ratio", "ci_low", "ci_high"]
    )
    return CheckResult("baseline_shrinkage", passed, SAID, frame)


def simulation(*, passed: bool | None, observed: float = 0.65) -> CheckResult:
    rows = {"at_random": [1.0, 0.61, 1.62], "on_base_period": [0.96, 0.58, 1.49]}
    rows["observed"] = [observed, np.nan, np.nan]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["ratio", "low", "high"])
    return CheckResult("selection_simulation", passed, SAID, frame)


def bounds(breakdown: float, low: float = 0.24, high: float = 1.36) -> CheckResult:
    rows = {"original": [np.nan, low, high], "breakdown": [breakdown, np.nan, np.nan]}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["size", "ci_low", "ci_high"])
    return CheckResult("common_trend_bounds", None, SAID, frame)


def test_an_open_question_of_selection_shows_the_interval_that_holds_one_and_no_number_twice() -> None:
    held = shrinkage(passed=None, base=(0.65, 0.36, 1.06), own=(0.65, 0.38, 1.02))
    assert briefly([simulation(passed=None), held], "en") == [
        "against the base period 0.65, whose interval 0.36 to 1.06 holds 1",
        "by chance without an effect 0.61 to 1.62",
    ]
    assert briefly([simulation(passed=None), held], "zh") == [
        "以基期为准0.65，其区间0.36至1.06含1",
        "随机选择、没有效果也可得0.61至1.62",
    ]


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (
            shrinkage(passed=False, base=(0.5, 0.3, 0.8), own=(0.9, 0.7, 1.2)),
            "against the base period 0.50, against earlier levels 0.90, interval of the latter 0.70 to 1.20",
        ),
        (
            shrinkage(passed=None, base=(0.5, 0.3, 0.8), own=(0.6, 0.4, 0.9)),
            "against earlier levels 0.60, if chosen on all earlier periods 0.97, interval of the latter 0.71 "
            "to 1.33",
        ),
        (simulation(passed=None), "against the base period 0.65, by chance without an effect 0.61 to 1.62"),
        (
            simulation(passed=None, observed=1.7),
            "against the base period 1.70, by choice on it alone 0.58 to 1.49",
        ),
        (
            simulation(passed=False, observed=0.6),
            "against the base period 0.60, by choice on it alone 0.58 to 1.49",
        ),
        (
            CheckResult("oster_delta", False, SAID, pd.DataFrame({"delta": [6.1]}, index=["delta"])),
            "delta 6.10",
        ),
        (bounds(0.35, 0.37, 0.91), "breakdown value 0.35"),
        (bounds(np.nan), "interval 0.24 to 1.36, which holds 1"),
        (bounds(np.nan, 0.4, 0.99), "interval 0.40 to 0.99, which holds 1 at the least departure"),
        (bounds(np.inf, 0.4, 0.5), "interval 0.40 to 0.50"),
    ],
)
def test_what_decides_a_check_stands_for_it(check: CheckResult, said: str) -> None:
    assert briefly([check], "en") == [said]


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_checks_that_say_the_same_say_it_once(language: str) -> None:
    assert len(briefly([bounds(np.nan), bounds(np.nan)], language)) == 1


def test_a_check_of_no_known_kind_gives_its_sentence() -> None:
    check = CheckResult("reconcile", False, SAID, pd.DataFrame())
    assert briefly([check], "en") == ["A long sentence"]
    assert briefly([check], "zh") == ["很长的一句"]
