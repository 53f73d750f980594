"""Whether losses fell or only moved: to a department, into reconsideration, into withdrawals."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reform_analysis.estimates import CheckResult, DataError, DesignError
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

_TOGETHER = "all together"
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
    r"""Return whether what fell on one account rose on another.

    The fit is made for the outcome, for every count in `into`, and for their sum. With a ratio
    :math:`r_k` and the count :math:`T_k` in treated cells the change of count k is
    :math:`\Delta_k = T_k (1 - 1/r_k)`, and the share displaced

    .. math:: - \sum_{k \in into} \Delta_k \, / \, \Delta_{outcome} .

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
        Failed if a count in `into` rises, with a Holm-adjusted p of at most 1 less the fit's level; None if
        none does but full displacement is not excluded, or one could not be estimated. Frame as of
        `refits.Refits` with ``holm, treated_total, change`` (cases in treated cells).

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
    Assumed: pilots and others would have moved alike on every account. A pass says that no rise was shown
    and that full displacement is excluded: the interval of the sum lies below no change. Large counts in
    `into` drown the outcome, and then it hardly ever does: the result is undecided, not passed. Withdrawals
    and mediation after the reform are outcomes of it, so conditioning on them shows no mechanism: not causal.
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
    variants = [Variant(name, df, {"outcome": name}) for name in (outcome, *others)]
    variants.append(Variant(_TOGETHER, df.assign(**{outcome: total}), {"outcome": outcome}))
    found = refit_all(fit, variants, term=term)
    treated = numbers[treatment] > 0
    totals = numbers.loc[treated, [outcome, *others]].sum().to_list()
    frame = found.frame.assign(treated_total=[*totals, float(total[treated].sum())])
    ratio = frame["estimate"] if null_value(found.scale) == 1 else pd.Series(np.nan, index=frame.index)
    frame["change"] = frame["treated_total"] * (1 - 1 / ratio)
    frame["holm"] = holm(frame["p_value"].where(frame.index.isin(others)))
    return Refits(frame, found.scale, found.ci_level, found.synthetic, found.notes)


def _displacement(found: Refits, outcome: str, into: list[str]) -> CheckResult:
    frame = found.frame
    risen = _risen(found, into)
    change = float(frame.loc[outcome, "change"])
    share = -float(frame.loc[into, "change"].sum(skipna=False)) / change if change < 0 else np.nan
    missing = [name for name in (outcome, *into) if found[name]["conclusion"] == NOT_ESTIMATED]
    excluded = found[_TOGETHER]["conclusion"] == FALL
    passed = False if risen else None if missing or not excluded else True
    key = "failed" if risen else "unknown" if missing else "passed" if excluded else "open"
    sentences = in_both(
        f"check.displacement_{key}",
        outcome=variant_name(outcome),
        estimate=in_words(found[outcome], found.ci_level),
        names=listed(risen or missing or into),
        together=in_words(found[_TOGETHER], found.ci_level),
    )
    if np.isfinite(share):
        end = "excluded" if excluded else "possible"
        direction = "" if share >= 0 else "_fell"
        sentences = joined(sentences, in_both(f"check.displacement_{end}{direction}", share=100 * share))
    return as_check("displacement", found, passed=passed, sentences=sentences, frame=frame)


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
        found = Refits(frame, found.scale, found.ci_level, found.synthetic, notes)
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
