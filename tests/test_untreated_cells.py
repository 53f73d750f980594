"""Cells of a staggered adoption: which are treated, what each aggregate calls them, who stays."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from reform_analysis.estimates import DesignError, UntestableError
from reform_analysis.staggered import adopters
from reform_analysis.untreated_cells import Cells, Groups, adoption, cells_of


def panel() -> pd.DataFrame:
    """First treated in 2020 (a), 2021 (b), 2023 (c) and never (d); 2019 to 2022."""
    starts = {"a": "2020-03", "b": "2021-01", "c": "2023-01", "d": ""}
    rows = [(unit, str(year), start) for unit, start in starts.items() for year in range(2019, 2024)]
    frame = pd.DataFrame(rows, columns=["unit", "year", "adopted"])
    return frame.assign(y=np.arange(20.0))


def cells(frame: pd.DataFrame, groups: Groups = "cohort", **options: Any) -> Cells:
    chosen = {"coding": "binary", "controls": "not_yet_treated", "last_clean_period": "2022", **options}
    columns = {"outcome": "y", "exposure": None, "unit": "unit", "period": "year", "cluster": None}
    sample, start = adopters(frame, adopted="adopted", **columns, other_pilot=None, **chosen)
    return cells_of(sample, start, groups=groups)


def test_adoption_by_date_and_by_period() -> None:
    frame = pd.DataFrame({"year": ["2020", "2021", "2022"] * 2, "adopted": ["2021-05"] * 3 + [""] * 3})
    found = adoption(frame, period="year", adopted="adopted")
    assert found["start"].tolist() == [2021, 2021, 2021, np.inf, np.inf, np.inf]
    assert found["treated"].tolist() == [0, 1, 1, 0, 0, 0]
    dropped = adoption(frame, period="year", adopted="adopted", coding="drop")
    assert dropped["start"].equals(found["start"])
    assert dropped["treated"].isna().tolist() == [False, True, False, False, False, False]
    numbers = pd.DataFrame({"t": [1, 2, 3] * 2, "g": [2.0] * 3 + [np.nan] * 3})
    assert adoption(numbers, period="t", adopted="g")["treated"].tolist() == [0, 1, 1, 0, 0, 0]
    with pytest.raises(DesignError, match="partial_treatment"):
        adoption(frame, period="year", adopted="adopted", coding="fraction")


def test_cells_and_cohorts() -> None:
    found = cells(panel())
    assert found.start.tolist() == [2020, 2021, np.inf, np.inf]
    assert found.treated.tolist() == [
        [False, True, True, True],
        [False, False, True, True],
        [False] * 4,
        [False] * 4,
    ]
    assert (found.untreated == ~found.treated).all()
    assert found.group.tolist() == [0, 1, 2, 2]
    assert cells(panel(), "unit").group.tolist() == [0, 1, 2, 3]
    assert found.cohorts.tolist() == [2020, 2021]


@pytest.mark.parametrize(
    ("by", "names", "first_row"),
    [
        ("simple", ["att"], [-1, 0, 0, 0]),
        ("event", ["event_0", "event_1", "event_2"], [-1, 0, 1, 2]),
        ("cohort", ["cohort_2020", "cohort_2021"], [-1, 0, 0, 0]),
        ("calendar", ["period_2020", "period_2021", "period_2022"], [-1, 0, 1, 2]),
    ],
)
def test_aggregates_name_every_treated_cell_once(by: Any, names: list[str], first_row: list[int]) -> None:
    found, of = cells(panel()).terms(by)
    assert found == names
    assert of[0].tolist() == first_row
    assert ((of >= 0) == cells(panel()).treated).all()


def test_a_unit_that_adopts_later_is_no_never_treated_control() -> None:
    assert len(cells(panel()).start) == 4
    assert cells(panel(), controls="never_treated").start.tolist() == [2020, 2021, np.inf]


def test_a_partly_treated_period_is_left_out_on_request() -> None:
    dropped = cells(panel(), coding="drop")
    assert (dropped.treated | dropped.untreated).tolist() == [[True, False, True, True], *[[True] * 4] * 3]
    assert dropped.terms("event")[0] == ["event_0", "event_1", "event_2"]


def test_no_period_with_both_is_untestable() -> None:
    with pytest.raises(UntestableError, match="both treated and untreated"):
        cells(panel().assign(adopted="2021-01"))
