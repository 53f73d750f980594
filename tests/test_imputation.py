"""`imputation` against a regression with unit dummies, derivatives, and what dropping zero histories does."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from reform_analysis.estimates import DataError, StatisticalWarning
from reform_analysis.imputation import imputation
from reform_analysis.simulate import draw_panel
from reform_analysis.staggered import staggered

COLUMNS: dict[str, Any] = {"outcome": "losses", "unit": "unit_id", "period": "period", "adopted": "adopted"}


def panel(**options: Any) -> pd.DataFrame:
    """Pilots of 2021 and a later cohort; some units without events before treatment."""
    size = {"units": 60, "pilots": 15, "counties": 8, "cities": 3, "mean": 0.5}
    drawn = draw_panel(**{"effect": None, "seed": 11, "rollout": {"2022": 0.3}, **size, **options})
    return drawn.assign(losses=drawn["losses"].astype(float))


def treated(frame: pd.DataFrame) -> pd.Series:
    return (frame["adopted"] != "") & (frame["period"] >= frame["adopted"].str[:4])


@pytest.mark.parametrize("aggregate", ["simple", "event", "cohort", "calendar"])
@pytest.mark.parametrize("controls", ["not_yet_treated", "never_treated"])
def test_equals_staggered_on_a_balanced_panel_without_exposure(aggregate: Any, controls: Any) -> None:
    found, expected = (
        method(panel(), **COLUMNS, aggregate=aggregate, controls=controls).to_frame()["estimate"]
        for method in (imputation, staggered)
    )
    pd.testing.assert_series_equal(found, expected, rtol=1e-10)


def test_equals_the_regression_with_unit_dummies_with_exposure() -> None:
    frame = panel()
    before = frame[~treated(frame)]
    live = before.groupby("unit_id")["losses"].transform("sum") > 0
    columns = pd.get_dummies(frame[["unit_id", "period"]]).astype(float).drop(columns="period_2018")
    fitted = before[live].index
    design = columns.loc[fitted, columns.loc[fitted].any()]
    glm = sm.GLM(
        frame.loc[fitted, "losses"],
        design,
        family=sm.families.Poisson(),
        exposure=frame.loc[fitted, "population"].astype(float),
    ).fit(tol=1e-13, tol_criterion="params", maxiter=200)
    known = frame[treated(frame) & frame["unit_id"].isin(frame.loc[fitted, "unit_id"])].index
    rates = np.exp(columns.loc[known, design.columns] @ glm.params)
    expected = frame.loc[known, "population"].astype(float) * rates
    ratio = frame.loc[treated(frame), "losses"].sum() / expected.sum()
    found = imputation(frame, **COLUMNS, exposure="population").to_frame().loc["att", "estimate"]
    assert found == pytest.approx(ratio, rel=1e-8)


def test_standard_error_is_that_of_the_derivatives_by_units() -> None:
    """A unit's influence is the derivative of the log ratio by its weight; scaled counts weigh a unit."""
    frame = panel(units=24, pilots=6, counties=4)
    row = imputation(frame, **COLUMNS, exposure="population").to_frame().loc["att"]
    step, slopes = 1e-4, []
    for unit in frame["unit_id"].unique():
        ends = []
        for weight in (1 + step, 1 - step):
            scaled = frame.assign(losses=frame["losses"] * np.where(frame["unit_id"] == unit, weight, 1.0))
            found = imputation(scaled, **COLUMNS, exposure="population")
            ends.append(np.log(found.to_frame().loc["att", "estimate"]))
        slopes.append((ends[0] - ends[1]) / (2 * step))
    clusters = frame.loc[treated(frame), "unit_id"].nunique()
    expected = np.sqrt(np.square(slopes).sum() * clusters / (clusters - 1))
    assert row["std_error"] == pytest.approx(expected, rel=1e-6)


def test_zero_histories_stay_in_the_numerator() -> None:
    frame = panel()
    history = frame["losses"].where(~treated(frame), 0.0).groupby(frame["unit_id"]).transform("sum")
    empty = treated(frame) & (history == 0)
    assert frame.loc[empty, "losses"].sum() > 0
    kept = imputation(frame, **COLUMNS)
    with pytest.warns(StatisticalWarning, match="because of their outcome"):
        dropped = imputation(frame, **COLUMNS, zero_history="drop")
    ratio = (dropped.to_frame() / kept.to_frame()).loc["att", "estimate"]
    all_events = frame.loc[treated(frame), "losses"].sum()
    assert ratio == pytest.approx(1 - frame.loc[empty, "losses"].sum() / all_events, rel=1e-10)
    units = frame.loc[empty, "unit_id"].nunique()
    said = f"{units} treated units have no events before treatment"
    assert any(note.startswith(said) for note in kept.notes)
    assert dropped.dropped["reason"].tolist() == [f"no events before treatment ({units} units)"]
    assert any("zero_history='drop'" in note for note in dropped.notes)


def test_keeping_them_finds_no_effect_where_there_is_none_and_dropping_them_does() -> None:
    """Seeded Monte Carlo, 1 + 1 periods with mean 0.35: ratio of means, within 2 Monte Carlo errors of 1."""
    sums, lost = [], []
    for seed in range(60):
        size = {"units": 300, "pilots": 100, "counties": 30, "periods": ("2020", "2021")}
        frame = panel(seed=seed, rollout=None, mean=0.35, **size)
        events = frame.loc[treated(frame), "losses"].sum()
        ratio = imputation(frame, **COLUMNS).to_frame().loc["att", "estimate"]
        with pytest.warns(StatisticalWarning, match="because of their outcome"):
            dropping = imputation(frame, **COLUMNS, zero_history="drop").to_frame().loc["att", "estimate"]
        sums.append((events, events / ratio))
        lost.append(events * dropping / ratio)
    observed, expected = np.array(sums).T
    mean = observed.mean() / expected.mean()
    error = (observed - mean * expected).std(ddof=1) / expected.mean() / np.sqrt(len(sums))
    assert abs(mean - 1) < 2 * error
    assert np.mean(lost) / expected.mean() < 1 - 10 * error


def test_a_cluster_of_units_is_drawn_and_summed_whole() -> None:
    frame = panel()
    by_unit, by_city = (imputation(frame, **COLUMNS, cluster=name) for name in (None, "city"))
    assert (by_unit.n_clusters, by_city.n_clusters) == (60, 3)
    assert by_unit.to_frame()["estimate"].equals(by_city.to_frame()["estimate"])
    options = {"cluster": "city", "inference": "bootstrap", "seed": 2, "draws": 99}
    row = imputation(frame, **COLUMNS, **options).to_frame().loc["att"]
    assert row["ci_low"] < row["estimate"] == by_city.to_frame().loc["att", "estimate"] < row["ci_high"]


def test_refusals() -> None:
    with pytest.raises(DataError, match="zero_history must be one of"):
        imputation(panel(), **COLUMNS, zero_history="impute")
