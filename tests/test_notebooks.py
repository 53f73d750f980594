"""Notebooks: short cells, both languages, no stored output, no number typed into prose."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from reform_analysis import resources

NOTEBOOKS = list(resources.notebook_paths().values())
# the two years, and the rate ratio of no change
NOT_RESULTS = {"2020", "2021", "1"}


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["01_published_totals", "02_panel", "03_association"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_is_stored(path: Path) -> None:
    for cell in cells(path, "code"):
        assert cell.outputs == []
        assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_are_short_and_hold_no_program(path: Path) -> None:
    code = cells(path, "code")
    assert len(code) <= 15
    forbidden = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Try, ast.Lambda)
    for cell in code:
        assert len(cell.source.splitlines()) <= (12 if "parameters" in tags(cell) else 10)
        assert not any(isinstance(node, forbidden) for node in ast.walk(ast.parse(cell.source)))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_come_first_typed_and_explained(path: Path) -> None:
    first = cells(path, "code")[0]
    assert tags(first) == ["parameters"]
    for line in first.source.splitlines():
        assert re.fullmatch(r"\w+: [\w |]+ = .+  # .+", line), line
    assert first.source.startswith('language: str = "zh"')


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_prose_stands_in_both_languages_without_typed_numbers(path: Path) -> None:
    prose = cells(path, "markdown")
    assert [tags(cell)[0] for cell in prose] == ["lang-zh", "lang-en"] * (len(prose) // 2)
    for chinese, english in zip(prose[::2], prose[1::2], strict=True):
        levels = [re.match(r"#+", cell.source) for cell in (chinese, english)]
        assert all(levels)
        assert levels[0][0] == levels[1][0]
        assert set(re.findall(r"\d[\d.,]*\d|\d", chinese.source + english.source)) <= NOT_RESULTS
        assert not re.search(r"[\u4e00-\u9fff][,;:?!()]", chinese.source)
