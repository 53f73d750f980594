"""An arm without any event: every report runs and says that nothing can be compared."""

from functools import cache

import pandas as pd
import pytest

from reform_analysis import (
    counts,
    effect_findings,
    examination,
    no_events,
    power_report,
    robustness_report,
    simulate,
)
from reform_analysis.effect_design import Design, attempt, design
from reform_analysis.robustness_tables import reason
from reform_analysis.wording import LANGUAGES, say

WINDOWS = {"pre": ["2019", "2020"], "post": ["2021"]}


@cache
def panel(empty: str) -> pd.DataFrame:
    drawn = simulate.draw_panel(effect=None, seed=2, units=60, pilots=20, counties=6, cities=3, mean=2.0)
    pilot = drawn["pilot"].astype(bool)
    without = {"pilots": pilot, "others": ~pilot, "both": pilot | True, "none": pilot & False}[empty]
    drawn["losses"] = drawn["losses"].where(~without, 0)
    return drawn


def compared(empty: str) -> Design:
    return design(panel(empty), outcome="losses", exposure="lawsuits_concluded", **WINDOWS)


@pytest.mark.parametrize("empty", ["pilots", "others", "both"])
def test_a_fit_finds_nothing_to_test_and_does_not_blame_the_term(empty: str) -> None:
    given = compared(empty)
    asked = {**given.columns, "terms": ["treated"], "cluster": "city", "seed": 1}
    assert attempt(counts.fit_poisson, given.frame, **asked) is None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("empty", ["pilots", "others", "both"])
def test_what_is_missing_is_counted_and_the_exact_test_excludes_nothing(empty: str, language: str) -> None:
    given = compared(empty)
    missing, exact = no_events.nothing_to_compare(given, language=language)
    events = given.frame["losses"].sum()
    assert empty == "both" or f"{events:,.0f}" in missing
    assert "20" in missing
    assert "40" in missing
    assert "2019" in missing
    assert "1.000" in exact
    assert "0.00" in exact
    assert "∞" in exact


@pytest.mark.parametrize("language", LANGUAGES)
def test_arms_with_events_have_something_to_compare(language: str) -> None:
    assert no_events.nothing_to_compare(compared("none"), language=language) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_three_reports_say_it_first(language: str) -> None:
    given = compared("pilots")
    said = no_events.nothing_to_compare(given, language=language)
    assert set(said) <= set(effect_findings.design(given, language=language).sentences)
    assert set(said) <= set(power_report.smallest(given, language=language).sentences)
    (cited,) = power_report.cited(given, language=language).sentences  # 04 has said why, by the design
    assert say("planning.none", language) in cited
    study = examination.examine(panel("pilots"), given, seed=1, draws=99)
    assert study.estimates is None
    headline = robustness_report.headline(study, language=language).sentences
    assert headline == (say("robustness.unestimated", language), *said)
    for name in ("placebo_dates", "leave_one_out_city", "specification_curve"):
        assert reason(study.checks[name], language) == say("robustness.no_events_of_arm", language)  # type: ignore[arg-type]
