"""Files that travel with the package: data, notebooks, the font.

In an installed wheel they lie inside the package; in a source checkout (and an editable install) they
are the top-level folders ``data/`` and ``notebooks/``.
"""

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from reform_analysis.estimates import DataError


def folder(name: str) -> Path:
    """Return the folder ``data`` or ``notebooks``, wherever this installation keeps it.

    Parameters
    ----------
    name : {"data", "notebooks"}

    Returns
    -------
    Path

    Raises
    ------
    DataError
        If the installation lacks it.
    """
    package = Path(str(files("reform_analysis")))
    for place in (package / name, package.parents[1] / name):
        if place.is_dir():
            return place
    raise DataError(f"the folder {name!r} is missing from this installation; reinstall reform-analysis.")


def citation_path() -> Path:
    """Return ``CITATION.cff``, wherever this installation keeps it.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        If the installation lacks it.
    """
    package = Path(str(files("reform_analysis")))
    for place in (package, package.parents[1]):
        if (place / "CITATION.cff").is_file():
            return place / "CITATION.cff"
    raise DataError("CITATION.cff is missing from this installation; reinstall reform-analysis.")


def read_data(name: str) -> bytes:
    """Return the bytes of a data file, after checking them against ``datapackage.json``.

    Parameters
    ----------
    name : str
        Path below ``data/`` with forward slashes, as in the data package: ``published/figures.csv``.

    Returns
    -------
    bytes

    Raises
    ------
    DataError
        If the file is not declared, is missing, or its SHA-256 differs from the declared one.
    """
    data = folder("data")
    declared = {resource["path"]: resource["hash"] for resource in read_package()["resources"]}
    if name not in declared:
        raise DataError(f"data file {name!r} is not in datapackage.json; declared are {sorted(declared)}.")
    try:
        content = (data / name).read_bytes()
    except FileNotFoundError:
        raise DataError(f"data file {name} is missing from {data}; restore it or reinstall.") from None
    found = "sha256:" + hashlib.sha256(content).hexdigest()
    if found != declared[name]:
        raise DataError(
            f"data file {name} was changed: datapackage.json says {declared[name]}, the file has {found}; "
            "restore the file, or keep your own figures in a file of your own."
        )
    return content


def notebook_paths() -> dict[str, Path]:
    """Return the packaged notebooks, by name without ending, in order of their numbers.

    Returns
    -------
    dict of str to Path
    """
    return {path.stem: path for path in sorted(folder("notebooks").glob("[0-9][0-9]_*.ipynb"))}


def font_path() -> Path:
    """Return the static OpenType font (Noto Sans SC Regular, SIL OFL 1.1) for figures and pages.

    Returns
    -------
    Path
    """
    return Path(str(files("pylopdf_fonts_zh_cn"))) / "NotoSansSC-Regular.otf"


def read_package() -> dict[str, Any]:
    """Return the data package descriptor (Data Package v2).

    Returns
    -------
    dict
    """
    descriptor: dict[str, Any] = json.loads((folder("data") / "datapackage.json").read_text(encoding="utf-8"))
    return descriptor
