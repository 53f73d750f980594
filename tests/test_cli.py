"""The command line: a thin layer, checked without starting a kernel."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reform_analysis import __version__, ingest, report, schema
from reform_analysis.cli import main
from reform_analysis.estimates import DataError
from reform_analysis.report import Record, RunResult


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Calls of `report.render`, which answers with one good report and one failed."""
    seen: list[dict[str, Any]] = []

    def render(study: str | None, *, on_record: Any, on_start: Any, **options: Any) -> RunResult:
        seen.append({"study": study, **options})
        good = Record("a", "zh", "ok", "题", "a.zh.html", "a.zh.ipynb", "0" * 64, 1.0)
        bad = Record(
            "a", "en", "failed", "T", "a.en.failed.html", "a.en.failed.ipynb", "0" * 64, 1.0, "cell 3: E: x"
        )
        records = (good,) if options["only"] == ["good"] else (good, bad)
        on_start(len(records))
        for record in records:
            on_record(record)
        return RunResult(Path("reports/1"), None, datetime.now(UTC), "0.1.0", ("zh", "en"), {}, records)

    monkeypatch.setattr(report, "render", render)
    return seen


def test_version_and_help_show_examples() -> None:
    assert run("--version").output.strip() == f"reform-analysis, version {__version__}"
    for arguments in (["--help"], ["render", "--help"]):
        assert "reform-analysis render --only 01 --language zh\n" in run(*arguments).output


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys; from reform_analysis.cli import main\n"
        "try: main(['render', '--help'])\n"
        "except SystemExit: print(sorted({'pandas', 'numpy', 'papermill', 'nbconvert'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_options_reach_the_library_as_text(calls: list[dict[str, Any]]) -> None:
    run(
        "render",
        "s.yaml",
        "--only",
        "01,02",
        "--language",
        "zh, en",
        "-p",
        "county=007",
        "-p",
        "q=a=b",
        "--out",
        "o",
    )
    assert calls == [
        {
            "study": "s.yaml",
            "only": ["01", "02"],
            "languages": ["zh", "en"],
            "parameters": {"county": "007", "q": "a=b"},
            "out": "o",
        }
    ]


def test_a_failed_report_is_named_on_stderr_with_exit_code_1(calls: list[dict[str, Any]]) -> None:
    done = run("render")
    assert calls[0]["languages"] is None
    assert done.exit_code == 1
    assert done.stderr == "Error: a (en), cell 3: E: x; see a.en.failed.html\n"
    assert "a (zh): a.zh.html" in done.stdout
    assert "1 of 2 reports complete" in done.stdout


def test_a_good_run_exits_with_0(calls: list[dict[str, Any]]) -> None:
    assert run("render", "--only", "good").exit_code == 0
    assert len(calls) == 1


@pytest.mark.parametrize("pair", ["county", "=3"])
def test_a_parameter_that_is_no_pair_is_a_usage_error(pair: str) -> None:
    done = run("render", "-p", pair)
    assert done.exit_code == 2
    assert "NAME=VALUE" in done.stderr


def test_a_parameter_set_twice_is_a_usage_error() -> None:
    done = run("render", "-p", "a=1", "-p", "a=2")
    assert done.exit_code == 2
    assert "sets 'a' twice" in done.stderr


def test_a_refused_plan_exits_with_1_and_writes_nothing(tmp_path: Path) -> None:
    done = run("render", str(tmp_path / "no.yaml"), "--out", str(tmp_path / "reports"))
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: study file ")
    assert not (tmp_path / "reports").exists()


PANEL_CSV = """unit_id,unit_name,county,city,period,pilot,adopted,losses,lawsuits_concluded
1,甲镇,乙县,丙市,2020,true,2021-05,1,5
1,甲镇,乙县,丙市,2021,true,2021-05,{losses},5
"""


def test_validate_prints_what_the_file_holds(tmp_path: Path) -> None:
    file = tmp_path / "panel.csv"
    file.write_text(PANEL_CSV.format(losses=0), encoding="utf-8")
    done = run("validate", str(file))
    assert done.exit_code == 0, done.stderr
    assert "1 units, 2 periods (2020 to 2021), 2 rows" in done.stdout
    assert "No faults." in done.stdout


def test_validate_speaks_chinese_where_asked(tmp_path: Path) -> None:
    file = tmp_path / "panel.csv"
    file.write_text(PANEL_CSV.format(losses=0), encoding="utf-8")
    done = run("validate", str(file), "--language", "zh")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.endswith("没有错误。读入时改动了2个单元格。\n")
    assert not {"units", "balanced", "arm"} & set(re.findall("[a-z]+", done.stdout.casefold()))
    file.write_text(PANEL_CSV.format(losses=7), encoding="utf-8")
    assert run("validate", str(file), "--language", "zh").stderr == (
        "错误：乡镇面板有1处错误；请改正文件：\n"
        "  工作表“panel.csv”，单元格H3，losses列：'7'：至多为lawsuits_concluded，即5\n"
    )


def test_validate_names_every_fault_with_its_cell_and_exits_with_1(tmp_path: Path) -> None:
    file = tmp_path / "panel.csv"
    text = PANEL_CSV.format(losses=7).replace("1,甲镇,乙县,丙市,2021", "1,甲镇,丁县,丙市,2021")
    file.write_text(text, encoding="utf-8")
    done = run("validate", str(file))
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: Township panel: 2 fault(s)")
    assert "cell C3, column county: '丁县'" in done.stderr
    assert "cell H3, column losses: '7': must be at most lawsuits_concluded = 5" in done.stderr


def test_validate_lists_what_was_read_as_a_covariate(tmp_path: Path) -> None:
    """A header that no alias knows switches the rules on it off: 9 losses of 5 concluded pass."""
    file = tmp_path / "panel.csv"
    text = PANEL_CSV.format(losses=9).replace("lawsuits_concluded", "审结件数")
    file.write_text(text, encoding="utf-8")
    done = run("validate", str(file))
    assert done.exit_code == 0, done.stderr
    assert "审结件数 (panel.csv!I1, header '审结件数'): numbers; closest known columns: " in done.stdout
    assert "lawsuits_concluded" in done.stdout
    named = run("validate", str(file), "--alias", "审结件数=lawsuits_concluded")
    assert named.exit_code == 1
    assert "must be at most lawsuits_concluded = 5" in named.stderr
    assert "covariates" not in named.stderr
    file.write_text(text.replace("丙市,2021", "丁市,2021"), encoding="utf-8")
    assert "header '审结件数'" in run("validate", str(file)).stderr


def test_validate_passes_its_options_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def read_panel(path: str, **options: Any) -> Any:
        seen.update(options, path=path)
        raise DataError("stop")

    monkeypatch.setattr(ingest, "read_panel", read_panel)
    done = run("validate", "x.xlsx", "--sheet", "2021", "--dash-means", "zero", "--alias", "败诉数=losses")
    assert (done.exit_code, done.stderr) == (1, "Error: stop\n")
    assert seen == {"path": "x.xlsx", "sheet": "2021", "dash_means": "zero", "aliases": {"败诉数": "losses"}}
    assert run("validate", "x.xlsx", "--dash-means", "one").exit_code == 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_dictionary_is_that_of_the_schema(language: str) -> None:
    assert run("dictionary", "--language", language).output == schema.dictionary(
        schema.PANEL, language=language
    )


def test_options_of_the_batch_reach_the_library(calls: list[dict[str, Any]]) -> None:
    given = [
        "--where",
        "county=007",
        "--jobs",
        "3",
        "--shard",
        "1/2",
        "--formats",
        "html",
        "--fresh",
        "--fail-fast",
    ]
    run("render", "s.yaml", *given)
    assert {name: calls[0][name] for name in ("where", "jobs", "shard", "formats", "fresh", "fail_fast")} == {
        "where": {"county": "007"},
        "jobs": 3,
        "shard": "1/2",
        "formats": ["html"],
        "fresh": True,
        "fail_fast": True,
    }


def test_a_dry_run_lists_and_runs_nothing(calls: list[dict[str, Any]]) -> None:
    done = run("render", "--only", "01", "--language", "en", "--dry-run")
    assert done.output.splitlines() == ["01_published_totals.en", "1 reports; nothing was run."]
    assert calls == []


def test_ctrl_c_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def render(*_: Any, **__: Any) -> RunResult:
        stopped = {"planned": 2, "interrupted": True, "stopped_by_user": True}
        return RunResult(Path("reports/1"), None, datetime.now(UTC), "0.1.0", ("zh",), {}, (), **stopped)

    monkeypatch.setattr(report, "render", render)
    assert run("render").exit_code == 130


def test_jobs_below_one_is_a_usage_error() -> None:
    assert run("render", "--jobs", "0").exit_code == 2


def test_empty_options_of_the_batch_are_refused_not_left_out() -> None:
    for option in ("--shard", "--formats"):
        for call in (["--dry-run"], []):
            done = run("render", "--only", "01", option, "", *call)
            assert done.exit_code == 1
            assert option.removeprefix("--") in done.stderr
