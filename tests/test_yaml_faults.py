"""What a YAML file holds otherwise than it is written is named with its line."""

import pytest
import yaml

from reform_analysis import yaml_faults


def root(text: str) -> yaml.Node:
    found = yaml.compose(text, Loader=yaml.SafeLoader)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [2021-01-01, -3, 1.5, true, 中文]\nc: {d: '007'}",
        "base: &base {a: 1}\nother: {<<: *base, b: 2}\nthird: *base",
        "a: 2021-1-1",
    ],
)
def test_what_is_read_as_it_is_written_is_no_fault(text: str) -> None:
    assert yaml_faults.faults(root(text)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", ["line 3: the key 'a' stands twice; remove one"]),
        ("x:\n  a: 1\n  a: 2\ny: {b: 1, b: 2}", ["line 3: the key 'a'", "line 4: the key 'b'"]),
        ("yes: 3", ["line 1: the key yes would not be read as text"]),
        ("2021-01-01: 3", ["line 1: the key 2021-01-01 would not"]),
        ("? [a, b]\n: 3", ["line 1: the key ? would not"]),
        ("a: 2021-01-01 10:00:00", ["line 1: 2021-01-01 10:00:00 would be read as a date"]),
        ("a: 2021-13-45", ["line 1: 2021-13-45 would be read as a date"]),
        ("a:\n- 010\n- 12:30\n- 0x1f\n- 1_000", [f"line {n}: " for n in (2, 3, 4, 5)]),
        ('a: "\\ud83d"', ["line 1: '\\ud83d' holds half a character"]),
        ("a: &a\n  b: *a", ["line 1: an anchor that holds itself"]),
    ],
)
def test_what_would_change_is_named_with_its_line(text: str, expected: list[str]) -> None:
    found = yaml_faults.faults(root(text))
    assert len(found) == len(expected)
    for fault, start in zip(found, expected, strict=True):
        assert fault.startswith(start)


def test_aliases_within_aliases_are_looked_at_once() -> None:
    lines = ["a0: &a0 [010]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))]
    assert len(yaml_faults.faults(root("\n".join(lines)))) == 1


def test_the_line_of_a_key_is_that_of_the_innermost_there_is() -> None:
    tree = root("a: 1\nb:\n  c:\n  - {d: 1}\n  - {e: 2,\n     f: 3}\n")
    assert yaml_faults.find(tree, ("b", "c", 1, "f")) == 6
    assert yaml_faults.find(tree, ("b", "c", 7)) is None
    assert yaml_faults.find(tree, ("z",)) is None
    assert yaml_faults.line_of(tree, ("b", "c", 1, "z")) == 5
    assert yaml_faults.line_of(tree, ("z", "y")) == 1
