"""Names of places that do not exist, for synthetic panels.

A name pairs two characters by their remainders (Chinese remainder theorem), so that neighbours in the
list share neither. A test holds that none is the name of a township, county or city of Zhejiang.
"""

from functools import cache
from math import lcm

import numpy as np

_TOWNSHIP_FIRST = (
    "余姜荒宙辰宿寒暑藏岁调腾致雨结丽冈剑号巨夜称菜淡潜裳"
    "推逊唐吊伐覆殷朝问垂章爱育黎臣伏遐迩壹率宾归鸣竹驹食化被草赖及盖此身发常恭惟鞠"
)
_TOWNSHIP_SECOND = "渚陂汀皋坞岫浔淙湄涧壑岑崦埠泮隰阡陌甸畲圩"
_TOWNSHIP_KINDS = ("镇", "街道", "镇", "乡", "镇", "街道", "镇", "街道", "乡", "镇", "街道")
_COUNTY_FIRST = "养岂敢容止慕贞洁效才良知必"
_COUNTY_SECOND = "泽陵野原墟垣畴"
_COUNTY_KINDS = ("区", "县", "区", "市", "县", "区", "县", "市", "区")
_CITY_FIRST = "律吕闰霜翔鳞羽珍芥柰阙"
_CITY_SECOND = "川"


@cache
def township_names(n: int) -> np.ndarray:
    """Return invented names of townships, towns and streets.

    Parameters
    ----------
    n : int
        How many. All differ: from the 1,366th on they carry a number.

    Returns
    -------
    ndarray of str, shape (n,)

    Examples
    --------
    >>> township_names(3).tolist()
    ['余渚镇', '姜陂街道', '荒汀镇']
    """
    return _pairs(n, _TOWNSHIP_FIRST, _TOWNSHIP_SECOND, _TOWNSHIP_KINDS)


@cache
def county_names(n: int) -> np.ndarray:
    """Return invented names of counties, county-level cities and districts.

    Parameters
    ----------
    n : int
        How many. All differ: from the 92nd on they carry a number.

    Returns
    -------
    ndarray of str, shape (n,)
    """
    return _pairs(n, _COUNTY_FIRST, _COUNTY_SECOND, _COUNTY_KINDS)


@cache
def city_names(n: int) -> np.ndarray:
    """Return invented names of prefecture-level cities.

    Parameters
    ----------
    n : int
        How many. All differ: from the 12th on they carry a number.

    Returns
    -------
    ndarray of str, shape (n,)
    """
    return _pairs(n, _CITY_FIRST, _CITY_SECOND, ("市",))


def _pairs(n: int, first: str, second: str, kinds: tuple[str, ...]) -> np.ndarray:
    """Pair characters by remainders; once all pairs are used, a number tells the rounds apart."""
    pairs = lcm(len(first), len(second))
    names = [
        first[i % len(first)] + second[i % len(second)] + _round(i // pairs) + kinds[i % len(kinds)]
        for i in range(n)
    ]
    return np.array(names, dtype=object)


def _round(number: int) -> str:
    return str(number + 1) if number else ""
