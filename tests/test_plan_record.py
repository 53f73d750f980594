"""The record of a frozen plan: what it holds, that it is never overwritten, and that edits are found."""

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest

from reform_analysis import __version__
from reform_analysis.analysis_plan import Change
from reform_analysis.estimates import ReportError
from reform_analysis.plan_record import earlier_runs, freeze, read_record, read_state, record_path

PLAN = """title: T
alpha: 0.05
hypotheses:
  - {id: H1, statement: s, notebook: a, outcome: losses, support: p, refutation: q}
"""
NOW = datetime(2026, 11, 24, 9, 30, 15, 999, tzinfo=timezone(timedelta(hours=8)))


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN, encoding="utf-8")
    return path


def add_run(
    folder: Path, name: str, *, kind: str | None, file: str = "panel.csv", digest: str = "0" * 64
) -> None:
    (folder / "reports" / name).mkdir(parents=True)
    (folder / "reports" / name / "run.json").write_text("{}", encoding="utf-8")
    if kind is not None:
        document = {"data": [{"path": file, "sha256": digest, "kind": kind}]}
        (folder / "reports" / name / "manifest.json").write_text(json.dumps(document), encoding="utf-8")


def test_a_freeze_records_hash_time_version_and_that_there_was_no_study(plan: Path) -> None:
    version = freeze(plan, now=NOW)
    assert version.sha256 == sha256(PLAN.encode()).hexdigest()
    assert version.frozen == datetime(2026, 11, 24, 1, 30, 15, tzinfo=UTC)
    assert (version.version, version.package_version, version.reason) == (1, __version__, None)
    assert version.statement.startswith(
        "No study file was found, so it is not known whether the data existed."
    )
    assert "proves nothing to a third party" in version.statement
    assert read_record(record_path(plan)) == (version,)
    assert json.loads(record_path(plan).read_bytes())["versions"][0]["frozen"] == "2026-11-24T01:30:15Z"


def test_data_are_hashed_where_they_exist_and_named_where_they_do_not(plan: Path) -> None:
    plan.with_name("study.yaml").write_text("data: panel.csv\nplan: plan.yaml\n", encoding="utf-8")
    version = freeze(plan)
    assert [(file.path, file.sha256) for file in version.data] == [("panel.csv", None)]
    assert "panel.csv did not exist" in version.statement
    plan.with_name("panel.csv").write_bytes(b"a\n1\n")
    plan.write_text(PLAN.replace("0.05", "0.01"), encoding="utf-8")
    amended = freeze(plan, amend="stricter")
    assert amended.data[0].sha256 == sha256(b"a\n1\n").hexdigest()
    assert f"panel.csv existed (SHA-256 {amended.data[0].sha256})" in amended.statement


def test_runs_on_these_data_are_found_by_path_or_hash(plan: Path) -> None:
    folder = plan.parent
    plan.with_name("study.yaml").write_text("data: panel.csv\n", encoding="utf-8")
    plan.with_name("panel.csv").write_bytes(b"x")
    add_run(folder, "1", kind="synthetic")
    add_run(folder, "2", kind="own", file="other.csv")
    assert freeze(plan).rendered == []
    add_run(folder, "3", kind="own", file="moved.csv", digest=sha256(b"x").hexdigest())
    add_run(folder, "4", kind="own", digest="1" * 64)
    add_run(folder, "5", kind=None)
    plan.write_text(PLAN + "# more\n", encoding="utf-8")
    amended = freeze(plan, amend="why")
    assert amended.rendered == ["3", "4", "5"]
    assert "had been rendered before, in reports: 3, 4, 5." in amended.statement
    assert earlier_runs(folder / "reports") == ["2", "3", "4", "5"]
    assert earlier_runs(folder / "none") == []


def test_a_frozen_plan_is_not_overwritten(plan: Path) -> None:
    freeze(plan)
    before = record_path(plan).read_bytes()
    with pytest.raises(ReportError, match="is frozen already, as version 1"):
        freeze(plan)
    plan.write_text(PLAN.replace("0.05", "0.1"), encoding="utf-8")
    with pytest.raises(ReportError, match=r"is not overwritten; .*deviations\.md.*--amend"):
        freeze(plan)
    with pytest.raises(ReportError, match="amend must give the reason in words"):
        freeze(plan, amend=" ")
    assert record_path(plan).read_bytes() == before


def test_an_amendment_keeps_the_history(plan: Path) -> None:
    first = freeze(plan)
    with pytest.raises(ReportError, match="nothing was changed since"):
        freeze(plan, amend="because")
    plan.write_text(PLAN.replace("0.05", "0.1"), encoding="utf-8")
    second = freeze(plan, amend=" few units ")
    assert read_record(record_path(plan)) == (first, second)
    assert (second.version, second.reason, second.plan.alpha, first.plan.alpha) == (2, "few units", 0.1, 0.05)


def test_there_is_nothing_to_amend_before_the_first_freeze(plan: Path) -> None:
    with pytest.raises(ReportError, match="amend is for a plan that is frozen already"):
        freeze(plan, amend="why")
    assert not record_path(plan).exists()


@pytest.mark.parametrize("edit", ["alpha: 0.05", '"version": 1'])
def test_an_edited_record_is_found(plan: Path, edit: str) -> None:
    freeze(plan)
    text = record_path(plan).read_text(encoding="utf-8")
    record_path(plan).write_text(text.replace(edit, edit[:-1] + "6"), encoding="utf-8")
    with pytest.raises(ReportError, match="does not have the hash it is recorded with"):
        read_state(plan)


def test_a_broken_record_is_named(plan: Path) -> None:
    record_path(plan).write_text("{", encoding="utf-8")
    with pytest.raises(ReportError, match=r"plan\.frozen\.json cannot be read"):
        freeze(plan)


def test_an_incomplete_plan_is_not_frozen(plan: Path) -> None:
    plan.write_text(PLAN.replace("support: p", "support: "), encoding="utf-8")
    with pytest.raises(ReportError, match=r"empty: H1\.support"):
        freeze(plan)


def test_a_study_that_is_named_must_be_there(plan: Path) -> None:
    with pytest.raises(ReportError, match="study must be a file, got none.yaml"):
        freeze(plan, study="none.yaml")


def test_windows_line_ends_change_nothing(plan: Path) -> None:
    frozen = freeze(plan)
    plan.write_bytes(PLAN.replace("\n", "\r\n").encode())
    state = read_state(plan)
    assert (state.sha256, state.changes) == (frozen.sha256, ())


def test_the_state_tells_explained_from_unexplained(plan: Path) -> None:
    freeze(plan)
    plan.write_text(PLAN.replace("0.05", "0.1").replace("losses", "corrections"), encoding="utf-8")
    entries = "## 2026-11-25 · H1 · outcome · losses are not public\n"
    plan.with_name("deviations.md").write_text(entries, encoding="utf-8")
    state = read_state(plan)
    assert state.changes == (
        Change("plan", "alpha", 0.05, 0.1),
        Change("H1", "outcome", "losses", "corrections"),
    )
    assert state.unexplained == state.changes[:1]
