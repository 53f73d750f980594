"""The analysis plan in a run's manifest: what was frozen, what deviates, what has no report."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from reform_analysis.jobs import JobRecord
from reform_analysis.plan_record import DataAtFreeze, PlanState


class PlanVersion(BaseModel):
    """A version of the analysis plan as it was frozen."""

    model_config = ConfigDict(extra="forbid")
    version: int
    sha256: str
    frozen: datetime
    reason: str | None
    data: list[DataAtFreeze]
    rendered: list[str]


class AnalysisPlanFile(BaseModel):
    """The analysis plan: its present hash, what was frozen, and deviations.

    `unexplained` are differences that no entry of deviations.md explains, `unreported` the planned
    hypotheses that no report of this run is held against.
    """

    model_config = ConfigDict(extra="forbid")
    path: str
    sha256: str
    versions: list[PlanVersion]
    deviations: list[str]
    unexplained: list[str]
    unreported: list[str]


def describe_plan(state: PlanState, records: Sequence[JobRecord]) -> AnalysisPlanFile:
    """Return what a manifest says of the analysis plan.

    Parameters
    ----------
    state : PlanState
    records : sequence of JobRecord
        Of the run.

    Returns
    -------
    AnalysisPlanFile
    """
    versions = [
        PlanVersion(**version.model_dump(include=set(PlanVersion.model_fields))) for version in state.versions
    ]
    return AnalysisPlanFile(
        path=state.path.name,
        sha256=state.sha256,
        versions=versions,
        deviations=[" · ".join(astuple(entry)) for entry in state.deviations],
        unexplained=unexplained(state),
        unreported=unreported(frozen_hypotheses(state), records),
    )


def unexplained(state: PlanState) -> list[str]:
    """Return the unexplained differences of the present plan from the frozen one, as text.

    Parameters
    ----------
    state : PlanState

    Returns
    -------
    list of str
        As ``plan · alpha · 0.05 -> 0.1``.
    """
    return [f"{item.hypothesis} · {item.key} · {item.old!r} -> {item.new!r}" for item in state.unexplained]


def frozen_hypotheses(state: PlanState) -> tuple[str, ...]:
    """Return the ids of the hypotheses that were frozen last.

    Parameters
    ----------
    state : PlanState

    Returns
    -------
    tuple of str
        Empty where the plan was never frozen.
    """
    return tuple(item.id for item in state.versions[-1].plan.hypotheses) if state.versions else ()


def unreported(hypotheses: Sequence[str], records: Sequence[JobRecord]) -> list[str]:
    """Return the hypotheses that no report of a run was planned for.

    Parameters
    ----------
    hypotheses : sequence of str
    records : sequence of JobRecord

    Returns
    -------
    list of str
    """
    reported = {name for record in records for name in record.hypotheses}
    return [name for name in hypotheses if name not in reported]
