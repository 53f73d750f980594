"""Sentences of the effect report: what a comparison shows, what its tests miss, what would overturn it."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis.effect_design import SHARES, Design, caution
from reform_analysis.estimates import Estimates, percent
from reform_analysis.event_study import EventStudy
from reform_analysis.no_events import nothing_to_compare
from reform_analysis.panel_texts import label
from reform_analysis.wording import Prose, excluded_text, p_text, ratio_text, say, span

_DOSE = re.compile(  # the note of `doses.with_dose_notes`
    r"(?P<term>.+): rate ratio (?P<per_unit>\S+) for 1 more of it; (?P<ratio>\S+) \((?P<low>\S+) to "
    r"(?P<high>\S+)\) for one standard deviation more, (?P<deviation>\S+) over the rows used; .*"
)


def design(found: Design, *, example: bool = False, language: str = "en") -> Prose:
    """Return what is compared, and how much of the first treated periods is under treatment.

    Parameters
    ----------
    found : Design
    example : bool
        Whether it is the project's example, whose pilots' totals are fixed.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    frame = found.frame
    pilot = frame["pilot"].astype(bool)
    between = say("format.list", language)
    part = sorted({value for value in frame[SHARES[0]] if 0 < value < 1})
    said = [
        say(
            "effect_finding.design",
            language,
            pilots=frame.loc[pilot, "unit_id"].nunique(),
            others=frame.loc[~pilot, "unit_id"].nunique(),
            before=between.join(found.before),
            after=between.join(found.after),
            cluster=label(found.cluster, None, language),
            clusters=frame[found.cluster].nunique(),
        ),
        *nothing_to_compare(found, language=language),
    ]
    if part:
        shares = between.join(f"{value:.2f}" for value in part)
        said.append(say("effect_finding.partly_treated", language, shares=shares))
    return Prose((*said, *_built_in(example, language)))


def _built_in(example: bool, language: str) -> tuple[str, ...]:
    """That the example's result is fixed beforehand."""
    return (say("effect_finding.built_in", language),) if example else ()


def ratio(result: Estimates | None, *, outcome: str, method: str, language: str = "en") -> Prose:
    """Return the sentence on one ratio; a null result names the ratios that it excludes.

    Parameters
    ----------
    result : Estimates or None
        Its first term is read.
    outcome : str
    method : str
        A name in the catalogue's table ``effect_method``.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    return Prose((_ratio(result, outcome, method, language),))


def _ratio(result: Estimates | None, outcome: str, method: str, language: str) -> str:
    name = say(f"effect_method.{method}", language)
    if result is None:
        return say("effect_finding.untestable", language, method=name)
    row = result.to_frame().iloc[0]
    if row[["estimate", "ci_low", "ci_high"]].isna().any():
        return say("effect_finding.no_interval", language, method=name, p=p_text(row["p_value"]))
    return say(
        f"effect_finding.{_reading(row)}",
        language,
        method=name,
        outcome=label(outcome, None, language),
        ratio=ratio_text(row["estimate"]),
        low=ratio_text(row["ci_low"]),
        high=ratio_text(row["ci_high"]),
        level=percent(result.ci_level),
        p=p_text(row["p_value"]),
        margin=ratio_text(_nearer_end(row)),
        excluded=_excluded(row, language),
    )


def _excluded(row: Mapping[str, Any] | pd.Series, language: str) -> str:
    return excluded_text(float(row["ci_low"]), float(row["ci_high"]), scale="rate_ratio", language=language)


def _reading(row: pd.Series) -> str:
    if row["ci_low"] <= 1 <= row["ci_high"]:
        return "holds"
    return "fell" if row["ci_high"] < 1 else "rose"


def _nearer_end(row: pd.Series) -> float:
    """The end of an interval that lies nearer to 1."""
    return float(row["ci_high"] if row["ci_high"] < 1 else row["ci_low"])


def pretrend(result: EventStudy | None, *, language: str = "en") -> Prose:
    """Return what the joint test of the ratios before adoption says, and the trend it would miss.

    Parameters
    ----------
    result : EventStudy or None
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    found = None if result is None else result.pretrend
    if result is None or found is None or np.isnan(found.p_value):
        return Prose((say("effect_finding.no_pretrend", language),))
    key = "kept" if found.p_value > 1 - result.ci_level else "rejected"
    said = [
        say(f"effect_finding.pretrend_{key}", language, n=found.df, p=p_text(found.p_value)),
        say(
            "effect_finding.missed_trend",
            language,
            slope=100 * (1 - 1 / found.missed_slope),
            level=f"{100 * (1 - result.ci_level):g}",
            bias=f"{1 / found.missed_bias.max():.2f}",
        ),
    ]
    return Prose(tuple(said))


def cautions(results: Mapping[str, Estimates | None], *, language: str = "en") -> Prose:
    """Return what makes the results doubtful, each caution once.

    Parameters
    ----------
    results : mapping of str to Estimates or None
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    notes = [note for result in results.values() if result is not None for note in result.notes]
    known = [found for found in map(caution, dict.fromkeys(notes)) if found]
    said = [say(f"effect_caution.{name}", language, **numbers) for name, numbers in known]
    return Prose(tuple(dict.fromkeys(said)) or (say("effect_caution.none", language),))


def units(results: Mapping[str, Estimates | None], *, language: str = "en") -> Prose:
    """Return why the rows of the table of methods hold different numbers of units.

    Parameters
    ----------
    results : mapping of str to Estimates or None
    language : {"zh", "en"}

    Returns
    -------
    Prose
        Empty where they do not differ.
    """
    sizes = [int(found.n_units) for found in results.values() if found is not None and found.n_units]
    if len(set(sizes)) < 2:
        return Prose(())
    said = span(min(sizes), max(sizes), ",.0f", language)
    return Prose((say("effect_finding.units_differ", language, units=said),))


def doses(result: Estimates | None, *, language: str = "en") -> Prose:
    """Return each dose's ratio per standard deviation, and what a dose in the model is not.

    Parameters
    ----------
    result : Estimates or None
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    if result is None:
        return Prose((say("effect_finding.untestable_doses", language),))
    found = [_DOSE.fullmatch(note) for note in result.notes]
    said = [_per_deviation(note.groupdict(), language) for note in found if note]
    return Prose((*said, say("effect_finding.doses", language)))


def _per_deviation(read: Mapping[str, str], language: str) -> str:
    numbers = {name: ratio_text(float(read[name])) for name in ("per_unit", "ratio", "low", "high")}
    name = label(read["term"], None, language)
    said = say("effect_finding.per_deviation", language, dose=name, deviation=read["deviation"], **numbers)
    excluded = _excluded({"ci_low": read["low"], "ci_high": read["high"]}, language)
    return said + (say("effect_finding.dose_holds", language, excluded=excluded) if excluded else "")


def randomised(result: Estimates | None, fitted: Estimates | None, *, language: str = "en") -> Prose:
    """Return what assigning the pilots anew says, beside the model's p-value; a null says what it excludes.

    Parameters
    ----------
    result, fitted : Estimates or None
        Of `randomise.randomisation_test` and of `counts.fit_poisson`.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    if result is None or fitted is None:
        return Prose((say("effect_finding.not_randomised", language),))
    row = result.to_frame().iloc[0]
    texts = {"drawn": p_text(row["p_value"]), "model": p_text(fitted.to_frame()["p_value"].iloc[0])}
    within = any("within strata of " in note for note in result.notes)
    said = say(f"effect_finding.randomised{'' if within else '_anywhere'}", language, **texts)
    excluded = _excluded(row, language)
    if not excluded:
        return Prose((said,))
    ends = {name: ratio_text(row[f"ci_{name}"]) for name in ("low", "high")}
    level = percent(result.ci_level)
    null = say("effect_finding.randomised_holds", language, level=level, excluded=excluded, **ends)
    return Prose((said, null))


def evidence_card(
    results: Mapping[str, Estimates | None],
    *,
    main: str,
    outcome: str,
    study: EventStudy | None,
    example: bool = False,
    language: str = "en",
) -> Prose:
    """Return the card a referee reads first: design, estimate, what was checked, what would overturn it.

    Parameters
    ----------
    results : mapping of str to Estimates or None
        All methods of the table; how many intervals exclude 1 is counted.
    main : str
        Name of the result the report rests on.
    outcome : str
    study : EventStudy or None
    example : bool
        Whether it is the project's example, whose pilots' totals are fixed.
    language : {"zh", "en"}

    Returns
    -------
    Prose
        The verdict never says that an effect is shown: pilots were chosen.

    References
    ----------
    Sherman et al. (1998), Preventing Crime (the Maryland scale); What Works Centre for Local Economic Growth,
    Guide to scoring evidence.
    """
    chosen = results[main]
    rows = [result.to_frame().iloc[0] for result in results.values() if result is not None]
    told = [row for row in rows if not row[["ci_low", "ci_high"]].isna().any()]
    apart = sum(_reading(row) != "holds" for row in told)
    rejected = (
        study is not None and study.pretrend is not None and study.pretrend.p_value <= 1 - study.ci_level
    )
    reading = "untestable" if chosen is None else _reading(chosen.to_frame().iloc[0])
    said = [
        *_built_in(example, language),
        say("effect_card.design", language),
        _ratio(chosen, outcome, main, language),
        say("effect_card.methods", language, n=len(told), apart=apart),
        *pretrend(study, language=language).sentences,
        *_overturned(chosen, reading, language),
        say(
            "effect_card.verdict_trend"
            if rejected and reading == "fell"
            else f"effect_card.verdict_{reading}",
            language,
            outcome=label(outcome, None, language),
        ),
    ]
    heading = say("effect_card.heading", language, outcome=label(outcome, None, language))
    return Prose(tuple(said), kind="box", heading=heading)


def _overturned(main: Estimates | None, reading: str, language: str) -> list[str]:
    if main is None or reading not in ("fell", "rose"):
        return []
    margin = _nearer_end(main.to_frame().iloc[0])
    return [say("effect_card.overturned", language, change=100 * abs(1 - margin))]
