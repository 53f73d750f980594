"""A replication pack: what goes in, that equal runs give equal bytes, and what is refused."""

import csv
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from reform_analysis import pack, pack_contents, resources, unpack
from reform_analysis.estimates import DataError


@pytest.fixture(scope="module")
def archive(probe_run: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(pack.write_pack(probe_run, out=tmp_path_factory.mktemp("pack") / "a.zip"))


@pytest.fixture
def copied(probe_run: Path, tmp_path: Path) -> Path:
    """The run with its study, free to be changed."""
    study = shutil.copytree(probe_run.parents[1], tmp_path / "study")
    return study / "reports" / probe_run.name


def test_a_pack_holds_inputs_study_plan_notebooks_results_and_environment(archive: zipfile.ZipFile) -> None:
    names = set(archive.namelist())
    assert {
        "README.md",
        "README.en.md",
        "pack.json",
        "outputs.csv",
        "requirements.txt",
        "data/datapackage.json",
        "data/published/figures.csv",
        "study/study.yaml",
        "study/plan.yaml",
        "study/plan.frozen.json",
        "study/数据/面板.csv",
        "study/笔记/probe.ipynb",
        "results/manifest.json",
        "results/estimates.csv",
        "results/estimates.parquet",
        "results/probe.losses.zh.html",
        "results/probe.corrections.en.ipynb",
    } <= names
    assert not {"results/run.json", "data/example/panel_synthetic.csv"} & names
    assert unpack.faults(archive) == []


def test_pack_json_lists_every_other_member_with_its_hash(archive: zipfile.ZipFile) -> None:
    contents = pack_contents.read_contents(archive.read("pack.json"))
    hashes = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    del hashes["pack.json"]
    assert {member.path: member.sha256 for member in contents.members} == hashes
    (own,) = [file for file in contents.inputs if file.kind == "own"]
    assert (own.read_as, own.member, own.sha256) == (
        "数据/面板.csv",
        "study/数据/面板.csv",
        hashes[own.member or ""],
    )


def test_equal_runs_give_equal_bytes(probe_run: Path, copied: Path, tmp_path: Path) -> None:
    first = pack.write_pack(probe_run, out=tmp_path / "a.zip")
    second = pack.write_pack(copied, out=tmp_path / "b.zip")
    assert first.read_bytes() == second.read_bytes()
    assert pack.write_pack(copied, out=tmp_path / "b.zip") == second  # the same again is no overwriting


def test_the_archive_lies_beside_the_run_and_overwrites_nothing(copied: Path) -> None:
    path = pack.write_pack(copied)
    assert path == copied.with_name(f"{copied.name}.pack.zip")
    path.write_bytes(b"mine")
    with pytest.raises(DataError, match="holds something else"):
        pack.write_pack(copied)
    assert path.read_bytes() == b"mine"
    assert [item.name for item in copied.parent.glob(".*.tmp")] == []


def test_without_data_the_hash_travels_and_the_file_does_not(copied: Path, tmp_path: Path) -> None:
    (copied.parents[1] / "数据" / "面板.csv").unlink()  # it need not even be there
    with zipfile.ZipFile(pack.write_pack(copied, out=tmp_path / "a.zip", without_data=True)) as archive:
        (own,) = [
            file
            for file in pack_contents.read_contents(archive.read("pack.json")).inputs
            if file.kind == "own"
        ]
        assert not any("面板" in name for name in archive.namelist())
        assert b"| not in the pack |" in archive.read("README.en.md")
    assert own.member is None
    assert len(own.sha256) == 64


def test_outputs_name_the_functions_behind_each_report(archive: zipfile.ZipFile) -> None:
    rows = list(csv.DictReader(StringIO(archive.read("outputs.csv").decode("utf-8-sig"))))
    assert {row["report"] for row in rows} == {
        f"probe.{outcome}.{language}" for outcome in ("losses", "corrections") for language in ("zh", "en")
    }
    (recorded,) = [row for row in rows if row["report"] == "probe.losses.en" and row["cell"] == "4"]
    assert (recorded["functions"], recorded["behind"]) == ("headlines.record", "published.compare_counts")


def test_the_readme_follows_the_template_in_both_languages(archive: zipfile.ZipFile) -> None:
    headings = [
        "Overview",
        "Data Availability and Provenance Statements",
        "Dataset list",
        "Computational requirements",
        "Description of programs/code",
        "Instructions to Replicators",
        "List of tables and programs",
        "References",
    ]
    english, chinese = (archive.read(name).decode() for name in ("README.en.md", "README.md"))
    assert [line[3:] for line in english.splitlines() if line.startswith("## ")] == headings
    found = [line.split("（")[1].rstrip("）") for line in chinese.splitlines() if line.startswith("## ")]
    assert found == headings
    assert "探针 | probe" in english.splitlines()[0]
    assert "SYNTHETIC." not in english
    for text in (english, chinese):
        assert "10.5281/zenodo.7293838" in text
        assert "`study/数据/面板.csv`" in text


def test_the_authors_words_on_their_data_go_into_the_readme(copied: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.md"
    words.write_text("由某县司法局提供。", encoding="utf-8")
    with zipfile.ZipFile(pack.write_pack(copied, out=tmp_path / "a.zip", statement=words)) as archive:
        assert "由某县司法局提供。" in archive.read("README.md").decode()


def test_data_outside_the_study_travel_under_another_name(copied: Path, tmp_path: Path) -> None:
    """A run that read ../面板.csv: the pack holds it where nothing leaves the folder."""
    moved = (copied.parents[1] / "数据" / "面板.csv").replace(copied.parents[2] / "面板.csv")
    document = json.loads((copied / "manifest.json").read_bytes())
    document["data"][0]["path"] = "../面板.csv"
    for report in document["reports"]:
        report["parameters"]["data"] = "../面板.csv"
    (copied / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    with zipfile.ZipFile(pack.write_pack(copied, out=tmp_path / "a.zip")) as archive:
        assert archive.read("inputs/1/面板.csv") == moved.read_bytes()


def test_a_synthetic_pack_says_so_in_its_name(copied: Path) -> None:
    text = (
        (copied / "manifest.json").read_text(encoding="utf-8").replace('"kind": "own"', '"kind": "synthetic"')
    )
    (copied / "manifest.json").write_text(text, encoding="utf-8")
    path = pack.write_pack(copied)
    assert path.name == f"{copied.name}.SYNTHETIC.pack.zip"
    with zipfile.ZipFile(path) as archive:
        assert "**SYNTHETIC." in archive.read("README.en.md").decode()
        assert "**合成数据（SYNTHETIC）" in archive.read("README.md").decode()
        assert json.loads(archive.read("pack.json"))["synthetic"] is True


def digit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


CHANGES: dict[str, Callable[[Path, Path], object]] = {
    "files of the run must": lambda run, _: digit(run / "probe.losses.en.html", "53", "54"),
    "estimates.csv and estimates.parquet must": lambda run, _: digit(run / "estimates.csv", "0.60", "0.61"),
    "notebook probe must": lambda _, study: digit(study / "笔记" / "probe.ipynb", "2021", "2022"),
    "data must be as they were read": lambda _, study: digit(study / "数据" / "面板.csv", "53", "54"),
    "study must be the study file": lambda _, study: digit(study / "study.yaml", "probe", "probe 2"),
    "plan must be as it was rendered": lambda _, study: digit(study / "plan.yaml", "0.05", "0.1"),
    "run must be whole": lambda run, _: digit(run / "manifest.json", "complete", "interrupted"),
    "run must be the folder of a run": lambda run, _: (run / "manifest.json").unlink(),
}


@pytest.mark.parametrize("refused", CHANGES)
def test_what_has_changed_since_the_run_is_refused(refused: str, copied: Path, tmp_path: Path) -> None:
    CHANGES[refused](copied, copied.parents[1])
    with pytest.raises(DataError, match=refused):
        pack.write_pack(copied, out=tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_of_a_folder_with_runs_the_newest_is_packed(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = shutil.copytree(copied, copied.with_name("20200101-000000"))
    os.utime(older / "manifest.json", (0, 0))
    assert pack.write_pack(copied.parent) == copied.with_name(f"{copied.name}.pack.zip")
    monkeypatch.chdir(older)
    assert pack.write_pack(".") == older.resolve().with_name(f"{older.name}.pack.zip")


def test_data_that_a_notebook_of_ones_own_reads_unseen_are_not_called_public(
    copied: Path, tmp_path: Path
) -> None:
    document = json.loads((copied / "manifest.json").read_bytes())
    content = (resources.folder("data") / "datapackage.json").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    document["data"] = [{"path": "data/datapackage.json", "sha256": sha256, "kind": "undeclared"}]
    for report in document["reports"]:
        del report["parameters"]["data"]
    (copied / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    with zipfile.ZipFile(pack.write_pack(copied, out=tmp_path / "a.zip")) as archive:
        english, chinese = (archive.read(name).decode() for name in ("README.en.md", "README.md"))
    assert "- [ ] All data **are** publicly available." in english
    assert "All data come with reform-analysis" not in english
    assert "- [ ] 全部数据**可以**公开取得。" in chinese
    assert "全部数据随reform-analysis提供" not in chinese


def test_further_files_travel_where_the_notebooks_read_them(copied: Path, tmp_path: Path) -> None:
    extra = copied.parents[1] / "数据" / "另表.csv"
    extra.write_text("x\n1\n", encoding="utf-8")
    with zipfile.ZipFile(pack.write_pack(copied, out=tmp_path / "a.zip", include=[extra])) as archive:
        assert archive.read("study/数据/另表.csv") == extra.read_bytes()
        assert (
            "Added by the authors, not among what the run recorded: `study/数据/另表.csv`."
            in archive.read("README.en.md").decode()
        )
    for wrong in (tmp_path / "a.zip", copied.parents[1] / "none.csv", copied.parents[1]):
        with pytest.raises(DataError, match="include must be a file below the study's folder"):
            pack.write_pack(copied, out=tmp_path / "b.zip", include=[wrong])


def test_data_left_out_are_not_let_in_again(copied: Path, tmp_path: Path) -> None:
    data = copied.parents[1] / "数据" / "面板.csv"
    with pytest.raises(DataError, match="without_data"):
        pack.write_pack(copied, out=tmp_path / "a.zip", include=[data], without_data=True)
