"""Tables as grids of cells, whatever file they come in, and the guards against unsafe files.

The kind of a file is told by its first bytes, not by its name. Formulas are read as the values stored with
them; macros are never run.
"""

import csv
import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xlrd
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import from_excel
from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

from reform_analysis.cell_formats import as_shown, changes_meaning, stored_kind
from reform_analysis.delimited_text import records
from reform_analysis.estimates import DataError
from reform_analysis.messages import message, named_cause
from reform_analysis.superscripts import cell_text, inline_text, shared_texts

MAX_BYTES = 30_000_000
MAX_EXPANDED_BYTES = 200_000_000
MAX_CELLS = 2_000_000
_ZIP, _OLE, _PARQUET, _STATA = b"PK", b"\xd0\xcf\x11\xe0", b"PAR1", b"<stata_dta>"
# What the reading libraries raise on a damaged file is not documented and differs by the damaged byte.
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    StopIteration,
    SyntaxError,
    TypeError,
    ValueError,
    csv.Error,
    pa.ArrowException,
    struct.error,
    xlrd.XLRDError,
    xlrd.compdoc.CompDocError,
    zipfile.BadZipFile,
    zlib.error,
)

_T = TypeVar("_T")

Grid = dict[int, dict[int, Any]]
Area = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Sheet:
    """One table as found.

    Parameters
    ----------
    name : str
        Name of the sheet, or of the file where it has no sheets.
    rows : dict of int to dict of int to object
        Row and column numbers, from 1, to the values of the cells that are not empty.
    merged : tuple of tuple of int
        Merged areas: first row, first column, last row, last column.
    uncalculated : tuple of str
        Cells whose formula has no stored value.
    hidden : bool
    attrs : dict
        Attributes of a stored frame.
    typed : bool
        Whether the file tells texts from numbers, which a CSV does not.
    kinds : dict of int to str
        Columns of a stored frame to what they hold, as `cell_formats.stored_kind` says it.
    hidden_rows : frozenset of int
        Rows that the workbook does not show.
    """

    name: str
    rows: Grid
    merged: tuple[Area, ...] = ()
    uncalculated: tuple[str, ...] = ()
    hidden: bool = False
    attrs: dict[str, Any] = field(default_factory=dict)
    typed: bool = True
    kinds: dict[int, str] = field(default_factory=dict)
    hidden_rows: frozenset[int] = frozenset()


def read_sheets(path: str | PathLike[str]) -> list[Sheet]:
    """Return every sheet of a file.

    Parameters
    ----------
    path : path
        .xlsx, .xlsm, .xls, .csv (UTF-8, UTF-16 with a mark, GB18030), .parquet or .dta.

    Returns
    -------
    list of Sheet

    Raises
    ------
    DataError
        If the file is missing, too large, protected by a password, damaged, or of another kind.
    """
    if not isinstance(path, (str, PathLike)):
        raise DataError(f"path must be the path of a file, got {path!r}; pass 'panel.xlsx'.")
    place = Path(path)
    content = _content(place)
    if content.startswith(_ZIP):
        return _read(place, _xlsx, content)
    if content.startswith(_OLE):
        _refuse_password(content, place)
        return _read(place, _xls, content)
    if content.startswith(_PARQUET):
        return [_read(place, _parquet, content)]
    if content.startswith(_STATA) or place.suffix.lower() == ".dta":
        return [_read(place, _stata, content)]
    return [_csv(content, place)]


def _content(place: Path) -> bytes:
    try:
        size = place.stat().st_size
        if size <= MAX_BYTES:
            content = place.read_bytes()
    except (OSError, ValueError) as fault:
        raise DataError(message("file.unopened", path=str(place), cause=named_cause(fault))) from None
    if size > MAX_BYTES:
        raise DataError(
            f"{place.name} has {size / 1e6:.0f} MB, more than the {MAX_BYTES / 1e6:.0f} MB a panel may have; "
            "keep the table only, without pictures and empty formatted rows."
        )
    if not content:
        raise DataError(message("file.empty", name=place.name))
    return content


@contextmanager
def _reading(place: Path) -> Iterator[None]:
    """Turn what a library raises on a damaged file into our error, and keep its warnings to itself."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DataError:
        raise
    except _FAULTS as fault:
        said = f"{type(fault).__name__}: {fault}".rstrip(": ")[:200]
        raise DataError(
            f"{place.name} cannot be read ({said}); it is damaged, cut short, protected or of another kind: "
            "open it in the program it comes from and save it as .xlsx."
        ) from fault


def _read(place: Path, reader: Callable[[bytes, Path], _T], content: bytes) -> _T:
    with _reading(place):
        return reader(content, place)


def _refuse_password(content: bytes, place: Path) -> None:
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise DataError(message("file.password", name=place.name))


class _Parser(WorkSheetParser):
    """The parser of openpyxl's read-only mode; it also keeps the formulas that were never calculated.

    Read-only worksheets leave out the merged areas, which the parser itself knows.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.uncalculated: list[str] = []
        self.hidden_rows: set[int] = set()

    def parse_row(self, row: Any) -> Any:
        number, cells = super().parse_row(row)
        if row.get("hidden") in ("1", "true"):
            self.hidden_rows.add(number)
        return number, cells

    def parse_cell(self, element: Any) -> dict[str, Any]:
        cell: dict[str, Any] = super().parse_cell(element)
        if element.get("t") == "inlineStr" and (text := inline_text(element)) is not None:
            cell["value"] = text
        # A formula may have the empty text as its value: then the type is "str".
        if cell["value"] is None and element.get("t") != "str" and element.find(FORMULA_TAG) is not None:
            self.uncalculated.append(f"{get_column_letter(cell['column'])}{cell['row']}")
        return cell


def _xlsx(content: bytes, place: Path) -> list[Sheet]:
    _refuse_bomb(content, place)
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    formats = _telling_formats(book)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        texts = shared_texts(archive, book.worksheets[0]._shared_strings) if book.worksheets else []
    return [_xlsx_sheet(sheet, texts, formats, place) for sheet in book.worksheets]


def _telling_formats(book: Any) -> dict[int, tuple[str, int]]:
    """Styles whose number format changes what a stored value means: format and its number."""
    formats = {}
    for style, cell_style in enumerate(book._cell_styles):
        number = cell_style.numFmtId
        custom = number >= BUILTIN_FORMATS_MAX_SIZE
        code = (
            book._number_formats[number - BUILTIN_FORMATS_MAX_SIZE]
            if custom
            else BUILTIN_FORMATS.get(number, "")
        )
        if changes_meaning(code, number):
            formats[style] = (code, number)
    return formats


def _refuse_bomb(content: bytes, place: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
    expanded = sum(part.file_size for part in parts)
    if expanded > MAX_EXPANDED_BYTES:
        raise DataError(
            f"{place.name} unpacks to {expanded / 1e6:.0f} MB, more than {MAX_EXPANDED_BYTES / 1e6:.0f} MB; "
            "no panel is that large: keep the table only, without empty formatted rows."
        )
    if any(part.flag_bits & 1 for part in parts):
        raise DataError(message("file.password", name=place.name))
    if not any(part.filename == "[Content_Types].xml" for part in parts):
        raise DataError(f"{place.name} is an archive, not a workbook; unpack it and pass the file inside.")


def _xlsx_sheet(sheet: Any, texts: list[str], formats: dict[int, tuple[str, int]], place: Path) -> Sheet:
    book = sheet.parent
    with sheet._get_source() as source:
        parser = _Parser(
            source,
            texts,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        filled = _xlsx_rows(parser, formats, place)
    areas = parser.merged_cells.mergeCell if parser.merged_cells else ()
    merged = tuple((area.min_row, area.min_col, area.max_row, area.max_col) for area in areas)
    hidden = sheet.sheet_state != "visible"
    return Sheet(
        sheet.title,
        filled,
        merged,
        tuple(parser.uncalculated),
        hidden,
        hidden_rows=frozenset(parser.hidden_rows & filled.keys()),
    )


def _xlsx_rows(parser: _Parser, formats: dict[int, tuple[str, int]], place: Path) -> Grid:
    filled: Grid = {}
    count = 0
    for row, cells in parser.parse():
        count += len(cells)
        _require_cells(count, place)
        values = {cell["column"]: _scalar(cell["value"]) for cell in cells if cell["value"] is not None}
        for cell in cells if formats else ():
            if cell["style_id"] in formats and cell["column"] in values:
                code, number = formats[cell["style_id"]]
                values[cell["column"]] = as_shown(
                    cell["value"], code, number=number, to_date=partial(from_excel, epoch=parser.epoch)
                )
        if values:
            filled[row] = values
    return dict(sorted(filled.items()))


def _require_cells(number: int, place: Path) -> None:
    if number > MAX_CELLS:
        raise DataError(
            f"{place.name} has more than {MAX_CELLS:,} cells; no panel is that large: keep the table only."
        )


def _scalar(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, date, datetime, Decimal)) else str(value)


def _xls(content: bytes, place: Path) -> list[Sheet]:
    # formatting_info: without it xlrd leaves out the merged areas. Its messages go to standard output.
    try:
        book = xlrd.open_workbook(file_contents=content, formatting_info=True, logfile=io.StringIO())
    except xlrd.XLRDError as fault:
        if "encrypted" in str(fault).lower():
            raise DataError(message("file.password", name=place.name)) from None
        raise
    return [_xls_sheet(sheet, book, place) for sheet in book.sheets()]


def _xls_sheet(sheet: Any, book: Any, place: Path) -> Sheet:
    _require_cells(sheet.nrows * sheet.ncols, place)
    filled: Grid = {}
    raised = sheet.rich_text_runlist_map
    for row in range(sheet.nrows):
        values = {column + 1: _xls_value(cell, book) for column, cell in enumerate(sheet.row(row))}
        values |= {at + 1: cell_text(sheet, row, at) for at in range(sheet.ncols) if (row, at) in raised}
        values = {column: value for column, value in values.items() if value is not None}
        if values:
            filled[row + 1] = values
    merged = tuple((top + 1, left + 1, below, right) for top, below, left, right in sheet.merged_cells)
    return Sheet(sheet.name, filled, merged, hidden=sheet.visibility != 0)


def _xls_value(cell: Any, book: Any) -> Any:
    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK) or cell.value == "":
        return None
    key = book.xf_list[cell.xf_index].format_key
    code = book.format_map[key].format_str or ""
    if cell.ctype == xlrd.XL_CELL_DATE:
        return as_shown(xlrd.xldate_as_datetime(cell.value, book.datemode), code, number=key)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#VALUE!")
    if cell.ctype != xlrd.XL_CELL_NUMBER:
        return cell.value
    return as_shown(int(cell.value) if cell.value.is_integer() else cell.value, code)


def _parquet(content: bytes, place: Path) -> Sheet:
    stored = pq.ParquetFile(io.BytesIO(content)).metadata
    _require_cells(stored.num_rows * stored.num_columns, place)
    groups = (stored.row_group(number) for number in range(stored.num_row_groups))
    if sum(group.total_byte_size for group in groups) > MAX_EXPANDED_BYTES:
        raise DataError(
            f"{place.name} unpacks to more than {MAX_EXPANDED_BYTES / 1e6:.0f} MB; keep the table only."
        )
    return _frame_sheet(pd.read_parquet(io.BytesIO(content)), place)


def _stata(content: bytes, place: Path) -> Sheet:
    with pd.read_stata(io.BytesIO(content), iterator=True) as stored:
        width = max(1, len(stored.variable_labels()))
        frame = stored.read(MAX_CELLS // width + 1)
    _require_cells(frame.size, place)
    return _frame_sheet(frame, place)


def _frame_sheet(frame: pd.DataFrame, place: Path) -> Sheet:
    """A stored frame as a grid: names in row 1, values from row 2."""
    named = [name for name in frame.index.names if name is not None]
    frame = frame.reset_index(level=named) if named else frame
    rows: Grid = {1: {number + 1: str(name) for number, name in enumerate(frame.columns)}}
    for number in range(frame.shape[1]):
        values = frame.iloc[:, number].astype(object)
        for row, (value, known) in enumerate(zip(values, values.notna(), strict=True), start=2):
            if known and not (isinstance(value, str) and value == ""):
                rows.setdefault(row, {})[number + 1] = _scalar(value)
    kinds = {number + 1: stored_kind(frame.iloc[:, number]) for number in range(frame.shape[1])}
    return Sheet(place.name, dict(sorted(rows.items())), attrs=dict(frame.attrs), kinds=kinds)


def _csv(content: bytes, place: Path) -> Sheet:
    with _reading(place):
        return Sheet(place.name, _csv_rows(records(content, place.name), place), typed=False)


def _csv_rows(found: Iterable[list[str]], place: Path) -> Grid:
    rows: Grid = {}
    number = 0
    for row, record in enumerate(found, start=1):
        number += len(record)
        _require_cells(number, place)
        values = {column: text for column, text in enumerate(record, start=1) if text}
        if values:
            rows[row] = values
    return rows
