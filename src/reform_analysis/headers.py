"""What a header says: column, period and unit, by the package's table of aliases and the user's own."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from reform_analysis.cell_dates import find_period
from reform_analysis.cells import UNITS, Dimension, half_width, strip_marks
from reform_analysis.estimates import DataError
from reform_analysis.panel_columns import COUNTS, PANEL, kind_of
from reform_analysis.rate_counts import RATES

LEFT_OUT = ""
KEYS = ("unit_name", "unit_id")
DATES = ("period", "adopted")

_LIKE = 0.6  # difflib's own measure of a close match

_ENDING = re.compile(r"(?:案件数量|案件量|案件数|案件|件数|次数|数量|总数|总量|数|量)$")
_UNIT = re.compile(r"\s*[(（]\s*(?:单位\s*[:：])?\s*([^()（）]{1,12}?)\s*[)）]|\s*([%％‰])\s*$")
_PART = re.compile(r"[上下]半年|第?[一二三四1-4]季度?|[HhQq][1-4]")
_PREVIOUS = re.compile(r"上年同期|去年同期|上年度?")
_GROWTH = re.compile(r"(?:较上年)?同比(?:增减|增长|增幅|升降|变化)?率?|增长率|增减率")


@dataclass(frozen=True)
class Header:
    """One column of a table.

    Parameters
    ----------
    number : int
        Number of the column in the sheet, from 1.
    row : int
        Lowest row of the header.
    text : str
        The header as found, its levels joined by a space.
    column : str
        Canonical name, a covariate's own name, or empty if the column says nothing.
    period : str
        Period the header names; empty if none.
    unit : str
        Unit of bare numbers; empty if the header names none.
    stems : frozenset of str
        What was looked up in the table of aliases to give the column, as `stem` has it.
    """

    number: int
    row: int
    text: str
    column: str
    period: str
    unit: str
    stems: frozenset[str] = frozenset()


def stem(text: str) -> str:
    """Return what counts of a header: no spaces, punctuation, footnote marks, case or ending such as 件数.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> stem("县（市、区）"), stem("败诉案件数①"), stem("Lawsuits filed")
    ('县市区', '败诉', 'lawsuitsfiled')
    """
    bare = re.sub(r"[\W_]", "", strip_marks(half_width(text))).lower().removeprefix("numberof")
    return _ENDING.sub("", bare) or bare


@cache
def _package_aliases() -> dict[str, str]:
    table = tomllib.loads(files("reform_analysis").joinpath("aliases.toml").read_text(encoding="utf-8"))
    known = {stem(name): LEFT_OUT for name in table["left_out"]["names"]}
    for name, field in PANEL.columns.items():
        if not field.regex:
            known |= {stem(text): name for text in (name, field.title, field.metadata["title_zh"])}
    return known | {stem(text): column for column, texts in table["columns"].items() for text in texts}


def alias_table(aliases: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the table of aliases, stem to column: the package's, then the user's own on top.

    Parameters
    ----------
    aliases : mapping of str to str, optional
        Header to column: a canonical name, a covariate's name, or the empty text to leave the column out.

    Returns
    -------
    dict of str to str

    Raises
    ------
    DataError
        If `aliases` is no mapping of texts to texts.
    """
    own = {} if aliases is None else aliases
    texts = isinstance(own, Mapping) and all(isinstance(text, str) for pair in own.items() for text in pair)
    if not texts or not all(stem(header) for header in own):
        raise DataError(
            f"aliases must map headers to columns, got {aliases!r}; pass {{'败诉（终审）': 'losses'}}."
        )
    return _package_aliases() | {stem(header): column for header, column in own.items()}


def match(text: str, table: Mapping[str, str]) -> str | None:
    """Return the column a header without period and unit names; None if no alias fits.

    Parameters
    ----------
    text : str
    table : mapping of str to str
        As `alias_table` returns it.

    Returns
    -------
    str or None

    Examples
    --------
    >>> match("败诉件数", alias_table()), match("上年同期败诉件数", alias_table())
    ('losses', 'losses_previous')
    """
    if stem(text) in table:
        return table[stem(text)]
    if kind_of(text.strip()):
        return text.strip()
    for pattern, family in ((_PREVIOUS, "previous"), (_GROWTH, "growth")):
        rest, found = pattern.subn("", half_width(text))
        count = table.get(stem(rest)) if found else None
        if count in COUNTS:
            return f"{count}_{family}"
    return None


def closest(name: str, table: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns whose headers are like a covariate's name: proposals, best first, at most three.

    Parameters
    ----------
    name : str
        The header without period and unit, its levels joined by "_".
    table : mapping of str to str
        As `alias_table` returns it.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> closest("行政执法_以乡镇名义", alias_table())[0], closest("gdp", alias_table())
    ('enforcement_own', ())
    """
    known = [text for text, column in table.items() if kind_of(column)]
    parts = dict.fromkeys(filter(None, (stem(name), stem(name.rsplit("_", 1)[-1]))))
    like = [text for part in parts for text in get_close_matches(part, known, n=5, cutoff=_LIKE)]
    return tuple(dict.fromkeys(table[text] for text in like))[:3]


def split_unit(text: str) -> tuple[str, str]:
    """Return a header without its unit, and the unit; an empty unit if it names none.

    Parameters
    ----------
    text : str

    Returns
    -------
    rest, unit : str

    Examples
    --------
    >>> split_unit("常住人口（万人）"), split_unit("县（市、区）")
    (('常住人口', '万人'), ('县（市、区）', ''))
    """
    for found in _UNIT.finditer(text):
        unit = as_unit(found[1] or found[2])
        if unit:
            return text[: found.start()] + text[found.end() :], unit
    return text, ""


def as_unit(text: str) -> str:
    """Return a text as a unit of `cells.UNITS`; empty if it is none.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> as_unit("（单位：万元）"), as_unit("10,000 yuan"), as_unit("镇")
    ('万元', '10000yuan', '')
    """
    bare = re.sub(r"^单位[:：]", "", half_width(text).strip("()")).replace(",", "").replace(" ", "").lower()
    return bare if bare in UNITS else ""


def resolve(levels: Sequence[str], *, number: int, row: int, table: Mapping[str, str]) -> Header:
    """Return what the levels of a header say together.

    The whole is tried first, then without its upper levels: 行政诉讼 over 败诉件数, or 2020年 over 败诉件数.

    Parameters
    ----------
    levels : sequence of str
        Texts from top to bottom, none empty.
    number, row : int
        Where it stands.
    table : mapping of str to str
        As `alias_table` returns it.

    Returns
    -------
    Header
    """
    unit = ""
    parts: list[str] = []
    for level in levels:
        rest, named = (level, as_unit(level)) if parts and as_unit(level) else split_unit(level)
        unit = named or unit
        if not (parts and as_unit(level)):
            parts.append(rest)
    header = Header(number, row, " ".join(levels), "", "", unit)
    period, _ = find_period("_".join(parts))
    bare = [_PART.sub("", find_period(part)[1]) if period else part for part in parts]
    # A caller's own alias may be the header as it stands, with its period and unit.
    tries = [("".join(levels), period), ("".join(parts), "")]
    tries += [("".join(bare[start:]), period) for start in range(len(bare))]
    for text, dated in tries:
        column = match(text, table)
        if column is not None:
            return replace(header, column=column, period=dated, stems=_looked_up(text))
    return replace(header, column=covariate_name(bare, unit), period=period)


def _looked_up(text: str) -> frozenset[str]:
    """Stems that `match` tries for a text."""
    rests = (pattern.sub("", half_width(text)) for pattern in (_PREVIOUS, _GROWTH))
    return frozenset(map(stem, (text, *rests)))


def require_used(aliases: Mapping[str, str], headers: Sequence[Header]) -> None:
    """Raise if a caller's alias names no header.

    Parameters
    ----------
    aliases : mapping of str to str
        As in `alias_table`.
    headers : sequence of Header
        Those of every table read.

    Raises
    ------
    DataError
        Naming the alias and the headers most like it.
    """
    used = frozenset().union(*(header.stems for header in headers))
    texts = {stem(header.text): header.text for header in headers}
    for key in aliases:
        if stem(key) not in used:
            like = get_close_matches(stem(key), list(texts), n=3, cutoff=_LIKE) or list(texts)
            raise DataError(
                f"aliases has {key!r}, which is no header of the file; the nearest are "
                f"{[texts[each] for each in like]}: write one of them, or leave the alias out."
            )


def covariate_name(parts: Sequence[str], unit: str) -> str:
    """Return a covariate's own name; money says its unit, as the panel keeps it in 万元.

    Parameters
    ----------
    parts : sequence of str
        Levels of the header, without the unit.
    unit : str

    Returns
    -------
    str

    Examples
    --------
    >>> covariate_name(["财政", "支出"], "元")
    '财政_支出_wan_yuan'
    """
    name = "_".join(filter(None, (part.strip() for part in parts)))
    money = unit and UNITS[unit][0] == "money" and not name.endswith("_wan_yuan")
    return f"{name}_wan_yuan" if money else name


def dimension_of(column: str) -> Dimension:
    """Return what a column holds: whole numbers, money, shares, ratios, or (a covariate) any of them.

    Parameters
    ----------
    column : str

    Returns
    -------
    str

    Examples
    --------
    >>> dimension_of("losses"), dimension_of("loss_rate"), dimension_of("digital_spending")
    ('count', 'share', 'money')
    """
    if kind_of(column) == "integer":
        return "count"
    declared = PANEL.columns[column].metadata["unit"] if column in PANEL.columns else ""
    if declared == "wan_yuan" or column.endswith("_wan_yuan"):
        return "money"
    if column in ("loss_rate", "correction_rate", "devolution_share") or column.endswith("_growth"):
        return "share"
    return "plain" if column in RATES else "free"


def names_its_unit(header: Header) -> bool:
    """Return whether the header is the column's own name, which fixes the unit of bare numbers.

    Parameters
    ----------
    header : Header

    Returns
    -------
    bool
    """
    return header.text.strip() == header.column
