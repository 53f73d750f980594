"""Deviations: the form of a heading, faults with their lines, and which difference an entry explains."""

from pathlib import Path

import pytest

from reform_analysis.analysis_plan import Change
from reform_analysis.estimates import ReportError
from reform_analysis.plan_deviations import Deviation, explanations, read_deviations


def read(folder: Path, text: str) -> tuple[Deviation, ...]:
    path = folder / "deviations.md"
    path.write_text(text, encoding="utf-8")
    return read_deviations(path, hypotheses=["H1", "H2"])


def test_headings_are_entries_and_the_rest_is_for_the_reader(tmp_path: Path) -> None:
    text = "# 偏离\n\n说明。\n\n## 2026-11-24 · H1 · post由2021改为2022 · 甲 · 乙\n\n细节。\n### 小节\n"
    assert read(tmp_path, text) == (Deviation("2026-11-24", "H1", "post由2021改为2022", "甲 · 乙"),)


def test_no_file_is_no_deviation(tmp_path: Path) -> None:
    assert read_deviations(tmp_path / "deviations.md", hypotheses=["H1"]) == ()


def test_windows_line_ends_and_other_dots_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, "## 2026-11-24 ・ H2 • exposure ・ why\r\n")
    assert found == (Deviation("2026-11-24", "H2", "exposure", "why"),)


@pytest.mark.parametrize(
    ("heading", "message"),
    [
        ("## 2026-11-24 · H1 · alpha", "line 2: a heading must be `## date · H1 · what changed · why`"),
        ("## 2026-11-24 · H1 ·  · why", "line 2: a heading must be"),
        ("## 24.11.2026 · H1 · alpha · why", "line 2: the date must be as 2026-11-24, got '24.11.2026'"),
        ("## 2026-02-30 · H1 · alpha · why", "got '2026-02-30', which is no day of the calendar"),
        ("## 2026-11-24 · H3 · alpha · why", "line 2: no hypothesis is called 'H3'; did you mean 'H"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path: Path, heading: str, message: str) -> None:
    with pytest.raises(ReportError) as refused:
        read(tmp_path, f"# Deviations\n{heading}\n")
    assert message in str(refused.value)


def test_a_heading_cut_short_names_its_date_and_hypothesis_too(tmp_path: Path) -> None:
    with pytest.raises(ReportError) as refused:
        read(tmp_path, "## 2026-13-45 · H9 · foo\n")
    lines = str(refused.value).splitlines()[1:]
    assert [line.partition(", got ")[0].partition("; ")[0] for line in lines] == [
        "- line 1: a heading must be `## date · H1 · what changed · why`",
        "- line 1: the date must be as 2026-11-24",
        "- line 1: no hypothesis is called 'H9'",
    ]
    assert lines[1].endswith("got '2026-13-45', which is no day of the calendar")


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(ReportError) as refused:
        read(tmp_path, "## a\n## b\n")
    assert str(refused.value).count("a heading must be") == 2


@pytest.mark.parametrize(
    ("hypothesis", "what", "explained"),
    [
        ("H1", "exposure dropped", True),
        ("H1", "把exposure改为空", True),
        ("H2", "exposure dropped", False),
        ("H1", "exposures dropped", False),
        ("H1", "the denominator dropped", False),
        ("plan", "exposure dropped", False),
    ],
)
def test_an_entry_explains_the_key_that_it_names(hypothesis: str, what: str, explained: bool) -> None:
    change = Change("H1", "exposure", "lawsuits_concluded", "")
    entry = Deviation("2026-11-24", hypothesis, what, "why")
    assert explanations(change, [entry]) == ((entry,) if explained else ())


def test_a_hypothesis_that_went_is_explained_by_any_entry_under_its_id() -> None:
    entry = Deviation("2026-11-24", "H2", "不再检验", "没有数据")
    assert entry.explains(Change("H2", "hypothesis", "a", None))
    assert not entry.explains(Change("H1", "hypothesis", "a", None))
