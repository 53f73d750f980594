"""A replication pack run again: its notebooks through the batch, its numbers against the new ones.

A pack is a program. Whatever its notebooks hold runs with the rights of whoever calls `rerun`; that it is
unpacked into a folder of its own keeps its files there, not its code.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reform_analysis import resources
from reform_analysis.estimates import DataError
from reform_analysis.jobs import JobRecord
from reform_analysis.manifest import Manifest, Report
from reform_analysis.messages import message
from reform_analysis.notebook_source import Source, read_source
from reform_analysis.pack_checks import Verified
from reform_analysis.pack_contents import ESTIMATES, Input, Notebook
from reform_analysis.pack_differences import Difference
from reform_analysis.pack_numbers import (
    Compared,
    compare_notebooks,
    compare_tables,
    read_notebook,
    read_table,
)
from reform_analysis.plan_record import PlanState, read_state
from reform_analysis.report import render_plan
from reform_analysis.runs import RunResult
from reform_analysis.storage import digest, scratch_prefix
from reform_analysis.study import Plan, Planned
from reform_analysis.study_file import Study, read_study
from reform_analysis.unpack import name_faults, unpack
from reform_analysis.wording import LANGUAGES


@dataclass(frozen=True)
class Rerun:
    """What came of running a pack again.

    Parameters
    ----------
    reports : int
        That the pack has.
    identical : int
        Those whose files came out byte for byte the same.
    promised : int
        Those with the cache key of the pack: equal bytes are promised for them, as inputs, package, Python,
        libraries and system are the same.
    compared : Compared
        Differences, and the numbers compared: of the table of estimates, and of the reports' outputs.
    stopped : bool
        By Ctrl-C; nothing was compared then.
    """

    reports: int
    identical: int = 0
    promised: int = 0
    compared: Compared = field(default_factory=Compared)
    stopped: bool = False


def left_out(verified: Verified) -> list[Input]:
    """Return the data files that a pack names and does not hold.

    Parameters
    ----------
    verified : Verified

    Returns
    -------
    list of Input
    """
    return [file for file in verified.pack.inputs if file.member is None]


def match_data(verified: Verified, paths: Sequence[str | Path]) -> dict[str, Path]:
    """Match files at hand with those that a pack does not hold, by SHA-256.

    Parameters
    ----------
    verified : Verified
    paths : sequence of str or Path

    Returns
    -------
    dict of str to Path
        Path of the run to file.

    Raises
    ------
    DataError
        If a file cannot be read, or is none of those that were read.
    """
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        if not path.is_file():
            raise DataError(message("refused.verify_data", path=path))
        sha256 = digest(path)
        fitting = [file.read_as for file in left_out(verified) if file.sha256 == sha256]
        if not fitting:
            raise DataError(message("refused.verify_other_data", path=path, sha256=sha256))
        found |= dict.fromkeys(fitting, path)
    return found


def rerun(
    verified: Verified,
    *,
    data: Sequence[str | Path] = (),
    jobs: int | None = None,
    on_record: Callable[[JobRecord], None] | None = None,
    on_start: Callable[[int], None] | None = None,
) -> Rerun:
    """Run a pack's notebooks in a temporary folder and compare the numbers. This executes the pack's code.

    Parameters
    ----------
    verified : Verified
        Without differences.
    data : sequence of str or Path
        Files that the pack names and does not hold.
    jobs : int, optional
        Reports at a time; as many as there are cores where it is left out.
    on_record, on_start : callable, optional
        As for `report.render`.

    Returns
    -------
    Rerun

    Raises
    ------
    DataError
        If the pack has differences, or data are missing.
    ReportError
        If a notebook of the pack cannot be run at all.
    """
    manifest = verified.manifest
    if manifest is None or verified.differences:
        raise DataError(message("refused.pack_differs"))
    with TemporaryDirectory(prefix=scratch_prefix(), ignore_cleanup_errors=True) as place:
        folder = Path(place).resolve() / "pack"
        unpack(verified.content, folder)
        plan = _plan(folder, verified, manifest, match_data(verified, data))
        run = render_plan(
            plan,
            out=folder.with_name("reports"),
            fresh=True,
            jobs=jobs,
            on_record=on_record,
            on_start=on_start,
        )
        if run.stopped_by_user:
            return Rerun(len(manifest.reports), stopped=True)
        return _compare(folder, manifest, run)


def _plan(folder: Path, verified: Verified, manifest: Manifest, data: dict[str, Path]) -> Plan:
    """The plan of the run, from what its manifest says; the study file gives only its deadline and plan."""
    base = folder / "study"
    base.mkdir(exist_ok=True)
    places = {file.read_as: _place(file, folder, base, data) for file in verified.pack.inputs}
    sources = {notebook.name: _source(notebook, folder) for notebook in verified.pack.notebooks}
    study = read_study(folder / verified.pack.study) if verified.pack.study else Study()
    return Plan(
        title=manifest.title,
        folder=base,
        languages=tuple(manifest.languages),
        sources=tuple(sources.values()),
        keys=tuple(manifest.grid),
        reports=tuple(_planned(report, sources, places) for report in manifest.reports),
        deadline=study.deadline,
        analysis=_analysis(study, base, manifest),
    )


def _place(file: Input, folder: Path, base: Path, data: dict[str, Path]) -> str:
    """A data file as a path from the study's folder; one that the pack lacks is put where the run read it."""
    if file.member is not None:
        target = folder / file.member
    elif file.read_as in data:
        inside = not name_faults(file.read_as)
        target = base / file.read_as if inside else folder / "given" / Path(file.read_as).name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data[file.read_as], target)
    else:
        return ""
    same = os.path.normpath(base / file.read_as) == str(target)
    return file.read_as if same else Path(os.path.relpath(target, base)).as_posix()


def _source(notebook: Notebook, folder: Path) -> Source:
    """A notebook; one that came with reform-analysis from here, if it is the same, as its footer says so."""
    path = folder / notebook.member
    here = resources.notebook_paths().get(notebook.name) if notebook.packaged else None
    source = read_source(here if here is not None and digest(here) == digest(path) else path)
    if source.name != notebook.name:
        raise DataError(f"pack is refused: its notebook {notebook.name!r} is the file {notebook.member!r}.")
    return source


def _planned(report: Report, sources: dict[str, Source], places: dict[str, str]) -> Planned:
    source = sources.get(report.notebook)
    settings: dict[str, Any] = dict(report.parameters)
    if (
        source is None
        or report.keys.get("language") not in LANGUAGES
        or settings.keys() - source.declared.keys()
    ):
        raise DataError(f"pack is refused: the report {report.stem!r} fits no notebook of the pack.")
    if settings.get("data"):
        place = places.get(str(settings["data"]))
        if not place:
            raise DataError(message("refused.verify_no_data", name=str(settings["data"])))
        settings["data"] = place
    return Planned(replace(source, settings=settings), report.keys, report.stem)


def _analysis(study: Study, base: Path, manifest: Manifest) -> PlanState | None:
    if manifest.analysis_plan is None or study.plan is None:
        return None
    path = Path(os.path.normpath(base / study.plan))
    if not path.is_relative_to(base):
        raise DataError(f"pack is refused: its analysis plan {study.plan!r} leaves the folder.")
    return read_state(path)


def _compare(folder: Path, manifest: Manifest, run: RunResult) -> Rerun:
    again = {record.stem: record for record in run.records}
    found = Rerun(len(manifest.reports))
    for report in manifest.reports:
        found = _compare_report(found, folder / "results", report, again.get(report.stem), run.folder)
    stored = folder / ESTIMATES[0]
    packed = read_table(stored.read_bytes()) if stored.exists() else run.estimates().iloc[:0]
    tables = compare_tables(packed, run.estimates(), keys=run.keys)
    return replace(found, compared=tables + found.compared)


def _compare_report(
    found: Rerun, results: Path, report: Report, again: JobRecord | None, folder: Path
) -> Rerun:
    status = "missing" if again is None else again.status
    if again is None or status != report.status:
        fields = {"report": report.stem, "old": report.status, "new": status}
        error = (again.error if again else None) or report.error or ""
        wrong = Compared((Difference("status_differs", {**fields, "error": error}),))
        return replace(found, compared=found.compared + wrong)
    compared = Compared()
    for name in report.files:
        if name.endswith(".ipynb"):
            old, new = (read_notebook((place / name).read_bytes()) for place in (results, folder))
            compared += compare_notebooks(old, new, report=report.stem)
    promised = again.key == report.cache_key
    same = all(digest(folder / name) == sha256 for name, sha256 in report.files.items())
    if promised and not same and not compared.differences:
        compared += Compared((Difference("bytes_differ", {"report": report.stem}),))
    return replace(
        found,
        identical=found.identical + same,
        promised=found.promised + promised,
        compared=found.compared + compared,
    )
