"""Names of units as the panel keeps them: without the office that the name of a place may carry."""

import re
from typing import Any

from reform_analysis.cells import DashMeans, Reading, read_name

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


def read_unit_name(raw: Any, *, dash_means: DashMeans | None = None) -> Reading:
    """Return the name of a unit as `cells.read_name` does, and without its office.

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
    name = without_office(read.value)
    if name == read.value:
        return read
    return Reading(name, ", ".join(filter(None, (read.reason, "office left off"))), read.unit)
