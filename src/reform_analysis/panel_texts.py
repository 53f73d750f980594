"""Words on a described panel: names of variables and arms, and the fields of the figures' texts.

`line_values`, `difference_values` and `gap_values` give what `plots.captioned` puts under each figure of
`panel_plots`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis.estimates import DataError
from reform_analysis.panel_columns import PANEL
from reform_analysis.wording import say

ALL = "all"  # the arm of `describe` where arms are not told apart
NOTABLE = 0.1  # size of a standardised difference that is commonly called notable (Austin 2009)


def line_values(
    table: pd.DataFrame,
    *,
    variable: str,
    exposure: str = "",
    labels: Mapping[Any, str] | None = None,
    language: str = "en",
    source: str = "",
) -> dict[str, str]:
    """Return the fields of the texts ``panel_levels`` and ``panel_trends`` for `plots.captioned`.

    Parameters
    ----------
    table : DataFrame
        As `describe.levels` or `describe.trends` returns it.
    variable, exposure : str
        As in `levels`.
    labels : mapping, optional
        As in `levels`.
    language : {"zh", "en"}
    source : str
        Where real data come from; synthetic data name themselves.

    Returns
    -------
    dict of str to str
        ``variable, exposure, arms, periods, changes, base, data``.
    """
    rows = rows_of(table, variable, exposure)
    values = "level" if "level" in rows else ("rate" if exposure else "mean")
    arms, changes = [], []
    for arm, part in rows.groupby("arm", sort=True):
        name, (first, last) = arm_label(arm, labels, language), part[values].iloc[[0, -1]]
        arms.append(say("panel_axis.arm", language, arm=name, n=part["n"].max()))
        changes.append(say("panel_axis.change", language, arm=name, first=first, last=last))
    below = say("panel_axis.per_unit", language)
    if exposure:
        below = say("panel_axis.per", language, exposure=label(exposure, labels, language))
    separator = say("format.list", language)
    return {
        "variable": label(variable, labels, language),
        "exposure": below,
        "arms": separator.join(arms),
        "periods": say("format.span", language, low=rows["period"].iloc[0], high=rows["period"].iloc[-1]),
        "changes": separator.join(changes),
        "base": str(table.attrs.get("base", "")),
        "data": _data(table, language, source),
    }


def difference_values(
    table: pd.DataFrame,
    *,
    labels: Mapping[Any, str] | None = None,
    language: str = "en",
    source: str = "",
) -> dict[str, str]:
    """Return the fields of the texts ``panel_differences`` for `plots.captioned`.

    Parameters
    ----------
    table : DataFrame
        As `describe.table_one` returns it.
    labels : mapping, optional
        As in `levels`.
    language : {"zh", "en"}
    source : str
        Where real data come from; synthetic data name themselves.

    Returns
    -------
    dict of str to str
        ``rows, beyond, notable, arm_0, arm_1, n_0, n_1, data``.
    """
    drawn = table[table["standardised"].notna()]
    sizes = {f"n_{k}": f"{(table[f'n_{k}'] + table[f'missing_{k}']).max():,}" for k in (0, 1)}
    return {
        "rows": str(len(drawn)),
        "beyond": str(int((drawn["standardised"].abs() > NOTABLE).sum())),
        "notable": f"{NOTABLE:g}",
        "data": _data(table, language, source),
        **sizes,
        **arm_pair(table, labels, language),
    }


def gap_values(table: pd.DataFrame, *, language: str = "en", source: str = "") -> dict[str, str]:
    """Return the fields of the texts ``panel_missing`` for `plots.captioned`.

    Parameters
    ----------
    table : DataFrame
        As `describe.missingness` returns it.
    language : {"zh", "en"}
    source : str
        Where real data come from; synthetic data name themselves.

    Returns
    -------
    dict of str to str
        ``variables, cells, gaps, largest, data``: of the cells drawn, how many have a gap, and the largest.
    """
    return {
        "variables": str(table["variable"].nunique()),
        "cells": str(len(table)),
        "gaps": str(int((table["share"] > 0).sum())),
        "largest": f"{100 * table['share'].max():.1f}",
        "data": _data(table, language, source),
    }


def rows_of(table: pd.DataFrame, variable: str, exposure: str) -> pd.DataFrame:
    """Return the rows of one variable and exposure.

    Parameters
    ----------
    table : DataFrame
        As `describe.levels` or `describe.trends` returns it.
    variable, exposure : str
        Values of its columns.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        If there are none.
    """
    rows = table[(table["variable"] == variable) & (table["exposure"] == exposure)]
    if rows.empty:
        pairs = sorted({*zip(table["variable"], table["exposure"], strict=True)})
        raise DataError(
            f"the table has no variable {variable!r} with exposure {exposure!r}; it has {pairs}: choose one."
        )
    return rows


def label(name: str, labels: Mapping[Any, str] | None, language: str) -> str:
    """Return a variable's name: the one given, else its declared title, else the column's name.

    Parameters
    ----------
    name : str
    labels : mapping or None
        Names by column.
    language : {"zh", "en"}

    Returns
    -------
    str
    """
    if labels and name in labels:
        return labels[name]
    if name not in PANEL.columns:
        return name
    field = PANEL.columns[name]
    return str(field.metadata["title_zh"] if language == "zh" else field.title)


def unit_text(name: str, language: str) -> str:
    """Return the unit of a declared column in brackets; nothing for others.

    Parameters
    ----------
    name : str
    language : {"zh", "en"}

    Returns
    -------
    str
    """
    unit = PANEL.columns[name].metadata["unit"] if name in PANEL.columns else ""
    return say("panel_axis.unit", language, unit=say(f"unit.{unit}", language)) if unit else ""


def arm_label(arm: Any, labels: Mapping[Any, str] | None, language: str) -> str:
    """Return an arm's name: the one given, pilots or others for a truth value, else the value.

    Parameters
    ----------
    arm : object
        Value of the column `arm` of a result.
    labels : mapping or None
        Names by value.
    language : {"zh", "en"}

    Returns
    -------
    str
    """
    if labels and arm in labels:
        return labels[arm]
    if isinstance(arm, (bool, np.bool_)):
        return say("arm.pilot" if arm else "arm.other", language)
    return say("arm.all", language) if arm == ALL else str(arm)


def arm_pair(table: pd.DataFrame, labels: Mapping[Any, str] | None, language: str) -> dict[str, str]:
    """Return the names of the two arms of table 1.

    Parameters
    ----------
    table : DataFrame
        As `describe.table_one` returns it.
    labels : mapping or None
        Names by value.
    language : {"zh", "en"}

    Returns
    -------
    dict of str to str
        ``arm_0, arm_1``.
    """
    return {f"arm_{k}": arm_label(arm, labels, language) for k, arm in enumerate(table.attrs["arms"])}


def empty_arms(table: pd.DataFrame) -> list[int]:
    """Return the arms of table 1 that have no units.

    Parameters
    ----------
    table : DataFrame
        As `describe.table_one` returns it.

    Returns
    -------
    list of int
        Of 0 and 1.
    """
    return [k for k in (0, 1) if not table[[f"n_{k}", f"missing_{k}"]].to_numpy().any()]


def _data(table: pd.DataFrame, language: str, source: str) -> str:
    """Sentence on the data: synthetic, or their source, or nothing."""
    if table.attrs.get("synthetic", False):
        return say("figure.synthetic_note", language)
    return say("figure.source_note", language, source=source) if source else ""
