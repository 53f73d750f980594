"""The analysis plan: hypotheses with what would support and what would refute them, and how plans differ."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from reform_analysis.estimates import ReportError
from reform_analysis.messages import message
from reform_analysis.study_file import parse_checked, read_text

KIND = "analysis plan"
WHOLE = "plan"  # stands for the keys that belong to no hypothesis
NEEDED = ("statement", "outcome", "support", "refutation")
UNORDERED = ("measures", "pre", "post")


class Hypothesis(BaseModel):
    """One hypothesis of a plan. A key that is left empty is one that the plan leaves open.

    Parameters
    ----------
    id : str
        As H1; deviations name it.
    statement : str or None
        What is claimed, in words.
    notebook : str
        The notebook that tests it, as ``03_association``.
    outcome : str or None
        Column of the panel.
    exposure : str, optional
        Its denominator; empty text for none.
    measures : list of str, optional
        For ``03_association``.
    pre, post : list of str, optional
        Periods.
    model : str, optional
        In words.
    checks : list of str, optional
        In words, or names of checks.
    support, refutation : str or None
        What would count as either, in the researcher's words.
    parameters : dict, optional
        Other parameters of the notebook that are part of the plan, as ``cluster: county``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(pattern=r"^[^\s·・•]+$")
    statement: str | None
    notebook: str = Field(min_length=1)
    outcome: str | None
    exposure: str | None = None
    measures: list[str] | None = None
    pre: list[str] | None = None
    post: list[str] | None = None
    model: str | None = None
    checks: list[str] | None = None
    support: str | None
    refutation: str | None
    parameters: dict[str, str | int | float | bool | None] = {}

    @property
    def notebook_name(self) -> str:
        """The notebook's name without folder and ending.

        Returns
        -------
        str
        """
        return self.notebook.replace("\\", "/").rpartition("/")[2].removesuffix(".ipynb")


class AnalysisPlan(BaseModel):
    """The keys of an analysis plan. Unknown keys are refused.

    Parameters
    ----------
    title : str
    alpha : float
        Level of the tests; intervals are of level 1 - alpha.
    hypotheses : list of Hypothesis
        With different ids.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: str
    alpha: float = Field(gt=0, lt=1)
    hypotheses: list[Hypothesis] = Field(min_length=1)

    @field_validator("hypotheses")
    @classmethod
    def _different_ids(cls, hypotheses: list[Hypothesis]) -> list[Hypothesis]:
        ids = [hypothesis.id for hypothesis in hypotheses]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(message("refused.id_twice", name=twice[0]))
        if WHOLE in ids:
            raise ValueError(message("refused.id_whole", name=WHOLE))
        return hypotheses


@dataclass(frozen=True)
class Change:
    """One difference between two plans.

    Parameters
    ----------
    hypothesis : str
        Its id; ``plan`` for a key of the plan itself.
    key : str
        ``hypothesis`` where a whole hypothesis was added or removed.
    old, new : object
        None where there was nothing.
    """

    hypothesis: str
    key: str
    old: Any
    new: Any


def canonical(path: str | Path) -> str:
    """Return a plan's text in the form that is hashed: UTF-8 without byte order mark, line ends ``\\n``.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    str

    Raises
    ------
    ReportError
        If it cannot be read.
    """
    return read_text(path, kind=KIND)


def text_hash(text: str) -> str:
    """Return the SHA-256 of a plan's canonical text.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return hashlib.sha256(text.encode()).hexdigest()


def parse_plan(text: str, *, name: str = "plan.yaml") -> AnalysisPlan:
    """Read the text of a plan.

    Parameters
    ----------
    text : str
    name : str
        For the message.

    Returns
    -------
    AnalysisPlan

    Raises
    ------
    ReportError
        Every fault with line, key and rule.
    """
    return parse_checked(text, AnalysisPlan, name=name, kind=KIND)


def read_plan(path: str | Path) -> AnalysisPlan:
    """Read an analysis plan.

    Parameters
    ----------
    path : str or Path
        A YAML file in UTF-8 with the keys of `AnalysisPlan`.

    Returns
    -------
    AnalysisPlan

    Raises
    ------
    ReportError
        If it is missing, is no YAML mapping, or breaks a rule.
    """
    return parse_plan(canonical(path), name=str(path))


def require_complete(plan: AnalysisPlan) -> None:
    """Refuse a plan that does not say what it tests and what would count.

    Parameters
    ----------
    plan : AnalysisPlan

    Raises
    ------
    ReportError
        Naming the keys that are empty.
    """
    empty = [
        f"{hypothesis.id}.{key}"
        for hypothesis in plan.hypotheses
        for key in NEEDED
        if not str(getattr(hypothesis, key) or "").strip()
    ]
    if empty:
        raise ReportError(message("refused.plan_incomplete", needed=NEEDED, empty=tuple(empty)))


def differences(old: AnalysisPlan, new: AnalysisPlan) -> tuple[Change, ...]:
    """Return how two plans differ, key by key.

    Parameters
    ----------
    old, new : AnalysisPlan

    Returns
    -------
    tuple of Change
        Keys of the plan first, then hypotheses in the order of their first appearance. The order of
        measures and periods is no difference.
    """
    found = [
        Change(WHOLE, key, getattr(old, key), getattr(new, key))
        for key in ("title", "alpha")
        if getattr(old, key) != getattr(new, key)
    ]
    before, after = ({item.id: item for item in plan.hypotheses} for plan in (old, new))
    for name in dict.fromkeys([*before, *after]):
        if name in before and name in after:
            found += _changed_keys(before[name], after[name])
        else:
            was, now = before.get(name), after.get(name)
            found.append(Change(name, "hypothesis", was and was.statement, now and now.statement))
    return tuple(found)


def _changed_keys(old: Hypothesis, new: Hypothesis) -> list[Change]:
    pairs = {key: (getattr(old, key), getattr(new, key)) for key in Hypothesis.model_fields}
    return [Change(new.id, key, was, now) for key, (was, now) in pairs.items() if not _same(key, was, now)]


def _same(key: str, was: Any, now: Any) -> bool:
    if key in UNORDERED and was is not None and now is not None:
        return sorted(was) == sorted(now)
    return bool(was == now)
