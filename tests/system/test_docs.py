"""The documentation, built as a reader gets it, and walked in headless Chromium."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlparse

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.system
Serious = Callable[[Page], list[str]]

ROOT = Path(__file__).parents[2]
KINDS = (
    "index.html",
    "zh/tutorial.html",
    "zh/dictionary.html",
    "methods/fit_poisson.html",
    "api/generated/reform_analysis.counts.html",
    "search.html",
)
LOADING = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built with warnings as errors into a folder with a space and Chinese characters."""
    out = tmp_path_factory.mktemp("docs") / "文档 site"
    build = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "-b", "html"]
    built = subprocess.run(
        [*build, str(ROOT / "docs"), str(out)], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return out


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, BeautifulSoup]:
    found = {path: BeautifulSoup(path.read_text("utf-8"), "html.parser") for path in site.rglob("*.html")}
    assert len(found) > 60
    return found


def test_no_link_within_the_site_is_broken(pages: dict[Path, BeautifulSoup]) -> None:
    anchors = {path: {str(tag["id"]) for tag in soup.select("[id]")} for path, soup in pages.items()}
    broken = []
    for path, soup in pages.items():
        for link in soup.select("a[href]"):
            address, anchor = urldefrag(urljoin(path.as_uri(), str(link["href"])))
            if not address.startswith("file:"):
                continue
            target = Path(unquote(urlparse(address).path))
            known = target.exists() and (not anchor or unquote(anchor) in anchors.get(target, {anchor}))
            if not known:
                broken.append(f"{path.name}: {link['href']}")
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    loaded = {
        str(tag[key])
        for soup in pages.values()
        for name, key in LOADING.items()
        for tag in soup.select(f"{name}[{key}]")
    }
    assert not {address for address in loaded if urlparse(address).scheme not in ("", "data")}
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", sheet.read_text("utf-8")), sheet
        assert "@import" not in sheet.read_text("utf-8"), sheet


def test_pages_load_nothing_complain_of_nothing_and_are_accessible(
    tab: Page, complaints: list[str], serious: Serious, pages: dict[Path, BeautifulSoup]
) -> None:
    for path in sorted(pages):
        tab.goto(path.as_uri())
        complaints += [f"{path.name}: {fault}" for fault in serious(tab)]
    assert complaints == []


@pytest.mark.parametrize("name", KINDS)
def test_pages_are_accessible_in_the_dark(
    tab: Page, complaints: list[str], serious: Serious, site: Path, name: str
) -> None:
    tab.emulate_media(color_scheme="dark")
    tab.goto((site / name).as_uri())
    assert tab.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert serious(tab) + complaints == []


def test_an_inaccessible_page_is_found(tab: Page, serious: Serious) -> None:
    tab.set_content("<html><body><img src='data:,'><p style='color:#ccc'>grey</p></body></html>")
    assert {fault.split()[0] for fault in serious(tab)} >= {"image-alt", "color-contrast", "html-has-lang"}


@pytest.mark.parametrize(
    "name", ["index.html", "zh/tutorial.html", "methods/fit_poisson.html", "calibration.html"]
)
def test_pages_fit_a_phone(browser: Browser, site: Path, name: str) -> None:
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.goto((site / name).as_uri())
    width = tab.evaluate("document.documentElement.scrollWidth")
    tab.close()
    assert width <= 390


@pytest.mark.parametrize(("name", "language"), [("index.html", "en"), ("zh/index.html", "zh-CN")])
def test_pages_say_their_language(
    pages: dict[Path, BeautifulSoup], site: Path, name: str, language: str
) -> None:
    assert pages[site / name].html["lang"] == language


def test_links_to_functions_are_resolved(site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    prose = {
        path: soup
        for path, soup in pages.items()
        if (ROOT / "docs" / path.relative_to(site)).with_suffix(".md").exists()
    }
    names = [code for path, soup in prose.items() for code in soup.select("article code.xref")]
    assert len(names) > 10
    assert [code.get_text() for code in names if code.parent.name != "a"] == []


def test_chinese_is_drawn_with_the_font_of_the_site(tab: Page, site: Path) -> None:
    tab.goto((site / "zh" / "methods.html").as_uri())
    tab.wait_for_timeout(500)
    client = tab.context.new_cdp_session(tab)
    client.send("DOM.enable")
    client.send("CSS.enable")
    root = client.send("DOM.getDocument")["root"]["nodeId"]
    found = client.send(
        "DOM.querySelectorAll", {"nodeId": root, "selector": "th, td:first-child, .sidebar-tree a.current"}
    )
    fonts = [
        client.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"] for node in found["nodeIds"]
    ]
    assert len(fonts) > 4
    assert {font["isCustomFont"] for drawn in fonts for font in drawn} == {True}


def test_the_search_finds_a_function_and_a_chinese_word(browser: Browser, site: Path) -> None:
    tab = browser.new_page()
    for word, found in {"fit_poisson": "fit_poisson", "证据卡": "入门教程"}.items():
        tab.goto((site / "search.html").as_uri() + f"?q={word}")
        tab.wait_for_selector("#search-results li", timeout=10_000)
        assert found in tab.locator("#search-results").inner_text()
    tab.close()


def test_formulas_are_drawn_without_scripts(site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    soup = pages[site / "methods" / "fit_poisson.html"]
    assert soup.select("math[display=block] mi")
    assert not [path.name for path, page in pages.items() if page.select("merror")]
