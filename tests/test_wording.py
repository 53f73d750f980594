"""The catalogue: both languages, the same fields, Chinese punctuation, no missing key."""

import ast
import re
import string
from pathlib import Path

import pytest

from reform_analysis.estimates import DataError
from reform_analysis.wording import LANGUAGES, Prose, catalogue, p_text, say, span

SOURCE = Path(__file__).parents[1] / "src" / "reform_analysis"


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_both_languages_use_the_same_fields(key: str) -> None:
    texts = catalogue()[key]
    assert set(texts) == set(LANGUAGES)
    assert fields(texts["zh"]) == fields(texts["en"])


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_chinese_uses_chinese_punctuation(key: str) -> None:
    chinese = catalogue()[key]["zh"]
    assert not re.search(r"[\u4e00-\u9fff][,;:?!()]|[,;:?!()][\u4e00-\u9fff]", chinese)


def literal_keys() -> set[str]:
    """Keys that the code passes to `say` as plain strings."""
    calls = [
        node
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "say"
    ]
    return {call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)}


def test_every_literal_key_exists() -> None:
    keys = literal_keys()
    assert len(keys) > 10
    assert keys <= set(catalogue())


def test_unknown_key_language_and_field_are_named() -> None:
    with pytest.raises(DataError, match=r"no key 'finding\.nothing'"):
        say("finding.nothing", "en")
    with pytest.raises(DataError, match="^language must be one of"):
        say("finding.fall", "fr")
    with pytest.raises(DataError, match="needs a value for 'low'"):
        say("format.span", "en", high=1)


def test_span_prints_one_number_where_both_ends_print_alike() -> None:
    assert span(0.5802, 0.5804, ".3f", "en") == "0.580"
    assert span(50, 58, ".0f", "zh") == "50至58"


@pytest.mark.parametrize(
    ("p_value", "text"),
    [(0.0294558, "p\u00a0=\u00a00.029"), (0.000999, "p\u00a0<\u00a00.001"), (1.0, "p\u00a0=\u00a01.000")],
)
def test_p_text(p_value: float, text: str) -> None:
    assert p_text(p_value) == text


def test_prose_escapes_what_it_shows() -> None:
    page = Prose(("a < b",), kind="box", heading="<x>")._repr_html_()
    assert "a &lt; b" in page
    assert "&lt;x&gt;" in page


def test_p_values_are_not_broken_over_lines() -> None:
    page = Prose(("with p = 0.029 and p < 0.001", "b"))._repr_html_()
    assert "p&nbsp;=&nbsp;0.029" in page
    assert "p&nbsp;&lt;&nbsp;0.001" in page
