"""Draws that look like the data: moments by hand, and recovered from draws whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis import panel, simulate
from reform_analysis.estimates import DataError, UntestableError
from reform_analysis.likeness import Likeness, likeness

TRUTH = {"mean": 0.8, "heterogeneity": 0.7, "overdispersion": 1.6}


def drawn(seed: int) -> pd.DataFrame:
    sizes = {"units": 600, "pilots": 100, "counties": 1, "cities": 1}
    frame = simulate.draw_panel(
        effect=None, seed=seed, periods=("2020", "2021"), trend=1.25, **sizes, **TRUTH
    )
    return panel.changes(frame, pre="2020", post="2021", counts=["losses"])


def test_moments_recover_what_the_panel_was_drawn_from() -> None:
    found = pd.DataFrame([vars(likeness(drawn(seed), outcome="losses")) for seed in range(60)])
    for name, truth in {**TRUTH, "change": 1.25}.items():
        assert abs(found[name].mean() - truth) < 4 * found[name].sem(), name
    assert (found["units"] == 600).all()
    assert (found["pilots"] == 100).all()


def test_moments_by_hand() -> None:
    pairs = [(0, 1), (4, 3), (2, 2), (1, 0), (3, 6)]
    frame = pd.DataFrame(pairs, columns=["wins_pre", "wins_post"]).assign(
        treated=[True, True, False, False, False]
    )
    arms = [np.array(pairs[:2]), np.array(pairs[2:])]
    scatter = sum((arm - arm.mean(axis=0)).T @ (arm - arm.mean(axis=0)) for arm in arms) / 3
    pre, post = np.array(pairs).mean(axis=0)
    shared = scatter[0, 1] / (pre * post)
    own = (scatter[0, 0] + scatter[1, 1] - shared * (pre**2 + post**2)) / (pre + post)
    found = likeness(frame, outcome="wins", pilot="treated")
    assert (found.units, found.pilots, found.n_pre, found.n_post) == (5, 2, 1, 1)
    got = (found.mean, found.change, found.heterogeneity, found.overdispersion)
    assert got == pytest.approx((pre, post / pre, shared, max(own, 1.0)), rel=1e-12)


def test_moments_that_no_draw_can_have_are_cut_off() -> None:
    frame = pd.DataFrame({"losses_pre": [1, 2, 1, 2], "losses_post": [2, 1, 2, 1], "pilot": False})
    found = likeness(frame, outcome="losses")
    assert (found.heterogeneity, found.overdispersion, found.pilots) == (0.0, 1.0, 0)
    assert len(found.draw(0.9, np.random.default_rng(1))) == 4


def test_units_without_a_value_are_left_out() -> None:
    frame = drawn(1)
    frame.loc[frame.index[:50], "losses_post"] = np.nan
    assert likeness(frame, outcome="losses").units == 550


def test_a_draw_is_synthetic_and_compared_a_period() -> None:
    alike = Likeness(50, 10, mean=6.0, change=0.5, heterogeneity=1.0, overdispersion=2.0, n_pre=3, n_post=2)
    frame = alike.draw(0.5, np.random.default_rng(3))
    assert frame.attrs["synthetic"]
    assert frame["pilot"].sum() == 10
    expected = frame["losses_post"] / 2 - frame["losses_pre"] / 3
    pd.testing.assert_series_equal(frame["losses_difference"], expected, check_names=False)


@pytest.mark.parametrize(
    "changes",
    [{"losses_pre": [0, 0, 0, 0]}, {"losses_post": [0, 0, 0, 0]}, {"losses_pre": [1, 1, 1, np.nan]}],
    ids=["none before", "none after", "three units"],
)
def test_nothing_to_simulate_from(changes: dict[str, list[float]]) -> None:
    frame = pd.DataFrame({"losses_pre": [1, 0, 2, 1], "losses_post": [1, 0, 2, 1], "pilot": True, **changes})
    with pytest.raises(UntestableError, match="^changes must hold at least four units"):
        likeness(frame, outcome="losses")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="treated"):
        likeness(drawn(1), outcome="losses", pilot="treated")
