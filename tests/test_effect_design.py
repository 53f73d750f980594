"""The comparison of the effect report: who is in it, who is left out, and what a fit may warn of."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reform_analysis import counts, did, effect_design, randomise, simulate
from reform_analysis.estimates import DataError, DesignError, StatisticalWarning, UntestableError

PERIODS = ["2019", "2020", "2021", "2022"]


def panel() -> pd.DataFrame:
    """Two pilots from May 2021, and controls: one never, one from 2022, one already from 2021."""
    adopted = {"p1": "2021-05", "p2": "2021-05", "never": "", "later": "2022-03", "early": "2021-09"}
    rows = [
        {"unit_id": unit, "period": period, "pilot": unit in ("p1", "p2"), "adopted": month}
        for unit, month in adopted.items()
        for period in PERIODS
    ]
    frame = pd.DataFrame(rows).assign(losses=2, cases=10, county="c", flagged=False)
    return frame.assign(city=np.where(frame["unit_id"].isin(["p1", "never"]), "x", "y"))


def design(frame: pd.DataFrame, **options: object) -> effect_design.Design:
    asked = {"outcome": "losses", "exposure": "cases", "pre": ["2019", "2020"], "post": ["2021"]}
    return effect_design.design(frame, **(asked | options))  # type: ignore[arg-type]


def test_a_control_that_adopts_in_the_periods_used_is_no_control() -> None:
    found = design(panel())
    assert set(found.frame["unit_id"]) == {"p1", "p2", "never", "later"}
    assert set(found.frame["period"]) == {"2019", "2020", "2021"}
    left = found.dropped.set_index(["reason", "arm"])["n"]
    assert left["control adopted in the periods used (1 units)", "other"] == 3
    assert left["after last_clean_period 2021 (2 units)", "pilot"] == 2


def test_rows_used_and_rows_left_out_add_up() -> None:
    frame = panel()
    found = design(frame, pre=["2020"])
    assert len(found.frame) + found.dropped["n"].sum() == len(frame)


def test_units_of_another_pilot_are_left_out() -> None:
    frame = panel()
    frame["flagged"] = frame["unit_id"] == "never"
    assert "never" not in set(design(frame, other_pilot="flagged").frame["unit_id"])


def test_shares_of_the_first_period_from_either_month() -> None:
    frame = design(panel()).frame.set_index(["unit_id", "period"])
    assert frame.loc[("p1", "2021"), ["treated", *effect_design.SHARES]].tolist() == pytest.approx(
        [1, 8 / 12, 7 / 12]
    )
    assert (frame.loc[("p1", "2020"), ["treated", *effect_design.SHARES]] == 0).all()
    assert (frame.loc["never", ["treated", *effect_design.SHARES]] == 0).all(axis=None)


@pytest.mark.parametrize(
    ("adopted", "later"),
    [
        ("2021-05-17", 7 / 12),
        ("2021-05-01", 7 / 12),
        ("2021-05", 7 / 12),
        ("2021-01", 11 / 12),
        ("2021-12", 0),
    ],
)
def test_the_month_that_follows_is_that_of_the_date(adopted: str, later: float) -> None:
    frame = panel()
    frame.loc[frame["unit_id"] == "p1", "adopted"] = adopted
    found = design(frame).frame.set_index(["unit_id", "period"])
    assert found.loc[("p1", "2021"), effect_design.SHARES[1]] == pytest.approx(later, rel=1e-12)


def test_a_period_treated_in_full_keeps_its_share() -> None:
    frame = panel()
    frame = frame[frame["unit_id"] != "later"]
    found = design(frame, post=["2021", "2022"]).frame.set_index(["unit_id", "period"])
    assert found.loc[("p1", "2022"), list(effect_design.SHARES)].tolist() == [1, 1]


def test_clusters_are_cities_or_else_counties() -> None:
    frame = panel()
    assert (design(frame).cluster, design(frame).strata) == ("city", "city")
    one = frame.assign(city="x", county=frame["city"])
    assert (design(one).cluster, design(one).strata) == ("county", None)


def test_a_unit_without_its_cluster_is_refused_by_name() -> None:
    frame = panel()
    frame["county"] = frame["city"]
    frame.loc[frame["unit_id"] == "p1", "city"] = None
    with pytest.raises(
        DataError, match=r"column 'city' must have no missing value.* 1 units have none: 'p1'"
    ):
        design(frame)
    # a city that tells no two groups apart is no cluster, whoever lacks it
    frame["city"] = frame["city"].where(frame["city"].isna(), "x")
    assert design(frame).cluster == "county"


@pytest.mark.parametrize(
    ("changed", "options", "said"),
    [
        ({}, {"pre": ["2018"]}, "periods of the panel"),
        ({}, {"pre": ["2020", "2021"]}, "different periods"),
        ({}, {"pre": ["2021"], "post": ["2022"]}, "move these periods to post"),
        ({"adopted": ""}, {}, "must have a date in 'adopted'"),
    ],
)
def test_a_comparison_that_cannot_be_made(changed: dict, options: dict, said: str) -> None:
    with pytest.raises(DesignError, match=said):
        design(panel().assign(**changed), **options)


def test_nothing_to_test_is_none_and_other_faults_are_raised() -> None:
    def nothing(_: pd.DataFrame) -> None:
        raise UntestableError("no events")

    def wrong(_: pd.DataFrame) -> None:
        raise DesignError("no such thing")

    assert effect_design.attempt(nothing, panel()) is None  # type: ignore[arg-type]
    with pytest.raises(DesignError, match="no such thing"):
        effect_design.attempt(wrong, panel())  # type: ignore[arg-type]


def test_only_the_cautions_that_the_report_prints_are_kept_back() -> None:
    def doubtful(_: pd.DataFrame) -> None:
        warnings.warn("few clusters: 4, fewer than 30; and so on", StatisticalWarning, stacklevel=2)
        warnings.warn("something else", StatisticalWarning, stacklevel=2)

    with pytest.warns(StatisticalWarning) as caught:
        effect_design.attempt(doubtful, panel())  # type: ignore[arg-type]
    assert [str(each.message) for each in caught] == ["something else"]


@pytest.mark.parametrize(
    ("fit", "options"),
    [
        (counts.fit_poisson, {"terms": ["treated"]}),
        (did.event_study, {"adopted": "adopted"}),
        (did.imputation, {"adopted": "adopted"}),
        (did.partial_treatment, {"treated_fraction": list(effect_design.SHARES)}),
    ],
)
def test_every_warning_of_a_fit_is_a_caution_that_the_report_can_print(fit: Any, options: dict) -> None:
    drawn = simulate.draw_panel(
        effect=None, seed=3, units=24, pilots=6, counties=8, cities=4, mean=2, adopted="2021"
    )
    drawn.loc[drawn["pilot"], "adopted"] = "2021-05"
    found = design(drawn, exposure=None, pre=["2019", "2020"])
    with pytest.warns(StatisticalWarning) as caught:
        fit(found.frame, cluster="city", **found.columns, **options)
    names = [effect_design.caution(str(each.message)) for each in caught]
    assert None not in names
    assert ("few_clusters", {"n": "4"}) in names
    assert ("few_treated", {"n": "3"}) in names


def test_both_ways_where_there_is_an_exposure() -> None:
    seen = []

    def fit(_: pd.DataFrame, **options: object) -> None:
        seen.append(options["exposure"])

    with_one, without = design(panel()), design(panel(), exposure=None)
    assert list(effect_design.with_and_without(fit, with_one, method="m")) == ["m", "m_rate"]  # type: ignore[arg-type]
    assert list(effect_design.with_and_without(fit, without, method="m")) == ["m"]  # type: ignore[arg-type]
    assert seen == [None, "cases", None]


def test_a_randomisation_knows_the_treatment_of_units_with_gaps() -> None:
    drawn = simulate.draw_panel(effect=0.5, seed=4, units=120, pilots=30, counties=12, cities=4, mean=2.0)
    given: dict[str, Any] = {"outcome": "losses", "exposure": None}
    given |= {"pre": ["2019", "2020"], "post": ["2021", "2022"]}
    asked: dict[str, Any] = {
        "treatment": "treated",
        "outcome": "losses",
        "unit": "unit_id",
        "period": "period",
    }
    whole = effect_design.design(drawn, **given)
    pilots = drawn.loc[drawn["pilot"].astype(bool), "unit_id"].unique()
    gaps = drawn["unit_id"].isin(pilots[:3]) & drawn["period"].eq("2021")
    gaps |= drawn["unit_id"].isin(pilots[3:5]) & drawn["period"].isin(["2021", "2022"])
    found = effect_design.design(drawn[~gaps], **given)
    with pytest.raises(DataError, match="its history is unknown"):
        randomise.randomisation_test(found.frame, **asked, draws=99, seed=1)
    full = found.completed.set_index(["unit_id", "period"]).sort_index()
    expected = whole.frame.set_index(["unit_id", "period"]).sort_index()
    columns = ["pilot", "adopted", "city", "treated", "treated_share", "treated_share_next_month"]
    pd.testing.assert_frame_equal(full[columns], expected[columns], check_dtype=False)
    assert full["losses"].isna().sum() == gaps.sum()
    result = randomise.randomisation_test(found.completed, **asked, draws=99, seed=1)
    assert result.to_frame()["estimate"].iloc[0] < 1
