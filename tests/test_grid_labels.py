"""What a report of a grid is about: on the page, in its title and stamp, and in the index."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from reform_analysis import manifest, pages, resources
from reform_analysis.grid_labels import both_labels, key_label, place, place_text
from reform_analysis.notebook_source import read_source

EVIL = "<img src=x onerror=alert(1)>"
KEYS = {"county": EVIL, "outcome": "losses", "share": "", "language": "zh"}


def soup(*sources: str, keys: dict[str, str], language: str = "zh") -> BeautifulSoup:
    cells = [new_markdown_cell(text) for text in sources]
    made = pages.page(
        new_notebook(cells=[*cells, new_code_cell("1")]),
        Path("a.ipynb"),
        language=language,
        place=place(keys, language),
    )
    assert made.fault is None
    return BeautifulSoup(made.html, "html.parser")


def test_names_of_keys_are_in_the_language_of_the_page() -> None:
    assert place(KEYS, "zh") == {"县（市、区）": EVIL, "结果": "行政诉讼败诉（losses）", "share": "–"}
    assert place(KEYS, "en") == {
        "County": EVIL,
        "Outcome": "Administrative litigation losses (losses)",
        "share": "–",
    }
    assert key_label("exposure", "zh") == "分母"
    assert both_labels("language") == "语言 / Language"
    assert place_text({"language": "zh"}) == ""


@pytest.mark.parametrize("sources", [("# 题",), ("说明", "# 题 *二*"), ()])
def test_a_page_says_which_county_it_is_about(sources: tuple[str, ...]) -> None:
    page = soup(*sources, keys=KEYS)
    assert page.img is None
    line = page.select_one("main p.place")
    assert line is not None
    assert line.get_text(" ", strip=True) == f"县（市、区）： {EVIL} 结果： 行政诉讼败诉（losses） share： –"
    heading = page.h1
    if heading:
        assert heading.find_next_sibling() is line
    title = "题 二" if len(sources) == 2 else "题" if sources else "a"
    assert page.title is not None
    assert page.title.string == f"{title} · {EVIL} · 行政诉讼败诉（losses） · –"


def test_pages_of_a_grid_have_titles_of_their_own_and_others_none() -> None:
    titles = {str(soup("# T", keys={"county": name}, language="en").title) for name in ("A", "B")}
    assert titles == {"<title>T · A</title>", "<title>T · B</title>"}
    page = soup("# T", keys={"language": "en"}, language="en")
    assert (str(page.title), page.select_one(".place")) == ("<title>T</title>", None)


def test_a_rare_character_in_a_name_does_not_fail_the_page() -> None:
    """Names come from the data; a reader cannot replace them."""
    assert "\u9ff0" in soup("# 题", keys={"county": "\u9ff0县"}).get_text()


def test_the_stamp_says_what_the_report_is_about() -> None:
    source = read_source(resources.notebook_paths()["02_panel"])
    data = manifest.data_file(source, folder=Path(), digests={})
    said = manifest.stamp(source, data, "en", keys={"county": "甲", "outcome": "losses", "language": "en"})
    assert "This report: county=甲, outcome=losses" in said
    assert len(manifest.stamp(source, data, "en", keys={"language": "en"})) == len(said) - 1
