"""Models of counts with dummies or without unit effects, through statsmodels."""

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import NDArray

from reform_analysis import count_sample
from reform_analysis.count_sample import Effects, Floats, Sample, with_events
from reform_analysis.estimates import DataError, Estimates, UntestableError, require_choice, require_level
from reform_analysis.fixed_effects import require_separate_terms
from reform_analysis.reliability import require_clusters, troubles, warned
from reform_analysis.wald import wald_estimates

_ITERATIONS = 200
_INFINITE = 15.0  # log of a ratio that stands for 0 or infinity
_CORRELATIONS = {
    "independence": sm.cov_struct.Independence,
    "exchangeable": sm.cov_struct.Exchangeable,
}


def fit_negative_binomial(
    df: pd.DataFrame,
    *,
    outcome: str,
    terms: Sequence[str],
    exposure: str | None = None,
    unit: str,
    period: str,
    cluster: str | None = None,
    treatment: str | None = None,
    variance: Literal["nb2", "nb1"] = "nb2",
    effects: Effects = "period",
    ci_level: float = 0.95,
) -> Estimates:
    r"""Fit a negative binomial model with dummies; terms are rate ratios.

    .. math:: E(y_{it}) = \mu_{it} = N_{it} \exp(\alpha_i + \delta_t + x_{it}'\beta), \quad
        V(y_{it}) = \mu_{it} + a \mu_{it}^2

    or :math:`(1 + a) \mu_{it}` for "nb1". It weights cells by this variance; where the variance is wrong the
    estimate is no more than another weighting, and unlike `fit_poisson`'s it is not consistent with unit
    dummies and few periods in general. Identifying assumption of an effect: as for `fit_poisson`.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    outcome : str
    terms : sequence of str
    exposure : str, optional
    unit, period : str
    cluster : str, optional
        For the standard errors; `unit` without.
    treatment : str, optional
        Column of the arms of `dropped`.
    variance : {"nb2", "nb1"}
    effects : {"period", "two_way", "unit"}
        The dummies. The time grows with the cube of their number: unit dummies are for some hundred units.
    ci_level : float

    Returns
    -------
    Estimates
        Scale "rate_ratio"; cluster-robust errors, t with clusters - 1 degrees of freedom. The note gives a.

    Raises
    ------
    DataError
        If a column is missing or not numeric, a count is negative, or a unit has two rows of a period.
    DesignError
        If terms are collinear.
    UntestableError
        If the likelihood has no maximum inside (counts that vary no more than Poisson ones) or a ratio is 0
        or infinite.

    References
    ----------
    Cameron and Trivedi (2013), Regression Analysis of Count Data, 2nd ed., sections 3.3 and 9.4.
    Allison and Waterman (2002), Sociological Methodology 32, 247-265: dummies in negative binomial models.
    """
    require_choice("variance", variance, ("nb2", "nb1"))
    require_level(ci_level)
    sample = _informative(
        count_sample.sample(
            df,
            outcome=outcome,
            terms=terms,
            exposure=exposure,
            unit=unit,
            period=period,
            cluster=cluster,
            treatment=treatment,
            effects=effects,
        )
    )
    model = sm.NegativeBinomial(
        sample.outcome, _design(sample), loglike_method=variance, offset=sample.offset
    )
    # The default optimiser (BFGS) stops at the fourth digit.
    fitted = _fitted(model.fit, method="newton", maxiter=_ITERATIONS, disp=0, **_clustered(sample))
    alpha = float(fitted.params[-1])
    if not fitted.mle_retvals["converged"] or not alpha > 0:
        raise UntestableError(
            f"the likelihood must have a maximum at a variance above the mean, got a = {alpha:.3g} and "
            f"converged = {fitted.mle_retvals['converged']}; take fit_poisson."
        )
    words = f"negative binomial ({variance}) with {' and '.join(sample.effects)} dummies"
    size = "mean + a mean^2" if variance == "nb2" else "(1 + a) mean"
    return _result(
        sample,
        fitted,
        words,
        scale="rate_ratio",
        ci_level=ci_level,
        notes=[f"variance {size}, a = {alpha:.4g}"],
    )


def fit_pooled(
    df: pd.DataFrame,
    *,
    outcome: str,
    terms: Sequence[str],
    exposure: str | None = None,
    unit: str,
    period: str,
    cluster: str | None = None,
    treatment: str | None = None,
    correlation: Literal["independence", "exchangeable"] = "independence",
    inference: Literal["bias_reduced", "robust"] = "bias_reduced",
    ci_level: float = 0.95,
) -> Estimates:
    r"""Fit a population-averaged Poisson model with period effects and no unit effects (GEE).

    .. math:: E(y_{it}) = N_{it} \exp(\delta_t + x_{it}'\beta)

    Use it for ratios between groups of units, and for units without events, which stay in. Identifying
    assumption of an effect: units of the same terms would have had the same rates. With a term for the
    pilots and one for the pilots after adoption the second is a difference in differences of group means.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    outcome : str
    terms : sequence of str
        They may be constant within units.
    exposure : str, optional
    unit, period : str
    cluster : str, optional
        Groups of rows that depend on one another; `unit` without.
    treatment : str, optional
        Column of the arms of `dropped`.
    correlation : {"independence", "exchangeable"}
        Working correlation within clusters: it moves the weights, the errors hold for any.
    inference : {"bias_reduced", "robust"}
        Mancl and DeRouen's correction for few clusters, or none; t with clusters - 1 degrees of freedom.
    ci_level : float

    Returns
    -------
    Estimates
        Scale "rate_ratio".

    Raises
    ------
    DataError
        If a column is missing or not numeric, a count is negative, or a unit has two rows of a period.
    DesignError
        If terms are collinear or there is a single cluster.
    UntestableError
        If no row can be used, or a ratio is 0 or infinite.

    References
    ----------
    Liang and Zeger (1986), Biometrika 73, 13-22. Mancl and DeRouen (2001), Biometrics 57, 126-134.
    """
    require_choice("correlation", correlation, _CORRELATIONS)
    require_choice("inference", inference, ("bias_reduced", "robust"))
    require_level(ci_level)
    sample = _informative(
        count_sample.sample(
            df,
            outcome=outcome,
            terms=terms,
            exposure=exposure,
            unit=unit,
            period=period,
            cluster=cluster,
            treatment=treatment,
            effects="period",
        )
    )
    model = sm.GEE(
        sample.outcome,
        _design(sample),
        groups=sample.cluster,
        family=sm.families.Poisson(),
        cov_struct=_CORRELATIONS[correlation](),
        offset=sample.offset,
    )
    fitted = _fitted(model.fit, maxiter=_ITERATIONS, ctol=1e-10, cov_type=inference)
    words = f"pooled Poisson with period effects (GEE, {correlation}), {inference.replace('_', '-')} errors"
    return _result(sample, fitted, words, scale="rate_ratio", ci_level=ci_level)


def fit_rate(
    df: pd.DataFrame,
    *,
    outcome: str,
    exposure: str,
    terms: Sequence[str],
    unit: str,
    period: str,
    cluster: str | None = None,
    treatment: str | None = None,
    effects: Effects = "period",
    ci_level: float = 0.95,
) -> Estimates:
    r"""Fit the share of concluded cases that are lost; terms are odds ratios.

    .. math:: y_{it} \sim B(n_{it}, p_{it}), \quad \log\frac{p_{it}}{1 - p_{it}} = \delta_t + x_{it}'\beta

    Use it for the loss rate. It says nothing about how many cases there are, which a reform may change:
    compare it with the counts. Identifying assumption of an effect: as for `fit_pooled`, for the odds.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    outcome : str
        Column of the events among them: whole numbers up to `exposure`.
    exposure : str
        Column of the number of cases concluded.
    terms : sequence of str
    unit, period : str
    cluster : str, optional
        For the standard errors, which hold whatever the variance; `unit` without.
    treatment : str, optional
        Column of the arms of `dropped`.
    effects : {"period", "two_way", "unit"}
        With unit dummies and few cases a unit the odds ratios are too far from 1 (incidental parameters),
        which a note says.
    ci_level : float

    Returns
    -------
    Estimates
        Scale "odds_ratio"; cluster-robust errors, t with clusters - 1 degrees of freedom.

    Raises
    ------
    DataError
        If a column is missing or not numeric, or an outcome is no whole number between 0 and its exposure.
    DesignError
        If terms are collinear or there is a single cluster.
    UntestableError
        If no row can be used, or a ratio is 0 or infinite.

    References
    ----------
    McCullagh and Nelder (1989), Generalized Linear Models, 2nd ed., chapter 4.
    """
    require_level(ci_level)
    whole = count_sample.sample(
        df,
        outcome=outcome,
        terms=terms,
        exposure=exposure,
        unit=unit,
        period=period,
        cluster=cluster,
        treatment=treatment,
        effects=effects,
    )
    sample, trials = _lost_and_won(whole, outcome, exposure)
    require_separate_terms(sample)
    both = np.column_stack([sample.outcome, trials - sample.outcome])
    model = sm.GLM(both, _design(sample), family=sm.families.Binomial())
    fitted = _fitted(model.fit, tol=1e-12, maxiter=_ITERATIONS, **_clustered(sample))
    words = f"binomial (logit) of {outcome} in {exposure} with {' and '.join(sample.effects)} effects"
    incidental = "unit effects from few cases each: odds ratios are too far from 1"
    return _result(
        sample,
        fitted,
        words,
        scale="odds_ratio",
        ci_level=ci_level,
        notes=[incidental] if "unit" in sample.effects else [],
    )


def _informative(sample: Sample) -> Sample:
    found = with_events(sample)
    require_separate_terms(found)
    require_clusters(found.n_clusters)
    return found


def _lost_and_won(sample: Sample, outcome: str, exposure: str) -> tuple[Sample, Floats]:
    """Rows whose effects have both kinds of cases, and their numbers of cases."""
    trials = np.rint(np.exp(sample.offset))
    wrong = (sample.outcome > trials) | (sample.outcome != np.rint(sample.outcome))
    wrong |= np.abs(np.exp(sample.offset) - trials) > 1e-6 * trials
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"{outcome!r} must be whole numbers of at most {exposure!r}, got {sample.outcome[first]:g} of "
            f"{np.exp(sample.offset[first]):g} in row {sample.row[first]}; correct it."
        )
    before = -1
    while before != len(sample.outcome):
        before = len(sample.outcome)
        sample = with_events(sample)
        trials = np.rint(np.exp(sample.offset))
        others = dataclasses.replace(sample, outcome=trials - sample.outcome)
        others = with_events(others, events="other cases")
        trials = np.rint(np.exp(others.offset))
        sample = dataclasses.replace(others, outcome=trials - others.outcome)
    require_clusters(sample.n_clusters)
    return sample, trials


def _design(sample: Sample) -> Floats:
    """Terms, all dummies of the first effect and all but one of the second."""
    columns = [sample.terms_values]
    for number, name in enumerate(sample.effects):
        codes = getattr(sample, name)
        dummies = (codes[:, None] == np.arange(codes.max() + 1)).astype(float)
        columns.append(dummies[:, min(number, 1) :])
    return np.hstack(columns)


def _clustered(sample: Sample) -> dict[str, Any]:
    groups: NDArray[np.intp] = sample.cluster
    return {"cov_type": "cluster", "cov_kwds": {"groups": groups, "use_correction": False}}


def _fitted(fit: Callable[..., Any], **options: Any) -> Any:
    """Call statsmodels; what it warns of (no convergence, separation) is checked on what it returns."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return fit(**options)
    except np.linalg.LinAlgError as problem:
        raise UntestableError(f"the fit must have a maximum, got {problem}; leave out terms.") from None


def _result(
    sample: Sample,
    fitted: Any,
    words: str,
    *,
    scale: Literal["rate_ratio", "odds_ratio"],
    ci_level: float,
    notes: Sequence[str] = (),
) -> Estimates:
    k, n, clusters = len(sample.terms), len(sample.outcome), sample.n_clusters
    coefficients = np.asarray(fitted.params, dtype=float)[:k]
    reach = np.abs(coefficients) * np.ptp(sample.terms_values, axis=0)
    if not (reach < _INFINITE).all():
        raise UntestableError(
            f"terms must have events on both sides, got log ratios {coefficients.tolist()} for "
            f"{list(sample.terms)}: a ratio is 0 or infinite; compare totals by an exact test instead."
        )
    vcov = np.asarray(fitted.cov_params(), dtype=float)[:k, :k]
    if getattr(fitted, "cov_type", "") == "cluster":
        # The correction of fit_poisson: dummies are not counted.
        vcov = vcov * clusters / (clusters - 1) * (n - 1) / (n - k)
    return wald_estimates(
        sample,
        coefficients,
        vcov,
        scale=scale,
        ci_level=ci_level,
        method=f"{words}; t({clusters - 1})",
        df=clusters - 1,
        notes=(*notes, *warned(troubles(sample, clustered=True), depth=2)),
    )
