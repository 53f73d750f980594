"""One numerator, several denominators: whether the conclusion depends on what losses are divided by."""

from collections.abc import Callable, Sequence

import pandas as pd

from reform_analysis.conclusions import concluding_otherwise, not_estimated
from reform_analysis.estimates import CheckResult, DesignError
from reform_analysis.measures import need_columns
from reform_analysis.panel_texts import label
from reform_analysis.refits import (
    FALL,
    RISE,
    Fit,
    Refits,
    Variant,
    as_check,
    in_both,
    in_words,
    joined,
    listed,
    refit_all,
)

COUNTS = "counts"
_MOVED = "moved: "


def exposure_choices(
    df: pd.DataFrame,
    fit: Fit,
    *,
    exposures: Sequence[str] = ("lawsuits_concluded", "disputes", "population"),
    term: str | None = None,
) -> CheckResult:
    """Return whether the conclusion is the same for counts and for every denominator.

    The fit is made without an exposure and with each; and for each denominator as the outcome, since one
    that the reform moves makes a ratio that is no measure of losing less.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    fit : callable
        ``fit(df, **spec) -> Estimates``; takes `outcome` and `exposure`.
    exposures : sequence of str
        Columns of denominators; those that the panel lacks must be left out.
    term : str, optional
        Row of the estimates that is checked; by default the first.

    Returns
    -------
    CheckResult
        Failed if the conclusion differs between the count and any rate, or if every denominator moves; None
        if the count or every rate cannot be estimated. A denominator that the panel leaves empty, or that
        an arm lacks, is left out and named. Frame as of `refits.Refits`: "counts", a row a denominator, and
        "moved: <denominator>".

    Raises
    ------
    DataError
        If a column is missing.
    DesignError
        If no denominator is named.
    UntestableError
        If nothing can be estimated.

    Notes
    -----
    Numerator, denominator and rate are three questions. A count can fall because there were fewer cases, a
    rate because there were more easy ones.
    """
    if isinstance(exposures, str) or not list(exposures):
        raise DesignError(f"exposures must name at least one column, got {exposures!r}; pass a list.")
    need_columns(df, exposures)
    moved = [Variant(f"{_MOVED}{name}", df, {"outcome": name, "exposure": None}) for name in exposures]
    rates = [Variant(name, df, {"exposure": name}) for name in exposures]
    found = refit_all(fit, [Variant(COUNTS, df, {"exposure": None}), *rates, *moved], term=term)
    return _verdict(found, list(exposures))


def _verdict(found: Refits, exposures: list[str]) -> CheckResult:
    shifted = [n for n in exposures if found[f"{_MOVED}{n}"]["conclusion"] in (FALL, RISE)]
    moved = [f"{_MOVED}{name}" for name in exposures]
    empty = not_estimated(found, leave=moved)
    rates = [name for name in exposures if name not in empty]
    still = [name for name in rates if name not in shifted]
    known = COUNTS not in empty and bool(rates)
    differing = concluding_otherwise(found, COUNTS, leave=moved) if known else []
    key = "open" if not known else "failed" if differing else "passed" if still else "none"
    shown = (differing or still or rates or exposures)[0]
    sentences = in_both(
        f"check.exposure_choices_{key}",
        estimate=in_words(found[COUNTS], found.ci_level),
        name=_named(shown),
        other=in_words(found[shown], found.ci_level),
        n=len(rates),
    )
    if known and empty:
        sentences = joined(sentences, in_both("check.exposure_choices_empty", names=listed(empty)))
    if shifted:
        own = in_words(found[f"{_MOVED}{shifted[0]}"], found.ci_level)
        sentences = joined(
            sentences, in_both("check.exposure_choices_moved", name=_named(shifted[0]), estimate=own)
        )
    passed = None if not known else not differing and bool(still)
    return as_check("exposure_choices", found, passed=passed, sentences=sentences)


def _named(column: str) -> Callable[[str], str]:
    return lambda language: label(column, None, language)
