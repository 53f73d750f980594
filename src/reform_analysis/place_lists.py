"""The lists that names of places are matched with: townships, their former names, former counties."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import pandas as pd

from reform_analysis import resources, schema


@dataclass(frozen=True)
class Place:
    """One row of the list.

    Parameters
    ----------
    city, county, township : str
        Names in full.
    code9 : str
        Nine-digit code.
    """

    city: str
    county: str
    township: str
    code9: str

    @property
    def label(self) -> str:
        """County and name.

        Returns
        -------
        str
        """
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


def load_former_counties() -> pd.DataFrame:
    """Return the counties that were renamed, merged or lost townships, for which there is a source.

    Returns
    -------
    DataFrame
        Columns ``former_county, county, townships, date, quote, url, note, note_zh``, all texts; one row a
        former county and present one. Empty `townships` means the present county as a whole.

    Raises
    ------
    DataError
        If the file was changed or does not meet its declaration.
    """
    return _load("reference/former_counties.csv")


def _load(name: str) -> pd.DataFrame:
    frame = pd.read_csv(BytesIO(resources.read_data(name)), dtype=str, keep_default_na=False)
    return schema.validate(frame, schema.TABLES[name])


@cache
def places() -> tuple[Place, ...]:
    """Return the list as a tuple, in its order.

    Returns
    -------
    tuple of Place
    """
    return tuple(Place(*row) for row in load_townships().itertuples(index=False))


@cache
def by_name() -> Mapping[str, tuple[Place, ...]]:
    """Return the units of each present name.

    Returns
    -------
    mapping of str to tuple of Place
    """
    return grouped([(place.township, place) for place in places()])


@cache
def by_former_name() -> Mapping[str, tuple[Place, ...]]:
    """Return, for each former name, the units that it is now.

    Returns
    -------
    mapping of str to tuple of Place
    """
    now = {(place.county, place.township): place for place in places()}
    return grouped([(row.old_name, now[row.county, row.township]) for row in load_renames().itertuples()])


@cache
def by_county() -> Mapping[str, tuple[Place, ...]]:
    """Return the units of each present county.

    Returns
    -------
    mapping of str to tuple of Place
    """
    return grouped([(place.county, place) for place in places()])


@cache
def by_former_county() -> Mapping[str, tuple[Place, ...]]:
    """Return the present units that lay, or may have lain, in each former county.

    Returns
    -------
    mapping of str to tuple of Place
    """
    return grouped(
        [
            (row.former_county, place)
            for row in load_former_counties().itertuples()
            for place in by_county()[row.county]
            if not row.townships or place.township in row.townships.split("、")
        ]
    )


def grouped(pairs: Iterable[tuple[str, Place]]) -> Mapping[str, tuple[Place, ...]]:
    """Return the units of each name, in their order.

    Parameters
    ----------
    pairs : iterable of tuple
        Name and unit.

    Returns
    -------
    mapping of str to tuple of Place
    """
    found = defaultdict(list)
    for name, place in pairs:
        found[name].append(place)
    return {name: tuple(units) for name, units in found.items()}
