"""The language that the command line speaks: that asked for, else the study's own, else English."""

import re
from itertools import islice
from os import PathLike
from pathlib import Path

from reform_analysis.messages import sentence, speaks
from reform_analysis.wording import LANGUAGES, say

STUDY = "study.yaml"
_BLOCK = re.compile(r"^languages\s*:(?P<rest>.*(?:\n(?:[ \t\-\]#].*)?$)*)", re.MULTILINE)
_CODE = re.compile(rf"(?<!\w)(?:{'|'.join(LANGUAGES)})(?!\w)")


def spoken(asked: str | None, *places: str | PathLike[str] | None) -> str:
    """Return the language of a command's messages.

    The first language of the study file counts. A study file without the key `languages` makes reports in
    all of them, and says nothing.

    Parameters
    ----------
    asked : {"zh", "en"} or None
        By ``--language``.
    *places : path or None
        What the command is about: a study file, or something in its folder or below. The current folder is
        looked into last.

    Returns
    -------
    {"zh", "en"}
    """
    if asked in LANGUAGES:
        return str(asked)
    files = (file for place in (*places, STUDY) if place is not None for file in _studies(Path(place)))
    return next(filter(None, map(_first_language, files)), "en")


def _studies(place: Path) -> list[Path]:
    """The study file that a path may be, and the one that stands nearest above it."""
    path = place.absolute()
    above = (folder / STUDY for folder in (path, *path.parents))
    found = [path] if path.suffix in (".yaml", ".yml") else []
    return [*found, *islice((file for file in above if file.is_file()), 1)]


def _first_language(file: Path) -> str | None:
    """Read off the text: a study file that is refused is to be refused in its own language."""
    try:
        text = file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return None
    block = _BLOCK.search(text)
    code = _CODE.search(re.sub("#.*", "", block["rest"])) if block else None
    return code[0] if code else None


def refusal(refused: Exception, language: str, *, command: str) -> str:
    """Return what to say of an error that ends a command.

    Parameters
    ----------
    refused : Exception
    language : {"zh", "en"}
    command : str
        Named in Chinese, before the words of an error that has none.

    Returns
    -------
    str
    """
    key = "speech.error" if speaks(refused) or language == "en" else "speech.original"
    return say(key, language, command=command, error=sentence(refused, language))
