"""Reports: a plan of notebooks rendered by the batch's workers, and the index of all runs."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from jupyter_client.kernelspec import NoSuchKernel

from reform_analysis import __version__, batch, manifest, outcome, plan_sentences
from reform_analysis.estimates import ReportError
from reform_analysis.grid import read_shard
from reform_analysis.headlines import record
from reform_analysis.jobs import FORMATS, Job, JobRecord
from reform_analysis.kernels import specifications
from reform_analysis.messages import message
from reform_analysis.notebook_source import Source
from reform_analysis.parameters import default_values
from reform_analysis.plan_manifest import frozen_hypotheses, unexplained
from reform_analysis.plan_notebooks import code_hash
from reform_analysis.plan_sentences import Line
from reform_analysis.plan_standing import standing
from reform_analysis.runs import RunResult, write_index
from reform_analysis.storage import FULL, digest, lock, reason, sweep, sweep_scratch
from reform_analysis.study import Plan, Planned, make_plan
from reform_analysis.workers import Kernels

__all__ = ["Record", "RunResult", "dry_run", "plan_jobs", "record", "render", "write_index"]

Record = JobRecord
Item = TypeVar("Item")


def render(
    study: str | Path | None = None,
    *,
    only: Sequence[str] = (),
    languages: Sequence[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    out: str | Path = "reports",
    on_record: Callable[[Record], None] | None = None,
    on_start: Callable[[int], None] | None = None,
    where: Mapping[str, str] | None = None,
    jobs: int | None = None,
    fresh: bool = False,
    shard: str | None = None,
    fail_fast: bool = False,
    formats: Sequence[str] = FORMATS,
    kernels: Kernels = "auto",
) -> RunResult:
    """Render notebooks into ``out/<run>/<notebook>.<language>.html`` and ``.ipynb``, and rewrite the index.

    Finished reports are kept in ``out/cache``: a batch that was stopped, even by ``kill -9``, is taken up by
    rendering it again, and only what changed is computed. At the end of a run the cache is cut to two
    gigabytes, the reports unused for longest first; those of the last seven days stay.

    Parameters
    ----------
    study : str or Path, optional
        A study file; without it, the packaged notebooks.
    only : sequence of str
        Keep the notebooks whose names begin with one of these.
    languages : sequence of {"zh", "en"}, optional
        Instead of the study's.
    parameters : mapping, optional
        Values for the notebooks that declare them; they go before the study's.
    out : str or Path
        Where runs and index go.
    on_record : callable, optional
        Called with each `Record` when its report is written.
    on_start : callable, optional
        Called with the number of reports before the first.
    where : mapping of str to str, optional
        Keep the reports that have these values of the grid's keys.
    jobs : int, optional
        Reports at a time; as many as there are cores where it is left out.
    fresh : bool
        Render everything anew.
    shard : str, optional
        "i/n": every n-th report, from the i-th on.
    fail_fast : bool
        Stop at the first failure.
    formats : sequence of {"html", "ipynb"}
    kernels : {"auto", "fork", "cold"}
        How kernels are started; the reports are the same.

    Returns
    -------
    RunResult
        With failing reports among its records: one failure does not stop the others. After Ctrl-C,
        ``interrupted`` is true and the records are those that were finished.

    Raises
    ------
    ReportError
        If anything is wrong with study, notebooks, languages or parameters (nothing is written then),
        `out` cannot be written, or another run writes into it.
    """
    plan = make_plan(study, only=only, languages=languages, parameters=parameters, where=where)
    return render_plan(
        plan,
        out=out,
        on_record=on_record,
        on_start=on_start,
        jobs=jobs,
        fresh=fresh,
        shard=shard,
        fail_fast=fail_fast,
        formats=formats,
        kernels=kernels,
    )


def render_plan(
    plan: Plan,
    *,
    out: str | Path,
    on_record: Callable[[Record], None] | None = None,
    on_start: Callable[[int], None] | None = None,
    jobs: int | None = None,
    fresh: bool = False,
    shard: str | None = None,
    fail_fast: bool = False,
    formats: Sequence[str] = FORMATS,
    kernels: Kernels = "auto",
) -> RunResult:
    """Render a plan that was made before.

    Parameters
    ----------
    plan : Plan
    out : str or Path
    on_record : callable, optional
    on_start : callable, optional
    jobs : int, optional
    fresh : bool
    shard : str, optional
    fail_fast : bool
    formats : sequence of {"html", "ipynb"}
    kernels : {"auto", "fork", "cold"}
        All as for `render`.

    Returns
    -------
    RunResult

    Raises
    ------
    ReportError
        As `render` raises it.
    """
    ending = "" if shard is None else "-shard{}of{}".format(*read_shard(shard))
    _check_options(jobs, formats)
    jobs = jobs or os.cpu_count() or 1
    out = Path(out)
    started = datetime.now(UTC).replace(microsecond=0)
    sweep_scratch()
    with _opened(out, ending):
        folder = _new_folder(out, started, ending)
        places = {"folder": folder.absolute(), "out": out.absolute()}  # workers may stand in another folder
        every = plan_jobs(plan, plan.reports, **places, fresh=fresh, formats=formats)
        tasks = _shard(every, shard)
        run = RunResult(folder, plan.title, started, __version__, plan.languages, plan.parameters)
        run = replace(run, keys=plan.keys, shard=shard, planned=len(tasks), total=len(plan.reports))
        if shard:
            run = replace(run, batch=_batch(every))
        if plan.analysis:
            ids, open_points = frozen_hypotheses(plan.analysis), tuple(unexplained(plan.analysis))
            run = replace(run, hypotheses=ids, unexplained=open_points)
        if on_start:
            on_start(len(tasks))
        begun = perf_counter()
        with batch.one_interrupt():
            done = batch.work(
                tasks, run, workers_count=jobs, kernels=kernels, fail_fast=fail_fast, on_record=on_record
            )
            return outcome.finish(done, plan, tasks, out=out, seconds=perf_counter() - begun)


def dry_run(
    study: str | Path | None = None,
    *,
    only: Sequence[str] = (),
    languages: Sequence[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    where: Mapping[str, str] | None = None,
    shard: str | None = None,
    jobs: int | None = None,
    formats: Sequence[str] = FORMATS,
) -> list[str]:
    """Check what `render` checks but whether `out` can be written, and return the names of its reports.

    Parameters
    ----------
    study : str or Path, optional
    only : sequence of str
    languages : sequence of {"zh", "en"}, optional
    parameters : mapping, optional
    where : mapping of str to str, optional
    shard : str, optional
    jobs : int, optional
    formats : sequence of {"html", "ipynb"}
        As for `render`.

    Returns
    -------
    list of str

    Raises
    ------
    ReportError
        As `render` raises it.
    """
    plan = make_plan(study, only=only, languages=languages, parameters=parameters, where=where)
    _check_options(jobs, formats)
    return [planned.stem for planned in _shard(plan.reports, shard)]


def _shard(items: Sequence[Item], shard: str | None) -> list[Item]:
    number, total = (1, 1) if shard is None else read_shard(shard)
    return list(items[number - 1 :: total])


def _check_options(jobs: int | None, formats: Sequence[str]) -> None:
    if jobs is not None and jobs < 1:
        raise ReportError(message("refused.jobs", jobs=jobs))
    if not formats or set(formats) - set(FORMATS):
        raise ReportError(message("refused.formats", formats=FORMATS, given=list(formats)))
    try:
        specifications().get_kernel_spec("python3")
    except NoSuchKernel:
        raise ReportError(message("refused.kernel")) from None


@contextmanager
def _opened(out: Path, ending: str) -> Iterator[None]:
    try:
        (out / "cache").mkdir(parents=True, exist_ok=True)
        with lock(out / f"run{ending}.lock"):
            if not ending:  # shards may be at work on other machines
                sweep(out)
            yield
    except OSError as refused:
        if refused.errno in FULL:
            told = message("refused.disk_full", out=out)
        else:
            told = message("refused.out", out=out, cause=reason(refused))
        raise ReportError(told) from None


def _new_folder(out: Path, started: datetime, ending: str = "") -> Path:
    name = f"{started:%Y%m%d-%H%M%S}{ending}"
    out.mkdir(parents=True, exist_ok=True)
    for number in ["", *(f"-{number}" for number in range(2, 1000))]:
        try:
            (out / f"{name}{number}").mkdir()
        except FileExistsError:
            continue
        return out / f"{name}{number}"
    raise ReportError(message("refused.many_runs", name=name))


def plan_jobs(
    plan: Plan,
    reports: Sequence[Planned],
    *,
    folder: Path,
    out: Path,
    fresh: bool = False,
    formats: Sequence[str] = FORMATS,
) -> list[Job]:
    """Return the jobs of a plan, with cache keys and footers.

    Parameters
    ----------
    plan : Plan
    reports : sequence of Planned
        Of the plan.
    folder : Path
        The run's.
    out : Path
        Holds the cache.
    fresh : bool
    formats : sequence of {"html", "ipynb"}

    Returns
    -------
    list of Job
    """
    given = {str(source.settings["data"]) for source in plan.sources if source.settings.get("data")}
    given |= {str(report.source.settings["data"]) for report in reports if report.source.settings.get("data")}
    digests = {str(plan.folder / name): digest(plan.folder / name) for name in given}
    tasks = []
    for report in reports:
        source, language = report.source, report.keys["language"]
        data = manifest.data_file(source, folder=plan.folder, digests=digests)
        read = {name: sha256 for name, sha256 in digests.items() if name == str(plan.folder / data.path)}
        said, standing_of = _plan_parts(plan, source, data, language)
        task = Job(
            source=source,
            keys=report.keys,
            stem=report.stem,
            title=plan.title,
            cwd=plan.folder,
            folder=folder,
            cache=out / "cache",
            fresh=fresh,
            key=manifest.cache_key(source, keys=report.keys, title=plan.title, data=data, plan=said),
            stamp=manifest.stamp(source, data, language, keys=report.keys),
            data=read,
            formats=tuple(formats),
            deadline=plan.deadline,
            **standing_of,
        )
        tasks.append(task)
    return tasks


def _plan_parts(
    plan: Plan, source: Source, data: manifest.DataFile, language: str
) -> tuple[tuple[Line, ...], dict[str, Any]]:
    """What a report says of the analysis plan, and the fields of its job that follow."""
    defaults = default_values(source.notebook) if plan.analysis else {}
    found = standing(
        plan.analysis,
        notebook=source.name,
        settings=source.settings,
        defaults=defaults,
        kind=data.kind,
        cells=code_hash(source.notebook),
    )
    if found is None:
        return (), {}
    own = data.sha256 if data.kind == "own" else ""
    said = plan_sentences.sentences(plan.analysis, found, language, data_sha256=own)
    fields = {
        "standing": found.status,
        "hypotheses": found.hypotheses if found.since else (),
        "departures": tuple(change.key for change in found.departures),
        "plan_cell": plan_sentences.cell(said, language),
    }
    return said, fields


def _batch(tasks: Sequence[Job]) -> str:
    """The same for all shards of a plan, and no other where notebooks, parameters, data or versions are."""
    parts = [[task.stem, task.key] for task in tasks]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]
