"""Closed-form moments against linear programmes, simulation, the Wald interval and coverage."""

import numpy as np
import pytest
from scipy import optimize, stats

from reform_analysis.event_coefficients import EventCoefficients
from reform_analysis.relative_magnitudes import Moments, excludes, interval, moments, rejected


def study(seed: int, n_pre: int, n_post: int) -> EventCoefficients:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n_pre + n_post, n_pre + n_post + 3))
    return EventCoefficients(rng.normal(size=n_pre + n_post), root @ root.T / 10, n_pre)


def inequalities(n_pre: int, n_post: int, largest: np.ndarray, mbar: float) -> np.ndarray:
    """Rows A with A delta <= 0: each post-period change, up and down, at most mbar times the largest."""
    rows = []
    for period in range(n_pre, n_pre + n_post):
        change = np.zeros(n_pre + n_post)
        change[period] += 1
        if period > n_pre:
            change[period - 1] -= 1
        rows += [change - mbar * largest, -change - mbar * largest]
    return np.array(rows)


def programme(given: EventCoefficients, rows: np.ndarray, weights: np.ndarray, effect: float) -> float:
    """Smallest violation, in standard deviations, over all post-period effects with the given average."""
    n_post = len(weights)
    sds = np.sqrt(np.diag(rows @ given.vcov @ rows.T))
    found = optimize.linprog(
        np.r_[1.0, np.zeros(n_post)],
        A_ub=np.c_[-sds, -rows[:, given.n_pre :]],
        b_ub=-rows @ given.coefficients,
        A_eq=[np.r_[0.0, weights]],
        b_eq=[effect],
        bounds=[(None, None)] * (1 + n_post),
        method="highs",
    )
    return float(found.fun)


@pytest.mark.parametrize(("n_pre", "n_post"), [(1, 1), (2, 1), (2, 3), (3, 2), (4, 4)])
@pytest.mark.parametrize("mbar", [0.0, 0.5, 2.0])
def test_largest_moment_solves_the_programme(n_pre: int, n_post: int, mbar: float) -> None:
    for seed in range(5):
        given = study(seed, n_pre, n_post)
        weights = np.random.default_rng(seed).normal(size=n_post)
        first = np.zeros(n_pre + n_post)
        first[0] = -1
        if n_pre > 1:
            first[1] = 1
        found = list(moments(given, weights, mbar, level=0.95))
        assert len(found) == 2 * n_pre
        for sign, moment in ((1, found[0]), (-1, found[n_pre])):
            rows = inequalities(n_pre, n_post, sign * first, mbar)
            for effect in (-1.0, 0.3):
                largest = float((moment.value - moment.slope * effect).max())
                assert largest == pytest.approx(programme(given, rows, weights, effect), abs=1e-7)


def test_first_stage_value_is_the_simulated_quantile() -> None:
    given = study(3, 3, 3)
    draws = 200_000
    for moment in moments(given, np.full(3, 1 / 3), 1.0, level=0.95):
        normal = np.random.default_rng(5).multivariate_normal(
            np.zeros(len(moment.value)), moment.covariance, draws, method="eigh"
        )
        beyond = np.mean(normal.max(axis=1) > moment.first)
        assert abs(beyond - 0.005) < 4 * np.sqrt(0.005 * 0.995 / draws)


def test_truncation_is_where_the_largest_moment_changes() -> None:
    """The conditional critical value, truncated where moving the largest moment lets another one lead."""
    checked = 0
    for seed in range(30):
        given = study(seed, 2, 2)
        for moment in moments(given, np.array([0.5, 0.5]), 1.0, level=0.95):
            at = int(moment.value.argmax())
            variance = moment.covariance[at, at]
            if not 0 < moment.value[at] < moment.first:
                continue
            line = np.linspace(-20, 20, 400_001)
            moved = moment.value[:, None] + moment.covariance[:, [at]] / variance * (line - moment.value[at])
            stays = line[moved[at] >= moved.max(axis=0) - 1e-12]
            low, high = stays.min(), min(stays.max(), moment.first)
            sd = np.sqrt(variance)
            share = 1 - (0.05 - 0.005) / 0.995
            inside = stats.norm.cdf(low / sd), stats.norm.cdf(high / sd)
            critical = sd * stats.norm.ppf(inside[0] + share * (inside[1] - inside[0]))
            if abs(critical - moment.value[at]) < 1e-3 or inside[1] - inside[0] < 1e-6:
                continue
            expected = moment.value[at] > max(critical, 0)
            assert rejected(moment, np.array([0.0]), level=0.95)[0] == expected
            checked += 1
    assert checked > 30


@pytest.mark.parametrize("weights", [[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
def test_no_deviation_is_the_wald_interval(weights: list[float]) -> None:
    given = study(4, 2, 3)
    chosen = np.array(weights)
    sd = np.sqrt(chosen @ given.vcov[2:, 2:] @ chosen)
    centre = chosen @ given.coefficients[2:]
    reach = stats.norm.ppf(0.975) * sd
    assert interval(given, chosen, 0.0, level=0.95) == pytest.approx(
        (centre - reach, centre + reach), abs=1e-6
    )


def test_interval_and_test_agree() -> None:
    given = study(8, 3, 2)
    weights = np.array([0.5, 0.5])
    low, high = interval(given, weights, 1.0, level=0.9)
    step = 1e-6 * (high - low)
    for end, sign in ((low, -1), (high, 1)):
        assert excludes(given, weights, 1.0, end + sign * step, level=0.9)
        assert not excludes(given, weights, 1.0, end - sign * step, level=0.9)


def test_covers_at_the_worst_deviation() -> None:
    """The trend fails by just what is allowed, always in one direction; the true effect is 0."""
    slope, draws, weights = 0.5, 1000, np.array([0.5, 0.5])
    truth = slope * np.array([-2.0, -1.0, 1.0, 2.0])
    vcov = 0.02 * (np.eye(4) + 1)
    rng = np.random.default_rng(11)
    kept = sum(
        not excludes(EventCoefficients(beta, vcov, 2), weights, 1.0, 0.0, level=0.95)
        for beta in rng.multivariate_normal(truth, vcov, draws)
    )
    assert kept / draws > 0.95 - 3 * np.sqrt(0.95 * 0.05 / draws)


def test_no_variance_rejects_what_is_above_zero() -> None:
    fixed = Moments(np.array([0.1, -1.0]), np.zeros(2), np.zeros((2, 2)), first=2.0)
    assert rejected(fixed, np.array([0.0]), level=0.95)[0]
