"""Sections of the association report: a result with table, figure and sentences, or that there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reform_analysis import correlate, correlate_plots, panel_findings, panel_tables, plots
from reform_analysis.correlate import Association
from reform_analysis.estimates import UntestableError
from reform_analysis.tables import Table
from reform_analysis.wording import Prose, say


@dataclass(frozen=True, eq=False)
class Attempt:
    """An association test that may have had nothing to test.

    Parameters
    ----------
    result : Association or None
    outcome : str
        Base name of the outcome.
    """

    result: Association | None
    outcome: str


def attempt(changes: pd.DataFrame, *, outcome: str, **options: Any) -> Attempt:
    """Run `correlate.association`; data with nothing to test give an attempt without result.

    Parameters
    ----------
    changes : DataFrame
        As `panel.changes` returns it.
    outcome : str
        Base name of the outcome.
    **options
        Further arguments of `correlate.association`.

    Returns
    -------
    Attempt

    Raises
    ------
    DataError, DesignError
        As `correlate.association`, but for `UntestableError`.
    """
    try:
        return Attempt(correlate.association(changes, outcome=outcome, **options), outcome)
    except UntestableError:
        return Attempt(None, outcome)


def section(tried: Attempt, *, language: str = "en") -> tuple[Table | Prose, ...]:
    """Return table and sentences of an attempt, or that nothing could be tested.

    Parameters
    ----------
    tried : Attempt
    language : {"zh", "en"}

    Returns
    -------
    tuple of Table and Prose
        For ``display(*...)``.
    """
    if tried.result is None:
        return (_nothing(language),)
    return (
        panel_tables.association(tried.result, language=language),
        panel_findings.associations(tried.result, outcome=tried.outcome, language=language),
    )


def figure(tried: Attempt, *, labels: Mapping[Any, str], source: str = "", language: str = "en") -> object:
    """Return the forest of an attempt with its caption, or that nothing could be tested.

    Parameters
    ----------
    tried : Attempt
    labels : mapping
        Names of the measures and of ``{outcome}_difference``.
    source : str
        Where real data come from.
    language : {"zh", "en"}

    Returns
    -------
    plots.CaptionedFigure or Prose
    """
    if tried.result is None:
        return _nothing(language)
    shown: dict[str, Any] = {"labels": labels, "language": language}
    change = f"{tried.outcome}_difference"
    texts = correlate_plots.caption_fields(tried.result, outcome=change, source=source, **shown)
    ax = correlate_plots.forest(tried.result, **shown)
    return plots.captioned(ax, "association_forest", language=language, **texts)


def left_out(tried: Attempt, *, language: str = "en") -> Table | Prose:
    """Return the units that an attempt left out, by arm and reason.

    Parameters
    ----------
    tried : Attempt
    language : {"zh", "en"}

    Returns
    -------
    Table or Prose
    """
    return (
        _nothing(language) if tried.result is None else panel_tables.dropped(tried.result, language=language)
    )


def base_years(tried: Attempt, *, language: str = "en") -> Prose:
    """Return what the base period does to each measure's association.

    Parameters
    ----------
    tried : Attempt
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    return (
        _nothing(language)
        if tried.result is None
        else panel_findings.base_years(tried.result, language=language)
    )


def _nothing(language: str) -> Prose:
    return Prose((say("panel_finding.untestable", language),))
