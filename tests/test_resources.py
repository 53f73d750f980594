"""Files that travel with the package, and a package that imports lightly."""

import subprocess
import sys
from pathlib import Path

import pytest

import reform_analysis
from reform_analysis import resources
from reform_analysis.estimates import DataError

HEAVY = (
    "numpy",
    "pandas",
    "scipy",
    "statsmodels",
    "matplotlib",
    "seaborn",
    "pandera",
    "papermill",
    "nbconvert",
)


def test_undeclared_file_is_refused() -> None:
    with pytest.raises(DataError, match=r"'README\.md' is not in datapackage\.json"):
        resources.read_data("README.md")


def test_missing_folder_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "files", lambda _: tmp_path / "src" / "reform_analysis")
    with pytest.raises(DataError, match="reinstall"):
        resources.folder("data")


def test_font_is_static_and_has_chinese() -> None:
    from fontTools.ttLib import TTFont

    with TTFont(resources.font_path(), lazy=True) as font:
        assert "fvar" not in font
        assert {ord(character) for character in "败诉乡镇（）"} <= set(font.getBestCmap())


def test_import_loads_no_heavy_library() -> None:
    code = f"import sys, reform_analysis; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", reform_analysis.__all__)
def test_names_are_handed_on(name: str) -> None:
    assert getattr(reform_analysis, name) is not None
    assert name in dir(reform_analysis)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        reform_analysis.nothing  # noqa: B018
