"""A table of texts that shows itself in a report."""

from dataclasses import dataclass
from html import escape

import pandas as pd

_LONG = 20  # characters; what is longer is words that begin with a number


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """A table ready to be read: texts only, with its caption.

    Parameters
    ----------
    frame : DataFrame
        Texts; the column names are the heads.
    caption : str
        What the table holds.
    synthetic : bool
        True if any datum was made up: what is written for a journal says so.
    """

    frame: pd.DataFrame
    caption: str
    synthetic: bool = False

    def __repr__(self) -> str:
        return f"{self.caption}\n{self.frame.to_string(index=False)}"

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.frame.columns)
        rows = "".join(_row_html(row) for row in self.frame.itertuples(index=False))
        caption = f"<caption><span>{escape(self.caption)}</span></caption>"
        return (
            f'<table class="three-line">{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        )


def _row_html(row: tuple[str, ...]) -> str:
    first, *others = row
    return f'<tr><th scope="row">{escape(first)}</th>{"".join(map(_cell_html, others))}</tr>'


def _cell_html(text: str) -> str:
    """Escaped text; numbers are not broken over lines, an address becomes a link that shows its host."""
    if text.startswith(("https://", "http://")):
        return f'<td><a href="{escape(text)}">{escape(text.split("/")[2])}</a></td>'
    number = ' class="number"' if text.lstrip("+-<")[:1].isdigit() and len(text) < _LONG else ""
    return f"<td{number}>{escape(text)}</td>"
