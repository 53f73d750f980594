"""Forked and cold kernels: the same bytes, no trace of one in the next, nothing left behind."""

import asyncio
import json
import os
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from queue import Empty
from time import monotonic, sleep

import nbformat
import pytest
from jupyter_client.provisioning import KernelProvisionerFactory
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from reform_analysis import kernels, report
from reform_analysis.forkserver import LIBRARIES
from reform_analysis.report import RunResult

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")

DIRTY = [
    "import os, sys, random\nimport pandas as pd, numpy as np, matplotlib as mpl\n"
    "pd.set_option('display.precision', 1)",
    "mpl.rcParams['lines.linewidth'] = 9\nos.environ['TRACE'] = 'x'\n"
    "np.random.seed(1); random.seed(1)\nos.chdir('/')",
    "sys.modules['statistics'] = None; sys.path.insert(0, '/nowhere'); pd.DataFrame.trace = 1",
]
PROBE = [
    "import os, sys, pandas as pd, numpy as np, matplotlib as mpl, random\n"
    "print(pd.get_option('display.precision'), mpl.rcParams['lines.linewidth'], os.environ.get('TRACE'))",
    "print(os.getcwd(), sys.path, hasattr(pd.DataFrame, 'trace'), list({'a', 'b', 'c', 'd'}))",
    "pd.get_option('display.max_columns'), pd.DataFrame({f'column{n}': [n] for n in range(14)})",
    "import statistics; statistics.mean([1, 2])",
    "os.environ['OMP_NUM_THREADS'], mpl.get_backend(), sys.argv[0].rsplit('/')[-1].removesuffix('.py')",
    "os.system('echo from a child');",
    "import warnings; warnings.warn('mind this')",
]
FIGURE = ["import matplotlib.pyplot as plt\nplt.plot([1, 3, 2]);"]
SEEDS = ["import numpy as np, random\nprint(np.random.rand(), random.random())"]


def save(path: Path, sources: list[str]) -> None:
    parameters = new_code_cell('language: str = "zh"', id="p", metadata={"tags": ["parameters"]})
    cells = [new_code_cell(source, id=f"c{number}") for number, source in enumerate(sources)]
    nbformat.write(new_notebook(cells=[parameters, new_markdown_cell("# 题", id="t"), *cells]), path)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunResult]:
    folder = tmp_path_factory.mktemp("kernels")
    for name, sources in (("a_dirty", DIRTY), ("b_probe", PROBE), ("c_figure", FIGURE)):
        save(folder / f"{name}.ipynb", sources)
    study = folder / "study.yaml"
    study.write_text("notebooks: [a_dirty.ipynb, b_probe.ipynb, c_figure.ipynb]\nlanguages: [zh]\n")
    return {
        kind: report.render(study, out=folder / kind, jobs=1, kernels=kind)  # type: ignore[arg-type]
        for kind in ("fork", "cold")
    }


def test_forked_and_cold_kernels_give_equal_bytes(runs: dict[str, RunResult]) -> None:
    names = [sorted(path.name for path in run.folder.glob("?_*")) for run in runs.values()]
    assert names[0] == names[1]
    assert len(names[0]) == 6
    for name in names[0]:
        assert (runs["fork"].folder / name).read_bytes() == (runs["cold"].folder / name).read_bytes(), name


def test_the_probe_sees_no_trace(runs: dict[str, RunResult]) -> None:
    status = {record.notebook: record.error for record in runs["fork"].records}
    assert status["a_dirty"] is None
    assert status["b_probe"] is None
    text = (runs["fork"].folder / "b_probe.zh.ipynb").read_text(encoding="utf-8")
    assert "6 1.5 None" in text


def test_figures_of_matplotlib_arrive(runs: dict[str, RunResult]) -> None:
    """The page fails for want of a description, so the figure is there; see forkserver.LIBRARIES."""
    record = runs["fork"].records[2]
    assert "a figure has no alternative text" in str(record.error)
    assert '"image/png": "iVBOR' in (runs["fork"].folder / record.ipynb).read_text(encoding="utf-8")


def test_kernels_of_one_server_draw_other_numbers(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / f"{name}.ipynb", SEEDS)
    study = tmp_path / "study.yaml"
    study.write_text("notebooks: [a.ipynb, b.ipynb]\nlanguages: [zh]\n")
    run = report.render(study, out=tmp_path / "out", jobs=2, kernels="fork")
    texts = [json.loads((run.folder / record.ipynb).read_text(encoding="utf-8")) for record in run.records]
    drawn = [text["cells"][-1]["outputs"][0]["text"] for text in texts]
    assert drawn[0] != drawn[1]


def test_a_server_leaves_no_process_descriptor_or_folder() -> None:
    before = set(os.listdir("/proc/self/fd"))
    with kernels.ForkServer([]) as server:
        folder = Path(server.socket).parent
        assert folder.stat().st_mode & 0o777 == 0o700
        assert Path(f"/proc/{server.pid}").exists()
    assert not Path(f"/proc/{server.pid}").exists()
    assert not folder.exists()
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_server_ends_with_its_runner() -> None:
    server = kernels.ForkServer([])
    assert server._process.stdin is not None
    server._process.stdin.close()
    end = monotonic() + 10
    while server._process.poll() is None and monotonic() < end:
        sleep(0.05)
    assert server._process.poll() == 0
    server.close()


def test_a_server_with_threads_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "threaded.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with pytest.raises(kernels.ReportError, match="has 2 threads"):
        kernels.ForkServer(["threaded"])


def test_a_checkout_with_old_metadata_knows_the_provisioners(monkeypatch: pytest.MonkeyPatch) -> None:
    factory = KernelProvisionerFactory.instance()
    monkeypatch.setattr(factory, "provisioners", {})
    kernels.BatchKernelManager(kernel_name="python3")
    found = factory.provisioners[kernels.FORKED]
    assert isinstance(found, EntryPoint)
    assert found.load().__name__ == "ForkProvisioner"


def test_only_libraries_in_use_are_imported_beforehand() -> None:
    assert "statsmodels.api" not in kernels.needed_libraries(["import pandas"])
    assert "pandas" in kernels.needed_libraries(["import pandas"])
    assert kernels.needed_libraries(["from reform_analysis import did"]) == list(LIBRARIES)
    assert "matplotlib_inline.backend_inline" not in LIBRARIES


class Channel:
    """Answers in order; then nothing comes."""

    def __init__(self, *answers: dict[str, object]) -> None:
        self._answers = list(answers)

    async def get_msg(self, timeout: float) -> dict[str, object]:  # noqa: ARG002
        if not self._answers:
            raise Empty
        return self._answers.pop(0)


class Client(kernels.BatchKernelClient):
    """Asks under the number of the question; its channels are those given."""

    shell_channel = iopub_channel = Channel()
    alive = True
    asked = 0

    def kernel_info(self, **_: object) -> str:
        self.asked += 1
        return str(self.asked)

    async def _async_is_alive(self) -> bool:
        return self.alive


def heard(question: str, state: str) -> dict[str, object]:
    return {"content": {"execution_state": state}, "parent_header": {"msg_id": question}}


def test_the_client_is_ready_when_the_answer_has_ended_on_iopub() -> None:
    client = Client()
    client.shell_channel = Channel({})
    client.iopub_channel = Channel(
        heard("0", "idle"), heard("1", "busy"), heard("1", "idle"), heard("9", "busy")
    )
    asyncio.run(client.wait_for_ready(timeout=5))
    assert client.asked == 1
    assert [answer["parent_header"] for answer in client.iopub_channel._answers] == [{"msg_id": "9"}]


def test_no_thread_listens_to_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would fail where a kernel ends while the thread starts; whether one lives, its manager sees."""
    begun = []
    for name in ("shell", "iopub", "stdin", "hb", "control"):
        channel = type("Begun", (), {"start": lambda _self, name=name: begun.append(name)})()
        monkeypatch.setattr(kernels.BatchKernelClient, f"{name}_channel", channel)
    kernels.BatchKernelClient().start_channels()
    assert sorted(begun) == ["control", "iopub", "shell", "stdin"]


def test_the_client_asks_again_where_iopub_was_late() -> None:
    client = Client()
    client.shell_channel, client.iopub_channel = Channel({}, {}), Channel(heard("0", "idle"))
    ends = iter([Channel(heard("2", "idle"))])
    ask = client.kernel_info

    def info() -> str:
        if client.asked == 1:
            client.iopub_channel = next(ends)
        return ask()

    client.kernel_info = info  # type: ignore[method-assign]
    asyncio.run(client.wait_for_ready(timeout=5))
    assert client.asked == 2


@pytest.mark.parametrize(("alive", "message"), [(False, "died before"), (True, "didn't respond in 0.05")])
def test_the_client_says_why_it_never_was_ready(alive: bool, message: str) -> None:
    client = Client()
    client.alive = alive
    with pytest.raises(RuntimeError, match=message):
        asyncio.run(client.wait_for_ready(timeout=0.05))


@pytest.mark.parametrize("kind", ["fork", "cold"])
def test_without_a_home_no_library_complains_in_the_report(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("MPLCONFIGDIR", "IPYTHONDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/dev/null/nobody")
    save(tmp_path / "a.ipynb", ["import matplotlib.pyplot as plt\nplt.rcParams['figure.dpi']"])
    study = tmp_path / "study.yaml"
    study.write_text("notebooks: [a.ipynb]\nlanguages: [zh]\n")
    done = report.render(study, out=tmp_path / "out", kernels=kind)  # type: ignore[arg-type]
    assert done.complete
    page = nbformat.read(done.folder / done.records[0].ipynb, as_version=4)
    kinds = [output.output_type for cell in page.cells for output in cell.get("outputs", [])]
    assert "stream" not in kinds
    assert "not a writable location" not in capfd.readouterr().err


def test_a_home_or_what_the_user_set_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kernels.homeless() == {}
    monkeypatch.setenv("HOME", "/dev/null/nobody")
    monkeypatch.setenv("MPLCONFIGDIR", "/mine")
    assert list(kernels.homeless()) == ["IPYTHONDIR"]


SLOW_FONTS = """
import threading
class Timer(threading.Timer):
    def __init__(self, interval, *rest):
        super().__init__(0 if interval == 5 else interval, *rest)
threading.Timer = Timer
"""


@pytest.mark.parametrize(("kind", "code"), [("cold", "import matplotlib.pyplot"), ("fork", "import other")])
def test_the_list_of_fonts_is_made_before_the_first_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, code: str
) -> None:
    """matplotlib says in the report that waits for it that it makes the list, where that takes 5 seconds."""
    (tmp_path / "sitecustomize.py").write_text(SLOW_FONTS, encoding="utf-8")
    (tmp_path / "other.py").write_text("import matplotlib.pyplot", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "fonts"))
    save(tmp_path / "a.ipynb", [f"{code}\n1"])
    (tmp_path / "study.yaml").write_text("notebooks: [a.ipynb]\nlanguages: [zh]\n", encoding="utf-8")
    found = []
    for out in ("cold_list", "warm_list"):
        run = report.render(tmp_path / "study.yaml", out=tmp_path / out, kernels=kind)  # type: ignore[arg-type]
        found.append((run.folder / run.records[0].ipynb).read_bytes())
    assert b"building the font cache" not in found[0]
    assert found[0] == found[1]
    assert list((tmp_path / "fonts").glob("fontlist-*.json"))
