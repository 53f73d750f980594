r"""Studentised score of one specification at the null, for every relabelling at once.

At the null the fit of unit effects, period effects and controls does not depend on who is treated. With its
residuals e and means :math:`\hat\mu`, unit i under treatment history h adds
:math:`p_i^h = \sum_t f_t^h e_{it}` to the score, and what period effects and controls take
out is linear in who is treated:

.. math:: s_i = w_i (p_i^{h(i)} - q_i' \delta), \quad q_i = \sum_t z_{it} e_{it}, \quad
          \delta = \Big(\sum_i w_i I_i\Big)^{-1} \sum_i w_i c_i^{h(i)}, \quad
          T = \sum_i s_i \Big/ \max\Big\{\sum_g \big(\sum_{i \in g} s_i\big)^2, \
          \sum_i w_i^2 (o_i^{h(i)} - 2 \delta' c_i^{h(i)} + \delta' I_i \delta)\Big\}^{1/2}

with :math:`I_i`, :math:`c_i^h` and :math:`o_i^h` a unit's information on z, between z and the history, and
on the history, unit effects concentrated out. The second variance is that of Poisson counts; as in
`score_draws` it keeps the robust one of a few scores near 0 from making a large statistic.

Scores of all relabellings are therefore products with the assignment matrix. Weights that depend on who is
treated enter as w; the nuisance fit stays unweighted, which changes the score by less than its own error,
since the score is orthogonal to the nuisance parameters (Neyman's C(alpha)).

References
----------
Neyman (1959), in Grenander (ed.), Probability and Statistics, 213-234.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from reform_analysis.cell_scores import CellFit, Floats, Integers

_NOTHING = 1e-6  # of a standard error, as in `score_draws`


@dataclass(frozen=True, eq=False)
class Relabelling:
    """Who has which treatment history, in every draw; the first row is the observed one.

    Parameters
    ----------
    matrix : csr_array, shape (draws + 1, histories times units)
        Ones where a unit has a history; the first history of all, never treated, is left out.
    units : int
    """

    matrix: csr_array
    units: int

    @property
    def histories(self) -> int:
        """Number of histories other than never treated.

        Returns
        -------
        int
        """
        return int(self.matrix.shape[1] // self.units)

    def treated(self) -> Floats:
        """Return who is treated at any time.

        Returns
        -------
        ndarray, shape (draws + 1, units)
        """
        dense = self.matrix.toarray().reshape(-1, self.histories, self.units)
        ever: Floats = dense.sum(axis=1)
        return ever

    def weighted(self, weights: Floats) -> csr_array:
        """Return the matrix with the weight of the unit in place of each one.

        Parameters
        ----------
        weights : ndarray, shape (draws + 1, units)

        Returns
        -------
        csr_array
        """
        matrix = self.matrix
        row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        values = weights[row, matrix.indices % self.units]
        return csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)


@dataclass(frozen=True, eq=False)
class ScoreTables:
    """What each unit adds to the score of one specification.

    Parameters
    ----------
    score : ndarray, shape (histories times units,)
        The products p.
    own : ndarray, shape (histories times units,)
        Information on a history, o.
    crossed : ndarray, shape (histories times units, k)
        Information between a history and period effects and controls, c.
    nuisance : ndarray, shape (units, k)
        The scores q.
    information : ndarray, shape (units, k, k)
    """

    score: Floats
    own: Floats
    crossed: Floats
    nuisance: Floats
    information: Floats


def score_tables(fit: CellFit, histories: Floats) -> ScoreTables:
    """Return the tables of a specification.

    Parameters
    ----------
    fit : CellFit
        At the null.
    histories : ndarray, shape (histories, periods)
        Share of each period under treatment, without the history never treated.

    Returns
    -------
    ScoreTables
    """
    centred = fit.centred(fit.design)
    weighted = fit.expected[..., None] * centred
    return ScoreTables(
        score=(histories @ fit.residual.T).ravel(),
        own=np.concatenate([_own(fit, path) for path in histories]),
        # The unit mean of the history drops out against centred columns.
        crossed=np.concatenate([np.einsum("t,itk->ik", path, weighted) for path in histories]),
        nuisance=np.einsum("itk,it->ik", fit.design, fit.residual),
        information=np.einsum("itk,itl->ikl", weighted, centred, optimize=True),
    )


def _own(fit: CellFit, path: Floats) -> Floats:
    """Information on a history in each unit, its effect concentrated out."""
    centred = fit.centred(np.broadcast_to(path, fit.expected.shape))
    information: Floats = (fit.expected * centred**2).sum(axis=1)
    return information


def studentised(
    tables: ScoreTables,
    labels: Relabelling,
    *,
    cluster: Integers | None = None,
    weights: Floats | None = None,
) -> Floats:
    """Return the studentised score of every relabelling.

    Parameters
    ----------
    tables : ScoreTables
    labels : Relabelling
    cluster : ndarray of int, shape (units,), optional
        Units whose scores are summed before they are squared; by default each unit alone.
    weights : ndarray, shape (draws + 1, units), optional

    Returns
    -------
    ndarray, shape (draws + 1,)
        0 where nothing varies.
    """
    matrix = labels.matrix if weights is None else labels.weighted(weights)
    every = np.ones((1, labels.units)) if weights is None else weights
    k = tables.nuisance.shape[1]
    information = (every @ tables.information.reshape(labels.units, -1)).reshape(-1, k, k)
    slope = np.einsum("bkl,bl->bk", _inverses(information), matrix @ tables.crossed)
    score = matrix @ tables.score - np.sum(slope * (every @ tables.nuisance), axis=1)
    if cluster is None:
        squares = _by_unit(tables, matrix, slope, weights)
    else:
        squares = _by_group(tables, matrix, slope, (cluster, every))
    spread = np.sqrt(np.maximum(squares, _poisson(tables, matrix, slope, weights)))
    statistic: Floats = np.divide(score, spread, out=np.zeros(len(score)), where=spread > _NOTHING)
    return statistic


def _inverses(information: Floats) -> Floats:
    """Inverses of one matrix or of many; pseudo-inverses, since a sample may lack what a control needs."""
    return np.asarray(np.linalg.pinv(information, rcond=1e-10, hermitian=True), dtype=float)


def _poisson(tables: ScoreTables, matrix: csr_array, slope: Floats, weights: Floats | None) -> Floats:
    """Variance of the score of Poisson counts, at least 0."""
    k = tables.nuisance.shape[1]
    squared = matrix if weights is None else matrix.power(2)
    every = np.ones((1, len(tables.nuisance))) if weights is None else weights**2
    information = (every @ tables.information.reshape(len(tables.nuisance), -1)).reshape(-1, k, k)
    taken = np.sum((information @ slope[:, :, None])[:, :, 0] * slope, axis=1)
    crossed = np.sum(slope * (squared @ tables.crossed), axis=1)
    variance: Floats = np.maximum(squared @ tables.own - 2 * crossed + taken, 0.0)
    return variance


def _by_unit(tables: ScoreTables, matrix: csr_array, slope: Floats, weights: Floats | None) -> Floats:
    """Sum of squared scores of units, expanded so that no draw-by-unit table is made."""
    squared = matrix if weights is None else matrix.power(2)
    nuisance = np.tile(tables.nuisance, (len(tables.score) // len(tables.nuisance), 1))
    own = squared @ np.column_stack([tables.score**2, tables.score[:, None] * nuisance])
    k = tables.nuisance.shape[1]
    outer = (tables.nuisance[:, :, None] * tables.nuisance[:, None, :]).reshape(-1, k * k)
    every = outer.sum(axis=0, keepdims=True) if weights is None else weights**2 @ outer
    common = np.einsum(
        "bk,bkl,bl->b", slope, np.broadcast_to(every.reshape(-1, k, k), (len(slope), k, k)), slope
    )
    return np.asarray(own[:, 0] - 2 * np.sum(slope * own[:, 1:], axis=1) + common, dtype=float)


def _by_group(
    tables: ScoreTables, matrix: csr_array, slope: Floats, groups: tuple[Integers, Floats]
) -> Floats:
    """Sum of squared scores of groups."""
    cluster, every = groups
    units, k = tables.nuisance.shape
    size = int(cluster.max()) + 1
    tiled = np.tile(cluster, len(tables.score) // units)
    spread = csr_array((tables.score, (np.arange(len(tiled)), tiled)), shape=(len(tiled), size))
    scores = (matrix @ spread).toarray()
    row = np.repeat(np.arange(units), k)
    column = (cluster[:, None] * k + np.arange(k)).ravel()
    nuisance = csr_array((tables.nuisance.ravel(), (row, column)), shape=(units, size * k))
    summed = np.asarray((nuisance.T @ every.T).T).reshape(-1, size, k)
    taken = slope @ summed[0].T if len(summed) == 1 else np.einsum("bgk,bk->bg", summed, slope)
    squares: Floats = np.sum((scores - taken) ** 2, axis=1)
    return squares
