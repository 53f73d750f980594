"""Headers that no alias knows are listed, once each, with the columns they resemble."""

from pathlib import Path

import openpyxl
import pytest

from reform_analysis.ingest import read_panel


def book(path: Path, *rows: list[object], merged: tuple[str, ...] = ()) -> Path:
    made = openpyxl.Workbook()
    made.active.title = "2021"
    for row in rows:
        made.active.append(row)
    for area in merged:
        made.active.merge_cells(area)
    made.save(path / "b.xlsx")
    return path / "b.xlsx"


def test_every_unknown_header_has_one_line_with_its_sheet(tmp_path: Path) -> None:
    rows = [
        ["单位名称", "败诉件数", "行政执法", None, "GDP"],
        [None, None, "以乡镇名义计", "说明甲", None],
        ["甲镇", 1, 2, "x", 3],
    ]
    read = read_panel(book(tmp_path, *rows, merged=("A1:A2", "B1:B2", "C1:D1", "E1:E2")))
    lines = read.log[read.log["reason"].str.contains("covariate")]
    assert lines[["sheet", "excel_row", "excel_column", "column"]].to_numpy().tolist() == [
        ["2021", 1, "E", "GDP"],
        ["2021", 2, "C", "行政执法_以乡镇名义计"],
        ["2021", 2, "D", "行政执法_说明甲"],
    ]
    assert lines["reason"].iloc[0] == "header, read as a covariate: numbers"
    assert lines["reason"].iloc[2] == "header, read as a covariate: text"
    assert read.panel.attrs["covariates"] == ["行政执法_以乡镇名义计", "行政执法_说明甲", "GDP"]
    table = read.covariates.set_index("column")
    assert table.loc["行政执法_以乡镇名义计", ["header", "closest"]].tolist() == [
        "行政执法 以乡镇名义计",
        "enforcement_own",
    ]
    assert table.loc["GDP", "closest"] == ""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_summary_names_them_with_proposals(language: str, tmp_path: Path) -> None:
    read = read_panel(book(tmp_path, ["单位名称", "败诉件数", "审结件数"], ["甲镇", 1, 2]))
    assert "审结件数" in read.summary(language)
    assert "lawsuits_concluded" in read.summary(language)
    assert "2021!C1" in read.summary(language)
    assert repr(read) == read.summary()


def test_columns_that_are_given_are_not_proposed(tmp_path: Path) -> None:
    rows = [["单位名称", "败诉件数", "一审审结件数", "复议审结件数", "审结件数"], ["甲镇", 1, 2, 3, 4]]
    closest = set(read_panel(book(tmp_path, *rows)).covariates["closest"].iloc[0].split(", "))
    assert not closest & {"lawsuits_concluded", "reconsiderations_concluded", "unit_name", "losses"}


def test_a_covariate_that_the_caller_named_gets_no_proposal(tmp_path: Path) -> None:
    path = book(tmp_path, ["单位名称", "败诉件数", "审结件数"], ["甲镇", 1, 2])
    read = read_panel(path, aliases={"审结件数": "concluded_all"})
    assert read.covariates[["column", "closest"]].to_numpy().tolist() == [["concluded_all", ""]]


def test_a_panel_of_known_columns_has_none(tmp_path: Path) -> None:
    read = read_panel(book(tmp_path, ["单位名称", "败诉件数"], ["甲镇", 1]))
    assert read.covariates.empty
    assert read.sentences() == []
    assert read.panel.attrs["covariates"] == []
