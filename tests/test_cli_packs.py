"""The commands pack and verify: what they print, and their exit codes."""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from reform_analysis import pack_rerun
from reform_analysis.cli import main


def run(command: str, *arguments: str | Path, answer: str = "") -> Any:
    """A command, in English unless asked otherwise: the first language of the study is Chinese."""
    return CliRunner().invoke(main, [command, "--language", "en", *map(str, arguments)], input=answer)


@pytest.fixture(scope="module")
def packed(probe_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "复现 包.zip"
    done = run("pack", probe_run, "--out", path)
    assert done.exit_code == 0, done.stderr
    return path


def edited(path: Path, out: Path, name: str, edit: Callable[[bytes], bytes]) -> Path:
    """The archive with one member changed."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(out, "w") as new:
        for member in archive.namelist():
            content = archive.read(member)
            if member == name:
                assert edit(content) != content
                content = edit(content)
            new.writestr(member, content)
    return out


def test_pack_tells_where_it_wrote_and_the_hash_to_publish(probe_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    done = run("pack", probe_run, "--out", path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"Wrote {path} ({path.stat().st_size / 1e6:.1f} MB).",
        f"SHA-256 {sha256}; publish it with the article, so that others can compare.",
    ]
    chinese = run("pack", probe_run, "--out", path, "--language", "zh").stdout
    assert f"SHA-256 {sha256}；请随文章公布，供他人核对。" in chinese


def test_verify_prints_the_hash_and_that_nothing_was_run(packed: Path) -> None:
    done = run("verify", packed)
    assert done.exit_code == 0
    assert done.stdout.startswith(
        f"SHA-256 of the pack {hashlib.sha256(packed.read_bytes()).hexdigest()}\n"
        "Compare it with the one that its authors published: the hashes inside show accidents, not forgery.\n"
    )
    assert done.stdout.endswith(
        "Nothing was run.\nThe 28 numbers of the table of estimates that notebooks show agree with them.\n"
    )


def next_digit(old: str) -> Callable[[bytes], bytes]:
    """Change the last digit of a number."""
    new = old[:-1] + str((int(old[-1]) + 1) % 10)
    return lambda content: content.replace(old.encode(), new.encode(), 1)


def next_float(content: bytes) -> bytes:
    """The sixth digit of an estimate."""
    frame = pd.read_parquet(BytesIO(content))
    frame.loc[0, "estimate"] += 1e-6
    packed = BytesIO()
    frame.to_parquet(packed, index=False)
    return packed.getvalue()


DIGITS = {
    "results/probe.losses.zh.html": next_digit("0.603774"),
    "results/probe.corrections.en.ipynb": next_digit("0.833333"),
    "results/estimates.csv": next_digit("0.029456361785778883"),
    "results/estimates.parquet": next_float,
}


@pytest.mark.parametrize("name", DIGITS)
def test_verify_finds_a_single_changed_digit_in_a_result(name: str, packed: Path, tmp_path: Path) -> None:
    done = run("verify", edited(packed, tmp_path / "a.zip", name, DIGITS[name]))
    assert done.exit_code == 1
    assert f"- {name}: was changed (SHA-256 is " in done.stdout
    assert "Differences: " in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("byte", [0, 7, -1])
@pytest.mark.parametrize("name", ["study/数据/面板.csv", "data/published/figures.csv"])
def test_verify_finds_a_single_changed_byte_in_an_input(
    name: str, byte: int, packed: Path, tmp_path: Path
) -> None:
    def flip(content: bytes) -> bytes:
        changed = bytearray(content)
        changed[byte] ^= 1
        return bytes(changed)

    path = edited(packed, tmp_path / "a.zip", name, flip)
    done = run("verify", path)
    assert done.exit_code == 1
    assert f"- {name}: was changed (SHA-256 is " in done.stdout
    chinese = run("verify", path, "--language", "zh")
    assert chinese.exit_code == 1
    assert f"- {name}：被改动（pack.json记录的SHA-256为" in chinese.stdout
    assert "个文件中发现1处不符。没有运行任何程序。" in chinese.stdout


@pytest.mark.parametrize(
    ("language", "refused"), [("en", "Error: pack must be a "), ("zh", "错误：复现包须为")]
)
def test_what_cannot_be_read_is_refused_with_3(language: str, refused: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no zip")
    for name in ("a.zip", "none.zip"):
        done = run("verify", tmp_path / name, "--language", language)
        assert (done.exit_code, done.stdout) == (3, "")
        assert done.stderr.startswith(refused)


def test_a_member_that_leaves_the_folder_is_refused_with_3(packed: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(packed, tmp_path / "a.zip"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../x", b"1")
    done = run("verify", path, "--rerun", "--yes")
    assert done.exit_code == 3
    assert "'../x': leaves the folder" in done.stderr


def test_a_run_that_has_changed_is_not_packed(probe_run: Path, tmp_path: Path) -> None:
    done = run("pack", tmp_path, "--out", tmp_path / "a.zip")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: run must be the folder of a run, got ")
    assert run("pack", probe_run, "--out", tmp_path / "none" / "a.zip").exit_code == 1


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_rerun_asks_first_and_runs_nothing_without_a_yes(
    answer: str, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_rerun, "rerun", lambda *_, **__: pytest.fail("it ran"))
    done = run("verify", packed, "--rerun", answer=answer)
    assert done.exit_code == 3
    assert "a pack from a stranger is a program" in done.stderr
    assert "Nothing was run." in done.stderr.splitlines()[-1]
    assert "复现包是程序" in run("verify", packed, "--rerun", "--language", "zh").stderr


def test_a_pack_with_differences_is_not_run(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_rerun, "rerun", lambda *_, **__: pytest.fail("it ran"))
    path = edited(packed, tmp_path / "a.zip", "README.md", lambda content: content + b"x")
    assert run("verify", path, "--rerun", "--yes").exit_code == 1
    for language, told in (("zh", "没有按要求重新运行"), ("en", "The rerun asked for was left out")):
        assert told in run("verify", path, "--rerun", "--yes", "--language", language).stdout
        assert told not in run("verify", path, "--language", language).stdout


def test_data_that_do_not_travel_are_named_and_checked_when_given(probe_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    assert run("pack", probe_run, "--out", path, "--without-data").exit_code == 0
    done = run("verify", path)
    assert done.exit_code == 0
    assert "Not in the pack, so not checked: 数据/面板.csv (SHA-256 " in done.stdout
    file = probe_run.parents[1] / "数据" / "面板.csv"
    assert "given and the same: 数据/面板.csv" in run("verify", path, "--data", file).stdout
    other = run("verify", path, "--data", path)
    assert other.exit_code == 3
    assert "data must be a file that the run read and the pack lacks" in other.stderr
    without = run("verify", path, "--rerun", "--yes")
    assert without.exit_code == 3
    assert "got a pack without '数据/面板.csv'; pass --data FILE." in without.stderr


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys; from reform_analysis.cli import main\n"
        "try: main(['verify', '--help'])\n"
        "except SystemExit: print(sorted({'pandas', 'numpy', 'papermill', 'nbconvert'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
