"""The canonical panel put together from its columns, and the frame that says where each value stood."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from openpyxl.utils import get_column_letter

from reform_analysis.estimates import DataError
from reform_analysis.melting import Block, Segment
from reform_analysis.panel_columns import PANEL, kind_of
from reform_analysis.readings import Column

_DTYPES = {
    **{"string": "str", "integer": "Int64", "number": "float64", "boolean": "bool", "date": "datetime64[us]"},
    **{"boolean with gaps": "boolean", "date to the nanosecond": "datetime64[ns]"},
}
_NAMED = ("city", "county", "unit_name")


def assemble(columns: Sequence[Column], blocks: Sequence[Block]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the panel, and where each of its values stood.

    Parameters
    ----------
    columns : sequence of Column
    blocks : sequence of Block

    Returns
    -------
    panel : DataFrame
        Canonical columns in the order of the declaration, then covariates as the file has them.
    cells : DataFrame
        Columns ``row, column, sheet, excel_row, excel_column, raw, unit``, the last one what the header
        gives bare numbers.

    Raises
    ------
    DataError
        If two columns have one name, or one of yes and no is missing from some tables.
    """
    size = sum(block.size for block in blocks)
    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise DataError(f"two headers give the columns {repeated}; name one of them otherwise with aliases.")
    given = {column.name: _series(column, size, blocks) for column in columns}
    given["period"] = _periods(given.get("period"), blocks)
    given.setdefault("unit_id", _unit_ids(given))
    given.setdefault("unit_name", given["unit_id"])
    canonical = [name for name in PANEL.columns if name in given]
    families = [name for name in given if name not in canonical and kind_of(name)]
    free = [name for name in given if name not in canonical and not kind_of(name)]
    panel = pd.DataFrame({name: given[name] for name in (*canonical, *families, *free)})
    several = len(blocks) > 1 or any(len(block.periods) > 1 for block in blocks)
    order = _order(panel) if several else np.arange(size)
    return panel.iloc[order].reset_index(drop=True), _cells(columns, order)


def _series(column: Column, size: int, blocks: Sequence[Block]) -> pd.Series:
    blank = "" if column.kind == "string" else None
    values = np.full(size, blank, dtype=object)
    covered = np.zeros(size, dtype=bool)
    for segment, read in zip(column.segments, column.values, strict=True):
        times = segment.positions.shape[1]
        cell_values = np.empty(len(read), dtype=object)
        cell_values[:] = read
        values[segment.positions.ravel()] = np.repeat(cell_values, times)
        covered[segment.positions.ravel()] = True
    if column.kind == "boolean" and kind_of(column.name) and not covered.all():
        given = {segment.table.sheet.name for segment in column.segments}
        sheets = [block.table.sheet.name for block in blocks if block.table.sheet.name not in given]
        raise DataError(
            f"column {column.name!r} is missing from some sheets, {sheets}; give it in every one."
        )
    if column.kind == "number":
        return pd.Series(np.array([np.nan if value is None else value for value in values], dtype=float))
    return pd.Series(list(values), dtype=_DTYPES[_storage(column.kind, values)])


def _storage(kind: str, values: np.ndarray) -> str:
    """The kind with what its values need beyond the usual type."""
    if kind == "boolean" and any(value is None for value in values):
        return "boolean with gaps"
    fine = kind == "date" and any(getattr(value, "nanosecond", 0) for value in values)
    return "date to the nanosecond" if fine else kind


def _periods(given: pd.Series | None, blocks: Sequence[Block]) -> pd.Series:
    """The period of every row: from its own column, the headers, or the sheet."""
    named = [period for block in blocks for period in (block.periods or ("",)) * len(block.table.rows)]
    if given is None:
        return pd.Series(named, dtype="str")
    return pd.Series([own or other for own, other in zip(given, named, strict=True)], dtype="str")


def _unit_ids(given: Mapping[str, pd.Series]) -> pd.Series:
    """Identifiers made of city, county and name: a name alone may stand for two townships."""
    parts = [given[name] for name in _NAMED if name in given]
    return pd.Series(["/".join(filter(None, row)) for row in zip(*parts, strict=True)], dtype="str")


def _order(panel: pd.DataFrame) -> np.ndarray:
    unit = pd.factorize(panel["unit_id"])[0]
    return np.lexsort((panel["period"].to_numpy(dtype=object).astype(str), unit))


def _cells(columns: Sequence[Column], order: np.ndarray) -> pd.DataFrame:
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    pieces = [
        _piece(column.name, segment, raws, rank)
        for column in columns
        for segment, raws in zip(column.segments, column.raws, strict=True)
    ]
    return pd.concat(pieces, ignore_index=True)


def _piece(name: str, segment: Segment, raws: list[str], rank: np.ndarray) -> pd.DataFrame:
    times = segment.positions.shape[1]
    frame = pd.DataFrame({"row": rank[segment.positions.ravel()]})
    frame["column"] = pd.Series([name] * len(frame), dtype="str")
    frame["sheet"] = pd.Series([segment.table.sheet.name] * len(frame), dtype="str")
    frame["excel_row"] = np.repeat(np.array(segment.table.rows, dtype=np.int64), times)
    frame["excel_column"] = pd.Series([get_column_letter(segment.header.number)] * len(frame), dtype="str")
    frame["raw"] = pd.Series(np.repeat(np.array(raws, dtype=object), times), dtype="str")
    frame["unit"] = pd.Series([segment.header.unit] * len(frame), dtype="str")
    return frame
