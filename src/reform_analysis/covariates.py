"""Columns that the declaration does not know: what they hold, told by the file or by their cells."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from reform_analysis.cells import (
    DashMeans,
    Reading,
    half_width,
    is_blank,
    is_dash,
    is_plain_number,
    read_flag,
    read_number,
    read_text,
    show,
)
from reform_analysis.estimates import DataError
from reform_analysis.headers import dimension_of
from reform_analysis.melting import Segment
from reform_analysis.table_parts import coordinate

_CODE = re.compile(r"0[0-9]+")
_TRUTHS = ("True", "False", "TRUE", "FALSE")


class Kind(NamedTuple):
    """What a column holds, and a remark where that may surprise.

    Parameters
    ----------
    name : {"string", "number", "boolean", "date"}
    why : {"", "empty", "dashes", "digits", "mixed"}
        No values; nothing but dashes; texts that are all digits; texts because one cell is no number.
    cell : str
        That cell, as 2021!C7 'x'.
    """

    name: str
    why: str = ""
    cell: str = ""


def covariate_kind(name: str, segments: Sequence[Segment], *, dash_means: DashMeans | None) -> Kind:
    """Return what a covariate holds.

    A stored frame says it itself, unless a float cannot hold its numbers. Elsewhere the cells do: yes and no
    or dates if each is one; numbers if each reads as one, except that a workbook's texts stay texts where all
    are digits (codes); texts otherwise.

    Parameters
    ----------
    name : str
    segments : sequence of Segment
    dash_means : {"missing", "zero"} or None

    Returns
    -------
    Kind
    """
    stored = {segment.table.sheet.kinds.get(segment.header.number, "") for segment in segments}
    given = {(type(raw), raw): raw for raw in _raws(segments)}.values()
    kind = stored.pop() if len(stored) == 1 else ""
    if kind and (kind != "number" or all(map(_is_number, given))):
        return Kind(kind)
    said = [raw for raw in given if not is_dash(raw)]
    if not said:
        return _without_values(dash_means) if given else Kind("number", "empty")
    typed = any(segment.table.sheet.typed for segment in segments)
    if kind := _of_every_cell(given, typed=typed):
        return Kind(kind)
    if typed and dimension_of(name) != "money" and all(_is_digits(raw) for raw in said):
        return Kind("string", "digits")
    return Kind("number") if dimension_of(name) == "money" else _numbers_or_texts(said, segments)


def _raws(segments: Sequence[Segment]) -> Iterator[Any]:
    return (raw for segment in segments for raw in segment.raws if not is_blank(raw))


def _without_values(dash_means: DashMeans | None) -> Kind:
    """Nothing but dashes: what the caller says they mean, or texts as they are."""
    return Kind("number" if dash_means else "string", "dashes")


def _of_every_cell(given: Iterable[Any], *, typed: bool) -> str:
    """Kind of a column whose cells are all yes or no, or all dates; empty for others."""
    if all(isinstance(raw, bool) or (not typed and raw in _TRUTHS) for raw in given):
        return "boolean"
    dates = all(isinstance(raw, date) and getattr(raw, "tzinfo", None) is None for raw in given)
    return "date" if dates else ""


def _is_digits(raw: Any) -> bool:
    return isinstance(raw, str) and is_plain_number(raw)


def _numbers_or_texts(said: Sequence[Any], segments: Sequence[Segment]) -> Kind:
    """Texts if any cell is no number; if others are, the remark names the first that is not."""
    numbers = [raw for raw in said if _is_number(raw)]
    if len(numbers) == len(said):
        return Kind("number")
    if not numbers:
        return Kind("string")
    for segment in segments:
        for row, raw in zip(segment.table.rows, segment.raws, strict=True):
            if not is_blank(raw) and not is_dash(raw) and not _is_number(raw):
                cell = f"{segment.table.sheet.name}!{coordinate(row, segment.header.number)}"
                return Kind("string", "mixed", f"{cell} {show(raw)!r}")
    raise AssertionError("a cell that is no number was counted")


def _is_number(raw: Any) -> bool:
    # A code with leading zeros or more digits than a float holds is no number: as one it would lose some.
    text = half_width(show(raw))
    if isinstance(raw, str) and _CODE.fullmatch(text):
        return False
    try:
        value = read_number(raw).value
    except DataError:
        return False
    return not text.lstrip("+-").isdecimal() or Decimal(value) == Decimal(text)


def read_covariate(raw: Any, *, kind: str, typed: bool) -> Reading:
    """Return what a cell of a covariate says that is not read as a number.

    Parameters
    ----------
    raw : object
    kind : {"string", "boolean", "date"}
    typed : bool
        Whether the file tells texts from numbers.

    Returns
    -------
    Reading
        None for a blank cell of yes and no or of dates. Dashes in texts stay as they are.
    """
    if kind != "string" and is_blank(raw):
        return Reading(None)
    if kind == "boolean":
        return Reading(raw) if isinstance(raw, bool) else Reading(read_flag(raw).value)
    if kind == "date":
        return Reading(raw if isinstance(raw, datetime) else datetime(raw.year, raw.month, raw.day))
    if is_dash(raw):
        return Reading(raw)
    read = read_text(raw)
    if typed and not isinstance(raw, str) and not is_blank(raw):
        return Reading(read.value, f"{_sort(raw)} read as text")
    return read


def _sort(raw: Any) -> str:
    if isinstance(raw, bool):
        return "logical value"
    return "date" if isinstance(raw, date) else "number"
