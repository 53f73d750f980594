"""`baseline` against brute force in whole-number arithmetic."""

from math import inf

import numpy as np
import pytest

from reform_analysis.baselines import Baseline, baseline
from reform_analysis.estimates import DataError

CHANGES = np.arange(-99, 501)


def runs_by_brute_force(value: int) -> dict[int, tuple[int, int, int]]:
    """For every change: how many n fit |100 (value/n - 1) - change| <= 1/2, the least and the greatest.

    Cleared of fractions: |200 value - n (200 + 2 change)| <= n. Every n up to 200 value is tried; beyond it
    not even -99% fits. A given n fits one change, or two neighbours where it falls on the half.
    """
    n = np.arange(1, 200 * value + 2, dtype=np.int64)
    nearby = (200 * value - 200 * n) // (2 * n) + np.arange(-1, 3)[:, None]
    fits = np.abs(200 * value - n * (200 + 2 * nearby)) <= n
    changes, numbers = nearby[fits], np.broadcast_to(n, nearby.shape)[fits]
    order = np.lexsort((numbers, changes))
    found, start, count = np.unique(changes[order], return_index=True, return_counts=True)
    numbers = numbers[order]
    return {
        int(change): (int(size), int(numbers[at]), int(numbers[at + size - 1]))
        for change, at, size in zip(found, start, count, strict=True)
    }


def assert_exact(value: int) -> None:
    truth = runs_by_brute_force(value)
    for change in CHANGES:
        integers = baseline(value, int(change)).integers
        assert integers is not None
        summary = (len(integers), integers[0], integers[-1]) if integers else (0, 0, 0)
        assert summary == truth.get(int(change), (0, 0, 0)), f"{value}, {change}%"


@pytest.mark.parametrize("value", [*range(1, 31), 47, 53, 89, 388, 734, 901, 1999])
def test_holds_exactly_the_integers_that_fit(value: int) -> None:
    assert_exact(value)


@pytest.mark.system
@pytest.mark.parametrize("start", range(1, 2000, 100))
def test_holds_exactly_the_integers_that_fit_for_every_value_below_2000(start: int) -> None:
    for value in range(start, min(start + 100, 2000)):
        assert_exact(value)


@pytest.mark.parametrize(
    ("value", "change", "rounding", "expected"),
    [
        (32, -40, "percent", (53,)),
        (32, -40, "tens", tuple(range(50, 59))),
        (734, 500, "percent", ()),
        (734, 500, "tens", (122, 123)),
        (47, 60, "percent", ()),
        (20, -17, "truncated", ()),
        (32, -40, "truncated", (54,)),
        (60, 20, "truncated", (50,)),
        (10, 0, "truncated", (10,)),
        (30, 50, "more than", tuple(range(1, 20))),
        (30, -50, "nearly", tuple(range(1, 60))),
    ],
)
def test_roundings(value: int, change: float, rounding: str, expected: tuple[int, ...]) -> None:
    assert baseline(value, change, rounding=rounding).integers == expected


def test_reviews() -> None:
    found = baseline(8853, 93)
    assert (found.integers[0], found.integers[-1]) == (4576, 4598)
    assert found.low == pytest.approx(8853 / 1.935)
    assert found.high == pytest.approx(8853 / 1.925)


@pytest.mark.parametrize(
    ("value", "change", "rounding", "low"),
    [
        (30, 100, "nearly", 15),
        (30, -50, "more than", 60),
        (30, -100, "percent", 6000),
        (0, -100, "percent", 0),
    ],
)
def test_one_side_open(value: int, change: float, rounding: str, low: float) -> None:
    assert baseline(value, change, rounding=rounding) == Baseline(low, inf, None)


def test_both_ends_of_the_rounding_are_in() -> None:
    # 251 / 200 is +25.5% exactly: it may have been printed as 25 or as 26
    assert 200 in baseline(251, 25).integers
    assert 200 in baseline(251, 26).integers


def test_decimals_of_a_change_are_read_as_printed() -> None:
    # binary 0.1 is not one tenth; the set must not depend on it
    assert baseline(1000, 0.1).integers == tuple(
        n for n in range(1, 2000) if abs(1000 * (1000 - n) - n) <= 5 * n
    )


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"value": -3, "change_pct": 10}, "value"),
        ({"value": 3.5, "change_pct": 10}, "value"),
        ({"value": None, "change_pct": 10}, "value"),
        ({"value": 3, "change_pct": -101}, "change_pct"),
        ({"value": 3, "change_pct": float("nan")}, "change_pct"),
        ({"value": 3, "change_pct": "10"}, "change_pct"),
        ({"value": 3, "change_pct": 15, "rounding": "tens"}, "change_pct"),
        ({"value": 3, "change_pct": 15, "rounding": "halves"}, "rounding"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, object], name: str) -> None:
    with pytest.raises(DataError, match=rf"^{name} must .* got .*"):
        baseline(**arguments)
