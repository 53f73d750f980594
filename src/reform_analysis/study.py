"""The study file, and the plan made from it: which notebooks, in which languages, with which parameters.

Everything is checked here before anything runs, and all faults come in one error.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import nbformat
import yaml
from nbformat import NotebookNode
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reform_analysis import resources
from reform_analysis.estimates import ReportError
from reform_analysis.parameters import WAY_OUT, declared_parameters, read_value
from reform_analysis.wording import LANGUAGES


class Study(BaseModel):
    """The keys of a study file. Unknown keys are refused.

    Parameters
    ----------
    title : str, optional
        Stands on top of every page of the study.
    languages : list of {"zh", "en"}
        One report per notebook and language.
    notebooks : list of str, optional
        Names of packaged notebooks, or paths of ``.ipynb`` files relative to the study file. All packaged
        notebooks where it is left out.
    parameters : dict
        Values for the notebooks that declare them.
    data : str, optional
        The panel file, relative to the study file.
    aliases : dict of str to str
        Headers of the panel file, to canonical columns.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: str | None = None
    languages: list[Literal["zh", "en"]] = Field(default=list(LANGUAGES), min_length=1)
    notebooks: list[str] | None = Field(default=None, min_length=1)
    parameters: dict[str, Any] = {}
    data: str | None = None
    aliases: dict[str, str] = {}

    def values(self) -> dict[str, Any]:
        """What the notebooks get: `parameters`, and the data file and aliases as the parameters of that name.

        Returns
        -------
        dict
        """
        given = {} if self.data is None else {"data": self.data}
        if self.aliases:
            given["aliases"] = json.dumps(self.aliases, ensure_ascii=False)
        return given | self.parameters


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


@dataclass(frozen=True)
class Plan:
    """What will be rendered, checked.

    Parameters
    ----------
    title : str or None
    folder : Path
        Where the kernels run: the study file's folder, else the current directory.
    languages : tuple of str
    sources : tuple of Source
    """

    title: str | None
    folder: Path
    languages: tuple[str, ...]
    sources: tuple[Source, ...]

    @property
    def parameters(self) -> dict[str, Any]:
        """All values set, over all notebooks.

        Returns
        -------
        dict
        """
        return {name: value for source in self.sources for name, value in source.settings.items()}


def _nearest(word: str, choices: Iterable[str]) -> str:
    allowed = sorted(choices)
    close = get_close_matches(word, allowed, n=1, cutoff=0.5)
    return (f"did you mean {close[0]!r}? " if close else "") + f"allowed: {', '.join(allowed) or 'none'}"


def _describe(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{key!r} is no key of a study file; {_nearest(key, Study.model_fields)}"
    hint = f"; {WAY_OUT['str']}" if error["type"] == "string_type" else ""
    return f"{key}: {error['msg'][0].lower()}{error['msg'][1:]}, got {error['input']!r}{hint}"


class _UniqueKeys(yaml.SafeLoader):
    """YAML's safe loader overwrites a repeated key in silence; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            problem = f"the key {twice[0]!r} stands twice"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return super().construct_mapping(node, deep)


def read_study(path: str | Path) -> Study:
    """Read a study file.

    Parameters
    ----------
    path : str or Path
        A YAML file in UTF-8 with the keys of `Study`.

    Returns
    -------
    Study

    Raises
    ------
    ReportError
        If the file is missing, is no YAML mapping, or breaks a rule; every fault is listed with its key.
    """
    try:
        # a subclass of SafeLoader
        tree = yaml.load(Path(path).read_text(encoding="utf-8-sig"), Loader=_UniqueKeys)
    except OSError as missing:
        raise ReportError(f"study file {path} cannot be read ({missing.strerror}); check the path.") from None
    except (UnicodeDecodeError, yaml.YAMLError) as broken:
        raise ReportError(f"study file {path} is no YAML in UTF-8: {broken}; correct it there.") from None
    if not isinstance(tree, dict):
        keys = ", ".join(Study.model_fields)
        raise ReportError(f"study file {path} must hold `key: value` lines, got {tree!r}; keys are {keys}.")
    try:
        return Study.model_validate(tree)
    except ValidationError as broken:
        raise _error(f"study file {path} is refused", map(_describe, broken.errors())) from None


def _error(head: str, faults: Iterable[str]) -> ReportError:
    return ReportError("\n".join([f"{head}:", *(f"- {fault}" for fault in faults)]))


def _has_cells(raw: dict[str, Any]) -> bool:
    cells = raw.get("cells")
    listed = isinstance(cells, list) and all(isinstance(cell, dict) for cell in cells)
    return listed and isinstance(raw.get("nbformat_minor", 0), int)


def _parse(content: bytes) -> NotebookNode:
    raw = json.loads(content)
    if not isinstance(raw, dict) or raw.get("nbformat") != 4 or not _has_cells(raw):
        raise ReportError("is no notebook of format 4; open it in JupyterLab and save it")
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
        raise ReportError(f"cannot be read ({missing.strerror}); check the path") from None
    except (ValueError, nbformat.ValidationError) as broken:
        raise ReportError(f"is no valid notebook ({str(broken).splitlines()[0]}); save it anew") from None
    declared = declared_parameters(notebook)
    if declared.get("language") != "str":
        raise ReportError('does not declare `language: str = "zh"` in its parameters cell; add the line')
    return Source(path, notebook, hashlib.sha256(content).hexdigest(), declared)


def _locate(study: Study, folder: Path, only: Sequence[str], faults: list[str]) -> list[Path]:
    packaged = resources.notebook_paths()
    paths = []
    for entry in study.notebooks or list(packaged):
        if entry.endswith(".ipynb"):
            paths.append(folder / entry)
        elif entry in packaged:
            paths.append(packaged[entry])
        else:
            faults.append(f"{entry!r} is no packaged notebook; {_nearest(entry, packaged)}, or a .ipynb path")
    if not only:
        return paths
    names = [path.stem for path in paths]
    unknown = [part for part in only if not any(name.startswith(part) for name in names)]
    faults += [f"only: no notebook's name begins with {part!r}; {_nearest(part, names)}" for part in unknown]
    return [path for path in paths if path.stem.startswith(tuple(only))]


def _read_all(paths: list[Path], faults: list[str]) -> list[Source]:
    names = [path.stem.casefold() for path in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults += [
        f"two notebooks are called {name!r}, their reports would collide; rename one" for name in twice
    ]
    sources = []
    for path in paths:
        try:
            sources.append(read_source(path))
        except ReportError as fault:
            faults.append(f"notebook {path} {fault}")
    return sources


def _ordered(sources: list[Source], faults: list[str]) -> list[Source]:
    """The notebooks in the order asked for, but each one before those that its metadata names.

    A notebook's metadata may hold ``{"reform_analysis": {"before": ["04_pilot_effect"]}}``: names of
    notebooks that quote what it computes. Where the plan lacks them nothing changes.
    """
    found: list[Source] = []
    for source in sources:
        _place(source, sources, found, (), faults)
    return found


def _place(
    source: Source, sources: list[Source], found: list[Source], waiting: tuple[str, ...], faults: list[str]
) -> None:
    """Append a notebook to those found, after the ones that ask to run before it."""
    if source.name in waiting:
        faults.append(f"notebooks {waiting} are each to run before one another; correct their metadata")
        return
    for other in sources:
        if source.name in _before(other):
            _place(other, sources, found, (*waiting, source.name), faults)
    if source not in found:
        found.append(source)


def _before(source: Source) -> list[str]:
    asked = source.notebook.metadata.get("reform_analysis", {}).get("before", [])
    return [str(name) for name in asked]


def _set_values(source: Source, parameters: Mapping[str, Any], faults: list[str]) -> Source:
    settings = {}
    for name in sorted(parameters.keys() & source.declared.keys() - {"language"}):
        try:
            settings[name] = read_value(parameters[name], source.declared[name])
        except ReportError as fault:
            faults.append(f"parameter {name!r} of notebook {source.name} {fault}")
    return replace(source, settings=settings)


def _check_names(parameters: Mapping[str, Any], sources: list[Source], faults: list[str]) -> None:
    declared = {name for source in sources for name in source.declared} - {"language"}
    for name in parameters:
        if name == "language":
            faults.append("parameter 'language' is set by the renderer; choose with --language (languages=)")
        elif name not in declared:
            faults.append(f"no chosen notebook declares parameter {name!r}; {_nearest(name, declared)}")


def make_plan(
    path: str | Path | None = None,
    *,
    only: Sequence[str] = (),
    languages: Sequence[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Plan:
    """Check everything that can be checked before a kernel starts.

    Notebooks run in the order of the study file, the packaged ones in that of their numbers; but one whose
    metadata names others under ``reform_analysis``, ``before``, runs before these, so that what could have
    been found is computed before what was.

    Parameters
    ----------
    path : str or Path, optional
        The study file; without it, the packaged notebooks in both languages.
    only : sequence of str
        Keep the notebooks whose names begin with one of these.
    languages : sequence of {"zh", "en"}, optional
        Instead of the study's.
    parameters : mapping, optional
        Added to the study's, and before them.

    Returns
    -------
    Plan

    Raises
    ------
    ReportError
        Listing all faults: unknown notebooks, languages, parameters, values of the wrong type.
    """
    study = Study() if path is None else read_study(path)
    folder = Path.cwd() if path is None else Path(path).resolve().parent
    wanted = list(dict.fromkeys(study.languages if languages is None else languages))
    values = study.values() | dict(parameters or {})
    faults = [
        f"language {code!r} is unknown; {_nearest(code, LANGUAGES)}"
        for code in wanted
        if code not in LANGUAGES
    ]
    paths = _locate(study, folder, only, faults)
    sources = _read_all(paths, faults)
    if len(sources) == len(paths):  # an unread notebook may well declare the rest
        _check_names(values, sources, faults)
    sources = _ordered([_set_values(source, values, faults) for source in sources], faults)
    if values.get("data") and not (folder / str(values["data"])).is_file():
        faults.append(f"data must be a file, got {values['data']!r}, seen from {folder}; check the path")
    if not (sources and wanted) and not faults:
        faults.append("there is nothing to render; name at least one notebook and one language")
    if faults:
        raise _error("nothing was rendered", faults)
    return Plan(study.title, folder, tuple(wanted), tuple(sources))
