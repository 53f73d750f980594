"""The effect report: its tables, sentences and figures from results whose numbers are known."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from reform_analysis import effect_findings, effect_plots, effect_report, effect_tables
from reform_analysis.counts import dose_contrast, fit_poisson
from reform_analysis.effect_design import Design
from reform_analysis.estimates import COLUMNS, Estimates
from reform_analysis.event_study import EventStudy, Pretrend
from reform_analysis.wording import LANGUAGES, say


@pytest.fixture(autouse=True)
def _close() -> object:
    yield
    plt.close("all")


def estimates(*row: float, term: str = "treated", units: int = 890, notes: tuple[str, ...] = ()) -> Estimates:
    frame = pd.DataFrame([row], index=pd.Index([term], name="term"), columns=list(COLUMNS))
    return Estimates(
        frame=frame,
        scale="rate_ratio",
        ci_level=0.95,
        method="m",
        n_obs=9,
        n_units=units,
        n_clusters=11,
        notes=notes,
    )


FELL = estimates(
    0.62, 0.1, 0.42, 0.78, 0.002, notes=("few clusters: 11, fewer than 30; and so on", "an aside")
)
HOLDS = estimates(0.9, 0.2, 0.6, 1.3, 0.6, units=1365)
ROSE = estimates(1.5, 0.1, 1.2, 1.9, 0.01)
OPEN = estimates(0.5, 0.4, 0.0, np.inf, 0.4)


def study(p_value: float) -> EventStudy:
    frame = pd.DataFrame(
        [[0.8, 0.1, 0.6, 1.2, 0.3], [0.6, 0.1, 0.4, 0.9, 0.01]],
        index=pd.Index(["event_-2", "event_0"], name="term"),
        columns=list(COLUMNS),
    )
    pretrend = Pretrend(
        1.0, 1, 10.0, p_value, 1.25, pd.Series([1.25], index=pd.Index(["event_0"], name="term"))
    )
    return EventStudy(
        frame=frame,
        scale="rate_ratio",
        ci_level=0.95,
        method="m",
        n_obs=9,
        n_units=8,
        pretrend=pretrend,
        synthetic=True,
    )


def design(exposure: str | None = "lawsuits_concluded") -> Design:
    rows = [("p", "2020", True, 4, 40), ("p", "2021", True, 1, 20), ("a", "2020", False, 6, 50)]
    rows += [("a", "2021", False, 3, 50), ("b", "2020", False, 0, np.nan), ("b", "2021", False, 0, 0)]
    frame = pd.DataFrame(rows, columns=["unit_id", "period", "pilot", "losses", "lawsuits_concluded"])
    share = np.where(frame["pilot"] & (frame["period"] == "2021"), 8 / 12, 0.0)
    left = pd.DataFrame(
        [["other", "control adopted in the periods used (2 units)", 8]], columns=["arm", "reason", "n"]
    )
    frame = frame.assign(city="x", treated_share=share)
    return Design(frame, "losses", exposure, ("2020",), ("2021",), "city", left, True)


def test_who_is_compared_with_events_and_rates() -> None:
    table = effect_tables.composition(design()).frame
    assert table.iloc[0, 1:].tolist() == ["1", "0", "4", "10.00", "1", "5.00"]
    assert table.iloc[1, 1:].tolist() == ["2", "1", "6", "12.00", "3", "6.00"]
    plain = effect_tables.composition(design(None)).frame
    assert plain.iloc[1, 1:].tolist() == ["2", "1", "6", "300.00", "3", "150.00"]


def test_one_row_a_method_and_none_for_what_could_not_be_tested() -> None:
    table = effect_tables.methods({"two_by_two": FELL, "partial": None, "fixed_effects": OPEN}).frame
    assert table.iloc[:, 1:].to_numpy().tolist() == [
        ["0.62", "0.42 to 0.78", "0.002", "890", "11"],
        ["0.50", "0.00 to ∞", "0.400", "890", "11"],
    ]


def test_reasons_are_translated_with_rows_and_units_and_an_unknown_one_is_kept() -> None:
    more = pd.DataFrame([["pilot", "a reason of its own", 5]], columns=["arm", "reason", "n"])
    table = effect_tables.left_out([design().dropped, more], language="zh").frame
    assert table.to_numpy().tolist() == [
        ["其他", "对照在所用时期内已采行", "8", "2"],
        ["试点", "a reason of its own", "5", "–"],
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("result", "key"), [(FELL, "fell"), (HOLDS, "holds"), (ROSE, "rose")])
def test_the_sentence_says_on_which_side_of_one_the_interval_lies(
    result: Estimates, key: str, language: str
) -> None:
    said = str(effect_findings.ratio(result, outcome="losses", method="partial", language=language))
    ends = {
        "fell": "不含1（p\u00a0=\u00a00.002）：相对于其他单位，试点下降了。",
        "holds": "含1",
        "rose": "试点上升了。",
    }
    english = {"fell": "the pilots went down.", "holds": "which holds 1", "rose": "the pilots went up."}
    assert (ends if language == "zh" else english)[key] in said
    row = result.to_frame().iloc[0]
    assert all(f"{row[name]:.2f}" in said for name in ("estimate", "ci_low", "ci_high"))


def test_a_null_ratio_says_what_it_excludes_and_an_open_interval_that_it_excludes_nothing() -> None:
    said = [
        str(effect_findings.ratio(each, outcome="losses", method="partial")) for each in (HOLDS, OPEN, FELL)
    ]
    assert "only ratios below 0.60 or above 1.30 are excluded." in said[0]
    assert "no ratios are excluded, however small or large." in said[1]
    assert "excluded" not in said[2]


def test_assigning_anew_gives_what_its_own_interval_excludes() -> None:
    said = effect_findings.randomised(HOLDS, FELL).sentences
    assert "0.60 to 1.30, which holds 1" in said[1]
    assert "only ratios below 0.60 or above 1.30 are excluded." in said[1]
    assert len(effect_findings.randomised(FELL, HOLDS).sentences) == 1
    assert len(effect_findings.randomised(estimates(0.5, np.nan, np.nan, np.nan, 0.2), HOLDS).sentences) == 1


@pytest.mark.parametrize(("note", "where"), [("within strata of city", "within cities"), ("", "all units")])
def test_assigning_anew_says_among_whom(note: str, where: str) -> None:
    notes = (f"single units exchange their treatment {note}: valid",)
    drawn = replace(FELL, frame=FELL.to_frame(), notes=notes)
    assert where in str(effect_findings.randomised(drawn, HOLDS))


@pytest.mark.parametrize(
    ("low", "high", "words"), [(0.6, 1.3, "below 0.6"), (0.6, 0.9, ""), (0, np.inf, "no ")]
)
def test_the_null_of_a_dose_says_what_it_excludes(low: float, high: float, words: str) -> None:
    note = (
        f"devolution_share: rate ratio 0.5 for 1 more of it; 0.8 ({low:.4g} to {high:.4g}) for one "
        "standard deviation more, 0.1 over the rows used; it compares a unit with itself"
    )
    said = effect_findings.doses(estimates(0.8, 0.2, 0.6, 1.3, 0.4, notes=(note,))).sentences
    assert ("no association is shown" in said[0]) == bool(words)
    assert words in said[0]


def test_an_undefined_interval_and_nothing_to_test_are_said() -> None:
    undefined = estimates(0.5, np.nan, np.nan, np.nan, 0.2)
    assert "undefined (p\u00a0=\u00a00.200)" in str(
        effect_findings.ratio(undefined, outcome="losses", method="partial")
    )
    assert "nothing can be tested" in str(effect_findings.ratio(None, outcome="losses", method="partial"))


def test_the_test_of_trends_says_what_it_would_miss() -> None:
    kept = str(effect_findings.pretrend(study(0.4)))
    assert "does not reject a common trend (p\u00a0=\u00a00.400)" in kept
    assert "a relative fall of 20% a period; that alone would show a ratio of 0.80" in kept
    assert "rejects a common trend (p\u00a0=\u00a00.010)" in str(effect_findings.pretrend(study(0.01)))
    assert effect_findings.pretrend(None) == effect_findings.pretrend(study(np.nan))


@pytest.mark.parametrize(
    ("main", "trend", "verdict"),
    [
        (FELL, 0.4, "fell"),
        (FELL, 0.01, "trend"),
        (HOLDS, 0.4, "holds"),
        (ROSE, 0.4, "rose"),
        (None, 0.4, "untestable"),
    ],
)
def test_the_verdict_follows_from_the_interval_and_the_trend(
    main: Estimates | None, trend: float, verdict: str
) -> None:
    results = {"fixed_effects": main, "two_by_two": HOLDS, "partial": None}
    for language in LANGUAGES:
        card = effect_findings.evidence_card(
            results, main="fixed_effects", outcome="losses", study=study(trend), language=language
        )
        name = {"zh": "行政诉讼败诉", "en": "Administrative litigation losses"}[language]
        assert card.sentences[-1] == say(f"effect_card.verdict_{verdict}", language, outcome=name)


def test_what_would_overturn_is_the_distance_of_the_nearer_end() -> None:
    found = effect_findings.evidence_card(
        {"fixed_effects": FELL, "two_by_two": HOLDS}, main="fixed_effects", outcome="losses", study=None
    )
    assert "differed from the others' by 22%" in str(found)
    assert "Of 2 estimates with an interval, 1 exclude 1." in str(found)


def test_each_caution_is_printed_once_in_the_language() -> None:
    said = effect_findings.cautions({"a": FELL, "b": FELL, "c": None}, language="zh").sentences
    assert len(said) == 1
    assert said[0].startswith("聚类只有11个")
    assert effect_findings.cautions({"b": HOLDS}).sentences == (say("effect_caution.none", "en"),)


def test_the_part_of_the_first_period_is_said() -> None:
    assert "share 0.67" in str(effect_findings.design(design()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_says_that_its_fall_is_built_in(language: str) -> None:
    said = say("effect_finding.built_in", language)
    assert effect_findings.design(design(), example=True, language=language).sentences[-1] == said
    assert said not in effect_findings.design(design(), language=language).sentences
    results = {"fixed_effects": FELL}
    asked = {"main": "fixed_effects", "outcome": "losses", "study": None, "language": language}
    assert effect_findings.evidence_card(results, example=True, **asked).sentences[0] == said  # type: ignore[arg-type]
    assert said not in effect_findings.evidence_card(results, **asked).sentences  # type: ignore[arg-type]


def test_the_forest_fills_what_excludes_one_and_marks_open_ends() -> None:
    ax = effect_plots.methods({"two_by_two": FELL, "fixed_effects": HOLDS, "partial": OPEN})
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [float(dot.get_xdata()[0]) for dot in dots] == [0.62, 0.9, 0.5]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, True, True]
    assert sorted(line.get_marker() for line in ax.lines if line.get_marker() in "<>") == ["<", ">"]
    assert [text.get_text() for text in ax.texts][-1] == "0.50 [0.00, ∞]"


def test_the_event_study_shows_its_reference_and_that_data_are_synthetic() -> None:
    ax = effect_plots.event_study(study(0.4))
    marks = {line.get_marker(): (list(line.get_xdata()), list(line.get_ydata())) for line in ax.lines}
    assert marks["o"] == ([-2, 0], [0.8, 0.6])
    assert marks["D"] == ([-1], [1])
    assert any(text.get_gid() == "synthetic" for text in ax.texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_give_the_range_of_sizes_and_what_the_figure_shows(language: str) -> None:
    figure = effect_report.methods_figure(
        {"fixed_effects": FELL, "two_by_two": HOLDS}, design(), main="fixed_effects", language=language
    )
    assert {"zh": "890至1,365", "en": "890 to 1,365"}[language] in figure.caption  # type: ignore[attr-defined]
    assert "0.62" in figure.alt  # type: ignore[attr-defined]
    shown = effect_report.event_figure(study(0.4), design(), language=language)
    assert "0.80" in shown.alt  # type: ignore[attr-defined]
    assert "0.60" in shown.alt  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", LANGUAGES)
def test_sections_without_a_result_say_so(language: str) -> None:
    given = {"language": language}
    assert len(effect_report.doses(None, **given)) == 1
    assert len(effect_report.partial(None, outcome="losses", **given)) == 1
    nothing = say("effect_finding.no_pretrend", language)
    assert effect_report.event_figure(None, design(), **given).sentences == (nothing,)  # type: ignore[attr-defined]
    empty = effect_report.methods_figure({"fixed_effects": None}, design(), main="fixed_effects", **given)
    assert say("effect_method.fixed_effects", language) in str(empty)


def near_one(high: float) -> Estimates:
    frame = FELL.to_frame()
    frame["ci_high"] = high
    return replace(FELL, frame=frame)


def test_an_end_that_rounding_would_put_on_one_has_further_digits() -> None:
    said = str(effect_findings.ratio(near_one(0.9968), outcome="losses", method="partial"))
    assert "to 0.997, which excludes 1" in said
    table = effect_tables.methods({"fixed_effects": near_one(0.99996)}).frame
    assert table.iloc[0, 2] == "0.42 to 0.99996"
    texts = effect_plots.methods({"fixed_effects": near_one(0.9968)}).texts
    assert any(text.get_text() == "0.62 [0.42, 0.997]" for text in texts)


def test_what_is_left_out_names_the_rows_of_the_table_of_methods() -> None:
    more = pd.DataFrame([["pilot", "missing value (2 units)", 4]], columns=["arm", "reason", "n"])
    result = replace(FELL, frame=FELL.to_frame(), dropped=more)
    table = effect_report.left_out(design(), result, method="fixed_effects_rate").frame
    assert table["Applies to"].tolist() == ["all methods", "Unit and period effects, per exposure"]


def test_numbers_of_units_that_differ_are_explained() -> None:
    few = replace(FELL, frame=FELL.to_frame(), n_units=890)
    many = replace(FELL, frame=FELL.to_frame(), n_units=1365)
    said = str(effect_findings.units({"fixed_effects": few, "two_by_two": many, "partial": None}))
    assert "different numbers of units (890 to 1,365)" in said
    assert effect_findings.units({"fixed_effects": few}).sentences == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_doses_are_said_per_unit_and_per_standard_deviation(language: str) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame([(unit, year) for unit in range(40) for year in range(4)], columns=["u", "t"])
    frame["devolution_share"] = rng.uniform(size=len(frame))
    frame["y"] = rng.poisson(5, len(frame))
    fit = fit_poisson(
        frame, outcome="y", terms=["devolution_share"], unit="u", period="t", inference="cluster"
    )
    spread = frame["devolution_share"].std(ddof=1)
    name = f"devolution_share {spread:+g}"
    contrast = dose_contrast(fit, sizes={"devolution_share": spread}).to_frame().loc[name]
    said = effect_findings.doses(fit, language=language).sentences
    assert len(said) == 2
    assert f"{spread:.4g}" in said[0]
    for value in (fit.to_frame()["estimate"].iloc[0], *contrast[["estimate", "ci_low", "ci_high"]]):
        assert f"{value:.2f}" in said[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_panel_without_measures_says_which_it_lacks(language: str) -> None:
    lacking, said = effect_report.doses(FELL, absent=["reviews_per_1000"], language=language)
    assert "reviews_per_1000" in str(lacking)
    assert str(said) == say("effect_finding.no_doses", language)
    (said,) = effect_report.doses(FELL, language=language)
    assert str(said) == say("effect_finding.no_doses", language)
