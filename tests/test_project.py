"""The project's files agree with one another."""

import ast
import doctest
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import reform_analysis
from reform_analysis import other_reforms

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")

# What conda-forge calls a package that PyPI calls otherwise; None: not on conda-forge, pip brings it.
CONDA_NAMES = {
    "brotli": "brotli-python",
    "jupyter-client": "jupyter_client",
    "jupyter-core": "jupyter_core",
    "pandera[pandas]": "pandera-pandas",
    "math-core": None,
    "pylopdf-fonts-zh-cn": None,
}


def split(requirement: str) -> tuple[str, str]:
    name, bound = re.fullmatch(r"([\w.\[\]-]+)(>=[\d.]+)", requirement).groups()
    return name, bound


def test_environment_is_in_step_with_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    required = [split(line) for line in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["lab"])]
    by_conda = {
        f"{CONDA_NAMES.get(name, name)} {bound}" for name, bound in required if CONDA_NAMES.get(name, name)
    }
    assert set(conda) == by_conda | {f"python {PROJECT['requires-python']}", "pip"}
    by_pip = [f"{name}{bound}" for name, bound in required if not CONDA_NAMES.get(name, name)]
    assert pip["pip"] == [*by_pip, "--editable .[docs,examples,test]"]


IMPORT_NAMES = {
    **{"bs4": "beautifulsoup4", "docx": "python-docx", "fontTools": "fonttools", "yaml": "pyyaml"},
    **{"jupyter_client": "jupyter-client", "jupyter_core": "jupyter-core", "math_core": "math-core"},
}


def test_every_import_is_declared() -> None:
    found: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).split(".")[0])
    outside = found - set(sys.stdlib_module_names) - {"reform_analysis"}
    declared = {split(line)[0].split("[")[0] for line in PROJECT["dependencies"]}
    assert {IMPORT_NAMES.get(name, name) for name in outside} <= declared


def test_the_tests_read_the_examples_too() -> None:
    extras = PROJECT["optional-dependencies"]
    assert set(extras["examples"]) <= set(extras["test"])
    carried = {package for package, *_ in other_reforms.DATASETS.values()}
    assert {split(line)[0] for line in extras["examples"]} == carried
    assert f"{PROJECT['name']}[examples]" in other_reforms.INSTALL


def test_lock_holds_every_requirement_with_hashes_and_no_address() -> None:
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", LOCK, flags=re.MULTILINE))
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    names = {split(line)[0].split("[")[0] for line in (*PROJECT["dependencies"], *extras)}
    assert names <= set(locked)
    entries = re.findall(r"^[\w.-]+==.*?(?=^[\w.-]+==|\Z)", LOCK, flags=re.MULTILINE | re.DOTALL)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?:|--index|--find-links|file:|^#", LOCK, flags=re.MULTILINE)


def test_one_version_everywhere() -> None:
    assert PROJECT["version"] == reform_analysis.__version__
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"]
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_makefile_targets_explain_themselves() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    explained = re.findall(r"^([a-z]+):.*## ", text, flags=re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.+)$", text, flags=re.MULTILINE)[1].split()
    assert explained == phony
    assert len(phony) <= 10


def test_ci_calls_the_readmes_test_command() -> None:
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["README.md", "CHANGELOG.md", "Makefile", "environment.yml", ".ci/run", "pyproject.toml"]
)
def test_files_name_no_machine(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"/home/|/root/|/tmp/|C:\\Users", text)


def test_readme_shows_what_the_code_prints() -> None:
    result = doctest.testfile(
        str(ROOT / "README.md"), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert result.attempted > 5
    assert result.failed == 0
