"""Whether losses fell or only moved: to a department, into reconsideration, into withdrawals."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from reform_analysis.estimates import CheckResult, DataError, DesignError, percent
from reform_analysis.measures import as_numbers, need_columns
from reform_analysis.refits import (
    FALL,
    NOT_ESTIMATED,
    RISE,
    Fit,
    Refits,
    Variant,
    as_check,
    holm,
    in_both,
    in_words,
    joined,
    listed,
    null_value,
    refit_all,
    variant_name,
)
from reform_analysis.wording import say

_TOGETHER, _OTHERS = "all together", "the others together"
_COUNTY = "county totals"


def displacement(
    df: pd.DataFrame,
    fit: Fit,
    *,
    into: Sequence[str],
    outcome: str = "losses",
    treatment: str = "treated_fraction",
    term: str | None = None,
) -> CheckResult:
    r"""Return how much of what fell on one account only moved to others.

    The fit is made for the outcome, for every count in `into`, and for their sum. With a ratio
    :math:`r_k` and the count :math:`T_k` in treated cells the change of count k is
    :math:`\Delta_k = T_k (1 - 1/r_k)`. What the sum did not lose has moved: the share is

    .. math:: - \frac{\Delta_{into}}{\Delta_{outcome}}
        = 1 - \frac{\Delta_{together}}{\Delta_{outcome}}, \quad
        \Delta_{into} = \Delta_{together} - \Delta_{outcome} .

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    fit : callable
        ``fit(df, **spec) -> Estimates`` of rate ratios; takes `outcome`.
    into : sequence of str
        Counts that cases may have moved into: reconsiderations, withdrawals, settlements. None may contain
        the outcome's cases.
    outcome, treatment : str
        Columns.
    term : str, optional
        Row of the estimates that is checked; by default the first.

    Returns
    -------
    CheckResult
        Failed if a count in `into` rises, with a Holm-adjusted p of at most 1 less the fit's level. Passed if
        none does and the outcome and the sum both fall, which is where the interval of the share ends below
        1. Else None. Frame as of `refits.Refits` with ``holm, treated_total, change`` (cases in treated
        cells) and, in the outcome's row, ``share, share_low, share_high``: infinite where the outcome's own
        interval holds no change, NaN where a fit has no interval.

    Raises
    ------
    DataError
        If a column is missing or no number.
    DesignError
        If `into` is empty or holds the outcome.
    UntestableError
        If nothing can be estimated.

    Notes
    -----
    Assumed: pilots and others would have moved alike on every account. Large counts in `into` drown the
    outcome, and then the result is undecided, not passed. Withdrawals and mediation after the reform are
    outcomes of it, so conditioning on them shows no mechanism: not causal.

    The interval is Fieller's, and approximate in three ways. A change's error is that of :math:`\log r_k`
    times the secant :math:`\Delta_k / \log r_k`, the logarithmic mean of the counts with and without the
    reform; the tangent :math:`T_k / r_k` takes the observed count for as uncertain as the other, and is too
    wide for a fall. The covariance comes from three fits, :math:`2 C(together, outcome) = V(together) +
    V(outcome) - V(into)`, cut where it exceeds a correlation of 1. And if accounts grow at different rates,
    the sum follows no model with unit and period effects when each account does, so that
    :math:`\Delta_{into}` is not quite the change that the fit of `into` gives. ``benchmarks/fit_checks.py``
    counts how often the interval holds the true share.

    References
    ----------
    Fieller (1954), Journal of the Royal Statistical Society B 16, 175-185.
    """
    _check_accounts("into", into, outcome)
    return _displacement(
        _accounts(df, fit, outcome, list(into), treatment=treatment, term=term), outcome, list(into)
    )


def _check_accounts(name: str, accounts: Sequence[str], outcome: str) -> None:
    if isinstance(accounts, str) or not list(accounts) or outcome in accounts:
        raise DesignError(
            f"{name} must name at least one column other than the outcome {outcome!r}, got {accounts!r}; "
            "pass a list such as ['corrections']."
        )


def _accounts(
    df: pd.DataFrame, fit: Fit, outcome: str, others: list[str], *, treatment: str, term: str | None
) -> Refits:
    """Refits of every account and of their sum, with the cases that came or went."""
    need_columns(df, [outcome, treatment, *others])
    numbers = as_numbers(df, [outcome, *others, treatment])
    total = numbers[[outcome, *others]].sum(axis=1, skipna=False)
    # The sum takes the outcome's name in its own variant: a fit may look the name up elsewhere.
    counts = {name: numbers[name] for name in (outcome, *others)}
    variants = [Variant(name, df, {"outcome": name}) for name in counts]
    sums = {_OTHERS: total - numbers[outcome]} if len(others) > 1 else {}
    sums |= {_TOGETHER: total}
    variants += [
        Variant(name, df.assign(**{outcome: values}), {"outcome": outcome}) for name, values in sums.items()
    ]
    found = refit_all(fit, variants, term=term)
    treated = numbers[treatment] > 0
    totals = [float(values[treated].sum()) for values in (counts | sums).values()]
    frame = found.frame.assign(treated_total=totals)
    ratio = frame["estimate"] if null_value(found.scale) == 1 else pd.Series(np.nan, index=frame.index)
    frame["change"] = frame["treated_total"] * (1 - 1 / ratio)
    frame["holm"] = holm(frame["p_value"].where(frame.index.isin(others)))
    return replace(found, frame=frame)


def _displacement(found: Refits, outcome: str, into: list[str]) -> CheckResult:
    frame = _with_share(found, outcome, into)
    risen = _risen(found, into)
    missing = [name for name in (outcome, *into) if found[name]["conclusion"] == NOT_ESTIMATED]
    fell = found[outcome]["conclusion"] == FALL
    excluded = fell and found[_TOGETHER]["conclusion"] == FALL
    passed = False if risen else None if missing or not excluded else True
    key = "failed" if risen else "unknown" if missing else "passed" if excluded else "open"
    sentences = in_both(
        f"check.displacement_{key if fell or key != 'open' else 'no_fall'}",
        outcome=variant_name(outcome),
        estimate=in_words(found[outcome], found.ci_level),
        names=listed(risen or missing or into),
        together=in_words(found[_TOGETHER], found.ci_level),
    )
    if np.isfinite(frame.loc[outcome, "share"]):
        sentences = joined(sentences, _share_in_words(frame.loc[outcome], found.ci_level, excluded=excluded))
    return as_check("displacement", found, passed=passed, sentences=sentences, frame=frame)


def _share_in_words(row: pd.Series, level: float, *, excluded: bool) -> dict[str, str]:
    """The share displaced with its interval; where the other accounts fell too, the upper end alone."""
    low, high = 100 * row["share_low"], 100 * row["share_high"]
    end = "excluded" if excluded else "possible"
    direction = "" if row["share"] >= 0 else "_fell"
    key = "none" if not np.isfinite(high) else "none_above" if direction and high <= 0 else f"span{direction}"
    span = partial(say, f"check.displacement_{key}", level=percent(level), low=low, high=high)
    return in_both(f"check.displacement_{end}{direction}", share=100 * row["share"], span=span)


def _with_share(found: Refits, outcome: str, into: Sequence[str]) -> pd.DataFrame:
    """The frame with the share of the outcome's fall that the sum did not lose, and its interval."""
    frame = found.frame.assign(share=np.nan, share_low=np.nan, share_high=np.nan)
    names = [_TOGETHER, outcome, into[0] if len(into) == 1 else _OTHERS]
    together, change, moved = frame.loc[names, "change"].astype(float)
    if not change < 0 or np.isnan(moved):
        return frame
    errors = [_reach(frame.loc[name], null_value(found.scale)) for name in names]
    covariance = (errors[0] ** 2 + errors[1] ** 2 - errors[2] ** 2) / 2
    bound = errors[0] * errors[1]
    low, high = fieller((together, change), (errors[0], errors[1]), float(np.clip(covariance, -bound, bound)))
    frame.loc[outcome, ["share", "share_low", "share_high"]] = [1 - together / change, 1 - high, 1 - low]
    return frame


def _reach(row: pd.Series, null: float) -> float:
    """How far a change's interval reaches towards no change, so that it holds 0 where the ratio's holds 1.

    The critical value is in it: only the fit knows its degrees of freedom.
    """
    end = row["ci_high"] if row["estimate"] < null else row["ci_low"]
    ratio = np.array([row["estimate"], end], dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        size, to_end = np.log(ratio)
        secant = row["change"] / size if size else row["treated_total"]
    return float(abs(secant * (size - to_end)))


def fieller(
    estimates: tuple[float, float], errors: tuple[float, float], covariance: float
) -> tuple[float, float]:
    r"""Return Fieller's interval of a ratio of two estimates.

    It holds the :math:`\theta` with :math:`(a - \theta b)^2 \le V(a) - 2 \theta C(a, b) + \theta^2 V(b)`.

    Parameters
    ----------
    estimates : tuple of float
        Numerator a and denominator b.
    errors : tuple of float
        Their standard errors, each times the critical value.
    covariance : float
        Of the two, times the square of the critical value; at most the product of the errors in size.

    Returns
    -------
    tuple of float
        Ends; infinite where the denominator's own interval holds 0, NaN where an error is not known.

    References
    ----------
    Fieller (1954), Journal of the Royal Statistical Society B 16, 175-185.

    Examples
    --------
    >>> fieller((3.0, 5.0), (0.0, 3.0), 0.0)  # 3 over the ends of 5 -+ 3
    (0.375, 1.5)
    """
    (top, bottom), (error_top, error_bottom) = estimates, errors
    if np.isnan([top, bottom, error_top, error_bottom, covariance]).any():
        return float("nan"), float("nan")
    square = bottom**2 - error_bottom**2
    if square <= 0 or not np.isfinite([error_top, covariance]).all():
        return -float("inf"), float("inf")
    middle = (top * bottom - covariance) / square
    half = np.sqrt(max(middle**2 - (top**2 - error_top**2) / square, 0.0))
    return float(middle - half), float(middle + half)


def _unknown(found: Refits, accounts: Sequence[str]) -> bool:
    """Whether an account could not be estimated: nothing is then known of it."""
    return any(found[name]["conclusion"] == NOT_ESTIMATED for name in accounts)


def _risen(found: Refits, accounts: Sequence[str]) -> list[str]:
    """The accounts that rose beyond chance, over the family."""
    rows = found.frame.loc[list(accounts)]
    up = (rows["estimate"] > null_value(found.scale)) & (rows["holm"] <= 1 - found.ci_level)
    return [str(name) for name in rows.index[up]]


def attribution(
    df: pd.DataFrame,
    fit: Fit,
    *,
    department: str,
    outcome: str = "losses",
    county: str | None = None,
    county_total: str | None = None,
    treatment: str = "treated_fraction",
    period: str = "period",
    term: str | None = None,
) -> CheckResult:
    """Return losses under the township's own name, under a department's, and of the whole county.

    When enforcement moves between a department and the township, so do the cases over it, with no change in
    how many are lost. The fit is made for the township's own losses, for those that arose in the township
    under a department's name, for both together, and, where the panel has them, for the totals of counties
    by the share of their units under treatment.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    fit : callable
        ``fit(df, **spec) -> Estimates`` of rate ratios; takes `outcome` and, for counties, `unit` and
        `cluster`.
    department : str
        Column of the losses in a department's name over acts in the township.
    outcome : str
        Column.
    county, county_total : str, optional
        Columns of the county and of its total, the same in all its rows of a period. Both or neither.
    treatment, period : str
        Columns.
    term : str, optional
        Row of the estimates that is checked; by default the first.

    Returns
    -------
    CheckResult
        Failed if losses in a department's name rise, or own losses fall while own and department's together
        do not. Frame as of `refits.Refits` with ``treated_total, change``.

    Raises
    ------
    DataError
        If a column is missing, or a county's total differs within a period.
    DesignError
        If `department` is the outcome, or one of `county` and `county_total` is given alone.
    UntestableError
        If nothing can be estimated.

    Notes
    -----
    Assumed: both kinds of losses are located by the township in which the act was done. The totals of
    counties are for information: with one pilot in a county of fifteen units a fall in the pilots moves
    them little, and the ratio given is that of a county with all units treated.
    """
    _check_accounts("department", [department], outcome)
    found = _accounts(df, fit, outcome, [department], treatment=treatment, term=term)
    if (county is None) != (county_total is None):
        raise DesignError("county and county_total must be given together; name both columns or neither.")
    frame = found.frame
    if county is not None and county_total is not None:
        totals = _counties(df, (county, period), county_total, outcome=outcome, treatment=treatment)
        spec = {"unit": county, "cluster": county, "outcome": outcome}
        whole = refit_all(fit, [Variant(outcome, df), Variant(_COUNTY, totals, spec)], term=term)
        frame = pd.concat([frame, whole.frame.loc[[_COUNTY]]])
        notes = tuple(dict.fromkeys((*found.notes, *whole.notes)))
        found = replace(found, frame=frame, notes=notes)
    return _attribution(found, outcome, department)


def _counties(
    df: pd.DataFrame, keys: tuple[str, str], county_total: str, *, outcome: str, treatment: str
) -> pd.DataFrame:
    """One row a county and period: its total as the outcome, the share treated, other numbers added up."""
    need_columns(df, [*keys, county_total])
    known = df.drop_duplicates([*keys, county_total])
    if known.duplicated(list(keys)).any():
        raise DataError(f"{county_total!r} must be one number a county and period; add the cases up first.")
    columns = df.select_dtypes("number").columns.difference([county_total, *keys], sort=False)
    grouped = as_numbers(df, columns).groupby([df[key] for key in keys], sort=False)
    totals = grouped.sum(min_count=1)
    totals[treatment] = grouped[treatment].mean()
    totals[outcome] = known.set_index(list(keys))[county_total]
    totals = totals.reset_index().assign(
        synthetic=bool(df["synthetic"].any()) if "synthetic" in df else False
    )
    totals.attrs = dict(df.attrs)
    return totals


def _attribution(found: Refits, outcome: str, department: str) -> CheckResult:
    frame = found.frame
    risen = _risen(found, [department])
    own, together = found[outcome]["conclusion"], found[_TOGETHER]["conclusion"]
    lost = own == FALL and together in (RISE, "undecided", "not estimated")
    key = "moved" if risen else "lost" if lost else "passed"
    sentences = in_both(
        f"check.attribution_{key}",
        estimate=in_words(found[outcome], found.ci_level),
        department=in_words(found[department], found.ci_level),
        together=in_words(found[_TOGETHER], found.ci_level),
    )
    if _COUNTY in frame.index:
        county = in_words(found[_COUNTY], found.ci_level)
        sentences = joined(sentences, in_both("check.attribution_county", estimate=county))
    passed = False if risen or lost else None if _unknown(found, [department]) else True
    return as_check("attribution", found, passed=passed, sentences=sentences, frame=frame)
