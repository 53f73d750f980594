"""Where the table of a sheet lies, on small grids."""

import pytest

from reform_analysis.estimates import DataError
from reform_analysis.headers import alias_table
from reform_analysis.layout import find_table
from reform_analysis.sheets import Area, Sheet
from reform_analysis.table_parts import Table

ALIASES = alias_table()


def sheet(*rows: list[object], merged: tuple[Area, ...] = (), uncalculated: tuple[str, ...] = ()) -> Sheet:
    grid = {
        at: {number: value for number, value in enumerate(row, start=1) if value is not None}
        for at, row in enumerate(rows, start=1)
    }
    return Sheet("表", {at: row for at, row in grid.items() if row}, merged, uncalculated)


def table(*rows: list[object], merged: tuple[Area, ...] = ()) -> Table:
    found = find_table(sheet(*rows, merged=merged), ALIASES)
    assert found is not None
    return found


HEADER = ["单位名称", "败诉件数", "审结件数"]


def meanings(found: Table) -> list[tuple[str, str]]:
    return [(header.column, header.period) for header in found.headers]


def test_titles_above_and_notes_below() -> None:
    found = table(
        ["2021年统计表"],
        [],
        ["单位：件"],
        ["单位名称", "败诉件数"],
        ["甲镇", 1],
        ["乙镇", 2],
        ["注：略"],
        ["填表人：某某", "2022年"],
    )
    assert (found.top, found.bottom, found.rows) == (4, 4, (5, 6))
    assert found.left_out == {7: "note", 8: "note"}
    assert found.title_texts() == ["2021年统计表", "单位：件"]


def test_three_levels() -> None:
    found = table(
        ["单位名称", "2020年", None, "2021年", None],
        [None, "行政诉讼", None, "行政诉讼", None],
        [None, "败诉", "审结", "败诉", "审结"],
        ["甲镇", 1, 2, 3, 4],
        merged=((1, 1, 3, 1), (1, 2, 1, 3), (1, 4, 1, 5), (2, 2, 2, 3), (2, 4, 2, 5)),
    )
    assert meanings(found) == [
        ("unit_name", ""),
        ("losses", "2020"),
        ("lawsuits_concluded", "2020"),
        ("losses", "2021"),
        ("lawsuits_concluded", "2021"),
    ]
    assert found.rows == (4,)


def test_groups_above_the_units_column() -> None:
    """The units' header stands in the lower row; a title over all columns is no group."""
    found = table(
        ["统计表", None, None],
        [None, "2020年", None],
        ["单位名称", "败诉件数", "行政诉讼审结"],
        ["甲镇", 1, 2],
        merged=((1, 1, 1, 3), (2, 2, 2, 3)),
    )
    assert (found.top, found.bottom) == (2, 3)
    assert meanings(found) == [("unit_name", ""), ("losses", "2020"), ("lawsuits_concluded", "2020")]


def test_years_as_numbers_in_the_upper_row() -> None:
    found = table(["单位名称", 2020, 2021], [None, "败诉", "败诉"], ["甲镇", 1, 2], merged=((1, 1, 2, 1),))
    assert meanings(found) == [("unit_name", ""), ("losses", "2020"), ("losses", "2021")]


def test_a_row_of_units_and_a_row_of_column_numbers() -> None:
    found = table(
        ["单位名称", "败诉", "人口"],
        [None, "（件）", "（万人）"],
        ["甲", 1, 2],
        ["甲镇", 3, 4],
        merged=((1, 1, 2, 1),),
    )
    assert [header.unit for header in found.headers] == ["", "件", "万人"]
    assert found.left_out == {3: "row of column numbers"}
    assert found.rows == (4,)


def test_rows_that_look_like_others_but_are_data() -> None:
    """A first unit called 甲 with a count, one whose name begins with 注, and one without any value."""
    found = table(["单位名称", "败诉"], ["甲", 1], ["注州镇", 2], ["说明镇", None], ["合计镇", 3])
    assert found.rows == (2, 3, 4, 5)


def test_headings_and_repeated_headers_are_left_out() -> None:
    head = ["县（市、区）", *HEADER]
    found = table(head, ["一、试点"], ["乙县", "甲镇", 1, 2], head, ["丙县", "丁镇", 3, 4])
    assert found.left_out == {2: "heading or note", 4: "header repeated"}
    assert found.rows == (3, 5)


@pytest.mark.parametrize(
    "label", ["合计", "合 计", "总计", "小计：", "乙县合计", "（合计）", "Total", "甲市小计"]
)
def test_totals(label: str) -> None:
    found = table(HEADER, ["甲镇", 1, 2], [label, 1, 2])
    assert [total.row for total in found.totals] == [3]
    assert found.rows == (2,)


def test_merged_texts_are_filled_and_merged_numbers_refused() -> None:
    rows = (["县", "单位名称", "败诉"], ["乙县", "甲镇", 1], [None, "丁镇", 2])
    assert table(*rows, merged=((2, 1, 3, 1),)).value(3, 1) == "乙县"
    with pytest.raises(DataError, match=r"cell C2: '1' is merged over 2 rows"):
        table(*rows, merged=((2, 3, 3, 3),))


def test_two_columns_with_one_meaning() -> None:
    with pytest.raises(DataError, match=r"B1 \('败诉件数'\) and C1 \('行政诉讼败诉'\) both mean 'losses'"):
        table(["单位名称", "败诉件数", "行政诉讼败诉"], ["甲镇", 1, 2])


def test_values_without_a_unit() -> None:
    with pytest.raises(DataError, match="row 3 has values but no unit"):
        table(HEADER, ["甲镇", 1, 2], [None, 3, 4])


def test_a_formula_without_a_value() -> None:
    with pytest.raises(DataError, match="cell B2: the formula has no stored value"):
        find_table(sheet(HEADER, ["甲镇"], uncalculated=("B2",)), ALIASES)


@pytest.mark.parametrize("rows", [[], [["说明"]], [["单位名称"]], [["a", "b"], ["甲镇", 1]]])
def test_sheets_without_a_table(rows: list[list[object]]) -> None:
    assert find_table(sheet(*rows), ALIASES) is None


@pytest.mark.parametrize("value", [5, "5件", "—"])
def test_a_value_merged_over_two_columns_is_refused(value: object) -> None:
    with pytest.raises(DataError, match=r"cell B2: '.+' is merged over 2 columns"):
        table(HEADER, ["甲镇", value, None], merged=((2, 2, 2, 3),))


def test_a_number_as_text_merged_over_rows_is_refused() -> None:
    with pytest.raises(DataError, match=r"cell B2: '2件' is merged over 2 rows"):
        table(HEADER, ["甲镇", "2件", 1], ["乙镇", None, 1], merged=((2, 2, 3, 2),))
