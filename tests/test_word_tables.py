"""Word tables: rules, fonts by script, caption field, editable text."""

import zipfile
from pathlib import Path
from typing import Any

import docx
import pandas as pd
import pytest
from docx.oxml.ns import qn
from docx.shared import Pt
from fontTools.ttLib import TTFont
from matplotlib import get_data_path

from reform_analysis import tables
from reform_analysis.estimates import DataError
from reform_analysis.journal_layout import Cell, JournalTable

TABLE = JournalTable(
    caption="败诉“下降”",
    heads=("变量", "(1)\n总量"),
    rows=((Cell("试点"), Cell("0.62**")), (Cell(""), Cell("[0.42, 0.78]")), (Cell("x"), Cell("12.50"))),
    notes=("合成数据（SYNTHETIC）", "说明 <&>"),
    language="zh",
    number=3,
)


@pytest.fixture
def document(tmp_path: Path) -> Any:
    return docx.Document(str(tables.to_word(TABLE, tmp_path / "t.docx")))


def rules(properties: Any) -> dict[str, tuple[str, str | None]]:
    return {rule.tag.split("}")[1]: (rule.get(qn("w:val")), rule.get(qn("w:sz"))) for rule in properties}


def test_three_rules_and_no_other(document: Any) -> None:
    table = document.tables[0]
    around = rules(table._element.tblPr.find(qn("w:tblBorders")))
    # Eighths of a point.
    assert {side: size for side, (kind, size) in around.items() if kind == "single"} == {
        "top": "12",
        "bottom": "12",
    }
    assert {side for side, (kind, _) in around.items() if kind == "nil"} == {
        "left",
        "right",
        "insideH",
        "insideV",
    }
    for number, row in enumerate(table.rows):
        found = [cell._element.tcPr.find(qn("w:tcBorders")) for cell in row.cells]
        if number == 0:
            assert [rules(borders) for borders in found] == [{"bottom": ("single", "6")}] * 2
        else:
            assert found == [None, None]
    assert table.style.name == "Normal Table"


def test_every_run_names_both_fonts(document: Any) -> None:
    runs = list(document.element.iter(qn("w:r")))
    assert len(runs) > 10
    for run in runs:
        fonts = run.rPr.find(qn("w:rFonts"))
        assert fonts.get(qn("w:eastAsia")) == "宋体"
        assert {fonts.get(qn(f"w:{script}")) for script in ("ascii", "hAnsi", "cs")} == {"Times New Roman"}
        text = "".join(part.text or "" for part in run.iter(qn("w:t")))
        chinese = any("\u4e00" <= char <= "\u9fff" for char in text)
        assert (fonts.get(qn("w:hint")) == "eastAsia") == chinese
    assert not list(document.styles.element.find(qn("w:docDefaults")).iter(qn("w:themeFonts")))
    defaults = document.styles.element.find(".//" + qn("w:rPrDefault")).find(".//" + qn("w:rFonts"))
    assert not [name for name in defaults.attrib if "Theme" in name]


def test_caption_is_a_counting_field_above_the_table(document: Any) -> None:
    caption = document.paragraphs[0]
    assert caption.style.name == "Caption"
    assert caption.text == "表 3　败诉“下降”"
    kinds = [part.get(qn("w:fldCharType")) for part in caption._element.iter(qn("w:fldChar"))]
    assert kinds == ["begin", "separate", "end"]
    assert [part.text for part in caption._element.iter(qn("w:instrText"))] == [" SEQ 表 \\* ARABIC "]
    body = list(document.element.body)
    assert body.index(caption._element) < body.index(document.tables[0]._element)


def test_english_caption(tmp_path: Path) -> None:
    made = tables.to_word(pd.DataFrame({"a": [1]}), tmp_path / "t.docx", caption="Losses")
    caption = docx.Document(str(made)).paragraphs[0]
    assert caption.text == "Table 1. Losses"
    assert [part.text for part in caption._element.iter(qn("w:instrText"))] == [" SEQ Table \\* ARABIC "]


def test_cells_are_text_with_decimals_padded(document: Any) -> None:
    shown = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    digit = "\u00a0" * 2
    assert shown == [
        ["变量", "(1)\n总量"],
        ["试点", f"{digit}0.62**"],
        ["", "[0.42, 0.78]"],
        ["x", f"12.50{digit * 2}"],
    ]
    assert not list(document.element.iter(qn("w:drawing")))


def test_notes_follow_the_table(document: Any) -> None:
    notes = [paragraph.text for paragraph in document.paragraphs if paragraph.style.name == "Table Note"]
    assert notes == ["注：合成数据（SYNTHETIC）", "说明 <&>"]


def test_heads_repeat_and_rows_do_not_break(document: Any) -> None:
    properties = [{part.tag.split("}")[1] for part in row._tr.trPr} for row in document.tables[0].rows]
    assert properties == [{"cantSplit", "tblHeader"}] + [{"cantSplit"}] * 3


def test_a_wide_table_turns_the_page(tmp_path: Path) -> None:
    wide = pd.DataFrame({f"column number {k}": ["a rather long cell"] for k in range(6)})
    section = docx.Document(str(tables.to_word(wide, tmp_path / "t.docx"))).sections[0]
    assert section.page_width > section.page_height
    total = sum(column.width for column in docx.Document(str(tmp_path / "t.docx")).tables[0].columns)
    assert total <= section.page_width - section.left_margin - section.right_margin


NUMBERS = pd.DataFrame(
    {
        "text": ["a column of text with sixty characters, as one more line has"] * 7,
        "=1+1": range(7),
        "val_%&": [0.5, None, 1234567.891, -3, 1e-9, float("inf"), 2],
    }
)


def advance(text: str, font: TTFont, size: float) -> float:
    """Points that a text takes in a font, read from the font's own table."""
    glyphs, widths = font.getBestCmap(), font["hmtx"].metrics
    return sum(widths[glyphs[ord(char)]][0] for char in text) * size / font["head"].unitsPerEm


@pytest.mark.parametrize("name", ["DejaVuSerif.ttf", "STIXGeneral.ttf"])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("columns", [1, 7])
def test_numbers_fit_into_their_columns_in_any_font(
    name: str, language: str, columns: int, tmp_path: Path
) -> None:
    """Where Times New Roman is missing a wider font stands in; with seven the page is full."""
    frame = pd.concat([NUMBERS, *[-NUMBERS[["val_%&"]].add_suffix(k) for k in range(columns - 1)]], axis=1)
    made = docx.Document(str(tables.to_word(frame, tmp_path / "t.docx", language=language)))
    font = TTFont(f"{get_data_path()}/fonts/ttf/{name}")
    section, table = made.sections[0], made.tables[0]
    room = section.page_width - section.left_margin - section.right_margin
    half = 635 / 2  # of a twip, to which Word rounds a width
    assert sum(column.width for column in table.columns) <= room + half * len(table.columns)
    margins = 2 * Pt(5.4)  # of Word's plain table, left and right
    for column in list(table.columns)[1:]:
        for cell in column.cells[1:]:
            assert cell.width == column.width
            assert cell._element.tcPr.find(qn("w:noWrap")) is not None, repr(cell.text)
            assert Pt(advance(cell.text, font, 9)) + margins <= column.width
    assert all(cell._element.tcPr.find(qn("w:noWrap")) is None for cell in table.columns[0].cells)


def test_text_takes_the_room_that_numbers_leave(tmp_path: Path) -> None:
    """Sixty characters stand on one line if the page has room; beside seven columns they give way."""
    one = docx.Document(str(tables.to_word(NUMBERS, tmp_path / "one.docx"))).tables[0]
    wide = pd.concat([NUMBERS, *[NUMBERS[["val_%&"]].add_suffix(k) for k in range(6)]], axis=1)
    seven = docx.Document(str(tables.to_word(wide, tmp_path / "seven.docx"))).tables[0]
    assert one.columns[0].width >= Pt(60 * 4.7) > seven.columns[0].width
    assert {column.width for column in list(seven.columns)[2:]} == {one.columns[2].width}


def test_equal_tables_are_equal_bytes_that_name_nobody(tmp_path: Path) -> None:
    first, second = (tables.to_word(TABLE, tmp_path / name) for name in ("a.docx", "b.docx"))
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert b"python-docx" not in archive.read("docProps/core.xml")


def test_no_other_file_is_replaced(tmp_path: Path) -> None:
    tables.to_word(TABLE, tmp_path / "t.docx")
    with pytest.raises(DataError, match="must be new"):
        tables.to_word(TABLE, tmp_path / "t.docx")
