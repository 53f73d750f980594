"""Correlations with their influence functions: Pearson, Spearman and Kendall's tau-b, within strata.

Plain permutation tests independence, not a correlation of zero: a dose related to the level of a count is
related to the variance of its change, and the test rejects although the correlation is zero. Dividing by a
standard error that is right under dependence mends that. The standard error here is the cluster sum of
each unit's influence on the correlation, its influence through the ranks included.

References
----------
DiCiccio and Romano (2017), Robust permutation tests for correlation and regression coefficients, Journal of
the American Statistical Association 112, 1211-1220.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from reform_analysis.permutation import Design, Floats, Integers


class Studentised(NamedTuple):
    """A correlation, its standard error and the pivot tested, one row a draw."""

    estimate: Floats
    std_error: Floats
    statistic: Floats


def studentise(estimate: Floats, std_error: Floats) -> Studentised:
    """Return Fisher's z of a correlation over its standard error.

    Parameters
    ----------
    estimate, std_error : ndarray
        On the scale of the correlation.

    Returns
    -------
    Studentised
        The statistic is ``atanh(r) (1 - r^2) / se``; infinite at r of -1 or 1, and 0 where r and se are.
    """
    estimate = np.where(np.abs(estimate) > 1 - 1e-12, np.sign(estimate), estimate)
    with np.errstate(divide="ignore", invalid="ignore"):
        pivot = np.arctanh(estimate) * (1 - estimate**2) / std_error
    pivot = np.where(np.abs(estimate) == 1, np.copysign(np.inf, estimate), pivot)
    return Studentised(estimate, std_error, np.where(estimate == 0, 0.0, pivot))


@dataclass(frozen=True, eq=False)
class Projection:
    """Residuals of a regression on the strata and the covariates.

    Parameters
    ----------
    basis : ndarray, shape (n, q)
        Orthonormal.
    """

    basis: Floats

    def residual(self, values: Floats) -> Floats:
        """Return what the basis leaves of the last axis.

        Parameters
        ----------
        values : ndarray, shape (..., n)

        Returns
        -------
        ndarray, shape (..., n)
        """
        return values - (values @ self.basis) @ self.basis.T


def projection(columns: Floats) -> Projection:
    """Return the projection off some columns, collinear ones allowed.

    Parameters
    ----------
    columns : ndarray, shape (n, p)

    Returns
    -------
    Projection
    """
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return Projection(left[:, sizes > sizes[0] * 1e-10])


@dataclass(frozen=True, eq=False)
class Margin:
    """One variable: its scores, its order and its influence on its own variance.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        Values or mid-ranks over n, less what strata and covariates explain.
    level : ndarray of int, shape (n,)
        Place of the value among the distinct ones.
    influence : ndarray, shape (n,)
        Of each unit on the sum of squared scores, up to a constant.
    """

    scores: Floats
    level: Integers
    influence: Floats


Kind = Literal["pearson", "spearman", "kendall"]

_UNITS_A_LEVEL = 20  # from here on adding up by level is faster than counting bits
_WORDS = 2**17  # of bits at a time


def margin(values: Floats, *, kind: Kind, off: Projection) -> Margin:
    """Return a variable as the kernels need it; ranks are computed here, once.

    Parameters
    ----------
    values : ndarray, shape (n,)
    kind : {"pearson", "spearman", "kendall"}
    off : Projection
        Of strata and covariates.

    Returns
    -------
    Margin
    """
    level = np.unique(values, return_inverse=True)[1].ravel()
    ranked = kind == "spearman"
    scores = off.residual(rankdata(values) / len(values) if ranked else values - values.mean())
    influence = scores**2
    if ranked:
        influence = influence + 2 * _above(level[None, :], scores[None, :])[0]
    return Margin(scores, level, influence)


def _above(level: Integers, weights: Floats) -> Floats:
    """Mean over units of the weights above each unit's value, those at it counted half, row by row."""
    rows, n_levels = len(level), int(level.max()) + 1
    flat = (level + n_levels * np.arange(rows)[:, None]).ravel()
    sums = np.bincount(flat, weights=weights.ravel(), minlength=rows * n_levels).astype(float)
    sums = sums.reshape(rows, n_levels) / level.shape[1]
    above = np.cumsum(sums, axis=1)
    total = above[:, -1:].copy()
    np.subtract(sums / 2, above, out=above)
    above += total
    return np.asarray(above.ravel()[flat].reshape(level.shape))


@dataclass(frozen=True, eq=False)
class Product:
    """Product-moment correlation of scores: Pearson, partial, Spearman.

    Parameters
    ----------
    dose, outcome : Margin
    design : Design
    off : Projection
        Of strata and covariates.
    ranked : bool
        Whether the scores are ranks, whose own sampling counts too.
    project : bool
        Whether a permuted dose has to be projected again; not so for permutation within strata alone.
    """

    dose: Margin
    outcome: Margin
    design: Design
    off: Projection
    ranked: bool
    project: bool

    def statistics(self, donor: Integers) -> Studentised:
        """Return the correlation of the outcome with the donors' doses.

        Parameters
        ----------
        donor : ndarray of int, shape (rows, n)

        Returns
        -------
        Studentised
            Arrays of shape (rows,).
        """
        a, b = self.dose.scores[donor], self.outcome.scores
        if self.project:
            a = self.off.residual(a)
        size_a, size_b = np.einsum("ij,ij->i", a, a), b @ b
        r = a @ b / np.sqrt(size_a * size_b)
        share = a * b
        if self.ranked:
            share += _above(self.dose.level[donor], np.broadcast_to(b, a.shape))
            share += _above(np.broadcast_to(self.outcome.level, a.shape), a)
        share -= self.dose.influence[donor] * (r / 2 * np.sqrt(size_b / size_a))[:, None]
        share -= np.outer(r / 2 * np.sqrt(size_a / size_b), self.outcome.influence)
        return studentise(r, _root_sum(share, self.design) / np.sqrt(size_a * size_b))


def _root_sum(influence: Floats, design: Design) -> Floats:
    """Root of the summed squares of the clusters' influences, centred within strata."""
    dummies = design.strata_dummies()
    means = influence @ (dummies / dummies.sum(axis=0))
    if design.cluster is None:
        squares = np.einsum("ij,ij->i", influence, influence)
        return np.asarray(np.sqrt(np.maximum(squares - means**2 @ dummies.sum(axis=0), 0)))
    total = design.sums(influence) - means @ design.sums(dummies.T)
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", total, total)))


@dataclass(frozen=True, eq=False)
class Kendall:
    """Kendall's tau-b over the pairs of units of one stratum.

    Parameters
    ----------
    dose, outcome : Margin
    design : Design
    """

    dose: Margin
    outcome: Margin
    design: Design

    def statistics(self, donor: Integers) -> Studentised:
        """Return tau-b of the outcome and the donors' doses.

        Parameters
        ----------
        donor : ndarray of int, shape (rows, n)

        Returns
        -------
        Studentised
            Arrays of shape (rows,).
        """
        agree, untied_x, untied_y = (np.zeros(donor.shape) for _ in range(3))
        place = np.empty(donor.shape[1], dtype=np.intp)
        for code in range(int(self.design.stratum.max()) + 1):
            members = np.flatnonzero(self.design.stratum == code)
            place[members] = np.arange(len(members))
            pairs = self._pairs(members, place[donor[:, members]])
            agree[:, members], untied_x[:, members], untied_y[:, members] = pairs
        n_x, n_y = untied_x.sum(axis=1), untied_y.sum(axis=1)
        scale = np.sqrt(n_x * n_y)
        tau = agree.sum(axis=1) / scale
        influence = 2 * agree / scale[:, None]
        influence -= untied_x * (tau / n_x)[:, None] + untied_y * (tau / n_y)[:, None]
        return studentise(tau, _root_sum(influence, self.design))

    def _pairs(self, members: Integers, donor: Integers) -> tuple[Floats, Floats, Floats]:
        """Pairs of one stratum; without clusters its units may stand in any order, as only sums are taken."""
        x, y = (
            self.dose.level[members],
            np.unique(self.outcome.level[members], return_inverse=True)[1].ravel(),
        )
        if self.design.cluster is None and _has_few_levels(y):
            return _pairs_in_order(x, y, donor)
        return _pairs(x[donor], y)


class _Masks(NamedTuple):
    """Bits of the units strictly below each unit and of those not above it, and their numbers."""

    below: NDArray[np.uint64]
    not_above: NDArray[np.uint64]
    n_below: Integers
    n_not_above: Integers


def _pairs(x: Integers, y: Integers) -> tuple[Floats, Floats, Floats]:
    """Each unit's concordant less discordant pairs, its pairs untied in x, and those untied in y."""
    if _has_few_levels(y):
        return _pairs_by_level(x, y)
    rows = max(1, _WORDS // (len(y) * (len(y) // 64 + 1)))
    parts = [_pairs_of_bits(x[first : first + rows], y) for first in range(0, len(x), rows)]
    agree, untied_x, untied_y = (np.concatenate(each) for each in zip(*parts, strict=True))
    return agree, untied_x, untied_y


def _has_few_levels(y: Integers) -> bool:
    return _UNITS_A_LEVEL * (int(y.max()) + 1) <= len(y)


def _pairs_in_order(x: Integers, y: Integers, donor: Integers) -> tuple[Floats, Floats, Floats]:
    """Pairs where each dose is given once, unit by unit in the order of the doses, and y has few levels.

    That order is the same in every draw, so nothing is sorted: the outcomes move. With c the number of
    outcomes below a level among the first units, the signs of a level less the outcomes there add up to
    c of the level, plus c of the next one, less the number of those units. Draws stand side by side, which
    adds them up many at a time.
    """
    rows, n = donor.shape
    order = np.argsort(x, kind="stable")
    begins, ends = (np.searchsorted(x[order], x[order], side=side) for side in ("left", "right"))
    place = np.argsort(order, kind="stable")
    small = np.int16 if n < 2**14 else np.int32
    moved = np.empty((n, rows), dtype=small)
    moved[place[donor].T, np.arange(rows)] = y[:, None]
    agree, last, below = (np.zeros((size, rows), dtype=small) for size in (n, n, n + 1))
    sizes = np.bincount(y)
    for level in range(len(sizes)):
        np.cumsum(moved <= level, axis=0, out=below[1:])
        following = below[begins] + below[ends] - below[n]
        agree += (moved == level) * (last + following)
        last = following
    agree += (n - begins - ends).astype(small)[:, None]
    untied_x = np.broadcast_to(n - ends + begins, (rows, n)).astype(float)
    return agree.T.astype(float), untied_x, (n - sizes[moved.T]).astype(float)


def _pairs_by_level(x: Integers, y: Integers) -> tuple[Floats, Floats, Floats]:
    """Pairs where y has few levels: the work is rows * n * levels, and the numbers those of `_pairs_of_bits`.

    Along the order of x the signs of h less y are added up for each level h; what lies below a unit less what
    lies above it, read at its own level, is its concordant less its discordant pairs.
    """
    rows, n = x.shape
    sizes = np.bincount(y)
    levels = np.arange(len(sizes))
    signs = np.sign(levels[:, None] - levels[None, :]).astype(np.int32)
    order = np.argsort(x.astype(np.uint16), axis=1, kind="stable")
    begins, ends = _tie_ends(x, order)
    added = np.zeros((len(levels), rows, n + 1), dtype=np.int32)
    np.cumsum(signs[:, y[order]], axis=2, out=added[:, :, 1:])
    row = np.arange(rows)[:, None]
    agree = added[y, row, begins] + added[y, row, ends] - added[y, row, n]
    untied_y = np.broadcast_to(n - sizes[y], x.shape)
    return agree.astype(float), (n - ends + begins).astype(float), untied_y.astype(float)


def _pairs_of_bits(x: Integers, y: Integers) -> tuple[Floats, Floats, Floats]:
    """Pairs whatever the levels.

    A row of bits marks the units below a unit; a pair of rows meets in a bitwise "and", and the bits that
    stand are counted. The work is rows * n * n / 64.
    """
    n = len(y)
    in_x, in_y = _masks(x), _masks(y[None, :])
    concordant = _count(in_x.below & in_y.below) + _count(in_x.not_above & in_y.not_above)
    concordant += n - in_x.n_not_above - in_y.n_not_above
    discordant = in_x.n_below - _count(in_x.below & in_y.not_above)
    discordant += in_y.n_below - _count(in_x.not_above & in_y.below)
    untied = [np.broadcast_to(n - side.n_not_above + side.n_below, x.shape) for side in (in_x, in_y)]
    return (concordant - discordant).astype(float), untied[0].astype(float), untied[1].astype(float)


def _count(bits: NDArray[np.uint64]) -> Integers:
    # einsum sums the short last axis twice as fast as sum() does; a row never holds 65,536 units.
    counted = np.einsum("ijk->ij", np.bitwise_count(bits), dtype=np.uint16, casting="unsafe")
    return np.asarray(counted, dtype=np.intp)


def _masks(level: Integers) -> _Masks:
    """Mark the units below each one, row by row; sixteen-bit levels are sorted by radix."""
    rows, n = level.shape
    order = np.argsort(level.astype(np.uint16), axis=1, kind="stable")
    bits = np.zeros((rows, n + 1, (n + 63) // 64), dtype=np.uint64)
    row, place = np.arange(rows)[:, None], np.arange(n)
    bits[row, place + 1, order >> 6] = np.left_shift(np.uint64(1), (order & 63).astype(np.uint64))
    np.bitwise_or.accumulate(bits, axis=1, out=bits)
    begins, ends = _tie_ends(level, order)
    return _Masks(bits[row, begins], bits[row, ends], begins, ends)


def _tie_ends(level: Integers, order: Integers) -> tuple[Integers, Integers]:
    """Numbers of units below each unit, and not above it, row by row."""
    n = level.shape[1]
    ranked, place = np.take_along_axis(level, order, axis=1), np.arange(n)
    opens = np.diff(ranked, axis=1, prepend=-1) > 0
    closes = np.diff(ranked, axis=1, append=n + 1) > 0
    first = np.maximum.accumulate(np.where(opens, place, 0), axis=1)
    last = np.minimum.accumulate(np.where(closes, place + 1, n)[:, ::-1], axis=1)[:, ::-1]
    begins, ends = np.empty_like(order), np.empty_like(order)
    np.put_along_axis(begins, order, first, axis=1)
    np.put_along_axis(ends, order, last, axis=1)
    return begins, ends
