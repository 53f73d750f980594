"""The packaged font with the glyphs that a page or a drawing uses, to travel inside it."""

import base64
import unicodedata
from functools import cache, lru_cache
from io import BytesIO

from bs4 import BeautifulSoup, Tag
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


def embed_font(soup: BeautifulSoup) -> tuple[str, ...]:
    """Put the glyphs that a page uses into its ``<style id="font">``, as a WOFF2 subset.

    Parameters
    ----------
    soup : BeautifulSoup
        Changed in place.

    Returns
    -------
    tuple of str
        The characters beyond ASCII that the font lacks.
    """
    labels = [
        value
        for tag in soup.find_all("button")
        for key, value in tag.attrs.items()
        if key.startswith("data-")
    ]
    text = soup.get_text() + "".join(str(label) for label in labels)
    used = {char for char in text if ord(char) > 127 and unicodedata.category(char) not in ("Cc", "Cf", "Zs")}
    held = "".join(sorted(char for char in used if ord(char) in _characters()))
    style = soup.select_one("style#font")
    if held and isinstance(style, Tag):
        face = base64.b64encode(subset(held)).decode()
        style.string = (
            '@font-face{font-family:"Report Sans SC";font-display:block;'
            f'src:url(data:font/woff2;base64,{face}) format("woff2")}}'
        )
    return tuple(sorted(used - set(held)))


@cache
def _characters() -> frozenset[int]:
    with TTFont(resources.font_path(), lazy=True) as font:
        return frozenset(font.getBestCmap())
