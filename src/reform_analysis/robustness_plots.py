"""Figures of the checks: a result in, the axes out; nothing is fitted."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from reform_analysis.estimates import CheckResult
from reform_analysis.plots import ratio_axis, stamped, theme
from reform_analysis.refits import null_value, variant_name
from reform_analysis.specification_curve import SpecificationCurve
from reform_analysis.specifications import CHOICES
from reform_analysis.wording import say

_WIDTH, _HEIGHT, _ROW = 7.2, 3.0, 0.16
_GREY, _BLUE, _RED = "#767676", sns.color_palette("colorblind", 1).as_hex()[0], "#b3261e"


def specification_curve(curve: SpecificationCurve, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw every specification's estimate in order, and underneath which choices each one makes.

    Parameters
    ----------
    curve : SpecificationCurve
        As `specification_curve.specification_curve` returns it.
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Dots and intervals from the smallest estimate to the largest, ratios on a log axis; filled where the
        specification is significant in the claimed direction by its rank among the draws. The inset axes
        below (its first child axes) have a row an alternative of every choice that has more than one.
    """
    frame = curve.to_frame().sort_values("estimate", kind="stable", na_position="last")
    rows = _alternatives(frame)
    with plt.rc_context(theme()):
        if ax is None:
            height = _HEIGHT + _ROW * max(len(rows), 1)
            ax = plt.subplots(figsize=(_WIDTH, height), gridspec_kw={"bottom": 1 - _HEIGHT / height})[1]
        _estimates(ax, frame, curve)
        ax.set_ylabel(say(f"check.axis_{'ratio' if null_value(curve.scale) == 1 else 'estimate'}", language))
        _matrix(ax, frame, rows, language)
        if curve.synthetic:
            said = say("figure.synthetic", language)
            ax.text(0, 1.03, said, transform=ax.transAxes, color=_RED, gid="synthetic")
    return ax


def _alternatives(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Choice and alternative of every row of the matrix."""
    found = {name: list(dict.fromkeys(frame.sort_index()[name])) for name in CHOICES}
    return [(name, each) for name, of in found.items() if len(of) > 1 for each in of]


def _estimates(ax: Axes, frame: pd.DataFrame, curve: SpecificationCurve) -> None:
    places = np.arange(len(frame))
    strong = (frame["p_claimed"] <= (1 - curve.ci_level) / 2).to_numpy()
    ax.vlines(places, frame["ci_low"], frame["ci_high"], color=_GREY, linewidth=0.6, alpha=0.6)
    for chosen, face in ((strong, _BLUE), (~strong, "white")):
        ax.plot(
            places[chosen],
            frame["estimate"].to_numpy()[chosen],
            linestyle="none",
            marker="o",
            markersize=3,
            color=_BLUE,
            markerfacecolor=face,
            markeredgewidth=0.6,
        )
    ax.axhline(null_value(curve.scale), color=_GREY, linewidth=0.8, linestyle="--", zorder=1)
    ax.set_xlim(-1, len(frame))
    ax.set_xticks([])
    if null_value(curve.scale) == 1:
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(base=2))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _matrix(ax: Axes, frame: pd.DataFrame, rows: list[tuple[str, str]], language: str) -> None:
    """A tick where a specification makes a choice."""
    height = _ROW * max(len(rows), 1) / _HEIGHT
    below = ax.inset_axes((0.0, -height - 0.03, 1.0, height))
    for place, (choice, alternative) in enumerate(rows):
        made = np.flatnonzero((frame[choice] == alternative).to_numpy())
        below.plot(made, np.full(len(made), place), "|", color=_BLUE, markersize=4, markeredgewidth=0.7)
    names = [
        say(
            "check.row",
            language,
            choice=say(f"check.choice_{choice}", language),
            name=variant_name(each)(language),
        )
        for choice, each in rows
    ]
    below.set_yticks(range(len(rows)), names, fontsize=7)
    below.set_ylim(len(rows) - 0.5, -0.5)
    below.set_xlim(ax.get_xlim())
    below.set_xticks([])
    below.tick_params(axis="y", length=0)
    for spine in below.spines.values():
        spine.set_visible(False)


def trend_bounds(check: CheckResult, *, kind: str, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw the interval of the effect by how far the common trend may fail, and where it reaches 1.

    Parameters
    ----------
    check : CheckResult
        As `trend_bounds.common_trend_bounds` returns it.
    kind : {"relative_magnitudes", "smoothness"}
        What the sizes are.
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        One bar a size, the exact common trend leftmost in grey; dashed at a ratio of 1, dotted at the
        breakdown value where it is finite.
    """
    frame = check.to_frame()
    sizes = frame.drop(["original", "breakdown"])
    step = float(sizes["size"].max()) / 4 or 1.0
    with plt.rc_context(theme()):
        ax = ax or plt.subplots(figsize=(_WIDTH, _HEIGHT))[1]
        exact = frame.loc["original"]
        ax.vlines([-step], [exact["ci_low"]], [exact["ci_high"]], color=_GREY, linewidth=4)
        ax.vlines(sizes["size"], sizes["ci_low"], sizes["ci_high"], color=_BLUE, linewidth=4)
        ax.axhline(1, color=_GREY, linewidth=0.8, linestyle="--", zorder=1)
        _breakdown(ax, float(frame.loc["breakdown", "size"]), float(sizes["size"].max()), language)
        names = [say("robustness_row.original", language), *(f"{size:.3g}" for size in sizes["size"])]
        ax.set_xticks([-step, *sizes["size"]], names)
        ax.set_xlim(-1.5 * step, float(sizes["size"].max()) + step / 2)
        ax.set_xlabel(say(f"robustness_axis.{kind}", language))
        ax.set_ylabel(say("robustness_axis.interval", language))
        ax.spines["left"].set_visible(True)
        ratio_axis(ax, "y")
    return stamped(ax, check.synthetic, language=language)


def _breakdown(ax: Axes, size: float, largest: float, language: str) -> None:
    """A dotted line where the interval reaches 1, if that is on the axis."""
    if not 0 <= size <= largest:
        return
    ax.axvline(size, color=_RED, linewidth=1, linestyle=":")
    said = say("robustness_axis.breakdown", language, size=f"{size:.2f}")
    ax.text(size, 0.98, f" {said}", transform=ax.get_xaxis_transform(), color=_RED, fontsize=8, va="top")
