"""Archives that must not be unpacked: each is refused as a whole, and nothing is written."""

import stat
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from reform_analysis import unpack
from reform_analysis.estimates import DataError

LINK = (stat.S_IFLNK | 0o777) << 16


def archive(*members: tuple[str, bytes], attributes: int = 0) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as new:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = attributes
            new.writestr(info, content, compress_type=zipfile.ZIP_DEFLATED)
    return packed.getvalue()


REFUSED = {
    "10 bytes before its first member": b"#!/bin/sh\n" + archive(("x", b"1")),
    "8 bytes after its end": archive(("x", b"1")) + b"trailing",
    "leaves the folder": archive(("../x", b"1")),
    "is an absolute path": archive(("/x", b"1")),
    "'C:/x': is an absolute path": archive(("C:/x", b"1")),
    r"x': leaves the folder": archive(("a\\..\\..\\x", b"1")),
    "is no plain file": archive(("link", b"/etc"), attributes=LINK),
    "would be the same file as 'A.txt'": archive(("A.txt", b"1"), ("a.TXT", b"2")),
    "would be the same file as": archive(("\u00e9", b"1"), ("e\u0301", b"2")),
    "is a file and a folder": archive(("a", b"1"), ("a/b", b"2")),
    "reserved on Windows": archive(("results/NUL.txt", b"1")),
    "ends in a dot or a space": archive(("a.", b"1")),
    "at most 200 times": archive(("zeros", bytes(20 * 2**20))),
    "must be a zip archive": b"PK",
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_bad_archive_is_refused_and_writes_nothing(fault: str, tmp_path: Path) -> None:
    target = tmp_path / "above" / "pack"
    target.parent.mkdir()
    with pytest.raises(DataError) as refused:
        unpack.unpack(REFUSED[fault], target)
    assert fault in str(refused.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_good_archive_is_written_as_it_is(tmp_path: Path) -> None:
    unpack.unpack(archive(("results/表 1.html", b"1"), ("README.md", b"2")), tmp_path / "pack")
    found = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert found == {"pack/results/表 1.html": b"1", "pack/README.md": b"2"}


def test_a_folder_that_holds_something_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x", encoding="utf-8")
    with pytest.raises(DataError, match="new or empty"):
        unpack.unpack(archive(("README.md", b"2")), tmp_path)


def test_a_name_as_reports_write_it_is_no_fault() -> None:
    """The value 甲/乙 of a grid stands in a file name as 甲%2F乙."""
    assert unpack.name_faults("results/04.甲%2F乙.zh.html") == []
