"""Units that a title gives for the numbers below it: 单位：万人、件."""

import re
from collections.abc import Sequence
from dataclasses import replace

from reform_analysis.cells import UNITS
from reform_analysis.estimates import DataError
from reform_analysis.headers import LEFT_OUT, Header, as_unit, dimension_of, names_its_unit
from reform_analysis.panel_columns import PANEL
from reform_analysis.table_parts import Table
from reform_analysis.wording import say

_SAID = re.compile(r"单位[:：]\s*([^\s)）]+)")
_SEPARATORS = re.compile("[、,，/；;]")
_PREFIXES = "百千万亿"


def with_title_units(table: Table, headers: Sequence[Header]) -> list[Header]:
    """Return the headers with the units that the title gives for their bare numbers.

    A unit of money is that of every column of money; one of persons or cases times 千 or 万 is that of the
    columns that are declared in persons or cases.

    Parameters
    ----------
    table : Table
    headers : sequence of Header
        Resolved, their units empty where they name none.

    Returns
    -------
    list of Header

    Raises
    ------
    DataError
        If a unit with 千 or 万 is that of no column, or two of one kind are given.
    """
    said = dict.fromkeys(unit for text in table.title_texts() for unit in _units(text))
    scaled = {unit for unit in said if UNITS[unit][0] == "count" and UNITS[unit][1] != 1}
    done = []
    for header in headers:
        unit = header.unit or _unit(table, header, list(said))
        done.append(replace(header, unit=unit))
    # A header in persons stays so, whatever the title says.
    known = {header.unit.lstrip(_PREFIXES) for header in done if header.unit}
    if unclaimed := sorted(unit for unit in scaled if unit.lstrip(_PREFIXES) not in known):
        raise DataError(
            f"sheet {table.sheet.name!r}: the title gives the unit {unclaimed[0]}, but no column is known to "
            "be counted so; write the unit of each number into its own header, or take it out of the title."
        )
    return done


def _units(text: str) -> list[str]:
    parts = (part for said in _SAID.findall(text) for part in _SEPARATORS.split(said))
    return [unit for part in parts if (unit := as_unit(part))]


def _unit(table: Table, header: Header, said: Sequence[str]) -> str:
    """Unit of a header's bare numbers; empty if they are whole ones, or the title gives none."""
    dimension = dimension_of(header.column) if header.column != LEFT_OUT else "free"
    if dimension == "money":
        money = [unit for unit in said if UNITS[unit][0] == "money"]
        return "万元" if names_its_unit(header) else money[0] if len(money) == 1 else ""
    if dimension != "count" or header.column not in PANEL.columns:
        return ""
    own = say(f"unit.{PANEL.columns[header.column].metadata['unit']}", "zh")
    fitting = [unit for unit in said if unit.lstrip(_PREFIXES) == own]
    if len(fitting) > 1:
        raise DataError(
            f"sheet {table.sheet.name!r}: the title gives {fitting} for columns counted in {own}, such as "
            f"{header.text!r}; write the unit into each header."
        )
    return fitting[0] if fitting and UNITS[fitting[0]][1] != 1 else ""
