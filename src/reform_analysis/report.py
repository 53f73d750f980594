"""Reports: notebooks executed by papermill, written as pages that load nothing, and the index of all runs."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Literal

import nbformat
import pandas as pd
import papermill
from jupyter_client.kernelspec import NoSuchKernel
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from papermill.execute import ERROR_MARKER_TAG
from pydantic import TypeAdapter
from traitlets.config import Config

from reform_analysis import __version__, pages
from reform_analysis.estimates import ReportError
from reform_analysis.pages import IMAGES, SHOWN, Failure
from reform_analysis.study import Plan, Source, make_plan
from reform_analysis.wording import LANGUAGES

# Other users of a shared server could read a kernel's traffic on the loopback device.
KERNEL = Config(KernelManager={"transport_encryption": "auto"})


@dataclass(frozen=True)
class Record:
    """One report of a run, as it stands in ``run.json``.

    Parameters
    ----------
    notebook, language : str
    status : {"ok", "failed"}
    title : str
        The page's title: the first heading of the language's cells.
    html, ipynb : str
        File names in the run's folder.
    source_sha256 : str
        Of the notebook file.
    seconds : float
    error : str or None
        The failing cell's number and error.
    glyphs : tuple of str
        Characters on the page that the embedded font lacks.
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


@dataclass(frozen=True)
class RunResult:
    """A run: its folder and its reports.

    Parameters
    ----------
    folder : Path
    title : str or None
    started : datetime
        UTC.
    version : str
        Of reform-analysis.
    languages : tuple of str
    parameters : dict
        The values set, of the declared types.
    records : tuple of Record
        In the order of rendering.
    """

    folder: Path
    title: str | None
    started: datetime
    version: str
    languages: tuple[str, ...]
    parameters: dict[str, Any]
    records: tuple[Record, ...] = ()

    @property
    def failed(self) -> tuple[Record, ...]:
        """The reports that failed.

        Returns
        -------
        tuple of Record
        """
        return tuple(record for record in self.records if record.status == "failed")

    def to_frame(self) -> pd.DataFrame:
        """Return one row a report, with the fields of `Record` as columns.

        Returns
        -------
        DataFrame
        """
        columns = list(Record.__dataclass_fields__)
        return pd.DataFrame([asdict(record) for record in self.records], columns=columns)


RUN = TypeAdapter(RunResult)


def render(
    study: str | Path | None = None,
    *,
    only: Sequence[str] = (),
    languages: Sequence[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    out: str | Path = "reports",
    on_record: Callable[[Record], None] | None = None,
) -> RunResult:
    """Render notebooks into ``out/<run>/<notebook>.<language>.html`` and ``.ipynb``, and rewrite the index.

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

    Returns
    -------
    RunResult
        With failing reports among its records: one failure does not stop the others.

    Raises
    ------
    ReportError
        If anything is wrong with study, notebooks, languages or parameters (nothing is written then), or
        `out` cannot be written.
    """
    plan = make_plan(study, only=only, languages=languages, parameters=parameters)
    started = datetime.now(UTC).replace(microsecond=0)
    folder = _new_folder(Path(out), started)
    run = RunResult(folder, plan.title, started, __version__, plan.languages, plan.parameters)
    for source in plan.sources:
        for language in plan.languages:
            record = _render_one(source, language, plan=plan, folder=folder)
            run = replace(run, records=(*run.records, record))
            _write(folder / "run.json", RUN.dump_json(run, indent=2, exclude={"folder"}))
            if on_record:
                on_record(record)
    write_index(out)
    return run


def _new_folder(out: Path, started: datetime) -> Path:
    name = f"{started:%Y%m%d-%H%M%S}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        for ending in ["", *(f"-{number}" for number in range(2, 1000))]:
            try:
                (out / f"{name}{ending}").mkdir()
            except FileExistsError:
                continue
            return out / f"{name}{ending}"
    except OSError as refused:
        raise ReportError(
            f"out must be a folder that can be written, got {out} ({refused.strerror})."
        ) from None
    raise ReportError(f"out already holds 999 runs of {name}; wait a second.")


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def _render_one(source: Source, language: str, *, plan: Plan, folder: Path) -> Record:
    begun = perf_counter()
    notebook, failure = _execute(source, language, cwd=plan.folder)
    failure = failure or _find_fault(notebook, source)
    _strip(notebook, source, language)
    page = pages.page(notebook, source.path, language=language, study=plan.title, failure=failure)
    if page.fault and not failure:
        failure = Failure(page.fault)
        page = pages.page(notebook, source.path, language=language, study=plan.title, failure=failure)
    stem = f"{source.name}.{language}{'.failed' if failure else ''}"
    _write(folder / f"{stem}.html", page.html.encode())
    _write(folder / f"{stem}.ipynb", nbformat.writes(notebook).encode())
    return Record(
        notebook=source.name,
        language=language,
        status="failed" if failure else "ok",
        title=page.title,
        html=f"{stem}.html",
        ipynb=f"{stem}.ipynb",
        source_sha256=source.sha256,
        seconds=round(perf_counter() - begun, 3),
        error=str(failure) if failure else None,
        glyphs=page.glyphs,
    )


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


def _execute(source: Source, language: str, *, cwd: Path) -> tuple[NotebookNode, Failure | None]:
    with TemporaryDirectory() as scratch:
        copy = Path(scratch) / "executed.ipynb"
        try:
            done = papermill.execute_notebook(
                _inject(source, language),
                copy,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                coalesce_streams=True,  # chunks of a stream depend on timing
                shutdown_kernel="immediate",  # asked politely, it may write its own errors to our stderr
                resources={"metadata": {"path": str(cwd)}},
                config=KERNEL,
            )
        except (papermill.PapermillExecutionError, NoSuchKernel, RuntimeError) as stopped:
            if not copy.exists():
                raise ReportError(
                    f"the kernel python3 did not start ({stopped}); install ipykernel."
                ) from stopped
            done = nbformat.read(copy, as_version=4)
            return done, _stopped(done, source, reason=str(stopped))
    # SystemExit(0) in a cell ends papermill's run early and counts as success there.
    left_early = done.metadata.papermill.get("exception")
    return done, _stopped(done, source, reason="exit() left the notebook early") if left_early else None


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
            glyph = re.search(r"Glyph .* missing from .*", output.text) if output.name == "stderr" else None
            fault = glyph and f"a figure lacks a character: {glyph[0]}"
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
            output.text = re.sub(r"\S*ipykernel_\d+[/\\]\d+\.py", "<cell>", output.text)
        elif "text/plain" in output.get("data", {}):
            output.data["text/plain"] = re.sub(r" at 0x[0-9a-fA-F]+>", ">", output.data["text/plain"])
    notebook.metadata["papermill"] = {"parameters": {"language": language, **source.settings}}


def write_index(out: str | Path) -> Path:
    """Rewrite ``index.html`` from every ``run.json`` below `out`, newest run first.

    A ``run.json`` that cannot be read stands in the index as such.

    Parameters
    ----------
    out : str or Path
        The folder that holds the runs.

    Returns
    -------
    Path
        Of the index.
    """
    found = [_read_run(path) for path in Path(out).glob("*/run.json")]
    runs = sorted(found, key=lambda run: _age(run["folder"]), reverse=True)
    index = Path(out) / "index.html"
    _write(index, pages.index(runs).encode())
    return index


def _age(folder: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d{1,12}", folder))


def _read_run(path: Path) -> dict[str, Any]:
    folder = path.parent.name
    try:
        run = RUN.validate_python({**json.loads(path.read_bytes()), "folder": folder})
    except (OSError, ValueError, TypeError) as broken:
        return {"folder": folder, "broken": str(broken).splitlines()[0]}
    return {"folder": folder, "run": run, "reports": _by_notebook(run.records)}


def _by_notebook(records: Sequence[Record]) -> dict[str, list[Record]]:
    names = dict.fromkeys(record.notebook for record in records)
    return {name: [record for record in records if record.notebook == name] for name in names}
