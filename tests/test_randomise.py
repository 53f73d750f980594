"""The randomisation test: brute force over all assignments of 12 units, agreement of p and interval, size."""

import warnings
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest
import statsmodels.api as sm

from reform_analysis.estimates import DataError, DesignError, Estimates, StatisticalWarning, UntestableError
from reform_analysis.randomise import randomisation_test
from reform_analysis.simulate import draw_panel

TWELVE, YEARS = 12, (2018, 2019, 2020, 2021)
PILOTS, START = (0, 4, 9), 2020
NAMES = {"outcome": "cases", "exposure": "people", "unit": "name", "period": "year", "seed": 1}


def twelve(seed: int = 4) -> pd.DataFrame:
    """Twelve units with exposures, three of them treated in the last two of four years."""
    rng = np.random.default_rng(seed)
    unit, year = np.repeat(np.arange(TWELVE), len(YEARS)), np.tile(YEARS, TWELVE)
    people = rng.integers(5, 30, len(unit)).astype(float)
    return pd.DataFrame(
        {
            "name": unit,
            "year": year,
            "people": people,
            "cases": rng.poisson(0.15 * people),
            "half": unit % 2,
            "on": (np.isin(unit, PILOTS) & (year >= START)).astype(float),
        }
    )


def test(frame: pd.DataFrame, **options: object) -> Estimates:
    return randomisation_test(frame, **{"treatment": "on", **NAMES, **options})


test.__test__ = False  # type: ignore[attr-defined]


def row(result: Estimates) -> pd.Series:
    return result.to_frame().loc["treatment"]


def arrangements(frame: pd.DataFrame, strata: str | None) -> list[np.ndarray]:
    """Treatment columns of every choice of pilots that keeps their number by stratum."""
    group = frame.groupby("name")[strata].first().to_numpy() if strata else np.zeros(TWELVE)
    wanted = sorted(group[list(PILOTS)])
    return [
        (frame["name"].isin(chosen) & (frame["year"] >= START)).to_numpy(dtype=float)
        for chosen in combinations(range(TWELVE), len(PILOTS))
        if sorted(group[list(chosen)]) == wanted
    ]


def refitted(frame: pd.DataFrame, treated: np.ndarray) -> float:
    """Estimate by pyfixest; infinite where there are no events to compare."""
    ever = frame["name"].isin(frame["name"][treated > 0])
    post = frame["year"] >= START
    if not (frame["cases"][ever & post].sum() and frame["cases"][~ever & ~post].sum()):
        return -np.inf
    if not (frame["cases"][ever & ~post].sum() and frame["cases"][~ever & post].sum()):
        return np.inf
    data = frame.assign(on=treated, cases=frame["cases"].astype(float), log_people=np.log(frame["people"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # units without events are dropped
        warnings.simplefilter("ignore", DeprecationWarning)  # of pandas 3.1, in pyfixest 0.60
        fit = pf.fepois(
            "cases ~ on | name + year",
            data,
            offset="log_people",
            vcov="iid",
            iwls_tol=1e-12,
            demeaner=pf.MapDemeaner(fixef_tol=1e-12),
        )
    return float(fit.coef()["on"])


def studentised(frame: pd.DataFrame, treated: np.ndarray) -> float:
    """Score over its Poisson standard error, as few treated units take it, by regression on dummies."""
    some = frame.groupby("name")["cases"].transform("sum") > 0
    data, treated = frame[some], treated[some.to_numpy()]
    dummies = pd.get_dummies(data[["name", "year"]].astype(str), dtype=float).drop(columns=["year_2018"])
    model = sm.GLM(data["cases"], dummies, family=sm.families.Poisson(), offset=np.log(data["people"]))
    expected = model.fit(tol=1e-14, maxiter=300).fittedvalues
    left = sm.WLS(treated, dummies, weights=expected).fit().resid
    return float((left * (data["cases"] - expected)).sum() / np.sqrt((expected * left**2).sum()))


@cache
def by_hand(statistic: str) -> dict[bytes, float]:
    """The statistic of every choice of three pilots of twelve."""
    frame = twelve()
    of = studentised if statistic == "studentised_score" else refitted
    return {treated.tobytes(): of(frame, treated) for treated in arrangements(frame, None)}


@pytest.mark.parametrize("strata", [None, "half"])
@pytest.mark.parametrize("statistic", ["studentised_score", "refit"])
def test_p_is_the_share_over_all_assignments(statistic: str, strata: str | None) -> None:
    frame = twelve()
    found = by_hand(statistic)
    every = np.array([found[treated.tobytes()] for treated in arrangements(frame, strata)])
    observed = found[frame["on"].to_numpy(dtype=float).tobytes()]
    expected = np.mean(np.abs(every) >= abs(observed) * (1 - 1e-8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticalWarning)  # 90 assignments within strata
        result = test(frame, statistic=statistic, strata=strata)
    assert row(result)["p_value"] == pytest.approx(expected, abs=1e-12)
    assert f"all {len(every)} assignments" in result.method


def test_estimate_is_that_of_pyfixest() -> None:
    frame = twelve()
    assert np.log(row(test(frame))["estimate"]) == pytest.approx(
        refitted(frame, frame["on"].to_numpy()), abs=1e-8
    )


def test_draws_come_near_enumeration() -> None:
    """220 assignments against 199 draws: four binomial standard errors."""
    frame = twelve()
    exact = row(test(frame, draws=220, interval=False))["p_value"]
    drawn = row(test(frame, draws=199, interval=False))["p_value"]
    assert abs(exact - drawn) <= 4 * np.sqrt(exact * (1 - exact) / 199) + 1 / 200


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("level", [0.6, 0.8, 0.95])
def test_one_lies_in_the_interval_exactly_where_p_does_not_reject(seed: int, level: float) -> None:
    found = row(test(twelve(seed), ci_level=level, draws=99))
    assert (found["ci_low"] <= 1 <= found["ci_high"]) == (found["p_value"] > 1 - level)


def test_relabelled_residuals_agree_too() -> None:
    panel = draw_panel(effect=0.7, seed=3, units=150, pilots=30, counties=10, cities=3)
    for level in (0.5001, 0.8, 0.9, 0.95):
        found = row(
            randomisation_test(
                panel,
                outcome="losses",
                unit="unit_id",
                period="period",
                adopted="adopted",
                ci_level=level,
                draws=199,
                seed=2,
            )
        )
        assert (found["ci_low"] <= 1 <= found["ci_high"]) == (found["p_value"] > 1 - level)
        assert found["ci_low"] < found["estimate"] < found["ci_high"]


def test_a_unit_that_fell_to_no_events_has_a_bound_of_0() -> None:
    frame = twelve().assign(cases=lambda f: f["cases"].where(f["on"] == 0, 0))
    found = row(test(frame))
    assert found["estimate"] == found["ci_low"] == 0
    assert 0 < found["ci_high"] < np.inf
    assert np.isnan(found["std_error"])


def test_without_earlier_events_the_bound_is_infinite() -> None:
    """Counts of 0 and 1, so that other units lack earlier events too."""
    frame = twelve().assign(
        cases=lambda f: (f["cases"].gt(3) & (~f["name"].isin(PILOTS) | (f["year"] >= START))).astype(int)
    )
    found = row(test(frame))
    assert found["estimate"] == found["ci_high"] == np.inf
    assert 0 <= found["ci_low"] < np.inf


def test_no_events_in_any_treated_unit_cannot_be_tested() -> None:
    frame = twelve().assign(cases=lambda f: f["cases"].where(~f["name"].isin(PILOTS), 0))
    with pytest.raises(UntestableError, match="must have events"):
        test(frame)


def test_units_without_events_stay_in_the_permutation() -> None:
    frame = twelve().assign(cases=lambda f: f["cases"].where(f["name"] != 2, 0))
    result = test(frame)
    assert "all 220 assignments" in result.method
    assert result.dropped["n"].tolist() == [1]
    every = np.array([studentised(frame, treated) for treated in arrangements(frame, None)])
    reached = np.abs(every) >= abs(studentised(frame, frame["on"].to_numpy())) - 1e-8
    assert row(result)["p_value"] == pytest.approx(reached.mean(), abs=1e-12)


def test_clusters_that_change_places_are_units_added_up() -> None:
    """The score of whole clusters has one number a cluster: three units each make four clusters."""
    frame = twelve().assign(
        town=lambda f: f["name"] // 3,
        on=lambda f: ((f["name"] < 3) & (f["year"] >= START)).astype(float),
    )
    with pytest.warns(StatisticalWarning, match="only 4 assignments"):
        found = test(frame, cluster="town", interval=False)
    assert row(found)["p_value"] in (0.25, 0.5, 0.75, 1)
    with pytest.warns(StatisticalWarning, match="only 4 assignments"):
        again = test(frame, cluster="town", statistic="refit")
    every = [
        refitted(frame, ((frame["town"] == town) & (frame["year"] >= START)).to_numpy(float))
        for town in range(4)
    ]
    assert row(again)["p_value"] == np.mean(np.abs(every) >= abs(every[0]) * (1 - 1e-8))


def test_clusters_of_one_unit_are_units() -> None:
    """Names of clusters in another order than those of units change no estimate of any draw."""
    frame = twelve().assign(alone=lambda f: 100 - f["name"])
    alone, plain = (row(test(frame, cluster=name, statistic="refit")) for name in ("alone", None))
    assert alone["p_value"] == plain["p_value"]
    assert alone["estimate"] == pytest.approx(plain["estimate"], rel=1e-10)


def test_treatment_that_differs_within_clusters_is_warned_of() -> None:
    with pytest.warns(StatisticalWarning, match="treatment differs within half"):
        result = test(twelve(), cluster="half", interval=False)
    assert any("treatment differs within half" in note for note in result.notes)


def test_staggered_histories_change_places() -> None:
    frame = twelve().assign(since=lambda f: f["name"].map({0: "2019-01", 4: "2020-01"}).fillna(""))
    result = test(frame, treatment=None, adopted="since")
    assert "all 132 assignments" in result.method
    assert 1 / 132 <= row(result)["p_value"] <= 1


def test_one_seed_one_result() -> None:
    panel = draw_panel(effect=None, seed=1, units=60, pilots=8, counties=6, cities=2)
    options = {"outcome": "losses", "unit": "unit_id", "period": "period", "adopted": "adopted", "draws": 199}
    first, again = (randomisation_test(panel, **options, seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(first.to_frame(), again.to_frame(), check_exact=True)
    assert first.notes == again.notes
    assert first.synthetic
    assert "SYNTHETIC" in first.summary()


def test_the_order_of_rows_does_not_matter() -> None:
    frame = twelve()
    pd.testing.assert_frame_equal(
        test(frame).to_frame(), test(frame.sample(frac=1, random_state=1)).to_frame(), check_exact=True
    )


def test_a_common_factor_of_the_exposure_does_not_matter() -> None:
    frame = twelve()
    scaled = frame.assign(people=frame["people"] * 1000)
    pd.testing.assert_frame_equal(test(frame).to_frame(), test(scaled).to_frame(), rtol=1e-9)


@pytest.mark.parametrize("statistic", ["studentised_score", "refit"])
def test_size_under_the_sharp_null(statistic: str) -> None:
    """An exact test: 300 simulations reject at most 5% plus three Monte Carlo errors, at 10% likewise."""
    rng = np.random.default_rng(8)
    frame = twelve()
    p_values = []
    for _ in range(300):
        level = rng.gamma(1.0, 1.0, TWELVE)[frame["name"]] * 0.15 * frame["people"]
        drawn = frame.assign(cases=rng.negative_binomial(level / 0.5 + 1e-9, 1 / 1.5))
        if drawn["cases"][drawn["name"].isin(PILOTS)].sum() == 0:
            continue
        p_values.append(row(test(drawn, interval=False, statistic=statistic))["p_value"])
    for size in (0.05, 0.1):
        assert np.mean(np.array(p_values) <= size) <= size + 3 * np.sqrt(size * (1 - size) / len(p_values))


def test_refit_has_no_interval() -> None:
    result = test(twelve(), statistic="refit")
    assert row(result)[["ci_low", "ci_high"]].isna().all()
    assert any("only a ratio of 1" in note for note in result.notes)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"draws": 98}, DataError, "draws must be at least 99"),
        ({"draws": 99, "ci_level": 0.999}, DesignError, "draw more"),
        ({"statistic": "mean"}, DataError, "statistic must be one of"),
        ({"ci_level": 1.2}, DataError, "ci_level"),
        ({"seed": 0.5}, DataError, "seed must be a whole number"),
    ],
)
def test_wrong_arguments_are_refused(options: dict[str, object], error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        test(twelve(), **options)


def test_what_was_reformed_elsewhere_is_left_out_counted_and_said() -> None:
    frame = draw_panel(effect=0.6, seed=4, units=120, pilots=40, counties=12, cities=4, mean=2.0)
    frame["elsewhere"] = (frame["county"] == frame["county"].iloc[0]) & ~frame["pilot"]
    frame["share"] = (frame["pilot"] & (frame["period"] >= "2021")).astype(float)
    names = {"outcome": "losses", "unit": "unit_id", "period": "period", "treatment": "share"}
    asked = {"seed": 3, "draws": 199}
    found = randomisation_test(frame, **names, **asked, last_clean_period="2022", other_pilot="elsewhere")
    clean = frame[(frame["period"] <= "2022") & ~frame["elsewhere"]]
    expected = randomisation_test(clean, **names, **asked)
    pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame(), check_exact=True)
    late = int((frame["period"] > "2022").sum())
    left = found.dropped.set_index("reason")["n"]
    assert left.filter(like="after last_clean_period 2022").sum() == late
    flagged = int((frame["elsewhere"] & (frame["period"] <= "2022")).sum())
    assert left.filter(like="control in elsewhere").tolist() == [flagged]
    assert any("Periods after 2022 are left out" in note for note in found.notes)


def test_a_frame_without_rows_is_refused() -> None:
    frame = pd.DataFrame({"u": [], "t": [], "y": [], "d": []})
    with pytest.raises(DataError, match="df must have rows, got none"):
        randomisation_test(frame, outcome="y", unit="u", period="t", treatment="d", seed=1)
