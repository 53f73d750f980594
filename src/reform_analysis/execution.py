"""One notebook executed by papermill: parameters put in, faults found, clocks taken out."""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.utils import ensure_event_loop, run_sync
from nbclient.client import CellExecutionComplete
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.execute import ERROR_MARKER_TAG

from reform_analysis import displays, headlines, messages, streams
from reform_analysis.displays import Displayed
from reform_analysis.kernels import kernel_config
from reform_analysis.notebook_source import Source
from reform_analysis.pages import IMAGES, SHOWN, Failure
from reform_analysis.storage import scratch_prefix
from reform_analysis.streams import Printed, hide_kernel_files, missing_glyph
from reform_analysis.wording import LANGUAGES

IN_THE_RECORD = (
    "Error occurred while starting new kernel client",
    "Kernel died while waiting for execute reply",
    "Timeout waiting for execute reply",
)
LOG = logging.getLogger(__name__)
LOG.addFilter(lambda told: not told.getMessage().startswith(IN_THE_RECORD))
LEFT_SECONDS = 5.0
LATE = "not finished after {deadline:g} seconds; raise deadline in the study file"


@dataclass(frozen=True)
class Execution:
    """An executed notebook.

    Parameters
    ----------
    notebook : NotebookNode
        As far as it ran, without clocks, with the cells of one language.
    failure : Failure or None
    trouble : bool
        The failure is one of the machinery (a kernel died or did not start): the same again may go well.
    rows : tuple of dict
        What `headlines.record` was given.
    """

    notebook: NotebookNode
    failure: Failure | None
    trouble: bool
    rows: tuple[dict[str, Any], ...]


def execute(
    source: Source,
    language: str,
    *,
    cwd: Path,
    server: str | None,
    deadline: float,
    end: float | None = None,
) -> Execution:
    """Run a notebook in a kernel of its own.

    Parameters
    ----------
    source : Source
    language : {"zh", "en"}
    cwd : Path
        The kernel's folder.
    server : str or None
        Socket of a fork server; None for a cold kernel.
    deadline : float
        Seconds for the whole report.
    end : float, optional
        When they are over, by `time.monotonic`; where it is left out, they begin now.

    Returns
    -------
    Execution
    """
    end = monotonic() + deadline if end is None else end
    with TemporaryDirectory(prefix=scratch_prefix()) as scratch:
        recorded = Path(scratch) / "headlines.jsonl"
        copy = Path(scratch) / "executed.ipynb"
        variables = {headlines.TARGET: str(recorded), messages.SPOKEN: language}
        config = kernel_config(server, variables, end=end)
        notebook, failure, trouble = _run(
            source, language, copy=copy, cwd=cwd, config=config, deadline=deadline, end=end
        )
        rows = headlines.read(recorded)
    failure = failure or _find_fault(notebook, source)
    _strip(notebook, source, language)
    return Execution(notebook, failure, trouble, rows)


class ReportClient(PapermillNotebookClient):
    """papermill's own client, which keeps no more of streams and outputs than `streams` and `displays` say.

    It looks at the clock too: nbclient's own limit does not hold where a cell sends messages faster than they
    are taken in.

    Parameters
    ----------
    nb_man : NotebookExecutionManager
    language : {"zh", "en"}
    end : float
        When the report must be done, by `time.monotonic`.
    **options
        Of papermill's client.
    """

    def __init__(self, nb_man: Any, *, language: str, end: float, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self._language = language
        self._end = end
        self._printed = Printed()
        self._displayed = Displayed(language)

    async def async_execute_cell(self, cell: NotebookNode, *args: Any, **options: Any) -> NotebookNode:
        """Execute a cell.

        Parameters
        ----------
        cell : NotebookNode
        *args, **options
            Of nbclient.

        Returns
        -------
        NotebookNode
        """
        self._printed = Printed()
        self._displayed.begin()
        try:
            done: NotebookNode = await super().async_execute_cell(cell, *args, **options)
        finally:
            if "outputs" in cell:
                cell.outputs = streams.join(cell.outputs)
                self._printed.say_rest(cell.outputs, self._language)
                cell.outputs += self._displayed.say_rest()
        if monotonic() >= self._end:
            raise CellTimeoutError("the report's deadline is over")
        return done

    execute_cell = run_sync(async_execute_cell)

    def process_message(self, msg: dict[str, Any], *args: Any) -> NotebookNode | None:
        """Take in what the kernel says.

        Parameters
        ----------
        msg : dict
        *args
            Of nbclient.

        Returns
        -------
        NotebookNode or None
            What it added to the cell.
        """
        if monotonic() >= self._end:
            raise CellExecutionComplete  # the rest is not waited for
        content = self._kept(msg["msg_type"], msg["content"])
        if content is None:
            return None
        msg = {**msg, "content": content}
        shown: NotebookNode | None = super().process_message(msg, *args)
        return shown

    def _kept(self, kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
        if kind == "clear_output":
            self._printed.clear()
            self._displayed.clear()
        if kind == "stream":
            text = self._printed.cut(content["name"], content["text"])
            return {**content, "text": text} if text else None
        if kind in displays.SHOWING:
            return self._displayed.admit(kind, content)
        return displays.cut_error(content) if kind == "error" else content


class PartialEngine(Engine):
    """An engine that runs a client of its caller's and leaves the notebook where it stopped.

    papermill would write it before and after every cell, which took a fifth of a report's time.
    """

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        client: Callable[..., PapermillNotebookClient],
        copy: Path,
        **options: Any,
    ) -> None:
        """Run the notebook.

        Parameters
        ----------
        nb_man : NotebookExecutionManager
        kernel_name : str
        client : callable
            Makes what talks to the kernel.
        copy : Path
            Where the notebook is written, finished or not.
        **options
            Of papermill's engines; the client gets those that it has.
        """
        asked = {name: value for name, value in options.items() if name in CLIENT_OPTIONS}
        try:
            client(nb_man, kernel_name=kernel_name, log=LOG, **asked).execute()
        finally:
            nbformat.write(nb_man.nb, copy)


CLIENT_OPTIONS = {"config", "resources", "shutdown_kernel", "timeout_func"}
ENGINE = "reform-analysis"
papermill_engines.register(ENGINE, PartialEngine)


def _run(
    source: Source, language: str, *, copy: Path, cwd: Path, config: Any, deadline: float, end: float
) -> tuple[NotebookNode, Failure | None, bool]:
    injected = _inject(source, language)
    try:
        done = papermill.execute_notebook(
            injected,
            None,
            engine_name=ENGINE,
            client=partial(ReportClient, language=language, end=end),
            copy=copy,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            shutdown_kernel="immediate",  # asked politely, it may write its own errors to our stderr
            timeout_func=lambda _cell: max(1.0, end - monotonic()),
            resources={"metadata": {"path": str(cwd)}},  # cwd= would change the folder of all threads
            config=config,
        )
    except (papermill.PapermillExecutionError, CellTimeoutError, NoSuchKernel, RuntimeError) as stopped:
        done = nbformat.read(copy, as_version=4) if copy.exists() else injected
        begun = any(
            cell.get("outputs") or cell.metadata.get("papermill", {}).get("start_time") for cell in done.cells
        )
        late = monotonic() >= end  # whatever stopped it: the kernel is killed then
        trouble = not late and (isinstance(stopped, DeadKernelError) or not begun)
        reason = str(stopped)
        if late or isinstance(stopped, CellTimeoutError):
            reason = LATE.format(deadline=deadline)
        elif not begun:
            reason = f"the kernel python3 did not start ({stopped}); install ipykernel"
        return done, _stopped(done, source, reason=reason), trouble
    finally:
        _close(ensure_event_loop())  # nbclient opens one a thread and leaves it open
    # SystemExit(0) in a cell ends papermill's run early and counts as success there.
    left_early = done.metadata.papermill.get("exception")
    return (
        done,
        _stopped(done, source, reason="exit() left the notebook early") if left_early else None,
        False,
    )


def _close(loop: asyncio.AbstractEventLoop) -> None:
    # nbclient leaves tasks behind where a cell did not end; asyncio would complain of them on stderr.
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=LEFT_SECONDS))
    loop.close()


def _inject(source: Source, language: str) -> NotebookNode:
    # papermill's own injection gives the cell a random id, writes Chinese as \\u escapes and logs a warning
    # for every parameter that its inspection overlooks. The cell is otherwise the same, tag included.
    notebook: NotebookNode = nbformat.from_dict(source.notebook)
    values = {"language": language, **source.settings}
    lines = ["# Parameters", *(f"{name} = {value!r}" for name, value in values.items())]
    cell = nbformat.v4.new_code_cell("\n".join(lines), id="injected-parameters")
    cell.metadata.tags = ["injected-parameters"]
    kept = [old for old in notebook.cells if "injected-parameters" not in _tags(old)]
    place = next(number for number, old in enumerate(kept, start=1) if "parameters" in _tags(old))
    notebook.cells = [*kept[:place], cell, *kept[place:]]
    notebook.metadata.pop("papermill", None)
    return notebook


def _tags(cell: NotebookNode) -> list[str]:
    tags: list[str] = cell.metadata.get("tags", [])
    return tags


def _stopped(notebook: NotebookNode, source: Source, *, reason: str) -> Failure:
    for cell, output in _outputs(notebook):
        if output.output_type == "error":
            message = strip_ansi(f"{output.ename}: {output.evalue}").strip()
            return _failure(cell, source, message, "\n".join(output.traceback))
    started = [cell for cell in notebook.cells if cell.metadata.get("papermill", {}).get("start_time")]
    return _failure(started[-1], source, reason) if started else Failure(reason)


def _outputs(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, NotebookNode]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield cell, output


def _failure(cell: NotebookNode, source: Source, message: str, traceback: str = "") -> Failure:
    ids = [old.id for old in source.notebook.cells]
    position = ids.index(cell.id) + 1 if cell.id in ids else None
    return Failure(message, position, cell.source, strip_ansi(traceback))


def _find_fault(notebook: NotebookNode, source: Source) -> Failure | None:
    for cell, output in _outputs(notebook):
        if output.output_type == "stream":
            glyph = missing_glyph(output.text) if output.name == "stderr" else None
            fault = glyph and f"a figure lacks a character: {glyph}"
        else:
            fault = _figure_fault(output)
        if fault:
            return _failure(cell, source, fault)
    return None


def _figure_fault(output: NotebookNode) -> str | None:
    data = output.get("data", {})
    if data and not set(SHOWN) & set(data):
        return f"an output of type {', '.join(data)} cannot be shown; give it as HTML, SVG or PNG"
    image = next((kind for kind in IMAGES if kind in data), None)
    if image is None or "text/html" in data or str(output.metadata.get(image, {}).get("alt") or "").strip():
        return None
    return f'a figure has no alternative text; give its output the metadata {{"{image}": {{"alt": "..."}}}}'


def _strip(notebook: NotebookNode, source: Source, language: str) -> None:
    others = {f"lang-{code}" for code in LANGUAGES if code != language} | {ERROR_MARKER_TAG}
    kept = [cell for cell in notebook.cells if cell.cell_type == "code" or not others & set(_tags(cell))]
    for cell in kept:
        for clock in ("papermill", "execution"):
            cell.metadata.pop(clock, None)
    notebook.cells = kept
    for _, output in _outputs(notebook):
        # Warnings name a file after the kernel's process, default representations an address.
        if output.output_type == "stream":
            output.text = hide_kernel_files(output.text)
        elif "text/plain" in output.get("data", {}):
            output.data["text/plain"] = re.sub(r" at 0x[0-9a-fA-F]+>", ">", output.data["text/plain"])
    notebook.metadata["papermill"] = {"parameters": {"language": language, **source.settings}}
