"""Figure of power: simulated beside the formula's; nothing is computed here."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from reform_analysis.estimates import Estimates
from reform_analysis.plots import stamped, theme
from reform_analysis.wording import say

_WIDTH, _HEIGHT = 7.2, 3.2
_LABEL = 0.08  # share of the axis that a label of two decimals takes up, with room to the next
_GREY, _BLUE = "#767676", sns.color_palette("colorblind", 1).as_hex()[0]


def power(
    simulated: Estimates,
    formula: pd.Series,
    *,
    target: float = 0.8,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw power by the true ratio: the formula's as a line, the simulated with its Monte Carlo interval.

    Parameters
    ----------
    simulated : Estimates
        As `power.simulate_power` returns it: one term a ratio.
    formula : Series
        Power by ratio.
    target : float
        Where the dashed line stands.
    language : {"zh", "en"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Ratios on a log axis that carries those simulated; power from 0 to 1.
    """
    frame = simulated.to_frame()
    ratios = frame.index.astype(float)
    with plt.rc_context(theme()):
        ax = ax or plt.subplots(figsize=(_WIDTH, _HEIGHT))[1]
        ax.axhline(target, color=_GREY, linewidth=0.8, linestyle="--", zorder=1)
        ax.plot(formula.index, formula, color=_GREY, linewidth=1.4, zorder=2)
        ax.vlines(ratios, frame["ci_low"], frame["ci_high"], color=_BLUE, linewidth=2.2, zorder=3)
        ax.plot(ratios, frame["estimate"], "o", color=_BLUE, markersize=6, zorder=4)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator(sorted(ratios)))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FixedFormatter(_labels(sorted(ratios))))
        ax.set_xlim(min(ratios) / 1.08, max(ratios) * 1.08)
        ax.set_ylim(0, 1.02)
        ax.set_xlabel(say("power_report.axis_ratio", language))
        ax.set_ylabel(say("power_report.axis_power", language))
        ax.spines["left"].set_visible(True)
    return stamped(ax, simulated.synthetic, language=language)


def _labels(ratios: list[float]) -> list[str]:
    """Ratios as texts; one that would touch its neighbour to the left stands a line lower."""
    across = max(np.log(ratios[-1] / ratios[0]), np.finfo(float).tiny)
    texts, lowered = [], False
    for ratio, before in zip(ratios, [0.0, *ratios[:-1]], strict=True):
        near = before > 0 and np.log(ratio / before) < _LABEL * across
        lowered = bool(near) and not lowered
        texts.append(f"\n{ratio:g}" if lowered else f"{ratio:g}")
    return texts
