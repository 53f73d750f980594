"""The grid of a study: combinations, filters, shards, and the names of the reports."""

import hashlib
import json
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from reform_analysis import report, simulate
from reform_analysis.estimates import ReportError
from reform_analysis.grid import read_shard
from reform_analysis.study import Plan, make_plan

PARAMETERS = """language: str = "zh"  # l
county: str = ""  # c
city: str = ""  # c
outcome: str = "losses"  # o
measures: str = ""  # m
pre: str = ""  # p
share: float = 0.5  # s
seed: int = 1  # s
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cell = new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    nbformat.write(new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    return tmp_path


def plan(folder: Path, text: str, **options: object) -> Plan:
    (folder / "study.yaml").write_text(f"notebooks: [a.ipynb]\n{text}", encoding="utf-8")
    return make_plan(folder / "study.yaml", **options)  # type: ignore[arg-type]


GRID = """outcomes: [losses, corrections]
grid:
  by: [county, outcome, language]
  values: {county: ["007", 乙县]}
"""


def test_every_combination_is_a_report_and_text_stays_text(folder: Path) -> None:
    reports = plan(folder, GRID).reports
    assert len(reports) == 2 * 2 * 2
    assert reports[0].keys == {"county": "007", "outcome": "losses", "language": "zh"}
    assert reports[0].source.settings == {"county": "007", "outcome": "losses"}
    assert [report.stem for report in reports[:3]] == [
        "a.007.losses.zh",
        "a.007.losses.en",
        "a.007.corrections.zh",
    ]


def test_include_and_exclude(folder: Path) -> None:
    text = (
        GRID
        + "  exclude: [{county: 乙县, outcome: corrections}]\n  include: [{county: 丙, outcome: losses}]\n"
    )
    stems = [report.stem for report in plan(folder, text).reports]
    assert not any("乙县.corrections" in stem for stem in stems)
    assert stems[-2:] == ["a.丙.losses.zh", "a.丙.losses.en"]
    assert len(stems) == 8


def test_a_language_that_this_run_leaves_out_is_no_fault(folder: Path) -> None:
    grid = "grid: {by: [county], values: {county: [A, B]}, include: [{county: C, language: zh}], "
    text = grid + "exclude: [{county: A, language: zh}]}\n"
    assert [report.stem for report in plan(folder, text).reports] == ["a.A.en", "a.B.zh", "a.B.en", "a.C.zh"]
    english = plan(folder, text, languages=["en"]).reports
    assert [report.stem for report in english] == ["a.A.en", "a.B.en"]


def test_languages_of_the_grid_and_of_the_run_are_both_kept(folder: Path) -> None:
    text = "grid: {by: [county, language], values: {county: [A], language: [zh]}, "
    text += "include: [{county: B, language: en}]}\n"
    assert [report.stem for report in plan(folder, text).reports] == ["a.A.zh", "a.B.en"]
    assert [report.stem for report in plan(folder, text, languages=["zh"]).reports] == ["a.A.zh"]
    with pytest.raises(ReportError, match=r"line \d+: no report of the grid is in en; allowed: zh"):
        plan(folder, text, languages=["en"])


def test_names_that_files_would_confuse_get_a_mark_of_their_values(folder: Path) -> None:
    names = ["CASE", "case", "caf\u00e9", "cafe\u0301", "plain"]
    text = f"languages: [en]\ngrid: {{by: [county], values: {{county: {json.dumps(names)}}}}}\n"
    stems = {report.keys["county"]: report.stem for report in plan(folder, text).reports}
    marks = [hashlib.sha256(name.encode()).hexdigest()[:8] for name in names]
    shown = ["CASE", "case", "café", "café", "plain"]
    expected = [f"a.{name}-{mark}.en" for name, mark in zip(shown, marks, strict=True)]
    assert list(stems.values()) == [*expected[:4], "a.plain.en"]
    alone = plan(folder, text, where={"county": "case"}).reports
    assert [report.stem for report in alone] == [stems["case"]]
    back = text.replace(json.dumps(names), json.dumps(names[::-1]))
    assert {report.keys["county"]: report.stem for report in plan(folder, back).reports} == stems


def test_a_long_name_is_cut_and_marked(folder: Path) -> None:
    names = ["长" * 200, "长" * 199 + "城", "长" * 56]
    text = f"languages: [zh]\ngrid: {{by: [county], values: {{county: [{', '.join(names)}]}}}}\n"
    stems = [report.stem for report in plan(folder, text).reports]
    for name, stem in zip(names[:2], stems, strict=False):
        assert stem == f"a.{'长' * 55}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.zh"
    assert stems[2] == f"a.{'长' * 56}.zh"
    assert max(len(stem.encode()) for stem in stems) <= 180


def test_where_keeps_and_names_the_nearest(folder: Path) -> None:
    kept = plan(folder, GRID, where={"county": "007", "language": "en"}).reports
    assert [report.stem for report in kept] == ["a.007.losses.en", "a.007.corrections.en"]
    with pytest.raises(ReportError, match=r"where: no report has outcome='loses'; did you mean 'losses'\?"):
        plan(folder, GRID, where={"outcome": "loses"})
    with pytest.raises(ReportError, match=r"where: 'county_' is no key of the grid; did you mean 'county'\?"):
        plan(folder, GRID, where={"county_": "007"})


def test_values_of_a_panel_column_make_reports(folder: Path) -> None:
    cities = sorted(simulate.load_example()["city"].unique())
    reports = plan(folder, "languages: [en]\ngrid: {by: [city]}\n").reports
    assert [report.keys["city"] for report in reports] == cities


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("grid: {by: [contry]}\n", "grid key 'contry': is no column of the panel"),
        ("outcomes: [losses, corrections]\n", "outcomes has 2 values; name 'outcome' in grid.by"),
        (
            "grid: {by: [county], values: {conty: [a]}}\n",
            r"grid.values: 'conty' is not in grid.by; did you mean",
        ),
        ("grid: {by: [county, county], values: {county: [a]}}\n", "'county' stands twice"),
        ("grid: {by: [county], values: {county: []}}\n", "grid.values.county is empty"),
        (
            "languages: [zh]\ngrid: {by: [county, language], values: {county: [a], language: [zh, en]}}\n",
            "grid.values.language: 'en' is none of languages",
        ),
        ("grid: {by: [county], values: {county: [A, A]}}\n", "grid.values.county: 'A' stands twice"),
        (
            "grid: {by: [county], values: {county: [A, 'A ']}}\n",
            "grid.values.county: 'A', 'A ' are the same but for blanks at their ends; keep one",
        ),
        ("outcomes: [a, a]\ngrid: {by: [outcome]}\n", "outcomes: 'a' stands twice; remove one"),
        (
            "languages: [en]\ngrid: {by: [county], values: {county: [A]}, "
            "include: [{county: B, language: zh}]}\n",
            r"'zh'} has a language that is none of the study's; .*or name it in languages",
        ),
        (
            "grid: {by: [county], values: {county: [Aa, B]}, exclude: [{county: Ab}]}\n",
            r"grid.exclude: no report has county='Ab'; did you mean 'Aa'\? allowed: Aa, B",
        ),
        (
            "grid: {by: [county, city], values: {county: [A], city: [X]}, "
            "include: [{county: B, city: Y}], exclude: [{county: A, city: Y}]}\n",
            "grid.exclude: no report has all of {'county': 'A', 'city': 'Y'}",
        ),
        (
            "grid: {by: [county], values: {county: [A]}, include: [{county: B}], exclude: [{county: B}]}\n",
            "grid.include: {'county': 'B'} is left out by grid.exclude; keep one of the two",
        ),
        (
            "grid: {by: [county], include: [{cty: x}], values: {county: [a]}}\n",
            "must have the keys county, language",
        ),
        ("grid: {by: [district], values: {district: [a]}}\n", "does not declare grid key 'district'"),
        ("grid: {by: [share], values: {share: [much]}}\n", "'share' of notebook a must be float, got 'much'"),
        ("grid:\n  bye: [county]\n", r"line 3: 'grid.bye' is no key of a study file; did you mean 'by'\?"),
    ],
)
def test_faults_are_found_before_anything_runs(folder: Path, text: str, message: str) -> None:
    with pytest.raises(ReportError, match=message):
        plan(folder, text)


def test_reserved_names_are_refused(folder: Path) -> None:
    (folder / "a.ipynb").rename(folder / "CON.ipynb")
    (folder / "study.yaml").write_text("notebooks: [CON.ipynb]\n", encoding="utf-8")
    with pytest.raises(ReportError, match="'CON.zh' is reserved on Windows"):
        make_plan(folder / "study.yaml")


def test_a_name_cannot_leave_the_folder(folder: Path) -> None:
    text = 'languages: [en]\ngrid: {by: [county], values: {county: ["../../x", "c:\\\\x", "a\\nb"]}}\n'
    stems = [report.stem for report in plan(folder, text).reports]
    assert stems == ["a...%2F..%2Fx.en", "a.c%3A%5Cx.en", "a.a%0Ab.en"]
    assert all((folder / stem).parent == folder for stem in stems)


def test_keys_of_the_study_become_parameters(folder: Path) -> None:
    text = "seed: 7\nmeasures: [a, b]\nperiods: {pre: ['2019', '2020']}\noutcomes: [corrections]\n"
    assert plan(folder, text).parameters == {
        "seed": 7,
        "measures": "a, b",
        "pre": "2019, 2020",
        "outcome": "corrections",
    }


def test_values_of_numpy_become_plain(folder: Path) -> None:
    given = {"share": np.float64(0.25), "seed": np.int64(3), "county": np.str_("007")}
    settings = plan(folder, "", parameters=given).parameters
    assert {name: repr(value) for name, value in settings.items()} == {
        "share": "0.25",
        "seed": "3",
        "county": "'007'",
    }


def test_shards_divide_the_reports(folder: Path) -> None:
    path = folder / "study.yaml"
    whole = [report.stem for report in plan(folder, GRID).reports]
    parts = [report.dry_run(path, shard=f"{number}/3") for number in (1, 2, 3)]
    assert sorted(stem for part in parts for stem in part) == sorted(whole)
    assert {len(part) for part in parts} == {2, 3}


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/", "-1/2"])
def test_a_shard_is_i_of_n(text: str) -> None:
    with pytest.raises(ReportError, match="shard must be i/n"):
        read_shard(text)
