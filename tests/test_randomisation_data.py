"""From a panel to arrays: histories, points, strata, what is counted as left out, what is refused."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis.estimates import DataError, DesignError, UntestableError
from reform_analysis.randomisation_data import Columns, Sample, sample

YEARS = (2019, 2020, 2021)


def panel() -> pd.DataFrame:
    """Six units: a and b adopt in 2020 and 2021, the others never; all have events."""
    rows = [(unit, year) for unit in "fedcba" for year in YEARS]
    frame = pd.DataFrame(rows, columns=["name", "year"])
    start = frame["name"].map({"a": 2020, "b": 2021}).fillna(9999)
    return frame.assign(
        cases=np.arange(len(frame)) % 4,
        people=10.0,
        on=(frame["year"] >= start).astype(float),
        since=start.map({2020: "2020-01", 2021: "2021-01"}).fillna(""),
        town=frame["name"].map(dict(zip("abcdef", "xxxyyy", strict=True))),
        pair=frame["name"].map(dict(zip("abcdef", "121234", strict=True))),
        letter=frame["name"].str.upper(),
    )


def laid_out(frame: pd.DataFrame | None = None, **named: object) -> Sample:
    names: dict[str, object] = {"outcome": "cases", "exposure": None, "unit": "name", "period": "year"}
    names |= {"treatment": "on", "adopted": None, "cluster": None, "strata": ()}
    return sample(panel() if frame is None else frame, Columns(**{**names, **named}))


def test_units_and_periods_are_in_order() -> None:
    found = laid_out()
    by_name = panel().set_index(["name", "year"]).sort_index()
    np.testing.assert_array_equal(found.counts.ravel(), by_name["cases"])
    np.testing.assert_array_equal(found.layout.treated.ravel(), by_name["on"])
    assert not found.layout.histories[0].any()


def test_dates_give_the_histories_that_shares_give() -> None:
    by_date = laid_out(treatment=None, adopted="since")
    np.testing.assert_array_equal(by_date.layout.treated, laid_out().layout.treated)


def test_a_date_within_a_period_gives_its_share() -> None:
    frame = panel().assign(since=lambda f: f["since"].replace("2020-01", "2020-06"))
    assert laid_out(frame, treatment=None, adopted="since").layout.treated[0].tolist() == [0, 7 / 12, 1]


def test_gaps_in_the_treatment_are_filled_where_there_is_no_doubt() -> None:
    frame = panel()
    gone = ((frame["name"] == "a") & (frame["year"] == 2021)) | (
        (frame["name"] == "c") & (frame["year"] == 2020)
    )
    found = laid_out(frame[~gone])
    np.testing.assert_array_equal(found.layout.treated, laid_out().layout.treated)
    assert (found.exposure == 0).sum() == 2
    assert found.n_obs == 16


def test_a_gap_where_treatment_may_have_begun_is_refused() -> None:
    frame = panel()
    with pytest.raises(DataError, match="'b' changes across periods without a row"):
        laid_out(frame[~((frame["name"] == "b") & (frame["year"] == 2020))])
    numbered = frame.assign(name=frame["name"].map({name: at for at, name in enumerate("abcdefgh")}))
    with pytest.raises(DataError, match="the treatment of 1 changes"):
        laid_out(numbered[~((numbered["name"] == 1) & (numbered["year"] == 2020))])


def test_left_out_rows_and_units_without_events_are_counted_by_arm() -> None:
    frame = panel().astype({"cases": "Float64"})
    frame.loc[(frame["name"] == "c"), "cases"] = 0
    frame.loc[(frame["name"] == "a") & (frame["year"] == 2019), "cases"] = pd.NA
    frame.loc[(frame["name"] == "d") & (frame["year"] == 2019), "people"] = 0
    frame.loc[(frame["name"] == "e") & (frame["year"] == 2019), "people"] = np.nan
    found = laid_out(frame, exposure="people")
    assert found.dropped.set_index(["arm", "reason"])["n"].rename(lambda s: s[:24], level=1).to_dict() == {
        ("pilot", "row with a missing count"): 1,
        ("other", "row with a missing expos"): 1,
        ("other", "row with an exposure of "): 1,
        ("other", "unit without events or w"): 1,
    }
    assert found.n_obs == 15
    assert len(found.counts) == 6
    assert found.counts[4, 0] == found.exposure[4, 0] == 0


def test_clusters_change_places_if_assigned_as_a_whole() -> None:
    frame = panel().assign(on=lambda f: ((f["pair"] == "2") & (f["year"] > 2019)).astype(float))
    found = laid_out(frame, cluster="pair")
    assert found.by_cluster
    assert found.layout.point.tolist() == [0, 1, 0, 1, 2, 3]
    assert found.assignment.number == 4
    assert found.n_clusters == 4


def test_units_change_places_where_treatment_differs_within_clusters() -> None:
    found = laid_out(cluster="town")
    assert not found.by_cluster
    assert found.layout.group is not None
    assert found.layout.group.tolist() == [0, 0, 0, 1, 1, 1]


def test_strata_confine_the_assignments() -> None:
    assert laid_out().assignment.number == 6 * 5
    found = laid_out(strata=("town",))
    assert found.assignment.number == 3 * 2
    assert found.fixed == 3


@pytest.mark.parametrize(
    ("named", "error", "said"),
    [
        ({"treatment": None}, DesignError, "one of treatment and adopted"),
        ({"adopted": "since"}, DesignError, "one of treatment and adopted"),
        ({"outcome": "losses"}, DataError, "lacks the columns"),
        ({"strata": ("year",)}, DataError, "constant within a unit"),
        ({"strata": ("letter",)}, UntestableError, "another assignment"),
    ],
)
def test_what_makes_no_design_is_refused(named: dict[str, object], error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        laid_out(**named)


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"cases": 0.5}, DataError, "whole counts"),
        ({"cases": -1}, DataError, "whole counts"),
        ({"people": -1.0}, DataError, "denominators of 0 or more"),
        ({"on": 2.0}, DataError, "between 0 and 1"),
        ({"on": 0.0}, UntestableError, "must differ between units"),
        ({"year": 2020}, DataError, "stand only once"),
        ({"town": None}, DataError, "no missing value"),
        ({"cases": 0}, UntestableError, "must have events"),
    ],
)
def test_what_breaks_a_rule_is_refused(changed: dict[str, object], error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        laid_out(panel().assign(**changed), exposure="people", strata=("town",))


def test_strata_within_clusters_are_refused() -> None:
    frame = panel().assign(on=lambda f: ((f["pair"] == "2") & (f["year"] > 2019)).astype(float))
    with pytest.raises(DesignError, match="constant within a cluster"):
        laid_out(frame.assign(odd=frame["name"].isin(["a", "d"])), cluster="pair", strata=("odd",))


@pytest.mark.parametrize("how", ["attrs", "column"])
def test_synthetic_panels_are_known(how: str) -> None:
    frame = panel()
    assert not laid_out(frame).synthetic
    frame.attrs["synthetic"] = how == "attrs"
    assert laid_out(frame.assign(synthetic=how == "column")).synthetic
