"""Sentences on a panel and on its association tests."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reform_analysis import power
from reform_analysis.correlate import Association
from reform_analysis.estimates import percent
from reform_analysis.panel_reports import PanelReport
from reform_analysis.panel_tables import change_label
from reform_analysis.panel_texts import empty_arms, label
from reform_analysis.wording import Prose, excluded_text, p_text, say


def banner(
    report: PanelReport,
    *,
    data: str,
    logged: int = 0,
    covariates: Sequence[str] = (),
    language: str = "en",
) -> Prose:
    """Return whether the data are real, what the panel is, and how its cases are dated and counted.

    Parameters
    ----------
    report : PanelReport
    data : str
        The file; empty for the example.
    logged : int
        Cells changed or left out while the whole file was read, whichever city is kept.
    covariates : sequence of str
        Columns that no rule applies to, as no declared column has their header.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    kind = "synthetic" if report.synthetic else "real"
    first = say(f"banner.{kind}", language, data=data or say("banner.example", language))
    said = [line for line in report.sentences(language) if line != say("panel.synthetic", language)]
    read = [say("banner.logged", language, n=logged)] if data else []
    if covariates:
        read.append(say("banner.covariates", language, names=say("format.list", language).join(covariates)))
    lacking = [say(f"banner.without_{'_'.join(report.without)}", language)] if report.without else []
    return Prose((first, *said, *lacking, *read), kind="box", heading=say("banner.heading", language))


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
    changes: pd.DataFrame,
    *,
    measures: Sequence[str],
    outcome: str,
    pilot: str = "pilot",
    ci_level: float,
    language: str = "en",
) -> Prose:
    """Return, before any result, the smallest correlation that all units and the pilots alone can show.

    Parameters
    ----------
    changes : DataFrame
        As `panel.changes` returns it.
    measures : sequence of str
        Columns of the doses.
    outcome : str
        Base name of the outcome. Units that lack a dose or its change are not counted.
    pilot : str
        Column of the pilot status.
    ci_level : float
        1 - ci_level is the level of the test.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    change = f"{outcome}_difference"
    known = changes[changes[[*measures, change]].notna().all(axis=1)]
    sizes = {"all": len(known), "pilots": int(known[pilot].sum())}
    found = [_detectable(arm, size, ci_level, language) for arm, size in sizes.items()]
    if len(known):
        unchanged = 100 * float((known[change] == 0).mean())
        name = label(outcome, None, language)
        found.append(say("panel_finding.best_case", language, outcome=name, unchanged=unchanged))
    return Prose(tuple(found))


def _detectable(arm: str, size: int, ci_level: float, language: str) -> str:
    name = say(f"panel_finding.{arm}", language)
    if size < power.LEAST_UNITS:
        return say("panel_finding.too_few", language, arm=name, n=size, least=power.LEAST_UNITS)
    smallest = power.detectable_correlation(size, ci_level=ci_level)
    return say("panel_finding.detectable", language, arm=name, n=size, smallest=smallest)


def simulated(table: pd.DataFrame, *, language: str = "en") -> Prose:
    """Return the rate ratio that synthetic draws like the data show to be found, and how they are made.

    Parameters
    ----------
    table : DataFrame
        As `association_power.by_arm` returns it.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    found = [_simulated(str(arm), row, language) for arm, row in table.iterrows()]
    first, last = (say(f"panel_finding.simulated_{key}", language) for key in ("synthetic", "limits"))
    return Prose((first, *found, last))


def _simulated(arm: str, row: pd.Series, language: str) -> str:
    name = say(f"panel_finding.{arm}", language)
    if pd.isna(row["rate_ratio"]):
        return say("panel_finding.not_simulated", language, arm=name)
    shares = {key: 100 * row[key] for key in ("power", "error", "counts_power", "counts_error")}
    sizes = {key: row[key] for key in ("rate_ratio", "mean", "change", "heterogeneity", "overdispersion")}
    whole = {key: int(row[key]) for key in ("units", "draws")}
    return say("panel_finding.simulated", language, arm=name, **whole, **sizes, **shares)


def denominator(exposure: str, *, language: str = "en") -> Prose:
    """Return by which denominator counts are compared, or that none was named.

    Parameters
    ----------
    exposure : str
        Column; empty for none.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    if not exposure:
        return Prose((say("panel_finding.no_denominator", language),))
    return Prose((say("panel_finding.denominator", language, exposure=label(exposure, None, language)),))


def absent(names: Sequence[str], *, language: str = "en") -> Prose:
    """Return that the panel lacks columns that a parameter names, and that the report goes on without them.

    Parameters
    ----------
    names : sequence of str
        The second of `panel_source.present`.
    language : {"zh", "en"}

    Returns
    -------
    Prose
        Without a sentence where it lacks none.
    """
    text = say("format.list", language).join(names)
    return Prose((say("panel_finding.absent", language, names=text),) if names else ())


def chance(table: pd.DataFrame, *, language: str = "en") -> Prose:
    """Return how far standardised differences scatter when pilots are chosen at random.

    Parameters
    ----------
    table : DataFrame
        As `describe.table_one` returns it.
    language : {"zh", "en"}

    Returns
    -------
    Prose
        With the standard deviation sqrt(1/n_1 + 1/n_0), about that of a standardised difference of
        independent units, and how many of the table are more than twice that.
    """
    known = table[table["standardised"].notna()]
    if known.empty:
        return Prose((say("panel_finding.no_difference", language),))
    spread = np.sqrt(1 / known["n_1"] + 1 / known["n_0"])
    beyond = int((known["standardised"].abs() > 2 * spread).sum())
    return Prose(
        (say("panel_finding.chance", language, spread=spread.max(), rows=len(known), beyond=beyond),)
    )


def one_arm(table: pd.DataFrame, *, language: str = "en") -> Prose:
    """Return that table 1 leaves an arm out, as it has no units.

    Parameters
    ----------
    table : DataFrame
        As `describe.table_one` returns it.
    language : {"zh", "en"}

    Returns
    -------
    Prose
        Without a sentence where both arms have units.
    """
    arms = (say(f"panel_finding.no_{('others', 'pilots')[arm]}", language) for arm in empty_arms(table))
    return Prose(tuple(arms))


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
    if row[["ci_low", "ci_high"]].isna().any():
        key = "no_interval"
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
        excluded=excluded_text(row["ci_low"], row["ci_high"], scale=result.scale, language=language),
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
    found = tuple(_base_year(result, term, language) for term in result.to_frame().index)
    return Prose(found, heading=say(f"panel_finding.base_years_{result.scale}", language))


def _base_year(result: Association, term: str, language: str) -> str:
    if result.base_year is None or result.without_base_year is None:
        return say("panel_finding.no_base_year", language, measure=change_label(term, language))
    base, without = result.base_year.to_frame().loc[term], result.without_base_year.to_frame().loc[term]
    if base.isna().any() or without.isna().any():
        return say("panel_finding.no_base_year", language, measure=change_label(term, language))
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
