"""How strong something unobserved would have to be to explain a result away."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from reform_analysis import waiting
from reform_analysis.estimates import (
    CheckResult,
    DesignError,
    Estimates,
    UntestableError,
    percent,
    require_level,
    require_whole_number,
)
from reform_analysis.measures import as_numbers, need_columns
from reform_analysis.wording import LANGUAGES, catalogue, say

Array = NDArray[Any]

_R_MAX = 1.3  # times the R-squared with controls: Oster (2019), section 4.2
_REAL = 1e-8
_VANISHES = 0.01  # of the index's variance at the effect with controls
_ROWS = 10  # a regressor


def e_value(estimates: Estimates, *, term: str | None = None) -> CheckResult:
    r"""Return the E-value of a rate ratio and of the limit of its interval nearer to 1.

    The least strength, as a ratio, that something unobserved needs with both the reform and the outcome to
    explain the ratio away: :math:`E = \rho + \sqrt{\rho (\rho - 1)}` for :math:`\rho > 1`, with
    :math:`1/\rho` in its place below 1. For a limit: 1 where the interval holds 1.

    Parameters
    ----------
    estimates : Estimates
        Scale "rate_ratio".
    term : str, optional
        One term; all by default. The sentence is on the first.

    Returns
    -------
    CheckResult
        For information. Index `term`; columns ``estimate, ci_low, ci_high, e_estimate, e_limit``; undefined
        is NaN.

    Raises
    ------
    DesignError
        If the scale is another or the term unknown.

    Notes
    -----
    The E-value is a translation of the interval, not a test: no value of it is large in itself. It is about
    what was left out of a comparison of levels; in a difference in differences what was left out must change
    over time in step with the reform to matter.

    References
    ----------
    VanderWeele and Ding (2017), Annals of Internal Medicine 167, 268-274, table 2.

    Examples
    --------
    >>> from reform_analysis.estimates import COLUMNS
    >>> row = pd.DataFrame([[3.9, 0.4, 1.8, 8.7, 0.001]], columns=COLUMNS)
    >>> row.index = pd.Index(["formula"], name="term")
    >>> found = e_value(Estimates(row, "rate_ratio", 0.95, "", 1)).to_frame()
    >>> found[["e_estimate", "e_limit"]].values.round(1).tolist()
    [[7.3, 3.0]]
    """
    if estimates.scale != "rate_ratio":
        raise DesignError(
            f"estimates must be rate ratios, got scale {estimates.scale!r}; pass a count model."
        )
    frame = estimates.to_frame()[["estimate", "ci_low", "ci_high"]]
    if term is not None and term not in frame.index:
        raise DesignError(f"term must be one of {list(frame.index)}, got {term!r}; choose one of these.")
    frame = frame if term is None else frame.loc[[term]]
    frame["e_estimate"] = [_e_value(ratio) for ratio in frame["estimate"]]
    nearer = frame["ci_high"].where(frame["estimate"] < 1, frame["ci_low"])
    holds = (frame["ci_low"] <= 1) & (frame["ci_high"] >= 1)
    frame["e_limit"] = [_e_value(limit) for limit in nearer.mask(holds, 1.0)]
    row = frame.iloc[0]
    named = {each: _term(str(frame.index[0]), each) for each in LANGUAGES}
    values = {"ratio": row["estimate"], "level": percent(estimates.ci_level)}
    key = "check.e_value_holds" if holds.iloc[0] else "check.e_value_excludes"
    if row[["e_estimate", "e_limit"]].isna().any():
        key = "check.e_value_undefined"
    strength = {"strength": row["e_estimate"], "limit": row["e_limit"]}
    return CheckResult(
        name="e_value",
        passed=None,
        sentences={each: say(key, each, term=named[each], **values, **strength) for each in LANGUAGES},
        frame=frame,
        synthetic=estimates.synthetic,
    )


def _term(name: str, language: str) -> str:
    """The term in words, where the catalogue has it."""
    key = f"check.variant_{name}"
    return say(key, language) if key in catalogue() else name


def _e_value(ratio: float) -> float:
    if not ratio > 0 or np.isinf(ratio):
        return np.nan
    larger = max(ratio, 1 / ratio)
    return float(larger + np.sqrt(larger * (larger - 1)))


def oster_delta(
    frame: pd.DataFrame,
    *,
    outcome: str,
    treatment: str,
    controls: Sequence[str],
    r_max: float | None = None,
    draws: int = 499,
    seed: int,
    ci_level: float = 0.95,
) -> CheckResult:
    r"""Return how strong selection on the unobserved, relative to the observed, would give no effect.

    In :math:`Y = \beta X + W_1 + W_2` with the index of the controls :math:`W_1` and of what is left out
    :math:`W_2` uncorrelated, and :math:`\delta \sigma_{1X} / \sigma_1^2 = \sigma_{2X} / \sigma_2^2`, the
    regressions without and with controls and the R-squared with everything give, for any effect b,

    .. math:: \sigma_{2X} = (\tilde\beta - b) \tau, \quad
        \sigma_{1X} = (\dot\beta - b) \sigma_X^2 - \sigma_{2X}, \quad
        \sigma_2^2 = (R_{max} - \tilde R) \sigma_Y^2 + (\tilde\beta - b)^2 \tau

    with :math:`\tau` the variance of X given the controls, and :math:`\sigma_1^2` from the total. Delta is
    the ratio at b = 0; the adjusted effect is the b at which it is 1. For linear fits only: it does not
    carry over to a log link.

    Parameters
    ----------
    frame : DataFrame
        One row a unit; for a difference in differences, of changes.
    outcome, treatment : str
        Columns.
    controls : sequence of str
        Columns of the observed controls.
    r_max : float, optional
        R-squared if everything were observed; by default 1.3 times that with the controls, at most 1.
    draws : int
        Bootstrap draws of rows for the interval of the adjusted effect.
    seed : int
    ci_level : float

    Returns
    -------
    CheckResult
        One row "delta": ``without, r_without`` (effect and R-squared without controls), ``with_controls,
        r_with, r_max, delta, adjusted`` (the admissible root; NaN if none), ``alternative`` (the other real
        root; NaN if none), ``ci_low, ci_high`` (of `adjusted`). Passed if that interval excludes 0 on the
        side of the effect with controls and delta is above 1 or negative.

    Raises
    ------
    DataError
        If a column is missing or no number, or a number breaks its rule.
    DesignError
        If there is no control, or `r_max` lies below the R-squared with controls.
    UntestableError
        If the treatment or outcome does not vary, the controls determine the treatment, or there are fewer
        than 10 rows a regressor.

    Notes
    -----
    At a delta of 1 the equation is quadratic in the bias (effect with controls less b), and its two roots lie
    on either side of 0: the product of both is :math:`-(R_{max} - \tilde R) \sigma_Y^2 / \tau`. Assumption 3
    of the paper, that the covariance of treatment and observed index has the sign that it has at the effect
    with controls, leaves one: that whose bias has the sign of the effect without controls less that with
    them. So choose `psacalc` and `robomit` too, whatever lies nearer; the other root is `alternative`. With a
    single control that is where the observed index vanishes, and the equation says only that 0 is 0.
    A negative delta means that unobserved controls would have to work against the observed ones.

    References
    ----------
    Oster (2019), Journal of Business & Economic Statistics 37, 187-204, assumption 3, propositions 2 and 3.
    Oster, psacalc for Stata, version 2.1 of May 12, 2017, Boston College archive (the choice of the root).
    """
    if not controls:
        raise DesignError("controls must name at least one column, got none; delta compares with them.")
    level, draws = require_level(ci_level), require_whole_number("draws", draws, least=99)
    rng = np.random.default_rng(require_whole_number("seed", seed))
    names = [outcome, treatment, *controls]
    need_columns(frame, names)
    # Sorted, so that the bootstrap of one seed does not depend on the order of the rows.
    numbers = as_numbers(frame, names)[names].dropna().sort_values(names, kind="stable")
    _require_rows(numbers)
    _require_variation(numbers)
    row = _coefficients(np.cov(numbers.to_numpy(float), rowvar=False, ddof=0), r_max)
    if r_max is not None and not row["r_with"] <= r_max <= 1:
        raise DesignError(
            f"r_max must lie between the R-squared with controls, {row['r_with']:.3f}, and 1, got {r_max!r}; "
            "leave it out for 1.3 times that."
        )
    with waiting.shown(range(draws), unit="draw") as each:
        drawn = [_drawn_adjusted(numbers.to_numpy(float), r_max, rng) for _ in each]
    ends = _ends(np.array(drawn), level)
    row |= dict(zip(("ci_low", "ci_high"), ends, strict=True))
    excludes = bool(ends[0] > 0 if row["with_controls"] > 0 else ends[1] < 0)
    passed = excludes and not 0 <= row["delta"] <= 1
    kept = "robust" if passed else "weak" if excludes else "fragile"
    keys = kept, "opposed" if row["delta"] < 0 else "along"
    values = row | {"level": percent(level), "size": abs(row["delta"])}
    said = {each: values | {"adjusted": _adjusted(row, level, each)} for each in LANGUAGES}
    return CheckResult(
        name="oster_delta",
        passed=passed,
        sentences={
            each: "".join(say(f"check.oster_{key}", each, **said[each]) for key in keys) for each in LANGUAGES
        },
        frame=pd.DataFrame([row], index=["delta"]),
        synthetic=bool(frame.attrs.get("synthetic", False)),
        notes=(f"{len(numbers)} of {len(frame)} rows without missing values",),
    )


def _adjusted(row: dict[str, float], level: float, language: str) -> str:
    """The adjusted effect and its interval; that there is none, or no end, in words."""
    bounded = np.isfinite([row["ci_low"], row["ci_high"]]).all()
    kind = "none" if np.isnan(row["adjusted"]) else "interval" if bounded else "unbounded"
    return say(f"check.oster_adjusted_{kind}", language, **row, level=percent(level))


def _ends(drawn: Array, level: float) -> tuple[float, float]:
    """Percentile interval; a draw without an admissible effect may lie on either side."""
    nowhere = np.isnan(drawn)
    low = np.quantile(np.where(nowhere, -np.inf, drawn), (1 - level) / 2, method="lower")
    high = np.quantile(np.where(nowhere, np.inf, drawn), (1 + level) / 2, method="higher")
    return float(low), float(high)


def _require_rows(numbers: pd.DataFrame) -> None:
    least = _ROWS * (numbers.shape[1] - 1)
    if len(numbers) < least:
        raise UntestableError(
            f"frame must have at least {least} rows without missing values, {_ROWS} a regressor, got "
            f"{len(numbers)}; pass more rows or fewer controls."
        )


def _require_variation(numbers: pd.DataFrame) -> None:
    """The outcome (first column) varies, and no regressor is determined by the others."""
    regressors = numbers.iloc[:, 1:].to_numpy(float)
    centred = regressors - regressors.mean(axis=0)
    spread = centred.std(axis=0)
    if not spread.all() or np.linalg.matrix_rank(centred / spread, tol=_REAL) < len(spread):
        raise UntestableError(
            "treatment and controls must vary each given the others, got "
            f"{list(numbers.columns[1:])} that do not; drop controls that repeat others."
        )
    if not numbers.iloc[:, 0].std() > 0:
        raise UntestableError(
            f"outcome must vary, got {numbers.columns[0]!r} that does not; pass another outcome."
        )


def _drawn_adjusted(values: Array, r_max: float | None, rng: np.random.Generator) -> float:
    """Adjusted effect in rows drawn with replacement; NaN where outcome or treatment is constant in them."""
    rows = rng.integers(len(values), size=len(values))
    covariance = np.cov(values[rows], rowvar=False, ddof=0)
    varies = covariance[0, 0] > 0 and covariance[1, 1] > 0
    return _coefficients(covariance, r_max)["adjusted"] if varies else np.nan


def _coefficients(covariance: Array, r_max: float | None) -> dict[str, float]:
    """Both regressions, delta and the adjusted effect from the covariance of outcome, treatment, controls."""
    outcome, treatment = covariance[0, 0], covariance[1, 1]
    slopes = np.linalg.lstsq(covariance[1:, 1:], covariance[1:, 0], rcond=None)[0]
    given = np.linalg.lstsq(covariance[2:, 2:], covariance[2:, 1], rcond=None)[0]
    left = treatment - float(given @ covariance[2:, 1])
    bare, full = covariance[1, 0] / treatment, float(slopes[0])
    r_with = float(slopes @ covariance[1:, 0]) / outcome
    most = min(1.0, _R_MAX * r_with) if r_max is None else max(r_max, r_with)
    sides, index = _selection(bare, full, (r_with, most), (outcome, treatment, left))
    adjusted, alternative = _roots(full, sides, index)
    return {
        "without": float(bare),
        "r_without": float(bare**2 * treatment / outcome),
        "with_controls": full,
        "r_with": r_with,
        "r_max": most,
        "delta": _delta_at_zero(full, *sides),
        "adjusted": adjusted,
        "alternative": alternative,
    }


def _selection(
    bare: float, full: float, r_squared: tuple[float, float], variances: tuple[float, float, float]
) -> tuple[tuple[Polynomial, Polynomial], tuple[Polynomial, Polynomial]]:
    """Sides of delta x s1X x s2^2 = s2X x s1^2, and s1^2 and s1X, by the bias of the effect with controls."""
    outcome, treatment, left = variances
    bias = Polynomial([0.0, 1.0])
    effect = full - bias
    covariance = (bare - effect) * treatment  # of X with both indices
    unobserved = bias * left
    own = (r_squared[1] - r_squared[0]) * outcome + bias**2 * left
    observed = r_squared[1] * outcome - effect**2 * treatment - 2 * effect * covariance - own
    known = covariance - unobserved
    return (known * own, unobserved * observed), (observed, known)


def _delta_at_zero(full: float, observed: Polynomial, unobserved: Polynomial) -> float:
    below = float(observed(full))
    return float(unobserved(full)) / below if below else np.nan


def _roots(
    full: float, sides: tuple[Polynomial, Polynomial], index: tuple[Polynomial, Polynomial]
) -> tuple[float, float]:
    """Effects if unobserved selection is as strong as observed: the admissible root, and the other real one.

    Where the observed index has no variance the equation says 0 = 0: that root is none. Nor is one at which
    the index moves with the treatment against its sign at the effect with controls (bias 0).
    """
    observed, unobserved = sides
    variance, known = index
    roots = (unobserved - observed).trim(1e-14).roots()
    real = np.sort(roots[np.abs(roots.imag) <= _REAL * (1 + np.abs(roots))].real)
    admissible = (variance(real) > _VANISHES * variance(0.0)) & (known(real) * known(0.0) > 0)
    return _nearest(full, real[admissible]), _nearest(full, real[~admissible])


def _nearest(full: float, biases: Array) -> float:
    return full - float(biases[np.abs(biases).argmin()]) if biases.size else np.nan
