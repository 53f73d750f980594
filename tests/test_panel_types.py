"""Types are taken without loss, and what cannot be taken is named."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reform_analysis.panel_types import settle_types


def settle(column: str, values: list[object], dtype: object = "object") -> tuple[list[object], list[object]]:
    frame = pd.DataFrame({column: pd.Series(values, dtype=dtype)})
    settled, faults = settle_types(frame)
    return settled[column].tolist(), [(fault.row, fault.value) for fault in faults]


@pytest.mark.parametrize("dtype", ["int8", "int64", "Int64", "float32", "float64", "Float64", "object"])
def test_whole_numbers_of_any_dtype_are_counts(dtype: str) -> None:
    frame = pd.DataFrame({"losses": pd.Series([3, 0], dtype=dtype)})
    settled, faults = settle_types(frame)
    pd.testing.assert_series_equal(settled["losses"], pd.Series([3, 0], dtype="Int64", name="losses"))
    assert not faults


@given(st.one_of(st.integers(), st.floats(), st.booleans(), st.text(), st.none(), st.binary(), st.dates()))
def test_a_value_is_kept_as_it_is_or_named(value: object) -> None:
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    for column in ("losses", "loss_rate", "unit_id", "pilot"):
        (got,), faults = settle(column, [value])
        if faults:
            assert len(faults) == 1
        elif missing:
            assert got is pd.NA or got == "" or np.isnan(got)
        elif column == "unit_id":
            assert got == (value if isinstance(value, str) else str(int(value)))
        else:
            assert got == value


def test_refused_values_have_their_rows() -> None:
    values = [1, "2", 2.5, True, math.inf, 2**60, None]
    got, faults = settle("losses", values)
    assert got == [1, *[pd.NA] * 6]
    assert [row for row, _ in faults] == [1, 2, 3, 4, 5]


def test_missing_truth_is_a_fault() -> None:
    assert settle("pilot", [True, None, 1, "yes"]) == (
        [True, False, False, False],
        [(1, None), (2, 1), (3, "yes")],
    )


def test_missing_text_is_empty_and_a_number_its_digits() -> None:
    assert settle("adopted", [None, 2021, 2021.0, "2021-05"]) == (["", "2021", "2021", "2021-05"], [])


def test_covariates_and_columns_without_a_text_name_stay() -> None:
    frame = pd.DataFrame({"gdp": ["x", 1], 3: [None, 2]})
    settled, faults = settle_types(frame)
    pd.testing.assert_frame_equal(settled, frame)
    assert not faults
