"""What a frozen plan keeps: code enters its hash, prose and outputs do not; what cannot be read has none."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes

from reform_analysis.estimates import ReportError
from reform_analysis.plan_notebooks import as_frozen, code_hash
from reform_analysis.resources import notebook_paths


def notebook(*code: str, prose: str = "甲", outputs: tuple[Any, ...] = ()) -> Any:
    cells = [new_markdown_cell(prose), *(new_code_cell(text, outputs=list(outputs)) for text in code)]
    return new_notebook(cells=cells)


def test_the_hash_is_of_the_code_cells_as_json() -> None:
    expected = hashlib.sha256('["x = 1", "x  # 乙"]'.encode()).hexdigest()
    assert code_hash(notebook("x = 1", "x  # 乙")) == expected


def test_prose_and_outputs_do_not_enter_and_code_does() -> None:
    shown = {"output_type": "stream", "name": "stdout", "text": "1"}
    first = code_hash(notebook("x = 1"))
    assert code_hash(notebook("x = 1", prose="丙", outputs=(shown,))) == first
    assert code_hash(notebook("x = 2")) != first


def test_where_a_cell_ends_enters() -> None:
    assert code_hash(notebook("x = 1\ny = 2")) != code_hash(notebook("x = 1", "y = 2"))


def test_a_file_with_lines_in_a_list_and_one_with_a_text_are_the_same() -> None:
    one = notebook("x = 1\ny = 2")
    lines = json.loads(writes(one))
    assert isinstance(lines["cells"][1]["source"], (str, list))
    lines["cells"][1]["source"] = ["x = 1\n", "y = 2"]
    assert code_hash(lines) == code_hash(one)


def write_study(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_study_keeps_its_reading_and_its_notebooks_by_name(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.ipynb").write_text(writes(notebook("x = 1")), encoding="utf-8")
    study = write_study(
        tmp_path,
        "notebooks: [01_published_totals, own/mine.ipynb]\nparameters: {reading: 'reforms=zhejiang'}\n",
    )
    packaged = json.loads(notebook_paths()["01_published_totals"].read_bytes())
    assert as_frozen(study) == {
        "reading": "reforms=zhejiang",
        "cells": {"01_published_totals": code_hash(packaged), "mine": code_hash(notebook("x = 1"))},
    }


def test_a_study_that_names_no_notebook_has_all_of_the_package(tmp_path: Path) -> None:
    found = as_frozen(write_study(tmp_path, "title: t\n"))
    assert set(found["cells"]) == set(notebook_paths())
    assert found["reading"] == ""


@pytest.mark.parametrize(
    "content", [None, b"no json", b"[]", b'{"cells": [{"cell_type": "code"}]}', b"\xff\xfe"]
)
def test_what_is_no_notebook_has_no_hash(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "a.ipynb").write_bytes(content)
    assert as_frozen(write_study(tmp_path, "notebooks: [a.ipynb]\n"))["cells"] == {}


def test_no_study_file_keeps_nothing_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    assert as_frozen(tmp_path / "study.yaml") == {}
    with pytest.raises(ReportError, match="nonsense"):
        as_frozen(write_study(tmp_path, "nonsense: 1\n"))
