"""The study file: its keys, and how it is read. Every fault is named with its line and key."""

import json
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reform_analysis.estimates import ReportError
from reform_analysis.parameters import WAY_OUT
from reform_analysis.wording import LANGUAGES


class Grid(BaseModel):
    """What there is one report for: each combination of the values of some keys.

    Parameters
    ----------
    by : list of str
        Parameters of the notebooks, ``language`` among them; the order is that of the file names.
    values : dict of str to list of str
        A key's values. Without them ``outcome``, ``exposure`` and ``language`` take the study's lists, any
        other key the values of that column of the panel.
    include : list of dict
        Combinations to add, with all keys of `by`.
    exclude : list of dict
        Combinations to leave out: those that agree with all keys of an entry.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    by: list[str] = []
    values: dict[str, list[str]] = {}
    include: list[dict[str, str]] = []
    exclude: list[dict[str, str]] = []


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
    outcomes, exposures, measures : list of str
        Columns of the panel. Measures reach the notebooks together; of several outcomes or exposures, the
        grid makes a report each.
    periods : dict of {"pre", "post"} to list of str
    strata : str, optional
    seed : int, optional
    grid : Grid, optional
        What else there is a report for.
    deadline : float
        Seconds that one report may take.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: str | None = None
    languages: list[Literal["zh", "en"]] = Field(default=list(LANGUAGES), min_length=1)
    notebooks: list[str] | None = Field(default=None, min_length=1)
    parameters: dict[str, Any] = {}
    data: str | None = None
    aliases: dict[str, str] = {}
    outcomes: list[str] = []
    exposures: list[str] = []
    measures: list[str] = []
    periods: dict[Literal["pre", "post"], list[str]] = {}
    strata: str | None = None
    seed: int | None = None
    grid: Grid = Grid()
    deadline: float = Field(default=3600.0, gt=0)

    def values(self) -> dict[str, Any]:
        """What the notebooks get in every report: `parameters`, and other keys as the parameters they mean.

        Returns
        -------
        dict
        """
        given: dict[str, Any] = {} if self.data is None else {"data": self.data}
        if self.aliases:
            given["aliases"] = json.dumps(self.aliases, ensure_ascii=False)
        lists: dict[str, list[str]] = {"measures": self.measures, **dict(self.periods.items())}
        given |= {name: ", ".join(values) for name, values in lists.items() if values}
        for name, values in (("outcome", self.outcomes), ("exposure", self.exposures)):
            given |= {name: values[0]} if len(values) == 1 else {}
        single = {"strata": self.strata, "seed": self.seed}
        return given | {name: value for name, value in single.items() if value is not None} | self.parameters


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return the allowed word that is nearest, for a message, and all that are allowed.

    Parameters
    ----------
    word : str
    choices : iterable of str

    Returns
    -------
    str
    """
    allowed = sorted(choices)
    close = get_close_matches(word, allowed, n=1, cutoff=0.5)
    return (f"did you mean {close[0]!r}? " if close else "") + f"allowed: {', '.join(allowed) or 'none'}"


def _line(node: yaml.Node, place: tuple[int | str, ...]) -> int:
    """The line in which a key of the file stands, from 1."""
    if place and isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(place[0]):
                return _line(value, place[1:]) if len(place) > 1 else int(name.start_mark.line) + 1
    if place and isinstance(node, yaml.SequenceNode) and isinstance(place[0], int):
        return _line(node.value[place[0]], place[1:])
    return int(node.start_mark.line) + 1


def _describe(error: Any, root: yaml.Node) -> str:
    key = ".".join(str(part) for part in error["loc"])
    head = f"line {_line(root, error['loc'])}: "
    fields = Grid.model_fields if error["loc"][0] == "grid" and len(error["loc"]) > 1 else Study.model_fields
    if error["type"] == "extra_forbidden":
        return f"{head}{key!r} is no key of a study file; {nearest(str(error['loc'][-1]), fields)}"
    hint = f"; {WAY_OUT['str']}" if error["type"] == "string_type" else ""
    return f"{head}{key}: {error['msg'][0].lower()}{error['msg'][1:]}, got {error['input']!r}{hint}"


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
        text = Path(path).read_text(encoding="utf-8-sig")
        tree = yaml.load(text, Loader=_UniqueKeys)
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
        root = yaml.compose(text, Loader=yaml.SafeLoader) or yaml.MappingNode("", [])
        faults = [_describe(error, root) for error in broken.errors()]
        raise listing(f"study file {path} is refused", faults) from None


def listing(head: str, faults: Iterable[str]) -> ReportError:
    """Return one error that lists all faults.

    Parameters
    ----------
    head : str
    faults : iterable of str

    Returns
    -------
    ReportError
    """
    return ReportError("\n".join([f"{head}:", *(f"- {fault}" for fault in faults)]))
