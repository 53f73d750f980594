"""A part of the packaged font: the glyphs asked for, no other, the same bytes each time."""

from io import BytesIO

from fontTools.ttLib import TTFont

from reform_analysis.font_subset import subset


def test_only_the_glyphs_asked_for() -> None:
    with TTFont(BytesIO(subset("败诉a"))) as font:
        assert font.flavor == "woff2"
        assert set(font.getBestCmap()) == {ord(char) for char in "败诉a"}


def test_the_same_characters_are_the_same_bytes() -> None:
    first = subset("率比")
    subset.cache_clear()
    assert subset("率比") == first
