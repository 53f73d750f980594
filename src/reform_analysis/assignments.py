"""Assignments of treatment histories to units, or to whole clusters, within strata: drawn or enumerated.

A point is what changes places: a unit, or a cluster of assignment. History 0 is the base, usually "never
treated"; only the points with another history are stored. Column ``(k - 1) * points + i`` of the assignment
matrix says that point i has history k, so that a sum over the assigned points is one sparse product.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb, prod

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reform_analysis.permutation import Integers

Columns = NDArray[np.int32]

_BLOCK_CELLS = 2**22
_MASK_CELLS = 2**26


@dataclass(frozen=True, eq=False)
class _Stratum:
    """Points of one stratum and the histories other than the base that they share out."""

    points: Integers
    histories: Integers


@dataclass(frozen=True, eq=False)
class Assignment:
    """Which points may exchange histories.

    Identifying assumption of every test built on it: given its stratum, the history of a point could as
    well have been that of another one.

    Parameters
    ----------
    stratum : ndarray of int, shape (points,)
        Codes from 0.
    history : ndarray of int, shape (points,)
        Codes from 0; 0 is the base history.
    """

    stratum: Integers
    history: Integers

    @cached_property
    def strata(self) -> tuple[_Stratum, ...]:
        """Strata that hold a history other than the base.

        Returns
        -------
        tuple
        """
        found = []
        for code in np.unique(self.stratum[self.history > 0]):
            points = np.flatnonzero(self.stratum == code)
            histories = np.sort(self.history[points])
            found.append(_Stratum(points, histories[histories > 0]))
        return tuple(found)

    @cached_property
    def histories(self) -> Integers:
        """History of every slot: one slot a point that has not the base history.

        Returns
        -------
        ndarray of int, shape (slots,)
        """
        return np.concatenate([each.histories for each in self.strata])

    @cached_property
    def number(self) -> int:
        """Number of different assignments.

        Returns
        -------
        int
        """
        return prod(_arrangements(each) for each in self.strata)

    def observed(self) -> Columns:
        """Return the assignment there is.

        Returns
        -------
        ndarray of int, shape (1, slots)
            Columns of the assignment matrix.
        """
        slots = [
            each.points[self.history[each.points] == k]
            for each in self.strata
            for k in np.unique(each.histories)
        ]
        return self._columns(np.concatenate(slots)[None, :])

    def drawn(self, draws: int, rng: np.random.Generator) -> Columns:
        """Draw assignments at random, each with the same probability.

        Parameters
        ----------
        draws : int
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of int, shape (draws, slots)
        """
        rows = max(1, _MASK_CELLS // max(len(each.points) for each in self.strata))
        out = np.empty((draws, len(self.histories)), dtype=np.int32)
        for begin in range(0, draws, rows):
            first = 0
            for each in self.strata:
                block = out[begin : begin + rows, first : first + len(each.histories)]
                block[:] = _sampled(each, len(block), rng)
                first += len(each.histories)
        out += self._shift
        return out

    def enumerated(self) -> Columns:
        """Return every assignment once.

        Returns
        -------
        ndarray of int, shape (number, slots)
        """
        tables = [_all_arrangements(each) for each in self.strata]
        at = np.unravel_index(np.arange(self.number), [len(table) for table in tables])
        return self._columns(np.hstack([table[rows] for table, rows in zip(tables, at, strict=True)]))

    @cached_property
    def _shift(self) -> Columns:
        """What makes a column out of the point in each slot."""
        return np.asarray((self.histories - 1) * len(self.stratum), dtype=np.int32)

    def _columns(self, points: Integers) -> Columns:
        return np.asarray(points, dtype=np.int32) + self._shift


def _arrangements(stratum: _Stratum) -> int:
    """Multinomial coefficient."""
    left, number = len(stratum.points), 1
    for count in np.unique(stratum.histories, return_counts=True)[1]:
        number *= comb(left, int(count))
        left -= int(count)
    return number


def _sampled(stratum: _Stratum, rows: int, rng: np.random.Generator) -> Columns:
    """Points without replacement, a row a draw.

    Floyd's algorithm takes one step a treated point, for all rows at once: shuffling all points of
    a stratum would cost their number.
    """
    n, k = len(stratum.points), len(stratum.histories)
    taken = np.zeros((rows, n), dtype=bool)
    points = stratum.points.astype(np.int32)
    chosen = np.empty((k, rows), dtype=np.int32)
    row = np.arange(rows)
    for slot, last in enumerate(range(n - k, n)):
        place = rng.integers(0, last + 1, size=rows)
        place = np.where(taken[row, place], last, place)
        taken[row, place] = True
        chosen[slot] = points[place]
    several = len(np.unique(stratum.histories)) > 1
    return (rng.permuted(chosen, axis=0) if several else chosen).T


def _all_arrangements(stratum: _Stratum) -> Integers:
    counts = np.unique(stratum.histories, return_counts=True)[1]
    found: list[tuple[int, ...]] = [()]
    for count in counts:
        found = [
            (*before, *more)
            for before in found
            for more in combinations([i for i in range(len(stratum.points)) if i not in before], int(count))
        ]
    return stratum.points[np.array(found, dtype=np.intp)]


def matrices(columns: Columns, *, width: int) -> Iterator[csr_array]:
    """Return the assignment matrix, a block of rows at a time so that memory stays bounded.

    Parameters
    ----------
    columns : ndarray of int, shape (draws, slots)
    width : int
        Histories other than the base, times points.

    Yields
    ------
    csr_array, shape (at most draws, width)
        Ones where a point has a history.
    """
    slots = columns.shape[1]
    rows = max(1, _BLOCK_CELLS // slots)
    for begin in range(0, len(columns), rows):
        block = columns[begin : begin + rows]
        starts = np.arange(0, block.size + 1, slots, dtype=np.int32)
        yield csr_array((np.ones(block.size), block.ravel(), starts), shape=(len(block), width))
