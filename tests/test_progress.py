"""What a person or a machine sees of a batch."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reform_analysis import progress
from reform_analysis.jobs import JobRecord
from reform_analysis.runs import RunResult

GOOD = JobRecord(
    "a", "zh", "ok", "题", "a.007.zh.html", "a.007.zh.ipynb", "0", 1.25, stem="a.007.zh",
    keys={"county": "007", "language": "zh"},
)  # fmt: skip
BAD = replace(GOOD, status="failed", keys={"county": "\x1b[2J<b>\r", "language": "zh"}, error="cell 3: E: x")


def run(*records: JobRecord, **values: Any) -> RunResult:
    result = RunResult(Path("reports/1"), None, datetime.now(UTC), "0.1.0", ("zh",), {}, records)
    return replace(result, planned=len(records), **values)


def test_lines_name_the_place_in_the_grid(capsys: pytest.CaptureFixture[str]) -> None:
    shown = progress.choose(log_json=False)
    shown.start(2)
    shown.record(GOOD)
    shown.record(replace(GOOD, cached=True))
    shown.end(run(GOOD))
    assert capsys.readouterr().out.splitlines() == [
        "a (007, zh): a.007.zh.html, 1.2 s",
        "a (007, zh): a.007.zh.html, cached",
        f"{Path('reports/1')} (1 of 1 reports complete)",
    ]


def test_a_name_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    progress.Lines().record(BAD)
    assert capsys.readouterr().err == "Error: a ([2J<b>, zh), cell 3: E: x; see a.007.zh.html\n"


def test_json_is_one_object_a_line_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    shown = progress.choose(log_json=True)
    shown.start(2)
    shown.record(BAD)
    shown.end(run(GOOD, BAD, interrupted=True))
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["report", "run"]
    assert events[0]["keys"] == BAD.keys
    assert (events[1]["done"], events[1]["failed"], events[1]["interrupted"]) == (2, 1, True)


def test_the_bar_counts_failures_and_lists_them_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True)
    shown = progress.choose(log_json=False)
    with shown:
        shown.start(2)
        shown.record(GOOD)
        shown.record(BAD)
        assert "Error" not in capsys.readouterr().err
    shown.end(run(GOOD, BAD))
    found = capsys.readouterr()
    assert "2/2" in found.err
    assert "failed=1" in found.err
    assert "Error: a ([2J<b>, zh)" in found.err
