"""What to cite: the package, the article whose figures it carries, the methods that a report used.

Every method names its references in its docstring, under "References"; their full data stand in
``references.json`` (CSL-JSON). A report used the functions that the code cells of its notebook name, and
those that these can call: its references are those of all of them. What was named but not run, or a branch
that was not taken, is cited too: strike what you did not use.
"""

import ast
import inspect
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import yaml

from reform_analysis import resources
from reform_analysis.estimates import DataError, require_choice
from reform_analysis.messages import message
from reform_analysis.reference_styles import STYLES, Item, Style, apa_order, formatted
from reform_analysis.runs import newest_run

_PACKAGE = "reform_analysis"
_MAGIC = re.compile(r"^\s*[%!].*$", flags=re.MULTILINE)


@dataclass(frozen=True)
class Reference:
    """A reference and what rests on it.

    Parameters
    ----------
    item : mapping
        CSL-JSON.
    functions : tuple of str
        The functions of the package that name it, as ``module.function``, or the module that does as a whole;
        none for package and article.
    """

    item: Item
    functions: tuple[str, ...] = ()


@cache
def catalogue() -> dict[str, Item]:
    """Return every reference of the methods, by id.

    Returns
    -------
    dict of str to mapping
        CSL-JSON.
    """
    text = files(_PACKAGE).joinpath("references.json").read_text(encoding="utf-8")
    return {item["id"]: item for item in json.loads(text)}


def own_references() -> list[Reference]:
    """Return the references of the package and of the article, from ``CITATION.cff``.

    Returns
    -------
    list of Reference
    """
    declared = yaml.safe_load(resources.citation_path().read_text(encoding="utf-8"))
    released = declared["date-released"]
    package = {
        "id": "reform-analysis",
        "type": "software",
        "author": [_name(author) for author in declared["authors"]],
        "title": declared["title"],
        "version": declared["version"],
        "issued": {"date-parts": [[released.year, released.month, released.day]]},
    }
    return [Reference(package), *(Reference(_article(other)) for other in declared["references"])]


def _article(declared: dict[str, Any]) -> Item:
    fields = {"volume": "volume", "issue": "issue", "journal": "container-title"}
    given = {csl: str(declared[cff]) for cff, csl in fields.items() if cff in declared}
    return {
        "id": f"article{declared['year']}",
        "type": "article-journal",
        "author": [_name(author) for author in declared["authors"]],
        "title": declared["title"],
        "issued": {"date-parts": [[declared["year"]]]},
        **given,
    }


def _name(author: dict[str, str]) -> dict[str, str]:
    if "name" in author:
        return {"literal": author["name"]}
    return {"family": author["family-names"], "given": author["given-names"]}


def method_references(functions: Iterable[str]) -> list[Reference]:
    """Return the references of some functions and of those that they can call.

    Parameters
    ----------
    functions : iterable of str
        As ``counts.fit_poisson``.

    Returns
    -------
    list of Reference
        In order of the catalogue: by first author and year.

    Raises
    ------
    DataError
        If a module has no such function, or Python strips docstrings (``-OO``).

    Examples
    --------
    >>> [reference.item["id"] for reference in method_references(["rates.compare_counts"])]
    ['clopper1934', 'gu2008', 'przyborowski1940']
    """
    if sys.flags.optimize > 1:
        raise DataError(message("refused.no_docstrings"))
    found: dict[str, list[str]] = {}
    for function in _reached(map(_function, functions)):
        module = function.__module__.split(".")[-1]
        for key in named_in(_section(function.__doc__)):
            found.setdefault(key, []).append(f"{module}.{function.__name__}")
        for key in named_in(_section(sys.modules[function.__module__].__doc__)):
            found.setdefault(key, []).append(module)
    return [
        Reference(item, tuple(sorted(set(found[key])))) for key, item in catalogue().items() if key in found
    ]


def named_in(text: str) -> list[str]:
    """Return the ids of the catalogue's references that a docstring's "References" name.

    Parameters
    ----------
    text : str
        Such as "Kline and Santos (2012), Journal of Econometric Methods 1, 23-41."

    Returns
    -------
    list of str
    """
    plain = _ascii(" ".join(text.split()))
    return [key for key, label in _labels().items() if re.search(label, plain)]


@cache
def _labels() -> dict[str, str]:
    """How a docstring names each reference: all authors or "et al.", and the year."""
    return {key: _label(item) for key, item in catalogue().items()}


def _label(item: Item) -> str:
    names = [re.escape(_ascii(name.get("family", name.get("literal", "")))) for name in item["author"]]
    if "issued" not in item:
        return names[0]
    every = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    short = rf"|{names[0]} et al\." if len(names) > 2 else ""
    return rf"(?<!and )(?<!, )\b(?:{every}{short}) \({item['issued']['date-parts'][0][0]}\)"


def _ascii(text: str) -> str:
    return (
        unicodedata.normalize("NFKD", text.replace("ø", "o").replace("Ø", "O"))
        .encode("ascii", "ignore")
        .decode()
    )


def _section(docstring: str | None) -> str:
    """The "References" of a docstring."""
    parts = re.split(r"^References\n-+\n", inspect.cleandoc(docstring or ""), flags=re.MULTILINE)
    return parts[1].split("\n\n")[0] if len(parts) > 1 else ""


def _function(name: str) -> Any:
    module, _, function = name.partition(".")
    try:
        return getattr(import_module(f"{_PACKAGE}.{module}"), function)
    except (ImportError, AttributeError):
        raise DataError(
            f"functions must be named as 'counts.fit_poisson', got {name!r}, which the package lacks."
        ) from None


def _reached(functions: Iterable[Any]) -> Iterator[Any]:
    """The functions and classes of the package, and all that their code names."""
    waiting, seen = list(functions), set()
    while waiting:
        current = inspect.unwrap(waiting.pop())
        if not _is_own(current) or current in seen:
            continue
        seen.add(current)
        yield current
        waiting += _callees(current)


def _is_own(thing: Any) -> bool:
    return isinstance(thing, (FunctionType, type)) and str(thing.__module__).startswith(f"{_PACKAGE}.")


def _callees(current: Any) -> list[Any]:
    if isinstance(current, type):
        parts = [getattr(part, "__func__", getattr(part, "fget", part)) for part in vars(current).values()]
        return [part for part in map(_unwrapped, parts) if isinstance(part, FunctionType)]
    names = {name for code in _codes(current.__code__) for name in code.co_names}
    known = [current.__globals__[name] for name in names if name in current.__globals__]
    modules = [
        thing for thing in known if isinstance(thing, ModuleType) and thing.__name__.startswith(_PACKAGE)
    ]
    attributes = [getattr(module, name) for module in modules for name in names if hasattr(module, name)]
    return [thing for thing in map(_unwrapped, [*known, *attributes]) if _is_own(thing)]


def _unwrapped(thing: Any) -> Any:
    return inspect.unwrap(thing) if callable(thing) else thing


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of what it defines inside."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def functions_in(source: str) -> list[str]:
    """Return the package's functions that some code names.

    Parameters
    ----------
    source : str
        Python, as in a notebook's cells; lines with magics are passed over.

    Returns
    -------
    list of str
        As ``counts.fit_poisson``, in order of their names.

    Raises
    ------
    DataError
        If it is no Python.

    Examples
    --------
    >>> functions_in("from reform_analysis import counts as c\\nc.fit_poisson(df)\\nc.nothing")
    ['counts.fit_poisson']
    """
    try:
        tree = ast.parse(_MAGIC.sub("", source))
    except SyntaxError as fault:
        raise DataError(
            f"code cells must be Python, got {fault.msg} in line {fault.lineno}; mend it."
        ) from None
    modules, found = _imports(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found.add(f"{modules[node.value.id]}.{node.attr}")
    return sorted(name for name in found if _is_function(name))


def _imports(tree: ast.Module) -> tuple[dict[str, str], set[str]]:
    """Names that stand for modules of the package, and functions imported by name."""
    modules: dict[str, str] = {}
    named: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == _PACKAGE:
            for alias in node.names:
                home = getattr(import_module(_PACKAGE), "_NAMES", {}).get(alias.name)
                if home is None:
                    modules[alias.asname or alias.name] = alias.name
                else:
                    named.add(f"{home}.{alias.name}")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{_PACKAGE}."):
            named |= {f"{str(node.module).split('.')[1]}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            paths = [(alias.asname, alias.name.split(".")) for alias in node.names]
            modules |= {short: path[1] for short, path in paths if short and path[0] == _PACKAGE and path[1:]}
    return modules, named


def _is_function(name: str) -> bool:
    try:
        return _is_own(_unwrapped(_function(name)))
    except DataError:
        return False


def report_functions(report: str | Path) -> list[str]:
    """Return the package's functions that a report's notebook names, or all notebooks of a run.

    Parameters
    ----------
    report : str or Path
        An ``.ipynb`` file, rendered or not, or a run's folder; of a folder with runs the newest is taken.

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        If there is no notebook, or it cannot be read.
    """
    path = newest_run(report)
    if not path.exists():
        raise DataError(message("refused.cite_nothing", path=path))
    notebooks = sorted(path.glob("*.ipynb")) if path.is_dir() else [path]
    if not notebooks:
        raise DataError(message("refused.cite_empty", path=path))
    found: dict[str, None] = {}
    for notebook in notebooks:
        found |= dict.fromkeys(functions_in(_code(notebook)))
    return sorted(found)


def _code(notebook: Path) -> str:
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    except (ValueError, KeyError, TypeError):
        raise DataError(message("refused.cite_broken", path=notebook)) from None


def references(report: str | Path | None = None) -> list[Reference]:
    """Return what to cite: package and article, then the methods of a report.

    Parameters
    ----------
    report : str or Path, optional
        As in `report_functions`; without it, package and article alone.

    Returns
    -------
    list of Reference

    Raises
    ------
    DataError
        If the report cannot be read.
    """
    return own_references() + ([] if report is None else method_references(report_functions(report)))


def bibliography(
    found: Sequence[Reference], *, style: Style = "gbt7714", show_functions: bool = False
) -> str:
    """Return references as text: numbered for GB/T 7714-2015, by name for APA, entries for BibTeX.

    Parameters
    ----------
    found : sequence of Reference
        As `references` returns them.
    style : {"gbt7714", "apa", "bibtex"}
    show_functions : bool
        Say under each which functions rest on it.

    Returns
    -------
    str

    Raises
    ------
    DataError
        If the style is unknown.
    """
    require_choice("style", style, STYLES)
    ordered = sorted(found, key=lambda reference: apa_order(reference.item)) if style == "apa" else found
    texts = [(formatted(reference.item, style), reference.functions) for reference in ordered]
    comment = "% " if style == "bibtex" else "    "
    lines = []
    for number, (text, functions) in enumerate(texts, start=1):
        lines.append(f"[{number}] {text}" if style == "gbt7714" else text)
        if show_functions and functions:
            lines.append(comment + ", ".join(functions))
    return "\n".join(lines) + "\n"
