"""What one cell says of time: dates, and the periods of rows, headers, sheets and titles."""

import re
from datetime import date, datetime
from typing import Any

from reform_analysis.cells import DashMeans, Reading, half_width, is_blank, is_dash, read_text, show
from reform_analysis.estimates import DataError

_PERIOD = re.compile(
    r"(?<![0-9A-Za-z])((?:19|20)[0-9]{2})(?![0-9])"
    r"(?! *[-./][0-9])(?!年? *[-~至—] *(?:19|20)[0-9]{2})(?! *年 *[0-9]+ *(?:月|-))"
    r" *(?:年度|年)? *(?:([HhQq])([1-4])(?![0-9A-Za-z])|(上|下)半年|第? *([一二三四1-4]) *季度?)?"
)
_NUMBER = r"[0-9一二三四五六七八九十]+"
_PART_OF_A_YEAR = re.compile(
    rf"{_NUMBER} *月? *(?:[-~—–―]+|至|到) *{_NUMBER} *(?:个?月|季)|前 *{_NUMBER} *(?:个月|季)|截[至止]"
)
_PLANNED = re.compile(r"(?:预计|预测|目标|计划)[数值件]?数?$")
_DOCUMENT = re.compile(r"[〔\[(](?:19|20)[0-9]{2}[〕\])] *第? *[0-9]+ *号")
_DATE = re.compile(r"([0-9]{4})(?:[-./年]([0-9]{1,2})(?:[-./月]([0-9]{1,2}))?)?[年月日]?")
_NUMERAL = {"一": 1, "二": 2, "三": 3, "四": 4}


def read_date(raw: Any, *, dash_means: DashMeans | None = None) -> Reading:
    """Return a date as the panel writes it: 2021, 2021-05 or 2021-05-17; empty if blank.

    Parameters
    ----------
    raw : object
    dash_means : {"missing", "zero"}, optional
        Either makes a dash an empty text: never adopted.

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        If the cell is no date. 2021.1 is refused: it is January or, in a number, October.

    Examples
    --------
    >>> read_date("2021年5月").value, read_date("2021/5/17").value
    ('2021-05', '2021-05-17')
    """
    if is_blank(raw) or is_dash(raw):
        return read_text(raw, dash_means=dash_means)
    if isinstance(raw, date):
        return Reading(raw.date().isoformat() if isinstance(raw, datetime) else raw.isoformat(), "date")
    text = half_width(show(raw)).replace(" ", "")
    found = _DATE.fullmatch(text)
    if found is None or re.fullmatch(r"[0-9]{4}\.1", text):
        raise DataError("is not a date; write 2021, 2021-05 or 2021-05-17")
    year, month, day = found[1], found[2], found[3]
    try:
        date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        raise DataError("is not a date of the calendar; correct it") from None
    value = "-".join([year, *(part.zfill(2) for part in (month, day) if part)])
    return Reading(value, "" if value == show(raw) else "date")


def read_period(raw: Any) -> Reading:
    """Return a period as the panel writes it: 2021, 2021H1 or 2021Q2.

    Parameters
    ----------
    raw : object

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        If the cell is no year, half-year or quarter.

    Examples
    --------
    >>> read_period("２０２１年上半年").value, read_period(2021.0).value
    ('2021H1', '2021')
    """
    text = half_width(show(raw))
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise DataError("is not a period; write 2021, 2021H1 or 2021Q2")
    value = _period(found)
    return Reading(value, "" if value == show(raw) else "period")


def find_period(text: str) -> tuple[str, str]:
    """Return the one period a text names, and the text without it; an empty period if none or several.

    A part of a year that is no half-year or quarter (1-10月, 前三季度, 截至10月) is no period, nor is what
    was planned for one (目标, 预计); the year in a document's number (〔2020〕12号) is none of the table's.

    Parameters
    ----------
    text : str
        A header, the name of a sheet or a title.

    Returns
    -------
    period, rest : str

    Examples
    --------
    >>> find_period("2020年败诉件数"), find_period("2019-2021年败诉"), find_period("2021年1—10月")
    (('2020', '败诉件数'), ('', '2019-2021年败诉'), ('', '2021年1—10月'))
    """
    half = _DOCUMENT.sub("", half_width(text))
    if _PART_OF_A_YEAR.search(half) or _PLANNED.search(half):
        return "", text
    found = list(_PERIOD.finditer(half.replace("_", " ")))
    named = {_period(each) for each in found}
    if len(named) != 1 or len(re.findall(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])", half)) > len(found):
        return "", text
    for each in reversed(found):
        half = half[: each.start()] + half[each.end() :]
    return named.pop(), half.strip(" _-")


def names_a_part(text: str) -> bool:
    """Return whether a text names months or quarters that are no period of their own, such as 1-10月.

    Parameters
    ----------
    text : str
        The name of a sheet or a title.

    Returns
    -------
    bool

    Examples
    --------
    >>> names_a_part("2021年前三季度情况表"), names_a_part("2021年上半年情况表")
    (True, False)
    """
    return bool(_PART_OF_A_YEAR.search(half_width(text)))


def _period(found: re.Match[str]) -> str:
    year, letter, part, half, quarter = found.groups()
    if half:
        return f"{year}H{1 if half == '上' else 2}"
    if quarter:
        return f"{year}Q{_NUMERAL.get(quarter) or quarter}"
    if letter and letter.upper() == "H" and part in "34":
        raise DataError("is not a half-year; write 2021H1 or 2021H2")
    return f"{year}{letter.upper()}{part}" if letter else year
