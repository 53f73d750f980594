"""Codings of time: when treatment began, the pandemic year, acts from before the reform."""

from typing import Any, get_args

import pandas as pd

from reform_analysis.conclusions import concluding_otherwise, not_estimated
from reform_analysis.estimates import CheckResult, DesignError
from reform_analysis.measures import need_columns, require_flags
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
    variant_name,
)
from reform_analysis.treatment import Coding, treated_fraction

PANDEMIC = ("2020",)
EARLIER_ACTS = "acts before adoption"
MAIN = "as reported"


def timing_codings(
    df: pd.DataFrame,
    fit: Fit,
    *,
    treatment: str = "treated_fraction",
    pilot: str | None = "pilot",
    period: str = "period",
    adopted: str = "adopted",
    without: tuple[Any, ...] = PANDEMIC,
    earlier_acts: str | None = None,
    term: str | None = None,
) -> CheckResult:
    """Return whether the conclusion depends on how time is coded.

    The fit is repeated with the treatment as the fraction of each period under treatment, as 1 from the
    period of adoption on ("binary"), without the partly treated period ("drop"), without the periods in
    `without` (2020, the pandemic year), and on the losses over acts done before adoption: the reform cannot
    have changed their legality, so a ratio other than 1 there is no effect of it (a negative control).

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    fit : callable
        ``fit(df, **spec) -> Estimates``, with `treatment` among its terms; takes `outcome` where
        `earlier_acts` is given.
    treatment : str
        Column of the time under treatment; it is replaced. Kept as it is under "as reported".
    pilot : str, optional
        Column of the pilots; others count as untreated whatever `adopted` says. None: all adopters count.
    period, adopted : str
        Columns.
    without : tuple
        Periods left out; those the panel lacks are ignored. Empty: no such variant.
    earlier_acts : str, optional
        Column of the outcome's cases over acts done before adoption (in controls: before the same date).
    term : str, optional
        Row of the estimates that is checked; by default the first.

    Returns
    -------
    CheckResult
        Failed if a coding concludes otherwise than the reported one or the negative control shows a change;
        None if none does but some could not be estimated; else passed.
        Frame as of `refits.Refits`.

    Raises
    ------
    DataError
        If a column is missing, or a value is no date or period.
    UntestableError
        If nothing can be estimated.

    Notes
    -----
    A year treated for a fraction f has mean 1 - f + f r, not r to the power f; with the fraction as a term of
    a log-linear model this is an approximation, close where f is near 0 or 1 or r near 1. A baseline of 2020
    alone holds a pandemic and whatever made pilots be chosen that year: where the fall needs 2020, it is one
    year's regression to the mean as much as an effect. A variant that needs more data than the panel
    has was not tested: then the check does not pass.
    """
    need_columns(df, [treatment, period, adopted, *([pilot] if pilot else [])])
    variants = [Variant(MAIN, df), *_coded(df, treatment, pilot, period, adopted)]
    left_out = [value for value in without if df[period].astype(str).eq(str(value)).any()]
    for value in left_out:
        variants.append(Variant(f"without {value}", df[df[period].astype(str) != str(value)]))
    if earlier_acts is not None:
        need_columns(df, [earlier_acts])
        variants.append(Variant(EARLIER_ACTS, df, {"outcome": earlier_acts}))
    return _codings(refit_all(fit, variants, term=term))


def _coded(df: pd.DataFrame, treatment: str, pilot: str | None, period: str, adopted: str) -> list[Variant]:
    """The codings that the dates allow: a year alone does not say what share of it was treated."""
    if pilot:
        require_flags(df, pilot)
    coded = []
    for coding in get_args(Coding):
        try:
            share = treated_fraction(df, coding=coding, period=period, adopted=adopted)
        except DesignError:
            continue
        values = share.where(df[pilot].astype(bool), 0.0) if pilot else share
        data = df.assign(**{treatment: values})
        coded.append(Variant(coding, data[values.notna()]))
    return coded


def _codings(found: Refits) -> CheckResult:
    differing = concluding_otherwise(found, MAIN, leave=[EARLIER_ACTS])
    unknown = not_estimated(found, leave=[EARLIER_ACTS])
    control = EARLIER_ACTS in found.frame.index and found[EARLIER_ACTS]["conclusion"] in (FALL, RISE)
    main = in_words(found[MAIN], found.ci_level)
    n = len(found.frame.index.difference([MAIN, EARLIER_ACTS]))
    if differing:
        other = in_words(found[differing[0]], found.ci_level)
        names = listed(differing)
        sentences = in_both(
            "check.timing_codings_failed",
            estimate=main,
            names=names,
            first=variant_name(differing[0]),
            other=other,
        )
    elif unknown:
        sentences = in_both("check.timing_codings_open", estimate=main, names=listed(unknown))
    else:
        sentences = in_both("check.timing_codings_passed", estimate=main, n=n)
    if EARLIER_ACTS in found.frame.index:
        key = "check.timing_codings_acts_moved" if control else "check.timing_codings_acts_still"
        sentences = joined(sentences, in_both(key, estimate=in_words(found[EARLIER_ACTS], found.ci_level)))
    passed = False if differing or control else None if unknown else True
    return as_check("timing_codings", found, passed=passed, sentences=sentences)
