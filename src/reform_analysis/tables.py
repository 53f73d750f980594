"""Tables of the reports: a result in, a table that shows itself out; and the files that journals take."""

from collections.abc import Iterable, Mapping

import pandas as pd

from reform_analysis.estimates import percent
from reform_analysis.excel_tables import to_excel
from reform_analysis.markup_tables import to_html, to_latex, to_markdown
from reform_analysis.text_table import Table
from reform_analysis.word_tables import to_word
from reform_analysis.wording import localised, p_number, say, span

__all__ = [
    "Table",
    "baselines",
    "break_evens",
    "claims",
    "context",
    "derived_ratios",
    "doubtful",
    "exposures",
    "outcomes",
    "to_excel",
    "to_html",
    "to_latex",
    "to_markdown",
    "to_word",
]


def claims(figures: pd.DataFrame, evidence: pd.DataFrame, *, language: str = "en") -> Table:
    """Return the published totals with their growth rates and the words they stand in.

    Parameters
    ----------
    figures : DataFrame
        As `published.load_figures` returns it.
    evidence : DataFrame
        As `published.evidence` returns it: its rows are shown.
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    rows = figures.loc[evidence.index]
    columns = {
        "series": localised(rows, "label", language),
        "value": [
            f"{value:,.0f} {say(f'unit.{unit}', language)}"
            for value, unit in zip(rows["value"], rows["unit"], strict=True)
        ],
        "counted": [say(f"period.{period}", language) for period in rows["period"]],
        "change": [f"{change:+.0f}%" for change in rows["change_pct"]],
        "quote": rows["quote"],
    }
    return _table(columns, "claims", language, n=len(rows))


def baselines(evidence: pd.DataFrame, *, language: str = "en") -> Table:
    """Return the base counts that fit each printed growth rate.

    Parameters
    ----------
    evidence : DataFrame
        As `published.evidence` returns it.
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    multiples = evidence["change_pct"] % 10 == 0
    columns = {
        "series": localised(evidence, "label", language),
        "value": [f"{value:,.0f}" for value in evidence["value"]],
        "change": [f"{change:+.0f}%" for change in evidence["change_pct"]],
        "baseline": _spans(evidence, "baseline_low", "baseline_high", ",.0f", language),
        "baseline_tens": [
            text if multiple else "–"
            for text, multiple in zip(
                _spans(evidence, "baseline_low_worst", "baseline_high_worst", ",.0f", language),
                multiples,
                strict=True,
            )
        ],
        "ratio": _spans(evidence, "ratio_low", "ratio_high", ".2f", language),
    }
    return _table(columns, "baselines", language)


def outcomes(
    evidence: pd.DataFrame, *, family: tuple[str, ...], ci_level: float, language: str = "en"
) -> Table:
    """Return the outcomes with interval, p and Holm's p; multiples of ten with rounding to tens too.

    Parameters
    ----------
    evidence : DataFrame
        As `published.evidence` returns it.
    family : tuple of str
        The ids to show.
    ci_level : float
        Level the intervals were made with.
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    rows = evidence.loc[list(family)]
    tens = rows[rows["change_pct"] % 10 == 0]
    labels = [
        *localised(rows, "label", language),
        *(say("table.if_tens", language, series=name) for name in localised(tens, "label", language)),
    ]
    plain, wide = _outcome_columns(rows, "", language), _outcome_columns(tens, "_worst", language)
    heads = {key: [*plain[key], *wide[key]] for key in plain}
    return _table({"series": labels, **heads}, "outcomes", language, level=percent(ci_level))


def _outcome_columns(rows: pd.DataFrame, suffix: str, language: str) -> dict[str, list[str]]:
    return {
        "baseline": _spans(rows, f"baseline_low{suffix}", f"baseline_high{suffix}", ",.0f", language),
        "after": [f"{value:,.0f}" for value in rows["value"]],
        "ratio": _spans(rows, f"ratio_low{suffix}", f"ratio_high{suffix}", ".2f", language),
        "interval": _spans(rows, f"ci_low{suffix}", f"ci_high{suffix}", ".2f", language),
        "p_value": [_p(p) for p in rows[f"p_value{suffix}"]],
        "p_holm": [_p(p) for p in rows[f"p_holm{suffix}"]],
    }


def break_evens(row: pd.Series, *, language: str = "en") -> Table:
    """Return where one series' interval reaches 1.

    Parameters
    ----------
    row : Series
        A row of `published.evidence`.
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    forms = {"inflation": ".2f", "inflation_score": ".2f", "trend": "+.1f", "window_months": ".1f"}
    already = say("breakeven.already", language)
    columns = {
        "what": [say(f"breakeven.{name}", language) for name in forms],
        "breaks_at": [
            already if row["status"] == "already" else _number(row[f"breakeven_{name}"], form, language)
            for name, form in forms.items()
        ],
    }
    return _table(columns, "breakevens", language)


def exposures(table: pd.DataFrame, *, ci_level: float, language: str = "en") -> Table:
    """Return every outcome under every exposure.

    Parameters
    ----------
    table : DataFrame
        As `published.exposure_table` returns it.
    ci_level : float
        Level the intervals were made with.
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    rows = table[table["exposure_ratio_low"].notna()]
    columns = {
        "series": [say(f"series.{name}", language) for name in rows["numerator"]],
        "denominator": [
            _one_line(say(f"exposure.{name}", language), language) for name in rows["denominator"]
        ],
        "exposure_ratio": _spans(rows, "exposure_ratio_low", "exposure_ratio_high", ".3f", language),
        "ratio": _spans(rows, "ratio_low", "ratio_high", ".3f", language),
        "interval": _spans(rows, "ci_low", "ci_high", ".3f", language),
        "p_central": [_p(p) for p in rows["p_central"]],
    }
    return _table(columns, "exposures", language, level=percent(ci_level))


def derived_ratios(table: pd.DataFrame, *, language: str = "en") -> Table:
    """Return the ratios that follow from the totals, with the ranges that rounding allows.

    Parameters
    ----------
    table : DataFrame
        As `published.exposure_table` returns it.
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    rows = table.loc[["devolution_share", "opinions_per_review"]]
    shown = rows[["before_low", "before_high", "after"]].astype(float).mul([100.0, 1.0], axis=0)
    endings = ["%", ""]
    before = [
        text + end
        for text, end in zip(
            _spans(shown, "before_low", "before_high", ".2f", language), endings, strict=True
        )
    ]
    columns = {
        "series": [say(f"derived.{name}", language) for name in rows.index],
        "before": before,
        "after": [f"{value:.2f}{end}" for value, end in zip(shown["after"], endings, strict=True)],
        "ratio": _spans(rows, "ratio_low", "ratio_high", ".2f", language),
    }
    return _table(columns, "derived", language)


def context(changes: pd.DataFrame, figures: pd.DataFrame, *, language: str = "en") -> Table:
    """Return the loss figures outside the pilots with the words they stand in.

    Parameters
    ----------
    changes : DataFrame
        As `published.context_changes` returns it.
    figures : DataFrame
        As `published.load_context` returns it.
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    rows = figures.loc[changes.index]
    note = say("table.derived_note", language)
    units = [say(f"unit.{unit}", language) for unit in changes["unit"]]
    columns = {
        "place": localised(rows, "place", language),
        "measure": localised(rows, "measure", language),
        "period": rows["period"],
        "year_before": [
            _value(before, unit) + (note if derived else "")
            for before, unit, derived in zip(changes["before"], units, changes["derived"], strict=True)
        ],
        "this_year": [_value(after, unit) for after, unit in zip(changes["after"], units, strict=True)],
        "ratio": [f"{ratio:.2f}" for ratio in changes["ratio"]],
        "quote_source": rows["quote"],
        "page": rows["url"],
    }
    return _table(columns, "context", language)


def doubtful(figures: pd.DataFrame, *, language: str = "en") -> Table:
    """Return the figures that the source itself contradicts, with the reason.

    Parameters
    ----------
    figures : DataFrame
        As `published.load_figures` returns it.
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    rows = figures[figures["doubtful"]]
    columns = {
        "series": localised(rows, "label", language),
        "quote": rows["quote"],
        "reason": rows["note_zh" if language == "zh" else "note"],
    }
    return _table(columns, "doubtful", language)


def _table(columns: Mapping[str, Iterable[str]], name: str, language: str, **values: object) -> Table:
    heads = {say(f"table.{key}", language, **values): list(texts) for key, texts in columns.items()}
    return Table(pd.DataFrame(heads), say(f"table.{name}_caption", language, **values))


def _spans(rows: pd.DataFrame, low: str, high: str, form: str, language: str) -> list[str]:
    """One text a row; a base count without ends is none, any other range cannot be told."""
    none = say("format.none", language) if low.startswith("baseline") else "–"
    ends = zip(rows[low], rows[high], strict=True)
    return [none if pd.isna(first) else span(first, last, form, language) for first, last in ends]


def _one_line(label: str, language: str) -> str:
    """A label of a figure without its line break."""
    return label.replace("\n", "" if language == "zh" else " ")


def _p(p_value: float) -> str:
    return "–" if pd.isna(p_value) else p_number(p_value)


def _number(value: float, form: str, language: str) -> str:
    return say("format.none", language) if pd.isna(value) else format(value, form)


def _value(value: float, unit: str) -> str:
    return f"{value:.1f}%" if unit == "%" else f"{value:,.0f} {unit}"
