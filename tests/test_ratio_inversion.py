"""Inversion: what thinning does to counts, the hull of what is accepted, p-values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reform_analysis.ratio_inversion import FARTHEST, Thinning, hull, keeping, share_as_extreme
from reform_analysis.score_draws import Layout

SHARES = np.array([[0, 0, 0, 0.0], [0, 0.25, 1, 1], [0, 0, 0.5, 1]])
LAYOUT = Layout(np.arange(6), None, SHARES, np.array([0, 1, 2, 0, 1, 2]))


@given(st.floats(0.05, 20))
def test_thinning_makes_the_means_of_all_units_alike(ratio: float) -> None:
    factor = (1 - SHARES + SHARES * ratio)[LAYOUT.unit_history]
    kept = keeping(LAYOUT, ratio)
    assert (kept <= 1 + 1e-12).all()
    left = factor * kept
    np.testing.assert_allclose(left, np.broadcast_to(left[0], left.shape), rtol=1e-12)


def test_a_ratio_of_1_keeps_every_event() -> None:
    counts = np.arange(24.0).reshape(6, 4)
    thinned = Thinning.of(counts, np.random.default_rng(1)).kept(keeping(LAYOUT, 1.0))
    np.testing.assert_array_equal(thinned, counts)


def test_events_are_kept_with_their_probability_on_common_numbers() -> None:
    counts = np.full((6, 4), 10_000.0)
    thinning = Thinning.of(counts, np.random.default_rng(2))
    half, third = (thinning.kept(np.full((6, 4), share)) for share in (1 / 2, 1 / 3))
    assert (third <= half).all()
    # Four standard deviations of a binomial share.
    np.testing.assert_allclose(half / counts, 0.5, atol=4 * np.sqrt(0.25 / 10_000))


def test_p_values_count_ties_and_infinities() -> None:
    drawn = np.array([-np.inf, 2.0, -2.0, 1.0, 0.0])
    assert share_as_extreme(2.0, drawn, enumerated=True) == 3 / 5
    assert share_as_extreme(2.0, drawn, enumerated=False) == 4 / 6
    assert share_as_extreme(np.inf, drawn, enumerated=True) == 1 / 5


@given(st.floats(-3, 3), st.floats(0.3, 3), st.floats(-0.2, 0.2))
def test_the_hull_of_an_interval_is_the_interval(middle: float, half: float, off: float) -> None:
    found = hull(lambda at: abs(at - middle) < half, centre=middle + off, step=half / 5)
    if abs(middle) < half or abs(middle) - half > 0.01:
        assert found.low == pytest.approx(middle - half, abs=6e-4)
        assert found.high == pytest.approx(middle + half, abs=6e-4)
        assert found.connected


def test_a_gap_is_said() -> None:
    found = hull(lambda at: abs(at) < 0.5 or 0.7 < at < 1.2, centre=0.0, step=0.15)
    assert not found.connected
    assert (found.low, found.high) == pytest.approx((-0.5, 1.2), abs=6e-4)


def test_ends_that_are_never_rejected_are_infinite() -> None:
    found = hull(lambda at: at < 1, centre=0.3, step=0.3)
    assert found.low == -np.inf
    assert found.high == pytest.approx(1, abs=6e-4)


def test_a_rejected_0_bounds_the_hull() -> None:
    found = hull(lambda at: 0.05 < at < 1 or -0.6 < at < -0.05, centre=0.5, step=0.1)
    assert found.low == pytest.approx(0.05, abs=6e-4)
    assert found.high == pytest.approx(1, abs=6e-4)


def test_an_accepted_0_lies_in_the_hull() -> None:
    found = hull(lambda at: at == 0.0 or 2 < at < 3, centre=2.5, step=0.1)
    assert found.low == 0.0
    assert not found.connected


def test_nothing_accepted_is_undefined() -> None:
    found = hull(lambda at: at > 99, centre=0.4, step=0.1)
    assert np.isnan(found.low)
    assert np.isnan(found.high)


def test_the_search_ends() -> None:
    asked = []
    hull(lambda at: bool(asked.append(at)) or True, centre=0.0, step=0.01)
    assert max(asked) == FARTHEST
    assert len(asked) < 200
