"""Simulated power: its level under the null, its size where theory gives it, and the search for a ratio."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm

from reform_analysis import association_power
from reform_analysis.association_power import by_arm, detectable_ratio, simulated_power
from reform_analysis.estimates import DataError
from reform_analysis.likeness import Likeness

SMALL = Likeness(units=40, pilots=10, mean=1.0, change=0.8, heterogeneity=0.5, overdispersion=1.5)
PLAIN = Likeness(units=80, pilots=0, mean=20.0, change=1.0, heterogeneity=0.0, overdispersion=1.0)


@pytest.mark.parametrize("method", ["spearman", "poisson_score"])
def test_without_an_effect_it_is_the_level_of_the_test(method: str) -> None:
    found = simulated_power(SMALL, rate_ratio=1.0, method=method, draws=200, seed=4)
    assert found * 200 <= binom.ppf(0.999, 200, 0.05)


def test_power_is_that_of_the_binomial_split_where_counts_are_poisson() -> None:
    """A unit's 2 mu cases split evenly, so the log ratio has variance 2 / (n mu) for a dose of variance 1."""
    distance = (norm.ppf(0.975) + norm.ppf(0.8)) * np.sqrt(2 / (PLAIN.units * PLAIN.mean))
    found = simulated_power(PLAIN, rate_ratio=np.exp(-distance), method="poisson_score", draws=200, seed=5)
    assert abs(found - 0.8) < 4 * np.sqrt(0.8 * 0.2 / 200)


def test_power_grows_with_the_distance_from_one() -> None:
    weak, strong = (simulated_power(SMALL, rate_ratio=ratio, draws=60, seed=6) for ratio in (0.8, 0.2))
    assert weak < strong


def test_draws_with_nothing_to_test_find_nothing() -> None:
    empty = Likeness(units=5, pilots=0, mean=1e-9, change=1.0, heterogeneity=0.0, overdispersion=1.0)
    assert simulated_power(empty, rate_ratio=0.5, draws=3, seed=1) == 0.0


@pytest.mark.parametrize("distance", [0.1, 0.2, 0.4])
def test_the_search_lands_in_one_step_where_power_is_a_normal_probability(distance: float) -> None:
    critical, slope, aim = norm.ppf(0.975), 10.0, 0.8
    found = float(norm.cdf(slope * distance - critical))
    step = association_power._next(distance, found, 10**9, critical, aim)
    assert step == pytest.approx((critical + norm.ppf(aim)) / slope, rel=1e-6)


@pytest.mark.parametrize("found", [0.0, 1.0])
def test_a_step_is_bounded_where_none_or_all_are_found(found: float) -> None:
    step = association_power._next(0.3, found, 20, norm.ppf(0.975), 0.8)
    assert 0.3 / 4 <= step <= min(4 * 0.3, -np.log(association_power.FARTHEST))


def test_the_power_reported_is_of_fresh_draws_at_the_ratio_found() -> None:
    found = detectable_ratio(SMALL, draws=20, seed=7)
    assert found.searched["draws"].tolist() == [25, 50]
    assert found.searched["rate_ratio"].iloc[0] == pytest.approx(0.8)
    rng = np.random.default_rng(7)
    for row in found.searched.itertuples():
        assert simulated_power(SMALL, rate_ratio=row.rate_ratio, draws=int(row.draws), seed=rng) == row.power
    assert simulated_power(SMALL, rate_ratio=found.rate_ratio, draws=20, seed=rng) == found.power
    assert found.error == pytest.approx(np.sqrt(found.power * (1 - found.power) / 20))


def test_arms_without_cases_are_not_simulated() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"dose": rng.normal(size=60), "pilot": np.arange(60) < 5})
    frame["losses_pre"], frame["losses_post"] = rng.poisson(1.0, (2, 60)) * ~frame["pilot"].to_numpy()
    frame["losses_difference"] = frame["losses_post"] - frame["losses_pre"]
    frame.loc[59, "dose"] = np.nan
    table = by_arm(frame, measures=["dose"], outcome="losses", draws=20, seed=1)
    assert table["units"].tolist() == [59, 5]
    assert table.loc["pilots"].drop("units").isna().all()
    assert 0 < table.loc["all", "rate_ratio"] < 1
    assert table.attrs["synthetic"]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"draws": 5}, "draws"),
        ({"power": 1}, "power"),
        ({"ci_level": 0.4}, "ci_level"),
        ({"method": "partial"}, "method"),
        ({"permutations": 10}, "draws"),
    ],
)
def test_bad_input_is_named(options: dict[str, object], name: str) -> None:
    with pytest.raises(DataError, match=rf"^{name} must"):
        detectable_ratio(SMALL, seed=1, **options)
