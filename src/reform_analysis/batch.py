"""The work of a run: its jobs from the cache and the workers, up to the end or the first Ctrl-C."""

import signal
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from time import perf_counter

from reform_analysis import outcome, workers
from reform_analysis.jobs import Job, JobRecord, restore
from reform_analysis.runs import RunResult
from reform_analysis.workers import Kernels

SAVE_SECONDS = 1.0  # run.json is written at most so often: a thousand records are half a megabyte


def work(
    tasks: list[Job],
    run: RunResult,
    *,
    workers_count: int,
    kernels: Kernels,
    fail_fast: bool,
    on_record: Callable[[JobRecord], None] | None,
) -> RunResult:
    """Render jobs, or take them from the cache; ``run.json`` grows with them.

    Parameters
    ----------
    tasks : list of Job
    run : RunResult
    workers_count : int
        Reports at a time.
    kernels : {"auto", "fork", "cold"}
    fail_fast : bool
        Stop at the first failure.
    on_record : callable or None
        Called with each record.

    Returns
    -------
    RunResult
        With the records in the order of the jobs, and whether it was stopped before its end.
    """
    records: dict[str, JobRecord] = {}
    order = {task.stem: number for number, task in enumerate(tasks)}
    saved = 0.0
    try:
        with closing(_records(tasks, workers_count, kernels)) as finished:
            for done in finished:
                records[done.stem] = done
                if perf_counter() - saved > SAVE_SECONDS:
                    with suppress(OSError):  # tried again, and told, at the end
                        outcome.save(_ordered(run, records, order))
                    saved = perf_counter()
                if on_record:
                    on_record(done)
                if fail_fast and done.status == "failed":
                    break
    except KeyboardInterrupt:
        run = replace(run, stopped_by_user=True)
    run = replace(run, interrupted=len(records) < len(tasks))
    return _ordered(run, records, order)


def _records(tasks: list[Job], workers_count: int, kernels: Kernels) -> Generator[JobRecord, None, None]:
    left = []
    for task in tasks:
        found = restore(task)
        if found:
            yield found
        else:
            left.append(task)
    with closing(workers.run(left, workers=workers_count, kernels=kernels)) as rendered:
        yield from rendered


def _ordered(run: RunResult, records: Mapping[str, JobRecord], order: Mapping[str, int]) -> RunResult:
    return replace(run, records=tuple(sorted(records.values(), key=lambda done: order[done.stem])))


@contextmanager
def one_interrupt() -> Iterator[None]:
    """Let the first Ctrl-C end the batch; those that follow must not break off what puts it in order.

    Yields
    ------
    None
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield  # somebody else's affair
        return

    def _first(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, _first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
