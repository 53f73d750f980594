"""Names of units as the panel keeps them: without the office that the name of a place may carry."""

import re
from typing import Any

from reform_analysis.cells import DashMeans, Reading, read_name

_NUMBERING = re.compile(
    r"(?:[(（](?:[0-9０-９]{1,3}|[一二三四五六七八九十]{1,3})[)）]|[0-9０-９]{1,3}[)）.．、](?![0-9０-９])|[一二三四五六七八九十]{1,3}[、.．])\s*"
)
OFFICES = (
    (re.compile(r"街道(?:人民政府|办事处|办)$"), "街道"),
    (re.compile(r"(镇|乡)(?:人民政府|政府)$"), r"\1"),
)


def without_office(name: str) -> str:
    """Return a name without 人民政府 or 办事处 after its kind; 镇, 乡 and 街道 stay, so no two units meet.

    Parameters
    ----------
    name : str

    Returns
    -------
    str

    Examples
    --------
    >>> without_office("一镇人民政府"), without_office("一街道办事处"), without_office("一办事处")
    ('一镇', '一街道', '一办事处')
    """
    for office, kind in OFFICES:
        name = office.sub(kind, name)
    return name


def without_numbering(name: str) -> str:
    """Return a name without the number of a list before it; a name of numbers alone stays.

    Parameters
    ----------
    name : str

    Returns
    -------
    str

    Examples
    --------
    >>> without_numbering("1.一镇"), without_numbering("（二）二镇"), without_numbering("三里镇")
    ('一镇', '二镇', '三里镇')
    """
    found = _NUMBERING.match(name)
    return name[found.end() :] if found and len(name) > found.end() else name


def read_unit_name(raw: Any, *, dash_means: DashMeans | None = None) -> Reading:
    """Return the name of a unit as `cells.read_name` does, without its office and the number of a list.

    One year may say 一镇 and the next 一镇人民政府; read as they stand, they would be two units.

    Parameters
    ----------
    raw : object
    dash_means : {"missing", "zero"}, optional
        As in `cells.read_text`.

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        If the cell is a dash and `dash_means` is not given.
    """
    read = read_name(raw, dash_means=dash_means)
    bare = without_numbering(read.value)
    name = without_office(bare)
    numbering = "numbering left off" if bare != read.value else ""
    office = "office left off" if name != bare else ""
    return Reading(name, ", ".join(filter(None, (read.reason, numbering, office))), read.unit)
