"""Packs run again: a study of one's own with a grid, the packaged notebook 01, and packs that were forged."""

import hashlib
import json
import platform
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reform_analysis import pack, pack_checks, pack_rerun, report
from reform_analysis.cli import main
from reform_analysis.estimates import DataError


@pytest.fixture(scope="module")
def packed(probe_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack.write_pack(probe_run, out=tmp_path_factory.mktemp("pack") / "a.zip")


@pytest.fixture(scope="module")
def small(probe_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack of one report of that study."""
    folder = shutil.copytree(probe_run.parents[1], tmp_path_factory.mktemp("small") / "study")
    one = {"outcome": "losses", "language": "en"}
    run = report.render(folder / "study.yaml", out=folder / "reports", where=one)
    return pack.write_pack(run.folder)


def forged(path: Path, out: Path, edits: dict[str, Callable[[bytes], bytes]]) -> Path:
    """Change members and write the new hashes everywhere: into the manifest and into pack.json."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, edit in edits.items():
        assert edit(members[name]) != members[name]
        members[name] = edit(members[name])
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    manifest = json.loads(members["results/manifest.json"])
    for made in manifest["reports"]:
        made["files"] = {name: hashes[f"results/{name}"] for name in made["files"]}
    members["results/manifest.json"] = json.dumps(manifest).encode()
    hashes["results/manifest.json"] = hashlib.sha256(members["results/manifest.json"]).hexdigest()
    contents = json.loads(members["pack.json"])
    for member in contents["members"]:
        member["sha256"] = hashes[member["path"]]
    members["pack.json"] = json.dumps(contents).encode()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out


def replaced(old: str, new: str) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(old.encode(), new.encode())


def verify(path: Path, *arguments: str) -> Any:
    return CliRunner().invoke(main, ["verify", "--language", "en", str(path), *arguments])


def test_a_study_with_a_grid_gives_equal_bytes_again(packed: Path) -> None:
    done = verify(packed, "--rerun", "--yes")
    assert done.exit_code == 0, done.output
    assert "a pack from a stranger is a program" in done.stderr
    assert "Byte for byte the same: 4 of 4 reports." in done.stdout
    assert "largest relative difference: 0." in done.stdout
    assert done.stdout.endswith("The rerun gives the same results.\n")


@pytest.mark.system
def test_the_packaged_study_gives_equal_bytes_again(tmp_path: Path) -> None:
    run = report.render(only=["01"], languages=["en"], out=tmp_path / "reports")
    found = pack_rerun.rerun(pack_checks.verify(pack.write_pack(run.folder)))
    assert (found.reports, found.identical, found.promised) == (1, 1, 1)
    assert found.compared.differences == ()
    assert found.compared.numbers > 300  # it records no estimate: these are the numbers of its outputs


def test_a_forged_result_passes_the_hashes_and_not_the_rerun(small: Path, tmp_path: Path) -> None:
    """A result made better, with all hashes rewritten: only running it again tells."""
    edits = {
        "results/probe.losses.en.ipynb": replaced("{'2020': 53, '2021': 32}", "{'2020': 53, '2021': 22}")
    }
    path = forged(small, tmp_path / "a.zip", edits)
    assert verify(path).exit_code == 0
    done = verify(path, "--rerun", "--yes")
    assert done.exit_code == 1
    assert (
        "- probe.losses.en, cell 2, output 1: 22 in the pack, 32 in the rerun (relative difference 0.31)."
        in done.stdout.splitlines()
    )
    assert "Byte for byte the same: 0 of 1 reports." in done.stdout
    assert "largest relative difference: 0.31." in done.stdout
    assert done.stdout.endswith("The rerun differs in 1 place(s).\n")


def test_on_another_python_numbers_are_compared(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "python_version", lambda: "3.99.0")
    found = pack_rerun.rerun(pack_checks.verify(small))
    assert found.promised == 0
    assert found.compared.differences == ()
    # The two years and their counts, the estimates' row as shown and as recorded, and the run's own table.
    assert found.compared.numbers > 4 + 7 + 7


def test_a_figure_that_changed_is_told_where_equal_bytes_are_promised(small: Path, tmp_path: Path) -> None:
    path = forged(
        small, tmp_path / "a.zip", {"results/probe.losses.en.html": replaced("</main>", " </main>")}
    )
    (difference,) = pack_rerun.rerun(pack_checks.verify(path)).compared.differences
    assert difference.key == "bytes_differ"


def test_data_that_did_not_travel_are_put_where_the_run_read_them(probe_run: Path, tmp_path: Path) -> None:
    path = pack.write_pack(probe_run, out=tmp_path / "a.zip", without_data=True)
    file = shutil.copy(probe_run.parents[1] / "数据" / "面板.csv", tmp_path / "given.csv")
    found = pack_rerun.rerun(pack_checks.verify(path), data=[file])
    assert (found.identical, found.compared.differences) == (4, ())


def test_data_from_outside_the_study_are_read_from_the_pack(probe_run: Path, tmp_path: Path) -> None:
    """The same study reading ../面板.csv: its data lie elsewhere in the pack; numbers stay."""
    study = shutil.copytree(
        probe_run.parents[1], tmp_path / "study", ignore=shutil.ignore_patterns("reports", "plan*")
    )
    (study / "数据" / "面板.csv").rename(tmp_path / "面板.csv")
    text = (study / "study.yaml").read_text(encoding="utf-8").replace("plan: plan.yaml\n", "")
    (study / "study.yaml").write_text(text.replace("数据/面板.csv", "../面板.csv"), encoding="utf-8")
    one = {"outcome": "losses", "language": "en"}
    run = report.render(study / "study.yaml", out=study / "reports", where=one)
    path = pack.write_pack(run.folder)
    (tmp_path / "面板.csv").unlink()
    found = pack_rerun.rerun(pack_checks.verify(path))
    assert found.compared.differences == ()
    assert (found.reports, found.promised) == (1, 0)


def test_a_report_that_fails_in_the_rerun_is_named(small: Path, tmp_path: Path) -> None:
    edits = {"results/manifest.json": replaced('"outcome": "losses"', '"outcome": "none"')}
    found = pack_rerun.rerun(pack_checks.verify(forged(small, tmp_path / "a.zip", edits)))
    lines = [difference.sentence() for difference in found.compared.differences]
    assert "probe.losses.en: ok in the pack, failed in the rerun. cell 3: KeyError: 'none'" in lines


MISLEADING = {
    "fits no notebook": replaced('"notebook": "probe"', '"notebook": "other"'),
    "must be at hand": replaced('"data": "数据/面板.csv"', '"data": "../../../secret.csv"'),
}


@pytest.mark.parametrize("reason", MISLEADING)
def test_a_manifest_that_points_elsewhere_is_refused(reason: str, small: Path, tmp_path: Path) -> None:
    path = forged(small, tmp_path / "a.zip", {"results/manifest.json": MISLEADING[reason]})
    with pytest.raises(DataError, match=reason):
        pack_rerun.rerun(pack_checks.verify(path))


def test_a_pack_with_differences_is_not_run(small: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(Path(shutil.copy(small, tmp_path / "a.zip")), "a") as archive:
        archive.writestr("x", b"1")
    with pytest.raises(DataError, match="see the differences"):
        pack_rerun.rerun(pack_checks.verify(tmp_path / "a.zip"))
