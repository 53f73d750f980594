"""Files that results are written to: whole or not at all, and never over another one unasked."""

import os
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from re import sub

from openpyxl import Workbook

from reform_analysis.estimates import DataError

_NO_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can hold


def write_new(path: str | Path, content: bytes, *, overwrite: bool = False) -> Path:
    """Write a file in one step, and only over another one if asked to.

    Parameters
    ----------
    path : str or Path
        Its folder must exist.
    content : bytes
    overwrite : bool
        Replace a file that is there.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        If the file is there already, or cannot be written.
    """
    target = require_new(path, overwrite=overwrite)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, target)
    except OSError as refused:
        temporary.unlink(missing_ok=True)
        raise DataError(
            f"path must be a file that can be written, got {target} ({refused.strerror}); "
            "choose another, or close the program that holds it."
        ) from None
    return target


def require_new(path: str | Path, *, overwrite: bool) -> Path:
    """Return the path of a file to be written, or say why it may not be.

    Parameters
    ----------
    path : str or Path
    overwrite : bool

    Returns
    -------
    Path

    Raises
    ------
    DataError
        If its folder is missing, it is a folder, or it is there and `overwrite` is False.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise DataError(f"path must lie in a folder that exists, got {target}; make {target.parent} first.")
    if target.is_dir():
        raise DataError(f"path must be a file, got the folder {target}; add a file name.")
    if target.exists() and not overwrite:
        raise DataError(f"path must be new, got {target}, which exists; pass overwrite=True to replace it.")
    return target


def undated(archive: bytes, *, change: Mapping[str, Callable[[bytes], bytes]] | None = None) -> bytes:
    """Return a zip archive with the same members and no dates, so that equal contents are equal bytes.

    Parameters
    ----------
    archive : bytes
    change : mapping of str to callable, optional
        Members whose contents pass through a function.

    Returns
    -------
    bytes
    """
    packed = BytesIO()
    with zipfile.ZipFile(BytesIO(archive)) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            member = zipfile.ZipInfo(name, _NO_DATE)
            content = old.read(name)
            content = change[name](content) if change and name in change else content
            new.writestr(member, content, compress_type=zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def undated_workbook(book: Workbook) -> bytes:
    """Return an Excel workbook without dates: openpyxl writes the time of saving.

    Parameters
    ----------
    book : openpyxl.Workbook

    Returns
    -------
    bytes
        Equal workbooks are equal bytes.
    """
    packed = BytesIO()
    book.save(packed)
    return undated(packed.getvalue(), change={"docProps/core.xml": _without_dates})


def _without_dates(content: bytes) -> bytes:
    return sub(
        r"<dcterms:(created|modified)[^>]*>[^<]*</dcterms:\1>|<dc:creator>[^<]*</dc:creator>",
        "",
        content.decode(),
    ).encode()
