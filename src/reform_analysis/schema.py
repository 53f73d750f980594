"""Tables and their declarations: validate a frame, print its dictionary, give its Table Schema.

Title, description and rules of a column stand in its declaration (`figure_columns`, `panel_columns`,
`place_columns`), in both languages, and nowhere else.
"""

from collections.abc import Iterable
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from reform_analysis.estimates import DataError, require_number, require_whole_number
from reform_analysis.figure_columns import CONTEXT, FIGURES, REFORMS
from reform_analysis.panel_columns import PANEL
from reform_analysis.panel_rules import panel_faults, validate_panel
from reform_analysis.periods import period_index
from reform_analysis.place_columns import FORMER_COUNTIES, RENAMES, TOWNSHIPS
from reform_analysis.wording import say

__all__ = [
    "CONTEXT",
    "FIGURES",
    "FORMER_COUNTIES",
    "PANEL",
    "REFORMS",
    "RENAMES",
    "TABLES",
    "TOWNSHIPS",
    "dictionary",
    "numbers",
    "panel_faults",
    "period_index",
    "require_columns",
    "require_rows",
    "table_schema",
    "validate",
    "validate_panel",
]

TABLES: dict[str, pa.DataFrameSchema] = {
    "published/figures.csv": FIGURES,
    "context/context.csv": CONTEXT,
    "context/reforms.csv": REFORMS,
    "reference/zhejiang_townships_2025-12-31.csv": TOWNSHIPS,
    "reference/renames.csv": RENAMES,
    "reference/former_counties.csv": FORMER_COUNTIES,
    "example/panel_synthetic.csv": PANEL,
}

_HEADS = ("column", "type", "title", "description")
_MEASURED = ("unit", "bounds", "presence")


def validate(frame: pd.DataFrame, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Return `frame` if it meets the declaration, or name every fault at once.

    Parameters
    ----------
    frame : DataFrame
        The table to check.
    schema : pandera.pandas.DataFrameSchema
        Its declaration, one of `TABLES`. A panel is checked by `validate_panel`.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        Listing column, row, value and rule of each fault.
    """
    try:
        return schema.validate(frame, lazy=True)
    except SchemaErrors as found:
        cases = found.failure_cases.drop_duplicates(["column", "check", "index"])
        faults = [
            f"column {c.column}, row {c.index}: {c.failure_case!r}: {c.check}" for c in cases.itertuples()
        ]
        raise DataError(
            f"{schema.title}: {len(faults)} fault(s); correct the table:\n  " + "\n  ".join(faults)
        ) from None


def table_schema(schema: pa.DataFrameSchema, *, columns: Iterable[str] | None = None) -> dict[str, Any]:
    """Return the declaration as a Table Schema (Data Package v2).

    Parameters
    ----------
    schema : pandera.pandas.DataFrameSchema
    columns : iterable of str, optional
        Only these columns, in this order: for a file that lacks optional ones or has covariates.

    Returns
    -------
    dict
    """
    declared = dict(_columns(schema))
    fields: list[dict[str, Any]] = []
    for name in declared if columns is None else columns:
        if name not in declared:
            fields.append({"name": name, "type": "any"})
            continue
        field = declared[name]
        entry = {
            "name": name,
            "type": field.metadata["type"],
            "title": field.title,
            "description": field.description,
        }
        entry["constraints"] = {"required": field.metadata["required"]}
        fields.append(entry)
    key = list((schema.metadata or {}).get("key", ("id",)))
    return {"fields": fields, "primaryKey": key, "missingValues": [""]}


def dictionary(schema: pa.DataFrameSchema, *, language: str = "en") -> str:
    """Return the data dictionary of a table in Markdown.

    Parameters
    ----------
    schema : pandera.pandas.DataFrameSchema
    language : {"en", "zh"}

    Returns
    -------
    str
        A heading, a sentence and one table row a column; with unit, bounds and whether the table may lack
        the column where any column has a unit.
    """
    chinese = language == "zh"
    meta = schema.metadata or {}
    head = [
        f"### {meta['title_zh'] if chinese else schema.title}",
        "",
        meta["description_zh"] if chinese else schema.description,
        "",
    ]
    columns = _columns(schema)
    measured = any(field.metadata.get("unit") for _, field in columns)
    names = [say(f"dictionary.{name}", language) for name in _HEADS + (_MEASURED if measured else ())]
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for name, field in columns:
        cells = [*_described(name, field, chinese), *(_bounded(field, language) if measured else ())]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*head, *lines]) + "\n"


def _columns(schema: pa.DataFrameSchema) -> list[tuple[str, Any]]:
    index = [] if schema.index is None else [(schema.index.name, schema.index)]
    return [*index, *schema.columns.items()]


def _described(name: str, field: Any, chinese: bool) -> list[str]:
    """Name, type, title and description."""
    title = field.metadata["title_zh"] if chinese else field.title
    description = field.metadata["description_zh"] if chinese else field.description
    return [f"`{field.metadata.get('family') or name}`", field.metadata["type"], title, description]


def _bounded(field: Any, language: str) -> list[str]:
    """Unit, bounds and presence."""
    unit = field.metadata["unit"]
    limits = next((c.statistics for c in field.checks if "min_value" in (c.statistics or {})), None)
    low, high = (limits.get("min_value"), limits.get("max_value")) if limits else (None, None)
    numeric = field.metadata["type"] in ("integer", "number")
    bounds = "" if not numeric or low is None else f"≥ {low}" if high is None else f"{low}–{high}"
    needed = "needed" if field.required else "optional"
    return [say(f"unit.{unit}", language) if unit else "", bounds, say(f"dictionary.{needed}", language)]


def require_columns(figures: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """Raise unless `figures` is a frame with the columns.

    Parameters
    ----------
    figures : DataFrame
    columns : tuple of str

    Raises
    ------
    DataError
        Naming the missing ones.
    """
    if not isinstance(figures, pd.DataFrame):
        raise DataError(f"figures must be a DataFrame, got {type(figures).__name__}; pass load_figures().")
    missing = [column for column in columns if column not in figures.columns]
    if missing:
        raise DataError(f"figures lack the columns {missing}; pass a frame such as load_figures() returns.")


def require_rows(figures: pd.DataFrame, ids: tuple[str, ...]) -> None:
    """Raise unless `figures` has the rows, each id once.

    Parameters
    ----------
    figures : DataFrame
        Index `id`.
    ids : tuple of str

    Raises
    ------
    DataError
        Naming the missing or repeated ones.
    """
    if isinstance(ids, str) or len(set(ids)) < len(ids):
        raise DataError(f"ids must be a tuple that names each row once, got {ids!r}; write ('losses',).")
    missing = [name for name in ids if name not in figures.index]
    if missing:
        raise DataError(
            f"figures have no usable row {missing}; there are {sorted(figures.index)}: "
            "add the rows, or name other ids."
        )
    repeated = figures.index[figures.index.duplicated()].unique().tolist()
    if repeated:
        raise DataError(f"figures have the ids {repeated} more than once; give each row its own.")


def numbers(figures: pd.DataFrame, name: str) -> tuple[int | None, float]:
    """Return value and printed change of a row, checked.

    Parameters
    ----------
    figures : DataFrame
        Index `id`; columns ``value, change_pct``.
    name : str
        The row.

    Returns
    -------
    value : int or None
        None where the source gives only a change.
    change_pct : float
        Finite, at least -100.

    Raises
    ------
    DataError
        Naming the row, if the value is no whole number or the change no such percent.
    """
    value, change = figures.loc[name, "value"], figures.loc[name, "change_pct"]
    way_out = "correct the row; a change is a percent such as -40."
    change_pct = require_number(f"change_pct of {name!r}", change, way_out=way_out)
    if change_pct < -100:
        raise DataError(f"change_pct of {name!r} must be at least -100, got {change_pct:g}; {way_out}")
    return (None if pd.isna(value) else require_whole_number(f"value of {name!r}", value)), change_pct
