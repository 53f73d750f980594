"""The data package: valid, in step with its declarations, each quote holding its figure."""

import re
import subprocess
import sys
from pathlib import Path

import frictionless
import pytest

from reform_analysis import resources, schema
from reform_analysis.published import load_context, load_figures
from reform_analysis.wording import catalogue

ROOT = Path(__file__).parents[1]
NUMERALS = {1: "一", 2: "两二", 3: "三", 4: "四", 5: "五半", 12: "1年"}


def test_data_package_is_valid() -> None:
    report = frictionless.validate(ROOT / "data" / "datapackage.json")
    assert report.valid, report.flatten(["name", "type", "note"])


def test_a_fault_in_the_data_is_found_by_frictionless(tmp_path: Path) -> None:
    package = (ROOT / "data" / "datapackage.json").read_text(encoding="utf-8")
    (tmp_path / "datapackage.json").write_text(package, encoding="utf-8")
    for name in schema.TABLES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / "data" / name).read_bytes().replace(b",32,", b",x,", 1))
    assert not frictionless.validate(tmp_path / "datapackage.json").valid


def test_descriptor_and_dictionary_are_in_step() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "data" / "build.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_quote_check_finds_a_missing_quote(tmp_path: Path) -> None:
    text = tmp_path / "article.txt"
    text.write_text("\n".join(load_figures()["quote"].drop("losses")), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, ROOT / "data" / "check_quotes.py", text], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("losses: not in the article")


@pytest.mark.parametrize("load", [load_figures, load_context])
def test_quotes_hold_their_figure(load: object) -> None:
    rows = load()
    assert (rows["quote"].str.len() <= 40).all()
    for name, row in rows[rows["value"].notna()].iterrows():
        quote = re.sub(r"(?<=\d)[\s,](?=\d{3})", "", row["quote"])
        words = NUMERALS.get(int(row["value"]), "")
        assert f"{row['value']:g}" in quote or any(word in quote for word in [*words, words] if word), name


def test_all_ten_domains_and_doubts_with_reasons() -> None:
    figures = load_figures()
    assert set(figures["domain"].dropna()) == set(range(1, 11))
    assert {"power_lists_complete", "power_lists_incomplete"} <= set(figures.index[figures["doubtful"]])
    assert (figures.loc[figures["doubtful"], ["note", "note_zh"]] != "").all(axis=None)
    assert ((figures["note"] == "") == (figures["note_zh"] == "")).all()


def test_every_unit_has_a_name_in_both_languages() -> None:
    units = {*load_figures()["unit"], *load_context()["unit"]} - {""}
    assert {f"unit.{unit}" for unit in units} <= set(catalogue())


def test_every_file_of_the_package_is_declared() -> None:
    data = resources.folder("data")
    files = {path.relative_to(data).as_posix() for path in data.rglob("*.csv")}
    assert files == set(schema.TABLES) == {entry["path"] for entry in resources.read_package()["resources"]}
