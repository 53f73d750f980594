"""Controls weighted so that their past is that of the pilots; for information only.

Balance on noisy lagged counts is not balance on lasting levels: controls that were high by chance get the
weight, and fall back. So the result is shown beside the others and decides nothing.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.special import logsumexp, softmax

from reform_analysis.baseline_sample import BaselineSample, baseline_sample
from reform_analysis.estimates import CheckResult, DesignError, UntestableError, percent, require_level
from reform_analysis.wording import LANGUAGES, say

Array = NDArray[Any]

_STEPS = 100
_TOLERANCE = 1e-10
_HALVINGS = 40


def entropy_weights(covariates: Array, target: Array) -> Array:
    r"""Return the weights nearest to equal ones under which covariate means equal a target.

    Entropy balancing: minimise :math:`\sum_i w_i \log(n w_i)` subject to :math:`\sum_i w_i x_i = \bar x` and
    weights that sum to 1. The dual, :math:`\log \sum_i \exp(\lambda'(x_i - \bar x))`, is minimised by
    Newton's method with halved steps, and :math:`w_i \propto \exp(\lambda' x_i)`.

    Parameters
    ----------
    covariates : ndarray of float, shape (controls, covariates)
    target : ndarray of float, shape (covariates,)

    Returns
    -------
    ndarray of float, shape (controls,)
        Positive, with sum 1.

    Raises
    ------
    DesignError
        If the shapes do not fit.
    UntestableError
        If no weights reach the target: it lies outside what the controls span.

    References
    ----------
    Hainmueller (2012), Political Analysis 20, 25-46, section 3.2.

    Examples
    --------
    >>> entropy_weights(np.array([[0.0], [0.0], [1.0]]), np.array([0.5])).round(3).tolist()
    [0.25, 0.25, 0.5]
    """
    rows, target = np.asarray(covariates, dtype=float), np.asarray(target, dtype=float)
    if rows.ndim != 2 or target.shape != (rows.shape[1],) or not len(rows):
        raise DesignError(
            f"target must hold one mean a covariate, got {target.shape} for {rows.shape}; pass a matrix."
        )
    spread = rows.std(axis=0)
    centred = (rows - target) / np.where(spread > 0, spread, 1.0)
    multiplier = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        weights: Array = softmax(centred @ multiplier)
        gap = weights @ centred
        if np.abs(gap).max() < _TOLERANCE:
            return weights
        moved = centred - gap
        step = np.linalg.lstsq((moved * weights[:, None]).T @ moved, gap, rcond=None)[0]
        multiplier = _shorter(centred, multiplier, step)
    raise UntestableError(
        f"covariates must span the target, got {np.round(target, 3).tolist()} that no weights on "
        f"{len(rows)} controls reach; balance on fewer or coarser covariates."
    )


def _shorter(centred: Array, start: Array, step: Array) -> Array:
    """Newton's step, halved until the dual falls."""
    before = logsumexp(centred @ start)
    for power in range(_HALVINGS):
        moved: Array = start - step / 2**power
        if logsumexp(centred @ moved) < before:
            return moved
    return start - step


def matched(
    panel: pd.DataFrame,
    *,
    outcome: str,
    pre: Sequence[Any],
    post: Sequence[Any],
    exposure: str | None = None,
    pilot: str = "pilot",
    unit: str = "unit_id",
    period: str = "period",
    ci_level: float = 0.95,
) -> CheckResult:
    """Compare pilots after adoption with controls weighted to their lagged outcomes.

    Identifying assumption: given the rates of the pre-periods (as observed, with their noise), pilots and
    controls would have had the same later rates.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and period.
    outcome : str
        Column of the count.
    pre : sequence
        At least three periods before adoption, in order: the rate of each is balanced.
    post : sequence
        Periods after adoption.
    exposure : str, optional
        Column of the denominator.
    pilot, unit, period : str
        Columns.
    ci_level : float

    Returns
    -------
    CheckResult
        For information. Index ``row``: one row a pre-period with columns ``pilots, controls, weighted``
        (mean rates) and ``difference_before, difference_after`` (standardised); "post" with the means after
        adoption and "ratio" with ``ratio, ci_low, ci_high``. The notes give the effective number of controls
        :math:`1 / \\sum w^2` and the largest weight.

    Raises
    ------
    DataError
        If a column breaks its rule.
    DesignError
        If periods are wrong.
    UntestableError
        If an arm is too small, or no weights balance it.

    Notes
    -----
    The interval takes the weights as given and units as independent; it is too narrow or too wide by what
    estimating the weights changes.

    References
    ----------
    Hainmueller (2012). Daw and Hatfield (2018), Health Services Research 53, 4138-4156, on regression to the
    mean caused by matching on pre-period outcomes.
    """
    level = require_level(ci_level)
    sample = baseline_sample(
        panel,
        outcome=outcome,
        pre=pre,
        post=post,
        exposure=exposure,
        pilot=pilot,
        unit=unit,
        period=period,
    )
    rates = sample.pre / sample.pre_exposure
    weights = entropy_weights(rates[~sample.pilot], rates[sample.pilot].mean(axis=0))
    effective = 1 / float(weights @ weights)
    ratio = _ratio(sample, weights, level)
    frame = pd.concat(
        [_balance(rates, sample.pilot, weights, list(pre)), _outcome_rows(sample, weights, ratio)]
    )
    frame.index.name = "row"
    values = {"ratio": ratio[0], "low": ratio[1], "high": ratio[2], "level": percent(level)}
    sizes = {"controls": int((~sample.pilot).sum()), "effective": effective}
    return CheckResult(
        name="matched",
        passed=None,
        sentences={each: say("check.matched", each, **values, **sizes) for each in LANGUAGES},
        frame=frame,
        synthetic=sample.synthetic,
        notes=(
            *sample.notes,
            f"effective number of controls {effective:.1f} of {sizes['controls']}; largest weight "
            f"{weights.max():.3g}",
        ),
    )


def _balance(rates: Array, pilot: Array, weights: Array, names: list[Any]) -> pd.DataFrame:
    """Means of the arms and standardised differences, before and after weighting."""
    treated, others = rates[pilot], rates[~pilot]
    spread = np.sqrt((treated.var(axis=0, ddof=1) + others.var(axis=0, ddof=1)) / 2)
    spread = np.where(spread > 0, spread, np.nan)
    means = treated.mean(axis=0), others.mean(axis=0), weights @ others
    return pd.DataFrame(
        {
            "pilots": means[0],
            "controls": means[1],
            "weighted": means[2],
            "difference_before": (means[0] - means[1]) / spread,
            "difference_after": (means[0] - means[2]) / spread,
        },
        index=[str(name) for name in names],
    )


def _outcome_rows(sample: BaselineSample, weights: Array, ratio: tuple[float, float, float]) -> pd.DataFrame:
    rate = sample.post / sample.post_exposure
    others = rate[~sample.pilot]
    means = {"pilots": rate[sample.pilot].mean(), "controls": others.mean(), "weighted": weights @ others}
    named = dict(zip(("ratio", "ci_low", "ci_high"), ratio, strict=True))
    return pd.DataFrame([means, named], index=["post", "ratio"])


def _ratio(sample: BaselineSample, weights: Array, level: float) -> tuple[float, float, float]:
    """Ratio of mean rates after adoption with a Wald interval of its log."""
    rate = sample.post / sample.post_exposure
    treated, others = rate[sample.pilot], rate[~sample.pilot]
    if not treated.any() or not weights @ others:
        return np.nan, np.nan, np.nan
    mean = float(weights @ others)
    variance = treated.var(ddof=1) / len(treated) / treated.mean() ** 2
    variance += float(weights**2 @ (others - mean) ** 2) / mean**2
    ratio = float(treated.mean()) / mean
    reach = float(stats.norm.ppf((1 + level) / 2) * np.sqrt(variance))
    return ratio, ratio * np.exp(-reach), ratio * np.exp(reach)
