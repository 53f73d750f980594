"""Provenance: the manifest follows the schema that the package carries, and says whether data are real."""

import json
from pathlib import Path

import jsonschema
import pytest

from reform_analysis import manifest, resources
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
