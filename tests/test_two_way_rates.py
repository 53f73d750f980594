"""Two-way rates against a Poisson regression with dummies, closed forms and their limits."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from reform_analysis.estimates import UntestableError
from reform_analysis.two_way_rates import fit_two_way


def draw(seed: int, groups: int = 12, periods: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Counts of 1 or more, exposures, and some cells that are not used."""
    rng = np.random.default_rng(seed)
    exposure = rng.uniform(0.5, 3, (groups, periods))
    exposure[:, 1:][rng.random((groups, periods - 1)) < 0.2] = 0
    counts = np.where(exposure > 0, 1.0 + rng.poisson(2 * exposure), 0.0)
    return counts, exposure


@pytest.mark.parametrize("seed", range(5))
def test_equals_poisson_regression_with_dummies(seed: int) -> None:
    counts, exposure = draw(seed)
    group, period = np.nonzero(exposure)
    dummies = np.column_stack([np.eye(12)[group], np.eye(5)[period][:, 1:]])
    used = exposure[group, period]
    glm = sm.GLM(counts[group, period], dummies, family=sm.families.Poisson(), exposure=used)
    expected = glm.fit(tol=1e-14, tol_criterion="params")
    fit = fit_two_way(counts, exposure)
    assert np.log(fit.level) == pytest.approx(expected.params[:12], abs=1e-9)
    assert np.log(fit.period) == pytest.approx([0, *expected.params[12:]], abs=1e-9)
    constant = (counts[group, period] * np.log(counts[group, period])).sum()
    saturated = constant - counts.sum()
    assert fit.log_likelihood == pytest.approx(saturated - expected.deviance / 2, abs=1e-8)
    by_period = np.linalg.inv(fit.information[1:, 1:])
    assert by_period == pytest.approx(expected.cov_params()[12:, 12:], rel=1e-6, abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_without_exposure_the_margins_give_the_fit(seed: int) -> None:
    counts = np.random.default_rng(seed).poisson(0.4, (30, 4)).astype(float)
    counts[0] += 1
    fit = fit_two_way(counts, np.ones_like(counts))
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    assert fit.rates == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_groups_and_periods_without_events_have_rate_0() -> None:
    counts = np.array([[0.0, 0, 0], [3, 0, 2], [1, 0, 5]])
    fit = fit_two_way(counts, np.ones((3, 3)))
    assert fit.level[0] == 0
    assert fit.period[1] == 0
    assert fit.rates[0].tolist() == [0, 0, 0]
    assert fit.rates[1:, 1].tolist() == [0, 0]


def test_a_group_without_exposure_has_no_level() -> None:
    counts, exposure = np.array([[2.0, 1], [0, 0]]), np.array([[1.0, 1], [0, 0]])
    assert np.isnan(fit_two_way(counts, exposure).level[1])


def test_refusals() -> None:
    with pytest.raises(UntestableError, match="got none"):
        fit_two_way(np.zeros((2, 2)), np.ones((2, 2)))
    with pytest.raises(UntestableError, match="2 separate parts"):
        fit_two_way(np.eye(2), np.eye(2))
