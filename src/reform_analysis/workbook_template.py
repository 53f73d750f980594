"""An empty workbook to be filled with a township panel: headers, lists to choose from, a sheet of notes.

Headers, explanations and units come from the declaration of the panel: `ingest.read_panel` knows each header.
"""

from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from reform_analysis.estimates import require_choice
from reform_analysis.new_files import undated_workbook
from reform_analysis.panel_columns import DENOMINATORS, MEASURES, PANEL
from reform_analysis.wording import LANGUAGES, say

KEYS = ("unit_name", "county", "city", "period", "pilot", "adopted")
OUTCOMES = ("losses", "corrections")
COLUMNS = (*KEYS, *OUTCOMES, *DENOMINATORS, *MEASURES)
YEARS = tuple(range(2015, 2031))
LAST_ROW = 5000

_RULES = ("rows", "unknown", "header", "more", "check")
_HEAD = PatternFill("solid", start_color="DDE6F0")
_WRAPPED = Alignment(wrap_text=True, vertical="top")
_LONGEST_PROMPT = 255  # characters that Excel shows beside a cell


def header(name: str, language: str) -> str:
    """Return the header of a column of the template.

    Parameters
    ----------
    name : str
        A column of the panel.
    language : {"zh", "en"}

    Returns
    -------
    str

    Examples
    --------
    >>> header("losses", "zh"), header("period", "en")
    ('行政诉讼败诉', 'Period')
    """
    field = PANEL.columns[name]
    return str(field.metadata["title_zh"] if language == "zh" else field.title)


def workbook(*, language: str = "en") -> bytes:
    """Return an empty workbook for a panel.

    Parameters
    ----------
    language : {"zh", "en"}
        Of headers, lists and notes.

    Returns
    -------
    bytes
        An ``.xlsx`` file with two sheets. The panel's has a header that stays in view, a list to choose from
        where a column has few values, and a rule on counts. The notes' explains each column. The same
        language gives the same bytes.

    Raises
    ------
    DataError
        If the language is unknown.
    """
    require_choice("language", language, LANGUAGES)
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = say("template.panel_sheet", language)
    for number, name in enumerate(COLUMNS, start=1):
        _head(sheet, number, name, language)
        sheet.add_data_validation(_rule(name, get_column_letter(number), language))
    sheet.row_dimensions[1].height = 48
    sheet.freeze_panes = "B2"
    sheet.print_title_rows = "1:1"
    _write_notes(book.create_sheet(say("template.notes_sheet", language)), language)
    for each in book.worksheets:
        each.page_setup.orientation, each.page_setup.paperSize = "landscape", each.PAPERSIZE_A4
        each.page_setup.fitToHeight = 0  # as many pages as there are rows, each of full width
        each.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    return undated_workbook(book)


def _head(sheet: Worksheet, number: int, name: str, language: str) -> None:
    field = sheet.cell(1, number, header(name, language))
    field.font, field.fill = Font(bold=True), _HEAD
    field.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
    sheet.column_dimensions[field.column_letter].width = 16
    if name in ("period", "pilot", "adopted"):  # else a year stands against the answer beside it
        sheet.column_dimensions[field.column_letter].alignment = Alignment(horizontal="center")
    if name == "adopted":  # as text, or a spreadsheet turns 2021-05 into the first of May
        sheet.column_dimensions[field.column_letter].number_format = "@"
        for row in range(2, 302):
            sheet.cell(row, number).number_format = "@"


def _rule(name: str, letter: str, language: str) -> DataValidation:
    """What a spreadsheet lets a person type, and what it tells beside the cell."""
    if name == "pilot":
        rule = _list([say("template.yes", language), say("template.no", language)])
    elif name == "period":
        rule = _list([str(year) for year in YEARS])
        rule.showErrorMessage = False  # half-years and quarters are periods too
    elif PANEL.columns[name].metadata["type"] == "integer":
        rule = DataValidation(type="whole", operator="greaterThanOrEqual", formula1="0", allow_blank=True)
        rule.error = say("template.whole", language)
        rule.showErrorMessage = True
    else:
        rule = DataValidation(allow_blank=True)
    if name == "pilot":
        choices = rule.formula1.strip('"').replace(",", "、" if language == "zh" else ", ")
        rule.error = say("template.choose", language, choices=choices)
    rule.errorTitle = say("template.refused", language)
    rule.promptTitle, rule.prompt = header(name, language)[:32], _explained(name, language)[:_LONGEST_PROMPT]
    rule.showInputMessage = True
    rule.add(f"{letter}2:{letter}{LAST_ROW}")
    return rule


def _list(choices: list[str]) -> DataValidation:
    return DataValidation(
        type="list", formula1=f'"{",".join(choices)}"', allow_blank=True, showErrorMessage=True
    )


def _explained(name: str, language: str) -> str:
    if name == "pilot":
        return say("template.pilot", language)
    field: Any = PANEL.columns[name]
    return str(field.metadata["description_zh"] if language == "zh" else field.description)


def _write_notes(sheet: Worksheet, language: str) -> None:
    """The rules, then a row a column: those of the template, and those that may be added."""
    added = [
        name
        for name, field in PANEL.columns.items()
        if not field.regex and name not in (*COLUMNS, "synthetic", "unit_id")
    ]
    lines = [[say("template.notes_head", language)], *([say(f"template.rule_{r}", language)] for r in _RULES)]
    bold = [1]
    for title, names in (("in_template", COLUMNS), ("may_be_added", added)):
        bold += [len(lines) + 2, len(lines) + 3]
        heads = ("in_header", "unit", "what")
        lines += [[], [say(f"template.{title}", language)], [say(f"template.{h}", language) for h in heads]]
        lines += [_noted(name, language) for name in names]
    for row, line in enumerate(lines, start=1):
        for number, text in enumerate(line, start=1):
            field = sheet.cell(row, number, text)
            field.font = Font(bold=row in bold)
            field.alignment = _WRAPPED if len(line) > 1 else Alignment(vertical="top")
    for letter, width in zip("ABC", (52, 14, 90), strict=True):
        sheet.column_dimensions[letter].width = width


def _noted(name: str, language: str) -> list[str]:
    """A row of the notes. No cell of it is a header by itself, or the sheet would be read as a table."""
    unit = PANEL.columns[name].metadata["unit"]
    said = say(f"unit.{unit}", language) if unit else ""
    return [
        say("template.named", language, header=header(name, language), code=name),
        said,
        _explained(name, language),
    ]
