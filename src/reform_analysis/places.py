"""Township names against the province's list: what fits, what is ambiguous, what has been renamed."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Literal

import pandas as pd

from reform_analysis import resources, schema
from reform_analysis.estimates import DataError

Status = Literal["exact", "normalised", "renamed", "ambiguous", "proposed", "unmatched"]

COLUMNS = ("name", "status", "unit_name", "county", "city", "code9", "candidates")

_KINDS = ("街道", "镇", "乡")
_OFFICES = (
    (re.compile(r"街道(?:人民政府|办事处|办)$"), "街道"),
    (re.compile(r"(镇|乡)(?:人民政府|政府)$"), r"\1"),
)
_SPACES = re.compile(r"[\s\u200b-\u200d\u2060\ufeff]+")
_PROVINCE = "浙江省"
_LIKENESS = 0.6  # difflib's own default: of a name of three characters, two stand
_PROPOSALS = 3


@dataclass(frozen=True)
class _Place:
    """One row of the list."""

    city: str
    county: str
    township: str
    code9: str

    @property
    def label(self) -> str:
        return self.county + self.township


def load_townships() -> pd.DataFrame:
    """Return the province's townships, towns and streets on 31 December 2025.

    Returns
    -------
    DataFrame
        1,365 rows; columns ``city, county, township, code9``, all texts.

    Raises
    ------
    DataError
        If the file was changed or does not meet its declaration.

    Examples
    --------
    >>> len(load_townships())
    1365
    """
    return _load("reference/zhejiang_townships_2025-12-31.csv")


def load_renames() -> pd.DataFrame:
    """Return the former names of townships for which there is a source.

    Returns
    -------
    DataFrame
        Columns ``county, old_name, township, date, quote, url, note, note_zh``, all texts.

    Raises
    ------
    DataError
        If the file was changed or does not meet its declaration.
    """
    return _load("reference/renames.csv")


def _load(name: str) -> pd.DataFrame:
    frame = pd.read_csv(BytesIO(resources.read_data(name)), dtype=str, keep_default_na=False)
    return schema.validate(frame, schema.TABLES[name])


def match_units(
    names: Iterable[str],
    *,
    county: str | Sequence[str] | None = None,
    city: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Match township names with the province's list, without ever picking among several.

    Each name is tried as it stands; then normalised (width and spaces, a province, city or county written
    before it, 镇人民政府 and 街道办事处 after it, the kind left off: 壶镇 is 壶镇镇); then as a
    former name. The first step with exactly one unit gives it; a step with several says "ambiguous".
    Where no step fits, close names are proposed. Join on county and name: issuers' codes disagree for 213
    units.

    Parameters
    ----------
    names : iterable of str
        Names as found. A Series keeps its index.
    county, city : str or sequence of str, optional
        Where the units lie, in full (柯桥区, 绍兴市): one for all or one a name; empty where not known. 38
        names stand in more than one county, so a bare name can be ambiguous.

    Returns
    -------
    DataFrame
        One row a name, in order, columns ``name, status, unit_name, county, city, code9, candidates``.
        `status` is "exact", "normalised", "renamed", "ambiguous", "proposed" or "unmatched"; only the first
        three fill unit_name, county, city and code9. `candidates` lists county and name of the units an
        ambiguous or proposed name may mean, joined with 、.

    Raises
    ------
    DataError
        If county or city is a sequence of another length.

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
    listed = list(names)
    index = names.index if isinstance(names, pd.Series) else pd.RangeIndex(len(listed))
    counties, cities = (_aligned(*given, len(listed)) for given in (("county", county), ("city", city)))
    rows = [_match(*asked) for asked in zip(map(_text, listed), counties, cities, strict=True)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS[1:]), index=index, dtype="str")
    frame.insert(0, "name", pd.Series(listed, index=index, dtype="object"))
    return frame


def _text(name: object) -> str:
    return name if isinstance(name, str) else ""


def _aligned(argument: str, given: str | Sequence[str] | None, n: int) -> list[str]:
    if given is None or isinstance(given, str):
        return [_clean(given or "")] * n
    texts = [_clean(_text(value)) for value in given]
    if len(texts) != n:
        raise DataError(f"{argument} must have one value a name, got {len(texts)} for {n} names; align them.")
    return texts


def _clean(text: str) -> str:
    """Full-width forms and spaces taken out; rare characters stay as they are."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text))


@cache
def _places() -> tuple[_Place, ...]:
    return tuple(_Place(*row) for row in load_townships().itertuples(index=False))


@cache
def _former() -> tuple[tuple[str, _Place], ...]:
    """Former names, each with the unit it is now."""
    now = {(place.county, place.township): place for place in _places()}
    return tuple((row.old_name, now[row.county, row.township]) for row in load_renames().itertuples())


@cache
def _match(name: str, county: str, city: str) -> tuple[str, ...]:
    """Status, unit_name, county, city, code9, candidates of one name."""
    short, in_county, in_city = _without_prefix(_clean(name))
    county, city = county or in_county, city or in_city
    pool = tuple(p for p in _places() if county in ("", p.county) and city in ("", p.city))
    inside = set(pool)
    steps: tuple[tuple[Status, list[_Place]], ...] = (
        ("exact", [p for p in pool if p.township == name]),
        ("normalised", [p for p in pool if p.township in _forms(short)]),
        ("renamed", [p for old, p in _former() if old in _forms(short) and p in inside]),
    )
    for status, found in steps:
        if len(found) == 1:
            (place,) = found
            return status, place.township, place.county, place.city, place.code9, ""
        if found:
            return _unsettled("ambiguous", found)
    close = _close(short, pool) if short else []
    return _unsettled("proposed" if close else "unmatched", close)


def _unsettled(status: Status, found: list[_Place]) -> tuple[str, ...]:
    return status, "", "", "", "", "、".join(place.label for place in found)


def _without_prefix(name: str) -> tuple[str, str, str]:
    """The name without province, city and county before it, and the county and city that stood there."""
    rest, county, city = name.removeprefix(_PROVINCE), "", ""
    for place in _places():
        if rest.startswith(place.city) and len(rest) > len(place.city):
            rest, city = rest.removeprefix(place.city), place.city
            break
    for place in _places():
        if rest.startswith(place.county) and len(rest) > len(place.county):
            rest, county = rest.removeprefix(place.county), place.county
            break
    return rest, county, city


@cache
def _forms(name: str) -> tuple[str, ...]:
    """The name, without its office, and with each kind added in case it was left off."""
    for office, kind in _OFFICES:
        name = office.sub(kind, name)
    return (name, *(name + kind for kind in _KINDS)) if name else ()


def _close(name: str, pool: tuple[_Place, ...]) -> list[_Place]:
    """The same name elsewhere, the same stem of another kind, else what is alike in the pool."""
    stem = _stem(name)
    elsewhere = [p for p in _places() if p.township in _forms(name)]
    kin = [p for p in pool if _stem(p.township) == stem]
    alike = set(difflib.get_close_matches(name, {p.township for p in pool}, n=_PROPOSALS, cutoff=_LIKENESS))
    near = [p for p in pool if p.township in alike]
    return list(dict.fromkeys([*kin, *elsewhere, *near]))


def _stem(name: str) -> str:
    return next((name.removesuffix(kind) for kind in _KINDS if name.endswith(kind)), name)
