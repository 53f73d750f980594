"""Raised characters of a workbook's cells: 3 with a raised 1 behind it is a footnote's mark, not 31."""

import zipfile
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from openpyxl.xml.constants import ARC_SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import fromstring

_RAISED = str.maketrans("0123456789+-()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾")
_NAME = f"{{{SHEET_MAIN_NS}}}"


def cell_text(sheet: Any, row: int, column: int) -> str:
    """Return the text of a formatted cell of an .xls workbook.

    Parameters
    ----------
    sheet : xlrd.sheet.Sheet
        Opened with `formatting_info`.
    row, column : int
        From 0.

    Returns
    -------
    str
    """
    text: str = sheet.cell_value(row, column)
    runs = [(0, None), *sheet.rich_text_runlist_map[row, column], (len(text), None)]
    return "".join(
        text[start:end].translate(_RAISED)
        if font is not None and _raises(sheet.book.font_list[font])
        else text[start:end]
        for (start, font), (end, _) in pairwise(runs)
    )


def _raises(font: Any) -> bool:
    return bool(font.escapement == 1)


def inline_text(cell: Any) -> str | None:
    """Return the text of a cell that holds it itself, where a part of it is raised; None elsewhere.

    Parameters
    ----------
    cell : element
        ``<c>`` of a sheet.

    Returns
    -------
    str or None
    """
    string = cell.find(f"{_NAME}is")
    return _text(string) if string is not None and _is_raised(string) else None


def shared_texts(archive: zipfile.ZipFile, texts: Sequence[str]) -> list[str]:
    """Return a workbook's shared texts, raised characters told from others.

    Parameters
    ----------
    archive : ZipFile
        The workbook.
    texts : sequence of str
        As openpyxl reads them, formatting lost.

    Returns
    -------
    list of str
    """
    if ARC_SHARED_STRINGS not in archive.namelist():
        return list(texts)
    content = archive.read(ARC_SHARED_STRINGS)
    if b"superscript" not in content:
        return list(texts)
    strings = fromstring(content).findall(f"{_NAME}si")
    return [_text(si) if _is_raised(si) else text for si, text in zip(strings, texts, strict=True)]


def _is_raised(string: Any) -> bool:
    return any(mark.get("val") == "superscript" for mark in string.iter(f"{_NAME}vertAlign"))


def _text(string: Any) -> str:
    """The runs of a text joined; what is read aloud (phonetic runs) left out."""
    parts = []
    for run in string.findall(f"{_NAME}r"):
        text = "".join(part.text or "" for part in run.findall(f"{_NAME}t"))
        parts.append(text.translate(_RAISED) if _is_raised(run) else text)
    return "".join(parts)
