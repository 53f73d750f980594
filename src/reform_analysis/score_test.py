r"""Student's test of contributions that sum to a score, with their squares as its variance.

With contributions :math:`u_c` of G clusters, :math:`S = \sum u_c / \sqrt{\sum u_c^2}` and the t statistic of
their mean, T, say the same: :math:`T = S \sqrt{(G - 1) / (G - S^2)}`. Squares that are not centred make the
test easy to invert (an interval solves for S); this turns the critical value of T, with G - 1 degrees of
freedom, into that of S.
"""

import numpy as np
from scipy import stats


def critical_value(clusters: int, level: float) -> float:
    """Return how large S may be, in absolute value.

    Parameters
    ----------
    clusters : int
        Two or more.
    level : float
        Of the interval: 0.95 for a test at 5%.

    Returns
    -------
    float
        Below the root of `clusters`, which S never exceeds.

    Examples
    --------
    >>> round(critical_value(11, 0.95), 3), round(critical_value(10_000, 0.95), 3)
    (1.91, 1.96)
    """
    t = float(stats.t.ppf((1 + level) / 2, clusters - 1))
    return t * float(np.sqrt(clusters / (clusters - 1 + t**2)))


def two_sided_p(statistic: float, clusters: int) -> float:
    """Return the p-value of S.

    Parameters
    ----------
    statistic : float
        S, of either sign.
    clusters : int
        Two or more.

    Returns
    -------
    float

    Examples
    --------
    >>> round(two_sided_p(critical_value(11, 0.95), 11), 12)
    0.05
    """
    beyond = max(clusters - statistic**2, 0.0)
    with np.errstate(divide="ignore"):
        t = abs(statistic) * np.sqrt(np.divide(clusters - 1, beyond))
    return float(2 * stats.t.sf(t, clusters - 1))
