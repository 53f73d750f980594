"""From the file a researcher holds to the canonical panel, with a log of every change.

`read_panel` reads workbooks typed by hand: titles, merged headers, totals, notes, a sheet a year, years in
the headers, units and separators in the cells. What it changes is logged cell by cell; what it does not
understand raises. It does not judge the data: that is `schema.validate_panel`.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, get_args

import pandas as pd
from openpyxl.utils import get_column_letter

from reform_analysis.assembly import assemble
from reform_analysis.cells import DashMeans, show
from reform_analysis.covariate_list import covariate_lines, covariate_sentence, covariate_table
from reform_analysis.estimates import DataError, require_choice
from reform_analysis.headers import LEFT_OUT, Header, alias_table, require_used, stem
from reform_analysis.layout import find_table
from reform_analysis.melting import Block, keep_what_numbers_no_rows, melt
from reform_analysis.messages import message
from reform_analysis.panel_columns import ATTRIBUTES
from reform_analysis.readings import Change, Column, read_columns
from reform_analysis.sheets import Sheet, read_sheets
from reform_analysis.spellings import require_one_spelling
from reform_analysis.table_parts import Table
from reform_analysis.wording import say


@dataclass(frozen=True, eq=False, repr=False)
class PanelRead:
    """A panel as read from a file.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and period, columns under their canonical names and types: counts Int64, texts str with
        the empty text for blank, `pilot` bool, shares and money (10,000 yuan) float64; covariates last:
        numbers float64, texts str, yes and no bool (boolean with gaps), dates datetime64. A CSV has no types:
        there texts that are all numbers, or all True and False, are read as such, dates as texts. `attrs`
        holds `synthetic`, `covariates` (their names), and those of a stored frame.
    log : DataFrame
        One row a changed or left-out cell: ``sheet, excel_row, excel_column, column, raw, value, reason``.
        With `cells` it holds every cell of the file, so that each change can be undone. `excel_row` 0 stands
        for the sheet as a whole.
    cells : DataFrame
        Where each value of the panel stood: ``row`` (position in `panel`, from 0), ``column, sheet,
        excel_row, excel_column, raw, unit``; what `schema.validate_panel` takes to name the cell of a fault.
    covariates : DataFrame
        One row a header that no alias knows: ``column, sheet, excel_row, excel_column, header, kind, why,
        cell, closest``. `kind` is what was read (number, string, boolean or date), `why` and `cell` a remark
        on it (`covariates.Kind`), `closest` the known columns with headers like it: proposals only.
    """

    panel: pd.DataFrame
    log: pd.DataFrame
    cells: pd.DataFrame
    covariates: pd.DataFrame

    def sentences(self, language: str = "en") -> list[str]:
        """Return what was read as a covariate, for no rule of the panel applies to it.

        Parameters
        ----------
        language : {"en", "zh"}

        Returns
        -------
        list of str
            One a column, after an introduction; none if there are no covariates.
        """
        columns = self.covariates.groupby("column", sort=False)
        lines = [covariate_sentence(found, language) for _, found in columns]
        return [say("reading.covariates", language), *lines] if lines else []

    def summary(self, language: str = "en") -> str:
        """Return how much was read and changed, and the covariates; nothing is printed.

        Parameters
        ----------
        language : {"en", "zh"}

        Returns
        -------
        str
        """
        size = say("reading.size", language, rows=len(self.panel), n=len(self.log))
        return "\n".join([size, *self.sentences(language)])

    def __repr__(self) -> str:
        return self.summary()


def read_panel(
    path: str | PathLike[str],
    *,
    aliases: Mapping[str, str] | None = None,
    sheet: str | Sequence[str] | None = None,
    dash_means: DashMeans | None = None,
) -> PanelRead:
    """Read a township panel from a workbook, a text table or a stored frame.

    Rows keep the order of the file; where a table holds several periods in its headers or the workbook in
    its sheets, units come in the order they first appear, each with its periods in order. A file without
    `unit_id` gets one from city, county and name.

    Parameters
    ----------
    path : path
        .xlsx, .xlsm, .xls, .csv (UTF-8, with or without a mark, or GB18030), .parquet or Stata .dta.
    aliases : mapping of str to str, optional
        Your headers, to canonical columns, to names of covariates, or to the empty text to leave a column
        out. They go before the package's table ``aliases.toml``.
    sheet : str or sequence of str, optional
        Sheets to read; by default every visible sheet with a table.
    dash_means : {"missing", "zero"}, optional
        What a dash, a slash or 无 in a number's cell stands for. There is no default: who filled in the table
        knows, and a guess would turn unknown into zero.

    Returns
    -------
    PanelRead

    Raises
    ------
    DataError
        If the file cannot be read, an alias is none of its headers, a cell is not understood, a dash is
        found and `dash_means` is not given,
        a total does not equal its sum, or a formula was never calculated. Cells are named by sheet and
        letter.
    """
    table = alias_table(aliases)
    own = set(map(stem, aliases or ()))
    if dash_means is not None:
        require_choice("dash_means", dash_means, get_args(DashMeans))
    sheets = _chosen(read_sheets(path), sheet, path)
    found = {each.name: find_table(each, table) for each in sheets if sheet is not None or not each.hidden}
    tables = [each for each in found.values() if each is not None]
    _require_tables(tables, sheets, found, sheet, path)
    require_used(aliases or {}, [header for each in tables for header in each.headers])
    blocks = _melt(tables, chosen=own)
    columns, changes = read_columns(blocks, dash_means=dash_means)
    covariates = covariate_table(columns, table, chosen=own)
    log = [
        *_sheet_changes(sheets, found),
        *(line for block in blocks for line in _layout_changes(block, columns)),
        *changes,
    ]
    panel, cells = assemble(columns, blocks)
    require_one_spelling(panel)
    panel.attrs = _attributes(panel, sheets, path) | {"covariates": list(dict.fromkeys(covariates["column"]))}
    return PanelRead(panel, _log_frame(log, sheets), cells, covariates)


def _log_frame(log: Sequence[Change], sheets: Sequence[Sheet]) -> pd.DataFrame:
    """The log in the order of the file."""
    place = {each.name: at for at, each in enumerate(sheets)}
    ordered = sorted(log, key=lambda c: (place[c.sheet], c.excel_row, len(c.excel_column), c.excel_column))
    return pd.DataFrame(ordered, columns=list(Change._fields))


def _chosen(sheets: list[Sheet], sheet: str | Sequence[str] | None, path: str | PathLike[str]) -> list[Sheet]:
    if sheet is None:
        return sheets
    if not isinstance(sheet, (str, Sequence)) or not all(isinstance(name, str) for name in sheet):
        raise DataError(f"sheet must be a name or names, got {sheet!r}; pass '2021年'.")
    names = [sheet] if isinstance(sheet, str) else list(sheet)
    there = {each.name: each for each in sheets}
    unknown = [name for name in names if name not in there]
    if unknown or not names:
        told = {"sheets": list(there), "name": Path(path).name, "given": unknown or names}
        raise DataError(message("file.sheet", **told))
    return [there[name] for name in dict.fromkeys(names)]


def _require_tables(
    tables: Sequence[Table],
    sheets: Sequence[Sheet],
    found: Mapping[str, Table | None],
    sheet: str | Sequence[str] | None,
    path: str | PathLike[str],
) -> None:
    without = [name for name, table in found.items() if table is None]
    if not tables or (sheet is not None and without):
        raise DataError(message("file.no_table", name=Path(path).name, sheets=without))
    for each in sheets:
        if each.name in without and len(shared := _shared_headers(each, tables)) > 1:
            raise DataError(
                f"{Path(path).name}: no column of units was found in sheet {each.name!r}, which has the "
                f"headers {shared} of another sheet; pass aliases={{'your header': 'unit_name'}}, or "
                f"sheet={[name for name in found if name not in without]} to leave it out."
            )
    if not any(table.rows for table in tables):
        raise DataError(message("file.no_rows", name=Path(path).name))


def _shared_headers(sheet: Sheet, tables: Sequence[Table]) -> list[str]:
    """Headers of the tables that stand in a sheet without one."""
    texts = {show(value) for cells in sheet.rows.values() for value in cells.values()}
    return sorted(texts & {header.text for table in tables for header in table.headers})


def _melt(tables: Sequence[Table], *, chosen: Set[str]) -> list[Block]:
    blocks: list[Block] = []
    for table in tables:
        kept = keep_what_numbers_no_rows(table, chosen=chosen)
        blocks.append(melt(kept, offset=sum(block.size for block in blocks)))
    return blocks


def _sheet_changes(sheets: Sequence[Sheet], found: Mapping[str, Table | None]) -> list[Change]:
    """Sheets that were not read."""
    left = {each.name: "hidden sheet" for each in sheets if each.name not in found}
    left |= {name: "sheet without a table" for name, table in found.items() if table is None}
    return [Change(name, 0, "", "", name, "", reason) for name, reason in left.items()]


def _layout_changes(block: Block, columns: Sequence[Column]) -> list[Change]:
    """Period of the sheet, headers, and the cells that are neither data nor totals."""
    table = block.table
    names = {segment: column.name for column in columns for segment in column.segments}
    name = table.sheet.name
    lines = [Change(name, 0, "", "period", name, block.periods[0], block.source)] if block.source else []
    meaning = {each.header.number: replace(each.header, column=names[each]) for each in block.segments}
    dropped = {header.number for header in table.headers if header.column == LEFT_OUT}
    unknown = covariate_lines(block, columns)
    data, totals = set(table.rows), {total.row for total in table.totals}
    lines += [
        Change(name, row, "", "", "", "", "hidden row, read")
        for row in sorted(data & table.sheet.hidden_rows)
    ]
    for row, cells in table.sheet.rows.items():
        if row in data:
            outside = cells.keys() - meaning.keys()
            reasons = {at: "column left out" if at in dropped else "column without header" for at in outside}
        else:
            reasons = {} if row in totals else dict.fromkeys(cells, _why(table, row))
        for number, reason in reasons.items():
            if (row, number) in unknown:
                continue
            said = _meaning(meaning.get(number)) if reason == "header" else ""
            text = show(cells[number])
            if reason != "header" or text != said:
                column = meaning[number].column if number in meaning else ""
                lines.append(Change(name, row, get_column_letter(number), column, text, said, reason))
    return [*lines, *unknown.values()]


def _why(table: Table, row: int) -> str:
    """Why a row that is neither data nor a total gives no values."""
    if row < table.top:
        return "title"
    return "header" if row <= table.bottom else table.left_out.get(row, "blank")


def _meaning(header: Header | None) -> str:
    return " ".join(filter(None, (header.column, header.period))) if header else ""


def _attributes(panel: pd.DataFrame, sheets: Sequence[Sheet], path: str | PathLike[str]) -> dict[str, Any]:
    """Attributes of a stored frame; synthetic if an attribute, a column or the file's name says so."""
    stored = {key: value for each in sheets for key, value in each.attrs.items()}
    known = {key: stored[key] for key in ATTRIBUTES if key in stored}
    marked = "synthetic" in panel.columns and bool(panel["synthetic"].any())
    named = "synthetic" in Path(path).name.lower()
    return known | {"synthetic": marked or named or bool(stored.get("synthetic", False))}
