"""Rows as tables: every value stands where its unit and period are, and nowhere else."""

import numpy as np
import pandas as pd

from reform_analysis.comparison import comparison
from reform_analysis.unit_periods import tabulate


def test_rows_in_any_order_stand_in_their_places() -> None:
    frame = pd.DataFrame(
        {
            "unit": ["b", "a", "b", "c", "a"],
            "year": ["2021", "2020", "2019", "2020", "2021"],
            "county": ["y", "x", "y", "x", "x"],
            "y": [5, 1, 4, 6, 2],
            "n": [50, 10, 40, 60, 20],
            "pilot": [True, False, True, False, False],
        }
    )
    columns = {"outcome": "y", "exposure": "n", "unit": "unit", "period": "year", "cluster": "county"}
    table = tabulate(comparison(frame, **columns, pilot=frame["pilot"]))
    assert table.time.tolist() == [2019, 2020, 2021]
    assert table.counts.tolist() == [[0, 1, 2], [4, 0, 5], [0, 6, 0]]
    assert (table.exposure == 10 * table.counts).all()
    assert table.cluster.tolist() == [0, 1, 0]
    assert frame["unit"].iloc[table.first].tolist() == ["a", "b", "c"]
    assert (table.spread(1.0) > 0).tolist() == (table.counts > 0).tolist()
    assert np.array_equal(table.spread(frame["y"]), table.counts)
