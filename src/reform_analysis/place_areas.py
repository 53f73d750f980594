"""The city and county that a text names: in full, without their ending, or by a former name."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from reform_analysis.place_lists import Place, by_county, by_former_county, places

_ENDING = re.compile(r"(?:[^县市区]族)?(?:自治县|县|市|区)$")
_SEPARATORS = "-_/·•|,，、.:：—"
_AUTHORITY = re.compile(r"^人民政府(?=.)")  # 上城区人民政府清波街道办事处 is a street's full name
_PROVINCE = ("浙江省", "浙江")


@dataclass(frozen=True)
class Area:
    """The units of a city or county.

    Parameters
    ----------
    now : frozenset of Place
        Those that lie in it.
    before : frozenset of Place
        Those that lay in a former county of the name, and do not lie in it now.
    """

    now: frozenset[Place]
    before: frozenset[Place] = frozenset()

    def within(self, other: "Area") -> "Area":
        """Return the units that lie, or lay, in both.

        Parameters
        ----------
        other : Area

        Returns
        -------
        Area
        """
        now = self.now & other.now
        return Area(now, ((self.now | self.before) & (other.now | other.before)) - now)


@cache
def everywhere() -> Area:
    """Return the province.

    Returns
    -------
    Area
    """
    return Area(frozenset(places()))


@cache
def city_area(text: str) -> Area | None:
    """Return the city of a name, in full or without its ending.

    Parameters
    ----------
    text : str
        The name, clean; the province may stand before it. An empty text is the whole province.

    Returns
    -------
    Area or None
        None if the list has no such city.
    """
    if not text:
        return everywhere()
    named = _named(_after_province(text), _cities())
    return Area(frozenset(p for p in places() if p.city in named)) if len(named) == 1 else None


@cache
def county_area(text: str, city: str = "") -> Area | None:
    """Return the county of a name: in full, without its ending, or former.

    Parameters
    ----------
    text : str
        The name, clean; province and city may stand before it. An empty text is the whole city.
    city : str
        The city it has to lie in, as `city_area` takes it; empty for any.

    Returns
    -------
    Area or None
        None if the city has no such county, or the name without its ending is that of several counties, or of
        a city and a former county: 绍兴 is no county, 绍兴县 was one.
    """
    within = city_area(city)
    if within is None or not text:
        return within
    areas = dict.fromkeys(map(within.within, _counties(_after_province(text))))
    found = [area for area in areas if area.now | area.before]
    return found[0] if len(found) == 1 else None


def _counties(text: str) -> Iterator[Area]:
    """Return each county that the text may mean, on its own or after its city."""
    for city, name in [("", text), *_split(text, _cities())]:
        part = city_area(city) or everywhere()
        present = _named(name, by_county())
        former = _named(name, by_former_county())
        before = frozenset(p for old in former for p in by_former_county()[old])
        for county in present:
            now = frozenset(by_county()[county])
            yield part.within(Area(now, before - now))
        if not present and before and (name in former or not _named(name, _cities())):
            yield part.within(Area(frozenset(), before))


def _named(text: str, known: Iterable[str]) -> list[str]:
    """Return the name itself, else every name that is the text without its ending."""
    names = list(known)
    return [text] if text in names else [name for name in names if text in shortened(name)]


@cache
def shortened(name: str) -> tuple[str, ...]:
    """Return what a city or county is called without its ending, and an autonomous county without its people.

    Parameters
    ----------
    name : str
        In full.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> shortened("温岭市"), shortened("景宁畲族自治县"), shortened("衢县")
    (('温岭',), ('景宁', '景宁县', '景宁自治县'), ())
    """
    stem = _ENDING.sub("", name)
    forms = (stem, stem + "县", stem + "自治县") if name.endswith("自治县") else (stem,)
    return tuple(form for form in forms if len(stem) > 1)


def readings(name: str) -> list[list[tuple[str, Area]]]:
    """Return what a name may be once a city and a county before it are taken off.

    Parameters
    ----------
    name : str
        The name, clean.

    Returns
    -------
    list of list of tuple
        Rests with the area that stood before them: the name as it is, then after names in full, then after
        names without their ending. A reading of an earlier list is the surer one.
    """
    full: list[tuple[str, Area]] = []
    short: list[tuple[str, Area]] = []
    for start in dict.fromkeys((name, _after_province(name))):
        if start != name:
            full.append((start, everywhere()))
        for city, rest in [("", start), *_split(start, _cities())]:
            area = city_area(city) or everywhere()  # a city of _split is one of the list
            surely = city in ("", *_cities())
            if city:
                (full if surely else short).append((rest, area))
            for county, last in _split(rest, _county_names()):
                inside = county_area(county)
                known = county in by_county() or county in by_former_county()
                if inside is not None:
                    (full if surely and known else short).append((last, inside.within(area)))
    return [[(name, everywhere())], full, short]


def _split(text: str, known: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return each known name at the start, in full or without its ending, and what stands after it."""
    found = {}
    for form in _by_start(known).get(text[:2], ()):
        rest = text.removeprefix(form).lstrip(_SEPARATORS)
        if text.startswith(form) and rest:
            found[form] = _AUTHORITY.sub("", rest)
    return list(found.items())


@cache
def _by_start(known: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the names, in full and without their ending, by their first two characters."""
    found = defaultdict(list)
    for name in known:
        for form in (name, *shortened(name)):
            found[form[:2]].append(form)
    return dict(found)


def _after_province(text: str) -> str:
    for province in _PROVINCE:
        if text.startswith(province) and len(text) > len(province):
            return text.removeprefix(province).lstrip(_SEPARATORS)
    return text


@cache
def _cities() -> tuple[str, ...]:
    return tuple(dict.fromkeys(place.city for place in places()))


@cache
def _county_names() -> tuple[str, ...]:
    return (*by_county(), *by_former_county())
