"""What a run writes of itself: all files, or what could not be written and why, and the rest all the same."""

import errno
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reform_analysis import manifest, outcome
from reform_analysis.runs import RunResult
from reform_analysis.study import Plan

WHOLE = ("run.json", "manifest.json")


@pytest.fixture
def run(tmp_path: Path) -> RunResult:
    folder = tmp_path / "reports" / "20210501-000000"
    folder.mkdir(parents=True)
    (folder.parent / "cache").mkdir()
    return RunResult(folder, "题", datetime(2021, 5, 1, tzinfo=UTC), "0.1.0", ("zh", "en"), {"seed": 1})


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan("题", tmp_path, ("zh", "en"), (), ("language",), (), 60.0, None, "", "")


def finish(run: RunResult, plan: Plan) -> RunResult:
    return outcome.finish(run, plan, [], out=run.folder.parent, seconds=2.5)


def test_a_run_writes_its_records_manifest_and_the_index(run: RunResult, plan: Plan) -> None:
    done = finish(run, plan)
    assert done.unwritten == ()
    assert all((run.folder / name).is_file() for name in WHOLE)
    stored = json.loads((run.folder / "run.json").read_bytes())
    assert (stored["title"], stored["parameters"]) == ("题", {"seed": 1})
    assert "folder" not in stored  # a run may be moved
    assert "题" in (run.folder.parent / "index.html").read_text(encoding="utf-8")


def test_no_estimates_leave_no_table(run: RunResult, plan: Plan) -> None:
    finish(run, plan)
    assert not [*run.folder.glob("estimates.*")]


def test_what_cannot_be_written_is_told_and_stops_nothing_else(run: RunResult, plan: Plan) -> None:
    (run.folder / "run.json").mkdir()  # a folder stands where the file should
    done = finish(run, plan)
    (fault,) = done.unwritten
    assert fault.startswith("run.json (")
    assert (run.folder / "manifest.json").is_file()
    assert (run.folder.parent / "index.html").is_file()


def test_a_full_disk_is_called_one(run: RunResult, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(outcome, "write", full)
    done = finish(run, plan)
    assert done.unwritten == tuple(f"{name} (disk full: No space left on device)" for name in WHOLE)
    assert done == replace(run, unwritten=done.unwritten)


def test_a_cache_that_is_gone_is_told(run: RunResult, plan: Plan) -> None:
    (run.folder.parent / "cache").rmdir()
    (fault,) = finish(run, plan).unwritten
    assert fault.startswith("cache (")


def test_what_is_no_trouble_of_the_disk_is_not_hidden(
    run: RunResult, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise ValueError("a fault of the program")

    monkeypatch.setattr(manifest, "describe", broken)
    with pytest.raises(ValueError, match="a fault of the program"):
        finish(run, plan)


def test_records_alone_are_saved_while_a_run_goes_on(run: RunResult) -> None:
    outcome.save(replace(run, planned=7))
    assert [path.name for path in run.folder.iterdir()] == ["run.json"]
    assert json.loads((run.folder / "run.json").read_bytes())["planned"] == 7
    outcome.save(replace(run, planned=8))
    assert json.loads((run.folder / "run.json").read_bytes())["planned"] == 8


def test_records_that_cannot_be_saved_raise(run: RunResult) -> None:
    (run.folder / "run.json").mkdir()
    with pytest.raises(OSError, match=r"run\.json"):
        outcome.save(run)
