"""Shares of tests that reject: their exact interval, and draws without a p-value."""

import numpy as np
from scipy import stats

from reform_analysis.rejections import rejections


def test_shares_have_exact_intervals_and_say_what_had_no_p() -> None:
    found = rejections(
        {0.5: [0.01, 0.05, 0.2, np.nan], 1.0: [0.9, 0.8, 0.7, 0.6]},
        level=0.05,
        ci_level=0.9,
        method="test",
        clusters=7,
    )
    frame = found.to_frame()
    exact = stats.binomtest(2, 4).proportion_ci(0.9, "exact")
    assert frame.loc["0.5", ["estimate", "ci_low", "ci_high"]].tolist() == [0.5, exact.low, exact.high]
    assert frame.loc["0.5", "std_error"] == 0.25
    assert frame.loc["1", "estimate"] == 0
    assert found.notes == ("ratio 0.5: no p-value in 1 of 4 panels",)
    assert (found.scale, found.n_obs, found.n_clusters, found.synthetic) == ("proportion", 4, 7, True)
