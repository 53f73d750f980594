"""Percents and months as a workbook shows them, through openpyxl, xlwt and the reader."""

import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
import xlwt
from hypothesis import given
from hypothesis import strategies as st

from reform_analysis.cell_formats import as_shown, bare_format
from reform_analysis.cells import read_number
from reform_analysis.ingest import read_panel

VALUES = [
    (0.063, "0%", "6.3%"),
    (0.063, "0.0%;[Red]-0.0%", "6.3%"),
    (1, "0%", "100%"),
    (-0.4, "0%", "-40%"),
    (12, '0"%"', 12),
    (12, "General", 12),
    (True, "0%", True),
    ("text", "0%", "text"),
    (datetime(2021, 5, 1), 'yyyy"年"m"月"', "2021-05"),
    (datetime(2021, 5, 1), "[$-804]yyyy/mm;@", "2021-05"),
    (datetime(2021, 1, 1), 'yyyy"年"', "2021"),
    (datetime(2021, 5, 17), "yyyy-mm-dd", datetime(2021, 5, 17)),
    (datetime(2021, 5, 17), 'm"月"d"日"', datetime(2021, 5, 17)),
    (date(2021, 5, 17), "yyyy-mm", "2021-05"),
]


@pytest.mark.parametrize(("value", "code", "shown"), VALUES)
def test_values_as_shown(value: object, code: str, shown: object) -> None:
    assert as_shown(value, code) == shown


def test_literal_texts_are_no_format() -> None:
    assert bare_format(r'"d%"0\%_%*% [h]') == "0 "


@given(st.floats(-1e6, 1e6))
def test_a_percent_keeps_every_digit(share: float) -> None:
    assert read_number(as_shown(share, "0.0%"), dimension="share").value == share


def test_a_percent_format_goes_before_a_percent_in_the_header(tmp_path: Path) -> None:
    """Stored 0.05 shown as 5% and typed 5 under a header with (%) are the same share."""
    book = openpyxl.Workbook()
    for row in (
        ["单位名称", "年份", "败诉率（%）", "试点时间"],
        ["甲镇", 2021, 0.05, date(2021, 5, 1)],
        ["乙镇", 2021, 5, None],
    ):
        book.active.append(row)
    book.active["C2"].number_format = "0.0%"
    book.active["D2"].number_format = 'yyyy"年"m"月"'
    book.save(tmp_path / "b.xlsx")
    read = read_panel(tmp_path / "b.xlsx")
    assert read.panel["loss_rate"].tolist() == [0.05, 0.05]
    assert read.panel["adopted"].tolist() == ["2021-05", ""]
    assert read.log.query("column == 'loss_rate' and reason != 'header'")["raw"].tolist() == ["5.0%", "5"]


def test_the_same_in_an_old_workbook(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("2021")
    for column, text in enumerate(["单位名称", "败诉率（%）", "试点时间"]):
        sheet.write(0, column, text)
    sheet.write(1, 0, "甲镇")
    sheet.write(1, 1, 0.05, xlwt.easyxf(num_format_str="0.00%"))
    sheet.write(1, 2, date(2021, 5, 1), xlwt.easyxf(num_format_str='yyyy"年"m"月"'))
    book.save(str(tmp_path / "b.xls"))
    row = read_panel(tmp_path / "b.xls").panel.iloc[0]
    assert (row["loss_rate"], row["adopted"]) == (0.05, "2021-05")


@pytest.mark.parametrize(("number", "adopted"), [(57, "2021-05"), (31, "2021-05-01"), (14, "2021-05-01")])
def test_formats_known_by_their_number_only(number: int, adopted: str, tmp_path: Path) -> None:
    """Chinese Excel writes the number of its own date formats without their code."""
    book = openpyxl.Workbook()
    for row in (["单位名称", "年份", "败诉", "试点时间"], ["甲镇", 2021, 1, 44317]):
        book.active.append(row)
    book.active["D2"].number_format = "0.00"
    book.save(tmp_path / "plain.xlsx")
    with (
        zipfile.ZipFile(tmp_path / "plain.xlsx") as plain,
        zipfile.ZipFile(tmp_path / "b.xlsx", "w") as changed,
    ):
        for name in plain.namelist():
            part = plain.read(name)
            assert name != "xl/styles.xml" or b'numFmtId="2"' in part
            changed.writestr(name, part.replace(b'numFmtId="2"', f'numFmtId="{number}"'.encode()))
    assert read_panel(tmp_path / "b.xlsx").panel["adopted"].tolist() == [adopted]
