"""Spearman's correlation for many units: exact, with its standard error taken from a table of grouped ranks.

The influence of a unit varies slowly with the two ranks. With the ranks in 32 groups a side the sum of
squared influences follows from the table of counts, which costs a fraction of the sums over units. The same
grouping is made in the data and in every permutation, so the test stays exact and the interval, which is the
standard error times its own critical value, does not feel the grouping either.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from reform_analysis.influence import Margin, Studentised, studentise
from reform_analysis.permutation import Design, Floats, Integers

GROUPS = 32


@dataclass(frozen=True, eq=False)
class Side:
    """One variable in groups.

    Parameters
    ----------
    group : ndarray of int, shape (n,)
    size, score, influence : ndarray, shape (strata, groups)
        Number of units, and means over them; 0 where there are none.
    """

    group: Integers
    size: Floats
    score: Floats
    influence: Floats


def side(margin: Margin, design: Design, *, groups: int = GROUPS) -> Side:
    """Put a variable in groups of neighbouring ranks; tied values stay together.

    Parameters
    ----------
    margin : Margin
        Of ranks.
    design : Design
    groups : int

    Returns
    -------
    Side
    """
    count = np.bincount(margin.level)
    middle = (np.cumsum(count) - count / 2) / count.sum()
    group = np.unique((middle * groups).astype(np.intp), return_inverse=True)[1].ravel()[margin.level]
    shape = int(design.stratum.max()) + 1, int(group.max()) + 1
    cell = design.stratum * shape[1] + group
    size = np.bincount(cell, minlength=shape[0] * shape[1])
    score, influence = (
        np.bincount(cell, weights=values, minlength=len(size)) / np.maximum(size, 1)
        for values in (margin.scores, margin.influence)
    )
    return Side(group, size.reshape(shape).astype(float), score.reshape(shape), influence.reshape(shape))


def pays(design: Design, *, groups: int = GROUPS) -> bool:
    """Return whether tables of groups are smaller than the data, as only units without clusters allow.

    Parameters
    ----------
    design : Design
    groups : int

    Returns
    -------
    bool
        True where the tables of all strata have at most two cells a unit.
    """
    n_strata = int(design.stratum.max()) + 1
    return design.cluster is None and n_strata * groups**2 <= 2 * len(design.stratum)


@cache
def _half_above(groups: int) -> Floats:
    """Matrix that sums what lies above each group, and half of what lies in it."""
    return np.asarray(np.tril(np.ones((groups, groups)), -1) + np.eye(groups) / 2)


@dataclass(frozen=True, eq=False)
class GroupedRanks:
    """Spearman's correlations of a family, of units that change places one by one within strata.

    Where units change places one by one it is the same to move the outcome past the doses, and the outcome
    is moved once for all of them.

    Parameters
    ----------
    doses : tuple of Margin
    outcome : Margin
    in_doses : tuple of Side
    in_outcome : Side
    design : Design
        Without clusters.
    """

    doses: tuple[Margin, ...]
    outcome: Margin
    in_doses: tuple[Side, ...]
    in_outcome: Side
    design: Design

    def statistics(self, donor: Integers) -> Studentised:
        """Return the correlations of the doses with the donors' outcomes.

        Parameters
        ----------
        donor : ndarray of int, shape (rows, n)
            Each row a permutation.

        Returns
        -------
        Studentised
            Arrays of shape (rows, doses).
        """
        moved = self.in_outcome.group[donor]
        moved += self._cells * np.arange(len(donor))[:, None]
        a, b = np.column_stack([dose.scores for dose in self.doses]), self.outcome.scores
        size_a, size_b = np.einsum("ij,ij->j", a, a), b @ b
        r = b[donor] @ a / np.sqrt(size_a * size_b)
        ratio = np.sqrt(size_b / size_a)
        squares = [
            self._squares(x, self._tables(x, moved), r[:, j] / 2 * ratio[j], r[:, j] / 2 / ratio[j])
            for j, x in enumerate(self.in_doses)
        ]
        return studentise(r, np.sqrt(np.maximum(np.column_stack(squares), 0) / (size_a * size_b)))

    @property
    def _cells(self) -> int:
        """Cells that a row's table may need."""
        return int(max(x.size.shape[1] for x in self.in_doses) * self.in_outcome.size.shape[1])

    def _tables(self, x: Side, moved: Integers) -> list[Floats]:
        """Counts of units by group of the dose and of the outcome that is moved to it, a table a stratum."""
        rows, shape = len(moved), (x.size.shape[1], self.in_outcome.size.shape[1])
        tables = []
        for code in range(len(x.size)):
            members = slice(None) if len(x.size) == 1 else np.flatnonzero(self.design.stratum == code)
            cell = moved[:, members] + x.group[members] * shape[1]
            counted = np.bincount(cell.ravel(), minlength=rows * self._cells).reshape(rows, -1)
            tables.append(counted[:, : shape[0] * shape[1]].reshape(rows, *shape).astype(float))
        return tables

    def _squares(self, x: Side, tables: list[Floats], of_dose: Floats, of_outcome: Floats) -> Floats:
        """Sum of squared influences, centred within strata."""
        y, rows, n = self.in_outcome, len(of_dose), len(self.design.stratum)
        in_x = [table @ b for table, b in zip(tables, y.score, strict=True)]
        in_y = [(a @ table) for table, a in zip(tables, x.score, strict=True)]
        above_x = np.sum(in_x, axis=0) @ _half_above(x.size.shape[1]) / n
        above_y = np.sum(in_y, axis=0) @ _half_above(y.size.shape[1]) / n
        squares = np.zeros(rows)
        for code, table in enumerate(tables):
            a, b, n_x, n_y = x.score[code], y.score[code], x.size[code], y.size[code]
            p = above_x - np.outer(of_dose, x.influence[code])
            q = above_y - np.outer(of_outcome, y.influence[code])
            both = table.reshape(rows, -1) @ np.outer(a**2, b**2).ravel()
            crossed = np.einsum("rg,rg->r", p, (table @ q[:, :, None])[:, :, 0])
            mixed = (p * in_x[code]) @ a + (q * in_y[code]) @ b + crossed
            squares += both + p**2 @ n_x + q**2 @ n_y + 2 * mixed
            squares -= (in_x[code] @ a + p @ n_x + q @ n_y) ** 2 / n_x.sum()
        return squares
