"""Each rule is broken once and named with its cell; a valid panel passes whatever pandas made of it."""

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reform_analysis.estimates import DataError
from reform_analysis.panel_columns import COUNTS, PANEL, kind_of
from reform_analysis.panel_rules import _decimals, _prints_as
from reform_analysis.schema import panel_faults, validate_panel

UNITS = [("a", "甲镇", "乙县", "丙市"), ("b", "丁街道", "乙县", "丙市"), ("c", "戊乡", "己区", "丙市")]


def valid() -> pd.DataFrame:
    """Three units, two years."""
    rows = [
        {
            "unit_id": unit,
            "unit_name": name,
            "county": county,
            "city": city,
            "period": period,
            "pilot": unit == "a",
            "adopted": "2021-05" if unit == "a" else "",
            "losses": losses,
            "corrections": 0,
            "lawsuits_concluded": 140 + losses,
            "reconsiderations_concluded": 3,
            "enforcement_own": 30,
            "enforcement_department": 70,
        }
        for (unit, name, county, city) in UNITS
        for period, losses in (("2020", 5), ("2021", 3))
    ]
    frame = pd.DataFrame(rows)
    return frame.astype({name: "Int64" for name in frame if kind_of(name) == "integer"})


def faults(**cells: Any) -> list[tuple[int | None, str, object]]:
    """Faults of the valid panel after setting ``column={row: value}``."""
    found = panel_faults(changed(**cells))
    rows = [None if pd.isna(row) else int(row) for row in found["row"]]
    return list(zip(rows, found["column"], found["value"], strict=True))


def changed(**cells: Any) -> pd.DataFrame:
    frame = valid()
    for column, values in cells.items():
        if column not in frame:
            frame[column] = pd.Series([None] * len(frame), dtype="object")
        frame[column] = frame[column].astype("object")
        for row, value in values.items():
            frame.loc[row, column] = value
    return frame


def rule(**cells: Any) -> str:
    return panel_faults(changed(**cells))["rule"].iloc[0]


def test_a_valid_panel_is_returned_as_it_is() -> None:
    frame = valid()
    frame.attrs = {"date_basis": "decided", "loss_definition": "strict"}
    got = validate_panel(frame)
    pd.testing.assert_frame_equal(got, frame)
    assert got.attrs == {"date_basis": "decided", "loss_definition": "strict", "synthetic": False}
    assert got is not frame


def test_what_pandas_reads_back_from_csv_is_the_same_panel() -> None:
    frame = valid().astype({"losses": "Int64"})
    frame.loc[0, "losses"] = pd.NA
    back = pd.read_csv(StringIO(frame.to_csv(index=False)))
    assert back["losses"].dtype == "float64"
    assert back["period"].dtype == "int64"
    pd.testing.assert_frame_equal(validate_panel(back), validate_panel(frame))


def test_the_index_does_not_matter() -> None:
    frame = valid().set_axis(list("xxyyzz"))
    assert validate_panel(frame).index.tolist() == list(range(6))


def test_synthetic_rows_mark_the_panel() -> None:
    assert validate_panel(valid().assign(synthetic=True)).attrs["synthetic"]
    assert not validate_panel(valid().assign(synthetic=False)).attrs["synthetic"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"unit_id": {1: ""}}, [(1, "unit_id", "")]),
        ({"period": {1: "2021年"}}, [(1, "period", "2021年")]),
        ({"adopted": {0: "2021-13", 1: "2021-13"}}, [(0, "adopted", "2021-13"), (1, "adopted", "2021-13")]),
        ({"losses": {2: -1}}, [(2, "losses", -1)]),
        ({"losses": {2: "3件"}}, [(2, "losses", "3件")]),
        ({"pilot": {2: "是"}}, [(2, "pilot", "是")]),
        ({"loss_rate": {2: 4.9}}, [(2, "loss_rate", 4.9)]),
        ({"period": {1: "2020"}}, [(1, "unit_id", "a")]),
        ({"county": {1: "己区"}}, [(1, "county", "己区")]),
        ({"city": {4: "庚市", 5: "庚市"}}, []),
        ({"city": {2: "庚市", 3: "庚市"}}, [(2, "city", "庚市"), (3, "city", "庚市")]),
        ({"adopted": {3: "2022"}}, [(3, "adopted", "2022")]),
        ({"adopted": {2: "2022"}}, [(3, "adopted", "")]),
        ({"pilot": {1: False}}, [(1, "pilot", False)]),
        ({"period": {3: "2021H1"}}, [(3, "period", "2021H1")]),
        ({"losses": {0: 146}}, [(0, "losses", 146)]),
        ({"corrections": {0: 4}}, [(0, "corrections", 4)]),
        ({"losses_net_of_series": {0: 146}}, [(0, "losses_net_of_series", 146)]),
        ({"losses": {0: None}, "lawsuits_concluded": {1: None}, "corrections": {2: 3}}, []),
    ],
)
def test_each_rule_names_its_cell(cells: dict[str, Any], expected: list[tuple[int, str, object]]) -> None:
    assert faults(**cells) == expected


def test_losses_may_exceed_the_lawsuits_filed_this_year() -> None:
    assert faults(lawsuits_filed={0: 1}) == []


def test_several_rules_are_named_at_once_with_the_ways_out() -> None:
    frame = changed(losses={0: -2, 3: 200}, period={1: "Q1"}, adopted={5: "2022"}).drop(columns="unit_name")
    with pytest.raises(DataError) as caught:
        validate_panel(frame)
    lines = str(caught.value).splitlines()
    assert lines[0] == "Township panel: 5 fault(s); correct the file:"
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "must have the column unit_name",
        "row 0 (a, 2020), column losses",
        "row 1 (a, Q1), column period",
        "row 3 (b, 2021), column losses",
        "row 5 (c, 2021), column adopted",
    ]
    assert "'2022': adoption is one date" in lines[-1]


def test_cells_give_sheet_cell_and_the_text_as_found() -> None:
    cells = pd.DataFrame(
        {
            "row": [2],
            "column": ["losses"],
            "sheet": ["2020年"],
            "excel_row": [7],
            "excel_column": ["F"],
            "raw": ["－1"],
        }
    )
    frame = changed(losses={2: -1})
    with pytest.raises(DataError, match="sheet '2020年', cell F7, column losses: '－1': must be at least 0"):
        validate_panel(frame, cells=cells)
    table = panel_faults(frame, cells=cells)
    assert table.loc[0, ["sheet", "excel_row", "excel_column", "row", "value"]].tolist() == [
        "2020年",
        7,
        "F",
        2,
        -1,
    ]


def test_seven_losses_printed_as_a_third_of_a_percent() -> None:
    printed = {"losses": {0: 7}, "lawsuits_concluded": {0: 143}, "loss_rate": {0: 0.0035}}
    assert faults(**printed) == [(0, "loss_rate", 0.0035)]
    assert rule(**printed) == ("contradicts its counts: losses / lawsuits_concluded is 7 / 143, so 0.04895")
    assert faults(**{**printed, "loss_rate": {0: 0.049}}) == []


@pytest.mark.parametrize(
    ("raw", "value", "fits"),
    [
        ("4.9%", 0.049, True),
        ("4.8%", 0.048, True),  # cut: 4.895
        ("4.7%", 0.047, False),
        ("5.0%", 0.05, False),
        ("5%", 0.05, True),
        ("５％", 0.05, True),
        ("0.0490", 0.049, True),  # 0.048951
        ("0.0488", 0.0488, False),
        ("0.0489", 0.0489, True),
        ("49‰", 0.049, True),
        (0.049, 0.049, True),
        ("about 0.05", 0.05, True),
        ("about 0.050", 0.0501, False),
    ],
)
def test_printed_decimals_are_read_off_the_cell(raw: object, value: float, fits: bool) -> None:
    cells = pd.DataFrame(
        {
            "row": [0],
            "column": ["loss_rate"],
            "sheet": [""],
            "excel_row": [2],
            "excel_column": ["C"],
            "raw": [raw],
        }
    )
    frame = changed(losses={0: 7}, lawsuits_concluded={0: 143}, loss_rate={0: value})
    assert panel_faults(frame, cells=cells).empty is fits


def test_a_rate_over_zero_has_no_value() -> None:
    printed = {"losses": {0: 0}, "lawsuits_concluded": {0: 0}, "loss_rate": {0: 0.0}}
    assert rule(**printed).endswith("is 0 / 0, which has no value: leave the cell empty")
    assert faults(**{**printed, "loss_rate": {0: None}}) == []


def test_other_rates_are_checked_too() -> None:
    assert faults(devolution_share={0: 0.3, 1: 0.7}) == [(1, "devolution_share", 0.7)]
    assert faults(reviews={0: 5}, population={0: 30000}, reviews_per_1000={0: 0.17}) == []
    assert faults(reviews={0: 5}, population={0: 30000}, reviews_per_1000={0: 1.7}) == [
        (0, "reviews_per_1000", 1.7)
    ]


@given(st.integers(0, 400), st.integers(1, 400), st.integers(0, 6))
def test_a_rate_rounded_or_cut_at_any_decimal_fits_and_two_units_further_does_not(
    losses: int, concluded: int, decimals: int
) -> None:
    true, unit = Fraction(min(losses, concluded), concluded), Fraction(1, 10**decimals)
    rounded, cut = round(true / unit) * unit, (true // unit) * unit
    for fits in (rounded, cut):
        assert _prints_as(true, float(fits), decimals)
    assert not _prints_as(true, float(cut + 2 * unit), decimals)
    if cut >= unit:
        assert not _prints_as(true, float(cut - unit), decimals)


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.sampled_from([1, 1000]))
def test_a_computed_rate_fits_in_full_precision(top: int, bottom: int, scale: int) -> None:
    for computed in (scale * top / bottom, top / bottom * scale, top / (bottom / scale)):
        for raw in (computed, repr(computed), f"{computed:.15f}"):
            assert _prints_as(Fraction(scale * top, bottom), computed, _decimals(raw, "", computed))


@given(st.integers(0, 10**6), st.integers(0, 6), st.sampled_from(["", "%", "‰"]))
def test_decimals_of_a_text_and_of_the_number_it_stands_for(number: int, decimals: int, mark: str) -> None:
    text = f"{Decimal(number).scaleb(-decimals):f}"
    assert _decimals(text + mark, "", 0.0) == decimals + {"": 0, "%": 2, "‰": 3}[mark]
    assert _decimals(None, "", float(text)) <= decimals


def test_a_base_that_a_later_year_revised() -> None:
    assert faults(losses_previous={1: 5}) == []
    assert faults(losses_previous={1: 6}) == [(1, "losses_previous", 6)]
    assert rule(losses_previous={1: 6}) == "the base was revised: the row of one year earlier says 5"
    assert faults(losses_previous={0: 6}) == [], "no row of 2019 to compare with"


def test_growth_that_the_counts_do_not_give() -> None:
    assert faults(losses_growth={1: -0.4}) == []
    assert faults(losses_growth={1: -0.5}) == [(1, "losses_growth", -0.5)]
    assert faults(losses_previous={1: 6}, losses_growth={1: -0.5}) == [(1, "losses_previous", 6)]
    assert faults(losses={0: 0}, losses_growth={1: 3.0}) == [(1, "losses_growth", 3.0)]


def test_growth_is_against_one_year_earlier_whatever_the_frequency() -> None:
    frame = pd.concat([valid().query("unit_id == 'a'")] * 2, ignore_index=True)
    frame["period"] = ["2020Q1", "2020Q4", "2021Q1", "2021Q4"]
    frame["losses"] = pd.array([4, 9, 6, 9], dtype="Int64")
    frame["lawsuits_concluded"] = pd.array([20] * 4, dtype="Int64")
    assert panel_faults(frame.assign(losses_growth=[None, None, 0.5, 0.0])).empty
    assert panel_faults(frame.assign(losses_growth=[None, None, -0.33, 0.0]))["row"].tolist() == [2]


@pytest.mark.parametrize("attrs", [{"date_basis": "closed"}, {"loss_definition": "all"}])
def test_an_unknown_attribute_is_refused(attrs: dict[str, str]) -> None:
    frame = valid()
    frame.attrs = attrs
    with pytest.raises(DataError, match=f"attrs\\['{next(iter(attrs))}'\\] must be one of"):
        validate_panel(frame)


def test_a_panel_needs_rows_columns_and_an_outcome() -> None:
    assert panel_faults(valid().iloc[:0])["rule"].tolist() == ["must have rows"]
    assert (
        panel_faults(valid().drop(columns=["losses", "corrections"]))["rule"]
        .str.startswith("must have an outc")
        .all()
    )
    missing = panel_faults(pd.DataFrame({"x": [1]}))["rule"]
    assert {f"must have the column {name}" for name, field in PANEL.columns.items() if field.required} <= set(
        missing
    )
    with pytest.raises(DataError, match="must be a DataFrame, got list"):
        validate_panel([valid()])
    with pytest.raises(DataError, match="columns \\['losses'\\] more than once"):
        validate_panel(pd.concat([valid(), valid()[["losses"]]], axis=1))


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.binary(max_size=3),
    st.dates(),
)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 5), st.sampled_from([*valid().columns, "loss_rate", "losses_previous", "gdp"]), ANYTHING
)
def test_any_corruption_of_a_cell_is_caught_or_leaves_a_valid_panel(
    row: int, column: str, value: object
) -> None:
    frame = changed(**{column: {row: value}})
    try:
        got = validate_panel(frame)
    except DataError as caught:
        message = str(caught)
    else:
        message = column
        pd.testing.assert_frame_equal(validate_panel(got), got)
    assert column in message


def test_a_large_panel_is_checked_in_about_a_second() -> None:
    unit = pd.Series([f"{number:05d}" for number in range(1365)])
    frame = unit.to_frame("unit_id").merge(
        pd.DataFrame({"period": [str(y) for y in range(2018, 2024)]}), "cross"
    )
    frame = frame.assign(unit_name="甲镇", county="乙县", city="丙市", pilot=False, adopted="")
    frame = frame.assign(**dict.fromkeys(COUNTS, 1))
    assert len(validate_panel(frame)) == 8190


@pytest.mark.parametrize(
    ("raw", "unit", "value", "fits"),
    [
        ("4.9", "%", 0.049, True),
        ("4.8", "%", 0.048, True),  # cut: 4.895
        ("4.7", "%", 0.047, False),
        ("5.0", "%", 0.05, False),
        ("5", "%", 0.05, True),
        ("6.3", "%", 0.063, False),
        ("49", "‰", 0.049, True),
        ("50", "‰", 0.05, False),
        ("0.05", "", 0.05, True),
        ("4.9%", "‰", 0.049, True),  # the cell's own unit goes first
        ("5.0%", "‰", 0.05, False),
    ],
)
def test_printed_decimals_count_in_the_unit_of_the_header(
    raw: str, unit: str, value: float, fits: bool
) -> None:
    """7 of 143 is 4.895%: 6.3 under (%) has its last decimal at 0.001 of the share, not at 0.1."""
    place = {"row": [0], "column": ["loss_rate"], "sheet": [""], "excel_row": [2], "excel_column": ["C"]}
    cells = pd.DataFrame(place | {"raw": [raw], "unit": [unit]})
    frame = changed(losses={0: 7}, lawsuits_concluded={0: 143}, loss_rate={0: value})
    assert panel_faults(frame, cells=cells).empty is fits


@pytest.mark.parametrize(("unit", "decimals"), [("百件", -1), ("千件", -2), ("件", 1), ("%", 3)])
def test_decimals_of_large_units(unit: str, decimals: int) -> None:
    assert _decimals("1.5", unit, 0.0) == decimals
    assert _prints_as(Fraction(149), 150.0, -1)
    assert not _prints_as(Fraction(144), 150.0, -1)


@pytest.mark.parametrize(
    "day", [pd.Timestamp("2021-05-17"), date(2021, 5, 17), datetime(2021, 5, 17), np.datetime64("2021-05-17")]
)
def test_a_date_of_adoption_is_kept_as_text(day: object) -> None:
    frame = valid()
    frame["adopted"] = pd.Series([day, day, None, None, None, None], dtype=object)
    assert validate_panel(frame)["adopted"].tolist() == ["2021-05-17"] * 2 + [""] * 4
    frame["adopted"] = pd.to_datetime(frame["adopted"])
    assert validate_panel(frame)["adopted"].tolist() == ["2021-05-17"] * 2 + [""] * 4
    frame["adopted"] += pd.Timedelta(hours=9)
    with pytest.raises(DataError, match="must be a date without a time of day"):
        validate_panel(frame)


def test_a_pilot_without_a_date_beside_dated_units_is_a_fault() -> None:
    frame = valid().assign(adopted=["", "", "2022", "2022", "", ""])
    faults = panel_faults(frame)
    assert faults[["row", "column"]].to_numpy().tolist() == [[0, "adopted"], [1, "adopted"]]
    assert panel_faults(frame.assign(adopted="")).empty
    assert panel_faults(frame.assign(adopted=["2021"] * 2 + ["2022"] * 4)).empty


def test_columns_of_several_levels_are_refused_with_the_way_out() -> None:
    frame = valid()
    frame.columns = pd.MultiIndex.from_product([["panel"], frame.columns])
    with pytest.raises(DataError, match="^panel must have one name a column, got 2 levels; flatten"):
        validate_panel(frame)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (pd.DataFrame({"row": [0]}), "^cells lacks the columns .'column', 'sheet'.*pass read_panel"),
        (3, "^cells must be a DataFrame or None, got int; pass read_panel"),
    ],
)
@pytest.mark.parametrize("check", [validate_panel, panel_faults])
def test_what_is_no_table_of_places_is_named(check: Any, cells: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check(valid(), cells=cells)
