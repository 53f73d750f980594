"""What the label of a row says: a total, a mean, a note, or the name of a unit."""

import re
from typing import Any, Literal, NamedTuple

from reform_analysis.cells import UNITS, half_width, is_blank, is_dash, read_number, strip_marks
from reform_analysis.estimates import DataError

Kind = Literal["sum", "part", "loose"]

_NOTE = re.compile(
    r"(?:注|备注|说明|填表|填报|制表|审核|复核|(?:数据|资料)?来源|(?:单位)?负责|统计|联系|以下空白|notes?|source)"
    r"(?:人|电话|日期|单位|时间|[0-9]+)?(?:\s*[:：.、].*)?",
    re.I | re.S,
)
_STARRED = re.compile(r"[*※].*", re.S)
_SUM = r"合计|总计|小计|共计|总数|总和|汇总|累计|subtotal|grandtotal|total"
_MEAN = r"平均(?:值|数)?|均值|average|mean"
_LABEL = re.compile(rf"(.*?)\(?(?:({_SUM})数?|({_MEAN}))\)?((?:\([^()]*\))*):?", re.I)
_WHOLE = re.compile(r"\(?(?:全县\(市、区\)|全[省市县区])\)?((?:\([^()]*\))*):?")
_PARTLY = re.compile(r"不含|不包括|剔除|扣除|除外|其中|excluding|without", re.I)
_AMONG = re.compile(r"其中[:：]?")
_PART = ("小计", "subtotal")
_LOOSE = ("累计",)
_COUNTY = re.compile(
    r".+(?:[县市旗]|(?<!开发)(?<!管理)(?<!功能)(?<!度假)(?<!示范)(?<!集聚)(?<!高新)(?<!工业)(?<!合作)(?<!保税)"
    r"(?<![新园景社])区)"
)
_SQUARE = str.maketrans("[]【】〔〕", "()()()")
_UNIT = re.compile(
    r"(?!(?:非?试点|各|其他|其余|所有|全部))[^，。；：、,;:]{1,18}"
    r"(?:镇|乡|街道|街道办|办事处|政府|管委会|管理委员会|苏木)"
)
_GROUP = re.compile(r"(?:乡镇|镇乡|镇街|街镇|街乡|街道|乡|镇)(?:街道)?|.*(?:乡镇|镇乡)街道")


_NUMBERED = re.compile(r"\(?(?:[0-9]{1,3}|[一二三四五六七八九十]{1,3})[).、]")
_SEVERAL = re.compile(
    r"(?:非?试点|其他|其它|其余|所有|全部|各)(?:乡镇|镇乡|镇街|街镇|街乡|街道|乡|镇|单位|地区)?(?:街道)?(?:名单)?"
)
_OWN_CASES = re.compile(r"(?:.{0,8}[省市县区](?:本级|直属?|级)|本级)(?:部门|单位|机关)?")


class Label(NamedTuple):
    """A label of a total or mean: what stands before the word, and how far its numbers can be checked.

    `kind` is "sum" (all rows of the scope), "part" (a subtotal) or "loose": a mean, a running total or one
    that leaves something out, which need not be the sum of the rows.
    """

    scope: str
    kind: Kind


def read_label(text: str) -> Label | None:
    """Return what a label says if it is that of a total or a mean; None if it is not.

    Parameters
    ----------
    text : str

    Returns
    -------
    Label or None

    Examples
    --------
    >>> read_label("乙县合计（件）"), read_label("合计（不含开发区）"), read_label("平均值")
    (Label(scope='乙县', kind='sum'), Label(scope='', kind='loose'), Label(scope='', kind='loose'))
    >>> read_label("全旺镇") is None, read_label("太平街道") is None
    (True, True)
    """
    bare = strip_marks(half_width("".join(text.split()))).translate(_SQUARE)
    found = _LABEL.fullmatch(bare)
    if found is None:
        return Label("", "loose") if _AMONG.match(bare) and not _UNIT.fullmatch(bare) else None
    scope, word, mean, notes = found.groups()
    # 〔合计〕 and (乙县合计) are in brackets as a whole.
    scope = scope.lstrip("(")
    loose = mean or word in _LOOSE or _PARTLY.search(scope) or not _only_units(notes)
    kind: Kind = "loose" if loose else "part" if word.lower() in _PART else "sum"
    return Label(scope, kind)


def names_the_whole(text: str) -> Label | None:
    """Return the label of a row named 全县, 全市 or 全区; None if it is none.

    Such a text can stand beside a unit, in a column of places; only where no unit is named is it a total.

    Parameters
    ----------
    text : str

    Returns
    -------
    Label or None
    """
    found = _WHOLE.fullmatch(strip_marks(half_width("".join(text.split()))).translate(_SQUARE))
    if found is None:
        return None
    return Label("", "sum" if _only_units(found[1]) else "loose")


def _only_units(notes: str) -> bool:
    """Whether brackets after the word give nothing but a unit: (件)."""
    inside = (part.removeprefix("单位:") for part in re.findall(r"\(([^()]*)\)", notes))
    return all(part in UNITS for part in inside)


def is_county(text: str) -> bool:
    """Return whether a text is named like a county, a city or a district, as no township is.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_county("乙县"), is_county("一镇")
    (True, False)
    """
    return _COUNTY.fullmatch(text) is not None


def is_unit(text: str) -> bool:
    """Return whether a text, marks aside, is named like one township; 试点乡镇 heads several.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_unit("*二镇"), is_unit("试点乡镇"), is_unit("* 镇指建制镇。")
    (True, False, False)
    """
    bare = strip_marks("".join(half_width(text).split()))
    return _UNIT.fullmatch(bare) is not None and _GROUP.fullmatch(bare) is None


def names_no_township(text: str) -> str:
    """Return what a row is named after if it is no township: several units, or a county's own departments.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        "several units", "departments of a county or city", or empty.

    Examples
    --------
    >>> names_no_township("一、试点乡镇"), names_no_township("县本级"), names_no_township("一镇")
    ('several units', 'departments of a county or city', '')
    """
    bare = _NUMBERED.sub("", strip_marks("".join(half_width(text).split())), count=1)
    if _SEVERAL.fullmatch(bare) or _GROUP.fullmatch(bare):
        return "several units"
    return "departments of a county or city" if _OWN_CASES.fullmatch(bare) else ""


def is_note(text: str) -> bool:
    """Return whether a text begins like a note or a signature: 注：, 填表人：.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool
    """
    return _NOTE.fullmatch(half_width(text)) is not None


def is_starred(text: str) -> bool:
    """Return whether a text begins with a star, as footnotes and marked units do.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool
    """
    return _STARRED.fullmatch(half_width(text)) is not None


def says_number(value: Any) -> bool:
    """Return whether a cell holds a number, with or without a unit, or a dash in place of one.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool

    Examples
    --------
    >>> says_number("2件"), says_number("—"), says_number("2022年")
    (True, True, False)
    """
    if is_blank(value) or isinstance(value, bool):
        return False
    try:
        return is_dash(value) or read_number(value).value is not None
    except DataError:
        return False
