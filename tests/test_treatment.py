"""Time under treatment against a count of days and months."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reform_analysis.estimates import DataError, DesignError
from reform_analysis.panel import treated_fraction

STARTS = {"2021": (1, 12), "2021H1": (1, 6), "2021H2": (7, 6), "2021Q2": (4, 3), "2021Q4": (10, 3)}


def fraction(period: object, adopted: object, coding: str = "fraction") -> float:
    frame = pd.DataFrame({"period": [period], "adopted": [adopted]})
    return treated_fraction(frame, coding=coding).item()


def test_may_2021_is_eight_twelfths_of_2021() -> None:
    assert fraction("2021", "2021-05") == 8 / 12
    assert fraction("2021Q2", "2021-05") == 2 / 3
    assert fraction("2021H2", "2021-05") == 1


@given(st.sampled_from(sorted(STARTS)), st.dates(date(2020, 1, 1), date(2022, 12, 31)))
def test_days_are_counted(period: str, adopted: date) -> None:
    month, length = STARTS[period]
    first = date(2021, month, 1)
    months_after = month + length - 1
    after = date(2021 + months_after // 12, months_after % 12 + 1, 1)
    days = [first + timedelta(n) for n in range((after - first).days)]
    expected = sum(day >= adopted for day in days) / len(days)
    assert fraction(period, adopted.isoformat()) == pytest.approx(expected, abs=1e-15)


@given(st.sampled_from(sorted(STARTS)), st.integers(2020, 2022), st.integers(1, 12))
def test_months_are_counted(period: str, year: int, month: int) -> None:
    first, length = STARTS[period]
    treated = sum((2021, first + n) >= (year, month) for n in range(length))
    assert fraction(period, f"{year}-{month:02d}") == treated / length


@pytest.mark.parametrize(
    ("coding", "expected"),
    [("fraction", [0, 8 / 12, 1, 0]), ("binary", [0, 1, 1, 0]), ("drop", [0, np.nan, 1, 0])],
)
def test_codings(coding: str, expected: list[float]) -> None:
    frame = pd.DataFrame(
        {"period": ["2020", "2021", "2022", "2021"], "adopted": ["2021-05"] * 3 + [""]}, index=list("abcd")
    )
    got = treated_fraction(frame, coding=coding)
    assert got.index.tolist() == list("abcd")
    np.testing.assert_array_equal(got, expected)


def test_a_period_treated_from_its_first_day_is_not_dropped() -> None:
    assert fraction("2021", "2021-01", "drop") == fraction("2021", "2021-01-01", "drop") == 1


def test_other_names_and_years_as_numbers() -> None:
    frame = pd.DataFrame({"year": [2003, 2004, 2005], "law": [2004.0, 2004.0, np.nan]})
    got = treated_fraction(frame, coding="binary", period="year", adopted="law")
    assert got.tolist() == [0, 1, 0]
    drop = treated_fraction(frame, coding="drop", period="year", adopted="law")
    np.testing.assert_array_equal(drop, [0, np.nan, 0])


@pytest.mark.parametrize(
    ("period", "coding"), [("2021", "fraction"), ("2021H1", "binary"), ("2021Q2", "drop")]
)
def test_a_year_alone_gives_no_share_of_it(period: str, coding: str) -> None:
    with pytest.raises(DesignError, match="gives only the year 2021"):
        fraction(period, "2021", coding)
    assert fraction("2022Q1", "2021", coding) == 1
    assert fraction("2020Q1", "2021", coding) == 0


def test_wrong_arguments() -> None:
    with pytest.raises(DataError, match="coding must be one of"):
        fraction("2021", "2021-05", "half")
    with pytest.raises(DataError, match="lacks the columns \\['adopted'\\]"):
        treated_fraction(pd.DataFrame({"period": ["2021"]}))
    with pytest.raises(DataError, match="calendar"):
        fraction("2021", "2021-02-30")
