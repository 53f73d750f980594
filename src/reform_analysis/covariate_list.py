"""The list of what was read as a covariate: headers that no alias knows, so that no rule applies to them."""

from collections.abc import Mapping, Sequence, Set

import pandas as pd
from openpyxl.utils import get_column_letter

from reform_analysis.cells import show
from reform_analysis.headers import closest, stem
from reform_analysis.melting import Block, Segment
from reform_analysis.panel_columns import kind_of
from reform_analysis.readings import Change, Column
from reform_analysis.wording import say

_COLUMNS = ["column", "sheet", "excel_row", "excel_column", "header", "kind", "why", "cell", "closest"]


def covariate_table(columns: Sequence[Column], table: Mapping[str, str], *, chosen: Set[str]) -> pd.DataFrame:
    """Return one row a header that was taken as a covariate.

    Parameters
    ----------
    columns : sequence of Column
    table : mapping of str to str
        As `headers.alias_table` returns it.
    chosen : set of str
        Stems of the headers that the caller named; they get no proposals.

    Returns
    -------
    DataFrame
        Columns ``column, sheet, excel_row, excel_column, header, kind, why, cell, closest``; `closest` lists
        known columns that the file does not give otherwise, separated by commas.
    """
    given = {column.name for column in columns}
    rows = []
    for column in columns:
        for segment in () if kind_of(column.name) else column.segments:
            header = segment.header
            row, letter, _ = _place(segment)
            named = header.text if stem(header.text) in chosen else ""
            like = [name for name in (() if named else closest(header.column, table)) if name not in given]
            remark = (column.kind, column.why, column.cell, ", ".join(like))
            rows.append((column.name, segment.table.sheet.name, row, letter, header.text, *remark))
    return pd.DataFrame(rows, columns=_COLUMNS).astype(
        {name: "str" for name in _COLUMNS if name != "excel_row"}
    )


def _place(segment: Segment) -> tuple[int, str, str]:
    """Row, letter and text of a header's lowest cell; its last row where a group's text stands for it."""
    table, number = segment.table, segment.header.number
    rows = [row for row in range(table.top, table.bottom + 1) if number in table.sheet.rows.get(row, {})]
    row = rows[-1] if rows else table.bottom
    return row, get_column_letter(number), show(table.sheet.rows.get(row, {}).get(number))


def covariate_lines(block: Block, columns: Sequence[Column]) -> dict[tuple[int, int], Change]:
    """Return one line of the log for each header of a table that was taken as a covariate.

    Parameters
    ----------
    block : Block
    columns : sequence of Column

    Returns
    -------
    dict of (int, int) to Change
        By row and column of the sheet.
    """
    lines = {}
    for column in columns:
        for segment in () if kind_of(column.name) else column.segments:
            if segment.table is not block.table:
                continue
            row, letter, text = _place(segment)
            said = " ".join(filter(None, (column.name, segment.header.period)))
            reason = f"header, read as a covariate: {_kind(column.kind, column.why, column.cell, 'en')}"
            line = Change(block.table.sheet.name, row, letter, column.name, text, said, reason)
            lines[row, segment.header.number] = line
    return lines


def _kind(kind: str, why: str, cell: str, language: str) -> str:
    name = say(f"reading.kind_{kind}", language)
    return say(f"reading.why_{why}", language, kind=name, cell=cell) if why else name


def covariate_sentence(found: pd.DataFrame, language: str) -> str:
    """Return what a covariate was read as, where it stands, and which known columns have headers like it.

    Parameters
    ----------
    found : DataFrame
        The rows of one column, as `covariate_table` returns them.
    language : {"en", "zh"}

    Returns
    -------
    str
    """
    first = found.iloc[0]
    place = f"{first['sheet']}!{first['excel_column']}{first['excel_row']}"
    if len(found) > 1:
        place = say("reading.places", language, place=place, more=len(found) - 1)
    kind = _kind(first["kind"], first["why"], first["cell"], language)
    names = {"column": first["column"], "header": first["header"]}
    line = say("reading.covariate", language, place=place, kind=kind, **names)
    if not first["closest"]:
        return line
    columns = str(first["closest"])
    only = "…" if "," in columns else columns  # several are like it: which one, the reader must say
    return say("reading.closest", language, line=line, columns=columns, chosen=only, **names)
