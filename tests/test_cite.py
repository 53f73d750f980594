"""What to cite: every reference of a docstring has its full data, and a report's methods are found."""

import ast
import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from reform_analysis import cite, resources
from reform_analysis.cli import main
from reform_analysis.estimates import DataError

SOURCE = Path(cite.__file__).parent


def sections() -> dict[str, str]:
    """The "References" of every docstring of the package, by ``module.name``."""
    found = {}
    for path in sorted(SOURCE.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in [tree, *ast.walk(tree)]:
            if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)):
                text = cite._section(ast.get_docstring(node))
                if text:
                    found[f"{path.stem}.{getattr(node, 'name', '')}"] = " ".join(text.split())
    return found


SECTIONS = sections()


@pytest.mark.parametrize("name", list(SECTIONS))
def test_every_year_in_a_docstrings_references_is_one_of_the_catalogue(name: str) -> None:
    years = sorted(re.findall(r"\((\d{4})\)", SECTIONS[name]))
    found = [cite.catalogue()[key] for key in cite.named_in(SECTIONS[name])]
    assert sorted(str(item["issued"]["date-parts"][0][0]) for item in found if "issued" in item) == years


@pytest.mark.parametrize("name", list(SECTIONS))
def test_volume_and_pages_of_the_catalogue_are_those_of_the_docstring(name: str) -> None:
    """A second witness: the docstrings were written without the catalogue."""
    for key in cite.named_in(SECTIONS[name]):
        item = cite.catalogue()[key]
        if item["type"] != "article-journal":
            continue
        text = re.split(cite._labels()[key], cite._ascii(SECTIONS[name]))[1]
        own = re.split(r"\(\d{4}\)", text)[0]
        if re.search(r"\d", own):
            where = item.get("page") or f"article {item['number']}"
            assert f" {item['volume']}, {where}" in own


def test_catalogue_is_sorted_unique_and_complete() -> None:
    items = json.loads((SOURCE / "references.json").read_text(encoding="utf-8"))
    assert len({item["id"] for item in items}) == len(items)
    assert all({"id", "type", "author", "title"} <= set(item) for item in items)
    needed = {
        "article-journal": {"container-title", "volume", "issued"},
        "book": {"publisher", "publisher-place", "issued"},
    }
    assert all(needed.get(item["type"], set()) <= set(item) for item in items)
    # An identifier that nobody checked is worse than none.
    assert not any("DOI" in item for item in items)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("MacKinnon, Nielsen and Webb (2023)", ["mackinnon2023"]),
        ("Webb (2023), Canadian Journal", ["webb2023"]),
        ("Andrews, Roth and Pakes (2023). Chen and Roth (2024)", ["andrews2023", "chen2024"]),
        (
            "Buhlmann and Straub (1970). Correia, Guimaraes\nand Zylkin (2020)",
            ["buhlmann1970", "correia2020"],
        ),
        (
            "Sherman et al. (1998); What Works Centre for Local Economic Growth, Guide",
            ["sherman1998", "whatworkscentreforlocaleconomicgrowth"],
        ),
        ("Cameron and Trivedi (1999)", []),
    ],
)
def test_names_in_a_docstring(text: str, keys: list[str]) -> None:
    assert cite.named_in(text) == keys


def test_code_names_functions_through_every_kind_of_import() -> None:
    source = """
%matplotlib inline
from reform_analysis import counts, did as d, association
from reform_analysis.describe import table_one as first
import reform_analysis.rates as rates
counts.fit_poisson(frame)
d.two_by_two
rates.compare_counts(1, 2)
counts.no_such_function
other.fit_linear
"""
    assert cite.functions_in(source) == [
        "correlate.association",
        "counts.fit_poisson",
        "describe.table_one",
        "did.two_by_two",
        "rates.compare_counts",
    ]


def test_what_a_function_calls_is_cited_with_it() -> None:
    found = {
        reference.item["id"]: reference.functions
        for reference in cite.method_references(["published.evidence"])
    }
    # `evidence` names Holm and McCullagh and Nelder itself, the exact test of two rates in what it calls.
    assert found["holm1979"] == ("published.evidence",)
    assert found["przyborowski1940"] == ("rates.compare_counts",)
    assert "hausman1984" not in found


@pytest.mark.parametrize(
    ("notebook", "among", "not_among"),
    [
        ("01_published_totals", {"clopper1934", "holm1979"}, {"hausman1984", "roth2022"}),
        ("02_panel", {"austin2009", "chen2024"}, {"holm1979", "roth2022"}),
        ("03_association", {"westfall1993", "cohen1988"}, {"roth2022", "holm1979"}),
        (
            "04_pilot_effect",
            {"kline2012", "roth2022", "borusyak2024", "fisher1935", "boos1992"},
            {"holm1979", "austin2009"},
        ),
    ],
)
def test_the_packaged_reports(notebook: str, among: set[str], not_among: set[str]) -> None:
    keys = {reference.item["id"] for reference in cite.references(resources.notebook_paths()[notebook])}
    assert among <= keys
    assert not not_among & keys
    assert {"reform-analysis", "article2022"} <= keys


def test_package_and_article_come_from_the_citation_file() -> None:
    package, article = cite.own_references()
    lines = cite.bibliography([package, article]).splitlines()
    assert lines[0].endswith("[CP]. Version 0.1.0. (2026-11-24).")
    assert lines[1] == (
        "[2] 蒋建森, 徐耀雪, 冯桢. "
        "乡镇(街道)法治化综合改革的实践路径与体系化构建——以浙江省为例[J]. 中国司法, 2022(4)."
    )


def test_a_run_is_the_union_of_its_notebooks(tmp_path: Path) -> None:
    for name, function in (("a.zh", "published.evidence"), ("b.zh", "describe.table_one")):
        cells = [
            {
                "cell_type": "code",
                "source": [f"from reform_analysis import {function.split('.')[0]}\n", function],
            }
        ]
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert cite.report_functions(tmp_path) == ["describe.table_one", "published.evidence"]


def test_of_a_folder_with_runs_the_newest_is_cited(tmp_path: Path) -> None:
    for moment, run, function in ((2, "a", "published.evidence"), (1, "b", "describe.table_one")):
        code = f"from reform_analysis import {function.split('.')[0]}\n{function}"
        cells = [{"cell_type": "code", "source": [code]}]
        (tmp_path / run).mkdir()
        (tmp_path / run / "a.zh.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
        (tmp_path / run / "manifest.json").write_text("{}", encoding="utf-8")
        os.utime(tmp_path / run / "manifest.json", (moment, moment))
    assert cite.report_functions(tmp_path) == ["published.evidence"]


@pytest.mark.parametrize(
    "content", [None, "no json", "{}", '{"cells": [{"cell_type": "code", "source": "def ("}]}']
)
def test_what_is_no_report_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "a.ipynb").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"report must be|code cells must be Python"):
        cite.report_functions(tmp_path)


def test_unknown_functions_are_named() -> None:
    with pytest.raises(DataError, match=r"got 'counts\.none'"):
        cite.method_references(["counts.none"])


def test_apa_compares_authors_one_by_one() -> None:
    """Nielsen stands before Webb, whatever the number of authors: "&" is no letter."""
    wanted = ["mackinnon2023", "mackinnon2018", "whatworkscentreforlocaleconomicgrowth", "wooldridge1999"]
    found = [cite.Reference(cite.catalogue()[key]) for key in reversed(wanted)]
    apa = cite.bibliography(found, style="apa").splitlines()
    starts = ["MacKinnon, J. G., N", "MacKinnon, J. G., &", "What Works Centre f", "Wooldridge, J. M. ("]
    assert [line[:19] for line in apa] == starts


def test_every_report_and_page_can_be_found() -> None:
    """An institution or an address; BibTeX warns of a report without year or institution."""
    for item in cite.catalogue().values():
        if item["type"] == "report":
            assert {"issued", "publisher"} <= set(item), item["id"]
        if item["type"] == "webpage":
            assert item["URL"].startswith("https://"), item["id"]


def test_apa_is_in_order_of_names_and_functions_are_told_on_request() -> None:
    found = cite.method_references(["published.evidence"])
    apa = cite.bibliography(found, style="apa").splitlines()
    assert apa == sorted(apa, key=str.casefold)
    shown = cite.bibliography(found, style="bibtex", show_functions=True)
    assert "\n}\n% published.evidence\n" in shown


def test_command_line(tmp_path: Path) -> None:
    notebook = str(resources.notebook_paths()["02_panel"])
    done = CliRunner().invoke(main, ["cite", notebook, "--style", "bibtex"])
    assert done.exit_code == 0
    assert "@article{austin2009," in done.output
    assert CliRunner().invoke(main, ["cite"]).output.count("\n") == 2
    refused = CliRunner().invoke(main, ["cite", str(tmp_path / "none")])
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: report must be a notebook")
    assert "none, which does not exist" in refused.output


def test_readme_shows_what_the_command_prints() -> None:
    readme = (SOURCE.parents[1] / "README.md").read_text(encoding="utf-8")
    shown = readme.split("$ reform-analysis cite notebooks/02_panel.ipynb --functions\n")[1].split("```")[0]
    notebook = str(resources.notebook_paths()["02_panel"])
    assert CliRunner().invoke(main, ["cite", notebook, "--functions"]).output == shown
