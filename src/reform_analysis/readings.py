"""The values of the panel's columns, read from their cells with the reasons for every change."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from openpyxl.utils import get_column_letter

from reform_analysis.cell_dates import read_date, read_period
from reform_analysis.cells import (
    UNITS,
    DashMeans,
    Dimension,
    Reading,
    is_plain_number,
    read_flag,
    read_name,
    read_number,
    read_text,
    show,
    strip_marks,
)
from reform_analysis.covariates import Kind, covariate_kind, read_covariate
from reform_analysis.estimates import DataError
from reform_analysis.headers import dimension_of
from reform_analysis.melting import Block, Segment
from reform_analysis.messages import lines, message
from reform_analysis.panel_columns import kind_of
from reform_analysis.table_parts import Total, coordinate
from reform_analysis.totals import differing_sum, require_sum, summed_rows
from reform_analysis.unit_names import read_unit_name

_LISTED = 20
_EQUAL = "total row, equals the sum of its rows"
_AREAS = ("county", "city")


class Change(NamedTuple):
    """One line of the log."""

    sheet: str
    excel_row: int
    excel_column: str
    column: str
    raw: str
    value: str
    reason: str


@dataclass
class Column:
    """A column of the panel, in the pieces the tables give.

    Parameters
    ----------
    name : str
    kind : {"string", "integer", "number", "boolean", "date"}
    segments : list of Segment
    why, cell : str
        Remark on the kind of a covariate, as in `covariates.Kind`.
    values, raws : list of list
        One list a segment: values, and the cells as text.
    """

    name: str
    kind: str
    segments: Sequence[Segment]
    why: str = ""
    cell: str = ""
    values: list[list[Any]] = field(default_factory=list)
    raws: list[list[str]] = field(default_factory=list)


def read_columns(
    blocks: Sequence[Block], *, dash_means: DashMeans | None
) -> tuple[list[Column], list[Change]]:
    """Return the columns of the panel, and what was changed in their cells.

    Parameters
    ----------
    blocks : sequence of Block
    dash_means : {"missing", "zero"} or None

    Returns
    -------
    columns : list of Column
    changes : list of Change

    Raises
    ------
    DataError
        Naming the first dash if `dash_means` is None; otherwise every cell that cannot be read, and every
        total that does not match.
    """
    pieces: dict[str, list[Segment]] = {}
    for block in blocks:
        for segment in block.segments:
            pieces.setdefault(segment.header.column, []).append(segment)
    changes: list[Change] = []
    faults: list[str] = []
    columns = [_read(name, segments, dash_means, changes, faults) for name, segments in pieces.items()]
    if faults:
        raise DataError(_summary(faults))
    _check_totals(columns, blocks, dash_means, changes)
    return columns, changes


def _summary(faults: Sequence[str]) -> str:
    dashes = [fault for fault in faults if "is a dash" in fault]
    if dashes:
        return message("cell.dashes", fault=dashes[0], n=len(dashes))
    more = [message("cell.more", n=len(faults) - _LISTED)] if len(faults) > _LISTED else []
    listed = [message("cell.line", fault=fault) for fault in faults[:_LISTED]]
    return lines(message("cell.unread", n=len(faults)), *listed, *more)


def _read(
    name: str,
    segments: Sequence[Segment],
    dash_means: DashMeans | None,
    changes: list[Change],
    faults: list[str],
) -> Column:
    declared = kind_of(name)
    kind, why, cell = Kind(declared) if declared else covariate_kind(name, segments, dash_means=dash_means)
    column = Column(name, kind, segments, why, cell)
    before = len(changes)
    units: set[str] = set()
    for segment in segments:
        values, raws = _read_segment(
            segment, _reader(name, kind, segment, dash_means), units, changes, faults
        )
        column.values.append(values)
        column.raws.append(raws)
    if name == "unit_id":
        changes += _marked_identifiers(column, {change[:3] for change in changes[before:]})
    if kind == "number":
        _require_one_unit(column, units)
        changes[before:] = [change._replace(column=column.name) for change in changes[before:]]
    return column


def _marked_identifiers(column: Column, logged: Set[tuple[str, int, str]]) -> list[Change]:
    """Identifiers that are kept as they are, though a mark is all that tells them from another one."""
    known = {value for values in column.values for value in values}
    lines = []
    for segment, values in zip(column.segments, column.values, strict=True):
        sheet, letter = segment.table.sheet.name, get_column_letter(segment.header.number)
        for row, value in zip(segment.table.rows, values, strict=True):
            bare = strip_marks(value)
            if bare != value and bare in known and (sheet, row, letter) not in logged:
                reason = f"identifier kept, only a mark tells it from {bare!r}"
                lines.append(Change(sheet, row, letter, column.name, value, value, reason))
    return lines


def _read_segment(
    segment: Segment,
    reader: Callable[[Any], Reading],
    units: set[str],
    changes: list[Change],
    faults: list[str],
) -> tuple[list[Any], list[str]]:
    """Values and texts of a segment; equal cells are read once."""
    sheet, header = segment.table.sheet.name, segment.header
    letter = get_column_letter(header.number)
    known: dict[tuple[type, Any], tuple[Any, str, str, str]] = {}
    values, raws = [], []
    for row, raw in zip(segment.table.rows, segment.raws, strict=True):
        key = (type(raw), raw)
        if key not in known:
            known[key] = _try(raw, reader, units)
        value, reason, text, fault = known[key]
        if fault:
            told = {"sheet": sheet, "cell": f"{letter}{row}", "header": header.text, "text": text}
            faults.append(message("cell.fault", fault=fault, **told))
        elif (row, header.number) in segment.table.filled:
            changes.append(Change(sheet, row, letter, header.column, "", show(value), "inside a merged cell"))
        elif reason:
            changes.append(Change(sheet, row, letter, header.column, text, show(value), reason))
        values.append(value)
        raws.append(text)
    return values, raws


def _try(raw: Any, reader: Callable[[Any], Reading], units: set[str]) -> tuple[Any, str, str, str]:
    """Value, reason, text and fault of a cell."""
    try:
        value, reason, unit = reader(raw)
    except DataError as fault:
        return None, "", show(raw), fault.args[0]
    if value is not None and value != 0:
        units.add(UNITS[unit][0] if unit else "")
    return value, reason, "" if raw is None else show(raw), ""


def _reader(name: str, kind: str, segment: Segment, dash_means: DashMeans | None) -> Callable[[Any], Reading]:
    if not kind_of(name):
        return _covariate_reader(name, kind, segment, dash_means)
    if name == "period":
        return read_period
    readers: dict[str, Callable[..., Reading]] = {
        "adopted": read_date,
        "unit_name": read_unit_name,
    } | dict.fromkeys(_AREAS, read_name)
    if kind in ("boolean", "string"):
        reader = readers.get(name, read_flag if kind == "boolean" else read_text)
        return partial(reader, dash_means=dash_means)
    return partial(read_number, dimension=dimension_of(name), unit=segment.header.unit, dash_means=dash_means)


def _covariate_reader(
    name: str, kind: str, segment: Segment, dash_means: DashMeans | None
) -> Callable[[Any], Reading]:
    typed = segment.table.sheet.typed
    if kind != "number":
        return lambda raw: read_covariate(raw, kind=kind, typed=typed)
    dimension, unit = dimension_of(name), segment.header.unit

    def number(raw: Any) -> Reading:
        read = read_number(raw, dimension=dimension, unit=unit, dash_means=dash_means)
        as_text = typed and isinstance(raw, str) and is_plain_number(raw) and not read.reason
        return read._replace(reason="text read as a number") if as_text else read

    return number


def _require_one_unit(column: Column, units: set[str]) -> None:
    """A number without a unit among others with one says nothing, unless the header gives its unit."""
    dimension: Dimension = dimension_of(column.name)
    headed = all(segment.header.unit for segment in column.segments)
    relevant = units - {"count"} if dimension == "free" and units <= {"", "count"} else units
    if len(relevant) > 1 and not headed:
        first = column.segments[0]
        raise DataError(
            f"sheet {first.table.sheet.name!r}, column {get_column_letter(first.header.number)} "
            f"({first.header.text!r}) mixes numbers with and without a unit; write the unit into the header."
        )
    if dimension == "free" and relevant == {"money"}:
        column.name = f"{column.name}_wan_yuan"


def _check_totals(
    columns: Sequence[Column],
    blocks: Sequence[Block],
    dash_means: DashMeans | None,
    changes: list[Change],
) -> None:
    """Compare every total with its sum, counts and declared money strictly; log its cells."""
    faults: list[str] = []
    for block in blocks:
        for total in block.table.totals:
            positions = summed_rows(block.table, total)
            checked: dict[int, str] = {}
            for column in columns:
                for segment, values in zip(column.segments, column.values, strict=True):
                    if segment.table is not block.table or column.kind not in ("integer", "number"):
                        continue
                    if not kind_of(column.name) or total.kind == "loose":
                        checked |= _compare(segment, values, total, positions=positions)
                    elif dimension_of(column.name) in ("count", "money"):
                        checked |= _check(
                            segment, values, total, positions=positions, dash_means=dash_means, faults=faults
                        )
            changes.extend(_total_changes(block, total, checked))
    if faults:
        raise DataError(_summary(faults) if len(faults) > 1 else faults[0])


def _compare(segment: Segment, values: list[Any], total: Total, *, positions: list[int]) -> dict[int, str]:
    """What the log says of a total that need not be a sum: of a covariate, a mean, or a running total."""
    header = segment.header
    raw = segment.table.value(total.row, header.number)
    try:
        stated = read_number(raw, dimension=dimension_of(header.column), unit=header.unit).value
    except DataError:
        return {}
    if stated is None:
        return {}
    added = differing_sum(stated, values, positions)
    return {
        header.number: _EQUAL if added is None else f"total row, differs from the sum of its rows {added!r}"
    }


def _check(
    segment: Segment,
    values: list[Any],
    total: Total,
    *,
    positions: list[int],
    dash_means: DashMeans | None,
    faults: list[str],
) -> dict[int, str]:
    header = segment.header
    raw = segment.table.value(total.row, header.number)
    try:
        name = header.column
        stated = read_number(raw, dimension=dimension_of(name), unit=header.unit, dash_means=dash_means).value
        if stated is None:
            return {}
        require_sum(segment.table, total, header, positions=positions, stated=stated, values=values)
    except DataError as fault:
        place = f"sheet {segment.table.sheet.name!r}, cell {coordinate(total.row, header.number)}"
        said = str(fault)
        faults.append(said if said.startswith("sheet") else f"{place} ({header.text}): {show(raw)!r} {said}")
    return {header.number: _EQUAL}


def _total_changes(block: Block, total: Total, checked: dict[int, str]) -> list[Change]:
    names = {header.number: header.column for header in block.table.headers}
    return [
        Change(
            block.table.sheet.name,
            total.row,
            get_column_letter(number),
            names.get(number, ""),
            show(value),
            "",
            checked.get(number, "total row, not checked"),
        )
        for number, value in block.table.sheet.rows[total.row].items()
    ]
