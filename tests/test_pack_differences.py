"""Sentences on a pack: one line in two languages, and no text of a stranger steers the terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reform_analysis.estimates import DataError
from reform_analysis.pack_differences import Difference, plain
from reform_analysis.wording import LANGUAGES, catalogue


def test_a_difference_in_both_languages() -> None:
    found = Difference("missing", {"path": "study/面板.csv"})
    assert [found.sentence(language) for language in LANGUAGES] == [
        "study/面板.csv：缺失。",
        "study/面板.csv: is missing.",
    ]
    assert found.sentence() == found.sentence("en")


@given(st.text())
def test_no_text_keeps_a_character_that_steers(text: str) -> None:
    said = plain(text)
    assert len(said) == len(text)
    assert not any(
        unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"} for char in said if char != "\ufffd"
    )
    kept = [(old, new) for old, new in zip(text, said, strict=True) if new != "\ufffd"]
    assert all(old == new for old, new in kept)


@pytest.mark.parametrize("hidden", ["\x1b[2J", "\r", "\n", "\u202e", "\u200b", "\x07"])
def test_a_name_cannot_hide_what_stands_before_it(hidden: str) -> None:
    said = Difference("missing", {"path": f"a{hidden}b"}).sentence()
    assert hidden[0] not in said
    assert said.count("\ufffd") == 1


@pytest.mark.parametrize("value", [3, 0.25, None, ("a\n",)])
def test_what_is_no_text_stays(value: object) -> None:
    assert plain(value) is value


def test_a_number_in_a_sentence_keeps_its_form() -> None:
    said = Difference("changed", {"path": "a", "listed": "12ab", "found": "34cd"}).sentence("zh")
    assert said == "a：被改动（pack.json记录的SHA-256为12ab…，实为34cd…）。"
    assert "pack.changed" in catalogue()


def test_equal_differences_are_equal_and_need_no_fields() -> None:
    assert Difference("synthetic") == Difference("synthetic", {})
    assert Difference("synthetic").sentence("en").endswith("SYNTHETIC.")


def test_an_unknown_key_and_a_missing_field_are_named() -> None:
    with pytest.raises(DataError, match="no key 'pack.nothing'"):
        Difference("nothing").sentence()
    with pytest.raises(DataError, match="needs a value for 'path'"):
        Difference("missing").sentence()
