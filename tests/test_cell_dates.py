"""Dates and periods, against tables of what people type."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reform_analysis import cell_dates
from reform_analysis.cell_dates import find_period, names_a_part
from reform_analysis.estimates import DataError


@pytest.mark.parametrize(
    ("raw", "value", "reason"),
    [
        ("2021-05", "2021-05", ""),
        ("2021-05-17", "2021-05-17", ""),
        (2021, "2021", ""),
        ("", "", ""),
        ("2021年5月", "2021-05", "date"),
        ("２０２１年５月１７日", "2021-05-17", "date"),
        ("2021.5.17", "2021-05-17", "date"),
        ("2021/5/17", "2021-05-17", "date"),
        (datetime(2021, 5, 17), "2021-05-17", "date"),
        (date(2021, 5, 17), "2021-05-17", "date"),
    ],
)
def test_dates(raw: object, value: str, reason: str) -> None:
    assert cell_dates.read_date(raw)[:2] == (value, reason)


@pytest.mark.parametrize(
    "raw", ["2021.1", 2021.1, "2021-13", "2021-02-30", "5月", "44317", 44317, "去年", "—"]
)
def test_what_is_no_date_raises(raw: object) -> None:
    with pytest.raises(DataError):
        cell_dates.read_date(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (2021, "2021"),
        ("2021", "2021"),
        ("2021年", "2021"),
        ("２０２１年度", "2021"),
        (2021.0, "2021"),
        ("2021H1", "2021H1"),
        ("2021h2", "2021H2"),
        ("2021年上半年", "2021H1"),
        ("2021年下半年", "2021H2"),
        ("2021Q2", "2021Q2"),
        ("2021年第二季度", "2021Q2"),
        ("2021年4季度", "2021Q4"),
        ("2021年三季", "2021Q3"),
    ],
)
def test_periods(raw: object, value: str) -> None:
    assert cell_dates.read_period(raw).value == value


@pytest.mark.parametrize(
    "raw", ["21年", "2021年5月", "2021H3", "2021-2022", "", None, "1.5", 2021.5, "2021Q5", "—"]
)
def test_what_is_no_period_raises(raw: object) -> None:
    with pytest.raises(DataError):
        cell_dates.read_period(raw)


@pytest.mark.parametrize(
    ("text", "period", "rest"),
    [
        ("2020年败诉件数", "2020", "败诉件数"),
        ("败诉件数（2020年）", "2020", "败诉件数()"),
        ("losses_2020", "2020", "losses"),
        ("2021年上半年审结", "2021H1", "审结"),
        ("2020年 2020年败诉", "2020", "败诉"),
        ("2019-2021年败诉", "", "2019-2021年败诉"),
        ("截至2021年5月", "", "截至2021年5月"),
        ("填报日期：2021.12.31", "", "填报日期：2021.12.31"),
        ("2020年比2021年", "", "2020年比2021年"),
        ("x2020", "", "x2020"),
        ("330102001", "", "330102001"),
    ],
)
def test_period_of_a_header(text: str, period: str, rest: str) -> None:
    assert cell_dates.find_period(text) == (period, rest)


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    cell_dates.find_period(text)
    for read in (cell_dates.read_date, cell_dates.read_period):
        try:
            assert read(text).value or not text.strip()
        except DataError:
            continue


@pytest.mark.parametrize(
    "text",
    [
        "2021年1—10月情况表",
        "2021年1–5月",
        "2021年(1-10月)",
        "2021年1～10月",
        "2021年前三季度",
        "2021年一至三季度",
        "2021年前10个月",
        "截至2021年10月",
        "2021年5月至12月",
    ],
)
def test_a_part_of_a_year_is_no_period(text: str) -> None:
    assert find_period(text)[0] == ""
    assert names_a_part(text)


@pytest.mark.parametrize("text", ["2021年目标", "2021年计划数", "2021年预计"])
def test_what_was_planned_is_no_count_of_a_period(text: str) -> None:
    assert find_period(text)[0] == ""


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("浙法办〔2020〕12号", ""),
        ("2021年情况表（浙法办〔2020〕12号）", "2021"),
        ("2021年目标责任考核表", "2021"),
        ("2021年上半年", "2021H1"),
        ("2021年第三季度", "2021Q3"),
        ("2021年一季度", "2021Q1"),
    ],
)
def test_documents_and_whole_periods(text: str, period: str) -> None:
    assert find_period(text)[0] == period
    assert not names_a_part(text)
