"""What a spreadsheet shows for a stored number: percents, and dates of a month or a year only.

A cell that shows 5.0% stores 0.05, and one that shows 2021年5月 stores a day. Read without its format the
first would be taken for 0.05% under a header with (%), and the second would claim a day nobody wrote.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_dtype, is_numeric_dtype

from reform_analysis.cells import UNITS

# Formats that Chinese Excel refers to by number only (ECMA-376 part 1, 18.8.30, zh-cn).
_MONTHS = frozenset({27, 36, 50, 52, 57})
_DAYS = frozenset({28, 29, 30, 31, 51, 53, 54, 58})
_WRITTEN = re.compile(r'"([^"]*)"|\\(.)')
_SCALED = re.compile(r"[0#?],+(?![0#?])|!")
_LITERAL = re.compile(r'"[^"]*"|\\.|[_*].|\[[^\]]*\]|general', re.IGNORECASE)


def bare_format(code: str) -> str:
    """Return the part of a number format that applies to positive numbers, without its literal texts.

    Parameters
    ----------
    code : str

    Returns
    -------
    str

    Examples
    --------
    >>> bare_format('yyyy"年"m"月";@'), bare_format("0.00%")
    ('yyyym', '0.00%')
    """
    return _LITERAL.sub("", code.split(";", 1)[0]).lower()


def unit_of_format(code: str) -> str:
    """Return the unit of money or of a count that a format writes behind a number; empty if none.

    Parameters
    ----------
    code : str

    Returns
    -------
    str

    Examples
    --------
    >>> unit_of_format('#,##0.00"万元"'), unit_of_format("0.00")
    ('万元', '')
    """
    written = "".join(part for pair in _WRITTEN.findall(code.split(";", 1)[0]) for part in pair).strip()
    return written if written in UNITS and UNITS[written][0] != "share" else ""


def changes_meaning(code: str, number: int = 0) -> bool:
    """Return whether a format shows something else than the stored value says.

    Parameters
    ----------
    code : str
    number : int
        Number of the format.

    Returns
    -------
    bool

    Examples
    --------
    >>> changes_meaning("0.0%"), changes_meaning("yyyy-mm"), changes_meaning("yyyy-mm-dd")
    (True, True, False)
    """
    bare = bare_format(code)
    return (
        "%" in bare
        or bool(unit_of_format(code))
        or number in _MONTHS | _DAYS
        or ("y" in bare and "d" not in bare)
    )


def as_shown(value: Any, code: str, *, number: int = 0, to_date: Callable[[float], Any] | None = None) -> Any:
    """Return a stored value as its format shows it, all its digits kept and those of the format filled up.

    Parameters
    ----------
    value : object
    code : str
        The number format.
    number : int
        Its number.
    to_date : callable, optional
        Turns a serial number into a date, for formats known by number only.

    Returns
    -------
    object
        A text for percents, months, years and numbers with a unit (3件; one that the format also scales keeps
        the format, and so is no number); otherwise the value, or its date.

    Examples
    --------
    >>> as_shown(0.063, "0%"), as_shown(0.05, "0.0%"), as_shown(date(2021, 5, 1), 'yyyy"年"m"月"')
    ('6.3%', '5.0%', '2021-05')
    """
    bare = bare_format(code)
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    if numeric and "%" in bare:
        shown = (Decimal(repr(value)) * 100).normalize()
        printed = len(bare.partition(".")[2]) - len(bare.partition(".")[2].lstrip("0"))
        decimals = max(printed, -int(shown.as_tuple().exponent))
        return f"{shown:.{decimals}f}%"
    if numeric and (unit := unit_of_format(code)):
        return f"{value} ({code})" if _SCALED.search(_LITERAL.sub("", code)) else f"{value}{unit}"
    if numeric and to_date and number in _MONTHS | _DAYS:
        value = to_date(value)
    if not isinstance(value, date) or "d" in bare or number in _DAYS or "h" in bare or "s" in bare:
        return value
    if number in _MONTHS or ("y" in bare and "m" in bare):
        return f"{value.year:04d}-{value.month:02d}"
    return f"{value.year:04d}" if "y" in bare else value


def stored_kind(values: pd.Series) -> str:
    """Return what a column of a stored frame holds.

    Parameters
    ----------
    values : Series

    Returns
    -------
    str
        "string", "number", "boolean" or "date" (without a time zone); empty if only its values can say.

    Examples
    --------
    >>> stored_kind(pd.Series(["12", "13"])), stored_kind(pd.Series([12, 13])), stored_kind(pd.Series([b"1"]))
    ('string', 'number', '')
    """
    dtype = values.dtype.categories.dtype if isinstance(values.dtype, pd.CategoricalDtype) else values.dtype
    if is_bool_dtype(dtype):
        return "boolean"
    if is_datetime64_dtype(dtype):
        return "date"
    if is_numeric_dtype(dtype):
        return "number"
    return "string" if isinstance(dtype, pd.StringDtype) else ""
