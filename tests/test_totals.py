"""Totals against sums by hand."""

from collections.abc import Sequence

import pytest

from reform_analysis.estimates import DataError
from reform_analysis.headers import alias_table
from reform_analysis.layout import find_table
from reform_analysis.sheets import Sheet
from reform_analysis.table_parts import Table
from reform_analysis.totals import require_sum, summed_rows

HEAD = ["设区市", "县", "单位名称", "年份", "败诉"]


def table(*rows: Sequence[object]) -> Table:
    grid = {
        at: {number: value for number, value in enumerate(row, start=1) if value is not None}
        for at, row in enumerate((HEAD, *rows), start=1)
    }
    found = find_table(Sheet("表", grid), alias_table())
    assert found is not None
    return found


def sums(found: Table) -> dict[int, list[int]]:
    """Rows of the sheet that each total sums."""
    return {total.row: [found.rows[at] for at in summed_rows(found, total)] for total in found.totals}


A = ["甲市", "乙县", "一镇", 2020, 1]
B = ["甲市", "乙县", "一镇", 2021, 2]
C = ["甲市", "丙县", "二镇", 2020, 3]
D = ["丁市", "戊县", "三镇", 2020, 4]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([A, B, C, ["合计", None, None, None, 6]], {5: [2, 3, 4]}),
        ([["合计", None, None, None, 6], A, B, C], {2: [3, 4, 5]}),
        ([A, B, [None, None, "小计", None, 3], C, [None, None, "小计", None, 3]], {4: [2, 3], 6: [5]}),
        ([[None, None, "小计", None, 3], A, B, [None, None, "小计", None, 3], C], {2: [3, 4], 5: [6]}),
        ([A, B, C, D, ["甲市合计", None, None, None, 6]], {6: [2, 3, 4]}),
        ([A, B, C, D, [None, "丙县小计", None, None, 3]], {6: [4]}),
        ([A, B, C, D, ["甲市", "小计", None, None, 6]], {6: [2, 3, 4]}),
        ([A, B, C, ["合计", None, None, 2020, 4], ["合计", None, None, 2021, 2]], {5: [2, 4], 6: [3]}),
        ([A, B, D, ["全省合计", None, None, None, 7]], {5: [2, 3, 4]}),
    ],
)
def test_rows_that_a_total_sums(rows: list[list[object]], expected: dict[int, list[int]]) -> None:
    assert sums(table(*rows)) == expected


@pytest.mark.parametrize(
    ("stated", "values", "fits"),
    [
        (6, [1, 2, 3], True),
        (7, [1, 2, 3], False),
        (3, [1, None, 2], True),
        (6, [1, None, 2], False),
        (0.3, [0.1, 0.2, 0.0], True),
        (0.30000000000000004, [0.1, 0.2, 0.0], True),
        (1234.5, [1234.0, 0.45, 0.0], True),
        (1234.5, [1234.0, 0.44, 0.0], False),
        (1e-6, [0.0, 0.0, 0.0], False),
    ],
)
def test_totals_hold_to_their_last_decimal(stated: float, values: list[float | None], fits: bool) -> None:
    found = table(A, B, C, ["合计", None, None, None, 6])
    check = {"positions": [0, 1, 2], "stated": stated, "values": values}
    if fits:
        require_sum(found, found.totals[0], found.headers[4], **check)
    else:
        with pytest.raises(DataError, match=rf"cell E5: '合计' of '败诉' says {stated!r} but its 3 rows"):
            require_sum(found, found.totals[0], found.headers[4], **check)
