"""Reported against court-counted losses: Chapman's estimate, its interval, differences in reporting."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reform_analysis.estimates import DataError, DesignError, UntestableError
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


def reported(seed: int, shares: dict[tuple[bool, bool], float], *, units: int = 600) -> pd.DataFrame:
    """No effect; of the courts' losses each arm and time reports a share."""
    rng, pilots = np.random.default_rng(seed), units // 6
    df = pd.DataFrame({"unit": np.repeat(np.arange(units), 4), "period": np.tile(np.arange(4), units)})
    df = df.assign(pilot=df["unit"] < pilots, late=df["period"] == 3, court=rng.poisson(1.5, len(df)))
    share = [shares[key] for key in zip(df["pilot"], df["late"], strict=True)]
    return df.assign(told=rng.binomial(df["court"], share))


CHANGES = {"reported": "told", "counted": "court", "matched": "told", "by": "pilot", "after": "late"}
FEWER = {(True, False): 0.87, (True, True): 0.55, (False, False): 0.8, (False, True): 0.8}
CONSTANT = {(True, False): 0.7, (True, True): 0.7, (False, False): 0.85, (False, True): 0.85}


def test_reporting_that_changes_in_one_arm_fails_and_a_constant_difference_does_not() -> None:
    seeds = range(100)
    fewer = [reconcile(reported(seed, FEWER), **CHANGES, unit="unit").passed for seed in seeds]
    assert fewer.count(False) == len(seeds)
    constant = [reconcile(reported(seed, CONSTANT), **CHANGES, unit="unit").passed for seed in seeds]
    assert constant.count(False) <= stats.binom.ppf(0.999, len(seeds), 0.05)


def test_the_change_is_the_ratio_of_ratios_of_completeness() -> None:
    df = reported(1, FEWER)
    result = reconcile(df, **CHANGES, unit="unit")
    sums = df.groupby(["pilot", "late"])[["told", "court"]].sum()
    share = sums["told"] / sums["court"]
    ratio = (share[True, True] / share[True, False]) / (share[False, True] / share[False, False])
    frame = result.to_frame()
    assert frame.loc["all", "change"] == pytest.approx(ratio)
    assert frame.loc["True, after", "completeness"] == pytest.approx(share[True, True])
    assert f"ratio of the changes {ratio:.2f}" in result.sentences["en"]
    assert f"两组变化之比{ratio:.2f}" in result.sentences["zh"]


def test_the_error_of_a_change_is_that_of_unit_jackknife() -> None:
    """Leaving units out one by one gives the linearised variance up to terms of order 1/n."""
    df = reported(2, FEWER)
    pilots = df[df["pilot"]]

    def log_change(rows: pd.DataFrame) -> float:
        sums = rows.groupby("late")[["told", "court"]].sum()
        share = sums["told"] / sums["court"]
        return float(np.log(share[True] / share[False]))

    left = [log_change(pilots[pilots["unit"] != unit]) for unit in pilots["unit"].unique()]
    jackknife = np.var(left) * (len(left) - 1)
    still = df.assign(told=np.where(df["pilot"], df["told"], df["court"]))  # the others report all
    row = reconcile(still, **CHANGES, unit="unit").to_frame().loc["all"]
    error = np.log(row["change_high"] / row["change"]) / stats.t.isf(0.025, len(left) - 1)
    assert error**2 == pytest.approx(jackknife, rel=3 / len(left))


def test_sentences_hold_whole_numbers_and_no_interval_of_a_bound() -> None:
    df = reported(1, CONSTANT)
    said = {each: reconcile(df, **CHANGES).sentences[each] for each in ("en", "zh")}
    bound = reconcile(df, **CHANGES | {"matched": None}).sentences["en"]
    for text in (*said.values(), bound):
        assert not re.search(r"\.0[ 件]|\binf\b", text)
    assert "not independent" in said["en"]  # told is a part of court
    assert "两者不独立" in said["zh"]
    assert "without a match case by case there is no interval" in bound
    open_end = reconcile(pd.DataFrame({"told": [3], "court": [2], "both": [0]}), **ASKED).sentences["en"]
    assert "∞" in open_end


def test_an_arm_that_reports_nothing_is_undecided_and_a_split_needs_two_arms() -> None:
    nothing = reconcile(reported(1, FEWER | {(True, True): 0.0}), **CHANGES)
    assert nothing.passed is None
    assert "cannot be tested" in nothing.sentences["en"]
    with pytest.raises(DesignError, match="^after 'late' needs rows before and after"):
        reconcile(reported(1, FEWER).query("pilot"), **CHANGES)
