"""Which panel rows the cells of a table belong to: one period a row, a sheet or a header."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from reform_analysis.cell_dates import find_period, names_a_part
from reform_analysis.cells import half_width, is_blank, show
from reform_analysis.estimates import DataError
from reform_analysis.headers import (
    LEFT_OUT,
    Header,
    covariate_name,
    split_unit,
    stem,
)
from reform_analysis.panel_columns import kind_of
from reform_analysis.table_parts import Table, coordinate
from reform_analysis.title_units import with_title_units

# What a wide table may give once for all its periods; covariates may be given once too.
_ONCE = ("population",)


@dataclass(frozen=True, eq=False)
class Segment:
    """One column of one table.

    Parameters
    ----------
    table : Table
    header : Header
        Its `column` is the panel's, its `unit` that of bare numbers.
    raws : list of object
        Values as found, one a row of `table.rows`.
    positions : ndarray of int, shape (rows, times)
        Panel rows that take each value: one, or one a period where the table gives the value once.
    """

    table: Table
    header: Header
    raws: list[Any]
    positions: np.ndarray


@dataclass(frozen=True, eq=False)
class Block:
    """One table as panel rows.

    Parameters
    ----------
    table : Table
    segments : tuple of Segment
    periods : tuple of str
        Periods of each data row, in order; empty where a column of the table gives them.
    source : str
        Where the periods were found, if neither in a column nor in headers.
    size : int
        Number of panel rows.
    """

    table: Table
    segments: tuple[Segment, ...]
    periods: tuple[str, ...]
    source: str
    size: int


def melt(table: Table, *, offset: int) -> Block:
    """Return the panel rows of a table, and which cell each of their values comes from.

    Parameters
    ----------
    table : Table
    offset : int
        Number of panel rows before it.

    Returns
    -------
    Block

    Raises
    ------
    DataError
        If the period of a value is not given.
    """
    headers, periods, source = _periods(table)
    headers = with_title_units(table, headers)
    times = len(periods) or 1
    size = len(table.rows) * times
    grid = offset + np.arange(size, dtype=np.int64).reshape(len(table.rows), times)
    segments = []
    for header in headers:
        if header.column == LEFT_OUT:
            continue
        at = periods.index(header.period) if header.period else None
        positions = grid if at is None else grid[:, at : at + 1]
        raws = [table.value(row, header.number) for row in table.rows]
        segments.append(Segment(table, header, raws, positions))
    _require_distinct(segments)
    return Block(table, tuple(segments), periods, source, size)


def keep_what_numbers_no_rows(table: Table, *, chosen: Set[str]) -> Table:
    """Return the table with a column headed 序号 as a covariate, unless it just counts the rows.

    Parameters
    ----------
    table : Table
    chosen : set of str
        Stems of the headers that the caller left out, which stay so.

    Returns
    -------
    Table
    """
    headers = tuple(
        header
        if header.column != LEFT_OUT or stem(header.text) in chosen or _counts_rows(table, header)
        else replace(header, column=covariate_name([split_unit(header.text)[0]], header.unit), period="")
        for header in table.headers
    )
    return replace(table, headers=headers)


def _counts_rows(table: Table, header: Header) -> bool:
    """Whether the values rise one by one, or stay or start anew as groups of rows do; blanks do not count."""
    given = (table.value(row, header.number) for row in table.rows)
    texts = [half_width(show(value)).rstrip(".、") for value in given if not is_blank(value)]
    if not all(text.isdecimal() and text.isascii() and len(text) < 8 for text in texts):
        return False
    numbers = [0, *map(int, texts)]
    return all(after in (1, before, before + 1) for before, after in pairwise(numbers))


def _require_distinct(segments: Sequence[Segment]) -> None:
    """Names may meet once periods and units are no part of them."""
    seen: dict[tuple[str, str], Header] = {}
    for segment in segments:
        header = segment.header
        other = seen.setdefault((header.column, header.period), header)
        if other is not header:
            raise DataError(
                f"sheet {segment.table.sheet.name!r}: {other.text!r} and {header.text!r} both give "
                f"{header.column!r}; name one of them otherwise with aliases."
            )


def _periods(table: Table) -> tuple[Sequence[Header], tuple[str, ...], str]:
    """Headers, the periods of each row (empty where a column gives them), and where they were found."""
    dated = [header.number for header in table.headers if header.column == "period"]
    if dated:
        said = {find_period(show(value))[0] for row in table.rows if (value := table.value(row, dated[0]))}
        named = find_period(table.sheet.name)[0]
        if named and len(said) == 1 and said != {named} and "" not in said:
            raise _contradiction(table, named, said.pop(), "name of the sheet")
        return [_dated_covariate(header) for header in table.headers], (), ""
    _require_columns(table)
    wide = sorted({header.period for header in table.headers if header.period and kind_of(header.column)})
    period, source = _sheet_period(table)
    if not wide:
        if not period:
            raise DataError(
                f"sheet {table.sheet.name!r} gives no period: not in a column (年份), its headers, "
                "its name or a title; name the sheet 2021, or leave it out with sheet=."
            )
        return [_dated_covariate(header) for header in table.headers], (period,), source
    if len(wide) == 1 and period not in ("", wide[0]):
        raise _contradiction(table, period, wide[0], source)
    if len(wide) == 1:
        return [replace(header, period="") for header in table.headers], tuple(wide), source or "header"
    return [_wide(header, wide, table) for header in table.headers], tuple(wide), ""


def _contradiction(table: Table, named: str, said: str, source: str) -> DataError:
    return DataError(
        f"sheet {table.sheet.name!r}: the {source} says {named}, but its columns say {said}; correct one of "
        "them."
    )


def _require_columns(table: Table) -> None:
    for header in table.headers:
        if header.period and not header.column:
            raise DataError(
                f"sheet {table.sheet.name!r}, cell {coordinate(header.row, header.number)}: {header.text!r} "
                "names a period but not what is counted; write it into the header, as 2020年败诉件数."
            )


def _dated_covariate(header: Header) -> Header:
    """A year in the header of a table that has its periods elsewhere is part of the name."""
    if not header.period:
        return header
    name, unit = split_unit(header.text)
    return replace(header, column=covariate_name([name], unit), period="")


def _wide(header: Header, periods: Sequence[str], table: Table) -> Header:
    if header.period and header.period not in periods:
        return _dated_covariate(header)
    number = kind_of(header.column) in ("integer", "number")
    if not header.period and number and header.column not in _ONCE:
        raise DataError(
            f"sheet {table.sheet.name!r}, cell {coordinate(header.row, header.number)}: {header.text!r} "
            f"names no period, but other headers name {list(periods)}; write the period into the header."
        )
    return header


def _sheet_period(table: Table) -> tuple[str, str]:
    """Period that the sheet's name or its titles give, and which of them; empty if none."""
    partial = [text for text in (table.sheet.name, *table.title_texts()) if names_a_part(text)]
    if partial:
        raise DataError(
            f"sheet {table.sheet.name!r}: {partial[0]!r} names a part of a year; a panel holds whole years, "
            "half-years or quarters: give the table of such a period, or say in the title which one it is."
        )
    named = find_period(table.sheet.name)[0]
    titles = {period for text in table.title_texts() if (period := find_period(text)[0])}
    if named and titles - {named} and len(titles) == 1:
        raise DataError(
            f"sheet {table.sheet.name!r} is named {named} but its title says {titles.pop()}; "
            "correct one of them."
        )
    if named:
        return named, "name of the sheet"
    return (titles.pop(), "title above the table") if len(titles) == 1 else ("", "")
