"""What the pages of the documentation show is what the code prints."""

import importlib.util
import re
from pathlib import Path

import pytest

import reform_analysis
from reform_analysis import schema

DOCS = Path(__file__).parents[1] / "docs"
SPEC = importlib.util.spec_from_file_location("docs_examples", DOCS / "examples.py")
examples = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(examples)
GALLERY = importlib.util.spec_from_file_location("docs_gallery", DOCS / "gallery.py")
gallery = importlib.util.module_from_spec(GALLERY)
GALLERY.loader.exec_module(gallery)
PAGES = [path.relative_to(DOCS).as_posix() for path in examples.pages()]
LONG = {"tutorial.md", "zh/tutorial.md", "replication.md", "zh/replication.md"}  # they render a report
MARKED = [pytest.param(name, marks=pytest.mark.system) if name in LONG else name for name in PAGES]
HALF_WIDTH = re.compile("[\u4e00-\u9fff][,;:?!()]|[,;:?!(][\u4e00-\u9fff]")


def test_there_are_pages_with_output() -> None:
    assert set(PAGES) >= LONG | {"own_data.md", "zh/own_data.md", "methods/published_totals.md"}


@pytest.mark.parametrize("name", MARKED)
def test_pages_show_what_the_code_prints(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    assert examples.rerun(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "```pycon\n>>> 1 + 1\n3\n```\n",
        "```pycon\n>>> print('a')\n```\n",
        "```console\n$ reform-analysis --version\nreform-analysis, version 0\n```\n",
    ],
)
def test_wrong_output_is_found(text: str) -> None:
    assert examples.rerun(text) != text


def test_the_gallery_shows_what_the_code_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gallery.main([]) == 0
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    stored = {path.name for path in gallery.HERE.iterdir()}
    assert set(re.findall(r"\]\(docs/gallery/(\S+)\)", readme)) == stored
    monkeypatch.setattr(gallery, "HERE", tmp_path)
    assert gallery.main([]) == 1
    said = capsys.readouterr().err
    assert all(name in said for name in stored)


def test_a_page_that_fails_is_no_page() -> None:
    with pytest.raises(ZeroDivisionError):
        examples.rerun("```pycon\n>>> 1 / 0\n```\n")


@pytest.mark.parametrize("path", sorted((DOCS / "calibration").glob("*.txt")), ids=lambda path: path.stem)
def test_calibration_names_a_benchmark_and_a_day(path: Path) -> None:
    command, date, *lines = path.read_text(encoding="utf-8").splitlines()
    script, simulations = re.fullmatch(r"python (benchmarks/\w+\.py) (\d+)", command).groups()
    assert (DOCS.parent / script).exists()
    assert int(simulations) >= 1000
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", date)
    assert lines


@pytest.mark.parametrize(
    "path", sorted((DOCS / "calibration" / "short").glob("*.txt")), ids=lambda path: path.stem
)
def test_every_page_says_how_few_simulations_a_short_calibration_has(path: Path) -> None:
    command, date, *lines = path.read_text(encoding="utf-8").splitlines()
    script, simulations = re.fullmatch(r"python (benchmarks/\w+\.py) (\d+)", command).groups()
    assert (DOCS.parent / script).exists()
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", date)
    assert lines
    shown = [page.read_text("utf-8") for page in DOCS.rglob("*.md")]
    pages = [text for text in shown if f"}} short/{path.stem}\n" in text]
    assert pages
    assert all(f"{simulations} simulations" in text or f"{simulations}次模拟" in text for text in pages)


@pytest.mark.parametrize("path", sorted((DOCS / "zh").rglob("*.md")), ids=lambda path: path.stem)
def test_chinese_prose_has_full_width_punctuation(path: Path) -> None:
    prose = re.sub(
        r"^```.*?^```$|`[^`]*`|\]\([^)]*\)", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    assert HALF_WIDTH.findall(prose) == []


def test_the_chinese_dictionary_has_full_width_punctuation() -> None:
    for declared in schema.TABLES.values():
        assert HALF_WIDTH.findall(schema.dictionary(declared, language="zh")) == []


def test_every_method_page_answers_the_same_questions() -> None:
    asked = (
        "Question",
        "Identifying assumption",
        "Equation",
        "When it fails",
        "What it reports",
        "Calibration",
        "Reference",
    )
    for path in (DOCS / "methods").glob("*.md"):
        if path.stem not in ("index", "robustness"):
            text = path.read_text(encoding="utf-8")
            assert [name for name in asked if f"**{name}" not in text] == [], path.stem


def test_every_method_page_has_a_chinese_one() -> None:
    def shared(text: str) -> list[list[str]]:
        formulas = re.findall(r"^\$\$.*?\$\$", text, flags=re.MULTILINE | re.DOTALL)
        return [formulas, re.findall(r"\{calibration\} [\w/]+|`[\w.]+ <reform_analysis.*?>`", text)]

    english = {path.name: path for path in (DOCS / "methods").glob("*.md") if path.stem != "index"}
    chinese = {path.name: path for path in (DOCS / "zh" / "methods").glob("*.md")}
    assert set(english) == set(chinese)
    for name, path in english.items():
        assert shared(chinese[name].read_text("utf-8")) == shared(path.read_text("utf-8")), name


def test_the_reference_lists_what_the_package_hands_on() -> None:
    listed = re.findall(
        r"^   reform_analysis\.(\w+)$", (DOCS / "api" / "index.md").read_text("utf-8"), re.MULTILINE
    )
    assert len(listed) == len(set(listed))
    modules = {
        name for name in reform_analysis.__all__ if hasattr(getattr(reform_analysis, name), "__file__")
    }
    assert modules | {"counts", "did", "randomise", "power"} <= set(listed)
    assert [name for name in listed if importlib.util.find_spec(f"reform_analysis.{name}") is None] == []
