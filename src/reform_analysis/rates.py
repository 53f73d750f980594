"""Two event counts compared as a rate ratio, without a normal approximation."""

from typing import Literal, cast, get_args

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import binom, binomtest, norm

from reform_analysis.estimates import (
    Estimates,
    require_choice,
    require_level,
    require_number,
    require_whole_number,
)

MOST_RATIO = 1e9  # exposures further apart than that are a slip

Method = Literal["exact", "midp", "score"]

_ASSUMPTION = "Independent Poisson counts are assumed; overdispersion or suits in series widen the interval."


def compare_counts(
    after: int,
    before: int,
    *,
    exposure_ratio: float = 1.0,
    ci_level: float = 0.95,
    method: Method = "exact",
) -> Estimates:
    r"""Rate ratio of two event counts, by conditioning on their sum.

    Given `after` + `before` = n, `after` is binomial with

    .. math:: p = \rho E / (1 + \rho E), \qquad E = \text{exposure after} / \text{exposure before},

    so a test or interval for p is one for the rate ratio :math:`\rho`. Use it for two totals; it says
    whether the rates differ by more than Poisson chance, not why.

    Parameters
    ----------
    after, before : int
        Events in the later and the earlier period.
    exposure_ratio : float
        Exposure after over exposure before (months counted, cases concluded). 1 compares raw counts.
    ci_level : float
        Level of the interval.
    method : {"exact", "midp", "score"}
        "exact": the conditional test and the Clopper-Pearson interval, as R's ``poisson.test``.
        `p_value` sums the outcomes no likelier than the observed one, as in R, while the interval cuts
        both tails alike, so the two can disagree; `p_central` (twice the smaller tail) always agrees with
        the interval. "midp": the observed outcome counts half in each tail, and the interval inverts that
        test. "score": the score test and the interval that inverts it (Wilson's, turned into a ratio).

    Returns
    -------
    Estimates
        One term, "rate_ratio", on that scale; `std_error` is the Wald one of the log ratio,
        sqrt(1/after + 1/before), NaN if a count is zero. A zero count leaves alpha/2 on the other bound,
        as R does. 0 against 0: estimate NaN, interval (0, inf), p 1.

    Raises
    ------
    DataError
        If a count is no whole number of at least 0, `exposure_ratio` is not between 1e-9
        and 1e9, or `ci_level` not between one half and one.

    Notes
    -----
    Identifying assumption: both counts are independent Poisson variables with constant rates over
    their exposure. A causal reading also needs that nothing else changed the rate.

    References
    ----------
    Przyborowski and Wilenski (1940), Biometrika 31, 313-323 (the conditional test).
    Clopper and Pearson (1934), Biometrika 26, 404-413. Gu, Ng, Tang and Schucany (2008), Biometrical
    Journal 50, 283-298 (score and mid-p tests of two rates).

    Examples
    --------
    >>> compare_counts(32, 53).to_frame().round(4).iloc[0].tolist()
    [0.6038, 0.2239, 0.3767, 0.9538, 0.0295]
    """
    after = require_whole_number("after", after)
    before = require_whole_number("before", before)
    way_out = "pass exposure after divided by exposure before."
    exposure_ratio = require_number(
        "exposure_ratio", exposure_ratio, above=1 / MOST_RATIO, below=MOST_RATIO, way_out=way_out
    )
    ci_level = require_level(ci_level)
    chosen = cast("Method", require_choice("method", method, get_args(Method)))

    p_value, p_central = _p_values(after, before, exposure_ratio, chosen)
    low, high = _interval(after, before, ci_level, chosen)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.divide(float(after), float(before)) / exposure_ratio
    std_error = np.sqrt(1 / after + 1 / before) if after and before else np.nan
    row = [estimate, std_error, low / exposure_ratio, high / exposure_ratio, p_value]
    term = pd.Index(["rate_ratio"], name="term")
    return Estimates(
        frame=pd.DataFrame(
            [row], index=term, columns=["estimate", "std_error", "ci_low", "ci_high", "p_value"]
        ),
        scale="rate_ratio",
        ci_level=ci_level,
        method=f"two Poisson counts, conditional, {chosen}",
        n_obs=2,
        vcov=pd.DataFrame([[std_error**2]], index=term, columns=term),
        p_central=pd.Series([p_central], index=term, name="p_central"),
        notes=(
            f"p_central = {p_central:.6g} (twice the smaller tail; agrees with the interval).",
            _ASSUMPTION,
        ),
    )


def _p_values(after: int, before: int, exposure_ratio: float, method: Method) -> tuple[float, float]:
    """Return the two-sided p-value of `method` and the central one, for a rate ratio of 1."""
    total = after + before
    if total == 0:
        return 1.0, 1.0
    share = exposure_ratio / (1 + exposure_ratio)
    if method == "score":
        p_value = _score_p(after, total, share)
        return p_value, p_value
    weight = 1.0 if method == "exact" else 0.5
    central = min(1.0, 2 * min(_tails(after, total, share, weight)))
    p_value = float(binomtest(after, total, share).pvalue) if method == "exact" else central
    return p_value, central


def _score_p(after: int, total: int, share: float) -> float:
    """Two-sided p of the score test that a binomial share is `share`."""
    z = (after - total * share) / np.sqrt(total * share * (1 - share))
    return float(2 * norm.sf(abs(z)))


def _tails(count: int, total: int, share: float, weight: float) -> tuple[float, float]:
    """Lower and upper tail at `count`, the observed outcome weighted by `weight`."""
    point = binom.pmf(count, total, share)
    lower = binom.cdf(count - 1, total, share) + weight * point
    upper = binom.sf(count, total, share) + weight * point
    return float(lower), float(upper)


def _interval(after: int, before: int, ci_level: float, method: Method) -> tuple[float, float]:
    """Interval for the ratio of counts (exposure not yet taken out)."""
    total = after + before
    if total == 0:
        return 0.0, np.inf
    kind = "wilson" if method == "score" else "exact"
    bounds = binomtest(after, total).proportion_ci(ci_level, method=kind)
    low, high = float(bounds.low), float(bounds.high)
    if method == "midp":
        low, high = _midp_shares(after, total, ci_level, low, high)
    return (low / (1 - low) if after else 0.0), (high / (1 - high) if before else np.inf)


def _midp_shares(count: int, total: int, ci_level: float, low: float, high: float) -> tuple[float, float]:
    """Invert the mid-p test; the Clopper-Pearson bounds `low` and `high` enclose its interval."""
    alpha = (1 - ci_level) / 2
    observed = count / total

    def excess(share: float, tail: int) -> float:
        return _tails(count, total, share, 0.5)[tail] - alpha

    if count:
        low = brentq(excess, low, observed, args=(1,), xtol=1e-300, rtol=1e-13)
    if count < total:
        high = brentq(excess, observed, high, args=(0,), xtol=1e-300, rtol=1e-13)
    return low, high
