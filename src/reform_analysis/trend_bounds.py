"""What an event study still says if the common trend does not hold exactly.

Every comparison of pilots with others assumes that both would have moved alike. Periods before adoption show
how far they did not. The bounds here say how large the effect can be if the trend fails afterwards by a
given multiple of that, and at which multiple the conclusion falls: the breakdown value.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from reform_analysis import relative_magnitudes, smoothness
from reform_analysis.estimates import (
    CheckResult,
    DataError,
    DesignError,
    Estimates,
    percent,
    require_choice,
    require_level,
)
from reform_analysis.event_coefficients import EventCoefficients, event_coefficients
from reform_analysis.reliability import FEW_CLUSTERS
from reform_analysis.wording import LANGUAGES, say

Kind = Literal["relative_magnitudes", "smoothness"]
KINDS: tuple[Kind, ...] = ("relative_magnitudes", "smoothness")

_MULTIPLES = (0.5, 1.0, 2.0)
_LARGEST = 2.0**10
_HALVINGS = 32

Interval = Callable[[float], tuple[float, float]]
Floats = NDArray[Any]


def common_trend_bounds(
    estimates: Estimates | EventCoefficients,
    *,
    kind: Kind = "relative_magnitudes",
    mbar: Sequence[float] | None = None,
    weights: Sequence[float] | None = None,
    event_times: Mapping[str, int] | None = None,
    reference: int | None = None,
    ci_level: float = 0.95,
) -> CheckResult:
    r"""Return intervals of the effect that allow the common trend to fail, and where the finding breaks down.

    Let :math:`\delta_t` be the log ratio by which pilots would have departed from the others without the
    reform, 0 in the reference period. "relative_magnitudes" allows

    .. math:: |\delta_t - \delta_{t-1}| \le \bar M \max_{s < 0} |\delta_{s+1} - \delta_s|, \quad t \ge 0,

    and "smoothness" allows :math:`|(\delta_{t+1} - \delta_t) - (\delta_t - \delta_{t-1})| \le M` everywhere:
    M = 0 is a straight line that goes on. Identifying assumption: the restriction, and normal coefficients.

    Parameters
    ----------
    estimates : Estimates or EventCoefficients
        An event study of rate ratios with `vcov` (log scale), or its numbers.
    kind : {"relative_magnitudes", "smoothness"}
    mbar : sequence of float, optional
        Multiples :math:`\bar M` (by default 0.5, 1, 2), or values of M (by default 0 and 0.5, 1, 2 times the
        largest second difference of the coefficients up to the reference).
    weights : sequence of float, optional
        Weights of the post-periods in the effect; equal ones by default.
    event_times : mapping of str to int, optional
        Term to event time; None reads the terms (``event_-3`` or ``-3``) themselves.
    reference : int, optional
        Event time of the reference period, by default that of the estimates or -1. The first after it
        counts as treated.
    ci_level : float

    Returns
    -------
    CheckResult
        Index ``variant`` ("original", one row a size, "breakdown"); columns ``size, ci_low, ci_high`` (rate
        ratios), ``excludes_one``. The breakdown is the largest size at which the interval still
        excludes 1: NaN if the original does not, infinite if no size up to 1,024 reaches 1. Passed if the
        interval excludes 1 at a multiple of 1, for smoothness at M = 0; None if the original does not.

    Raises
    ------
    DataError
        If `kind`, `mbar` or `ci_level` breaks its rule.
    DesignError
        If `estimates` is no event study, or sizes or weights do not fit it.
    UntestableError
        If there is no period before the reference, or none after it.

    Notes
    -----
    Relative magnitudes: the conditional least-favourable hybrid (C-LF) set, by test inversion, a tenth of the
    level for its first stage, moments of the post-periods, as in the authors' package; but with a single
    post-period the package leaves the first stage out of the conditioning, which makes its set slightly
    wider. Smoothness: the
    optimal fixed-length interval. With few losses a unit-period log ratios are not normal; the coverage is
    that of the event study itself. Quantiles are normal, also with few clusters: the method takes the
    coefficients as normal with known covariance, the authors' packages have no option for a t distribution
    (their maintainers say so in issue 27 of stata-honestdid), and none is offered here, because the
    conditional test has no derivation for it. With few clusters the notes warn that the intervals are too
    narrow.

    References
    ----------
    Rambachan and Roth (2023), Review of Economic Studies 90, 2555-2591, sections 2.4, 4 and 5.

    Examples
    --------
    >>> study = EventCoefficients([0.05, -0.7], [[0.03, 0.01], [0.01, 0.03]], n_pre=1)
    >>> common_trend_bounds(study).verdict
    'passed'
    """
    require_choice("kind", kind, KINDS)
    level = require_level(ci_level)
    if isinstance(estimates, Estimates):
        study = event_coefficients(estimates, event_times=event_times, reference=reference)
    else:
        study = estimates
    chosen = _weights(weights, len(study.coefficients) - study.n_pre)
    sizes = _sizes(mbar, kind, study)
    rows = _rows(study, chosen, kind, sizes, level)
    frame = pd.DataFrame(rows, columns=["variant", "size", "ci_low", "ci_high"]).set_index("variant")
    frame["excludes_one"] = (frame["ci_low"] > 1) | (frame["ci_high"] < 1)
    return CheckResult(
        name="common_trend_bounds",
        passed=_passed(study, chosen, kind, level),
        sentences={each: _sentence(frame, kind, level, each) for each in LANGUAGES},
        frame=frame,
        synthetic=study.synthetic,
        notes=(
            f"weights of the post-periods: {', '.join(f'{each:.3g}' for each in chosen)}",
            *_few(estimates),
        ),
        variant=kind,
    )


def _few(estimates: Estimates | EventCoefficients) -> tuple[str, ...]:
    """What normal quantiles overlook with few clusters."""
    clusters = estimates.n_clusters if isinstance(estimates, Estimates) else None
    if not clusters or clusters >= FEW_CLUSTERS:
        return ()
    return (
        f"The intervals take the coefficients as normal, not as t with {clusters - 1} degrees of freedom: "
        f"with {clusters} clusters they are too narrow and the breakdown value is too large; read them "
        "beside the test of the effect itself.",
    )


def breakdown_value(
    study: EventCoefficients, weights: Floats, *, kind: Kind = "relative_magnitudes", ci_level: float = 0.95
) -> float:
    """Return the largest size of the restriction at which the interval excludes a rate ratio of 1.

    Parameters
    ----------
    study : EventCoefficients
    weights : ndarray of float, shape (post-periods,)
    kind : {"relative_magnitudes", "smoothness"}
    ci_level : float

    Returns
    -------
    float
        By doubling and halving; NaN if the interval under an exact common trend, or that at a size of 0,
        does not exclude it; infinite if that at 1,024 does.
    """
    low, high = original_interval(study, weights, ci_level=ci_level)
    if low <= 0 <= high or not _excludes_one(study, weights, kind, 0.0, ci_level):
        return np.nan
    low, high = 0.0, 2.0**-4
    while _excludes_one(study, weights, kind, high, ci_level):
        low, high = high, 2 * high
        if high > _LARGEST:
            return np.inf
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _excludes_one(study, weights, kind, middle, ci_level):
            low = middle
        else:
            high = middle
    return low


def _excludes_one(study: EventCoefficients, weights: Floats, kind: Kind, size: float, level: float) -> bool:
    if kind == "relative_magnitudes":
        return relative_magnitudes.excludes(study, weights, size, 0.0, level=level)
    low, high = smoothness.interval(study, weights, size, level=level)
    return low > 0 or high < 0


def _weights(given: Sequence[float] | None, n_post: int) -> Floats:
    weights = np.full(n_post, 1 / n_post) if given is None else np.asarray(given, dtype=float)
    if weights.shape != (n_post,) or not np.isfinite(weights).all() or not weights.any():
        raise DesignError(
            f"weights must be {n_post} finite numbers, one a post-period, got {given!r}; leave it out for "
            "their average."
        )
    return weights


def _sizes(given: Sequence[float] | None, kind: Kind, study: EventCoefficients) -> list[float]:
    if given is not None:
        sizes = np.asarray(given)
        numeric = sizes.ndim == 1 and len(sizes) and np.issubdtype(sizes.dtype, np.number)
        if not numeric or not (np.isfinite(sizes) & (sizes >= 0)).all():
            raise DataError(f"mbar must hold finite numbers of at least 0, got {given!r}; pass (0.5, 1, 2).")
        return [float(each) for each in sizes]
    if kind == "relative_magnitudes":
        return list(_MULTIPLES)
    if study.n_pre < 2:
        raise DesignError(
            f"mbar must be given for smoothness with fewer than two periods before the reference, got "
            f"{study.n_pre}; pass values of M, as (0, 0.05, 0.1)."
        )
    path = np.r_[study.coefficients[: study.n_pre], 0.0]
    largest = float(np.abs(np.diff(path, 2)).max())
    return [0.0, *(multiple * largest for multiple in _MULTIPLES)]


def _interval(study: EventCoefficients, weights: Floats, kind: Kind, level: float) -> Interval:
    method = relative_magnitudes if kind == "relative_magnitudes" else smoothness
    return lambda size: method.interval(study, weights, size, level=level)


def _rows(
    study: EventCoefficients, weights: Floats, kind: Kind, sizes: list[float], level: float
) -> list[tuple[str, float, float, float]]:
    interval = _interval(study, weights, kind, level)
    asked = [(f"{size:.4g}", size) for size in sizes]
    breakdown = breakdown_value(study, weights, kind=kind, ci_level=level)
    rows = [(name, size, *np.exp(interval(size))) for name, size in asked]
    at_breakdown = np.exp(interval(breakdown)) if np.isfinite(breakdown) else (np.nan, np.nan)
    low, high = np.exp(original_interval(study, weights, ci_level=level))
    return [("original", np.nan, low, high), *rows, ("breakdown", breakdown, *at_breakdown)]


def original_interval(
    study: EventCoefficients, weights: Floats, *, ci_level: float = 0.95
) -> tuple[float, float]:
    """Return the Wald interval of the effect under an exact common trend, on the log scale.

    Parameters
    ----------
    study : EventCoefficients
    weights : ndarray of float, shape (post-periods,)
    ci_level : float

    Returns
    -------
    tuple of float
    """
    post = slice(study.n_pre, None)
    centre = float(weights @ study.coefficients[post])
    reach = float(stats.norm.ppf((1 + ci_level) / 2) * np.sqrt(weights @ study.vcov[post, post] @ weights))
    return centre - reach, centre + reach


def _passed(study: EventCoefficients, weights: Floats, kind: Kind, level: float) -> bool | None:
    low, high = original_interval(study, weights, ci_level=level)
    if low <= 0 <= high:
        return None
    at = 1.0 if kind == "relative_magnitudes" else 0.0
    return bool(_excludes_one(study, weights, kind, at, level))


def _sentence(frame: pd.DataFrame, kind: Kind, level: float, language: str) -> str:
    original, breakdown = frame.loc["original"], float(frame.loc["breakdown", "size"])
    values: dict[str, Any] = {
        "low": original["ci_low"],
        "high": original["ci_high"],
        "level": percent(level),
    }
    if not original["excludes_one"]:
        return say("check.trend_nothing", language, **values) + _straight(frame, kind, language)
    if np.isnan(breakdown):
        return say(f"check.trend_{kind}_never", language, **values)
    if np.isinf(breakdown):
        return say("check.trend_always", language, **values)
    return say(f"check.trend_{kind}", language, breakdown=breakdown, **values)


def _straight(frame: pd.DataFrame, kind: Kind, language: str) -> str:
    """That a straight difference alone would exclude 1; nothing where it does not, or was not asked for."""
    asked = frame[(frame["size"] == 0) & frame["excludes_one"]]
    if kind != "smoothness" or asked.empty:
        return ""
    low, high = asked.iloc[0][["ci_low", "ci_high"]]
    return say("check.trend_nothing_straight", language, low=low, high=high)
