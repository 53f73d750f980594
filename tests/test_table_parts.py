"""Cells of a table, by hand."""

from reform_analysis.headers import alias_table
from reform_analysis.layout import find_table
from reform_analysis.sheets import Sheet
from reform_analysis.table_parts import area_at, coordinate


def test_cells_and_areas() -> None:
    rows = {1: {1: "统计表"}, 2: {1: "县", 2: "单位名称", 3: "败诉"}, 3: {1: "乙县", 2: "一镇", 3: 1}}
    sheet = Sheet("表", rows | {4: {2: "二镇", 3: 2}}, ((3, 1, 4, 1),))
    found = find_table(sheet, alias_table())
    assert found is not None
    assert (found.value(4, 1), found.value(4, 3), found.value(9, 9)) == ("乙县", 2, None)
    assert found.title_texts() == ["统计表"]
    assert (area_at(sheet, 4, 1), area_at(sheet, 4, 2)) == ((3, 1, 4, 1), None)
    assert coordinate(7, 28) == "AB7"
