"""Figures of a described panel: a result of `describe` in, the axes out.

Nothing is fitted, shown or saved here. A figure of synthetic data says so, if the result does
(``attrs["synthetic"]``). `panel_texts` has the fields of the text that `plots.captioned` puts under each.
"""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reform_analysis.panel_texts import NOTABLE, arm_label, arm_pair, label, rows_of, unit_text
from reform_analysis.plots import stamped, theme
from reform_analysis.wording import say

_WIDTH = 7.2
_ROW = 0.36
_GREY = "#767676"
_MARKERS = ("o", "s", "^", "D", "v", "P")
_LINES = ("-", "--", ":", "-.", "-", "--")
_COLOURS = sns.color_palette("colorblind", len(_MARKERS)).as_hex()


def levels(
    table: pd.DataFrame,
    *,
    variable: str,
    exposure: str = "",
    labels: Mapping[Any, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw a variable's mean per unit, or its rate, over the periods, one line an arm.

    Parameters
    ----------
    table : DataFrame
        As `describe.levels` returns it.
    variable : str
        Value of its column `variable`.
    exposure : str
        Value of its column `exposure`; "" for the mean per unit.
    labels : mapping, optional
        Names of variables, exposures and arms to print, by their values in the table. Columns of the
        canonical panel and its arms have theirs in both languages; others are printed as they are.
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If the table has no such rows.
    """
    rows = rows_of(table, variable, exposure)
    kind = "rate" if exposure else "mean"
    names = {"variable": label(variable, labels, language), "exposure": label(exposure, labels, language)}
    axis = say(f"panel_axis.{kind}", language, unit=unit_text(variable, language), **names)
    ax = _lines(rows, kind, axis, labels=labels, language=language, ax=ax)
    ax.set_ylim(bottom=min(0.0, float(rows[kind].min())))
    return stamped(ax, bool(table.attrs.get("synthetic", False)), language=language)


def trends(
    table: pd.DataFrame,
    *,
    variable: str,
    exposure: str = "",
    labels: Mapping[Any, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw a variable's ratio to the base period over the periods, one line an arm.

    Parameters
    ----------
    table : DataFrame
        As `describe.trends` returns it.
    variable, exposure : str
        As in `levels`.
    labels : mapping, optional
        As in `levels`.
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A line at 1; a ratio of zero or without a base is not drawn on the log axis.

    Raises
    ------
    DataError
        If the table has no such rows.
    """
    rows = rows_of(table, variable, exposure)
    rows = rows.assign(ratio=rows["ratio"].where(rows["ratio"] > 0))
    axis = say(
        "panel_axis.ratio", language, variable=label(variable, labels, language), base=table.attrs["base"]
    )
    ax = _lines(rows, "ratio", axis, labels=labels, language=language, ax=ax)
    ax.axhline(1, color=_GREY, linewidth=0.8, linestyle="--", zorder=1)
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(MaxNLocator(6))
    ax.yaxis.set_minor_locator(plt.NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return stamped(ax, bool(table.attrs.get("synthetic", False)), language=language)


def standardised_differences(
    table: pd.DataFrame,
    *,
    labels: Mapping[Any, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw the standardised differences of table 1, the largest on top.

    Parameters
    ----------
    table : DataFrame
        As `describe.table_one` returns it. Rows without a standardised difference are left out.
    labels : mapping, optional
        As in `levels`.
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A dot a row, filled where it lies beyond the dashed lines at -0.1 and 0.1.
    """
    rows = table[table["standardised"].notna()].sort_values("standardised", key=np.abs)
    places = np.arange(len(rows))
    names = [
        label(row.variable, labels, language) + (f" · {row.category}" if row.category else "")
        for row in rows.itertuples()
    ]
    with plt.rc_context(theme()):
        ax = ax or plt.subplots(figsize=(_WIDTH, 0.9 + _ROW * max(len(rows), 2)))[1]
        for at, style in {0.0: "-", -NOTABLE: "--", NOTABLE: "--"}.items():
            ax.axvline(at, color=_GREY, linewidth=0.8, linestyle=style, zorder=1)
        for place, value in zip(places, rows["standardised"], strict=True):
            face = _COLOURS[0] if abs(value) > NOTABLE else "white"
            ax.plot([value], [place], marker="o", color=_COLOURS[0], markerfacecolor=face, linestyle="none")
        ax.set_yticks(places, names)
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel(say("panel_axis.standardised", language, **arm_pair(table, labels, language)))
    return stamped(ax, bool(table.attrs.get("synthetic", False)), language=language)


def missingness(
    table: pd.DataFrame,
    *,
    labels: Mapping[Any, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw the share missing of each variable and arm in each period, as shaded and numbered cells.

    Parameters
    ----------
    table : DataFrame
        As `describe.missingness` returns it.
    labels : mapping, optional
        As in `levels`.
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    grid = table.pivot_table(index=["variable", "arm"], columns="period", values="share", sort=False)
    names = [
        f"{label(name, labels, language)} · {arm_label(arm, labels, language)}" for name, arm in grid.index
    ]
    with plt.rc_context(theme()):
        ax = ax or plt.subplots(figsize=(_WIDTH, 0.9 + _ROW * max(len(grid), 2)))[1]
        ax.imshow(grid, cmap="Greys", vmin=0, vmax=1, aspect="auto")
        for (y, x), share in np.ndenumerate(grid.to_numpy()):
            ax.text(x, y, f"{100 * share:.0f}%", ha="center", va="center", color="w" if share > 0.5 else "k")
        ax.set_xticks(range(grid.shape[1]), [str(period) for period in grid.columns])
        ax.set_yticks(range(len(grid)), names)
        ax.tick_params(length=0)
        ax.set_xlabel(say("panel_axis.period", language))
    return stamped(ax, bool(table.attrs.get("synthetic", False)), language=language)


def _lines(
    rows: pd.DataFrame,
    column: str,
    axis: str,
    *,
    labels: Mapping[Any, str] | None,
    language: str,
    ax: Axes | None,
) -> Axes:
    """One line an arm, told apart by colour, mark and stroke."""
    periods = sorted(rows["period"].unique())
    with plt.rc_context(theme()):
        ax = ax or plt.subplots(figsize=(_WIDTH, 3.4))[1]
        for number, (arm, part) in enumerate(rows.groupby("arm", sort=True)):
            look = number % len(_MARKERS)
            ax.plot(
                [periods.index(period) for period in part["period"]],
                part[column].astype(float),
                color=_COLOURS[look],
                marker=_MARKERS[look],
                linestyle=_LINES[look],
                label=arm_label(arm, labels, language),
            )
        ax.set_xticks(range(len(periods)), [str(period) for period in periods])
        ax.spines["left"].set_visible(True)
        ax.set_xlabel(say("panel_axis.period", language))
        ax.set_ylabel(axis)
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncol=len(_MARKERS), frameon=False)
    return ax
