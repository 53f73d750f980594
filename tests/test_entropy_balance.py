"""Entropy balancing against closed forms, a general optimiser and what cannot be balanced."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from reform_analysis import simulate
from reform_analysis.entropy_balance import entropy_weights, matched
from reform_analysis.estimates import DesignError, UntestableError

ASKED = {"outcome": "losses", "pre": ["2018", "2019", "2020"], "post": ["2021", "2022"]}


def test_one_indicator_has_a_closed_form() -> None:
    rows = np.array([[0.0], [0.0], [0.0], [1.0], [1.0]])
    assert entropy_weights(rows, np.array([0.7])) == pytest.approx([0.1, 0.1, 0.1, 0.35, 0.35])


def test_equals_the_primal_solution() -> None:
    rng = np.random.default_rng(2)
    rows = rng.poisson(1.0, (12, 2)).astype(float)
    target = rng.dirichlet(np.ones(12)) @ rows
    found = optimize.minimize(
        lambda w: float(w @ np.log(w)),
        np.full(12, 1 / 12),
        bounds=[(1e-12, 1)] * 12,
        constraints=[
            {"type": "eq", "fun": lambda w: w.sum() - 1},
            {"type": "eq", "fun": lambda w: w @ rows - target},
        ],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert entropy_weights(rows, target) == pytest.approx(found.x, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(8, 60), st.integers(1, 4))
def test_weights_balance(seed: int, units: int, covariates: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(units, covariates)) * 10.0 ** rng.integers(-3, 4, covariates)
    target = rng.dirichlet(np.ones(units)) @ rows
    weights = entropy_weights(rows, target)
    assert weights.sum() == pytest.approx(1)
    assert (weights > 0).all()
    assert weights @ rows == pytest.approx(target, abs=1e-8 * rows.std(axis=0).max())


def test_equal_means_leave_weights_equal_and_a_constant_does_not_disturb() -> None:
    rows = np.c_[[0.0, 1.0, 2.0], [4.0, 4.0, 4.0]]
    assert entropy_weights(rows, np.array([1.0, 4.0])) == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("target", [[2.5], [-0.1]])
def test_target_beyond_the_controls_cannot_be_reached(target: list[float]) -> None:
    with pytest.raises(UntestableError, match="^covariates must span the target"):
        entropy_weights(np.array([[0.0], [1.0], [2.0]]), np.array(target))


def test_target_at_the_edge_is_one_unit() -> None:
    rows = np.array([[0.0], [1.0], [2.0]])
    assert entropy_weights(rows, np.array([2.0])) == pytest.approx([0, 0, 1], abs=1e-9)


def test_shapes_must_fit() -> None:
    with pytest.raises(DesignError, match="^target must hold one mean"):
        entropy_weights(np.zeros((3, 2)), np.zeros(3))


def test_balance_and_overlap_are_reported() -> None:
    panel = simulate.draw_panel(effect=0.5, seed=3, selection=0.7)
    found = matched(panel, **ASKED)
    frame = found.to_frame()
    wide = panel.pivot_table(index="unit_id", columns="period", values="losses")
    pilot = panel.groupby("unit_id")["pilot"].first()
    for period in ASKED["pre"]:
        arms = wide.loc[pilot, period], wide.loc[~pilot, period]
        assert frame.loc[period, "pilots"] == pytest.approx(arms[0].mean())
        assert frame.loc[period, "weighted"] == pytest.approx(arms[0].mean(), abs=1e-8)
        spread = np.sqrt((arms[0].var() + arms[1].var()) / 2)
        assert frame.loc[period, "difference_before"] == pytest.approx(
            (arms[0].mean() - arms[1].mean()) / spread
        )
        assert abs(frame.loc[period, "difference_after"]) < 1e-8
    weights = entropy_weights(
        wide.loc[~pilot, ASKED["pre"]].to_numpy(), wide.loc[pilot, ASKED["pre"]].mean().to_numpy()
    )
    assert f"effective number of controls {1 / (weights**2).sum():.1f} of 1276" in found.notes[-1]
    after = wide[ASKED["post"]].sum(axis=1) / 2
    ratio = after[pilot].mean() / (weights @ after[~pilot])
    assert frame.loc["ratio", "ratio"] == pytest.approx(ratio)
    assert found.passed is None
    assert "can itself cause regression to the mean" in found.sentences["en"]


def test_equal_weights_give_the_two_sample_interval() -> None:
    panel = simulate.draw_panel(effect=0.5, seed=3, mean=3.0, units=80, pilots=40, counties=4, cities=1)
    before = panel["period"].isin(ASKED["pre"])
    panel.loc[before, "losses"] = panel.loc[before].groupby("unit_id").ngroup() % 40
    pilot = panel.groupby("unit_id")["pilot"].first()
    order = {unit: k for arm in (True, False) for k, unit in enumerate(pilot.index[pilot == arm])}
    panel.loc[before, "losses"] = panel.loc[before, "unit_id"].map(order)
    row = matched(panel, **ASKED).to_frame().loc["ratio"]
    rate = panel[panel["period"].isin(ASKED["post"])].groupby("unit_id")["losses"].mean()
    arms = rate[pilot], rate[~pilot]
    variance = arms[0].var() / 40 / arms[0].mean() ** 2 + arms[1].var(ddof=0) / 40 / arms[1].mean() ** 2
    assert row["ratio"] == pytest.approx(arms[0].mean() / arms[1].mean())
    assert np.log(row["ci_high"] / row["ratio"]) == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-6)
