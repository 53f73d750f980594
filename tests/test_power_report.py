"""The power report: its tables against the formula, its sentences, and simulation against the formula."""

from dataclasses import replace
from functools import cache

import matplotlib.pyplot as plt
import pytest

from reform_analysis import no_events, planning, power, power_report, simulate
from reform_analysis.effect_design import Design, design
from reform_analysis.estimates import DataError
from reform_analysis.planning import StudySize
from reform_analysis.wording import LANGUAGES, say


@cache
def compared() -> Design:
    panel = simulate.draw_panel(effect=None, seed=2, units=400, pilots=80, counties=20, cities=10, mean=1.0)
    return design(panel, outcome="losses", exposure=None, pre=["2019", "2020"], post=["2021"])


@cache
def size() -> StudySize:
    return planning.study_size(compared())


def empty() -> Design:
    found = compared()
    frame = found.frame.assign(losses=0)
    return Design(frame, "losses", None, found.before, found.after, "city", found.dropped, found.synthetic)


def test_the_table_holds_the_formulas_ratios_and_marks_the_measured_inflation() -> None:
    by_periods, by_volume = power_report.tables(size())
    table = by_periods.frame.set_index("Variance inflation")  # type: ignore[union-attr]
    assert table.columns.tolist() == ["1+1 periods", "2+1 periods"]
    asked = size().arguments | {"inflation": 1.5, "pre": 2, "post": 1}
    assert table.loc["1.50", "2+1 periods"] == f"{power.detectable_ratio(**asked):.2f}"
    assert sum("(measured)" in name for name in table.index) == 1
    volume = by_volume.frame.set_index("Events, times the present")  # type: ignore[union-attr]
    doubled = power.detectable_ratio(**size().arguments, exposure=2)
    dose = power.detectable_ratio(**size().arguments, exposure=2, dose=True)
    assert volume.loc["2"].tolist() == [f"{doubled:.2f}", f"{dose:.2f}"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_effect_report_quotes_the_same_number(language: str) -> None:
    ratio = planning.detectable(size())
    quoted, simulated, few = power_report.cited(compared(), draws=200, language=language).sentences
    own, dose, also_few = power_report.smallest(compared(), language=language).sentences
    assert f"{ratio:.2f}" in own
    assert own in quoted
    assert "06_power" in quoted
    assert few == also_few
    assert f"{planning.detectable(size(), dose=True):.2f}" in dose
    found = power_report.simulated(compared(), size(), ratios=f"{ratio:.2f}", draws=200, seed=1)
    assert found is not None
    share = found.to_frame().loc[f"{ratio:.2f}", "estimate"]
    assert f"{100 * share:.1f}%" in simulated
    assert "SYNTHETIC" in simulated


def test_few_events_are_named_where_the_formula_does_not_hold() -> None:
    from_many, _ = power_report.limits(size())
    assert "which is enough" in str(from_many)
    few = StudySize(30, 400, 1.0, 1.0, 2, 1, 1.0, 15, 2, 60.0, synthetic=True)
    said, table = power_report.limits(few)
    assert "too few (20.0 are needed): go by the simulated power" in str(said)
    inflated = replace(size(), inflation=2 * size().inflation)  # 21 events, where 20 times 3.1 are needed
    assert "which is too few (61.9 are needed)" in str(power_report.limits(inflated)[0])
    assert "15 clusters hold pilots, 2 of them no control" in str(said)
    shared = power.detectable_ratio(**few.arguments, cluster_size=2.0, icc=0.05)
    assert table.frame.iloc[-1].tolist() == ["0.05", f"{shared:.2f}"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_simulation_agrees_with_the_formula_and_says_its_error(language: str) -> None:
    found = power_report.simulated(compared(), size(), ratios="0.5", draws=40, seed=1)
    assert found is not None
    detected = planning.detectable(size())
    assert found.to_frame().index.tolist() == [f"{detected:.2f}", "0.5", "1"]
    said, table, figure = power_report.simulation(size(), found, language=language)
    row = table.frame.iloc[1]
    low, high = found.to_frame().loc["0.5", ["ci_low", "ci_high"]]
    assert f"{low:.2f}" in row.iloc[2]
    assert f"{high:.2f}" in row.iloc[2]
    assert low <= float(row.iloc[3]) <= high
    assert "SYNTHETIC" in str(said)
    null = found.to_frame().loc["1"]
    assert f"{100 * null['estimate']:.1f}%" in str(said)
    assert f"{100 * null['std_error']:.1f}" in str(said)
    assert "40" in str(said)
    assert "SYNTHETIC" in figure.caption
    plt.close("all")


def test_the_formulas_power_is_the_inverse_of_the_ratio_detected() -> None:
    formula = power_report._formula(size())
    assert formula.loc[planning.detectable(size(), power=0.99)] == pytest.approx(0.99)
    assert formula.index.is_monotonic_decreasing


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_study_without_events_says_so_everywhere(language: str) -> None:
    none = say("planning.none", language)
    assert power_report.size_of(empty()) is None
    why = no_events.nothing_to_compare(empty(), language=language)
    assert power_report.smallest(empty(), language=language).sentences == (none, *why)
    assert none in str(power_report.cited(empty(), language=language))
    for found in (
        power_report.tables(None, language=language),
        power_report.limits(None, language=language),
        power_report.simulation(None, None, language=language),
    ):
        assert [each.sentences for each in found] == [(none,)]
    assert power_report.simulated(empty(), None, ratios="0.5", draws=2, seed=1) is None


def test_ratios_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="^ratios must be numbers"):
        power_report.simulated(compared(), size(), ratios="a half", draws=2, seed=1)


def in_cities(cities: int) -> Design:
    found = compared()
    moved = found.frame.assign(city=found.frame["unit_id"].str[-3:].astype(int) % cities)
    return Design(moved, "losses", None, found.before, found.after, "city", found.dropped, found.synthetic)


@pytest.mark.parametrize(
    ("cities", "english", "chinese"),
    [
        (4, "has 8 sign patterns, and no p-value below 0.125: a level of 5% cannot", "5%的水平无法达到"),
        (5, "has 16 sign patterns, and no p-value below 0.0625: a level of 5% cannot", "5%的水平无法达到"),
        (6, "has 32 sign patterns, and no p-value below 0.0312; a level of 5% can be", "5%的水平能够达到"),
    ],
)
def test_few_clusters_bound_the_p_value_and_both_reports_say_so(
    cities: int, english: str, chinese: str
) -> None:
    for report in (power_report.smallest, power_report.cited):
        assert english in str(report(in_cities(cities), language="en"))
        assert chinese in str(report(in_cities(cities), language="zh"))
    assert power_report.attainable(in_cities(14)) == ()


def test_with_four_clusters_the_simulated_power_is_nil_though_the_formula_promises_some() -> None:
    found = power_report.simulated(in_cities(4), size(), ratios="0.1", draws=100, seed=1)
    assert found is not None
    assert found.n_clusters == 4
    assert found.to_frame()["estimate"].tolist() == [0.0, 0.0, 0.0]
    said, *_ = power_report.simulation(size(), found)
    assert "None of the ratios tried" in str(said)
    assert "found in 0.0%" in str(power_report.cited(in_cities(4), draws=100))
    plt.close("all")


def test_where_no_ratio_is_detected_nothing_is_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "detectable", lambda *_, **__: float("nan"))
    said = power_report.smallest(compared())
    assert "would detect no fall, however large" in str(said)
    assert "no ratio for one standard deviation" in str(said)
    assert "SYNTHETIC" not in str(power_report.cited(compared()))


def test_ratios_are_above_zero() -> None:
    with pytest.raises(DataError, match="^ratios must"):
        power_report.simulated(compared(), size(), ratios="0, 0.5", draws=2, seed=1)
