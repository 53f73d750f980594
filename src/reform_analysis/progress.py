"""What a person or a machine sees of a running batch: a bar on a terminal, lines elsewhere, or JSON."""

import json
import re
import sys
from types import TracebackType
from typing import Any, Self

import click
from tqdm import tqdm

from reform_analysis.jobs import JobRecord
from reform_analysis.messages import sentence
from reform_analysis.runs import RunResult
from reform_analysis.wording import say

_AT_CELL = re.compile(r"cell (\d+): (.*)", re.DOTALL)
CONTROL = dict.fromkeys((*range(9), *range(11, 32), 127))  # a name must not steer the terminal


class Lines:
    """One line a report; failures go to standard error.

    Parameters
    ----------
    language : {"zh", "en"}
        Of the words; a fault that a notebook raised stays in its own.
    """

    def __init__(self, language: str = "en") -> None:
        self._language = language

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
        self._failure(done) if done.status == "failed" else click.echo(self._line(done))

    def end(self, run: RunResult) -> None:
        """Tell of the whole.

        Parameters
        ----------
        run : RunResult
        """
        good = len(run.records) - len(run.failed)
        total = max(run.planned, len(run.records))
        click.echo(self._say("complete", folder=run.folder, good=good, total=total))
        for fault in run.unwritten:
            told = sentence(fault, self._language)
            click.echo(self._say("unwritten", fault=told), err=True)
        if run.interrupted:
            click.echo(self._say("interrupted"), err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def _failure(self, done: JobRecord) -> None:
        page = self._say("page", file=done.html) if done.html else ""
        fault = self._say("failed", head=self._head(done), error=self._error(done.error or ""), page=page)
        click.echo(_plain(fault), err=True)

    def _error(self, error: str) -> str:
        """What the record says, without its last full stop."""
        at = _AT_CELL.fullmatch(error.rstrip("."))
        return self._say("at_cell", number=at[1], error=at[2]) if at else error.rstrip(".")

    def _head(self, done: JobRecord) -> str:
        places = [value for key, value in done.keys.items() if key != "language"]
        place = say("refused.names", self._language).join([*places, done.language])
        return self._say("head", notebook=done.notebook, place=place)

    def _line(self, done: JobRecord) -> str:
        spent = self._say("cached") if done.cached else self._say("seconds", seconds=done.seconds)
        return _plain(self._say("report", head=self._head(done), file=done.html or done.ipynb, spent=spent))

    def _say(self, name: str, **values: Any) -> str:
        return say(f"speech.{name}", self._language, **values)


class Bar(Lines):
    """One bar with rate, time left and failures; the failures are listed at the end.

    Parameters
    ----------
    language : {"zh", "en"}
    """

    def __init__(self, language: str = "en") -> None:
        super().__init__(language)
        self._bar: tqdm[Any] | None = None
        self._failed: list[JobRecord] = []

    def start(self, total: int) -> None:
        """Begin.

        Parameters
        ----------
        total : int
        """
        self._bar = tqdm(total=total, unit=self._say("unit"), dynamic_ncols=True, file=sys.stderr)

    def record(self, done: JobRecord) -> None:
        """Move on.

        Parameters
        ----------
        done : JobRecord
        """
        if done.status == "failed":
            self._failed.append(done)
        if self._bar is not None:
            self._bar.set_postfix_str(self._say("bar_failed", n=len(self._failed)), refresh=False)
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
        self._tell("report", {name: getattr(done, name) for name in fields})

    def end(self, run: RunResult) -> None:
        """Tell of the whole.

        Parameters
        ----------
        run : RunResult
        """
        counts = {"planned": run.planned, "done": len(run.records), "failed": len(run.failed)}
        ended = {"interrupted": run.interrupted, "unwritten": run.unwritten}
        self._tell("run", {"folder": str(run.folder), **counts, **ended})

    @staticmethod
    def _tell(event: str, values: dict[str, Any]) -> None:
        click.echo(json.dumps({"event": event, **values}, ensure_ascii=False))


def choose(*, log_json: bool, language: str = "en") -> Lines:
    """Return what suits the place that a batch runs in.

    Parameters
    ----------
    log_json : bool
    language : {"zh", "en"}

    Returns
    -------
    Lines
    """
    if log_json:
        return JsonLines()
    return Bar(language) if sys.stderr.isatty() else Lines(language)


def _plain(text: str) -> str:
    return text.translate(CONTROL)
