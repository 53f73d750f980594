"""Choosing on the base period is drawn with the study's own numbers."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis import simulate
from reform_analysis.estimates import DataError
from reform_analysis.pilot_selection import selection_simulation

ASKED = {"outcome": "losses", "pre": ["2018", "2019", "2020"], "post": ["2021", "2022"]}


def test_recovers_the_strength_of_choice() -> None:
    """The panel's pilots were drawn with log odds 0.8 a loss; the calibrated ones scatter around it."""
    found = []
    for seed in range(12):
        panel = simulate.draw_panel(
            effect=None, seed=seed, selection=0.8, units=300, pilots=30, counties=20, cities=2
        )
        note = selection_simulation(panel, **ASKED, draws=99, seed=1).notes[0]
        found.append(float(note.rsplit(" ", 1)[1]))
    assert abs(np.mean(found) - 0.8) < 3 * np.std(found, ddof=1) / np.sqrt(12)


def test_selection_fails_an_effect_passes_nothing_is_for_information() -> None:
    for drawn, passed in (
        ({"effect": None, "selection": 1.0}, False),
        ({"effect": 0.35}, True),
        ({"effect": None}, None),
    ):
        found = selection_simulation(simulate.draw_panel(seed=3, **drawn), **ASKED, draws=199, seed=1)
        assert found.passed is passed
        assert found.synthetic


@pytest.mark.parametrize("seed", range(3))
def test_a_rise_where_pilots_were_chosen_on_their_level_decides_nothing(seed: int) -> None:
    rng = np.random.default_rng([seed, 4])
    level = rng.gamma(1.0, 1.0, 500)
    pilot = np.argsort(np.argsort(-level)) < 89
    periods = np.array([*ASKED["pre"], *ASKED["post"]])
    ratio = np.where(pilot[:, None] & np.isin(periods, ASKED["post"]), 2.0, 1.0)
    made = pd.DataFrame(rng.poisson(level[:, None] * ratio), columns=periods)
    rows = made.assign(pilot=pilot, unit_id=np.arange(500)).melt(
        ["unit_id", "pilot"], var_name="period", value_name="losses"
    )
    found = selection_simulation(rows, **ASKED, draws=199, seed=1)
    frame = found.to_frame()
    assert frame.loc["observed", "ratio"] > frame["high"].max()
    assert found.passed is None
    assert "lies above it" in found.sentences["en"]


def test_random_choice_has_a_median_ratio_of_one() -> None:
    panel = simulate.draw_panel(effect=0.5, seed=2, mean=2.0)
    row = selection_simulation(panel, **ASKED, draws=999, seed=1).to_frame().loc["at_random"]
    spread = np.log(row["high"] / row["low"]) / (2 * 1.96)
    assert abs(np.log(row["ratio"])) < 4 * 1.2533 * spread / np.sqrt(999) + 0.02


def test_unreachable_base_mean_is_said() -> None:
    panel = simulate.draw_panel(effect=None, seed=4, units=120, pilots=10, counties=5, cities=1)
    panel.loc[panel["pilot"] & (panel["period"] == "2020"), "losses"] = 60
    found = selection_simulation(panel, **ASKED, draws=99, seed=1)
    assert any("no choice on the base period alone" in note for note in found.notes)


def test_same_seed_same_result() -> None:
    panel = simulate.draw_panel(effect=0.6, seed=5, units=200, pilots=60, counties=10, cities=2)
    first, again = (selection_simulation(panel, **ASKED, draws=99, seed=1).to_frame() for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_bad_input_is_named() -> None:
    panel = simulate.draw_panel(effect=None, seed=1, units=30, pilots=10, counties=3, cities=1)
    coded = panel.assign(pilot=panel["pilot"].astype(int).astype(str))
    with pytest.raises(DataError, match="^column 'pilot' must hold True/False"):
        selection_simulation(coded, **ASKED, draws=99, seed=1)
    with pytest.raises(DataError, match="^draws must"):
        selection_simulation(panel, **ASKED, draws=5, seed=1)
