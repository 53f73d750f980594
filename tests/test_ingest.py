"""Reading panels: awkward files against their clean twin, round trips, corruption and damaged bytes."""

import csv
import re
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import xlwt
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter

from reform_analysis.cells import show
from reform_analysis.estimates import DataError
from reform_analysis.ingest import PanelRead, read_panel
from reform_analysis.panel_columns import kind_of
from reform_analysis.schema import panel_faults, validate_panel

UNITS = [
    ("甲市", "乙县", "城关镇", True),
    ("甲市", "乙县", "河西街道", False),
    ("甲市", "丙区", "城关镇", False),
]
YEARS = ("2020", "2021")
LOSSES = {"2020": (2, 0, 1), "2021": (1, 0, 3)}
CONCLUDED = {"2020": (1234, 5, 8), "2021": (1016, 7, 12)}
POPULATION = {"2020": (35000, 41200, 28050), "2021": (35400, 41000, 28100)}
SPENDING = {"2020": (1234.5, 10.0, 0.25), "2021": (1300.0, 12.5, 0.5)}
RATE = {"2020": (0.002, 0.0, 0.125), "2021": (0.001, 0.0, 0.25)}
TABLES = (LOSSES, CONCLUDED, POPULATION, SPENDING, RATE)
COLUMNS = [
    *("unit_name", "county", "city", "period", "pilot", "adopted"),
    *("losses", "lawsuits_concluded", "population", "digital_spending", "loss_rate"),
]
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def clean() -> pd.DataFrame:
    rows = [
        (unit, county, city, year, pilot, "2021-05" if pilot else "", *(table[year][at] for table in TABLES))
        for at, (city, county, unit, pilot) in enumerate(UNITS)
        for year in YEARS
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture
def twin(tmp_path: Path) -> pd.DataFrame:
    path = tmp_path / "twin.xlsx"
    clean().to_excel(path, index=False)
    read = read_panel(path)
    assert read.log.empty
    return read.panel


def merged_headers(path: Path) -> Path:
    """A title, a two-row merged header, merged counties, subtotals and a total, notes and signatures."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["乡镇（街道）行政诉讼情况统计表"])
    sheet.append(["填报单位：甲市司法局", None, None, None, None, None, None, "单位：件、人、万元"])
    sheet.append(
        [
            "序号",
            "设区市",
            "县（市、区）",
            "单位名称",
            "年份",
            "试点情况",
            None,
            "行政诉讼",
            None,
            None,
            "其他",
            None,
        ]
    )
    sheet.append(
        [
            None,
            None,
            None,
            None,
            None,
            "是否试点",
            "试点时间",
            "败诉件数",
            "一审审结件数",
            "败诉率",
            "常住人口",
            "涉法数字化投入经费",
        ]
    )
    line = 0
    for county in ("乙县", "丙区"):
        first = sheet.max_row + 1
        of_county = [at for at, unit in enumerate(UNITS) if unit[1] == county]
        for at in of_county:
            for year in YEARS:
                line += 1
                _, _, unit, pilot = UNITS[at]
                numbers = [LOSSES[year][at], f"{CONCLUDED[year][at]:,}", f"{RATE[year][at]:.1%}"]
                more = [f"{POPULATION[year][at]}人", SPENDING[year][at]]
                marks = ["是", "2021年5月"] if pilot else ["否", None]
                place = ["甲市" if line == 1 else None, county if sheet.max_row + 1 == first else None]
                sheet.append([line, *place, unit, f"{year}年", *marks, *numbers, *more])
        sums = [sum(table[year][at] for at in of_county for year in YEARS) for table in (LOSSES, CONCLUDED)]
        sheet.append([None, None, None, "小 计", None, None, None, *sums])
        sheet.merge_cells(f"C{first}:C{sheet.max_row}")
    sums = [sum(map(sum, table.values())) for table in (LOSSES, CONCLUDED)]
    people, money = (sum(map(sum, table.values())) for table in (POPULATION, SPENDING))
    sheet.append(["合计", None, None, None, None, None, None, *sums, None, people, f"{money:,}万元"])
    sheet.append(["注：败诉指一审败诉。"])
    sheet.append(["填表人：某某", None, None, "审核人：某某", None, None, None, "2022年1月5日"])
    for area in (
        "A1:L1",
        "A3:A4",
        "B3:B4",
        "C3:C4",
        "D3:D4",
        "E3:E4",
        "F3:G3",
        "H3:J3",
        "K3:L3",
        "B5:B11",
        "A14:L14",
    ):
        sheet.merge_cells(area)
    book.save(path)
    return path


def sheet_a_year(path: Path) -> Path:
    """A sheet a year in 万人, with money and percents as text, a page of explanations and a hidden sheet."""
    book = openpyxl.Workbook()
    book.active.title = "说明"
    book.active.append(["本表由各县（市、区）填报"])
    for year in YEARS:
        sheet = book.create_sheet(f"{year}年")
        sheet.append([f"{year}年度统计表"])
        sheet.append(
            [
                "市",
                "区县",
                "镇街",
                "试点",
                "启动时间",
                "行政诉讼败诉",
                "行政诉讼审结",
                "常住人口（万人）",
                "涉法数字化投入经费",
                "败诉率",
            ]
        )
        for at, (city, county, unit, pilot) in enumerate(UNITS):
            marks = [1, "2021/5"] if pilot else [0, None]
            texts = [
                f"{POPULATION[year][at] / 10000:g}",
                f"{SPENDING[year][at]:,}万元",
                f"{RATE[year][at]:.1%}",
            ]
            sheet.append(
                [f"{city} ", county, unit, *marks, f"{LOSSES[year][at]}件", CONCLUDED[year][at], *texts]
            )
        sums = [sum(table[year]) for table in (LOSSES, CONCLUDED)]
        sheet.append([None, None, "合计", None, None, *sums, f"{sum(POPULATION[year])}人"])
    book.create_sheet("旧数据").append(["单位名称", "败诉"])
    book["旧数据"].sheet_state = "hidden"
    book.save(path)
    return path


def gb18030(path: Path) -> Path:
    """Wide years under a group header, full-width digits and spaces, in the encoding of Chinese Excel."""
    digits = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
    names = ["败诉件数", "审结件数", "人口数", "数字化投入经费（元）", "败诉率"]
    names[2], names[3] = "常住人口数", "涉法数字化投入经费（元）"
    top = ["设区市", "县（市、区）", "单位名称", "是否试点", "试点时间"]
    rows = [top + [text for year in YEARS for text in (f"{year}年", *[""] * 4)]]
    rows += [[""] * 5 + ["行政诉讼" + name if name == "审结件数" else name for _ in YEARS for name in names]]
    for at, (city, county, unit, pilot) in enumerate(UNITS):
        row = [city, county, unit, "是" if pilot else "否", "２０２１．５" if pilot else ""]
        for year in YEARS:
            numbers = [
                LOSSES[year][at],
                f"{CONCLUDED[year][at]:,}",
                f"{POPULATION[year][at]:,}".replace(",", " "),
            ]
            row += [str(number).translate(digits) for number in numbers]
            row += [
                f"{SPENDING[year][at] * 10000:.0f}".translate(digits),
                f"{RATE[year][at]:.1%}".translate(digits),
            ]
        rows.append(row)
    sums = [str(sum(table[year])) for year in YEARS for table in (LOSSES, CONCLUDED)]
    rows.append(["合计", "", "", "", "", *sums[:2], "", "", "", *sums[2:], "", "", ""])
    with path.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


AWKWARD = {"merged.xlsx": merged_headers, "years.xlsx": sheet_a_year, "wide.csv": gb18030}


def cells_of(path: Path) -> dict[tuple[str, int, str], str]:
    """Every cell of a file that is not empty, read by the plain library."""
    if path.suffix == ".csv":
        with path.open(encoding="gb18030", newline="") as file:
            grid = {path.name: list(csv.reader(file))}
    else:
        book = openpyxl.load_workbook(path)
        grid = {
            s.title: [list(row) for row in s.iter_rows(values_only=True)]
            for s in book.worksheets
            if s.sheet_state == "visible"
        }
    return {
        (name, row, get_column_letter(column)): show(value)
        for name, rows in grid.items()
        for row, values in enumerate(rows, start=1)
        for column, value in enumerate(values, start=1)
        if value not in (None, "")
    }


def unaccounted(read: PanelRead, source: dict[tuple[str, int, str], str]) -> list[tuple[Any, ...]]:
    """Cells neither in the log with their text nor in the panel as they stand in the file."""
    key = ["sheet", "excel_row", "excel_column"]
    logged = {tuple(line[:3]): line[4] for line in read.log.itertuples(index=False)}
    left_sheets = set(read.log.loc[read.log["reason"] == "sheet without a table", "sheet"])
    kept: dict[tuple[Any, ...], set[str]] = {}
    for cell in read.cells.itertuples(index=False):
        value = read.panel[cell.column].iloc[cell.row]
        kept.setdefault((cell.sheet, cell.excel_row, cell.excel_column), set()).add(show(value))
    assert key == list(read.cells.columns[2:5])
    missing = []
    for place, text in source.items():
        if place[0] in left_sheets:
            continue
        unchanged = kept.get(place) == {text} and place not in logged
        header = place not in kept and text in read.panel.columns
        if not unchanged and not header and logged.get(place) != text:
            missing.append((place, text, kept.get(place), logged.get(place)))
    return missing


@pytest.mark.parametrize("name", list(AWKWARD))
def test_awkward_files_read_to_the_panel_of_their_clean_twin(
    name: str, tmp_path: Path, twin: pd.DataFrame
) -> None:
    read = read_panel(AWKWARD[name](tmp_path / name))
    pd.testing.assert_frame_equal(read.panel, twin)
    validate_panel(read.panel, cells=read.cells)


@pytest.mark.parametrize("name", list(AWKWARD))
def test_the_log_accounts_for_every_changed_cell(name: str, tmp_path: Path) -> None:
    path = AWKWARD[name](tmp_path / name)
    read = read_panel(path)
    assert unaccounted(read, cells_of(path)) == []
    assert not read.log.duplicated(["sheet", "excel_row", "excel_column"]).any()
    assert read.log.groupby("sheet")["excel_row"].is_monotonic_increasing.all()


@pytest.mark.parametrize("name", list(AWKWARD))
def test_every_value_has_its_cell(name: str, tmp_path: Path) -> None:
    path = AWKWARD[name](tmp_path / name)
    read, source = read_panel(path), cells_of(path)
    assert not read.cells.duplicated(["row", "column"]).any()
    found = set(read.cells["column"])
    assert found == set(read.panel.columns) - {"unit_id"} - ({"period"} if name != "merged.xlsx" else set())
    for cell in read.cells.itertuples():
        assert cell.raw == source.get((cell.sheet, cell.excel_row, cell.excel_column), cell.raw)
    assert read.cells.notna().all().all()


def test_totals_that_do_not_match_are_named(tmp_path: Path) -> None:
    path = merged_headers(tmp_path / "merged.xlsx")
    book = openpyxl.load_workbook(path)
    book.active["H9"] = 4
    book.save(path)
    with pytest.raises(
        DataError, match=r"cell H9: '小 计' of '行政诉讼 败诉件数' says 4 but its 4 rows sum to 3"
    ):
        read_panel(path)


def write_csv(path: Path, *rows: list[object]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_a_dash_needs_a_meaning(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "p.csv",
        ["单位名称", "年份", "败诉"],
        ["甲镇", 2021, 3],
        ["乙镇", 2021, "—"],
        ["丙镇", 2021, "/"],
    )
    with pytest.raises(DataError, match=r"sheet 'p.csv', cell C3 .*dash_means.*2 such cells"):
        read_panel(path)
    missing, zero = read_panel(path, dash_means="missing"), read_panel(path, dash_means="zero")
    assert missing.panel["losses"].isna().tolist() == [False, True, True]
    assert zero.panel["losses"].tolist() == [3, 0, 0]
    assert zero.log.query("column == 'losses' and reason != 'header'")["raw"].tolist() == ["—", "/"]
    with pytest.raises(DataError, match="dash_means must be one of"):
        read_panel(path, dash_means="guess")  # type: ignore[arg-type]


def test_own_aliases_and_covariates(tmp_path: Path) -> None:
    rows = [
        ["镇名", "年份", "终审败诉", "代码", "GDP（亿元）", "类型", "备注"],
        ["甲镇", 2021, 3, "007", "1.5", "山区", "x"],
    ]
    path = write_csv(tmp_path / "p.csv", *rows)
    read = read_panel(path, aliases={"镇名": "unit_name", "终审败诉": "losses", "备注": ""})
    row = read.panel.iloc[0]
    assert (row["losses"], row["代码"], row["GDP_wan_yuan"], row["类型"]) == (3, "007", 15000.0, "山区")
    assert "备注" not in read.panel
    assert read.log.query("reason == 'column left out'")["raw"].tolist() == ["x"]


def test_sheets_can_be_chosen(tmp_path: Path, twin: pd.DataFrame) -> None:
    path = sheet_a_year(tmp_path / "years.xlsx")
    read = read_panel(path, sheet="2021年")
    assert set(read.panel["period"]) == {"2021"}
    assert len(read_panel(path, sheet=["2020年", "2021年"]).panel) == len(twin)
    with pytest.raises(DataError, match="sheet must be a name or names, got 2020"):
        read_panel(path, sheet=2020)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="sheet must be among"):
        read_panel(path, sheet="2022年")
    with pytest.raises(DataError, match="no table with units and values"):
        read_panel(path, sheet="说明")


def year_sheets(path: Path, second: str, title: str = "") -> Path:
    """Two sheets, a year each; the header of units and the title of the second as given."""
    made = openpyxl.Workbook()
    made.active.title = "2020年"
    for sheet, unit in ((made.active, "乡镇"), (made.create_sheet("2021年"), second)):
        rows = [["市", "县", unit, "是否试点", "败诉件数"], ["乙市", "甲县", "一镇", "否", 1]]
        for row in ([[title]] if title and unit == second else []) + rows:
            sheet.append(row)
    made.save(path / "years.xlsx")
    return path / "years.xlsx"


def test_a_sheet_with_the_headers_of_another_but_no_units_is_not_lost(tmp_path: Path) -> None:
    path = year_sheets(tmp_path, "镇街单位名录")
    with pytest.raises(DataError, match=r"no column of units was found in sheet '2021年'"):
        read_panel(path)
    assert set(read_panel(path, aliases={"镇街单位名录": "unit_name"}).panel["period"]) == {"2020", "2021"}
    assert set(read_panel(path, sheet="2020年").panel["period"]) == {"2020"}


def test_a_part_of_a_year_is_not_read_as_the_year(tmp_path: Path) -> None:
    path = year_sheets(tmp_path, "乡镇 ", title="2021年1—10月情况表")
    with pytest.raises(DataError, match=r"'2021年1—10月情况表' names a part of a year"):
        read_panel(path)


def test_an_old_workbook(tmp_path: Path, twin: pd.DataFrame) -> None:
    """The same cells and merged areas in .xls."""
    source = openpyxl.load_workbook(merged_headers(tmp_path / "merged.xlsx")).active
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet")
    inside = {(r, c) for area in source.merged_cells.ranges for r, c in area.cells}
    for row in source.iter_rows():
        for cell in row:
            if cell.value is not None and (cell.row, cell.column) not in inside:
                sheet.write(cell.row - 1, cell.column - 1, cell.value)
    for area in source.merged_cells.ranges:
        span = (area.min_row - 1, area.max_row - 1, area.min_col - 1, area.max_col - 1)
        sheet.write_merge(*span, source.cell(area.min_row, area.min_col).value)
    book.save(str(tmp_path / "old.xls"))
    pd.testing.assert_frame_equal(read_panel(tmp_path / "old.xls").panel, twin)


def test_synthetic_stays_synthetic(tmp_path: Path) -> None:
    frame = clean()
    frame.to_csv(tmp_path / "SYNTHETIC_panel.csv", index=False)
    frame.assign(synthetic=True).to_csv(tmp_path / "column.csv", index=False)
    frame.to_csv(tmp_path / "real.csv", index=False)
    frame.attrs = {"synthetic": True, "date_basis": "filed"}
    frame.to_parquet(tmp_path / "attrs.parquet")
    names = ("SYNTHETIC_panel.csv", "column.csv", "attrs.parquet", "real.csv")
    assert [read_panel(tmp_path / name).panel.attrs["synthetic"] for name in names] == [
        True,
        True,
        True,
        False,
    ]
    assert read_panel(tmp_path / "attrs.parquet").panel.attrs["date_basis"] == "filed"


def fifteen(number: float) -> float:
    """The digits a workbook keeps."""
    return float(f"{number:.15g}")


FLOATS = st.floats(-1e9, 1e9).map(fifteen)
TEXT = st.text("甲乙镇县市abcXYZ019", min_size=1, max_size=6)


@st.composite
def panels(draw: Callable[..., Any]) -> pd.DataFrame:
    """Valid panels: any names, frequency, missing counts and covariates."""
    ids = draw(st.lists(TEXT, min_size=1, max_size=3, unique=True))
    form = draw(st.sampled_from(["{}", "{}H1", "{}Q3"]))
    years = draw(st.lists(st.integers(1990, 2030), min_size=1, max_size=3, unique=True))
    dates = draw(st.sampled_from([[""], ["2021", "2021-05", "2021-05-17"]]))  # no date, or of every pilot
    rows = []
    for unit in ids:
        place = {
            "unit_name": draw(TEXT),
            "county": f"{unit}县",
            "city": f"{unit}市",
            "pilot": draw(st.booleans()),
        }
        adopted = draw(st.sampled_from(dates if place["pilot"] else ["", *dates]))
        for year in years:
            concluded = draw(st.one_of(st.none(), st.integers(0, 10**7)))
            losses = draw(st.one_of(st.none(), st.integers(0, 10**7 if concluded is None else concluded)))
            counts = {
                "losses": losses,
                "lawsuits_concluded": concluded,
                "population": draw(st.integers(0, 10**9)),
            }
            rate = None if None in (losses, concluded) or not concluded else fifteen(losses / concluded)
            money = draw(FLOATS.map(abs))
            free = {
                "gdp": draw(FLOATS),
                "kind": draw(st.sampled_from(["山区", "a b", "无", "-"])),
            }
            rows.append(
                {"unit_id": unit, **place, "period": form.format(year), "adopted": adopted, **counts}
                | {"loss_rate": rate, "digital_spending": money, **free}
            )
    return validate_panel(pd.DataFrame(rows)[[*rows[0]]])


@st.composite
def panels_with_covariates(draw: Callable[..., Any]) -> pd.DataFrame:
    """Valid panels whose names carry marks and spaces, with covariates of every type."""
    panel = draw(panels())
    dressed = st.sampled_from(["{}", " {}", "{}*", "{}①", "一 {}", "※{}　", "{}[1]"])
    panel["unit_name"] = [draw(dressed).format(name) for name in panel["unit_name"]]
    rows = len(panel)

    def column(values: st.SearchStrategy[Any], dtype: str) -> pd.Series:
        return pd.Series(draw(st.lists(values, min_size=rows, max_size=rows)), dtype=dtype)

    flags = column(st.sampled_from([True, False, None]), "boolean")
    panel["flag"] = flags if flags.isna().any() else flags.astype("bool")
    days = st.datetimes(datetime(1950, 1, 1), datetime(2050, 1, 1)).map(
        lambda day: day.replace(microsecond=0)
    )
    panel["day"] = column(st.one_of(st.none(), days), "datetime64[us]")
    panel["code"] = column(st.sampled_from(["12", "13", "007", "1e5", ""]), "str")
    panel["typed"] = column(st.sampled_from(["12", "1,000", "6.3%", "3件", " 7", "NA", "x", "-"]), "str")
    panel["dashes"] = column(st.sampled_from(["—", "/", "无", ""]), "str")
    panel["truth"] = column(st.sampled_from(["True", "False"]), "str")
    panel["gap"] = column(st.sampled_from([None, 1.5, 2.0]), "float64")
    panel["big"] = column(st.sampled_from([1, 0, -3, 2**31]), "int64")
    panel["序号"] = (
        column(st.sampled_from(["1", "2", "x"]), "str") if draw(st.booleans()) else range(1, rows + 1)
    )
    return panel


WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    "panel.csv": lambda frame, path: frame.to_csv(path, index=False),
    "panel.xlsx": lambda frame, path: frame.to_excel(path, index=False),
    "panel.parquet": lambda frame, path: frame.to_parquet(path),
    "panel.dta": lambda frame, path: frame.to_stata(path, write_index=False, version=118),
}


@settings(QUICK, max_examples=10)
@given(panel=panels())
def test_any_valid_panel_comes_back(panel: pd.DataFrame, tmp_path: Path) -> None:
    for name, write in WRITERS.items():
        write(panel, tmp_path / name)
        read = read_panel(tmp_path / name)
        back = validate_panel(read.panel, cells=read.cells)
        assert set(back.columns) == set(panel.columns)
        pd.testing.assert_frame_equal(back[list(panel.columns)], panel, check_exact=True)


DTYPES = {"number": "float64", "string": "str", "boolean": "bool", "date": "datetime64[us]"}


def nothing(value: Any) -> bool:
    return bool(pd.isna(value)) or value == ""


def unaccounted_values(panel: pd.DataFrame, read: PanelRead, *, typed: bool) -> list[tuple[Any, ...]]:
    """Values that come back otherwise with nothing in the log to say so.

    A CSV has no types: there the line of the header says what its column was read as.
    """
    logged = set(zip(read.log["excel_row"], read.log["excel_column"], strict=True))
    said = {line[3]: line[6] for line in read.log.itertuples(index=False) if "covariate" in line[6]}
    missing: list[tuple[Any, ...]] = []
    for at, name in enumerate(panel.columns, start=1):
        letter, kind = get_column_letter(at), kind_of(name)
        if name not in read.panel.columns:
            left = [row for row in range(len(panel)) if (row + 2, letter) not in logged]
            missing += [(row, name, "left out") for row in left]
            continue
        assert kind or name in said, f"{name} is a covariate and no line says so"
        told = not typed and not kind
        for row, (old, new) in enumerate(zip(panel[name], read.panel[name], strict=True)):
            same = (nothing(old) and nothing(new)) or (type(old), old) == (type(new), new)
            same = same or (isinstance(old, int) and not isinstance(old, bool) and old == new)
            if not same and not told and (row + 2, letter) not in logged:
                missing.append((row, name, old, new))
        if told:
            shown = read.covariates.set_index("column")["kind"]
            assert str(read.panel[name].dtype).startswith(DTYPES[shown[name]])
    return missing


@settings(QUICK, max_examples=15)
@given(panel=panels_with_covariates(), dash_means=st.sampled_from([None, "missing", "zero"]))
def test_covariates_of_every_type_come_back_or_are_in_the_log(
    panel: pd.DataFrame, dash_means: Any, tmp_path: Path
) -> None:
    for name, write in WRITERS.items():
        given = panel.drop(columns=["flag"]) if name == "panel.dta" else panel  # Stata has no such type
        write(given, tmp_path / name)
        try:
            read = read_panel(tmp_path / name, dash_means=dash_means)
        except DataError as refused:
            event("refused for " + " ".join(re.findall("is a dash|mixes numbers", str(refused))))
            continue
        missing = unaccounted_values(given, read, typed=name != "panel.csv")
        assert missing == [], (name, missing)
        assert not read.log.duplicated(["sheet", "excel_row", "excel_column"]).any()


AWKWARD_TEXTS = st.sampled_from(
    [
        "合计",
        "小计",
        "—",
        "12件",
        "１２",
        "1.5",
        "-3",
        "99999",
        "注：",
        "2021年",
        "是",
        "12%",
        "3万",
        "#N/A",
        "",
    ]
)


@settings(QUICK, max_examples=80)
@given(data=st.data(), text=st.one_of(AWKWARD_TEXTS, st.text(st.characters(codec="utf-8"), max_size=8)))
def test_a_corrupted_cell_is_caught_logged_or_a_valid_value(
    data: st.DataObject, text: str, tmp_path: Path
) -> None:
    whole = clean().assign(
        gdp=[1.5, 2.0, 3.0, 4.0, 5.0, 6.25], area=["山区", "x", "1", "y", "z", "w"], flag=True
    )
    rows = [list(whole.columns), *(list(map(show, row)) for row in whole.itertuples(index=False))]
    row, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, len(rows[0]) - 1))
    before, rows[row][column] = rows[row][column], text
    path = write_csv(tmp_path / "panel.csv", *rows)
    try:
        read = read_panel(path)
        panel = validate_panel(read.panel, cells=read.cells)
    except DataError:
        event("caught")
        return
    place = {"excel_row": row + 1, "excel_column": get_column_letter(column + 1)}
    if (read.log[list(place)] == pd.Series(place)).all(axis=1).any():
        event("in the log")
        return
    event("unchanged" if text == before else "a valid value")
    listed = read.covariates.set_index("column")
    assert set(listed.index) == {name for name in panel.columns if not kind_of(name)}
    assert not [
        name for name, kind in listed["kind"].items() if not str(panel[name].dtype).startswith(DTYPES[kind])
    ]
    if row == 0:
        assert text in panel.columns or not text
        return
    if listed.loc["gdp", "kind"] == "string":
        assert (
            listed.loc["gdp", "cell"] == f"panel.csv!{get_column_letter(column + 1)}{row + 1} {show(text)!r}"
        )
    cell = read.cells[(read.cells[list(place)] == pd.Series(place)).all(axis=1)].iloc[0]
    value = panel[cell["column"]].iloc[cell["row"]]
    shown = "" if pd.isna(value) else show(value)
    assert cell["raw"] == text
    assert shown == text or float(shown) == float(text)


@pytest.mark.parametrize("name", [*WRITERS, "old.xls"])
@settings(QUICK, max_examples=60)
@given(data=st.data())
def test_damaged_files_raise_only_our_error(name: str, data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / name
    if not path.exists():
        write_any(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    kept = data.draw(st.one_of(st.just(len(content)), st.integers(1, len(content))))
    damaged = tmp_path / f"damaged{path.suffix}"
    damaged.write_bytes(bytes(content[:kept]))
    refuse_or_read(damaged)


def write_any(path: Path) -> None:
    if path.suffix == ".xls":
        book = xlwt.Workbook()
        sheet = book.add_sheet("2021")
        for row, values in enumerate([clean().columns, *clean().itertuples(index=False)]):
            for column, value in enumerate(values):
                sheet.write(row, column, value)
        book.save(str(path))
    else:
        WRITERS[path.name](clean(), path)


def refuse_or_read(path: Path) -> None:
    try:
        read_panel(path)
    except DataError:
        event("refused")
    else:
        event("read")


@settings(QUICK, max_examples=60)
@given(data=st.data())
def test_damaged_parts_of_a_workbook_raise_only_our_error(data: st.DataObject, tmp_path: Path) -> None:
    """Damage inside the archive, behind its checksums."""
    path = merged_headers(tmp_path / "merged.xlsx")
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    name = data.draw(st.sampled_from(sorted(parts)))
    part = bytearray(parts[name])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(part) - 1))
        part[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    with zipfile.ZipFile(tmp_path / "damaged.xlsx", "w") as archive:
        for other, content in parts.items():
            archive.writestr(other, bytes(part) if other == name else content)
    refuse_or_read(tmp_path / "damaged.xlsx")


@QUICK
@given(
    start=st.sampled_from(
        [b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PAR1", b"<stata_dta>", b"\xff\xfe"]
    ),
    rest=st.binary(max_size=300),
    ending=st.sampled_from([".xlsx", ".csv", ".dta"]),
)
def test_any_bytes_raise_only_our_error(start: bytes, rest: bytes, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"any{ending}"
    path.write_bytes(start + rest)
    refuse_or_read(path)


GRID = st.lists(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    "单位名称",
                    "败诉件数",
                    "年份",
                    "2021年",
                    "合计",
                    "小计",
                    "注：",
                    "是",
                    "—",
                    "（万元）",
                    "GDP",
                    "",
                ]
            ),
            st.sampled_from(["甲镇", "乙镇", "12", "１２件", "2020", "6.3%", "1,234.5万元", "是否试点"]),
            st.text(st.characters(codec="utf-8"), max_size=5),
        ),
        max_size=6,
    ),
    max_size=8,
)


@settings(QUICK, max_examples=100)
@given(rows=GRID, headed=st.booleans(), areas=st.lists(st.tuples(*[st.integers(1, 8)] * 4), max_size=3))
def test_any_table_raises_only_our_error(
    rows: list[list[str]], headed: bool, areas: list[tuple[int, int, int, int]], tmp_path: Path
) -> None:
    table = [["单位名称", "2020年败诉件数", "2021年败诉件数", "人口"], *rows] if headed else rows
    refuse_or_read(write_csv(tmp_path / "any.csv", *table))
    book = openpyxl.Workbook()
    for row, values in enumerate(table, start=1):
        for column, value in enumerate(values, start=1):
            if value.isprintable():
                book.active.cell(row, column).value = value
    for top, left, below, right in areas:
        if top <= below and left <= right:
            book.active.merge_cells(start_row=top, start_column=left, end_row=below, end_column=right)
    book.save(tmp_path / "any.xlsx")
    refuse_or_read(tmp_path / "any.xlsx")


@pytest.mark.parametrize(
    ("column", "value"), [("乡镇（街道）", "*一镇"), ("备注", "说明：新设"), ("数据来源", "统计")]
)
def test_a_row_with_numbers_is_never_taken_for_a_note(tmp_path: Path, column: str, value: str) -> None:
    row = {"乡镇（街道）": "一镇", "设区市": "甲市", "县（市、区）": "甲县", "年份": 2020, "是否试点": "是"}
    row |= {"实施时间": "2021年5月", "败诉件数": 3, "行政诉讼审结件数": 5}
    first = {column: value} | {name: text for name, text in row.items() if name != column}
    pd.DataFrame([first]).to_excel(tmp_path / "a.xlsx", index=False)
    panel = read_panel(tmp_path / "a.xlsx").panel
    assert panel["losses"].tolist() == [3]


@pytest.mark.parametrize("mark", ["*", "＊", "※", "①", "[1]", " [注2]", "（注）", "²", " *②"])
def test_a_mark_makes_no_second_unit_and_is_logged(mark: str, tmp_path: Path) -> None:
    head, rows = ["单位名称", "年份", "败诉"], [["一镇", 2020, 1], [f"一镇{mark}", 2021, 2]]
    read = read_panel(write_csv(tmp_path / "p.csv", head, *rows))
    assert read.panel["unit_id"].tolist() == ["一镇", "一镇"]
    line = read.log[read.log["excel_row"] == 3].iloc[0]
    assert (line["column"], line["raw"], line["value"]) == ("unit_name", f"一镇{mark}", "一镇")
    assert "footnote mark" in line["reason"]


def test_rows_that_meet_without_their_marks_are_duplicates_named_by_sheet_and_row(tmp_path: Path) -> None:
    """No column of the file is the identifier, and none holds the period."""
    book = openpyxl.Workbook()
    book.active.title = "2021"
    for row in (
        ["县", "市", "单位名称", "试点", "败诉"],
        ["乙县", "丙市", "一镇", "是", 1],
        ["乙县*", "丙市", "一　镇*", "是", 2],
    ):
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    read = read_panel(tmp_path / "b.xlsx")
    with pytest.raises(DataError) as raised:
        validate_panel(read.panel.assign(adopted=""), cells=read.cells)
    assert "sheet '2021', row 3 (丙市/乙县/一镇, 2021), column unit_id: '丙市/乙县/一镇': " in str(
        raised.value
    )
    assert "this row repeats sheet '2021', row 2" in str(raised.value)
    faults = panel_faults(read.panel.assign(adopted=""), cells=read.cells)
    assert faults[["sheet", "excel_row"]].to_numpy().tolist() == [["2021", 3]]
    assert faults["excel_column"].isna().all()


def test_a_marked_total_is_a_total(tmp_path: Path) -> None:
    rows = [["单位名称", "年份", "败诉"], ["一镇", 2020, 1], ["二镇", 2020, 2], ["合计*", "", 3]]
    assert read_panel(write_csv(tmp_path / "p.csv", *rows)).panel["unit_name"].tolist() == ["一镇", "二镇"]


@pytest.mark.parametrize("name", list(WRITERS))
def test_a_column_headed_number_is_left_out_only_where_it_numbers_the_rows(name: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"unit_name": list("甲乙丙"), "period": "2021", "losses": 1, "序号": [1, 2, 3]})
    WRITERS[name](frame, tmp_path / name)
    read = read_panel(tmp_path / name)
    assert "序号" not in read.panel
    assert (read.log["reason"] == "column left out").sum() == 3
    WRITERS[name](frame.assign(序号=[7, 3, 12]), tmp_path / name)
    assert read_panel(tmp_path / name).panel["序号"].tolist() == [7.0, 3.0, 12.0]
    assert "序号" not in read_panel(tmp_path / name, aliases={"序号": ""}).panel


def test_a_row_longer_than_the_header_of_a_csv_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("单位名称,年份,败诉,行政诉讼审结\n一镇,2020,1,1,234\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.csv, row 2 has 5 fields but the header has 4.+double quotes"):
        read_panel(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text(
        '单位名称,年份,败诉,行政诉讼审结\n一镇,2020,1,"1,234",\n', encoding="utf-8"
    )
    assert read_panel(tmp_path / "a.csv").panel["lawsuits_concluded"].tolist() == [1234]


def test_means_and_running_totals_are_left_out_and_logged_but_not_checked(tmp_path: Path) -> None:
    rows = [["单位名称", "年份", "败诉"], ["一镇", 2020, 1], ["二镇", 2020, 2]]
    rows += [["平均", "", 1.5], ["合计（不含开发区）", "", 2], ["累计", "", 3]]
    read = read_panel(write_csv(tmp_path / "p.csv", *rows))
    assert read.panel["unit_name"].tolist() == ["一镇", "二镇"]
    said = read.log[(read.log["excel_column"] == "C") & (read.log["excel_row"] > 3)]["reason"].tolist()
    differs = "total row, differs from the sum of its rows 3"
    assert said == ["total row, not checked", differs, "total row, equals the sum of its rows"]


def test_an_office_makes_no_second_unit_and_is_logged(tmp_path: Path) -> None:
    rows = [["单位名称", "年份", "败诉"], ["一镇", 2020, 1], ["一镇人民政府", 2021, 2], ["一乡", 2021, 3]]
    read = read_panel(write_csv(tmp_path / "p.csv", *rows))
    assert read.panel["unit_id"].tolist() == ["一镇", "一镇", "一乡"]
    assert read.log[read.log["raw"] == "一镇人民政府"]["reason"].tolist() == ["office left off"]


def test_an_alias_of_no_header_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "p.csv", ["单位名称", "年份", "输掉官司数（件）"], ["一镇", 2020, 1])
    with pytest.raises(DataError, match=r"aliases has '输了官司数', .+ nearest are \['输掉官司数（件）'"):
        read_panel(path, aliases={"输了官司数": "losses"})
    for header in ("输掉官司数", "输掉官司数（件）"):
        assert read_panel(path, aliases={header: "losses"}).panel["losses"].tolist() == [1]


TYPED = ["市", "县", "乡镇", "年份", "是否试点", "败诉件数", "一审审结件数"]


def typed_rows(*rows: tuple[Any, ...], name: str = "2020年") -> openpyxl.Workbook:
    """A workbook of units of 某市: county, name, losses, lawsuits concluded."""
    book = openpyxl.Workbook()
    book.active.title = name
    book.active.append(TYPED)
    for county, unit, losses, concluded in rows:
        book.active.append(["某市", county, unit, 2020, "否", losses, concluded])
    return book


def plain_rows(*rows: list[Any], name: str = "2020年") -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.active.title = name
    for row in rows:
        book.active.append(row)
    return book


def read_book(book: openpyxl.Workbook, path: Path) -> PanelRead:
    book.save(path / "typed.xlsx")
    return read_panel(path / "typed.xlsx")


def test_a_county_s_own_row_must_be_the_sum_of_its_townships(tmp_path: Path) -> None:
    rows = [("甲县", "一镇", 1, 9), ("甲县", "二镇", 1, 9), ("乙县", "三镇", 4, 9)]
    assert len(read_book(typed_rows(*rows, ("甲县", "甲县", 2, 18)), tmp_path).panel) == 3
    with pytest.raises(DataError, match="'甲县' of '败诉件数' says 50 but its 2 rows sum to 2"):
        read_book(typed_rows(*rows, ("甲县", "甲县", 50, 18)), tmp_path)


@pytest.mark.parametrize(("second", "holds"), [(4, True), (5, False)])
def test_county_rows_that_head_their_blocks_sum_these_alone(second: int, holds: bool, tmp_path: Path) -> None:
    lines = [["甲县", 2], ["一镇", 1], ["二镇", 1], ["乙县", second], ["三镇", 4]]
    book = plain_rows(["乡镇", "败诉件数"], *lines)
    if holds:
        assert read_book(book, tmp_path).panel["losses"].tolist() == [1, 1, 4]
    else:
        with pytest.raises(DataError, match="'乙县' of '败诉件数' says 5 but its 1 rows sum to 4"):
            read_book(book, tmp_path)


def test_a_township_named_like_a_part_is_a_unit(tmp_path: Path) -> None:
    read = read_book(typed_rows(("甲县", "一镇", 1, 9), ("甲县", "其中乡", 2, 9)), tmp_path)
    assert read.panel["losses"].tolist() == [1, 2]


def test_numbers_of_a_list_make_no_second_unit_and_are_logged(tmp_path: Path) -> None:
    book = typed_rows(("甲县", "1.一镇", 1, 9), ("甲县", "（二）二镇", 1, 9))
    book.active.append(["某市", "甲县", "2．一镇", 2021, "否", 1, 9])
    book.active.title = "件数"
    read = read_book(book, tmp_path)
    assert sorted(set(read.panel["unit_name"])) == ["一镇", "二镇"]
    assert read.log["reason"].tolist().count("numbering left off") == 3


@pytest.mark.parametrize("name", ["县本级", "市直", "其他", "甲县直属部门", "一、试点乡镇"])
def test_what_is_no_township_is_refused_with_its_numbers(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 3 is named .* which is no township"):
        read_book(typed_rows(("甲县", "一镇", 1, 9), ("甲县", name, 2, 9)), tmp_path)


def test_a_heading_of_several_units_without_numbers_is_left_out(tmp_path: Path) -> None:
    book = typed_rows(("甲县", "一镇", 2, 9))
    book.active.insert_rows(2)
    book.active["B2"], book.active["C2"] = "甲县", "一、试点乡镇"
    read = read_book(book, tmp_path)
    assert read.panel["unit_name"].tolist() == ["一镇"]
    assert "heading or note" in read.log["reason"].tolist()


def test_a_sheet_of_one_year_with_another_s_columns_is_refused(tmp_path: Path) -> None:
    said = "name of the sheet says 2021, but its columns say 2020"
    with pytest.raises(DataError, match=said):
        read_book(typed_rows(("甲县", "一镇", 1, 9), name="2021年"), tmp_path)
    with pytest.raises(DataError, match=said):
        read_book(plain_rows(["乡镇", "2020年败诉件数"], ["一镇", 3], name="2021年"), tmp_path)


def test_hidden_rows_are_read_and_named_in_the_log(tmp_path: Path) -> None:
    book = typed_rows(("甲县", "一镇", 1, 9), ("甲县", "二镇", 5, 9))
    book.active.row_dimensions[3].hidden = True
    read = read_book(book, tmp_path)
    assert read.panel["losses"].tolist() == [1, 5]
    assert read.log.query("reason == 'hidden row, read'")["excel_row"].tolist() == [3]


@pytest.mark.parametrize(
    ("code", "value", "found"),
    [('0.00"万元"', 12, 12.0), ('#,##0"元"', 12000, 1.2), ("0.0\\万\\元", 3, 3.0)],
)
def test_a_cell_s_format_gives_its_unit_of_money(code: str, value: int, found: float, tmp_path: Path) -> None:
    book = plain_rows(["乡镇", "涉法数字化投入", "败诉件数"], ["一镇", value, 3])
    book.active["B2"].number_format = code
    book.active["C2"].number_format = '0"件"'
    read = read_book(book, tmp_path)
    assert read.panel["digital_spending"].tolist() == [found]
    assert read.panel["losses"].tolist() == [3]


def test_a_format_that_scales_what_it_shows_is_refused(tmp_path: Path) -> None:
    book = plain_rows(["乡镇", "涉法数字化投入"], ["一镇", 120000])
    book.active["B2"].number_format = '0!.0,"万元"'
    with pytest.raises(DataError, match=r"B2 .*is not a number"):
        read_book(book, tmp_path)


@pytest.mark.parametrize("text", ["+3", "3.0", "3e0"])
def test_another_spelling_of_a_count_is_logged(text: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", ["乡镇", "年份", "败诉件数"], ["一镇", 2020, text])
    read = read_panel(path)
    assert read.panel["losses"].tolist() == [3]
    assert "spelling of the number" in read.log["reason"].tolist()


@pytest.mark.parametrize("text", ["￥1,200", "¥ 1200", "1200元"])
def test_a_sign_of_money_is_its_unit(text: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", ["乡镇", "年份", "涉法数字化投入"], ["一镇", 2020, text])
    assert read_panel(path).panel["digital_spending"].tolist() == [0.12]
