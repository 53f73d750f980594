"""What a report of a grid is about, in words: names of the grid's keys, and the values of one report."""

from collections.abc import Mapping

from reform_analysis.panel_texts import label
from reform_analysis.wording import LANGUAGES, catalogue, say


def key_label(key: str, language: str) -> str:
    """Return the name of a grid key: a declared column's title, a word of the catalogue, or the key itself.

    Parameters
    ----------
    key : str
    language : {"zh", "en"}

    Returns
    -------
    str

    Examples
    --------
    >>> key_label("county", "zh"), key_label("language", "zh"), key_label("share", "zh")
    ('县（市、区）', '语言', 'share')
    """
    word = f"grid_key.{key}"
    return say(word, language) if word in catalogue() else label(key, None, language)


def both_labels(key: str) -> str:
    """Return the name of a grid key in Chinese and English, for the index.

    Parameters
    ----------
    key : str

    Returns
    -------
    str
    """
    return " / ".join(dict.fromkeys(key_label(key, language) for language in LANGUAGES))


def place(keys: Mapping[str, str], language: str) -> dict[str, str]:
    """Return what a report is about: names of the grid's keys and this report's values, but its language.

    An outcome or exposure that is a declared column stands with its title and the column's name.

    Parameters
    ----------
    keys : mapping of str to str
        Of the report.
    language : {"zh", "en"}

    Returns
    -------
    dict of str to str
    """
    return {
        key_label(key, language): _value(key, value, language) or "–"
        for key, value in keys.items()
        if key != "language"
    }


def _value(key: str, value: str, language: str) -> str:
    title = label(value, None, language) if key in ("outcome", "exposure") else value
    return value if title == value else say("grid_key.with_column", language, title=title, column=value)


def place_text(keys: Mapping[str, str]) -> str:
    """Return the values of one report in one line, as ``--where`` takes them.

    Parameters
    ----------
    keys : mapping of str to str

    Returns
    -------
    str
        Empty where there is no grid but of languages.

    Examples
    --------
    >>> place_text({"county": "甲县", "outcome": "losses", "language": "zh"})
    'county=甲县, outcome=losses'
    """
    return ", ".join(f"{key}={value}" for key, value in keys.items() if key != "language")
