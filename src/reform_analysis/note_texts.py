"""What a fit says of itself, in the language of a table.

`Estimates` keeps method, notes and reasons in English, the language of the console. Tables and reports in
another language read each sentence by its pattern in ``wording.toml`` (groups ``note``, ``note_word``,
``note_reason``): the English text with its fields, the numbers and names, which are put into the other text.
"""

import re
import string
from functools import cache
from typing import Literal

from reform_analysis.wording import catalogue, say

Kind = Literal["note", "note_word", "note_reason"]
_ANY = "(?:(?!; ).)+?"  # no field holds what joins the parts of a sentence
_FORMS = dict.fromkeys(("n", "df", "share"), r"[\d.]+") | dict.fromkeys(("outcome", "exposure"), r"\S+?")


def in_language(sentence: str, language: str, *, kind: Kind = "note") -> str:
    """Return a method, a note or a reason of a result in a language.

    Parameters
    ----------
    sentence : str
        Of `Estimates.method`, `Estimates.notes`, `CheckResult.notes`, or the columns of `Estimates.dropped`.
    language : {"zh", "en"}
    kind : {"note", "note_word", "note_reason"}
        Where its pattern stands; arms are words, reasons those of `Estimates.dropped`.

    Returns
    -------
    str
        As it is where the catalogue has no pattern of it, as with a note of the reader's own.

    Raises
    ------
    DataError
        If the language is unknown.

    Examples
    --------
    >>> in_language("Poisson with unit and period effects; cluster-robust (CRV1), t(10)", "zh")
    '带单位和时期效应的泊松模型；聚类稳健（CRV1），t(10)'
    >>> in_language("missing value (3 units)", "zh", kind="note_reason")
    '有缺失值，3个单位'
    >>> in_language("Counted by hand.", "zh")
    'Counted by hand.'
    """
    say("format.parts", language)  # an unknown language is named
    if language == "en":
        return sentence
    return _read(sentence, (kind,), language) or _joined(sentence, "; ", "parts", kind, language) or sentence


def _joined(text: str, between: str, joint: str, kind: Kind, language: str) -> str | None:
    """A text that is put together of two phrases or more; None where one of them has no pattern."""
    parts = [_read(part, ("note_word", kind), language) for part in text.split(between)]
    if len(parts) < 2 or not all(parts):
        return None
    return say(f"format.{joint}", language).join(map(str, parts))


def _read(text: str, groups: tuple[Kind, ...], language: str) -> str | None:
    """The text in the language, its fields too; None where no pattern fits."""
    for key, pattern in (each for group in groups for each in _patterns(group)):
        found = pattern.fullmatch(text)
        if found:
            fields = {name: _field(part, groups[-1], language) for name, part in found.groupdict().items()}
            return say(key, language, **fields)
    return None


def _field(text: str, kind: Kind, language: str) -> str:
    """A field: a phrase, a list of phrases, or a name or number that stays."""
    return _read(text, ("note_word", kind), language) or _joined(text, ", ", "list", kind, language) or text


@cache
def _patterns(group: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Keys and patterns of a group: closed ones first, then those with the most text of their own."""
    texts = {key: each["en"] for key, each in catalogue().items() if key.startswith(f"{group}.")}
    own = {key: sum(len(part[0]) for part in string.Formatter().parse(text)) for key, text in texts.items()}
    order = sorted(texts, key=lambda key: (texts[key].endswith("}"), -own[key]))
    return tuple((key, _pattern(texts[key])) for key in order)


def _pattern(text: str) -> re.Pattern[str]:
    """Of an English text."""
    parts = string.Formatter().parse(text)
    return re.compile(
        "".join(
            re.escape(own) + (f"(?P<{name}>{_FORMS.get(name, _ANY)})" if name else "")
            for own, name, *_ in parts
        )
    )
