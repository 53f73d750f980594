"""Models of counts in a panel: rate ratios with unit and period effects, and inference for few clusters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from reform_analysis import count_sample, fixed_effects, wild_score
from reform_analysis.count_sample import Floats, Sample
from reform_analysis.estimates import (
    DesignError,
    Estimates,
    require_choice,
    require_level,
    require_whole_number,
)
from reform_analysis.fixed_effects import Fit
from reform_analysis.jackknife import jackknife_vcov, leave_one_out
from reform_analysis.reliability import troubles, warned
from reform_analysis.wald import vcov_frame, wald_frame

Inference = Literal["wild_score", "cluster", "crv3", "hc"]
INFERENCES: tuple[Inference, ...] = ("wild_score", "cluster", "crv3", "hc")

SYNTHETIC = "SYNTHETIC data: the numbers say nothing about any reform"


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
        jackknife, same t; "hc": robust to the variance only, for independent rows, normal.
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
        If terms are collinear with each other or the effects, or there is a single cluster.
    UntestableError
        If no row can be used, or a ratio is 0 or infinite.

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

    References
    ----------
    Kline and Santos (2012), Journal of Econometric Methods 1, 23-41: the score bootstrap.
    Wooldridge (1999), Journal of Econometrics 90, 77-97: Poisson with unit effects needs only the mean.
    Correia, Guimaraes and Zylkin (2020), Stata Journal 20, 95-115: which rows drop out.
    """
    require_choice("inference", inference, INFERENCES)
    ci_level = require_level(ci_level)
    draws = require_whole_number("draws", draws, least=99)
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
    fit = fixed_effects.poisson(sample, covariance="hc" if inference == "hc" else "cluster")
    clustered = inference != "hc"
    if clustered:
        _require_clusters(fit.sample)
    notes = warned(troubles(fit.sample, clustered=clustered))
    inferred = _inferred(fit, inference, draws=draws, seed=seed, ci_level=ci_level)
    return Estimates(
        frame=inferred.frame,
        scale="rate_ratio",
        ci_level=ci_level,
        method=f"Poisson with unit and period effects; {inferred.method}",
        n_obs=len(fit.sample.outcome),
        n_units=fit.sample.n_units,
        n_clusters=fit.sample.n_clusters if clustered else None,
        vcov=vcov_frame(inferred.vcov, sample.terms),
        dropped=fit.sample.dropped,
        synthetic=sample.synthetic,
        notes=(*([SYNTHETIC] if sample.synthetic else []), *inferred.notes, *notes),
    )


def _require_clusters(sample: Sample) -> None:
    if sample.n_clusters < 2:
        raise DesignError("cluster must have two values or more in the rows used, got 1; name a finer one.")


@dataclass(frozen=True, eq=False)
class _Inferred:
    frame: pd.DataFrame
    vcov: Floats
    method: str
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
        return _Inferred(
            _wald(fit, fit.vcov, ci_level, None), fit.vcov, "robust to the variance (HC1), normal"
        )
    freedom = fit.sample.n_clusters - 1
    if inference == "crv3":
        vcov = jackknife_vcov(fit.coefficients, leave_one_out(fit.sample))
        words = f"leave-one-cluster-out jackknife (CRV3), t({freedom})"
        return _Inferred(_wald(fit, vcov, ci_level, freedom), vcov, words)
    frame = _wald(fit, fit.vcov, ci_level, freedom)
    if inference == "cluster":
        return _Inferred(frame, fit.vcov, f"cluster-robust (CRV1), t({freedom})")
    weights = wild_score.signs(freedom + 1, draws=draws, seed=seed)
    return _bootstrapped(fit, frame, weights, ci_level)


def _wald(fit: Fit, vcov: Floats, ci_level: float, df: int | None) -> pd.DataFrame:
    return wald_frame(
        fit.coefficients, vcov, terms=fit.sample.terms, scale="rate_ratio", ci_level=ci_level, df=df
    )


def _bootstrapped(fit: Fit, frame: pd.DataFrame, weights: wild_score.Signs, ci_level: float) -> _Inferred:
    """The frame with p-values and intervals by the score bootstrap."""
    for at, term in enumerate(fit.sample.terms):
        score = wild_score.null_score(fit.sample, at, 0.0)
        frame.loc[term, "p_value"] = wild_score.p_value(score, weights)
        ends = wild_score.interval(
            fit.sample,
            at,
            estimate=float(fit.coefficients[at]),
            std_error=float(frame.loc[term, "std_error"]),
            weights=weights,
            level=ci_level,
        )
        frame.loc[term, ["ci_low", "ci_high"]] = np.exp(ends)
    drawn = (
        f"all 2^{fit.sample.n_clusters} signs" if weights.enumerated else f"{len(weights.weights)} Webb draws"
    )
    method = f"wild score bootstrap by cluster, the null imposed, {drawn}"
    return _Inferred(frame, fit.vcov, method, _open_ended(frame))


def _open_ended(frame: pd.DataFrame) -> tuple[str, ...]:
    """Say, and warn once, which bounds are infinite on the log scale."""
    names = frame.index[(frame["ci_low"] == 0) | np.isinf(frame["ci_high"])].tolist()
    if not names:
        return ()
    return warned([f"no bound on a side for {names}: the test rejects no value there, however far"])
