"""`did` hands on every comparison, and each one leaves out what was reformed elsewhere."""

from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reform_analysis import did
from reform_analysis.simulate import draw_panel

METHODS: dict[str, dict[str, Any]] = {
    "two_by_two": {"treatment": "pilot", "pre": ["2018", "2019", "2020"], "post": ["2021", "2022"]},
    "event_study": {"adopted": "adopted", "inference": "cluster"},
    "staggered": {"adopted": "adopted"},
    "imputation": {"adopted": "adopted"},
    "partial_treatment": {"treated_fraction": "fraction"},
}


def panel() -> pd.DataFrame:
    size = {"units": 120, "pilots": 40, "counties": 12, "cities": 4, "mean": 2.0}
    drawn = draw_panel(effect=0.6, seed=4, **size)
    city = drawn["city"] == drawn["city"].iloc[0]
    fraction = (drawn["pilot"] & (drawn["period"] >= "2021")).astype(float)
    return drawn.assign(other=city & ~drawn["pilot"], fraction=fraction)


def test_all_comparisons_are_handed_on() -> None:
    assert set(METHODS) | {"EventStudy", "Pretrend"} == set(did.__all__)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_reformed_controls_are_left_out_counted_and_said(name: str) -> None:
    frame = panel()
    columns = {"outcome": "losses", "unit": "unit_id", "period": "period", **METHODS[name]}
    found = getattr(did, name)(frame, **columns, last_clean_period="2022", other_pilot="other")
    kept = frame[(frame["period"] <= "2022") & ~frame["other"]]
    expected = getattr(did, name)(kept, **columns)
    pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame())
    rows = (
        found.dropped.set_index(found.dropped["reason"].str.split(" \\(").str[0]).groupby(level=0)["n"].sum()
    )
    assert rows["after last_clean_period 2022"] == (frame["period"] > "2022").sum()
    assert rows["control in other"] == (frame["other"] & (frame["period"] <= "2022")).sum()
    assert "after last_clean_period 2022" in found.summary()
    assert found.synthetic
    assert any("SYNTHETIC" in note for note in found.notes)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_data_come_first_and_everything_else_by_name(name: str) -> None:
    first, *others = signature(getattr(did, name)).parameters.values()
    assert first.name == "df"
    assert all(each.kind in (each.KEYWORD_ONLY, each.VAR_KEYWORD) for each in others)


def test_one_cohort_in_one_window_gives_one_ratio() -> None:
    """Without exposure and with a single cohort, four estimators are the cross-product ratio."""
    frame = panel()
    columns = {"outcome": "losses", "unit": "unit_id", "period": "period"}
    options = {**METHODS, "two_by_two": METHODS["two_by_two"] | {"post": ["2021", "2022", "2023"]}}
    found = [
        getattr(did, name)(frame, **columns, **options[name]).to_frame()["estimate"].iloc[0]
        for name in ("two_by_two", "staggered", "imputation", "partial_treatment")
    ]
    np.testing.assert_allclose(found, found[0], rtol=1e-9)
