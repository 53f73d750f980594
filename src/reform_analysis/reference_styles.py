"""References in the form that a journal asks for: GB/T 7714-2015, APA, BibTeX.

The processors at hand do not do Chinese references justice (citeproc-py 0.11 drops the document type, prints
"2nd 版" and parts a Chinese name), so the few kinds of documents that are cited here are set by hand.

Notes
-----
After GB/T 7714-2015, sections 4, 7 and 8 (numeric system), and the Publication Manual of the American
Psychological Association, 7th ed., chapter 10.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from reform_analysis.estimates import DataError, require_choice

Style = Literal["gbt7714", "apa", "bibtex"]
STYLES: tuple[Style, ...] = ("gbt7714", "apa", "bibtex")
Item = Mapping[str, Any]
"""A reference in CSL-JSON, of the types article-journal, article-newspaper, book, chapter, paper-conference,
report, software and webpage."""

_CHINESE = re.compile("[\u4e00-\u9fff]")
_MARKS = {
    "article-journal": "J",
    "article-newspaper": "N",
    "book": "M",
    "chapter": "M",
    "paper-conference": "C",
    "report": "R",
    "software": "CP",
    "webpage": "EB/OL",
}
_ENTRIES = {
    "article-journal": "article",
    "article-newspaper": "article",
    "book": "book",
    "chapter": "incollection",
    "paper-conference": "inproceedings",
    "report": "techreport",
    "software": "misc",
    "webpage": "misc",
}
_ORDINALS = {"1": "1st", "2": "2nd", "3": "3rd"}
_SHOWN_NAMES = 3


def formatted(item: Item, style: Style) -> str:
    """Return a reference in a style, as plain text.

    Parameters
    ----------
    item : mapping
        CSL-JSON with `id`, `type`, `title` and `author`.
    style : {"gbt7714", "apa", "bibtex"}

    Returns
    -------
    str
        Without its number in a list.

    Raises
    ------
    DataError
        If the style or the type of the reference is unknown.

    Examples
    --------
    >>> kanamori = {"id": "k", "type": "article-journal", "author": [{"family": "Kanamori", "given": "H."}],
    ...     "title": "Shaking without quaking", "container-title": "Science", "volume": "279",
    ...     "issue": "5359", "page": "2063", "issued": {"date-parts": [[1998]]}}
    >>> formatted(kanamori, "gbt7714")
    'KANAMORI H. Shaking without quaking[J]. Science, 1998, 279(5359): 2063.'
    """
    require_choice("style", style, STYLES)
    if item["type"] not in _MARKS:
        raise DataError(f"type must be one of {list(_MARKS)}, got {item['type']!r}; choose the nearest.")
    return {"gbt7714": _gbt7714, "apa": _apa, "bibtex": _bibtex}[style](item)


def apa_order(item: Item) -> tuple[list[str], str, str]:
    """Return what APA sorts a reference by: its authors one by one, the year, the title.

    Parameters
    ----------
    item : mapping
        CSL-JSON.

    Returns
    -------
    tuple of (list of str, str, str)
        One author stands before the same with others; works without a year stand first.
    """
    names = [_apa_name(name).casefold() for name in item.get("author", [])]
    return names, _year(item), item["title"].casefold()


def is_chinese(item: Item) -> bool:
    """Return whether a reference is to a work in Chinese: by its title.

    Parameters
    ----------
    item : mapping

    Returns
    -------
    bool
    """
    return bool(_CHINESE.search(item["title"]))


def _date(item: Item) -> list[int]:
    dates: list[list[int]] = item.get("issued", {}).get("date-parts", [[]])
    return dates[0]


def _year(item: Item) -> str:
    return str(_date(item)[0]) if _date(item) else ""


def _initials(given: str) -> list[str]:
    """First letters of the given names; a hyphen begins one too."""
    return [part[0].upper() for part in re.split(r"[\s.-]+", given) if part]


def _ordinal(edition: str) -> str:
    return _ORDINALS.get(edition, f"{edition}th")


def _joined(*parts: str) -> str:
    """Parts with a full stop after each that has no mark of its own at its end."""
    return " ".join(part if part[-1] in ".?!" else f"{part}." for part in parts if part)


def _gbt7714(item: Item) -> str:
    head = f"{item['title']}[{_MARKS[item['type']]}]"
    authors = _gb_names(item.get("author", []), is_chinese(item))
    if item["type"] in ("article-journal", "article-newspaper"):
        return _joined(authors, head, _gb_serial(item))
    if item["type"] in ("chapter", "paper-conference"):
        editors = _gb_names(item.get("editor", []), is_chinese(item))
        volume = f": vol. {item['volume']}" if "volume" in item else ""
        return _joined(
            authors, f"{head}//" + _joined(editors, item["container-title"] + volume), _gb_imprint(item)
        )
    if item["type"] in ("software", "webpage"):
        version = f"Version {item['version']}" if "version" in item else ""
        dated = "-".join(f"{part:02d}" for part in _date(item))
        return _joined(authors, f"{head}", version, f"({dated})" if dated else "", item.get("URL", ""))
    return _joined(authors, head, _gb_edition(item), _gb_imprint(item))


def _gb_names(names: list[dict[str, str]], chinese: bool) -> str:
    """Three names, then "等" or "et al"; Latin family names in capitals, initials without stops."""
    shown = [_gb_name(name) for name in names[:_SHOWN_NAMES]]
    return ", ".join([*shown, *(["等" if chinese else "et al"] if len(names) > _SHOWN_NAMES else [])])


def _gb_name(name: dict[str, str]) -> str:
    if "literal" in name:
        return name["literal"]
    if _CHINESE.search(name["family"]):
        return name["family"] + name["given"]
    return " ".join([name["family"].upper(), *_initials(name["given"])])


def _gb_serial(item: Item) -> str:
    if item["type"] == "article-newspaper":
        dated = "-".join(f"{part:02d}" for part in _date(item))
        return f"{item['container-title']}, {dated}" + (f"({item['page']})" if "page" in item else "")
    issue = f"({item['issue']})" if "issue" in item else ""
    where = f", {item['volume']}{issue}" if "volume" in item else issue
    pages = item.get("page", item.get("number", ""))
    return f"{item['container-title']}, {_year(item)}{where}" + (f": {pages}" if pages else "")


def _gb_edition(item: Item) -> str:
    if "edition" not in item:
        return ""
    return f"{item['edition']}版" if is_chinese(item) else f"{_ordinal(item['edition'])} ed"


def _gb_imprint(item: Item) -> str:
    made = ": ".join(part for part in (item.get("publisher-place", ""), item.get("publisher", "")) if part)
    imprint = ", ".join(part for part in (made, _year(item)) if part)
    return imprint + (f": {item['page']}" if "page" in item else "")


def _apa(item: Item) -> str:
    date = _date(item)
    authors = _apa_names(item.get("author", []))
    head = f"{authors}{'' if authors.endswith('.') else '.'} ({_year(item) if date else 'n.d.'})"
    title, pages = item["title"], item.get("page", "").replace("-", "–")
    if item["type"] in ("article-journal", "article-newspaper"):
        issue = f"({item['issue']})" if "issue" in item else ""
        number = f"Article {item['number']}" if "number" in item else ""
        volume = f"{item.get('volume', '')}{issue}"
        serial = ", ".join(part for part in (item["container-title"], volume, number or pages) if part)
        return _joined(head, title, serial)
    if item["type"] in ("chapter", "paper-conference"):
        editors = " ".join(_apa_editor(name) for name in item.get("editor", []))
        volume = f"Vol. {item['volume']}, " if "volume" in item else ""
        inside = f"In {editors + ', ' if editors else ''}{item['container-title']} ({volume}pp. {pages})"
        return _joined(head, title, inside, item.get("publisher", ""))
    if item["type"] == "software":
        return _joined(head, f"{title} (Version {item['version']}) [Computer software]")
    if item["type"] == "webpage":
        return _joined(head, title, item.get("container-title", "")) + f" {item['URL']}"
    edition = f" ({_ordinal(item['edition'])} ed.)" if "edition" in item else ""
    return _joined(head, title + edition, item.get("publisher", ""))


def _apa_names(names: list[dict[str, str]]) -> str:
    shown = [_apa_name(name) for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])}, & {shown[-1]}"


def _apa_name(name: dict[str, str]) -> str:
    if "literal" in name:
        return name["literal"]
    if _CHINESE.search(name["family"]):
        return name["family"] + name["given"]
    return f"{name['family']}, {_apa_initials(name['given'])}"


def _apa_initials(given: str) -> str:
    """A hyphenated name keeps its hyphen: Kung-Yee is K.-Y."""
    parts = [part for part in re.split(r"[\s.]+", given) if part]
    return " ".join("-".join(f"{letter}." for letter in _initials(part)) for part in parts)


def _apa_editor(name: dict[str, str]) -> str:
    return f"{_apa_initials(name['given'])} {name['family']} (Ed.)"


def _bibtex(item: Item) -> str:
    fields = {
        "author": " and ".join(map(_bib_name, item.get("author", []))),
        "editor": " and ".join(map(_bib_name, item.get("editor", []))),
        # The second braces keep the capitals as they are.
        "title": f"{{{_tex(item['title'])}}}",
        _bib_container(item): _tex(item.get("container-title", "")),
        "year": _year(item),
        "volume": item.get("volume", ""),
        "number": item.get("issue", ""),
        "pages": item.get("page", item.get("number", "")).replace("-", "--"),
        "edition": _ordinal(item["edition"]) if "edition" in item else "",
        "institution" if item["type"] == "report" else "publisher": _tex(item.get("publisher", "")),
        "address": _tex(item.get("publisher-place", "")),
        "note": f"Computer software, version {item['version']}" if "version" in item else "",
        "url": item.get("URL", ""),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{_ENTRIES[item['type']]}{{{item['id']},", *lines, "}"])


def _bib_container(item: Item) -> str:
    entry = _ENTRIES[item["type"]]
    return {"article": "journal", "misc": "howpublished"}.get(entry, "booktitle")


def _bib_name(name: dict[str, str]) -> str:
    if "literal" in name:
        return f"{{{_tex(name['literal'])}}}"
    if _CHINESE.search(name["family"]):
        return f"{{{name['family']}{name['given']}}}"
    return f"{_tex(name['family'])}, {_tex(name['given'])}"


def _tex(text: str) -> str:
    return re.sub(r"([&%$#_{}])", r"\\\1", text)
