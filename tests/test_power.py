"""Detectable correlations against the tabled normal quantiles and against simulation."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from reform_analysis.estimates import DataError
from reform_analysis.power import detectable_correlation


@pytest.mark.parametrize(("units", "power", "level"), [(89, 0.8, 0.95), (1365, 0.9, 0.99), (12, 0.5, 0.9)])
def test_solves_fishers_equation(units: int, power: float, level: float) -> None:
    limit = stats.norm.ppf((1 + level) / 2)

    def excess(r: float) -> float:
        shift = np.arctanh(r) * np.sqrt(units - 3)
        return stats.norm.sf(limit - shift) + stats.norm.cdf(-limit - shift) - power

    # statsmodels' root finder stops at a power wrong in the sixth digit; four decimals of r are promised
    exact = brentq(excess, 1e-9, 1 - 1e-9)
    assert detectable_correlation(units, power=power, ci_level=level) == pytest.approx(exact, abs=5e-5)


def test_simulated_power() -> None:
    r, draws = detectable_correlation(89), 2000
    rng = np.random.default_rng(7)
    x, noise = rng.standard_normal((2, draws, 89))
    y = r * x + np.sqrt(1 - r**2) * noise
    found = [stats.pearsonr(*pair).pvalue < 0.05 for pair in zip(x, y, strict=True)]
    assert abs(np.mean(found) - 0.8) < 3 * np.sqrt(0.8 * 0.2 / draws)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"units": 3}, "units"),
        ({"units": 50, "power": 1}, "power"),
        ({"units": 50, "ci_level": 95}, "ci_level"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, object], name: str) -> None:
    with pytest.raises(DataError, match=rf"^{name} must"):
        detectable_correlation(**arguments)
