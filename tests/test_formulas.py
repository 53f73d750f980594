"""Formulas in LaTeX: drawn as MathML, told from prices, and never the end of a report."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from reform_analysis import formulas, pages


def page(*texts: str, latex: str = "", language: str = "zh") -> BeautifulSoup:
    cells = [new_markdown_cell(text) for text in ("# 题", *texts)]
    if latex:
        output = new_output("display_data", data={"text/latex": latex, "text/plain": "plain"})
        cells.append(new_code_cell("show", outputs=[output]))
    made = pages.page(new_notebook(cells=cells), Path("a.ipynb"), language=language)
    assert made.fault is None
    return BeautifulSoup(made.html, "html.parser")


def test_a_subscript_is_mathml_with_its_latex_as_text() -> None:
    drawn = BeautifulSoup(formulas.draw(r"\lambda_{it}", block=True), "html.parser").math
    assert drawn is not None
    assert (drawn["alttext"], drawn["display"]) == (r"\lambda_{it}", "block")
    assert [tag.name for tag in drawn.msub.find_all(True)] == ["mi", "mrow", "mi", "mi"]  # type: ignore[union-attr]
    assert drawn.get_text() == "λit"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$$\\lambda_{it}$$", "λit"),
        ("$$\n\\lambda_{it}\n= 1\n$$", "λit=1"),
        ("模型 $\\lambda_{it}$ 如下", "λit"),
        ("\\\\[ \\lambda_{it} \\\\]", "λit"),
        ("\\\\( \\lambda_{it} \\\\)", "λit"),
        ("\\begin{align*}a&=b\\\\c&=d\\end{align*}", "a=bc=d"),
        ("$\\text{败诉}$", "败诉"),
        ("- 表 $x_1$", "x1"),
        ("## 记号 $x_1$", "x1"),
        ("| a | b |\n|---|---|\n| $x_1$ | 2 |", "x1"),
        ("From \\$5 to $N$ cases", "N"),
    ],
)
def test_a_formula_in_prose_is_drawn(text: str, shown: str) -> None:
    (drawn,) = page(text).select("main math")
    assert drawn.get_text() == shown


@pytest.mark.parametrize(
    "text",
    [
        "it costs $5 and $6",
        "it costs $5/$6 a piece",
        "金额$5和$6",
        "US$5 or US$6",
        "`$x$` is how a formula is written",
        "```\n$$x$$\n```",
        "one $ alone",
        "\\$x\\$",
    ],
)
def test_prices_and_code_are_no_formulas(text: str) -> None:
    soup = page(text)
    assert soup.select("main math, main .formula-fault") == []
    assert "$" in soup.main.get_text()  # type: ignore[union-attr]


def test_a_formula_after_a_price_is_still_one() -> None:
    soup = page("it costs $5 and the mean is $\\mu$")
    assert [drawn.get_text() for drawn in soup.select("main math")] == ["μ"]
    assert "$5 and the mean" in soup.main.get_text()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("language", "said"), [("zh", "此公式无法显示："), ("en", "This formula cannot be shown: ")]
)
def test_invalid_latex_says_so_in_its_place(language: str, said: str) -> None:
    soup = page("before $\\frac{a$ and $\\foo<b>$ after", language=language)
    faults = [fault.get_text() for fault in soup.select("main .formula-fault")]
    assert faults[0].startswith("\\frac{a")
    assert said + 'Expected closing token "}", but reached end of input.' in faults[0]
    assert faults[1].startswith("\\foo<b>")
    assert said + 'Unknown command "\\foo".' in faults[1]
    assert "\x1b" not in soup.get_text()
    assert soup.main.get_text().split()[-1] == "after"  # type: ignore[union-attr]
    assert soup.select("main .formula-fault b") == []


def test_a_name_in_a_formula_stays_text() -> None:
    soup = page('$\\text{<img src=x onerror=alert(1)>}$ $"><img src=x onerror=alert(1)>$')
    assert soup.find("img") is None


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        ("$\\displaystyle x^{2}$", ["x2"]),
        ("$$x$$ and $y$", ["x", "y"]),
        ("\\begin{equation}x\\end{equation}", ["x(1)"]),
        ("\\begin{tabular}{l}<b>\\end{tabular}", []),
        ("no formula <b>", []),
    ],
)
def test_what_a_cell_shows_as_latex_is_drawn(latex: str, shown: list[str]) -> None:
    soup = page(latex=latex)
    output = soup.select_one('[data-mime-type="text/latex"]')
    assert output is not None
    assert [drawn.get_text() for drawn in output.select("math")] == shown
    assert output.find("b") is None
    if not shown:
        assert "<b>" in output.get_text()
