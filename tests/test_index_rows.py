"""The index of a grid: order, filters, forest plot, escaping."""

import json
import subprocess
import sys
from dataclasses import replace
from math import log
from typing import Any

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from reform_analysis.index_rows import MARGIN, WIDTH, grid
from reform_analysis.jobs import JobRecord
from reform_analysis.runs import RUN, write_index

EVIL = "<img src=x onerror=alert(1)>"
REST = {"std_error": 0.1, "p_value": 0.04, "method": "exact", "n_obs": 9, "synthetic": False}


def record(
    county: str, ratio: float | None, *, status: Any = "ok", scale: str = "rate_ratio", language: str = "zh"
) -> JobRecord:
    row = {"name": "main", "term": "t", "estimate": ratio, "scale": scale, "ci_level": 0.95}
    ends = {} if ratio is None else {"ci_low": ratio / 2, "ci_high": ratio * 2}
    return JobRecord(
        "a", language, status, f"题 {county}", f"a.{county}.html", "", "0", 1.0,
        stem=f"a.{county}.{language}", keys={"county": county, "language": language},
        error=f"no {EVIL}" if status == "failed" else None,
        estimates=() if ratio is None else ({**row, **ends},),
    )  # fmt: skip


def test_failures_come_first_and_the_rest_keeps_its_order() -> None:
    found = [("r", record("甲", 0.5)), ("r", record("乙", None, status="failed")), ("r", record("丙", 2.0))]
    rows = grid(found, keys=["county", "language"])["rows"]
    assert [row.record.keys["county"] for row in rows] == ["乙", "甲", "丙"]
    assert [row.estimate for row in rows] == [None, 0.5, 2.0]


def test_the_forest_plot_is_drawn_on_the_log_scale_of_ratios() -> None:
    rows = grid([("r", record("甲", 0.5)), ("r", record("乙", 2.0))], keys=["county"])["rows"]
    low, high = log(0.25), log(4.0)
    inner = WIDTH - 2 * MARGIN

    def at(value: float) -> float:
        return MARGIN + inner * (log(value) - low) / (high - low)

    for row, ratio in zip(rows, (0.5, 2.0), strict=True):
        places = [at(ratio), at(ratio / 2), at(ratio * 2), at(1)]
        assert row.mark is not None
        assert [row.mark[name] for name in ("at", "low", "high", "null")] == pytest.approx(places, abs=0.05)


def test_an_end_without_bound_runs_off_the_plot() -> None:
    open_ended = record("甲", 0.5)
    row = {**open_ended.estimates[0], "ci_low": 0.0, "ci_high": float("inf")}
    for scale in ("rate_ratio", "difference"):
        ends = replace(open_ended, estimates=({**row, "scale": scale},))
        mark = grid([("r", ends), ("r", record("乙", 2.0, scale=scale))], keys=["county"])["rows"][0].mark
        assert mark is not None
        assert mark["text"] == "0.50 (0.00, ∞)"
        assert WIDTH < mark["high"] <= 2 * WIDTH


def test_each_scale_has_a_forest_of_its_own() -> None:
    """A report's mark does not move when reports of another scale join the grid."""
    ratios = [("r", record("甲", 0.5)), ("r", record("乙", 2.0))]
    others = [("r", record("丙", 0.1, scale="correlation")), ("r", record("丁", -0.3, scale="correlation"))]
    both = grid([*ratios, *others], keys=["county"])
    apart = [row.mark for found in (ratios, others) for row in grid(found, keys=["county"])["rows"]]
    assert None not in apart
    assert [row.mark for row in both["rows"]] == apart
    assert [row.kind for row in both["rows"]] == [0, 0, 1, 1]
    assert both["scales"] == ["率比 / Rate ratio (95%)", "相关系数 / Correlation (95%)"]
    assert "one column a scale" in both["caption"]
    assert grid(ratios, keys=["county"])["scales"] == ["区间 / Interval"]


def test_levels_that_differ_are_not_drawn_together() -> None:
    wide = record("乙", 0.5)
    wide.estimates[0]["ci_level"] = 0.9
    shown = grid([("r", record("甲", 0.5)), ("r", wide), ("r", record("丙", None))], keys=["county"])
    assert [row.kind for row in shown["rows"]] == [0, 1, None]
    assert [text[-5:] for text in shown["scales"]] == ["(95%)", "(90%)"]


def test_a_mark_stands_under_its_scale(tmp_path: Any) -> None:
    write_run(tmp_path, "20261124-1", [record("甲", 0.5), record("乙", 0.1, scale="correlation")])
    soup = index(tmp_path)
    heads = [head.get_text() for head in soup.select("thead th")]
    assert heads[-2:] == ["率比 / Rate ratio (95%)", "相关系数 / Correlation (95%)"]
    drawn = [[bool(cell.svg) for cell in row.find_all("td")[-2:]] for row in soup.select("tbody tr")]
    assert drawn == [[False, True], [True, False]]  # 乙 comes before 甲
    assert [cell["data-group"] for cell in soup.select("tbody td.number")] == ["1", "0"]


def write_run(folder: Any, name: str, records: list[JobRecord], **values: Any) -> None:
    (folder / name).mkdir()
    run = {"title": EVIL, "started": "2026-11-24T03:00:00Z", "version": "0.1.0", "languages": ["zh"]}
    run |= {"parameters": {}, "keys": ["county", "language"], "folder": name, **values}
    checked = RUN.validate_python({**run, "records": records})
    (folder / name / "run.json").write_bytes(RUN.dump_json(checked, exclude={"folder"}))


def index(folder: Any) -> BeautifulSoup:
    return BeautifulSoup(write_index(folder).read_text(encoding="utf-8"), "html.parser")


def test_the_index_has_filters_links_and_no_name_that_acts(tmp_path: Any) -> None:
    write_run(tmp_path, "20261124-1", [record(EVIL, 0.5), record("乙", None, status="failed")])
    soup = index(tmp_path)
    assert soup.find("img") is None
    assert [cell.get_text() for cell in soup.select("tbody tr td[data-key=county]")] == ["乙", EVIL]
    choices = [option.get_text() for option in soup.select('select[data-column="3"] option')]
    assert choices == ["全部 / all", EVIL, "乙"]
    links = [link["href"] for link in soup.select("tbody a")]
    assert links == [
        "20261124-1/a.%E4%B9%99.html",
        "20261124-1/a.%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E.html",
    ]
    assert len(soup.select("svg.forest")) == 1
    policy = soup.find("meta", attrs={"http-equiv": True})["content"]  # type: ignore[index]
    assert str(policy).count("'sha256-") == 2


def test_shards_stand_together_and_a_repeated_shard_counts_once(tmp_path: Any) -> None:
    same = {"batch": "b", "planned": 1}
    write_run(tmp_path, "20261124-1-shard1of2", [record("甲", 0.5)], shard="1/2", **same)
    write_run(tmp_path, "20261124-1-shard2of2", [record("乙", 0.7)], shard="2/2", **same)
    write_run(tmp_path, "20261124-2-shard1of2", [record("甲", 0.6)], shard="1/2", **same)
    soup = index(tmp_path)
    assert len(soup.select("article")) == 1
    rows = {row.select_one("td[data-key=county]").get_text(): row for row in soup.select("tbody tr")}  # type: ignore[union-attr]
    assert set(rows) == {"甲", "乙"}
    assert rows["甲"].a["href"].startswith("20261124-2-shard1of2/")  # type: ignore[index, union-attr]
    assert "0.60" in rows["甲"].get_text()


def test_links_heads_and_filters_tell_rows_apart_in_both_languages(tmp_path: Any) -> None:
    same = [replace(record(county, 0.5), title="试点的效果", ipynb="x.ipynb") for county in ("甲", EVIL)]
    write_run(tmp_path, "20261124-1", [*same, record("乙", None, status="failed")])
    soup = index(tmp_path)
    names = [str(link["aria-label"]) for link in soup.select("tbody a")]
    assert names[3:] == ["试点的效果, 甲, zh", "ipynb, 甲, zh"]
    assert len(set(names)) == len(names) == 5
    assert all(str(link["aria-label"]).startswith(link.get_text()) for link in soup.select("tbody a"))
    heads = [head.get_text() for head in soup.select("thead th")]
    assert heads[3:5] == ["县（市、区） / County", "语言 / Language"]
    labels = [label.contents[0] for label in soup.select(".filters label")]
    assert labels[2:4] == heads[3:5]
    status = {option["value"]: option.get_text() for option in soup.select('[data-column="0"] option')}
    assert status == {"": "全部 / all", "=failed": "未完成 / failed", "=ok": "完成 / complete"}


def test_the_estimates_of_all_shards_are_one_table_beside_the_index(tmp_path: Any) -> None:
    rows = [{**record(name, ratio).estimates[0], **REST} for name, ratio in (("甲", 0.5), ("乙", 0.7))]
    both = [replace(record(name, 0.5), estimates=(row,)) for name, row in zip("甲乙", rows, strict=True)]
    same = {"batch": "b", "planned": 1}
    write_run(tmp_path, "20261124-1-shard1of3", [both[0]], shard="1/3", **same)
    write_run(tmp_path, "20261124-2-shard2of3", [both[1]], shard="2/3", **same)
    write_run(tmp_path, "20261124-3-shard3of3", [record("丙", None)], shard="3/3", **same)
    write_run(tmp_path, "20261124-4", both)
    soup = index(tmp_path)
    table = pd.read_parquet(tmp_path / "estimates-b.parquet")
    stored = json.loads((tmp_path / "20261124-4" / "run.json").read_bytes())
    whole = RUN.validate_python({**stored, "folder": "x"})
    expected = whole.estimates().sort_values("county").reset_index(drop=True)
    same_columns = [name for name in table if name != "html"]
    pd.testing.assert_frame_equal(
        table.sort_values("county").reset_index(drop=True)[same_columns], expected[same_columns]
    )
    assert set(table["html"]) == {"20261124-1-shard1of3/a.甲.html", "20261124-2-shard2of3/a.乙.html"}
    assert len(pd.read_csv(tmp_path / "estimates-b.csv")) == 2
    links = [link["href"] for link in soup.select("header a")]
    assert links == ["estimates-b.parquet", "estimates-b.csv"]
    first = replace(whole, batch="b", shard="1/3")
    assert first.tables == (
        "estimates.parquet", "estimates.csv", "../estimates-b.parquet", "../estimates-b.csv"
    )  # fmt: skip


SLOW = """
import sys, time
from reform_analysis import pages, runs
first = pages.index
def slow(found):
    print(len(found), flush=True)
    time.sleep(3)
    return first(found)
pages.index = slow
runs.write_index(sys.argv[1])
"""


def test_the_last_of_two_shards_that_end_at_once_leaves_both_in_index_and_table(tmp_path: Any) -> None:
    """The first read the runs before the second was there, and wrote after it."""
    same = {"batch": "b", "planned": 1}
    write_run(tmp_path, "20261124-1-shard1of2", [record("甲", 0.5)], shard="1/2", **same)
    command = [sys.executable, "-c", SLOW, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "1\n"
        write_run(tmp_path, "20261124-1-shard2of2", [record("乙", 0.7)], shard="2/2", **same)
        write_index(tmp_path)
    assert other.returncode == 0
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert all(name in page for name in ("题 甲", "题 乙"))
    assert set(pd.read_parquet(tmp_path / "estimates-b.parquet")["county"]) == {"甲", "乙"}
