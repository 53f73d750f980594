"""Sections of the panel report that depend on what the reader named."""

from typing import Any

import pandas as pd

from reform_analysis import panel_findings, panel_plots, panel_texts, plots


def rate_figure(
    levels: pd.DataFrame, *, variable: str, exposure: str, source: str = "", language: str = "en"
) -> object:
    """Return the rates of a variable by arm and period with their caption, or that no denominator was named.

    Parameters
    ----------
    levels : DataFrame
        As `describe.levels` returns it.
    variable : str
    exposure : str
        Denominator; empty for none.
    source : str
        Where real data come from.
    language : {"zh", "en"}

    Returns
    -------
    plots.CaptionedFigure or Prose
    """
    if not exposure:
        return panel_findings.denominator(exposure, language=language)
    names: dict[str, Any] = {"variable": variable, "exposure": exposure}
    texts = panel_texts.line_values(levels, **names, language=language, source=source)
    ax = panel_plots.levels(levels, **names, language=language)
    return plots.captioned(ax, "panel_levels", language=language, **texts)
