"""Sentences on a panel and on its association tests."""

from typing import Any

import pandas as pd

from reform_analysis import correlate, panel_tables, power
from reform_analysis.correlate import Association
from reform_analysis.estimates import percent
from reform_analysis.panel_reports import PanelReport
from reform_analysis.panel_tables import change_label
from reform_analysis.panel_texts import label
from reform_analysis.tables import Table
from reform_analysis.wording import Prose, p_text, say

LEAST = 4  # units a correlation can be tested on


def banner(report: PanelReport, *, data: str, logged: int = 0, language: str = "en") -> Prose:
    """Return whether the data are real, what the panel is, and how its cases are dated and counted.

    Parameters
    ----------
    report : PanelReport
    data : str
        The file; empty for the example.
    logged : int
        Cells changed or left out while reading.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    kind = "synthetic" if report.synthetic else "real"
    first = say(f"banner.{kind}", language, data=data or say("banner.example", language))
    said = [line for line in report.sentences(language) if line != say("panel.synthetic", language)]
    read = [say("banner.logged", language, n=logged)] if data else []
    return Prose((first, *said, *read), kind="box", heading=say("banner.heading", language))


def growth(notes: tuple[str, ...], *, language: str = "en") -> Prose:
    """Return where growth is undefined.

    Parameters
    ----------
    notes : tuple of str
        As `panel.growth_notes` returns them.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    return Prose(notes or (say("panel_finding.growth_defined", language),))


def detectable(
    changes: pd.DataFrame, *, pilot: str = "pilot", ci_level: float, language: str = "en"
) -> Prose:
    """Return, before any result, the smallest correlation that all units and the pilots alone can show.

    Parameters
    ----------
    changes : DataFrame
        As `panel.changes` returns it.
    pilot : str
        Column of the pilot status.
    ci_level : float
        1 - ci_level is the level of the test.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    sizes = {"all": len(changes), "pilots": int(changes[pilot].sum())}
    found = tuple(_detectable(arm, size, ci_level, language) for arm, size in sizes.items())
    return Prose((*found, say("panel_finding.best_case", language)))


def _detectable(arm: str, size: int, ci_level: float, language: str) -> str:
    name = say(f"panel_finding.{arm}", language)
    if size < LEAST:
        return say("panel_finding.too_few", language, arm=name, n=size, least=LEAST)
    smallest = power.detectable_correlation(size, ci_level=ci_level)
    return say("panel_finding.detectable", language, arm=name, n=size, smallest=smallest)


def pilots_alone(
    changes: pd.DataFrame, *, pilot: str = "pilot", outcome: str, language: str = "en", **options: Any
) -> tuple[Table | Prose, ...]:
    """Return the association among pilots alone, as table and sentences, or that there are too few.

    Parameters
    ----------
    changes : DataFrame
        As `panel.changes` returns it.
    pilot : str
        Column of the pilot status.
    outcome : str
        Base name of the outcome.
    language : {"zh", "en"}
    **options
        Further arguments of `correlate.association`.

    Returns
    -------
    tuple of Table and Prose
        For ``display(*...)``.
    """
    chosen = changes[changes[pilot].fillna(False).astype(bool)]
    if len(chosen) < LEAST:
        name = say("panel_finding.pilots", language)
        return (Prose((say("panel_finding.too_few", language, arm=name, n=len(chosen), least=LEAST),)),)
    result = correlate.association(chosen, outcome=outcome, pilot=pilot, **options)
    return (
        panel_tables.association(result, language=language),
        associations(result, outcome=outcome, language=language),
    )


def associations(result: Association, *, outcome: str, language: str = "en") -> Prose:
    """Return one sentence a measure.

    Parameters
    ----------
    result : Association
    outcome : str
        Base name of the outcome.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    found = [_measure(result, term, outcome, language) for term in result.to_frame().index]
    return Prose((*found, say("panel_finding.no_effect", language)))


def _measure(result: Association, term: str, outcome: str, language: str) -> str:
    row = result.to_frame().loc[term]
    null = 1.0 if result.scale == "rate_ratio" else 0.0
    if pd.isna(row["estimate"]):
        return say("panel_finding.undefined", language, measure=change_label(term, language))
    key = "holds" if row["ci_low"] <= null <= row["ci_high"] else "excludes"
    adjusted = row["p_value"] if result.adjusted_p is None else result.adjusted_p.loc[term, "max_t"]
    return say(
        f"panel_finding.association_{key}",
        language,
        measure=change_label(term, language),
        outcome=label(outcome, None, language),
        kind=say(f"panel_finding.kind_{result.scale}", language),
        estimate=row["estimate"],
        low=row["ci_low"],
        high=row["ci_high"],
        level=percent(result.ci_level),
        p=p_text(row["p_value"]),
        max_t=p_text(adjusted),
        null=f"{null:g}",
    )


def base_years(result: Association, *, language: str = "en") -> Prose:
    """Return what the base period does to each measure's association.

    Parameters
    ----------
    result : Association
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    return Prose(tuple(_base_year(result, term, language) for term in result.to_frame().index))


def _base_year(result: Association, term: str, language: str) -> str:
    if result.base_year is None or result.without_base_year is None:
        return say("panel_finding.no_base_year", language, measure=change_label(term, language))
    base, without = result.base_year.to_frame().loc[term], result.without_base_year.to_frame().loc[term]
    return say(
        "panel_finding.base_year",
        language,
        measure=change_label(term, language),
        null="1" if result.scale == "rate_ratio" else "0",
        base=base["estimate"],
        base_p=p_text(base["p_value"]),
        without=without["estimate"],
        without_p=p_text(without["p_value"]),
    )
