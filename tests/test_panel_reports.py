"""The report of a panel against a panel small enough to count by eye."""

import pandas as pd
import pytest

from reform_analysis.estimates import DataError
from reform_analysis.panel import panel_report
from reform_analysis.wording import say


def small() -> pd.DataFrame:
    """Two pilots, one other; the other lacks 2021, one cell is missing."""
    rows = [
        ("a", "2020", True, "2021-05", 2, 1),
        ("a", "2021", True, "2021-05", 0, 1),
        ("b", "2021", True, "", 0, None),
        ("b", "2020", True, "", 0, 0),
        ("c", "2020", False, "", 3, 0),
    ]
    columns = ["unit_id", "period", "pilot", "adopted", "losses", "corrections"]
    return pd.DataFrame(rows, columns=columns).astype({"losses": "Int64", "corrections": "Int64"})


def test_counts_by_arm() -> None:
    got = panel_report(small()).to_frame().drop(columns="stock")
    assert got.to_numpy().tolist() == [
        ["losses", "pilot", 2, 4, 0, 3, 1, 2],
        ["losses", "not pilot", 1, 1, 0, 0, 0, 3],
        ["corrections", "pilot", 2, 3, 1, 1, 1, 2],
        ["corrections", "not pilot", 1, 1, 0, 1, 1, 0],
    ]
    assert list(got.columns[3:]) == ["cells", "missing", "zeros", "units_without", "total"]


def test_totals_by_arm_and_period() -> None:
    got = panel_report(small(), counts=["losses"]).totals
    assert got.to_numpy().tolist() == [
        ["losses", "not pilot", "2020", 3, 1],
        ["losses", "pilot", "2020", 2, 2],
        ["losses", "pilot", "2021", 0, 2],
    ]


def test_balance_gaps_and_undated_pilots() -> None:
    report = panel_report(small())
    assert report.gaps.to_numpy().tolist() == [["c", "2021"]]
    assert not report.balanced
    assert report.undated_pilots == 1
    assert panel_report(small()[:2]).balanced
    assert (report.n_units, report.n_rows, report.periods) == (3, 5, ("2020", "2021"))


def test_a_count_nobody_knows_has_no_total() -> None:
    frame = small().assign(reviews=pd.array([None] * 5, dtype="Int64"))
    got = panel_report(frame, counts=["reviews"], arm=None).to_frame().iloc[0]
    assert (got["missing"], got["zeros"], got["units_without"]) == (5, 0, 0)
    assert pd.isna(got["total"])
    assert panel_report(frame, counts=["reviews"], arm=None).shown("en").iloc[0, -1] == "–"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("attrs", "key"),
    [
        ({}, "panel.date_basis_unknown"),
        ({}, "panel.loss_unknown"),
        ({"date_basis": "filed"}, "panel.date_basis_filed"),
        ({"loss_definition": "with_withdrawal"}, "panel.loss_with_withdrawal"),
        ({"synthetic": True}, "panel.synthetic"),
    ],
)
def test_attributes_are_printed(attrs: dict[str, object], key: str, language: str) -> None:
    frame = small()
    frame.attrs = attrs
    report = panel_report(frame)
    assert say(key, language) in report.summary(language).splitlines()
    assert say(key, "en") in report._repr_html_()
    assert repr(report) == report.summary()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_headings_names_and_arms_are_in_the_reader_s_language(language: str) -> None:
    report = panel_report(small())
    keys = ["series", "arm", "units", "cells", "missing", "zeros", "units_without", "total"]
    shown = report.shown(language)
    assert list(shown.columns) == [say(f"panel_table.{key}", language) for key in keys]
    pilots, others = say("arm.pilot", language), say("arm.other", language)
    assert shown.iloc[:, 1].tolist() == [pilots, others] * 2
    assert (
        shown.iloc[:, 2:].astype(int).to_numpy().tolist() == report.counts.iloc[:, 2:-1].to_numpy().tolist()
    )
    for text in (report.summary(language), report.to_html(language)):
        assert all(heading in text for heading in shown.columns)
        assert "units_without" not in text


def test_synthetic_is_said_first_and_only_where_it_holds() -> None:
    frame = small()
    assert "SYNTHETIC" not in panel_report(frame).summary()
    frame.attrs["synthetic"] = True
    assert panel_report(frame).summary().startswith("SYNTHETIC DATA")


def test_faults() -> None:
    with pytest.raises(DataError, match="each unit and period once"):
        panel_report(pd.concat([small(), small()]))
    with pytest.raises(DataError, match="must have rows"):
        panel_report(small()[:0])
    with pytest.raises(DataError, match="'pilot' must be constant"):
        panel_report(small().assign(pilot=[True, False, True, True, False]))
    with pytest.raises(DataError, match="lacks the columns \\['arm'\\]"):
        panel_report(small(), arm="arm")
