"""Every check on one panel: what runs, what says why it cannot, and the sentence they add up to."""

import re
from functools import cache

import pytest

from reform_analysis import examination, robustness_report, simulate
from reform_analysis.effect_design import design
from reform_analysis.estimates import DataError
from reform_analysis.examination import Examination, NotRun, examine
from reform_analysis.panel_source import open_panel, roles
from reform_analysis.reforms import load_reforms
from reform_analysis.robustness_tables import reason
from reform_analysis.wording import LANGUAGES, say

PRE = ["2018", "2019", "2020"]
LATER = ["2021", "2022", "2023"]


@cache
def example() -> Examination:
    panel = simulate.load_example()
    compared = design(panel, outcome="losses", exposure="lawsuits_concluded", pre=PRE, post=["2021"])
    return examine(panel, compared, measures=("devolution_share",), draws=199, seed=1)


@cache
def strong() -> Examination:
    panel = simulate.draw_panel(effect=0.3, seed=3, mean=1.0)
    compared = design(panel, outcome="losses", exposure=None, pre=PRE, post=LATER)
    return examine(panel, compared, draws=199, seed=1)


@cache
def bare() -> Examination:
    """A user's panel with no more than who, when and how many."""
    panel = simulate.draw_panel(effect=0.5, seed=1, units=60, pilots=20, counties=2, cities=1)
    kept = ["unit_id", "unit_name", "county", "city", "period", "pilot", "adopted", "losses", "synthetic"]
    panel = panel[kept][panel["period"].isin(["2020", "2021"])].reset_index(drop=True)
    compared = design(panel, outcome="losses", exposure=None, pre=["2020"], post=["2021"])
    return examine(panel, compared, measures=("devolution_share",), draws=99, seed=1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_on_the_example_the_first_sentence_denies_an_effect_and_names_three_questions_with_numbers(
    language: str,
) -> None:
    (first,) = robustness_report.headline(example(), language=language).sentences
    assert {"zh": "未能证明是改革的效果", "en": "is not shown to be an effect"}[language] in first
    titles = [say(f"check.group_{name}", language) for name in ("selection", "common_trend", "denominator")]
    ends = [*(first.index(title) for title in titles[1:]), len(first)]
    for title, end in zip(titles, ends, strict=True):
        assert re.search(r"\d\.\d\d", first[first.index(title) : end])
    found = example().checks["relative_magnitudes"]
    assert f"{found.to_frame().loc['breakdown', 'size']:.2f}" in first  # type: ignore[union-attr]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_strong_effect_in_a_clean_design_gets_the_opposite_sentence(language: str) -> None:
    (first,) = robustness_report.headline(strong(), language=language).sentences
    assert {"zh": "可视为改革的效果", "en": "is shown to be an effect"}[language] in first
    assert strong().card is not None
    assert strong().card.shown  # type: ignore[union-attr]


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_the_columns_into_which_cases_may_have_moved_the_same_effect_is_not_shown(
    language: str,
) -> None:
    """Leaving a column out must never buy the sentence that the column's check could have denied."""
    panel = simulate.draw_panel(effect=0.3, seed=3, mean=1.0)
    panel = panel.drop(columns=[name for name in panel if name.startswith("reconsiderations_")])
    compared = design(panel, outcome="losses", exposure=None, pre=PRE, post=LATER)
    found = examine(panel, compared, draws=199, seed=1)
    assert found.checks["displacement"] == NotRun("displacement")
    assert found.card is not None
    assert not found.card.shown
    (first,) = robustness_report.headline(found, language=language).sentences
    assert {"zh": "没有检验", "en": "was not examined"}[language] in first


def test_the_estimate_checked_is_that_of_the_refits() -> None:
    """One ratio throughout: the denominators' table holds the one at the top."""
    top = example().estimates.to_frame()["estimate"].iloc[0]  # type: ignore[union-attr]
    rows = example().checks["exposure_choices"].to_frame()["estimate"]  # type: ignore[union-attr]
    assert rows["lawsuits_concluded"] == pytest.approx(top, rel=1e-6)
    curve = example().curve.to_frame()  # type: ignore[union-attr]
    same = curve.query("exposure == 'lawsuits_concluded' and coding == 'treated' and sample == 'all'")
    assert same.query("weights == 'equal'")["estimate"].iloc[0] == pytest.approx(top, rel=1e-6)


def test_only_controls_reformed_in_the_periods_used_speak_against_the_fall() -> None:
    """The example's controls are reformed in 2022 and 2023; the comparison ends with 2021."""
    found = example().checks["contamination"]
    rows = found.to_frame()  # type: ignore[union-attr]
    assert rows.index.tolist() == ["all rows", "controls reformed afterwards against the others"]
    top = example().estimates.to_frame()["estimate"].iloc[0]  # type: ignore[union-attr]
    assert rows.loc["all rows", "estimate"] == pytest.approx(top, rel=1e-6)
    assert found.passed is None  # type: ignore[union-attr]
    card = example().card
    assert card is not None
    assert not card.groups.loc["controls", "against"]
    for language in LANGUAGES:
        assert say("check.group_controls", language) not in card.sentences[language][0]


def test_a_strong_effect_is_shown_whatever_controls_do_after_the_periods_used() -> None:
    panel = simulate.draw_panel(
        effect=0.2, seed=3, mean=4.0, units=400, pilots=120, counties=40, rollout={"2022": 0.4, "2023": 0.4}
    )
    compared = design(panel, outcome="losses", exposure=None, pre=PRE, post=["2021"])
    found = examine(panel, compared, draws=99, seed=1)
    assert found.checks["contamination"].passed is None  # type: ignore[union-attr]
    assert found.card is not None
    assert found.card.shown


def test_flagged_controls_that_the_comparison_keeps_are_tested_in_its_periods() -> None:
    """Losses of flagged units fall by three quarters too; a comparison that leaves them out is not spoilt."""
    panel = simulate.draw_panel(effect=0.5, seed=1, units=120, pilots=60, counties=24, cities=12, mean=4.0)
    flagged = ~panel["pilot"] & (panel["unit_id"].rank(method="dense") % 3 == 0)
    gone = flagged & (panel["period"] >= "2021")
    panel = panel.assign(city_pilot=flagged, losses=panel["losses"].where(~gone, panel["losses"] // 4))
    asked = {"outcome": "losses", "exposure": None, "pre": PRE, "post": ["2021"]}
    kept = examine(panel, design(panel, **asked), other_pilot="city_pilot", draws=99, seed=1)
    assert kept.checks["contamination"].passed is False  # type: ignore[union-attr]
    assert kept.checks["contamination"].to_frame().loc["all rows", "n_obs"] <= 4 * 120  # type: ignore[union-attr]
    left = design(panel, **asked, other_pilot="city_pilot")
    out = examine(panel, left, other_pilot="city_pilot", draws=99, seed=1).checks["contamination"]
    assert isinstance(out, NotRun)
    assert reason(out, "en") == say("robustness.no_contamination", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_panel_with_few_columns_runs_and_every_check_that_cannot_says_why(language: str) -> None:
    missing = {name: found for name, found in bare().checks.items() if isinstance(found, NotRun)}
    lacking = {name for name, found in missing.items() if not found.reason}
    assert lacking == {
        "placebo_outcomes",
        "exposure_choices",
        "displacement",
        "attribution",
        "reconcile",
        "dose_on_baseline",
        "concurrent_reforms",
    }
    short = {
        "selection_simulation",
        "baseline_shrinkage",
        "relative_magnitudes",
        "smoothness",
        "placebo_dates",
    }
    assert short <= missing.keys() - lacking
    said = {name: reason(found, language) for name, found in missing.items()}  # type: ignore[arg-type]
    assert said["selection_simulation"] == say("robustness.few_pre", language)
    for name in ("relative_magnitudes", "smoothness", "placebo_dates"):
        assert said[name] == say("robustness.few_periods", language)
    assert said["reconcile"] == say("robustness.lacks_reconcile", language)
    (first,) = robustness_report.headline(bare(), language=language).sentences
    assert say("check.verdict_not_examined", language) in first


def test_columns_that_are_named_are_used() -> None:
    panel = simulate.draw_panel(effect=0.5, seed=1, units=120, pilots=30, counties=6, cities=3)
    panel = panel.assign(
        by_department=panel["losses"].iloc[::-1].to_numpy(), fires=panel["disputes"], courts=panel["losses"]
    )
    compared = design(panel, outcome="losses", exposure=None, pre=PRE, post=LATER)
    named = roles("department=by_department, placebo=fires，counted=courts")
    checks = examine(panel, compared, columns=named, draws=99, seed=1).checks
    assert {"by_department"} <= set(checks["attribution"].to_frame().index)  # type: ignore[union-attr]
    assert checks["placebo_outcomes"].to_frame().index.tolist() == ["fires"]  # type: ignore[union-attr]
    assert "agree" in checks["reconcile"].sentences["en"]  # type: ignore[union-attr]


def test_an_unknown_role_and_a_missing_column_stop_the_report() -> None:
    with pytest.raises(DataError, match="^name in reading must be one of"):
        roles("courts=x")
    panel = simulate.load_example()
    compared = design(panel, outcome="losses", exposure=None, pre=PRE, post=["2021"])
    with pytest.raises(DataError, match="nowhere"):
        examine(panel, compared, columns={"counted": ["nowhere"]}, seed=1)


def test_an_error_in_the_data_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise DataError("a count is negative")

    monkeypatch.setattr(examination.robustness, "matched", broken)
    with pytest.raises(DataError, match="negative"):
        example.__wrapped__()


def test_a_panel_without_county_is_examined_and_says_what_is_left_out() -> None:
    panel = simulate.draw_panel(effect=0.5, seed=1, units=60, pilots=20, counties=6, cities=3, mean=2.0)
    panel = panel.drop(columns=["county"])
    compared = design(panel, outcome="losses", exposure=None, pre=PRE, post=["2021"])
    assert compared.cluster == "city"
    found = examine(panel, compared, draws=99, seed=1)
    left_out = found.checks["leave_one_out_county"]
    assert isinstance(left_out, NotRun)
    for language in LANGUAGES:
        assert reason(left_out, language) == say("robustness.lacks_leave_one_out_county", language)
    bare_panel = panel.drop(columns=["city"])
    assert design(bare_panel, outcome="losses", exposure=None, pre=PRE, post=["2021"]).cluster == "unit_id"


def test_the_reforms_beside_the_zhejiang_one_are_listed_for_it_alone() -> None:
    left_out = bare().checks["concurrent_reforms"]
    assert isinstance(left_out, NotRun)
    assert "reforms=zhejiang" in reason(left_out, "en")
    panel = simulate.draw_panel(effect=0.5, seed=1, units=60, pilots=20, counties=6, cities=3)
    compared = design(panel, outcome="losses", exposure=None, pre=PRE, post=["2021"])
    own = load_reforms().iloc[:1]
    found = examine(panel, compared, reforms=own, draws=99, seed=1).checks["concurrent_reforms"]
    assert len(found.to_frame()) <= 1  # type: ignore[union-attr]
    example_panel = open_panel()
    assert example_panel.attrs["reforms"] == "zhejiang"


@pytest.mark.filterwarnings("ignore")
def test_a_panel_with_gaps_and_late_units_is_examined() -> None:
    panel = simulate.draw_panel(
        effect=0.6, seed=5, units=80, pilots=25, counties=8, cities=4, rollout={"2022": 0.5}
    )
    late = panel["unit_id"].drop_duplicates().sample(frac=0.1, random_state=2)
    panel = panel[~(panel["unit_id"].isin(late) & (panel["period"] < "2020"))]
    panel = panel.sample(frac=0.9, random_state=3).sort_index().reset_index(drop=True)
    compared = design(panel, outcome="losses", exposure=None, pre=PRE, post=["2021"])
    found = examine(panel, compared, draws=99, seed=1)
    assert found.card is not None
    contamination = found.checks["contamination"]
    assert not isinstance(contamination, NotRun)
    assert contamination.to_frame()["p_randomised"].notna().any()
    for check in found.checks.values():
        assert not isinstance(check, NotRun) or "英文" not in reason(check, "zh")


def test_an_honest_null_study_fails_no_check_of_what_would_overturn_it() -> None:
    panel = simulate.draw_panel(effect=None, seed=2, units=120, pilots=40, counties=24, cities=12, mean=2.0)
    compared = design(panel, outcome="losses", exposure=None, pre=PRE, post=["2021"])
    found = examine(panel, compared, draws=99, seed=1)
    assert found.estimates is not None
    assert found.estimates.to_frame()["p_value"].iloc[0] > 0.05
    for name in ("oster_delta", "specification_curve"):
        assert found.checks[name].passed is None  # type: ignore[union-attr]
        assert found.checks[name].sentences["en"].endswith("this check is for information.")  # type: ignore[union-attr]
    for language in LANGUAGES:
        (first,) = robustness_report.headline(found, language=language).sentences
        assert say("check.group_specification", language) not in first
