"""What covariates hold: told by a stored frame, else by the cells of typed and of untyped files."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

from reform_analysis.covariates import read_covariate
from reform_analysis.ingest import PanelRead, read_panel


def workbook(path: Path, *values: Any, **options: Any) -> PanelRead:
    """A workbook of one covariate, one unit a value."""
    book = openpyxl.Workbook()
    book.active.append(["单位名称", "年份", "败诉", "x"])
    for at, value in enumerate(values):
        book.active.append([f"{at}镇", 2021, 1, value])
    book.save(path / "b.xlsx")
    return read_panel(path / "b.xlsx", **options)


def stored(path: Path, values: pd.Series) -> PanelRead:
    units = [f"{at}镇" for at in range(len(values))]
    frame = pd.DataFrame({"unit_name": units, "period": "2021", "losses": 1, "x": values})
    frame.to_parquet(path / "b.parquet")
    return read_panel(path / "b.parquet")


DAY = datetime(2021, 5, 17, 10, 30)


@pytest.mark.parametrize(
    ("values", "dtype", "expected", "why"),
    [
        ([1, 2.5], "float64", [1.0, 2.5], ""),
        (["12", "13"], "str", ["12", "13"], "digits"),
        (["12", 13], "float64", [12.0, 13.0], ""),
        (["1,200", "13"], "float64", [1200.0, 13.0], ""),
        ([True, False], "bool", [True, False], ""),
        ([True, None], "boolean", [True, pd.NA], ""),
        ([DAY, None], "datetime64[us]", [pd.Timestamp(DAY), pd.NaT], ""),
        ([DAY, "x"], "str", ["2021-05-17 10:30:00", "x"], ""),
        ([1, 2.5, "x"], "str", ["1", "2.5", "x"], "mixed"),
        ([True, "x"], "str", ["True", "x"], ""),
        (["—", "—"], "str", ["—", "—"], "dashes"),
        ([None, None], "float64", [np.nan, np.nan], "empty"),
    ],
)
def test_cells_of_a_workbook(
    values: list[Any], dtype: str, expected: list[Any], why: str, tmp_path: Path
) -> None:
    read = workbook(tmp_path, *values)
    assert str(read.panel["x"].dtype) == dtype
    pd.testing.assert_series_equal(read.panel["x"], pd.Series(expected, dtype=dtype, name="x"))
    assert read.covariates["why"].tolist() == [why]


@pytest.mark.parametrize(
    ("values", "reasons"),
    [
        ([1, 2.5, "x"], ["number read as text", "number read as text"]),
        ([True, "x"], ["logical value read as text"]),
        ([DAY, "x"], ["date read as text"]),
        (["12", 13], ["text read as a number"]),
    ],
)
def test_a_change_of_type_is_logged_by_cell(values: list[Any], reasons: list[str], tmp_path: Path) -> None:
    log = workbook(tmp_path, *values).log
    assert log.loc[log["excel_row"] > 1, "reason"].tolist() == reasons


def test_one_bad_cell_is_named(tmp_path: Path) -> None:
    read = workbook(tmp_path, 1, 2.5, "约3")
    assert read.covariates["cell"].tolist() == ["Sheet!D4 '约3'"]
    line = read.log[(read.log["excel_row"] == 1) & (read.log["excel_column"] == "D")].iloc[0]
    assert line["reason"] == "header, read as a covariate: text (Sheet!D4 '约3' is no number)"


def test_dashes_alone_are_what_the_caller_says(tmp_path: Path) -> None:
    read = workbook(tmp_path, "—", "/", dash_means="zero")
    assert read.panel["x"].tolist() == [0.0, 0.0]
    assert read.log.loc[read.log["excel_row"] > 1, "raw"].tolist() == ["—", "/"]
    assert workbook(tmp_path, "—", "/", dash_means="missing").panel["x"].isna().all()


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["12", "13"], dtype="str"),
        pd.Series(["1,000", "6.3%"], dtype="str"),
        pd.Series(["—", "—"], dtype="str"),
        pd.Series(["", ""], dtype="str"),
        pd.Series([True, False]),
        pd.Series([True, None], dtype="boolean"),
        pd.Series([1.5, None], dtype="float64"),
        pd.Series([DAY, None], dtype="datetime64[us]"),
        pd.Series(pd.to_datetime(["2021-05-17 00:00:00.000000001", None]).as_unit("ns")),
    ],
)
def test_a_stored_frame_says_its_types(values: pd.Series, tmp_path: Path) -> None:
    read = stored(tmp_path, values)
    pd.testing.assert_series_equal(read.panel["x"], values.rename("x"))
    assert read.log.loc[read.log["excel_row"] > 1].empty


def test_numbers_that_a_float_cannot_hold_are_texts_and_logged(tmp_path: Path) -> None:
    read = stored(tmp_path, pd.Series([9007199254740993, 1]))
    assert read.panel["x"].tolist() == ["9007199254740993", "1"]
    assert read.log.loc[read.log["excel_row"] > 1, "reason"].tolist() == ["number read as text"] * 2


def test_a_date_is_the_midnight_it_begins_with() -> None:
    midnight = read_covariate(date(2021, 5, 17), kind="date", typed=True)
    assert midnight.value == datetime(2021, 5, 17)
    aware = DAY.replace(tzinfo=UTC)
    assert read_covariate(aware, kind="string", typed=True).reason == "date read as text"
