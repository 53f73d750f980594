"""Periods and positions of the rows of a table."""

import pytest

from reform_analysis.estimates import DataError
from reform_analysis.headers import alias_table
from reform_analysis.layout import find_table
from reform_analysis.melting import Block, melt
from reform_analysis.sheets import Sheet


def block(name: str, *rows: list[object]) -> Block:
    grid = {at: dict(enumerate(row, start=1)) for at, row in enumerate(rows, start=1)}
    table = find_table(Sheet(name, grid), alias_table())
    assert table is not None
    return melt(table, offset=10)


def positions(found: Block) -> dict[str, list[list[int]]]:
    return {f"{s.header.column}{s.header.period}": s.positions.tolist() for s in found.segments}


def test_a_period_a_row() -> None:
    found = block("表", ["单位名称", "年份", "败诉"], ["甲镇", 2020, 1], ["甲镇", 2021, 2])
    assert (found.periods, found.size) == ((), 2)
    assert positions(found) == {"unit_name": [[10], [11]], "period": [[10], [11]], "losses": [[10], [11]]}


def test_a_period_a_header() -> None:
    found = block(
        "表", ["单位名称", "2021年败诉", "2020年败诉", "人口"], ["甲镇", 1, 2, 9], ["乙镇", 3, 4, 9]
    )
    assert (found.periods, found.size) == (("2020", "2021"), 4)
    assert positions(found) == {
        "unit_name": [[10, 11], [12, 13]],
        "losses2021": [[11], [13]],
        "losses2020": [[10], [12]],
        "population": [[10, 11], [12, 13]],
    }


@pytest.mark.parametrize(
    ("name", "title", "period", "source"),
    [
        ("2021年", "统计表", "2021", "name of the sheet"),
        ("表", "2021年上半年统计表", "2021H1", "title above the table"),
        ("2021年", "2021年度统计表", "2021", "name of the sheet"),
    ],
)
def test_a_period_a_sheet(name: str, title: str, period: str, source: str) -> None:
    found = block(name, [title], ["单位名称", "败诉"], ["甲镇", 1])
    assert (found.periods, found.source) == ((period,), source)


def test_one_year_in_the_headers_dates_the_others() -> None:
    found = block("2021", ["单位名称", "2021年败诉", "审结件数"], ["甲镇", 1, 2])
    assert found.periods == ("2021",)


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("表", [["单位名称", "败诉"], ["甲镇", 1]], "gives no period"),
        (
            "2020",
            [["2021年统计表"], ["单位名称", "败诉"], ["甲镇", 1]],
            "is named 2020 but its title says 2021",
        ),
        (
            "表",
            [["单位名称", "2020年败诉", "2021年败诉", "纠错"], ["甲镇", 1, 2, 3]],
            "cell D1: '纠错' names no period",
        ),
    ],
)
def test_a_period_that_is_not_given(name: str, rows: list[list[object]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        block(name, *rows)


def test_a_year_in_a_covariate_is_part_of_its_name() -> None:
    found = block("表", ["单位名称", "年份", "败诉", "2018年GDP（万元）"], ["甲镇", 2020, 1, 5])
    assert "2018年GDP_wan_yuan" in {segment.header.column for segment in found.segments}


@pytest.mark.parametrize(
    ("title", "header", "unit"),
    [
        ("单位：件、万元", "涉法数字化投入经费", "万元"),
        ("单位：元", "涉法数字化投入经费", "元"),
        ("单位：元", "涉法数字化投入经费（万元）", "万元"),
        ("单位：元、万元", "涉法数字化投入经费", ""),
        ("单位：元", "digital_spending", "万元"),
        ("统计表", "涉法数字化投入经费", ""),
    ],
)
def test_units_of_money(title: str, header: str, unit: str) -> None:
    found = block("2021", [title], ["单位名称", header], ["甲镇", 1])
    assert found.segments[1].header.unit == unit
