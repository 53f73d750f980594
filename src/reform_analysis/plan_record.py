"""The record of a frozen plan: its hash, when it was frozen, and what data were there by then.

A time that the user's own computer wrote proves nothing to anyone else, and neither does a file that its
owner can edit. Whoever needs proof deposits the hash with a third party.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reform_analysis import __version__
from reform_analysis.analysis_plan import (
    AnalysisPlan,
    Change,
    canonical,
    differences,
    parse_plan,
    require_complete,
    text_hash,
)
from reform_analysis.estimates import ReportError
from reform_analysis.messages import Message, message
from reform_analysis.plan_deviations import FILE, Deviation, explanations, read_deviations
from reform_analysis.plan_notebooks import as_frozen
from reform_analysis.plan_statement import DataAtFreeze, statement
from reform_analysis.storage import digest, write
from reform_analysis.study_file import read_study


class Version(BaseModel):
    """A plan as it was frozen.

    Parameters
    ----------
    version : int
        From 1.
    sha256 : str
        Of `text`.
    frozen : datetime
        UTC, by the clock of the computer on which it was frozen.
    package_version : str
        Of reform-analysis.
    reason : str or None
        Of an amendment.
    study : str or None
        The study file that was looked at; None where there was none.
    data : list of DataAtFreeze
    reports : str
        The folder that was searched for earlier runs.
    rendered : list of str
        Runs there that had read these files (any of the user's own, where none was named), or whose
        manifest does not say.
    statement : str
        The same in words.
    text : str
        The plan in canonical form.
    reading, cells : str or None, dict of str to str
        How the study read its file, and the hashes of its notebooks' code (`plan_notebooks`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: int
    sha256: str
    frozen: datetime
    package_version: str
    reason: str | None
    study: str | None
    data: list[DataAtFreeze]
    reports: str
    rendered: list[str]
    statement: str
    text: str
    reading: str | None = None
    cells: dict[str, str] = {}

    @property
    def found(self) -> dict[str, Any]:
        """What was there, as `statement` takes it.

        Returns
        -------
        dict
        """
        return {"study": self.study, "data": self.data, "rendered": self.rendered, "reports": self.reports}

    @property
    def plan(self) -> AnalysisPlan:
        """The plan that was frozen.

        Returns
        -------
        AnalysisPlan
        """
        return _parsed(self.text, self.version)


@cache
def _parsed(text: str, number: int) -> AnalysisPlan:
    return parse_plan(text, name=f"version {number}")


class Record(BaseModel):
    """What ``plan.frozen.json`` holds: every version, oldest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_version: Literal[1] = 1
    versions: list[Version] = Field(min_length=1)


@dataclass(frozen=True)
class PlanState:
    """A plan as it stands: the file, what was frozen, and what was declared.

    Parameters
    ----------
    path : Path
        Of the plan.
    sha256 : str
        Of the present text.
    plan : AnalysisPlan
        The present one.
    versions : tuple of Version
        Frozen, oldest first; empty where the plan was never frozen.
    deviations : tuple of Deviation
    """

    path: Path
    sha256: str
    plan: AnalysisPlan
    versions: tuple[Version, ...]
    deviations: tuple[Deviation, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """How the present plan differs from the version frozen last.

        Returns
        -------
        tuple of Change
        """
        return differences(self.versions[-1].plan, self.plan) if self.versions else ()

    @property
    def unexplained(self) -> tuple[Change, ...]:
        """Those of `changes` that no deviation explains.

        Returns
        -------
        tuple of Change
        """
        return tuple(change for change in self.changes if not explanations(change, self.deviations))


def record_path(plan: str | Path) -> Path:
    """Return where the record of a plan stands: ``plan.frozen.json`` beside ``plan.yaml``.

    Parameters
    ----------
    plan : str or Path

    Returns
    -------
    Path
    """
    return Path(plan).with_name(f"{Path(plan).stem}.frozen.json")


def read_record(path: str | Path) -> tuple[Version, ...]:
    """Read the record of a plan.

    Parameters
    ----------
    path : str or Path
        May be missing: the plan was never frozen then.

    Returns
    -------
    tuple of Version
        Oldest first.

    Raises
    ------
    ReportError
        If it is broken, or a version's text does not have the version's hash.
    """
    if not Path(path).exists():
        return ()
    try:
        record = Record.model_validate_json(Path(path).read_bytes())
    except (OSError, ValidationError) as broken:
        first = str(broken).splitlines()[0]
        raise ReportError(message("refused.record_broken", path=path, reason=first)) from None
    for number, version in enumerate(record.versions, start=1):
        if version.version != number or text_hash(version.text) != version.sha256:
            raise ReportError(message("refused.record_hash", path=path, version=number))
    return tuple(record.versions)


def read_state(path: str | Path) -> PlanState:
    """Read a plan with its record and its deviations.

    Parameters
    ----------
    path : str or Path
        Of the plan; ``plan.frozen.json`` and ``deviations.md`` stand beside it, if at all.

    Returns
    -------
    PlanState

    Raises
    ------
    ReportError
        If one of the three breaks a rule.
    """
    text = canonical(path)
    plan = parse_plan(text, name=str(path))
    versions = read_record(record_path(path))
    ids = {item.id for known in (plan, *(version.plan for version in versions)) for item in known.hypotheses}
    entries = read_deviations(Path(path).with_name(FILE), hypotheses=ids)
    return PlanState(Path(path), text_hash(text), plan, versions, entries)


def freeze(
    path: str | Path = "plan.yaml",
    *,
    study: str | Path | None = None,
    reports: str | Path | None = None,
    amend: str | None = None,
    now: datetime | None = None,
) -> Version:
    """Record a plan's hash, the time, and what data were there; a frozen version is never overwritten.

    Parameters
    ----------
    path : str or Path
        Of the plan.
    study : str or Path, optional
        The study file that names the data; ``study.yaml`` beside the plan where it is left out.
    reports : str or Path, optional
        Where earlier runs are looked for; ``reports`` beside the plan where it is left out.
    amend : str, optional
        The reason for a further version.
    now : datetime, optional
        The time to record.

    Returns
    -------
    Version
        As it was added to ``plan.frozen.json``.

    Raises
    ------
    ReportError
        If the plan is refused or incomplete, is frozen already and no reason for an amendment is given, or
        has not changed since.
    """
    text = canonical(path)
    require_complete(parse_plan(text, name=str(path)))
    earlier = read_record(record_path(path))
    _check_amendment(earlier, text, amend, record_path(path))
    named = _study_beside(path, study)
    folder = Path(path).with_name("reports") if reports is None else Path(reports)
    if study is not None and not named.is_file():
        raise ReportError(message("refused.plan_study", study=study))
    data = _data_files(named) if named.is_file() else []
    rendered = earlier_runs(folder, data=data)
    version = Version(
        version=len(earlier) + 1,
        sha256=text_hash(text),
        frozen=(now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0),
        package_version=__version__,
        reason=amend.strip() if amend else None,
        study=named.name if named.is_file() else None,
        data=data,
        reports=folder.name,
        rendered=rendered,
        statement=str(
            statement(
                study=named.name if named.is_file() else None,
                data=data,
                rendered=rendered,
                reports=folder.name,
            )
        ),
        text=text,
        **as_frozen(named),
    )
    record = Record(versions=[*earlier, version])
    document = json.dumps(record.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"
    write(record_path(path), document.encode())
    return version


def not_named(path: str | Path, *, study: str | Path | None = None) -> str | Message:
    """Return a warning where the study file does not name the plan: no report is held against it then.

    Parameters
    ----------
    path : str or Path
        Of the plan.
    study : str or Path, optional
        ``study.yaml`` beside the plan where it is left out.

    Returns
    -------
    str or Message
        Empty where it names the plan, or there is no study file.

    Raises
    ------
    ReportError
        If the study file is refused.
    """
    named = _study_beside(path, study)
    if not named.is_file():
        return ""
    name = read_study(named).plan
    if name is not None and (named.parent / name).resolve() == Path(path).resolve():
        return ""
    relative = Path(os.path.relpath(Path(path).resolve(), named.parent.resolve())).as_posix()
    if name is None:
        return message("plan.not_named", study=named, plan=relative)
    return message("plan.other_named", study=named, other=name, plan=relative)


def _study_beside(plan: str | Path, study: str | Path | None) -> Path:
    return Path(plan).with_name("study.yaml") if study is None else Path(study)


def _check_amendment(earlier: tuple[Version, ...], text: str, amend: str | None, record: Path) -> None:
    if amend is not None and not amend.strip():
        raise ReportError(message("refused.amend_empty"))
    if not earlier and amend:
        raise ReportError(message("refused.amend_first"))
    if earlier and text_hash(text) == earlier[-1].sha256:
        moment = f"{earlier[-1].frozen:%Y-%m-%d %H:%M} UTC"
        raise ReportError(message("refused.frozen_same", version=len(earlier), moment=moment, record=record))
    if earlier and not amend:
        raise ReportError(message("refused.frozen_other", record=record, file=FILE))


def _data_files(study: Path) -> list[DataAtFreeze]:
    name = str(read_study(study).values().get("data") or "")
    file = study.parent / name
    sha256 = digest(file) if name and file.is_file() else None
    return [DataAtFreeze(path=name, sha256=sha256)] if name else []


def earlier_runs(folder: str | Path, *, data: Sequence[DataAtFreeze] = ()) -> list[str]:
    """Return the runs of a folder that had read the user's own data, or do not say what they read.

    Parameters
    ----------
    folder : str or Path
        Of reports; may be missing.
    data : sequence of DataAtFreeze
        Files to look for, by path or hash; any file of the user's own where there is none.

    Returns
    -------
    list of str
        Names of runs, oldest first.
    """
    runs = [path.parent for path in Path(folder).glob("*/run.json")]
    return sorted(run.name for run in runs if _has_read(run, data))


def _has_read(run: Path, data: Sequence[DataAtFreeze]) -> bool:
    sought = {text for file in data for text in (file.path, file.sha256) if text}
    try:
        document: dict[str, Any] = json.loads((run / "manifest.json").read_bytes())
        own = [file for file in document["data"] if file["kind"] == "own"]
        return any(not sought or {file["path"], file["sha256"]} & sought for file in own)
    except (OSError, ValueError, KeyError, TypeError):
        return True  # stopped, or damaged: what it read is not known
