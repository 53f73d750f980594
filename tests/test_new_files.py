"""Files are written whole, never over another unasked, and equal contents are equal bytes."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from reform_analysis.estimates import DataError
from reform_analysis.new_files import undated, write_new


def test_a_file_is_written_and_nothing_else_is_left(tmp_path: Path) -> None:
    assert write_new(tmp_path / "表 1.txt", b"one") == tmp_path / "表 1.txt"
    assert [path.name for path in tmp_path.iterdir()] == ["表 1.txt"]


def test_another_file_is_kept_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    path = write_new(tmp_path / "a", b"one")
    with pytest.raises(DataError, match=r"must be new, got .*; pass overwrite=True"):
        write_new(path, b"two")
    assert path.read_bytes() == b"one"
    assert write_new(path, b"two", overwrite=True).read_bytes() == b"two"


@pytest.mark.parametrize(("name", "rule"), [("none/a", "folder that exists"), ("", "must be a file")])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, name: str, rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        write_new(tmp_path / name, b"one", overwrite=True)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_new(tmp_path / "a", b"one")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "held by another program")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(DataError, match="held by another program"):
        write_new(path, b"two", overwrite=True)
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_archives_of_other_dates_become_the_same() -> None:
    def packed(year: int) -> bytes:
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(zipfile.ZipInfo("a.xml", (year, 1, 1, 0, 0, 0)), f"made in {year}")
        return buffer.getvalue()

    change = {"a.xml": lambda content: content[:4]}
    assert packed(2020) != packed(2021)
    assert undated(packed(2020), change=change) == undated(packed(2021), change=change)
    assert zipfile.ZipFile(BytesIO(undated(packed(2020)))).read("a.xml") == b"made in 2020"
