"""The scorecard: its first sentence under every combination of verdicts, in both languages."""

import re
from functools import partial

import numpy as np
import pandas as pd
import pytest

from reform_analysis import did, robustness
from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import CheckResult, DesignError, Estimates
from reform_analysis.scorecard import GROUPS, REQUIRED, Scorecard, scorecard
from reform_analysis.simulate import draw_panel, load_example
from reform_analysis.treatment import treated_fraction
from reform_analysis.wording import say

COLUMNS = ["estimate", "std_error", "ci_low", "ci_high", "p_value"]


def estimates(*row: float, synthetic: bool = False) -> Estimates:
    frame = pd.DataFrame([row or (0.5, 0.2, 0.34, 0.74, 0.001)], index=pd.Index(["pilot"], name="term"))
    return Estimates(
        frame.set_axis(COLUMNS, axis=1), "rate_ratio", 0.95, "a fit", 100, 20, 5, synthetic=synthetic
    )


def check(name: str, *, passed: bool | None, synthetic: bool = False) -> CheckResult:
    said = {"zh": f"{name}为0.71。", "en": f"{name} gives 0.71."}
    return CheckResult(name, passed, said, pd.DataFrame(), synthetic)


def decisive(**verdicts: bool | None) -> list[CheckResult]:
    """One check a decisive question and that of displacement, passed unless said otherwise."""
    asked = [check(GROUPS[group][0], passed=verdicts.get(group, True)) for group in REQUIRED]
    return [*asked, check("displacement", passed=verdicts.get("denominator", True))]


def first(card: Scorecard, language: str = "en") -> str:
    return card.sentences[language][0]


def test_a_fall_whose_three_questions_passed_is_shown() -> None:
    card = scorecard(decisive(), estimates())
    assert card.shown
    assert first(card).startswith("The fall, to a ratio of 0.50 (95% interval 0.34 to 0.74, ")
    assert first(card, "zh").startswith(
        "比值为0.50（95%区间0.34至0.74，p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.001）的下降经受住了"
    )


@pytest.mark.parametrize("group", REQUIRED)
@pytest.mark.parametrize("passed", [False, None])
def test_a_question_that_failed_or_was_left_open_is_named_with_its_number(
    group: str, passed: bool | None
) -> None:
    card = scorecard(decisive(**{group: passed}), estimates())
    assert not card.shown
    assert "is not shown to be an effect: " in first(card)
    # Within the denominator an undecided displacement is what decides.
    name = "displacement" if (group, passed) == ("denominator", None) else GROUPS[group][0]
    assert f"{name} gives 0.71" in first(card)
    assert "未能证明是改革的效果" in first(card, "zh")


@pytest.mark.parametrize("group", REQUIRED)
def test_a_question_that_was_not_examined_counts_against(group: str) -> None:
    done = [each for each in decisive() if each.name not in GROUPS[group]]
    card = scorecard(done, estimates())
    assert not card.shown
    assert "not examined" in first(card)
    assert card.groups.loc[group, "verdict"] == "not examined"


@pytest.mark.parametrize("name", ["leave_one_out", "series_collapse", "reconcile"])
def test_what_the_result_rests_on_counts_where_it_was_examined(name: str) -> None:
    assert scorecard([*decisive(), check(name, passed=True)], estimates()).shown
    card = scorecard([*decisive(), check(name, passed=False)], estimates())
    assert not card.shown
    assert f"{name} gives 0.71" in first(card)


def test_one_failed_check_outweighs_the_passed_ones_of_its_question() -> None:
    card = scorecard([*decisive(), check("placebo_dates", passed=False)], estimates())
    assert card.groups.loc["common_trend", "verdict"] == "failed"
    assert "placebo_dates gives 0.71" in first(card)
    assert "common_trend_bounds gives" not in first(card)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            (0.8, 0.2, 0.53, 1.2, 0.3),
            "nor shown at all (of falls, only those to a ratio below 0.53 are excluded)",
        ),
        ((0.8, 0.2, 0.0, np.inf, 0.3), "nor shown at all (no fall is excluded, however large)"),
        ((1.2, 0.2, 0.8, 1.8, 0.4), "There is no fall"),
        ((1.6, 0.2, 1.1, 2.4, 0.01), "There is no fall"),
        ((np.nan,) * 5, "There is no estimate"),
    ],
)
def test_no_fall_is_never_an_effect(row: tuple[float, ...], said: str) -> None:
    card = scorecard(decisive(), estimates(*row))
    assert not card.shown
    assert said in first(card)


def test_doses_that_ignore_the_baseline_do_not_clear_the_choice_of_pilots() -> None:
    open_ = [*decisive(selection=None), check("dose_on_baseline", passed=True)]
    card = scorecard(open_, estimates())
    assert card.groups.loc["selection", "verdict"] == "for information"
    assert not card.shown
    tied = scorecard([*decisive(), check("dose_on_baseline", passed=False)], estimates())
    assert tied.groups.loc["selection", "verdict"] == "failed"


def test_all_three_questions_stand_in_a_first_sentence_that_denies_an_effect() -> None:
    card = scorecard(decisive(denominator=False), estimates())
    for title in ("selection, passed", "common trend, passed", "denominator, failed"):
        assert title in first(card)


def test_a_failed_check_that_does_not_decide_is_named_later() -> None:
    card = scorecard([*decisive(), check("matched", passed=False)], estimates())
    assert card.shown
    assert "Other checks failed: matched gives 0.71." in card.sentences["en"]


def test_strength_counts_the_checks_and_mediation_is_never_causal() -> None:
    results = [*decisive(selection=False), check("excluded_ratio", passed=None)]
    card = scorecard(results, estimates())
    strength, last = card.sentences["en"][-2:]
    assert strength.startswith("Design: 20 units, 5 clusters, 100 rows; 3 checks passed, 1 failed, 1 for")
    assert strength.endswith("excluded_ratio gives 0.71.")
    assert "not causal" in last


def test_the_page_says_synthetic_and_has_a_row_a_check_in_both_languages() -> None:
    card = scorecard(decisive(), estimates(synthetic=True))
    assert card.synthetic
    assert card.summary().startswith("SYNTHETIC DATA.\n")
    assert card.to_frame()["check"].tolist() == [each.name for each in decisive()]
    assert card.table(language="zh").columns.tolist() == ["所问", "结果", "所得"]
    assert set(card.table()["Verdict"]) == {"passed"}
    assert "SYNTHETIC" in card._repr_html_()


def test_nothing_to_put_on_the_page_is_refused() -> None:
    with pytest.raises(DesignError, match="^results must hold at least one check"):
        scorecard([], estimates())
    with pytest.raises(DesignError, match="^term must be one of"):
        scorecard(decisive(), estimates(), term="dose")


def page(df: pd.DataFrame) -> Scorecard:
    """The scorecard of a panel through the checks themselves."""
    fixed = {"outcome": "losses", "unit": "unit_id", "period": "period"}
    windows = {"outcome": "losses", "pre": ["2018", "2019", "2020"], "post": ["2021", "2022", "2023"]}
    df = df.assign(
        treated_fraction=treated_fraction(df) * df["pilot"], start=df["adopted"].where(df["pilot"], "")
    )
    fit = partial(fit_poisson, terms=["treated_fraction"], inference="cluster", **fixed)
    events = did.event_study(df, adopted="start", inference="cluster", **fixed)
    times = {name: int(name.removeprefix("event_")) for name in events.to_frame().index}
    results = [
        robustness.selection_simulation(df, draws=199, seed=1, **windows),
        robustness.common_trend_bounds(events, event_times={k: v for k, v in times.items() if v != -1}),
        robustness.placebo_dates(df, fit),
        robustness.exposure_choices(df, fit),
        robustness.displacement(df, fit, into=["reconsiderations_filed"]),
    ]
    return scorecard(results, fit(df))


def test_on_the_example_the_fall_is_not_shown_and_the_three_questions_stand_with_numbers() -> None:
    card = page(load_example())
    assert not card.shown
    assert card.synthetic
    for language, denied in (("en", "is not shown to be an effect"), ("zh", "未能证明是改革的效果")):
        sentence = first(card, language)
        assert denied in sentence
        # Behind the title of each question there is a number before the next title.
        titles = [say(f"check.group_{group}", language) for group in REQUIRED]
        ends = [*(sentence.index(title) for title in titles[1:]), len(sentence)]
        for title, end in zip(titles, ends, strict=True):
            assert re.search(r"\d\.\d\d", sentence[sentence.index(title) : end])


def test_a_strong_effect_in_a_clean_design_is_shown() -> None:
    card = page(draw_panel(effect=0.3, seed=3, mean=1.0))
    assert card.shown
    assert "is shown to be an effect" in first(card)


@pytest.mark.parametrize("name", ["contamination", "timing_codings", "specification_curve", "oster_delta"])
def test_a_failed_check_of_controls_or_specification_is_a_veto(name: str) -> None:
    card = scorecard([*decisive(), check(name, passed=False)], estimates())
    assert not card.shown
    assert name in first(card)


@pytest.mark.parametrize("name", ["specification_curve", "oster_delta"])
def test_of_an_undecided_estimate_nothing_is_left_to_overturn(name: str) -> None:
    undecided = estimates(0.8, 0.2, 0.53, 1.2, 0.3)
    card = scorecard([*decisive(), check(name, passed=False)], undecided)
    assert card.groups.loc["specification", "verdict"] == "for information"
    assert "codings and specifications" not in first(card)
    assert card.to_frame()["verdict"].iloc[-1] == "for information"
    assert "no finding to overturn" in card.to_frame()["found_en"].iloc[-1]
    assert "没有可以推翻的结论" in card.to_frame()["found_zh"].iloc[-1]
    coded = scorecard([*decisive(), check("timing_codings", passed=False)], undecided)
    assert "codings and specifications, failed" in first(coded), "another answer is no overturned finding"


@pytest.mark.parametrize("bounds", [None, True])
def test_placebos_alone_do_not_answer_the_common_trend(bounds: bool | None) -> None:
    others = [each for each in decisive() if each.name != "common_trend_bounds"]
    placebos = [check("placebo_dates", passed=True), check("placebo_outcomes", passed=True)]
    card = scorecard([*others, *placebos, check("common_trend_bounds", passed=bounds)], estimates())
    assert card.shown is bool(bounds)


def test_the_first_sentence_gives_numbers_and_the_next_tell_each_question_plainly() -> None:
    rows = pd.DataFrame(
        {"ratio": [0.6, 0.9], "ci_low": [0.4, 0.7], "ci_high": [0.8, 1.2]}, index=["base_period", "predicted"]
    )
    said = {"zh": "很长的一句。", "en": "A long sentence."}
    done = [CheckResult("baseline_shrinkage", False, said, rows), *decisive()[1:]]
    card = scorecard(done, estimates())
    assert (
        "selection, failed (against the base period 0.60, against earlier levels 0.90, interval of the "
        "latter 0.70 to 1.20)"
    ) in first(card)
    assert "long sentence" not in first(card)
    told, failed = card.sentences["en"][1:4], "Failed: Is it regression to the mean?"
    assert told[0].startswith("Selection (failed): Units chosen after many losses fall back ")
    assert told[0].endswith(f"A check failed: it is not ruled out. {failed}")
    assert [text.split(" (")[0] for text in told] == ["Selection", "Common trend", "Denominator"]
    assert card.sentences["zh"][1] == (
        "选择与均值回归（未通过）：试点若因此前败诉多而入选，不改革也会回落。有检验未通过，不能排除。"
        "未通过：是否只是向均值回归。"
    )
    assert not re.search(r"long sentence|\d", " ".join(told)), (
        "the table has the sentences, the first the numbers"
    )
    assert "以更早的水平为准0.90" in first(card, "zh")


@pytest.mark.parametrize(
    ("undecided", "said"),
    [
        ("displacement", {"en": "denominator, undecided", "zh": "分母与去向——没有定论"}),
        ("attribution", {"en": "denominator, passed in part", "zh": "分母与去向——部分通过"}),
    ],
)
def test_a_question_with_an_undecided_check_is_passed_in_part(undecided: str, said: dict[str, str]) -> None:
    card = scorecard([*decisive(), check(undecided, passed=None)], estimates())
    assert card.groups.loc["denominator", "verdict"] == "passed in part"
    assert card.shown is (undecided != "displacement")
    refuted = scorecard([*decisive(common_trend=False), check(undecided, passed=None)], estimates())
    assert all(text in first(refuted, language) for language, text in said.items())


def test_a_check_that_never_decides_leaves_a_pass_whole() -> None:
    card = scorecard([*decisive(), check("matched", passed=None)], estimates())
    assert card.groups.loc["selection", "verdict"] == "passed"


def displaced(*, passed: bool | None) -> CheckResult:
    rows = {"estimate": [0.5, 1.01], "conclusion": ["fall", "undecided"]}
    rows |= {"share": [1.1, np.nan], "share_low": [-0.4, np.nan], "share_high": [2.6, np.nan]}
    said = {"zh": "没有判定。", "en": "It is not decided."}
    frame = pd.DataFrame(rows, index=["losses", "all together"])
    return CheckResult("displacement", passed, said, frame)


def test_where_cases_may_all_have_moved_no_effect_is_shown_and_the_share_stands_in_the_first_sentence() -> (
    None
):
    card = scorecard([*decisive(), displaced(passed=None)], estimates())
    assert not card.shown
    assert bool(card.groups.loc["denominator", "against"])
    assert (
        "denominator, undecided (with other accounts 1.01, share displaced 110%, interval -40% to 260%)"
        in first(card)
    )
    assert "转移的份额110%，区间-40%至260%" in first(card, "zh")
    assert scorecard([*decisive(), displaced(passed=True)], estimates()).shown


@pytest.mark.parametrize(
    ("language", "said", "never"),
    [("en", "undecided", ["for information", "in part"]), ("zh", "没有定论", ["供参考", "部分通过"])],
)
def test_a_question_that_speaks_against_without_having_failed_is_called_undecided(
    language: str, said: str, never: list[str]
) -> None:
    card = scorecard([*decisive(selection=None), displaced(passed=None)], estimates())
    sentence = first(card, language)
    assert sentence.count(said) == 2
    assert not any(other in sentence for other in never)
    for group in ("selection", "denominator"):
        title = say(f"check.group_{group}", language).capitalize()
        assert any(text.startswith(title) and said in text[:40] for text in card.sentences[language][1:])


def test_an_undecided_check_stands_with_its_number_beside_the_one_that_passed() -> None:
    card = scorecard([*decisive(common_trend=False), check("attribution", passed=None)], estimates())
    assert "denominator, passed in part (exposure_choices gives 0.71; attribution gives 0.71)" in first(card)


def test_a_shown_effect_names_in_its_own_sentence_what_was_not_examined() -> None:
    card = scorecard(decisive(), estimates())
    assert card.shown
    assert first(card).endswith(
        "; not examined: outcomes that the reform leaves alone, losses in another name, "
        "few units and series, reporting, controls, codings and specifications."
    )
    assert first(card, "zh").endswith(
        "；没有检验的有：改革不应影响的结果、败诉是否换了名义、少数单位与系列诉讼、上报、对照单位、编码与设定。"
    )


def test_each_check_that_ran_leaves_the_list_of_what_was_not_examined() -> None:
    every = list(dict.fromkeys(name for names in GROUPS.values() for name in names))
    whole = scorecard([check(name, passed=True) for name in every], estimates())
    assert first(whole).endswith("common trend, denominator and displacement failed.")
    alone = {
        "baseline_shrinkage": "regression to earlier levels",
        "placebo_outcomes": "outcomes that the reform leaves alone",
        "exposure_choices": "denominators",
        "attribution": "losses in another name",
        "leave_one_out": "few units",
        "series_collapse": "series of suits",
        "reconcile": "reporting",
        "contamination": "controls",
    }
    for left, said in alone.items():
        card = scorecard([check(name, passed=True) for name in every if name != left], estimates())
        assert card.shown
        assert first(card).endswith(f"failed; not examined: {said}.")


def test_leaving_out_the_column_of_displacement_never_shows_an_effect() -> None:
    """Undecided blocks it; so must not examined, in the same words for each language."""
    without = [each for each in decisive() if each.name != "displacement"]
    card = scorecard([*without, check("attribution", passed=True)], estimates())
    assert not card.shown
    assert bool(card.groups.loc["denominator", "against"])
    assert card.groups.loc["denominator", "checks"] == "exposure_choices, attribution"
    assert "(whether cases moved, into reconsideration or withdrawal, was not examined)" in first(card)
    assert "（案件是否转到复议、撤诉等去向没有检验）" in first(card, "zh")
    assert any("Not examined: Did cases only move?" in text for text in card.sentences["en"])
    assert "displacement" not in set(card.to_frame()["check"])


def test_the_controls_own_reform_stands_apart_from_the_refits() -> None:
    rows = pd.DataFrame(
        {"estimate": [0.7, 0.71, 0.61], "conclusion": "fall"},
        index=["all rows", "both", "reformed controls against the others"],
    )
    said = {"zh": "一句。", "en": "A sentence."}
    card = scorecard([*decisive(), CheckResult("contamination", False, said, rows)], estimates())
    assert "controls, failed (ratios 0.70 to 0.71; controls' own reform 0.61)" in first(card)
    assert "对照单位自身的改革0.61" in first(card, "zh")


def test_a_question_asked_twice_alike_is_told_once_and_what_failed_comes_first() -> None:
    bounds = [check("common_trend_bounds", passed=passed) for passed in (True, False, True)]
    (_, told, *_) = scorecard([*decisive(), *bounds], estimates()).sentences["en"][1:4]
    assert told.endswith("Failed: How far may trends differ? Passed: How far may trends differ?")


def test_each_variant_of_a_check_asks_its_own_question() -> None:
    frame = pd.DataFrame()
    said = {"zh": "一句。", "en": "A sentence."}
    bounds = [
        CheckResult("common_trend_bounds", passed, said, frame, variant=variant)
        for variant, passed in (("relative_magnitudes", False), ("smoothness", True))
    ]
    (_, told, *_) = scorecard([*decisive(), *bounds], estimates()).sentences["en"][1:4]
    assert "Failed: How far may trends differ, measured by earlier changes? Passed: How far may" in told
    assert told.endswith("How far may a difference in trends bend?")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("group", GROUPS)
def test_every_question_that_speaks_against_has_its_own_sentence(group: str, language: str) -> None:
    others = [each for each in decisive() if each.name not in GROUPS[group]]
    card = scorecard([*others, check(GROUPS[group][0], passed=False)], estimates())
    stake = say(f"check.stake_{group}", language)
    assert sum(stake in sentence for sentence in card.sentences[language]) == 1
