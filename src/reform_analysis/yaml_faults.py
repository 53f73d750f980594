"""What stands in a YAML file but would not be read as it is written, and the line of a key."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import yaml

from reform_analysis.messages import Message, message

_DECIMAL = re.compile(r"[+-]?(0|[1-9][0-9]*)")


def find(root: yaml.Node, place: Sequence[int | str]) -> int | None:
    """Return the line of a key.

    Parameters
    ----------
    root : yaml.Node
    place : sequence of int and str
        Keys and positions in lists, from the root on.

    Returns
    -------
    int or None
        From 1; None where the file has no such key.
    """
    line = _line(root)
    for part in place:
        if isinstance(root, yaml.MappingNode):
            pair = next((pair for pair in root.value if pair[0].value == str(part)), None)
        else:
            items = root.value if isinstance(root, yaml.SequenceNode) and isinstance(part, int) else []
            pair = next(((item, item) for item in items[int(part) :][:1]), None) if items else None
        if pair is None:
            return None
        line, root = _line(pair[0]), pair[1]
    return line


def line_of(root: yaml.Node, place: Sequence[int | str]) -> int:
    """Return the line of a key, or of the innermost thing around it that the file has.

    Parameters
    ----------
    root : yaml.Node
    place : sequence of int and str

    Returns
    -------
    int
        From 1.
    """
    lines = (find(root, place[:depth]) for depth in range(len(place), 0, -1))
    return next((line for line in lines if line), _line(root))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def faults(root: yaml.Node) -> list[Message]:
    """Return keys that stand twice or are no text, dates and numbers that would change, and loops.

    YAML's loader overwrites a repeated key in silence, reads ``yes:`` as the key true, 010 as eight,
    2021-01-01 10:00 as a time, and follows an alias into itself without end.

    Parameters
    ----------
    root : yaml.Node

    Returns
    -------
    list of Message
        Each with its ``line`` among the values.
    """
    return list(_faults(root, (), set()))


def _faults(node: yaml.Node, above: tuple[int, ...], seen: set[int]) -> Iterator[Message]:
    if id(node) in above:
        yield message("refused.loop", line=_line(node))
    if id(node) in seen:
        return
    seen.add(id(node))
    inside = (*above, id(node))
    if isinstance(node, yaml.ScalarNode):
        yield from _of_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _faults(item, inside, seen)
    elif isinstance(node, yaml.MappingNode):
        yield from _of_keys([key for key, _ in node.value])
        for _, value in node.value:
            yield from _faults(value, inside, seen)


def _of_keys(keys: Sequence[yaml.Node]) -> Iterator[Message]:
    names = set()
    for key in keys:
        if not isinstance(key, yaml.ScalarNode) or key.tag not in (_tag("str"), _tag("merge")):
            written = key.value if isinstance(key, yaml.ScalarNode) else "?"
            yield message("refused.key_no_text", line=_line(key), field=written)
        elif key.value in names and key.tag != _tag("merge"):
            yield message("refused.key_twice", line=_line(key), field=key.value)
        else:
            yield from _of_scalar(key)
            names.add(key.value)


def _of_scalar(node: yaml.ScalarNode) -> Iterator[Message]:
    told: dict[str, Any] = {"line": _line(node), "written": node.value}
    if not node.value.isprintable() and not _is_text(node.value):
        yield message("refused.half_character", **{**told, "written": ascii(node.value)})
    elif node.tag == _tag("timestamp") and not _is_date(node.value):
        yield message("refused.changed_date", **told)
    elif node.tag == _tag("int") and not _DECIMAL.fullmatch(node.value):
        yield message("refused.changed_number", **told)


def _is_text(written: str) -> bool:
    try:
        written.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_date(written: str) -> bool:
    try:
        return date.fromisoformat(written).isoformat() == written
    except ValueError:
        return False


def _tag(kind: str) -> str:
    return f"tag:yaml.org,2002:{kind}"
