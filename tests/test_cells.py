"""Single cells, against tables of what people type."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reform_analysis import cells
from reform_analysis.estimates import DataError


@pytest.mark.parametrize(
    ("raw", "value", "reason"),
    [
        (12, 12, ""),
        (12.0, 12, ""),
        ("12", 12, ""),
        ("１２", 12, "full-width characters"),
        (" 12\u00a0", 12, "spaces"),
        ("1,234", 1234, "thousands separator"),
        ("1 234 567", 1234567, "thousands separator"),
        ("１，２３４件", 1234, "full-width characters, thousands separator, unit 件"),
        ("12件", 12, "unit 件"),
        ("3.5万人", 35000, "unit 万人"),
        ("2万", 20000, "unit 万"),
        ("", None, ""),
        (None, None, ""),
        (float("nan"), None, ""),
        ("NA", None, "missing value"),
    ],
)
def test_counts(raw: object, value: int | None, reason: str) -> None:
    read = cells.read_number(raw, dimension="count")
    assert (read.value, read.reason) == (value, reason)
    assert type(read.value) is type(value)


@pytest.mark.parametrize(
    "raw",
    [
        "约12件", "12余", ">5", "12①", "12²", "十二", "1,23", "12,3456", "1.5", 1.5, "12元", "12%", "(12)",
        "1e400", "#DIV/0!", "12 件 3", True, datetime(2021, 5, 1), float("inf"), 2**60, "12.34.5", "٣",
    ],
)  # fmt: skip
def test_what_is_no_count_raises(raw: object) -> None:
    with pytest.raises(DataError):
        cells.read_number(raw, dimension="count")


@pytest.mark.parametrize(
    ("raw", "unit", "value"),
    [
        ("1,234.5万元", "", 1234.5),
        ("１，２３４．５万元", "", 1234.5),
        ("12345元", "", 1.2345),
        ("0.5亿元", "", 5000.0),
        ("1,234.5", "万元", 1234.5),
        (1234.5, "元", 0.12345),
        ("12345元", "万元", 1.2345),
    ],
)
def test_money_in_ten_thousand_yuan(raw: object, unit: str, value: float) -> None:
    assert cells.read_number(raw, dimension="money", unit=unit).value == value


def test_money_without_a_unit_raises() -> None:
    with pytest.raises(DataError, match="no unit of money"):
        cells.read_number("1,234.5", dimension="money")


@pytest.mark.parametrize(
    ("raw", "unit", "value"),
    [
        ("6.3%", "", 0.063),
        ("６．３％", "", 0.063),
        ("6.3", "%", 0.063),
        (0.063, "", 0.063),
        ("-40%", "", -0.4),
    ],
)
def test_shares(raw: object, unit: str, value: float) -> None:
    assert cells.read_number(raw, dimension="share", unit=unit).value == value


@pytest.mark.parametrize("raw", ["-", "－", "—", "——", "–", "/", "／", " - ", "无", "---", "─"])
def test_dashes_need_a_meaning(raw: str) -> None:
    with pytest.raises(DataError, match="is a dash"):
        cells.read_number(raw, dimension="count")
    missing = cells.read_number(raw, dimension="count", dash_means="missing")
    zero = cells.read_number(raw, dimension="count", dash_means="zero")
    assert (missing.value, missing.reason) == (None, "dash read as missing")
    assert (zero.value, zero.reason) == (0, "dash read as zero")


@pytest.mark.parametrize("raw", ["-3", "a-b", "无锡", "2021-05", ""])
def test_what_is_no_dash(raw: str) -> None:
    assert not cells.is_dash(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("是", True),
        ("否", False),
        (1, True),
        (0.0, False),
        ("TRUE", True),
        ("false", False),
        ("√", True),
        (True, True),
    ],
)
def test_flags(raw: object, value: bool) -> None:
    assert cells.read_flag(raw).value is value


@pytest.mark.parametrize("raw", ["", None, "也许", 2, "-"])
def test_what_is_no_flag_raises(raw: object) -> None:
    with pytest.raises(DataError, match="yes or no"):
        cells.read_flag(raw, dash_means="missing")


def test_texts_keep_their_inside() -> None:
    assert cells.read_text("　壶 镇\u00a0") == cells.Reading("壶 镇", "spaces")
    assert cells.read_text("007") == cells.Reading("007")
    with pytest.raises(DataError, match="is a dash"):
        cells.read_text("—")


@given(st.integers(-(10**9), 10**9), st.sampled_from(["{:,}", "{}", "{}件", "{:,}件", " {} ", "{:.1f}"]))
def test_whole_numbers_come_back_however_written(number: int, form: str) -> None:
    full = {code: code + 0xFEE0 for code in range(0x30, 0x3A)}
    text = form.format(number)
    assert cells.read_number(text, dimension="count").value == number
    assert cells.read_number(text.translate(full), dimension="count").value == number


@given(st.decimals(-(10**9), 10**9, places=4), st.sampled_from(["元", "千元", "万元", "亿元"]))
def test_units_are_converted_exactly(number: Decimal, unit: str) -> None:
    factor = {"元": Decimal(1), "千元": Decimal(1000), "万元": Decimal(10000), "亿元": Decimal(10**8)}[unit]
    read = cells.read_number(f"{number}{unit}", dimension="money").value
    assert read == float(number * factor / 10000)


@given(st.text(max_size=12), st.sampled_from(["count", "money", "share", "plain", "free"]))
def test_any_text_is_read_or_refused(text: str, dimension: cells.Dimension) -> None:
    for read in (cells.read_number, cells.read_flag, cells.read_text):
        options = {"dimension": dimension} if read is cells.read_number else {}
        try:
            read(text, **options)
        except DataError:
            continue


@pytest.mark.parametrize("raw", [" ", "\r", "\u3000", "\t \n"])
def test_a_cell_of_spaces_is_missing_and_logged(raw: str) -> None:
    assert cells.read_number(raw, dimension="count") == cells.Reading(None, "spaces")
    assert cells.read_number("", dimension="count") == cells.Reading(None)


@pytest.mark.parametrize(
    ("raw", "value", "reason"),
    [
        ("一镇", "一镇", ""),
        ("一镇＊", "一镇", "footnote mark"),
        (" 一镇[12]", "一镇", "spaces, footnote mark"),
        ("一　镇", "一镇", "spaces"),
        ("★一镇", "一镇", "footnote mark"),
        ("Oak Street *", "Oak Street", "footnote mark"),
        ("一镇（东）", "一镇（东）", ""),
        ("第1镇", "第1镇", ""),
        ("※", "※", ""),
        ("", "", ""),
    ],
)
def test_names_lose_marks_and_padding_with_a_reason(raw: str, value: str, reason: str) -> None:
    assert cells.read_name(raw)[:2] == (value, reason)
