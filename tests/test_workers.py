"""Whole batches with faults injected: killed, interrupted, started twice, on a full or forbidden disk."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import jsonschema
import nbformat
import pandas as pd
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from reform_analysis import manifest, outcome, report, runs, storage, workers
from reform_analysis.cli import main
from reform_analysis.estimates import ReportError

PARAMETERS = 'language: str = "zh"  # l\nunit: str = "0"  # u'
RECORD = """import pandas as pd
from reform_analysis import headlines
from reform_analysis.estimates import Estimates
row = {"estimate": 0.5 + int(unit), "std_error": 0.2, "ci_low": 0.4, "ci_high": 9.0, "p_value": 0.03}
frame = pd.DataFrame(row, index=pd.Index(["treated"], name="term"))
headlines.record(Estimates(frame, scale="rate_ratio", ci_level=0.95, method="m", n_obs=10))"""
COUNT = "import os; os.close(os.open(f'begun-{unit}-{os.getpid()}', os.O_CREAT))"


def study(folder: Path, units: int, *sources: str, declared: str = PARAMETERS) -> Path:
    parameters = new_code_cell(declared, id="p", metadata={"tags": ["parameters"]})
    cells = [new_code_cell(source, id=f"c{number}") for number, source in enumerate(sources)]
    notebook = new_notebook(cells=[parameters, new_markdown_cell("# 题", id="t"), *cells])
    nbformat.write(notebook, folder / "a.ipynb")
    values = ", ".join(f'"{number}"' for number in range(units))
    text = f"notebooks: [a.ipynb]\nlanguages: [zh]\ngrid: {{by: [unit], values: {{unit: [{values}]}}}}\n"
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return folder / "study.yaml"


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "reform_analysis.cli", "render", "study.yaml", *options]


def begin(folder: Path, *options: str, arguments: list[str] | None = None) -> subprocess.Popen[str]:
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # A process started in the background of a script ignores Ctrl-C, and hands that on.
    signals = {"preexec_fn": partial(signal.signal, signal.SIGINT, signal.default_int_handler)}
    return subprocess.Popen(
        arguments or command(*options), cwd=folder, start_new_session=True, **pipes, **signals
    )


def wait_for(folder: Path, pattern: str, count: int) -> None:
    end = monotonic() + 120
    while len(list(folder.glob(pattern))) < count:
        assert monotonic() < end, f"{pattern} did not appear"
        sleep(0.05)


def assert_whole(folder: Path) -> None:
    """No half-written file; every page and notebook is complete."""
    assert list(folder.rglob(".*.tmp")) == []
    for path in folder.rglob("*.html"):
        assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    for path in folder.rglob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))
    for path in folder.rglob("*.json"):
        json.loads(path.read_bytes())


def kernels_of(folder: Path) -> list[str]:
    """Processes whose folder is the study's."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder and int(entry.name) != os.getpid():
                found.append((entry / "cmdline").read_bytes().decode())
        except OSError:
            continue
    return found


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> report.RunResult:
    folder = tmp_path_factory.mktemp("batch")
    path = study(folder, 4, RECORD, COUNT, "if unit == '2':\n    raise ValueError('no')")
    return report.render(path, out=folder / "out", jobs=2)


def test_a_failure_costs_one_report(batch: report.RunResult) -> None:
    assert [record.status for record in batch.records] == ["ok", "ok", "failed", "ok"]
    assert (batch.complete, batch.interrupted, batch.planned) == (False, False, 4)
    assert_whole(batch.folder.parent)


def test_the_estimates_of_all_reports_are_one_table(batch: report.RunResult) -> None:
    table = pd.read_parquet(batch.folder / "estimates.parquet")
    assert table["unit"].tolist() == ["0", "1", "2", "3"]
    assert table["estimate"].tolist() == [0.5, 1.5, 2.5, 3.5]
    text = pd.read_csv(batch.folder / "estimates.csv", dtype={"unit": str})
    pd.testing.assert_frame_equal(text, table, check_dtype=False)


def test_the_manifest_follows_its_schema_and_names_every_file(batch: report.RunResult) -> None:
    found = json.loads((batch.folder / "manifest.json").read_text(encoding="utf-8"))
    jsonschema.validate(found, json.loads(manifest.SCHEMA.read_text(encoding="utf-8")))
    assert (found["status"], found["planned"], found["grid"]) == ("failed", 4, ["unit", "language"])
    assert found["estimates"] == ["estimates.parquet", "estimates.csv"]
    for entry in found["reports"]:
        for name, sha256 in entry["files"].items():
            assert report.digest(batch.folder / name) == sha256


def test_a_rerun_renders_what_failed_and_what_changed(batch: report.RunResult) -> None:
    folder = batch.folder.parent.parent
    for path in folder.glob("begun-*"):
        path.unlink()
    again = report.render(folder / "study.yaml", out=folder / "out", jobs=2)
    assert [record.cached for record in again.records] == [True, True, False, True]
    assert {path.name.split("-")[1] for path in folder.glob("begun-*")} == {"2"}
    for record in again.records:
        assert (again.folder / record.html).read_bytes() == (batch.folder / record.html).read_bytes()
    other = report.render(folder / "study.yaml", out=folder / "other", jobs=2, fresh=True, kernels="cold")
    for record in other.records:
        for name in (record.html, record.ipynb):
            assert (other.folder / name).read_bytes() == (batch.folder / name).read_bytes()


def test_a_run_cuts_the_cache_and_keeps_what_it_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = study(tmp_path, 2, "1")
    report.render(path, out=tmp_path / "out", jobs=1)
    cache = tmp_path / "out" / "cache"
    for entry in cache.iterdir():
        os.utime(entry, (0, 0))
    old = cache / f"{'0' * 64}.json"
    old.write_bytes(b"{}")
    os.utime(old, (0, 0))
    again = report.render(path, out=tmp_path / "out", jobs=1)
    assert old.exists()  # two gigabytes are not full
    monkeypatch.setattr(storage, "CACHE_BYTES", 0)
    again = report.render(path, out=tmp_path / "out", jobs=1, where={"unit": "1"})
    assert [record.cached for record in again.records] == [True]
    assert sorted(entry.suffix for entry in cache.iterdir()) == sorted([".html", ".ipynb", ".json"] * 2)
    for entry in cache.glob("*"):
        if again.records[0].key not in entry.name:
            os.utime(entry, (0, 0))
    again = report.render(path, out=tmp_path / "out", jobs=1, where={"unit": "1"})
    assert {entry.stem for entry in cache.iterdir()} == {again.records[0].key}


def test_fail_fast_stops_and_says_so(tmp_path: Path) -> None:
    path = study(tmp_path, 6, "import time\nassert unit != '0'\ntime.sleep(2)")
    run = report.render(path, out=tmp_path / "out", jobs=1, fail_fast=True)
    assert [record.stem for record in run.failed] == ["a.0.zh"]
    assert run.interrupted
    assert len(run.records) < 6
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert f"Reports not yet made: {6 - len(run.records)}" in index


@linux
@pytest.mark.system
def test_a_batch_killed_in_the_middle_goes_on_where_it_was(tmp_path: Path) -> None:
    study(tmp_path, 8, COUNT, "import time; time.sleep(0.3)")
    with begin(tmp_path, "--jobs", "2") as runner:
        wait_for(tmp_path, "reports/cache/*.json", 3)
        runner.kill()
    end = monotonic() + 20
    while kernels_of(tmp_path) and monotonic() < end:
        sleep(0.1)
    assert kernels_of(tmp_path) == []
    finished = len(list((tmp_path / "reports" / "cache").glob("*.json")))
    assert 3 <= finished < 8
    run = report.render(tmp_path / "study.yaml", out=tmp_path / "reports", jobs=2)
    assert run.complete
    assert sum(record.cached for record in run.records) == finished
    assert len(list(run.folder.glob("*.html"))) == 8
    assert_whole(tmp_path / "reports")


@linux
@pytest.mark.system
@pytest.mark.parametrize("times", [1, 4])
def test_ctrl_c_ends_cleanly_with_exit_code_130(tmp_path: Path, times: int) -> None:
    study(tmp_path, 4, COUNT, "import time; time.sleep(0.2 if unit == '0' else 60)")
    with begin(tmp_path, "--jobs", "2") as runner:
        wait_for(tmp_path, "reports/cache/*.json", 1)
        wait_for(tmp_path, "begun-*", 3)
        for _ in range(times):  # an impatient hand
            runner.send_signal(signal.SIGINT)
            sleep(0.05)
        _, errors = runner.communicate(timeout=60)
    assert runner.returncode == 130, errors
    assert "Traceback" not in errors
    assert "从停下处接着做" in errors  # the study is Chinese
    assert kernels_of(tmp_path) == []
    (folder,) = (tmp_path / "reports").glob("2*")
    assert sorted(path.name for path in folder.glob("a.*")) == ["a.0.zh.html", "a.0.zh.ipynb"]
    assert json.loads((folder / "manifest.json").read_bytes())["status"] == "interrupted"
    assert_whole(tmp_path / "reports")


@linux
@pytest.mark.system
def test_a_second_run_on_one_folder_is_refused(tmp_path: Path) -> None:
    path = study(tmp_path, 2, COUNT, "import time; time.sleep(5)")
    with begin(tmp_path, "--jobs", "1") as runner:
        wait_for(tmp_path, "begun-*", 1)
        with pytest.raises(ReportError, match=f"another run writes into .*process {runner.pid}"):
            report.render(path, out=tmp_path / "reports")
        runner.send_signal(signal.SIGINT)
        runner.communicate(timeout=60)


@linux
@pytest.mark.system
def test_a_killed_worker_process_costs_no_report(tmp_path: Path) -> None:
    """The parent of a cold kernel is a worker: the first kernel of report 1 kills its own."""
    kill = (
        "import os, signal, pathlib\n"
        "if unit == '1' and not pathlib.Path('killed').exists():\n"
        "    pathlib.Path('killed').touch()\n"
        "    os.kill(os.getppid(), signal.SIGKILL)"
    )
    path = study(tmp_path, 3, kill, "import time; time.sleep(0.3)")
    run = report.render(path, out=tmp_path / "out", jobs=2, kernels="cold")
    assert (tmp_path / "killed").exists()
    assert [(record.stem, record.status) for record in run.records] == [
        (f"a.{unit}.zh", "ok") for unit in "012"
    ]
    assert run.complete
    assert len(list(run.folder.glob("a.*"))) == 6
    assert_whole(tmp_path / "out")
    end = monotonic() + 20
    while kernels_of(tmp_path) and monotonic() < end:
        sleep(0.1)
    assert kernels_of(tmp_path) == []


COLD = """import sys
from reform_analysis import report, workers
from reform_analysis.cli import main
workers.CAN_FORK = False
main(["render", "study.yaml", "--jobs", "2"])"""


@linux
@pytest.mark.system
def test_ctrl_c_with_cold_workers_ends_cleanly(tmp_path: Path) -> None:
    study(tmp_path, 4, COUNT, "import time; time.sleep(0.2 if unit == '0' else 60)")
    with begin(tmp_path, arguments=[sys.executable, "-c", COLD]) as runner:
        wait_for(tmp_path, "reports/cache/*.json", 1)
        wait_for(tmp_path, "begun-*", 3)
        os.killpg(runner.pid, signal.SIGINT)  # a terminal sends it to all
        _, errors = runner.communicate(timeout=60)
    assert runner.returncode == 130, errors
    assert "Traceback" not in errors
    assert "从停下处接着做" in errors  # the study is Chinese
    end = monotonic() + 20
    while kernels_of(tmp_path) and monotonic() < end:
        sleep(0.1)
    assert kernels_of(tmp_path) == []
    (folder,) = (tmp_path / "reports").glob("2*")
    assert sorted(path.name for path in folder.glob("a.*")) == ["a.0.zh.html", "a.0.zh.ipynb"]
    assert json.loads((folder / "manifest.json").read_bytes())["status"] == "interrupted"
    assert_whole(tmp_path / "reports")


PLATFORM = """import sys
real = sys.platform
import click, IPython, jupyter_client, nbclient, papermill, pandas, pyarrow, tqdm, joblib, ipykernel.kernelapp
import docx, nbconvert, pyfixest, seaborn, sqlite3, statsmodels.api
sys.platform = sys.argv[1]
from reform_analysis import kernels, workers
sys.platform = real
assert not workers.CAN_FORK
def refuse(*_):
    raise AssertionError("forked")
workers.ForkServer = refuse
print(workers._server(list("ab"), "auto", None))
"""


@linux
@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_take_cold_kernels(platform: str) -> None:
    """Where kernels cannot be forked, no server is started; nothing that only Linux has is imported."""
    code = PLATFORM
    if platform == "win32":  # what Windows has and Linux has not, and the other way round
        code = code.replace("from reform", WINDOWS + "from reform", 1)
    done = subprocess.run([sys.executable, "-c", code, platform], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("None\n", 0), done.stderr


WINDOWS = """import types
sys.modules["msvcrt"] = types.ModuleType("msvcrt")
sys.modules["fcntl"] = None
"""


def test_shards_are_independent_and_make_one_index(tmp_path: Path) -> None:
    path = study(tmp_path, 3, "1")
    runs = [report.render(path, out=tmp_path / "out", jobs=1, shard=f"{number}/2") for number in (1, 2)]
    assert [[record.stem for record in run.records] for run in runs] == [["a.0.zh", "a.2.zh"], ["a.1.zh"]]
    assert runs[0].batch == runs[1].batch
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert index.count("<article") == 1
    assert index.count('<tr class="ok"') == 3
    assert "Reports not yet made" not in index


def test_the_index_says_which_shards_are_missing(tmp_path: Path) -> None:
    run = report.render(study(tmp_path, 3, "1"), out=tmp_path / "out", jobs=1, shard="1/3")
    assert (run.planned, run.total) == (1, 3)
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "Reports not yet made: 2; 没有运行的分片" in index
    assert "shards without a run: 2/3, 3/3" in index


def test_shards_of_other_parameters_or_data_are_another_batch(tmp_path: Path) -> None:
    path = study(tmp_path, 2, "1", declared=f'{PARAMETERS}\ndata: str = ""\nshift: int = 0')
    with path.open("a", encoding="utf-8") as file:
        file.write("data: data.txt\n")
    batches = []
    for content, shift in (("1", 0), ("1", 1), ("100", 1)):
        (tmp_path / "data.txt").write_text(content, encoding="utf-8")
        for shard in ("1/2", "2/2"):
            given = {"shift": shift}
            run = report.render(path, out=tmp_path / "out", jobs=1, shard=shard, parameters=given)
            batches.append(run.batch)
    assert batches[::2] == batches[1::2]
    assert len(set(batches)) == 3
    assert (tmp_path / "out" / "index.html").read_text(encoding="utf-8").count("<article") == 3


UNPRIVILEGED = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]


@linux
@pytest.mark.system
@pytest.mark.skipif(not shutil.which("setpriv") or os.geteuid() != 0, reason="becomes another user")
def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(tmp_path: Path) -> None:
    study(tmp_path, 2, COUNT)
    out = tmp_path / "out"
    out.mkdir(mode=0o755)
    plain = subprocess.run([*UNPRIVILEGED, "touch", str(out / "x")], capture_output=True, check=False)
    if plain.returncode == 126:
        pytest.skip("the folder of temporary files is closed to other users")
    assert plain.returncode == 1
    code = (
        "import os, sys\nfrom reform_analysis import report\n"
        "from reform_analysis.estimates import ReportError\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: report._opened(report.Path(sys.argv[1]), '').__enter__()\n"
        "except ReportError as refused: print(refused)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(out)], capture_output=True, text=True, check=True)
    assert "out must be a folder that can be written" in done.stdout
    assert list(out.iterdir()) == []


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@linux
@pytest.mark.system
def test_a_full_disk_leaves_no_half_written_file(tmp_path: Path) -> None:
    path = study(tmp_path, 8, "print(''.join(str(number) for number in range(8000)))")
    with small_disk(tmp_path / "small") as out:
        run = report.render(path, out=out, jobs=2)
        assert run.records[0].status == "ok"
        assert run.failed
        assert all("No space left" in str(record.error) for record in run.failed)
        assert_whole(out)
        written = {f"{record.stem}.html" for record in run.records if record.status == "ok"}
        assert {file.name for file in run.folder.glob("a.*.html")} == written
        with begin(tmp_path, "--out", str(out), "--log-json", "--fresh") as runner:
            printed, errors = runner.communicate(timeout=120)
        last = json.loads(printed.splitlines()[-1])
        assert (runner.returncode, last["event"], last["done"]) == (1, "run", 8), errors


def test_a_worker_survives_the_folder_of_its_first_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        done = report.render(study(folder, 1, "1"), out=tmp_path / f"{name}_out", jobs=2, kernels="cold")
        assert [record.status for record in done.records] == ["ok"]
        monkeypatch.chdir(tmp_path)
        shutil.rmtree(folder)


FAULTS = """import os, signal
if unit == '0':
    os.kill(os.getpid(), signal.SIGKILL)
if unit == '1':
    for number in range(10**9):
        print(number, flush=True)
if unit == '2':
    while True: pass
if unit == '3':
    os._exit(0)
if unit == '4':
    raise SystemExit"""
SERVER = "import os, signal, time\nif unit == '1':\n    time.sleep(1); os.kill(os.getppid(), signal.SIGKILL)"


@linux
@pytest.mark.parametrize(("units", "source"), [(6, FAULTS), (3, SERVER)])
def test_standard_error_holds_nothing_but_the_failures(tmp_path: Path, units: int, source: str) -> None:
    """What a dying kernel makes libraries say stands in the record already."""
    path = study(tmp_path, units, source)
    path.write_text(f"{path.read_text(encoding='utf-8')}deadline: 9.0\n", encoding="utf-8")
    with begin(tmp_path, "--jobs", "2") as runner:
        printed, errors = runner.communicate(timeout=120)
    assert runner.returncode == 1
    failed = [line for line in errors.splitlines() if line.startswith("错误：a（")]
    assert errors.splitlines() == failed
    assert len(failed) + printed.count(".html，") == units


def test_a_disk_that_fills_up_at_the_end_is_told_with_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    path = study(tmp_path, 2, RECORD)
    for module in (outcome, runs):
        monkeypatch.setattr(module, "write", full)
    done = CliRunner().invoke(main, ["render", str(path), "--out", str(tmp_path / "out"), "--log-json"])
    *records, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["status"] for record in records] == ["ok", "ok"]
    assert (done.exit_code, last["event"], last["done"], last["failed"]) == (1, "run", 2, 0)
    why = "(disk full: No space left on device)"
    assert last["unwritten"] == [
        f"{name} {why}" for name in ("run.json", "estimates", "manifest.json", "index.html")
    ]
    done = CliRunner().invoke(main, ["render", str(path), "--out", str(tmp_path / "out")])
    assert "（2份报告，完成2份）" in done.stdout
    assert "错误：没有写出：index.html（无法写入：磁盘已满）" in done.stderr


def test_a_disk_that_is_full_from_the_start_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(report, "_new_folder", full)
    with pytest.raises(ReportError, match=r"^disk full: .*out cannot be written"):
        report.render(study(tmp_path, 1, "1"), out=tmp_path / "out")


LEFTOVERS = """import os, subprocess, time
subprocess.Popen(['sleep', '3600'])
def leave(twice):
    if os.fork() == 0:
        os.setsid()
        if twice and os.fork():
            os._exit(0)
        open(f'left-{unit}-{os.getpid()}', 'w').close()
        time.sleep(3600)
        os._exit(0)
leave(False)
leave(True)
while len([name for name in os.listdir() if name.startswith(f'left-{unit}-')]) < 2: time.sleep(0.05)
if unit == '1': os.kill(os.getpid(), 9)"""


@linux
@pytest.mark.parametrize("kernels", ["fork", "cold"])
def test_nothing_that_a_report_started_outlives_it(tmp_path: Path, kernels: workers.Kernels) -> None:
    path = study(tmp_path, 2, LEFTOVERS)
    run = report.render(path, out=tmp_path / "out", jobs=1, kernels=kernels)
    assert run.records[0].status == "ok"
    assert len(list(tmp_path.glob("left-*"))) >= 2
    end = monotonic() + 5
    while kernels_of(tmp_path) and monotonic() < end:
        sleep(0.05)
    assert kernels_of(tmp_path) == []


@linux
def test_leftovers_end_with_their_report_and_not_with_the_run(tmp_path: Path) -> None:
    wait = "import os, time\nwhile unit == '1' and any(os.path.exists(f'/proc/{n.split(\"-\")[2]}') "
    wait += "for n in os.listdir() if n.startswith('left-0-')): time.sleep(0.1)"
    path = study(
        tmp_path,
        2,
        wait,
        f"if unit == '0':\n    {LEFTOVERS.replace(chr(10), chr(10) + '    ')}",
    )
    path.write_text(f"{path.read_text(encoding='utf-8')}deadline: 60.0\n", encoding="utf-8")
    run = report.render(path, out=tmp_path / "out", jobs=1, kernels="fork")
    assert run.complete


@linux
def test_a_run_that_goes_over_to_cold_kernels_says_so_once(tmp_path: Path) -> None:
    study(tmp_path, 2, "1")
    code = "import sys\nfrom reform_analysis import workers\nfrom reform_analysis.cli import main\n"
    code += "workers.needed_libraries = lambda _: ['threaded']\nmain(['render', 'study.yaml', '--jobs', '1'])"
    (tmp_path / "threaded.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    with begin(tmp_path, arguments=[sys.executable, "-c", code]) as runner:
        printed, errors = runner.communicate(timeout=120)
    assert runner.returncode == 0, errors
    assert "（2份报告，完成2份）" in printed
    assert errors.count("Kernels are started cold, which is slower: the fork server has 2 threads") == 1
    assert len(errors.splitlines()) == 2, errors  # the second names the line of code
