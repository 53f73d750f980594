"""Tables of the panel's reports."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from reform_analysis.estimates import Estimates, percent
from reform_analysis.panel_reports import PanelReport
from reform_analysis.panel_texts import empty_arms, label
from reform_analysis.tables import Table
from reform_analysis.wording import p_number, say

ENDINGS = ("_difference", "_log_ratio", "_pre", "_post", "_earlier")


def change_label(name: str, language: str) -> str:
    """Return the name of a column of `panel.changes`: the variable's title and what is taken of it.

    Parameters
    ----------
    name : str
        Such as ``losses_difference``; any other name is looked up as it is.
    language : {"zh", "en"}

    Returns
    -------
    str
    """
    for ending in ENDINGS:
        if name.endswith(ending):
            variable = label(name.removesuffix(ending), None, language)
            return say(f"change.{ending[1:]}", language, variable=variable)
    return label(name, None, language)


def change_labels(names: Sequence[str], *, language: str = "en") -> dict[str, str]:
    """Return the names of several columns of `panel.changes`, for figures.

    Parameters
    ----------
    names : sequence of str
    language : {"zh", "en"}

    Returns
    -------
    dict of str to str
    """
    return {name: change_label(name, language) for name in names}


def dropped(result: Estimates, *, language: str = "en") -> Table:
    """Return what an estimate left out, by arm and reason.

    Parameters
    ----------
    result : Estimates
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    heads = {
        "arm": [say(f"arm.{arm}", language) for arm in result.dropped["arm"]],
        "reason": [
            say(f"dropped.{reason.replace(' ', '_')}", language) for reason in result.dropped["reason"]
        ],
        "units": [f"{n:,.0f}" for n in result.dropped["n"]],
    }
    return replace(_table(heads, "dropped", language), synthetic=result.synthetic)


def holdings(report: PanelReport, *, columns: Sequence[str], language: str = "en") -> Table:
    """Return what the panel holds of some counts, by arm.

    Parameters
    ----------
    report : PanelReport
    columns : sequence of str
        Counts to show, in the order of the report; those it lacks are left out.
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    rows = report.shown(language)[report.counts["count"].isin(columns).to_numpy()]
    return Table(rows.reset_index(drop=True), say("panel_table.holdings_caption", language))


def table_one(table: pd.DataFrame, *, language: str = "en") -> Table:
    """Return table 1 for a report.

    Parameters
    ----------
    table : DataFrame
        As `describe.table_one` returns it.
    language : {"zh", "en"}

    Returns
    -------
    Table
        Where one arm has no units, without its column and without standardised differences.
    """
    heads = {"series": [label(name, None, language) for name in table["variable"]]}
    for name, arm in {"pilots_mean": 1, "others_mean": 0}.items():
        if arm not in empty_arms(table):
            heads[name] = _means(table, arm)
    if not empty_arms(table):
        heads["standardised"] = ["–" if pd.isna(d) else f"{d:+.2f}" for d in table["standardised"]]
    return replace(_table(heads, "one", language), synthetic=bool(table.attrs.get("synthetic", False)))


def association(result: Estimates, *, language: str = "en") -> Table:
    """Return an association's estimates, intervals, p and adjusted p; the caption says what was permuted.

    Parameters
    ----------
    result : Estimates
        As `correlate.association` returns it, or one of the two tables it carries.
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    frame = result.to_frame()
    adjusted = result.adjusted_p if result.adjusted_p is not None else pd.DataFrame(index=frame.index)
    heads = {
        "measure": [change_label(name, language) for name in frame.index],
        "estimate": [_two(number) for number in frame["estimate"]],
        "interval": [
            say("format.span", language, low=_two(low), high=_two(high))
            for low, high in zip(frame["ci_low"], frame["ci_high"], strict=True)
        ],
        "p_value": [_p(number) for number in frame["p_value"]],
    }
    heads |= {name: [_p(number) for number in adjusted[name]] for name in adjusted}
    words = {"level": percent(result.ci_level), "n": result.n_units}
    made = _table(heads, f"association_{result.scale}", language, **words)
    moved = "single" if result.n_clusters is None else "whole"
    how = say(f"panel_table.association_{moved}", language, clusters=result.n_clusters)
    return replace(made, caption=made.caption + how, synthetic=result.synthetic)


def _means(table: pd.DataFrame, arm: int) -> list[str]:
    columns = zip(table[f"mean_{arm}"], table[f"sd_{arm}"], table[f"n_{arm}"], strict=True)
    return [f"{mean:,.2f} ({sd:,.2f}; n = {n:,.0f})" for mean, sd, n in columns]


def _two(number: float) -> str:
    return "–" if pd.isna(number) else f"{number:z.2f}"


def _p(number: float) -> str:
    return "–" if pd.isna(number) else p_number(number)


def _table(heads: dict[str, list[str]], name: str, language: str, **values: object) -> Table:
    texts = {say(f"panel_table.{key}", language, **values): column for key, column in heads.items()}
    return Table(pd.DataFrame(texts), say(f"panel_table.{name}_caption", language, **values))
