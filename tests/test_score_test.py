"""The score test is Student's test of the contributions' mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from reform_analysis.score_test import critical_value, two_sided_p


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=40).filter(lambda values: np.std(values) > 1e-3))
def test_p_is_that_of_students_test(values: list[float]) -> None:
    contributions = np.array(values)
    statistic = contributions.sum() / np.sqrt((contributions**2).sum())
    expected = ttest_1samp(contributions, 0.0).pvalue
    assert two_sided_p(statistic, len(values)) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(st.integers(2, 5000), st.floats(0.6, 0.999))
def test_the_critical_value_has_its_p(clusters: int, level: float) -> None:
    assert two_sided_p(critical_value(clusters, level), clusters) == pytest.approx(1 - level, rel=1e-6)
    assert critical_value(clusters, level) < np.sqrt(clusters)


def test_equal_contributions_are_beyond_every_level() -> None:
    assert two_sided_p(2.0, 4) == 0
