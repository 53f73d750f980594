"""The workers of a batch: threads over forked kernels, or processes with cold ones."""

import os
import threading
import warnings
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from reform_analysis.estimates import ReportError
from reform_analysis.jobs import Job, JobRecord, render_one
from reform_analysis.kernels import CAN_FORK, ForkServer, needed_libraries, prepare_fonts
from reform_analysis.provisioners import kill_cold_kernels

Kernels = Literal["auto", "fork", "cold"]


def run(jobs: Sequence[Job], *, workers: int, kernels: Kernels = "auto") -> Generator[JobRecord, None, None]:
    """Render jobs and yield each record when it is there.

    Closing the iterator (or Ctrl-C) drops the jobs that have not begun and ends the kernels.

    Parameters
    ----------
    jobs : sequence of Job
    workers : int
        Reports at a time.
    kernels : {"auto", "fork", "cold"}
        Forked from a warm server, or started cold. "auto" forks on Linux, from two reports on.

    Yields
    ------
    JobRecord
        In the order of completion.
    """
    if not jobs:
        return
    with ExitStack() as stack:
        server = _server(jobs, kernels, stack)
        if server or workers == 1:
            yield from _in_threads([replace(job, server=server) for job in jobs], workers, stack)
        else:
            yield from _in_processes(jobs, workers)


def _server(jobs: Sequence[Job], kernels: Kernels, stack: ExitStack) -> str | None:
    if kernels == "cold" or (kernels == "auto" and (not CAN_FORK or len(jobs) < 2)):
        prepare_fonts()
        return None
    code = {cell.source for job in jobs for cell in job.source.notebook.cells if cell.cell_type == "code"}
    libraries = needed_libraries(code)
    prepare_fonts(libraries)
    try:
        return stack.enter_context(ForkServer(libraries)).socket
    except (ReportError, OSError) as refused:
        if kernels == "fork":
            raise
        prepare_fonts()
        warnings.warn(f"Kernels are started cold, which is slower: {refused}", RuntimeWarning, stacklevel=2)
        return None


def _in_threads(jobs: Sequence[Job], workers: int, stack: ExitStack) -> Generator[JobRecord, None, None]:
    stopped = threading.Event()

    def work(job: Job) -> JobRecord | None:
        return None if stopped.is_set() else render_one(job)  # retries end by themselves: the server is gone

    pool = ThreadPoolExecutor(workers, thread_name_prefix="report")
    running: set[Future[JobRecord | None]] = {pool.submit(work, job) for job in jobs}
    try:
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (record for future in done if (record := future.result()) is not None)
    finally:
        stopped.set()
        stack.close()  # ends the server, and with it the kernels that still run
        kill_cold_kernels()
        pool.shutdown(wait=True, cancel_futures=True)
        _drop_interrupted(running, folder=jobs[0].folder)


def _drop_interrupted(running: set[Future[JobRecord | None]], *, folder: Path) -> None:
    # The page of a report whose kernel was taken away says nothing about the report.
    for future in running:
        record = None if future.cancelled() else future.result()
        if record is not None:
            for name in filter(None, (record.html, record.ipynb)):
                (folder / name).unlink(missing_ok=True)


def _render_in_process(job: Job) -> JobRecord:
    """Render; a worker outlives its batch, and the folder that it stood in may be gone."""
    try:
        os.getcwd()
    except FileNotFoundError:
        os.chdir(job.cwd)
    return render_one(job)


def _in_processes(jobs: Sequence[Job], workers: int) -> Generator[JobRecord, None, None]:
    left = {job.stem: job for job in jobs}
    for _ in range(3):  # a killed worker takes the pool with it
        try:
            with Parallel(
                n_jobs=workers, backend="loky", return_as="generator_unordered", batch_size=1
            ) as pool:
                for record in pool(delayed(_render_in_process)(job) for job in list(left.values())):
                    del left[record.stem]
                    yield record
        except TerminatedWorkerError:
            continue
        return
    yield from (render_one(job) for job in left.values())
