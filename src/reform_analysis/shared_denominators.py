"""Whether the values of a measure are ratios over given counts, whatever the measure is called.

Names are lost by a renaming and records by a join; the values stay. A ratio of whole numbers over D, or the
difference of two such ratios, is a whole number again when it is multiplied by the denominators, in every
unit. A number that has nothing to do with D is so in few units, and in as many when it is multiplied by the
denominators of other units.
"""

from collections.abc import Iterable

import numpy as np

from reform_analysis.permutation import Floats

CHANCE = 1e-6
_NEAR = 1e-2
_ROLLS = 20
_ROUNDINGS = 16 * np.finfo(float).eps


def is_ratio_over(values: Floats, below: Iterable[Floats]) -> bool:
    """Return whether values are ratios of whole numbers over any of the given denominators.

    Parameters
    ----------
    values : ndarray, shape (n,)
        A measure; NaN where missing.
    below : iterable of ndarray, shape (n,)
        Denominators in whole numbers: a window's, or the product of those of two windows.

    Returns
    -------
    bool
        True where every unit's value times its own denominator is whole, and chance would bring that about
        less than once in a million times, judged by the denominators of other units.

    Notes
    -----
    What it cannot see: ratios that were rounded, standardised, taken the logarithm or averaged over periods;
    ratios in a few units, or over denominators that are all small or alike; denominators that are no whole
    numbers, or so large that a double no longer tells (about 1e7 in each of two windows for rates near 1).
    """
    return any(_is_ratio(values, denominator) for denominator in below)


def _is_ratio(values: Floats, below: Floats) -> bool:
    telling = np.isfinite(values) & np.isfinite(below) & ~_whole(values) & (below > 1)
    if not telling.any():
        return False
    value, denominator = values[telling], below[telling]
    exact = np.abs(value).max() * denominator * _ROUNDINGS < _NEAR
    value, denominator = value[exact], denominator[exact]
    n = len(value)
    if n < 2 or not _whole(denominator).all() or not _whole(value * denominator).all():
        return False
    rolls = range(1, min(n - 1, _ROLLS) + 1)
    others = np.mean([_whole(value * np.roll(denominator, by)).mean() for by in rolls])
    return bool(n * np.log(max(others, 1 / (n * len(rolls) + 1))) < np.log(CHANCE))


def _whole(values: Floats) -> np.ndarray:
    return np.asarray(np.abs(values - np.round(values)) < _NEAR)
