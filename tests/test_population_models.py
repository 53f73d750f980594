"""Models without absorbed effects against R's glm.nb, geeglm and glm, and formulas by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize

from reform_analysis import counts
from reform_analysis.estimates import DataError, DesignError, Estimates, UntestableError

REFERENCE = Path(__file__).parent / "reference"
PANEL = pd.read_csv(REFERENCE / "counts_synthetic.csv", dtype={"period": str})
STORED = pd.read_csv(REFERENCE / "counts.csv", comment="#").set_index(["model", "term", "statistic"])["value"]
PLACES = {"unit": "unit_id", "period": "period"}
COUNT = {"outcome": "losses", "exposure": "population", **PLACES}
RATE = {"outcome": "losses", "exposure": "lawsuits_concluded", **PLACES}
GROUPS = ["treated", "pilot"]

pytestmark = pytest.mark.filterwarnings("ignore:few clusters:reform_analysis.estimates.StatisticalWarning")


def agree(found: Estimates, model: str) -> None:
    frame = found.to_frame()
    frame["coefficient"] = np.log(frame["estimate"])
    for (term, statistic), value in STORED[model].items():
        if statistic == "dispersion":
            assert f"a = {value:.4g}" in "; ".join(found.notes)
        else:
            np.testing.assert_allclose(frame.loc[term, statistic], value, rtol=1e-6)


def test_negative_binomial_is_rs_glm_nb() -> None:
    agree(counts.fit_negative_binomial(PANEL, terms=GROUPS, **COUNT), "negative_binomial")
    terms = ["treated", "dose_post"]
    found = counts.fit_negative_binomial(PANEL, terms=terms, effects="two_way", **COUNT)
    agree(found, "negative_binomial_two_way")


def test_pooled_is_rs_geeglm_with_robust_errors() -> None:
    found = counts.fit_pooled(PANEL, terms=GROUPS, inference="robust", **COUNT)
    agree(found, "gee_independence")


def test_an_exchangeable_correlation_of_pairs_solves_its_equations() -> None:
    """Two rows a unit: the weights are the inverse of a 2 x 2 correlation, found from the residuals."""
    pairs = PANEL[PANEL["period"].isin(["2020", "2021"])].sort_values(["unit_id", "period"])
    found = counts.fit_pooled(pairs, terms=["pilot"], correlation="exchangeable", **COUNT).to_frame()
    years = pd.get_dummies(pairs["period"], dtype=float).to_numpy()
    x, y = pairs["pilot"].to_numpy(float), pairs["losses"].to_numpy(float)
    eta = np.log(found.loc["pilot", "estimate"]) * x + np.log(pairs["population"].to_numpy(float))

    def scores(year_effects: np.ndarray) -> np.ndarray:
        mean = np.exp(eta + years @ year_effects)
        residual = (y - mean) / np.sqrt(mean)
        scale = (residual**2).sum() / (len(y) - 3)
        correlation = (residual[::2] @ residual[1::2]) / (len(y) / 2 - 3) / scale
        weights = np.linalg.inv([[1.0, correlation], [correlation, 1.0]])
        weighted = (residual.reshape(-1, 2) @ weights).ravel() * np.sqrt(mean)
        return np.column_stack([years, x]).T @ weighted

    start = np.log(y @ years / (np.exp(eta) @ years))
    solved = optimize.root(lambda effects: scores(effects)[:2], start, tol=1e-13)
    assert solved.success
    assert abs(scores(solved.x)[2]) < 1e-6 * (x @ y)


def test_pooled_bias_reduction_is_mancl_and_derouens_formula() -> None:
    found = counts.fit_pooled(PANEL, terms=GROUPS, cluster="city", **COUNT)
    years = pd.get_dummies(PANEL["period"], dtype=float)
    design = np.column_stack([PANEL[GROUPS], years])
    y, offset = PANEL["losses"].to_numpy(float), np.log(PANEL["population"].to_numpy(float))
    mean = np.asarray(
        sm.GLM(y, design, family=sm.families.Poisson(), offset=offset).fit(tol=1e-14).fittedvalues
    )
    bread = np.linalg.inv(design.T @ (mean[:, None] * design))
    meat = np.zeros_like(bread)
    for city in PANEL["city"].unique():
        at = (PANEL["city"] == city).to_numpy()
        x, m = design[at], mean[at]
        leverage = (m[:, None] * x) @ bread @ x.T
        score = x.T @ np.linalg.solve(np.eye(at.sum()) - leverage, y[at] - m)
        meat += np.outer(score, score)
    expected = (bread @ meat @ bread)[:2, :2]
    np.testing.assert_allclose(found.vcov, expected, rtol=1e-6)


def test_rate_is_rs_binomial_glm_with_sandwich() -> None:
    agree(counts.fit_rate(PANEL, terms=GROUPS, cluster="city", **RATE), "rate")
    found = counts.fit_rate(PANEL, terms=["treated"], cluster="city", effects="two_way", **RATE)
    agree(found, "rate_two_way")
    assert any("too far from 1" in note for note in found.notes)
    assert found.scale == "odds_ratio"


def test_a_rate_of_two_groups_is_the_odds_ratio_of_four_totals() -> None:
    """One period, one dummy: the cross-product ratio of lost and won cases."""
    panel = PANEL[PANEL["period"] == "2020"]
    found = counts.fit_rate(panel, terms=["pilot"], **RATE).to_frame()
    lost = panel.groupby("pilot")["losses"].sum()
    won = panel.groupby("pilot")["lawsuits_concluded"].sum() - lost
    np.testing.assert_allclose(found.loc["pilot", "estimate"], lost[1] * won[0] / (lost[0] * won[1]))


def test_units_that_lost_every_case_are_left_out_of_a_rate_with_unit_effects() -> None:
    one = PANEL["unit_id"] == "SYN00001"
    panel = PANEL.assign(losses=PANEL["losses"].where(~one, PANEL["lawsuits_concluded"]))
    found = counts.fit_rate(panel, terms=["treated"], effects="two_way", **RATE)
    reasons = found.dropped.set_index("reason")["n"]
    assert reasons["no other cases in any period (1 units)"] == one.sum()
    assert found.n_obs + reasons.sum() == len(panel)


def test_more_losses_than_cases_are_refused() -> None:
    panel = PANEL.assign(losses=PANEL["losses"].where(PANEL.index != 7, PANEL["lawsuits_concluded"] + 1))
    with pytest.raises(DataError, match="'losses' must be whole numbers of at most 'lawsuits_concluded'"):
        counts.fit_rate(panel, terms=["pilot"], **RATE)


@pytest.mark.parametrize("fit", [counts.fit_pooled, counts.fit_negative_binomial])
def test_a_group_without_events_has_no_finite_ratio(fit: Callable[..., Estimates]) -> None:
    silent = PANEL.assign(losses=PANEL["losses"].mask(PANEL["pilot"] == 1, 0))
    with pytest.raises(UntestableError):
        fit(silent, terms=["pilot"], **COUNT)


def test_counts_below_poisson_variance_have_no_negative_binomial() -> None:
    even = PANEL.assign(losses=2, population=1000)
    with pytest.raises(UntestableError, match="^the likelihood must have a maximum"):
        counts.fit_negative_binomial(even, terms=["pilot"], **COUNT)


def test_terms_that_the_periods_span_are_named() -> None:
    panel = PANEL.assign(late=(PANEL["period"] >= "2021").astype(int))
    with pytest.raises(DesignError, match="got \\['late'\\], which do not"):
        counts.fit_pooled(panel, terms=["pilot", "late"], **COUNT)
