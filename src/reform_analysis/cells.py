"""What one cell says: numbers with units, percents, dashes, texts, yes and no.

Each reader takes the value as found and returns what it means with the reason for any difference; a text
it does not know raises. Nothing is guessed: a dash has no meaning until the caller gives it one.
"""

import re
from decimal import Decimal
from math import isfinite, isnan
from typing import Any, Literal, NamedTuple

from reform_analysis.estimates import DataError
from reform_analysis.messages import message

DashMeans = Literal["missing", "zero"]
Dimension = Literal["count", "money", "share", "plain", "free"]

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x2212: "-"}
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"), " ")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
_DASH = re.compile(r"[-\u2010-\u2015\u2212\u2500\u2501\u30fc\uff0d~～/／\\＼]+|无")
_MISSING = {"na", "n/a", "nan", "<na>", "null", "none", "缺失"}
_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_GROUPED = re.compile(
    r"([+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,3}(?: [0-9]{3})+|[0-9]+)(?:\.[0-9]+)?) *([^0-9.,\s]*)"
)
_LARGEST = 2**53
_FOOTNOTE = (
    r"(?:[*＊﹡∗⁎※†‡★☆△▲①-⑳❶-❿⓪⁰¹²³⁴-⁹]|[\[［〔【]\s*(?:注\s*)?[0-9０-９]{1,2}\s*[\]］〕】]|[\[［〔【(（]\s*注\s*[\]］〕】)）]"
    r"|[(（]\s*注\s*[0-9０-９]{1,2}\s*[)）])"
)
_MARKS = re.compile(rf"^(?:{_FOOTNOTE}\s*)+|(?:\s*{_FOOTNOTE})+$")
_PADDED = re.compile(r"(?<=[\u3400-\u9fff]) +(?=[\u3400-\u9fff])")

_COUNTED = (*"件起宗例人名位个家次项条份支处所户场期篇村", "人次", "件次")
UNITS: dict[str, tuple[Dimension, Decimal]] = {
    **{word: ("count", Decimal(1)) for word in (*_COUNTED, "person", "persons", "case", "cases", "次数")},
    **{
        prefix + word: ("count", Decimal(factor))
        for prefix, factor in (("百", 100), ("千", 1000), ("万", 10000), ("亿", 10**8))
        for word in ("", *_COUNTED)
    },
    **{"元": ("money", Decimal("0.0001")), "千元": ("money", Decimal("0.1")), "万元": ("money", Decimal(1))},
    **{"百万元": ("money", Decimal(100)), "亿元": ("money", Decimal(10000))},
    **{"yuan": ("money", Decimal("0.0001")), "10000yuan": ("money", Decimal(1))},
    **{"%": ("share", Decimal("0.01")), "‰": ("share", Decimal("0.001"))},
}

_FLAGS = {
    **dict.fromkeys(("是", "试点", "true", "yes", "y", "1", "√", "✓", "✔", "有"), True),
    **dict.fromkeys(("否", "非试点", "不是", "false", "no", "n", "0", "×", "✗"), False),
}


class Reading(NamedTuple):
    """A value, why it differs from what the cell shows (empty where it does not), and the cell's own unit."""

    value: Any
    reason: str = ""
    unit: str = ""


def half_width(text: str) -> str:
    """Return the text with full-width forms and odd spaces as ASCII, invisible marks and end spaces gone.

    Footnote marks and superscripts stay as they are: turned into digits they would change numbers.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> half_width("　１，２３４％ "), half_width("12①")
    ('1,234%', '12①')
    """
    return text.translate(_FULL_WIDTH).translate(_SPACES).translate(_INVISIBLE).strip()


def strip_marks(text: str) -> str:
    """Return a text without the stars and footnote marks at its ends; as it is if it has nothing else.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> strip_marks("一镇*"), strip_marks("★一镇 ①"), strip_marks("一镇[1]"), strip_marks("※")
    ('一镇', '一镇', '一镇', '※')
    """
    return _MARKS.sub("", text) or text


def show(value: Any) -> str:
    """Return a value as text: whole numbers without decimals, what is missing as an empty text.

    Parameters
    ----------
    value : object

    Returns
    -------
    str

    Examples
    --------
    >>> show(32.0), show(None), show(True)
    ('32', '', 'True')
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        return str(int(value))
    return str(value)


def is_blank(raw: Any) -> bool:
    """Return whether a cell is empty: nothing, NaN, or only spaces.

    Parameters
    ----------
    raw : object

    Returns
    -------
    bool
    """
    if isinstance(raw, str):
        return not half_width(raw)
    return raw is None or (isinstance(raw, float) and isnan(raw))


def is_dash(raw: Any) -> bool:
    """Return whether a cell holds a dash, a slash or 无: no value, for a reason it does not give.

    Parameters
    ----------
    raw : object

    Returns
    -------
    bool

    Examples
    --------
    >>> is_dash("——"), is_dash(" / "), is_dash("-3")
    (True, True, False)
    """
    return isinstance(raw, str) and _DASH.fullmatch("".join(raw.translate(_INVISIBLE).split())) is not None


def is_plain_number(text: str) -> bool:
    """Return whether a text is a number in plain digits: no unit, separator, space or full-width character.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_plain_number("12"), is_plain_number("1,200"), is_plain_number("12件")
    (True, False, False)
    """
    return _PLAIN.fullmatch(text) is not None


def read_number(
    raw: Any, *, dimension: Dimension = "free", unit: str = "", dash_means: DashMeans | None = None
) -> Reading:
    """Return the number a cell says, in the unit of its column.

    Parameters
    ----------
    raw : object
        The cell as found.
    dimension : {"count", "money", "share", "plain", "free"}
        What the column holds: whole numbers, money in 万元, shares between 0 and 1, ratios, or any number.
    unit : str
        Unit of the column's bare numbers, a key of `UNITS`; a unit in the cell goes before it.
    dash_means : {"missing", "zero"}, optional
        What a dash stands for.

    Returns
    -------
    Reading
        An int for counts, a float otherwise, None where the cell is blank.

    Raises
    ------
    DataError
        If the cell is no number, has a unit of another kind, or a count is not whole.

    Examples
    --------
    >>> read_number("１２件", dimension="count")
    Reading(value=12, reason='full-width characters, unit 件', unit='件')
    >>> read_number("1,234.5万元", dimension="money").value, read_number("6.3%", dimension="share").value
    (1234.5, 0.063)
    """
    if type(raw) is int and dimension == "count" and not unit and abs(raw) <= _LARGEST:
        return Reading(raw)
    if is_blank(raw):
        return Reading(None, "spaces" if raw and isinstance(raw, str) else "")
    if is_dash(raw):
        return _read_dash(dash_means, 0 if dimension == "count" else 0.0)
    if isinstance(raw, str):
        text = half_width(raw)
        if text.lower() in _MISSING:
            return Reading(None, "missing value")
        number, own, reason = _split(raw, text)
    else:
        number, own, reason = _native(raw), "", ""
    value = _convert(number, own or unit, dimension)
    conversion = f"unit {own or unit}" if own or value != number else ""
    whole = _whole(value) if dimension == "count" else _real(value)
    if isinstance(raw, str) and not reason and not conversion and _rewritten(text, whole):
        reason = "spelling of the number"
    return Reading(whole, ", ".join(filter(None, (reason, conversion))), own)


def _rewritten(text: str, value: float) -> bool:
    """Whether a text spells a number otherwise than the panel does: 1e3, +3, 1.0 for a count."""
    return text != str(value) if isinstance(value, int) else text[:1] == "+" or "e" in text.lower()


def _read_dash(dash_means: DashMeans | None, zero: Any) -> Reading:
    if dash_means is None:
        raise DataError(message("cell.dash"))
    return Reading(zero if dash_means == "zero" else None, f"dash read as {dash_means}")


def _native(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, (int, float, Decimal)):
        raise DataError(message("cell.type", kind=type(raw).__name__))
    if isinstance(raw, float) and not isfinite(raw):
        raise DataError(message("cell.infinite"))
    return Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)


def _split(raw: str, text: str) -> tuple[Decimal, str, str]:
    """Number, unit and reason of a text."""
    if _PLAIN.fullmatch(text):
        return Decimal(text), "", "" if text == raw else _spelling(raw, text)
    if text.startswith("#"):
        raise DataError(message("cell.error"))
    if text[0] in "¥￥" and not text.endswith("元"):
        text = f"{text[1:].strip()}元"
    found = _GROUPED.fullmatch(text)
    if found is None or (found[2] and found[2].lower() not in UNITS):
        raise DataError(message("cell.no_number"))
    separated = "thousands separator" if "," in found[1] or " " in found[1] else ""
    reasons = (_spelling(raw, text), separated)
    number = Decimal(found[1].replace(",", "").replace(" ", ""))
    return number, found[2].lower(), ", ".join(filter(None, reasons))


def _spelling(raw: str, text: str) -> str:
    if raw.translate(_FULL_WIDTH) != raw:
        return "full-width characters"
    return "" if raw == text else "spaces"


def _convert(number: Decimal, unit: str, dimension: Dimension) -> Decimal:
    if not unit:
        if dimension == "money":
            raise DataError(message("cell.money"))
        return number
    kind, factor = UNITS[unit]
    fits = {"plain": ("count",), "free": ("count", "money", "share")}.get(dimension, (dimension,))
    if kind not in fits:
        raise DataError(message("cell.unit", unit=unit))
    return number if factor == 1 else number * factor


def _whole(value: Decimal) -> int:
    if abs(value) > _LARGEST:
        raise DataError(message("cell.large_count"))
    if value != value.to_integral_value():
        raise DataError(message("cell.not_whole"))
    return int(value)


def _real(value: Decimal) -> float:
    number = float(value)
    if not isfinite(number):
        raise DataError(message("cell.large"))
    return number


def read_flag(raw: Any, *, dash_means: DashMeans | None = None) -> Reading:
    """Return yes or no.

    Parameters
    ----------
    raw : object
    dash_means : {"missing", "zero"}, optional
        "zero" reads a dash as no.

    Returns
    -------
    Reading
        A bool.

    Raises
    ------
    DataError
        If the cell is blank, or says neither.

    Examples
    --------
    >>> read_flag("是").value, read_flag(0).value
    (True, False)
    """
    if isinstance(raw, bool):
        return Reading(raw)
    if is_dash(raw) and dash_means == "zero":
        return Reading(False, "dash read as zero")
    text = half_width(show(raw)).lower()
    if text not in _FLAGS:
        raise DataError(message("cell.flag"))
    value = _FLAGS[text]
    return Reading(value, "" if raw in (str(value), str(value).upper()) else "yes or no")


def read_text(raw: Any, *, dash_means: DashMeans | None = None) -> Reading:
    """Return a text without spaces at its ends; a number as the digits shown.

    Parameters
    ----------
    raw : object
    dash_means : {"missing", "zero"}, optional
        Either makes a dash an empty text.

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        If the cell is a dash and `dash_means` is not given.

    Examples
    --------
    >>> read_text(330102001.0), read_text("甲镇　")
    (Reading(value='330102001', reason='', unit=''), Reading(value='甲镇', reason='spaces', unit=''))
    """
    if is_blank(raw):
        return Reading("", "spaces" if raw and isinstance(raw, str) else "")
    if is_dash(raw):
        return Reading("", _read_dash(dash_means, 0).reason)
    text = raw.translate(_SPACES).translate(_INVISIBLE).strip() if isinstance(raw, str) else show(raw)
    return Reading(text, "spaces" if isinstance(raw, str) and raw != text else "")


def read_name(raw: Any, *, dash_means: DashMeans | None = None) -> Reading:
    """Return the name of a place: a text without footnote marks at its ends or spaces between its characters.

    A table marks some names with a star, or pads short ones to the width of the others; read as they stand,
    一镇, 一镇* and 一　镇 would be three units.

    Parameters
    ----------
    raw : object
    dash_means : {"missing", "zero"}, optional
        As in `read_text`.

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        If the cell is a dash and `dash_means` is not given.

    Examples
    --------
    >>> read_name("一　镇*")
    Reading(value='一镇', reason='spaces, footnote mark', unit='')
    """
    text, reason, _ = read_text(raw, dash_means=dash_means)
    marked = strip_marks(text)
    name = _PADDED.sub("", marked)
    spaces = "spaces" if name != marked and not reason else ""
    return Reading(name, ", ".join(filter(None, (reason, spaces, "footnote mark" if marked != text else ""))))
