"""What may not hide that a report has failed."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from reform_analysis import pages
from reform_analysis.wording import say

HIDING = (
    "<style>body{display:none}</style><p style='position:fixed;inset:0'>kept</p>"
    "</main></div><script>document.body.remove()</script><svg onload='alert(1)'></svg>"
    "<meta http-equiv='refresh' content='0'><iframe srcdoc='x'></iframe>"
)


def notebook() -> NotebookNode:
    output = new_output("display_data", {"text/html": HIDING})
    return new_notebook(
        cells=[
            new_markdown_cell("# T\n\n<style>.failure{opacity:0}</style>"),
            new_code_cell("1", outputs=[output]),
        ]
    )


def test_nothing_of_the_notebook_hides_that_it_failed() -> None:
    failure = pages.Failure("ValueError: no units", 2, "1")
    page = pages.page(notebook(), Path("a.ipynb"), language="en", failure=failure)
    soup = BeautifulSoup(page.html, "html.parser")
    assert soup.body is not None
    assert soup.select_one("section.failure") is not None
    assert "kept" in soup.body.get_text()
    assert soup.body.select("style, meta, iframe, [style], [onload]") == []
    (script,) = soup.body.select("script")  # the page's own, behind the button
    assert "code-button" in script.get_text()
    assert soup.select("head style")


def test_a_page_that_is_well_keeps_styles_and_scripts_of_its_notebook() -> None:
    page = pages.page(notebook(), Path("a.ipynb"), language="en")
    assert "body{display:none}" in page.html
    assert "document.body.remove()" in page.html


@pytest.mark.parametrize("kind", ["UntestableError", "DataError", "DesignError", "ValueError"])
def test_a_refusal_has_a_sentence_in_the_language_of_the_page(kind: str) -> None:
    failure = pages.Failure(f"{kind}: the panel has one arm", 2, "1")
    page = pages.page(notebook(), Path("a.ipynb"), language="zh", failure=failure)
    lead = BeautifulSoup(page.html, "html.parser").select_one("section.failure p.lead")
    if kind == "ValueError":
        assert lead is None
    else:
        assert lead is not None
        assert lead.get_text() == say(f"render.kind_{kind}", "zh")
