"""Excel tables: numbers are numbers, texts are texts, and nothing is a formula."""

import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from reform_analysis import tables
from reform_analysis.estimates import DataError, Estimates
from reform_analysis.text_table import Table

HOSTILE = ["=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", '=HYPERLINK("http://x.test")', "'=1"]
FRAME = pd.DataFrame(
    [[0.6038, 0.2239, 0.3767, 0.9538, 0.029456]],
    columns=["estimate", "std_error", "ci_low", "ci_high", "p_value"],
    index=pd.Index(["=losses"], name="term"),
)
RESULT = Estimates(FRAME, scale="rate_ratio", ci_level=0.95, method="=exact", n_obs=178, synthetic=True)


def everything(path: Path) -> list:
    return [cell for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]


def test_no_text_becomes_a_formula(tmp_path: Path) -> None:
    frame = pd.DataFrame({text: [text] for text in HOSTILE})
    frame.attrs["caption"] = "=caption"
    path = tables.to_excel(Table(frame, "=caption", True), tmp_path / "t.xlsx", notes=["=note"])
    cells = [cell for cell in everything(path) if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    shown = [cell for cell in cells if str(cell.value).startswith(tuple("=+-@\t'"))]
    assert len(shown) >= 2 * (len(HOSTILE) - 1)
    assert all(cell.quotePrefix for cell in shown)
    with zipfile.ZipFile(path) as archive:
        assert not any(
            b"<f>" in archive.read(name) or b"<f " in archive.read(name) for name in archive.namelist()
        )


def test_results_are_numbers_that_print_as_in_the_table(tmp_path: Path) -> None:
    path = tables.to_excel({"=m": RESULT}, tmp_path / "t.xlsx", stars=True)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Table", "Numbers", "Notes"]
    estimate = book["Table"].cell(4, 2)
    assert (estimate.value, estimate.number_format) == (0.6038, '#,##0.00"**"')
    assert book["Table"].cell(5, 2).value == "[0.38, 0.95]"
    numbers = pd.read_excel(path, sheet_name="Numbers", keep_default_na=False, na_values=[""])
    assert numbers.loc[0, ["estimate", "ci_high", "n_obs"]].tolist() == [0.6038, 0.9538, 178]
    assert numbers.loc[0, "term"] == "=losses"
    assert all(cell.data_type != "f" for cell in everything(path))


@pytest.mark.parametrize(
    ("language", "sheets"), [("en", ["Table", "Numbers", "Notes"]), ("zh", ["表", "全精度数字", "注"])]
)
def test_notes_stand_in_a_sheet_and_below_the_table(language: str, sheets: list[str], tmp_path: Path) -> None:
    book = openpyxl.load_workbook(tables.to_excel(RESULT, tmp_path / "t.xlsx", language=language))
    assert book.sheetnames == sheets
    notes = [cell.value for cell in book[sheets[2]]["A"]]
    assert "SYNTHETIC" in notes[1]
    assert any("SYNTHETIC" in str(cell.value) for cell in book[sheets[0]]["A"])


def test_three_rules(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(tables.to_excel(RESULT, tmp_path / "t.xlsx"))["Table"]
    sides = [
        (cell.row, side, getattr(cell.border, side))
        for row in sheet.iter_rows(max_col=4)
        for cell in row
        for side in ("top", "bottom", "left", "right")
    ]
    ruled = {(row, side): line.style for row, side, line in sides if line is not None and line.style}
    assert ruled == {(3, "top"): "medium", (3, "bottom"): "thin", (4, "bottom"): "medium"}


def test_equal_tables_are_equal_bytes_without_a_date(tmp_path: Path) -> None:
    first, second = (tables.to_excel(RESULT, tmp_path / name) for name in ("a.xlsx", "b.xlsx"))
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert b"dcterms:modified" not in archive.read("docProps/core.xml")


def test_no_other_file_is_replaced(tmp_path: Path) -> None:
    path = tables.to_excel(RESULT, tmp_path / "t.xlsx")
    with pytest.raises(DataError, match="must be new"):
        tables.to_excel(RESULT, path)


@pytest.mark.parametrize(("value", "shown"), [(1e-9, '"<0.01"'), (-1e-9, '">−0.01"')])
def test_a_number_too_small_to_print_is_there_in_full(value: float, shown: str, tmp_path: Path) -> None:
    path = tables.to_excel(pd.DataFrame({"share": [value, 0.0]}), tmp_path / "t.xlsx")
    cell, zero = (openpyxl.load_workbook(path)["Table"].cell(row, 1) for row in (4, 5))
    assert (cell.value, zero.value, zero.number_format) == (value, 0, "#,##0.00")
    sections = cell.number_format.split(";")  # of positive numbers, negative numbers, zero
    assert sections[int(value < 0)] == shown


def test_notes_are_as_wide_as_the_table_and_a_printed_page_too(tmp_path: Path) -> None:
    note = "A long note. " * 40
    book = openpyxl.load_workbook(tables.to_excel(RESULT, tmp_path / "t.xlsx", notes=[note]))
    sheet = book["Table"]
    (row,) = [cell.row for cell in sheet["A"] if str(cell.value).startswith("A long note")]
    assert f"A{row}:{sheet.cell(3, sheet.max_column).column_letter}{row}" in {
        str(r) for r in sheet.merged_cells.ranges
    }
    wide = sum(sheet.column_dimensions[cell.column_letter].width for cell in sheet[3])
    assert sheet.row_dimensions[row].height / 15 >= len(note) / wide
    assert sheet.cell(row, 1).alignment.wrap_text
    for each in book.worksheets:
        assert each.sheet_properties.pageSetUpPr.fitToPage
        assert (each.page_setup.fitToWidth, each.page_setup.fitToHeight) == (1, 0)
