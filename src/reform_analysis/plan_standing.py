"""Where a report stands: planned by a frozen hypothesis, planned too late, or explored."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose
from typing import Any, Literal

from reform_analysis.analysis_plan import UNORDERED, WHOLE, AnalysisPlan, Change, Hypothesis
from reform_analysis.panel_source import listed
from reform_analysis.plan_record import PlanState, Version

Status = Literal["planned", "late", "explored", "rehearsal"]
NoStanding = Literal[""]  # nothing is said of a plan
DataKind = Literal["synthetic", "published", "own", "undeclared"]
ALPHA = 0.05  # of notebooks that declare no ci_level
COMPARED = ("outcome", "exposure", *UNORDERED)
OPEN: tuple[Any, ...] = (None, [])
FREE = {"language", "data", "aliases", "reading", "seed", "ci_level", *COMPARED}


@dataclass(frozen=True)
class Standing:
    """Where a report stands.

    Parameters
    ----------
    status : {"planned", "late", "explored", "rehearsal"}
        "late": planned, but by a version that was frozen when reports on the data existed. "rehearsal": the
        data are SYNTHETIC.
    hypotheses : tuple of str
        Ids of the hypotheses that planned it; of the nearest one where it departs.
    since : int
        The version from which on it was planned; 0 where it was not.
    departures : tuple of Change
        From the nearest hypothesis of the same notebook: `old` is planned, `new` is here.
    open_keys : tuple of str
        What the hypothesis leaves open.
    """

    status: Status
    hypotheses: tuple[str, ...]
    since: int
    departures: tuple[Change, ...]
    open_keys: tuple[str, ...]


def standing(
    state: PlanState | None,
    *,
    notebook: str,
    settings: Mapping[str, Any],
    defaults: Mapping[str, Any],
    kind: DataKind,
    cells: str = "",
) -> Standing | None:
    """Return where a report stands.

    A report is planned where the version frozen last has a hypothesis with its notebook, outcome, exposure,
    measures, periods and alpha, and no other parameter that the hypothesis does not name is set away from
    the notebook's default; so one county of a grid is explored unless the plan names it. The notebook's code
    and `reading` must be those of the study when that version was frozen, where it knows them.

    Parameters
    ----------
    state : PlanState or None
        None for a study without a plan.
    notebook : str
    settings : mapping
        The values of this report.
    defaults : mapping
        The notebook's values where nothing is set.
    kind : {"synthetic", "published", "own", "undeclared"}
        Of its data.
    cells : str
        Hash of the notebook's code (`plan_notebooks.code_hash`); empty to compare none.

    Returns
    -------
    Standing or None
        None where there is no plan and the data are not the user's own.
    """
    if state is None:
        return Standing("explored", (), 0, (), ()) if kind == "own" else None
    if not state.versions:
        return Standing("rehearsal" if kind == "synthetic" else "explored", (), 0, (), ())
    found = [_compare(version, notebook, settings, defaults, cells) for version in state.versions]
    planned, departures, open_keys = found[-1]
    since = _since(found) if not departures and planned else 0
    status: Status = _status(state.versions[since - 1]) if since else "explored"
    return Standing("rehearsal" if kind == "synthetic" else status, planned, since, departures, open_keys)


Compared = tuple[tuple[str, ...], tuple[Change, ...], tuple[str, ...]]


def _status(version: Version) -> Status:
    return "late" if version.rendered else "planned"


def _since(found: list[Compared]) -> int:
    """The first of the versions, counted back from the last, all of which planned the report."""
    number = len(found)
    while number > 1 and found[number - 2][0] and not found[number - 2][1]:
        number -= 1
    return number


def _compare(
    version: Version, notebook: str, settings: Mapping[str, Any], defaults: Mapping[str, Any], cells: str
) -> Compared:
    plan = version.plan
    same = [item for item in plan.hypotheses if item.notebook_name == notebook]
    if not same:
        return (), (), ()
    values = {**defaults, **settings}
    ways = [
        (item, (*_departures(plan, item, values, defaults), *_moved(version, item, values, cells)))
        for item in same
    ]
    nearest, departures = min(ways, key=lambda way: len(way[1]))
    fits = tuple(item.id for item, ways_out in ways if not ways_out) or (nearest.id,)
    open_keys = tuple(key for key in COMPARED if key in values and getattr(nearest, key) in OPEN)
    return fits, departures, open_keys


def _departures(
    plan: AnalysisPlan, hypothesis: Hypothesis, values: Mapping[str, Any], defaults: Mapping[str, Any]
) -> tuple[Change, ...]:
    level = values.get("ci_level")
    alpha = ALPHA if level is None else 1 - float(level)
    found = [] if isclose(alpha, plan.alpha) else [Change(WHOLE, "alpha", plan.alpha, round(alpha, 10))]
    for key in COMPARED:
        wanted = getattr(hypothesis, key)
        if key in values and wanted not in OPEN and not _agree(key, wanted, str(values[key] or "")):
            found.append(Change(hypothesis.id, key, wanted, values[key]))
    for key in sorted((values.keys() - FREE) | hypothesis.parameters.keys()):
        wanted = hypothesis.parameters.get(key, defaults.get(key))
        if values.get(key) != wanted:
            found.append(Change(hypothesis.id, key, wanted, values.get(key)))
    return tuple(found)


def _moved(
    version: Version, hypothesis: Hypothesis, values: Mapping[str, Any], cells: str
) -> tuple[Change, ...]:
    """What was not as the study had it when the version was frozen: how the file is read, the code."""
    found = []
    reading, frozen = str(values.get("reading") or ""), version.cells.get(hypothesis.notebook_name)
    compared = version.reading is not None and "reading" in values and "reading" not in hypothesis.parameters
    if compared and _parts(version.reading or "") != _parts(reading):
        found.append(Change(hypothesis.id, "reading", version.reading, reading))
    if cells and frozen and cells != frozen:
        found.append(Change(hypothesis.id, "cells", frozen[:12], cells[:12]))
    return tuple(found)


def _parts(reading: str) -> set[str]:
    """What is said of a file, but for its being made up: a plan is rehearsed on such a file."""
    parts = {"".join(part.split()) for part in listed(reading)} if reading.strip() else set()
    return {part for part in parts if not part.startswith("synthetic=")}


def _agree(key: str, wanted: Any, value: str) -> bool:
    if key not in UNORDERED:
        return bool(wanted == value)
    return sorted(wanted) == sorted(listed(value) if value.strip() else [])
