"""Sentences follow the results: another result, another sentence, the same numbers in both languages."""

import re
import tomllib
from pathlib import Path

import pytest

from reform_analysis import findings, published, sentences
from reform_analysis.wording import LANGUAGES, excluded_text, say

FIGURES, CONTEXT = published.load_figures(), published.load_context()


GOLDEN = (
    Path(__file__).parent / "reference" / "findings.toml"
)  # read and checked by hand, sentence by sentence


def report(rounding: str, language: str) -> dict[str, str]:
    evidence = published.evidence(FIGURES, rounding=rounding)
    exposures = published.exposure_table(FIGURES, rounding=rounding)
    changes = published.context_changes(CONTEXT)
    options = {"ci_level": 0.95, "language": language}
    prose = {
        "data": findings.data_line(rounding=rounding, **options),
        "brief": findings.in_brief(evidence, exposures, **options),
        "baselines": findings.baselines(evidence, language=language),
        "holm": findings.multiplicity(evidence, family=published.OUTCOME_FAMILY, **options),
        "units": findings.unit_level(published.unit_bounds(evidence, units=89), language=language),
        "context": findings.context(changes, CONTEXT, evidence.loc["losses"], language=language),
        "card": findings.evidence_card(evidence, **options),
        "not_shown": findings.not_shown(language=language),
    }
    values = findings.figure_values(evidence, exposures, changes, **options)
    figures = {
        f"{figure}_{part}": say(f"figure.{figure}_{part}", language, **values)
        for figure in ("rate_ratios", "exposures", "context")
        for part in ("caption", "alt")
    }
    return {name: str(text) for name, text in prose.items()} | figures


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rounding", ["percent", "tens", "truncated"])
def test_every_sentence_of_the_report(rounding: str, language: str) -> None:
    expected = tomllib.loads(GOLDEN.read_text(encoding="utf-8"))[rounding][language]
    found = report(rounding, language)
    assert set(found) == set(expected)
    for name, text in found.items():
        assert text.splitlines() == expected[name].splitlines(), name


def numbers(text: str) -> list[str]:
    return sorted(re.findall(r"\d+(?:\.\d+)?", text))


@pytest.mark.parametrize("rounding", ["percent", "tens", "truncated"])
def test_both_languages_print_the_same_numbers(rounding: str) -> None:
    chinese, english = (report(rounding, language) for language in LANGUAGES)
    for name in set(chinese) - {"data", "not_shown"}:
        assert numbers(chinese[name]) == numbers(english[name]), name


@pytest.mark.parametrize(
    ("status", "low", "high", "words"),
    [
        ("excludes", 0.43, 0.99, "0.43 to 0.99, which excludes 1"),
        ("holds", 0.43, 1.01, "0.43 to 1.01, which holds 1"),
    ],
)
def test_the_interval_by_enforcement_is_read_at_one(status: str, low: float, high: float, words: str) -> None:
    table = published.exposure_table(FIGURES)
    table.loc["losses_per_enforcement", ["ci_low", "ci_high"]] = [low, high]
    assert words in sentences.denominators(table), status


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_null_of_the_totals_says_what_it_excludes(language: str) -> None:
    row = published.evidence(FIGURES).loc["losses"].copy()
    row[["status", "ci_low", "ci_high"]] = ["already", 0.43, 1.01]
    said = sentences.losses_changed(row, ci_level=0.95, language=language)
    assert excluded_text(0.43, 1.01, scale="rate_ratio", language=language) in said


@pytest.mark.parametrize(("p_holm", "words"), [(0.0499, "not above 0.05"), (0.0501, "0.050, above 0.05")])
def test_holm_is_read_at_alpha(p_holm: float, words: str) -> None:
    table = published.evidence(FIGURES)
    table.loc["losses", "p_holm"] = p_holm
    assert words in str(findings.multiplicity(table, family=("losses",), ci_level=0.95))
    assert words in sentences.fragility(table.loc["losses"], ci_level=0.95)


def test_a_rise_is_called_a_rise() -> None:
    reviews = published.evidence(FIGURES).loc["reviews"].copy()
    reviews["p_holm"] = reviews["p_value"]
    assert "a common rise of 85.8%" in sentences.fragility(reviews, ci_level=0.95, language="en")
