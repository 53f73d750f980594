"""Rows below a header told apart: data, totals, notes, headings; a second table is refused."""

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from reform_analysis.cell_dates import find_period
from reform_analysis.cells import half_width, is_blank, is_dash, read_name, show
from reform_analysis.estimates import DataError
from reform_analysis.headers import KEYS, match, split_unit
from reform_analysis.row_labels import (
    is_county,
    is_note,
    is_starred,
    is_unit,
    names_no_township,
    names_the_whole,
    read_label,
    says_number,
)
from reform_analysis.table_parts import LEADING, PLACES, Table, Total, area_at

_MOST_TOTALS = 5000
_DATA_TEXTS = 2  # so many texts that begin with a digit make a row of data
_NUMBERING = {"甲", "乙", "丙", "丁", "栏次", "a", "b", "c", "d"}
_SENTENCE = re.compile(r"[。；;：:]")
_HEADING = "heading or note"


def tell_rows(table: Table, aliases: Mapping[str, str]) -> tuple[list[int], list[Total], dict[int, str]]:
    """Return the rows of data, the totals, and the rows that are neither with the reason.

    Parameters
    ----------
    table : Table
        With its headers and filled cells; its rows are not yet known.
    aliases : mapping of str to str
        As `headers.alias_table` returns it.

    Returns
    -------
    rows : list of int
    totals : list of Total
    left_out : dict of int to str

    Raises
    ------
    DataError
        If values have no unit, or a second table begins below the first.
    """
    column_of = cache(partial(named, aliases=aliases))  # most texts of a table stand in many rows
    rows: list[int] = []
    totals: list[Total] = []
    left_out: dict[int, str] = {}
    for row, cells in table.sheet.rows.items():
        given = {number: value for number, value in cells.items() if not is_blank(value)}
        if row <= table.bottom or not given:
            continue
        total = _total(table, row, given)
        reason = "" if total else _no_data(table, row, given, column_of, first=not rows)
        if total:
            totals.append(total)
        elif reason:
            left_out[row] = reason
        else:
            _require_unit(table, row)
            rows.append(row)
    _require_one_table(table, rows, left_out)
    counties = _county_totals(table, rows)
    totals = sorted([*totals, *counties], key=lambda total: total.row)
    if len(totals) > _MOST_TOTALS:
        raise DataError(f"sheet {table.sheet.name!r} has {len(totals)} total rows; delete them.")
    own = {total.row for total in counties}
    return [row for row in rows if row not in own], totals, left_out


def named(value: Any, aliases: Mapping[str, str]) -> str | None:
    """Return the column that a cell names as a header does; None if it names none.

    Parameters
    ----------
    value : object
    aliases : mapping of str to str

    Returns
    -------
    str or None
    """
    return match(split_unit(value)[0], aliases) if isinstance(value, str) and len(value) <= 60 else None


def _numbers(table: Table, columns: tuple[str, ...]) -> list[int]:
    return [header.number for header in table.headers if header.column in columns]


def _total(table: Table, row: int, given: Mapping[int, Any]) -> Total | None:
    leading, keys = _numbers(table, LEADING), _numbers(table, KEYS)
    unnamed = all(is_dash(given.get(key, "-")) for key in keys)
    wholes = [*keys, *(_numbers(table, PLACES) if unnamed else ())]
    for numbers, read in ((leading, read_label), (wholes, names_the_whole)):
        for text in (given.get(number) for number in numbers):
            found = read(text) if isinstance(text, str) else None
            if found:
                return Total(row, str(text), *found)
    return None


def _county_totals(table: Table, rows: list[int]) -> list[Total]:
    """Rows named after a county among townships: its total, to which its own cases would not add up."""
    names = {row: _name(table, row) for row in rows}
    places = {_read(table.value(row, number)) for number in _numbers(table, PLACES) for row in rows}
    counties = {row: name for row, name in names.items() if is_county(name)}
    if places - {""}:
        counties = {row: name for row, name in counties.items() if name in places}
    townships = {name for name in names.values() if is_unit(name)}
    if len(townships) <= len(set(counties.values())):
        return []
    return [Total(row, name, name, "part") for row, name in counties.items()]


def _name(table: Table, row: int) -> str:
    numbers = _numbers(table, ("unit_name",)) or _numbers(table, KEYS)
    return _read(table.value(row, numbers[0]))


def _read(value: Any) -> str:
    return str(read_name(value, dash_means="missing").value) if isinstance(value, str) else ""


def _no_data(
    table: Table, row: int, given: Mapping[int, Any], column_of: Callable[[Any], str | None], *, first: bool
) -> str:
    """Why a row is no data; empty if it is."""
    keys = _numbers(table, KEYS)
    if _is_note(table, given):
        return "note"
    if _repeats_header(table, given):
        return "header repeated"
    columns = [column_of(value) for value in given.values()]
    several = set(columns) & set(KEYS) and sum(column is not None for column in columns) > 1
    if several or any(_says_header(table, key, given.get(key)) for key in keys):
        raise _second_table(table, row, "has other headers")
    if first and _is_numbering(given, keys):
        return "row of column numbers"
    return _HEADING if _names_no_township(table, row, given) or _is_heading(table, row, given) else ""


def _names_no_township(table: Table, row: int, given: Mapping[int, Any]) -> bool:
    """Whether a row without numbers heads several units; one with numbers is refused, for it is no unit."""
    name = _name(table, row)
    kind = names_no_township(name)
    if not kind:
        return False
    outside = {header.number for header in table.headers} - set(_numbers(table, LEADING))
    if any(says_number(value) for number, value in given.items() if number in outside):
        raise DataError(
            f"sheet {table.sheet.name!r}, row {row} is named {name!r}, which is no township but "
            f"{kind}; write 小计 behind the name if its numbers are the sum of rows, or delete the row "
            "and take its numbers out of the totals."
        )
    return True


def _is_note(table: Table, given: Mapping[int, Any]) -> bool:
    """Whether a row is a note or a signature.

    A row of numbers is data, whatever its first cell reads like ("*一镇", a remark, a source); the footer
    "填表人：某某 | 2022年" has one text with a digit and no number.
    """
    leading = _numbers(table, LEADING)
    numbers = {header.number for header in table.headers} - set(leading)
    content = [value for number, value in given.items() if number in numbers]
    opening = given[min(given)]
    if not isinstance(opening, str) or any(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in content
    ):
        return False
    if is_note(opening):
        typed = [value for value in content if isinstance(value, str) and half_width(value)[:1].isdigit()]
        return len(typed) < _DATA_TEXTS
    return is_starred(opening) and not is_unit(opening) and not any(map(says_number, content))


def _repeats_header(table: Table, given: Mapping[int, Any]) -> bool:
    """Whether a row says what a row of the header says, or the whole of its headers."""
    texts = {number: show(value).strip() for number, value in given.items()}
    above = [table.sheet.rows.get(row, {}) for row in range(table.top, table.bottom + 1)]
    said = [{number: show(value).strip() for number, value in cells.items()} for cells in above]
    return texts in said or texts == {header.number: header.text.strip() for header in table.headers}


def _says_header(table: Table, number: int, value: Any) -> bool:
    """Whether a cell repeats a text of its column's header."""
    above = (table.sheet.rows.get(row, {}).get(number) for row in range(table.top, table.bottom + 1))
    return value is not None and show(value).strip() in {show(text).strip() for text in above}


def _is_heading(table: Table, row: int, given: Mapping[int, Any]) -> bool:
    """Whether a row's one text, beside or above the units, is none of them."""
    leading, at = _numbers(table, LEADING), min(given)
    if len(given) > 1 or at not in leading:
        return False
    text = show(given[at])
    if at not in _numbers(table, KEYS) or _SENTENCE.search(text):
        return True
    if is_unit(text):
        return False
    area = area_at(table.sheet, row, at)
    if is_county(text) or (find_period(text)[0] and not text.isdigit()) or (area and area[3] > area[1]):
        return True
    placed = any((row, number) in table.filled for number in _numbers(table, PLACES))
    return len(leading) > 1 and not placed


def _require_one_table(table: Table, rows: list[int], left_out: Mapping[int, str]) -> None:
    """Refuse rows of data under a heading that gives them a period or a county that no column gives."""
    titles = {
        show(value).strip()
        for row, cells in table.sheet.rows.items()
        if row < table.top
        for value in cells.values()
    }
    columns = {header.column for header in table.headers}
    dated = "period" in columns or any(header.period for header in table.headers)
    for row, reason in left_out.items():
        if reason not in (_HEADING, "note") or not rows or row > rows[-1]:
            continue
        texts = {show(value).strip() for value in table.sheet.rows[row].values()} - titles
        if not dated and any(find_period(text)[0] for text in texts):
            raise _second_table(table, row, "names a period")
        if "county" not in columns and any(map(is_county, texts)):
            raise _second_table(table, row, "names a county")


def _second_table(table: Table, row: int, why: str) -> DataError:
    text = next(iter(table.sheet.rows[row].values()))
    return DataError(
        f"sheet {table.sheet.name!r}, row {row} ({show(text)!r}) {why}, so a second table begins there; put "
        "each table on a sheet of its own, or write period and county into columns."
    )


def _is_numbering(given: Mapping[int, Any], keys: list[int]) -> bool:
    marks = [half_width(show(value)).lower() for _, value in sorted(given.items())]
    numbers = [int(mark) for mark in marks if mark.isascii() and mark.isdigit() and len(mark) < 4]
    keyed = all(half_width(show(given.get(key))).lower() in _NUMBERING for key in keys if key in given)
    lettered = len(marks) - len(numbers) == sum(mark in _NUMBERING for mark in marks)
    return (
        keyed
        and lettered
        and len(numbers) > 1
        and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    )


def _require_unit(table: Table, row: int) -> None:
    if all(is_blank(table.value(row, key)) for key in _numbers(table, KEYS)):
        raise DataError(
            f"sheet {table.sheet.name!r}, row {row} has values but no unit; name the unit, or delete the row."
        )
