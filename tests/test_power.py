"""Detectable correlations and ratios against known figures, limits, simulation; what a null excludes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import brentq

from reform_analysis.estimates import COLUMNS, DataError, DesignError, Estimates, UntestableError
from reform_analysis.power import detectable_correlation, detectable_ratio, excluded_ratio, simulate_power


@pytest.mark.parametrize(("units", "power", "level"), [(89, 0.8, 0.95), (1365, 0.9, 0.99), (12, 0.5, 0.9)])
def test_solves_fishers_equation(units: int, power: float, level: float) -> None:
    limit = stats.norm.ppf((1 + level) / 2)

    def excess(r: float) -> float:
        shift = np.arctanh(r) * np.sqrt(units - 3)
        return stats.norm.sf(limit - shift) + stats.norm.cdf(-limit - shift) - power

    # statsmodels' root finder stops at a power wrong in the sixth digit; four decimals of r are promised
    exact = brentq(excess, 1e-9, 1 - 1e-9)
    assert detectable_correlation(units, power=power, ci_level=level) == pytest.approx(exact, abs=5e-5)


def test_simulated_power() -> None:
    r, draws = detectable_correlation(89), 2000
    rng = np.random.default_rng(7)
    x, noise = rng.standard_normal((2, draws, 89))
    y = r * x + np.sqrt(1 - r**2) * noise
    found = [stats.pearsonr(*pair).pvalue < 0.05 for pair in zip(x, y, strict=True)]
    assert abs(np.mean(found) - 0.8) < 3 * np.sqrt(0.8 * 0.2 / draws)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"units": 3}, "units"),
        ({"units": 50, "power": 1}, "power"),
        ({"units": 50, "ci_level": 95}, "ci_level"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, object], name: str) -> None:
    with pytest.raises(DataError, match=rf"^{name} must"):
        detectable_correlation(**arguments)


def one_row(*numbers: float, scale: str = "rate_ratio", terms: tuple[str, ...] = ("pilot",)) -> Estimates:
    frame = pd.DataFrame([numbers] * len(terms), index=pd.Index(terms, name="term"), columns=list(COLUMNS))
    return Estimates(frame, scale, 0.95, "test", 1)


@pytest.mark.parametrize(
    ("periods", "inflation", "ratio"), [(1, 1, 0.50), (1, 1.5, 0.40), (4, 1, 0.73), (4, 1.5, 0.68)]
)
def test_ratios_known_for_this_design(periods: int, inflation: float, ratio: float) -> None:
    found = detectable_ratio(
        pilots=89,
        mean=0.6,
        controls=1276,
        control_mean=0.3,
        pre=periods,
        post=periods,
        inflation=inflation,
    )
    assert found == pytest.approx(ratio, abs=0.005)


def test_shares_of_rows_lower_the_expected_totals() -> None:
    given: dict[str, Any] = {
        "pilots": 60,
        "mean": 2.0,
        "controls": 200,
        "control_mean": 1.0,
        "pre": 2,
        "post": 3,
    }
    observed = (0.9, 0.5, 0.8, 0.7)
    found = detectable_ratio(**given, observed=observed)
    totals = np.array([60 * 2.0 * 2, 60 * 2.0 * 3 * found, 200 * 2, 200 * 3]) * observed
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert -np.log(found) == pytest.approx(z * np.sqrt((1 / totals).sum()))
    # for a dose the same share in both windows is a lower exposure
    dose = detectable_ratio(**given, observed=(0.5, 0.5, 1, 1), dose=True)
    assert dose == pytest.approx(detectable_ratio(**given, exposure=0.5, dose=True))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"inflation": 0.5}, "^inflation must be a finite number of at least 1, got 0.5; pass 1 for none"),
        ({"inflation": np.inf}, "^inflation must be a finite number of at least 1, got inf"),
        ({"inflation": True}, "^inflation must be a finite number of at least 1, got True"),
        ({"cluster_size": 0.5, "icc": 0.1}, "^cluster_size must be a finite number of at least 1, got 0.5"),
        ({"exposure": 0}, "^exposure must be .*; pass the exposure of a unit and period"),
        ({"mean": 0}, "^mean must be .*; pass losses of a unit and period"),
        ({"controls": None}, "^controls must be a whole number of at least 1 or infinite, got None"),
        ({"observed": (1, 1, 1)}, "^observed must be four shares above 0 and up to 1"),
        ({"observed": (1, 1, 1, 1.1)}, "^observed must be four shares above 0 and up to 1"),
        ({"observed": "all"}, "^observed must be four shares above 0 and up to 1"),
    ],
)
def test_a_message_names_the_rule_that_holds(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        detectable_ratio(**({"pilots": 89, "mean": 0.6, "controls": 1276} | wrong))


def test_controls_play_no_part_for_a_dose() -> None:
    given: dict[str, Any] = {"pilots": 89, "mean": 0.6, "dose": True}
    assert detectable_ratio(**given, controls=0, control_mean=0) == detectable_ratio(**given)


def test_ratio_solves_its_equation_with_clusters_and_exposure() -> None:
    arguments = {"pilots": 60, "mean": 2.0, "controls": 200, "control_mean": 1.0, "pre": 2, "post": 3}
    factor = 1.4 * (1 + (10 - 1) * 0.05)
    found = detectable_ratio(
        **arguments, exposure=0.7, inflation=1.4, cluster_size=10, icc=0.05, power=0.9, ci_level=0.9
    )
    pilots, controls = 60 * 1.4, 200 * 0.7
    cells = np.array([2 * pilots, 3 * pilots * found, 2 * controls, 3 * controls])
    variance = factor * (1 / cells).sum()
    z = stats.norm.ppf(0.95) + stats.norm.ppf(0.9)
    assert -np.log(found) == pytest.approx(z * np.sqrt(variance), rel=1e-9)


def test_small_effect_of_a_dose_has_the_information_of_equal_shares() -> None:
    units, mean = 10**6, 5.0
    found = detectable_ratio(pilots=units, mean=mean, pre=1, post=3, dose=True)
    information = units * mean * 1 * 3 / (1 + 3)
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert -np.log(found) == pytest.approx(z / np.sqrt(information), rel=1e-4)


def test_simulated_power_of_a_dose() -> None:
    """Conditional logit of the later share on the dose: its Wald test has the power asked."""
    units, mean, draws = 400, 2.0, 1000
    log_ratio = np.log(detectable_ratio(pilots=units, mean=mean, dose=True))
    rng, found = np.random.default_rng(12), 0
    for _ in range(draws):
        dose = rng.standard_normal(units)
        pre, post = rng.poisson(mean, units), rng.poisson(mean * np.exp(log_ratio * dose))
        total, beta = pre + post, np.zeros(2)
        design = np.c_[np.ones(units), dose]
        for _ in range(8):
            share = 1 / (1 + np.exp(-design @ beta))
            information = (design * (total * share * (1 - share))[:, None]).T @ design
            beta = beta + np.linalg.solve(information, design.T @ (post - total * share))
        found += abs(beta[1]) > stats.norm.ppf(0.975) * np.sqrt(np.linalg.inv(information)[1, 1])
    assert abs(found / draws - 0.8) < 3 * np.sqrt(0.8 * 0.2 / draws)


def test_nothing_is_found_with_too_few_losses() -> None:
    assert np.isnan(detectable_ratio(pilots=1, mean=0.01, inflation=3))


def totals_fit(panel: pd.DataFrame, inflation: float = 1.0) -> Estimates:
    """Wald test of the ratio of ratios of totals."""
    cell = panel.groupby(["pilot", "period"])["losses"].sum().to_numpy().reshape(2, 2)
    log_ratio = np.log(cell[1, 1] * cell[0, 0] / (cell[1, 0] * cell[0, 1]))
    sd = np.sqrt(inflation * (1 / cell).sum())
    return one_row(np.exp(log_ratio), sd, np.nan, np.nan, 2 * stats.norm.sf(abs(log_ratio) / sd))


@pytest.mark.parametrize("inflation", [1.0, 1.5])
def test_analytic_and_simulated_power_agree(inflation: float) -> None:
    design = {"units": 600, "pilots": 200, "counties": 20, "cities": 4, "periods": ("2020", "2021")}
    drawn = {**design, "mean": 1.0, "heterogeneity": 0.0, "overdispersion": inflation}
    ratio = detectable_ratio(pilots=200, mean=1.0, controls=400, inflation=inflation)
    found = simulate_power(lambda panel: totals_fit(panel, inflation), drawn, [ratio, 1], 250, 3)
    frame = found.to_frame()
    assert found.scale == "proportion"
    assert abs(frame["estimate"].iloc[0] - 0.8) < 3 * np.sqrt(0.8 * 0.2 / 250)
    assert abs(frame["estimate"].iloc[1] - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 250)


SMALL = {"units": 12, "pilots": 4, "counties": 2, "cities": 1, "periods": ("2020", "2021")}


def test_share_found_has_an_exact_interval() -> None:
    p_values = iter([0.01, 0.5, 0.05, 0.9, 0.02])
    found = simulate_power(lambda _: one_row(1, 1, 1, 1, next(p_values)), SMALL, [0.5], 5, 1).to_frame()
    exact = stats.binomtest(3, 5).proportion_ci(0.95, "exact")
    assert found.loc["0.5", ["estimate", "ci_low", "ci_high"]].tolist() == [0.6, exact.low, exact.high]


def test_untestable_and_undefined_panels_count_as_not_found() -> None:
    calls = iter([UntestableError("nothing"), 0.01, np.nan, 0.01])

    def fit(_: pd.DataFrame) -> Estimates:
        made = next(calls)
        if isinstance(made, UntestableError):
            raise made
        return one_row(1, 1, 1, 1, made)

    found = simulate_power(fit, SMALL, [0.5], 4, 1)
    assert found.to_frame()["estimate"].tolist() == [0.5]
    assert found.notes == ("ratio 0.5: no p-value in 2 of 4 panels",)


def test_power_draws_are_those_of_the_seed() -> None:
    seen: list[int] = []

    def fit(panel: pd.DataFrame) -> Estimates:
        seen.append(int(panel["losses"].sum()))
        return one_row(1, 1, 1, 1, 1)

    for seed in (1, 1, 2):
        simulate_power(fit, SMALL, [1], 3, seed)
    assert seen[:3] == seen[3:6] != seen[6:]
    assert len(set(seen[:3])) > 1


@pytest.mark.parametrize(
    ("fit", "design", "ratios", "error", "said"),
    [
        (lambda _: None, SMALL, [0.5], DesignError, "^fit must return Estimates, got NoneType; return what"),
        (lambda _: 0.03, SMALL, [0.5], DesignError, "^fit must return Estimates, got float; return what"),
        (
            None,
            SMALL,
            [0.5],
            DesignError,
            "^fit must be a function from a panel to Estimates, got None; pass",
        ),
        (None, None, [0.5], DesignError, "^design must be a mapping of arguments .*, got None; pass"),
        (None, {"x": 1, **SMALL}, [0.5], DesignError, r"^design must hold arguments .* got \['x'\]; take of"),
        (None, {"effect": 0.5}, [0.5], DesignError, r"got \['effect'\]; take of \['units', 'pilots', "),
        (None, {"seed": 1}, [0.5], DesignError, r"got \['seed'\]; take of"),
        (None, SMALL, 0.5, DataError, r"^ratios must be a sequence of rate ratios, got 0.5; pass \(0.5,\)"),
        (None, SMALL, "0.5", DataError, "^ratios must be a sequence of rate ratios, got '0.5'; pass"),
        (None, SMALL, np.array([]), DataError, "^ratios must hold at least one rate ratio"),
    ],
)
def test_a_fit_a_design_and_ratios_that_cannot_be_are_refused_by_name(
    fit: object, design: object, ratios: object, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        simulate_power(fit, design, ratios, 2, 1)  # type: ignore[arg-type]


def test_ratios_may_be_an_array() -> None:
    found = simulate_power(lambda _: one_row(1, 1, 1, 1, 0.01), SMALL, np.array([0.5, 0.7]), 2, 1)  # type: ignore[arg-type]
    assert found.to_frame()["estimate"].tolist() == [1.0, 1.0]


def test_which_term_counts_must_be_clear() -> None:
    with pytest.raises(DesignError, match="^term must be one of"):
        simulate_power(lambda _: one_row(1, 1, 1, 1, 1, terms=("a", "b")), SMALL, [1], 1, 1)


@pytest.mark.parametrize(
    ("low", "high", "below", "english"),
    [
        (0.62, 1.3, 0.62, "It excludes falls of more than 38%."),
        (0.62, 0.9, np.nan, "this is no null result"),
        (np.nan, np.nan, np.nan, "nothing is excluded"),
    ],
)
def test_what_a_null_result_excludes(low: float, high: float, below: float, english: str) -> None:
    found = excluded_ratio(one_row(0.9, 0.2, low, high, 0.5))
    assert found.passed is None
    assert found.to_frame().loc["pilot", "excluded_below"] == pytest.approx(below, nan_ok=True)
    assert english in found.sentences["en"]


def test_only_a_ratio_excludes_falls() -> None:
    with pytest.raises(DesignError, match="scale 'difference'"):
        excluded_ratio(one_row(0.9, 0.2, 0.6, 1.3, 0.5, scale="difference"))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"pilots": 0}, "pilots"),
        ({"mean": 0}, "mean"),
        ({"controls": 0}, "controls"),
        ({"inflation": 0.5}, "inflation"),
        ({"icc": 1}, "icc"),
        ({"exposure": -1}, "exposure"),
        ({"control_mean": 0}, "control_mean"),
        ({"pre": 0.5}, "pre"),
    ],
)
def test_bad_designs_are_named(arguments: dict[str, object], name: str) -> None:
    with pytest.raises(DataError, match=rf"^{name} must"):
        detectable_ratio(**{"pilots": 10, "mean": 1.0} | arguments)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"controls": 1276, "control_mean": 0.3}, (0.499, 0.402, 0.732, 0.677)),
        ({}, (0.519, 0.422, 0.746, 0.693)),
    ],
)
def test_less_noise_among_controls_brings_the_ratio_nearer_to_one(
    arguments: dict[str, Any], expected: tuple[float, ...]
) -> None:
    grid = [(periods, inflation) for periods in (1, 4) for inflation in (1.0, 1.5)]
    z = stats.norm.isf(0.025) + stats.norm.ppf(0.8)
    for (periods, inflation), printed in zip(grid, expected, strict=True):
        found = detectable_ratio(
            pilots=89, mean=0.6, pre=periods, post=periods, inflation=inflation, **arguments
        )
        assert round(found, 3) == printed
        pilots = (1 + 1 / found) / (89 * 0.6 * periods)
        controls = 2 / (1276 * 0.3 * periods) if arguments else 0.0
        assert -np.log(found) == pytest.approx(z * np.sqrt(inflation * (pilots + controls)), rel=1e-9)


def test_an_open_interval_excludes_no_fall() -> None:
    found = excluded_ratio(one_row(0.75, 0.5, 0.0, np.inf, 0.6))
    assert found.sentences["en"].startswith("The 95% interval, 0.00 to ∞, holds 1")
    assert found.sentences["en"].endswith("no fall is excluded, however large.")
    assert "多大的下降都没有排除" in found.sentences["zh"]


@pytest.mark.parametrize(
    ("low", "said"), [(0.001, "hardly any fall"), (0.998, "nearly every fall"), (0.6, "more than 40%")]
)
def test_a_fall_that_rounds_to_nothing_or_all_is_given_as_a_ratio(low: float, said: str) -> None:
    row = pd.DataFrame([[1.0, 0.2, low, 1.3, 0.6]], columns=COLUMNS, index=pd.Index(["pilot"], name="term"))
    sentence = excluded_ratio(Estimates(row, "rate_ratio", 0.95, "Poisson", 100)).sentences["en"]
    assert said in sentence
    assert "100%" not in sentence
    assert " 0%" not in sentence


def test_power_below_the_level_of_the_test_is_refused() -> None:
    with pytest.raises(DataError, match="^power must"):
        detectable_ratio(mean=0.6, pilots=89, pre=1, post=1, power=0.02)
