r"""Rates that are a group's level times a period's, fitted to untreated cells, and what they predict.

The mean of cell (g, t) is :math:`e_{gt} \exp(a_g + \tau_t)`. Levels are concentrated out: given the periods a
group's level is its count over its weighted exposure, so Newton's method runs over the periods alone and a
group may be a cohort or a single unit. A group without events has level 0, not a missing one.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from reform_analysis.estimates import StatisticalWarning, UntestableError

Floats = NDArray[np.float64]

_STEPS = 100
_TOLERANCE = 1e-12  # of the score, relative to the number of events
_LEAST_STEP = 1e-13  # of a log


@dataclass(frozen=True, eq=False)
class TwoWayRates:
    """The fit.

    Parameters
    ----------
    level : ndarray, shape (groups,)
        :math:`\\exp(a_g)`; 0 without events, NaN without exposure.
    period : ndarray, shape (periods,)
        :math:`\\exp(\\tau_t)`, 1 for the first period with events; 0 for a period without.
    share : ndarray, shape (groups, periods)
        What share of a group's fitted events falls in a period.
    information : ndarray, shape (periods, periods)
        Of the logs of the periods, levels concentrated out.
    log_likelihood : float
        Poisson, levels and periods maximised, without the constant log(y!).
    """

    level: Floats
    period: Floats
    share: Floats
    information: Floats
    log_likelihood: float

    @property
    def rates(self) -> Floats:
        """Fitted events per exposure.

        Returns
        -------
        ndarray, shape (groups, periods)
        """
        rates: Floats = self.level[:, None] * self.period
        return rates


def fit_two_way(counts: Floats, exposure: Floats, *, start: Floats | None = None) -> TwoWayRates:
    r"""Fit levels of groups and of periods by Poisson maximum likelihood.

    Parameters
    ----------
    counts, exposure : ndarray, shape (groups, periods)
        Exposure is 0 in a cell that is not used, and so are its counts.
    start : ndarray, shape (periods,), optional
        Values of :math:`\exp(\tau)` to start from.

    Returns
    -------
    TwoWayRates

    Raises
    ------
    UntestableError
        If the cells have no events, or fall into parts that no group or period links.

    Warns
    -----
    StatisticalWarning
        If 100 Newton steps do not converge, which means that some level is infinite.

    Notes
    -----
    With groups as units this is the conditional (multinomial) likelihood of Hausman, Hall and Griliches
    (1984), Econometrica 52, 909-938, which has no incidental-parameter bias.
    """
    total, by_period = counts.sum(axis=1), counts.sum(axis=0)
    groups, periods = total > 0, by_period > 0
    if not groups.any():
        raise UntestableError(
            "the untreated cells must have events, got none; take more periods or controls."
        )
    y, e = counts[np.ix_(groups, periods)], exposure[np.ix_(groups, periods)]
    _require_links(e)
    log_period = _newton(y, e, None if start is None else np.log(np.maximum(start[periods], 1e-300)))
    weights = e * np.exp(log_period)
    sizes = weights.sum(axis=1)
    fitted = (total[groups] / sizes)[:, None] * weights
    level, period = np.zeros(len(total)), np.zeros(len(by_period))
    level[groups], period[periods] = total[groups] / sizes, np.exp(log_period)
    level[exposure.sum(axis=1) <= 0] = np.nan
    share, information = np.zeros(counts.shape), np.zeros((len(by_period), len(by_period)))
    share[np.ix_(groups, periods)] = weights / sizes[:, None]
    information[np.ix_(periods, periods)] = _information(fitted, weights / sizes[:, None])
    log_likelihood = float((y * np.log(np.where(y > 0, fitted, 1.0))).sum() - fitted.sum())
    return TwoWayRates(level, period, share, information, log_likelihood)


def _newton(y: Floats, e: Floats, start: Floats | None) -> Floats:
    """Logs of the periods, the first 0, by Newton's method with halved steps."""
    by_period, total = y.sum(axis=0), y.sum(axis=1)
    at: Floats = np.log(by_period / e.sum(axis=0)) if start is None else start
    at = at - at[0]
    for _ in range(_STEPS):
        weights = e * np.exp(at)
        share = weights / weights.sum(axis=1, keepdims=True)
        fitted = total[:, None] * share
        score = by_period - fitted.sum(axis=0)
        if np.abs(score).max() <= _TOLERANCE * by_period.sum():
            return at
        step = np.zeros(len(at))
        step[1:] = np.linalg.lstsq(_information(fitted, share)[1:, 1:], score[1:], rcond=None)[0]
        step = _shortened(step, lambda log_period: _profile(log_period, by_period, total, e), at)
        at = at + step
        if np.abs(step).max() <= _LEAST_STEP:
            return at
    warnings.warn(
        "The period effects did not converge in 100 steps: some cell is separated; the estimates are limits.",
        StatisticalWarning,
        stacklevel=4,
    )
    return at


def _shortened(step: Floats, profile: Callable[[Floats], float], at: Floats) -> Floats:
    """The step, halved until the likelihood does not fall; 0 where rounding lets it rise no more."""
    value = profile(at)
    for _ in range(30):
        if profile(at + step) >= value - 1e-14 * abs(value):
            return step
        step = step / 2
    return 0 * step


def _profile(at: Floats, by_period: Floats, total: Floats, e: Floats) -> float:
    """Multinomial log-likelihood of the periods."""
    return float(by_period @ at - total @ np.log(e @ np.exp(at)))


def _information(fitted: Floats, share: Floats) -> Floats:
    information: Floats = np.diag(fitted.sum(axis=0)) - share.T @ fitted
    return information


def _require_links(e: Floats) -> None:
    """Raise where groups and periods fall into parts: their levels cannot be compared."""
    group, period = np.nonzero(e)
    size = sum(e.shape)
    graph = coo_array((np.ones(len(group)), (group, period + e.shape[0])), shape=(size, size))
    parts = connected_components(graph, directed=False)[0]
    if parts > 1:
        raise UntestableError(
            f"the untreated cells must be linked by common periods, got {parts} separate parts; "
            "restrict the periods, or add controls observed throughout."
        )
