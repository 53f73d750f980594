"""One place under two names within a panel, which would be two units."""

import pandas as pd

from reform_analysis.estimates import DataError

_ENDINGS = "县市区"


def require_one_spelling(panel: pd.DataFrame) -> None:
    """Raise if a county or city stands with and without its ending, or a unit with and without its county.

    Parameters
    ----------
    panel : DataFrame
        As `assembly.assemble` makes it.

    Raises
    ------
    DataError
        Naming both spellings.

    Examples
    --------
    >>> require_one_spelling(pd.DataFrame({"county": ["甲县", "乙县"], "unit_name": ["一镇", "一镇"]}))
    """
    for column in ("city", "county"):
        names = set(panel.get(column, pd.Series(dtype="str"))) - {""}
        _refuse(column, [(name, name + end) for name in names for end in _ENDINGS if name + end in names])
    if {"county", "unit_name"} <= set(panel):
        pairs = set(zip(panel["county"], panel["unit_name"], strict=True))
        found = [
            (name, county + name) for county, name in pairs if county and (county, county + name) in pairs
        ]
        _refuse("unit_name", found)


def _refuse(column: str, found: list[tuple[str, str]]) -> None:
    if found:
        first, second = min(found)
        raise DataError(
            f"column {column!r} has both {first!r} and {second!r}, which would be two places; write one "
            "name in every row."
        )
