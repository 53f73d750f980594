"""Conditional Poisson association of a dose with the split of a unit's counts between pre and post.

Given the unit's total m, counts that are Poisson with a level of the unit's own leave
``post ~ Binomial(m, p)`` with ``logit p = log(exposure_post / exposure_pre) + strata + beta * dose`` (and
covariates): the levels drop out, and so do units without any count. ``exp(beta)`` is the factor by which the
ratio of the post rate to the pre rate differs between doses one standard deviation apart.

The test is the efficient score at beta of 0 over the root of the clusters' squared scores. It does not rest
on the Poisson variance: overdispersion and series cases within a cluster widen the denominator.

References
----------
Cameron and Trivedi (2013), Regression Analysis of Count Data, 2nd ed., section 9.3.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import statsmodels.api as sm
from scipy.optimize import brentq
from statsmodels.genmod.generalized_linear_model import GLMResults
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from reform_analysis.influence import Studentised
from reform_analysis.permutation import Design, Floats, Integers

_FLAT = 100.0  # model-based standard error of a log ratio that the counts leave open
_FARTHEST = 10.0  # a ratio of 22,000 for one standard deviation


@dataclass(frozen=True, eq=False)
class Split:
    """Counts of the units that have any, and what explains their split beside the dose.

    Parameters
    ----------
    pre, post : ndarray, shape (n,)
        Counts; at least one of the two is positive in every unit.
    offset : ndarray, shape (n,)
        Log of exposure_post / exposure_pre; 0 without exposures.
    nuisance : ndarray, shape (n, q)
        Strata dummies and covariates.
    design : Design
    """

    pre: Floats
    post: Floats
    offset: Floats
    nuisance: Floats
    design: Design


def _fitted(split: Split, *, columns: Floats, offset: Floats, **options: Any) -> GLMResults:
    """Binomial fit of the split; far from the estimate, and under separation, shares of 0 and 1 are right."""
    both = np.column_stack([split.post, split.pre])
    model = sm.GLM(both, columns, family=sm.families.Binomial(), offset=offset)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        return model.fit(**options)


@dataclass(frozen=True, eq=False)
class Score:
    """The score test at one value of the log rate ratio, ready to be permuted.

    Parameters
    ----------
    dose : ndarray, shape (n,)
        In standard deviations, less what the nuisance explains under the weights.
    residual : ndarray, shape (n,)
        Post counts less those expected.
    onto, back : ndarray, shape (n, q)
        ``dose - (dose @ onto) @ back.T`` is the dose less what the nuisance explains.
    design : Design
    """

    dose: Floats
    residual: Floats
    onto: Floats
    back: Floats
    design: Design

    def statistics(self, donor: Integers) -> Studentised:
        """Return the score of the donors' doses.

        Parameters
        ----------
        donor : ndarray of int, shape (rows, n)

        Returns
        -------
        Studentised
            Arrays of shape (rows,): score, root of the clusters' squared scores, their ratio.
        """
        dose = self.dose[donor]
        dose = dose - (dose @ self.onto) @ self.back.T
        score = self.design.sums(dose * self.residual)
        total, spread = score.sum(axis=1), np.sqrt(np.einsum("ij,ij->i", score, score))
        ratio = np.divide(total, spread, out=np.zeros_like(total), where=spread > 0)
        return Studentised(total, spread, ratio)


def score(split: Split, dose: Floats, *, log_ratio: float = 0.0) -> Score:
    """Return the score test of one log rate ratio.

    Parameters
    ----------
    split : Split
    dose : ndarray, shape (n,)
        In standard deviations.
    log_ratio : float
        The value of beta tested; strata and covariates are fitted given it.

    Returns
    -------
    Score
    """
    offset = split.offset + log_ratio * dose
    total = split.pre + split.post
    start = np.linalg.lstsq(split.nuisance * total[:, None], -offset * total, rcond=None)[0]
    fitted = _fitted(split, columns=split.nuisance, offset=offset, start_params=start)
    with np.errstate(over="ignore"):  # the fitted values are computed here, not in the fit
        expected = fitted.fittedvalues
    weighted = split.nuisance * (total * expected * (1 - expected))[:, None]
    onto = weighted @ np.linalg.pinv(split.nuisance.T @ weighted)
    left = dose - (dose @ onto) @ split.nuisance.T
    return Score(left, split.post - total * expected, onto, split.nuisance, split.design)


def _statistic(split: Split, dose: Floats, log_ratio: float) -> float:
    alone = np.arange(len(dose))[None, :]
    return float(score(split, dose, log_ratio=log_ratio).statistics(alone).statistic[0])


@dataclass(frozen=True)
class LogRatio:
    """A log rate ratio per standard deviation of the dose, with its cluster-robust standard error."""

    estimate: float
    std_error: float


def fit(split: Split, dose: Floats) -> LogRatio:
    """Fit the log rate ratio by conditional maximum likelihood.

    Parameters
    ----------
    split : Split
    dose : ndarray, shape (n,)
        In standard deviations.

    Returns
    -------
    LogRatio
        NaN in both fields where the counts leave no finite maximum.
    """
    columns = np.column_stack([dose, split.nuisance])
    cluster = np.arange(len(dose)) if split.design.cluster is None else split.design.cluster
    robust = {"cov_type": "cluster", "cov_kwds": {"groups": cluster}}
    fitted = _fitted(split, columns=columns, offset=split.offset, **robust)
    # Separated counts drive the information to nothing while the robust standard error looks fine.
    curvature = np.sqrt(fitted.normalized_cov_params[0, 0])
    if not fitted.converged or not curvature < _FLAT:
        return LogRatio(np.nan, np.nan)
    return LogRatio(float(fitted.params[0]), float(fitted.bse[0]))


def interval(
    split: Split, dose: Floats, *, fitted: LogRatio, critical: float, null_rejected: bool | None = None
) -> tuple[float, float]:
    """Invert the studentised score test.

    Parameters
    ----------
    split : Split
    dose : ndarray, shape (n,)
        In standard deviations.
    fitted : LogRatio
        As `fit` returns it.
    critical : float
        Size that the statistic has to exceed, from the permutations.
    null_rejected : bool, optional
        Whether the test rejects a log rate ratio of 0, which then lies outside, or inside. By default it is
        not looked at.

    Returns
    -------
    tuple of float
        Lowest and highest log rate ratio not rejected; infinite where the statistic never exceeds
        `critical` on that side, NaN where there is no estimate.
    """
    if not np.isfinite(fitted.estimate):
        return np.nan, np.nan
    low, high = (
        _crossing(split, dose, fitted, critical, side, null_rejected=null_rejected) for side in (-1, 1)
    )
    return low, high


def _crossing(
    split: Split, dose: Floats, fitted: LogRatio, critical: float, side: int, *, null_rejected: bool | None
) -> float:
    """Where the statistic reaches the critical size, going from the estimate to one side."""

    def excess(step: float) -> float:
        return -side * _statistic(split, dose, fitted.estimate + side * step) - critical

    inner, outer = 0.0, max(critical * fitted.std_error, 1e-3)
    to_null = -side * fitted.estimate
    if null_rejected is not None and 0 < to_null < _FARTHEST:
        inner, outer = (0.0, to_null) if null_rejected else (to_null, max(outer, 2 * to_null))
        if excess(inner) >= 0 or (null_rejected and excess(outer) <= 0):
            return 0.0  # the critical size is reached at the null value, up to rounding
    while not excess(outer) >= 0:
        inner, outer = outer, 2 * outer
        if outer > _FARTHEST:
            return side * np.inf
    return fitted.estimate + side * float(brentq(excess, inner, outer, xtol=1e-6))
