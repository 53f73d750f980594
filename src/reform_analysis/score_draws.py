r"""Studentised score of a rate ratio under many assignments, as products with the assignment matrix.

At a ratio of :math:`\rho` unit and period effects are fitted with the ratio held fixed. With residuals
:math:`\hat r_{it}` and the slopes d of an assignment A, the period effects are projected out,

.. math:: S_A = \sum_i u_i, \qquad u_i = \sum_t (d_{it} - g_t)\, \hat r_{it}, \qquad
          g = G^{+} \sum_{it} \hat\mu_{it} (d_{it} - \bar d_i)

with G the information on the period effects, and :math:`T_A = S_A / (\sum_i u_i^2)^{1/2}`. The fit does not
depend on A, and S, g and the sum of squares are sums over the assigned units.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from reform_analysis.assignments import Columns, matrices
from reform_analysis.permutation import Floats, Integers
from reform_analysis.poisson_effects import at_infinity, fit_periods, slopes


@dataclass(frozen=True, eq=False)
class Layout:
    """Who changes places and whose scores are summed before they are squared.

    Parameters
    ----------
    point : ndarray of int, shape (units,)
        Number of the point (the unit itself, or its cluster) that changes places.
    group : ndarray of int, shape (points,), or None
        Clusters within which units depend on one another without changing places together.
    histories : ndarray, shape (histories, periods)
        Shares of periods under treatment; row 0 is the base history.
    unit_history : ndarray of int, shape (units,)
    """

    point: Integers
    group: Integers | None
    histories: Floats
    unit_history: Integers

    @property
    def points(self) -> int:
        """Number of points.

        Returns
        -------
        int
        """
        return int(self.point.max()) + 1

    @property
    def treated(self) -> Floats:
        """Shares of periods under treatment as observed.

        Returns
        -------
        ndarray, shape (units, periods)
        """
        return np.asarray(self.histories[self.unit_history])

    @property
    def single(self) -> bool:
        """Whether treated units share one history and the others are never treated.

        Returns
        -------
        bool
        """
        return len(self.histories) == 2 and not self.histories[0].any()


@dataclass(frozen=True, eq=False)
class Scores:
    """The score at one ratio, ready for any assignment.

    Parameters
    ----------
    base : ndarray, shape (q,)
        Sums with every point at the base history.
    moved : ndarray, shape (histories less one, times points; q)
        What a point adds by having another history. Columns: score, its square, information with the period
        effects (periods), score times residuals (periods), events in treated and in untreated cells.
    grouped : csr_array or None, shape as `moved` by groups
        Scores by group; `grouped_base` those with every point at the base history.
    grouped_base : ndarray, shape (groups,), or None
    residual : ndarray, shape (points or groups, periods)
    inverse : ndarray, shape (periods, periods)
        Generalised inverse of the information on the period effects.
    events : tuple of float, or None
        Events of all units in treated periods and in the others, for one history.
    """

    base: Floats
    moved: Floats
    grouped: csr_array | None
    grouped_base: Floats | None
    residual: Floats
    inverse: Floats
    events: tuple[float, float] | None

    def statistics(self, columns: Columns) -> Floats:
        """Return the studentised score of assignments.

        Parameters
        ----------
        columns : ndarray of int, shape (draws, slots)
            As `assignments.Assignment` returns them.

        Returns
        -------
        ndarray, shape (draws,)
            Infinite where `poisson_effects.at_infinity` says so; 0 where nothing varies.
        """
        blocks = [self._block(matrix) for matrix in matrices(columns, width=len(self.moved))]
        return np.concatenate(blocks)

    def _block(self, matrix: csr_array) -> Floats:
        periods = self.residual.shape[1]
        sums = self.base + matrix @ self.moved
        score, squares = sums[:, 0], sums[:, 1]
        slope = sums[:, 2 : 2 + periods] @ self.inverse
        if self.grouped is None:
            squares = squares - 2 * np.sum(slope * sums[:, 2 + periods : 2 + 2 * periods], axis=1)
            squares += np.sum((slope @ (self.residual.T @ self.residual)) * slope, axis=1)
        else:
            by_group = self.grouped_base + (matrix @ self.grouped).toarray() - slope @ self.residual.T
            squares = np.sum(by_group**2, axis=1)
        spread = np.sqrt(np.maximum(squares, 0))
        ratio = np.divide(score, spread, out=np.zeros_like(score), where=spread > 1e-12)
        infinite = self._infinite(sums[:, -2], sums[:, -1])
        return np.where(infinite == 0, ratio, infinite)

    def _infinite(self, treated: Floats, before: Floats) -> Floats:
        if self.events is None:
            return at_infinity(treated, before, None, None)
        return at_infinity(treated, before, self.events[0] - treated, self.events[1] - before)

    def infinite(self, columns: Columns) -> Floats:
        """Return -inf, inf or 0 for assignments, as `poisson_effects.at_infinity`.

        Parameters
        ----------
        columns : ndarray of int, shape (draws, slots)

        Returns
        -------
        ndarray, shape (draws,)
        """
        return self._infinite(*self._events(columns))

    def treated_events(self, columns: Columns) -> Floats:
        """Return the events of units that are treated at some time.

        Parameters
        ----------
        columns : ndarray of int, shape (draws, slots)

        Returns
        -------
        ndarray, shape (draws,)
        """
        return np.asarray(self._events(columns).sum(axis=0))

    def _events(self, columns: Columns) -> Floats:
        """Events in treated and in untreated cells, shape (2, draws)."""
        ends = self.base[-2:], np.ascontiguousarray(self.moved[:, -2:])
        sums = [ends[0] + matrix @ ends[1] for matrix in matrices(columns, width=len(self.moved))]
        return np.asarray(np.concatenate(sums).T)


def scores(counts: Floats, exposure: Floats, layout: Layout, *, ratio: float = 1.0) -> Scores:
    """Fit unit and period effects at a ratio and prepare its score.

    Parameters
    ----------
    counts, exposure : ndarray, shape (units, periods)
    layout : Layout
    ratio : float
        Held fixed in the cells that were treated.

    Returns
    -------
    Scores
    """
    held = 1 - layout.treated + layout.treated * ratio
    fitted = fit_periods(counts, exposure * held)
    residual = counts - fitted.expected
    by_point = _summed(residual, layout.point)
    tables = [
        _table(
            history, counts=counts, expected=fitted.expected, by_point=by_point, layout=layout, ratio=ratio
        )
        for history in layout.histories
    ]
    moved = np.vstack([table - tables[0] for table in tables[1:]])
    group = layout.group
    grouped, grouped_base = (None, None) if group is None else _grouped(tables, group)
    events = None
    if layout.single:
        at = layout.histories[1] > 0
        events = float(counts[:, at].sum()), float(counts[:, ~at].sum())
    return Scores(
        base=tables[0].sum(axis=0),
        moved=moved,
        grouped=grouped,
        grouped_base=grouped_base,
        residual=by_point if group is None else _summed(by_point, group),
        inverse=np.asarray(np.linalg.pinv(fitted.information(), rcond=1e-12, hermitian=True), dtype=float),
        events=events,
    )


def _summed(values: Floats, code: Integers) -> Floats:
    if len(code) == code.max() + 1 and bool((np.diff(code) == 1).all()):
        return values
    out = np.zeros((int(code.max()) + 1, values.shape[1]))
    np.add.at(out, code, values)
    return out


def _table(
    history: Floats, *, counts: Floats, expected: Floats, by_point: Floats, layout: Layout, ratio: float
) -> Floats:
    """What each point adds to the sums if it has this history, shape (points, q)."""
    slope = slopes(history, ratio)
    total = expected.sum(axis=1, keepdims=True)
    mean = np.divide((expected @ slope)[:, None], total, out=np.zeros_like(total), where=total > 0)
    crossed = _summed(expected * (slope - mean), layout.point)
    score = by_point @ slope
    treated = history > 0
    ever = bool(treated.any())
    events = np.column_stack([counts[:, treated].sum(axis=1), ever * counts[:, ~treated].sum(axis=1)])
    return np.column_stack(
        [score, score**2, crossed, score[:, None] * by_point, _summed(events, layout.point)]
    )


def _grouped(tables: list[Floats], group: Integers) -> tuple[csr_array, Floats]:
    """Scores of the points in the column of their group."""
    moved = np.concatenate([table[:, 0] - tables[0][:, 0] for table in tables[1:]])
    column = np.tile(group, len(tables) - 1)
    shape = len(moved), int(group.max()) + 1
    matrix = csr_array((moved, (np.arange(len(moved)), column)), shape=shape)
    base = np.bincount(group, weights=tables[0][:, 0], minlength=shape[1])
    return matrix, np.asarray(base, dtype=float)


def standard_error(counts: Floats, exposure: Floats, layout: Layout, *, log_ratio: float) -> float:
    """Return the cluster-robust standard error of the log ratio at its estimate.

    Parameters
    ----------
    counts, exposure : ndarray, shape (units, periods)
    layout : Layout
    log_ratio : float

    Returns
    -------
    float
        Root of the squared efficient scores, summed over points or groups, over the efficient information;
        NaN where the estimate is infinite.
    """
    if not np.isfinite(log_ratio):
        return np.nan
    ratio = float(np.exp(log_ratio))
    held = 1 - layout.treated + layout.treated * ratio
    fitted = fit_periods(counts, exposure * held)
    slope = slopes(layout.treated, ratio)
    expected = fitted.expected
    total = expected.sum(axis=1, keepdims=True)
    own = np.divide(expected * slope, total, out=np.zeros_like(expected), where=total > 0)
    centred = slope - own.sum(axis=1, keepdims=True)
    crossed = np.sum(expected * centred, axis=0)
    projected = np.linalg.pinv(fitted.information(), rcond=1e-12, hermitian=True) @ crossed
    information = float(np.sum(expected * centred**2) - crossed @ projected)
    score = _summed(((slope - projected) * (counts - expected)).sum(axis=1, keepdims=True), layout.point)
    score = score if layout.group is None else _summed(score, layout.group)
    return float(np.sqrt(np.sum(score**2)) / information)
