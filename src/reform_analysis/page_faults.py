"""What is wrong with a page, and what may not hide it: loads, boxes for characters, acting outputs."""

import re

from bs4 import BeautifulSoup

CJK = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
ACTING = ("style", "script", "link", "meta", "base", "object", "embed", "iframe")


def disarm(soup: BeautifulSoup, *, own: str) -> None:
    """Take from a failed page what could hide its warning: styles, scripts and frames of the notebook.

    Parameters
    ----------
    soup : BeautifulSoup
        Changed in place; the head stays as it is.
    own : str
        The page's own script.
    """
    for tag in soup.select("body")[0].find_all(True):
        if tag.decomposed:
            continue
        if tag.name in ACTING and tag.get_text().strip() != own.strip():
            tag.decompose()
            continue
        for name in [name for name in tag.attrs if name == "style" or name.startswith("on")]:
            del tag[name]


def find_load(soup: BeautifulSoup) -> str | None:
    """Return what a page would load from elsewhere.

    Parameters
    ----------
    soup : BeautifulSoup

    Returns
    -------
    str or None
        A sentence with the way out.
    """
    for tag in soup.find_all(True):
        for name in ("src", "srcset", "poster", "data", "href", "xlink:href"):
            target = str(tag.get(name) or "data:")
            link = tag.name in ("a", "area") and name.endswith("href")
            if not link and not target.startswith(("data:", "#")):
                return f"the page would load {target[:200]!r}; embed it in the notebook"
        style = (tag.get_text() if tag.name == "style" else "") + str(tag.get("style") or "")
        loads = re.search(r"@import[^;]*|url\(\s*['\"]?(?!data:|#)[^)]*\)", style)
        if loads:
            return f"the page's style would load {loads[0][:200]!r}; embed it in the notebook"
    return None


def find_tofu(glyphs: tuple[str, ...]) -> str | None:
    """Return which Chinese characters would be boxes.

    Parameters
    ----------
    glyphs : tuple of str
        Characters that the font lacks.

    Returns
    -------
    str or None
        A sentence with the way out.
    """
    missing = [glyph for glyph in glyphs if CJK.match(glyph)]
    if not missing:
        return None
    return f"the font has no glyph for {' '.join(missing)}; replace the characters by common ones"
