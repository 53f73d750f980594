"""A notebook as it was read: its cells, its hash and the parameters that it declares."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from reform_analysis.estimates import ReportError
from reform_analysis.messages import cause, message
from reform_analysis.parameters import declared_parameters, default_values


@dataclass(frozen=True)
class Source:
    """A notebook as it was read: nothing reads the file again.

    Parameters
    ----------
    path : Path
    notebook : NotebookNode
        Format 4.5; a cell that had no id has one made from its position.
    sha256 : str
        Of the file.
    declared : dict of str to str
        Parameter -> declared type.
    settings : dict
        The values set for this notebook, of the declared types.
    """

    path: Path
    notebook: NotebookNode
    sha256: str
    declared: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name without its ending.

        Returns
        -------
        str
        """
        return self.path.stem

    def values(self) -> dict[str, Any]:
        """Return the values that the parameters have: those set, and the notebook's own for the rest.

        Returns
        -------
        dict
            Without parameters whose own value is no constant.
        """
        return default_values(self.notebook) | self.settings


def _has_cells(raw: dict[str, Any]) -> bool:
    cells = raw.get("cells")
    listed = isinstance(cells, list) and all(isinstance(cell, dict) for cell in cells)
    return listed and isinstance(raw.get("nbformat_minor", 0), int)


def _parse(content: bytes) -> NotebookNode:
    raw = json.loads(content)
    if not isinstance(raw, dict) or raw.get("nbformat") != 4 or not _has_cells(raw):
        raise ReportError(message("refused.notebook_format"))
    # papermill and nbformat would give cells without an id a random one, and equal inputs unequal bytes.
    for number, cell in enumerate(raw.get("cells", []), start=1):
        cell.setdefault("id", f"cell-{number}")
    raw["nbformat_minor"] = max(5, raw.get("nbformat_minor", 0))
    notebook: NotebookNode = nbformat.reads(json.dumps(raw), as_version=4)
    nbformat.validate(notebook)
    return notebook


def read_source(path: Path) -> Source:
    """Read a notebook with its declared parameters.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Source

    Raises
    ------
    ReportError
        If it cannot be read, is no Python notebook of format 4, declares no parameters or no `language`.
    """
    try:
        content = path.read_bytes()
        notebook = _parse(content)
    except OSError as missing:
        raise ReportError(message("refused.notebook_unreadable", cause=cause(missing))) from None
    except (ValueError, nbformat.ValidationError) as broken:
        first = str(broken).splitlines()[0]
        raise ReportError(message("refused.notebook_broken", reason=first)) from None
    declared = declared_parameters(notebook)
    if declared.get("language") != "str":
        raise ReportError(message("refused.notebook_language"))
    return Source(path, notebook, hashlib.sha256(content).hexdigest(), declared)
