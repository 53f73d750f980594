"""What a notebook records reaches the run, and nothing is written elsewhere."""

import csv
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from reform_analysis import headlines, report
from reform_analysis.estimates import Estimates


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
