"""What a journal's table is made of: caption, heads, cells, notes; the same for every file format."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from reform_analysis.estimates import DesignError
from reform_analysis.wording import say

_NUMBER = re.compile(r"(?P<whole>[+\u2212-]?(?:\d{1,3}(?:,\d{3})+|\d+))(?P<rest>(?:\.\d+)?%?)(?P<stars>\**)")
_ALIGNED = re.compile(f"(?P<whole>[<>]?{_NUMBER.pattern.removeprefix('(?P<whole>')}")
# What XML cannot hold: a name read from a file may carry it, and no file may break on it.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_WIDE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60]")
_SHORT = 26  # Latin characters; a column with a wider cell is read as text and set to the left
_DIGITS = 15  # what a double holds: longer ones are codes


class Cell(NamedTuple):
    """A cell: what is printed, and the number behind it where it is one.

    Parameters
    ----------
    text : str
    value : float or None
    form : str
        Number format of a spreadsheet that prints `value` as `text`.
    """

    text: str
    value: float | None = None
    form: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class JournalTable:
    """A table for a journal, before it is written in any format.

    Parameters
    ----------
    caption : str
        Without its number.
    heads : tuple of str
        The heads of the columns, the first of the rows' names; a line break is kept.
    rows : tuple of tuple of Cell
        As long as `heads` each.
    notes : tuple of str
        What stands underneath, in order.
    language : {"zh", "en"}
    number : int
        "Table 1".
    numbers : DataFrame or None
        The estimates in full precision, for a spreadsheet.

    Raises
    ------
    DesignError
        If there is no column, or a row has not one cell a column.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    language: str = "en"
    number: int = 1
    numbers: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        if not self.heads:
            raise DesignError("heads must name a column, got none; pass a frame that has one.")
        for row in self.rows:
            if len(row) != len(self.heads):
                raise DesignError(
                    f"rows must have one cell a column, {len(self.heads)}, got {len(row)}; fill them with ''."
                )
        object.__setattr__(self, "caption", printable(self.caption))
        object.__setattr__(self, "heads", tuple(map(printable, self.heads)))
        object.__setattr__(self, "notes", tuple(map(printable, self.notes)))
        rows = tuple(tuple(cell._replace(text=printable(cell.text)) for cell in row) for row in self.rows)
        object.__setattr__(self, "rows", rows)

    @property
    def numbered_caption(self) -> str:
        """The caption with its number.

        Returns
        -------
        str
        """
        return say("journal.caption", self.language, number=self.number, caption=self.caption)

    @property
    def note_lines(self) -> tuple[str, ...]:
        """The notes as they are printed: the first one is introduced.

        Returns
        -------
        tuple of str
        """
        if not self.notes:
            return ()
        return (say("journal.notes", self.language, note=self.notes[0]), *self.notes[1:])

    def __repr__(self) -> str:
        lines = [" | ".join(cell.text for cell in row) for row in self.rows]
        heads = " | ".join(head.replace("\n", " ") for head in self.heads)
        return "\n".join([self.numbered_caption, heads, *lines, *self.note_lines])


def printable(text: str) -> str:
    """Return a text without the characters that no document can hold.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        U+FFFD stands for each of them.
    """
    return _FORBIDDEN.sub("\ufffd", str(text))


def width(text: str) -> int:
    """Return how wide a text prints, in Latin characters: the longest of its lines.

    Parameters
    ----------
    text : str

    Returns
    -------
    int

    Examples
    --------
    >>> width("losses"), width("败诉\\n(1)")
    (6, 4)
    """
    return max(len(line) + len(_WIDE.findall(line)) for line in text.split("\n"))


def number_cell(value: float, digits: int, stars: str = "", *, percent: bool = False) -> Cell:
    """Return the cell of a number: a dash where it is undefined, a bound where rounding would make it zero.

    "<0.01" is a positive number that two decimals cannot show, ">−0.01" a negative one: only zero prints as
    zero. R's gt has the same rule for small values (``sub_small_vals``).

    Parameters
    ----------
    value : float
    digits : int
        Decimals.
    stars : str
        What follows it.
    percent : bool
        Print 0.5 as 50%.

    Returns
    -------
    Cell
        With the number itself, whatever is printed.

    Examples
    --------
    >>> number_cell(-1234.5, 1).text, number_cell(float("nan"), 2).text, number_cell(0.604, 2, "*").form
    ('−1,234.5', '–', '#,##0.00"*"')
    >>> number_cell(1e-9, 2).text, number_cell(-1e-9, 2).text, number_cell(0.0, 2).text
    ('<0.01', '>−0.01', '0.00')
    """
    if pd.isna(value):
        return Cell("–")
    if value in (float("inf"), float("-inf")):
        return Cell("∞" if value > 0 else "−∞")
    sign = "%" if percent else ""
    form = "#,##0" + ("." + "0" * digits if digits else "") + sign + (f'"{stars}"' if stars else "")
    text = format(value, f"z,.{digits}{sign or 'f'}")
    if value and not text.strip("0.%"):
        least = f"{10.0**-digits:.{digits}f}{sign}{stars}"
        text = f"<{least}" if value > 0 else f">\u2212{least}"
        return Cell(text, float(value), f'"{text}";-{form};{form}' if value > 0 else f'{form};"{text}"')
    return Cell(text.replace("-", "\u2212") + stars, float(value), form)


def read_cell(text: str) -> Cell:
    """Return the cell of a text: with the number behind it where the text is one and nothing else.

    Parameters
    ----------
    text : str

    Returns
    -------
    Cell
        A code that a number would change (leading zeros, more than 15 digits) stays a text.

    Examples
    --------
    >>> read_cell("4,576").value, read_cell("-40%"), read_cell("007").value, read_cell("=1+1").value
    (4576.0, Cell(text='-40%', value=-0.4, form='0%'), None, None)
    """
    found = _NUMBER.fullmatch(text)
    if not found:
        return Cell(text)
    digits = re.sub(r"\D", "", found["whole"] + found["rest"])
    if re.match(r"\D?0\d", found["whole"]) or len(digits) > _DIGITS:
        return Cell(text)
    percent = found["rest"].endswith("%")
    value = float(re.sub("[,%]", "", found["whole"] + found["rest"]).replace("\u2212", "-"))
    form = "#,##0" if "," in found["whole"] else "0"
    form += re.sub(r"\d", "0", found["rest"]) + (f'"{found["stars"]}"' if found["stars"] else "")
    signed = f"+{form};-{form};{form}" if text.startswith("+") else form
    return Cell(text, value / 100 if percent else value, signed)


def text_columns(table: JournalTable) -> tuple[bool, ...]:
    """Return which columns are read as text and set to the left: the first, and those with long cells.

    Parameters
    ----------
    table : JournalTable

    Returns
    -------
    tuple of bool
    """
    columns = zip(*table.rows, strict=True) if table.rows else [() for _ in table.heads]
    return tuple(
        number == 0 or any(width(cell.text) > _SHORT for cell in column)
        for number, column in enumerate(columns)
    )


def paddings(table: JournalTable) -> list[list[tuple[str, str]]]:
    """Return what stands left and right of each number, unseen, so that centred decimals align.

    Parameters
    ----------
    table : JournalTable

    Returns
    -------
    list of list of (str, str)
        Row by row; "0" for the width of a digit, "." for that of a point or comma, "%" for a percent sign.
    """
    columns = [_pads([cell.text for cell in column]) for column in zip(*table.rows, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


def _pads(texts: list[str]) -> list[tuple[str, str]]:
    """Of one column; whole numbers, such as sizes below estimates, align among themselves."""
    pads = [("", "")] * len(texts)
    found = {place: match for place, text in enumerate(texts) if (match := _ALIGNED.fullmatch(text))}
    for decimal in (True, False):
        group = {place: match for place, match in found.items() if ("." in match["rest"]) == decimal}
        left = _missing([match["whole"] for match in group.values()])
        right = _missing([match["rest"] + match["stars"] for match in group.values()])
        for place, before, after in zip(group, left, right, strict=True):
            pads[place] = (before, after)
    return pads


def _missing(parts: list[str]) -> list[str]:
    """The kinds of characters that each part lacks to be as wide as the widest."""
    counts = [
        Counter("." if char in ".," else "%" if char == "%" else "0" for char in part) for part in parts
    ]
    most = {kind: max((count[kind] for count in counts), default=0) for kind in "0.%"}
    return ["".join(kind * (most[kind] - count[kind]) for kind in most) for count in counts]
