"""Intervals that hold if the common trend fails by a nearly straight line.

The restriction :math:`|\\Delta^2 \\delta_t| \\le M` and the fixed-length interval of Rambachan and Roth
(2023, sections 2.4.3 and 4): the estimate less an extrapolated pre-trend, with the weights that make the
worst case shortest.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import ndtr, ndtri

from reform_analysis.event_coefficients import EventCoefficients

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Extrapolation:
    r"""How pre-period coefficients are taken from the effect.

    With weights v on the coefficients k periods before the reference, :math:`p_j = \sum_{k>j} (k-j) v_k`. A
    straight trend cancels if :math:`p_0 = \sum_t t \, l_t` (t = 1 in the first post-period); each further
    second difference of the trend then adds at most :math:`M |p_j|`.

    Parameters
    ----------
    vcov : ndarray of float, shape (free + 1, free + 1)
        Covariance of the effect with the straight line through the reference and the period before taken
        off, and of what one unit of each :math:`p_j` adds to it.
    value : ndarray of float, shape (free + 1,)
        The same in estimates.
    constant : float
        Worst-case bias per M that no choice of weights removes.
    """

    vcov: Array
    value: Array
    constant: float


def extrapolation(study: EventCoefficients, weights: Array) -> Extrapolation:
    """Return the parts of the estimator.

    Parameters
    ----------
    study : EventCoefficients
    weights : ndarray of float, shape (post-periods,)

    Returns
    -------
    Extrapolation
    """
    n = study.n_pre
    second = np.eye(n) - 2 * np.eye(n, k=1) + np.eye(n, k=2)  # from p_0, p_1, ... to v_1, v_2, ...
    after = np.arange(1, len(weights) + 1)
    base = np.r_[(second[:, 0] * (after @ weights))[::-1], weights]
    free = np.hstack([second[:, 1:].T[:, ::-1], np.zeros((n - 1, len(weights)))])
    rows = np.vstack([base, free])
    kinks = [np.maximum(after - j, 0) @ weights for j in range(len(weights))]
    return Extrapolation(rows @ study.vcov @ rows.T, rows @ study.coefficients, float(np.abs(kinks).sum()))


def folded_quantile(shift: float, level: float) -> float:
    """Return the quantile of the absolute value of a normal variable with mean `shift` and variance 1.

    Parameters
    ----------
    shift : float
        At least 0.
    level : float

    Returns
    -------
    float

    Examples
    --------
    >>> round(folded_quantile(0.0, 0.95), 4)
    1.96
    """

    def excess(size: float) -> float:  # numpydoc ignore=GL08
        return float(ndtr(size - shift) - ndtr(-size - shift) - level)

    return float(optimize.brentq(excess, 0, shift + ndtri((1 + level) / 2) + 1e-6, xtol=1e-13))


def _half_length(parts: Array, given: Extrapolation, m: float, level: float) -> tuple[float, Array]:
    """Half-length and its gradient in the positive and negative parts of the free weights, in that order."""
    free = len(parts) // 2
    chosen = np.r_[1.0, parts[:free] - parts[free:]]
    sd = float(np.sqrt(chosen @ given.vcov @ chosen))
    bias = m * (given.constant + float(parts.sum()))
    size = folded_quantile(bias / sd, level)
    near, far = (np.exp(-((size + sign * bias / sd) ** 2) / 2) for sign in (-1, 1))
    by_bias = (near - far) / (near + far)
    by_sd = size - bias / sd * by_bias
    gradient = by_sd * (given.vcov @ chosen)[1:] / sd
    return sd * size, np.r_[gradient, -gradient] + by_bias * m


def interval(study: EventCoefficients, weights: Array, m: float, *, level: float) -> tuple[float, float]:
    r"""Return the shortest fixed-length interval of the effect, on the log scale.

    .. math:: \hat\theta \pm \sigma_v \, \mathrm{cv}(\bar b_v / \sigma_v), \quad
        \bar b_v = M \Bigl(c + \sum_{j \ge 1} |p_j|\Bigr)

    where cv(b) is the quantile of |N(b, 1)|, and v minimises the half-length.

    Parameters
    ----------
    study : EventCoefficients
    weights : ndarray of float
    m : float
        Largest second difference of the deviation from a common trend, log scale a period.
    level : float

    Returns
    -------
    tuple of float

    References
    ----------
    Rambachan and Roth (2023), Review of Economic Studies 90, 2555-2591, section 4.1.
    """
    given = extrapolation(study, weights)
    free = len(given.value) - 1
    chosen = np.zeros(free)
    if free:
        scale = np.sqrt(given.vcov[0, 0] / np.tile(np.diag(given.vcov)[1:], 2))
        start = _least_variance(given) / scale[:free]
        unit = np.sqrt(given.vcov[0, 0])

        def scaled(parts: Array) -> tuple[float, Array]:
            length, gradient = _half_length(parts * scale, given, m, level)
            return length / unit, gradient * scale / unit

        found = optimize.minimize(
            scaled,
            np.r_[np.maximum(start, 0), np.maximum(-start, 0)],
            jac=True,
            bounds=[(0, None)] * (2 * free),
            method="L-BFGS-B",
            options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 10_000},
        )
        chosen = (found.x[:free] - found.x[free:]) * scale[:free]
    parts = np.r_[np.maximum(chosen, 0), np.maximum(-chosen, 0)]
    half, _ = _half_length(parts, given, m, level)
    centre = float(given.value @ np.r_[1.0, chosen])
    return centre - half, centre + half


def _least_variance(given: Extrapolation) -> Array:
    """Free weights of the least variance: where the bias does not count."""
    least: Array = -np.linalg.solve(given.vcov[1:, 1:], given.vcov[1:, 0])
    return least
