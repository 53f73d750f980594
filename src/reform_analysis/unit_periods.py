"""The rows of a comparison as tables, units x periods."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reform_analysis.comparison import Comparison
from reform_analysis.two_way_rates import Floats


@dataclass(frozen=True, eq=False)
class UnitPeriods:
    """Units x periods.

    Parameters
    ----------
    row, column : ndarray of int, shape (rows,)
        Where each row of the sample stands.
    first : ndarray of int, shape (units,)
        A row of each unit.
    time : ndarray of int, shape (periods,)
        `periods.period_index`, in order.
    counts, exposure : ndarray, shape (units, periods)
        0 where a unit has no row; exposure 1 elsewhere if there is none.
    cluster : ndarray of int, shape (units,)
    """

    row: NDArray[np.intp]
    column: NDArray[np.intp]
    first: NDArray[np.intp]
    time: NDArray[np.int64]
    counts: Floats
    exposure: Floats
    cluster: NDArray[np.intp]

    def spread(self, values: Any) -> Floats:
        """Return values of the rows as a table.

        Parameters
        ----------
        values : array-like, shape (rows,), or a number for all

        Returns
        -------
        ndarray, shape (units, periods)
            0 where a unit has no row.
        """
        return _spread(self.row, self.column, values)


def tabulate(sample: Comparison) -> UnitPeriods:
    """Return counts, exposures and clusters of a comparison as tables.

    Parameters
    ----------
    sample : Comparison
        Clusters are constant within a unit.

    Returns
    -------
    UnitPeriods
    """
    frame = sample.frame
    row = pd.factorize(frame[sample.unit], sort=True)[0]
    column, time = pd.factorize(sample.time, sort=True)
    first = np.unique(row, return_index=True)[1]
    exposure = frame[sample.exposure].to_numpy() if sample.exposure else 1.0
    return UnitPeriods(
        row=row,
        column=column,
        first=first,
        time=np.asarray(time, dtype=np.int64),
        counts=_spread(row, column, frame[sample.outcome].to_numpy()),
        exposure=_spread(row, column, exposure),
        cluster=pd.factorize(sample.clusters.iloc[first], sort=True)[0],
    )


def _spread(row: NDArray[np.intp], column: NDArray[np.intp], values: Any) -> Floats:
    table = np.zeros((int(row.max()) + 1, int(column.max()) + 1))
    table[row, column] = values
    return table
