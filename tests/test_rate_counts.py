"""Rates and the counts they are made of."""

from reform_analysis.panel_columns import COUNTS, PANEL
from reform_analysis.rate_counts import RATES


def test_rates_are_made_of_declared_counts_and_declared_themselves() -> None:
    for name, rate in RATES.items():
        assert {rate.numerator, *rate.denominator} <= set(COUNTS)
        assert PANEL.columns[name].metadata["type"] == "number"
