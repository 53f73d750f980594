"""Leave one out: influence against exact refits, sets against brute force, faults that must be found."""

from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from reform_analysis import cell_scores
from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import DesignError, Estimates, UntestableError
from reform_analysis.leave_out import influence, leave_one_out
from reform_analysis.simulate import draw_panel

FIT = partial(
    fit_poisson, outcome="losses", terms=["treated"], unit="unit_id", period="period", inference="cluster"
)


def panel(seed: int, **scenario: object) -> pd.DataFrame:
    options = {"units": 60, "pilots": 20, "counties": 12, "cities": 6, "mean": 1.5} | scenario
    df = draw_panel(seed=seed, **options)
    return df.assign(treated=(df["pilot"] & (df["period"] >= "2021")).astype(float))


def arrays(df: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    where = cell_scores.grid(df, unit="unit_id", period="period")
    counts, exposure, tables = cell_scores.cells(
        df, where, outcome="losses", exposure=None, columns=["treated"]
    )
    return counts, exposure, tables["treated"]


def exact(group: np.ndarray, out: int, tables: tuple[np.ndarray, ...]) -> float:
    counts, exposure, treated = tables
    fit = cell_scores.fit_cells(counts, np.where((group != out)[:, None], exposure, 0.0), [treated])
    return float(fit.slopes[0])


def test_one_step_influence_is_close_to_the_refit_without_the_group() -> None:
    tables = arrays(panel(1, effect=0.5))
    group = np.arange(60)
    found = influence(*tables, group)
    refits = np.array([exact(group, number, tables) for number in group])
    moved, predicted = refits - found.log_ratio, found.without - found.log_ratio
    # The error of one step is of second order in the share of the information that leaves, at most 0.1 here.
    assert np.abs(predicted - moved).max() < 0.1 * np.abs(moved).max()
    assert np.corrcoef(predicted, moved)[0, 1] > 0.999


def test_groups_that_are_out_have_no_influence() -> None:
    tables = arrays(panel(1, effect=0.5))
    group = np.where(np.arange(60) == 5, -1, np.arange(60))
    found = influence(*tables, group)
    assert np.isnan(found.without[5])
    assert found.log_ratio == pytest.approx(exact(np.arange(60), 5, tables), abs=1e-9)


def test_the_statistic_is_the_one_of_the_fit_without_the_group() -> None:
    df = panel(2, effect=0.5, units=160, pilots=50)
    found = influence(*arrays(df), (np.arange(160) >= 30).astype(np.intp))
    units = np.sort(df["unit_id"].unique())
    row = FIT(df[df["unit_id"].isin(units[30:])]).to_frame().iloc[0]
    # One step leaves the period effects where they were; the fit corrects for some 100 clusters.
    assert found.statistic[0] == pytest.approx(np.log(row["estimate"]) / row["std_error"], rel=0.05)


def test_the_set_found_is_no_smaller_than_the_smallest_and_overturns() -> None:
    df = panel(3, effect=0.55, units=90, pilots=30, counties=8, cities=8)
    result = leave_one_out(df, FIT, outcome="losses", by="city", treatment="treated")
    row = result.to_frame().loc["overturns significance"]
    main = FIT(df).to_frame().iloc[0]
    significant = main["p_value"] <= 0.05
    cities = sorted(df["city"].unique())
    sizes = [
        size
        for size in (1, 2, 3)
        for out in combinations(cities, size)
        if (FIT(df[~df["city"].isin(out)]).to_frame().iloc[0]["p_value"] <= 0.05) != significant
    ]
    assert row["n_removed"] >= min(sizes)
    out = row["removed"].split(", ")
    refit = FIT(df[~df["city"].isin(out)]).to_frame().iloc[0]
    assert (refit["p_value"] <= 0.05) != significant
    assert refit["estimate"] == pytest.approx(row["estimate"], rel=1e-9)


def test_every_city_is_refitted_and_named() -> None:
    df = panel(4, effect=0.3)
    frame = leave_one_out(df, FIT, outcome="losses", by="city", treatment="treated").to_frame()
    alone = frame[frame["n_removed"] == 1]
    assert set(alone["removed"]) >= set(df["city"].unique())
    assert alone["one_step"].to_numpy() == pytest.approx(alone["estimate"].to_numpy(), rel=0.1)


def test_one_series_that_hides_an_effect_fails_and_a_strong_effect_passes() -> None:
    df = panel(5, effect=0.3, mean=3.0)
    assert leave_one_out(df, FIT, outcome="losses", by="unit_id", treatment="treated", largest=1).passed
    at = df.index[df["treated"] > 0][0]
    hidden = df.assign(losses=df["losses"].astype(int) + 150 * (df.index == at))
    result = leave_one_out(hidden, FIT, outcome="losses", by="unit_id", treatment="treated", largest=1)
    assert result.passed is False
    assert str(df.loc[at, "unit_id"]) in result.sentences["en"]
    assert "结论系于" in result.sentences["zh"]


def test_a_set_beyond_the_largest_is_said_not_to_be_found() -> None:
    df = panel(5, effect=0.3, mean=3.0)
    result = leave_one_out(df, FIT, outcome="losses", by="unit_id", treatment="treated", largest=2)
    assert np.isnan(result.to_frame().loc["overturns sign", "estimate"])
    assert "none found up to 2" in result.sentences["en"]


def test_two_groups_are_too_few() -> None:
    df = panel(6, effect=0.5).assign(half=lambda df: df["city"] == "x")
    with pytest.raises(DesignError, match="^by 'half' must have at least three groups"):
        leave_one_out(df, FIT, outcome="losses", by="half", treatment="treated")


def test_distances_follow_the_level_of_the_fit() -> None:
    """At 60% one city is enough; sought around the bound of 95%, only a set of two is found."""
    df = panel(1, effect=0.6, units=60, pilots=20, counties=8, cities=8)
    low = partial(FIT, ci_level=0.6)
    found = leave_one_out(df, low, outcome="losses", by="city", treatment="treated").to_frame()
    assert low(df).to_frame().iloc[0]["p_value"] > 0.4
    alone = [low(df[df["city"] != city]).to_frame().iloc[0]["p_value"] for city in df["city"].unique()]
    assert min(alone) <= 0.4
    assert found.loc["overturns significance", "n_removed"] == 1


def test_units_without_a_place_are_noted() -> None:
    df = panel(4, effect=0.3)
    df = df.assign(city=df["city"].where(df["unit_id"] != df["unit_id"].iloc[0]))
    found = leave_one_out(df, FIT, outcome="losses", by="city", treatment="treated")
    assert "1 units without city are never left out" in found.notes
    assert "nan" not in set(found.to_frame()["removed"])


def test_the_first_sentence_says_how_few_units_overturn_it() -> None:
    df = panel(1, effect=0.5)
    result = leave_one_out(df, FIT, outcome="losses", by="unit_id", treatment="treated", largest=3)
    size = result.to_frame().loc["overturns significance", "n_removed"]
    needed = "none found up to 3" if np.isnan(size) else f"{size:.0f}"
    assert f"(an upper bound): {needed}." in result.sentences["en"].partition("The estimate")[0]
    assert "个单位中" in result.sentences["zh"]


def few_cities_with_pilots() -> pd.DataFrame:
    """Pilots in three of eight cities, an effect that no city carries alone."""
    df = panel(3, effect=None, mean=3.0, cities=8, counties=8)
    cities = sorted(df["city"].unique())
    pilot = df["city"].isin(cities[:3])
    late = df["period"] >= "2021"
    losses = df["losses"].astype(int).where(~(pilot & late), df["losses"].astype(int) // 3)
    return df.assign(pilot=pilot, losses=losses, treated=(pilot & late).astype(float))


def test_a_search_that_would_take_out_all_pilots_ends_and_the_check_reports() -> None:
    df = few_cities_with_pilots()
    found = leave_one_out(df, FIT, outcome="losses", by="city", treatment="treated")
    frame = found.to_frame()
    assert frame.loc["all", "estimate"] == pytest.approx(FIT(df).to_frame()["estimate"].iloc[0], rel=1e-9)
    assert frame[frame["n_removed"] == 1]["estimate"].notna().sum() == 8
    last = frame.loc["overturns sign"]
    assert np.isnan(last["n_removed"])
    assert last["reason"].startswith("not overturned by up to ")


def test_a_group_without_which_nothing_varies_has_no_prediction() -> None:
    df = few_cities_with_pilots()
    cities = sorted(df["city"].unique())
    where = df.drop_duplicates("unit_id").sort_values("unit_id")["city"]
    group = np.where(where.isin(cities[:2]), -1, where.map(cities.index))
    without = influence(*arrays(df), group).without
    assert np.isnan(without[2])
    assert np.isfinite(without[3:]).all()


def test_a_fit_that_refuses_a_set_ends_the_search_at_the_sets_it_took() -> None:
    df = panel(3, effect=0.4, mean=2.0, units=90, pilots=30, counties=8, cities=8)
    asked = {"outcome": "losses", "by": "city", "treatment": "treated"}
    name = "overturns significance"
    size = int(leave_one_out(df, FIT, **asked).to_frame().loc[name, "n_removed"])

    def fit(data: pd.DataFrame) -> Estimates:
        if data["city"].nunique() <= 8 - size:
            raise UntestableError("too few cities.")
        return FIT(data)

    found = leave_one_out(df, fit, **asked)
    row = found.to_frame().loc[name]
    assert size > 1
    assert np.isnan(row["n_removed"])
    assert row["reason"] == f"not overturned by up to {size - 1} groups"
    assert f"to take its significance: none found up to {size - 1};" in found.sentences["en"]
    ended = f"the search for sets that overturn significance ended at {size - 1} groups: with more left out"
    assert any(note.startswith(ended) for note in found.notes)


@pytest.mark.filterwarnings("ignore")
def test_a_group_that_holds_all_pilots_is_named_and_the_check_cannot_pass() -> None:
    df = panel(12, pilots=3, effect=0.4, mean=3.0)
    df["city"] = df["city"].where(~df["pilot"].astype(bool), "C00")
    result = leave_one_out(
        df, FIT, by="city", outcome="losses", treatment="treated", unit="unit_id", period="period"
    )
    assert result.passed is not True
    assert "Without C00 nothing can be estimated: the ratio rests on it." in result.sentences["en"]
    assert "去除C00后无从估计" in result.sentences["zh"]
    assert "nan" not in result.sentences["en"]
