"""Sections of the effect report: tables, figures and sentences of a result, or that there is none."""

from collections.abc import Mapping, Sequence

import numpy as np

from reform_analysis import effect_findings, effect_plots, effect_tables, panel_findings, plots
from reform_analysis.effect_design import SHARES, Design
from reform_analysis.estimates import Estimates
from reform_analysis.event_study import EventStudy
from reform_analysis.tables import Table
from reform_analysis.wording import Prose, say, span


def left_out(design: Design, result: Estimates | None, *, method: str, language: str = "en") -> Table:
    """Return what the comparison and one of its fits leave out.

    Parameters
    ----------
    design : Design
        What it leaves out is left out of every method.
    result : Estimates or None
    method : str
        Name of `result` in the table of methods.
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    tables = [design.dropped, *([] if result is None else [result.dropped])]
    named = [say("effect_table.all_methods", language), say(f"effect_method.{method}", language)]
    return effect_tables.left_out(tables, methods=named[: len(tables)], language=language)


def doses(
    result: Estimates | None, *, absent: Sequence[str] = (), language: str = "en"
) -> tuple[Table | Prose, ...]:
    """Return the ratios of the measures beside the pilots', and what they are not.

    Parameters
    ----------
    result : Estimates or None
        With the term ``treated``.
    absent : sequence of str
        Measures that the panel lacks (`panel_source.present`).
    language : {"zh", "en"}

    Returns
    -------
    tuple of Table and Prose
    """
    lacking = [panel_findings.absent(absent, language=language)] if absent else []
    if result is not None and set(result.to_frame().index) == {"treated"}:
        return (*lacking, Prose((say("effect_finding.no_doses", language),)))
    said = effect_findings.doses(result, language=language)
    if result is None:
        return (*lacking, said)
    labels = {"treated": say("effect_term.treated", language)}
    return (*lacking, effect_tables.terms(result, labels=labels, name="doses", language=language), said)


def partial(
    result: Estimates | None, *, outcome: str, method: str = "partial", language: str = "en"
) -> tuple[Table | Prose, ...]:
    """Return the ratios where the first period is treated in part, counted from either month.

    Parameters
    ----------
    result : Estimates or None
        With the terms of `effect_design.SHARES`.
    outcome : str
    method : str
        Name of `result` in the table of methods.
    language : {"zh", "en"}

    Returns
    -------
    tuple of Table and Prose
    """
    said = effect_findings.ratio(result, outcome=outcome, method=method, language=language)
    if result is None:
        return (said,)
    labels = {name: say(f"effect_term.{name}", language) for name in SHARES}
    return effect_tables.terms(result, labels=labels, name="partial", language=language), said


def event_figure(
    study: EventStudy | None, design: Design, *, source: str = "", language: str = "en"
) -> object:
    """Return the event study with its caption, or that nothing could be tested.

    Parameters
    ----------
    study : EventStudy or None
    design : Design
    source : str
        Where real data come from.
    language : {"zh", "en"}

    Returns
    -------
    plots.CaptionedFigure or Prose
    """
    if study is None:
        return effect_findings.pretrend(None, language=language)
    fields = effect_plots.caption_fields(
        study, outcome=design.outcome, exposure=design.exposure, source=source, language=language
    )
    estimate = study.to_frame()["estimate"]
    times = estimate.index.str.removeprefix("event_").astype(int)
    fields |= _range("before", estimate[times < 0].to_numpy())
    fields |= _range("after", estimate[times >= 0].to_numpy())
    ax = effect_plots.event_study(study, language=language)
    return plots.captioned(ax, "effect_event", language=language, n=len(estimate), **fields)


def methods_figure(
    results: Mapping[str, Estimates | None],
    design: Design,
    *,
    main: str,
    source: str = "",
    language: str = "en",
) -> object:
    """Return the forest of all methods with its caption, or that nothing could be tested.

    Parameters
    ----------
    results : mapping of str to Estimates or None
    design : Design
    main : str
        The result whose level the caption names.
    source : str
    language : {"zh", "en"}

    Returns
    -------
    plots.CaptionedFigure or Prose
    """
    chosen = results[main]
    if chosen is None:
        return effect_findings.ratio(None, outcome=design.outcome, method=main, language=language)
    fields = effect_plots.caption_fields(
        chosen, outcome=design.outcome, exposure=design.exposure, source=source, language=language
    )
    rows = [result.to_frame().iloc[0] for result in results.values() if result is not None]
    lowest, highest = (f"{end(row['estimate'] for row in rows):.2f}" for end in (min, max))
    sizes = [int(result.n_units) for result in results.values() if result is not None and result.n_units]
    fields["units"] = span(min(sizes), max(sizes), ",.0f", language)
    apart = sum(bool(row["ci_high"] < 1 or row["ci_low"] > 1) for row in rows)
    ax = effect_plots.methods(results, language=language)
    counted = {"n": len(rows), "lowest": lowest, "highest": highest, "apart": apart}
    return plots.captioned(ax, "effect_methods", language=language, **counted, **fields)


def _range(name: str, values: np.ndarray) -> dict[str, str]:
    """Lowest and highest of some ratios, as texts; a dash where there are none."""
    ends = [f"{end(values):.2f}" if len(values) else "–" for end in (np.min, np.max)]
    return dict(zip((f"{name}_low", f"{name}_high"), ends, strict=True))
