"""Event-study terms are put in the order of time, and what is no event study is refused."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis.estimates import COLUMNS, DesignError, Estimates, UntestableError
from reform_analysis.event_coefficients import EventCoefficients, event_coefficients


def estimates(ratios: dict[str, float], scale: str = "rate_ratio", *, vcov: bool = True) -> Estimates:
    index = pd.Index(list(ratios), name="term")
    frame = pd.DataFrame(np.nan, index=index, columns=list(COLUMNS))
    frame["estimate"] = list(ratios.values())
    numbers = np.arange(1, len(ratios) + 1)
    matrix = pd.DataFrame(np.diag(numbers / 100), index=index, columns=index)
    return Estimates(frame, scale, 0.95, "event study", 10, vcov=matrix if vcov else None, synthetic=True)


def test_terms_are_sorted_and_the_reference_left_out() -> None:
    found = event_coefficients(estimates({"1": 0.5, "-1": 1.0, "-3": 1.1, "0": 0.8, "-2": 0.9}))
    assert found.coefficients == pytest.approx(np.log([1.1, 0.9, 0.8, 0.5]))
    assert np.diag(found.vcov).tolist() == [0.03, 0.05, 0.04, 0.01]
    assert (found.n_pre, found.synthetic) == (2, True)


def test_terms_of_an_event_study_are_read_and_covariates_left_out() -> None:
    found = event_coefficients(estimates({"event_0": 0.5, "event_-3": 1.1, "size": 2.0, "event_-2": 0.9}))
    assert found.coefficients == pytest.approx(np.log([1.1, 0.9, 0.5]))
    assert found.n_pre == 2


def test_reference_of_the_estimates_is_used() -> None:
    given = estimates({"event_0": 0.5, "event_-1": 0.9, "event_-3": 1.1})
    object.__setattr__(given, "reference", -2)
    assert event_coefficients(given).n_pre == 1
    with pytest.raises(DesignError, match="must be consecutive"):
        event_coefficients(given, reference=-5)


def test_terms_without_numbers_need_their_times() -> None:
    named = estimates({"before": 1.1, "after": 0.8, "other": 3.0}, "log_rate_ratio")
    with pytest.raises(DesignError, match="^event_times must tell"):
        event_coefficients(named)
    found = event_coefficients(named, event_times={"after": 0, "before": -2})
    assert found.coefficients.tolist() == [1.1, 0.8]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (estimates({"-2": 1.0, "0": 1.0}, "difference"), "scale 'difference'"),
        (estimates({"-2": 1.0, "0": 1.0}, vcov=False), "must carry vcov"),
        (estimates({"-4": 1.0, "-2": 1.0, "0": 1.0}), "must be consecutive"),
        (estimates({"-2": np.nan, "0": 1.0}), "must be finite"),
    ],
)
def test_what_is_no_event_study_is_refused(given: Estimates, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        event_coefficients(given)


def test_one_side_alone_cannot_be_judged() -> None:
    with pytest.raises(UntestableError, match="n_pre must leave"):
        event_coefficients(estimates({"0": 1.0, "1": 0.9}))
    with pytest.raises(DesignError, match="one row and column a coefficient"):
        EventCoefficients([0.1, 0.2], np.eye(3), 1)


@pytest.mark.parametrize(
    ("vcov", "error", "said"),
    [
        ([[0.01, 0.02], [0.0, 0.01]], DesignError, "^vcov must be symmetric"),
        ([[0.01, 0.02], [0.02, 0.01]], DesignError, "^vcov must have no negative eigenvalue"),
        (
            [[0.01, 0.02], [0.02, 0.04]],
            UntestableError,
            "^vcov must have full rank, got 1 for 2 coefficients",
        ),
    ],
)
def test_what_is_no_covariance_of_full_rank_is_refused(vcov: list, error: type, said: str) -> None:
    with pytest.raises(error, match=said) as raised:
        EventCoefficients([0.1, -0.5], vcov, n_pre=1)  # type: ignore[arg-type]
    assert error is UntestableError or not isinstance(raised.value, UntestableError)


def test_rounding_of_a_covariance_is_let_through() -> None:
    vcov = np.array([[0.01, 0.002], [0.002 * (1 + 1e-10), 0.04]])
    assert EventCoefficients(np.array([0.1, -0.5]), vcov, n_pre=1).n_pre == 1
