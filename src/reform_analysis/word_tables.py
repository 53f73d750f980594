"""Tables for journals as Word files: real three-line tables, fonts by script, captions that count."""

import re
from io import BytesIO
from pathlib import Path
from typing import Any, Unpack

import docx
import numpy as np
from docx.document import Document
from docx.enum.section import WD_ORIENT
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from reform_analysis.journal_layout import JournalTable, paddings, text_columns, width
from reform_analysis.journal_tables import Options, Source, prepared
from reform_analysis.new_files import require_new, undated, write_new
from reform_analysis.wording import say

LATIN, CHINESE = "Times New Roman", "宋体"
_THICK, _THIN = 12, 6  # eighths of a point: 1.5 and 0.75 pt
_BODY, _SMALL = Pt(10.5), Pt(9)  # 五号, 小五
# A no-break space is a quarter of an em in Times New Roman, as a point is; a digit is half of one.
_PADS = str.maketrans({"0": "\u00a0\u00a0", ".": "\u00a0", "%": "\u00a0\u00a0\u00a0"})
_CJK = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60]")
_LETTER, _SPACE = 4.7, 12.0  # points: a Latin character of 9 pt, the margins of a cell
_WIDE, _WORD = 46, 14  # characters: no column turns the page for more, no word is kept whole beyond
_LEAST = 4  # characters: no column of text gets less as long as numbers can stay whole
_LETTERS = re.compile(r"[^\W\d_]")
_LONGEST = 26  # characters: what is longer is no number that is kept on one line
# Points of what numbers are made of at 9 pt, in the widest font that stands in where Times New Roman is not
# installed (DejaVu Serif); a sign that is not named is as wide as a minus.
_MARKS = dict.fromkeys("0123456789*\u2013", 5.8) | dict.fromkeys(".,:;-/[]() ", 3.6)
_MARKS |= {"\u00a0": 2.9, "%": 8.7}
_SIGN = 7.6
_BREAKS = re.compile("[\\s/]|(?<=[\u2e80-\u9fff])|(?=[\u2e80-\u9fff])")
_MARGIN = Mm(25)
_ONE_PAGE = 40  # rows; a longer table is broken over pages anyhow


def to_word(source: Source, path: str | Path, *, overwrite: bool = False, **options: Unpack[Options]) -> Path:
    """Write a result as a Word file with one three-line table, its caption and its notes, all editable text.

    Rules of 1.5, 0.75 and 1.5 points and no others; 宋体 for Chinese and Times New Roman for Latin script.
    The caption's number is a SEQ field: Word counts it on when the table is pasted into a paper.

    Parameters
    ----------
    source : as `journal_tables.journal_table`
    path : str or Path
        Ends in ``.docx``.
    overwrite : bool
        Replace a file that is there.
    **options
        As `journal_tables.journal_table`.

    Returns
    -------
    Path
        Equal tables are equal bytes.

    Raises
    ------
    DataError
        If the file is there already, its folder is missing, or an option is wrong.
    DesignError
        If the source cannot be made a table.
    """
    require_new(path, overwrite=overwrite)
    table = prepared(source, options)
    document = _document(table)
    _caption(document, table)
    _table(document, table)
    for note in table.note_lines:
        paragraph = document.add_paragraph(style="Table Note")
        _run(paragraph, note, _SMALL)
    packed = BytesIO()
    document.save(packed)
    return write_new(path, undated(packed.getvalue()), overwrite=overwrite)


def _document(table: JournalTable) -> Document:
    """An A4 page with styles of its own; on its side where the table is wide."""
    document = docx.Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = _MARGIN
    if sum(suiting for _, _, suiting, _ in _columns(table)) > _room(section):
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Mm(297), Mm(210)
    for name in ("Table Text", "Table Note"):
        document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH).base_style = document.styles["Normal"]
    for name, size in (("Normal", _BODY), ("Caption", _BODY), ("Table Text", _SMALL), ("Table Note", _SMALL)):
        _style(document.styles[name], size, bold=name == "Caption")
    _set_fonts(document.styles.element.find(".//" + qn("w:rPrDefault")).find(qn("w:rPr")))
    properties = document.core_properties
    properties.author = properties.comments = ""
    properties.title = table.numbered_caption[:250]
    return document


def _style(style: Any, size: Pt, *, bold: bool) -> None:
    style.font.size, style.font.bold, style.font.color.rgb = size, bold, docx.shared.RGBColor(0, 0, 0)
    _set_fonts(style.element.get_or_add_rPr())
    style.paragraph_format.space_before = style.paragraph_format.space_after = Pt(2)
    style.paragraph_format.line_spacing = 1.0


def _set_fonts(properties: Any, *, chinese: bool = False) -> None:
    """Fonts by script. The theme's fonts would win over them and are taken out."""
    for old in properties.findall(qn("w:rFonts")):
        properties.remove(old)
    fonts = OxmlElement("w:rFonts")
    for script in ("ascii", "hAnsi", "cs"):
        fonts.set(qn(f"w:{script}"), LATIN)
    fonts.set(qn("w:eastAsia"), CHINESE)
    if chinese:
        # Quotation marks and dashes belong to both scripts: beside Chinese they are Chinese.
        fonts.set(qn("w:hint"), "eastAsia")
    properties.insert(1 if properties.find(qn("w:rStyle")) is not None else 0, fonts)


def _run(paragraph: Paragraph, text: str, size: Pt, *, bold: bool | None = None) -> Run:
    run = paragraph.add_run(text)
    run.font.size, run.font.bold = size, bold
    _set_fonts(run._element.get_or_add_rPr(), chinese=bool(_CJK.search(text)))
    return run


def _caption(document: Document, table: JournalTable) -> None:
    """The caption above the table, its number a field with the number as it stands."""
    before, after = say("journal.caption", table.language, number="\x00", caption=table.caption).split("\x00")
    paragraph = document.add_paragraph(style="Caption")
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.keep_with_next = True
    _run(paragraph, before, _BODY, bold=True)
    _field_part(paragraph, "begin")
    instruction = OxmlElement("w:instrText")
    instruction.set(qn("xml:space"), "preserve")
    instruction.text = f" SEQ {say('journal.label', table.language)} \\* ARABIC "
    _run(paragraph, "", _BODY)._element.append(instruction)
    _field_part(paragraph, "separate")
    _run(paragraph, str(table.number), _BODY, bold=True)
    _field_part(paragraph, "end")
    _run(paragraph, after, _BODY, bold=True)


def _field_part(paragraph: Paragraph, kind: str) -> None:
    part = OxmlElement("w:fldChar")
    part.set(qn("w:fldCharType"), kind)
    _run(paragraph, "", _BODY)._element.append(part)


def _is_number(text: str) -> bool:
    """Whether a cell holds numbers and signs alone, as an interval does, and so is not broken."""
    return len(text) <= _LONGEST and not _LETTERS.search(text)


def _measure(text: str) -> float:
    """How wide numbers and signs print at most, in points."""
    return max(sum(_MARKS.get(char, _SIGN) for char in line) for line in text.split("\n"))


def _columns(table: JournalTable) -> list[tuple[float, ...]]:
    """The widths of each column, in points, from the least to the most.

    That keeps its numbers whole, breaks no word, suits a page, and sets every text on one line.
    """
    heads = [(head, _is_number(head)) for head in table.heads]
    return [_widths(column) for column in zip(heads, *_padded(table), strict=True)]


def _widths(cells: tuple[tuple[str, bool], ...]) -> tuple[float, ...]:
    numbers = max((_measure(text) for text, whole in cells if whole), default=0.0)
    others = [text for text, whole in cells if not whole] or [""]
    word = min(max(width(word) for text in others for word in _BREAKS.split(text)), _WORD)
    most = max(map(width, others))
    letters = min(word, _LEAST), word, max(word, min(most, _WIDE)), max(word, most)
    return tuple(_SPACE + max(numbers, _LETTER * count) for count in letters)


def _padded(table: JournalTable) -> list[list[tuple[str, bool]]]:
    """Of each cell the text as it is set, with what aligns its decimals, and whether it is a number."""
    return [
        [
            (before.translate(_PADS) + cell.text + after.translate(_PADS), _is_number(cell.text))
            for cell, (before, after) in zip(row, pads, strict=True)
        ]
        for row, pads in zip(table.rows, paddings(table), strict=True)
    ]


def _table(document: Document, table: JournalTable) -> None:
    aside, lines = text_columns(table), _padded(table)
    shown = document.add_table(rows=0, cols=len(table.heads))
    shown.alignment = WD_TABLE_ALIGNMENT.CENTER
    shown.autofit = False
    heads = [(head, False) for head in table.heads]
    for number, line in enumerate([heads, *lines]):
        cells = shown.add_row().cells
        for cell, (text, whole), left in zip(cells, line, aside, strict=True):
            paragraph = cell.paragraphs[0]
            paragraph.style = document.styles["Table Text"]
            paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT if left else WD_ALIGN_PARAGRAPH.CENTER
            paragraph.paragraph_format.keep_with_next = number < len(lines) <= _ONE_PAGE
            _run(paragraph, text, _SMALL)
            if whole:
                cell._element.get_or_add_tcPr().append(OxmlElement("w:noWrap"))
            if number == 0:
                _border(cell._element.get_or_add_tcPr(), "w:tcBorders", {"bottom": _THIN})
    _repeat_heads(shown)
    _set_widths(document, shown, _columns(table))
    rules = {"top": _THICK, "left": 0, "bottom": _THICK, "right": 0, "insideH": 0, "insideV": 0}
    _border(shown._element.tblPr, "w:tblBorders", rules)


def _border(properties: Any, tag: str, rules: dict[str, int]) -> None:
    borders = OxmlElement(tag)
    for side, size in rules.items():
        rule = OxmlElement(f"w:{side}")
        rule.set(qn("w:val"), "single" if size else "nil")
        if size:
            for name, value in (("sz", str(size)), ("space", "0"), ("color", "000000")):
                rule.set(qn(f"w:{name}"), value)
        borders.append(rule)
    later = ("w:shd", "w:noWrap", "w:tblLayout", "w:tblCellMar", "w:tblLook", "w:tcMar", "w:vAlign")
    following = next((child for child in properties if child.tag in map(qn, later)), None)
    if following is None:
        properties.append(borders)
    else:
        following.addprevious(borders)


def _repeat_heads(shown: Any) -> None:
    """Heads again on every page, and no row broken over two."""
    for number, row in enumerate(shown.rows):
        for name in ["w:cantSplit", *(["w:tblHeader"] if number == 0 else [])]:
            row._tr.get_or_add_trPr().append(OxmlElement(name))


def _set_widths(document: Document, shown: Any, columns: list[tuple[float, ...]]) -> None:
    """As wide as the texts; where the page is too narrow, columns of text give way and numbers stay whole."""
    room = _room(document.sections[0])
    sums = [sum(sizes) for sizes in zip(*columns, strict=True)]
    shrink = min(1.0, room / sums[0])
    for column, sizes in zip(shown.columns, columns, strict=True):
        size = Pt(float(np.interp(room, sums, sizes)) * shrink)
        column.width = size
        for cell in column.cells:
            cell.width = size


def _room(section: Any) -> float:
    """Points between the margins."""
    return float((section.page_width - section.left_margin - section.right_margin) / Pt(1))
