"""Models of counts in a panel: rate ratios with unit and period effects, and inference for few clusters.

`fit_poisson` is the default. The others answer other questions (`fit_linear`: a difference; `fit_pooled`: a
ratio between groups of units; `fit_rate`: the odds that a concluded case is lost) or other assumptions
(`fit_negative_binomial`); `dispersion_test` asks whether counts vary more than Poisson ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from reform_analysis import count_sample, fixed_effects, wild_score
from reform_analysis.count_sample import Effects, Floats
from reform_analysis.dispersion import dispersion_test
from reform_analysis.doses import dose_contrast, with_dose_notes
from reform_analysis.estimates import (
    DesignError,
    Estimates,
    UntestableError,
    require_choice,
    require_level,
    require_whole_number,
)
from reform_analysis.fixed_effects import Fit
from reform_analysis.jackknife import jackknife_vcov, leave_one_out
from reform_analysis.population_models import fit_negative_binomial, fit_pooled, fit_rate
from reform_analysis.reliability import require_clusters, troubles, warned
from reform_analysis.wald import wald_estimates

__all__ = [
    "dispersion_test",
    "dose_contrast",
    "fit_linear",
    "fit_negative_binomial",
    "fit_poisson",
    "fit_pooled",
    "fit_rate",
]

Inference = Literal["wild_score", "cluster", "crv3", "hc"]
INFERENCES: tuple[Inference, ...] = ("wild_score", "cluster", "crv3", "hc")
LinearInference = Literal["cluster", "hc", "iid"]
LINEAR: tuple[LinearInference, ...] = ("cluster", "hc", "iid")
_EXACT = 1e-7  # of the largest count: a residual below it is rounding


def fit_poisson(
    df: pd.DataFrame,
    *,
    outcome: str,
    terms: Sequence[str],
    exposure: str | None = None,
    unit: str,
    period: str,
    cluster: str | None = None,
    treatment: str | None = None,
    offset: str | None = None,
    inference: Inference = "wild_score",
    draws: int = 9999,
    seed: int | np.random.Generator | None = None,
    ci_level: float = 0.95,
) -> Estimates:
    r"""Fit a Poisson pseudo-likelihood with unit and period effects; terms are rate ratios.

    .. math:: E(y_{it}) = N_{it} \exp(\alpha_i + \delta_t + x_{it}'\beta)

    with the exposure :math:`N_{it}`. The estimate is consistent whatever the variance of the counts and
    their dependence within units, if the mean is right. Identifying assumption of an effect: without the
    reform the ratio of the treated units' rate to the others' would have stayed the same from period to
    period (parallel trends of the logs).

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    outcome : str
        Column of counts, 0 or more.
    terms : sequence of str
        Numeric columns: the treatment (0 and 1), doses, covariates. See `dose_contrast` for doses.
    exposure : str, optional
        Column of the denominator, above 0 in the rows used.
    unit, period : str
        Columns of the fixed effects.
    cluster : str, optional
        Column of the level at which treatment was assigned or counts depend on one another; `unit` without.
    treatment : str, optional
        Column whose values name the arms of `dropped`; True (or 1) ever in a unit makes it "pilot". None:
        the column ``pilot`` where there is one.
    offset : str, optional
        Column added to the log of the exposure.
    inference : {"wild_score", "cluster", "crv3", "hc"}
        "wild_score": cluster score bootstrap with the null imposed, interval by inversion; "cluster":
        cluster-robust (CRV1), t with clusters - 1 degrees of freedom; "crv3": leave-one-cluster-out
        jackknife, same t; "hc": robust to the variance only, for rows that are independent, HC1 with
        n / (n - all parameters), normal; see the notes before you take it.
    draws : int
        Draws of the bootstrap; all sign patterns are taken instead where they are no more than draws + 1.
    seed : int or numpy.random.Generator, optional
        Needed where weights are drawn.
    ci_level : float

    Returns
    -------
    Estimates
        Scale "rate_ratio", one term a row; `std_error` and `vcov` are of the log ratio, and for
        "wild_score" those of "cluster". `dropped` counts rows: those with missing values or no exposure, and
        those that say nothing about a ratio given the effects (no events in the unit or the period, a
        single row, separated).

    Raises
    ------
    DataError
        If a column is missing or not numeric, a count is negative, or a unit has two rows of a period.
    DesignError
        If terms are collinear with each other or the effects, there is a single cluster, `draws` are too
        few for `ci_level`, or ("hc") there are no more rows than parameters.
    UntestableError
        If no row can be used, a ratio is 0 or infinite, or effects and terms fit every count exactly.

    Warns
    -----
    StatisticalWarning
        With fewer than 30 clusters, fewer than 6 with treated or with never treated units, or fewer than 10
        events for each coefficient and period effect.

    Notes
    -----
    The bootstrap multiplies a cluster's score by a random weight, Rademacher's or Webb's. The score is that
    of the restricted fit, cleared of fixed effects and other terms by a projection with its means as weights
    (the efficient score), and studentised by the clusters' scores one step away from the null.

    Rows of controls that were reformed elsewhere must be left out of `df` before: terms need not name a
    treatment. The comparisons of `did` and `randomise.randomisation_test` do it (`last_clean_period`,
    `other_pilot`).

    Clustered variances (CRV1) are multiplied by :math:`G / (G - 1) \cdot (n - 1) / (n - k)` with k the number
    of terms alone: unit and period effects are not counted. "hc" counts them. With few periods it stays
    inconsistent under heteroskedasticity all the same, as residuals less their unit's mean mix the variances
    of its periods (Stock and Watson 2008): cluster by unit.

    References
    ----------
    Kline and Santos (2012), Journal of Econometric Methods 1, 23-41: the score bootstrap.
    Wooldridge (1999), Journal of Econometrics 90, 77-97: Poisson with unit effects needs only the mean.
    Stock and Watson (2008), Econometrica 76, 155-174: "hc" with unit effects.
    Correia, Guimaraes and Zylkin (2020), Stata Journal 20, 95-115: which rows drop out.

    Examples
    --------
    Losses of four units in two periods; the last two are treated in the second. The ratio is
    (40 / 90) / (50 / 60).

    >>> frame = pd.DataFrame({"unit": [1, 1, 2, 2, 3, 3, 4, 4], "year": [1, 2] * 4})
    >>> frame["treated"] = [0, 0, 0, 0, 0, 1, 0, 1]
    >>> frame["losses"] = [30, 20, 30, 30, 50, 10, 40, 30]
    >>> names = {"outcome": "losses", "terms": ["treated"], "unit": "unit", "period": "year"}
    >>> found = fit_poisson(frame, inference="hc", **names)
    >>> round(float(found.to_frame().loc["treated", "estimate"]), 6)
    0.533333
    """
    require_choice("inference", inference, INFERENCES)
    ci_level = require_level(ci_level)
    draws = require_whole_number("draws", draws, least=99)
    if ci_level * (draws + 1) > draws:
        raise DesignError(f"draws must be at least 1 / (1 - ci_level) - 1, got {draws}; draw more.")
    sample = count_sample.sample(
        df,
        outcome=outcome,
        terms=terms,
        exposure=exposure,
        unit=unit,
        period=period,
        cluster=cluster,
        treatment=treatment,
        offset=offset,
    )
    clustered = inference != "hc"
    if clustered:
        require_clusters(sample.n_clusters)
    fit = fixed_effects.poisson(sample, covariance="cluster" if clustered else "hc")
    _require_variation(fit, outcome)
    notes = warned(troubles(fit.sample, clustered=clustered))
    inferred = _inferred(fit, inference, draws=draws, seed=seed, ci_level=ci_level)
    result = wald_estimates(
        fit.sample,
        fit.coefficients,
        inferred.vcov,
        scale="rate_ratio",
        ci_level=ci_level,
        method=f"Poisson with unit and period effects; {inferred.words}",
        df=fit.sample.n_clusters - 1 if clustered else None,
        clustered=clustered,
        by_test=inferred.by_test,
        notes=(*inferred.notes, *notes),
    )
    return with_dose_notes(result, fit.sample)


def _require_variation(fit: Fit, outcome: str) -> None:
    """Raise where nothing is left to estimate an error from, as with counts constant within units."""
    counts = fit.sample.outcome
    if np.abs(counts - fit.mean).max() <= _EXACT * counts.max():
        raise UntestableError(
            f"{outcome!r} must vary around what units, periods and terms give, got counts that they fit "
            "exactly; without such variation there is no standard error: add periods or units."
        )


def fit_linear(
    df: pd.DataFrame,
    *,
    outcome: str,
    terms: Sequence[str],
    exposure: str | None = None,
    unit: str,
    period: str,
    cluster: str | None = None,
    treatment: str | None = None,
    effects: Effects = "two_way",
    inference: LinearInference = "cluster",
    ci_level: float = 0.95,
) -> Estimates:
    r"""Fit by least squares with unit and period effects; terms are differences.

    .. math:: y_{it} / N_{it} = \alpha_i + \delta_t + x_{it}'\beta + \varepsilon_{it}

    Use it for outcomes that are no counts, for a difference of rates, or beside `fit_poisson` where units
    without events matter: they stay in. Identifying assumption of an effect: without the reform the treated
    units' mean would have moved as the others' did (parallel trends of levels, which rules out those of logs
    where levels differ).

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    outcome : str
    terms : sequence of str
    exposure : str, optional
        The outcome is divided by it.
    unit, period : str
    cluster : str, optional
        For the standard errors; `unit` without.
    treatment : str, optional
        Column of the arms of `dropped`.
    effects : {"two_way", "unit", "period"}
    inference : {"cluster", "hc", "iid"}
        Clustered (CRV1, only terms counted as parameters, t with clusters - 1 degrees of freedom), robust
        to heteroskedasticity (HC1, effects counted too; inconsistent with few periods, see `fit_poisson`),
        or classical; the last two with the t distribution of n less all parameters.
    ci_level : float

    Returns
    -------
    Estimates
        Scale "difference".

    Raises
    ------
    DataError
        If a column is missing or not numeric, or a unit has two rows of a period.
    DesignError
        If terms are collinear with each other or the effects, or there is a single cluster.
    UntestableError
        If no row can be used.

    References
    ----------
    Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, 2nd ed., chapter 10.
    """
    require_choice("inference", inference, LINEAR)
    require_level(ci_level)
    sample = count_sample.sample(
        df,
        outcome=outcome,
        terms=terms,
        exposure=exposure,
        unit=unit,
        period=period,
        cluster=cluster,
        treatment=treatment,
        effects=effects,
        counts=False,
    )
    clustered = inference == "cluster"
    if clustered:
        require_clusters(sample.n_clusters)
    fit = fixed_effects.linear(sample, covariance=inference)
    freedom = fit.sample.n_clusters - 1 if clustered else fixed_effects.residual_freedom(fit.sample)
    return wald_estimates(
        fit.sample,
        fit.coefficients,
        fit.vcov,
        scale="difference",
        ci_level=ci_level,
        method=f"least squares with {' and '.join(fit.sample.effects)} effects; {inference}, t({freedom})",
        df=freedom,
        clustered=clustered,
        notes=warned(troubles(fit.sample, clustered=clustered, events=False)),
    )


@dataclass(frozen=True, eq=False)
class _Inferred:
    vcov: Floats
    words: str
    by_test: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()


def _inferred(
    fit: Fit,
    inference: Inference,
    *,
    draws: int,
    seed: int | np.random.Generator | None,
    ci_level: float,
) -> _Inferred:
    if inference == "hc":
        return _Inferred(fit.vcov, "robust to the variance of independent rows (HC1), normal")
    clusters = fit.sample.n_clusters
    if inference == "crv3":
        vcov = jackknife_vcov(fit.coefficients, leave_one_out(fit.sample))
        return _Inferred(vcov, f"leave-one-cluster-out jackknife (CRV3), t({clusters - 1})")
    if inference == "cluster":
        return _Inferred(fit.vcov, f"cluster-robust (CRV1), t({clusters - 1})")
    return _bootstrapped(fit, wild_score.signs(clusters, draws=draws, seed=seed), ci_level)


def _bootstrapped(fit: Fit, weights: wild_score.Signs, ci_level: float) -> _Inferred:
    """Every term tested in turn, the others taken along."""
    rows = []
    for at, estimate in enumerate(fit.coefficients):
        score = wild_score.null_score(fit.sample, at, 0.0)
        low, high = wild_score.interval(
            fit.sample,
            at,
            estimate=float(estimate),
            std_error=float(np.sqrt(fit.vcov[at, at])),
            weights=weights,
            level=ci_level,
        )
        rows.append([np.exp(low), np.exp(high), wild_score.p_value(score, weights)])
    terms = pd.Index(fit.sample.terms, name="term")
    found = pd.DataFrame(rows, index=terms, columns=["ci_low", "ci_high", "p_value"])
    clusters = fit.sample.n_clusters
    drawn = f"all 2^{clusters} signs" if weights.enumerated else f"{len(weights.codes)} Webb draws"
    words = f"wild score bootstrap by cluster, the null imposed, {drawn}"
    return _Inferred(fit.vcov, words, found, _open_ended(found))


def _open_ended(found: pd.DataFrame) -> tuple[str, ...]:
    """Say, and warn once, which terms have no bound on a side."""
    names = found.index[(found["ci_low"] == 0) | np.isinf(found["ci_high"])].tolist()
    if not names:
        return ()
    return warned([f"no bound on a side for {names}: the test rejects no ratio there, however far"], depth=4)
