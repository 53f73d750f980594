"""`did` hands on every comparison, and each one leaves out what was reformed elsewhere."""

from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reform_analysis import did
from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import DataError, DesignError
from reform_analysis.randomise import randomisation_test
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


def frame() -> pd.DataFrame:
    """Eight units of four clusters, two of them treated from 2020 on and two from 2021 on; 2018 to 2022."""
    rng = np.random.default_rng(4)
    rows = [(unit, year) for unit in range(8) for year in range(2018, 2023)]
    found = pd.DataFrame(rows, columns=["id", "yr"])
    found["g"] = found["id"].map({0: 2020.0, 1: 2020.0, 2: 2021.0, 3: 2021.0})
    found["pilot_unit"] = (found["id"] < 4).astype(int)
    found["share"] = (found["yr"] >= found["g"]).astype(float)
    found["cl"] = found["id"] % 4
    found["w"] = rng.integers(5, 20, len(found)).astype(float)
    return found.assign(y=rng.poisson(6, len(found)))


NAMES: dict[str, Any] = {"outcome": "y", "unit": "id", "period": "yr", "exposure": "w"}
FITS: dict[str, tuple[Any, dict[str, Any]]] = {
    "staggered": (did.staggered, {"adopted": "g"}),
    "imputation": (did.imputation, {"adopted": "g"}),
    "event_study": (did.event_study, {"adopted": "g", "inference": "cluster"}),
    "partial_treatment": (did.partial_treatment, {"treated_fraction": "share"}),
    "two_by_two": (did.two_by_two, {"treatment": "pilot_unit", "pre": [2018, 2019], "post": [2021, 2022]}),
    "fit_poisson": (fit_poisson, {"terms": ["share"], "inference": "cluster"}),
    "randomisation_test": (randomisation_test, {"treatment": "share", "seed": 1, "draws": 199}),
}
quiet = pytest.mark.filterwarnings("ignore::reform_analysis.estimates.StatisticalWarning")
every_fit = pytest.mark.parametrize("name", FITS)


@quiet
@every_fit
def test_an_index_that_repeats_changes_nothing(name: str) -> None:
    fit, options = FITS[name]
    again = frame().set_axis(np.tile(np.arange(5), 8), axis=0)
    expected = fit(frame(), **NAMES, **options)
    found = fit(again, **NAMES, **options)
    pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame(), check_exact=True)
    assert found.notes == expected.notes


@quiet
@every_fit
@pytest.mark.parametrize("role", ["outcome", "exposure", "unit", "period"])
@pytest.mark.parametrize("own", ["treated", "start", "event_0", "cluster", "offset"])
def test_a_column_may_have_any_name(name: str, role: str, own: str) -> None:
    fit, options = FITS[name]
    renamed = frame().rename(columns={NAMES[role]: own})
    expected = fit(frame(), **NAMES, **options)
    found = fit(renamed, **{**NAMES, role: own}, **options)
    pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame(), check_exact=True)


@quiet
@pytest.mark.parametrize("name", ["staggered", "imputation", "event_study", "partial_treatment"])
def test_columns_of_clusters_and_other_pilots_may_have_any_name(name: str) -> None:
    fit, options = FITS[name]
    whole = frame().assign(other=lambda each: each["id"] == 7)
    for column in ("cl", "other"):
        chosen = {"cluster": "cl", "other_pilot": "other"}
        expected = fit(whole, **NAMES, **options, **chosen)
        renamed = {key: "treated" if value == column else value for key, value in chosen.items()}
        found = fit(whole.rename(columns={column: "treated"}), **NAMES, **options, **renamed)
        pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame(), check_exact=True)


@every_fit
def test_names_of_columns_are_strings(name: str) -> None:
    fit, options = FITS[name]
    with pytest.raises(DataError, match="names of columns must be strings, got 3"):
        fit(frame().rename(columns={"y": 3}), **{**NAMES, "outcome": 3}, **options)


@quiet
@pytest.mark.parametrize("name", sorted(set(FITS) - {"two_by_two"}))
def test_a_single_cluster_is_refused(name: str) -> None:
    fit, options = FITS[name]
    with pytest.raises(DesignError, match="cluster must have two values or more in the rows used, got 1"):
        fit(frame().assign(cl="all"), **NAMES, **options, cluster="cl")
