"""Permutation of doses within strata, of whole clusters where there are any, and what is read off the draws.

A draw is an array of donors: unit i receives the dose of unit ``donor[i]``. All measures of a family use
the same donors, so that their dependence is kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.stats.multitest import fdrcorrection, multipletests

from reform_analysis.estimates import DesignError

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

_TIE = 1e-9


@dataclass(frozen=True, eq=False)
class Design:
    """Which units may exchange doses, and which units' sums are independent.

    Identifying assumption of every test built on it: given its stratum, the dose of a unit (of a whole
    cluster, where `cluster` is given) could as well have been that of another one.

    Parameters
    ----------
    stratum : ndarray of int, shape (n,)
        Codes from 0.
    cluster : ndarray of int, shape (n,), or None
        Codes from 0, ascending: units stand sorted by cluster. None where every unit is drawn alone.
    """

    stratum: Integers
    cluster: Integers | None = None

    def sums(self, values: Floats) -> Floats:
        """Sum the last axis within clusters.

        Parameters
        ----------
        values : ndarray, shape (..., n)

        Returns
        -------
        ndarray, shape (..., clusters)
            `values` itself where there are no clusters.
        """
        if self.cluster is None:
            return values
        starts = np.flatnonzero(np.diff(self.cluster, prepend=-1))
        return np.add.reduceat(values, starts, axis=-1)

    def strata_dummies(self) -> Floats:
        """Return one column a stratum.

        Returns
        -------
        ndarray, shape (n, strata)
        """
        return np.eye(int(self.stratum.max()) + 1)[self.stratum]


def donors(design: Design, *, draws: int, rng: np.random.Generator, rows: int) -> Iterator[Integers]:
    """Draw donors at random, a block of rows at a time so that memory stays bounded.

    Without clusters doses are permuted within strata. With clusters each cluster receives the doses of
    another one that has units in the same strata, stratum by stratum, in random order: a smaller donor's
    doses are recycled, a larger donor's subsampled. Where the dose is one number a cluster this is the
    permutation of whole clusters.

    Parameters
    ----------
    design : Design
    draws : int
        Number of draws in all.
    rng : numpy.random.Generator
    rows : int
        Draws a block.

    Yields
    ------
    ndarray of int, shape (at most rows, n)

    Raises
    ------
    DesignError
        If no cluster can change places with another one.
    """
    draw = _units if design.cluster is None else _clusters
    groups = _exchangeable(design)
    for begin in range(0, draws, rows):
        yield draw(design, groups, min(rows, draws - begin), rng)


def _exchangeable(design: Design) -> list[Integers]:
    """Sets within which units, or clusters, change places: same stratum, or same set of strata."""
    if design.cluster is None:
        pattern = design.stratum
    else:
        present = _sizes(design.cluster, design.stratum) > 0
        pattern = np.unique(present, axis=0, return_inverse=True)[1].ravel()
    groups = [np.flatnonzero(pattern == code) for code in range(int(pattern.max()) + 1)]
    if all(len(group) < 2 for group in groups):
        raise DesignError(
            f"cluster and strata must leave at least two clusters with the same strata, got {len(groups)} "
            "clusters that all differ; name coarser strata or no cluster."
        )
    return groups


def _sizes(cluster: Integers, stratum: Integers) -> Integers:
    """Number of units, cluster by stratum."""
    shape = int(cluster.max()) + 1, int(stratum.max()) + 1
    flat = np.bincount(cluster * shape[1] + stratum, minlength=shape[0] * shape[1])
    return np.asarray(flat.reshape(shape), dtype=np.intp)


def _units(design: Design, groups: list[Integers], rows: int, rng: np.random.Generator) -> Integers:
    donor = np.empty((rows, len(design.stratum)), dtype=np.intp)
    for group in groups:
        donor[:, group] = rng.permuted(np.tile(group, (rows, 1)), axis=1)
    return donor


def _clusters(design: Design, groups: list[Integers], rows: int, rng: np.random.Generator) -> Integers:
    cluster, stratum = design.cluster, design.stratum
    assert cluster is not None
    source = np.empty((rows, int(cluster.max()) + 1), dtype=np.intp)
    for group in groups:
        source[:, group] = rng.permuted(np.tile(group, (rows, 1)), axis=1)
    sizes = _sizes(cluster, stratum)
    size, n_strata = sizes.ravel(), sizes.shape[1]
    cell = cluster * n_strata + stratum
    by_cell = np.argsort(cell, kind="stable")
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    place = np.empty_like(cell)
    place[by_cell] = np.arange(len(cell)) - start[cell[by_cell]]
    from_cell = source[:, cluster] * n_strata + stratum
    shuffled = _shuffled_within(by_cell, cell, rows, rng)
    at = start[from_cell] + place % size[from_cell]
    return np.take_along_axis(shuffled, at, axis=1)


def _shuffled_within(by_cell: Integers, cell: Integers, rows: int, rng: np.random.Generator) -> Integers:
    """Units sorted by cell, in random order within each."""
    keys = cell[by_cell] + rng.random((rows, len(cell)))
    return by_cell[np.argsort(keys, axis=1)]


def p_values(observed: Floats, drawn: Floats) -> Floats:
    """Return two-sided permutation p-values, the observed arrangement counted among the draws.

    Parameters
    ----------
    observed : ndarray, shape (k,)
        Test statistics.
    drawn : ndarray, shape (draws, k)

    Returns
    -------
    ndarray, shape (k,)
        ``(1 + #{|T*| >= |T|}) / (1 + draws)``, never 0.

    References
    ----------
    Phipson and Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9, article 39.
    """
    reached = np.abs(drawn) >= np.abs(observed) * (1 - _TIE)
    return np.asarray((1 + reached.sum(axis=0)) / (1 + len(drawn)), dtype=float)


def critical_values(drawn: Floats, *, level: float) -> Floats:
    """Return the size of statistic that a test at 1 - `level` has to exceed.

    Parameters
    ----------
    drawn : ndarray, shape (draws, k)
    level : float
        Of the interval, as 0.95.

    Returns
    -------
    ndarray, shape (k,)
        The ``ceil(level (draws + 1))``-th smallest ``|T*|``: whatever exceeds it (`exceeds`) has p of at most
        1 - level.
    """
    place = int(np.ceil(level * (len(drawn) + 1) - _TIE)) - 1
    return np.asarray(np.sort(np.abs(drawn), axis=0)[place], dtype=float)


def exceeds(observed: Floats, critical: Floats) -> NDArray[np.bool_]:
    """Return whether statistics exceed their critical values, with the ties that `p_values` allows.

    Parameters
    ----------
    observed, critical : ndarray, shape (k,)

    Returns
    -------
    ndarray of bool, shape (k,)
        True exactly where the p-value is at most 1 - level.
    """
    return np.asarray(np.abs(observed) * (1 - _TIE) > critical)


def agreeing(low: float, high: float, *, null: float, rejected: bool) -> tuple[float, float]:
    """Return an interval that holds the null value exactly where the test does not reject it.

    Ends are found to a rounding error or a root's tolerance, while the test at the null value itself is one
    comparison: where the two disagree, the end at the null value gives way.

    Parameters
    ----------
    low, high : float
        NaN for no interval.
    null : float
    rejected : bool

    Returns
    -------
    low, high : float
    """
    if np.isnan(low) or np.isnan(high) or rejected == (not low <= null <= high):
        return low, high
    if not rejected:
        return min(low, null), max(high, null)
    nearer_low = null - low < high - null
    return (
        (float(np.nextafter(null, np.inf)), high) if nearer_low else (low, float(np.nextafter(null, -np.inf)))
    )


def max_t(observed: Floats, drawn: Floats) -> Floats:
    """Return step-down max-T p-values, which hold the familywise error under any dependence.

    Parameters
    ----------
    observed : ndarray, shape (k,)
    drawn : ndarray, shape (draws, k)
        Rows permuted jointly over the k measures.

    Returns
    -------
    ndarray, shape (k,)

    References
    ----------
    Westfall and Young (1993), Resampling-Based Multiple Testing, algorithm 4.1.
    """
    order = np.argsort(-np.abs(observed), kind="stable")
    largest = np.maximum.accumulate(np.abs(drawn)[:, order[::-1]], axis=1)[:, ::-1]
    stepped = np.maximum.accumulate(p_values(observed[order], largest))
    adjusted = np.empty_like(stepped)
    adjusted[order] = stepped
    return adjusted


def adjusted(observed: Floats, drawn: Floats) -> pd.DataFrame:
    """Return p-values adjusted over the family.

    Parameters
    ----------
    observed : ndarray, shape (k,)
    drawn : ndarray, shape (draws, k)

    Returns
    -------
    DataFrame
        k rows; columns ``holm, bh, max_t``.
    """
    plain = p_values(observed, drawn)
    if len(plain) == 1:  # multipletests collects garbage, 0.1 s a call: a family of one needs none of it
        return pd.DataFrame(dict.fromkeys(("holm", "bh", "max_t"), plain))
    return pd.DataFrame(
        {
            "holm": multipletests(plain, method="holm")[1],
            "bh": fdrcorrection(plain)[1],
            "max_t": max_t(observed, drawn),
        }
    )
