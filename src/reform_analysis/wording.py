"""Every label and finding sentence, in Chinese and English.

The sentences stand in one catalogue, ``wording.toml``: a key, its Chinese and its English text, with
``{name:format}`` fields for the numbers. Code chooses the key from the result and passes the numbers;
no sentence is typed anywhere else.
"""

import math
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from math import isnan
from typing import Any, Literal

from reform_analysis.estimates import DataError, require_choice
from reform_analysis.exclusions import excluded_ends

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return the catalogue, flat: ``{"page.contents": {"zh": ..., "en": ...}}``.

    Returns
    -------
    dict
    """
    tree = tomllib.loads(files("reform_analysis").joinpath("wording.toml").read_text(encoding="utf-8"))
    return {f"{group}.{key}": texts for group, keys in tree.items() for key, texts in keys.items()}


def say(key: str, language: str, **values: Any) -> str:
    """Return the text of `key` in `language` with the numbers put in.

    Parameters
    ----------
    key : str
        ``group.name`` in the catalogue.
    language : {"zh", "en"}
    **values
        The fields of the text.

    Returns
    -------
    str

    Raises
    ------
    DataError
        If the key or the language is unknown, or a field is missing.
    """
    require_choice("language", language, LANGUAGES)
    if key not in catalogue():
        raise DataError(f"wording has no key {key!r}; see wording.toml for the keys there are.")
    try:
        return catalogue()[key][language].format(**values)
    except KeyError as missing:
        raise DataError(f"wording {key!r} needs a value for {missing}; pass it by name.") from None


@dataclass(frozen=True)
class Prose:
    """Sentences that show themselves in a notebook.

    Parameters
    ----------
    sentences : tuple of str
        Plain text, in order.
    kind : {"findings", "box"}
        A list of findings, or a box set apart.
    heading : str
        Heading of a box; empty for none.
    """

    sentences: tuple[str, ...]
    kind: Literal["findings", "box"] = "findings"
    heading: str = ""

    def __str__(self) -> str:
        return "\n".join([*([self.heading] if self.heading else []), *self.sentences])

    def _repr_html_(self) -> str:
        if len(self.sentences) == 1 and not self.heading:
            return f'<div class="{self.kind}"><p>{_html(self.sentences[0])}</p></div>'
        heading = f"<p><strong>{escape(self.heading)}</strong></p>" if self.heading else ""
        items = "".join(f"<li>{_html(sentence)}</li>" for sentence in self.sentences)
        return f'<div class="{self.kind}">{heading}<ul>{items}</ul></div>'


def _html(sentence: str) -> str:
    """Escaped, with "p = 0.029" kept on one line."""
    return re.sub(r"\bp ([=<]|&lt;) ", r"p&nbsp;\1&nbsp;", escape(sentence))


def span(low: float, high: float, form: str, language: str) -> str:
    """Return a range in words: one number where both ends print alike, "none" where there is no range.

    Parameters
    ----------
    low, high : float
        Ends of the range.
    form : str
        Format of each end, as ``".2f"``.
    language : {"zh", "en"}

    Returns
    -------
    str

    Examples
    --------
    >>> span(0.501, 0.505, ".2f", "en"), span(50, 58, ".0f", "en")
    ('0.50 to 0.51', '50 to 58')
    """
    if isnan(low) or isnan(high):
        return say("format.none", language)
    ends = format(low, form), format(high, form)
    return ends[0] if ends[0] == ends[1] else say("format.span", language, low=ends[0], high=ends[1])


def localised(frame: Any, stem: str, language: str) -> Any:
    """Return the column of a frame in a language.

    Parameters
    ----------
    frame : DataFrame or Series
        With ``<stem>_zh`` and ``<stem>_en``.
    stem : str
    language : {"zh", "en"}

    Returns
    -------
    Series or str

    Raises
    ------
    DataError
        If the language is unknown or the column missing.
    """
    require_choice("language", language, LANGUAGES)
    name = f"{stem}_{language}"
    if name not in frame:
        raise DataError(f"the frame has no column {name!r}; add it, or pass a frame that carries labels.")
    return frame[name]


def ratio_text(value: float) -> str:
    """Return a ratio in two decimals, and in more where they would hide that it is not 1.

    Parameters
    ----------
    value : float

    Returns
    -------
    str

    Examples
    --------
    >>> ratio_text(0.62), ratio_text(0.9968), ratio_text(1.00004), ratio_text(1.0), ratio_text(float("inf"))
    ('0.62', '0.997', '1.00004', '1.00', '∞')
    """
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞"
    texts = [f"{value:z.{digits}f}" for digits in range(2, 7)]
    return next((text for text in texts if float(text) != 1), texts[0])


def excluded_text(low: float, high: float, *, scale: str, language: str) -> str:
    """Return what a null result excludes, as a clause without a full stop.

    Parameters
    ----------
    low, high : float
        Interval of the result, at the level of its fit.
    scale : str
        As `Estimates` names it.
    language : {"zh", "en"}

    Returns
    -------
    str
        Empty where the result is no null result, see `exclusions.excluded_ends`.

    Examples
    --------
    >>> excluded_text(0.6, 1.3, scale="rate_ratio", language="en")
    'only ratios below 0.60 or above 1.30 are excluded'
    >>> excluded_text(0.0, float("inf"), scale="rate_ratio", language="en")
    'no ratios are excluded, however small or large'
    """
    ends = excluded_ends(low, high, scale=scale)
    if ends is None:
        return ""
    told = [name for name, end in zip(("below", "above"), ends, strict=True) if not isnan(end)]
    what = say(f"excluded.{scale}", language)
    texts = {name: _end_text(end) for name, end in zip(("low", "high"), ends, strict=True)}
    return say(f"excluded.{'_'.join(told) or 'nothing'}", language, what=what, **texts)


def _end_text(value: float) -> str:
    """An end of an interval, in more digits where two would print a number that it is not."""
    return f"{value:.2g}" if 0 < abs(value) < 0.005 else ratio_text(value)


class Limit(float):
    """An end of an interval, which prints as a sign where it is infinite.

    Examples
    --------
    >>> f"{Limit(0.5):.2f} {Limit('inf'):.2f}"
    '0.50 ∞'
    """

    def __format__(self, form: str) -> str:
        """Return the number in a format, or the sign."""
        return "∞" if self == float("inf") else super().__format__(form)


def p_number(p_value: float) -> str:
    """Return a p-value as a number in three decimals, or as a bound below 0.001.

    Parameters
    ----------
    p_value : float

    Returns
    -------
    str

    Examples
    --------
    >>> p_number(0.0294), p_number(1e-9)
    ('0.029', '<0.001')
    """
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def p_text(p_value: float) -> str:
    """Return a p-value as a statement that no line breaks; an undefined one has no number.

    Parameters
    ----------
    p_value : float

    Returns
    -------
    str

    Examples
    --------
    >>> p_text(0.0294), p_text(1e-9)
    ('p\\xa0=\\xa00.029', 'p\\xa0<\\xa00.001')
    """
    number = p_number(p_value)
    return f"p\u00a0<\u00a0{number[1:]}" if number.startswith("<") else f"p\u00a0=\u00a0{number}"
