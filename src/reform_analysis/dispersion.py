"""Whether counts vary more than Poisson ones, given the effects in the model."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.stats import norm

from reform_analysis import count_sample, fixed_effects
from reform_analysis.count_sample import Effects, Sample
from reform_analysis.estimates import Estimates, UntestableError, require_choice, require_level
from reform_analysis.fixed_effects import Fit
from reform_analysis.wald import wald_estimates


def dispersion_test(
    df: pd.DataFrame,
    *,
    outcome: str,
    terms: Sequence[str] = (),
    exposure: str | None = None,
    unit: str,
    period: str,
    treatment: str | None = None,
    effects: Effects = "two_way",
    ci_level: float = 0.95,
) -> Estimates:
    r"""Test for a variance above the Poisson one.

    With unit effects the fitted means of a unit add up to its events, so its counts are tested as
    multinomial given their total: Pearson's statistic less its degrees of freedom, over the exact standard
    deviation it has then,

    .. math:: V(X_i^2) = 2 (T_i - 1) + \Big(\sum_t p_{it}^{-1} - T_i^2 - 2 T_i + 2\Big) / N_i

    with N events in T periods and shares p. Without unit effects (``effects="period"``) it is the regression
    test: the mean of :math:`((y - \mu)^2 - y) / \mu`, and its slope in :math:`\mu` through 0; lasting
    differences between units then count as dispersion.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    outcome : str
    terms : sequence of str
    exposure : str, optional
    unit, period : str
    treatment : str, optional
        Column of the arms of `dropped`.
    effects : {"two_way", "period"}
    ci_level : float

    Returns
    -------
    Estimates
        Scale "difference"; 0 is Poisson. "two_way": term ``pearson``, Pearson's statistic over its degrees of
        freedom, less 1: with few events a unit it is far below the excess of the variance over the mean.
        "period": ``nb1``, the excess of the variance over the mean, and ``nb2``, the a of mean + a mean^2.
        Errors and intervals are clustered by unit; the p-value of ``pearson`` is that of the exact moments.

    Raises
    ------
    DataError
        If a column is missing or not numeric, a count is negative, or a unit has two rows of a period.
    DesignError
        If terms are collinear, or `effects` is another.
    UntestableError
        If no row can be used, or a ratio is 0 or infinite.

    References
    ----------
    Haldane (1937), Biometrika 29, 133-143. Cameron and Trivedi (1990), Journal of Econometrics 46, 347-364.
    """
    require_choice("effects", effects, ("two_way", "period"))
    require_level(ci_level)
    sample = count_sample.sample(
        df,
        outcome=outcome,
        terms=terms,
        exposure=exposure,
        unit=unit,
        period=period,
        cluster=None,
        treatment=treatment,
        effects=effects,
        least_terms=0,
    )
    fit = fixed_effects.poisson(sample)
    return _conditional(fit, ci_level) if effects == "two_way" else _regression(fit, ci_level)


def _conditional(fit: Fit, ci_level: float) -> Estimates:
    """Pearson's statistic of each unit's counts given their total."""
    sample = fit.sample
    rows = np.bincount(sample.unit)
    share = fit.mean / np.bincount(sample.unit, weights=fit.mean)[sample.unit]
    events = np.bincount(sample.unit, weights=sample.outcome)
    pearson = np.bincount(sample.unit, weights=(sample.outcome - fit.mean) ** 2 / fit.mean)
    fitted = len(sample.terms) + int(sample.period.max())
    freedom = len(sample.outcome) - sample.n_units - fitted
    if freedom < 1:
        raise UntestableError(
            f"df must have more rows than parameters, got {len(sample.outcome)} rows, {freedom} to spare; "
            "leave out terms."
        )
    beyond = np.bincount(sample.unit, weights=1 / share) - rows**2 - 2 * rows + 2
    exact = float((2 * (rows - 1) + beyond / events).sum())
    away = pearson - (rows - 1) * pearson.sum() / (freedom + fitted)
    found = _differences(
        sample,
        {"pearson": (pearson.sum() / freedom - 1, float(away @ away) / freedom**2)},
        "Pearson's statistic given the events of each unit",
        ci_level,
    )
    frame = found.to_frame()
    frame["p_value"] = 2 * norm.sf(abs(pearson.sum() - freedom) / np.sqrt(exact))
    note = "with few events a unit it is far below the excess of the variance over the mean"
    return dataclasses.replace(found, frame=frame, notes=(*found.notes, note))


def _regression(fit: Fit, ci_level: float) -> Estimates:
    """Cameron and Trivedi's regressions through 0, clustered by unit."""
    sample, mean = fit.sample, fit.mean
    excess = ((sample.outcome - mean) ** 2 - sample.outcome) / mean
    rows = {}
    for name, regressor in {"nb1": np.ones(len(mean)), "nb2": mean}.items():
        fitted = sm.OLS(excess, regressor).fit(cov_type="cluster", cov_kwds={"groups": sample.unit})
        rows[name] = (float(fitted.params[0]), float(fitted.cov_params()[0, 0]))
    return _differences(sample, rows, "Cameron and Trivedi's regressions", ci_level)


def _differences(
    sample: Sample, rows: dict[str, tuple[float, float]], words: str, ci_level: float
) -> Estimates:
    """The result of estimates that have each their variance."""
    estimates, variances = (np.array(each) for each in zip(*rows.values(), strict=True))
    found = wald_estimates(
        dataclasses.replace(sample, terms=tuple(rows)),
        estimates,
        np.diag(variances),
        scale="difference",
        ci_level=ci_level,
        method=f"dispersion above Poisson: {words}; clustered by unit, normal",
        clustered=False,
    )
    return dataclasses.replace(found, frame=found.to_frame(), vcov=None)
