"""What a notebook records reaches the run, and nothing is written elsewhere."""

import csv
import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import TypeAdapter

from reform_analysis import headlines, report
from reform_analysis.estimates import Estimates
from reform_analysis.jobs import JobRecord

JOB = TypeAdapter(JobRecord)


def done(*rows: dict[str, Any]) -> JobRecord:
    return JobRecord("n", "en", "ok", "T", "n.html", "", "0", 1.0, estimates=rows)


def estimates(value: float) -> Estimates:
    row = {"estimate": value, "std_error": 0.2, "ci_low": 0.4, "ci_high": float("nan"), "p_value": 0.03}
    frame = pd.DataFrame(row, index=pd.Index(["treated"], name="term"))
    return Estimates(frame, scale="rate_ratio", ci_level=0.95, method="m", n_obs=10, synthetic=True)


def test_outside_a_run_only_the_frame_is_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(headlines.TARGET, raising=False)
    monkeypatch.chdir(tmp_path)
    frame = report.record(estimates(0.6), name="main")
    assert list(frame.columns) == list(headlines.FIELDS)
    assert frame.loc[0, ["name", "term", "estimate", "scale", "synthetic"]].tolist() == [
        "main",
        "treated",
        0.6,
        "rate_ratio",
        True,
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_run_reads_the_last_of_each_name_and_undefined_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "rows.jsonl"
    assert headlines.read(target) == ()
    monkeypatch.setenv(headlines.TARGET, str(target))
    for name, value in (("main", 0.6), ("other", 0.7), ("main", 0.8)):
        headlines.record(estimates(value), name=name)
    rows = headlines.read(target)
    assert [(row["name"], row["estimate"], row["ci_high"]) for row in rows] == [
        ("main", 0.8, None),
        ("other", 0.7, None),
    ]


def test_data_with_nothing_to_test_record_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "rows.jsonl"
    monkeypatch.setenv(headlines.TARGET, str(target))
    headlines.record(estimates(0.6), name="main")
    frame = headlines.record(None, name="main")
    assert list(frame.columns) == list(headlines.FIELDS)
    assert frame.empty
    assert headlines.read(target) == ()


def test_no_text_of_a_table_is_a_formula_in_a_spreadsheet() -> None:
    texts = ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "县", "a=b"]
    frame = pd.DataFrame({"county": texts, "estimate": [-0.5] * 8})
    rows = list(csv.reader(StringIO(headlines.csv_bytes(frame).decode("utf-8-sig"), newline="")))
    assert rows[0] == ["county", "estimate"]
    assert [row[0] for row in rows[1:]] == [f"'{text}" for text in texts[:6]] + texts[6:]
    assert {row[1] for row in rows[1:]} == {"-0.5"}


def test_an_end_without_bound_is_kept_from_notebook_to_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "rows.jsonl"
    monkeypatch.setenv(headlines.TARGET, str(target))
    found = estimates(0.6)
    frame = found.to_frame().assign(ci_low=float("-inf"), ci_high=float("inf"))
    headlines.record(replace(found, frame=frame))
    (row,) = headlines.read(target)
    written = JOB.dump_json(done(row))
    assert json.loads(written)["estimates"][0]["ci_high"] == "inf"
    again = JOB.validate_json(written)
    assert again.estimates[0] == row
    assert (row["ci_low"], row["ci_high"]) == (float("-inf"), float("inf"))


@pytest.mark.parametrize("text", ["a\u2028b", "a\x85b", "a\x0bb\nc", "县"])
def test_names_and_terms_may_hold_any_character_and_are_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    target = tmp_path / "rows.jsonl"
    monkeypatch.setenv(headlines.TARGET, str(target))
    found = estimates(0.6)
    headlines.record(replace(found, frame=found.to_frame().rename(index={"treated": text})), name=text)
    years = found.to_frame().set_axis(pd.Index([2021], name="term"))
    headlines.record(replace(found, frame=years), name=2021)  # type: ignore[arg-type]
    rows = headlines.read(target)
    assert [(row["name"], row["term"]) for row in rows] == [(text, text), ("2021", "2021")]
