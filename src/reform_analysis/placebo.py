"""Placebo checks: dates before the reform, and outcomes that it cannot have moved."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis.estimates import CheckResult, DesignError, UntestableError
from reform_analysis.measures import as_numbers, need_columns, require_flags
from reform_analysis.periods import in_order
from reform_analysis.refits import (
    NOT_ESTIMATED,
    Fit,
    Refits,
    Variant,
    as_check,
    holm,
    in_both,
    in_words,
    listed,
    refit_all,
    variant_name,
)
from reform_analysis.wording import p_text


def placebo_dates(
    df: pd.DataFrame,
    fit: Fit,
    *,
    treatment: str = "treated_fraction",
    pilot: str = "pilot",
    period: str = "period",
    dates: Sequence[Any] | None = None,
    term: str | None = None,
) -> CheckResult:
    r"""Return whether the fit finds an effect at dates at which there was no reform.

    Only the periods before anyone's treatment are kept; at each date d among them the treatment becomes

    .. math:: D_{it}(d) = 1\{i \text{ pilot}\} \, 1\{t \ge d\}

    and the fit is repeated. If pilots and others would have moved alike, each ratio is 1.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    fit : callable
        ``fit(df, **spec) -> Estimates``, with `treatment` among its terms.
    treatment : str
        Column of the time under treatment; it is replaced.
    pilot, period : str
        Columns.
    dates : sequence, optional
        Periods to pretend; by default every one before the reform except the first.
    term : str, optional
        Row of the estimates that is checked; by default the first.

    Returns
    -------
    CheckResult
        Passed if no date has a Holm-adjusted p of at most 1 less the fit's level. Frame as of
        `refits.Refits`, a row a date, with ``holm``.

    Raises
    ------
    DataError
        If a column is missing or no number.
    DesignError
        If a date is not among the periods before the reform, or is the first of them.
    UntestableError
        If fewer than two periods lie before the reform.

    Notes
    -----
    Assumed: what pulled the arms apart before the reform would have gone on. A pass is weak evidence: the
    sentence gives the widest interval, and departures inside it are not excluded.
    """
    need_columns(df, [treatment, pilot, period])
    require_flags(df, pilot)
    before = _before(df, treatment, period)
    chosen = _dates(before, dates)
    early = df[df[period].isin(before)]
    place = early[period].map({value: number for number, value in enumerate(before)}).to_numpy()
    pilots = early[pilot].astype(bool).to_numpy()
    variants = []
    for date in chosen:
        pretended = (pilots & (place >= before.index(date))).astype(float)
        variants.append(Variant(str(date), early.assign(**{treatment: pretended})))
    return _placebos("placebo_dates", refit_all(fit, variants, term=term))


def _before(df: pd.DataFrame, treatment: str, period: str) -> list[Any]:
    """The periods before the first in which any unit is treated, in order."""
    treated = as_numbers(df, [treatment])[treatment].fillna(1).to_numpy() != 0
    ordered = in_order(df[period])
    reached = set(df.loc[treated, period])
    first = next((n for n, value in enumerate(ordered) if value in reached), len(ordered))
    if first < 2:
        raise UntestableError(
            f"placebo_dates needs at least two periods before any treatment, got {ordered[:first]}; "
            "add earlier periods."
        )
    return ordered[:first]


def _dates(before: list[Any], dates: Sequence[Any] | None) -> list[Any]:
    if dates is None:
        return before[1:]
    wrong = [date for date in dates if date not in before[1:]]
    if wrong or not list(dates):
        raise DesignError(
            f"dates must name periods before the reform and after the first, {before[1:]}, got "
            f"{list(dates)}; a date needs periods on both sides."
        )
    return list(dates)


def placebo_outcomes(
    df: pd.DataFrame,
    fit: Fit,
    *,
    outcomes: Sequence[str] | Mapping[str, Mapping[str, Any]],
    term: str | None = None,
) -> CheckResult:
    """Return whether the fit finds an effect on outcomes that the reform cannot have moved.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    fit : callable
        ``fit(df, **spec) -> Estimates`` that takes `outcome`.
    outcomes : sequence of str, or mapping of str to mapping
        Columns; a mapping gives each its further keywords, as ``{"won": {"exposure": None}}``.
    term : str, optional
        Row of the estimates that is checked; by default the first.

    Returns
    -------
    CheckResult
        Passed if no outcome has a Holm-adjusted p of at most 1 less the fit's level. Frame as of
        `refits.Refits`, a row an outcome, with ``holm``.

    Raises
    ------
    DataError
        If a column is missing.
    DesignError
        If no outcome is given.
    UntestableError
        If not one of the outcomes can be estimated.

    Notes
    -----
    Assumed, not tested: that the reform leaves these outcomes alone, and that what else moved the outcome
    under study would have moved them.
    """
    specs = {name: dict(outcomes[name]) if isinstance(outcomes, Mapping) else {} for name in outcomes}
    if not specs or isinstance(outcomes, str):
        raise DesignError(
            f"outcomes must name at least one column, got {outcomes!r}; pass a list such as ['upheld']."
        )
    need_columns(df, specs)
    variants = [Variant(name, df, {"outcome": name, **spec}) for name, spec in specs.items()]
    return _placebos("placebo_outcomes", refit_all(fit, variants, term=term))


def _placebos(name: str, found: Refits) -> CheckResult:
    """The verdict over a family of placebos: Holm keeps the share of false alarms at 1 less the level."""
    frame = found.frame.assign(holm=holm(found.frame["p_value"]))
    alarms = frame[frame["holm"] <= 1 - found.ci_level]
    estimated = frame[frame["conclusion"] != NOT_ESTIMATED]
    if estimated.empty:
        reasons = "; ".join(frame["reason"])
        raise UntestableError(f"{name}: no placebo could be estimated: {reasons}.")
    if alarms.empty:
        sentences = in_both(f"check.{name}_passed", n=len(estimated), **_reach(estimated))
    else:
        worst = alarms["holm"].idxmin()
        sentences = in_both(
            f"check.{name}_failed",
            names=listed(alarms.index),
            n=len(estimated),
            worst=variant_name(worst),
            estimate=in_words(frame.loc[worst], found.ci_level),
        )
    return as_check(name, found, passed=alarms.empty, sentences=sentences, frame=frame)


def _reach(estimated: pd.DataFrame) -> dict[str, Any]:
    """Smallest adjusted p, and how far the intervals reach to both sides."""
    return {
        "p": p_text(float(estimated["holm"].min())),
        "low": float(np.nanmin(estimated["ci_low"])) if estimated["ci_low"].notna().any() else np.nan,
        "high": float(np.nanmax(estimated["ci_high"])) if estimated["ci_high"].notna().any() else np.nan,
    }
