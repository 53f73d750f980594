"""A study with an analysis plan from end to end: frozen, rendered, changed, explained; and its commands."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from reform_analysis import report, resources
from reform_analysis.analysis_plan import text_hash
from reform_analysis.cli import main
from reform_analysis.index_rows import grid
from reform_analysis.jobs import Job, JobRecord
from reform_analysis.report import RunResult
from reform_analysis.study import make_plan

PLAN = """title: Losses
alpha: 0.05
hypotheses:
  - id: H1
    statement: Losses fall.
    notebook: probe
    outcome: losses
    pre: ["2020"]
    post: ["2021"]
    support: The interval lies below zero.
    refutation: The interval holds zero.
"""
STUDY = """data: panel.csv
notebooks: [probe.ipynb]
languages: [zh, en]
plan: plan.yaml
"""
PARAMETERS = """language: str = "zh"  # l
data: str = ""  # d
outcome: str = "losses"  # o
pre: str = "2020"  # p
post: str = "2021"  # p
ci_level: float = 0.95  # c
reading: str = ""  # r
"""
BODY = """import csv
rows = list(csv.DictReader(open(data, encoding="utf-8")))
print(sum(float(row[outcome] or 0) for row in rows if row["period"] == post))"""
WHY = "fewer units than expected"
EXPLAINED = f"## 2026-11-25 · plan · alpha from 0.05 to 0.1 · {WHY}\n"


EXAMPLE = resources.folder("data") / "example" / "panel_synthetic.csv"


def make_folder(folder: Path) -> Path:
    """A study of one small notebook on the numbers of the example, without its mark."""
    cells = [
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        new_markdown_cell("# Probe"),
        new_code_cell(BODY),
    ]
    nbformat.write(new_notebook(cells=cells), folder / "probe.ipynb")
    pd.read_csv(EXAMPLE, dtype=str).drop(columns="synthetic").to_csv(folder / "panel.csv", index=False)
    (folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path)


def command(name: str, *arguments: str) -> Any:
    """A command on plans, in English unless asked otherwise: the first language of the study is Chinese."""
    return CliRunner().invoke(main, ["plan", name, "--language", "en", *arguments])


def amend(folder: Path, old: str, new: str) -> None:
    path = folder / "plan.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunResult]:
    """The study as frozen, the same rendered anew, with another alpha, explained, and amended too late."""
    folder = make_folder(tmp_path_factory.mktemp("plan"))
    plan = str(folder / "plan.yaml")

    def render(*, fresh: bool = False) -> RunResult:
        return report.render(folder / "study.yaml", out=folder / "reports", fresh=fresh)

    runs = {}
    assert command("freeze", plan).exit_code == 0
    runs["frozen"], runs["again"] = render(), render(fresh=True)
    amend(folder, "alpha: 0.05", "alpha: 0.1")
    runs["unexplained"] = render()
    (folder / "deviations.md").write_text(EXPLAINED, encoding="utf-8")
    runs["explained"] = render()
    (folder / "deviations.md").unlink()
    amend(folder, "alpha: 0.1", "alpha: 0.05")
    amend(folder, "outcome: losses", "outcome: corrections")
    assert command("freeze", plan, "--amend", "corrections are public").exit_code == 0
    study = STUDY + "outcomes: [corrections]\n"
    (folder / "study.yaml").write_text(study, encoding="utf-8")
    runs["late"] = render()
    return runs


def box(run: RunResult, language: str = "en") -> list[str]:
    """What the page says of the plan."""
    page = BeautifulSoup((run.folder / f"probe.{language}.html").read_text(encoding="utf-8"), "html.parser")
    (found,) = page.select("div.plan")
    return [item.get_text() for item in found.select("p, li")]


def document(run: RunResult) -> dict[str, Any]:
    return dict(json.loads((run.folder / "manifest.json").read_text(encoding="utf-8")))


def test_every_report_was_made(story: dict[str, RunResult]) -> None:
    assert [run.failed for run in story.values()] == [()] * 5


def test_a_planned_report_prints_hash_and_hypothesis_in_both_languages(story: dict[str, RunResult]) -> None:
    lines = box(story["frozen"])
    assert lines[1] == "This report was planned, for hypothesis H1."
    assert f"SHA-256 of version 1: {text_hash(PLAN)}" in lines
    assert "No earlier report on the data was found in the folder reports; others are not known." in lines
    assert lines[-1] == "The plan's file is as frozen, and deviations.md declares nothing."
    assert box(story["frozen"], "zh")[1] == "本报告在计划之内，检验假设H1。"


def test_the_notebook_holds_the_same_cell_under_its_title(story: dict[str, RunResult]) -> None:
    notebook = nbformat.read(story["frozen"].folder / "probe.en.ipynb", as_version=4)
    sources = [cell.source for cell in notebook.cells]
    place = sources.index("# Probe")
    assert "planned, for hypothesis H1" in sources[place + 1]


def test_a_second_rendering_gives_equal_bytes(story: dict[str, RunResult]) -> None:
    first, second = story["frozen"], story["again"]
    assert [record.cached for record in second.records] == [False, False]
    for name in (f"probe.{language}.{kind}" for language in ("zh", "en") for kind in ("html", "ipynb")):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()


def test_another_alpha_is_an_unexplained_deviation(story: dict[str, RunResult]) -> None:
    run = story["unexplained"]
    text = "Unexplained deviation: plan, alpha: 0.05 in the frozen plan, 0.1 in the plan's file now."
    assert box(run)[-1] == text
    assert run.unexplained == ("plan · alpha · 0.05 -> 0.1",)
    page = BeautifulSoup((run.folder / "probe.en.html").read_text(encoding="utf-8"), "html.parser")
    assert [item.get_text() for item in page.select("strong.unexplained")] == [text]


def test_an_explained_deviation_is_printed_with_its_reason(story: dict[str, RunResult]) -> None:
    run = story["explained"]
    assert box(run)[-1].endswith(f"Explained on 2026-11-25: {WHY}")
    assert not [line for line in box(run) if "nexplained" in line]
    assert box(run, "zh")[-1].endswith(f"2026-11-25的说明：{WHY}")
    assert run.unexplained == ()


def test_a_hypothesis_that_came_after_reports_is_late(story: dict[str, RunResult]) -> None:
    assert box(story["late"])[1].startswith("This report was planned too late, for hypothesis H1: when vers")
    assert [record.standing for record in story["late"].records] == ["late", "late"]
    versions = document(story["late"])["analysis_plan"]["versions"]
    assert versions[1]["rendered"] == [story[name].folder.name for name in list(story)[:4]]


def test_the_cache_key_changes_with_plan_and_deviations(story: dict[str, RunResult]) -> None:
    keys = {name: run.records[0].key for name, run in story.items()}
    assert keys.pop("again") == keys["frozen"]
    assert len(set(keys.values())) == 4


def test_the_manifest_tells_plan_and_standing(story: dict[str, RunResult]) -> None:
    found = document(story["unexplained"])
    plan = found["analysis_plan"]
    assert (plan["path"], plan["versions"][0]["sha256"]) == ("plan.yaml", text_hash(PLAN))
    assert plan["sha256"] == text_hash(PLAN.replace("0.05", "0.1"))
    assert (plan["deviations"], plan["unexplained"]) == ([], ["plan · alpha · 0.05 -> 0.1"])
    assert plan["unreported"] == []
    assert [(item["standing"], item["hypotheses"]) for item in found["reports"]] == [("planned", ["H1"])] * 2
    explained = document(story["explained"])["analysis_plan"]
    assert explained["deviations"] == [EXPLAINED.removeprefix("## ").strip()]
    assert explained["unexplained"] == []


def test_the_index_shows_standing_and_unexplained_deviations(story: dict[str, RunResult]) -> None:
    text = (story["late"].folder.parent / "index.html").read_text(encoding="utf-8")
    articles = BeautifulSoup(text, "html.parser").select("article")
    shown = [item.get_text() for article in articles for item in article.select("span.standing")]
    assert shown == ["事后计划 / planned late (H1)"] * 2 + ["计划内 / planned (H1)"] * 8
    faults = [item.get_text() for article in articles for item in article.select("header p.error")]
    assert faults == ["未作说明的偏离 / unexplained deviations: plan · alpha · 0.05 -> 0.1"]


def test_a_grid_has_a_column_and_a_filter_for_the_plan() -> None:
    def record(county: str, standing: Any, *hypotheses: str) -> tuple[str, JobRecord]:
        keys = {"county": county, "language": "zh"}
        return "r", JobRecord(
            "a", "zh", "ok", county, "a.html", "", "0", 1.0,
            keys=keys, standing=standing, hypotheses=hypotheses,
        )  # fmt: skip

    shown = grid([record("甲", "explored"), record("乙", "planned", "H1")], keys=["county", "language"])
    choice = shown["choices"][-1]
    assert shown["planned"]
    assert (choice["column"], choice["options"]) == (5, ["planned", "explored"])
    assert choice["labels"]["planned"] == "计划内 / planned"
    assert not grid([record("甲", "")], keys=["county"])["planned"]


@pytest.fixture
def jobs(folder: Path) -> Callable[..., list[Job]]:
    """Jobs of the study, with nothing rendered."""

    def made(**parameters: Any) -> list[Job]:
        plan = make_plan(folder / "study.yaml", languages=["en"], parameters=parameters)
        return report.plan_jobs(plan, plan.reports, folder=folder, out=folder / "out")

    return made


def test_an_alpha_of_the_reports_own_makes_it_explored(folder: Path, jobs: Callable[..., list[Job]]) -> None:
    command("freeze", str(folder / "plan.yaml"))
    (job,) = jobs(ci_level=0.9)
    assert (job.standing, job.hypotheses, job.departures) == ("explored", (), ("alpha",))
    assert job.plan_cell is not None
    assert "alpha: planned 0.05, here 0.1; deviations.md does not explain it." in job.plan_cell.source


def test_synthetic_data_are_a_rehearsal(folder: Path, jobs: Callable[..., list[Job]]) -> None:
    command("freeze", str(folder / "plan.yaml"))
    (folder / "panel.csv").rename(folder / "panel_synthetic.csv")
    (job,) = jobs(data="panel_synthetic.csv")
    assert (job.standing, job.hypotheses) == ("rehearsal", ("H1",))


def test_code_or_reading_changed_after_freezing_is_a_deviation(
    folder: Path, jobs: Callable[..., list[Job]]
) -> None:
    command("freeze", str(folder / "plan.yaml"))
    (job,) = jobs(reading="date_basis=decided")
    assert (job.standing, job.departures) == ("explored", ("reading",))
    notebook = folder / "probe.ipynb"
    text = notebook.read_text(encoding="utf-8")
    notebook.write_text(text.replace("# Probe", "# In other words"), encoding="utf-8")
    (job,) = jobs()
    assert job.standing == "planned"
    notebook.write_text(text.replace("sum(float", "max(float"), encoding="utf-8")
    (job,) = jobs()
    assert (job.standing, job.departures) == ("explored", ("cells",))
    assert "cells: planned" in job.plan_cell.source
    assert "does not explain it" in job.plan_cell.source
    why = "## 2026-11-25 · H1 · cells: the largest instead of the sum · a slip\n"
    (folder / "deviations.md").write_text(why, encoding="utf-8")
    (job,) = jobs()
    assert "a slip" in job.plan_cell.source
    assert "does not explain it" not in job.plan_cell.source


def test_a_column_that_marks_the_data_makes_it_a_rehearsal(
    folder: Path, jobs: Callable[..., list[Job]]
) -> None:
    command("freeze", str(folder / "plan.yaml"))
    shutil.copy(EXAMPLE, folder / "panel.csv")
    (job,) = jobs()
    assert job.standing == "rehearsal"


def test_the_study_file_may_say_that_its_data_are_made_up(
    folder: Path, jobs: Callable[..., list[Job]]
) -> None:
    command("freeze", str(folder / "plan.yaml"))
    (job,) = jobs()
    assert job.standing == "planned"
    (job,) = jobs(reading="synthetic=yes")
    assert (job.standing, job.hypotheses) == ("rehearsal", ("H1",))
    assert job.stamp[0].startswith("SYNTHETIC data")


def test_without_a_plan_own_data_are_explored_and_the_demonstration_says_nothing(
    folder: Path, jobs: Callable[..., list[Job]]
) -> None:
    (folder / "study.yaml").write_text(STUDY.replace("plan: plan.yaml\n", ""), encoding="utf-8")
    (job,) = jobs()
    assert job.plan_cell is not None
    assert "No analysis plan: every result is explored." in job.plan_cell.source
    (folder / "study.yaml").write_text("notebooks: [probe.ipynb]\n", encoding="utf-8")
    (job,) = jobs()
    assert (job.standing, job.plan_cell) == ("", None)


def test_freeze_prints_time_hash_and_what_data_existed(folder: Path) -> None:
    done = command("freeze", str(folder / "plan.yaml"))
    assert done.exit_code == 0
    assert f"SHA-256 {text_hash(PLAN)}\nNamed by study.yaml: panel.csv existed" in done.stdout
    assert "proves nothing to a third party" in done.stdout
    assert done.stderr == ""
    again = command("freeze", str(folder / "plan.yaml"))
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr.startswith("Error: the plan is frozen already, as version 1")


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("", "has no line `plan:`; no report is held against this plan until it says `plan: plan.yaml`."),
        ("plan: other.yaml\n", "names another plan, other.yaml; no report is held against this plan until"),
    ],
)
def test_freeze_warns_where_the_study_does_not_name_the_plan(folder: Path, line: str, warning: str) -> None:
    (folder / "study.yaml").write_text(STUDY.replace("plan: plan.yaml\n", line), encoding="utf-8")
    done = command("freeze", str(folder / "plan.yaml"))
    assert done.exit_code == 0
    assert done.stderr.startswith(f"Warning: {folder / 'study.yaml'} {warning}")


def test_freeze_warns_of_nothing_without_a_study(folder: Path) -> None:
    (folder / "study.yaml").unlink()
    assert command("freeze", str(folder / "plan.yaml")).stderr == ""


def test_check_leaves_with_1_until_every_deviation_is_explained(folder: Path) -> None:
    plan = str(folder / "plan.yaml")
    command("freeze", plan)
    assert command("check", plan).exit_code == 0
    amend(folder, "0.05", "0.1")
    done = command("check", plan)
    assert (done.exit_code, "Unexplained deviation: plan, alpha" in done.stdout) == (1, True)
    (folder / "deviations.md").write_text(EXPLAINED, encoding="utf-8")
    done = command("check", plan, "--language", "zh")
    assert (done.exit_code, f"2026-11-25的说明：{WHY}" in done.stdout) == (0, True)


def test_check_of_a_plan_that_was_never_frozen_has_a_code_of_its_own(folder: Path) -> None:
    done = command("check", str(folder / "plan.yaml"))
    assert (done.exit_code, "is not frozen" in done.stdout) == (3, True)
    assert "3 if the plan was never frozen" in " ".join(command("check", "--help").stdout.split())


def test_check_names_what_is_wrong_with_a_file(folder: Path) -> None:
    amend(folder, "alpha", "alhpa")
    done = command("check", str(folder / "plan.yaml"))
    assert done.exit_code == 1
    assert "line 2: 'alhpa' is no key of an analysis plan; did you mean 'alpha'?" in done.stderr
