"""Cells keep number and text apart; padding makes decimals align."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reform_analysis.estimates import DesignError
from reform_analysis.journal_layout import Cell, JournalTable, number_cell, paddings, read_cell, text_columns

DIGIT, POINT = 2, 1  # widths in quarters of an em, as in Times New Roman


def table(*columns: list[str]) -> JournalTable:
    rows = tuple(tuple(map(Cell, row)) for row in zip(*columns, strict=True))
    return JournalTable("c", tuple("h" * len(columns)), rows)


def extent(text: str) -> int:
    return sum(POINT if char in ".," else DIGIT for char in text)


@given(st.lists(st.decimals(-99999, 99999, places=2), min_size=1, max_size=6), st.data())
def test_padded_numbers_are_equally_wide_on_both_sides_of_the_point(
    numbers: list, data: st.DataObject
) -> None:
    stars = data.draw(st.lists(st.integers(0, 3), min_size=len(numbers), max_size=len(numbers)))
    texts = [number_cell(float(x), 2, "*" * n).text for x, n in zip(numbers, stars, strict=True)]
    pads = [row[0] for row in paddings(table(texts))]
    shown = [before + text + after for text, (before, after) in zip(texts, pads, strict=True)]
    points = [len(before) + text.index(".") for text, (before, _) in zip(texts, pads, strict=True)]
    assert len({extent(text[:place]) for text, place in zip(shown, points, strict=True)}) == 1
    assert len({extent(text) for text in shown}) == 1


def test_sizes_align_among_themselves_and_words_are_not_padded() -> None:
    pads = paddings(table(["0.62***", "[0.42, 0.78]", "3,475", "11", "–"]))
    assert [row[0] for row in pads] == [("", ""), ("", ""), ("", ""), ("00.", ""), ("", "")]


@pytest.mark.parametrize(
    ("text", "value", "form"),
    [
        ("4,576", 4576, "#,##0"),
        ("-40%", -0.4, "0%"),
        ("+0.06", 0.06, "+0.00;-0.00;0.00"),
        ("−0.06", -0.06, "0.00"),
        ("2021", 2021, "0"),
        ("0.62**", 0.62, '0.00"**"'),
        ("12.96%", 0.1296, "0.00%"),
    ],
)
def test_a_text_that_is_a_number_is_read_as_one(text: str, value: float, form: str) -> None:
    cell = read_cell(text)
    assert (cell.text, cell.form) == (text, form)
    assert cell.value == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    "text", ["007", "330102001000000001", "32 件", "=1", "1e5", "1,23", "50 to 58", "", "-"]
)
def test_what_a_number_would_change_stays_text(text: str) -> None:
    assert read_cell(text).value is None


def test_undefined_is_a_dash_and_infinity_is_one() -> None:
    assert [number_cell(x, 2).text for x in (float("nan"), float("inf"), 0.0)] == ["–", "∞", "0.00"]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1e-9, 2, "<0.01"),
        (-1e-9, 2, ">−0.01"),
        (0.004999, 2, "<0.01"),
        (0.00501, 2, "0.01"),
        (-0.00501, 2, "−0.01"),
        (0.3, 0, "<1"),
        (-0.3, 0, ">−1"),
        (0.0, 2, "0.00"),
        (-0.0, 2, "0.00"),
        (0, 0, "0"),
    ],
)
def test_only_zero_prints_as_zero(value: float, digits: int, text: str) -> None:
    assert number_cell(value, digits).text == text


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_a_printed_number_is_true_of_the_number(value: float, digits: int) -> None:
    """It is off by half a unit of its last place at most, or the bound that it states holds."""
    text = number_cell(value, digits).text.replace("−", "-").replace(",", "")
    if text[0] in "<>":
        bound = float(text[1:])
        assert 0 < value < bound if text[0] == "<" else bound < value < 0
    else:
        assert abs(float(text) - value) <= 0.5 * 10**-digits * (1 + 1e-9)
        assert (float(text) == 0) == (value == 0)


def test_what_is_too_small_to_print_keeps_its_number_and_a_format_that_prints_it() -> None:
    cell = number_cell(1e-9, 2, "*")
    assert (cell.text, cell.value, cell.form) == ("<0.01*", 1e-9, '"<0.01*";-#,##0.00"*";#,##0.00"*"')
    cell = number_cell(-1e-9, 2)
    assert (cell.value, cell.form) == (-1e-9, '#,##0.00;">−0.01"')


def test_shares_are_numbers_of_one_and_print_in_percent() -> None:
    assert number_cell(1 / 3, 1, percent=True) == Cell("33.3%", 1 / 3, "#,##0.0%")
    assert number_cell(0.0001, 1, percent=True).text == "<0.1%"


def test_bounds_align_with_numbers() -> None:
    pads = [row[0] for row in paddings(table(["<0.01", "0.60", "−1.50**"]))]
    assert pads == [("", "00"), ("0", "00"), ("", "")]


def test_characters_that_no_document_can_hold_are_replaced() -> None:
    made = JournalTable("a\x00", ("b\x0b",), ((Cell("\ud800"),),), notes=("\ufffe",))
    assert {made.caption[-1], made.heads[0][-1], made.rows[0][0].text, made.notes[0]} == {"\ufffd"}


def test_long_cells_make_a_column_of_text() -> None:
    made = table(["a"], ["行政诉讼败诉案件量三十二件较上年下降"], ["0.5"])
    assert text_columns(made) == (True, True, False)


def test_a_short_row_is_refused() -> None:
    with pytest.raises(DesignError, match="one cell a column, 2, got 1"):
        JournalTable("c", ("a", "b"), ((Cell("x"),),))


def test_caption_and_notes_in_both_languages() -> None:
    chinese = JournalTable("结果", ("甲",), (), notes=("说明。",), language="zh", number=2)
    assert (chinese.numbered_caption, chinese.note_lines) == ("表 2　结果", ("注：说明。",))
    assert re.match(r"Table 1\. Results", repr(JournalTable("Results", ("a",), ())))
