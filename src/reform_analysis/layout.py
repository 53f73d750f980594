"""Where the table of a sheet lies: titles above, headers of up to three rows, data below."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reform_analysis.cell_dates import find_period
from reform_analysis.cells import half_width, is_blank, is_dash, show
from reform_analysis.estimates import DataError
from reform_analysis.headers import KEYS, LEFT_OUT, Header, as_unit, resolve
from reform_analysis.panel_columns import kind_of
from reform_analysis.row_kinds import named, tell_rows
from reform_analysis.row_labels import says_number
from reform_analysis.sheets import MAX_CELLS, Sheet
from reform_analysis.table_parts import LEADING, PLACES, Table, area_at, coordinate

_SEARCHED_ROWS = 50
_HEADER_ROWS = 3


def find_table(sheet: Sheet, aliases: Mapping[str, str]) -> Table | None:
    """Return the table of a sheet; None if no header names the units and something of them.

    Parameters
    ----------
    sheet : Sheet
    aliases : mapping of str to str
        As `headers.alias_table` returns it.

    Returns
    -------
    Table or None

    Raises
    ------
    DataError
        If two columns have one meaning, a formula has no value, or a merged cell covers several numbers.
    """
    start, key = _start(sheet, aliases)
    if not start:
        return None
    top, bottom = _header_span(sheet, start, key)
    headers = tuple(_headers(sheet, top, bottom, aliases))
    if all(header.column in (*PLACES, *KEYS) or not kind_of(header.column) for header in headers):
        return None
    _require_distinct(headers, sheet)
    if sheet.uncalculated:
        raise DataError(
            f"sheet {sheet.name!r}, cell {sheet.uncalculated[0]}: the formula has no stored value "
            f"({len(sheet.uncalculated)} such cells); open the workbook in Excel or WPS and save it."
        )
    filled = _fill(sheet, headers, bottom)
    table = Table(sheet, headers, top, bottom, (), (), {}, filled)
    rows, totals, left_out = tell_rows(table, aliases)
    table = replace(table, rows=tuple(rows), totals=tuple(totals), left_out=left_out)
    _require_narrow(table)
    _require_fitting(table)
    return table


def _start(sheet: Sheet, aliases: Mapping[str, str]) -> tuple[int, int]:
    """Row of the header that names the units, and the column they are in; 0 if there is none."""
    found: list[tuple[int, int]] = []
    for row in list(sheet.rows)[:_SEARCHED_ROWS]:
        found_in = {number: named(value, aliases) for number, value in sheet.rows[row].items()}
        keys = [number for number, column in found_in.items() if column in KEYS]
        if keys and len(found_in) > 1:
            found.append((row, keys[0]))
            if sum(column is not None for column in found_in.values()) > 1:
                return found[-1]
    return found[0] if found else (0, 0)


def _header_span(sheet: Sheet, start: int, key: int) -> tuple[int, int]:
    """First and last row of the header around the row that names the units."""
    top = start
    while start - top < _HEADER_ROWS - 1 and _groups(sheet, top - 1, key):
        top -= 1
    area = area_at(sheet, start, key)
    bottom = area[2] if area else start
    while bottom - top < _HEADER_ROWS - 1 and _continues(sheet, bottom + 1, key):
        bottom += 1
    return top, min(bottom, top + _HEADER_ROWS - 1)


def _groups(sheet: Sheet, row: int, key: int) -> bool:
    """Whether every text of a row heads several columns, and none the units' column: no title."""
    cells = sheet.rows.get(row, {})
    areas = [area_at(sheet, row, number) for number in cells]
    return bool(areas) and all(
        area is not None and area[3] > area[1] and not area[1] <= key <= area[3] for area in areas
    )


def _continues(sheet: Sheet, row: int, key: int) -> bool:
    """Whether a row belongs to the header: nothing for the units, and texts, years or units under groups."""
    cells = sheet.rows.get(row, {})
    above = sheet.rows.get(row - 1, {})
    headed = (number not in above or as_unit(show(value)) for number, value in cells.items())
    return key not in cells and all(map(_is_heading, cells.values())) and any(headed)


def _is_heading(value: Any) -> bool:
    if isinstance(value, str):
        return not re.fullmatch(r"[-+0-9.,%—/]*", half_width(value)) or bool(find_period(value)[0])
    return bool(isinstance(value, int) and find_period(show(value))[0])


def _headers(sheet: Sheet, top: int, bottom: int, aliases: Mapping[str, str]) -> Iterator[Header]:
    span = range(top, bottom + 1)
    used = {number for row in span for number in sheet.rows.get(row, {})}
    covered = [
        area for area in sheet.merged if top <= area[0] <= bottom and area[1] in sheet.rows.get(area[0], {})
    ]
    last = max((area[3] for area in covered), default=0)
    widest = max(max(cells) for cells in sheet.rows.values())
    for number in sorted(used | set(range(1, min(last, widest) + 1))):
        levels = [text for row in span if (text := _level(sheet, row, number, bottom))]
        if levels:
            yield resolve(levels, number=number, row=bottom, table=aliases)


def _level(sheet: Sheet, row: int, number: int, bottom: int) -> str:
    """Text of one level of a header: its own, or that of the group it lies in."""
    own = sheet.rows.get(row, {}).get(number)
    if own is not None:
        return re.sub(r"\s*[\r\n]+\s*", "", show(own)).strip()
    area = area_at(sheet, row, number)
    if area:
        return show(sheet.rows.get(row, {}).get(area[1])).strip() if area[0] == row else ""
    if row == bottom or sheet.merged or number not in sheet.rows.get(bottom, {}):
        return ""
    # Saved as CSV, a merged group leaves its text in the first column only.
    left = max((other for other in sheet.rows.get(row, {}) if other < number), default=0)
    return show(sheet.rows[row][left]).strip() if left in sheet.rows.get(bottom, {}) else ""


def _require_distinct(headers: tuple[Header, ...], sheet: Sheet) -> None:
    seen: dict[tuple[str, str], Header] = {}
    for header in headers:
        other = seen.setdefault((header.column, header.period), header)
        if other is not header and header.column != LEFT_OUT:
            raise DataError(
                f"sheet {sheet.name!r}: {coordinate(other.row, other.number)} ({other.text!r}) and "
                f"{coordinate(header.row, header.number)} ({header.text!r}) both mean "
                f"{header.column!r} {header.period}; rename one with aliases, or choose with sheet="
            )


def _fill(sheet: Sheet, headers: tuple[Header, ...], bottom: int) -> dict[tuple[int, int], Any]:
    """Values of the cells inside merged areas below the header."""
    by_number = {header.number: header for header in headers}
    last = max(sheet.rows)
    filled: dict[tuple[int, int], Any] = {}
    for first, left, below, _ in sheet.merged:
        value = sheet.rows.get(first, {}).get(left)
        if value is None or first <= bottom or below == first or left not in by_number:
            continue
        kind = kind_of(by_number[left].column)
        if kind != "string" and says_number(value) and (kind or not is_dash(value)):
            raise DataError(
                f"sheet {sheet.name!r}, cell {coordinate(first, left)}: {show(value)!r} is merged over "
                f"{below - first + 1} rows, so it may be anybody's; unmerge it and give each row its own."
            )
        filled |= {(row, left): value for row in range(first + 1, min(below, last) + 1)}
        if len(filled) > MAX_CELLS:
            raise DataError(f"sheet {sheet.name!r} has too many merged cells; unmerge them.")
    return filled


def _require_narrow(table: Table) -> None:
    """A value of a unit stands in one column only."""
    texts = {header.number for header in table.headers if header.column in LEADING}
    numbers = {header.number for header in table.headers}
    for first, left, below, right in table.sheet.merged:
        value = table.sheet.rows.get(first, {}).get(left)
        covered = numbers & set(range(left, right + 1))
        own = covered - texts and left not in texts and any(first <= row <= below for row in table.rows)
        if own and len(covered) > 1 and not is_blank(value):
            raise DataError(
                f"sheet {table.sheet.name!r}, cell {coordinate(first, left)}: {show(value)!r} is merged over "
                f"{len(covered)} columns, so it may belong to any; unmerge it and give each column its own."
            )


def _require_fitting(table: Table) -> None:
    """No row of a CSV is longer than the header: its fields stand in other columns than their own."""
    last = max(header.number for header in table.headers)
    for row in () if table.sheet.typed else (*table.rows, *(total.row for total in table.totals)):
        fields = max(number for number, value in table.sheet.rows[row].items() if not is_blank(value))
        if fields > last:
            raise DataError(
                f"{table.sheet.name}, row {row} has {fields} fields but the header has {last}, so its values "
                "stand in the wrong columns; put numbers such as 1,234 in double quotes, or give every "
                "column a header."
            )
