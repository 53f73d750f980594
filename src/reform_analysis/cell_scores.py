r"""Poisson counts in unit-by-period cells, unit effects concentrated out, and the scores of a treatment.

Counts of unit i in period t have mean :math:`a_i E_{it} \exp(z_{it}'\gamma)`; z holds period dummies and
controls. Given the unit's total they are multinomial, which removes :math:`a_i`. pyfixest fits one such model
well; leave-one-out and specification curves need hundreds of them and the scores of every unit, so the fit
is a few Newton steps on arrays here.

References
----------
Hausman, Hall and Griliches (1984), Econometrica 52, 909-938.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reform_analysis.estimates import DataError, UntestableError
from reform_analysis.measures import as_numbers, need_columns
from reform_analysis.periods import in_order

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

_STEPS = 50
_SMALL = 1e-10
_LONGEST = 2.0  # Newton overshoots far from the maximum


@dataclass(frozen=True, eq=False)
class Grid:
    """Where each row of a panel lies in a table of units by periods.

    Parameters
    ----------
    units, periods : Index
        In order.
    row, column : ndarray of int, shape (rows,)
    """

    units: pd.Index
    periods: pd.Index
    row: Integers
    column: Integers

    def table(self, values: Floats, *, missing: float = np.nan) -> Floats:
        """Return the values of the rows as a table.

        Parameters
        ----------
        values : ndarray, shape (rows,)
        missing : float
            Where there is no row.

        Returns
        -------
        ndarray, shape (units, periods)
        """
        table = np.full((len(self.units), len(self.periods)), missing)
        table[self.row, self.column] = values
        return table


def grid(df: pd.DataFrame, *, unit: str, period: str) -> Grid:
    """Return the table that a panel's rows fill.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    unit, period : str
        Columns.

    Returns
    -------
    Grid

    Raises
    ------
    DataError
        If a column is missing, or a unit has two rows of a period.
    """
    need_columns(df, [unit, period])
    if df.duplicated([unit, period]).any():
        raise DataError("df must have one row a unit and period, got repeats; aggregate them first.")
    units = pd.Index(df[unit].drop_duplicates().sort_values())
    periods = pd.Index(in_order(df[period]))
    return Grid(units, periods, units.get_indexer(df[unit]), periods.get_indexer(df[period]))


@dataclass(frozen=True, eq=False)
class CellFit:
    """A fit of unit effects, period effects and controls.

    Parameters
    ----------
    expected, residual : ndarray, shape (units, periods)
        0 where there is no cell.
    design : ndarray, shape (units, periods, k)
        Period dummies, then controls of mean 0 and variance 1.
    slopes : ndarray, shape (controls,)
        Log ratio for one more of each control.
    """

    expected: Floats
    residual: Floats
    design: Floats
    slopes: Floats

    def without_control(self, number: int) -> "CellFit":
        """Return the fit with one control out of the design; the means stay.

        Parameters
        ----------
        number : int

        Returns
        -------
        CellFit
        """
        place = self.design.shape[2] - len(self.slopes) + number
        design = np.delete(self.design, place, axis=2)
        return CellFit(self.expected, self.residual, design, np.delete(self.slopes, number))

    def centred(self, values: Floats) -> Floats:
        """Return values less their unit means, the expected counts as weights.

        Parameters
        ----------
        values : ndarray, shape (units, periods) or (units, periods, k)

        Returns
        -------
        ndarray
            Shape of `values`.
        """
        weight = self.expected if values.ndim == 2 else self.expected[..., None]
        total = weight.sum(axis=1, keepdims=True)
        mean = np.divide(
            (weight * values).sum(axis=1, keepdims=True),
            total,
            out=np.zeros((len(values), 1, *values.shape[2:])),
            where=total > 0,
        )
        centred: Floats = values - mean
        return centred

    def efficient(self, values: Floats) -> Floats:
        """Return values cleared of unit effects, period effects and controls.

        Parameters
        ----------
        values : ndarray, shape (units, periods)

        Returns
        -------
        ndarray, shape (units, periods)
        """
        design, own = self.centred(self.design), self.centred(values)
        crossed = np.einsum("it,itk->k", self.expected * own, design)
        information = np.einsum("itk,it,itl->kl", design, self.expected, design)
        cleared: Floats = own - design @ (_inverse(information) @ crossed)
        return cleared


def _inverse(information: Floats) -> Floats:
    return np.asarray(np.linalg.pinv(information, rcond=1e-10, hermitian=True), dtype=float)


def fit_cells(counts: Floats, exposure: Floats, controls: Sequence[Floats] = ()) -> CellFit:
    """Fit unit effects, period effects and controls.

    Parameters
    ----------
    counts, exposure : ndarray, shape (units, periods)
        An exposure of 0 says that there is no cell.
    controls : sequence of ndarray, each of shape (units, periods)

    Returns
    -------
    CellFit

    Raises
    ------
    UntestableError
        If there are no events in two periods, or Newton's steps do not converge.
    """
    weight = exposure * _with_events(counts, exposure)
    if weight.any(axis=0).sum() < 2:
        raise UntestableError("counts must have events in at least two periods; take longer periods.")
    counts = np.where(weight > 0, counts, 0.0)
    design, spreads = _design(weight, controls)
    total = counts.sum(axis=1, keepdims=True)
    coefficients = np.zeros(design.shape[2])
    for _ in range(_STEPS):
        expected = _expected(weight, total, design @ coefficients)
        slopes = coefficients[len(coefficients) - len(spreads) :] / spreads
        fit = CellFit(expected, counts - expected, design, slopes)
        centred = fit.centred(design)
        information = np.einsum("itk,it,itl->kl", centred, expected, centred, optimize=True)
        step = _inverse(information) @ np.einsum("itk,it->k", design, fit.residual, optimize=True)
        if np.abs(step).max() < _SMALL:
            return fit
        coefficients += np.clip(step, -_LONGEST, _LONGEST)
    raise UntestableError(
        f"the fit must converge, got no convergence in {_STEPS} steps; leave out a control."
    )


def _with_events(counts: Floats, exposure: Floats) -> Floats:
    """1 in periods that have events, 0 in the others: their effect would be minus infinity."""
    events = np.where(exposure > 0, counts, 0.0).sum(axis=0)
    return np.asarray(events > 0, dtype=float)


def _design(weight: Floats, controls: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Dummies of the periods in use but the first, standardised controls, and the latter's spreads."""
    cells = weight > 0
    used = np.flatnonzero(cells.any(axis=0))[1:]
    shape = (*weight.shape, len(used))
    dummies = np.broadcast_to(np.eye(weight.shape[1])[:, used], shape)
    spreads = np.array([values[cells].std() or 1.0 for values in controls])
    scaled = [
        np.where(cells, (values - values[cells].mean()) / spread, 0.0)[..., None]
        for values, spread in zip(controls, spreads, strict=True)
    ]
    return np.concatenate([dummies, *scaled], axis=2), spreads


def _expected(weight: Floats, total: Floats, linear: Floats) -> Floats:
    each = weight * np.exp(linear - linear.max(axis=1, keepdims=True))
    below = each.sum(axis=1, keepdims=True)
    expected: Floats = total * np.divide(each, below, out=np.zeros_like(each), where=below > 0)
    return expected


def cells(
    df: pd.DataFrame, where: Grid, *, outcome: str, exposure: str | None, columns: Sequence[str] = ()
) -> tuple[Floats, Floats, dict[str, Floats]]:
    """Return counts, exposure and other columns as tables.

    Parameters
    ----------
    df : DataFrame
    where : Grid
    outcome : str
    exposure : str or None
    columns : sequence of str

    Returns
    -------
    counts, exposure : ndarray, shape (units, periods)
        Both 0 where a value is missing or the exposure is not above 0.
    tables : dict of str to ndarray
        The columns; 0 where there is no cell.

    Raises
    ------
    DataError
        If a column is missing or no number.
    """
    names = [outcome, *([exposure] if exposure else []), *columns]
    need_columns(df, names)
    numbers = {name: where.table(values.to_numpy()) for name, values in as_numbers(df, names).items()}
    counts = numbers[outcome]
    below = numbers[exposure] if exposure else np.where(np.isnan(counts), np.nan, 1.0)
    known = np.all([np.isfinite(table) for table in numbers.values()], axis=0) & (below > 0)
    tables = {name: np.where(known, numbers[name], 0.0) for name in columns}
    return np.where(known, counts, 0.0), np.where(known, below, 0.0), tables
