"""Text tables (CSV) as records: their encoding, their delimiter, and whether the file is whole."""

import csv
import io
import re

from reform_analysis.estimates import DataError

_DELIMITERS = ",;\t|"  # the first of equally common ones
_SEARCHED_LINES = 50


def records(content: bytes, name: str) -> list[list[str]]:
    """Return the fields of every line of a text table.

    Parameters
    ----------
    content : bytes
        UTF-8, UTF-16 with a byte order mark, or GB18030; lines end as on any system.
    name : str
        Of the file, for messages.

    Returns
    -------
    list of list of str

    Raises
    ------
    DataError
        If it is no text, a web page, or ends within a line.
    csv.Error
        If a quote is not closed, or is followed by text.

    Examples
    --------
    >>> records("乡镇|败诉件数\\r一镇|3".encode(), "t.csv")
    [['乡镇', '败诉件数'], ['一镇', '3']]
    """
    text = _decode(content, name).replace("\r\n", "\n").replace("\r", "\n")
    if text.lstrip()[:1] == "<":
        raise DataError(f"{name} is a web page or XML, not a table; open it in Excel and save it as .xlsx.")
    found = list(csv.reader(io.StringIO(text), delimiter=_delimiter(text), strict=True))
    _require_end(found, text, name)
    return found


def _decode(content: bytes, name: str) -> str:
    """The text of a file in UTF-8, in UTF-16 with a byte order mark, or in GB18030."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise DataError(
        f"{name} is text neither in UTF-8 nor in GB18030, or no table; save it as .xlsx or UTF-8 CSV."
    )


def _delimiter(text: str) -> str:
    """Comma, semicolon, tab or bar: the commonest in the first line that has one outside quotes."""
    lines = (re.sub(r'"[^"]*"', "", line) for line in text.splitlines()[:_SEARCHED_LINES])
    counted = ((line, max(_DELIMITERS, key=line.count)) for line in lines)
    return next((best for line, best in counted if best in line), ",")


def _require_end(found: list[list[str]], text: str, name: str) -> None:
    """Refuse a last line that has no end and lacks fields: the file was cut there."""
    last, width = len(found[-1]) if found else 0, max(map(len, found), default=0)
    if not text.endswith("\n") and 1 < last < width:
        raise DataError(
            f"{name} ends within line {len(found)}, which has {last} of {width} fields and no end of line: "
            "it seems to be cut short; export it again."
        )
