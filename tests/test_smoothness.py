"""The fixed-length interval against closed forms, worst-case programmes and direct minimisation."""

import numpy as np
import pytest
from scipy import optimize, stats

from reform_analysis.event_coefficients import EventCoefficients
from reform_analysis.smoothness import folded_quantile, interval


def study(seed: int, n_pre: int, n_post: int) -> EventCoefficients:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n_pre + n_post, n_pre + n_post + 3))
    return EventCoefficients(rng.normal(size=n_pre + n_post), root @ root.T / 10, n_pre)


def worst_bias(v: np.ndarray, n_pre: int, m: float) -> float:
    """Largest v'delta over deviations whose second differences are at most m, by linear programming."""
    n = len(v)
    second = np.delete(np.diff(np.eye(n + 1), 2, axis=0), n_pre, axis=1)
    found = optimize.linprog(
        -v,
        A_ub=np.vstack([second, -second]),
        b_ub=np.full(2 * len(second), m),
        bounds=[(None, None)] * n,
        method="highs",
    )
    return float(-found.fun) if found.status == 0 else np.inf


@pytest.mark.parametrize("shift", [0.0, 0.3, 2.0, 9.0])
def test_folded_quantile_is_the_root_of_the_noncentral_chi_squared(shift: float) -> None:
    assert folded_quantile(shift, 0.95) ** 2 == pytest.approx(stats.ncx2.ppf(0.95, 1, shift**2), rel=1e-8)


def test_one_earlier_period_is_a_line_through_two_points() -> None:
    given = EventCoefficients([0.2, -0.5], [[0.04, 0.01], [0.01, 0.03]], n_pre=1)
    sd, m = np.sqrt(0.04 + 0.03 + 2 * 0.01), 0.1
    half = sd * folded_quantile(m / sd, 0.95)
    expected = (-0.5 + 0.2 - half, -0.5 + 0.2 + half)
    assert interval(given, np.array([1.0]), m, level=0.95) == pytest.approx(expected, rel=1e-12)


def test_no_curvature_is_the_line_fitted_by_least_squares() -> None:
    given = study(2, 4, 2)
    weights = np.array([0.5, 0.5])
    times = np.array([-4.0, -3.0, -2.0, -1.0, 1.0, 2.0])
    design = np.c_[times, np.vstack([np.zeros((4, 2)), np.eye(2)])]
    inverse = np.linalg.inv(given.vcov)
    variance = np.linalg.inv(design.T @ inverse @ design)
    effect = (variance @ design.T @ inverse @ given.coefficients)[1:] @ weights
    reach = stats.norm.ppf(0.975) * np.sqrt(weights @ variance[1:, 1:] @ weights)
    low, high = interval(given, weights, 0.0, level=0.95)
    assert (low, high) == pytest.approx((effect - reach, effect + reach), abs=1e-6)


@pytest.mark.parametrize("m", [0.02, 0.2, 1.0])
def test_shortest_of_all_weights(m: float) -> None:
    """With two earlier periods one weight is free: half-lengths by programme, minimised over it."""
    weights = np.array([0.2, 0.3, 0.5])
    trend = np.arange(1, 4) @ weights
    for seed in range(4):
        given = study(seed, 2, 3)

        def half(far: float, given: EventCoefficients = given) -> float:
            v = np.r_[far, trend - 2 * far, weights]
            sd = np.sqrt(v @ given.vcov @ v)
            return float(sd * folded_quantile(worst_bias(v, 2, m) / sd, 0.95))

        best = optimize.minimize_scalar(half, bounds=(-5, 5), method="bounded", options={"xatol": 1e-9})
        low, high = interval(given, weights, m, level=0.95)
        assert (high - low) / 2 == pytest.approx(best.fun, rel=1e-6)


def test_covers_at_the_worst_curvature() -> None:
    m, draws, weights = 0.3, 1000, np.array([1.0])
    truth = np.array([-0.2 - m, -0.2, 0.2 + m])  # second differences of -m before the reference, m at it
    truth[0] = 2 * truth[1] - m
    vcov = 0.02 * (np.eye(3) + 1)
    kept = 0
    for beta in np.random.default_rng(6).multivariate_normal(truth, vcov, draws):
        low, high = interval(EventCoefficients(beta, vcov, 2), weights, m, level=0.95)
        kept += low <= 0 <= high
    assert kept / draws > 0.95 - 3 * np.sqrt(0.95 * 0.05 / draws)
