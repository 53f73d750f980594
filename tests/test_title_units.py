"""Units in a title reach the columns that they fit, cell by cell in the log, or are refused."""

from pathlib import Path

import openpyxl
import pytest

from reform_analysis.estimates import DataError
from reform_analysis.ingest import PanelRead, read_panel

HEADERS = ["乡镇", "常住人口", "涉法数字化投入", "败诉件数"]


def read(path: Path, title: str, headers: list[str] = HEADERS) -> PanelRead:
    book = openpyxl.Workbook()
    for row in (
        ["2020年统计表"],
        [title],
        headers,
        ["一镇", 3, 12, 1],
        ["二镇", 5, 8, 2],
        ["合计", 8, 20, 3],
    ):
        book.active.append(row)
    book.save(path / "t.xlsx")
    return read_panel(path / "t.xlsx")


@pytest.mark.parametrize(("unit", "factor"), [("万人", 10000), ("千人", 1000), ("百人", 100)])
def test_persons_are_counted_in_the_title_s_unit(unit: str, factor: int, tmp_path: Path) -> None:
    found = read(tmp_path, f"单位：{unit}、件、万元")
    assert found.panel["population"].tolist() == [3 * factor, 5 * factor]
    assert found.panel["losses"].tolist() == [1, 2]
    assert found.panel["digital_spending"].tolist() == [12, 8]
    logged = found.log.query("column == 'population' and excel_row in (4, 5)")
    assert logged["reason"].tolist() == [f"unit {unit}"] * 2


def test_a_unit_of_one_changes_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "单位：人、件、万元").panel["population"].tolist() == [3, 5]


def test_cases_by_the_thousand(tmp_path: Path) -> None:
    found = read(tmp_path, "计量单位：千件、元")
    assert found.panel["losses"].tolist() == [1000, 2000]
    assert found.panel["digital_spending"].tolist() == [0.0012, 0.0008]


def test_a_header_s_own_unit_goes_before_the_title_s(tmp_path: Path) -> None:
    found = read(tmp_path, "单位：万人、万元", ["乡镇", "常住人口", "涉法数字化投入（元）", "败诉件数"])
    assert found.panel["digital_spending"].tolist() == [0.0012, 0.0008]


def test_a_unit_may_stand_in_title_and_header(tmp_path: Path) -> None:
    headers = ["乡镇", "常住人口（万人）", "涉法数字化投入", "败诉件数"]
    assert read(tmp_path, "单位：万人、件、万元", headers).panel["population"].tolist() == [30000, 50000]


def test_a_header_in_persons_is_not_multiplied(tmp_path: Path) -> None:
    headers = ["乡镇", "常住人口（人）", "涉法数字化投入", "败诉件数"]
    assert read(tmp_path, "单位：万人、件、万元", headers).panel["population"].tolist() == [3, 5]


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("单位：万人、千人、万元", "the title gives .*万人.*千人"),
        ("单位：万人、人、万元", "the title gives .*万人.*人"),
        ("单位：千户、万元", "千户, but no column is known"),
        ("单位：万、万元", "万, but no column is known"),
    ],
)
def test_a_unit_that_cannot_be_placed_is_refused(title: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        read(tmp_path, title)
