"""Columns read from small tables: types of covariates, units, faults by cell."""

import csv
from pathlib import Path

import pytest

from reform_analysis.estimates import DataError
from reform_analysis.ingest import PanelRead, read_panel


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "panel.csv"


def read(path: Path, header: str, *values: str, **options: object) -> PanelRead:
    """A table of one column, one unit a value."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = [[f"{at}镇", "2021", value] for at, value in enumerate(values)]
        csv.writer(file).writerows([["单位名称", "年份", header], *rows])
    return read_panel(path, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "values", "column", "dtype", "expected"),
    [
        ("gdp", ["1", "2.5"], "gdp", "float64", [1.0, 2.5]),
        ("gdp", ["1,000", "2"], "gdp", "float64", [1000.0, 2.0]),
        ("gdp（亿元）", ["1.5", "2万元"], "gdp_wan_yuan", "float64", [15000.0, 2.0]),
        ("gdp", ["1.5亿元", "2万元"], "gdp_wan_yuan", "float64", [15000.0, 2.0]),
        ("城镇化率", ["50%", "60.5%"], "城镇化率", "float64", [0.5, 0.605]),
        ("城镇化率（%）", ["50", "60.5%"], "城镇化率", "float64", [0.5, 0.605]),
        ("户数", ["12户", "3"], "户数", "float64", [12.0, 3.0]),
        ("code", ["007", "010"], "code", "str", ["007", "010"]),
        ("类型", ["山区", "无"], "类型", "str", ["山区", "无"]),
        ("类型", ["山区", "1"], "类型", "str", ["山区", "1"]),
    ],
)
def test_types_of_covariates(
    path: Path, header: str, values: list[str], column: str, dtype: str, expected: list[object]
) -> None:
    panel = read(path, header, *values).panel
    assert panel[column].tolist() == expected
    assert str(panel[column].dtype) == dtype


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("gdp", ["1.5亿元", "2"]),
        ("城镇化率", ["50%", "0.6"]),
        ("败诉率", ["5%", "0.06"]),
        ("gdp", ["5%", "3万元"]),
    ],
)
def test_numbers_with_and_without_a_unit_do_not_mix(path: Path, header: str, values: list[str]) -> None:
    with pytest.raises(DataError, match=r"column C .* mixes numbers with and without a unit"):
        read(path, header, *values)


def test_zero_needs_no_unit(path: Path) -> None:
    assert read(path, "败诉率", "5%", "0").panel["loss_rate"].tolist() == [0.05, 0.0]


def test_every_fault_is_named_by_its_cell(path: Path) -> None:
    with pytest.raises(DataError) as raised:
        read(path, "败诉", "1", "约2件", "3.5", "十")
    lines = str(raised.value).splitlines()
    assert lines[0] == "3 cell(s) cannot be read; correct them in the file:"
    assert [line.split(": ")[0].strip() for line in lines[1:]] == [
        f"sheet 'panel.csv', cell C{row} (败诉)" for row in (3, 4, 5)
    ]


def test_long_lists_of_faults_are_cut(path: Path) -> None:
    with pytest.raises(DataError, match=r"^30 cell\(s\)(?s:.*)and 10 more$"):
        read(path, "败诉", *["x"] * 30)


def test_a_dash_in_a_covariate_of_numbers_needs_a_meaning(path: Path) -> None:
    with pytest.raises(DataError, match="cell C3 .* is a dash"):
        read(path, "gdp", "1", "—")
    assert read(path, "gdp", "1", "—", dash_means="zero").panel["gdp"].tolist() == [1.0, 0.0]


def test_the_log_names_the_column_as_the_panel_does(path: Path) -> None:
    log = read(path, "gdp", "1.5亿元").log
    assert set(log.loc[log["excel_column"] == "C", "column"]) == {"gdp_wan_yuan"}


def test_money_without_a_unit_is_refused(path: Path) -> None:
    with pytest.raises(DataError, match="has no unit of money"):
        read(path, "涉法数字化投入经费", "100")
    assert read(path, "digital_spending", "100").panel["digital_spending"].tolist() == [100.0]


@pytest.mark.parametrize(
    ("total", "reason"),
    [
        ("5.5", "total row, equals the sum of its rows"),
        ("2.75", "total row, differs from the sum of its rows 5.5"),
        ("—", "total row, not checked"),
        ("略", "total row, not checked"),
    ],
)
def test_the_total_of_a_covariate_is_compared_and_never_refused(total: str, reason: str, path: Path) -> None:
    """It may be the mean of a rate."""
    rows = [["单位名称", "年份", "败诉", "人均"], ["一镇", "2021", "1", "2"], ["二镇", "2021", "2", "3.5"]]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([*rows, ["合计", "", "3", total]])
    log = read_panel(path).log
    assert log.loc[(log["excel_row"] == 4) & (log["excel_column"] == "D"), "reason"].tolist() == [reason]


@pytest.mark.parametrize(
    ("values", "kind", "dtype"),
    [
        (["12", "13"], "number", "float64"),
        (["True", "False"], "boolean", "bool"),
        (["a", "b"], "string", "str"),
    ],
)
def test_what_a_csv_was_read_as_is_said(values: list[str], kind: str, dtype: str, path: Path) -> None:
    found = read(path, "x", *values)
    assert (found.covariates["kind"].tolist(), str(found.panel["x"].dtype)) == ([kind], dtype)


def test_identifiers_keep_their_marks_but_those_that_differ_by_one_are_logged(path: Path) -> None:
    log = read(path, "单位代码", "A", "A*", "B[1]", "B[2]").log
    kept = log[log["reason"].str.startswith("identifier kept")]
    assert kept[["excel_row", "raw", "value"]].to_numpy().tolist() == [[3, "A*", "A*"]]
