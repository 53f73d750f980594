"""Which refits conclude otherwise than the reported one, which nothing, and where nothing is to overturn."""

from collections.abc import Iterable
from dataclasses import replace

from reform_analysis.estimates import CheckResult, Estimates
from reform_analysis.refits import NOT_ESTIMATED, UNDECIDED, Refits, concluded, in_both, joined

OVERTURNING = ("oster_delta", "specification_curve")  # bounds on the common trend see to themselves


def concluding_otherwise(found: Refits, main: str, *, leave: Iterable[str] = ()) -> list[str]:
    """Return the variants that conclude otherwise than the main one.

    Parameters
    ----------
    found : Refits
    main : str
        The variant that is reported.
    leave : iterable of str
        Variants that are not compared.

    Returns
    -------
    list of str
        Variants whose conclusion differs. One that could not be estimated has none that could differ;
        `not_estimated` names those.
    """
    left = [*leave, *not_estimated(found)]
    others = found.frame.drop(index=[main, *left], errors="ignore")
    return [str(name) for name in others.index[others["conclusion"] != found[main]["conclusion"]]]


def not_estimated(found: Refits, *, leave: Iterable[str] = ()) -> list[str]:
    """Return the variants that could not be estimated: what the conclusion is under them is not known.

    Parameters
    ----------
    found : Refits
    leave : iterable of str
        Variants that are not looked at.

    Returns
    -------
    list of str
    """
    others = found.frame.drop(index=list(leave), errors="ignore")
    return [str(name) for name in others.index[others["conclusion"] == NOT_ESTIMATED]]


def nothing_to_overturn(
    check: CheckResult, estimates: Estimates | None, *, term: str | None = None
) -> CheckResult:
    """Return a check for information where it asks what would overturn a finding and there is none.

    Parameters
    ----------
    check : CheckResult
    estimates : Estimates or None
        The result that is checked; None where nothing could be estimated.
    term : str, optional
        Row of `estimates`; by default the first.

    Returns
    -------
    CheckResult
        The check as it is, unless it is one of `OVERTURNING` and there is no estimate, or its interval holds
        no change: then ``passed`` is None, and its sentences say so.
    """
    if check.name not in OVERTURNING or check.passed is None or _decided(estimates, term):
        return check
    said = joined(check.sentences, in_both("check.nothing_to_overturn"))
    return replace(check, passed=None, sentences=said, frame=check.to_frame())


def _decided(estimates: Estimates | None, term: str | None) -> bool:
    if estimates is None:
        return False
    row = estimates.to_frame().iloc[0] if term is None else estimates.to_frame().loc[term]
    found = concluded(row["estimate"], row["p_value"], scale=estimates.scale, ci_level=estimates.ci_level)
    return found not in (UNDECIDED, NOT_ESTIMATED)
