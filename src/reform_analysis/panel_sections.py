"""Sections of the panel report that depend on what the reader named."""

from typing import Any

import pandas as pd

from reform_analysis import panel_findings, panel_plots, panel_texts, plots
from reform_analysis.wording import Prose


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


def differences_figure(table: pd.DataFrame, *, source: str = "", language: str = "en") -> object:
    """Return the standardised differences of table 1 with their caption, or that one arm has no units.

    Parameters
    ----------
    table : DataFrame
        As `describe.table_one` returns it.
    source : str
        Where real data come from.
    language : {"zh", "en"}

    Returns
    -------
    plots.CaptionedFigure or Prose
    """
    if panel_texts.empty_arms(table):
        return panel_findings.one_arm(table, language=language)
    texts = panel_texts.difference_values(table, language=language, source=source)
    ax = panel_plots.standardised_differences(table, language=language)
    return plots.captioned(ax, "panel_differences", language=language, **texts)


def chance(table: pd.DataFrame, *, language: str = "en") -> Prose | None:
    """Return how far standardised differences scatter by chance; nothing where there are none to judge.

    Parameters
    ----------
    table : DataFrame
        As `describe.table_one` returns it.
    language : {"zh", "en"}

    Returns
    -------
    Prose or None
        None where one arm has no units, which `differences_figure` says.
    """
    return None if panel_texts.empty_arms(table) else panel_findings.chance(table, language=language)
