"""The panel put together from several tables, and where its values stood."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from reform_analysis.estimates import DataError
from reform_analysis.ingest import read_panel


def book(path: Path, **sheets: list[list[object]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


HEAD = ["单位名称", "败诉", "gdp"]


def test_units_come_in_order_of_appearance_each_with_its_periods(tmp_path: Path) -> None:
    late = [HEAD, ["乙镇", 1, 1.5], ["甲镇", 2, 2.5]]
    early = [["县", *HEAD], ["丙县", "甲镇", 3, 3.5], ["丙县", "乙镇", 4, 4.5], ["丙县", "丁镇", 5, 5.5]]
    read = read_panel(book(tmp_path / "b.xlsx", **{"2021": late, "2020": [row[1:] for row in early]}))
    assert read.panel["unit_id"].tolist() == ["乙镇", "乙镇", "甲镇", "甲镇", "丁镇"]
    assert read.panel["period"].tolist() == ["2020", "2021", "2020", "2021", "2020"]
    assert read.panel["losses"].tolist() == [4, 1, 3, 2, 5]
    places = read.cells[read.cells["column"] == "losses"].set_index("row").sort_index()
    assert places["raw"].tolist() == ["4", "1", "3", "2", "5"]
    assert places["sheet"].tolist() == ["2020", "2021", "2020", "2021", "2020"]
    assert places["excel_row"].tolist() == [3, 2, 2, 3, 4]


def test_a_column_of_one_sheet_is_missing_in_the_other(tmp_path: Path) -> None:
    sheets = {"2020": [HEAD, ["甲镇", 1, 1.5]], "2021": [["单位名称", "纠错"], ["甲镇", 2]]}
    panel = read_panel(book(tmp_path / "b.xlsx", **sheets)).panel
    expected = pd.DataFrame({"losses": [1, None], "corrections": [None, 2]}, dtype="Int64")
    pd.testing.assert_frame_equal(panel[["losses", "corrections"]], expected)
    assert panel["gdp"].isna().tolist() == [False, True]


def test_yes_and_no_cannot_be_missing(tmp_path: Path) -> None:
    sheets = {"2020": [["单位名称", "败诉", "试点"], ["甲镇", 1, "是"]], "2021": [HEAD, ["甲镇", 2, 3]]}
    with pytest.raises(DataError, match=r"'pilot' is missing from some sheets, \['2021'\]"):
        read_panel(book(tmp_path / "b.xlsx", **sheets))


def test_a_name_alone_does_not_identify_a_unit(tmp_path: Path) -> None:
    rows = [["县", *HEAD], ["乙县", "城关镇", 1, 1], ["丙县", "城关镇", 2, 2]]
    panel = read_panel(book(tmp_path / "b.xlsx", **{"2020": rows})).panel
    assert panel["unit_id"].tolist() == ["乙县/城关镇", "丙县/城关镇"]


def test_a_file_with_identifiers_only(tmp_path: Path) -> None:
    rows = [["单位代码", "败诉"], [330102001, 1]]
    panel = read_panel(book(tmp_path / "b.xlsx", **{"2020": rows})).panel
    assert panel[["unit_id", "unit_name"]].iloc[0].tolist() == ["330102001", "330102001"]


def test_columns_come_as_declared_then_covariates(tmp_path: Path) -> None:
    rows = [["gdp", "上年同期败诉件数", "审查意见", "败诉", "年份", "单位名称"], [1, 2, 3, 4, 2020, "甲镇"]]
    panel = read_panel(book(tmp_path / "b.xlsx", 表=rows)).panel
    expected = ["unit_id", "unit_name", "period", "losses", "review_opinions", "losses_previous", "gdp"]
    assert panel.columns.tolist() == expected


def test_names_that_meet(tmp_path: Path) -> None:
    rows = [["单位名称", "败诉", "gdp", "gdp_wan_yuan"], ["甲镇", 1, "1万元", 2]]
    with pytest.raises(DataError, match="two headers give the columns"):
        read_panel(book(tmp_path / "b.xlsx", **{"2020": rows}))


def test_a_header_that_is_only_a_year(tmp_path: Path) -> None:
    rows = [["单位名称", "试点", "2020年", "2021年"], ["甲镇", "是", 1, 2]]
    with pytest.raises(DataError, match="cell C1: '2020年' names a period but not what is counted"):
        read_panel(book(tmp_path / "b.xlsx", 表=rows))


def test_a_page_of_explanations_is_left_out_and_logged(tmp_path: Path) -> None:
    pages = {"说明": [["名称", "单位", "口径"], ["败诉", "件", "一审"]], "2020": [HEAD, ["甲镇", 1, 2]]}
    read = read_panel(book(tmp_path / "b.xlsx", **pages))
    assert len(read.panel) == 1
    assert read.log.query("sheet == '说明'")["reason"].tolist() == ["sheet without a table"]
