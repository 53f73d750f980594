"""The font for PDF figures: the same letters with TrueType outlines."""

from io import BytesIO

from fontTools.pens.areaPen import AreaPen
from fontTools.pens.perimeterPen import PerimeterPen
from fontTools.ttLib import TTFont

from reform_analysis import figure_fonts, resources

TEXT = "败诉率比 0.60 [0.38, 0.95]†−"


def test_letters_keep_width_area_and_side() -> None:
    """A contour moves by half a unit where a curve is redrawn, 1/sqrt(2) where points are made whole."""
    made = TTFont(BytesIO(figure_fonts.truetype(TEXT)))
    with TTFont(resources.font_path(), lazy=True) as original:
        was, names = original.getGlyphSet(), original.getBestCmap()
        now, cmap = made.getGlyphSet(), made.getBestCmap()
        assert set(cmap) == set(map(ord, TEXT))
        for char in set(TEXT):
            old, new = was[names[ord(char)]], now[cmap[ord(char)]]
            assert old.width == new.width
            pens = (AreaPen(was), AreaPen(now), PerimeterPen(was))
            for glyph, pen in zip((old, new, old), pens, strict=True):
                glyph.draw(pen)
            before, after, perimeter = (pen.value for pen in pens)
            assert abs(before + after) <= (0.5 + 0.5**0.5) * perimeter  # contours run the other way round
    for name in made.getGlyphOrder():
        assert made["hmtx"][name][1] == getattr(made["glyf"][name], "xMin", 0)


def test_equal_letters_are_equal_bytes_in_any_order() -> None:
    assert figure_fonts.truetype(TEXT) == figure_fonts.truetype(TEXT[::-1] + TEXT)
    assert figure_fonts.truetype(TEXT)[:4] == b"\x00\x01\x00\x00"
