"""Periods: years, half-years and quarters as texts, as numbers in a row, and as days."""

import re
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis.estimates import DataError

PERIOD = r"[0-9]{4}(?:H[12]|Q[1-4])?"
PARTS = {"": 1, "H": 2, "Q": 4}

_PERIOD = re.compile(r"([0-9]{4})(?:([HQ])([1-4]))?")
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_WAY_OUT = "write 2021, 2021H1 or 2021Q2, and one frequency in a panel."


def period_index(periods: pd.Series) -> pd.Series:
    """Return periods as whole numbers in a row, so that lags and windows are subtractions.

    The number is year * parts + part - 1 with 1, 2 or 4 parts a year: 2021 is 2021, 2021H1 is 4042 and
    2021Q2 is 8085. Whole numbers (the years of another study's file) stay as they are.

    Parameters
    ----------
    periods : Series of str or int
        Texts like 2021, 2021H1 or 2021Q2, of one frequency; or whole numbers.

    Returns
    -------
    Series of int
        Same index and name; years, half-years or quarters since the year 0.

    Raises
    ------
    DataError
        If a value is no period, or the frequencies differ.

    Examples
    --------
    >>> period_index(pd.Series(["2020Q4", "2021Q1"])).tolist()
    [8083, 8084]
    """
    if pd.api.types.is_integer_dtype(periods) and periods.notna().all():
        return periods.astype("int64")
    number = {value: _split(value) for value in pd.unique(periods)}
    frequencies = sorted({parts for _, parts, _ in number.values()})
    if len(frequencies) > 1:
        raise DataError(
            f"periods must have one frequency, got {frequencies} parts a year in "
            f"{sorted(number)[:6]}; {_WAY_OUT}"
        )
    return periods.map({value: year * parts + part for value, (year, parts, part) in number.items()}).astype(
        "int64"
    )


def plain_periods(periods: pd.Series) -> pd.Series:
    """Return periods as whole numbers or texts where a file or pandas holds them in another type.

    Parameters
    ----------
    periods : Series
        Of any type.

    Returns
    -------
    Series
        Whole numbers for years stored as floats, texts like 2021 or 2021Q2 for pandas periods of
        calendar years or quarters; anything else as it stands.

    Raises
    ------
    DataError
        If the values are days or times, floats with a fraction or none, or periods of another frequency.

    Examples
    --------
    >>> plain_periods(pd.Series([2020.0, 2021.0])).tolist()
    [2020, 2021]
    >>> plain_periods(pd.Series(pd.period_range("2020Q4", periods=2, freq="Q"))).tolist()
    ['2020Q4', '2021Q1']
    """
    if pd.api.types.is_float_dtype(periods):
        values = periods.to_numpy(dtype=float, na_value=np.nan)
        broken = [float(value) for value in pd.unique(values) if not float(value).is_integer()]
        if broken:
            raise DataError(f"column {periods.name!r} must hold whole years, got {broken[:3]}; {_WAY_OUT}")
        return pd.Series(values.astype("int64"), index=periods.index, name=periods.name)
    if isinstance(periods.dtype, pd.PeriodDtype):
        return _calendar_texts(periods)
    if pd.api.types.is_datetime64_any_dtype(periods):
        raise DataError(
            f"column {periods.name!r} must hold periods, got days or times like {periods.iloc[0]}; "
            "take the years by .dt.year, or quarters by .dt.to_period('Q')."
        )
    return periods


_CALENDAR = {"Y-DEC": "%Y", "Q-DEC": "%FQ%q"}


def _calendar_texts(periods: pd.Series) -> pd.Series:
    """Texts of pandas periods that are calendar years or quarters."""
    name = str(periods.dtype).removeprefix("period[").removesuffix("]")
    if name not in _CALENDAR or periods.isna().any():
        raise DataError(
            f"column {periods.name!r} must hold calendar years or quarters, none missing, got {name!r}; "
            f"{_WAY_OUT}"
        )
    return periods.dt.strftime(_CALENDAR[name]).astype(object)


def in_order(periods: pd.Series) -> list[Any]:
    """Return the periods that occur, each once, in order of time.

    Parameters
    ----------
    periods : Series of str or int

    Returns
    -------
    list
        Values as they stand in `periods`.

    Raises
    ------
    DataError
        As `period_index`.

    Examples
    --------
    >>> in_order(pd.Series(["2021H1", "2020H2", "2021H1"]))
    ['2020H2', '2021H1']
    """
    number = dict(zip(periods.tolist(), period_index(periods).tolist(), strict=True))
    return sorted(number, key=number.__getitem__)


def frequency(period: str) -> str:
    """Return the letter of a period's frequency: "" for a year, "H" or "Q".

    Parameters
    ----------
    period : str

    Returns
    -------
    str

    Raises
    ------
    DataError
        If `period` is no period.

    Examples
    --------
    >>> frequency("2021H1")
    'H'
    """
    parts = _split(period)[1]
    return next(letter for letter, number in PARTS.items() if number == parts)


def _split(period: object) -> tuple[int, int, int]:
    """Year, parts a year, and part counted from 0."""
    found = _PERIOD.fullmatch(period) if isinstance(period, str) else None
    if found is None or re.fullmatch(PERIOD, str(period)) is None:
        raise DataError(f"period must be like 2021, 2021H1 or 2021Q2, got {period!r}; {_WAY_OUT}")
    return int(found[1]), PARTS[found[2] or ""], int(found[3] or 1) - 1


def first_month(period: object) -> tuple[int, int]:
    """Return the first month of a period, counted from the year 0, and its length.

    Parameters
    ----------
    period : str or int
        A period, or a whole year.

    Returns
    -------
    start, length : int
        Months.

    Raises
    ------
    DataError
        If `period` is neither.

    Examples
    --------
    >>> first_month("2021Q2")
    (24255, 3)
    """
    year, parts, part = _split(period if isinstance(period, str) else str(period))
    length = 12 // parts
    return 12 * year + part * length, length


def date_parts(value: Any) -> tuple[int, int | None, int | None] | None:
    """Return year, month and day of a date, as far as it gives them; None for no date.

    Parameters
    ----------
    value : str, int, float, date or missing
        2021-05-17, 2021-05 or 2021 (a text, or the year as a number), a date; empty or missing for none.

    Returns
    -------
    tuple or None

    Raises
    ------
    DataError
        If `value` is neither, or no day of the calendar.

    Examples
    --------
    >>> date_parts("2021-05"), date_parts("")
    ((2021, 5, None), None)
    """
    if value is None or value is pd.NA or value is pd.NaT or value == "":
        return None
    if isinstance(value, (float, np.floating)) and np.isnan(value):
        return None
    if isinstance(value, date):
        return value.year, value.month, value.day
    text = value if isinstance(value, str) else f"{value:.0f}" if value == value // 1 else ""
    found = _DATE.fullmatch(text)
    if found is None:
        raise DataError(f"a date must be like 2021, 2021-05 or 2021-05-17, got {value!r}; empty means never.")
    month, day = (int(part) if part else None for part in found.groups()[1:])
    try:
        date(int(found[1]), month or 1, day or 1)
    except ValueError:
        raise DataError(f"{value!r} is no day of the calendar; write it as 2021-05-17.") from None
    return int(found[1]), month, day
