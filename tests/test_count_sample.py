"""Rows used and left out: every row is one or the other, whatever is missing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reform_analysis import count_sample
from reform_analysis.estimates import DesignError, UntestableError

NAMES = {"outcome": "y", "terms": ["x"], "unit": "u", "period": "t", "exposure": "n"}


def frame(y: np.ndarray, **columns: object) -> pd.DataFrame:
    unit, period = (each.ravel() for each in np.indices(y.shape))
    plain = {"u": unit, "t": period, "y": y.ravel(), "x": period * unit, "n": 1.0}
    return pd.DataFrame(plain | columns)


def sampled(df: pd.DataFrame, **options: object) -> count_sample.Sample:
    return count_sample.sample(df, **({"cluster": None, "treatment": None} | NAMES | options))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([0, 0, 1, 3, None]), min_size=4, max_size=4), min_size=3, max_size=9),
    st.integers(0, 2**32 - 1),
)
def test_every_row_is_used_or_counted(cells: list[list[int | None]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    df = frame(np.array(cells, dtype=float))
    df["n"] = rng.choice([0.0, 1.0, 2.0, np.nan], size=len(df), p=[0.1, 0.4, 0.4, 0.1])
    df["pilot"] = df["u"] % 2 == 0
    df = df.sample(frac=0.9, random_state=seed % 1000)
    try:
        found = count_sample.with_events(sampled(df))
    except UntestableError:
        return
    assert len(found.outcome) + found.dropped["n"].sum() == len(df)
    for codes in (found.unit, found.period):
        assert (np.bincount(codes) > 1).all()
        assert (np.bincount(codes, weights=found.outcome) > 0).all()
    np.testing.assert_array_equal(found.outcome, df["y"].to_numpy()[found.row])
    np.testing.assert_array_equal(found.offset, np.log(df["n"].to_numpy()[found.row]))


def test_reasons_are_counted_in_rows_with_their_units() -> None:
    y = np.array([[1, 2, 1], [0, 0, 0], [3, 1, 2], [1, np.nan, 2], [2, 2, 1]])
    df = frame(y, n=1.0, x=np.arange(15.0))
    df.loc[14, "n"] = 0.0
    found = count_sample.with_events(sampled(df))
    assert found.dropped.to_dict("records") == [
        {"arm": "all", "reason": "missing value (1 units)", "n": 1},
        {"arm": "all", "reason": "exposure of 0 (1 units)", "n": 1},
        {"arm": "all", "reason": "no events in any period (1 units)", "n": 3},
    ]


def test_dropping_one_thing_can_leave_another_without_events() -> None:
    """The second period's only events are those of a unit with a single row."""
    df = frame(np.array([[1.0, 0.0, 2.0], [2.0, 0.0, 1.0], [np.nan, 4.0, np.nan]]))
    found = count_sample.with_events(sampled(df))
    assert sorted(found.dropped["reason"]) == [
        "missing value (1 units)",
        "no events in the period (2 units)",
        "the only row of its unit (1 units)",
    ]
    assert len(found.outcome) == 4


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ([0, 0, 0, 1], ["other", "other", "pilot", "pilot"]),
        ([False, True, False, False], ["pilot", "pilot", "other", "other"]),
        (["a", "a", "b", None], ["a", "a", "b", "missing"]),
    ],
)
def test_arms_are_units_ever_treated_or_the_values(status: list[object], expected: list[str]) -> None:
    df = pd.DataFrame({"u": [1, 1, 2, 2], "s": status})
    assert count_sample.arms(df, unit="u", treatment="s").tolist() == expected


def test_arms_default_to_pilot_or_one_arm() -> None:
    df = pd.DataFrame({"u": [1, 2], "pilot": [True, False]})
    assert count_sample.arms(df, unit="u", treatment=None).tolist() == ["pilot", "other"]
    assert count_sample.arms(df[["u"]], unit="u", treatment=None).tolist() == ["all", "all"]


def test_codes_follow_the_values_not_the_rows() -> None:
    df = frame(np.array([[1, 2], [3, 4], [5, 6]]), u=["c", "c", "a", "a", "b", "b"])
    backwards = sampled(df.iloc[::-1])
    assert backwards.unit.tolist() == [1, 1, 0, 0, 2, 2]


def test_nothing_to_fit_is_untestable() -> None:
    with pytest.raises(UntestableError, match="^df must leave rows with every value known"):
        sampled(frame(np.full((2, 2), np.nan)))
    with pytest.raises(UntestableError, match="^df must leave units with events"):
        count_sample.with_events(sampled(frame(np.zeros((2, 2)))))


def test_an_unknown_choice_of_effects_is_named() -> None:
    with pytest.raises(ValueError, match="^effects must be one of"):
        sampled(frame(np.ones((2, 2))), effects="units")
    with pytest.raises(DesignError, match="^terms must be a list"):
        sampled(frame(np.ones((2, 2))), terms="x")
