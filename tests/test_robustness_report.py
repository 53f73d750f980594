"""Sections of the robustness report: sentences in order, figures, and what stands where nothing could run."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from reform_analysis import robustness_report
from reform_analysis.effect_design import Design
from reform_analysis.estimates import COLUMNS, CheckResult, Estimates
from reform_analysis.examination import Examination, Found, NotRun
from reform_analysis.scorecard import scorecard
from reform_analysis.tables import Table
from reform_analysis.trend_bounds import common_trend_bounds
from reform_analysis.wording import LANGUAGES, Prose, say


def check(name: str, *, passed: bool | None) -> CheckResult:
    frame = pd.DataFrame(
        {
            "size": [np.nan, 0.5, 0.3],
            "ci_low": [0.4, 0.3, 0.35],
            "ci_high": [0.9, 1.2, 1.0],
            "excludes_one": True,
        },
        index=["original", "0.5", "breakdown"],
    )
    return CheckResult(name, passed, {"zh": f"{name}一句。", "en": f"{name} says."}, frame, synthetic=True)


def examination(checks: dict[str, Found], *, estimated: bool = True) -> Examination:
    row = pd.DataFrame(
        [[0.5, 0.2, 0.34, 0.74, 0.001]], index=pd.Index(["t"], name="term"), columns=list(COLUMNS)
    )
    found = Estimates(row, "rate_ratio", 0.95, "m", 9) if estimated else None
    frame = pd.DataFrame({"unit_id": ["a", "b"], "pilot": [True, False], "losses": [1, 1]})
    design = Design(frame, "losses", None, ("1",), ("2",), "city", pd.DataFrame(), synthetic=True)
    done = [each for each in checks.values() if isinstance(each, CheckResult)]
    return Examination(design, found, checks, None, scorecard(done, found) if found and done else None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_headline_is_the_scorecards_first_sentence(language: str) -> None:
    study = examination({"smoothness": check("common_trend_bounds", passed=False)})
    said = robustness_report.headline(study, language=language)
    assert study.card is not None
    assert said.sentences == (study.card.sentences[language][0],)
    prose, table = robustness_report.card(study, language=language)
    assert isinstance(prose, Prose)
    assert isinstance(table, Table)
    assert prose.sentences[:-1] == study.card.sentences[language][1:]


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_an_estimate_nothing_is_shown_and_the_checks_still_stand(language: str) -> None:
    study = examination({"matched": check("matched", passed=None)}, estimated=False)
    unestimated = say("robustness.unestimated", language)
    assert robustness_report.headline(study, language=language).sentences == (unestimated,)
    assert len(robustness_report.card(study, language=language)) == 2
    assert robustness_report.section(study, "e_value", language=language)[0].sentences == (unestimated,)  # type: ignore[union-attr]


def test_a_section_says_the_verdict_first_or_why_there_is_none() -> None:
    checks: dict[str, Found] = {
        "dose_on_baseline": check("dose_on_baseline", passed=False),
        "attribution": NotRun("attribution"),
    }
    prose, *tables = robustness_report.section(examination(checks), "dose_on_baseline", "attribution")
    first, second, third = prose.sentences  # type: ignore[union-attr]
    assert first == "Failed: dose_on_baseline says."
    assert second.startswith("Did losses only change name? Could not be examined.")
    assert "not causal" in third
    assert len(tables) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_bounds_come_with_a_figure_that_names_the_breakdown(language: str) -> None:
    study = examination({"smoothness": check("common_trend_bounds", passed=False)})
    _, figure, table = robustness_report.bounds(study, kind="smoothness", language=language)
    assert "0.30" in figure.alt
    assert "SYNTHETIC" in figure.caption
    assert isinstance(table, Table)
    plt.close("all")


@pytest.mark.parametrize(("language", "words"), [("en", "a bootstrap of units"), ("zh", "按单位的自助法")])
def test_bounds_say_why_the_base_period_gives_other_numbers(language: str, words: str) -> None:
    checks: dict[str, Found] = {"relative_magnitudes": check("common_trend_bounds", passed=True)}
    checks["smoothness"] = checks["relative_magnitudes"]
    alone, *_ = robustness_report.bounds(examination(checks), kind="relative_magnitudes", language=language)
    assert words not in str(alone)
    study = examination(checks | {"baseline_shrinkage": check("baseline_shrinkage", passed=None)})
    beside, *_ = robustness_report.bounds(study, kind="relative_magnitudes", language=language)
    assert str(beside).count(words) == 1
    again, *_ = robustness_report.bounds(study, kind="smoothness", language=language)
    assert words not in str(again)
    plt.close("all")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "with only 9 clusters they are"), ("zh", "聚类只有9个")]
)
@pytest.mark.parametrize("kind", ["relative_magnitudes", "smoothness"])
def test_bounds_warn_of_few_clusters(language: str, words: str, kind: str) -> None:
    row = [[0.9, 0.1, 0.7, 1.1, 0.3], [0.5, 0.1, 0.4, 0.7, 0.001]]
    terms = pd.Index(["event_-2", "event_0"], name="term")
    numbers = pd.DataFrame(row, index=terms, columns=list(COLUMNS))
    vcov = pd.DataFrame(np.eye(2) * 0.01, index=terms, columns=terms)
    found = common_trend_bounds(Estimates(numbers, "rate_ratio", 0.95, "m", 99, n_clusters=9, vcov=vcov))
    study = examination({kind: found})
    said, *_ = robustness_report.bounds(study, kind=kind, language=language)
    assert words in str(said)
    plt.close("all")


def test_what_did_not_run_leaves_a_sentence_in_place_of_the_figure() -> None:
    study = examination(
        {
            "smoothness": NotRun("smoothness", "no period."),
            "specification_curve": NotRun("specification_curve", "no unit."),
        }
    )
    (said,) = robustness_report.bounds(study, kind="smoothness")
    assert "no period." in str(said)
    (said,) = robustness_report.specifications(study)
    assert "no unit." in str(said)


def test_the_cautions_of_the_estimate_stand_on_the_scorecard() -> None:
    study = examination({"smoothness": check("common_trend_bounds", passed=False)})
    assert study.estimates is not None
    note = "few clusters with treated units: 1 for 't', fewer than 6; no test by cluster is reliable"
    doubted = replace(study, estimates=replace_notes(study.estimates, note))
    prose, _ = robustness_report.card(doubted)
    assert "Only 1 clusters have treated units" in str(prose)


def replace_notes(found: Estimates, note: str) -> Estimates:
    return Estimates(found.to_frame(), found.scale, found.ci_level, "m", 9, notes=(note,))
