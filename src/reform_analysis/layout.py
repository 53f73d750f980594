"""Where the table of a sheet lies: titles above, headers of up to three rows, data, totals, notes below."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openpyxl.utils import get_column_letter

from reform_analysis.cell_dates import find_period
from reform_analysis.cells import half_width, is_blank, show, strip_marks
from reform_analysis.estimates import DataError
from reform_analysis.headers import KEYS, LEFT_OUT, Header, as_unit, match, resolve, split_unit
from reform_analysis.panel_columns import kind_of
from reform_analysis.sheets import MAX_CELLS, Area, Sheet

PLACES = ("city", "county")
LEADING = (*KEYS, *PLACES, "period", LEFT_OUT)

_SEARCHED_ROWS = 50
_HEADER_ROWS = 3
_MOST_TOTALS = 5000
_NOTE = re.compile(
    r"[*※].*|(?:注|备注|说明|填表|填报|制表|审核|复核|(?:数据|资料)?来源|(?:单位)?负责|统计|联系|以下空白|notes?|source)"
    r"(?:人|电话|日期|单位|时间|[0-9]+)?(?:\s*[:：.、].*)?",
    re.I | re.S,
)
_TOTAL = re.compile(r"(.*?)[(（]?(合计|总计|小计|共计|subtotal|total)[)）]?[:：]?", re.I)
_DATA_TEXTS = 2  # so many texts that begin with a digit make a row of data
_NUMBERING = {"甲", "乙", "丙", "丁", "栏次", "a", "b", "c", "d"}


@dataclass(frozen=True)
class Total:
    """A row that sums others.

    Parameters
    ----------
    row : int
        Row of the sheet.
    label : str
        As found.
    scope : str
        What stands before 合计: the name of a place, or empty.
    part : bool
        True for a subtotal (小计).
    """

    row: int
    label: str
    scope: str
    part: bool


@dataclass(frozen=True, eq=False)
class Table:
    """A sheet's table, its rows told apart.

    Parameters
    ----------
    sheet : Sheet
    headers : tuple of Header
        One a column, from left to right.
    top, bottom : int
        First and last row of the header.
    rows : tuple of int
        Rows of data.
    totals : tuple of Total
    left_out : dict of int to str
        Other rows below the header, and why they are no data.
    filled : dict of (int, int) to object
        Cells inside a merged area, with the value of the area.
    """

    sheet: Sheet
    headers: tuple[Header, ...]
    top: int
    bottom: int
    rows: tuple[int, ...]
    totals: tuple[Total, ...]
    left_out: dict[int, str]
    filled: dict[tuple[int, int], Any]

    def value(self, row: int, number: int) -> Any:
        """Return the value of a cell, or of the merged area it lies in; None if it is empty.

        Parameters
        ----------
        row, number : int
            Row and column of the sheet.

        Returns
        -------
        object
        """
        own = self.sheet.rows.get(row, {}).get(number)
        return self.filled.get((row, number)) if own is None else own

    def title_texts(self) -> list[str]:
        """Return the texts above the header.

        Returns
        -------
        list of str
        """
        above = (cells for row, cells in self.sheet.rows.items() if row < self.top)
        return [value for cells in above for value in cells.values() if isinstance(value, str)]


def coordinate(row: int, number: int) -> str:
    """Return a cell's name, as C7.

    Parameters
    ----------
    row, number : int

    Returns
    -------
    str
    """
    return f"{get_column_letter(number)}{row}"


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
    rows, totals, left_out = _classify(sheet, headers, bottom, filled)
    return Table(sheet, headers, top, bottom, tuple(rows), tuple(totals), left_out, filled)


def _start(sheet: Sheet, aliases: Mapping[str, str]) -> tuple[int, int]:
    """Row of the header that names the units, and the column they are in; 0 if there is none."""
    found: list[tuple[int, int]] = []
    for row in list(sheet.rows)[:_SEARCHED_ROWS]:
        named = {number: _named(value, aliases) for number, value in sheet.rows[row].items()}
        keys = [number for number, column in named.items() if column in KEYS]
        if keys and len(named) > 1:
            found.append((row, keys[0]))
            if sum(column is not None for column in named.values()) > 1:
                return found[-1]
    return found[0] if found else (0, 0)


def _named(value: Any, aliases: Mapping[str, str]) -> str | None:
    return match(split_unit(value)[0], aliases) if isinstance(value, str) and len(value) <= 60 else None


def _area_at(sheet: Sheet, row: int, number: int) -> Area | None:
    inside = (area for area in sheet.merged if area[0] <= row <= area[2] and area[1] <= number <= area[3])
    return next(inside, None)


def _header_span(sheet: Sheet, start: int, key: int) -> tuple[int, int]:
    """First and last row of the header around the row that names the units."""
    top = start
    while start - top < _HEADER_ROWS - 1 and _groups(sheet, top - 1, key):
        top -= 1
    area = _area_at(sheet, start, key)
    bottom = area[2] if area else start
    while bottom - top < _HEADER_ROWS - 1 and _continues(sheet, bottom + 1, key):
        bottom += 1
    return top, min(bottom, top + _HEADER_ROWS - 1)


def _groups(sheet: Sheet, row: int, key: int) -> bool:
    """Whether every text of a row heads several columns, and none the units' column: no title."""
    cells = sheet.rows.get(row, {})
    areas = [_area_at(sheet, row, number) for number in cells]
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
    area = _area_at(sheet, row, number)
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
        if kind_of(by_number[left].column) != "string" and isinstance(value, (int, float)):
            raise DataError(
                f"sheet {sheet.name!r}, cell {coordinate(first, left)}: {show(value)!r} is merged over "
                f"{below - first + 1} rows, so it may be anybody's; unmerge it and give each row its own."
            )
        filled |= {(row, left): value for row in range(first + 1, min(below, last) + 1)}
        if len(filled) > MAX_CELLS:
            raise DataError(f"sheet {sheet.name!r} has too many merged cells; unmerge them.")
    return filled


def _classify(
    sheet: Sheet, headers: tuple[Header, ...], bottom: int, filled: Mapping[tuple[int, int], Any]
) -> tuple[list[int], list[Total], dict[int, str]]:
    rows: list[int] = []
    totals: list[Total] = []
    left_out: dict[int, str] = {}
    leading = [header.number for header in headers if header.column in LEADING]
    keys = [header.number for header in headers if header.column in KEYS]
    for row, cells in sheet.rows.items():
        if row <= bottom or all(is_blank(value) for value in cells.values()):
            continue
        total = _total(row, [cells[number] for number in leading if number in cells])
        reason = "" if total else _no_data(cells, headers, leading, keys, first=not rows)
        if total:
            totals.append(total)
        elif reason:
            left_out[row] = reason
        else:
            _require_unit(sheet, row, [cells.get(key, filled.get((row, key))) for key in keys])
            rows.append(row)
    if len(totals) > _MOST_TOTALS:
        raise DataError(f"sheet {sheet.name!r} has {len(totals)} total rows; delete them.")
    return rows, totals, left_out


def _total(row: int, texts: list[Any]) -> Total | None:
    for text in texts:
        found = _TOTAL.fullmatch(strip_marks("".join(text.split()))) if isinstance(text, str) else None
        if found:
            return Total(row, text, found[1], found[2].lower() in ("小计", "subtotal"))
    return None


def _no_data(
    cells: Mapping[int, Any], headers: tuple[Header, ...], leading: list[int], keys: list[int], *, first: bool
) -> str:
    """Why a row is no data; empty if it is."""
    given = {number: value for number, value in cells.items() if not is_blank(value)}
    numbers = {header.number for header in headers} - set(leading)
    opening = given[min(given)]
    content = [value for number, value in given.items() if number in numbers]
    # A row of numbers is data, whatever its first cell reads like ("*一镇", a remark, a source); the footer
    # "填表人：某某 | 2022年" has one text with a digit and no number.
    numeric = [value for value in content if isinstance(value, (int, float)) and not isinstance(value, bool)]
    typed = [value for value in content if isinstance(value, str) and half_width(value)[:1].isdigit()]
    note = isinstance(opening, str) and _NOTE.fullmatch(half_width(opening))
    if note and not numeric and len(typed) < _DATA_TEXTS:
        return "note"
    if all(given.get(header.number) == header.text for header in headers if header.number in keys):
        return "header repeated"
    if first and _is_numbering(given, keys):
        return "row of column numbers"
    alone = len(given) == 1 and not content
    if alone and (len(leading) > 1 or min(given) not in keys or re.search(r"[。；;：:]", show(opening))):
        return "heading or note"
    return ""


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


def _require_unit(sheet: Sheet, row: int, names: list[Any]) -> None:
    if all(is_blank(name) for name in names):
        raise DataError(
            f"sheet {sheet.name!r}, row {row} has values but no unit; name the unit, or delete the row."
        )
