"""The parts of a table as found: its sheet, headers and rows told apart."""

from dataclasses import dataclass
from typing import Any

from openpyxl.utils import get_column_letter

from reform_analysis.headers import KEYS, LEFT_OUT, Header
from reform_analysis.row_labels import Kind
from reform_analysis.sheets import Area, Sheet

PLACES = ("city", "county")
LEADING = (*KEYS, *PLACES, "period", LEFT_OUT)


@dataclass(frozen=True)
class Total:
    """A row that sums others.

    Parameters
    ----------
    row : int
        Row of the sheet.
    label : str
        As found.
    scope : str
        What stands before 合计: the name of a place, or empty.
    kind : {"sum", "part", "loose"}
        As in `row_labels.Label`.
    """

    row: int
    label: str
    scope: str
    kind: Kind


@dataclass(frozen=True, eq=False)
class Table:
    """A sheet's table, its rows told apart.

    Parameters
    ----------
    sheet : Sheet
    headers : tuple of Header
        One a column, from left to right.
    top, bottom : int
        First and last row of the header.
    rows : tuple of int
        Rows of data.
    totals : tuple of Total
    left_out : dict of int to str
        Other rows below the header, and why they are no data.
    filled : dict of (int, int) to object
        Cells inside a merged area, with the value of the area.
    """

    sheet: Sheet
    headers: tuple[Header, ...]
    top: int
    bottom: int
    rows: tuple[int, ...]
    totals: tuple[Total, ...]
    left_out: dict[int, str]
    filled: dict[tuple[int, int], Any]

    def value(self, row: int, number: int) -> Any:
        """Return the value of a cell, or of the merged area it lies in; None if it is empty.

        Parameters
        ----------
        row, number : int
            Row and column of the sheet.

        Returns
        -------
        object
        """
        own = self.sheet.rows.get(row, {}).get(number)
        return self.filled.get((row, number)) if own is None else own

    def title_texts(self) -> list[str]:
        """Return the texts above the header.

        Returns
        -------
        list of str
        """
        above = (cells for row, cells in self.sheet.rows.items() if row < self.top)
        return [value for cells in above for value in cells.values() if isinstance(value, str)]


def coordinate(row: int, number: int) -> str:
    """Return a cell's name, as C7.

    Parameters
    ----------
    row, number : int

    Returns
    -------
    str
    """
    return f"{get_column_letter(number)}{row}"


def area_at(sheet: Sheet, row: int, number: int) -> Area | None:
    """Return the merged area that a cell lies in; None if it lies in none.

    Parameters
    ----------
    sheet : Sheet
    row, number : int

    Returns
    -------
    tuple of int or None
    """
    inside = (area for area in sheet.merged if area[0] <= row <= area[2] and area[1] <= number <= area[3])
    return next(inside, None)
