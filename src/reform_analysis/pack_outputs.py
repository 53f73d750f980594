"""Table "output, notebook, function" of a run, read from its executed notebooks."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup

from reform_analysis.cite import functions_in

_MAGIC = re.compile(r"^\s*[%!].*$", flags=re.MULTILINE)
IMAGES = ("image/svg+xml", "image/png", "image/jpeg")


@dataclass(frozen=True)
class Output:
    """A figure, a table or a text of a report.

    Parameters
    ----------
    kind : {"figure", "table", "text"}
    output : str
        Its caption; of a text the first words.
    notebook : str
    cell : int
        Among the code cells of the notebook's source, from 1.
    functions : tuple of str
        Those that the cell calls.
    behind : tuple of str
        Those that made the values which the cell shows, in cells before it.
    """

    kind: str
    output: str
    notebook: str
    cell: int
    functions: tuple[str, ...]
    behind: tuple[str, ...]


def outputs_of(executed: Path, *, notebook: str) -> list[Output]:
    """Return what an executed notebook shows, in its order.

    Parameters
    ----------
    executed : Path
        An ``.ipynb`` file of a run.
    notebook : str
        Name of its source.

    Returns
    -------
    list of Output
    """
    cells = [
        cell
        for cell in json.loads(executed.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code" and "injected-parameters" not in cell["metadata"].get("tags", [])
    ]
    called = calls(["".join(cell["source"]) for cell in cells])
    return [
        Output(kind, text, notebook, number, *names)
        for number, (cell, names) in enumerate(zip(cells, called, strict=True), start=1)
        for kind, text in map(_described, cell.get("outputs", []))
        if text
    ]


def _described(output: dict[str, Any]) -> tuple[str, str]:
    data = output.get("data", {})
    for kind in IMAGES:
        if kind in data:
            meta = output.get("metadata", {}).get(kind, {})
            return "figure", _first(str(meta.get("caption") or meta.get("alt") or "figure"))
    page = BeautifulSoup("".join(data.get("text/html", "")), "html.parser")
    if page.table:
        caption = page.table.caption
        return "table", _first(caption.get_text(" ", strip=True) if caption else "table")
    text = page.get_text(" ", strip=True) or "".join(data.get("text/plain", output.get("text", "")))
    return "text", _first(text)


def _first(text: str, *, longest: int = 90) -> str:
    words = " ".join(text.split())
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"


def calls(sources: Iterable[str]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return, for each code cell, the package's functions that it calls, and those behind its values.

    A value's functions are those of the statement that gave it its name, and of the values that it was made
    from. They are read from the code, not traced: a branch that was not taken counts.

    Parameters
    ----------
    sources : iterable of str
        Of the code cells, in order.

    Returns
    -------
    list of tuple
        Names called, names behind; each as ``published.evidence``.

    Examples
    --------
    >>> made = "from reform_analysis import published as p, tables\\nfound = p.evidence(1)"
    >>> calls([made, "tables.claims(found)"])
    [(('published.evidence',), ()), (('tables.claims',), ('published.evidence',))]
    """
    trees = [_parsed(source) for source in sources]
    imports = "\n".join(ast.unparse(node) for tree in trees for node in ast.walk(tree) if _is_import(node))
    by_name = _imported_functions(imports)
    made: dict[str, set[str]] = {}
    found = []
    for tree in trees:
        here: set[str] = set()
        behind: set[str] = set()
        for statement in tree.body:
            names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
            own = _called(statement, imports, by_name, names)
            earlier = {function for name in names for function in made.get(name, ())}
            for target in _targets(statement):
                made[target] = made.get(target, set()) | own | earlier
            here |= own
            behind |= earlier
        found.append((tuple(sorted(here)), tuple(sorted(behind - here))))
    return found


def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(_MAGIC.sub("", source))
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])  # a cell magic: no Python, no function of the package


def _is_import(node: ast.AST) -> bool:
    return isinstance(node, (ast.Import, ast.ImportFrom))


def _imported_functions(imports: str) -> dict[str, str]:
    """The name that an import gives to a function, and the function."""
    found: dict[str, str] = {}
    for node in ast.parse(imports).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                single = ast.ImportFrom(node.module, [alias], node.level)
                found |= dict.fromkeys([alias.asname or alias.name], _only(ast.unparse(single)))
    return {name: function for name, function in found.items() if function}


def _only(source: str) -> str:
    return next(iter(functions_in(source)), "")


def _called(statement: ast.stmt, imports: str, by_name: dict[str, str], names: set[str]) -> set[str]:
    if _is_import(statement):
        return set()
    called = set(functions_in(f"{imports}\n{ast.unparse(statement)}")) - set(by_name.values())
    return called | {by_name[name] for name in names if name in by_name}


def _targets(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            yield from [inner.id for inner in ast.walk(node.value) if isinstance(inner, ast.Name)]
