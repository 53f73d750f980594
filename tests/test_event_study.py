"""`event_study` against the plain regression; the pre-trend test against its formula and by simulation."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pyfixest
import pytest
from scipy.stats import chi2, f

from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import DataError, DesignError, StatisticalWarning
from reform_analysis.event_study import event_study, pretrend_test
from reform_analysis.simulate import draw_panel, load_example

COLUMNS: dict[str, Any] = {
    "outcome": "losses",
    "unit": "unit_id",
    "period": "period",
    "exposure": "population",
}
VCOV = pd.DataFrame([[0.05, 0.02, 0.01], [0.02, 0.06, 0.02], [0.01, 0.02, 0.04]])
BEFORE, AFTER = pd.Series([-3, -2, -1]), pd.Series([1, 2], index=["event_0", "event_1"])


def panel(**options: Any) -> pd.DataFrame:
    size = {"units": 100, "pilots": 40, "counties": 12, "cities": 5, "mean": 2.0}
    return draw_panel(**{"effect": 0.6, "seed": 9, **size, **options})


def study(frame: pd.DataFrame, **options: Any) -> Any:
    return event_study(frame, **COLUMNS, adopted="adopted", inference="cluster", **options)


def by_hand(frame: pd.DataFrame, terms: dict[str, list[str]]) -> pd.DataFrame:
    """Dummies of pilots in the periods listed."""
    dummies = {
        name: (frame["pilot"] & frame["period"].isin(years)).astype(float) for name, years in terms.items()
    }
    dummied = frame.assign(**dummies)
    return fit_poisson(dummied, **COLUMNS, terms=list(terms), inference="cluster").to_frame()


def test_equals_the_regression_with_dummies() -> None:
    terms = {"event_-3": ["2018"], "event_-2": ["2019"], "event_0": ["2021"], "event_1": ["2022"]}
    expected = by_hand(panel(), terms | {"event_2": ["2023"]})
    pd.testing.assert_frame_equal(study(panel()).to_frame(), expected, rtol=1e-8)


@pytest.mark.parametrize("how", ["no exposure", "missing", "no row"])
def test_pilots_without_rows_under_treatment_are_pilots_before_it(how: str) -> None:
    frame = panel()
    units = sorted(frame.loc[frame["pilot"], "unit_id"].unique())[:30]
    gone = frame["unit_id"].isin(units) & (frame["period"] >= "2021")
    if how == "no row":
        frame = frame[~gone]
    else:
        frame = frame.astype({"losses": float, "population": float})
        frame.loc[gone, ["losses", "population"]] = 0.0 if how == "no exposure" else np.nan
    years = {"-3": "2018", "-2": "2019", "0": "2021", "1": "2022", "2": "2023"}
    usable = frame[frame["population"] > 0]
    expected = by_hand(usable, {f"event_{time}": [year] for time, year in years.items()})
    found = study(frame)
    pd.testing.assert_frame_equal(found.to_frame(), expected, rtol=1e-8)
    assert any(note.startswith("30 pilots have no usable row under treatment") for note in found.notes)


def test_ends_are_binned_or_dropped() -> None:
    binned = study(panel(), window=(-2, 1)).to_frame()
    terms = {"event_-2": ["2018", "2019"], "event_0": ["2021"], "event_1": ["2022", "2023"]}
    pd.testing.assert_frame_equal(binned, by_hand(panel(), terms), rtol=1e-8)
    dropped = study(panel(), window=(-2, 1), ends="drop")
    assert dropped.dropped.to_numpy().tolist()[0] == ["pilot", "event time outside (-2, 1) (40 units)", 80]
    inside = panel()
    inside = inside[~(inside["pilot"] & inside["period"].isin(["2018", "2023"]))]
    single = {"event_-2": ["2019"], "event_0": ["2021"], "event_1": ["2022"]}
    pd.testing.assert_frame_equal(dropped.to_frame(), by_hand(inside, single), rtol=1e-8)


def test_units_reformed_after_the_last_clean_period_are_controls() -> None:
    frame = panel(rollout={"2022": 0.5})
    found = study(frame, last_clean_period="2021")
    cut = frame[frame["period"] <= "2021"].assign(adopted=frame["adopted"].where(frame["pilot"], ""))
    pd.testing.assert_frame_equal(found.to_frame(), study(cut).to_frame())
    assert not any("different periods" in note for note in found.notes)
    assert any("adopt in 2 different periods" in note for note in study(frame).notes)


def test_joint_test_is_the_wald_test_of_the_fit() -> None:
    result = study(panel())
    terms = ["event_-3", "event_-2"]
    logs = np.log(result.to_frame().loc[terms, "estimate"])
    statistic = logs @ np.linalg.inv(result.vcov.loc[terms, terms]) @ logs / 2
    assert result.pretrend.statistic == pytest.approx(statistic, rel=1e-10)
    assert result.pretrend.p_value == pytest.approx(f.sf(statistic, 2, result.n_clusters - 1), rel=1e-10)
    assert f"F(2, {result.n_clusters - 1}) = {statistic:.3f}" in " ".join(result.notes)


def test_joint_test_is_that_of_pyfixest_up_to_the_effects_it_counts() -> None:
    """On the example: the same statistic, if the variance counts no fixed effects among the regressors.

    pyfixest's default counts the period effects too (units lie within cities): its statistic is smaller by
    (n - 3 - 4) / (n - 3) with 3 ratios and 4 periods, which moves p from 0.4004 to 0.4008.
    """
    frame = load_example().query("period <= '2021' and lawsuits_concluded > 0")
    frame = frame[frame["pilot"] | ~frame["adopted"].str[:4].eq("2021")].astype({"losses": float})
    asked = {"outcome": "losses", "unit": "unit_id", "period": "period", "exposure": "lawsuits_concluded"}
    with pytest.warns(StatisticalWarning, match="few clusters: 11"):
        ours = event_study(frame, **asked, adopted="adopted", cluster="city", inference="cluster")
    years = {
        f"e{year}": (frame["pilot"] & (frame["period"] == year)).astype(float) for year in ("2018", "2019")
    }
    years |= {"e2021": (frame["pilot"] & (frame["period"] == "2021")).astype(float)}
    given = frame.assign(**years, scale=np.log(frame["lawsuits_concluded"].astype(float)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pyfixest.fepois(
            "losses ~ e2018 + e2019 + e2021 | unit_id + period",
            given,
            vcov={"CRV1": "city"},
            offset="scale",
            ssc=pyfixest.ssc(k_fixef="none"),
        )
        wald = theirs.wald_test(R=np.eye(2, 3))["statistic"] / 2  # a chi-squared one
    assert ours.pretrend.statistic == pytest.approx(wald, rel=1e-6)
    assert ours.pretrend.p_value == pytest.approx(0.4004, abs=5e-5)
    counted = wald * (ours.n_obs - 3 - 4) / (ours.n_obs - 3)
    assert f.sf(counted, 2, ours.n_clusters - 1) == pytest.approx(0.4008, abs=5e-5)


@pytest.mark.parametrize("below", [10.0, np.inf])
def test_the_missed_slope_is_rejected_half_the_time(below: float) -> None:
    """Seeded Monte Carlo: estimates around the trend, rejections within 3 Monte Carlo errors of one half."""
    found = pretrend_test(BEFORE * 0.0, VCOV, BEFORE, AFTER, df_denominator=below, level=0.05)
    rng, draws = np.random.default_rng(3), 40_000
    trend = np.log(found.missed_slope) * BEFORE.to_numpy()
    logs = rng.multivariate_normal(trend, VCOV, size=draws)
    spread = 1.0 if np.isinf(below) else rng.chisquare(below, draws) / below
    statistics = np.einsum("ij,jk,ik->i", logs, np.linalg.inv(VCOV), logs) / 3 / spread
    critical = chi2.isf(0.05, 3) / 3 if np.isinf(below) else f.isf(0.05, 3, below)
    assert abs((statistics > critical).mean() - 0.5) < 3 * 0.5 / np.sqrt(draws)
    assert found.missed_bias.tolist() == pytest.approx([found.missed_slope, found.missed_slope**2])


def test_one_ratio_before_adoption_has_the_known_slope() -> None:
    """With one ratio, k = 1 and chi-squared, power is one half about 1.96 standard errors away."""
    one = pretrend_test(
        pd.Series([0.0]), pd.DataFrame([[0.04]]), pd.Series([-2]), AFTER, df_denominator=np.inf, level=0.05
    )
    # The far tail adds under 5e-5 to the power of one half.
    assert np.log(one.missed_slope) * 2 / 0.2 == pytest.approx(1.959964, abs=5e-4)


def test_fewer_clusters_than_ratios_leave_the_test_undefined() -> None:
    found = pretrend_test(BEFORE * 0.0, VCOV, BEFORE, AFTER, df_denominator=2.0, level=0.05)
    assert np.isnan([found.statistic, found.p_value, found.missed_slope]).all()


def test_without_earlier_periods_nothing_is_tested() -> None:
    frame = panel()
    result = study(frame[frame["period"] >= "2020"])
    assert result.pretrend is None
    assert any("nothing tests the pre-trends" in note for note in result.notes)


def test_refusals() -> None:
    with pytest.raises(DesignError, match="reference must be before adoption"):
        study(panel(), reference=0)
    with pytest.raises(DesignError, match="window must run"):
        study(panel(), window=(0, 2))
    with pytest.raises(DesignError, match="reference must be an event time of the data"):
        study(panel(), reference=-9)
    with pytest.raises(DataError, match="ends must be one of"):
        study(panel(), ends="trim")


def test_arguments_of_the_regression_that_it_sets_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="'treatment'"):
        study(panel(), treatment="pilot")
    with pytest.raises(TypeError, match="'terms'"):
        study(panel(), terms=["pilot"])


def test_an_offset_is_added_to_the_log_of_the_exposure() -> None:
    frame = panel().assign(shift=0.1 * np.arange(len(panel())) % 1.0)
    scaled = frame.assign(population=frame["population"] * np.exp(frame["shift"]))
    expected = study(scaled).to_frame()
    pd.testing.assert_frame_equal(study(frame, offset="shift").to_frame(), expected, rtol=1e-8)
