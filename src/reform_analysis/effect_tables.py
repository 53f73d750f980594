"""Tables of the effect report: who is in the comparison, what each method finds, what it left out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from reform_analysis.effect_design import Design
from reform_analysis.estimates import Estimates, percent
from reform_analysis.panel_texts import label
from reform_analysis.tables import Table
from reform_analysis.wording import p_number, ratio_text, say

_REASON = re.compile(r"(?P<reason>.+?)(?: \((?P<units>\d+) units\))?")
_REASONS = {
    "after_clean": r"after last_clean_period (?P<period>.+)",
    "other_window": "period in neither pre nor post",
    "other_pilot": r"control in (?P<column>.+)",
    "control_adopted": "control adopted in the periods used",
    "missing_value": "missing value",
    "no_exposure": "exposure of 0",
    "no_events_of_unit": "no events in any period",
    "no_events_of_period": "no events in the period",
    "only_row_of_unit": "the only row of its unit",
    "only_row_of_period": "the only row of its period",
    "separated": "separated.*",
}
_ARMS = {"pilot": "pilot", "other": "other", "not pilot": "other", "all": "all"}


def composition(design: Design, *, language: str = "en") -> Table:
    """Return who is compared: units, events and exposure by arm and window.

    Parameters
    ----------
    design : Design
    language : {"zh", "en"}

    Returns
    -------
    Table
        The rate stands per 100 of the exposure; without one, per 100 unit-periods.
    """
    frame = design.frame
    windows = {"before": design.before, "after": design.after}
    rows = [(arm, frame[frame["pilot"].astype(bool) == (arm == "pilot")]) for arm in ("pilot", "other")]
    without = [part.groupby("unit_id")[design.outcome].sum().eq(0).sum() for _, part in rows]
    heads = {
        "arm": [say(f"arm.{arm}", language) for arm, _ in rows],
        "units": [f"{part['unit_id'].nunique():,}" for _, part in rows],
        "units_without": [f"{n:,}" for n in without],
    }
    for name, periods in windows.items():
        inside = [part[part["period"].isin(periods)] for _, part in rows]
        heads[f"events_{name}"] = [f"{part[design.outcome].sum():,.0f}" for part in inside]
        heads[f"rate_{name}"] = [_rate(part, design) for part in inside]
    below = say("effect_table.unit_period", language)
    if design.exposure:
        below = label(design.exposure, None, language)
    words = {
        "outcome": label(design.outcome, None, language),
        "exposure": below,
        "before": say("format.list", language).join(design.before),
        "after": say("format.list", language).join(design.after),
    }
    made = _table(heads, "composition", language, **words)
    return replace(made, synthetic=design.synthetic)


def _rate(part: pd.DataFrame, design: Design) -> str:
    """Events per 100 of the exposure, of the rows where both are known."""
    if design.exposure is None:
        return _number(100 * part[design.outcome].mean())
    known = part[part[[design.outcome, design.exposure]].notna().all(axis=1)]
    below = known[design.exposure].sum()
    return _number(100 * known[design.outcome].sum() / below if below > 0 else np.nan)


def methods(
    results: Mapping[str, Estimates | None], *, terms: Mapping[str, str] | None = None, language: str = "en"
) -> Table:
    """Return one row a method: ratio, interval, p, and whether the exposure is in it.

    Parameters
    ----------
    results : mapping of str to Estimates or None
        Names as in the catalogue's table ``effect_method``; None where nothing could be tested. All have one
        level.
    terms : mapping of str to str, optional
        The term to show of a result with several.
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    found = {name: result for name, result in results.items() if result is not None}
    rows = {name: row_of(result, (terms or {}).get(name)) for name, result in found.items()}
    heads = {
        "method": [say(f"effect_method.{name}", language) for name in rows],
        "ratio": [_number(row["estimate"]) for row in rows.values()],
        "interval": [_span(row, language) for row in rows.values()],
        "p_value": [_p(row["p_value"]) for row in rows.values()],
        "units": [_whole(result.n_units) for result in found.values()],
        "clusters": [_whole(result.n_clusters) for result in found.values()],
    }
    levels = {percent(result.ci_level) for result in found.values()} or {"95"}
    made = _table(heads, "methods", language, level=say("format.list", language).join(sorted(levels)))
    return replace(made, synthetic=any(result.synthetic for result in found.values()))


def row_of(result: Estimates, term: str | None = None) -> pd.Series:
    """Return the row of a term; the first where none is named.

    Parameters
    ----------
    result : Estimates
    term : str or None

    Returns
    -------
    Series
    """
    frame = result.to_frame()
    return frame.iloc[0] if term is None else frame.loc[term]


def terms(
    result: Estimates, *, labels: Mapping[str, str] | None = None, language: str = "en", name: str = "terms"
) -> Table:
    """Return every term of one result.

    Parameters
    ----------
    result : Estimates
    labels : mapping of str to str, optional
        Names of the terms.
    language : {"zh", "en"}
    name : {"terms", "doses", "partial"}
        Which caption.

    Returns
    -------
    Table
    """
    frame = result.to_frame()
    heads = {
        "term": [label(str(term), labels, language) for term in frame.index],
        "ratio": [_number(value) for value in frame["estimate"]],
        "interval": [_span(row, language) for _, row in frame.iterrows()],
        "p_value": [_p(value) for value in frame["p_value"]],
    }
    made = _table(heads, name, language, level=percent(result.ci_level), n=result.n_units)
    return replace(made, synthetic=result.synthetic)


def left_out(tables: Sequence[pd.DataFrame], *, methods: Sequence[str] = (), language: str = "en") -> Table:
    """Return what was left out, by arm and reason.

    Parameters
    ----------
    tables : sequence of DataFrame
        Columns ``arm, reason, n``, as `Estimates.dropped`.
    methods : sequence of str
        For each table, the method of the side-by-side table that it applies to, in words; none for no such
        column.
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    rows = [row for table in tables for row in table.itertuples()]
    reasons = [_REASON.fullmatch(row.reason) for row in rows]
    heads: dict[str, list[str]] = {
        "arm": [say(f"arm.{_ARMS.get(row.arm, 'all')}", language) for row in rows],
        "reason": [_reason(found["reason"] if found else "", language) for found in reasons],
        "rows": [f"{row.n:,.0f}" for row in rows],
        "units": [f"{int(found['units']):,}" if found and found["units"] else "–" for found in reasons],
    }
    if methods:
        pairs = zip(methods, tables, strict=True)
        heads["applies_to"] = [method for method, table in pairs for _ in range(len(table))]
    return _table(heads, "left_out", language)


def _reason(reason: str, language: str) -> str:
    """The reason in the language; one that the catalogue lacks as it is."""
    for key, form in _REASONS.items():
        found = re.fullmatch(form, reason)
        if found:
            return say(f"left_out.{key}", language, **found.groupdict())
    return reason


def _span(row: pd.Series, language: str) -> str:
    if row[["ci_low", "ci_high"]].isna().any():
        return "–"
    return say("format.span", language, low=ratio_text(row["ci_low"]), high=ratio_text(row["ci_high"]))


def _number(value: float) -> str:
    return "–" if pd.isna(value) else "∞" if np.isinf(value) else f"{value:z.2f}"


def _whole(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _p(value: float) -> str:
    return "–" if pd.isna(value) else p_number(value)


def _table(heads: Mapping[str, list[str]], name: str, language: str, **values: object) -> Table:
    texts = {say(f"effect_table.{key}", language, **values): column for key, column in heads.items()}
    return Table(pd.DataFrame(texts), say(f"effect_table.{name}_caption", language, **values))
