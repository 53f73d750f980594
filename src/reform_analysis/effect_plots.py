"""Figures of the effect report: rate ratios by method and by event time; nothing is fitted here."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from reform_analysis.estimates import Estimates, percent
from reform_analysis.panel_texts import label
from reform_analysis.plots import data_note, ratio_axis, stamped, theme
from reform_analysis.wording import ratio_text, say

if TYPE_CHECKING:
    from reform_analysis.event_study import EventStudy

_WIDTH, _ROW = 7.2, 0.42
_GREY = "#767676"
_BLUE = sns.color_palette("colorblind", 1).as_hex()[0]
_EVENT = re.compile(r"event_(-?\d+)")
_FURTHEST = 16.0  # ratios beyond it, or its inverse, stand at the edge of the axis


def methods(results: Mapping[str, Estimates | None], *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw the rate ratio that each method finds, with its interval.

    Parameters
    ----------
    results : mapping of str to Estimates or None
        Names as in the catalogue's table ``effect_method``; the first term of each is drawn.
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A log axis with a line at 1. Filled: the interval excludes 1. An interval that leaves the axis (1/16
        to 16) ends in an arrow.
    """
    found = {name: result for name, result in results.items() if result is not None}
    rows = {name: result.to_frame().iloc[0] for name, result in found.items()}
    places = np.arange(len(rows))[::-1]
    with plt.rc_context(theme()):
        ax = ax or plt.subplots(figsize=(_WIDTH, 0.9 + _ROW * max(len(rows), 2)))[1]
        ax.axvline(1, color=_GREY, linewidth=0.8, linestyle="--", zorder=1)
        for place, row in zip(places, rows.values(), strict=True):
            _bar(ax, float(place), row)
        ax.set_yticks(places, [say(f"effect_method.{name}", language) for name in rows])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(-0.6, len(rows) - 0.4)
        ax.set_xlabel(say("effect_axis.ratio", language))
        ratio_axis(ax, "x")
    return stamped(ax, any(result.synthetic for result in found.values()), language=language)


def _bar(ax: Axes, place: float, row: pd.Series) -> None:
    low, high = _drawn(row["ci_low"]), _drawn(row["ci_high"])
    if pd.notna(low) and pd.notna(high):
        ax.hlines(place, low, high, color=_BLUE, linewidth=2.2, zorder=2)
        for end, mark in ((low, "<"), (high, ">")):
            if end in (1 / _FURTHEST, _FURTHEST):
                ax.plot([end], [place], marker=mark, color=_BLUE, markersize=6, zorder=3)
    beside = pd.notna(row["ci_low"]) and not row["ci_low"] <= 1 <= row["ci_high"]
    face = _BLUE if beside else "white"
    if pd.notna(row["estimate"]):
        ax.plot(
            [_drawn(row["estimate"])], [place], "o", color=_BLUE, markerfacecolor=face, markersize=6, zorder=4
        )
    ax.annotate(_numbers(row), (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=8)


def _drawn(value: float) -> float:
    return float(np.clip(value, 1 / _FURTHEST, _FURTHEST)) if pd.notna(value) else np.nan


def _numbers(row: pd.Series) -> str:
    if row[["ci_low", "ci_high"]].isna().any():
        return f"{row['estimate']:.2f}"
    return f"{row['estimate']:.2f} [{ratio_text(row['ci_low'])}, {ratio_text(row['ci_high'])}]"


def event_study(result: "EventStudy", *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw rate ratios by periods since adoption.

    Parameters
    ----------
    result : EventStudy
        As `did.event_study` returns it.
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Dots and intervals on a log axis; the hollow diamond is the reference, 1 by construction. The dotted
        line begins where treatment does.
    """
    frame = result.to_frame()
    times = [int(found[1]) for term in frame.index if (found := _EVENT.fullmatch(str(term)))]
    with plt.rc_context(theme()):
        ax = ax or plt.subplots(figsize=(_WIDTH, 3.2))[1]
        ax.axhline(1, color=_GREY, linewidth=0.8, linestyle="--", zorder=1)
        ax.axvline(-0.5, color=_GREY, linewidth=0.8, linestyle=":", zorder=1)
        low, high = frame["ci_low"].map(_drawn), frame["ci_high"].map(_drawn)
        ax.vlines(times, low, high, color=_BLUE, linewidth=2.2, zorder=2)
        ax.plot(times, frame["estimate"].map(_drawn), "o", color=_BLUE, markersize=6, zorder=3)
        ax.plot([result.reference], [1], "D", color=_GREY, markerfacecolor="white", markersize=6, zorder=3)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlabel(say("effect_axis.event_time", language))
        ax.set_ylabel(say("effect_axis.ratio", language))
        ax.spines["left"].set_visible(True)
        ratio_axis(ax, "y")
    return stamped(ax, result.synthetic, language=language)


def caption_fields(
    result: Estimates, *, outcome: str, exposure: str | None, source: str = "", language: str = "en"
) -> dict[str, Any]:
    """Return the fields of the texts under the figures of this module.

    Parameters
    ----------
    result : Estimates
        The event study, or any of the methods drawn: sample, level and whether data are real.
    outcome : str
    exposure : str or None
    source : str
        Where real data come from.
    language : {"zh", "en"}

    Returns
    -------
    dict
        ``outcome, below, units, level, data``.
    """
    below = say("effect_axis.no_exposure", language)
    if exposure:
        below = say("effect_axis.per", language, exposure=label(exposure, None, language))
    return {
        "outcome": label(outcome, None, language),
        "below": below,
        "units": result.n_units,
        "level": percent(result.ci_level),
        "data": data_note(result.synthetic, source=source, language=language),
    }
