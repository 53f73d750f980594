"""Rendering, with small throw-away notebooks: what is written, what is refused, what a page holds."""

import base64
import glob
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from reform_analysis import __version__, pages, report, resources
from reform_analysis.estimates import ReportError

SCRIPT = "<img src=x onerror=alert(1)>"
NAME = "总数 {one}"

FIGURE = f"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="700" height="80"><rect width="700" height="80"/></svg>'
class Figure:
    def _repr_mimebundle_(self, include=None, exclude=None):
        meta = {{"alt": 'alt "{SCRIPT}', "caption": "图 {SCRIPT}"}}
        return {{"image/svg+xml": SVG}}, {{"image/svg+xml": meta}}
class Table:
    def _repr_html_(self):
        return "<table><caption>表一</caption><tr><th>甲</th></tr><tr><td>1</td></tr></table>"
"""


def md(text: str, *tags: str) -> NotebookNode:
    return new_markdown_cell(text, metadata={"tags": list(tags)})


def code(text: str, *tags: str) -> NotebookNode:
    return new_code_cell(text, metadata={"tags": list(tags)})


def save(path: Path, *cells: NotebookNode) -> None:
    parameters = code('language: str = "zh"  # of the report\ncounty: str | None = None', "parameters")
    nbformat.write(new_notebook(cells=[parameters, *cells]), path)


GOOD = [
    md("# 中文标题 & 《书》", "lang-zh"),
    md("# English title", "lang-en"),
    md("## 第一节\n\n正文，见[原文](https://example.org/source)。\n\n### 小节", "lang-zh"),
    md("## Section one\n\nProse — with a dash.\n\n### Below", "lang-en"),
    md("## Common"),
    code(FIGURE),
    code("import os, sys, time, warnings\nprint(language, repr(county), os.path.basename(os.getcwd()))"),
    code("print('a', flush=True); time.sleep(.4); print('b', file=sys.stderr, flush=True); print('c')"),
    code("warnings.warn('mind this')"),
    code("Figure()"),
    code("Table()"),
]
BROKEN = {
    "raises": [
        code("x = 32"),
        code("print('before')\nraise ValueError('units \\033[31mgot\\033[0m <b>0</b>')"),
        code("y = 1"),
    ],
    "no_alt": [code(FIGURE.replace('"alt"', '"title"')), code("Figure()")],
    "tofu": [code("import warnings\nwarnings.warn('Glyph 35686 (X) missing from font(s) DejaVu Sans.')")],
    "leaves": [code("raise SystemExit(0)"), code("y = 1")],
    "dies": [code("x = 1"), code("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")],
    "odd_output": [code("display({'application/x-odd': 'x'}, raw=True)")],
    "loads": [md("![remote](https://example.org/a.png)")],
    "rare": [md("字：\u9ff0")],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "研究 一 {x}"
    folder.mkdir()
    save(folder / f"{NAME}.ipynb", *GOOD)
    for name, cells in BROKEN.items():
        save(folder / f"{name}.ipynb", md("# 标题"), *cells)
    names = json.dumps([f"{name}.ipynb" for name in (*BROKEN, NAME)])
    (folder / "all.yaml").write_text(
        f"title: '{SCRIPT}'\nnotebooks: {names}\nlanguages: [zh]\n", encoding="utf-8"
    )
    (folder / "good.yaml").write_text(f"notebooks: ['{NAME}.ipynb']\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def good(folder: Path) -> report.RunResult:
    return report.render(folder / "good.yaml", parameters={"county": "007"}, out=folder / "out")


@pytest.fixture(scope="module")
def everything(folder: Path, good: report.RunResult) -> report.RunResult:
    """A second run in the same folder, with the failing notebooks first."""
    return report.render(folder / "all.yaml", parameters={"county": "007"}, out=good.folder.parent)


@pytest.fixture(scope="module")
def page(good: report.RunResult) -> Callable[[str], BeautifulSoup]:
    def read(language: str) -> BeautifulSoup:
        text = (good.folder / f"{NAME}.{language}.html").read_text(encoding="utf-8")
        return BeautifulSoup(text, "html.parser")

    return read


def streams(folder: Path, name: str) -> dict[str, str]:
    notebook = nbformat.read(folder / name, as_version=4)
    found = [out for cell in notebook.cells for out in cell.get("outputs", []) if out.output_type == "stream"]
    return {kind: "".join(out.text for out in found if out.name == kind) for kind in ("stdout", "stderr")}


def test_two_languages_give_four_files_and_a_record(good: report.RunResult) -> None:
    files = {f"{NAME}.{language}.{kind}" for language in ("zh", "en") for kind in ("html", "ipynb")}
    assert {path.name for path in good.folder.iterdir()} == {*files, "run.json", "manifest.json"}
    assert re.fullmatch(r"\d{8}-\d{6}", good.folder.name)
    assert good.failed == ()
    frame = good.to_frame()
    assert list(frame["title"]) == ["中文标题 & 《书》", "English title"]
    assert list(frame["status"]) == ["ok", "ok"]


def test_run_json_holds_the_run(good: report.RunResult) -> None:
    run = json.loads((good.folder / "run.json").read_text(encoding="utf-8"))
    assert (run["version"], run["languages"], run["parameters"]) == (
        __version__,
        ["zh", "en"],
        {"county": "007"},
    )
    assert [record["html"] for record in run["records"]] == [f"{NAME}.zh.html", f"{NAME}.en.html"]
    assert run["started"].endswith("Z")
    assert len(run["records"][0]["source_sha256"]) == 64


def test_parameters_language_and_folder_reach_the_kernel(good: report.RunResult, folder: Path) -> None:
    for language in ("zh", "en"):
        assert streams(good.folder, f"{NAME}.{language}.ipynb")["stdout"].startswith(
            f"{language} '007' {folder.name}\n"
        )


def test_another_process_writes_equal_bytes_and_a_quiet_stderr(good: report.RunResult, folder: Path) -> None:
    command = [sys.executable, "-m", "reform_analysis.cli", "render", "good.yaml", "-p", "county=007"]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [*command, "--out", "again"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    for path in good.folder.glob("总数*"):
        again = next((folder / "again").glob(f"*/{glob.escape(path.name)}"))
        assert again.read_bytes() == path.read_bytes(), path.name


def test_the_chunks_of_a_stream_are_joined(good: report.RunResult) -> None:
    notebook = nbformat.read(good.folder / f"{NAME}.zh.ipynb", as_version=4)
    chunks = next(cell.outputs for cell in notebook.cells if "time.sleep" in cell.source)
    assert [(chunk.name, chunk.text) for chunk in chunks] == [("stdout", "a\nc\n"), ("stderr", "b\n")]


def test_reports_name_no_temporary_file_and_no_clock(good: report.RunResult) -> None:
    assert streams(good.folder, f"{NAME}.zh.ipynb")["stderr"].endswith(
        "<cell>:1: UserWarning: mind this\n  warnings.warn('mind this')\n"
    )
    text = (good.folder / f"{NAME}.zh.ipynb").read_text(encoding="utf-8")
    assert not re.search(r"start_time|duration|\d{4}-\d\d-\d\dT", text)


def test_only_cells_of_the_language_are_kept(good: report.RunResult, page: Any) -> None:
    assert "Section one" in page("en").main.get_text()
    assert "第一节" not in page("en").main.get_text()
    assert "第一节" in page("zh").main.get_text()
    assert "Section one" not in page("zh").main.get_text()
    for language, other in (("zh", "en"), ("en", "zh")):
        assert "Common" in page(language).main.get_text()
        notebook = nbformat.read(good.folder / f"{NAME}.{language}.ipynb", as_version=4)
        assert not [cell for cell in notebook.cells if f"lang-{other}" in cell.metadata.get("tags", [])]


def test_the_page_has_language_title_contents_and_footer(page: Any) -> None:
    for language, lang, title in (("zh", "zh-CN", "中文标题 & 《书》"), ("en", "en", "English title")):
        soup = page(language)
        assert soup.html["lang"] == lang
        assert soup.title.string == title
        links = soup.select("nav.contents a")
        assert len(links) == 3
        for link in links:
            assert soup.select_one(link["href"]).get_text() == link.get_text()
        assert f"reform-analysis {__version__} · {NAME}" in soup.footer.get_text()


def test_the_page_loads_nothing(page: Any) -> None:
    for language in ("zh", "en"):
        soup = page(language)
        loads = [tag.get(key, "data:") for tag in soup.find_all(True) for key in ("src", "srcset", "data")]
        loads += [tag["href"] for tag in soup.find_all("link")]
        assert [target for target in loads if not target.startswith("data:")] == []
        styles = "".join(style.get_text() for style in soup.find_all("style"))
        assert re.findall(r"@import|url\((?!data:)", styles) == []
        assert "default-src 'none'" in soup.find("meta", attrs={"http-equiv": True})["content"]
    assert page("zh").select_one('main a[href="https://example.org/source"]')


def test_figures_carry_alt_and_caption_as_text(page: Any) -> None:
    figure = page("zh").select_one("figure")
    image = figure.select_one("img")
    assert image["alt"] == f'alt "{SCRIPT}'
    assert figure.figcaption.get_text() == f"图 {SCRIPT}"
    assert base64.b64decode(image["src"].removeprefix("data:image/svg+xml;base64,")).startswith(b"<svg ")


def test_tables_scroll_in_a_named_frame(page: Any) -> None:
    frame = page("zh").select_one("main table").parent
    assert (frame["class"], frame["aria-label"], frame["tabindex"]) == (["wide"], "表一", "0")


def test_code_is_there_behind_one_button_and_prompts_are_not(page: Any) -> None:
    soup = page("en")
    button = soup.select("button")
    assert [tag.get_text() for tag in button] == ["Show code"]
    assert button[0]["aria-expanded"] == "false"
    codes = [tag.get_text() for tag in soup.select(".code")]
    assert any("county = '007'" in text for text in codes)
    assert not re.search(r"(In|Out)\s*\[", soup.main.get_text())


def test_the_page_is_small(good: report.RunResult) -> None:
    assert (good.folder / f"{NAME}.zh.html").stat().st_size < 60_000


def embedded(text: str) -> set[int]:
    found = re.search(r"font/woff2;base64,([A-Za-z0-9+/=]+)", text)
    assert found
    with TTFont(BytesIO(base64.b64decode(found[1]))) as font:
        assert font.flavor == "woff2"
        with TTFont(resources.font_path()) as source:
            assert font["head"].modified == source["head"].modified
        return set(font.getBestCmap())


def test_the_embedded_font_has_the_glyphs_in_use(good: report.RunResult, page: Any) -> None:
    held = embedded((good.folder / f"{NAME}.zh.html").read_text(encoding="utf-8"))
    used = {ord(char) for char in page("zh").body.get_text() + "显示隐藏代码" if ord(char) > 0x2E7F}
    assert used <= held
    assert len(held) < 200
    index = (good.folder.parent / "index.html").read_text(encoding="utf-8")
    assert {ord(char) for char in "报告"} <= embedded(index)


def test_characters_that_the_font_lacks_are_recorded() -> None:
    soup = BeautifulSoup('<style id="font"></style><p>好 \u00a0\U0001f600\u200b\u3000</p>', "html.parser")
    assert pages.embed_font(soup) == ("\U0001f600",)


def test_failures_do_not_stop_the_others(everything: report.RunResult) -> None:
    status = {record.notebook: record.status for record in everything.records}
    assert status == dict.fromkeys(BROKEN, "failed") | {NAME: "ok"}
    for record in everything.failed:
        assert (record.html, record.ipynb) == (
            f"{record.notebook}.zh.failed.html",
            f"{record.notebook}.zh.failed.ipynb",
        )
        assert (everything.folder / record.html).exists()
        assert (everything.folder / record.ipynb).exists()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("raises", "cell 4: ValueError: units got <b>0</b>"),
        ("no_alt", "cell 4: a figure has no alternative text; give its output the metadata "),
        ("tofu", "cell 3: a figure lacks a character: Glyph 35686 "),
        ("leaves", "cell 3: SystemExit: 0"),
        ("dies", "cell 4: Kernel died"),
        ("odd_output", "cell 3: an output of type application/x-odd cannot be shown"),
        ("loads", "the page would load 'https://example.org/a.png'"),
        ("rare", "the font has no glyph for \u9ff0"),
    ],
)
def test_the_error_names_cell_and_reason(everything: report.RunResult, name: str, error: str) -> None:
    record = next(record for record in everything.failed if record.notebook == name)
    assert record.error is not None
    assert record.error.startswith(error)


def test_a_failing_page_has_the_failing_cell_on_top(everything: report.RunResult) -> None:
    text = (everything.folder / "raises.zh.failed.html").read_text(encoding="utf-8")
    first = next(tag for tag in BeautifulSoup(text, "html.parser").main.children if tag.name)  # type: ignore[union-attr]
    assert first["class"] == ["failure"]
    assert "第 4 个单元格：ValueError: units got <b>0</b>" in first.get_text()
    source, traceback = (pre.get_text() for pre in first.select("pre"))
    assert source.startswith("print('before')\nraise ValueError(")
    assert "----> 2 raise ValueError(" in traceback
    assert "\x1b" not in text


def test_the_partial_notebook_is_kept(everything: report.RunResult) -> None:
    notebook = nbformat.read(everything.folder / "raises.zh.failed.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert [cell.source for cell in notebook.cells[-3:]] == [cell.source for cell in BROKEN["raises"]]
    assert [out.output_type for out in notebook.cells[-2].outputs] == ["stream", "error"]
    assert notebook.cells[-1].outputs == []


def test_nothing_is_overwritten(good: report.RunResult, everything: report.RunResult) -> None:
    assert everything.folder != good.folder
    out = good.folder.parent / "clock"
    names = [report._new_folder(out, good.started).name for _ in range(3)]
    stamp = f"{good.started:%Y%m%d-%H%M%S}"
    assert names == [stamp, f"{stamp}-2", f"{stamp}-3"]


def test_no_temporary_file_is_left(everything: report.RunResult) -> None:
    assert [path for path in everything.folder.parent.rglob("*") if path.name.startswith(".")] == []


def test_the_index_lists_runs_newest_first_and_escapes(
    good: report.RunResult, everything: report.RunResult
) -> None:
    text = (good.folder.parent / "index.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(text, "html.parser")
    metas = [tag.get_text() for tag in soup.select("article header")]
    assert [run.folder.name in meta for run, meta in zip((everything, good), metas, strict=True)] == [
        True,
        True,
    ]
    assert soup.find("img") is None
    assert soup.h2.get_text() == SCRIPT  # type: ignore[union-attr]
    assert "报告 / Reports" in soup.get_text()
    link = soup.find("a", string="English title")
    assert link["href"] == f"{good.folder.name}/%E6%80%BB%E6%95%B0%20%7Bone%7D.en.html"  # type: ignore[index]
    assert len(soup.select(".report.failed .error")) == len(BROKEN)


def test_an_unreadable_run_is_shown_as_such(tmp_path: Path) -> None:
    record = {"title": None, "started": "2026-11-24T03:54:11Z", "version": "0.1.0", "languages": ["zh"]}
    runs = {
        "20261124-035411": json.dumps({**record, "parameters": {}, "records": []}),
        "20261124-035411-10": json.dumps({**record, "parameters": {}, "records": []}),
        "20261124-035411-2": "{",
        "foreign <b>": '{"answer": 42}',
        "list": "[]",
    }
    for name, content in runs.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(content, encoding="utf-8")
    soup = BeautifulSoup(report.write_index(tmp_path).read_text(encoding="utf-8"), "html.parser")
    heads = [tag.get_text() for tag in soup.select("article h2")]
    assert heads[:3] == ["20261124-035411-10", "20261124-035411-2", "20261124-035411"]
    assert {tag.h2.get_text() for tag in soup.select("article.broken")} == {  # type: ignore[union-attr]
        "20261124-035411-2",
        "foreign <b>",
        "list",
    }


def test_a_refused_plan_writes_nothing(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"declares parameter 'contry'; did you mean 'county'\?"):
        report.render(folder / "good.yaml", parameters={"contry": "x"}, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_out_that_is_a_file_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    with pytest.raises(ReportError, match="out must be a folder that can be written"):
        report.render(folder / "good.yaml", out=tmp_path / "out")
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"
