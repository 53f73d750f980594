"""HTML, LaTeX and Markdown tables: structure, escaping, files."""

import re
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from reform_analysis import tables
from reform_analysis.estimates import DataError
from reform_analysis.journal_layout import Cell, JournalTable

HOSTILE = "<script>|`a`*b*_c_ \\ & % $ # ^ ~ { } [x](y)"
TABLE = JournalTable(
    caption=HOSTILE,
    heads=("Term", "(1)\nTotals"),
    rows=((Cell("[a]"), Cell("0.62**")), (Cell("*b"), Cell("12.50")), (Cell(HOSTILE), Cell("−0.10"))),
    notes=(HOSTILE, "second"),
)
SYNTHETIC = pd.DataFrame({"a": [1]})
SYNTHETIC.attrs["synthetic"] = True


def test_html_has_caption_scopes_rules_and_every_text_as_it_was() -> None:
    soup = BeautifulSoup(tables.to_html(TABLE), "html.parser")
    assert soup.find("script") is None
    assert soup.caption is not None
    assert soup.caption.get_text() == f"Table 1. {HOSTILE}"
    assert [head["scope"] for head in soup.select("thead th")] == ["col", "col"]
    assert [head.get_text() for head in soup.select("tbody th[scope=row]")] == ["[a]", "*b", HOSTILE]
    assert [note.get_text() for note in soup.select("p.note")] == [f"Notes: {HOSTILE}", "second"]
    styles = " ".join(str(tag["style"]) for tag in soup.select("[style]"))
    assert set(re.findall(r"border-(top|bottom):([\d.]+)pt", styles)) == {
        ("top", "1.5"),
        ("bottom", "1.5"),
        ("bottom", "0.75"),
    }
    assert "border-left" not in styles


def test_html_file_is_a_page_in_its_language(tmp_path: Path) -> None:
    tables.to_html(SYNTHETIC, tmp_path / "t.html", language="zh")
    page = (tmp_path / "t.html").read_text(encoding="utf-8")
    assert page.startswith('<!DOCTYPE html>\n<html lang="zh"><head><meta charset="utf-8">')


def unescaped(latex: str) -> str:
    """The text that a LaTeX cell prints, by the rules of text mode."""
    named = {
        "textbackslash": "\\",
        "textasciitilde": "~",
        "textasciicircum": "^",
        "textless": "<",
        "textgreater": ">",
        "textbar": "|",
    }
    text = re.sub(r"\\phantom\{(?:[^{}\\]|\\%)*\}", "", latex)
    text = re.sub(r"\\(text\w+)\{\}", lambda found: "\x00" + named[found[1]] + "\x00", text)
    text = re.sub(r"\{([\[*])\}", r"\1", text)
    assert not re.search(r"(?<!\\)[&%#_]", text.replace("\x00", "")), "a character of LaTeX is bare"
    return re.sub(r"\\([&%$#_{}])", r"\1", text).replace("\x00", "").replace("$-$", "−")


def test_latex_has_three_rules_of_booktabs_and_escapes() -> None:
    source = tables.to_latex(TABLE)
    assert [source.count(f"\\{rule}rule\n") for rule in ("top", "mid", "bottom")] == [1, 1, 1]
    assert "\\hline" not in source
    assert "\\setlength{\\heavyrulewidth}{1.5pt}\\setlength{\\lightrulewidth}{0.75pt}" in source
    assert source.count("\\begin{") == source.count("\\end{")
    body = source.split("\\midrule\n")[1].split("\n\\bottomrule")[0]
    rows = [line.removesuffix(" \\\\").rsplit(" & ", 1) for line in body.split("\n")]
    assert [[unescaped(cell) for cell in row] for row in rows] == [
        ["[a]", "0.62**"],
        ["*b", "12.50"],
        [HOSTILE, "−0.10"],
    ]
    # A row that begins with [ or * would be read as an argument of the line end before it.
    assert not any(row[0].startswith(("[", "*")) for row in rows)


def test_latex_heads_stand_in_lines() -> None:
    assert "\\toprule\nTerm & (1) \\\\\n & Totals \\\\\n\\midrule" in tables.to_latex(TABLE)


def test_latex_pads_with_phantoms_of_the_width_that_is_missing() -> None:
    made = JournalTable("c", ("a", "b"), ((Cell("x"), Cell("0.62**")), (Cell("y"), Cell("12.50"))))
    assert "x & \\phantom{0}0.62{*}{*} \\\\\ny & 12.50\\phantom{00} \\\\" in tables.to_latex(made)


def test_markdown_keeps_its_columns_and_escapes() -> None:
    lines = tables.to_markdown(TABLE).split("\n")
    rows = [line for line in lines if line.startswith("| ")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [3] * 5
    assert rows[1] == "| :--- | :---: |"
    assert rows[0] == "| Term | (1)<br>Totals |"
    shown = re.search(r"\| (.*) \| −0\.10 \|", rows[4])[1]
    assert (
        re.sub(r"\\([\\`*_\[\]|~#$^])", r"\1", shown)
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
        == HOSTILE
    )
    assert not re.search(r"(?<!\\)[`*_\[]", shown)


@pytest.mark.parametrize("writer", [tables.to_html, tables.to_latex, tables.to_markdown])
def test_synthetic_and_files(writer, tmp_path: Path) -> None:
    path = tmp_path / "t"
    text = writer(SYNTHETIC, path)
    assert "SYNTHETIC DATA" in text
    assert "SYNTHETIC DATA" in path.read_text(encoding="utf-8")
    with pytest.raises(DataError, match="must be new"):
        writer(SYNTHETIC, path)


def test_a_number_too_small_to_print_is_a_bound_in_every_format() -> None:
    frame = pd.DataFrame({"row": ["a", "b", "c"], "share": [1e-9, -1e-9, 0.0]})
    cells = BeautifulSoup(tables.to_html(frame), "html.parser").select("tbody td")
    assert [cell.get_text().strip("\u2007\u2008") for cell in cells] == ["<0.01", ">−0.01", "0.00"]
    latex = tables.to_latex(frame)
    assert [text in latex for text in (r"\textless{}0.01", r"\textgreater{}$-$0.01")] == [True, True]
    assert re.findall(r"\| [abc] \| (\S+) \|", tables.to_markdown(frame)) == ["&lt;0.01", "&gt;−0.01", "0.00"]


def test_a_tab_in_a_text_is_a_space_in_latex_and_markdown() -> None:
    frame = pd.DataFrame({"a\tb": ["c\td"]})
    for text in (tables.to_latex(frame), tables.to_markdown(frame)):
        assert "\t" not in text
        assert "a b" in text
        assert "c d" in text
