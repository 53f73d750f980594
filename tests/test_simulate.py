"""Draws: their moments against the parameters. The example: exact totals, invented names, the stored file."""

import re
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reform_analysis import draws, invented_names, published, resources, schema, simulate
from reform_analysis.estimates import DataError, DesignError
from reform_analysis.scenario import Scenario, month_text, published_totals

EXAMPLE = simulate.example_panel(7)
BASES = {  # as the issue that the example was built for lists them, independently of `published`
    "losses": (53, 32),
    "corrections": (24, 20),
    "reviews": (4587, 8853),
    "review_opinions": (7573, 11511),
    "enforcement_own": (5830, 9269),
    "enforcement_department": (75929, 62262),
}


def within(estimate: float, truth: float, std_error: float) -> bool:
    """Whether a seeded Monte Carlo mean lies within 4 of its standard errors (p = 6e-5 of missing)."""
    return abs(estimate - truth) < 4 * std_error


def stem(name: str) -> str:
    return re.sub("(?:街道|[镇乡市县区])$", "", name)


def test_a_count_has_the_mean_and_variance_of_the_formula() -> None:
    scenario = Scenario(overdispersion=1.8, series_share=0.3, series_size=5.0)
    rate, n = 0.6, 400_000
    counts = draws.cases(np.full(n, rate), scenario, np.random.default_rng(1))
    inflation = 0.7 * 1.8 + 0.3 * (5.0**2 + 4.0) / 5.0
    assert within(counts.mean(), rate, counts.std() / np.sqrt(n))
    squares = (counts - counts.mean()) ** 2
    assert within(squares.mean(), inflation * rate, squares.std() / np.sqrt(n))


@pytest.mark.parametrize("overdispersion", [1.0, 1.5])
def test_single_cases_are_poisson_or_negative_binomial(overdispersion: float) -> None:
    counts = draws.cases(
        np.full(200_000, 0.5), Scenario(overdispersion=overdispersion), np.random.default_rng(2)
    )
    law = stats.poisson(0.5) if overdispersion == 1 else stats.nbinom(0.5 / 0.5, 1 / 1.5)
    upper = 4
    found = np.bincount(np.minimum(counts, upper), minlength=upper + 1)
    expected = len(counts) * np.append(law.pmf(range(upper)), law.sf(upper - 1))
    assert stats.chisquare(found, expected).pvalue > 1e-4


def losses(panel: pd.DataFrame) -> np.ndarray:
    """Losses as units x periods."""
    return panel["losses"].to_numpy(dtype=float).reshape(-1, panel["period"].nunique())


def test_lasting_differences_and_effect_have_the_moments_of_the_parameters() -> None:
    units = 60_000
    panel = simulate.draw_panel(
        effect=0.5, seed=3, units=units, pilots=units // 2, mean=0.8, heterogeneity=0.6, overdispersion=1.0
    )
    found = losses(panel)
    assert within(found[:, :3].mean(), 0.8, found[:, :3].mean(axis=1).std() / np.sqrt(units))
    product = (found[:, 0] - 0.8) * (found[:, 1] - 0.8)  # independent given the level: its variance is left
    assert within(product.mean(), 0.6 * 0.8**2, product.std() / np.sqrt(units))
    pilot = panel["pilot"].to_numpy().reshape(units, -1)[:, 0]
    after = found[pilot][:, 3:].mean(axis=1)
    assert within(after.mean(), 0.5 * 0.8, after.std() / np.sqrt(len(after)))
    others = found[~pilot][:, 3:].mean(axis=1)
    assert within(others.mean(), 0.8, others.std() / np.sqrt(len(others)))


def test_no_effect_means_no_difference_and_one_is_none() -> None:
    null = simulate.draw_panel(effect=None, seed=4)
    pd.testing.assert_frame_equal(null, simulate.draw_panel(effect=1.0, seed=4))
    changed = losses(null) != losses(simulate.draw_panel(effect=0.2, seed=4))
    pilot = null["pilot"].to_numpy().reshape(len(changed), -1)[:, 0]
    assert changed[pilot][:, 3:].any()
    assert not changed[:, :3].any()


def test_trend_and_period_positions() -> None:
    panel = simulate.draw_panel(
        effect=None, seed=5, units=40_000, periods=("2020H1", "2020H2", "2021H1"), adopted="2021H1", trend=2.0
    )
    means = losses(panel).mean(axis=0)
    errors = losses(panel).std(axis=0) / np.sqrt(40_000)
    assert all(within(*row) for row in zip(means, [0.25, 0.5, 1.0], errors, strict=True))
    assert set(panel["adopted"]) == {"", "2021-01"}
    assert month_text("2021H2") == "2021-07"


def test_shocks_are_common_to_a_city() -> None:
    arrays = draws.draw_arrays(Scenario(cities=89, cluster_sd=0.5, units=89), np.random.default_rng(6))
    assert np.unique(arrays.city).size == 89
    one = draws.draw_arrays(Scenario(cluster_sd=0.5), np.random.default_rng(6))
    for number in range(11):
        assert (one.shock[one.city == number] == one.shock[one.city == number][0]).all()
    scores = np.concatenate(
        [
            np.log(
                draws.draw_arrays(
                    Scenario(cities=89, units=89, cluster_sd=0.5), np.random.default_rng(s)
                ).shock
            )
            for s in range(20)
        ]
    ).ravel()
    assert within(scores.mean(), -(0.5**2) / 2, 0.5 / np.sqrt(scores.size))
    assert within(scores.std(), 0.5, 0.5 / np.sqrt(2 * scores.size))


def test_pilots_of_a_city_share_shocks_of_their_own_from_adoption_on() -> None:
    sd, plain = 0.4, draws.draw_arrays(Scenario(pilots=600), np.random.default_rng(6))
    found = draws.draw_arrays(Scenario(pilots=600, pilot_cluster_sd=sd), np.random.default_rng(6))
    ratio = found.rates["losses"] / plain.rates["losses"]
    assert (ratio[:, : found.scenario.start] == 1).all()
    cells = pd.DataFrame(np.log(ratio[:, found.scenario.start :])).groupby([found.city, found.pilot])
    assert cells.ngroups == 22
    assert np.ptp(cells.first().to_numpy(), axis=0).min() > 0
    assert (cells.max() - cells.min()).to_numpy().max() < 1e-12
    many = [
        draws.draw_arrays(
            Scenario(units=89, cities=89, pilot_cluster_sd=sd, heterogeneity=0), np.random.default_rng(s)
        ).rates["losses"][:, 3:]
        for s in range(40)
    ]
    scores = np.log(np.concatenate(many) / 0.5).ravel()
    assert within(scores.mean(), -(sd**2) / 2, sd / np.sqrt(scores.size))
    assert within(scores.std(), sd, sd / np.sqrt(2 * scores.size))


def test_dose_has_the_correlations_asked_for() -> None:
    units = 50_000
    panel = simulate.draw_panel(effect=None, seed=8, units=units, dose_base=0.2)
    base = losses(panel)[:, 2]
    dose = panel["dose"].to_numpy().reshape(units, -1)[:, 0]
    assert within(np.corrcoef(dose, base)[0, 1], 0.2, 1 / np.sqrt(units))
    assert within(dose.var(), 1, np.sqrt(2 / units))
    arrays = draws.draw_arrays(Scenario(units=units, dose_level=0.3), np.random.default_rng(8))
    rank = stats.norm.ppf(stats.rankdata(arrays.rates["losses"][:, 0]) / (units + 1))
    assert within(np.corrcoef(arrays.dose, rank)[0, 1], 0.3, 1 / np.sqrt(units))
    both = draws.draw_arrays(Scenario(units=units, dose_level=0.3, dose_base=0.4), np.random.default_rng(8))
    assert within(both.dose.var(), 1, np.sqrt(2 / units))


@pytest.mark.parametrize(("option", "falls"), [("dose_level", False), ("dose_base", True)])
def test_only_a_dose_that_answers_the_base_losses_goes_with_a_fall(option: str, falls: bool) -> None:
    arrays = draws.draw_arrays(Scenario(units=50_000, **{option: 0.3}), np.random.default_rng(8))
    change = arrays.counts["losses"][:, 3] - arrays.counts["losses"][:, 2]
    assert (stats.pearsonr(arrays.dose, change).pvalue < 1e-4) == falls


def test_dose_moves_losses_and_measures_in_every_unit() -> None:
    arrays = draws.draw_arrays(
        Scenario(units=50_000, pilots=0, heterogeneity=0, dose_effect=0.6), np.random.default_rng(9)
    )
    rates = arrays.rates["losses"]
    np.testing.assert_allclose(
        np.log(rates[:, 3] / rates[:, 2]), np.log(0.6) * arrays.dose, rtol=1e-9, atol=1e-12
    )
    own = arrays.rates["enforcement_own"]
    slope = stats.linregress(arrays.dose, np.log(own[:, 4] / own[:, 1]))
    assert within(slope.slope, 0.3, slope.stderr)


def test_a_dose_by_city_is_the_same_within_a_city() -> None:
    panel = simulate.draw_panel(effect=None, seed=10, dose_cluster=1.0)
    assert panel.groupby("city")["dose"].nunique().max() == 1


def test_selection_draws_pilots_by_their_losses_and_they_fall_back() -> None:
    scenario = Scenario(units=2, pilots=1, selection=0.7, counties=1, cities=1)
    score = np.array(
        [draws._adoption(scenario, np.array([2, 0]), np.random.default_rng(s))[0] for s in range(4000)]
    )
    share = np.exp(0.7 * 2) / (np.exp(0.7 * 2) + 1)
    assert within(score[:, 0].mean(), share, np.sqrt(share * (1 - share) / 4000))
    found = simulate.draw_panel(effect=None, seed=11, selection=2.0)
    means = found[found["pilot"]].groupby("period")["losses"].mean().astype(float)
    assert means["2020"] > 2 * means[["2018", "2019", "2021", "2022"]].max()


def test_rollout_adopts_the_shares_asked_for() -> None:
    panel = simulate.draw_panel(effect=0.5, seed=12, units=20_000, rollout={"2022": 0.25, "2023": 0.5})
    units = panel.drop_duplicates("unit_id")
    share = units.loc[~units["pilot"], "adopted"].value_counts(normalize=True)
    error = np.sqrt(0.25 / 20_000)
    assert all(
        within(share[key], value, error) for key, value in {"2022-01": 0.25, "2023-01": 0.5, "": 0.25}.items()
    )
    last = panel[panel["period"] == "2023"].groupby("adopted")["losses"].mean().astype(float)
    assert last["2023-01"] < 0.8 * last[""]


def test_denominators_do_not_move_with_the_reform_in_draws() -> None:
    panel = simulate.draw_panel(effect=None, seed=13, units=40_000, pilots=20_000)
    names = ["lawsuits_concluded", "lawsuits_filed", "reconsiderations_concluded", "disputes"]
    after = panel[panel["period"] >= "2021"].groupby(["pilot", "unit_id"])[names].mean().astype(float)
    for name in names:
        apart = stats.ttest_ind(after.loc[True, name], after.loc[False, name])
        assert apart.pvalue > 1e-4


@pytest.mark.parametrize("seed", range(3))
def test_draws_and_examples_are_valid_panels(seed: int) -> None:
    panel = simulate.draw_panel(
        effect=0.7,
        seed=seed,
        selection=1.0,
        series_share=0.4,
        cluster_sd=0.5,
        pilot_cluster_sd=0.5,
        rollout={"2022": 0.5},
        mean=2.0,
    )
    pd.testing.assert_frame_equal(schema.validate_panel(panel), panel)
    assert (panel["losses"] <= panel["lawsuits_concluded"]).all()
    assert (panel["corrections"] <= panel["reconsiderations_concluded"]).all()
    schema.validate_panel(simulate.example_panel(seed, selection=1.0 + seed))


def test_the_same_seed_draws_the_same_panel() -> None:
    pd.testing.assert_frame_equal(
        simulate.draw_panel(effect=0.7, seed=1), simulate.draw_panel(effect=0.7, seed=1)
    )
    assert not simulate.draw_panel(effect=0.7, seed=1).equals(simulate.draw_panel(effect=0.7, seed=2))


def test_a_draw_with_one_unit_or_no_pilot_or_every_pilot() -> None:
    for units, pilots in [(1, 1), (3, 0), (40, 40)]:
        panel = simulate.draw_panel(effect=0.5, seed=1, units=units, pilots=pilots, counties=1, cities=1)
        assert panel.drop_duplicates("unit_id")["pilot"].sum() == pilots


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"pilots": 2000}, DesignError, "^pilots must be at most units, got 2000 of 1365"),
        ({"cities": 90}, DesignError, "^cities must be at most counties, got 90 and 89"),
        ({"mean": 0}, DataError, "^mean must be a number above 0, got 0"),
        ({"effect": -1}, DataError, "^effect must be a number above 0, got -1"),
        ({"overdispersion": 0.9}, DataError, "^overdispersion must be a number above 1, got 0.9"),
        ({"series_share": 1.2}, DataError, "^series_share must lie between 0 and 1, got 1.2"),
        ({"adopted": "2018"}, DesignError, "^adopted must name one of the periods after the first"),
        ({"rollout": {"2030": 0.1}}, DesignError, "^rollout must name one of the periods after the first"),
        ({"rollout": {"2022": 0.7, "2023": 0.5}}, DataError, "^rollout must hold shares"),
        ({"periods": ("2019", "2018"), "adopted": "2018"}, DataError, "^periods must rise without repeats"),
        (
            {"dose_base": 0.8, "dose_cluster": 0.9},
            DesignError,
            "^dose_level, dose_base and dose_cluster must",
        ),
        ({"units": 10.5}, DataError, "^units must be a whole number, got 10.5"),
    ],
)
def test_bad_parameters_are_named(options: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        simulate.draw_panel(**{"effect": None, "seed": 1, **options})


@pytest.mark.parametrize("selection", [0.0, 1.0, 10.0])
def test_pilots_have_the_published_totals_and_their_bases(selection: float) -> None:
    panel = simulate.example_panel(1, selection=selection)
    totals = panel[panel["pilot"]].groupby("period")[list(published_totals().index)].sum()
    assert {name: tuple(totals.loc[["2020", "2021"], name]) for name in BASES} == BASES
    for name, row in published_totals().iterrows():
        assert tuple(totals.loc[["2020", "2021"], name]) == (row["base"], row["value"])
    disputes = panel[panel["pilot"]].groupby("period")["disputes"].sum()
    assert disputes["2021"] * 10 == disputes["2020"] * 12


def test_bases_come_from_the_published_figures() -> None:
    figures = published.load_figures()
    series = published.evidence(figures).index.drop("administrative_disputes", errors="ignore")
    assert set(published_totals().index) == set(series)
    for name, row in published_totals().iterrows():
        change = figures.loc[name, "change_pct"]
        exact = published.baseline(int(row["value"]), change).integers
        fits = exact or published.baseline(int(row["value"]), change, rounding="tens").integers
        assert row["base"] in fits
        assert all(
            abs(row["base"] - row["value"] / (1 + change / 100)) <= abs(n - row["value"] / (1 + change / 100))
            for n in fits
        )
    assert published_totals().loc["digital_projects", "base"] in (122, 123)
    assert published_totals().loc["fengqiao_stations", "base"] in (29, 30)


def test_the_example_has_the_shape_of_the_province() -> None:
    units = EXAMPLE.drop_duplicates("unit_id")
    assert (len(EXAMPLE), len(units), units["pilot"].sum()) == (1365 * 6, 1365, 89)
    assert (units["city"].nunique(), units["county"].nunique(), units["unit_name"].nunique()) == (
        11,
        89,
        1365,
    )
    assert units.groupby("county")["city"].nunique().max() == 1
    assert sorted(EXAMPLE["period"].unique()) == ["2018", "2019", "2020", "2021", "2022", "2023"]
    assert set(units.loc[units["pilot"], "adopted"]) == {"2021-05"}
    others = units.loc[~units["pilot"], "adopted"]
    assert set(others.str[:4]) == {"", "2022", "2023"}


def test_the_example_is_overdispersed_and_has_series() -> None:
    # index of dispersion of the matched pilots: chi-squared under a multinomial split of the 53
    examples = [EXAMPLE, *(simulate.example_panel(seed) for seed in range(4))]
    chosen = [panel.loc[panel["pilot"] & (panel["period"] == "2020"), "losses"] for panel in examples]
    statistic = sum(stats.chisquare(counts.astype(float)).statistic for counts in chosen)
    assert stats.chi2.sf(statistic, 88 * len(chosen)) < 1e-6
    assert EXAMPLE["losses"].max() >= 8


def test_matching_thins_or_raises_to_the_total() -> None:
    rng = np.random.default_rng(1)
    counts = np.array([5, 0, 3])
    thinned = simulate._with_total(counts, np.ones(3), 4, rng)
    raised = simulate._with_total(counts, np.array([0.0, 1.0, 0.0]), 12, rng)
    assert thinned.sum() == 4
    assert (thinned <= counts).all()
    assert raised.tolist() == [5, 4, 3]
    many = np.array([simulate._with_total(counts, np.ones(3), 4, rng) for _ in range(4000)])
    assert within(many[:, 0].mean(), 4 * 5 / 8, many[:, 0].std() / np.sqrt(4000))


def test_synthetic_is_said_everywhere() -> None:
    for panel in (EXAMPLE, simulate.draw_panel(effect=None, seed=1, units=20, pilots=2)):
        assert panel["synthetic"].all()
        assert panel.attrs["synthetic"] is True
        assert panel["unit_id"].str.startswith("SYN").all()
    assert "synthetic" in simulate.EXAMPLE_FILE
    assert EXAMPLE.attrs["description_en"].startswith("Synthetic")
    assert EXAMPLE.attrs["description_zh"].startswith("合成数据")
    assert "53 and 32" in EXAMPLE.attrs["description_en"]


def test_attributes_survive_a_parquet_file() -> None:
    panel = simulate.draw_panel(effect=np.float64(0.5), seed=1, units=np.int64(20), pilots=2)
    for made in (panel, EXAMPLE):
        file = BytesIO()
        made.to_parquet(file)
        read = pd.read_parquet(file)
        assert read.attrs["synthetic"] is True
        assert set(read.attrs) == set(made.attrs)


def test_no_name_is_one_of_zhejiang() -> None:
    paths = sorted((resources.folder("data") / "reference").glob("zhejiang_townships*.csv"))
    assert paths, "the list of townships is missing from data/reference"
    listed = pd.read_csv(paths[-1], dtype=str, encoding="utf-8-sig")
    real = {stem(name) for column in ("city", "county", "township") for name in listed[column]}
    assert {"清波", "上城", "杭州"} <= real
    invented = [
        *invented_names.township_names(1365),
        *invented_names.county_names(89),
        *invented_names.city_names(11),
    ]
    assert not {stem(name) for name in invented} & real
    assert len(set(invented)) == len(invented) == 1365 + 89 + 11
    assert {*EXAMPLE["unit_name"], *EXAMPLE["county"], *EXAMPLE["city"]} == set(invented)


def test_neighbours_in_the_list_share_no_character() -> None:
    names = [stem(name) for name in invented_names.township_names(1365)]
    assert all(not set(one) & set(other) for one, other in pairwise(names))


def test_the_stored_example_is_made_anew_byte_for_byte() -> None:
    stored = Path(resources.folder("data")) / simulate.EXAMPLE_FILE
    assert stored.read_bytes() == simulate.example_csv()


def test_load_example_returns_the_panel_of_its_seed() -> None:
    loaded, made = simulate.load_example(), simulate.example_panel(simulate.EXAMPLE_SEED)
    pd.testing.assert_frame_equal(loaded, made)
    assert loaded.attrs == made.attrs
