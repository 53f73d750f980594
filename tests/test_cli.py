"""The command line: a thin layer, checked without starting a kernel."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reform_analysis import __version__, report
from reform_analysis.cli import main
from reform_analysis.report import Record, RunResult


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Calls of `report.render`, which answers with one good report and one failed."""
    seen: list[dict[str, Any]] = []

    def render(study: str | None, *, on_record: Any, **options: Any) -> RunResult:
        seen.append({"study": study, **options})
        good = Record("a", "zh", "ok", "题", "a.zh.html", "a.zh.ipynb", "0" * 64, 1.0)
        bad = Record(
            "a", "en", "failed", "T", "a.en.failed.html", "a.en.failed.ipynb", "0" * 64, 1.0, "cell 3: E: x"
        )
        records = (good,) if options["only"] == ["good"] else (good, bad)
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
