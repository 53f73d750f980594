"""A new study: written whole or not at all, runs at once, and then on the workbook that was filled in."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from reform_analysis import report
from reform_analysis.cli import main
from reform_analysis.estimates import DataError
from reform_analysis.scaffold import REFORMS, study_files, write_study
from reform_analysis.study import make_plan
from reform_analysis.workbook_template import COLUMNS

LANGUAGES = ["zh", "en"]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, list(arguments))


def pages(folder: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("reports/*/02_panel.*.html"))]


def uncomment(study: Path, *lines: str) -> None:
    """Take the mark of a comment away, as the README of the folder tells to."""
    text = study.read_text(encoding="utf-8")
    for line in lines:
        assert f"# {line}\n" in text
        text = text.replace(f"# {line}\n", f"{line}\n")
    study.write_text(text, encoding="utf-8")


EMPTY = {"en": "no rows below", "zh": "下面没有数据行"}
SOUND = {"en": "No faults.", "zh": "没有错误。"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_study_runs_at_once_and_then_on_own_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, fill_workbook: Callable[..., bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    made = run("init", "我的 study", "--reform", "blank", "--language", language)
    assert made.exit_code == 0, made.output
    folder = tmp_path / "我的 study"
    monkeypatch.chdir(folder)
    rendered = run("render", "--only", "02")
    assert rendered.exit_code == 0, rendered.output
    (page,) = pages(folder)
    assert "SYNTHETIC" in page
    empty = run("validate", "data/panel.xlsx")
    assert (empty.exit_code, EMPTY[language] in empty.output) == (1, True)
    workbook = folder / "data" / "panel.xlsx"
    workbook.write_bytes(fill_workbook(workbook.read_bytes(), COLUMNS, language))
    checked = run("validate", "data/panel.xlsx")
    assert checked.exit_code == 0, checked.output
    assert SOUND[language] in checked.output
    uncomment(
        folder / "study.yaml", "data: data/panel.xlsx", "periods:", '  pre: ["2020"]', '  post: ["2021"]'
    )
    rendered = run("render", "--only", "02", "--out", "own/reports")
    assert rendered.exit_code == 0, rendered.output
    (page,) = pages(folder / "own")
    assert "SYNTHETIC" not in page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reform", sorted(REFORMS))
def test_the_study_file_is_complete(tmp_path: Path, reform: str, language: str) -> None:
    folder = write_study(tmp_path / "s", reform=reform, language=language)
    plan = make_plan(folder / "study.yaml")
    numbers = [source.name[:2] for source in plan.sources]
    assert sorted(numbers) == sorted(REFORMS[reform])
    assert plan.languages == (language,)
    assert all(source.path.is_relative_to(folder) for source in plan.sources)
    tree = yaml.safe_load((folder / "plan.yaml").read_text(encoding="utf-8"))
    assert [hypothesis["id"] for hypothesis in tree["hypotheses"]] == ["H1", "H2"]
    assert (tree["title"], tree["alpha"]) == (plan.title, 0.05)
    study = (folder / "study.yaml").read_text(encoding="utf-8")
    assert "\n# plan: plan.yaml\n" in study
    texts = [
        path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.suffix in (".md", ".yaml")
    ]
    assert len(texts) == 4
    assert not any("$" in text for text in texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_commented_line_of_the_study_file_is_a_key_that_works(tmp_path: Path, language: str) -> None:
    study = write_study(tmp_path / "s", language=language) / "study.yaml"
    defaults = (
        "outcomes: [losses]",
        "exposures: [lawsuits_concluded]",
        "measures: [devolution_share, reviews_per_1000]",
    )
    said = ("parameters:", "  reading: dash_means=missing, date_basis=decided, loss_definition=strict")
    periods = ("periods:", '  pre: ["2020"]', '  post: ["2021"]')
    uncomment(study, *defaults, *said, *periods, "data: data/panel.xlsx")
    left = [line for line in study.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
    assert [line for line in left if re.match(r"# +[a-z]+:( |$)", line)] == ["# plan: plan.yaml"]
    assert make_plan(study).parameters["pre"] == "2020"


def test_equal_studies_are_equal_bytes_and_languages_differ() -> None:
    assert study_files(language="zh") == study_files(language="zh")
    assert not {name for name in study_files() if "\\" in name or name.startswith("/")}
    assert "notebooks/01_published_totals.ipynb" in study_files()
    assert (
        "浙江"
        not in b"".join(
            content
            for name, content in study_files(reform="blank", language="zh").items()
            if name.endswith("yaml")
        ).decode()
    )


def test_nothing_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, rule in {
        "old": "which holds files",
        "file": "got the file",
        "none/s": "lie in one that exists",
        ".": "must not be the current one",
    }.items():
        with pytest.raises(DataError, match=rule):
            write_study(name)
        refused = run("init", name)
        assert (refused.exit_code, "Traceback" in refused.output) == (1, False)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "notes.txt", "old"]


@pytest.mark.skipif(os.name == "nt", reason="Windows reads some of these names otherwise")
@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("con", "has a part that is reserved on Windows"),
        ("x:y", "has a character that some file systems forbid"),
        ("dir\\e", "has a character that some file systems forbid"),
        ("blank ", "which Windows drops"),
        ("dot.", "which Windows drops"),
    ],
)
def test_names_that_windows_forbids_are_refused(
    name: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = run("init", name)
    assert (refused.exit_code, fault in refused.output, repr(name) in refused.output) == (1, True, True)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    assert (write_study(tmp_path / "s") / "study.yaml").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: bytes) -> None:
        if path.name == "plan.yaml":
            raise OSError(28, "No space left on device")
        path.write_text(str(content[:9]), encoding="utf-8")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(DataError, match="No space left on device"):
        write_study(tmp_path / "s")
    assert list(tmp_path.iterdir()) == []


def test_unknown_choices_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="reform must be one of"):
        write_study(tmp_path / "s", reform="anhui")
    with pytest.raises(DataError, match="language must be one of"):
        write_study(tmp_path / "s", language="de")


def test_render_takes_the_study_of_this_folder_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(report, "dry_run", lambda study, **_: seen.append(study) or [])
    monkeypatch.chdir(tmp_path)
    run("render", "--dry-run")
    (tmp_path / "study.yaml").write_text("languages: [zh]", encoding="utf-8")
    run("render", "--dry-run")
    run("render", "other.yaml", "--dry-run")
    assert seen == [None, "study.yaml", "other.yaml"]
