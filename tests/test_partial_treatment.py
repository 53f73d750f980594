"""`partial_treatment` against the plain regression, exact means, and brute-force profiles."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import chi2, t

from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import DataError, UntestableError
from reform_analysis.partial_treatment import partial_treatment
from reform_analysis.simulate import draw_panel

COLUMNS: dict[str, Any] = {"outcome": "losses", "unit": "unit_id", "period": "period"}


def panel(**options: Any) -> pd.DataFrame:
    """Pilots of May 2021; fractions in ``full`` (no part), ``f7`` and ``f8`` (7 and 8 months)."""
    size = {"units": 60, "pilots": 20, "counties": 8, "cities": 3, "mean": 1.5}
    drawn = draw_panel(**{"effect": 0.6, "seed": 5, **size, **options})
    later = drawn["pilot"] & (drawn["period"] > "2021")
    first = drawn["pilot"] & (drawn["period"] == "2021")
    shares = {"full": 1.0, "f7": 7 / 12, "f8": 8 / 12}
    columns = {name: later + share * first for name, share in shares.items()}
    return drawn.assign(losses=drawn["losses"].astype(float), **columns)


def fit(frame: pd.DataFrame, fraction: Any = "f8", **options: Any) -> pd.DataFrame:
    found = partial_treatment(frame, **COLUMNS, treated_fraction=fraction, exposure="population", **options)
    return found.to_frame()


def test_whole_periods_are_the_plain_regression() -> None:
    frame = panel()
    plain = fit_poisson(frame, **COLUMNS, terms=["full"], exposure="population", inference="hc")
    expected = plain.to_frame().loc["full", "estimate"]
    assert fit(frame, "full").loc["full", "estimate"] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("ratio", [0.3, 1.7])
def test_recovers_the_ratio_from_exact_means_where_a_dose_would_not(ratio: float) -> None:
    """Counts equal to their means: only the right mean fits them without error."""
    frame = panel()
    unit = np.linspace(0.5, 3, 60)[pd.factorize(frame["unit_id"])[0]]
    year = frame["period"].map({str(2018 + k): 1 + 0.1 * k for k in range(6)})
    frame["losses"] = unit * year * frame["population"] / 47_000 * (1 - frame["f7"] + frame["f7"] * ratio)
    assert fit(frame, "f7").loc["f7", "estimate"] == pytest.approx(ratio, rel=1e-8)
    dose = fit_poisson(frame, **COLUMNS, terms=["f7"], exposure="population", inference="hc")
    assert dose.to_frame().loc["f7", "estimate"] != pytest.approx(ratio, rel=1e-4)


def regression(frame: pd.DataFrame, ratio: float) -> Any:
    """Units and periods with the factor as an offset; units without events left out."""
    live = frame[frame.groupby("unit_id")["losses"].transform("sum") > 0]
    dummies = pd.get_dummies(live[["unit_id", "period"]]).astype(float).drop(columns="period_2018")
    factor = live["population"].astype(float) * (1 - live["f8"] + live["f8"] * ratio)
    glm = sm.GLM(live["losses"], dummies, family=sm.families.Poisson(), exposure=factor)
    return live, dummies, glm.fit(tol=1e-13, tol_criterion="params")


def score(frame: pd.DataFrame, ratio: float) -> float:
    """Score of the log ratio over the root of units' squares, slope cleared of dummies by least squares."""
    live, dummies, fitted = regression(frame, ratio)
    slope = live["f8"] * ratio / (1 - live["f8"] + live["f8"] * ratio)
    left = sm.WLS(slope, dummies, weights=fitted.fittedvalues).fit().resid
    by_unit = (left * fitted.resid_response).groupby(live["unit_id"]).sum()
    return float(by_unit.sum() / np.sqrt((by_unit**2).sum()))


def test_score_interval_is_where_the_brute_force_test_turns() -> None:
    frame = panel()
    row = fit(frame).loc["f8"]
    critical = t.ppf(0.975, frame["unit_id"].nunique() - 1)
    assert score(frame, row["estimate"]) == pytest.approx(0, abs=1e-6)
    assert score(frame, row["ci_low"]) == pytest.approx(critical, rel=1e-6)
    assert score(frame, row["ci_high"]) == pytest.approx(-critical, rel=1e-6)
    assert row["p_value"] == pytest.approx(
        2 * t.sf(abs(score(frame, 1.0)), frame["unit_id"].nunique() - 1), rel=1e-6
    )


def test_likelihood_interval_is_where_the_deviance_turns() -> None:
    frame = panel(overdispersion=1.0)
    row = fit(frame, inference="likelihood").loc["f8"]
    best = regression(frame, row["estimate"])[2].deviance
    for name in ("ci_low", "ci_high"):
        assert regression(frame, row[name])[2].deviance - best == pytest.approx(chi2.ppf(0.95, 1), rel=1e-6)
    at_one = regression(frame, 1.0)[2].deviance - best
    assert row["p_value"] == pytest.approx(chi2.sf(at_one, 1), rel=1e-6)


def test_fractions_stand_side_by_side() -> None:
    frame = panel()
    found = partial_treatment(frame, **COLUMNS, treated_fraction=["f7", "f8"], exposure="population")
    for name in ("f7", "f8"):
        pd.testing.assert_series_equal(found.to_frame().loc[name], fit(frame, name).loc[name])
    assert "f7: fractions 0.5833 in 20 unit-periods" in found.notes
    assert found.synthetic


def test_no_events_in_whole_treated_periods_is_0() -> None:
    frame = panel()
    frame["losses"] = frame["losses"].where(frame["full"] == 0, 0.0)
    row = fit(frame, "full").loc["full"]
    assert row["estimate"] == 0
    assert row[["std_error", "ci_low", "ci_high", "p_value"]].isna().all()
    row = fit(frame, "full", inference="likelihood").loc["full"]
    assert row["estimate"] == row["ci_low"] == 0
    assert 0 < row["ci_high"] < 1


def test_reformed_controls_are_left_out() -> None:
    frame = panel()
    frame["other"] = frame["city"] == frame["city"].iloc[0]
    kept = frame[(frame["period"] <= "2021") & (frame["pilot"] | ~frame["other"])]
    pd.testing.assert_frame_equal(fit(frame, last_clean_period="2021", other_pilot="other"), fit(kept))


def test_refusals() -> None:
    frame = panel()
    with pytest.raises(DataError, match="between 0 and 1"):
        fit(frame.assign(f8=frame["f8"] * 12))
    with pytest.raises(UntestableError, match="none of 'pilot'"):
        fit(frame.assign(f8=0.0))
    with pytest.raises(UntestableError, match="must vary beside unit and period effects"):
        fit(frame.assign(f8=frame["pilot"].astype(float)))
