"""Files as grids: every format, every encoding, and files that must not be opened."""

import io
import os
import re
import struct
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlwt

from reform_analysis import sheets
from reform_analysis.estimates import DataError
from reform_analysis.ingest import read_panel

ROWS = [["单位名称", "年份", "败诉件数"], ["甲镇", "2021", "3"]]
GRID = {row: dict(enumerate(values, start=1)) for row, values in enumerate(ROWS, start=1)}
TEXT = "\r\n".join(",".join(row) for row in ROWS)


def workbook(path: Path, *, formula: str = "", cached: str | None = None) -> Path:
    """A workbook; the formula's stored value is put into the sheet's XML, as Excel does."""
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    if formula:
        book.active["C2"] = formula
    book.save(path)
    if cached is not None:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        name = "xl/worksheets/sheet1.xml"
        old = b'<c r="C2"><f>' + re.escape(formula[1:].encode()) + b"</f>(<v ?/>|<v></v>)</c>"
        parts[name], changed = re.subn(old, cached.encode(), parts[name])
        assert changed == 1
        with zipfile.ZipFile(path, "w") as archive:
            for part, content in parts.items():
                archive.writestr(part, content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_text_in_every_encoding(encoding: str, delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(TEXT.replace(",", delimiter).encode(encoding))
    (sheet,) = sheets.read_sheets(path)
    assert sheet.rows == GRID


def test_kinds_are_told_by_content_not_by_name(tmp_path: Path) -> None:
    workbook(tmp_path / "book.xls")
    assert sheets.read_sheets(tmp_path / "book.xls")[0].rows == GRID
    frame = pd.DataFrame(ROWS[1:], columns=ROWS[0])
    frame.to_parquet(tmp_path / "frame.csv")
    assert sheets.read_sheets(tmp_path / "frame.csv")[0].rows == GRID
    frame.to_stata(tmp_path / "frame.txt", write_index=False, version=118)
    assert sheets.read_sheets(tmp_path / "frame.txt")[0].rows == GRID


def test_stored_frames_keep_their_index_and_leave_out_what_is_missing(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, None], "b": ["", "x"]}, index=pd.Index(["甲", "乙"], name="unit_name"))
    frame.to_parquet(tmp_path / "p.parquet")
    (sheet,) = sheets.read_sheets(tmp_path / "p.parquet")
    assert sheet.rows == {1: {1: "unit_name", 2: "a", 3: "b"}, 2: {1: "甲", 2: 1.0}, 3: {1: "乙", 3: "x"}}


def test_merged_areas_and_hidden_sheets(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(workbook(tmp_path / "b.xlsx"))
    book.active.merge_cells("A2:B3")
    book.create_sheet("旧").sheet_state = "hidden"
    book.save(tmp_path / "b.xlsx")
    shown, hidden = sheets.read_sheets(tmp_path / "b.xlsx")
    assert (shown.merged, shown.hidden, hidden.hidden) == (((2, 1, 3, 2),), False, True)
    old = xlwt.Workbook()
    old.add_sheet("a").write_merge(1, 2, 0, 1, "x")
    old.add_sheet("b").visibility = 1
    old.save(str(tmp_path / "b.xls"))
    shown, hidden = sheets.read_sheets(tmp_path / "b.xls")
    assert (shown.merged, shown.hidden, hidden.hidden) == (((2, 1, 3, 2),), False, True)


def test_the_grid_is_what_openpyxl_reads(tmp_path: Path) -> None:
    path = workbook(tmp_path / "b.xlsx")
    book = openpyxl.load_workbook(path)
    book.active["E5"], book.active["F9"] = 1.5, True
    book.save(path)
    plain = {
        (cell.row, cell.column): cell.value
        for row in openpyxl.load_workbook(path).active.iter_rows()
        for cell in row
        if cell.value is not None
    }
    (sheet,) = sheets.read_sheets(path)
    assert {
        (row, column): value for row, cells in sheet.rows.items() for column, value in cells.items()
    } == plain


def test_formulas_are_read_as_their_stored_values(tmp_path: Path) -> None:
    stored = '<c r="C2"><f>1+2</f><v>3</v></c>'
    path = workbook(tmp_path / "b.xlsx", formula="=1+2", cached=stored)
    assert read_panel(path).panel["losses"].tolist() == [3]
    empty = '<c r="C2" t="str"><f>IF(1,"","")</f><v></v></c>'
    path = workbook(tmp_path / "b.xlsx", formula="=1+2", cached=empty)
    assert read_panel(path).panel["losses"].isna().all()


def test_a_formula_that_was_never_calculated_is_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "b.xlsx", formula="=1+2")
    with pytest.raises(DataError, match=r"cell C2: the formula has no stored value"):
        read_panel(path)


def test_macros_are_not_run(tmp_path: Path) -> None:
    """A workbook with a macro part reads as one without; nothing looks into the part."""
    path = workbook(tmp_path / "b.xlsm")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xff" * 100)
    assert sheets.read_sheets(path)[0].rows == GRID


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.xlsx"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(DataError, match="has 50 MB, more than the 30 MB"):
        sheets.read_sheets(path)


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    path = workbook(tmp_path / "bomb.xlsx")
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("xl/worksheets/sheet2.xml", "w") as part,
    ):
        for _ in range(21):
            part.write(b" " * 10_000_000)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(DataError, match="unpacks to 210 MB, more than 200 MB"):
        sheets.read_sheets(path)


def test_an_archive_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    """The size in the directory bounds what is unpacked, so a lie cuts the part short."""
    path = workbook(tmp_path / "lie.xlsx")
    content = bytearray(path.read_bytes())
    at = content.rindex(b"xl/worksheets/sheet1.xml") - 46
    assert content[at : at + 4] == b"PK\x01\x02"
    content[at + 24 : at + 28] = struct.pack("<I", 40)
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="cannot be read"):
        sheets.read_sheets(path)


def test_entities_that_explode_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "lol.xlsx")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "{"a" * 100}">{lines}]><x>&e9;</x>'
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, bomb if name == "xl/worksheets/sheet1.xml" else content)
    with pytest.raises(DataError, match="cannot be read"):
        sheets.read_sheets(path)


def test_too_many_cells_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_CELLS", 5)
    frame = pd.DataFrame(ROWS[1:] * 2, columns=ROWS[0])
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_stata(tmp_path / "t.dta", write_index=False, version=118)
    for ending in ("csv", "xlsx", "parquet", "dta"):
        with pytest.raises(DataError, match="more than 5 cells"):
            sheets.read_sheets(tmp_path / f"t.{ending}")


def test_a_frame_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    """Three million equal values take a few kilobytes on disk."""
    pq.write_table(pa.table({"a": pa.array([1] * 3_000_000)}), tmp_path / "t.parquet", compression="zstd")
    assert (tmp_path / "t.parquet").stat().st_size < 50_000
    with pytest.raises(DataError, match="more than 2,000,000 cells"):
        sheets.read_sheets(tmp_path / "t.parquet")


def test_a_password_is_named(tmp_path: Path) -> None:
    """Excel wraps a protected workbook into a compound file with the stream EncryptedPackage."""
    path = tmp_path / "secret.xlsx"
    path.write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)
    )
    with pytest.raises(DataError, match=r"secret\.xlsx is protected by a password"):
        sheets.read_sheets(path)


def test_an_old_workbook_with_a_password_is_named(tmp_path: Path) -> None:
    """FILEPASS (0x002F) after the first BOF record is what says so in .xls."""
    book = xlwt.Workbook()
    book.add_sheet("a").write(0, 0, "x")
    stream = io.BytesIO()
    book.save(stream)
    content = stream.getvalue()
    at = content.index(b"\x09\x08\x10\x00") + 20
    filepass = struct.pack("<HH", 0x2F, 6) + struct.pack("<HHH", 1, 1, 1)
    path = tmp_path / "secret.xls"
    path.write_bytes(content[:at] + filepass + content[at + len(filepass) :])
    with pytest.raises(DataError, match=r"secret\.xls is protected by a password"):
        sheets.read_sheets(path)


@pytest.mark.parametrize("ending", ["xlsx", "xls", "parquet", "dta"])
def test_a_file_cut_short_is_named(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"cut.{ending}"
    frame = pd.DataFrame(ROWS[1:] * 50, columns=ROWS[0])
    if ending == "xls":
        book = xlwt.Workbook()
        sheet = book.add_sheet("a")
        for row in range(200):
            sheet.write(row, 0, f"text {row}")
        book.save(str(path))
    elif ending == "dta":
        frame.to_stata(path, write_index=False, version=118)
    else:
        {"xlsx": frame.to_excel, "parquet": frame.to_parquet}[ending](path, index=False)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=rf"cut\.{ending} cannot be read .*cut short"):
        sheets.read_sheets(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "is a web page or XML"),
        (b"\x00\x01\x02\x03" * 20, "is text neither in UTF-8 nor in GB18030"),
        (b'a,"b', "cannot be read"),
    ],
)
def test_what_is_no_table(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.xls"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        sheets.read_sheets(path)


def test_another_archive_is_no_workbook(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
        archive.writestr("panel.csv", TEXT)
    with pytest.raises(DataError, match="is an archive, not a workbook"):
        sheets.read_sheets(tmp_path / "t.xlsx")


@pytest.mark.parametrize("name", ["missing.xlsx", ".", "a\x00b"])
def test_what_cannot_be_opened(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be opened"):
        sheets.read_sheets(os.path.join(tmp_path, name))
    with pytest.raises(DataError, match="path must be the path of a file"):
        sheets.read_sheets(None)  # type: ignore[arg-type]


def test_the_separator_is_that_of_the_first_line_with_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('统计表\n单位名称;"a,b,c";败诉\n一镇;1,234;2\n', encoding="utf-8")
    rows = sheets.read_sheets(tmp_path / "a.csv")[0].rows
    assert rows[3] == {1: "一镇", 2: "1,234", 3: "2"}
