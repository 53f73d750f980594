"""What a hostile referee asks: every check under one name, and the page that puts them together.

A check of a fit takes the panel and a fit, ``fit(df, **spec) -> Estimates``; the others take the panel or
estimates alone. Each returns a `CheckResult`, and `scorecard` says what they add up to.
"""

from reform_analysis.codings import timing_codings
from reform_analysis.collapse import series_collapse
from reform_analysis.contamination import contamination
from reform_analysis.displacement import attribution, displacement
from reform_analysis.entropy_balance import matched
from reform_analysis.exposure_choices import exposure_choices
from reform_analysis.leave_out import leave_one_out
from reform_analysis.pilot_selection import selection_simulation
from reform_analysis.placebo import placebo_dates, placebo_outcomes
from reform_analysis.reconcile import reconcile
from reform_analysis.reforms import concurrent_reforms, load_reforms, reform_table
from reform_analysis.regression_to_mean import baseline_shrinkage, dose_on_baseline
from reform_analysis.scorecard import Scorecard, scorecard
from reform_analysis.sensitivity import e_value, oster_delta
from reform_analysis.specification_curve import Choices, SpecificationCurve, specification_curve
from reform_analysis.specifications import BalanceWeights, StratumWeights
from reform_analysis.trend_bounds import common_trend_bounds

__all__ = [
    "BalanceWeights",
    "Choices",
    "Scorecard",
    "SpecificationCurve",
    "StratumWeights",
    "attribution",
    "baseline_shrinkage",
    "common_trend_bounds",
    "concurrent_reforms",
    "contamination",
    "displacement",
    "dose_on_baseline",
    "e_value",
    "exposure_choices",
    "leave_one_out",
    "load_reforms",
    "matched",
    "oster_delta",
    "placebo_dates",
    "placebo_outcomes",
    "reconcile",
    "reform_table",
    "scorecard",
    "selection_simulation",
    "series_collapse",
    "specification_curve",
    "timing_codings",
]
