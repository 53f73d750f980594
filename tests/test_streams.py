"""Streams of cells: where they are cut, what is said of the rest, and names of files found in linear time."""

import re
from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_output

from reform_analysis import streams

PIECES = st.sampled_from(
    ["ipykernel_", "1", "23", "/", "\\", ".py", " ", "\n", "/tmp/", "é", "\u3000", "\x1f"]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_names_of_cells_are_those_that_the_expression_finds(text: str) -> None:
    assert streams.hide_kernel_files(text) == re.sub(r"\S*ipykernel_\d+[/\\]\d+\.py", "<cell>", text)


@given(
    st.lists(
        st.sampled_from(["Glyph ", "8", " missing from ", "missing from ", "font", "\n", "\r"]), max_size=20
    ).map("".join)
)
def test_missing_glyphs_are_those_that_the_expression_finds(text: str) -> None:
    found = re.search(r"Glyph .* missing from .*", text)
    assert streams.missing_glyph(text) == (found and found[0])


@pytest.mark.parametrize("function", [streams.hide_kernel_files, streams.missing_glyph])
@pytest.mark.parametrize("run", ["x", "ipykernel_", "ipykernel_1/2", "Glyph ", "1", "ipykernel_1/2.py"])
def test_a_long_line_takes_no_time(function: object, run: str) -> None:
    """The expressions took 12 seconds for 40,000 characters, and sixteen times that for 160,000."""
    begun = process_time()
    function(run * (10**6 // len(run)))  # type: ignore[operator]
    assert process_time() - begun < 5


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6))
def test_chunks_do_not_move_the_cut(steps: list[int]) -> None:
    text = "".join(chr(97 + number % 26) for number in range(sum(steps)))
    places = [0, *(sum(steps[: number + 1]) for number in range(len(steps)))]
    printed = streams.Printed()
    kept = streams.KEPT
    streams.KEPT = 25
    try:
        cut = "".join(printed.cut("stdout", text[low:high]) for low, high in pairwise(places))
        output = new_output("stream", name="stdout", text=cut)
        printed.say_rest([output], "en")
    finally:
        streams.KEPT = kept
    assert cut == text[:25]
    rest = f"\n… {len(text) - 25} characters left out; a report keeps the first 25 of a cell's stream\n"
    assert output.text == cut + (rest if len(text) > 25 else "")


def slow_overtyping(text: str) -> str:
    return re.sub(r".*\r(?=[^\n])", "", text)


@given(st.lists(st.sampled_from(["\r", "\n", "a", "\b", "b\r\n"]), max_size=20).map("".join))
def test_a_carriage_return_leaves_what_follows_it(text: str) -> None:
    output = new_output("stream", name="stdout", text=text)
    (joined,) = streams.join([output])
    assert joined.text == slow_overtyping(text)


def test_a_long_line_is_joined_in_no_time() -> None:
    """nbclient's expression took 80 seconds for 200,000 characters."""
    begun = process_time()
    streams.join([new_output("stream", name="stdout", text="x" * 50) for _ in range(5_000)])
    streams.join([new_output("stream", name="stdout", text="x" * 10**6 + "\r")])
    assert process_time() - begun < 10


def test_the_chunks_of_a_stream_are_one_and_others_keep_their_place() -> None:
    def stream(name: str, text: str) -> object:
        return new_output("stream", name=name, text=text)

    shown = new_output("display_data", data={"text/plain": "7"})
    joined = streams.join([stream("stderr", "b"), stream("stdout", "a"), shown, stream("stderr", "c\rd")])
    assert [(output.get("name"), output.get("text")) for output in joined] == [
        ("stdout", "a"),
        ("stderr", "d"),
        (None, None),
    ]
    apart = streams.join([stream("stderr", "b"), shown, stream("stdout", "a")])
    assert [output.get("name") for output in apart] == ["stderr", None, "stdout"]


def test_each_stream_has_its_own_room_and_clearing_gives_it_back() -> None:
    printed = streams.Printed()
    assert printed.cut("stdout", "x" * (streams.KEPT + 7)) == "x" * streams.KEPT
    assert printed.cut("stdout", "y") == ""
    assert printed.cut("stderr", "z") == "z"
    output = new_output("stream", name="stdout", text="x")
    printed.say_rest([output, new_output("stream", name="stderr", text="z")], "zh")
    assert output.text == "x\n…… 另有 8 个字符未列出；报告只保留每个单元格每个输出流的前 200,000 个字符\n"
    printed.clear()
    assert printed.cut("stdout", "y") == "y"
