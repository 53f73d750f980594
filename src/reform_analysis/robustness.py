"""What a hostile referee asks: every check of a fit under one name.

A check takes the panel and a fit, ``fit(df, **spec) -> Estimates``, and returns a `CheckResult`; `scorecard`
puts them on one page.
"""

from reform_analysis.codings import timing_codings
from reform_analysis.collapse import series_collapse
from reform_analysis.contamination import contamination
from reform_analysis.displacement import attribution, displacement
from reform_analysis.exposure_choices import exposure_choices
from reform_analysis.leave_out import leave_one_out
from reform_analysis.placebo import placebo_dates, placebo_outcomes
from reform_analysis.reforms import concurrent_reforms, load_reforms, reform_table
from reform_analysis.scorecard import Scorecard, scorecard
from reform_analysis.specification_curve import Choices, SpecificationCurve, specification_curve
from reform_analysis.specifications import BalanceWeights, StratumWeights

__all__ = [
    "BalanceWeights",
    "Choices",
    "Scorecard",
    "SpecificationCurve",
    "StratumWeights",
    "attribution",
    "concurrent_reforms",
    "contamination",
    "displacement",
    "exposure_choices",
    "leave_one_out",
    "load_reforms",
    "placebo_dates",
    "placebo_outcomes",
    "reform_table",
    "scorecard",
    "series_collapse",
    "specification_curve",
    "timing_codings",
]
