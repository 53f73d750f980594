"""What a null result excludes: the values beyond the ends of an interval that holds no effect."""

import math

_NONE_AT = {
    "rate_ratio": (0.0, 1.0, math.inf),
    "odds_ratio": (0.0, 1.0, math.inf),
    "correlation": (-1.0, 0.0, 1.0),
    "difference": (-math.inf, 0.0, math.inf),
    "log_rate_ratio": (-math.inf, 0.0, math.inf),
}


def excluded_ends(low: float, high: float, *, scale: str) -> tuple[float, float] | None:
    """Return the values below and above which a null result excludes all others.

    Parameters
    ----------
    low, high : float
        Interval of the result.
    scale : str
        As `Estimates` names it.

    Returns
    -------
    tuple of float or None
        NaN where nothing on that side is excluded: the end is missing, or is the last value of the scale.
        None where the result is no null result: the interval lies beside the value of no effect, it is
        missing altogether, or the scale has no such value.

    Examples
    --------
    >>> excluded_ends(0.6, 1.3, scale="rate_ratio"), excluded_ends(0.2, 0.6, scale="correlation")
    ((0.6, 1.3), None)
    >>> excluded_ends(0.0, float("inf"), scale="rate_ratio")
    (nan, nan)
    """
    if scale not in _NONE_AT or (math.isnan(low) and math.isnan(high)):
        return None
    least, null, most = _NONE_AT[scale]
    if low > null or high < null:
        return None
    return low if low > least else math.nan, high if high < most else math.nan
