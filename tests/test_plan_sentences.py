"""What a report says of the plan: each case in both languages, and no text of the user's becomes markup."""

from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from reform_analysis import pages
from reform_analysis.plan_record import PlanState, freeze, read_state
from reform_analysis.plan_sentences import Line, cell, insert, sentences, summary
from reform_analysis.plan_standing import Standing, standing

EVIL = "<img src=x onerror=alert(1)> $x$ \\(y\\) **z** `w`"
PLAN = f"""title: T
alpha: 0.05
hypotheses:
  - id: H1
    statement: '{EVIL}'
    notebook: a
    outcome: losses
    pre: ["2020"]
    support: 区间在1以下
    refutation: 区间含1
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN, encoding="utf-8")
    return path


def told(state: PlanState | None, language: str = "en", *, sha256: str = "", **settings: str) -> list[str]:
    found = standing(
        state, notebook="a", settings=settings, defaults={"outcome": "losses", "post": "2021"}, kind="own"
    )
    assert found is not None
    return [line.text for line in sentences(state, found, language, data_sha256=sha256)]


def test_a_study_without_a_plan_has_one_line() -> None:
    assert told(None) == ["No analysis plan: every result is explored."]
    assert told(None, "zh") == ["没有分析计划：全部结果都是探索性的。"]


def test_a_plan_that_is_not_frozen_has_one_line(plan: Path) -> None:
    assert told(read_state(plan))[0].startswith("The analysis plan is not frozen")
    assert summary(read_state(plan), "zh")[0].text.startswith("分析计划没有冻结")


def test_a_planned_report_prints_hash_time_hypothesis_and_what_would_count(plan: Path) -> None:
    version = freeze(plan)
    lines = told(read_state(plan))
    assert lines[0] == "This report was planned, for hypothesis H1."
    assert "What would count as refutation, as written beforehand: 区间含1" in lines
    assert "The plan leaves open: post." in lines
    assert f"SHA-256 of version 1: {version.sha256}" in lines
    assert any(f"frozen {version.frozen:%Y-%m-%d %H:%M:%S} UTC" in line for line in lines)
    assert lines[-1] == "The plan's file is as frozen, and deviations.md declares nothing."
    assert told(read_state(plan), "zh")[0] == "本报告在计划之内，检验假设H1。"


def test_an_explored_report_names_the_keys_and_whether_they_are_explained(plan: Path) -> None:
    freeze(plan)
    lines = told(read_state(plan), outcome="corrections")
    assert lines[0] == "This report is explored: it departs from hypothesis H1 in outcome."
    assert lines[1] == "outcome: planned losses, here corrections; deviations.md does not explain it."
    plan.with_name("deviations.md").write_text(
        "## 2026-11-25 · H1 · outcome · not public\n", encoding="utf-8"
    )
    lines = told(read_state(plan), outcome="corrections")
    assert lines[1] == "outcome: planned losses, here corrections. Explained on 2026-11-25: not public"
    assert lines[-1] == "Deviation (declared on 2026-11-25): H1, outcome. Reason: not public"


def test_an_unexplained_deviation_is_grave_and_an_explained_one_has_its_reason(plan: Path) -> None:
    freeze(plan)
    plan.write_text(PLAN.replace("0.05", "0.1"), encoding="utf-8")
    text = "Unexplained deviation: plan, alpha: 0.05 in the frozen plan, 0.1 in the plan's file now."
    assert Line(text, grave=True) in summary(read_state(plan), "en")
    assert any(
        line.text.startswith("未作说明的偏离：plan，alpha") for line in summary(read_state(plan), "zh")
    )
    plan.with_name("deviations.md").write_text(
        "## 2026-11-25 · plan · alpha放宽 · 单位太少\n", encoding="utf-8"
    )
    found = summary(read_state(plan), "zh")
    assert not any(line.grave for line in found)
    assert found[-1].text.endswith("2026-11-25的说明：单位太少")
    assert sum("单位太少" in line.text for line in found) == 1


def test_an_amendment_prints_its_reason_and_what_it_changed(plan: Path) -> None:
    freeze(plan)
    plan.write_text(PLAN.replace("0.05", "0.01"), encoding="utf-8")
    freeze(plan, amend="stricter.")
    (line,) = [line.text for line in summary(read_state(plan), "en") if line.text.startswith("Version 2")]
    assert line.endswith("reason: stricter. Changed: plan, alpha: 0.05 to 0.01.")


def test_comments_alone_are_called_so(plan: Path) -> None:
    freeze(plan)
    plan.write_text(PLAN + "# more\n", encoding="utf-8")
    assert "only comments or layout differ" in told(read_state(plan))[-1]


def test_data_that_changed_since_the_freeze_are_called_so(plan: Path) -> None:
    plan.with_name("study.yaml").write_text("data: p.csv\n", encoding="utf-8")
    plan.with_name("p.csv").write_bytes(b"x")
    version = freeze(plan)
    changed = "The data file that this report reads does not hold what existed when the plan was frozen."
    assert changed in told(read_state(plan), sha256="0" * 64)
    assert changed not in told(read_state(plan), sha256=version.data[0].sha256 or "")


def test_a_late_plan_is_to_be_read_as_explored(plan: Path) -> None:
    run = plan.parent / "reports" / "20261101-000000"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}", encoding="utf-8")
    freeze(plan)
    lines = told(read_state(plan))
    assert lines[0].endswith("reports on these data had been rendered. Read it as explored.")
    assert "Reports on the data had been rendered before: 20261101-000000." in lines


def test_a_rehearsal_says_so_first(plan: Path) -> None:
    freeze(plan)
    state = read_state(plan)
    found = Standing("rehearsal", ("H1",), 1, (), ())
    first, second, *_ = sentences(state, found, "en")
    assert first.text.startswith("A rehearsal of the plan on SYNTHETIC data")
    assert second.text == "This report was planned, for hypothesis H1."


def test_the_users_words_are_shown_as_text(plan: Path, tmp_path: Path) -> None:
    freeze(plan)
    found = Standing("planned", ("H1",), 1, (), ())
    added = cell(sentences(read_state(plan), found, "en"), "en")
    notebook = new_notebook(cells=[new_markdown_cell("# T"), new_code_cell("1")])
    insert(notebook, added)
    nbformat.validate(notebook)
    page = pages.page(notebook, tmp_path / "a.ipynb", language="en")
    soup = BeautifulSoup(page.html, "html.parser")
    assert page.fault is None
    assert page.title == "T"
    assert soup.select(".plan img, .plan em, .plan code") == []
    assert f"Hypothesis H1: {EVIL}" in soup.select_one(".plan").get_text()


@pytest.mark.parametrize(
    ("sources", "place"), [(["x", "# T", "y"], 2), (["x", "## S"], 0), ([], 0), (["x", "a\n# T\nb"], 2)]
)
def test_the_cell_stands_under_the_title(sources: list[str], place: int) -> None:
    notebook = new_notebook(cells=[new_markdown_cell(source) for source in sources])
    added = cell((Line("a"),), "en")
    insert(notebook, added)
    insert(notebook, added)
    assert [number for number, old in enumerate(notebook.cells) if old.id == added.id] == [place]
    assert len(notebook.cells) == len(sources) + 1
