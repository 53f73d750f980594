"""The README of a pack: what it says follows from the run, and no text of a stranger breaks its tables."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reform_analysis.pack_contents import Input, Notebook
from reform_analysis.pack_members import Content, Finished, inputs, notebooks, read_run
from reform_analysis.pack_readme import SHOWN, readmes

OUTPUTS = pd.DataFrame(
    {
        "kind": ["figure", "table", "value", "figure"],
        "output": ["Losses | <b>by arm</b>", "A & B", "0.60", "of another report"],
        "report": ["probe.losses.en", "probe.losses.en", "probe.losses.en", "probe.corrections.en"],
        "notebook": ["probe"] * 4,
        "cell": [3, 4, 4, 3],
        "functions": ["plots.trend", "tables.claims", "headlines.record", "plots.other"],
    }
)
PACKAGED = [Notebook(name="01", member="notebooks/01.ipynb", packaged=True)]


@pytest.fixture(scope="module")
def run(probe_run: Path) -> Finished:
    return read_run(probe_run)


def written(run: Finished, **given: Any) -> dict[str, str]:
    sources, members = notebooks(run)
    data, more = inputs(run, without_data=bool(given.pop("without_data", False)))
    options: dict[str, Any] = {"data": data, "sources": sources, "members": members | more}
    options |= {"outputs": OUTPUTS, "statement": ""} | given
    return {name: bytes(content).decode() for name, content in readmes(run, **options).items()}


def with_manifest(run: Finished, **changed: Any) -> Finished:
    return Finished(run.folder, run.manifest.model_copy(update=changed), run.study, run.base)


def test_the_first_language_has_the_plain_name(run: Finished) -> None:
    assert list(written(run)) == ["README.md", "README.en.md"]
    english = written(with_manifest(run, languages=["en"]))
    assert list(english) == ["README.md"]
    assert "## Overview" in english["README.md"]


def test_no_field_of_the_template_is_left_open(run: Finished) -> None:
    for text in written(run).values():
        assert not any(mark in text for mark in ("{{", "{%", "None", "Undefined"))


def test_what_a_name_holds_ends_no_cell_and_is_no_tag(run: Finished) -> None:
    text = written(run)["README.en.md"]
    assert "| figure: Losses \\| &lt;b>by arm&lt;/b> | `probe` | 3 | plots.trend |" in text
    assert "| table: A &amp; B | `probe` | 4 | tables.claims |" in text


def test_figures_and_tables_of_one_report_a_notebook_are_listed(run: Finished) -> None:
    text = written(run)["README.en.md"]
    assert "headlines.record" not in text  # a value
    assert "of another report" not in text
    assert "plots.trend" not in written(run)["README.md"]  # no output of a Chinese report was given


def test_data_that_do_not_travel_are_said_to_be_missing(run: Finished) -> None:
    there, gone = written(run)["README.en.md"], written(run, without_data=True)["README.en.md"]
    assert "`study/数据/面板.csv` | `数据/面板.csv`" in there
    assert "| not in the pack | `数据/面板.csv`" in gone
    assert "--rerun --data DATA" in gone
    assert "--rerun --data DATA" not in there


def test_only_a_run_on_packaged_data_and_notebooks_calls_its_data_public(run: Finished) -> None:
    public = "- [x] All data **are** publicly available."
    unread = with_manifest(
        run, reports=[report.model_copy(update={"parameters": {}}) for report in run.manifest.reports]
    )
    assert public in written(unread, data=[], sources=PACKAGED)["README.en.md"]
    assert public not in written(unread, data=[])["README.en.md"]  # its own notebook may read anything
    assert public not in written(run, sources=PACKAGED)["README.en.md"]  # the data are the study's


def test_the_authors_words_stand_in_place_of_the_open_box(run: Finished) -> None:
    box = "--statement FILE"
    assert box in written(run)["README.en.md"]
    text = written(run, statement="From the county.")["README.en.md"]
    assert ("From the county." in text, box in text) == (True, False)


def test_what_the_authors_added_is_named(run: Finished) -> None:
    assert "Added by the authors" not in written(run)["README.en.md"]
    assert (
        "`study/a.csv`, `study/b.csv`." in written(run, added=["study/a.csv", "study/b.csv"])["README.en.md"]
    )


def test_sizes_are_those_of_the_members(run: Finished, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(b"0" * 1_500_000)
    members: dict[str, Content] = {"a": big, "b": b"0" * 600_000}
    assert "2.1 MB" in written(run, members=members)["README.en.md"]


def test_a_long_grid_is_cut_and_says_where_the_rest_is(run: Finished) -> None:
    report = run.manifest.reports[0]
    many = [report.model_copy(update={"stem": f"probe.{number:03d}"}) for number in range(SHOWN + 7)]
    text = written(with_manifest(run, reports=many))["README.en.md"]
    assert f"`probe.{SHOWN - 1:03d}`" in text
    assert f"`probe.{SHOWN:03d}`" not in text
    assert "The other 7 stand in `results/manifest.json`." in text


def test_failures_and_synthetic_data_come_first(run: Finished) -> None:
    first, *others = run.manifest.reports
    data = [file.model_copy(update={"kind": "synthetic"}) for file in run.manifest.data]
    changed = with_manifest(run, reports=[first.model_copy(update={"status": "failed"}), *others], data=data)
    chinese, english = written(changed).values()
    assert "1 of the reports failed" in english
    assert english.index("**SYNTHETIC.") < english.index("## Overview")
    assert "**合成数据（SYNTHETIC）" in chinese


def test_reports_taken_from_the_cache_take_no_time(run: Finished) -> None:
    first, *others = run.manifest.reports
    timed = [first.model_copy(update={"seconds": 90.0, "cached": False})]
    timed += [report.model_copy(update={"seconds": 600.0, "cached": True}) for report in others]
    text = written(with_manifest(run, reports=timed))["README.en.md"]
    assert "\n1.5 minutes for all reports one after another (3 taken from a cache are not counted)" in text


def test_kinds_of_data_are_named_in_the_language(run: Finished) -> None:
    data = [Input(read_as="a|b.csv", member=None, sha256="0" * 64, kind="undeclared")]
    chinese, english = written(run, data=data).values()
    assert "| `a\\|b.csv` | not declared by the notebook | no |" in english
    assert "笔记本未声明" in chinese
