"""The index of a grid in headless Chromium: filter, sort, open, back, keyboard, narrow, dark, print."""

from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Page

from reform_analysis.jobs import JobRecord
from reform_analysis.runs import RUN, write_index

pytestmark = pytest.mark.system

EVIL = "<img src=x onerror=alert(1)>"
RATIOS = {"甲县": 0.8, "乙县": 0.4, EVIL: 1.6, "丙县": None}


def record(county: str, outcome: str, ratio: float | None) -> JobRecord:
    row = {"name": "main", "term": "t", "estimate": ratio, "scale": "rate_ratio", "ci_level": 0.95}
    ends = {} if ratio is None else {"ci_low": ratio / 2, "ci_high": ratio * 2}
    return JobRecord(
        notebook="04_pilot_effect",
        language="zh",
        status="ok" if ratio else "failed",
        title=f"试点的效果 {county}",
        html="page.html",
        ipynb="",
        source_sha256="0",
        seconds=1.0,
        error=None if ratio else "cell 5: ValueError: 没有可比较的乡镇",
        stem=f"{county}.{outcome}",
        keys={"county": county, "outcome": outcome, "language": "zh"},
        estimates=({**row, **ends},) if ratio else (),
    )


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("index")
    (folder / "20261124-1").mkdir()
    (folder / "20261124-1" / "page.html").write_text("<!DOCTYPE html><title>page</title>", encoding="utf-8")
    records = [
        record(county, outcome, ratio)
        for county, ratio in RATIOS.items()
        for outcome in ("losses", "corrections")
    ]
    run = RUN.validate_python(
        {
            "folder": "20261124-1",
            "title": "各县",
            "started": "2026-11-24T03:00:00Z",
            "version": "0.1.0",
            "languages": ["zh"],
            "parameters": {},
            "keys": ["county", "outcome", "language"],
            "records": records,
        }
    )
    (folder / "20261124-1" / "run.json").write_bytes(RUN.dump_json(run, exclude={"folder"}))
    return write_index(folder).as_uri()


@pytest.fixture
def tab(tab: Page, complaints: list[str], address: str) -> Iterator[Page]:
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.goto(address)
    tab.wait_for_selector("tbody tr", state="visible")
    yield tab
    assert complaints == []


def counties(tab: Page) -> list[str]:
    return tab.locator("tbody tr:visible td[data-key=county]").all_inner_texts()


def test_failures_stand_first_and_a_name_stays_text(tab: Page) -> None:
    assert counties(tab)[:2] == ["丙县", "丙县"]
    assert EVIL in counties(tab)
    assert tab.locator("img").count() == 0


def test_filters_combine_and_count(tab: Page) -> None:
    tab.select_option('select[data-column="3"]', "=甲县")
    assert counties(tab) == ["甲县", "甲县"]
    tab.select_option('select[data-column="4"]', "=losses")
    assert counties(tab) == ["甲县"]
    assert tab.inner_text(".count") == "1 / 8"
    tab.select_option('select[data-column="3"]', "")
    tab.select_option('select[data-column="0"]', "=failed")
    assert counties(tab) == ["丙县"]


def test_sorting_by_estimate_with_the_keyboard(tab: Page) -> None:
    button = tab.locator("th[data-kind=number] button")
    button.focus()
    tab.keyboard.press("Enter")
    assert counties(tab) == ["乙县"] * 2 + ["甲县"] * 2 + [EVIL] * 2 + ["丙县"] * 2
    tab.keyboard.press("Enter")
    assert counties(tab) == [EVIL] * 2 + ["甲县"] * 2 + ["乙县"] * 2 + ["丙县"] * 2
    assert tab.get_attribute("th[data-kind=number]", "aria-sort") == "descending"


def test_a_report_opens_and_back_returns_to_what_was_left(tab: Page) -> None:
    tab.select_option('select[data-column="4"]', "=losses")
    tab.locator("th[data-kind=number] button").click()
    left = counties(tab)
    assert left == ["乙县", "甲县", EVIL, "丙县"]
    tab.locator("tbody tr:visible a").first.click()
    assert tab.title() == "page"
    tab.go_back()
    tab.wait_for_load_state()
    assert counties(tab) == left
    assert tab.input_value('select[data-column="4"]') == "=losses"
    assert tab.inner_text(".count") == "4 / 8"
    assert tab.get_attribute("th[data-kind=number]", "aria-sort") == "ascending"


def test_a_narrow_window_does_not_scroll_sideways(tab: Page) -> None:
    tab.set_viewport_size({"width": 390, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.locator("tbody tr").first.is_visible()


def test_dark_and_print(tab: Page) -> None:
    tab.emulate_media(color_scheme="dark")
    style = "getComputedStyle(document.documentElement)"
    assert tuple(tab.evaluate(f"[{style}.backgroundColor, {style}.color]")) == (
        "rgb(20, 25, 31)",
        "rgb(230, 235, 240)",
    )
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert not tab.locator(".filters").first.is_visible()


def test_a_printed_page_holds_every_column_and_begins_below_the_heading(tab: Page) -> None:
    """On A4 the intervals were cut off, and a run longer than a page left the first one empty."""
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": 718, "height": 1000})  # A4 within Chromium's margins
    edge = tab.evaluate(
        "Math.max(...[...document.querySelectorAll('th, td')].map(c => c.getBoundingClientRect().right))"
    )
    assert edge <= 718
    assert tab.evaluate("document.querySelector('.rows').scrollWidth") <= 718
    assert (
        tab.evaluate("getComputedStyle(document.querySelector('article:has(.rows)')).breakInside") == "auto"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_index_is_accessible(
    tab: Page, serious: Callable[[Page], list[str]], scheme: Literal["light", "dark"], width: int
) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme=scheme)
    assert serious(tab) == []
