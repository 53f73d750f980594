"""The panel of a notebook: a researcher's own file, or the synthetic example."""

import json
import re
import zipfile
from io import BytesIO
from pathlib import Path

import pandas as pd

from reform_analysis import panel, schema, simulate
from reform_analysis.estimates import DataError, DesignError, require_choice
from reform_analysis.ingest import read_panel
from reform_analysis.panel_columns import ATTRIBUTES

# `reforms`: of which reform the package's list of concurrent ones is; no other study gets it.
READING = {"dash_means": ("missing", "zero"), "synthetic": ("yes",), "reforms": ("zhejiang",), **ATTRIBUTES}
MARKS = ("synthetic", "合成", "模拟")  # in the headers that the alias table knows
# What a column of the file is to the checks of `examination.examine`.
ROLES = (
    "placebo",
    "into",
    "net_of_series",
    "earlier_acts",
    "department",
    "county_total",
    "reported",
    "counted",
    "matched",
)


def open_panel(data: str = "", *, aliases: str = "", reading: str = "", city: str = "") -> pd.DataFrame:
    """Return a validated panel with its measures, as the parameters of a notebook describe it.

    Parameters
    ----------
    data : str
        Path of a file that `ingest.read_panel` reads; empty for the synthetic example. A relative one is seen
        from the current folder, else from the nearest folder above that holds ``study.yaml``: the notebook of
        a report lies below it, and names the file as the study does.
    aliases : str
        A JSON object of your headers to canonical columns; empty for the package's alone.
    reading : str
        What the file itself cannot say, as ``"dash_means=missing, date_basis=decided"``: `dash_means` as in
        `ingest.read_panel`, the panel's attributes `date_basis` and `loss_definition`, ``synthetic=yes`` for
        data that were made up, and ``reforms=zhejiang`` for the list of reforms that ran beside the Zhejiang
        one, which the example gets without. What columns are to the checks may stand there too, see `roles`.
    city : str
        Keep this city's units; empty for all.

    Returns
    -------
    DataFrame
        As `schema.validate_panel` and `panel.add_measures` return it; ``attrs["logged"]`` is the number of
        cells changed or left out while reading (0 for the example). It is that of the whole file, whichever
        city is kept: titles, notes and totals belong to no city. ``attrs["covariates"]`` names the columns
        whose headers no alias knows.

    Raises
    ------
    DataError
        If the file cannot be read, breaks a rule, or has no such city, or a parameter is no such text.
    """
    options = _options(reading)
    made_up = {"synthetic": True} if options.pop("synthetic", None) else {}
    frame = _read(_seen(data), aliases, options.pop("dash_means", None)) if data else simulate.load_example()
    known = {} if data else {"reforms": "zhejiang"}
    frame.attrs = {"logged": 0, "covariates": []} | known | frame.attrs | options | made_up
    if city and "city" not in frame:
        raise DataError(f"city must be empty, got {city!r}: the panel has no column of the city; add one.")
    if city:
        cities = sorted(frame["city"].unique())
        if city not in cities:
            raise DataError(f"city must be one of {cities}, got {city!r}; leave it empty for all.")
        frame = frame[frame["city"] == city].reset_index(drop=True)
    return panel.add_measures(frame)


def _seen(data: str) -> str:
    above = (folder / data for folder in Path.cwd().parents if (folder / "study.yaml").is_file())
    return str(next(above, data)) if data and not Path(data).exists() else data


def says_synthetic(data: str | Path, *, aliases: str = "", reading: str = "") -> bool:
    """Return whether a file's name, its reading or its own marks say that its data were made up.

    Parameters
    ----------
    data : str or Path
    aliases, reading : str
        As of `open_panel`.

    Returns
    -------
    bool
        False for a file that cannot be read: its report will say why.
    """
    try:
        options = _options(reading)
        if "synthetic" in Path(data).name.casefold() or "synthetic" in options:
            return True
        if not _may_be_marked(Path(data).read_bytes(), aliases):
            return False
        read = read_panel(data, aliases=_mapping(aliases), dash_means=options.get("dash_means"))  # type: ignore[arg-type]
    except (DataError, DesignError, OSError):
        return False
    return bool(read.panel.attrs["synthetic"])


def _may_be_marked(content: bytes, aliases: str) -> bool:
    """Whether a word that could mark data stands anywhere in a file: a fast no for most of them."""
    parts = [content]
    if zipfile.is_zipfile(BytesIO(content)):
        with zipfile.ZipFile(BytesIO(content)) as members:
            parts = [members.read(name) for name in members.namelist()]
    words = [word.encode(code) for word in MARKS for code in ("utf-8", "gb18030", "utf-16-le")]
    words += [word.encode("ascii", "xmlcharrefreplace") for word in MARKS]  # as openpyxl writes them
    return "synthetic" in aliases or any(word in part.lower() for part in parts for word in words)


def _options(reading: str) -> dict[str, str]:
    said = [(name, value) for name, value in _said(reading) if name not in ROLES]
    return {name: require_choice(name, value, READING[name]) for name, value in said}


def roles(reading: str) -> dict[str, list[str]]:
    """Return which columns the checks of `examination.examine` may use.

    Parameters
    ----------
    reading : str
        As of `open_panel`, with ``"department=losses_department, placebo=fires"``; a role may come more than
        once.

    Returns
    -------
    dict of str to list of str

    Raises
    ------
    DataError
        If a name is neither of `READING` nor of `ROLES`.

    Examples
    --------
    >>> roles("dash_means=zero, placebo=fires, placebo=births")
    {'placebo': ['fires', 'births']}
    """
    found: dict[str, list[str]] = {}
    for name, value in _said(reading):
        if name in ROLES:
            found.setdefault(name, []).append(value)
    return found


def _said(reading: str) -> list[tuple[str, str]]:
    """Name and value of each part."""
    parts = [part.partition("=") for part in (listed(reading) if reading else [])]
    known = [*READING, *ROLES]
    return [
        (require_choice("name in reading", name.strip(), known), value.strip()) for name, _, value in parts
    ]


def _read(data: str, aliases: str, dash_means: str | None) -> pd.DataFrame:
    if not Path(data).is_file():
        raise DataError(f"data must be a file, got {data!r}, seen from {Path.cwd()}; check the path.")
    read = read_panel(data, aliases=_mapping(aliases), dash_means=dash_means)  # type: ignore[arg-type]
    try:
        frame = schema.validate_panel(read.panel, cells=read.cells)
    except DataError as refused:
        raise DataError("\n".join([str(refused), *read.sentences()])) from None
    frame.attrs["logged"] = len(read.log)
    return frame


def _mapping(aliases: str) -> dict[str, str] | None:
    if not aliases:
        return None
    try:
        found = json.loads(aliases)
    except json.JSONDecodeError as broken:
        raise DataError(f"aliases must be a JSON object, got {aliases!r} ({broken}); correct it.") from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise DataError(f'aliases must map headers to columns, got {found!r}; write {{"header": "losses"}}.')
    return found


def named(*names: str) -> list[str]:
    """Return the names that are given: a parameter left empty names nothing.

    Parameters
    ----------
    *names : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> named("losses", ""), named("losses", "lawsuits_concluded")
    (['losses'], ['losses', 'lawsuits_concluded'])
    """
    return [name for name in names if name]


def listed(text: str) -> list[str]:
    """Return the names in a parameter that lists several, such as ``"2019, 2020"``.

    Parameters
    ----------
    text : str
        Names separated by commas, Chinese ones included.

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        If there is none.

    Examples
    --------
    >>> listed("2019, 2020"), listed("losses，corrections")
    (['2019', '2020'], ['losses', 'corrections'])
    """
    names = _split(text)
    if not names:
        raise DataError(f"a list of names must hold at least one, got {text!r}; separate them by commas.")
    return names


def _split(text: str) -> list[str]:
    return [part.strip() for part in re.split("[,\uff0c、]", text) if part.strip()]


def present(frame: pd.DataFrame, text: str) -> tuple[list[str], list[str]]:
    """Return the names in a parameter that are columns of a panel, and those that are not.

    Parameters
    ----------
    frame : DataFrame
    text : str
        As of `listed`; may be empty.

    Returns
    -------
    tuple of list of str
        A report goes on without the second, and says so (`panel_findings.absent`).

    Examples
    --------
    >>> present(pd.DataFrame(columns=["losses"]), "losses, fees"), present(pd.DataFrame(), "")
    ((['losses'], ['fees']), ([], []))
    """
    names = _split(text)
    return [name for name in names if name in frame], [name for name in names if name not in frame]
