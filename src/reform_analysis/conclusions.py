"""Which refits conclude otherwise than the reported one, and which conclude nothing."""

from collections.abc import Iterable

from reform_analysis.refits import NOT_ESTIMATED, Refits


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
