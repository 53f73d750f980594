"""Batch rendering against papermill in a loop, its command line, and a plain forked script, in one run.

Each report has 10 code cells, 4 figures and a GLM. Batch and rival are timed in pairs, one right after
the other and each first in turn, so that a machine whose speed drifts changes both; what counts is the
median of the pairs' ratios. Then: many reports (failures, memory, file descriptors, zombies), and a
rerun in which every report is cached. The exit code is 1 where any of these misses what is asked of it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter

import nbformat
import papermill
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from reform_analysis import report
from reform_analysis.forkserver import ENVIRONMENT

PARAMETERS = 'language: str = "en"  # of the report\nunit: str = "0"  # of the grid'
FIGURE = """fig, ax = plt.subplots()
ax.plot(data.x, data.y, {style!r})
buffer = io.BytesIO()
fig.savefig(buffer, format="png")
plt.close(fig)
image = base64.b64encode(buffer.getvalue()).decode()
display({{"image/png": image}}, metadata={{"image/png": {{"alt": "{style}"}}}}, raw=True)"""
CELLS = [
    "import base64, io\nimport matplotlib.pyplot as plt\nimport numpy as np\nimport pandas as pd\n"
    "import statsmodels.api as sm",
    "rng = np.random.default_rng(int(unit))\nx = rng.normal(size=500)",
    "data = pd.DataFrame({'x': x, 'y': rng.poisson(np.exp(0.2 * x))})",
    "data.describe()",
    "fit = sm.GLM(data.y, sm.add_constant(data.x), family=sm.families.Poisson()).fit()",
    *[FIGURE.format(style=style) for style in ("o", "x", ".", "+")],
    "fit.params.to_frame('estimate')",
]


def build(folder: Path, units: int) -> Path:
    parameters = new_code_cell(PARAMETERS, id="parameters", metadata={"tags": ["parameters"]})
    cells = [new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(CELLS)]
    notebook = new_notebook(cells=[parameters, new_markdown_cell("# Report", id="title"), *cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "bench.ipynb")
    values = ", ".join(f'"{number}"' for number in range(units))
    study = folder / f"study{units}.yaml"
    study.write_text(
        f"notebooks: [bench.ipynb]\nlanguages: [en]\ngrid: {{by: [unit], values: {{unit: [{values}]}}}}\n",
        encoding="utf-8",
    )
    return study


def batch(folder: Path, units: int, jobs: int, out: str) -> report.RunResult:
    return report.render(build(folder, units), out=folder / out, jobs=jobs)


def loop(folder: Path, units: int) -> None:
    for number in range(units):
        target = folder / f"loop{number}.ipynb"
        done = papermill.execute_notebook(
            folder / "bench.ipynb", target, {"unit": str(number)}, kernel_name="python3", progress_bar=False
        )
        html, _ = HTMLExporter().from_notebook_node(done)
        target.with_suffix(".html").write_text(html, encoding="utf-8")


def command_lines(folder: Path, units: int) -> None:
    scripts = Path(sys.executable).parent
    for number in range(units):
        target = folder / f"cli{number}.ipynb"
        first = [scripts / "papermill", folder / "bench.ipynb", target, "-r", "unit", str(number)]
        subprocess.run(first, check=True, capture_output=True)
        second = [scripts / "jupyter-nbconvert", "--to", "html", target]
        subprocess.run(second, check=True, capture_output=True)


PLAIN = '''"""The same cells as a script: one fork a report, a page with tables and figures."""

import ast
import html
import json
import multiprocessing
import sys
from pathlib import Path

import matplotlib.pyplot
import pandas
import statsmodels.api

CELLS = json.loads(Path("cells.json").read_text())


def show(value, **_):
    if isinstance(value, dict):
        return f"<img src='data:image/png;base64,{value['image/png']}'>"
    return value._repr_html_() if hasattr(value, "_repr_html_") else f"<pre>{html.escape(repr(value))}</pre>"


def report(number):
    parts = []
    names = {"unit": str(number), "display": lambda value, **_: parts.append(show(value))}
    for source in CELLS:
        parts.append(f"<pre>{html.escape(source)}</pre>")
        body = ast.parse(source).body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), "cell", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None
        parts += [] if value is None else [show(value)]
    Path(f"plain{number}.html").write_text("<!DOCTYPE html>" + "".join(parts), encoding="utf-8")


with multiprocessing.get_context("fork").Pool(int(sys.argv[2]), maxtasksperchild=1) as pool:
    pool.map(report, range(int(sys.argv[1])), chunksize=1)
'''


def forked_script(folder: Path, units: int, jobs: int) -> None:
    """A process of its own, which imports the libraries once, as the fork server does."""
    (folder / "plain.py").write_text(PLAIN, encoding="utf-8")
    (folder / "cells.json").write_text(json.dumps(CELLS), encoding="utf-8")
    command = [sys.executable, "plain.py", str(units), str(jobs)]
    subprocess.run(command, check=True, cwd=folder, env={**os.environ, **ENVIRONMENT, "MPLBACKEND": "agg"})


def clock(act: Callable[[], object]) -> float:
    begun = perf_counter()
    act()
    return perf_counter() - begun


def children() -> tuple[int, int]:
    states = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            states.append(fields[0])
    return len(states), states.count("Z")


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


class Verdicts:
    """What was asked, and whether it was met."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def ask(self, question: str, met: bool) -> None:
        print(f"  {'met' if met else 'MISSED'}: {question}", flush=True)
        if not met:
            self.missed.append(question)


def pair(ours: Callable[[], object], rival: Callable[[], object], rounds: int) -> list[tuple[float, float]]:
    """Seconds of both, round by round; who goes first changes."""
    found = []
    for number in range(rounds):
        if number % 2:
            theirs = clock(rival)
            found.append((clock(ours), theirs))
        else:
            found.append((clock(ours), clock(rival)))
    return found


def compare(folder: Path, units: int, jobs: int, rounds: int, verdicts: Verdicts) -> None:
    build(folder, units)
    runs = count()
    rivals: list[tuple[str, float, Callable[[], object]]] = [
        ("plain script, forked", 0.5, lambda: forked_script(folder, units, jobs)),
        ("papermill in a loop", 4.5, lambda: loop(folder, units)),
        ("papermill and nbconvert commands", 8.0, lambda: command_lines(folder, units)),
    ]
    for name, asked, act in rivals:
        times = pair(lambda: batch(folder, units, jobs, f"out{next(runs)}"), act, rounds)
        ratios = [theirs / ours for ours, theirs in times]
        ours, theirs = (median(column) for column in zip(*times, strict=True))
        print(f"{name}: {theirs:.1f} s, this batch {ours:.1f} s (medians; {ours / units:.2f} s a report)")
        print(f"  its time over this batch's, pair by pair: {' '.join(f'{ratio:.2f}' for ratio in ratios)}")
        verdicts.ask(f"median {median(ratios):.2f}, at least {asked:g}", median(ratios) >= asked)


def many(folder: Path, units: int, jobs: int, verdicts: Verdicts) -> None:
    marks = []
    before = descriptors()
    study = build(folder, units)

    def note(_record: report.Record) -> None:
        marks.append((resident(), descriptors(), children()))

    begun = perf_counter()
    run = report.render(study, out=folder / "many", jobs=jobs, on_record=note)
    spent = perf_counter() - begun
    first, last = marks[len(marks) // 4], marks[-1]
    zombies = max(mark[2][1] for mark in marks)
    verdicts.ask(f"{units} reports, {len(run.failed)} failed, none may", not run.failed)
    verdicts.ask(f"{spent / units:.2f} s a report, under 0.5", spent / units < 0.5)
    verdicts.ask(
        f"memory {first[0]:.0f} MB after a quarter, {last[0]:.0f} MB at the end, at most a tenth more",
        last[0] <= 1.1 * first[0],
    )
    verdicts.ask(
        f"file descriptors {before} before, {first[1]} after a quarter, {last[1]} at the end, no more",
        last[1] <= first[1],
    )
    verdicts.ask(f"zombies {zombies}, none", not zombies)


def cached(folder: Path, units: int, verdicts: Verdicts) -> None:
    """Fill the cache with copies of one finished report under the keys of all jobs, then render."""
    study = build(folder, units)
    plan = report.make_plan(study)
    tasks = report.plan_jobs(plan, plan.reports, folder=folder, out=folder / "many")
    pattern = next((folder / "many" / "cache").glob("*.json")).with_suffix("")
    for task in tasks:
        for kind in ("html", "ipynb", "json"):
            target = folder / "many" / "cache" / f"{task.key}.{kind}"
            if not target.exists():
                target.write_bytes(pattern.with_suffix(f".{kind}").read_bytes())
    begun = perf_counter()
    run = report.render(study, out=folder / "many")
    spent = perf_counter() - begun
    held = sum(record.cached for record in run.records)
    verdicts.ask(f"{units} reports, {held} from the cache, all", held == units)
    verdicts.ask(f"{spent:.2f} s for all, under 5", spent < 5)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--reports", type=int, default=24)
    options.add_argument("--many", type=int, default=240)
    options.add_argument("--cached", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3, help="pairs with each rival")
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    asked = options.parse_args()
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.reports:
            compare(folder, asked.reports, asked.jobs, asked.rounds, verdicts)
        if asked.many:
            many(folder, asked.many, asked.jobs, verdicts)
        if asked.many and asked.cached:
            cached(folder, asked.cached, verdicts)
    sys.exit(1 if verdicts.missed else 0)


if __name__ == "__main__":
    main()
