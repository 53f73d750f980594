"""The unit of work: one report, from a job that can be sent anywhere to a record of what became of it."""

import hashlib
import json
import logging
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic, perf_counter
from typing import Literal

import nbformat
from nbformat import NotebookNode

from reform_analysis import pages, plan_sentences
from reform_analysis.execution import LATE, Execution, execute
from reform_analysis.grid_labels import place
from reform_analysis.headlines import Headline
from reform_analysis.notebook_source import Source
from reform_analysis.pages import Failure, Page
from reform_analysis.plan_standing import NoStanding, Status
from reform_analysis.storage import digest, mark_used, write

LOG = logging.getLogger(__name__)
ATTEMPTS = 3
FORMATS = ("html", "ipynb")


@dataclass(frozen=True)
class Job:
    """What `render_one` needs; it can be pickled.

    Parameters
    ----------
    source : Source
        The notebook as read when the plan was made, with this report's values.
    keys : dict of str to str
        Place in the grid, language included.
    stem : str
    title : str or None
        The study's.
    cwd, folder : Path
        Where the kernel runs, and where the files go.
    cache : Path or None
        Folder of finished reports; None to render anew and keep nothing.
    fresh : bool
        Do not look into the cache, but fill it.
    key : str
        The cache key: equal keys, equal bytes.
    stamp : tuple of str
        Provenance, for the page's footer.
    data : dict of str to str
        Data files this report reads, with their SHA-256.
    formats : tuple of {"html", "ipynb"}
    deadline : float
        Seconds for everything: kernel, cells, page and files; a report past it is failed.
    server : str or None
        Socket of the fork server.
    standing : str
        How the report stands to the analysis plan; empty where nothing is said of a plan.
    hypotheses : tuple of str
        Those that planned this report.
    departures : tuple of str
        The keys in which it departs from the nearest hypothesis.
    plan_cell : NotebookNode or None
        What the report says of the plan.
    """

    source: Source
    keys: dict[str, str]
    stem: str
    title: str | None
    cwd: Path
    folder: Path
    cache: Path | None
    fresh: bool
    key: str
    stamp: tuple[str, ...]
    data: dict[str, str]
    formats: tuple[str, ...] = FORMATS
    deadline: float = 3600.0
    server: str | None = None
    standing: Status | NoStanding = ""
    hypotheses: tuple[str, ...] = ()
    departures: tuple[str, ...] = ()
    plan_cell: NotebookNode | None = None


@dataclass(frozen=True)
class JobRecord:
    """One report of a run, as it stands in ``run.json``.

    Parameters
    ----------
    notebook, language : str
    status : {"ok", "failed"}
    title : str
        The page's title: the first heading of the language's cells.
    html, ipynb : str
        File names in the run's folder; empty for a file that was not asked for or could not be written.
    source_sha256 : str
        Of the notebook file.
    seconds : float
    error : str or None
        The failing cell's number and error.
    glyphs : tuple of str
        Characters on the page that the embedded font lacks.
    stem : str
    keys : dict of str to str
        Place in the grid.
    key : str
        The cache key.
    cached : bool
        Taken from the cache.
    attempts : int
        More than one where a kernel died.
    traceback : str
        Of a fault outside the notebook.
    estimates : tuple of dict
        What the notebook recorded (`headlines.record`).
    standing : str
        How the report stands to the analysis plan: planned, late, explored, rehearsal, or empty.
    hypotheses : tuple of str
        Those that planned the report.
    departures : tuple of str
        The keys in which it departs from the nearest hypothesis.
    """

    notebook: str
    language: str
    status: Literal["ok", "failed"]
    title: str
    html: str
    ipynb: str
    source_sha256: str
    seconds: float
    error: str | None = None
    glyphs: tuple[str, ...] = ()
    stem: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    key: str = ""
    cached: bool = False
    attempts: int = 1
    traceback: str = ""
    estimates: tuple[Headline, ...] = ()
    standing: Status | NoStanding = ""
    hypotheses: tuple[str, ...] = ()
    departures: tuple[str, ...] = ()


def render_one(job: Job) -> JobRecord:
    """Render one report. It never raises: what went wrong stands in the record.

    Parameters
    ----------
    job : Job

    Returns
    -------
    JobRecord
    """
    begun = perf_counter()
    end = monotonic() + job.deadline
    try:
        record = restore(job) or _rendered(job, end)
    except Exception as caught:  # noqa: BLE001  # the one place: a report that breaks must not break the batch
        error = f"{type(caught).__name__}: {caught}"
        record = replace(_blank(job), error=error, traceback=traceback.format_exc())
    return replace(record, seconds=round(perf_counter() - begun, 3))


def _blank(job: Job) -> JobRecord:
    return JobRecord(
        notebook=job.source.name,
        language=job.keys["language"],
        status="failed",
        title=job.source.name,
        html="",
        ipynb="",
        source_sha256=job.source.sha256,
        seconds=0.0,
        stem=job.stem,
        keys=job.keys,
        key=job.key,
        standing=job.standing,
        hypotheses=job.hypotheses,
        departures=job.departures,
    )


def _rendered(job: Job, end: float) -> JobRecord:
    done, attempts = _executed(job, end)
    if job.plan_cell is not None:
        plan_sentences.insert(done.notebook, job.plan_cell)
    failure = done.failure or _changed_data(job)
    page = _page(job, done, failure)
    if page.fault and not failure:
        failure = Failure(page.fault)
        page = _page(job, done, failure)
    if not failure and monotonic() >= end:
        failure = Failure(LATE.format(deadline=job.deadline))
        page = _page(job, _without_outputs(done), failure)  # what took the time is not done twice
    stem = f"{job.stem}.failed" if failure else job.stem
    contents = {"html": page.html.encode(), "ipynb": nbformat.writes(done.notebook).encode()}
    names = {kind: f"{stem}.{kind}" for kind in job.formats}
    _write_all({job.folder / name: contents[kind] for kind, name in names.items()})
    record = replace(
        _blank(job),
        status="failed" if failure else "ok",
        title=page.title,
        html=names.get("html", ""),
        ipynb=names.get("ipynb", ""),
        error=str(failure) if failure else None,
        glyphs=page.glyphs,
        attempts=attempts,
        estimates=done.rows,
    )
    if job.cache and not failure:
        try:
            _store(job, job.cache, record, contents)
        except OSError as refused:  # the report is there; the next run renders it again
            LOG.warning("%s is not kept in the cache: %s", job.stem, refused)
    return record


def _write_all(files: dict[Path, bytes]) -> None:
    try:
        for path, content in files.items():
            write(path, content)
    except OSError:
        for path in files:  # a page without its notebook would look like a finished report
            path.unlink(missing_ok=True)
        raise


def _without_outputs(done: Execution) -> Execution:
    for cell in done.notebook.cells:
        if "outputs" in cell:
            cell.outputs = []
    return done


def _executed(job: Job, end: float) -> tuple[Execution, int]:
    attempts = 0
    while True:
        attempts += 1
        done = execute(
            job.source,
            job.keys["language"],
            cwd=job.cwd,
            server=job.server,
            deadline=job.deadline,
            end=end,
        )
        if not done.trouble or attempts == ATTEMPTS:
            return done, attempts


def _page(job: Job, done: Execution, failure: Failure | None) -> Page:
    return pages.page(
        done.notebook,
        job.source.path,
        language=job.keys["language"],
        study=job.title,
        failure=failure,
        stamp=job.stamp,
        place=place(job.keys, job.keys["language"]),
    )


def _changed_data(job: Job) -> Failure | None:
    for name, sha256 in job.data.items():
        if not Path(name).is_file() or digest(Path(name)) != sha256:
            return Failure(f"the data file {Path(name).name} was changed while the batch ran; render again")
    return None


def _store(job: Job, cache: Path, record: JobRecord, contents: dict[str, bytes]) -> None:
    for kind, content in contents.items():
        write(cache / f"{job.key}.{kind}", content)
    entry = {
        "title": record.title,
        "glyphs": record.glyphs,
        "estimates": record.estimates,
        "sha256": {kind: hashlib.sha256(content).hexdigest() for kind, content in contents.items()},
    }
    write(cache / f"{job.key}.json", json.dumps(entry, ensure_ascii=False).encode())


def restore(job: Job) -> JobRecord | None:
    """Put a finished report from the cache into the run's folder.

    Parameters
    ----------
    job : Job

    Returns
    -------
    JobRecord or None
        None where there is no entry, or a broken one: the report is to be rendered.
    """
    if job.cache is None or job.fresh:
        return None
    try:
        entry = json.loads((job.cache / f"{job.key}.json").read_bytes())
        contents = {kind: (job.cache / f"{job.key}.{kind}").read_bytes() for kind in job.formats}
        if any(hashlib.sha256(text).hexdigest() != entry["sha256"][kind] for kind, text in contents.items()):
            return None
        for kind, text in contents.items():
            write(job.folder / f"{job.stem}.{kind}", text)
        names = {kind: f"{job.stem}.{kind}" if kind in contents else "" for kind in FORMATS}
        glyphs, estimates = tuple(entry["glyphs"]), tuple(entry["estimates"])
        title = str(entry["title"])
        mark_used(job.cache / f"{job.key}.json")
    except (OSError, ValueError, KeyError, TypeError):
        return None
    found = replace(_blank(job), status="ok", title=title, glyphs=glyphs, estimates=estimates, cached=True)
    return replace(found, html=names["html"], ipynb=names["ipynb"])
