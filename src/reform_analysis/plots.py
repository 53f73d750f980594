"""One function a figure: a result in, the axes out. Nothing is fitted or shown; `save` alone writes files."""

import re
import textwrap
from dataclasses import dataclass
from functools import cache
from io import StringIO
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from reform_analysis import resources, wording
from reform_analysis.figure_files import save

__all__ = [
    "CaptionedFigure",
    "captioned",
    "context_changes",
    "data_note",
    "exposures",
    "rate_ratios",
    "ratio_axis",
    "save",
    "stamped",
    "theme",
]

_WIDTH = 7.2
_ROW = 0.42
_LINE = 0.19
_GREY, _RED = "#767676", "#b3261e"
_MARKERS = {"outcome": "o", "activity": "s", "input": "^", "elsewhere": "D"}
_COLOURS = dict(zip(_MARKERS, sns.color_palette("colorblind", 4).as_hex(), strict=True))


@cache
def _family() -> str:
    """Register the packaged font once; its name."""
    path = resources.font_path()
    font_manager.fontManager.addfont(str(path))
    return str(font_manager.FontProperties(fname=str(path)).get_name())


def theme() -> Any:
    """Return the rc parameters of every figure of the package.

    Returns
    -------
    dict
        For ``matplotlib.rc_context``.
    """
    return {
        **sns.axes_style("ticks"),
        "font.family": [_family()],
        "font.size": 9,
        "axes.labelsize": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "svg.fonttype": "path",
        "svg.hashsalt": "reform-analysis",
    }


@dataclass(frozen=True, eq=False)
class CaptionedFigure:
    """A figure with its caption and its text for those who cannot see it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    caption : str
        Sample, level of the intervals, source: printed underneath.
    alt : str
        What the figure shows, in a sentence or two.
    """

    figure: Figure
    caption: str
    alt: str

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        buffer = StringIO()
        with plt.rc_context(theme()):
            self.figure.savefig(
                buffer, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None}
            )
        text = {"image/svg+xml": buffer.getvalue(), "text/plain": self.alt}
        return text, {"image/svg+xml": {"alt": self.alt, "caption": self.caption}}


def captioned(ax: Axes, figure: str, *, language: str, **values: Any) -> CaptionedFigure:
    """Return the figure of `ax` with the caption and alternative text of the catalogue.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        As a function of this module returns it. Its figure is closed, so that a notebook shows it once.
    figure : str
        Name in the catalogue: ``figure.<name>_caption`` and ``figure.<name>_alt``.
    language : {"zh", "en"}
    **values
        Fields of both texts.

    Returns
    -------
    CaptionedFigure
    """
    whole = ax.get_figure(root=True)
    assert whole is not None
    plt.close(whole)
    caption, alt = (wording.say(f"figure.{figure}_{part}", language, **values) for part in ("caption", "alt"))
    return CaptionedFigure(figure=whole, caption=caption, alt=alt)


def stamped(ax: Axes, synthetic: bool, *, language: str) -> Axes:
    """Return the axes, marked above as SYNTHETIC where the data are.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    synthetic : bool
    language : {"zh", "en"}

    Returns
    -------
    matplotlib.axes.Axes
    """
    if synthetic:
        with plt.rc_context(theme()):
            said = wording.say("figure.synthetic", language)
            ax.text(0, 1.03, said, transform=ax.transAxes, color=_RED, gid="synthetic")
    return ax


def data_note(synthetic: bool, *, source: str, language: str) -> str:
    """Return what a caption says of the data: that they are synthetic, where they come from.

    Parameters
    ----------
    synthetic : bool
    source : str
        Empty for none.
    language : {"zh", "en"}

    Returns
    -------
    str
    """
    said = wording.say("figure.synthetic_note", language) if synthetic else ""
    named = wording.say("figure.source_note", language, source=source) if source else ""
    return ("" if language == "zh" else " ").join(part for part in (said, named) if part)


def ratio_axis(ax: Axes, which: Literal["x", "y"]) -> None:
    """Give an axis of ratios a log scale with plain numbers, from a half to two at least.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    which : {"x", "y"}
    """
    axis = ax.xaxis if which == "x" else ax.yaxis
    ax.set(**{f"{which}scale": "log"})
    axis.set_major_locator(LogLocator(base=2))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    low, high = axis.get_view_interval()
    ax.set(**{f"{which}lim": (min(low, 0.5), max(high, 2.0))})


def rate_ratios(evidence: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw every series' rate ratio with its interval, outcomes first.

    Parameters
    ----------
    evidence : DataFrame
        As `published.evidence` returns it.
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A dot (or a short bar where rounding leaves a range) and the interval on a log axis; the thin grey
        line adds the base counts under rounding to tens. Hollow: no base count fits whole percents.
    """
    order = {level: place for place, level in enumerate(_MARKERS)}
    table = evidence.assign(rank=evidence["level"].map(order)).sort_values(["rank", "ratio_high_worst"])
    fits = table["status"] != "no baseline"
    plain = {name: table[name].where(fits, table[f"{name}_worst"]) for name in ("ratio_low", "ratio_high")}
    rows = pd.DataFrame(
        {
            "label": wording.localised(table, "label", language),
            "group": table["level"],
            "hollow": ~fits,
            "ci_low": table["ci_low"].astype(float),
            "ci_high": table["ci_high"].astype(float),
            "wide_low": table["ci_low_worst"].astype(float),
            "wide_high": table["ci_high_worst"].astype(float),
            **plain,
        }
    )
    ax = _interval_rows(rows, language=language, ticks=(0.25, 0.5, 1, 2, 4, 8), ax=ax)
    _legend(ax, language, {group: group for group in rows["group"]})
    return ax


def exposures(table: pd.DataFrame, *, outcome: str, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw one outcome's rate ratio under every exposure.

    Parameters
    ----------
    table : DataFrame
        As `published.exposure_table` returns it.
    outcome : str
        Value of its column `numerator`: "losses" or "corrections".
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        As `rate_ratios`; hollow marks are exposures that the reform itself moves.
    """
    chosen = table[table["numerator"] == outcome]
    rows = chosen[["ratio_low", "ratio_high", "ci_low", "ci_high"]].assign(
        label=[wording.say(f"exposure.{name}", language) for name in chosen["denominator"]],
        group="outcome",
        hollow=chosen["post_treatment"],
        wide_low=chosen["ci_low_worst"],
        wide_high=chosen["ci_high_worst"],
    )
    return _interval_rows(rows, language=language, ticks=(0.25, 0.5, 1, 2), ax=ax)


def context_changes(
    changes: pd.DataFrame, evidence: pd.DataFrame, *, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw year-on-year ratios elsewhere beside the pilots' losses.

    Parameters
    ----------
    changes : DataFrame
        As `published.context_changes` returns it.
    evidence : DataFrame
        As `published.evidence` returns it, for the row ``losses``.
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Only the pilots have an interval: the others are printed rates or counts of whole populations.
    """
    label = [
        wording.say(
            "context.label",
            language,
            place=wording.localised(row, "place", language),
            measure=wording.localised(row, "measure", language),
            period=row["period"],
            before=int(row["period"]) - 1,
        )
        for _, row in changes.iterrows()
    ]
    others = pd.DataFrame(
        {"label": label, "ratio_low": changes["ratio"], "ratio_high": changes["ratio"], "group": "elsewhere"}
    )
    losses = evidence.loc[["losses"], ["ratio_low", "ratio_high", "ci_low", "ci_high"]].astype(float)
    losses = losses.assign(label=wording.say("context.pilots", language), group="outcome")
    rows = pd.concat([losses, others.set_axis(changes.index)]).assign(
        hollow=False, wide_low=np.nan, wide_high=np.nan
    )
    ax = _interval_rows(rows, language=language, ticks=(0.25, 0.5, 1, 2), axis="year_on_year", ax=ax)
    _legend(ax, language, {"outcome": "pilots", "elsewhere": "elsewhere"})
    return ax


def _interval_rows(
    rows: pd.DataFrame, *, language: str, ticks: tuple[float, ...], axis: str = "rate_ratio", ax: Axes | None
) -> Axes:
    """Dots and intervals, one row each from the top, on a log axis with a line at 1."""
    with plt.rc_context(theme()):
        labels = [_wrap(label, language) for label in rows["label"]]
        if ax is None:
            height = max(_ROW, _LINE * max(label.count("\n") + 1 for label in labels))
            _, ax = plt.subplots(figsize=(_WIDTH, 0.9 + height * len(rows)))
        places = np.arange(len(rows))[::-1]
        ax.axvline(1, color=_GREY, linewidth=0.8, linestyle="--", zorder=1)
        for place, (_, row) in zip(places, rows.iterrows(), strict=True):
            _draw_row(ax, int(place), row)
        ax.set_yticks(places, labels)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(-0.6, len(rows) - 0.4)
        _ratio_axis(ax, ticks, wording.say(f"axis.{axis}", language))
        for place, (_, row) in zip(places, rows.iterrows(), strict=True):
            ax.annotate(
                _numbers(row, language),
                (1.02, place),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=8,
            )
    return ax


def _draw_row(ax: Axes, place: int, row: pd.Series) -> None:
    colour, marker = _COLOURS[row["group"]], _MARKERS[row["group"]]
    ax.hlines(place, row["wide_low"], row["wide_high"], color=_GREY, linewidth=1, zorder=2)
    ax.hlines(place, row["ci_low"], row["ci_high"], color=colour, linewidth=2.2, zorder=3)
    ax.hlines(place, row["ratio_low"], row["ratio_high"], color=colour, linewidth=5, zorder=4)
    middle = np.sqrt(row["ratio_low"] * row["ratio_high"])
    face = "white" if row["hollow"] else colour
    ax.plot([middle], [place], marker=marker, color=colour, markerfacecolor=face, markersize=6, zorder=5)


def _ratio_axis(ax: Axes, ticks: tuple[float, ...], label: str) -> None:
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(list(ticks)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    low, high = ax.get_xlim()
    ax.set_xlim(min(low, ticks[0]), max(high, ticks[-1]))
    ax.set_xlabel(label)


def _numbers(row: pd.Series, language: str) -> str:
    """Ratio and interval as printed beside a row."""
    if pd.isna(row["ratio_low"]):
        return wording.say("format.no_base", language)
    ratio = wording.span(row["ratio_low"], row["ratio_high"], ".2f", language)
    if pd.notna(row["ci_low"]):
        return f"{ratio} [{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
    if pd.notna(row["wide_low"]):
        return f"{ratio} [{row['wide_low']:.2f}, {row['wide_high']:.2f}]†"
    return ratio


def _wrap(label: str, language: str) -> str:
    """Break every line of a label that is too long; Chinese has no spaces to break at and twice the width."""
    width = 20 if language == "zh" else 40
    breaks = textwrap.TextWrapper(width=width, break_on_hyphens=False)
    lines = [""]
    for line in label.split("\n"):
        for part in re.split("(?<=[、，；：])", line) if len(line) > width else [line]:
            joins = bool(lines[-1]) and part is not line and len(lines[-1] + part) <= width
            lines[-1:] = [lines[-1] + part] if joins else [lines[-1], part]
    return "\n".join(part for line in lines for part in breaks.wrap(line))


def _legend(ax: Axes, language: str, groups: dict[str, str]) -> None:
    """Name the marks: group of rows -> key of its name."""
    handles = [
        plt.Line2D(
            [],
            [],
            color=_COLOURS[group],
            marker=_MARKERS[group],
            linestyle="none",
            label=wording.say(f"level.{name}", language),
        )
        for group, name in groups.items()
    ]
    with plt.rc_context(theme()):
        ax.legend(
            handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=len(groups), frameon=False
        )
