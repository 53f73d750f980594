"""Intervals that hold if the common trend fails by at most a multiple of how it failed before adoption.

The restriction of Rambachan and Roth (2023, section 2.4.1) and their conditional least-favourable hybrid
test, in closed form: the linear programme behind the test has as many extreme points as there are
post-periods, plus two, so no programme is solved.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import ndtr, ndtri

from reform_analysis.event_coefficients import EventCoefficients

Array = NDArray[Any]

_FIRST_STAGE = 0.1  # share of the level that the least-favourable stage takes (Rambachan and Roth, p. 2574)
_FAR = 9.0  # standard deviations: nothing lies beyond
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(400)
_POINTS = 1_001
_HALVINGS = 40
_EQUAL = 1e-9


@dataclass(frozen=True, eq=False)
class Moments:
    r"""The moment inequalities of one pre-period change, at the extreme points of the dual programme.

    If the largest change between consecutive pre-period deviations is w and post-period changes are at most
    :math:`\bar M w`, then at the true effect each row has an expectation of at most 0.

    Parameters
    ----------
    value : ndarray of float, shape (points,)
        Rows at an effect of 0.
    slope : ndarray of float, shape (points,)
        What an effect of 1 takes from each row.
    covariance : ndarray of float, shape (points, points)
    first : float
        Critical value of the first, least-favourable stage of the test.
    """

    value: Array
    slope: Array
    covariance: Array
    first: float


def moments(study: EventCoefficients, weights: Array, mbar: float, *, level: float) -> Iterator[Moments]:
    r"""Yield the moments of every pre-period change, in both directions.

    With :math:`n_t = \sum_{k \ge t} l_k` the effect is :math:`l'\beta = \sum_t n_t (\beta_t - \beta_{t-1})`,
    so the extreme points are two rows :math:`\pm(l'\beta - \theta) - \bar M \lVert n \rVert_1 w` and, for
    each post-period, :math:`-2 \bar M w`, each over the sum of the standard deviations of the inequalities
    it joins.

    Parameters
    ----------
    study : EventCoefficients
    weights : ndarray of float, shape (post-periods,)
        Weights l of the effect.
    mbar : float
        Multiple of the largest pre-period change.
    level : float
        Confidence level of the interval.

    Yields
    ------
    Moments
        Two for each change between consecutive pre-periods, the reference period included.
    """
    changes = _changes(study.n_pre, len(weights))
    before = changes[: study.n_pre]
    for largest in (*before, *-before):
        yield _moments_of(largest, changes[study.n_pre :], study, weights, mbar=mbar, level=level)


def _moments_of(
    largest: Array, post: Array, study: EventCoefficients, weights: Array, *, mbar: float, level: float
) -> Moments:
    """Moments if `largest` is the largest change; the whole test depends on the effect and on it alone."""
    later = np.cumsum(weights[::-1])[::-1]
    effect = np.r_[np.zeros(study.n_pre), weights]
    up, down = (_sds(sign * post - mbar * largest, study.vcov) for sign in (1, -1))
    norms = np.array([np.abs(later) @ np.where(sign * later >= 0, up, down) for sign in (1, -1)])
    tilt = mbar * np.abs(later).sum()
    pairs = 2 * mbar / (up + down)
    scale = np.c_[np.r_[1 / norms[0], -1 / norms[1], 0 * pairs], np.r_[-tilt / norms, -pairs]]
    both = np.vstack([effect, largest])
    joint = both @ study.vcov @ both.T
    return Moments(
        value=scale @ both @ study.coefficients,
        slope=scale[:, 0],
        covariance=scale @ joint @ scale.T,
        first=_first_stage_value(joint, norms, tilt, pairs.max(), 1 - _FIRST_STAGE * (1 - level)),
    )


def _changes(n_pre: int, n_post: int) -> Array:
    """Rows that take changes between consecutive periods from coefficients without the reference (0)."""
    difference = np.diff(np.eye(n_pre + n_post + 1), axis=0)
    return np.delete(difference, n_pre, axis=1)


def _sds(rows: Array, vcov: Array) -> Array:
    sds: Array = np.sqrt(np.einsum("ij,jk,ik->i", rows, vcov, rows))
    return sds


def _first_stage_value(joint: Array, norms: Array, tilt: float, pair: float, share: float) -> float:
    """Quantile of the largest moment if all expectations are 0: an integral over the pre-period change."""
    sd = np.sqrt(joint[1, 1])
    slope = joint[0, 1] / joint[1, 1]
    spread = np.sqrt(max(joint[0, 0] - slope * joint[0, 1], np.finfo(float).tiny))

    def excess(value: float) -> float:
        low = max(-value / (pair * sd), -_FAR) if pair else -_FAR
        at = low + (_FAR - low) * (_NODES + 1) / 2
        change = at * sd
        above = ndtr((value * norms[0] + (tilt - slope) * change) / spread)
        below = ndtr((-value * norms[1] - (tilt + slope) * change) / spread)
        density = np.exp(-(at**2) / 2) / np.sqrt(2 * np.pi)
        return float((_FAR - low) / 2 * (_NODE_WEIGHTS @ (density * (above - below))) - share)

    return float(optimize.brentq(excess, 0.0, _FAR, xtol=1e-10))


def rejected(given: Moments, effects: Array, *, level: float) -> Array:
    """Return which effects the hybrid test rejects.

    Parameters
    ----------
    given : Moments
    effects : ndarray of float, shape (n,)
        Effects on the log scale.
    level : float
        Confidence level.

    Returns
    -------
    ndarray of bool, shape (n,)

    References
    ----------
    Andrews, Roth and Pakes (2023), Review of Economic Studies 90, 2763-2791, sections 4 and 5.
    """
    values = given.value[:, None] - given.slope[:, None] * effects
    at = values.argmax(axis=0)
    largest = values.max(axis=0)
    variance = given.covariance[at, at]
    safe = np.where(variance > 0, variance, 1.0)
    ratio = given.covariance[:, at] / safe
    rest = values - ratio * largest
    gap = np.where(np.abs(1 - ratio) < _EQUAL, 1.0, 1 - ratio)
    crossing = rest / gap
    low = np.where(1 - ratio >= _EQUAL, crossing, -np.inf).max(axis=0)
    high = np.minimum(np.where(ratio - 1 >= _EQUAL, crossing, np.inf).min(axis=0), given.first)
    share = _FIRST_STAGE * (1 - level)
    sd = np.sqrt(safe)
    critical = _truncated_quantile(1 - (1 - level - share) / (1 - share), low / sd, high / sd) * sd
    critical = np.where(variance > 0, np.maximum(critical, 0), 0)
    found: Array = (largest > given.first) | (largest > critical)
    return found


def _truncated_quantile(share: float, low: Array, high: Array) -> Array:
    """Quantile of the standard normal between `low` and `high`; the end where they meet."""
    side = np.where(low > 0, -1.0, 1.0)  # upper tails lose no digits
    first, last = ndtr(side * low), ndtr(side * high)
    quantile = side * ndtri(first + share * (last - first))
    chosen: Array = np.where(low >= high, low, quantile)
    return chosen


def excludes(study: EventCoefficients, weights: Array, mbar: float, effect: float, *, level: float) -> bool:
    """Return whether an effect is rejected whichever pre-period change is taken as the largest.

    Parameters
    ----------
    study : EventCoefficients
    weights : ndarray of float
    mbar, effect, level : float

    Returns
    -------
    bool
    """
    asked = np.array([effect])
    return all(rejected(each, asked, level=level)[0] for each in moments(study, weights, mbar, level=level))


def interval(study: EventCoefficients, weights: Array, mbar: float, *, level: float) -> tuple[float, float]:
    """Return the ends of the confidence set of the effect, on the log scale.

    Parameters
    ----------
    study : EventCoefficients
    weights : ndarray of float
    mbar, level : float

    Returns
    -------
    tuple of float
        Smallest and largest effect not rejected, each found on a grid and then by halving; NaN if none is.
    """
    found = [ends(each, level=level) for each in moments(study, weights, mbar, level=level)]
    kept = [pair for pair in found if pair is not None]
    if not kept:
        return np.nan, np.nan
    return min(low for low, _ in kept), max(high for _, high in kept)


def ends(given: Moments, *, level: float) -> tuple[float, float] | None:
    """Return the ends of the set that one pre-period change allows; the first stage bounds the search.

    Parameters
    ----------
    given : Moments
    level : float
        Confidence level.

    Returns
    -------
    tuple of float, or None
        None if every effect is rejected.
    """
    low, high = (given.value[:2] - given.first) / given.slope[:2]
    if low > high:
        return None
    grid = np.linspace(low, high, _POINTS)
    kept = np.flatnonzero(~rejected(given, grid, level=level))
    if not kept.size:
        return None
    step = grid[1] - grid[0]
    return tuple(  # type: ignore[return-value]
        _edge(given, grid[at], grid[at] + sign * step, level) for at, sign in ((kept[0], -1), (kept[-1], 1))
    )


def _edge(given: Moments, inside: float, outside: float, level: float) -> float:
    """Halve between an effect kept and one rejected."""
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if rejected(given, np.array([middle]), level=level)[0]:
            outside = middle
        else:
            inside = middle
    return float(inside)
