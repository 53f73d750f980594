"""Samples of comparisons: what is left out, by arm and in words; what is refused."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis.comparison import Comparison, adoption, comparison, flags, listed
from reform_analysis.estimates import DataError, DesignError, UntestableError


def panel() -> pd.DataFrame:
    """Pilots a and b, controls c, d and e; three years."""
    frame = pd.DataFrame(
        [(unit, year) for unit in "abcde" for year in ("2020", "2021", "2022")], columns=["unit", "year"]
    )
    pilot = frame["unit"].isin(["a", "b"])
    city = frame["unit"].isin(["b", "d"])
    return frame.assign(pilot=pilot, city=city, y=np.arange(15), n=np.arange(15) + 1.0)


def compare(frame: pd.DataFrame, **options: object) -> Comparison:
    columns = {"outcome": "y", "unit": "unit", "period": "year", "pilot": frame["pilot"]}
    return comparison(frame, **{**columns, **options})


def test_periods_after_the_last_clean_one_are_left_out_and_said() -> None:
    found = compare(panel(), last_clean_period="2021")
    assert found.frame["year"].unique().tolist() == ["2020", "2021"]
    assert found.dropped == (
        ("pilot", "after last_clean_period 2021 (2 units)", 2),
        ("other", "after last_clean_period 2021 (3 units)", 3),
    )
    assert found.notes == ("Periods after 2021 are left out, controls were reformed in them: ['2022'].",)
    assert compare(panel(), last_clean_period="2022").dropped == ()


def test_controls_in_another_pilot_are_left_out_and_pilots_stay() -> None:
    found = compare(panel(), other_pilot="city")
    assert sorted(found.frame["unit"].unique()) == ["a", "b", "c", "e"]
    assert found.dropped == (("other", "control in city (1 units)", 3),)
    assert found.notes == ("Controls flagged in 'city' are left out: 1; pilots flagged there stay: 1.",)


def test_a_control_flagged_once_is_left_out_whole() -> None:
    frame = panel()
    frame["city"] = (frame["unit"] == "e") & (frame["year"] == "2022")
    assert "e" not in set(compare(frame, other_pilot="city").frame["unit"])


def test_missing_values_and_no_exposure_are_left_out() -> None:
    frame = panel()
    frame["y"] = frame["y"].astype("Int64")
    frame.loc[0, "y"] = pd.NA
    frame.loc[14, "n"] = 0
    found = compare(frame, exposure="n")
    assert found.dropped == (("pilot", "missing value (1 units)", 1), ("other", "no n (1 units)", 1))
    assert len(found.frame) + sum(n for *_, n in found.dropped) == len(frame)


def test_synthetic_data_are_marked_by_column_or_attribute() -> None:
    frame = panel()
    assert not compare(frame).synthetic
    for marked in (frame.assign(synthetic=True), frame.copy()):
        marked.attrs["synthetic"] = "synthetic" not in marked
        found = compare(marked)
        assert found.synthetic
        assert found.notes[0].startswith("SYNTHETIC")


def test_adoption_by_date_and_by_period() -> None:
    frame = pd.DataFrame({"year": ["2020", "2021", "2022"] * 2, "adopted": ["2021-05"] * 3 + [""] * 3})
    found = adoption(frame, period="year", adopted="adopted")
    assert found["start"].tolist() == [2021, 2021, 2021, np.inf, np.inf, np.inf]
    assert found["treated"].tolist() == [0, 1, 1, 0, 0, 0]
    dropped = adoption(frame, period="year", adopted="adopted", coding="drop")
    assert dropped["start"].equals(found["start"])
    assert dropped["treated"].isna().tolist() == [False, True, False, False, False, False]
    numbers = pd.DataFrame({"t": [1, 2, 3] * 2, "g": [2.0] * 3 + [np.nan] * 3})
    assert adoption(numbers, period="t", adopted="g")["treated"].tolist() == [0, 1, 1, 0, 0, 0]
    with pytest.raises(DesignError, match="partial_treatment"):
        adoption(frame, period="year", adopted="adopted", coding="fraction")


def test_refusals() -> None:
    frame = panel()
    with pytest.raises(DataError, match="one row a unit and period"):
        compare(pd.concat([frame, frame.iloc[:1]], ignore_index=True))
    with pytest.raises(DataError, match="finite numbers of 0 or more"):
        compare(frame.assign(y=-1))
    with pytest.raises(DataError, match="lacks the columns"):
        compare(frame, exposure="cases")
    with pytest.raises(DataError, match="True/False or 1/0"):
        compare(frame.assign(city=2), other_pilot="city")
    with pytest.raises(DataError, match="constant within a unit"):
        compare(frame, cluster="year")
    with pytest.raises(DesignError, match="before the first period"):
        compare(frame, last_clean_period="2019")
    with pytest.raises(UntestableError, match="none of 'other'"):
        compare(frame.assign(other=True), other_pilot="other")
    with pytest.raises(DesignError, match="each once"):
        listed("pre", ["2020", "2020"])
    assert flags(frame, "city", unit="unit").sum() == 6
