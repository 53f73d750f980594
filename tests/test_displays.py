"""Outputs of cells: what they weigh, which are left out, and what stands in their place."""

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reform_analysis import displays
from reform_analysis.displays import Displayed, cut_error, weight


def shown(text: str, *, kind: str = "text/html", name: str = "") -> dict[str, object]:
    return {"data": {kind: text}, "metadata": {}, **({"transient": {"display_id": name}} if name else {})}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, value in (("OUTPUT", 300), ("REPORT", 1_000), ("TAG", 0), ("EACH", 0)):
        monkeypatch.setattr(displays, limit, value)


def test_all_types_metadata_and_tags_weigh(monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"data": {"text/html": "<p>x</p>", "text/plain": "ab", "application/json": {"a": 1}}}
    assert weight(content) == 8 + 2 + len('{"a": 1}')
    monkeypatch.setattr(displays, "TAG", 5)
    monkeypatch.setattr(displays, "EACH", 100)
    assert weight(content) == 8 + 2 + 8 + 2 * 5 + 100
    assert weight({**content, "metadata": {"image/png": {"alt": "y"}}}) == weight(content) + len(
        '{"image/png": {"alt": "y"}}'
    )


def test_an_output_of_the_limit_is_kept_and_one_more_is_not() -> None:
    displayed = Displayed("en")
    whole = shown("x" * 300)
    assert displayed.admit("display_data", whole) is whole
    cut = displayed.admit("execute_result", {**shown("<i>" * 101), "execution_count": 3})
    assert cut is not None
    assert cut["execution_count"] == 3
    assert cut["data"]["text/plain"] == (
        "… An output was left out: it counts as 0.1 MB, and a report keeps outputs of up to 0.1 MB; "
        "show a part of it, or write it to a file"
    )
    assert cut["data"]["text/html"].startswith('<p class="left-out" role="note">… An output')
    assert displayed.say_rest() == []


def test_a_full_report_counts_what_it_leaves_out_cell_by_cell() -> None:
    displayed = Displayed("zh")
    kept = [displayed.admit("display_data", shown("x" * 250)) for _ in range(7)]
    assert [item is not None for item in kept] == [True] * 4 + [False] * 3
    (told,) = displayed.say_rest()
    assert told.data["text/plain"] == "…… 此处另有 3 个输出未列出；一份报告总共只保留 0.1 MB 的输出"
    displayed.begin()
    assert displayed.say_rest() == []
    assert displayed.admit("display_data", shown("x")) is None
    (told,) = displayed.say_rest()
    assert "另有 1 个输出" in told.data["text/plain"]


def test_clearing_gives_back_what_the_cell_took_alone() -> None:
    displayed = Displayed("en")
    for _ in range(2):
        displayed.admit("display_data", shown("x" * 300))
    displayed.begin()
    assert displayed.admit("display_data", shown("x" * 300)) is not None
    assert displayed.admit("display_data", shown("x" * 300)) is None
    displayed.clear()
    assert displayed.say_rest() == []
    assert displayed.admit("display_data", shown("x" * 300)) is not None
    assert displayed.admit("display_data", shown("x" * 200)) is None


def test_an_update_takes_the_place_of_what_stood_there() -> None:
    displayed = Displayed("en")
    displayed.admit("display_data", shown("x" * 300, name="a"))
    for _ in range(20):
        assert (
            displayed.admit("update_display_data", shown("y" * 300, name="a"))["data"]["text/html"][0] == "y"
        )
    assert displayed.admit("display_data", shown("x" * 300)) is not None
    assert displayed.admit("display_data", shown("x" * 300)) is not None
    assert displayed.admit("display_data", shown("x" * 300)) is None


def test_an_update_of_many_outputs_weighs_in_each_of_them() -> None:
    displayed = Displayed("en")
    for _ in range(4):
        displayed.admit("display_data", shown("x", name="a"))
    assert (
        displayed.admit("update_display_data", shown("y" * 200, name="a"))["data"]["text/html"] == "y" * 200
    )
    told = displayed.admit("update_display_data", shown("z" * 290, name="a"))
    assert told is not None
    assert "left out" in told["data"]["text/plain"]


@given(st.lists(st.integers(0, 400), max_size=30))
def test_no_report_keeps_more_than_its_limit(sizes: list[int]) -> None:
    displayed = Displayed("en")
    kept = [displayed.admit("display_data", shown("x" * size)) for size in sizes]
    assert sum(weight(item) for item in kept if item) <= 1_000
    (told,) = displayed.say_rest() or [None]
    assert (told is None) == (None not in kept)
    if told is not None:
        nbformat.validate(told, ref="display_data", version=4)


def test_a_long_error_is_cut_and_a_short_one_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(displays, "KEPT", 10)
    monkeypatch.setattr(displays, "MESSAGE", 4)
    short = {"ename": "E", "evalue": "abcd", "traceback": ["12345", "67890"]}
    assert cut_error(short) == short
    long = {"ename": "E", "evalue": "abcde", "traceback": ["12345", "678901", "x"]}
    assert cut_error(long) == {"ename": "E", "evalue": "abcd …", "traceback": ["12345", "67890 …"]}
