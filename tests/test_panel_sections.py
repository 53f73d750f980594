"""The rate figure, and what stands in its place where no denominator is named."""

import pandas as pd
import pytest

from reform_analysis import describe, panel_sections
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
