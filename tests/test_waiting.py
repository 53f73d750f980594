"""Bars: after two seconds, for a person only, and gone when the work is interrupted."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from jupyter_client.manager import start_new_kernel

from reform_analysis import correlate, study, waiting
from reform_analysis.execution import execute

SLOW = """
    import time
    from reform_analysis import waiting
    waiting.DELAY = 0.05
    with waiting.shown(range(4), unit="draw") as draws:
        found = [time.sleep(0.1) for _ in draws]
    len(found)
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_terminal(monkeypatch: pytest.MonkeyPatch, *, delay: float = 0.0) -> Terminal:
    """In the test itself: pytest's own stderr comes back between a fixture and its test."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(waiting, "DELAY", delay)
    return screen


def steps(number: int = 3) -> list[int]:
    with waiting.shown(range(number), unit="draw") as each:
        return list(each)


def test_a_terminal_sees_a_bar_that_goes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_terminal(monkeypatch)
    assert steps() == [0, 1, 2]
    assert "/3 [" in terminal.getvalue()
    assert terminal.getvalue().split("\r")[-2].strip() == ""


def test_what_is_done_in_two_seconds_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert waiting.DELAY == 2
    terminal = at_terminal(monkeypatch, delay=waiting.DELAY)
    steps()
    assert terminal.getvalue() == ""


def test_a_pipe_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "DELAY", 0.0)
    for place in (io.StringIO(), None):
        monkeypatch.setattr(sys, "stderr", place)
        assert steps() == [0, 1, 2]
        assert place is None or place.getvalue() == ""


@pytest.mark.parametrize("asks", [True, False])
def test_a_kernel_is_watched_where_it_may_ask_for_input(asks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=asks))
    application = SimpleNamespace(initialized=lambda: True, instance=lambda: kernel)
    monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", SimpleNamespace(IPKernelApp=application))
    assert waiting.is_watched() is asks


def notebook(path: Path, code: str) -> study.Source:
    first = nbformat.v4.new_code_cell('language: str = "zh"  # of the report')
    first.metadata.tags = ["parameters"]
    lines = "\n".join(line.strip() if "found" not in line else line[4:] for line in code.splitlines())
    nbformat.write(nbformat.v4.new_notebook(cells=[first, nbformat.v4.new_code_cell(lines.strip())]), path)
    return study.read_source(path)


def test_no_bar_reaches_a_report(tmp_path: Path) -> None:
    source = notebook(tmp_path / "slow.ipynb", SLOW)
    done = execute(source, "zh", cwd=tmp_path, server=None, deadline=60)
    assert done.failure is None
    outputs = done.notebook.cells[-1].outputs
    assert [output.output_type for output in outputs] == ["execute_result"]
    assert outputs[0].data["text/plain"] == "4"


def test_a_front_end_sees_the_bar(tmp_path: Path) -> None:
    """The same cell through a client that lets cells ask for input, as JupyterLab's does."""
    source = notebook(tmp_path / "slow.ipynb", SLOW)
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    heard: list[dict[str, Any]] = []
    try:
        client.execute_interactive(
            source.notebook.cells[-1].source, allow_stdin=True, timeout=60, output_hook=heard.append
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    text = "".join(each["content"].get("text", "") for each in heard if each["msg_type"] == "stream")
    shown = "".join(str(each["content"].get("data", "")) for each in heard)
    assert "/4 [" in text or "FloatProgress" in shown
    assert "IProgress" not in text


def test_no_warning_without_ipywidgets() -> None:
    code = "import sys; sys.modules['ipywidgets'] = None; import reform_analysis.waiting"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupt_leaves_no_bar_and_changes_no_later_result(monkeypatch: pytest.MonkeyPatch) -> None:
    at_terminal(monkeypatch)
    changes = pd.DataFrame(
        {
            "unit_id": [f"u{i}" for i in range(12)],
            "dose": np.arange(12.0),
            "losses_difference": np.arange(12.0) % 5,
        }
    )
    given: dict[str, Any] = {"measures": ["dose"], "outcome": "losses", "draws": 199, "seed": 1}
    before = correlate.p_values(changes, **given)
    drawn = correlate.permutation.donors

    def stopped(*values: Any, **named: Any) -> Iterator[Any]:
        yield next(drawn(*values, **named))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(correlate.permutation, "donors", stopped)
        with pytest.raises(KeyboardInterrupt):
            correlate.p_values(changes, **given)
    assert not waiting._Bar._instances
    pd.testing.assert_series_equal(correlate.p_values(changes, **given), before)
