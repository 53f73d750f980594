"""Reported against court-counted losses: Chapman's estimate, its interval, differences in reporting."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reform_analysis.estimates import DataError, UntestableError
from reform_analysis.reconcile import missed_by_both, reconcile


@pytest.mark.parametrize(("first", "second", "both"), [(40, 30, 20), (5, 4, 4), (12, 9, 1), (7, 7, 7)])
def test_interval_is_that_of_every_number_tried(first: int, second: int, both: int) -> None:
    estimate, low, high = missed_by_both(first, second, both)
    seen = first + second - both
    assert estimate == pytest.approx((first + 1) * (second + 1) / (both + 1) - 1 - seen)
    missed = np.arange(5000)
    above = stats.hypergeom.sf(both - 1, seen + missed, first, second)
    below = stats.hypergeom.cdf(both, seen + missed, first, second)
    kept = missed[(above >= 0.025) & (below >= 0.025)]
    assert (low, high) == (kept.min(), kept.max())


def test_no_overlap_has_no_upper_limit() -> None:
    assert missed_by_both(3, 2, 0)[2] == np.inf
    assert missed_by_both(0, 0, 0) == (0.0, 0.0, np.inf)


def test_interval_covers_under_independence() -> None:
    rng, truth, draws = np.random.default_rng(3), 80, 1000
    covered = 0
    for _ in range(draws):
        sources = rng.random((2, truth)) < [[0.6], [0.5]]
        counts = sources[0].sum(), sources[1].sum(), sources.all(axis=0).sum()
        _, low, high = missed_by_both(*map(int, counts))
        covered += low <= truth - sources.any(axis=0).sum() <= high
    assert covered / draws > 0.95 - 3 * np.sqrt(0.95 * 0.05 / draws)


def frame(completeness: dict[str, float], seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for arm, share in completeness.items():
        counted = rng.poisson(2.0, 60)
        matched = rng.binomial(counted, share)
        rows.append(pd.DataFrame({"arm": arm, "court": counted, "both": matched, "told": matched + 1}))
    return pd.concat(rows, ignore_index=True)


ASKED = {"reported": "told", "counted": "court", "matched": "both"}


def test_totals_and_agreement() -> None:
    table = pd.DataFrame({"told": [2, 0, 3, np.nan], "court": [2, 1, 1, 4], "both": [1, 0, 1, 2]})
    found = reconcile(table, **ASKED)
    row = found.to_frame().loc["all"]
    assert row[["rows", "agreeing", "reported", "counted", "matched"]].tolist() == [3, 1, 5, 4, 2]
    assert row["missed"] == pytest.approx(6 * 5 / 3 - 1 - 7)
    assert row["total"] == pytest.approx(9)
    assert row["completeness"] == 0.5
    assert found.passed is None


def test_largest_overlap_is_a_lower_bound() -> None:
    table = frame({"a": 0.7})
    exact = reconcile(table, **ASKED).to_frame().loc["all"]
    bound = reconcile(table, reported="told", counted="court")
    assert bound.to_frame().loc["all", "missed"] < exact["missed"]
    assert "at least" in bound.sentences["en"]


def test_difference_in_reporting_fails() -> None:
    same = reconcile(frame({"pilots": 0.8, "others": 0.8}), **ASKED, by="arm")
    assert same.passed is True
    differs = reconcile(frame({"pilots": 0.5, "others": 0.9}), **ASKED, by="arm")
    assert differs.passed is False
    part = differs.to_frame().loc[["others", "pilots"]]
    cells = np.c_[part["matched"], part["counted"] - part["matched"]].astype(int)
    p = stats.fisher_exact(cells).pvalue
    assert p < 0.001
    assert "p\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}0.001" in differs.sentences["en"]
    assert "完整程度不同" in differs.sentences["zh"]


def test_three_groups_are_compared_together() -> None:
    found = reconcile(frame({"a": 0.5, "b": 0.9, "c": 0.9}), **ASKED, by="arm")
    assert found.passed is False
    assert found.to_frame().index.tolist() == ["all", "a", "b", "c"]


def test_complete_reporting_everywhere_is_the_same() -> None:
    assert reconcile(frame({"a": 1.0, "b": 1.0}), **ASKED, by="arm").passed is True


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ({"told": [1], "court": [1], "both": [2]}, DataError, "^both must be at most"),
        ({"told": [1.5], "court": [1], "both": [1]}, DataError, "whole numbers"),
        ({"told": [-1], "court": [1], "both": [0]}, DataError, "whole numbers"),
        ({"told": [0], "court": [0], "both": [0]}, UntestableError, "^reported and counted must hold"),
        ({"court": [0], "both": [0]}, DataError, "told"),
    ],
)
def test_bad_input_is_named(table: dict[str, list[float]], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        reconcile(pd.DataFrame(table), **ASKED)


def test_group_without_counted_losses_cannot_be_compared() -> None:
    table = pd.DataFrame({"told": [1, 1], "court": [1, 0], "both": [1, 0], "arm": ["a", "b"]})
    with pytest.raises(UntestableError, match="^by must give groups"):
        reconcile(table, **ASKED, by="arm")


def test_a_repeated_index_changes_nothing() -> None:
    table = frame({"pilots": 0.8, "others": 0.8})
    repeated = table.set_index(np.arange(len(table)) // 2)
    found, plain = (reconcile(each, **ASKED, by="arm").to_frame() for each in (repeated, table))
    pd.testing.assert_frame_equal(found, plain)
