"""What a run writes of itself when its reports are done: records, estimates, manifest, index."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from reform_analysis import manifest
from reform_analysis.jobs import Job
from reform_analysis.messages import message
from reform_analysis.runs import RUN, RunResult, write_index, write_tables
from reform_analysis.storage import prune, reason, write
from reform_analysis.study import Plan


def save(run: RunResult) -> None:
    """Write ``run.json``.

    Parameters
    ----------
    run : RunResult

    Raises
    ------
    OSError
        If it cannot be written.
    """
    write(run.folder / "run.json", RUN.dump_json(run, indent=2, exclude={"folder"}))


def finish(run: RunResult, plan: Plan, tasks: list[Job], *, out: Path, seconds: float) -> RunResult:
    """Write what speaks of the whole run; what cannot be written is told, and stops nothing else.

    Parameters
    ----------
    run : RunResult
    plan : Plan
    tasks : list of Job
    out : Path
        Holds runs, index and cache.
    seconds : float
        That the reports took.

    Returns
    -------
    RunResult
        With what could not be written.
    """
    steps: dict[str, Callable[[], object]] = {
        "run.json": lambda: save(run),
        "estimates": lambda: write_tables(run.estimates(), run.folder),
        "manifest.json": lambda: _write_manifest(run, plan, tasks, seconds=seconds),
        "index.html": lambda: write_index(out),
        "cache": lambda: prune(out / "cache"),
    }
    faults: list[str] = []
    for name, step in steps.items():
        try:
            step()
        except OSError as refused:
            faults.append(message("refused.file", name=name, cause=reason(refused)))
    return replace(run, unwritten=tuple(faults))


def _write_manifest(run: RunResult, plan: Plan, tasks: list[Job], *, seconds: float) -> None:
    document = manifest.describe(run, plan, tasks, seconds=seconds)
    write(run.folder / "manifest.json", document.encode())
