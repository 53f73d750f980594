"""Figures of an association: the result of `correlate.association` in, the axes out; nothing is fitted."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from reform_analysis.estimates import DataError, Estimates, percent
from reform_analysis.panel_texts import label
from reform_analysis.plots import data_note, ratio_axis, stamped, theme
from reform_analysis.wording import p_text, say

_WIDTH, _ROW = 7.2, 0.42
_GREY = "#767676"
_BLUE, _ORANGE = sns.color_palette("colorblind", 2).as_hex()


def forest(
    result: Estimates,
    *,
    labels: Mapping[Any, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw every measure's association with its interval, in the order of the result.

    Parameters
    ----------
    result : Estimates
        As `correlate.association` returns it, or one of the two tables it carries.
    labels : mapping, optional
        Names of the measures to print.
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Dots and intervals with their numbers; the line is at no association. Filled: the max-T p-value of the
        family is at most 1 less the interval's level. A ratio stands on a log axis.
    """
    frame, ratio = result.to_frame(), result.scale == "rate_ratio"
    places = np.arange(len(frame))[::-1]
    with plt.rc_context(theme()):
        ax = ax or plt.subplots(figsize=(_WIDTH, 0.9 + _ROW * max(len(frame), 2)))[1]
        ax.axvline(float(ratio), color=_GREY, linewidth=0.8, linestyle="--", zorder=1)
        for place, (term, row) in zip(places, frame.iterrows(), strict=True):
            _row(ax, int(place), row, filled=_survives(result, term))
        ax.set_yticks(places, [label(term, labels, language) for term in frame.index])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(-0.6, len(frame) - 0.4)
        ax.set_xlabel(say(f"association.axis_{result.scale}", language))
        if ratio:
            ratio_axis(ax, "x")
    return stamped(ax, result.synthetic, language=language)


def _survives(result: Estimates, term: Any) -> bool:
    if result.adjusted_p is None:
        return False
    return bool(result.adjusted_p.loc[term, "max_t"] <= 1 - result.ci_level)


def _row(ax: Axes, place: int, row: pd.Series, *, filled: bool) -> None:
    ax.hlines(place, row["ci_low"], row["ci_high"], color=_BLUE, linewidth=2.2, zorder=2)
    face = _BLUE if filled else "white"
    ax.plot([row["estimate"]], [place], marker="o", color=_BLUE, markerfacecolor=face, markersize=6, zorder=3)
    numbers = f"{row['estimate']:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
    ax.annotate(numbers, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=8)


def dose_against_change(
    changes: pd.DataFrame,
    result: Estimates,
    *,
    measure: str,
    change: str,
    pilot: str = "pilot",
    labels: Mapping[Any, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw each unit's dose against its change, with the association found.

    Parameters
    ----------
    changes : DataFrame
        The frame the result was made from.
    result : Estimates
        As `correlate.association` returns it, with a term `measure`.
    measure : str
        Column of the dose.
    change : str
        Column of the change, as ``losses_difference``.
    pilot : str
        Column of the pilot status; units in pilots are orange triangles. Where it is missing all are alike.
    labels : mapping, optional
        Names to print.
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Units that share a point are drawn over one another, translucent. The estimate, its interval and its
        p stand in the corner.

    Raises
    ------
    DataError
        If a column or the term is missing.
    """
    missing = [name for name in (measure, change) if name not in changes]
    if missing or measure not in result.to_frame().index:
        raise DataError(
            f"measure must be a term of the result and a column of changes, got {measure!r} with "
            f"{list(result.to_frame().index)}, columns missing {missing}; name another."
        )
    drawn = changes[[measure, change]].astype(float).assign(pilot=_in_pilot(changes, pilot)).dropna()
    with plt.rc_context(theme()):
        ax = ax or plt.subplots(figsize=(_WIDTH, 4.0))[1]
        for arm, marker, colour in ((False, "o", _BLUE), (True, "^", _ORANGE)):
            rows = drawn[drawn["pilot"] == arm]
            ax.plot(
                rows[measure],
                rows[change],
                marker,
                color=colour,
                alpha=0.4,
                markersize=4,
                markeredgewidth=0,
                label=say(f"arm.{'pilot' if arm else 'other'}", language),
            )
        ax.axhline(0, color=_GREY, linewidth=0.8, linestyle="--", zorder=1)
        ax.margins(y=0.15)
        ax.set_xlabel(label(measure, labels, language))
        ax.set_ylabel(label(change, labels, language))
        ax.annotate(_found(result, measure, language), (0.02, 0.98), xycoords="axes fraction", va="top")
        if drawn["pilot"].any():
            ax.legend(frameon=False, loc="upper right")
    return stamped(ax, result.synthetic, language=language)


def _in_pilot(changes: pd.DataFrame, pilot: str) -> pd.Series:
    if pilot not in changes:
        return pd.Series(False, index=changes.index)
    return changes[pilot].fillna(False).astype(bool)


def _found(result: Estimates, measure: str, language: str) -> str:
    row = result.to_frame().loc[measure]
    return say(
        f"association.found_{result.scale}",
        language,
        estimate=row["estimate"],
        level=percent(result.ci_level),
        low=row["ci_low"],
        high=row["ci_high"],
        p=p_text(row["p_value"]),
    )


def caption_fields(
    result: Estimates,
    *,
    outcome: str,
    source: str = "",
    labels: Mapping[Any, str] | None = None,
    language: str = "en",
) -> dict[str, Any]:
    """Return the fields of the captions ``figure.association_forest`` and ``figure.association_dose``.

    Parameters
    ----------
    result : Estimates
    outcome : str
        What the doses are set against: a column, or a name in `labels`.
    source : str
    labels : mapping, optional
    language : {"zh", "en"}

    Returns
    -------
    dict
        For `plots.captioned`.
    """
    frame, level = result.to_frame(), 1 - result.ci_level
    largest = frame["p_value"].idxmin()
    return {
        "terms": len(frame),
        "units": result.n_units,
        "outcome": label(outcome, labels, language),
        "level": percent(result.ci_level),
        "below": int((frame["p_value"] <= level).sum()),
        "survive": 0 if result.adjusted_p is None else int((result.adjusted_p["max_t"] <= level).sum()),
        "strongest": label(largest, labels, language),
        "estimate": frame.loc[largest, "estimate"],
        "data": data_note(result.synthetic, source=source, language=language),
    }
