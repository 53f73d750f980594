"""Files are written whole or not at all; one run holds a folder."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reform_analysis import storage
from reform_analysis.estimates import ReportError


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.html"
    storage.write(target, b"old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.os, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        storage.write(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]
    assert target.read_bytes() == b"old"


def test_sweep_removes_temporary_files_only(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / f".{'0' * 32}.tmp").write_bytes(b"half")
    (tmp_path / ".mine.tmp").write_bytes(b"mine")
    storage.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == [".mine.tmp", "run"]


@given(st.text(min_size=1, max_size=20))
def test_a_part_of_a_name_is_one_part(value: str) -> None:
    part = storage.file_part(value.encode(errors="replace").decode())
    assert Path(f"a.{part}.zh").name == f"a.{part}.zh"
    assert not set(part) & set('/\\<>:"|?*\n\0')


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), unique=True, max_size=8))
def test_names_that_a_file_system_would_confuse_are_found(values: list[str]) -> None:
    stems = [f"a.{storage.file_part(value)}" for value in values]
    if not storage.name_faults(stems):
        assert len({stem.casefold() for stem in stems}) == len(values)


def test_a_second_run_is_refused_and_a_dead_one_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    code = (
        "import sys, time; from pathlib import Path; from reform_analysis.storage import lock\n"
        "with lock(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with (
            pytest.raises(ReportError, match=rf"another run writes into .*process {other.pid} on"),
            storage.lock(path),
        ):
            pass
        other.kill()
    with storage.lock(path):
        pass
