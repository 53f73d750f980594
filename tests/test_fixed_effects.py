"""Fits against dummies where pyfixest needs care: collinearity, separation, convergence."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from reform_analysis import count_sample, fixed_effects
from reform_analysis.estimates import DesignError, UntestableError


def sample(y: np.ndarray, x: np.ndarray, **options: object) -> count_sample.Sample:
    unit, period = (each.ravel() for each in np.indices(y.shape))
    terms = {f"x{at}": values.ravel() for at, values in enumerate(np.atleast_3d(x).transpose(2, 0, 1))}
    df = pd.DataFrame({"u": unit, "t": period, "y": y.ravel(), **terms})
    names = {"outcome": "y", "unit": "u", "period": "t", "terms": [*terms]}
    return count_sample.sample(df, exposure=None, cluster=None, treatment=None, **(names | options))


@pytest.mark.parametrize("shape", [(12, 4), (4, 12)])
@pytest.mark.parametrize("effects", ["two_way", "unit", "period"])
def test_poisson_and_least_squares_are_those_with_dummies(shape: tuple[int, int], effects: str) -> None:
    rng = np.random.default_rng(6)
    y, x = rng.poisson(4.0, shape) + 0.0, rng.normal(size=(*shape, 2))
    found = sample(y, x, effects=effects)
    dummies = [pd.get_dummies(getattr(found, name), dtype=float) for name in found.effects]
    design = np.column_stack([found.terms_values, dummies[0], *(each.iloc[:, 1:] for each in dummies[1:])])
    model = sm.GLM(found.outcome, design, family=sm.families.Poisson()).fit(tol=1e-14)
    fit = fixed_effects.poisson(found)
    np.testing.assert_allclose(fit.coefficients, model.params[:2], rtol=1e-8)
    np.testing.assert_allclose(fit.mean, model.fittedvalues, rtol=1e-8)
    straight = sm.OLS(found.outcome, design).fit()
    line = fixed_effects.linear(found, covariance="iid")
    np.testing.assert_allclose(line.coefficients, straight.params[:2], rtol=1e-9)
    np.testing.assert_allclose(line.vcov, straight.cov_params()[:2, :2], rtol=1e-9)
    np.testing.assert_allclose(line.mean, straight.fittedvalues, rtol=1e-8)
    assert fixed_effects.residual_freedom(found) == straight.df_resid
    robust = straight.get_robustcov_results("HC1").cov_params()[:2, :2]
    np.testing.assert_allclose(fixed_effects.linear(found, covariance="hc").vcov, robust, rtol=1e-9)


def test_a_poisson_fit_robust_to_the_variance_counts_all_parameters() -> None:
    rng = np.random.default_rng(8)
    found = sample(rng.poisson(4.0, (12, 3)) + 0.0, rng.normal(size=(12, 3)))
    dummies = [pd.get_dummies(codes, dtype=float) for codes in (found.unit, found.period)]
    design = np.column_stack([found.terms_values, dummies[0], dummies[1].iloc[:, 1:]])
    model = sm.GLM(found.outcome, design, family=sm.families.Poisson())
    plain = model.fit(tol=1e-14, cov_type="HC0").cov_params()[0, 0]
    n, k = design.shape
    robust = fixed_effects.poisson(found, covariance="hc").vcov[0, 0]
    assert robust == pytest.approx(plain * n / (n - k), rel=1e-8)


def test_no_rows_beyond_the_parameters_leave_no_robust_variance() -> None:
    found = sample(np.array([[3.0, 4.0], [5.0, 2.0]]), np.array([[0.0, 0.0], [0.0, 1.0]]))
    with pytest.raises(DesignError, match="more rows than parameters, got 4 rows for 4"):
        fixed_effects.poisson(found, covariance="hc")


def test_a_projection_leaves_nothing_of_the_effects() -> None:
    rng = np.random.default_rng(2)
    found = sample(np.ones((9, 5)), rng.normal(size=(9, 5)))
    weights = rng.uniform(0.1, 3.0, 45)
    left = fixed_effects.projected(found, found.terms_values, weights)[:, 0] * weights
    for codes in (found.unit, found.period):
        np.testing.assert_allclose(np.bincount(codes, weights=left), 0, atol=1e-8)


def test_a_dependence_names_the_terms_in_it_and_no_other() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(10, 4, 4))
    x[:, :, 2] = 3 * x[:, :, 0] - x[:, :, 1] + np.arange(10)[:, None]
    with pytest.raises(DesignError, match="got \\['x0', 'x1', 'x2'\\], which do not"):
        fixed_effects.require_separate_terms(sample(np.ones((10, 4)), x))
    fixed_effects.require_separate_terms(sample(np.ones((10, 4)), x[:, :, [0, 1, 3]]))


def test_a_term_that_varies_only_without_events_cannot_be_tested() -> None:
    x = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    y = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [2.0, 1.0, 1.0]])
    with pytest.raises(UntestableError, match=r"vary where there are events, got \['x0'\]"):
        fixed_effects.poisson(sample(y, x))
    with pytest.raises(UntestableError, match="vary beside the unit and period effects"):
        fixed_effects.poisson(sample(y, np.zeros_like(x)))


def test_separated_rows_are_left_out_where_the_term_stays() -> None:
    """Zeros wherever x is 2: they say only that its coefficient of 2 is not finite, if 2 had its own term."""
    rng = np.random.default_rng(9)
    group = rng.integers(0, 3, (40, 5))
    y = np.where(group == 2, 0, rng.poisson(3.0, (40, 5)) + 1)
    terms = np.stack([group == 1, group == 2], axis=-1).astype(float)
    with pytest.raises(UntestableError, match="got \\['x1'\\], which separate"):
        fixed_effects.poisson(sample(y, terms))
    # One term that mixes both groups: separated rows carry no information, the rest gives the estimate.
    mixed = sample(y, terms[:, :, 0] + 1e3 * terms[:, :, 1])
    fit = fixed_effects.poisson(mixed)
    assert fit.sample.dropped["reason"].str.startswith("separated").any()
    assert fit.sample.dropped["n"].sum() >= (group == 2).sum()
    kept = fixed_effects.poisson_fit(
        count_sample.with_events(sample(y, terms[:, :, 0]).subset((group != 2).ravel()))
    )
    np.testing.assert_allclose(fit.coefficients, kept.coefficients, rtol=1e-8)


def test_small_means_are_not_separated() -> None:
    """Fitted values near 0 that are due to a small exposure stay."""
    rng = np.random.default_rng(3)
    found = sample(rng.poisson(5.0, (20, 4)) + 1.0, rng.normal(size=(20, 4)))
    small = found.unit == 0
    tiny = dataclasses.replace(
        found,
        outcome=np.where(small, np.where(found.period == 0, 1.0, 0.0), found.outcome),
        offset=np.where(small & (found.period > 0), -25.0, 0.0),
    )
    assert len(fixed_effects.poisson(tiny).sample.outcome) == len(found.outcome)


def test_a_fit_that_does_not_converge_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_effects, "_ITERATIONS", 2)
    rng = np.random.default_rng(1)
    with pytest.raises(UntestableError, match="^the fit must converge"):
        fixed_effects.poisson(sample(rng.poisson(5.0, (20, 4)) + 1, rng.normal(size=(20, 4))))


def test_panels_that_no_rows_link_are_fitted_together() -> None:
    """Four units in two periods and four others in two more: one dummy is redundant, and no term suffers."""
    rng = np.random.default_rng(7)
    y, x = rng.poisson(4.0, (8, 4)) + 1.0, rng.normal(size=(8, 4))
    found = sample(y, x)
    linked = found.subset((found.unit < 4) == (found.period < 2))
    dummies = [pd.get_dummies(getattr(linked, name), dtype=float) for name in linked.effects]
    design = np.column_stack([linked.terms_values, dummies[0], dummies[1].iloc[:, [1, 3]]])
    model = sm.GLM(linked.outcome, design, family=sm.families.Poisson()).fit(tol=1e-14)
    np.testing.assert_allclose(fixed_effects.poisson(linked).coefficients, model.params[:1], rtol=1e-8)
    straight = sm.OLS(linked.outcome, design).fit()
    line = fixed_effects.linear(linked, covariance="iid")
    np.testing.assert_allclose(line.vcov, straight.cov_params()[:1, :1], rtol=1e-9)


def test_large_counts_that_the_effects_explain_converge() -> None:
    """Their deviance is near 0 and made of large terms; in thousands, the estimate is the same."""
    rng = np.random.default_rng(8)
    people = np.round(5e4 * np.exp(rng.normal(0, 0.4, (400, 1)) + 0.01 * np.arange(6)))
    treated = ((np.arange(400)[:, None] < 80) & (np.arange(6) >= 3)).astype(float)
    found = fixed_effects.poisson(sample(people, treated), covariance="hc")
    scaled = fixed_effects.poisson(sample(people / 1000, treated), covariance="hc")
    np.testing.assert_allclose(found.coefficients, scaled.coefficients, atol=1e-3 * scaled.vcov[0, 0] ** 0.5)
    np.testing.assert_allclose(found.vcov, scaled.vcov, rtol=1e-3)
    # What is left of the counts is their rounding: by less than 1 in 300,000 a unit.
    assert abs(found.coefficients[0]) < 1e-5
