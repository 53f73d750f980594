"""`compare_counts` against R, exact sums, statsmodels and its own symmetries."""

from fractions import Fraction
from math import comb, inf
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats import rates as statsmodels_rates

from reform_analysis.estimates import DataError
from reform_analysis.rates import compare_counts

R_OUTPUT = pd.read_csv(Path(__file__).parent / "reference" / "poisson_test.csv", comment="#")
COUNTS = st.integers(0, 300)


def only_row(**arguments: object) -> pd.Series:
    return compare_counts(**arguments).to_frame().loc["rate_ratio"]


def test_r_output_has_zeros_and_unequal_exposure() -> None:
    assert len(R_OUTPUT) >= 200
    assert (R_OUTPUT[["after", "before"]] == 0).any().all()
    assert (R_OUTPUT["exposure_ratio"] != 1).sum() >= 200


def test_agrees_with_r() -> None:
    names = ["after", "before", "exposure_ratio", "ci_level"]
    rows = [dict(zip(names, row, strict=True)) for row in R_OUTPUT[names].itertuples(index=False)]
    ours = pd.DataFrame([only_row(**row) for row in rows], index=R_OUTPUT.index)
    for column in ("estimate", "p_value", "ci_low", "ci_high"):
        # scipy's upper binomial tail underflows to 0 below 1e-270 where R's does not: absolute floor.
        np.testing.assert_allclose(ours[column], R_OUTPUT[column], rtol=1e-6, atol=1e-250, err_msg=column)


def test_published_losses() -> None:
    row = only_row(after=32, before=53)
    assert row["estimate"] == pytest.approx(0.6038, abs=5e-5)
    assert row["p_value"] == pytest.approx(0.029456, abs=5e-7)
    assert [row["ci_low"], row["ci_high"]] == pytest.approx([0.3767, 0.9538], abs=5e-5)


def midp_tail(after: int, total: int, ratio: float, *, upper: bool) -> float:
    """Mid-p tail in exact arithmetic for a rate ratio at equal exposure."""
    share = Fraction(ratio) / (1 + Fraction(ratio))
    weights = [comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(total + 1)]
    beyond = sum(weights[after + 1 :]) if upper else sum(weights[:after])
    return float(beyond + weights[after] / 2)


@pytest.mark.parametrize(("after", "before"), [(32, 53), (1, 4), (0, 6), (6, 0), (20, 24)])
def test_midp_interval_inverts_the_midp_test(after: int, before: int) -> None:
    row = only_row(after=after, before=before, method="midp")
    total = after + before
    if after:
        assert midp_tail(after, total, row["ci_low"], upper=True) == pytest.approx(0.025, rel=1e-6)
    else:
        assert row["ci_low"] == 0
    if before:
        assert midp_tail(after, total, row["ci_high"], upper=False) == pytest.approx(0.025, rel=1e-6)
    else:
        assert row["ci_high"] == inf
    tails = [midp_tail(after, total, 1.0, upper=upper) for upper in (True, False)]
    assert row["p_value"] == pytest.approx(min(1, 2 * min(tails)), rel=1e-9)


@pytest.mark.parametrize(
    ("after", "before", "ratio"), [(32, 53, 1.0), (20, 24, 0.87), (5, 90, 1.6), (400, 3, 0.2)]
)
def test_score_agrees_with_statsmodels(after: int, before: int, ratio: float) -> None:
    row = only_row(after=after, before=before, exposure_ratio=ratio, method="score")
    test = statsmodels_rates.test_poisson_2indep(after, ratio, before, 1, method="score", compare="ratio")
    bounds = statsmodels_rates.confint_poisson_2indep(
        after, ratio, before, 1, method="score", compare="ratio"
    )
    assert row["p_value"] == pytest.approx(test.pvalue, rel=1e-9)
    # statsmodels finds its bounds with a root finder of tolerance 1e-7
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(list(bounds), rel=1e-6)


def test_score_with_a_zero_solves_the_score_equation() -> None:
    """statsmodels 0.15 returns (0.0725, 0.0725) for 0 against 53; the lower bound is 0."""
    row = only_row(after=0, before=53, method="score")
    assert row["ci_low"] == 0
    share = row["ci_high"] / (1 + row["ci_high"])
    assert (53 * share) ** 2 / (53 * share * (1 - share)) == pytest.approx(1.959963984540054**2, rel=1e-9)


@given(after=COUNTS, before=COUNTS, method=st.sampled_from(["exact", "midp", "score"]))
def test_swapping_the_years_inverts_the_ratio(after: int, before: int, method: str) -> None:
    there, back = (
        only_row(after=after, before=before, method=method),
        only_row(after=before, before=after, method=method),
    )
    with np.errstate(divide="ignore"):
        assert there["ci_low"] == pytest.approx(1 / np.float64(back["ci_high"]), rel=1e-7, abs=1e-12)
        assert there["ci_high"] == pytest.approx(1 / np.float64(back["ci_low"]), rel=1e-7)
    assert there["p_value"] == pytest.approx(back["p_value"], rel=1e-9)


@given(
    after=COUNTS, before=COUNTS, ratio=st.floats(0.05, 20), method=st.sampled_from(["exact", "midp", "score"])
)
def test_central_p_and_interval_agree(after: int, before: int, ratio: float, method: str) -> None:
    result = compare_counts(after, before, exposure_ratio=ratio, method=method)
    row, p_central = result.to_frame().loc["rate_ratio"], float(result.p_central.iloc[0])
    if abs(p_central - 0.05) > 1e-6:
        assert (p_central < 0.05) == (not row["ci_low"] <= 1 <= row["ci_high"])


def test_r_p_and_interval_can_disagree_and_both_are_kept() -> None:
    rows = R_OUTPUT[(R_OUTPUT["ci_level"] == 0.95)]
    outside = (rows["ci_low"] > 1) | (rows["ci_high"] < 1)
    clash = rows[(rows["p_value"] < 0.05) & ~outside]
    assert len(clash) > 0
    first = clash.iloc[0]
    result = compare_counts(int(first["after"]), int(first["before"]), exposure_ratio=first["exposure_ratio"])
    assert result.to_frame()["p_value"].iloc[0] < 0.05 < result.p_central.iloc[0]


def test_nothing_against_nothing_is_undefined() -> None:
    row = only_row(after=0, before=0)
    assert np.isnan(row["estimate"])
    assert np.isnan(row["std_error"])
    assert [row["ci_low"], row["ci_high"], row["p_value"]] == [0, inf, 1]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"after": -1, "before": 3}, "after"),
        ({"after": 1.5, "before": 3}, "after"),
        ({"after": 1, "before": float("nan")}, "before"),
        ({"after": 1, "before": "3"}, "before"),
        ({"after": True, "before": 3}, "after"),
        ({"after": 1, "before": 3, "exposure_ratio": 0}, "exposure_ratio"),
        ({"after": 1, "before": 3, "exposure_ratio": inf}, "exposure_ratio"),
        ({"after": 1, "before": 3, "ci_level": 95}, "ci_level"),
        ({"after": 1, "before": 3, "method": "wald"}, "method"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, object], name: str) -> None:
    with pytest.raises(DataError, match=rf"^{name} must .* got .*"):
        compare_counts(**arguments)
