"""Time under treatment: what share of a period a unit spent in the reform."""

from datetime import date
from typing import Literal, cast, get_args

import numpy as np
import pandas as pd

from reform_analysis.estimates import DesignError, require_choice
from reform_analysis.measures import need_columns
from reform_analysis.periods import date_parts, first_month

Coding = Literal["fraction", "binary", "drop"]


def treated_fraction(
    panel: pd.DataFrame, *, coding: Coding = "fraction", period: str = "period", adopted: str = "adopted"
) -> pd.Series:
    """Return the share of each period that a unit spent under treatment.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and period.
    coding : {"fraction", "binary", "drop"}
        "fraction": share of the period from adoption on; 8/12 of 2021 if adopted in May (a month counts
        from its first day; with a day given, days are counted). "binary": 1 from the period of adoption on,
        partly treated or not. "drop": as the fraction, but missing in a period that is treated in part.
    period, adopted : str
        Columns. `adopted` holds dates such as 2021-05-17, 2021-05 or 2021; empty or missing if never.

    Returns
    -------
    Series of float
        Named ``treated_fraction``, index of `panel`, between 0 and 1.

    Raises
    ------
    DataError
        If a column is missing, or a value is no date or period.
    DesignError
        If a date gives less than the coding needs: a year alone says nothing of the share of that year
        ("fraction") or of which half-year or quarter came first (any coding).

    Notes
    -----
    Assumed: treatment starts at the date and never ends, and works in proportion to the time under it.
    "binary" puts the partly treated period with the treated and so pulls an effect towards zero.

    Examples
    --------
    >>> frame = pd.DataFrame({"period": ["2020", "2021", "2022"], "adopted": "2021-05"})
    >>> treated_fraction(frame).round(4).tolist()
    [0.0, 0.6667, 1.0]
    """
    chosen = cast("Coding", require_choice("coding", coding, get_args(Coding)))
    need_columns(panel, [period, adopted])
    pairs = list(zip(panel[period], panel[adopted], strict=True))
    shares = {pair: _share(*pair, chosen) for pair in dict.fromkeys(pairs)}
    values = np.array([shares[pair] for pair in pairs], dtype=float)
    if chosen == "binary":
        values = (values > 0).astype(float)
    elif chosen == "drop":
        values = np.where((values > 0) & (values < 1), np.nan, values)
    return pd.Series(values, index=panel.index, name="treated_fraction")


def _share(period: object, adopted: object, coding: Coding) -> float:
    """Share of one period after one date; half stands for an unknown share of a year."""
    start, length = first_month(period)
    parts = date_parts(adopted)
    if parts is None:
        return 0.0
    year, month, day = parts
    if month is None:
        return _share_of_year(start, length, year, coding)
    if day is None:
        months = start + length - (12 * year + month - 1)
        return min(max(months, 0), length) / length
    first, after = (date(at // 12, at % 12 + 1, 1) for at in (start, start + length))
    days = (after - first).days
    return min(max((after - date(year, month, day)).days, 0), days) / days


def _share_of_year(start: int, length: int, year: int, coding: Coding) -> float:
    """Share where only the year of adoption is known."""
    if start // 12 != year:
        return float(start // 12 > year)
    if coding == "fraction" or length < 12:
        raise DesignError(
            f"adopted gives only the year {year}, which does not say what share of it (or of its halves and "
            "quarters) was treated; give the month, or use coding='binary' or 'drop' with yearly periods."
        )
    return 0.5
