"""Rows of small grids told apart."""

import pytest

from reform_analysis.estimates import DataError
from reform_analysis.headers import alias_table
from reform_analysis.layout import find_table
from reform_analysis.sheets import Area, Sheet
from reform_analysis.table_parts import Table

HEAD = ["县（市、区）", "单位名称", "败诉件数", "审结件数"]


def table(*rows: list[object], merged: tuple[Area, ...] = ()) -> Table:
    grid = {
        at: {number: value for number, value in enumerate(row, start=1) if value is not None}
        for at, row in enumerate(rows, start=1)
    }
    found = find_table(Sheet("表", {at: row for at, row in grid.items() if row}, merged), alias_table())
    assert found is not None
    return found


@pytest.mark.parametrize("count", ["—", "2件", "/", 2])
def test_a_starred_unit_with_a_dash_or_a_count_is_a_unit(count: object) -> None:
    assert table(["单位名称", "败诉"], ["一镇", 1], ["*二镇", count], ["*指试点。"]).rows == (2, 3)


def test_a_starred_unit_without_counts_is_a_unit() -> None:
    assert table(["单位名称", "败诉"], ["一镇", 1], ["*二镇"]).rows == (2, 3)


def test_a_unit_without_counts_under_a_merged_or_blank_county_is_a_unit() -> None:
    rows = (HEAD, ["乙县", "一镇", 1, 2], [None, "二镇"], [None, "三农场"])
    assert table(*rows, merged=((2, 1, 4, 1),)).rows == (2, 3, 4)
    assert table(*rows).rows == (2, 3)
    assert table(*rows).left_out == {4: "heading or note"}


@pytest.mark.parametrize("label", ["全县", "全市", "全区", "总数", "合计（件）", "【合计】", "乙县"])
def test_totals_and_the_county_itself_are_no_units(label: str) -> None:
    found = table(HEAD, ["乙县", "一镇", 1, 2], ["乙县", "二镇", 1, 2], ["乙县", label, 2, 4])
    assert found.rows == (2, 3)
    assert [(total.row, total.label) for total in found.totals] == [(4, label)]


def test_the_whole_beside_a_unit_is_no_total() -> None:
    assert table(HEAD, ["全县", "一镇", 1, 2]).rows == (2,)
    assert table(HEAD, ["乙县", "一镇", 1, 2], ["全县", None, 1, 2]).rows == (2,)


def test_counties_among_counties_are_units() -> None:
    assert table(HEAD, ["乙县", "乙县", 1, 2], ["丙县", "丙县", 1, 2]).rows == (2, 3)


def test_a_header_said_again_in_two_rows_is_left_out() -> None:
    head = ["单位名称", "行政诉讼", None], [None, "败诉", "审结"]
    found = table(*head, ["一镇", 1, 2], *head, ["二镇", 3, 4], merged=((1, 1, 2, 1), (1, 2, 1, 3)))
    assert found.rows == (3, 6)
    assert found.left_out == {4: "header repeated", 5: "header repeated"}


@pytest.mark.parametrize(
    "second",
    [
        [["单位名称", "审结件数"]],
        [["乡镇", "纠错件数"]],
        [["2021年统计表"], ["单位名称", "败诉件数"]],
        [["2021年"]],
        [["丙县"], ["单位名称", "败诉件数"]],
    ],
)
def test_a_second_table_is_refused(second: list[list[object]]) -> None:
    with pytest.raises(DataError, match=r"row 4 \(.+\) .+ a second table begins there; put"):
        table(["2020年统计表"], ["单位名称", "败诉件数"], ["一镇", 1], *second, ["二镇", 3])
