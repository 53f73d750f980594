"""Difference in differences on the rate-ratio scale, for small counts.

- `two_by_two`: four totals, exact conditional interval.
- `event_study`: ratios by time to adoption, the test of pre-trends and what it would miss.
- `staggered`: Wooldridge's Poisson model of cohorts and periods, with exposure.
- `imputation`: counterfactuals from unit and period effects; units without events before treatment stay.
- `partial_treatment`: periods treated for a fraction of their length.

Every one takes `last_clean_period` and `other_pilot`: controls that were reformed too are no controls.
"""

from reform_analysis.event_study import EventStudy, Pretrend, event_study
from reform_analysis.imputation import imputation
from reform_analysis.partial_treatment import partial_treatment
from reform_analysis.staggered import staggered
from reform_analysis.two_by_two import two_by_two

__all__ = [
    "EventStudy",
    "Pretrend",
    "event_study",
    "imputation",
    "partial_treatment",
    "staggered",
    "two_by_two",
]
