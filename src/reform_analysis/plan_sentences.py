"""What a report says of the analysis plan, in Chinese and English, and the cell that holds it."""

from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

import nbformat
from nbformat import NotebookNode

from reform_analysis.analysis_plan import Change, Hypothesis, differences
from reform_analysis.plan_deviations import explanations
from reform_analysis.plan_record import PlanState, Version
from reform_analysis.plan_standing import Standing
from reform_analysis.wording import say

CELL = "analysis-plan"


@dataclass(frozen=True)
class Line:
    """A sentence about the plan.

    Parameters
    ----------
    text : str
    grave : bool
        It tells of a deviation that nothing explains.
    """

    text: str
    grave: bool = False


def sentences(
    state: PlanState | None, found: Standing, language: str, *, data_sha256: str = ""
) -> tuple[Line, ...]:
    """Return what a report says of the plan: where it stands, what was frozen when, and every deviation.

    Parameters
    ----------
    state : PlanState or None
        None for a study without a plan.
    found : Standing
    language : {"zh", "en"}
    data_sha256 : str
        Of the data file that the report reads.

    Returns
    -------
    tuple of Line
    """
    if state is None:
        return (Line(say("plan.none", language)),)
    lines = [Line(say("plan.rehearsal", language))] if found.status == "rehearsal" else []
    if not state.versions:
        return (*lines, Line(say("plan.not_frozen", language)))
    lines += _place(state, found, language)
    lines += _hypothesis(state, found, language)
    lines += record(state, language)
    frozen = [file.sha256 for file in state.versions[max(found.since, 1) - 1].data if file.sha256]
    if found.status != "rehearsal" and frozen and data_sha256 not in frozen:
        lines.append(Line(say("plan.data_changed", language)))
    return (*lines, *deviations(state, language))


def summary(state: PlanState, language: str) -> tuple[Line, ...]:
    """Return what there is to say of a plan apart from any report.

    Parameters
    ----------
    state : PlanState
    language : {"zh", "en"}

    Returns
    -------
    tuple of Line
    """
    if not state.versions:
        return (Line(say("plan.not_frozen", language)),)
    return (*record(state, language), *deviations(state, language))


def _place(state: PlanState, found: Standing, language: str) -> list[Line]:
    names = say("plan.value_list", language).join(found.hypotheses)
    if not found.hypotheses:
        return [Line(say("plan.unnamed", language))]
    if found.departures:
        keys = say("plan.value_list", language).join(change.key for change in found.departures)
        head = Line(say("plan.departs", language, names=names, keys=keys))
        return [head, *(_departure(change, state, language) for change in found.departures)]
    late = bool(state.versions[found.since - 1].rendered)
    key = "plan.late" if late else "plan.planned" if found.since == 1 else "plan.planned_amended"
    lines = [say(key, language, names=names, version=found.since), say("plan.scope", language)]
    return [Line(text) for text in lines]


def _departure(change: Change, state: PlanState, language: str) -> Line:
    values = _values(change, language)
    reasons = explanations(change, state.deviations)
    if not reasons:
        return Line(say("plan.unexplained_departure", language, **values), grave=True)
    text = say("plan.explained_departure", language, day=reasons[-1].day, why=reasons[-1].why, **values)
    return Line(text)


def _hypothesis(state: PlanState, found: Standing, language: str) -> list[Line]:
    """What the hypotheses say, in the words of the plan that was frozen."""
    known = {item.id: item for item in state.versions[-1].plan.hypotheses}
    texts: list[str] = []
    for name in found.hypotheses:
        texts += _words(known[name], language)
    if found.open_keys:
        keys = say("plan.value_list", language).join(found.open_keys)
        texts.append(say("plan.open", language, keys=keys))
    return [Line(text) for text in texts]


def _words(hypothesis: Hypothesis, language: str) -> list[str]:
    return [
        say("plan.statement", language, name=hypothesis.id, statement=hypothesis.statement),
        say("plan.support", language, text=hypothesis.support),
        say("plan.refutation", language, text=hypothesis.refutation),
    ]


def record(state: PlanState, language: str) -> list[Line]:
    """Return what was frozen, when, and what data were there by then.

    Parameters
    ----------
    state : PlanState
        With at least one version.
    language : {"zh", "en"}

    Returns
    -------
    list of Line
    """
    first = state.versions[0]
    texts = [_frozen(first, language), *_data(first, language)]
    for before, version in zip(state.versions, state.versions[1:], strict=False):
        texts += [_amendment(before, version, language), *_data(version, language)]
    return [Line(text) for text in texts]


def _frozen(version: Version, language: str) -> str:
    return say(
        "plan.frozen",
        language,
        title=version.plan.title,
        version=version.version,
        alpha=f"{version.plan.alpha:g}",
        time=_time(version.frozen),
        package=version.package_version,
    )


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _amendment(before: Version, version: Version, language: str) -> str:
    found = differences(before.plan, version.plan)
    changes = [
        say("plan.change", language, hypothesis=change.hypothesis, **_values(change, language))
        for change in found
    ]
    return say(
        "plan.amended",
        language,
        version=version.version,
        time=_time(version.frozen),
        reason=(version.reason or "").rstrip("。."),
        changes=say("format.list", language).join(changes) or say("plan.no_change", language),
    )


def _data(version: Version, language: str) -> list[str]:
    number = version.version
    texts = [say("plan.hash", language, version=number, sha256=version.sha256)]
    for file in version.data:
        key = "plan.data_existed" if file.sha256 else "plan.data_missing"
        texts.append(say(key, language, version=number, name=file.path, sha256=(file.sha256 or "")[:12]))
    if not version.data:
        texts.append(say("plan.data_unnamed", language, version=number))
    if version.rendered:
        runs = say("plan.value_list", language).join(version.rendered)
        return [*texts, say("plan.rendered", language, runs=runs)]
    return [*texts, say("plan.not_rendered", language, folder=version.reports)]


def deviations(state: PlanState, language: str) -> list[Line]:
    """Return every deviation: differences of the present plan from the frozen one, and what was declared.

    Parameters
    ----------
    state : PlanState
        With at least one version.
    language : {"zh", "en"}

    Returns
    -------
    list of Line
        Unexplained ones first.
    """
    lines = [
        Line(
            say("plan.unexplained", language, hypothesis=change.hypothesis, **_values(change, language)), True
        )
        for change in state.unexplained
    ]
    used = set()
    for change in state.changes:
        for entry in explanations(change, state.deviations)[-1:]:
            used.add(entry)
            values = {**_values(change, language), "hypothesis": change.hypothesis}
            lines.append(Line(say("plan.explained", language, day=entry.day, why=entry.why, **values)))
    for entry in state.deviations:
        if entry not in used:
            values = {"day": entry.day, "hypothesis": entry.hypothesis, "what": entry.what, "why": entry.why}
            lines.append(Line(say("plan.declared", language, **values)))
    if state.sha256 != state.versions[-1].sha256 and not state.changes:
        lines.append(Line(say("plan.layout_only", language)))
    return lines or [Line(say("plan.no_deviation", language))]


def _values(change: Change, language: str) -> dict[str, str]:
    return {
        "item": change.key,
        "old": _shown(change.old, language),
        "new": _shown(change.new, language),
    }


def _shown(value: Any, language: str) -> str:
    if value is None:
        return say("plan.value_open", language)
    if isinstance(value, list):
        value = say("plan.value_list", language).join(value)
    if isinstance(value, dict):
        value = say("plan.value_list", language).join(f"{key}={item}" for key, item in value.items())
    return " ".join(str(value).split()) or say("plan.value_empty", language)


def cell(lines: tuple[Line, ...], language: str) -> NotebookNode:
    """Return the cell that tells of the plan; it shows in JupyterLab as on the page.

    Parameters
    ----------
    lines : tuple of Line
    language : {"zh", "en"}

    Returns
    -------
    NotebookNode
        Markdown, of one block of HTML: whatever the plan's author wrote stands there as text.
    """
    first, *rest = (_html(line) for line in lines)
    items = "".join(f"<li>{item}</li>" for item in rest)
    title = escape(say("plan.title", language))
    text = f'<div class="box plan"><p><strong>{title}</strong></p><p><strong>{first}</strong></p>'
    text += f"<ul>{items}</ul></div>" if rest else "</div>"
    found: NotebookNode = nbformat.v4.new_markdown_cell(text, id=CELL)
    found.metadata.tags = [CELL]
    return found


def _html(line: Line) -> str:
    text = escape(" ".join(line.text.split())).replace("$", "&#36;").replace("\\", "&#92;")
    return f'<strong class="unexplained">{text}</strong>' if line.grave else text


def insert(notebook: NotebookNode, added: NotebookNode) -> None:
    """Put the cell under the title of a notebook, or on top where there is none.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place; a cell of this kind that is there already goes.
    added : NotebookNode
    """
    cells = [old for old in notebook.cells if CELL not in old.metadata.get("tags", [])]
    titles = [
        number
        for number, old in enumerate(cells, start=1)
        if old.cell_type == "markdown" and any(line.startswith("# ") for line in old.source.splitlines())
    ]
    place = titles[0] if titles else 0
    notebook.cells = [*cells[:place], added, *cells[place:]]
