"""Sections of the report on other people's reforms: sources, decisions, printed numbers, what data bear."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from reform_analysis import effect_findings, effect_plots, panel_findings, panel_tables, plots
from reform_analysis.correlate import Association
from reform_analysis.estimates import Estimates, percent
from reform_analysis.event_study import EventStudy
from reform_analysis.other_reforms import CHOICES, DATASETS, INSTALL, compare, installed
from reform_analysis.tables import Table
from reform_analysis.wording import Prose, p_number, say

_DECISIONS = ("claim", "unit", "period", "outcome", "exposure", "treatment", "cluster", "test")
_RATIOS = ("rate_ratio", "odds_ratio")


def provenance(*, language: str = "en") -> tuple[Table | Prose, ...]:
    """Return where each data set comes from, and what to install for those that are missing.

    Parameters
    ----------
    language : {"zh", "en"}

    Returns
    -------
    tuple of Table and Prose
        For ``display(*...)``.
    """
    versions = {study: installed(study) for study in DATASETS}
    heads = {
        "study": [say(f"other_study.{study}", language) for study in DATASETS],
        "data": [name for _, *_, name in DATASETS.values()],
        "package": [
            f"{DATASETS[study][0]} {version or say('other_table.missing', language)}"
            for study, version in versions.items()
        ],
        "licence": [say(f"other_licence.{package}", language) for package, *_ in DATASETS.values()],
        "source": [say(f"other_source.{study}_data", language) for study in DATASETS],
    }
    table = _table(heads, "provenance", language)
    missing = [study for study, version in versions.items() if version is None]
    if not missing:
        return (table,)
    names = _list([say(f"other_study.{study}", language) for study in missing], language)
    said = say("other_finding.install", language, names=names, command=INSTALL)
    return Prose((said,), kind="box", heading=say("other_finding.install_heading", language)), table


def decisions(*, language: str = "en") -> Table:
    """Return what has to be decided before a function is called, and how it is for each study.

    Parameters
    ----------
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    heads = {"decision": [say(f"other_decision.{name}", language) for name in _DECISIONS]}
    columns = {
        say(f"other_study.{study}", language): [_choice(study, name, language) for name in _DECISIONS]
        for study in CHOICES
    }
    first = {say(f"other_table.{key}", language): column for key, column in heads.items()}
    return Table(pd.DataFrame(first | columns), say("other_table.decisions_caption", language))


def _choice(study: str, name: str, language: str) -> str:
    """The columns that answer a decision, with the reason."""
    columns = _list(CHOICES[study].get(name, ()), language)
    reason = say(f"other_{study}.{name}", language)
    return say("other_table.column", language, columns=columns, reason=reason) if columns else reason


def beside(results: Mapping[str, Estimates | None], *, language: str = "en") -> Table | Prose:
    """Return printed numbers, those of the package, and the difference.

    Parameters
    ----------
    results : mapping of str to Estimates or None
        Names as in `other_reforms.PRINTED`.
    language : {"zh", "en"}

    Returns
    -------
    Table or Prose
    """
    rows = compare(results)
    if rows.empty:
        return _nothing(language)
    groups = [part for _, part in rows.groupby(["model", "term"], sort=False)]
    heads = {
        "term": [_term(part["term"].iloc[0], language) for part in groups],
        "printed": [_with_error(part, "printed", ".{0}f") for part in groups],
        "ours": [_with_error(part, "ours", ".{1}f") for part in groups],
        "difference": [_with_error(part, "difference", "+.{1}f") for part in groups],
    }
    models = rows["model"].unique()
    sources = _list([say(f"other_source.{model}", language) for model in models], language)
    return _table(heads, "beside", language, sources=sources)


def _with_error(part: pd.DataFrame, column: str, form: str) -> str:
    """A coefficient with its standard error in brackets, in the decimals printed ({0}) or two more ({1})."""
    decimals = int(part["decimals"].iloc[0])
    numbers = [format(value, form.format(decimals, decimals + 2)) for value in part[column]]
    return f"{numbers[0]} ({numbers[1]})" if len(numbers) > 1 else numbers[0]


def landed(results: Mapping[str, Estimates | None], *, language: str = "en") -> Prose:
    """Return how many printed numbers are met to their last decimal, and what could not be compared.

    Parameters
    ----------
    results : mapping of str to Estimates or None
        Names as in `other_reforms.PRINTED`.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    rows = compare(results)
    if rows.empty:
        return _nothing(language)
    away = rows[~rows["agrees"]]
    largest = rows["difference"].abs().max()
    said = [say("other_finding.landed", language, n=len(rows), met=len(rows) - len(away), largest=largest)]
    if len(away):
        names = _list([_term(term, language) for term in away["term"].unique()], language)
        said.append(say("other_finding.away", language, names=names))
    absent = sum(result is None for result in results.values())
    if absent:
        said.append(say("other_finding.not_compared", language, n=absent))
    return Prose((*said, say("other_finding.pages", language)))


def side_by_side(
    results: Mapping[str, Estimates | None],
    *,
    terms: Sequence[str] = (),
    logs: Collection[str] = (),
    language: str = "en",
) -> tuple[Table | Prose, ...]:
    """Return one question under several tests, and what is left when rows of a unit may depend.

    Parameters
    ----------
    results : mapping of str to Estimates or None
        Names as in the catalogue's ``other_method``. Those that begin with "independent" take all rows for
        independent; the others allow for dependence within units. All have one level.
    terms : sequence of str
        The terms to show of results that have them; all of the others.
    logs : collection of str
        Results whose outcome is a log: estimate and interval are shown as ratios.
    language : {"zh", "en"}

    Returns
    -------
    tuple of Table and Prose
    """
    found = {name: result for name, result in results.items() if result is not None}
    if not found:
        return (_nothing(language),)
    rows = pd.concat([_rows(name, result, terms, name in logs) for name, result in found.items()])
    heads = {
        "method": [say(f"other_method.{name}", language) for name in rows["method"]],
        "term": [
            say(f"other_table.{'ratio' if null else 'change'}", language, term=term)
            for term, null in zip(rows["term"], rows["null"], strict=True)
        ],
        "value": [f"{value:z.3f}" for value in rows["estimate"]],
        "interval": [_interval(row, language) for _, row in rows.iterrows()],
        "p_value": [p_number(value) for value in rows["p_value"]],
    }
    level = percent(next(iter(found.values())).ci_level)
    return _table(heads, "tests", language, level=level), _reading(rows, language)


def _rows(name: str, result: Estimates, terms: Sequence[str], is_log: bool) -> pd.DataFrame:
    """The chosen terms of a result with the value of no change; logs become ratios."""
    frame = result.to_frame()
    frame = frame.loc[[term for term in terms if term in frame.index] or list(frame.index)]
    ends = ["estimate", "ci_low", "ci_high"]
    if is_log:
        frame[ends] = np.exp(frame[ends])
    null = 1.0 if is_log or result.scale in _RATIOS else 0.0
    outside = (frame["ci_low"] > null) | (frame["ci_high"] < null)
    return frame.reset_index().assign(method=name, null=null, outside=outside.to_numpy())


def _reading(rows: pd.DataFrame, language: str) -> Prose:
    """How many intervals leave out no change, with and without dependence within units."""
    independent = rows["method"].str.startswith("independent")
    plain, dependent = rows[independent], rows[~independent]
    counted = {
        "n": len(plain),
        "apart": int(plain["outside"].sum()),
        "m": len(dependent),
        "left": int(dependent["outside"].sum()),
    }
    left = dependent[dependent["outside"]]
    key = "all" if len(left) == len(dependent) else "some" if len(left) else "none"
    names = [
        say("other_table.named", language, method=say(f"other_method.{method}", language), term=term)
        for method, term in zip(left["method"], left["term"], strict=True)
    ]
    said = say("other_finding.intervals", language, **counted)
    return Prose((said, say(f"other_finding.left_{key}", language, names=_list(names, language))))


def _interval(row: pd.Series, language: str) -> str:
    if row[["ci_low", "ci_high"]].isna().any():
        return "–"
    low, high = (f"{row[end]:z.3f}" for end in ("ci_low", "ci_high"))
    return say("format.span", language, low=low, high=high)


def event_section(study: EventStudy | None, *, outcome: str, language: str = "en") -> tuple[object, ...]:
    """Return the event study as a figure, and what its test of earlier trends would miss.

    Parameters
    ----------
    study : EventStudy or None
    outcome : str
        Column of the outcome.
    language : {"zh", "en"}

    Returns
    -------
    tuple of plots.CaptionedFigure and Prose
    """
    if study is None:
        return (_nothing(language),)
    frame = study.to_frame()
    before = frame.index.str.contains("-")
    ends = {
        f"{name}_{end}": f"{getattr(np, end)(frame.loc[rows, 'estimate']):.2f}"
        for name, rows in (("before", before), ("after", ~before))
        for end in ("min", "max")
    }
    ax = effect_plots.event_study(study, language=language)
    ax.set_ylabel(say("other_axis.ratio", language))
    figure = plots.captioned(
        ax,
        "other_event",
        language=language,
        outcome=say(f"other_term.{outcome}", language),
        n=len(frame),
        units=study.n_units,
        level=percent(study.ci_level),
        data=plots.data_note(False, source=say("other_source.zones_data", language), language=language),
        **ends,
    )
    said = effect_findings.pretrend(study, language=language)
    return figure, said, effect_findings.cautions({"event_study": study}, language=language)


def association_section(result: Association | None, *, language: str = "en") -> tuple[Table | Prose, ...]:
    """Return an association of changes with its base-year check.

    Parameters
    ----------
    result : Association or None
    language : {"zh", "en"}

    Returns
    -------
    tuple of Table and Prose
    """
    if result is None:
        return (_nothing(language),)
    return (
        panel_tables.association(result, language=language),
        panel_findings.base_years(result, language=language),
    )


def cautions(results: Mapping[str, Estimates | None], *, language: str = "en") -> Prose:
    """Return what makes the results doubtful, or that nothing was computed.

    Parameters
    ----------
    results : mapping of str to Estimates or None
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    if all(result is None for result in results.values()):
        return _nothing(language)
    return effect_findings.cautions(results, language=language)


def _term(name: str, language: str) -> str:
    """A column's name as it stands in the data, with what it is."""
    return say("other_table.column", language, columns=name, reason=say(f"other_term.{name}", language))


def _list(names: Sequence[str], language: str) -> str:
    return say("format.list", language).join(names)


def _nothing(language: str) -> Prose:
    return Prose((say("other_finding.not_installed", language),))


def _table(heads: Mapping[str, list[str]], name: str, language: str, **values: object) -> Table:
    texts = {say(f"other_table.{key}", language, **values): column for key, column in heads.items()}
    return Table(pd.DataFrame(texts), say(f"other_table.{name}_caption", language, **values))
