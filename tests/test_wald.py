"""Intervals and p-values from coefficients: printed quantiles, what is undefined."""

import numpy as np
import pytest
from scipy.stats import t

from reform_analysis.wald import vcov_frame, wald_frame


@pytest.mark.parametrize(("df", "quantile"), [(None, 1.959964), (10, 2.228139), (7, 2.364624)])
def test_ratios_are_exponentials_of_the_printed_quantiles(df: int | None, quantile: float) -> None:
    found = wald_frame(
        np.array([-0.5]), np.array([[0.04]]), terms=["x"], scale="rate_ratio", ci_level=0.95, df=df
    ).loc["x"]
    np.testing.assert_allclose(found["estimate"], np.exp(-0.5))
    ends = -0.5 + np.array([-1, 1]) * quantile * 0.2
    np.testing.assert_allclose(np.log(found[["ci_low", "ci_high"]].tolist()), ends, atol=0.2 * 0.5e-6)
    assert found["std_error"] == 0.2


def test_p_is_that_of_both_tails() -> None:
    found = wald_frame(
        np.array([1.5]), np.array([[0.25]]), terms=["x"], scale="difference", ci_level=0.9, df=5
    ).loc["x"]
    np.testing.assert_allclose(found["p_value"], t(5).cdf(-3) + t(5).sf(3))
    assert (found["ci_low"], found["estimate"]) == (1.5 - t(5).ppf(0.95) * 0.5, 1.5)


def test_what_has_no_variance_is_nan_but_for_the_estimate() -> None:
    found = wald_frame(np.array([0.0]), np.zeros((1, 1)), terms=["x"], scale="rate_ratio", ci_level=0.95)
    assert found.loc["x", "estimate"] == 1
    assert found.drop(columns="estimate").isna().all(axis=None)


def test_a_covariance_carries_its_terms() -> None:
    found = vcov_frame(np.array([[1.0, 2.0], [2.0, 5.0]]), ["a", "b"])
    assert found.loc["a", "b"] == 2
    assert found.index.name == "term"
