"""Messages of errors: English text that knows its Chinese, for a command line that speaks the study's tongue.

An error carries one as its first argument, or a plain text that is English in both languages.
"""

import os
from collections.abc import Iterable
from typing import Any

from reform_analysis.wording import catalogue, say

SPOKEN = "REFORM_ANALYSIS_LANGUAGE"  # set in the kernel of a report: its language


class Message(str):
    """The English text of a message, made by `message` or `lines`.

    Attributes
    ----------
    key : str
        In the catalogue; empty for the lines of `parts`.
    values : dict
        The fields of the text; messages, and errors that carry one, are said in the same language.
    parts : tuple
    """

    __slots__ = ("key", "parts", "values")

    key: str
    values: dict[str, Any]
    parts: tuple[Any, ...]

    def __str__(self) -> str:
        """The text as it is shown: in a Chinese report in Chinese.

        Returns
        -------
        str
        """
        return sentence(self, "zh") if os.environ.get(SPOKEN) == "zh" else str.__str__(self)


def message(key: str, **values: Any) -> Message:
    """Return a message of the catalogue.

    Parameters
    ----------
    key : str
        ``group.name`` in the catalogue.
    **values
        The fields of the text. A tuple is a list of names.

    Returns
    -------
    Message

    Raises
    ------
    DataError
        As `wording.say`.

    Examples
    --------
    >>> text = message("refused.reserved", name="con")
    >>> text[:24], sentence(text, "zh")[:8]
    ("the report name 'con' is", '报告名“con”')
    """
    made = Message(say(key, "en", **_said(values, "en")))
    made.key, made.values, made.parts = key, values, ()
    return made


def lines(*parts: Any) -> Message:
    """Return a message of several lines.

    Parameters
    ----------
    *parts
        Messages, plain texts, or errors.

    Returns
    -------
    Message
    """
    made = Message("\n".join(sentence(part, "en") for part in parts))
    made.key, made.values, made.parts = "", {}, parts
    return made


def listed(head: Any, faults: Iterable[Any]) -> Message:
    """Return a message with one line a fault under a head.

    Parameters
    ----------
    head : str
        Without its colon.
    faults : iterable of str

    Returns
    -------
    Message
    """
    items = [message("refused.item", fault=fault) for fault in faults]
    return lines(message("refused.head", head=head), *items)


def sentence(said: Any, language: str) -> str:
    """Return a message in a language.

    Parameters
    ----------
    said : Message, str or Exception
        A plain text is what it is in both languages.
    language : {"zh", "en"}

    Returns
    -------
    str
    """
    text = said.args[0] if isinstance(said, BaseException) and said.args else said
    if not isinstance(text, Message):
        return str(said)
    if text.parts:
        return "\n".join(sentence(part, language) for part in text.parts)
    return say(text.key, language, **_said(text.values, language))


def speaks(said: Any) -> bool:
    """Return whether an error or text knows its Chinese.

    Parameters
    ----------
    said : str or Exception

    Returns
    -------
    bool
    """
    return isinstance(said.args[0] if isinstance(said, BaseException) and said.args else said, Message)


def cause(refused: Exception) -> str:
    """Return why the system refused a file: a message where it is one of the common reasons.

    Parameters
    ----------
    refused : Exception

    Returns
    -------
    str
    """
    told = str(getattr(refused, "strerror", None) or refused)
    keys = (key for key, texts in catalogue().items() if key.startswith("cause.") and texts["en"] == told)
    return next((message(key) for key in keys), told)


def named_cause(refused: Exception) -> str:
    """Return what the system says of a file with the file's name: a message where the file is missing.

    Parameters
    ----------
    refused : Exception

    Returns
    -------
    str
    """
    if not isinstance(refused, FileNotFoundError):
        return str(refused)
    return message("file.missing", number=refused.errno, path=str(refused.filename))


def _said(values: dict[str, Any], language: str) -> dict[str, Any]:
    names = say("refused.names", language)
    return {
        name: names.join(sentence(item, language) for item in value)
        if isinstance(value, tuple)
        else sentence(value, language)
        if isinstance(value, (Message, BaseException))
        else value
        for name, value in values.items()
    }
