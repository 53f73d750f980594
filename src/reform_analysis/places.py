"""Township names against the province's list: what fits, what is ambiguous, what has been renamed."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Literal

import pandas as pd

from reform_analysis.estimates import DataError
from reform_analysis.place_areas import Area, city_area, county_area, everywhere, readings
from reform_analysis.place_lists import (
    Place,
    by_county,
    by_former_name,
    by_name,
    grouped,
    load_former_counties,
    load_renames,
    load_townships,
    places,
)
from reform_analysis.unit_names import OFFICES

__all__ = [
    "COLUMNS",
    "Status",
    "load_former_counties",
    "load_renames",
    "load_townships",
    "match_units",
]

Status = Literal[
    "exact",
    "normalised",
    "renamed",
    "ambiguous",
    "proposed",
    "unmatched",
    "unknown_county",
    "unknown_city",
]

COLUMNS = ("name", "status", "unit_name", "county", "city", "code9", "candidates")

_KINDS = ("街道", "畲族镇", "畲族乡", "镇", "乡")
_OFFICES = (*OFFICES, (re.compile(r"(?<=[^道镇乡])办事处$"), "街道"))
_SPACES = re.compile(r"[\s\u200b-\u200d\u2060\ufeff]+")
_BRACKETS = str.maketrans("[]【】〔〕", "()()()")
_NOTED = re.compile(r"(?P<rest>.+)\((?P<after>[^()]+)\)|\((?P<before>[^()]+)\)(?P<last>.+)")
_LIKENESS = 0.6  # difflib's own default: of a name of three characters, two stand
_PROPOSALS = 3


def match_units(
    names: Iterable[object],
    *,
    county: str | Iterable[object] | None = None,
    city: str | Iterable[object] | None = None,
) -> pd.DataFrame:
    """Match township names with the province's list, without ever picking among several.

    Each name is tried as it stands; then normalised (width and spaces; a province, city or county written
    before it or in brackets; 镇人民政府 and 街道办事处 after it; the kind or 畲族 left off: 壶镇 is
    壶镇镇); then as a former name or in a former county. The first step with exactly one unit gives it; a
    step with several says "ambiguous". Where no step fits, close names are proposed. Join on county and
    name: issuers' codes disagree for 213 units.

    Parameters
    ----------
    names : iterable of str
        Names as a file has them. What is no text (None, NaN, a number) fits nothing.
    county, city : str or iterable of str, optional
        Only units of this county or city; one for all names, or one a name, in their order. Without its
        ending (温岭 for 温岭市) it is understood where one county of the city has it; 绍兴县 and the like
        by `load_former_counties`. An empty or missing value is none given. Without them a bare name can
        be ambiguous.

    Returns
    -------
    DataFrame
        One row a name, in order, columns ``name, status, unit_name, county, city, code9, candidates``.
        `status` is "exact", "normalised", "renamed" (the unit or its county has had another name),
        "ambiguous", "proposed", "unmatched", or "unknown_county" or "unknown_city" where the given one is
        none of the list or the county is none of the city; only the first three fill unit_name, county, city
        and code9. `candidates` lists county and name of the units that may be meant, joined with 、.

    Raises
    ------
    DataError
        If names is a single text or no iterable, or county or city is of another length or index.

    Notes
    -----
    Assumed: a name that stands once in the list means that unit. The list is of 2025 and the former names
    are those with a source, so an older name that fits nothing is reported, not guessed.

    Examples
    --------
    >>> found = match_units(["壶镇", "安昌镇", "横溪镇"])
    >>> found[["status", "unit_name", "county"]].to_numpy().tolist()[:2]
    [['normalised', '壶镇镇', '缙云县'], ['renamed', '安昌街道', '柯桥区']]
    >>> found["candidates"][2]
    '鄞州区横溪镇、兰溪市横溪镇、仙居县横溪镇'
    """
    listed = _listed(names)
    index = names.index if isinstance(names, pd.Series) else pd.RangeIndex(len(listed))
    counties, cities = (
        _aligned(argument, given, names, len(listed))
        for argument, given in (("county", county), ("city", city))
    )
    rows = [_match(*asked) for asked in zip(map(_text, listed), counties, cities, strict=True)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS[1:]), index=index, dtype="str")
    frame.insert(0, "name", pd.Series(listed, index=index, dtype="object"))
    return frame


def _listed(names: Iterable[object]) -> list[object]:
    if isinstance(names, (str, bytes, Mapping, pd.DataFrame)) or not isinstance(names, Iterable):
        raise DataError(
            f"names must be a list or column of names, got {type(names).__name__}; put one name in a list."
        )
    return list(names)


def _text(name: object) -> str:
    return name if isinstance(name, str) else ""


def _aligned(argument: str, given: object, names: object, n: int) -> list[str]:
    if isinstance(given, str):
        return [_clean(given)] * n
    if pd.api.types.is_scalar(given) and pd.isna(given):
        return [""] * n
    if isinstance(given, (bytes, Mapping, pd.DataFrame)) or not isinstance(given, Iterable):
        raise DataError(f"{argument} must be a text or one value a name, got {given!r}; give its name.")
    if isinstance(given, pd.Series) and isinstance(names, pd.Series) and not given.index.equals(names.index):
        raise DataError(
            f"{argument} must have the index of names, got another one; take both from one frame."
        )
    texts = ["" if pd.isna(value) else _clean(str(value)) for value in pd.Series(list(given), dtype="object")]
    if len(texts) != n:
        raise DataError(f"{argument} must have one value a name, got {len(texts)} for {n} names; align them.")
    return texts


def _clean(text: str) -> str:
    """Full-width forms and spaces taken out; rare characters stay as they are."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text))


@cache
def _match(name: str, county: str, city: str) -> tuple[str, ...]:
    """Status, unit_name, county, city, code9, candidates of one name."""
    text = _bracketed(_clean(name).translate(_BRACKETS))
    if not text:
        return _unsettled("unmatched", [])
    area = county_area(county, city)
    if area is None:
        return _unknown(text, county, city)
    for status, found in _steps(name, text, area):
        if len(found) == 1:
            return (status, found[0].township, found[0].county, found[0].city, found[0].code9, "")
        if found:
            return _unsettled("ambiguous", found)
    close = _close(text, area)
    return _unsettled("proposed" if close else "unmatched", close)


def _unsettled(status: Status, found: list[Place]) -> tuple[str, ...]:
    return status, "", "", "", "", "、".join(place.label for place in found)


def _bracketed(text: str) -> str:
    """A city or county, in brackets or outside them, put before the name; other brackets stay."""
    found = _NOTED.fullmatch(text)
    if found is None:
        return text
    outside, inside = found["rest"] or found["last"], found["after"] or found["before"]
    orders = ((inside, outside), (outside, inside))
    return next((a + name for a, name in orders if city_area(a) or county_area(a)), text)


def _steps(name: str, text: str, area: Area) -> Iterator[tuple[Status, list[Place]]]:
    """What each step finds, the surer ones first."""
    yield "exact", [place for place in by_name().get(name, ()) if place in area.now]
    for group in readings(text):
        parts = [(rest, part.within(area)) for rest, part in group]
        for forms in (_bare, _forms):
            yield "normalised", _all(p for r, a in parts for p in _called(forms(r), by_name()) if p in a.now)
        former = [(p, a) for r, a in parts for p in _called(_forms(r), by_former_name())]
        yield "renamed", _all(place for place, part in former if place in part.now)
        known = [(p, a) for r, a in parts for p in _called(_forms(r), by_name())]
        yield "renamed", _all(place for place, part in known + former if place in part.before)


def _all(found: Iterable[Place]) -> list[Place]:
    return list(dict.fromkeys(found))


def _called(forms: tuple[str, ...], units: Mapping[str, tuple[Place, ...]]) -> list[Place]:
    return [place for form in forms for place in units.get(form, ())]


@cache
def _bare(name: str) -> tuple[str, ...]:
    """The name without its office."""
    for office, kind in _OFFICES:
        name = office.sub(kind, name)
    return (name,) if _stem(name) else ()


@cache
def _forms(name: str) -> tuple[str, ...]:
    """The name without its office, then with what may have been left off it or said twice."""
    forms = []
    for bare in _bare(name):
        people = [bare[:-1] + "畲族" + bare[-1]] if bare[-1] in "镇乡" else []
        twice = [bare[:-1]] if bare.endswith(("镇镇", "乡乡")) else []
        forms += [bare, *(bare + kind for kind in _KINDS), *people, *twice]
    return tuple(forms)


def _unknown(text: str, county: str, city: str) -> tuple[str, ...]:
    """Neither pick nor search the province where the county or city given is none of the list."""
    status: Status = "unknown_county" if city_area(city) else "unknown_city"
    return _unsettled(status, _close(text, _meant(county, city)))


@cache
def _meant(county: str, city: str) -> Area:
    """The units of what an unknown county or city may be: one of the other kind, or of a like name."""
    known = [kind(given) for given in (county, city) if given for kind in (county_area, city_area)]
    alike = difflib.get_close_matches(county, by_county(), n=_PROPOSALS, cutoff=_LIKENESS)
    areas = [area for area in (*known, *map(county_area, alike)) if area]
    return Area(frozenset(place for area in areas for place in area.now | area.before))


def _close(text: str, area: Area) -> list[Place]:
    """The same stem in the area, the same name elsewhere, else what is alike in the area."""
    longer, part = _shortest(_NOTED.sub(r"\g<rest>\g<last>", text))
    short = next(iter(_bare(longer)), "")
    if not short:
        return []
    inside = part.within(area)
    pool = inside.now | inside.before or area.now | area.before
    kin = [place for place in _by_stem().get(_stem(short), ()) if place in pool]
    elsewhere = [p for units in (by_name(), by_former_name()) for p in _called(_forms(short), units)]
    near = [place for place in _sharing(_stem(short)) if place in pool]
    names = {place.township for place in near}
    alike = set(difflib.get_close_matches(short, names, n=_PROPOSALS, cutoff=_LIKENESS))
    return _all([*kin, *elsewhere, *(place for place in near if place.township in alike)])


@cache
def _by_stem() -> Mapping[str, tuple[Place, ...]]:
    return grouped((_stem(place.township), place) for place in places())


@cache
def _by_character() -> Mapping[str, tuple[Place, ...]]:
    return grouped((character, place) for place in places() for character in set(_stem(place.township)))


def _sharing(stem: str) -> list[Place]:
    """Units whose names share more than their kind, in the order of the list."""
    found = {place for character in stem for place in _by_character().get(character, ())}
    return sorted(found, key=lambda place: place.code9)


def _shortest(text: str) -> tuple[str, Area]:
    """The reading with least left of the name."""
    found = [(rest, part) for group in readings(text) for rest, part in group if _stem(rest)]
    return min(found, key=lambda reading: len(reading[0]), default=(text, everywhere()))


def _stem(name: str) -> str:
    return next((name.removesuffix(kind) for kind in _KINDS if name.endswith(kind)), name)
