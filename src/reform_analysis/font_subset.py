"""The packaged font with the glyphs that a page or a drawing uses, to travel inside it."""

from functools import lru_cache
from io import BytesIO

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from reform_analysis import resources


@lru_cache(maxsize=64)
def subset(characters: str) -> bytes:
    """Return the packaged font with only some of its glyphs.

    Parameters
    ----------
    characters : str

    Returns
    -------
    bytes
        WOFF2; the same for the same characters.
    """
    options = Options(layout_features=[], hinting=False, desubroutinize=True, name_IDs=[0, 1, 2, 13, 14])
    options.drop_tables += ["BASE", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx", "DSIG"]
    # Recomputed boxes would take a third of the time and nobody reads them; a recomputed timestamp would
    # make equal pages differ.
    with TTFont(resources.font_path(), lazy=True, recalcBBoxes=False, recalcTimestamp=False) as font:
        subsetter = Subsetter(options)
        subsetter.populate(text=characters)
        subsetter.subset(font)
        font.flavor = "woff2"
        packed = BytesIO()
        font.save(packed)
    return packed.getvalue()
