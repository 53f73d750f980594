"""The rate figure, and what stands in its place where no denominator is named."""

import pandas as pd
import pytest

from reform_analysis import describe, panel_findings, panel_sections, panel_tables
from reform_analysis.plots import CaptionedFigure
from reform_analysis.wording import say

FRAME = pd.DataFrame(
    {"period": [1, 1, 2, 2], "pilot": [True, False] * 2, "losses": [1, 3, 2, 4], "disputes": [10, 20, 10, 10]}
)


def test_with_a_denominator_the_rates_are_drawn() -> None:
    levels = describe.levels(FRAME, variables=["losses"], exposures=["disputes"])
    figure = panel_sections.rate_figure(levels, variable="losses", exposure="disputes")
    assert isinstance(figure, CaptionedFigure)
    heights = {tuple(line.get_ydata()) for line in figure.figure.axes[0].lines}
    assert {(0.1, 0.2), (0.15, 0.4)} <= heights


@pytest.mark.parametrize("language", ["zh", "en"])
def test_without_one_it_is_said(language: str) -> None:
    levels = describe.levels(FRAME, variables=["losses"])
    shown = panel_sections.rate_figure(levels, variable="losses", exposure="", language=language)
    assert str(shown) == say("panel_finding.no_denominator", language)


def _table(arms: list[bool]) -> pd.DataFrame:
    frame = FRAME.assign(unit_id=["a", "b"] * 2, pilot=arms * 2)
    return describe.table_one(frame, variables=["losses"], at=[1])


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("pilot", "key", "mean"), [(True, "no_others", 1), (False, "no_pilots", 0)])
def test_a_panel_with_one_arm_says_what_is_left_out(pilot: bool, key: str, mean: int, language: str) -> None:
    table = _table([pilot, pilot])
    assert table[f"mean_{mean}"].tolist() == [2.0]
    assert table[[f"n_{1 - mean}", f"missing_{1 - mean}"]].to_numpy().tolist() == [[0, 0]]
    assert table[["standardised", "difference"]].isna().all(axis=None)
    shown = panel_sections.differences_figure(table, language=language)
    assert str(shown) == say(f"panel_finding.{key}", language)
    assert panel_sections.chance(table, language=language) is None
    printed = panel_tables.table_one(table, language=language)
    own = {True: "pilots_mean", False: "others_mean"}[pilot]
    heads = [say(f"panel_table.{head}", language) for head in ("series", own)]
    assert list(printed.frame) == heads
    assert printed.frame.iloc[0, 1].startswith("2.00 (")


def test_with_two_arms_differences_are_drawn_and_judged() -> None:
    frame = pd.concat([FRAME, FRAME.assign(losses=[5, 9, 6, 8])], ignore_index=True)
    frame["unit_id"] = ["a", "b", "a", "b", "c", "d", "c", "d"]
    table = describe.table_one(frame, variables=["losses"], at=[1])
    assert isinstance(panel_sections.differences_figure(table), CaptionedFigure)
    assert "1 in the table" in str(panel_sections.chance(table))
    assert str(panel_findings.one_arm(table)) == ""
