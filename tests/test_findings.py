"""Sentences follow the results: another result, another sentence, the same numbers in both languages."""

import re

import pandas as pd
import pytest

from reform_analysis import findings, published, sentences
from reform_analysis.wording import LANGUAGES

FIGURES, CONTEXT = published.load_figures(), published.load_context()


def numbers(text: str) -> list[str]:
    return sorted(re.findall(r"\d+(?:\.\d+)?", text))


def report(rounding: str, language: str) -> dict[str, str]:
    evidence = published.evidence(FIGURES, rounding=rounding)
    exposures = published.exposure_table(FIGURES, rounding=rounding)
    changes = published.context_changes(CONTEXT)
    options = {"ci_level": 0.95, "language": language}
    prose = {
        "brief": findings.in_brief(evidence, exposures, **options),
        "baselines": findings.baselines(evidence, language=language),
        "holm": findings.multiplicity(evidence, family=published.OUTCOME_FAMILY, **options),
        "context": findings.context(changes, CONTEXT, evidence.loc["losses"], language=language),
        "card": findings.evidence_card(evidence, **options),
    }
    return {name: str(text) for name, text in prose.items()}


@pytest.mark.parametrize("rounding", ["percent", "tens", "truncated"])
def test_both_languages_print_the_same_numbers(rounding: str) -> None:
    chinese, english = (report(rounding, language) for language in LANGUAGES)
    for name in chinese:
        assert numbers(chinese[name]) == numbers(english[name]), name


def test_the_sentence_turns_when_the_interval_holds_one() -> None:
    percent, tens = report("percent", "en")["brief"], report("tens", "en")["brief"]
    assert "0.38 to 0.95 (exact conditional test, p = 0.029). The interval excludes 1." in percent
    assert "0.35 to 1.02 (exact conditional test, p = 0.060). The interval holds 1" in tens
    assert "nothing more is needed to overturn it" in tens


def test_break_evens_stand_in_the_card() -> None:
    card = report("percent", "en")["card"]
    for part in (
        "Level 1 on the Maryland scale",
        "level 2 in the 1998 original",
        "1.32",
        "1.35",
        "4.6%",
        "11.4 months",
        "p = 0.059",
    ):
        assert part in card


def test_truncation_leaves_corrections_untested_and_says_so() -> None:
    text = report("truncated", "en")
    assert "Reconsideration corrections: no whole base count fits" in text["holm"]
    assert "above 0.05" not in text["brief"].replace("not above 0.05", "")


def test_hangzhou_is_derived_from_the_printed_fall() -> None:
    text = report("percent", "en")["context"]
    assert "Hangzhou's loss rate was 5.6% in 2021, hence 9.8% the year before" in text
    assert "at most 25%" in text


def test_unit_level_sentence() -> None:
    prose = findings.unit_level(
        published.pigeonhole(53, 32, 89),
        published.attainable_correlation(53, 32, 4587, 8853, 89),
        losses=(53, 32),
        units=89,
        differing=published.regression_to_mean(53, 32, 89, shape=1),
        alike=published.regression_to_mean(53, 32, 89, shape=float("inf")),
        language="en",
    )
    text = str(prose)
    for part in (
        "at least 36 had none in 2020",
        "at least 57 none in 2021",
        "+1.00",
        "-1.00",
        "0.29",
        "0.36",
    ):
        assert part in text


def test_a_rise_is_called_a_rise() -> None:
    reviews = published.evidence(FIGURES).loc["reviews"].copy()
    reviews["p_holm"] = reviews["p_value"]
    assert "a common rise of 85.8%" in sentences.fragility(pd.Series(reviews), ci_level=0.95, language="en")
