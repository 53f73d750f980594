"""Concurrent reforms: what is stored, in which order it is printed, and which years are asked for."""

import pandas as pd
import pytest

from reform_analysis.estimates import DesignError
from reform_analysis.reforms import concurrent_reforms, load_reforms, reform_table


def test_reforms_are_dated_in_order_and_quoted() -> None:
    reforms = load_reforms()
    dated = reforms.loc[reforms["date"] != "", "date"]
    assert dated.tolist() == sorted(dated)
    assert (reforms["date"].iloc[len(dated) :] == "").all()
    assert reforms["quote"].str.len().between(1, 40).all()
    assert ((reforms["note"] == "") == (reforms["note_zh"] == "")).all()


def test_a_year_that_stands_in_the_quote_is_the_date() -> None:
    reforms = load_reforms()
    years = reforms["quote"].str.extract(r"(20\d\d)")[0]
    known = years.notna() & (reforms["date"] != "")
    assert known.sum() >= 8
    assert (reforms.loc[known, "date"].str[:4] == years[known]).all()


def test_a_date_without_a_year_in_the_quote_says_where_it_comes_from() -> None:
    reforms = load_reforms()
    unsaid = (reforms["date"] != "") & ~reforms["quote"].str.contains(r"20\d\d")
    assert reforms.loc[unsaid, "note"].str.contains("reference").all()


def test_the_years_of_a_study_choose_the_dated_ones_and_keep_the_undated() -> None:
    result = concurrent_reforms(first=2020, last="2021")
    frame = result.to_frame()
    assert result.passed is None
    assert set(frame["date"].str[:4]) == {"2020", "2021", ""}
    undated = (frame["date"] == "").sum()
    assert f"{len(frame)} other reforms are on record" in result.sentences["en"]
    assert f"（{len(frame) - undated}项有日期）" in result.sentences["zh"]


def test_the_table_is_printed_in_both_languages() -> None:
    table = reform_table(load_reforms(), language="zh")
    assert table.columns.tolist() == ["日期", "地方", "改革", "所及", "原文", "出处", "备注"]
    assert (table != "").all(axis=None)
    english = reform_table(load_reforms())
    assert english["Source"].iloc[0].startswith("http")
    assert "the article" in set(english["Source"])


def test_own_reforms_can_be_given() -> None:
    own = pd.DataFrame({"date": ["2019"], "bears_on": ["both"]}, index=["a"])
    assert "1 reach controls" in concurrent_reforms(own).sentences["en"]


def test_years_that_are_none_are_refused() -> None:
    with pytest.raises(DesignError, match="^last must not lie before first"):
        concurrent_reforms(first=2022, last=2020)
    with pytest.raises(DesignError, match="^first must begin with a year"):
        concurrent_reforms(first="early")
