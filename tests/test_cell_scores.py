"""Unit effects concentrated out: the fit is pyfixest's, and the efficient score is the one of dummies."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis import cell_scores
from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import DataError, UntestableError
from reform_analysis.simulate import draw_panel


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    df = draw_panel(effect=0.5, seed=4, units=60, pilots=20, counties=10, cities=4, mean=1.0)
    rng = np.random.default_rng(0)
    df["treated"] = (df["pilot"] & (df["period"] >= "2021")).astype(float)
    df["control"] = 5 + rng.normal(size=len(df))
    df.loc[df.index[7], "losses"] = pd.NA
    df.loc[df.index[20], "population"] = 0
    return df.drop(index=df.index[[3, 50]])


def test_slopes_are_those_of_pyfixest(panel: pd.DataFrame) -> None:
    where = cell_scores.grid(panel, unit="unit_id", period="period")
    counts, exposure, tables = cell_scores.cells(
        panel, where, outcome="losses", exposure="population", columns=["treated", "control"]
    )
    fit = cell_scores.fit_cells(counts, exposure, [tables["treated"], tables["control"]])
    full = fit_poisson(
        panel.assign(losses=panel["losses"].astype("Float64")),
        outcome="losses",
        terms=["treated", "control"],
        exposure="population",
        unit="unit_id",
        period="period",
        inference="cluster",
    )
    assert np.exp(fit.slopes) == pytest.approx(full.to_frame()["estimate"].to_numpy(), rel=1e-7)


def test_residuals_are_orthogonal_to_everything_fitted(panel: pd.DataFrame) -> None:
    where = cell_scores.grid(panel, unit="unit_id", period="period")
    counts, exposure, tables = cell_scores.cells(
        panel, where, outcome="losses", exposure=None, columns=["control"]
    )
    fit = cell_scores.fit_cells(counts, exposure, [tables["control"]])
    assert np.abs(fit.residual.sum(axis=1)).max() < 1e-9
    assert np.abs(fit.residual.sum(axis=0)).max() < 1e-7
    assert abs((fit.residual * tables["control"]).sum()) < 1e-6


def test_the_efficient_treatment_is_its_weighted_residual_on_dummies(panel: pd.DataFrame) -> None:
    where = cell_scores.grid(panel, unit="unit_id", period="period")
    counts, exposure, tables = cell_scores.cells(
        panel, where, outcome="losses", exposure=None, columns=["treated", "control"]
    )
    fit = cell_scores.fit_cells(counts, exposure, [tables["control"]])
    inside = fit.expected > 0
    row, column = np.nonzero(inside)
    dummies = np.column_stack([np.eye(len(counts))[row], np.eye(counts.shape[1])[column]])
    design = np.column_stack([dummies, tables["control"][inside]])
    root = np.sqrt(fit.expected[inside])
    x = tables["treated"][inside]
    slope = np.linalg.lstsq(design * root[:, None], x * root, rcond=None)[0]
    assert fit.efficient(tables["treated"])[inside] == pytest.approx(x - design @ slope, abs=1e-8)


def test_dropping_a_control_from_the_design_keeps_the_means(panel: pd.DataFrame) -> None:
    where = cell_scores.grid(panel, unit="unit_id", period="period")
    counts, exposure, tables = cell_scores.cells(
        panel, where, outcome="losses", exposure=None, columns=["treated", "control"]
    )
    fit = cell_scores.fit_cells(counts, exposure, [tables["treated"], tables["control"]])
    left = fit.without_control(0)
    assert left.slopes.tolist() == [fit.slopes[1]]
    assert left.design.shape[2] == fit.design.shape[2] - 1
    assert left.expected is fit.expected
    assert (left.design[..., -1] == fit.design[..., -1]).all()


def test_a_period_without_events_leaves_the_others_alone() -> None:
    counts = np.array([[2.0, 0.0, 1.0], [1.0, 0.0, 3.0]])
    all_periods = cell_scores.fit_cells(counts, np.ones((2, 3)))
    two = cell_scores.fit_cells(counts[:, [0, 2]], np.ones((2, 2)))
    assert all_periods.expected[:, [0, 2]] == pytest.approx(two.expected)
    assert (all_periods.expected[:, 1] == 0).all()


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(UntestableError, match="^counts must have events in at least two periods"):
        cell_scores.fit_cells(np.array([[1.0, 0.0], [2.0, 0.0]]), np.ones((2, 2)))
    twice = pd.DataFrame({"unit": ["a", "a"], "period": ["2020", "2020"]})
    with pytest.raises(DataError, match="one row a unit and period"):
        cell_scores.grid(twice, unit="unit", period="period")
