"""Tables for journals as Excel files: the table, its numbers in full precision, its notes; no formula."""

from math import ceil
from pathlib import Path
from typing import Any, Unpack

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import Cell as Field
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from reform_analysis.journal_layout import Cell, JournalTable, printable, text_columns, width
from reform_analysis.journal_tables import Options, Source, prepared
from reform_analysis.new_files import require_new, undated_workbook, write_new
from reform_analysis.wording import say

_WIDEST = 60
_THICK, _THIN = Side(style="medium"), Side(style="thin")
_LINE = 15  # points
_FIRST_ROW = 3  # below the caption and an empty row


def to_excel(
    source: Source, path: str | Path, *, overwrite: bool = False, **options: Unpack[Options]
) -> Path:
    """Write a result as an Excel workbook: the table as printed, its numbers, its notes.

    Texts stay texts whatever they begin with (``= + - @``, tab): nothing in the file is a formula. Numbers
    are numbers with a format that prints them as in the table.

    Parameters
    ----------
    source : as `journal_tables.journal_table`
    path : str or Path
        Ends in ``.xlsx``.
    overwrite : bool
        Replace a file that is there.
    **options
        As `journal_tables.journal_table`.

    Returns
    -------
    Path
        Equal tables are equal bytes.

    Raises
    ------
    DataError
        If the file is there already, its folder is missing, or an option is wrong.
    DesignError
        If the source cannot be made a table.
    """
    require_new(path, overwrite=overwrite)
    table = prepared(source, options)
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = say("journal.sheet_table", table.language)
    _write_table(sheet, table)
    if table.numbers is not None:
        _write_numbers(book.create_sheet(say("journal.sheet_numbers", table.language)), table.numbers)
    notes = book.create_sheet(say("journal.sheet_notes", table.language))
    notes.column_dimensions["A"].width = 2 * _WIDEST
    for place, line in enumerate([table.numbered_caption, *table.notes], start=1):
        _text(notes.cell(place, 1), line).alignment = Alignment(wrap_text=True, vertical="top")
    for each in book.worksheets:
        _fit_page(each)
    return write_new(path, undated_workbook(book), overwrite=overwrite)


def _fit_page(sheet: Worksheet) -> None:
    """A printed page is as wide as the sheet."""
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0


def _write_table(sheet: Worksheet, table: JournalTable) -> None:
    """Caption, heads and rows with the three rules; the notes once more underneath."""
    aside = text_columns(table)
    for column, (head, left) in enumerate(zip(table.heads, aside, strict=True), start=1):
        field = _text(sheet.cell(_FIRST_ROW, column), head)
        field.alignment = Alignment(
            horizontal="left" if left else "center", wrap_text=True, vertical="bottom"
        )
        cells = [row[column - 1] for row in table.rows]
        widest = max([width(head), *(width(cell.text) for cell in cells)])
        sheet.column_dimensions[field.column_letter].width = min(widest + 3, _WIDEST)
        for place, cell in enumerate(cells, start=_FIRST_ROW + 1):
            _fill(sheet.cell(place, column), cell, left)
    last = _FIRST_ROW + len(table.rows)
    for column in range(1, len(table.heads) + 1):
        bottom = _THIN if table.rows else _THICK
        sheet.cell(_FIRST_ROW, column).border = Border(top=_THICK, bottom=bottom)
        if table.rows:
            sheet.cell(last, column).border = Border(bottom=_THICK)
    _across(sheet, 1, table.numbered_caption).font = Font(bold=True)
    for place, note in enumerate(table.note_lines, start=last + 2):
        _across(sheet, place, note)
    lines = max(head.count("\n") + 1 for head in table.heads)
    sheet.row_dimensions[_FIRST_ROW].height = _LINE * lines
    sheet.freeze_panes = sheet.cell(_FIRST_ROW + 1, 2)


def _across(sheet: Worksheet, row: int, text: str) -> Field:
    """A text over all columns of the table, in as many lines as it needs; Excel sets no height for it."""
    fields = sheet[_FIRST_ROW]
    wide = sum(sheet.column_dimensions[field.column_letter].width for field in fields)
    if len(fields) > 1:
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=len(fields))
    sheet.row_dimensions[row].height = _LINE * ceil(1.1 * width(text) / wide)
    field = _text(sheet.cell(row, 1), text)
    field.alignment = Alignment(wrap_text=True, vertical="top")
    return field


def _fill(field: Field, cell: Cell, left: bool) -> None:
    field.alignment = Alignment(horizontal="left" if left else "right", wrap_text=left, vertical="top")
    if cell.value is None:
        _text(field, cell.text)
    else:
        field.value = cell.value
        field.number_format = cell.form


def _write_numbers(sheet: Worksheet, frame: pd.DataFrame) -> None:
    """A frame as it is, in full precision; what is undefined stays empty."""
    for column, name in enumerate(frame.columns, start=1):
        field = _text(sheet.cell(1, column), str(name))
        field.font = Font(bold=True)
        sheet.column_dimensions[field.column_letter].width = max(12, len(str(name)) + 2)
        for place, value in enumerate(frame.iloc[:, column - 1], start=2):
            _value(sheet.cell(place, column), value)
    sheet.freeze_panes = "A2"


def _value(field: Field, value: Any) -> None:
    number = pd.api.types.is_number(value) and not isinstance(value, bool)
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return
    if number and abs(value) != float("inf"):
        field.value = value.item() if hasattr(value, "item") else value
    else:
        _text(field, str(value))


def _text(field: Field, text: str) -> Field:
    """Set a text that stays one: = would make it a formula, and so would + - @ once it is edited."""
    field.value = printable(text)
    field.data_type = "s"
    field.quotePrefix = text[:1] in tuple("=+-@\t\r\n'")
    return field
