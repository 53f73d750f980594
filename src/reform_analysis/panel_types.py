"""Values of a panel in their declared types, without loss; what cannot be taken is a fault."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis.estimates import DataError
from reform_analysis.messages import message
from reform_analysis.panel_columns import kind_of

_LARGEST = 2**53  # above it a float no longer holds every whole number
CELLS = ("row", "column", "sheet", "excel_row", "excel_column", "raw")  # of a table of places


@dataclass(frozen=True)
class Fault:
    """One breach of one rule.

    Parameters
    ----------
    row : int or None
        Position of the row, from 0; None for a fault of the whole table.
    column : str
        Canonical name; empty for a fault of the whole table.
    value : object
        What was found.
    rule : str
        The rule, and what would meet it.
    """

    row: int | None
    column: str
    value: object
    rule: str


def require_plain(frame: pd.DataFrame, cells: pd.DataFrame | None) -> None:
    """Raise unless a panel is a frame with one name a column, and its places are such a table.

    Parameters
    ----------
    frame : DataFrame
    cells : DataFrame or None
        As in `panel_rules.validate_panel`.

    Raises
    ------
    DataError
        Naming what was given, and what to do.
    """
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"panel must be a DataFrame, got {type(frame).__name__}; read it with read_panel.")
    if frame.columns.nlevels > 1:
        raise DataError(
            f"panel must have one name a column, got {frame.columns.nlevels} levels; flatten them, as by "
            "df.columns = df.columns.get_level_values(-1)."
        )
    repeated = frame.columns[frame.columns.duplicated()].unique().tolist()
    if repeated:
        raise DataError(f"panel has the columns {repeated} more than once; keep one of each.")
    if cells is None:
        return
    way_out = "pass read_panel(...).cells"
    if not isinstance(cells, pd.DataFrame):
        raise DataError(f"cells must be a DataFrame or None, got {type(cells).__name__}; {way_out}.")
    missing = [name for name in CELLS if name not in cells.columns]
    if missing:
        raise DataError(f"cells lacks the columns {missing}, it has {list(cells.columns)}; {way_out}.")


class _Refused(Exception):  # noqa: N818 (it never leaves the module)
    """A value is not of the declared type."""


def settle_types(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """Return the panel with every declared column in its type, and the values that are not of it.

    Only what loses nothing is taken: 3 and 3.0 as the count 3, NaN as a missing count or an empty text,
    the number 2021 as the text "2021", a date or timestamp in `adopted` as the text "2021-05-17".
    Covariates stay as they are.

    Parameters
    ----------
    frame : DataFrame
        Unique column names, index 0, 1, 2, ...

    Returns
    -------
    settled : DataFrame
        A copy. A refused value is missing, empty or False in it.
    faults : list of Fault
    """
    settled, faults = frame.copy(), []
    for name in frame.columns:
        kind = kind_of(name) if isinstance(name, str) else ""
        if kind:
            settled[name], found = _settle(frame[name], kind)
            faults += found
    return settled, faults


def _settle(values: pd.Series, kind: str) -> tuple[pd.Series, list[Fault]]:
    take, blank, dtype = _DAYS if values.name == "adopted" else _KINDS[kind]
    if values.dtype == dtype and kind in ("integer", "boolean"):
        return values, []
    taken, faults = [], []
    for row, value in enumerate(values.tolist()):
        try:
            taken.append(blank if _is_missing(value) and kind != "boolean" else take(value))
        except _Refused as rule:
            taken.append(blank)
            faults.append(Fault(row, str(values.name), value, rule.args[0]))
    return pd.Series(taken, index=values.index, name=values.name, dtype=dtype), faults


def _is_missing(value: object) -> bool:
    return (
        value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
    )


def _whole(value: Any) -> int:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value != int(value) or abs(value) > _LARGEST:
        raise _Refused(message("panel_fault.whole"))
    return int(value)


def _number(value: Any) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not math.isfinite(value):
        raise _Refused(message("panel_fault.number"))
    return float(value)


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return str(_whole(value))
    except _Refused:
        raise _Refused("must be a text") from None


def _day(value: Any) -> str:
    """A date as the panel writes it; a time of day would say more than a date can keep."""
    if not isinstance(value, (date, np.datetime64)):
        return _words(value)
    moment = pd.Timestamp(value)
    if moment != moment.normalize():
        raise _Refused("must be a date without a time of day, like 2021-05-17")
    return str(moment.date())


def _truth(value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise _Refused("must be True or False")
    return bool(value)


_DAYS = (_day, "", "str")
_KINDS: dict[str, tuple[Callable[[Any], Any], Any, str]] = {
    "integer": (_whole, pd.NA, "Int64"),
    "number": (_number, math.nan, "float64"),
    "string": (_words, "", "str"),
    "boolean": (_truth, False, "bool"),
}
