"""Sections of the robustness report: the headline, the scorecard, every check with its table or figure."""

from typing import Any

import numpy as np

from reform_analysis import plots, robustness_plots, robustness_tables
from reform_analysis.effect_design import caution
from reform_analysis.estimates import CheckResult, percent
from reform_analysis.examination import Examination, NotRun
from reform_analysis.no_events import nothing_to_compare
from reform_analysis.tables import Table
from reform_analysis.wording import Prose, say


def headline(examination: Examination, *, language: str = "en") -> Prose:
    """Return the first sentence of the report: whether the fall is shown to be an effect, and why not.

    Parameters
    ----------
    examination : Examination
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    card = examination.card
    if card is None:
        why = nothing_to_compare(examination.design, language=language)
        said = (say("robustness.unestimated", language), *why)
    else:
        said = (card.sentences[language][0],)
    return Prose(said, kind="box", heading=say("robustness.headline", language))


def card(examination: Examination, *, language: str = "en") -> tuple[Prose | Table, ...]:
    """Return the scorecard: what would overturn the conclusion, design strength, and a row a check.

    Parameters
    ----------
    examination : Examination
    language : {"zh", "en"}

    Returns
    -------
    tuple of Prose and Table
        For ``display(*...)``.
    """
    table = robustness_tables.scorecard(examination, language=language)
    notes = (*_doubts(examination, language), say("robustness.estimates", language))
    if examination.card is None:
        return table, Prose(notes)
    return Prose((*examination.card.sentences[language][1:], *notes)), table


def _doubts(examination: Examination, language: str) -> list[str]:
    """How many checks could not run, and what makes the estimate itself doubtful, as its notes say."""
    found = [] if examination.estimates is None else map(caution, examination.estimates.notes)
    said = [say(f"effect_caution.{name}", language, **values) for name, values in filter(None, found)]
    missing = sum(isinstance(check, NotRun) for check in examination.checks.values())
    return [*([say("robustness.not_run_count", language, n=missing)] if missing else []), *said]


def section(examination: Examination, *names: str, language: str = "en") -> tuple[Prose | Table, ...]:
    """Return the sentences of some checks, then their numbers; a check that could not run says why.

    Parameters
    ----------
    examination : Examination
    *names : str
        As in `Examination.checks`; those that were not planned are passed over.
    language : {"zh", "en"}

    Returns
    -------
    tuple of Prose and Table
        For ``display(*...)``.
    """
    planned = {name: examination.checks[name] for name in names if name in examination.checks}
    if not planned:
        return (Prose((say("robustness.unestimated", language),)),)
    said = [_line(name, found, language) for name, found in planned.items()]
    if "dose_on_baseline" in planned:
        said.append(say("robustness.mediation", language))
    done = {name: found for name, found in planned.items() if isinstance(found, CheckResult)}
    tables = [
        robustness_tables.numbers(name, check, level=_level(examination), language=language)
        for name, check in done.items()
    ]
    return Prose(tuple(said)), *(table for table in tables if table is not None)


def _line(name: str, found: CheckResult | NotRun, language: str) -> str:
    if isinstance(found, NotRun):
        why = robustness_tables.reason(found, language)
        return say(
            "robustness.not_run_line", language, asked=robustness_tables.asked(name, language), reason=why
        )
    verdict = say(f"check.verdict_{found.verdict.replace(' ', '_')}", language)
    return say("robustness.line", language, verdict=verdict.capitalize(), found=found.sentences[language])


def bounds(examination: Examination, *, kind: str, source: str = "", language: str = "en") -> tuple[Any, ...]:
    """Return what a relaxed common trend leaves of the effect: sentence, figure and numbers.

    Parameters
    ----------
    examination : Examination
    kind : {"relative_magnitudes", "smoothness"}
    source : str
        Where real data come from.
    language : {"zh", "en"}

    Returns
    -------
    tuple of Prose, plots.CaptionedFigure and Table
        For ``display(*...)``.
    """
    said, *tables = section(examination, kind, language=language)
    found = examination.checks[kind]
    if isinstance(found, NotRun):
        return (said,)
    said = Prose((_line(kind, found, language), *_beside(examination, found, kind, language)))
    frame = found.to_frame()
    drawn, size = frame.drop("breakdown"), frame.loc["breakdown", "size"]
    ends = {name: f"{drawn[f'ci_{name}'].iloc[0]:.2f}" for name in ("low", "high")}
    ends |= {"widest_low": f"{drawn['ci_low'].min():.2f}", "widest_high": f"{drawn['ci_high'].max():.2f}"}
    ax = robustness_plots.trend_bounds(found, kind=kind, language=language)
    data = plots.data_note(found.synthetic, source=source, language=language)
    broken = say("format.none", language) if np.isnan(size) else f"{size:.2f}"
    fields = {
        "n": len(drawn),
        "breakdown": broken,
        "level": percent(_level(examination)),
        "data": data,
        **ends,
    }
    return said, plots.captioned(ax, "trend_bounds", language=language, **fields), *tables


def _beside(examination: Examination, found: CheckResult, kind: str, language: str) -> list[str]:
    """What normal quantiles overlook, and why another check of the same question gives other numbers."""
    doubts = filter(None, map(caution, found.notes))
    said = [say(f"effect_caution.{name}", language, **values) for name, values in doubts]
    if kind == "relative_magnitudes" and isinstance(
        examination.checks.get("baseline_shrinkage"), CheckResult
    ):
        said.append(say("robustness.against_base", language, row=say("robustness_row.base_period", language)))
    return said


def _level(examination: Examination) -> float:
    """The level of all intervals; the default where there is no estimate."""
    return 0.95 if examination.estimates is None else examination.estimates.ci_level


def specifications(examination: Examination, *, source: str = "", language: str = "en") -> tuple[Any, ...]:
    """Return all specifications: sentence, figure and joint test.

    Parameters
    ----------
    examination : Examination
    source : str
    language : {"zh", "en"}

    Returns
    -------
    tuple of Prose, plots.CaptionedFigure and Table
        For ``display(*...)``.
    """
    (said, *_) = section(examination, "specification_curve", language=language)
    curve = examination.curve
    if curve is None:
        return (said,)
    frame = curve.to_frame()
    strong = int((frame["p_claimed"] <= (1 - curve.ci_level) / 2).sum())
    fields = {"n": len(frame), "strong": strong, "level": percent(curve.ci_level)}
    fields |= {"low": f"{frame['estimate'].min():.2f}", "high": f"{frame['estimate'].max():.2f}"}
    fields["data"] = plots.data_note(curve.synthetic, source=source, language=language)
    ax = robustness_plots.specification_curve(curve, language=language)
    figure = plots.captioned(ax, "specification_curve", language=language, **fields)
    return said, figure, robustness_tables.joint(curve, language=language)
