"""What cells show beside streams: a stated size an output and a report, and a notice of what is left out."""

import json
from html import escape
from math import ceil
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from reform_analysis.streams import KEPT
from reform_analysis.wording import say

OUTPUT = 10_000_000  # characters; an interactive figure brings a library of five million with it
REPORT = 30_000_000  # some hundred figures; a browser opens a page of that size within seconds
TAG = 40  # what a tag costs a parser and a browser beyond its characters: a megabyte of table takes 3 seconds
EACH = 1_000  # what stands around an output on the page
MESSAGE = 10_000  # characters of an error's message, which stands in the index too
SHOWING = ("display_data", "execute_result", "update_display_data")


class Displayed:
    """Weighs what the cells of one report show, and says what is left out.

    The weight of an output is its length in characters in all its types, `TAG` more for each tag of HTML, and
    `EACH` for itself.

    Parameters
    ----------
    language : {"zh", "en"}
        Of the notices.
    """

    def __init__(self, language: str) -> None:
        self._language = language
        self._taken = 0
        # Outputs that share a display id: how many, weight of each.
        self._by_id: dict[str, tuple[int, int]] = {}
        self.begin()

    def begin(self) -> None:
        """Begin the next cell."""
        self._cell = 0
        self._left = 0

    def clear(self) -> None:
        """Give back what the cell has taken: it cleared its output."""
        self._taken -= self._cell
        self.begin()

    def admit(self, kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
        """Return what of a message is kept.

        Parameters
        ----------
        kind : str
            One of `SHOWING`.
        content : dict
            Of the message.

        Returns
        -------
        dict or None
            With a notice in the place of an output that weighs too much; None where the report is full.
        """
        name = str((content.get("transient") or {}).get("display_id") or "")
        number, before = self._by_id.get(name, (0, 0))
        size = weight(content)
        if size > OUTPUT:
            content = self._replaced(content, "render.output_left_out", size=_mega(size), kept=_mega(OUTPUT))
            size = weight(content)
        update = kind == "update_display_data"
        number += 0 if update else 1
        more = max(1, number) * size - (number if update else number - 1) * before
        if self._taken + more > REPORT:
            if not update:
                self._left += 1
                return None
            return self._replaced(content, "render.outputs_left_out", count="1", kept=_mega(REPORT))
        self._taken += more
        self._cell += more
        if name:
            self._by_id[name] = (number, size)
        return content

    def _replaced(self, content: dict[str, Any], key: str, **values: str) -> dict[str, Any]:
        return {**content, "data": _notice(say(key, self._language, **values)), "metadata": {}}

    def say_rest(self) -> list[NotebookNode]:
        """Return what is to be said at the end of the cell: that the report was full.

        Returns
        -------
        list of NotebookNode
            Empty where nothing was left out for that.
        """
        if not self._left:
            return []
        told = say("render.outputs_left_out", self._language, count=f"{self._left:,}", kept=_mega(REPORT))
        return [new_output("display_data", data=_notice(told))]


def weight(content: dict[str, Any]) -> int:
    """Return what an output weighs.

    Parameters
    ----------
    content : dict
        Of a message: ``data`` by type, and ``metadata``.

    Returns
    -------
    int

    Examples
    --------
    >>> weight({"data": {"text/html": "<b>7</b>", "text/plain": "7"}})
    1089
    """
    data = content.get("data") or {}
    texts = [value if isinstance(value, str) else json.dumps(value) for value in data.values()]
    about = len(json.dumps(content["metadata"])) if content.get("metadata") else 0
    return EACH + sum(map(len, texts)) + TAG * str(data.get("text/html", "")).count("<") + about


def cut_error(content: dict[str, Any]) -> dict[str, Any]:
    """Return an error's message and traceback, each cut to a stated size.

    Parameters
    ----------
    content : dict
        Of the message.

    Returns
    -------
    dict
    """
    said, traceback = str(content.get("evalue", "")), content.get("traceback") or []
    if len(said) > MESSAGE:
        said = said[:MESSAGE] + " …"
    room = KEPT
    kept = []
    for line in traceback:
        kept.append(line if len(line) <= room else line[:room] + " …")
        room = max(0, room - len(line))
        if not room:
            break
    return {**content, "evalue": said, "traceback": kept}


def _notice(text: str) -> dict[str, str]:
    return {"text/html": f'<p class="left-out" role="note">{escape(text)}</p>', "text/plain": text}


def _mega(size: int) -> str:
    return f"{ceil(size / 1e5) / 10:,.1f}".removesuffix(".0")  # what is over a limit never reads like it
