"""The mark of made-up data, wherever it stands."""

import pandas as pd

from reform_analysis.synthetic_mark import is_synthetic, marks


def test_synthetic_is_read_from_either_place() -> None:
    df = pd.DataFrame({"y": [1, 2]})
    assert not is_synthetic(df)
    assert is_synthetic(df.assign(synthetic=[False, True]))
    assert not is_synthetic(df.assign(synthetic=[False, None]))
    df.attrs["synthetic"] = True
    assert is_synthetic(df)


def test_columns_of_a_merge_count_and_others_that_begin_alike_do_not() -> None:
    df = pd.DataFrame({"y": [1, 2]})
    assert is_synthetic(df.assign(synthetic_x=[True, False]))
    assert not is_synthetic(df.assign(synthetic_x=[False, False], synthetic_fibres=["a", "b"]))
    assert not is_synthetic(df.assign(synthetic_index=[1, 1]))


def test_marks_are_those_of_the_rows_or_all() -> None:
    df = pd.DataFrame({"y": [1, 2]}, index=["a", "b"])
    assert marks(df).tolist() == [False, False]
    assert marks(df.assign(synthetic=[0.0, 1.0])).to_dict() == {"a": False, "b": True}
    df.attrs["synthetic"] = True
    assert marks(df).tolist() == [True, True]
