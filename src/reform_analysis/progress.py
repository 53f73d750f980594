"""What a person or a machine sees of a running batch: a bar on a terminal, lines elsewhere, or JSON."""

import json
import sys
from types import TracebackType
from typing import Any, Self

import click
from tqdm import tqdm

from reform_analysis.jobs import JobRecord
from reform_analysis.runs import RunResult

CONTROL = dict.fromkeys((*range(9), *range(11, 32), 127))  # a name must not steer the terminal


class Lines:
    """One line a report; failures go to standard error."""

    def start(self, total: int) -> None:
        """Begin.

        Parameters
        ----------
        total : int
            Reports of the run.
        """

    def record(self, done: JobRecord) -> None:
        """Tell of a report.

        Parameters
        ----------
        done : JobRecord
        """
        self._failure(done) if done.status == "failed" else click.echo(_line(done))

    def end(self, run: RunResult) -> None:
        """Tell of the whole.

        Parameters
        ----------
        run : RunResult
        """
        good = len(run.records) - len(run.failed)
        total = max(run.planned, len(run.records))
        click.echo(f"{run.folder} ({good} of {total} reports complete)")
        for fault in run.unwritten:
            click.echo(f"Error: not written: {fault}", err=True)
        if run.interrupted:
            click.echo("Stopped before the end; start it again to go on where it was.", err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @staticmethod
    def _failure(done: JobRecord) -> None:
        page = f"; see {done.html}" if done.html else ""
        click.echo(_plain(f"Error: {_head(done)}, {(done.error or '').rstrip('.')}{page}"), err=True)


class Bar(Lines):
    """One bar with rate, time left and failures; the failures are listed at the end."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._failed: list[JobRecord] = []

    def start(self, total: int) -> None:
        """Begin.

        Parameters
        ----------
        total : int
        """
        self._bar = tqdm(total=total, unit="report", dynamic_ncols=True, file=sys.stderr)

    def record(self, done: JobRecord) -> None:
        """Move on.

        Parameters
        ----------
        done : JobRecord
        """
        if done.status == "failed":
            self._failed.append(done)
        if self._bar is not None:
            self._bar.set_postfix(failed=len(self._failed), refresh=False)
            self._bar.update()

    def end(self, run: RunResult) -> None:
        """List the failures.

        Parameters
        ----------
        run : RunResult
        """
        for done in self._failed:
            self._failure(done)
        super().end(run)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()


class JsonLines(Lines):
    """One JSON object a report, for machines."""

    def record(self, done: JobRecord) -> None:
        """Tell of a report.

        Parameters
        ----------
        done : JobRecord
        """
        fields = ("stem", "keys", "status", "html", "ipynb", "error", "cached", "attempts", "seconds")
        self._say("report", {name: getattr(done, name) for name in fields})

    def end(self, run: RunResult) -> None:
        """Tell of the whole.

        Parameters
        ----------
        run : RunResult
        """
        counts = {"planned": run.planned, "done": len(run.records), "failed": len(run.failed)}
        ended = {"interrupted": run.interrupted, "unwritten": run.unwritten}
        self._say("run", {"folder": str(run.folder), **counts, **ended})

    @staticmethod
    def _say(event: str, values: dict[str, Any]) -> None:
        click.echo(json.dumps({"event": event, **values}, ensure_ascii=False))


def choose(*, log_json: bool) -> Lines:
    """Return what suits the place that a batch runs in.

    Parameters
    ----------
    log_json : bool

    Returns
    -------
    Lines
    """
    if log_json:
        return JsonLines()
    return Bar() if sys.stderr.isatty() else Lines()


def _plain(text: str) -> str:
    return text.translate(CONTROL)


def _head(done: JobRecord) -> str:
    places = [value for key, value in done.keys.items() if key != "language"]
    return f"{done.notebook} ({', '.join([*places, done.language])})"


def _line(done: JobRecord) -> str:
    spent = "cached" if done.cached else f"{done.seconds:.1f} s"
    return _plain(f"{_head(done)}: {done.html or done.ipynb}, {spent}")
