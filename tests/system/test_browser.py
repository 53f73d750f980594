"""A rendered report and the index, driven in headless Chromium as a reader would."""

from collections.abc import Callable
from typing import Any, Literal

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Page

from reform_analysis import report

pytestmark = pytest.mark.system

WIDTHS = (1280, 390)
PAGES = ("zh", "en", "index")

OUTPUTS = """
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="80"><rect width="800" height="80"/></svg>'
class Figure:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"image/svg+xml": SVG}, {"image/svg+xml": {"alt": "bar", "caption": "图 1 Figure 1"}}
class Table:
    def _repr_html_(self):
        return "<table><tr>" + "<td>四千五百七十六至四千五百九十八</td>" * 9 + "</tr></table>"
"""


def notebook() -> Any:
    def cell(text: str, *tags: str) -> Any:
        make = new_markdown_cell if text.startswith("#") else new_code_cell
        return make(text, metadata={"tags": list(tags)})

    return new_notebook(
        cells=[
            cell(
                "# 报告\n\n试点乡镇的败诉案件。\n\n$$\\lambda_{it}$$\n\n## 一\n\n> 引文\n\n## 二", "lang-zh"
            ),
            cell("# Report\n\nLosses in the pilots (败诉).\n\n## One\n\n> quote\n\n## Two", "lang-en"),
            cell('language: str = "zh"', "parameters"),
            cell(OUTPUTS),
            cell("Figure()"),
            cell("Table()"),
            cell("print('文本', 'word' * 200)"),
        ]
    )


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("browser") / "报 告 #1"
    folder.mkdir()
    nbformat.write(notebook(), folder / "总数 50%.ipynb")
    study = folder / "study.yaml"
    study.write_text("title: 演示 <b>study</b>\nnotebooks: [总数 50%.ipynb]\n", encoding="utf-8")
    run = report.render(study, out=folder / "reports")
    assert not run.failed
    paths = {record.language: run.folder / record.html for record in run.records}
    return {
        name: path.as_uri() for name, path in {**paths, "index": folder / "reports" / "index.html"}.items()
    }


def open_page(tab: Page, address: str, *, width: int = 1280) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    tab.goto(address)
    tab.wait_for_function("!document.documentElement.classList.contains('loading')")


def fonts_without_glyphs(tab: Page) -> list[str]:
    """Texts with Chinese characters that are not drawn with the embedded font."""
    client = tab.context.new_cdp_session(tab)
    client.send("DOM.enable")
    client.send("CSS.enable")
    root = client.send("DOM.getDocument")["root"]["nodeId"]
    wrong = []
    for node in client.send("DOM.querySelectorAll", {"nodeId": root, "selector": "body *"})["nodeIds"]:
        html = client.send("DOM.getOuterHTML", {"nodeId": node})["outerHTML"]
        own = tab.evaluate(
            "html => { const t = document.createElement('template'); t.innerHTML = html;"
            " return [...t.content.firstChild.childNodes].filter(n => n.nodeType == 3)"
            ".map(n => n.data).join('').replace(/[^\\u4e00-\\u9fff]/g, ''); }",
            html,
        )
        fonts = client.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
        drawn = sum(font["glyphCount"] for font in fonts if font["isCustomFont"])
        if own and fonts and drawn < len(own):
            wrong.append(f"{own}: {fonts}")
    return wrong


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_pages_load_nothing_complain_of_nothing_and_fit(
    tab: Page, complaints: list[str], pages: dict[str, str], name: str, width: int
) -> None:
    open_page(tab, pages[name], width=width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_pages_are_accessible(
    tab: Page,
    serious: Callable[[Page], list[str]],
    pages: dict[str, str],
    name: str,
    scheme: Literal["light", "dark"],
) -> None:
    tab.emulate_media(color_scheme=scheme)
    open_page(tab, pages[name])
    assert serious(tab) == []


@pytest.mark.parametrize("name", PAGES)
def test_chinese_is_drawn_with_the_embedded_font(tab: Page, pages: dict[str, str], name: str) -> None:
    open_page(tab, pages[name])
    assert fonts_without_glyphs(tab) == []


def test_wide_contents_scroll_in_their_own_frames(tab: Page, pages: dict[str, str]) -> None:
    open_page(tab, pages["zh"], width=390)
    for frame in tab.locator(".wide").all():
        assert frame.evaluate("e => e.scrollWidth > e.clientWidth")
    assert tab.locator("figure img").evaluate("e => e.getBoundingClientRect().width") >= 560


@pytest.mark.parametrize("name", ["zh", "en"])
def test_the_code_button_works_by_keyboard(tab: Page, pages: dict[str, str], name: str) -> None:
    show, hide = {"zh": ("显示代码", "隐藏代码"), "en": ("Show code", "Hide code")}[name]
    open_page(tab, pages[name])
    button, code = tab.locator("#code-button"), tab.locator(".code").first
    assert (button.inner_text(), code.is_visible()) == (show, False)
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    assert button.evaluate("e => e === document.activeElement")
    tab.keyboard.press("Enter")
    assert (button.inner_text(), code.is_visible()) == (hide, True)
    assert button.get_attribute("aria-expanded") == "true"
    tab.keyboard.press("Space")
    assert (button.inner_text(), code.is_visible()) == (show, False)
    assert button.get_attribute("aria-expanded") == "false"


def test_contents_fold_on_a_phone_and_lead_to_the_sections(tab: Page, pages: dict[str, str]) -> None:
    open_page(tab, pages["zh"], width=390)
    link = tab.locator("nav.contents a", has_text="二")
    assert not link.is_visible()
    tab.locator("nav.contents summary").press("Enter")
    link.click()
    assert tab.locator("h2", has_text="二").evaluate("e => e.matches(':target')")
    open_page(tab, pages["zh"], width=1280)
    assert link.is_visible()


def test_a_formula_is_drawn_without_a_script(tab: Page, complaints: list[str], pages: dict[str, str]) -> None:
    open_page(tab, pages["zh"], width=390)
    base, index = (
        tab.locator(f"main math msub > {place}-child").evaluate("e => e.getBoundingClientRect().toJSON()")
        for place in (":first", ":last")
    )
    assert index["bottom"] > base["bottom"]
    assert index["height"] < base["height"]
    assert tab.locator("main math").get_attribute("alttext") == "\\lambda_{it}"
    assert complaints == []


def test_print_leaves_out_button_and_contents_and_cuts_nothing(tab: Page, pages: dict[str, str]) -> None:
    open_page(tab, pages["zh"], width=700)
    tab.emulate_media(media="print")
    assert not tab.locator("#code-button").is_visible()
    assert not tab.locator("nav.contents").is_visible()
    assert tab.locator("figure").evaluate("e => getComputedStyle(e).breakInside") == "avoid"
    assert tab.locator("figure img").evaluate("e => e.getBoundingClientRect().right") <= 700
    assert tab.locator("table").evaluate("e => e.getBoundingClientRect().right") <= 700


def test_the_index_leads_to_the_reports_and_back(
    tab: Page, complaints: list[str], pages: dict[str, str]
) -> None:
    open_page(tab, pages["index"], width=390)
    assert tab.locator("h2").inner_text() == "演示 <b>study</b>"
    tab.get_by_role("link", name="报告").click()
    assert tab.title() == "报告"
    tab.go_back()
    tab.get_by_role("link", name="Report", exact=True).click()
    assert tab.title() == "Report"
    assert complaints == []
