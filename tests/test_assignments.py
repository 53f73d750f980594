"""Assignments: against enumeration by hand, uniform draws, strata kept, sums as dense products."""

from itertools import permutations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from reform_analysis.assignments import Assignment, matrices


def histories(assignment: Assignment, columns: np.ndarray) -> np.ndarray:
    """History of every point, draw by draw."""
    points = len(assignment.stratum)
    out = np.zeros((len(columns), points), dtype=int)
    for row, chosen in zip(out, columns, strict=True):
        np.add.at(row, chosen % points, chosen // points + 1)
    return out


def by_hand(stratum: np.ndarray, history: np.ndarray) -> set[tuple[int, ...]]:
    """All rearrangements of the histories that leave every stratum its own."""

    def key(row: tuple[int, ...]) -> list[tuple[int, int]]:
        return sorted(zip(stratum, row, strict=True))

    return {row for row in set(permutations(history.tolist())) if key(row) == key(tuple(history))}


STRATUM = np.array([0, 1, 0, 1, 0, 0, 1])
HISTORY = np.array([1, 0, 0, 2, 2, 0, 1])
SMALL = Assignment(STRATUM, HISTORY)


def test_enumeration_is_complete_and_without_repeats() -> None:
    rows = [tuple(row) for row in histories(SMALL, SMALL.enumerated())]
    assert len(rows) == SMALL.number == 4 * 3 * 3 * 2
    assert set(rows) == by_hand(STRATUM, HISTORY)


def test_the_observed_assignment_is_the_observed_one() -> None:
    np.testing.assert_array_equal(histories(SMALL, SMALL.observed())[0], HISTORY)


@pytest.mark.parametrize("seed", [1, 2])
def test_draws_are_uniform(seed: int) -> None:
    rows = histories(SMALL, SMALL.drawn(36_000, np.random.default_rng(seed)))
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    assert len(kinds) == SMALL.number
    assert chisquare(counts).pvalue > 1e-4


@settings(max_examples=40)
@given(st.integers(2, 40), st.integers(1, 4), st.integers(1, 3), st.integers(0, 99))
def test_every_stratum_keeps_its_histories(points: int, strata: int, kinds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stratum, history = rng.integers(0, strata, points), rng.integers(0, kinds + 1, points)
    history[0] = 1
    assignment = Assignment(stratum, history)
    rows = histories(assignment, assignment.drawn(7, rng))
    for row in rows:
        for code in np.unique(stratum):
            np.testing.assert_array_equal(np.sort(row[stratum == code]), np.sort(history[stratum == code]))


def test_the_number_is_exact_however_large() -> None:
    history = (np.arange(1365) < 89).astype(int)
    assert Assignment(np.zeros(1365, dtype=int), history).number == comb(1365, 89)


def test_a_product_with_the_matrix_sums_over_the_assigned() -> None:
    columns = SMALL.drawn(50, np.random.default_rng(3))
    values = np.random.default_rng(4).normal(size=(14, 3))
    expected = [values[row].sum(axis=0) for row in columns]
    got = np.concatenate([matrix @ values for matrix in matrices(columns, width=14)])
    np.testing.assert_allclose(got, expected, rtol=1e-13)


def test_one_seed_one_set_of_draws() -> None:
    first, again = (SMALL.drawn(9, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
