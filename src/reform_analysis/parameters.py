"""Parameters of a notebook: which it declares, and a value read as the declared type."""

import ast
import re
from collections.abc import Callable
from datetime import date
from functools import reduce
from math import isfinite
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any

import numpy as np
from nbformat import NotebookNode

from reform_analysis.estimates import ReportError
from reform_analysis.messages import message


def declared_parameters(notebook: NotebookNode) -> dict[str, str]:
    """Return the parameters that a notebook declares, with their types.

    The cell is parsed as Python: ``papermill.inspect_notebook`` matches lines, and overlooks
    ``name: str | None = None`` and any line with two equals signs.

    Parameters
    ----------
    notebook : NotebookNode

    Returns
    -------
    dict of str to str
        Name -> annotation; without an annotation, the type of the default.

    Raises
    ------
    ReportError
        If no code cell is tagged ``parameters``, or the cell is not Python.
    """
    declared: dict[str, str] = {}
    for node in _statements(notebook):
        if isinstance(node, ast.AnnAssign):
            declared[ast.unparse(node.target)] = ast.unparse(node.annotation).strip("'\"")
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            declared |= {ast.unparse(name): type(node.value.value).__name__ for name in node.targets}
    return declared


def _statements(notebook: NotebookNode) -> list[ast.stmt]:
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if not cells or cells[0].cell_type != "code":
        raise ReportError(message("refused.no_parameters_cell"))
    try:
        statements: list[ast.stmt] = ast.parse(cells[0].source).body
    except SyntaxError as broken:
        raise ReportError(message("refused.parameters_not_python", reason=str(broken))) from None
    return statements


def default_values(notebook: NotebookNode) -> dict[str, Any]:
    """Return the values that a notebook's parameters have where nothing sets them.

    Parameters
    ----------
    notebook : NotebookNode

    Returns
    -------
    dict of str to str, int, float, bool or None
        Of the parameters whose default is such a constant.

    Raises
    ------
    ReportError
        As `declared_parameters`.
    """
    values: dict[str, Any] = {}
    for node in _statements(notebook):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            values |= {ast.unparse(target): node.value.value for target in targets}
    return values


def _whole(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"[+-]?[0-9]+", value) else None
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", value):
        value = float(value)
    ok = isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
    return float(value) if ok else None


def _truth(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


READERS: dict[str, Callable[[Any], Any]] = {
    "str": lambda value: value if isinstance(value, str) else None,
    "int": _whole,
    "float": _number,
    "bool": _truth,
}


def plain(value: Any) -> Any:
    """Return a value as plain JSON knows it: numbers of numpy, dates, paths and tuples are converted.

    Parameters
    ----------
    value : object

    Returns
    -------
    str, int, float, bool, None, list or dict

    Raises
    ------
    ReportError
        If it is of another type.

    Examples
    --------
    >>> from pathlib import Path
    >>> plain((Path("a"), date(2021, 5, 1)))
    ['a', '2021-05-01']
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    raise ReportError(message("refused.value_kind", kind=type(value).__name__, value=repr(value)))


def _text(value: str) -> str:
    try:
        return value.encode().decode()
    except UnicodeEncodeError:
        raise ReportError(message("refused.no_utf8", value=ascii(value))) from None


def read_value(value: Any, declared: str) -> Any:
    """Return a parameter's value in its declared type. Text is read as that type; "007" stays text for `str`.

    Parameters
    ----------
    value : object
        Text from the command line, or a value from a study file or from Python.
    declared : str
        ``str``, ``int``, ``float``, ``bool``, or several of these and ``None`` joined by ``|``.

    Returns
    -------
    str, int, float, bool or None

    Raises
    ------
    ReportError
        If the value is of another type, or the type is one that cannot be set from outside.
    """
    value = plain(value)
    kinds = [kind.strip() for kind in declared.split("|")]
    if not set(kinds) <= {*READERS, "None"}:
        raise ReportError(message("refused.not_settable", declared=declared))
    if value is None and "None" in kinds:
        return None
    for kind in kinds:
        found = READERS[kind](value) if kind in READERS else None
        if found is not None:
            return found
    ways = [message(f"refused.way_{kind}") for kind in kinds if kind in READERS]
    either = reduce(lambda one, other: message("refused.either_way", one=one, other=other), ways)
    raise ReportError(message("refused.value_type", declared=declared, value=repr(value), ways=either))
