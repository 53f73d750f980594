"""Faults injected into the unit of work: what becomes of one report when something breaks."""

import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep, time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from reform_analysis import pages, report
from reform_analysis.jobs import Job, render_one, restore
from reform_analysis.study import make_plan

DIE = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


def job(folder: Path, *sources: str, settings: str = "") -> Job:
    text = 'language: str = "zh"\ndata: str = ""\ntimes: int = 0'
    parameters = new_code_cell(text, id="p", metadata={"tags": ["parameters"]})
    cells = [new_code_cell(source, id=f"c{number}") for number, source in enumerate(sources)]
    notebook = new_notebook(cells=[parameters, new_markdown_cell("# 题", id="t"), *cells])
    nbformat.write(notebook, folder / "a.ipynb")
    (folder / "study.yaml").write_text(f"notebooks: [a.ipynb]\nlanguages: [zh]\n{settings}", encoding="utf-8")
    for name in ("run", "out/cache"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    plan = make_plan(folder / "study.yaml")
    (task,) = report.plan_jobs(plan, plan.reports, folder=folder / "run", out=folder / "out")
    return task


def left(folder: Path) -> list[str]:
    return sorted(
        path.name for path in folder.rglob("*") if path.is_file() and path.name.startswith(("a.zh", "."))
    )


def test_a_dying_kernel_is_tried_again_twice_and_then_fails(tmp_path: Path) -> None:
    task = job(tmp_path, "x = 32", f"open('starts', 'a').write('.')\n{DIE}")
    record = render_one(task)
    assert (record.status, record.attempts, record.error) == ("failed", 3, "cell 4: Kernel died")
    assert (tmp_path / "starts").read_text() == "..."
    assert left(tmp_path / "run") == ["a.zh.failed.html", "a.zh.failed.ipynb"]
    notebook = nbformat.read(tmp_path / "run" / record.ipynb, as_version=4)
    assert [cell.source for cell in notebook.cells if cell.cell_type == "code"][-2] == "x = 32"


def test_a_kernel_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    once = f"from pathlib import Path\nif not Path('died').exists():\n    Path('died').touch()\n    {DIE}"
    record = render_one(job(tmp_path, once))
    assert (record.status, record.attempts) == ("ok", 2)
    assert left(tmp_path / "run") == ["a.zh.html", "a.zh.ipynb"]


def test_an_error_of_the_analysis_is_never_tried_again(tmp_path: Path) -> None:
    record = render_one(job(tmp_path, "open('starts', 'a').write('.')\nraise ValueError('no units')"))
    assert (record.status, record.attempts, record.error) == ("failed", 1, "cell 3: ValueError: no units")
    assert (tmp_path / "starts").read_text() == "."


def test_an_endless_cell_ends_at_the_deadline_of_the_report(tmp_path: Path) -> None:
    record = render_one(job(tmp_path, "1 + 1", "while True: pass", settings="deadline: 6.0\n"))
    assert (record.status, record.attempts) == ("failed", 1)
    assert record.error == "cell 4: not finished after 6 seconds; raise deadline in the study file"
    assert record.seconds < 30


def test_a_cell_without_memory_fails_alone(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))"
    record = render_one(job(tmp_path, limit, "x = bytearray(2**33)"))
    assert (record.status, record.error) == ("failed", "cell 4: MemoryError:")


def test_a_folder_that_is_gone_gives_a_record_with_its_traceback(tmp_path: Path) -> None:
    task = job(tmp_path, "1")
    shutil.rmtree(tmp_path / "run")
    record = render_one(task)
    assert record.status == "failed"
    assert str(record.error).startswith("FileNotFoundError")
    assert "Traceback" in record.traceback
    assert (record.html, record.ipynb) == ("", "")


def test_a_job_can_be_sent_elsewhere(tmp_path: Path) -> None:
    task = job(tmp_path, "print(6 * 7)")
    record = render_one(pickle.loads(pickle.dumps(task)))  # noqa: S301
    assert record.status == "ok"
    assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301


def test_a_notebook_edited_during_the_run_changes_nothing(tmp_path: Path) -> None:
    task = job(tmp_path, "print('as planned')")
    (tmp_path / "a.ipynb").write_text("{", encoding="utf-8")
    record = render_one(task)
    assert record.status == "ok"
    assert "as planned" in (tmp_path / "run" / record.html).read_text(encoding="utf-8")


def test_data_changed_during_the_run_fails_the_report(tmp_path: Path) -> None:
    (tmp_path / "panel.csv").write_text("a\n1\n", encoding="utf-8")
    task = job(tmp_path, "open(data, 'a').write('2')", settings="data: panel.csv\n")
    record = render_one(task)
    assert record.error == "the data file panel.csv was changed while the batch ran; render again"
    assert restore(task) is None


@pytest.fixture
def finished(tmp_path: Path) -> Job:
    task = job(tmp_path, "open('starts', 'a').write('.');")
    assert render_one(task).status == "ok"
    return task


def test_a_finished_report_comes_from_the_cache(tmp_path: Path, finished: Job) -> None:
    pages = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    shutil.rmtree(tmp_path / "run")
    (tmp_path / "run").mkdir()
    again = render_one(finished)
    assert (again.status, again.cached) == ("ok", True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == pages
    assert (tmp_path / "starts").read_text() == "."
    assert render_one(replace(finished, fresh=True)).cached is False


def test_taking_a_report_from_the_cache_is_a_use_of_it(tmp_path: Path, finished: Job) -> None:
    entry = tmp_path / "out" / "cache" / f"{finished.key}.json"
    os.utime(entry, (0, 0))
    assert restore(finished) is not None
    assert time() - entry.stat().st_mtime < 60


@pytest.mark.parametrize("kind", ["html", "ipynb", "json"])
@pytest.mark.parametrize("damage", [b"", b"{}", b"[1]", None])
def test_a_broken_cache_entry_is_rendered_anew(tmp_path: Path, kind: str, damage: bytes | None) -> None:
    task = job(tmp_path, "1")
    cache = tmp_path / "out" / "cache"
    contents = {"html": b"<p>", "ipynb": b"nb"}
    digests = {name: report.hashlib.sha256(text).hexdigest() for name, text in contents.items()}
    entry = {"title": "t", "glyphs": [], "estimates": [], "sha256": digests}
    contents["json"] = report.json.dumps(entry).encode()
    for name, text in contents.items():
        (cache / f"{task.key}.{name}").write_bytes(text)
    assert restore(task) is not None
    broken = cache / f"{task.key}.{kind}"
    broken.unlink() if damage is None else broken.write_bytes(damage)
    assert restore(task) is None


def test_the_key_knows_sources_values_data_and_title(tmp_path: Path) -> None:
    (tmp_path / "panel.csv").write_text("a\n1\n", encoding="utf-8")
    keys = [job(tmp_path, "1").key, job(tmp_path, "1").key]
    assert keys[0] == keys[1]
    for change in (
        {"sources": ("2",)},
        {"sources": ("1",), "settings": "title: T\n"},
        {"sources": ("1",), "settings": "parameters: {times: 1}\n"},
        {"sources": ("1",), "settings": "data: panel.csv\n"},
    ):
        keys.append(job(tmp_path, *change["sources"], settings=str(change.get("settings", ""))).key)
    (tmp_path / "panel.csv").write_text("a\n2\n", encoding="utf-8")
    keys.append(job(tmp_path, "1", settings="data: panel.csv\n").key)
    assert len(set(keys)) == len(keys) - 1


def test_a_long_line_is_cut_and_takes_no_time(tmp_path: Path) -> None:
    """One line of a megabyte without a blank stalled the batch for hours."""
    record = render_one(job(tmp_path, "print('x' * 1_000_000); 1", settings="deadline: 30.0\n"))
    assert (record.status, record.error) == ("ok", None)
    assert record.seconds < 15
    (output, _) = nbformat.read(tmp_path / "run" / record.ipynb, as_version=4).cells[-1].outputs
    rest = "…… 另有 800,001 个字符未列出；报告只保留每个单元格每个输出流的前 200,000 个字符"
    assert output.text == f"{'x' * 200_000}\n{rest}\n"
    assert rest in (tmp_path / "run" / record.html).read_text(encoding="utf-8")


HTML = "from IPython.display import HTML, display\n"


def test_outputs_without_end_are_left_out_and_the_page_says_so(tmp_path: Path) -> None:
    """Fifty megabytes of HTML made a page that no browser opened, and took minutes."""
    cells = [f"{HTML}display(HTML('<p>' + 'x' * 50_000_000 + '</p>')); 1", "display(HTML('<b>kept</b>')); 2"]
    record = render_one(job(tmp_path, *cells, settings="deadline: 60.0\n"))
    assert (record.status, record.error) == ("ok", None)
    page, notebook = (tmp_path / "run" / name for name in (record.html, record.ipynb))
    told = "…… 有一个输出未列出：它计为 50.1 MB，报告只保留 10 MB 以内的输出；请只显示其中一部分，或写入文件"
    for path in (page, notebook):
        text = path.read_text(encoding="utf-8")
        assert path.stat().st_size < 1_000_000
        assert told in text
        assert "<b>kept</b>" in text


def test_a_thousand_figures_are_kept_up_to_the_limit_of_a_report(tmp_path: Path) -> None:
    source = f"{HTML}for n in range(1_000):\n    display(HTML(f'<p>{{n}}</p>' + 'y' * 99_000))"
    record = render_one(job(tmp_path, source, "1", settings="deadline: 120.0\n"))
    assert record.status == "ok"
    outputs = nbformat.read(tmp_path / "run" / record.ipynb, as_version=4).cells[-2].outputs
    told = "…… 此处另有 701 个输出未列出；一份报告总共只保留 30 MB 的输出"
    assert len(outputs) == 299 + 1  # each weighs 99,000 and some 1,125 more
    assert outputs[-1].data["text/plain"] == told
    assert told in (tmp_path / "run" / record.html).read_text(encoding="utf-8")
    assert (tmp_path / "run" / record.html).stat().st_size < 32_000_000


def test_an_error_of_megabytes_is_cut_on_the_page_and_in_the_record(tmp_path: Path) -> None:
    record = render_one(job(tmp_path, "raise ValueError('x' * 5_000_000)"))
    assert record.status == "failed"
    assert str(record.error) == f"cell 3: ValueError: {'x' * 10_000} …"
    assert all((tmp_path / "run" / name).stat().st_size < 1_000_000 for name in (record.html, record.ipynb))


@pytest.mark.parametrize(
    "source",
    [
        "for number in range(400_000):\n    print(number, flush=True)",
        "from IPython.display import display\nfor number in range(400_000):\n    display(number)",
    ],
)
def test_a_cell_of_many_messages_ends_at_the_deadline(tmp_path: Path, source: str) -> None:
    """nbclient looks at its timeout only where no message waits: ten seconds became two minutes."""
    begun = monotonic()
    record = render_one(job(tmp_path, source, settings="deadline: 6.0\n"))
    assert record.error == "cell 3: not finished after 6 seconds; raise deadline in the study file"
    assert (record.status, record.attempts) == ("failed", 1)
    assert monotonic() - begun < 20


def test_the_deadline_holds_for_the_page_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: object, **options: object) -> pages.Page:
        if not options["failure"]:
            sleep(6)
        return real(*args, **options)  # type: ignore[arg-type]

    real = pages.page
    task = job(tmp_path, "print('much')", settings="deadline: 6.0\n")
    monkeypatch.setattr(pages, "page", slow)
    record = render_one(task)
    assert (record.status, record.error) == (
        "failed",
        "not finished after 6 seconds; raise deadline in the study file",
    )
    assert restore(task) is None
    assert left(tmp_path / "run") == ["a.zh.failed.html", "a.zh.failed.ipynb"]


def test_a_kernel_that_dies_is_not_tried_again_past_the_deadline(tmp_path: Path) -> None:
    source = f"import time; open('starts', 'a').write('.'); time.sleep(4)\n{DIE}"
    record = render_one(job(tmp_path, source, settings="deadline: 7.0\n"))
    assert str(record.error).endswith("not finished after 7 seconds; raise deadline in the study file")
    assert (tmp_path / "starts").read_text() in (".", "..")
    assert record.seconds < 20


@pytest.mark.parametrize("kind", ["html", "ipynb", "json"])
def test_a_cache_that_cannot_be_written_costs_the_cache_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    task = job(tmp_path, "print('done')")
    (tmp_path / "out" / "cache" / f"{task.key}.{kind}").mkdir()
    record = render_one(task)
    assert (record.status, record.error, record.traceback) == ("ok", None, "")
    assert left(tmp_path / "run") == ["a.zh.html", "a.zh.ipynb"]
    (told,) = [entry.getMessage() for entry in caplog.records]
    assert told.startswith("a.zh is not kept in the cache")
    assert restore(task) is None
