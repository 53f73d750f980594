"""Tables and sentences of the panel's reports: the numbers of the results, in both languages."""

import ast
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reform_analysis import (
    association_data,
    association_report,
    correlate,
    describe,
    panel,
    panel_findings,
    panel_source,
    panel_tables,
)
from reform_analysis.estimates import COLUMNS, DesignError
from reform_analysis.wording import LANGUAGES, catalogue

FRAME = panel_source.open_panel()
CHANGES = panel.changes(FRAME, pre=["2020"], post=["2021"])
DOSES = ["devolution_share_difference", "reviews_per_1000_difference"]
REPORT = panel.panel_report(FRAME, counts=["losses", "reviews"])


@pytest.fixture(scope="module")
def result() -> correlate.Association:
    return correlate.association(CHANGES, measures=DOSES, outcome="losses", seed=3, draws=199)


def numbers(text: object) -> list[str]:
    return sorted(re.findall(r"-?\d+(?:\.\d+)?", str(text).replace("1,000", "").replace("0至", "0 至")))


def test_holdings_show_the_counts_of_the_report() -> None:
    frame = panel_tables.holdings(REPORT, columns=["losses"]).frame
    pilots = frame[frame["Arm"] == "Pilots"].iloc[0]
    rows = FRAME[FRAME["pilot"]]
    assert pilots["Total"] == f"{rows['losses'].sum():,}"
    assert pilots["Zeros"] == f"{(rows['losses'] == 0).sum():,}"
    assert pilots["Units without any"] == f"{(rows.groupby('unit_id')['losses'].sum() == 0).sum():,}"


def test_table_one_shows_means_and_standardised_differences() -> None:
    table = describe.table_one(FRAME, variables=["losses"], at=["2020"])
    row = panel_tables.table_one(table).frame.iloc[0]
    at = FRAME[FRAME["period"] == "2020"]
    losses = at.loc[at["pilot"], "losses"].astype(float)
    assert row.iloc[1] == f"{losses.mean():.2f} ({losses.std():.2f}; n = 89)"
    assert row["Standardised difference"] == f"{table['standardised'].iloc[0]:+.2f}"


def test_association_table_holds_every_adjusted_p(result: correlate.Association) -> None:
    frame = panel_tables.association(result).frame
    assert list(frame.columns) == ["Measure", "Estimate", "95% interval", "p", "Holm", "BH", "max-T"]
    assert frame["max-T"].tolist() == [f"{p:.3f}" for p in result.adjusted_p["max_t"]]
    assert frame["Measure"].iloc[0] == "Devolution share (change)"


def made(*row: float) -> correlate.Association:
    frame = pd.DataFrame([row], index=pd.Index(DOSES[:1], name="term"), columns=list(COLUMNS))
    return correlate.Association(frame=frame, scale="correlation", ci_level=0.95, method="m", n_obs=9)


@pytest.mark.parametrize(
    ("low", "high", "word"), [(-0.2, 0.1, "holds"), (0.01, 0.1, "excludes"), (-0.2, -0.01, "excludes")]
)
def test_the_sentence_reads_the_interval_at_no_association(low: float, high: float, word: str) -> None:
    text = str(panel_findings.associations(made(0.05, 0.05, low, high, 0.2), outcome="losses"))
    assert f"which {word} 0" in text
    excluded = f"only correlations below {low:.2f} or above {high:.2f} are excluded"
    assert (excluded in text) == (word == "holds")


def test_an_open_interval_of_a_correlation_excludes_nothing() -> None:
    text = str(panel_findings.associations(made(0.05, 0.05, -1.0, 1.0, 0.9), outcome="losses", language="zh"))
    assert "含0" in text
    assert "再小或再大的相关系数都没有排除" in text


def test_an_undefined_estimate_is_said_to_be_untested() -> None:
    text = str(panel_findings.associations(made(*[np.nan] * 5), outcome="losses"))
    assert "cannot be tested" in text


def test_both_languages_print_the_same_numbers(result: correlate.Association) -> None:
    for make in (
        lambda language: panel_findings.associations(result, outcome="losses", language=language),
        lambda language: panel_findings.base_years(result, language=language),
        lambda language: panel_findings.detectable(
            CHANGES, measures=DOSES, outcome="losses", ci_level=0.95, language=language
        ),
    ):
        chinese, english = (numbers(make(language)) for language in LANGUAGES)
        assert [n.lstrip("-") for n in chinese] == [n.lstrip("-") for n in english]


def test_the_base_year_is_checked_for_correlations_and_for_counts(result: correlate.Association) -> None:
    counts = correlate.association(
        CHANGES, measures=DOSES, outcome="losses", method="poisson_score", seed=3, draws=199
    )
    for tried, null in ((result, "0"), (counts, "1")):
        text = panel_findings.base_years(tried, language="en")
        assert len(text.sentences) == len(DOSES)
        for sentence, term in zip(text.sentences, DOSES, strict=True):
            without = tried.without_base_year.to_frame().loc[term, "estimate"]
            assert f"the estimate is {without:z.2f}" in sentence
            assert f"no association is {null})" in sentence
    assert "conditional Poisson" in text.heading


def test_simulated_power_says_both_tests_and_that_draws_are_synthetic() -> None:
    row = {"units": 89, "rate_ratio": 0.4, "draws": 75, "power": 0.84, "error": 0.04, "counts_power": 0.9}
    row |= {"counts_error": 0.03, "mean": 0.6, "change": 0.7, "heterogeneity": 0.5, "overdispersion": 1.4}
    table = pd.DataFrame([row, {"units": 3}], index=pd.Index(["pilots", "all"], name="arm"))
    chinese, english = (panel_findings.simulated(table, language=language) for language in LANGUAGES)
    assert "SYNTHETIC" in str(chinese)
    assert "SYNTHETIC" in str(english)
    assert "(89): where counts after become 0.40 times" in english.sentences[1]
    assert "finds it in 84% of 75 synthetic draws (Monte Carlo error 4 points)" in english.sentences[1]
    assert "conditional Poisson in 90% (error 3)" in english.sentences[1]
    assert "nothing can be simulated" in english.sentences[2]
    assert numbers(chinese) == numbers(english)


def test_a_denominator_is_named_or_said_to_be_absent() -> None:
    assert str(panel_findings.denominator("disputes")).startswith("Denominator: ")
    assert str(panel_findings.denominator("")).startswith("No denominator is named")


def test_banner_tells_synthetic_from_real() -> None:
    assert "SYNTHETIC data: the example panel" in str(panel_findings.banner(REPORT, data=""))
    mine = FRAME.drop(columns="synthetic")
    mine.attrs = {"synthetic": False, "logged": 7}
    text = str(panel_findings.banner(panel.panel_report(mine, counts=["losses"]), data="mine.xlsx", logged=7))
    assert "The user's data: mine.xlsx" in text
    assert "7 cells were changed" in text
    assert "not stated (date_basis)" in text


def test_what_was_left_out_is_listed_by_arm() -> None:
    counts = correlate.association(
        CHANGES,
        measures=DOSES,
        outcome="losses",
        exposure="lawsuits_concluded",
        method="poisson_score",
        seed=3,
        draws=199,
    )
    frame = panel_tables.dropped(counts, language="zh").frame
    assert set(frame["组别"]) == {"试点", "其他"}
    assert frame["单位"].str.replace(",", "").astype(int).sum() == len(CHANGES) - counts.n_units


OPTIONS = {"measures": DOSES, "outcome": "losses", "seed": 3, "draws": 199}
NOTHING = "Nothing can be tested"


@pytest.mark.parametrize(
    "spoilt",
    [CHANGES.head(3), CHANGES.assign(losses_difference=0.0, losses_pre=0, losses_post=0)],
    ids=["three units", "no loss anywhere"],
)
def test_nothing_to_test_is_said_in_every_section(spoilt: pd.DataFrame) -> None:
    for options in ({}, {"exposure": "lawsuits_concluded", "method": "poisson_score"}):
        tried = association_report.attempt(spoilt, **OPTIONS, **options)
        assert tried.result is None
        shown = [
            *association_report.section(tried),
            association_report.figure(tried, labels={}),
            association_report.left_out(tried),
            association_report.base_years(tried),
        ]
        assert all(str(text).startswith(NOTHING) for text in shown)


def test_a_wrong_question_is_still_an_error() -> None:
    with pytest.raises(DesignError, match="share"):
        association_report.attempt(
            CHANGES,
            measures=["loss_rate_difference"],
            outcome="losses",
            exposure="lawsuits_concluded",
            seed=3,
        )


def test_pilots_alone_are_the_pilots(result: correlate.Association) -> None:
    pilots = CHANGES[CHANGES["pilot"]]
    tried = association_report.attempt(pilots, **OPTIONS)
    expected = correlate.association(pilots, **OPTIONS).to_frame()["estimate"]
    table, _ = association_report.section(tried)
    assert table.frame["Estimate"].tolist() == [f"{r:z.2f}" for r in expected]
    assert tried.result.n_units < result.n_units


def test_units_without_values_do_not_count_as_power() -> None:
    some = CHANGES.copy()
    some.loc[some.index[100:], DOSES[0]] = np.nan
    text = str(panel_findings.detectable(some, measures=DOSES, outcome="losses", ci_level=0.95))
    assert "All units (100)" in text
    share = 100 * (some["losses_difference"].iloc[:100] == 0).mean()
    assert f"zero in {share:.0f}% of the units" in text


def test_an_interval_that_is_undefined_is_not_read() -> None:
    text = str(panel_findings.associations(made(1.0, np.nan, np.nan, np.nan, 0.01), outcome="losses"))
    assert "no 95% interval can be given" in text
    assert "nan" not in text


def test_chance_scatter_of_standardised_differences() -> None:
    rng = np.random.default_rng(5)
    found = []
    for _ in range(400):
        values = rng.normal(size=60)
        pilots, others = values[:15], values[15:]
        found.append((pilots.mean() - others.mean()) / np.sqrt((pilots.var(ddof=1) + others.var(ddof=1)) / 2))
    spread = np.sqrt(1 / 15 + 1 / 45)
    assert abs(np.std(found) - spread) < 4 * spread / np.sqrt(2 * 400)
    table = pd.DataFrame({"standardised": [0.7, 0.1], "n_1": [15, 15], "n_0": [45, 45]})
    text = str(panel_findings.chance(table))
    assert f"about {spread:.2f}; 1 of the 2" in text


def test_every_reason_for_leaving_out_has_words() -> None:
    tree = ast.parse(Path(association_data.__file__).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    reasons = [call.args[2].value for call in calls if getattr(call.func, "attr", "") == "only"]
    assert len(reasons) >= 5
    assert {f"dropped.{reason.replace(' ', '_')}" for reason in reasons} <= set(catalogue())


def test_tables_know_that_their_data_are_synthetic() -> None:
    frame = pd.DataFrame(
        {"unit_id": list("abcd"), "period": 1, "pilot": [True, True, False, False], "losses": 1.0}
    )
    for synthetic in (True, False):
        frame.attrs["synthetic"] = synthetic
        table = describe.table_one(frame, variables=["losses"])
        assert panel_tables.table_one(table).synthetic == synthetic
