"""The exact moments by enumeration, the test's size by simulation, the regressions by hand."""

from itertools import product
from math import factorial, prod

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import norm

from reform_analysis import counts, simulate

PLACES = {"outcome": "y", "unit": "unit", "period": "period"}


def panel(table: np.ndarray) -> pd.DataFrame:
    unit, period = (each.ravel() for each in np.indices(table.shape))
    return pd.DataFrame({"unit": unit, "period": period, "y": table.ravel()})


def test_the_variance_is_that_of_all_multinomial_outcomes() -> None:
    """Haldane's formula, as in the docstring, against the enumeration of 4 events in 3 cells."""
    share, events = np.array([0.2, 0.5, 0.3]), 4
    mean = square = 0.0
    for cell in product(range(events + 1), repeat=3):
        if sum(cell) == events:
            chance = factorial(events) / prod(map(factorial, cell)) * np.prod(share ** np.array(cell))
            pearson = (((np.array(cell) - events * share) ** 2) / (events * share)).sum()
            mean, square = mean + chance * pearson, square + chance * pearson**2
    np.testing.assert_allclose(mean, 2)
    formula = 2 * 2 + ((1 / share).sum() - 9 - 6 + 2) / events
    np.testing.assert_allclose(square - mean**2, formula)


def test_the_statistic_is_pearsons_over_its_degrees_of_freedom() -> None:
    table = np.random.default_rng(5).poisson(2.0, (30, 4)) + np.eye(30, 4, dtype=int)
    found = counts.dispersion_test(panel(table), **PLACES).to_frame().loc["pearson"]
    table = table[table.sum(axis=1) > 0]
    mean = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    freedom = (len(table) - 1) * 3
    pearson = ((table - mean) ** 2 / mean).sum()
    np.testing.assert_allclose(found["estimate"], pearson / freedom - 1, rtol=1e-8)
    share = table.sum(axis=0) / table.sum()
    exact = (2 * 3 + ((1 / share).sum() - 16 - 8 + 2) / table.sum(axis=1)).sum()
    z = (pearson - freedom) / np.sqrt(exact)
    np.testing.assert_allclose(found["p_value"], 2 * norm.sf(abs(z)), rtol=1e-7)


def test_size_and_power_with_half_an_event_a_period() -> None:
    """200 draws: 5% of Poisson ones within 4 Monte Carlo errors, and most of those of twice the variance."""
    rejected = {}
    for kind, spread in {"poisson": None, "double": 1.0}.items():
        rng = np.random.default_rng(8)
        found = []
        for _ in range(200):
            rate = rng.gamma(1.0, 0.5, (150, 1)) * np.ones((1, 6))
            table = (
                rng.poisson(rate)
                if spread is None
                else rng.negative_binomial(rate / spread, 1 / (1 + spread))
            )
            found.append(counts.dispersion_test(panel(table), **PLACES).to_frame().loc["pearson", "p_value"])
        rejected[kind] = np.mean(np.array(found) <= 0.05)
    assert abs(rejected["poisson"] - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 200)
    assert rejected["double"] > 0.9


def test_regressions_are_least_squares_on_the_pooled_fit() -> None:
    drawn = simulate.draw_panel(effect=None, seed=3, units=120, pilots=30, counties=10, cities=5, mean=1.0)
    names = {"outcome": "losses", "unit": "unit_id", "period": "period"}
    found = counts.dispersion_test(
        drawn.assign(pilot=drawn["pilot"].astype(int)), terms=["pilot"], effects="period", **names
    ).to_frame()
    design = np.column_stack([drawn["pilot"], pd.get_dummies(drawn["period"], dtype=float)]).astype(float)
    y = drawn["losses"].to_numpy(dtype=float)
    mean = np.asarray(sm.GLM(y, design, family=sm.families.Poisson()).fit(tol=1e-14).fittedvalues)
    excess = ((y - mean) ** 2 - y) / mean
    np.testing.assert_allclose(found.loc["nb1", "estimate"], excess.mean(), rtol=1e-7)
    np.testing.assert_allclose(found.loc["nb2", "estimate"], excess @ mean / (mean @ mean), rtol=1e-7)
    by_unit = pd.Series(excess - excess.mean()).groupby(drawn["unit_id"].to_numpy()).sum()
    units, n = len(by_unit), len(y)
    variance = (by_unit**2).sum() / n**2 * units / (units - 1) * (n - 1) / (n - 1)
    np.testing.assert_allclose(found.loc["nb1", "std_error"], np.sqrt(variance), rtol=1e-7)


def test_another_effect_is_refused() -> None:
    with pytest.raises(ValueError, match="^effects must be one of"):
        counts.dispersion_test(panel(np.ones((3, 3), dtype=int)), effects="unit", **PLACES)
