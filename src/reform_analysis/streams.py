"""What cells print: a stated size at most, without the names of the kernel's files, in linear time."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from nbformat import NotebookNode

from reform_analysis.wording import say

KEPT = 200_000  # characters a stream and cell; a browser still scrolls, and a report has thirty pages of them
KERNEL_FILE = re.compile(r"ipykernel_\d+[/\\]\d+\.py")


class Printed:
    """Counts what one cell prints, and passes on no more than `KEPT` characters of each stream."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def cut(self, stream: str, text: str) -> str:
        """Return what of a chunk is kept.

        Parameters
        ----------
        stream : {"stdout", "stderr"}
        text : str
            The next chunk, in any size: where it is cut depends on the whole alone.

        Returns
        -------
        str
            Empty where the stream is full.
        """
        room = max(0, KEPT - self._seen[stream])
        self._seen[stream] += len(text)
        return text[:room]

    def clear(self) -> None:
        """Begin anew: the cell cleared its output."""
        self._seen.clear()

    def say_rest(self, outputs: Iterable[NotebookNode], language: str) -> None:
        """Tell at the end of each full stream how much was left out.

        Parameters
        ----------
        outputs : iterable of NotebookNode
            Of the cell; changed in place.
        language : {"zh", "en"}
        """
        last = {output.name: output for output in outputs if output.output_type == "stream"}
        for stream, output in last.items():
            count = self._seen[stream] - KEPT
            if count > 0:
                rest = say("render.left_out", language, count=f"{count:,}", kept=f"{KEPT:,}")
                output.text = f"{output.text}\n{rest}\n"


def join(outputs: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Return outputs with the chunks of each stream in one, standard output before standard error.

    As nbclient's ``coalesce_streams``, whose time is quadratic in the length of the longest line: where the
    chunks of a stream end depends on timing.

    Parameters
    ----------
    outputs : iterable of NotebookNode
        Of one cell.

    Returns
    -------
    list of NotebookNode
    """
    chunks: dict[str, list[str]] = {}
    joined: list[NotebookNode] = []
    for output in outputs:
        if output.output_type != "stream":
            joined.append(output)
            continue
        if output.name not in chunks:
            joined.append(output)
        chunks.setdefault(output.name, []).append(output.text)
    for output in joined:
        if output.output_type == "stream":
            output.text = _overtyped("".join(chunks[output.name]))
    for number, pair in enumerate(pairwise(joined)):
        if [output.get("name") for output in pair] == ["stderr", "stdout"]:
            joined[number : number + 2] = pair[::-1]
            break
    return joined


def _overtyped(text: str) -> str:
    """What a carriage return leaves of each line, as a terminal shows a progress bar."""
    lines = text.split("\n")
    return "\n".join(line[line.rfind("\r", 0, max(0, len(line) - 1)) + 1 :] for line in lines)


def hide_kernel_files(text: str) -> str:
    r"""Replace the file names that Python gives to cells: they hold the number of the kernel's process.

    As ``re.sub(r"\S*ipykernel_\d+[/\\]\d+\.py", "<cell>", text)``, whose time is quadratic in the length of
    the longest run without a blank.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> hide_kernel_files("at /tmp/ipykernel_17/4021.py:1")
    'at <cell>:1'
    """
    parts: list[str] = []
    end = 0
    for match in KERNEL_FILE.finditer(text):
        before = text[end : match.start()]
        run = before.rsplit(None, 1)[-1] if before and not before[-1].isspace() else ""
        head = before[: len(before) - len(run)]
        if head or not parts:  # two names in one run are one
            parts += [head, "<cell>"]
        end = match.end()
    return "".join([*parts, text[end:]])


def missing_glyph(text: str) -> str | None:
    """Return matplotlib's complaint about a character that no font has.

    Parameters
    ----------
    text : str
        A stream.

    Returns
    -------
    str or None
        From "Glyph" to the end of the line.
    """
    for line in text.split("\n"):
        start = line.find("Glyph ")
        if start >= 0 and " missing from " in line[start + len("Glyph ") :]:
            return line[start:]
    return None
