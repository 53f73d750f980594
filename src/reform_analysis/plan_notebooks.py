"""What a frozen plan remembers of its study: how the file is read, and the code of the notebooks."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reform_analysis.resources import notebook_paths
from reform_analysis.study_file import read_study


def code_hash(notebook: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a notebook's code; its prose and outputs do not enter.

    Parameters
    ----------
    notebook : mapping
        As JSON or nbformat hold it.

    Returns
    -------
    str
    """
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return hashlib.sha256(json.dumps(code, ensure_ascii=False).encode()).hexdigest()


def as_frozen(study: Path) -> dict[str, Any]:
    """Return what a version of the plan keeps of its study.

    Parameters
    ----------
    study : Path
        The study file; may be missing.

    Returns
    -------
    dict
        `reading`, and `cells`: name of each notebook that could be read, to the hash of its code.

    Raises
    ------
    ReportError
        If the study file is refused.
    """
    if not study.is_file():
        return {}
    read, packaged = read_study(study), notebook_paths()
    paths = [packaged.get(name, study.parent / name) for name in read.notebooks or packaged]
    cells = {path.stem: _read(path) for path in paths}
    known = {name: found for name, found in cells.items() if found}
    return {"reading": str(read.values().get("reading") or ""), "cells": known}


def _read(path: Path) -> str:
    """The hash; empty where the file is no notebook, which the next run will say."""
    try:
        return code_hash(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return ""
