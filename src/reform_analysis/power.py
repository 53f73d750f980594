"""How large an association has to be before a study of this size can see it."""

import numpy as np
from statsmodels.stats.power import NormalIndPower

from reform_analysis.estimates import require_level, require_number, require_whole_number

LEAST_UNITS = 4  # Fisher's variance is 1/(n - 3)


def detectable_correlation(units: int, *, power: float = 0.8, ci_level: float = 0.95) -> float:
    r"""Smallest correlation that a two-sided test finds with the given power.

    By Fisher's transformation, :math:`\operatorname{artanh} r` is normal with variance 1/(n - 3). Use it to
    say, before the result is seen, what the study could have found.

    Parameters
    ----------
    units : int
        Units that enter the correlation, at least 4.
    power : float
        Probability of finding it.
    ci_level : float
        1 - ci_level is the level of the test.

    Returns
    -------
    float
        Absolute correlation, between 0 and 1, good to four decimals.

    Raises
    ------
    DataError
        If `units` is no whole number of at least 4, or `power` or `ci_level` no such probability.

    Notes
    -----
    Assumes two jointly normal variables and independent units. Ties (most changes in losses are zero) and
    clusters make the power lower than this: it is the best case.

    References
    ----------
    Fisher (1921), Metron 1, 3-32. Cohen (1988), Statistical Power Analysis, 2nd ed., chapter 3.

    Examples
    --------
    >>> round(detectable_correlation(89), 2)
    0.29
    """
    units = require_whole_number("units", units, least=LEAST_UNITS)
    power = require_number("power", power, above=0, below=1, way_out="pass 0.8 for 80%.")
    level = require_level(ci_level)
    effect = NormalIndPower(ddof=3).solve_power(nobs1=units, alpha=1 - level, power=power, ratio=0)
    return float(np.tanh(effect))
