"""Counting arguments against listing every allocation, and regression to the mean against simulation."""

from itertools import combinations_with_replacement, product

import numpy as np
import pytest

from reform_analysis.allocations import attainable_correlation, pigeonhole, regression_to_mean
from reform_analysis.estimates import DataError


def allocations(total: int, units: int) -> list[tuple[int, ...]]:
    return [counts for counts in product(range(total + 1), repeat=units) if sum(counts) == total]


@pytest.mark.parametrize(("before", "after", "units"), list(product(range(5), range(5), range(1, 4))))
def test_pigeonhole_by_listing_all_allocations(before: int, after: int, units: int) -> None:
    pairs = [np.array(pair) for pair in product(allocations(before, units), allocations(after, units))]
    found = pigeonhole(before, after, units)
    assert found.zero_before == min((pair[0] == 0).sum() for pair in pairs)
    assert found.zero_after == min((pair[1] == 0).sum() for pair in pairs)
    assert found.zero_both == min((pair == 0).all(axis=0).sum() for pair in pairs)
    fallen = [int((pair[1] < pair[0]).sum()) for pair in pairs]
    assert (found.least_fallen, found.most_fallen) == (min(fallen), max(fallen))


def feasible_changes(before: int, after: int, units: int) -> list[tuple[int, ...]]:
    sets = combinations_with_replacement(range(-before, after + 1), units)
    return [d for d in sets if sum(d) == after - before and sum(x for x in d if x > 0) <= after]


def extremes(x: tuple[int, int], y: tuple[int, int], units: int) -> tuple[float, float]:
    """Greatest and smallest correlation over all allocations (rearrangement: sorted alike or against)."""
    high, low = [], []
    for dx, dy in product(feasible_changes(*x, units), feasible_changes(*y, units)):
        if len(set(dx)) > 1 and len(set(dy)) > 1:
            high.append(np.corrcoef(dx, dy)[0, 1])
            low.append(np.corrcoef(dx, dy[::-1])[0, 1])
    return (max(high), min(low)) if high else (np.nan, np.nan)


TOTALS = [(0, 0), (1, 0), (0, 2), (1, 1), (2, 1), (3, 3), (1, 3)]


@pytest.mark.parametrize("units", [1, 2, 3, 4])
@pytest.mark.parametrize(("x", "y"), list(combinations_with_replacement(TOTALS, 2)))
def test_correlation_reaches_the_extremes_of_all_allocations(
    x: tuple[int, int], y: tuple[int, int], units: int
) -> None:
    found = attainable_correlation(*x, *y, units)
    np.testing.assert_allclose([found.highest, found.lowest], extremes(x, y, units), rtol=1e-9)


@pytest.mark.parametrize("totals", [(53, 32, 4587, 8853), (53, 32, 24, 20), (53, 32, 75929, 62262)])
def test_allocations_meet_the_totals_and_reach_what_is_said(totals: tuple[int, ...]) -> None:
    found = attainable_correlation(*totals, 89)
    for said, table in ((found.highest, found.allocation_highest), (found.lowest, found.allocation_lowest)):
        assert tuple(table.sum()) == totals
        assert len(table) == 89
        assert (table >= 0).all(axis=None)
        changes = table["after_x"] - table["before_x"], table["after_y"] - table["before_y"]
        assert np.corrcoef(*changes)[0, 1] == pytest.approx(said, rel=1e-9)


def test_losses_and_reviews_bound_nothing() -> None:
    found = attainable_correlation(53, 32, 4587, 8853, 89)
    assert [found.highest, found.lowest] == pytest.approx([1, -1], rel=1e-9)


def test_losses_and_corrections_come_near_both_ends() -> None:
    found = attainable_correlation(53, 32, 24, 20, 89)
    assert found.highest == pytest.approx(1, rel=1e-9)
    assert -1 <= found.lowest < -0.99


@pytest.mark.parametrize(("shape", "expected"), [(1, 0.29), (np.inf, 0.36)])
def test_regression_of_the_published_losses(shape: float, expected: float) -> None:
    assert regression_to_mean(53, 32, 89, shape=shape) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("shape", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("rule", ["at least one", "more likely the more losses"])
def test_regression_against_simulated_selection(shape: float, rule: str) -> None:
    mean, units = 0.3, 2_000_000
    rng = np.random.default_rng(20211)
    rates = rng.gamma(shape, mean / shape, units)
    first, second = rng.poisson(rates), rng.poisson(rates)
    chosen = first >= 1 if rule == "at least one" else rng.random(units) < first / (1 + first)
    total, after = int(first[chosen].sum()), int(second[chosen].sum())
    found = regression_to_mean(total, after, int(chosen.sum()), shape=shape)
    # dm/dE = k (k + ybar) / (k + ybar - E)^2; the error of E is that of a mean of the chosen second counts
    y_bar, expected = first[chosen].mean(), second[chosen].mean()
    slope = shape * (shape + y_bar) / (shape + y_bar - expected) ** 2
    error = slope * second[chosen].std() / np.sqrt(chosen.sum())
    assert abs(found - mean) < 3 * error


def test_no_mean_explains_too_steep_a_rise() -> None:
    assert np.isnan(regression_to_mean(1, 10, 5, shape=1))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: pigeonhole(-1, 3, 5), "before"),
        (lambda: pigeonhole(1, 3.5, 5), "after"),
        (lambda: pigeonhole(1, 3, 0), "units"),
        (lambda: attainable_correlation(1, 2, float("nan"), 4, 5), "before_y"),
        (lambda: attainable_correlation(1, 2, 3, 4, 0), "units"),
        (lambda: regression_to_mean(5, 3, 0, shape=1), "units"),
        (lambda: regression_to_mean(5, 3, 4, shape=0), "shape"),
        (lambda: regression_to_mean(5, 3, 4, shape=float("nan")), "shape"),
    ],
)
def test_bad_input_is_named(call: object, name: str) -> None:
    with pytest.raises(DataError, match=rf"^{name} must .* got .*"):
        call()
