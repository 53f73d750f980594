"""Periods against pandas' own, dates against the calendar."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reform_analysis.estimates import DataError
from reform_analysis.periods import date_parts, first_month, frequency, in_order, period_index

FORMS = {1: "{year}", 2: "{year}H{part}", 4: "{year}Q{part}"}


@given(st.integers(1900, 2100), st.integers(1900, 2100), st.data())
def test_quarters_count_as_pandas_periods_do(first: int, last: int, data: st.DataObject) -> None:
    texts = [f"{year}Q{data.draw(st.integers(1, 4))}" for year in (first, last)]
    ours = period_index(pd.Series(texts))
    theirs = [pd.Period(text, freq="Q").ordinal for text in texts]
    assert ours.iloc[1] - ours.iloc[0] == theirs[1] - theirs[0]


@pytest.mark.parametrize("parts", FORMS)
def test_numbers_are_in_a_row(parts: int) -> None:
    texts = [
        FORMS[parts].format(year=year, part=part + 1) for year in range(1999, 2003) for part in range(parts)
    ]
    assert np.diff(period_index(pd.Series(texts))).tolist() == [1] * (len(texts) - 1)
    assert in_order(pd.Series(texts[::-1] * 2)) == texts


def test_index_and_whole_numbers_are_kept() -> None:
    kept = period_index(pd.Series([2021, 2020], index=["b", "a"], dtype="int16"))
    assert kept.to_dict() == {"b": 2021, "a": 2020}
    assert period_index(pd.Series(["2021"], index=[7])).to_dict() == {7: 2021}


@pytest.mark.parametrize("text", ["21", "2021H3", "2021Q5", "2021Q0", "2021-05", "２０２１", "2021\n", ""])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="must be like 2021, 2021H1 or 2021Q2, got"):
        period_index(pd.Series([text]))


def test_two_frequencies_are_refused() -> None:
    with pytest.raises(DataError, match="one frequency"):
        period_index(pd.Series(["2021", "2021H1"]))


@pytest.mark.parametrize(("period", "letter"), [("2021", ""), ("2021H2", "H"), ("2021Q4", "Q")])
def test_frequency(period: str, letter: str) -> None:
    assert frequency(period) == letter


@pytest.mark.parametrize("period", ["2021", "2021H2", "2021Q3", 2021])
def test_first_month_is_that_of_pandas(period: object) -> None:
    start, length = first_month(period)
    text = str(period).replace("H2", "Q3")
    assert (start // 12, start % 12 + 1) == (2021, pd.Period(text).start_time.month)
    assert length == {"2021": 12, "2021H2": 6, "2021Q3": 3, 2021: 12}[period]


@given(st.dates(date(1000, 1, 1)))
def test_days_are_read_as_the_calendar_reads_them(day: date) -> None:
    assert date_parts(day.isoformat()) == date_parts(day) == (day.year, day.month, day.day)


@pytest.mark.parametrize("value", [None, "", np.nan, np.float32("nan"), pd.NA, pd.NaT])
def test_missing_is_no_date(value: object) -> None:
    assert date_parts(value) is None


@pytest.mark.parametrize(
    ("value", "parts"),
    [("2021", (2021, None, None)), (2021, (2021, None, None)), (2021.0, (2021, None, None))],
)
def test_a_year_alone(value: object, parts: tuple[int, None, None]) -> None:
    assert date_parts(value) == parts


@pytest.mark.parametrize(
    "value", ["2021-13", "2021-02-29", "2021-5", "0000-01-01", "May 2021", 2021.5, np.inf, "2021-05-17T00"]
)
def test_what_is_no_date_is_refused(value: object) -> None:
    with pytest.raises(DataError, match="date|calendar"):
        date_parts(value)
