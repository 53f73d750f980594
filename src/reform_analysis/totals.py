"""Total rows of a table (合计, 小计): which rows they sum, and whether they do."""

from collections.abc import Sequence
from decimal import Decimal
from math import fsum
from typing import Any

from reform_analysis.cells import is_blank, read_name
from reform_analysis.estimates import DataError
from reform_analysis.headers import Header
from reform_analysis.table_parts import PLACES, Table, Total, coordinate

_FINEST = 6  # one fen, the smallest coin, is 1e-6 of 10,000 yuan


def summed_rows(table: Table, total: Total) -> list[int]:
    """Return the positions in `table.rows` that a total row sums.

    A total that names a place, a county or a period, in its label or beside it, sums the rows with the same;
    a subtotal without one sums the rows since the total before it (or until the next, where a subtotal opens
    the table); any other total sums all rows.

    Parameters
    ----------
    table : Table
    total : Total

    Returns
    -------
    list of int
    """
    positions = list(range(len(table.rows)))
    named = _beside(table, total) | ({"": total.scope} if total.scope else {})
    chosen = [at for at in positions if all(_lies_in(table, table.rows[at], *pair) for pair in named.items())]
    if named and chosen:
        return chosen
    return _block(table, total) if total.kind == "part" else positions


def _beside(table: Table, total: Total) -> dict[str, Any]:
    """Place and period written in the total's own row, where every row of data has one."""
    found = {}
    for header in table.headers:
        value = table.value(total.row, header.number)
        if header.column in (*PLACES, "period") and not is_blank(value) and value != total.label:
            given = [table.value(row, header.number) for row in table.rows]
            if not any(is_blank(each) for each in given):
                found[header.column] = value
    return found


def _lies_in(table: Table, row: int, column: str, value: Any) -> bool:
    """Whether a row has the value in a column; in any place column where `column` is empty."""
    columns = (column,) if column else PLACES
    numbers = [header.number for header in table.headers if header.column in columns]
    return any(_name(table.value(row, number)) == _name(value) for number in numbers)


def _name(value: Any) -> Any:
    """A text as the panel names it."""
    return read_name(value, dash_means="missing").value if isinstance(value, str) else value


def _block(table: Table, total: Total) -> list[int]:
    marks = sorted(other.row for other in table.totals if other.kind == "part")
    opens = bool(table.rows) and marks[0] < table.rows[0]
    if opens:
        after = min((mark for mark in marks if mark > total.row), default=float("inf"))
        return [at for at, row in enumerate(table.rows) if total.row < row < after]
    before = max((mark for mark in marks if mark < total.row), default=0)
    return [at for at, row in enumerate(table.rows) if before < row < total.row]


def differing_sum(stated: float, values: Sequence[float | None], positions: Sequence[int]) -> float | None:
    """Return the sum of a total's rows if it is not the total, to the last decimal that the total prints.

    Parameters
    ----------
    stated : float
        The total, in the column's unit.
    values : sequence of float or None
        The column's values, one a row of the table; None where missing.
    positions : sequence of int
        As `summed_rows` returns them.

    Returns
    -------
    float or None
        None if the total is the sum.
    """
    known = [value for at in positions if (value := values[at]) is not None]
    added = sum(known) if all(isinstance(value, int) for value in known) else fsum(known)
    decimals = min(max(0, -int(Decimal(repr(stated)).normalize().as_tuple().exponent)), _FINEST)
    slack = Decimal(0) if isinstance(stated, int) else Decimal(5).scaleb(-decimals - 1)
    return added if abs(Decimal(repr(added)) - Decimal(repr(stated))) > slack else None


def require_sum(
    table: Table,
    total: Total,
    header: Header,
    *,
    positions: Sequence[int],
    stated: float,
    values: Sequence[float | None],
) -> None:
    """Raise unless a total equals the sum of its rows, to the last decimal it prints.

    Parameters
    ----------
    table : Table
    total : Total
    header : Header
        Column of the total.
    positions : sequence of int
        As `summed_rows` returns them.
    stated : float
        The total, in the column's unit.
    values : sequence of float or None
        The column's values, one a row of `table.rows`; None where missing.

    Raises
    ------
    DataError
        Naming the total and the sum.
    """
    added = differing_sum(stated, values, positions)
    if added is not None:
        gap = sum(values[at] is None for at in positions)
        missing = f", {gap} of them without a value," if gap else ""
        raise DataError(
            f"sheet {table.sheet.name!r}, cell {coordinate(total.row, header.number)}: {total.label!r} of "
            f"{header.text!r} says {stated!r} but its {len(positions)} rows{missing} sum to {added!r}; "
            "correct the total or a row, or delete the total row."
        )
