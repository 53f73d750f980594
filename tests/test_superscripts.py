"""A raised 1 behind a 3 is no 31, in either kind of workbook."""

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlwt
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from reform_analysis.estimates import DataError
from reform_analysis.ingest import read_panel
from reform_analysis.sheets import read_sheets
from reform_analysis.superscripts import shared_texts

HEADERS = ["乡镇", "年份", "败诉件数"]
RAISED = InlineFont(vertAlign="superscript")
SHARED = (
    '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><r><t>3</t></r><r><rPr>'
    '<vertAlign val="superscript"/></rPr><t>1</t></r></si><si><t>plain</t></si></sst>'
)


def inline(path: Path, name: object, losses: object) -> Path:
    book = openpyxl.Workbook()
    book.active.append(HEADERS)
    book.active.append([name, 2020, losses])
    book.save(path / "rich.xlsx")
    return path / "rich.xlsx"


def test_a_number_with_a_raised_mark_is_refused(tmp_path: Path) -> None:
    path = inline(tmp_path, "一镇", CellRichText("3", TextBlock(RAISED, "1")))
    with pytest.raises(DataError, match="C2.*'3¹' is not a number"):
        read_panel(path)


def test_a_name_with_a_raised_mark_loses_it_in_the_log(tmp_path: Path) -> None:
    read = read_panel(inline(tmp_path, CellRichText("一镇", TextBlock(RAISED, "1")), 3))
    assert read.panel["unit_name"].tolist() == ["一镇"]
    assert "footnote mark" in read.log["reason"].tolist()


def test_bold_parts_are_one_text(tmp_path: Path) -> None:
    read = read_panel(inline(tmp_path, CellRichText("一", TextBlock(InlineFont(b=True), "镇")), 3))
    assert read.panel["unit_name"].tolist() == ["一镇"]


def test_shared_texts() -> None:
    with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        assert shared_texts(archive, ["31"]) == ["31"]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("xl/sharedStrings.xml", SHARED)
    with zipfile.ZipFile(content) as archive:
        assert shared_texts(archive, ["31", "plain"]) == ["3¹", "plain"]


def test_an_old_workbook(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("2020")
    raised = xlwt.easyfont("escapement superscript")
    sheet.write_rich_text(0, 0, ["3", ("1", raised)])
    sheet.write_rich_text(1, 0, ["km", ("2", raised), " each"])
    sheet.write(2, 0, "plain")
    book.save(str(tmp_path / "old.xls"))
    (found,) = read_sheets(tmp_path / "old.xls")
    assert [found.rows[row][1] for row in (1, 2, 3)] == ["3¹", "km² each", "plain"]
