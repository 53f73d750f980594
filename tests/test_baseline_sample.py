"""Lasting differences between units: recovered from drawn counts, against statsmodels and by integration."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import integrate, stats

from reform_analysis.baseline_sample import BaselineSample, Levels, baseline_sample, levels, log_contrast
from reform_analysis.entropy_balance import matched
from reform_analysis.estimates import CheckResult, DataError, DesignError, UntestableError
from reform_analysis.regression_to_mean import baseline_shrinkage
from reform_analysis.simulate import draw_panel


def drawn(units: int, spread: float, inflation: float, seed: int) -> BaselineSample:
    rng = np.random.default_rng(seed)
    exposure = rng.uniform(0.5, 2, (units, 3))
    mean = rng.gamma(1 / spread, spread, (units, 1)) * exposure * [0.5, 0.8, 0.6]
    counts = rng.poisson(mean)
    if inflation > 1:
        counts = rng.negative_binomial(mean / (inflation - 1), 1 / inflation)
    zeros = np.zeros(units)
    return BaselineSample(counts, exposure, zeros, zeros + 1, zeros.astype(bool), synthetic=True)


@pytest.mark.parametrize(("spread", "inflation"), [(1.0, 1.0), (1.0, 1.5), (0.3, 2.0)])
def test_moments_tell_lasting_differences_from_chance(spread: float, inflation: float) -> None:
    found = [levels(drawn(2000, spread, inflation, seed)) for seed in range(30)]
    for name, truth in (("spread", spread), ("inflation", inflation)):
        values = np.array([getattr(each, name) for each in found])
        assert abs(values.mean() - truth) < 4 * values.std(ddof=1) / np.sqrt(30) + 0.01 * truth


def test_likelihood_is_statsmodels_negative_binomial() -> None:
    sample = drawn(1500, 0.7, 1.0, 1)
    expected = sample.pre_exposure @ levels(sample).rates
    one = dataclasses.replace(sample, pre_exposure=np.ones_like(sample.pre_exposure))
    fit = sm.NegativeBinomial(one.pre.sum(axis=1), np.ones(1500)).fit(method="newton", disp=False)
    assert levels(one, method="ml").spread == pytest.approx(fit.params[1], rel=1e-5)
    shape = 1 / levels(sample, method="ml").spread
    around = [
        stats.nbinom.logpmf(sample.pre.sum(axis=1), k, k / (k + expected)).sum()
        for k in (0.999 * shape, shape, 1.001 * shape)
    ]
    assert max(around) == around[1]


def test_prediction_is_the_gamma_posterior_mean() -> None:
    sample = drawn(5, 0.6, 1.0, 2)
    fitted = Levels(np.array([0.5, 0.8, 0.6]), 0.6, 1.0)
    for row, found in enumerate(fitted.predicted(sample)):
        expected = sample.pre_exposure[row] * fitted.rates

        def weight(level: float, row: int = row, expected: np.ndarray = expected) -> float:
            prior = stats.gamma.pdf(level, 1 / 0.6, scale=0.6)
            return float(prior * stats.poisson.pmf(sample.pre[row], level * expected).prod())

        below, _ = integrate.quad(weight, 0, np.inf)
        above, _ = integrate.quad(lambda level, weight=weight: level * weight(level), 0, np.inf)
        assert found == pytest.approx(above / below, rel=1e-6)


def test_units_that_do_not_differ_are_not_told_apart() -> None:
    counts = np.tile([2.0, 3.0, 4.0], (6, 1))
    ones = np.ones_like(counts)
    same = BaselineSample(counts, ones, ones[:, 0], ones[:, 0], ones[:, 0] > 0, synthetic=False)
    assert levels(same).spread == 0
    assert levels(same).predicted(same).tolist() == [1.0] * 6
    assert levels(same, method="ml").spread == 0


def frame() -> pd.DataFrame:
    rows = [
        (unit, period, unit + 1, 10.0 * (unit + 1), unit < 2)
        for unit in range(5)
        for period in ("2018", "2019", "2020", "2021", "2022")
    ]
    return pd.DataFrame(rows, columns=["unit_id", "period", "losses", "cases", "pilot"])


ASKED = {"outcome": "losses", "pre": ["2018", "2019", "2020"], "post": ["2021", "2022"]}


def test_counts_are_collected_in_the_order_asked() -> None:
    panel = frame().sample(frac=1, random_state=1)
    panel.attrs["synthetic"] = True
    panel.loc[(panel["unit_id"] == 1) & (panel["period"] == "2019"), "losses"] = 7
    panel.loc[(panel["unit_id"] == 4) & (panel["period"] == "2021"), "cases"] = 0
    found = baseline_sample(panel, **ASKED, exposure="cases")
    assert found.pre.tolist() == [[1, 1, 1], [2, 7, 2], [3, 3, 3], [4, 4, 4]]
    assert found.post.tolist() == [2, 4, 6, 8]
    assert found.post_exposure.tolist() == [20, 40, 60, 80]
    assert found.pilot.tolist() == [True, True, False, False]
    assert found.notes == ("left out: 1 units with a missing count or no exposure in some period",)
    kept, pilots = len(found.pilot), int(found.pilot.sum())
    said = f" Only the {kept} units with a count and a denominator in every period are used ({pilots} of them"
    assert found.kept("en").startswith(said)
    assert f"{kept}个单位（其中试点{pilots}个），略去1个" in found.kept("zh")
    assert dataclasses.replace(found, left_out=0).kept("en") == ""
    assert found.synthetic


def test_contrast_of_rates() -> None:
    found = log_contrast(
        np.array([4.0, 1, 2]), np.array([1.0, 1, 4]), np.array([True, False, False]), np.ones(3)
    )
    assert found == pytest.approx(np.log(4 / (3 / 5)))
    assert np.isnan(log_contrast(np.zeros(2), np.ones(2), np.array([True, False]), np.ones(2)))


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"pre": ["2019", "2020"]}, DesignError, "at least 3 periods"),
        ({"post": ["2020"]}, DesignError, "separate periods"),
        ({"post": []}, DesignError, "separate periods"),
        ({"post": ["2030"]}, DesignError, "separate periods"),
        ({"outcome": "fines"}, DataError, "fines"),
    ],
)
def test_bad_input_is_named(changed: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        baseline_sample(frame(), **ASKED | changed)


def test_an_arm_without_losses_cannot_be_judged() -> None:
    empty = frame()
    empty.loc[empty["pilot"], "losses"] = 0
    with pytest.raises(UntestableError, match="^pilots must be"):
        baseline_sample(empty, **ASKED)


def test_an_arm_without_events_afterwards_has_no_finite_ratio() -> None:
    panel = draw_panel(effect=None, seed=1, units=60, pilots=20, counties=6, cities=3, mean=2.0)
    panel.loc[panel["pilot"] & (panel["period"] >= "2021"), "losses"] = 0
    with pytest.raises(UntestableError, match="pilots must have an event after the base period"):
        baseline_sample(panel, outcome="losses", pre=["2018", "2019", "2020"], post=["2021"])


@pytest.mark.parametrize("column", ["losses", "cases"])
@pytest.mark.parametrize(("value", "shown"), [(-3.0, "-3"), (np.inf, "inf")])
def test_negative_counts_are_refused_with_row_and_column(column: str, value: float, shown: str) -> None:
    panel = frame()
    at = panel.index[panel["period"].isin(ASKED["post"])][7]
    panel[column] = panel[column].astype(float)
    panel.loc[at, column] = value
    unit, period = panel.loc[at, ["unit_id", "period"]]
    said = rf"^'{column}' must hold .* got {shown} in row {at} \({unit}, {period}\); correct it"
    with pytest.raises(DataError, match=said):
        baseline_sample(panel, **ASKED, exposure="cases")
    elsewhere = panel.assign(period=panel["period"].where(panel.index != at, "1990"))
    assert baseline_sample(elsewhere, **ASKED, exposure="cases").left_out >= 1


@pytest.mark.parametrize("check", [matched, baseline_shrinkage])
def test_checks_of_the_baseline_refuse_negative_counts(check: Callable[..., CheckResult]) -> None:
    panel = frame().assign(losses=lambda df: df["losses"].astype(float))
    at = panel.index[panel["period"] == "2020"][0]
    panel.loc[at, "losses"] = -1.0
    with pytest.raises(DataError, match=rf"^'losses' must hold .* got -1 in row {at} "):
        check(panel, **ASKED, **({"seed": 1} if check is baseline_shrinkage else {}))


def test_columns_may_bear_any_name() -> None:
    renamed = {"unit_id": "count", "period": "exposure", "losses": "unit", "cases": "period"}
    asked = {"unit": "count", "period": "exposure", "exposure": "period"}
    found = baseline_sample(frame().rename(columns=renamed), **ASKED | {"outcome": "unit"}, **asked)
    plain = baseline_sample(frame(), **ASKED, exposure="cases")
    assert found.pre.tolist() == plain.pre.tolist()
    assert found.post_exposure.tolist() == plain.post_exposure.tolist()


def test_several_rows_a_unit_and_period_are_an_error() -> None:
    twice = pd.concat([frame(), frame().iloc[:1]], ignore_index=True)
    with pytest.raises(DataError, match="^panel must hold one row a unit and period"):
        baseline_sample(twice, **ASKED)
