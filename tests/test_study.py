"""The study file and the plan: every fault is found before anything runs, and named with its way out."""

import itertools
import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from reform_analysis import resources
from reform_analysis.estimates import ReportError
from reform_analysis.parameters import declared_parameters, read_value
from reform_analysis.study import make_plan, read_study

PARAMETERS = """language: str = "zh"  # language of the report
ci_level: float = 0.95  # level = 1 - alpha
county: str | None = None
units: int = 89
strict: "bool" = True
shares: list[float] = []
label = "a=b"
"""


def save(path: Path, source: str = PARAMETERS, *, tags: tuple[str, ...] = ("parameters",)) -> Path:
    cells = [new_markdown_cell("# T"), new_code_cell(source, metadata={"tags": list(tags)})]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def study(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_declared_parameters_include_what_papermill_overlooks(tmp_path: Path) -> None:
    declared = declared_parameters(nbformat.read(save(tmp_path / "a.ipynb"), as_version=4))
    assert declared == {
        "language": "str",
        "ci_level": "float",
        "county": "str | None",
        "units": "int",
        "strict": "bool",
        "shares": "list[float]",
        "label": "str",
    }


@pytest.mark.parametrize(
    ("value", "declared", "expected"),
    [
        ("007", "str", "007"),
        ("true", "str", "true"),
        ("", "str", ""),
        ("007", "str | None", "007"),
        (None, "str | None", None),
        ("None", "str | None", "None"),
        ("-12", "int", -12),
        (3, "int", 3),
        (0, "int", 0),
        ("0.9", "float", 0.9),
        ("1e-3", "float", 0.001),
        (1, "float", 1.0),
        ("FALSE", "bool", False),
        (False, "bool", False),
    ],
)
def test_a_value_is_read_as_the_declared_type(value: object, declared: str, expected: object) -> None:
    found = read_value(value, declared)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "declared"),
    [
        (7, "str"),
        (True, "str"),
        (None, "str"),
        ("1.0", "int"),
        ("1_000", "int"),
        ("５", "int"),
        (1.0, "int"),
        (True, "int"),
        ("nan", "float"),
        ("inf", "float"),
        ("1_0.5", "float"),
        (float("nan"), "float"),
        (True, "float"),
        ("yes", "bool"),
        (1, "bool"),
        ([1], "str"),
    ],
)
def test_a_value_of_another_type_is_refused_with_a_way_out(value: object, declared: str) -> None:
    with pytest.raises(ReportError, match=rf"must be {declared}, got .*; (put|pass) "):
        read_value(value, declared)


def test_a_type_that_cannot_be_set_is_refused() -> None:
    with pytest.raises(ReportError, match=r"declared as list\[float\] and cannot be set"):
        read_value("1", "list[float]")


def test_a_study_without_keys_has_the_defaults(tmp_path: Path) -> None:
    found = read_study(study(tmp_path, "title: 标题\n"))
    assert (found.title, found.languages, found.notebooks, found.parameters) == (
        "标题",
        ["zh", "en"],
        None,
        {},
    )


def test_quoted_text_of_a_study_stays_text(tmp_path: Path) -> None:
    save(tmp_path / "a.ipynb")
    plan = make_plan(study(tmp_path, 'notebooks: [a.ipynb]\nparameters: {county: "007", ci_level: 0.9}\n'))
    assert plan.parameters == {"county": "007", "ci_level": 0.9}
    with pytest.raises(
        ReportError, match=r"'county' of notebook a must be str \| None, got 7; put text in quotes"
    ):
        make_plan(study(tmp_path, "notebooks: [a.ipynb]\nparameters: {county: 7}\n"))
    with pytest.raises(ReportError, match="line 2: 007 would be read as another number"):
        make_plan(study(tmp_path, "notebooks: [a.ipynb]\nparameters: {county: 007}\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("languges: [zh]\n", r"'languges' is no key of a study file; did you mean 'languages'\?"),
        ("languages: [zh, fr]\n", r"languages\.1: input should be 'zh' or 'en', got 'fr'"),
        ("languages: []\n", r"languages: .* at least 1 item"),
        ("title: 2021\n", r"title: .*valid string, got 2021; put text in quotes"),
        ("notebooks: a.ipynb\n", r"notebooks: .*valid list, got 'a.ipynb'"),
        ("- zh\n", r"must hold `key: value` lines"),
        ("title: [\n", r"is no YAML in UTF-8.*line 2"),
        ("title: !!python/object/apply:os.getcwd []\n", r"is no YAML"),
        ("", r"must hold `key: value` lines"),
        ("parameters: " + "[" * 3000 + "]" * 3000, r"is no YAML in UTF-8"),
        ("deadline: .inf\n", r"line 1: deadline: input should be less than or equal to 2592000"),
        ("deadline: 0\n", r"line 1: deadline: input should be greater than 0"),
        ("title: a\nlanguges: [zh]\ntitle: b\n", r"line 2: 'languges'.*\n- line 3: the key 'title' stands"),
    ],
)
def test_faults_of_a_study_file_name_file_key_and_rule(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ReportError, match=rf"(?s)study file .*study\.yaml .*{message}"):
        read_study(study(tmp_path, text))


def test_a_missing_study_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"nowhere\.yaml cannot be read"):
        read_study(tmp_path / "nowhere.yaml")


def test_all_faults_come_in_one_error(tmp_path: Path) -> None:
    save(tmp_path / "a.ipynb")
    path = study(tmp_path, "notebooks: [a.ipynb]\n")
    with pytest.raises(ReportError) as caught:
        make_plan(
            path,
            languages=["zh", "english"],
            parameters={"ci_levle": 0.9, "units": "many", "strict": 2, "language": "en"},
        )
    message = str(caught.value)
    assert "language 'english' is unknown" in message
    assert "no chosen notebook declares parameter 'ci_levle'; did you mean 'ci_level'?" in message
    assert "parameter 'units' of notebook a must be int, got 'many'; pass a whole number" in message
    assert "parameter 'strict' of notebook a must be bool, got 2; pass true or false" in message
    assert "choose with --language" in message
    assert message.count("\n- ") == 5


@pytest.mark.parametrize(
    ("source", "tags", "message"),
    [
        (PARAMETERS, ("other",), "no code cell tagged `parameters`"),
        ("ci_level: float = 0.9", ("parameters",), 'does not declare `language: str = "zh"`'),
        ("language: str = ", ("parameters",), "parameters cell that is not Python"),
    ],
)
def test_notebooks_without_proper_parameters_are_refused(
    tmp_path: Path, source: str, tags: tuple[str, ...], message: str
) -> None:
    save(tmp_path / "a.ipynb", source, tags=tags)
    with pytest.raises(ReportError, match=message):
        make_plan(study(tmp_path, "notebooks: [a.ipynb]\n"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no valid notebook"),
        ("[]", "format 4"),
        ('{"nbformat": 3, "worksheets": []}', "format 4"),
        ('{"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "code"}]}', "is no valid notebook"),
    ],
)
def test_files_that_are_no_notebooks_are_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.ipynb").write_text(content, encoding="utf-8")
    with pytest.raises(ReportError, match=message):
        make_plan(study(tmp_path, "notebooks: [a.ipynb]\n"))


def test_unknown_notebooks_are_named_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = {"01_published_totals": save(tmp_path / "01_published_totals.ipynb")}
    monkeypatch.setattr(resources, "notebook_paths", lambda: packaged)
    with pytest.raises(ReportError, match=r"did you mean '01_published_totals'\?"):
        make_plan(study(tmp_path, "notebooks: [01_published_total]\n"))
    with pytest.raises(ReportError, match=r"no notebook's name begins with '02'"):
        make_plan(only=["02"])
    assert [source.name for source in make_plan(only=["01"]).sources] == ["01_published_totals"]


def test_reports_of_one_name_would_collide(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    save(tmp_path / "Totals.ipynb")
    save(tmp_path / "b" / "totals.ipynb")
    with pytest.raises(ReportError, match="two notebooks are called 'totals'"):
        make_plan(study(tmp_path, "notebooks: [Totals.ipynb, b/totals.ipynb]\n"))


def test_parameters_go_before_the_studys_and_only_where_declared(tmp_path: Path) -> None:
    save(tmp_path / "a.ipynb")
    save(tmp_path / "b.ipynb", 'language: str = "en"')
    path = study(tmp_path, "notebooks: [a.ipynb, b.ipynb]\nlanguages: [en]\nparameters: {units: 10}\n")
    plan = make_plan(path, parameters={"units": "11"})
    assert [source.settings for source in plan.sources] == [{"units": 11}, {}]
    assert (plan.languages, plan.folder) == (("en",), tmp_path.resolve())


def test_cells_without_ids_get_the_same_ids_every_time(tmp_path: Path) -> None:
    raw = json.loads(save(tmp_path / "a.ipynb").read_text(encoding="utf-8"))
    raw["nbformat_minor"] = 4
    for cell in raw["cells"]:
        del cell["id"]
    (tmp_path / "a.ipynb").write_text(json.dumps(raw), encoding="utf-8")
    plan = make_plan(study(tmp_path, "notebooks: [a.ipynb]\n"))
    assert [cell.id for cell in plan.sources[0].notebook.cells] == ["cell-1", "cell-2"]


def test_power_runs_before_the_effect_that_quotes_it(tmp_path: Path) -> None:
    everything = [source.name for source in make_plan().sources]
    assert everything.index("06_power") < everything.index("04_pilot_effect")
    assert everything.index("04_pilot_effect") < everything.index("05_robustness")
    rest = [name for name in everything if name != "06_power"]
    assert rest == sorted(rest)
    named = study(tmp_path, "notebooks: [04_pilot_effect, 01_published_totals, 06_power]")
    names = [source.name for source in make_plan(named).sources]
    assert names == ["06_power", "04_pilot_effect", "01_published_totals"]
    assert [source.name for source in make_plan(only=["04"]).sources] == ["04_pilot_effect"]


def test_own_notebooks_say_what_they_run_before_and_circles_are_refused(tmp_path: Path) -> None:
    for name, others in {"first": ["second"], "second": [], "third": ["first"]}.items():
        path = save(tmp_path / f"{name}.ipynb")
        before(path, others)
    asked = study(tmp_path, "notebooks: [second.ipynb, first.ipynb, third.ipynb]")
    assert [source.name for source in make_plan(asked).sources] == ["third", "first", "second"]
    before(tmp_path / "second.ipynb", ["third"])
    with pytest.raises(ReportError, match="before one another"):
        make_plan(asked)


def before(path: Path, others: list[str]) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["reform_analysis"] = {"before": others}
    nbformat.write(notebook, path)


def test_a_repeated_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("parameters:\n  ci_level: 0.9\n  ci_level: 0.8\n", encoding="utf-8")
    with pytest.raises(ReportError, match="'ci_level' stands twice"):
        read_study(path)


@pytest.mark.parametrize(
    "content",
    [
        '{"nbformat": 4, "cells": [1, 2]}',
        '{"nbformat": 4, "cells": {}}',
        '{"nbformat": 4, "nbformat_minor": "5", "cells": []}',
    ],
)
def test_a_file_without_cells_is_no_notebook(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.ipynb").write_text(content, encoding="utf-8")
    (tmp_path / "study.yaml").write_text("notebooks: [a.ipynb]\n", encoding="utf-8")
    with pytest.raises(ReportError, match="is no notebook of format 4"):
        make_plan(tmp_path / "study.yaml")


def test_data_and_aliases_reach_the_notebooks_that_declare_them(tmp_path: Path) -> None:
    (tmp_path / "panel.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    study = "notebooks: [02_panel]\ndata: panel.csv\naliases:\n  败诉数: losses\n"
    (tmp_path / "study.yaml").write_text(study, encoding="utf-8")
    plan = make_plan(tmp_path / "study.yaml")
    assert plan.parameters["data"] == "panel.csv"
    assert json.loads(plan.parameters["aliases"]) == {"败诉数": "losses"}


def test_a_missing_data_file_stops_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("notebooks: [02_panel]\ndata: nowhere.xlsx\n", encoding="utf-8")
    with pytest.raises(ReportError, match=r"data must be a file, got 'nowhere\.xlsx'"):
        make_plan(tmp_path / "study.yaml")


def test_only_leaves_keys_alone_that_other_notebooks_of_the_study_declare(tmp_path: Path) -> None:
    save(tmp_path / "02_a.ipynb")
    save(tmp_path / "03_b.ipynb", 'language: str = "zh"\nstrata: str = ""\n')
    text = "notebooks: [02_a.ipynb, 03_b.ipynb]\nstrata: county\nparameters: {units: 12}\n"
    path = study(tmp_path, text)
    plan = make_plan(path, only=["02"])
    assert [(source.name, source.settings) for source in plan.sources] == [("02_a", {"units": 12})]
    assert make_plan(path, only=["03"]).parameters == {"strata": "county"}
    with pytest.raises(ReportError, match="no chosen notebook declares parameter 'units'"):
        make_plan(path, only=["03"], parameters={"units": 3})
    with pytest.raises(ReportError, match="declares parameter 'unit'; did you mean 'units'"):
        make_plan(study(tmp_path, text.replace("units:", "unit:")), only=["03"])


def test_a_broken_notebook_that_is_left_out_stops_nothing(tmp_path: Path) -> None:
    save(tmp_path / "02_a.ipynb")
    (tmp_path / "03_b.ipynb").write_text("{", encoding="utf-8")
    path = study(tmp_path, "notebooks: [02_a.ipynb, 03_b.ipynb, 04_gone.ipynb]\nstrata: county\n")
    assert make_plan(path, only=["02"]).parameters == {}


def test_a_nested_value_is_not_echoed_in_full(tmp_path: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in itertools.pairwise("abcdefg")]
    path = tmp_path / "study.yaml"
    path.write_text("\n".join([*lines, "title: *g"]), encoding="utf-8")
    with pytest.raises(ReportError) as refused:
        read_study(path)
    assert len(str(refused.value)) < 5000
    assert "title: input should be a valid string, got [[[...], [...], [...], ...], " in str(refused.value)


def test_faults_found_behind_the_file_name_its_lines(tmp_path: Path) -> None:
    save(tmp_path / "a.ipynb")
    text = """notebooks: [a.ipynb, 4_pilot]
data: none.csv
grid:
  by: [county]
  values: {county: [a]}
parameters:
  units: many
  county: b
  cty: c
"""
    with pytest.raises(ReportError) as refused:
        make_plan(study(tmp_path, text), parameters={"strict": "perhaps"})
    found = str(refused.value)
    assert "- line 1: '4_pilot' is no packaged notebook" in found
    assert "- line 2: data must be a file, got 'none.csv'" in found
    assert "- line 7: parameter 'units' of notebook a must be int, got 'many'" in found
    assert "- line 8: parameter 'county' is a key of the grid; choose by --where" in found
    assert "- line 9: no chosen notebook declares parameter 'cty'" in found
    assert "- parameter 'strict' of notebook a must be bool" in found  # not of the file


def test_a_parameter_that_is_no_text_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.ipynb")
    path = study(tmp_path, "notebooks: [a.ipynb]\n")
    with pytest.raises(ReportError, match="parameter 'county' of notebook a is no text, got .*udcff"):
        make_plan(path, parameters={"county": "\udcff"})


def test_a_data_file_of_the_grid_is_looked_for_too(tmp_path: Path) -> None:
    save(tmp_path / "a.ipynb", 'language: str = "zh"\ndata: str = ""')
    (tmp_path / "there.csv").touch()
    text = "notebooks: [a.ipynb]\ngrid: {by: [data], values: {data: [there.csv, none.csv]}}\n"
    with pytest.raises(ReportError, match="data must be a file, got 'none.csv'") as refused:
        make_plan(study(tmp_path, text))
    assert "there.csv'" not in str(refused.value)
