"""What totals leave open about the units behind them: counting arguments that need no unit data."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reform_analysis.estimates import require_number, require_whole_number

Changes = NDArray[np.int64]

_GROUP = 200  # greatest size of the smaller group that is tried
_STARTS = 4
_GAIN = 1e-6  # a smaller rise of the correlation is not worth another transfer


@dataclass(frozen=True)
class Pigeonhole:
    """What two totals force on the number of units.

    Parameters
    ----------
    zero_before, zero_after, zero_both : int
        The least number of units without any event in the first period, in the second, in both.
    least_fallen, most_fallen : int
        The least and the greatest number of units whose count can have fallen.
    """

    zero_before: int
    zero_after: int
    zero_both: int
    least_fallen: int
    most_fallen: int


def pigeonhole(before: int, after: int, units: int) -> Pigeonhole:
    """Return what two totals force on the number of units with none and with a fall.

    Parameters
    ----------
    before, after : int
        Events of all units together in the earlier and the later period.
    units : int
        Number of units.

    Returns
    -------
    Pigeonhole

    Raises
    ------
    DataError
        If a total is no whole number of at least 0, or `units` none of at least 1.

    Notes
    -----
    A unit that falls needs an event before. All units can fall only if every one gives up an event
    (before - units >= after); otherwise one unit has to hold what is left, and at most units - 1 fall.

    Examples
    --------
    >>> pigeonhole(53, 32, 89)
    Pigeonhole(zero_before=36, zero_after=57, zero_both=4, least_fallen=1, most_fallen=53)
    """
    before = require_whole_number("before", before)
    after = require_whole_number("after", after)
    units = require_whole_number("units", units, least=1)
    return Pigeonhole(
        zero_before=max(0, units - before),
        zero_after=max(0, units - after),
        zero_both=max(0, units - before - after),
        least_fallen=int(after < before),
        most_fallen=units if before - units >= after else min(before, units - 1),
    )


def regression_to_mean(total_before: int, total_after: int, units: int, *, shape: float) -> float:
    r"""Mean of all units at which choosing on the outcome alone, with no effect, explains the change.

    Units differ lastingly, with gamma rates of shape k and mean m; counts are Poisson. Units chosen for
    a first-period count y have the expected second-period count

    .. math:: E = m (k + \bar y) / (k + m),

    whatever the rule, as long as it looks at y only. Solved for m with y-bar and E the observed means
    per chosen unit: if the province's mean was near the returned value, no effect is needed.

    Parameters
    ----------
    total_before, total_after : int
        Events of the chosen units together, in the period they were chosen on and in the next.
    units : int
        Number of chosen units.
    shape : float
        Gamma shape k of lasting differences between all units; ``inf`` for none.

    Returns
    -------
    float
        Events per unit and period over all units; NaN if no mean can produce so steep a rise.

    Raises
    ------
    DataError
        If a total is no whole number of at least 0, `units` none of at least 1, or `shape` not positive.

    Notes
    -----
    Assumption: no common trend, Poisson counts given the unit's rate, selection on y alone.

    References
    ----------
    Robbins (1956), Proc. Third Berkeley Symposium 1, 157-163 (the gamma-Poisson posterior mean).

    Examples
    --------
    >>> round(regression_to_mean(53, 32, 89, shape=1), 2)
    0.29
    """
    before = require_whole_number("total_before", total_before) / (
        chosen := require_whole_number("units", units, least=1)
    )
    after = require_whole_number("total_after", total_after) / chosen
    way_out = "pass the gamma shape of lasting differences, or inf for none."
    if isinstance(shape, float) and np.isposinf(shape):
        return after
    shape = require_number("shape", shape, above=0, way_out=way_out)
    return after * shape / (shape + before - after) if shape + before > after else np.nan


@dataclass(frozen=True, eq=False)
class AttainableCorrelation:
    """Two allocations that meet the same totals, and the correlations of changes they reach.

    Parameters
    ----------
    highest, lowest : float
        Pearson correlation over units of the change in x with the change in y; NaN if a change cannot vary.
    allocation_highest, allocation_lowest : DataFrame
        Index `unit` (1 to units), columns ``before_x, after_x, before_y, after_y``: whole numbers whose
        column sums are the totals.
    """

    highest: float
    lowest: float
    allocation_highest: pd.DataFrame
    allocation_lowest: pd.DataFrame


def attainable_correlation(
    before_x: int, after_x: int, before_y: int, after_y: int, units: int
) -> AttainableCorrelation:
    """Return allocations of four totals to units whose changes correlate as near +1 and -1 as found.

    If both ends come near 1, the totals say nothing about a unit-level association.

    Parameters
    ----------
    before_x, after_x, before_y, after_y : int
        Totals of two series in the earlier and the later period.
    units : int
        Number of units.

    Returns
    -------
    AttainableCorrelation
        With the allocations, so that the correlations can be checked.

    Raises
    ------
    DataError
        If a total is no whole number of at least 0, or `units` none of at least 1.

    Notes
    -----
    Exact +1 or -1 is sought first, with two groups of units that change alike within. Where none
    exists, a hill climb over all transfers of events between two units improves several starts; what it
    returns is attained, but not proven to be the extreme (it is, in every case small enough to list).
    The climb takes under a second for 89 units, some ten seconds for 1,365 with hundreds of events.
    """
    totals = {"before_x": before_x, "after_x": after_x, "before_y": before_y, "after_y": after_y}
    whole = [require_whole_number(name, value) for name, value in totals.items()]
    units = require_whole_number("units", units, least=1)
    x, y = (whole[0], whole[1]), (whole[2], whole[3])
    high, low = (_best_changes(x, y, units, sign) for sign in (1, -1))
    return AttainableCorrelation(
        highest=_correlation(*high),
        lowest=_correlation(*low),
        allocation_highest=_allocation(x, y, *high),
        allocation_lowest=_allocation(x, y, *low),
    )


def _correlation(dx: Changes, dy: Changes) -> float:
    if np.ptp(dx) == 0 or np.ptp(dy) == 0:
        return np.nan
    return float(np.corrcoef(dx, dy)[0, 1])


def _best_changes(x: tuple[int, int], y: tuple[int, int], units: int, sign: int) -> tuple[Changes, Changes]:
    """Feasible changes of all units in x and y whose correlation times `sign` is greatest."""
    exact = _two_groups(x, y, units, sign)
    if exact is not None:
        return exact
    starts = [
        (np.sort(dx), np.sort(dy)[::sign]) for dx, dy in product(_spreads(x, units), _spreads(y, units))
    ]
    starts.sort(key=lambda pair: _aligned(pair, sign), reverse=True)
    climbed = [_climb(pair, (x[1], y[1]), sign) for pair in starts[:_STARTS]]
    return max(climbed, key=lambda pair: _aligned(pair, sign))


def _aligned(pair: tuple[Changes, Changes], sign: int) -> float:
    """Correlation times `sign`; below every correlation where a change is constant."""
    return float(np.nan_to_num(sign * _correlation(*pair), nan=-2.0))


def _two_groups(
    x: tuple[int, int], y: tuple[int, int], units: int, sign: int
) -> tuple[Changes, Changes] | None:
    """Two groups of units, changing alike within: any such split correlates exactly +1 or -1."""
    for size in range(1, min(units // 2, _GROUP) + 1):
        for x_sign in (1, -1):
            dx = _split(x, units, size, x_sign)
            dy = _split(y, units, size, sign * x_sign)
            if dx is not None and dy is not None:
                return dx, dy
    return None


def _split(totals: tuple[int, int], units: int, size: int, sign: int) -> Changes | None:
    """Give the first `size` units one change and the rest another, the first above the rest if sign > 0."""
    before, after = totals
    # Nearest to the mean change the two groups need least; solutions recur with period `size`.
    mean = (after - before) // units
    rest = np.arange(mean - size - 1, mean + size + 2)
    first, remainder = np.divmod(after - before - (units - size) * rest, size)
    risen = size * np.maximum(first, 0) + (units - size) * np.maximum(rest, 0)
    fits = rest[(remainder == 0) & (risen <= after) & (sign * (first - rest) > 0)]
    if not fits.size:
        return None
    mildest = int(fits[np.argmin(np.abs(fits))])
    change = (after - before - (units - size) * mildest) // size
    return np.repeat([change, mildest], [size, units - size]).astype(np.int64)


def _spreads(totals: tuple[int, int], units: int) -> list[Changes]:
    """Starts for the climb: all lost by one unit, all gained by one, all spread as thinly as can be."""
    before, after = totals
    starts = []
    for losers in sorted({1, max(1, units // 2), max(1, units - 1)}):
        changes = np.zeros(units, dtype=np.int64)
        changes[:losers] -= _even(before, losers)
        gainers = max(1, units - losers)
        changes[units - gainers :] += _even(after, gainers)
        starts.append(changes)
    return starts


def _even(total: int, parts: int) -> Changes:
    """Whole numbers as even as can be."""
    return np.array([total // parts + (i < total % parts) for i in range(parts)], dtype=np.int64)


def _climb(pair: tuple[Changes, Changes], afters: tuple[int, int], sign: int) -> tuple[Changes, Changes]:
    """Move events between units, in x or in y, until no transfer raises sign * correlation."""
    while True:
        better = _best_transfer(pair, afters, sign)
        if better is None:
            return pair
        pair = better


def _best_transfer(
    pair: tuple[Changes, Changes], afters: tuple[int, int], sign: int
) -> tuple[Changes, Changes] | None:
    """Return `pair` after the best transfer of 1, 2, 4, ... events between two units, or None."""
    best, found = _aligned(pair, sign) + _GAIN, None
    for side, after in enumerate(afters):
        for step in 2 ** np.arange(max(1, int(np.abs(pair[side]).max()) + 1).bit_length()):
            moved = _transferred(pair[side], pair[1 - side], after, int(step), sign)
            if moved is None:
                continue
            candidate = (moved, pair[1]) if side == 0 else (pair[0], moved)
            value = _aligned(candidate, sign)
            if value > best:
                best, found = value, candidate
    return found


def _transferred(changes: Changes, other: Changes, after: int, step: int, sign: int) -> Changes | None:
    """Transfer `step` events between the two units where that raises sign * correlation most."""
    _, kinds = np.unique(np.stack([changes, other]), axis=1, return_index=True)
    kinds = np.concatenate([kinds, _second_of_kind(changes, other, kinds)])
    gain, value = changes[kinds], other[kinds]
    centred = value - other.mean()
    covariance = np.dot(changes - changes.mean(), other - other.mean())
    variance = np.dot(changes - changes.mean(), changes - changes.mean())
    with np.errstate(divide="ignore", invalid="ignore"):
        new = (covariance + step * (centred[None, :] - centred[:, None])) / np.sqrt(
            variance + 2 * step * (gain[None, :] - gain[:, None]) + 2 * step**2
        )
    risen = np.maximum(changes, 0).sum()
    growth = np.maximum(gain + step, 0) - np.maximum(gain, 0)
    shrink = np.maximum(gain - step, 0) - np.maximum(gain, 0)
    allowed = (risen + shrink[:, None] + growth[None, :] <= after) & ~np.eye(len(kinds), dtype=bool)
    new = np.where(allowed & np.isfinite(new), sign * new, -np.inf)
    giver, taker = np.unravel_index(np.argmax(new), new.shape)
    if new[giver, taker] == -np.inf:
        return None
    moved = changes.copy()
    moved[kinds[giver]] -= step
    moved[kinds[taker]] += step
    return moved


def _second_of_kind(changes: Changes, other: Changes, kinds: Changes) -> Changes:
    """Index of one more unit alike for each kind that has one, so that two units alike can exchange."""
    rest = np.setdiff1d(np.arange(len(changes)), kinds)
    if not rest.size:
        return rest
    _, again = np.unique(np.stack([changes[rest], other[rest]]), axis=1, return_index=True)
    return rest[again]


def _allocation(x: tuple[int, int], y: tuple[int, int], dx: Changes, dy: Changes) -> pd.DataFrame:
    """Whole counts with these changes; what is not needed for them stays evenly in both periods."""
    columns = {}
    for name, (before, _), changes in (("x", x, dx), ("y", y, dy)):
        lost, gained = np.maximum(-changes, 0), np.maximum(changes, 0)
        kept = _even(before - int(lost.sum()), len(changes))
        columns[f"before_{name}"], columns[f"after_{name}"] = lost + kept, gained + kept
    return pd.DataFrame(columns, index=pd.RangeIndex(1, len(dx) + 1, name="unit"))
