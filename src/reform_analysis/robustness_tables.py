"""Tables of the checks: the numbers behind each sentence, and the scorecard."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis.estimates import CheckResult, percent
from reform_analysis.examination import BOUNDS, LONGEST, Examination, NotRun
from reform_analysis.leave_out import groups_of
from reform_analysis.refits import variant_name
from reform_analysis.reforms import reform_table
from reform_analysis.refusals import refusal
from reform_analysis.specification_curve import SpecificationCurve
from reform_analysis.tables import Table
from reform_analysis.wording import catalogue, p_number, say

_INTERVALS = {("ci_low", "ci_high"): "interval", ("low", "high"): "range"}
_ENDS = [end for ends in _INTERVALS for end in ends]
_ORDER = (
    "removed",
    "n_removed",
    "size",
    "estimate",
    "ratio",
    *_ENDS,
    "p_value",
    "holm",
    "excludes_one",
    "e_estimate",
    "e_limit",
    "pilots",
    "controls",
    "weighted",
    "difference_before",
    "difference_after",
)
_SENTENCE_ONLY = ("excluded_ratio", "detectable_ratio", "oster_delta", "reconcile", "specification_curve")
_ROWS = {
    "all together": "together",
    "reformed controls against the others": "reformed",
    "controls reformed afterwards against the others": "reformed_later",
    "overturns significance": "significance",
    "overturns sign": "sign",
}


def asked(name: str, language: str) -> str:
    """Return what a check asks, in words.

    Parameters
    ----------
    name : str
        As in `Examination.checks`.
    language : {"zh", "en"}

    Returns
    -------
    str
    """
    key = f"check.asked_{f'common_trend_bounds_{name}' if name in BOUNDS else name}"
    return say(key if key in catalogue() else f"robustness.asked_{name}", language)


def reason(found: NotRun, language: str) -> str:
    """Return why a check could not run, in words.

    Parameters
    ----------
    found : NotRun
    language : {"zh", "en"}

    Returns
    -------
    str
    """
    if found.reason:
        said = refusal(found.reason, language)
        return said or say("robustness.refused", language, reason=found.reason)
    return say(f"robustness.lacks_{found.name}", language)


def scorecard(examination: Examination, *, language: str = "en") -> Table:
    """Return a row a check: what was asked, the verdict, what was found or why nothing was.

    Parameters
    ----------
    examination : Examination
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    rows = []
    for name, found in examination.checks.items():
        if isinstance(found, NotRun):
            verdict, said = say("robustness.not_run", language), reason(found, language)
        else:
            verdict, said = _verdict(found, language), found.sentences[language]
        rows.append((asked(name, language), verdict, said))
    heads = [say(f"check.card_{key}", language) for key in ("asked", "verdict", "found")]
    return Table(pd.DataFrame(rows, columns=heads), say("robustness.card_caption", language))


def _verdict(check: CheckResult, language: str) -> str:
    return say(f"check.verdict_{check.verdict.replace(' ', '_')}", language)


def numbers(name: str, check: CheckResult, *, level: float = 0.95, language: str = "en") -> Table | None:
    """Return the numbers behind a check.

    Parameters
    ----------
    name : str
        As in `Examination.checks`.
    check : CheckResult
    level : float
        Level of the intervals of the check, for the heads.
    language : {"zh", "en"}

    Returns
    -------
    Table or None
        None where the sentence holds all of them.
    """
    if name in _SENTENCE_ONLY:
        return None
    caption = say(
        "robustness.caption", language, asked=asked(name, language), verdict=_verdict(check, language)
    )
    frame = check.to_frame()
    if name == "concurrent_reforms":
        kept = [
            say(f"check.reforms_{key}", language) for key in ("date", "place", "reform", "bears_on", "source")
        ]
        return Table(
            reform_table(frame, language=language)[kept], say("robustness.reforms_caption", language)
        )
    if name.startswith("leave_one_out"):
        by = groups_of(name.removeprefix("leave_one_out_"), language)
        frame = _longest(frame)
        values = {"asked": asked(name, language), "by": by, "verdict": _verdict(check, language)}
        caption = say("robustness.caption_by", language, **values)
    if name == "matched":  # the ratio stands in the sentence
        frame = frame.drop(index="ratio", columns=["ratio", "ci_low", "ci_high"])
    names = frame.index
    if name in BOUNDS:
        names = names.where(names.isin(["original", "breakdown"]), "relaxed")
    heads = {"row": [_row(each, language) for each in names]}
    return _table(heads | _columns(frame, name, language), caption, language, level)


def _longest(frame: pd.DataFrame) -> pd.DataFrame:
    """All together, the groups that move it most, and the sets that overturn it."""
    first, others = frame.iloc[:1], frame.iloc[1:]
    sets = others.index.str.startswith("overturns")
    single = others[~sets]
    far = (np.log(single["estimate"]) - np.log(first["estimate"].iloc[0])).abs()
    kept = pd.concat([first, single.loc[far.sort_values(ascending=False).index[:LONGEST]], others[sets]])
    return kept.drop(columns="removed")


def _columns(frame: pd.DataFrame, name: str, language: str) -> dict[str, list[str]]:
    """The columns that a frame has, as texts, by head."""
    found: dict[str, list[str]] = {}
    for column in _ORDER:
        if column not in frame or frame[column].isna().all() or column == "removed":
            continue
        if column in _ENDS:
            ends = next(each for each in _INTERVALS if column in each)
            found[_INTERVALS[ends]] = [_span(row, ends, language) for _, row in frame.iterrows()]
        else:
            head = "correlation" if (name, column) == ("dose_on_baseline", "estimate") else column
            found[head] = [_form(column, language)(value) for value in frame[column]]
    return found


def _form(column: str, language: str) -> Callable[[Any], str]:
    if column in ("p_value", "holm"):
        return lambda value: "–" if pd.isna(value) else p_number(value)
    if column == "excludes_one":
        return lambda value: say(f"robustness.{'yes' if value else 'no'}", language)
    if column == "n_removed":
        return lambda value: "–" if pd.isna(value) else f"{value:,.0f}"
    return _number


def _number(value: float) -> str:
    return "–" if pd.isna(value) else "∞" if np.isinf(value) else f"{value:z.2f}"


def _span(row: pd.Series, ends: tuple[str, str], language: str) -> str:
    low, high = (row[end] for end in ends)
    if pd.isna(low) or pd.isna(high):
        return "–"
    return say("format.span", language, low=_number(low), high=_end(high))


def _end(value: float) -> str:
    """An upper end that prints as 1 without being 1 says on which side it lies."""
    text = _number(value)
    sign = "<" if value < 1 else ">" if value > 1 else ""
    return f"{sign}{text}" if text == "1.00" else text


def _row(value: Any, language: str) -> str:
    text = str(value).removesuffix("_difference")
    key = f"robustness_row.{_ROWS.get(text, text)}"
    if key in catalogue():
        return say(key, language)
    if text.startswith("moved: "):
        name = variant_name(text.removeprefix("moved: "))(language)
        return say("robustness_row.moved", language, name=name)
    return variant_name(text)(language)


def joint(curve: SpecificationCurve, *, language: str = "en") -> Table:
    """Return the joint test of all specifications.

    Parameters
    ----------
    curve : SpecificationCurve
    language : {"zh", "en"}

    Returns
    -------
    Table
    """
    frame = curve.joint
    heads = {"row": [_row(name, language) for name in frame.index]}
    heads |= {
        name: [_number(value) for value in frame[name]]
        for name in ("observed", "null_median", "null_extreme")
    }
    heads["p_value"] = [p_number(value) for value in frame["p_value"]]
    return _table(heads, say("robustness.curve_caption", language), language)


def _table(heads: dict[str, list[str]], caption: str, language: str, level: float = 0.95) -> Table:
    shown = percent(level)
    texts = {say(f"robustness_head.{key}", language, level=shown): column for key, column in heads.items()}
    return Table(pd.DataFrame(texts), caption)
