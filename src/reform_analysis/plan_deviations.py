"""Deviations from an analysis plan: a small file of headings, ``## date · H1 · what changed · why``."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from reform_analysis.analysis_plan import WHOLE, Change
from reform_analysis.messages import Message, message
from reform_analysis.study_file import listing, nearest, read_text

FILE = "deviations.md"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DOTS = re.compile(r"\s*[·・•‧]\s*")


@dataclass(frozen=True)
class Deviation:
    """One entry of ``deviations.md``.

    Parameters
    ----------
    day : str
        ISO date.
    hypothesis : str
        Its id; ``plan`` for title and alpha.
    what : str
        What changed; it explains the keys that it names.
    why : str
    """

    day: str
    hypothesis: str
    what: str
    why: str

    def explains(self, change: Change) -> bool:
        """Whether this entry is about a difference: the same hypothesis, and its key among the words.

        A hypothesis that came or went has no key, any entry under its id will do.

        Parameters
        ----------
        change : Change

        Returns
        -------
        bool

        Examples
        --------
        >>> entry = Deviation("2026-11-24", "plan", "alpha由0.05改为0.1", "少")
        >>> entry.explains(Change("plan", "alpha", 0.05, 0.1))
        True
        >>> entry.explains(Change("H1", "post", None, None))
        False
        """
        # \b would not do: Chinese characters are word characters.
        named = re.search(rf"(?<![A-Za-z0-9_]){re.escape(change.key)}(?![A-Za-z0-9_])", self.what)
        return self.hypothesis == change.hypothesis and (named is not None or change.key == "hypothesis")


def read_deviations(path: str | Path, *, hypotheses: Collection[str]) -> tuple[Deviation, ...]:
    """Read the deviations from a plan.

    Parameters
    ----------
    path : str or Path
        Markdown in UTF-8; each heading of level two is an entry, what stands below it is for the reader.
        May be missing: no deviation was declared then.
    hypotheses : collection of str
        Ids that an entry may name, ``plan`` besides.

    Returns
    -------
    tuple of Deviation
        In the order of the file.

    Raises
    ------
    ReportError
        Every heading that is no entry, with its line.
    """
    if not Path(path).exists():
        return ()
    faults: list[str] = []
    found = []
    for number, line in enumerate(read_text(path, kind="file of deviations").splitlines(), start=1):
        if line.startswith("## "):
            entry = _parse(line.removeprefix("## ").strip(), hypotheses, number, faults)
            found += [entry] if entry else []
    if faults:
        kind = message("refused.file_of_deviations")
        raise listing(message("refused.refused", kind=kind, path=path), faults)
    return tuple(found)


def _parse(heading: str, hypotheses: Collection[str], line: int, faults: list[str]) -> Deviation | None:
    parts = [part.strip() for part in _DOTS.split(heading, maxsplit=3)]
    whole = len(parts) == 4 and all(parts)
    if not whole:
        faults.append(message("refused.heading", line=line, heading=heading))
    if whole or (len(parts) > 1 and _DAY.fullmatch(parts[0])):
        faults += _part_faults(parts[0], parts[1], hypotheses, line)
    return Deviation(*parts) if whole else None


def _part_faults(day: str, name: str, hypotheses: Collection[str], line: int) -> list[Message]:
    found = []
    if not _is_day(day):
        kind = "no_day" if _DAY.fullmatch(day) else "day"
        found.append(message(f"refused.heading_{kind}", line=line, day=day))
    if name and name not in {*hypotheses, WHOLE}:
        near = nearest(name, {*hypotheses, WHOLE})
        found.append(message("refused.heading_name", line=line, name=name, nearest=near))
    return found


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def explanations(change: Change, entries: Sequence[Deviation]) -> tuple[Deviation, ...]:
    """Return the entries that explain a difference.

    Parameters
    ----------
    change : Change
    entries : sequence of Deviation

    Returns
    -------
    tuple of Deviation
        Empty where nothing explains it.
    """
    return tuple(entry for entry in entries if entry.explains(change))
