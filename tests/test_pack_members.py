"""Each file of a run and its study as a member of a pack, and what is refused before anything is packed."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reform_analysis import pack_members, resources
from reform_analysis.estimates import DataError
from reform_analysis.pack_members import Finished, read_run


@pytest.fixture
def folder(probe_run: Path, tmp_path: Path) -> Path:
    """The run with its study, free to be changed."""
    study = shutil.copytree(probe_run.parents[1], tmp_path / "study")
    return study / "reports" / probe_run.name


@pytest.fixture
def run(folder: Path) -> Finished:
    return read_run(folder)


def edit_manifest(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    document = json.loads(path.read_bytes())
    edit(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def test_a_run_finds_its_study_above_it(run: Finished, folder: Path) -> None:
    assert run.study == (folder.parents[1] / "study.yaml").resolve()
    assert run.base == run.study.parent
    assert run.manifest.study is not None


def test_a_run_that_was_moved_away_is_told_where_its_study_is(folder: Path, tmp_path: Path) -> None:
    study = folder.parents[1] / "study.yaml"
    moved = Path(shutil.move(folder, tmp_path / "elsewhere"))
    with pytest.raises(DataError, match="got none in the folders above the run; pass --study"):
        read_run(moved)
    assert read_run(moved, study).study == study.resolve()
    study.write_text(study.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="render again if it was changed since"):
        read_run(moved, study)


def test_a_run_without_a_study_starts_from_here_and_takes_none(folder: Path, tmp_path: Path) -> None:
    edit_manifest(folder, lambda document: document.update(study=None))
    run = read_run(folder)
    assert (run.study, run.base) == (None, Path.cwd())
    assert pack_members.study_files(run) == {}
    with pytest.raises(DataError, match="study must be left out"):
        read_run(folder, tmp_path / "study.yaml")
    with pytest.raises(DataError, match="include must be a file below"):
        pack_members.included(run, [folder / "run.json"])


BROKEN: dict[str, Callable[[Path], object]] = {
    "missing estimates.csv": lambda folder: (folder / "estimates.csv").unlink(),
    "missing estimates.parquet": lambda folder: (folder / "estimates.parquet").unlink(),
    "cannot be read": lambda folder: (folder / "run.json").write_bytes(b"{}"),
    "parquet cannot be read": lambda folder: (folder / "estimates.parquet").write_bytes(b"PAR1"),
    "no run.json": lambda folder: (folder / "run.json").unlink(),
    "lost report": lambda folder: (folder / "probe.losses.en.html").unlink(),
    "shard": lambda folder: edit_manifest(folder, lambda document: document.update(shard="1/2")),
}
SAID = {
    "missing estimates.csv": "must hold what the run recorded",
    "missing estimates.parquet": "must hold what the run recorded",
    "cannot be read": "cannot be read",
    "parquet cannot be read": "cannot be read",
    "no run.json": "cannot be read",
    "lost report": r"got others: probe\.losses\.en\.html",
    "shard": "was stopped or is a shard",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_run_that_is_not_as_it_was_written_is_refused(fault: str, folder: Path) -> None:
    BROKEN[fault](folder)
    with pytest.raises(DataError, match=SAID[fault]):
        read_run(folder)


def test_results_are_what_the_manifest_names_and_no_more(run: Finished) -> None:
    (run.folder / "notes.txt").write_text("mine", encoding="utf-8")
    found = pack_members.results(run)
    named = {f"results/{name}" for report in run.manifest.reports for name in report.files}
    tables = {"results/estimates.csv", "results/estimates.parquet"}
    assert set(found) == named | tables | {"results/manifest.json"}
    assert all(Path(str(path)).parent == run.folder for path in found.values())


def test_a_notebook_of_the_study_keeps_its_place(run: Finished) -> None:
    (source,), members = pack_members.notebooks(run)
    assert (source.name, source.member, source.packaged) == ("probe", "study/笔记/probe.ipynb", False)
    assert members == {source.member: run.base / "笔记/probe.ipynb"}


def test_a_notebook_outside_the_study_goes_to_a_folder_of_its_own(run: Finished) -> None:
    assert run.study is not None
    (run.base / "笔记" / "probe.ipynb").rename(run.base.parent / "probe.ipynb")
    text = run.study.read_text(encoding="utf-8").replace("笔记/probe.ipynb", "../probe.ipynb")
    run.study.write_text(text, encoding="utf-8")
    (source,), _ = pack_members.notebooks(run)
    assert (source.member, source.packaged) == ("notebooks/probe.ipynb", False)


def test_data_travel_or_leave_their_hash(run: Finished) -> None:
    (own, *packaged), members = pack_members.inputs(run, without_data=False)
    assert (own.member, own.read_as) == ("study/数据/面板.csv", "数据/面板.csv")
    assert members[own.member] == run.base / "数据/面板.csv"
    assert {file.read_as for file in packaged} >= {"data/datapackage.json", "data/published/figures.csv"}
    (alone, *_), rest = pack_members.inputs(run, without_data=True)
    assert (alone.member, alone.sha256) == (None, own.sha256)
    assert set(members) - set(rest) == {own.member}


def test_data_that_stay_at_home_need_not_be_there(run: Finished) -> None:
    (run.base / "数据" / "面板.csv").unlink()
    with pytest.raises(DataError, match=r"changed or missing; render again, or pass --without-data"):
        pack_members.inputs(run, without_data=False)
    assert pack_members.inputs(run, without_data=True)[0][0].member is None


def test_published_data_that_changed_are_refused(
    run: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(resources.folder("data"), tmp_path / "data")
    with (copy / "published" / "figures.csv").open("ab") as file:
        file.write(b"\n")
    monkeypatch.setattr(resources, "folder", lambda _: copy)
    with pytest.raises(DataError, match=r"data of the package must be as they were read.*figures\.csv"):
        pack_members.inputs(run, without_data=False)


def test_only_what_a_study_gave_counts_as_given(run: Finished) -> None:
    assert pack_members.given_data(run.manifest) == {"数据/面板.csv"}
    reports = [report.model_copy(update={"parameters": {}}) for report in run.manifest.reports]
    assert pack_members.given_data(run.manifest.model_copy(update={"reports": reports})) == set()


def test_further_files_lie_below_the_study(run: Finished, tmp_path: Path) -> None:
    extra = run.base / "数据" / "编码.csv"
    extra.write_text("a\n", encoding="utf-8")
    found = pack_members.included(run, [os.path.relpath(extra)])
    assert list(found) == ["study/数据/编码.csv"]
    outside = tmp_path / "a.csv"
    outside.write_text("a\n", encoding="utf-8")
    for wrong in (outside, run.base / "数据", run.base / "nothing.csv"):
        with pytest.raises(DataError, match="include must be a file below the study's folder"):
            pack_members.included(run, [wrong])


def test_a_link_out_of_the_study_is_no_file_of_it(run: Finished, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n", encoding="utf-8")
    (run.base / "link.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(DataError, match="include must be a file below"):
        pack_members.included(run, [run.base / "link.csv"])


def test_the_study_travels_with_its_plan_and_record(run: Finished) -> None:
    assert set(pack_members.study_files(run)) >= {
        "study/study.yaml",
        "study/plan.yaml",
        "study/plan.frozen.json",
    }


def test_a_plan_changed_since_the_run_is_refused(run: Finished) -> None:
    plan = run.base / "plan.yaml"
    plan.write_text(plan.read_text(encoding="utf-8").replace("0.05", "0.1"), encoding="utf-8")
    with pytest.raises(DataError, match="plan must be as it was rendered"):
        pack_members.study_files(run)
