"""The study file: its keys, and how it is read. Every fault is named with its line and key."""

import json
from collections.abc import Container, Iterable
from difflib import get_close_matches
from pathlib import Path
from reprlib import Repr
from typing import Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reform_analysis import yaml_faults
from reform_analysis.estimates import ReportError
from reform_analysis.messages import Message, cause, listed, message
from reform_analysis.wording import LANGUAGES, catalogue, say

MOST_SECONDS = 30 * 24 * 3600.0  # beyond, clocks of threads overflow
Checked = TypeVar("Checked", bound=BaseModel)
_SHORT = Repr()  # aliases of YAML make a few lines millions of values
_SHORT.maxlevel, _SHORT.maxlist, _SHORT.maxdict, _SHORT.maxstring, _SHORT.maxother = 2, 3, 3, 80, 80


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
        Seconds that one report may take, up to thirty days.
    plan : str, optional
        The analysis plan, relative to the study file.
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
    deadline: float = Field(default=3600.0, gt=0, le=MOST_SECONDS)
    plan: str | None = None

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


def nearest(word: str, choices: Iterable[str]) -> Message:
    """Return the allowed word that is nearest, for a message, and all that are allowed.

    Parameters
    ----------
    word : str
    choices : iterable of str

    Returns
    -------
    Message
    """
    known = sorted(choices)
    allowed = tuple(known) if known else message("refused.none")
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return message("refused.nearest", close=close[0], allowed=allowed)
    return message("refused.allowed", allowed=allowed)


def _describe(error: Any, root: yaml.Node, model: type[BaseModel], kind: str) -> Message:
    place = error["loc"]
    told: dict[str, Any] = {
        "line": yaml_faults.line_of(root, place),
        "field": ".".join(str(part) for part in place),
    }
    if error["type"] == "extra_forbidden":
        near = nearest(str(place[-1]), _allowed(model, place))
        return message("refused.unknown_key", kind=_kind(f"a {kind}"), nearest=near, **told)
    if error["type"] == "missing":
        return message("refused.missing_key", last=place[-1], **told)
    hint = message("refused.hint_str") if error["type"] == "string_type" else ""
    return message(
        "refused.key_rule", rule=_rule(error), value=_SHORT.repr(error["input"]), hint=hint, **told
    )


def _rule(error: Any) -> str:
    """The rule of pydantic that a value breaks: a message where the catalogue has it in the same words."""
    told = error["msg"].removeprefix("Value error, ")
    told = f"{told[0].lower()}{told[1:]}"
    key, values = f"rule.{error['type']}", error.get("ctx", {})
    if isinstance(values.get("error"), ValueError):  # of a validator of ours
        own = values["error"].args[0]
        return own if isinstance(own, Message) else told
    known = key in catalogue() and say(key, "en", **values) == told
    return message(key, **values) if known else told


def _kind(kind: str) -> Message:
    return message(f"refused.{kind.replace(' ', '_')}")


def _allowed(model: type[BaseModel], place: tuple[int | str, ...]) -> Iterable[str]:
    """The keys that may stand where a key of the file stands."""
    for part in place[:-1]:
        field = model.model_fields.get(str(part))
        kinds = () if field is None else (field.annotation, *get_args(field.annotation))
        nested = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        model = nested[0] if nested else model
    return model.model_fields


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
    return parse_checked(read_text(path, kind="study file"), Study, name=str(path), kind="study file")


def read_text(path: str | Path, *, kind: str) -> str:
    """Read a file of text in UTF-8, with or without a byte order mark; line ends become ``\\n``.

    Parameters
    ----------
    path : str or Path
    kind : str
        What it is, for the message.

    Returns
    -------
    str

    Raises
    ------
    ReportError
        If it is missing or no UTF-8.
    """
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as missing:
        told = message("refused.unreadable", kind=_kind(kind), path=path, cause=cause(missing))
        raise ReportError(told) from None
    except UnicodeDecodeError as broken:
        told = message("refused.no_text", kind=_kind(kind), path=path, reason=str(broken))
        raise ReportError(told) from None


def parse_checked(text: str, model: type[Checked], *, name: str, kind: str) -> Checked:
    """Read YAML into a model; every fault is listed with line, key, rule and the nearest key.

    Parameters
    ----------
    text : str
    model : type of BaseModel
        With unknown keys forbidden.
    name, kind : str
        Of the file, for the message.

    Returns
    -------
    BaseModel

    Raises
    ------
    ReportError
        If the text is no YAML mapping or breaks a rule of the model.
    """
    about = {"kind": _kind(kind), "path": name}
    tree, root, faults = _read(text, about, model)
    try:
        checked = model.model_validate(tree)
    except ValidationError as broken:
        found = [_describe(error, root, model, kind) for error in broken.errors() if not _of_a_key(error)]
        raise _refused([*faults, *found], about) from None
    if faults:
        raise _refused(faults, about)
    return checked


def _read(
    text: str, about: dict[str, Any], model: type[BaseModel]
) -> tuple[dict[Any, Any], yaml.Node, list[Message]]:
    """The mapping, its nodes with their lines, and what would not be read as it is written."""
    faults: list[Message] = []
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        faults = yaml_faults.faults(root) if root else []
        tree = loader.construct_document(root) if root else None
    except (yaml.YAMLError, RecursionError, ValueError) as broken:
        if faults:
            raise _refused(faults, about) from None
        raise ReportError(message("refused.no_yaml", reason=str(broken), **about)) from None
    if root is None or not isinstance(tree, dict):
        told = message("refused.no_mapping", value=_SHORT.repr(tree), keys=tuple(model.model_fields), **about)
        raise ReportError(told)
    return tree, root, faults


def _refused(faults: Iterable[Message], about: dict[str, Any]) -> ReportError:
    ordered = sorted(faults, key=lambda fault: int(fault.values["line"]))
    return listing(message("refused.refused", **about), ordered)


def _of_a_key(error: Any) -> bool:
    """Whether pydantic refuses a key that is no text, which `yaml_faults` names as it is written."""
    return bool(error["type"] == "invalid_key" or error["loc"][-1:] == ("[key]",))


def located(faults: Iterable[str], path: str | Path | None, *, besides: Container[str] = ()) -> list[str]:
    """Return faults with the line of the study file that they are about.

    Parameters
    ----------
    faults : iterable of str
        A message whose values have ``at``, keys from the top of the file, gets the line of the last of them.
    path : str, Path or None
        The study file.
    besides : container of str
        Parameters that were given elsewhere.

    Returns
    -------
    list of str
        A fault that is about nothing in the file stays as it is.
    """
    root = yaml.compose(read_text(path, kind="study file"), Loader=yaml.SafeLoader) if path else None
    found = []
    for fault in faults:
        at = fault.values.get("at", ()) if isinstance(fault, Message) and not fault.parts else ()
        lines = (yaml_faults.find(root, place) for place in _places(at, besides)) if root else ()
        line = next((line for line in lines if line), 0)
        found.append(message("refused.at_line", line=line, fault=fault) if line else fault)
    return found


def _places(at: tuple[int | str, ...], besides: Container[str]) -> list[tuple[int | str, ...]]:
    """Where in the file a thing may stand: a parameter in ``parameters``, or as the key that sets it."""
    if at[:1] != ("parameters",):
        return [at] if at else []
    name = str(at[1])
    keys = {"outcome": "outcomes", "exposure": "exposures"}
    own = ("periods", name) if name in ("pre", "post") else (keys.get(name, name),)
    return [] if name in besides else [at, own]


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
    return ReportError(listed(head, faults))
