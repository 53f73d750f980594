"""The packaged font for PDF figures: with TrueType outlines, so that it is embedded as Type 42.

Matplotlib embeds a font of PostScript outlines (CFF) as Type 3, which some journals' systems refuse, or,
asked for Type 42, under the wrong label.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont, newTable
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

from reform_analysis import resources
from reform_analysis.font_subset import subset

_ERROR = 0.5  # of 1000 units an em: how far a curve may leave its original
_CFF = b"OTTO"
_LATIN = "".join(map(chr, range(32, 127)))  # matplotlib measures lines with letters that it does not draw


def truetype(characters: str) -> bytes:
    """Return the packaged font with some of its glyphs and TrueType outlines.

    Parameters
    ----------
    characters : str
        In any order, repeated or not.

    Returns
    -------
    bytes
        TTF; widths are those of the original, and curves are within half a thousandth of an em.
    """
    with TTFont(BytesIO(subset("".join(sorted(set(characters))))), recalcTimestamp=False) as font:
        glyphs, order = font.getGlyphSet(), font.getGlyphOrder()
        drawn = {}
        for name in order:
            pen = TTGlyphPen(None)
            glyphs[name].draw(Cu2QuPen(pen, _ERROR, reverse_direction=True))
            drawn[name] = pen.glyph()
        font["loca"], font["glyf"] = newTable("loca"), newTable("glyf")
        font["glyf"].glyphOrder, font["glyf"].glyphs = order, drawn
        for name, glyph in drawn.items():
            glyph.recalcBounds(font["glyf"])
            # TrueType shifts an outline whose left edge is not its side bearing.
            font["hmtx"][name] = (font["hmtx"][name][0], getattr(glyph, "xMin", 0))
        del font["CFF "]
        _declare(font)
        font.flavor = None
        packed = BytesIO()
        font.save(packed)
    return packed.getvalue()


def _declare(font: TTFont) -> None:
    """Head and limits of a font with TrueType outlines, without instructions and names of glyphs."""
    limits = font["maxp"] = newTable("maxp")
    limits.tableVersion, limits.numGlyphs, limits.maxZones = 0x00010000, len(font.getGlyphOrder()), 1
    for name in (
        "maxTwilightPoints",
        "maxStorage",
        "maxFunctionDefs",
        "maxInstructionDefs",
        "maxStackElements",
        "maxSizeOfInstructions",
    ):
        setattr(limits, name, 0)
    font["post"].formatType = 3.0
    font["name"].setName(resources.font_path().stem, 6, 3, 1, 0x409)
    font.sfntVersion = "\x00\x01\x00\x00"


@contextmanager
def embeddable(figure: Figure) -> Iterator[int]:
    """Draw a figure's letters with TrueType outlines while the context lasts.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Its texts name the packaged font or others.

    Yields
    ------
    int
        Matplotlib's ``pdf.fonttype``: 42, or 3 where another font of PostScript outlines is in use.
    """
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]
    manager, packaged = font_manager.fontManager, str(resources.font_path())
    others = [entry for entry in manager.ttflist if entry.fname != packaged]
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "figure.ttf"
        path.write_bytes(truetype(_LATIN + "".join(text.get_text() for text in texts)))
        _use(path, others)
        try:
            yield 3 if any(map(_has_postscript_outlines, texts)) else 42
        finally:
            _use(resources.font_path(), others)


def _use(path: Path, others: list[font_manager.FontEntry]) -> None:
    """Let a font file stand first in matplotlib's list, before a system's font of the same name."""
    font_manager.fontManager.ttflist[:] = others
    font_manager.fontManager.addfont(path)
    font_manager.fontManager.ttflist.insert(0, font_manager.fontManager.ttflist.pop())


def _has_postscript_outlines(text: Text) -> bool:
    """Of any of the fonts that a text may be drawn with."""
    for family in text.get_fontproperties().get_family():
        wanted = text.get_fontproperties().copy()
        wanted.set_family(family)
        with open(font_manager.findfont(wanted), "rb") as file:
            if file.read(4) == _CFF:
                return True
    return False
