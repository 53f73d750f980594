"""Files are written whole or not at all; one run holds a folder."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from threading import Timer
from time import monotonic

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


def test_a_turn_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "index.lock"
    with ExitStack() as held:
        held.enter_context(storage.lock(path))
        begun = monotonic()
        Timer(0.5, held.close).start()
        with storage.turn(path, seconds=60):
            assert 0.4 < monotonic() - begun < 30


def test_a_turn_that_does_not_come_names_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "index.lock"
    named = rf"index.lock is held by process {os.getpid()} on "
    with (
        storage.lock(path),
        pytest.raises(TimeoutError, match=named),
        storage.turn(path, seconds=0.2),
    ):
        pass


def entry(folder: Path, letter: str, *, used: float, size: int = 100, kinds: str = "html ipynb json") -> str:
    """A finished report of three files, of `size` bytes together, used `used` days before day 100."""
    key = letter * 64
    for kind, part in zip(kinds.split(), (size - 20, 10, 10), strict=False):
        path = folder / f"{key}.{kind}"
        path.write_bytes(b"x" * part)
        os.utime(path, (DAY * (100 - used),) * 2)
    return key


DAY = 86400.0


def held(folder: Path) -> str:
    return "".join(sorted({path.name[0] for path in folder.iterdir()}))


def test_the_entries_unused_for_longest_go_first(tmp_path: Path) -> None:
    for letter, days in (("a", 10), ("b", 40), ("c", 20), ("d", 30)):
        entry(tmp_path, letter, used=days)
    storage.prune(tmp_path, limit=400, now=100 * DAY)
    assert held(tmp_path) == "abcd"
    storage.prune(tmp_path, limit=399, now=100 * DAY)
    assert held(tmp_path) == "acd"
    storage.prune(tmp_path, limit=150, now=100 * DAY)
    assert held(tmp_path) == "a"


def test_a_use_makes_an_entry_young(tmp_path: Path) -> None:
    for letter, days in (("a", 10), ("b", 40)):
        entry(tmp_path, letter, used=days)
    os.utime(tmp_path / f"{'b' * 64}.json", (DAY * 99,) * 2)
    storage.prune(tmp_path, limit=100, now=100 * DAY)
    assert held(tmp_path) == "b"


def test_what_was_used_lately_stays_whatever_its_size(tmp_path: Path) -> None:
    """A second run, a shard elsewhere or a killed run that is to go on may need it."""
    for letter, days in (("a", 6.9), ("b", 7.1), ("c", 0)):
        entry(tmp_path, letter, used=days)
    storage.prune(tmp_path, limit=0, now=100 * DAY)
    assert held(tmp_path) == "ac"


def test_half_an_entry_goes_too_and_what_is_no_entry_stays(tmp_path: Path) -> None:
    entry(tmp_path, "a", used=50, kinds="html")
    (tmp_path / "notes.json").write_bytes(b"mine")
    (tmp_path / ("g" * 64 + ".json")).write_bytes(b"mine")
    storage.prune(tmp_path, limit=0, now=100 * DAY)
    assert held(tmp_path) == "gn"


def test_an_entry_that_cannot_be_removed_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for letter, days in (("a", 40), ("b", 50)):
        entry(tmp_path, letter, used=days)
    remove = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name.startswith("b"):
            raise PermissionError(13, "in use")  # as Windows says of a file that another run reads
        remove(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    storage.prune(tmp_path, limit=0, now=100 * DAY)
    assert held(tmp_path) == "b"


@pytest.mark.skipif(sys.platform == "win32", reason="does not ask whether a process runs")
def test_temporary_folders_of_ended_processes_go_and_others_stay(tmp_path: Path) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    own = storage.scratch_prefix()
    gone = own.replace(f"-{os.getpid()}-", f"-{int(dead.stdout)}-")
    names = [f"{gone}a", f"{own}b", "reform-c", f"{gone.rsplit('-', 2)[0]}-1f-d", "reform-home-e", "other"]
    for name in names:
        (tmp_path / name / "inner").mkdir(parents=True)
    (tmp_path / f"{gone}link").symlink_to(tmp_path / "other")
    (tmp_path / f"{gone}file").touch()
    storage.sweep_scratch(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*names[1:], f"{gone}link", f"{gone}file"}
    assert (tmp_path / "other" / "inner").exists()
