"""How large an association or an effect has to be before a study of this size can see it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats
from statsmodels.stats.power import NormalIndPower

from reform_analysis import simulate, waiting
from reform_analysis.estimates import (
    CheckResult,
    DataError,
    DesignError,
    Estimates,
    UntestableError,
    percent,
    require_level,
    require_number,
    require_whole_number,
)
from reform_analysis.power_rules import check_design
from reform_analysis.rejections import rejections
from reform_analysis.wording import LANGUAGES, Limit, say

LEAST_UNITS = 4  # Fisher's variance is 1/(n - 3)
EVERY_ROW = (1.0, 1.0, 1.0, 1.0)

_NORMAL_NODES, _NORMAL_WEIGHTS = np.polynomial.hermite_e.hermegauss(64)
_SMALLEST = 1e-6


def detectable_correlation(units: int, *, power: float = 0.8, ci_level: float = 0.95) -> float:
    r"""Smallest correlation that a two-sided test finds with the given power.

    By Fisher's transformation, :math:`\operatorname{artanh} r` is normal with variance 1/(n - 3). Use it to
    say, before the result is seen, what the study could have found.

    Parameters
    ----------
    units : int
        Units that enter the correlation, at least 4.
    power : float
        Probability of finding it.
    ci_level : float
        1 - ci_level is the level of the test.

    Returns
    -------
    float
        Absolute correlation, between 0 and 1, good to four decimals.

    Raises
    ------
    DataError
        If `units` is no whole number of at least 4, or `power` or `ci_level` no such probability.

    Notes
    -----
    Assumes two jointly normal variables and independent units. Ties (most changes in losses are zero) and
    clusters make the power lower than this: it is the best case.

    References
    ----------
    Fisher (1921), Metron 1, 3-32. Cohen (1988), Statistical Power Analysis, 2nd ed., chapter 3.

    Examples
    --------
    >>> round(detectable_correlation(89), 2)
    0.29
    """
    units = require_whole_number("units", units, least=LEAST_UNITS)
    power = require_number("power", power, above=0, below=1, way_out="pass 0.8 for 80%.")
    level = require_level(ci_level)
    effect = NormalIndPower(ddof=3).solve_power(nobs1=units, alpha=1 - level, power=power, ratio=0)
    return float(np.tanh(effect))


def detectable_ratio(
    *,
    pilots: int,
    mean: float,
    controls: float = np.inf,
    control_mean: float | None = None,
    pre: int = 1,
    post: int = 1,
    exposure: float = 1.0,
    inflation: float = 1.0,
    cluster_size: float = 1.0,
    icc: float = 0.0,
    observed: Sequence[float] = EVERY_ROW,
    dose: bool = False,
    power: float = 0.8,
    ci_level: float = 0.95,
) -> float:
    r"""Rate ratio nearest to 1, below it, that a two-sided Wald test of its log finds with the given power.

    Identifying assumption of the design it plans for: a common trend. The ratio :math:`\rho` solves

    .. math:: -\ln \rho = (z_{1-\alpha/2} + z_{power}) \sqrt{V(\rho)}, \qquad
        V = f \Bigl(\frac{1}{P_0} + \frac{1}{\rho P_1} + \frac{1}{C_0} + \frac{1}{C_1}\Bigr)

    with expected totals without an effect of the pilots before and after (P) and of the controls (C), and
    f = `inflation` times the design effect :math:`1 + (m - 1) \, icc`. The variance is that under the
    alternative. For a dose, :math:`1/V` is the weighted variance of a standard normal dose d, weights
    :math:`\mu_0 \mu_1 \rho^d / (\mu_0 + \mu_1 \rho^d)`, summed over the pilots; controls play no part.

    Parameters
    ----------
    pilots : int
        Units treated; for a dose, all units that have one.
    mean : float
        Losses of a pilot in a period for one unit of exposure, without an effect.
    controls : float
        Units not treated; infinite: they add no noise.
    control_mean : float, optional
        The same of a control; `mean` by default.
    pre, post : int
        Periods before and from adoption on.
    exposure : float
        Exposure of a unit in a period, if the means are rates.
    inflation : float
        Variance of a total over its mean, at least 1.
    cluster_size, icc : float
        Units a cluster, and the correlation within it of the units' changes: shocks that do not cancel.
    observed : sequence of float
        Share of the rows that the panel has: of pilots before and after, of controls before and after.
    dose : bool
        Plan for the ratio for one standard deviation of a dose instead.
    power : float
        Probability of finding it.
    ci_level : float
        1 - ci_level is the level of the test.

    Returns
    -------
    float
        Between 0 and 1; NaN if not even a ratio of one millionth is found.

    Raises
    ------
    DataError
        If an argument breaks its rule.

    Notes
    -----
    The formula holds where the totals are large enough for a normal log ratio (about 20 a cell) and the
    inflation is right; below that the true power differs, and `simulate_power` tells. It knows no
    lost degrees of freedom for few clusters, no partial first year, and no roll-out among the controls.
    A cluster that holds pilots and controls has shocks that cancel, so there `icc` should be 0.

    References
    ----------
    Signorini (1991), Biometrika 78, 446-450, for the variance of a Poisson slope under the alternative.

    Which call gives which number: 89 pilots of mean 0.6 against 1,276 controls of mean 0.3 detect 0.499 (1+1
    periods) and 0.732 (4+4), at an inflation of 1.5 0.402 and 0.677. Controls without noise, the default,
    give 0.519, 0.746, 0.422 and 0.693: nearer to 1, since less noise shows a smaller effect. With the
    variance under no effect in place of that under the alternative the first would be 0.561: a fall leaves
    fewer events, and a Wald test of its log is noisier for it.

    Examples
    --------
    >>> round(detectable_ratio(pilots=89, mean=0.6, controls=1276, control_mean=0.3), 2)
    0.5
    """
    check_design(locals())
    z = stats.norm.isf((1 - ci_level) / 2) + stats.norm.ppf(power)
    size = float(exposure) * float(mean)
    periods = np.array([pre, post, pre, post]) * np.asarray(observed, dtype=float)
    before, after = size * periods[:2]
    per_control = exposure * (mean if control_mean is None else control_mean)
    noise = 0.0 if dose or np.isinf(controls) else (1 / periods[2:]).sum() / (controls * per_control)
    factor = inflation * (1 + (cluster_size - 1) * icc)

    def excess(log_ratio: float) -> float:  # numpydoc ignore=GL08
        if dose:
            variance = 1 / (pilots * _dose_information(before, after, log_ratio))
        else:
            variance = (1 / before + np.exp(-log_ratio) / after) / pilots + noise
        return float(-log_ratio - z * np.sqrt(factor * variance))

    grid = np.linspace(0, np.log(_SMALLEST), 2_000)
    found = next((k for k, each in enumerate(grid) if excess(each) > 0), None)
    if found is None:
        return np.nan
    return float(np.exp(optimize.brentq(excess, grid[found], grid[found - 1])))


def _dose_information(before: float, after: float, log_ratio: float) -> float:
    """Weighted variance of a standard normal dose, a unit."""
    weight = _NORMAL_WEIGHTS / _NORMAL_WEIGHTS.sum()
    later = after * np.exp(log_ratio * _NORMAL_NODES)
    weight = weight * before * later / (before + later)
    mean = weight @ _NORMAL_NODES / weight.sum()
    return float(weight @ (_NORMAL_NODES - mean) ** 2)


def simulate_power(
    fit: Callable[[pd.DataFrame], Estimates],
    design: Mapping[str, Any],
    ratios: Sequence[float],
    draws: int,
    seed: int,
    *,
    term: str | None = None,
    level: float = 0.05,
    ci_level: float = 0.95,
) -> Estimates:
    """Return how often a fit finds effects of given size in panels drawn for it.

    Parameters
    ----------
    fit : callable
        From a panel to `Estimates`; its p-value decides.
    design : mapping
        Arguments of `simulate.draw_panel` but for `effect` and `seed`.
    ratios : sequence of float
        Rate ratios to draw; 1 gives the size of the test.
    draws : int
        Panels a ratio.
    seed : int
        Panels of all ratios share their random numbers.
    term : str, optional
        Term of the fit that counts; the only one by default.
    level : float
        A p-value up to this counts as found.
    ci_level : float
        Level of the Monte Carlo interval of each rate (Clopper-Pearson).

    Returns
    -------
    Estimates
        Scale "proportion", one term a ratio: the share of panels in which p is at most `level`; `p_value` is
        NaN. A panel in which nothing can be tested, or p is undefined, counts as not found; the notes say
        how many there were.

    Raises
    ------
    DataError
        If an argument breaks its rule.
    DesignError
        If `fit` is no function or returns no `Estimates`, `design` holds what `draw_panel` does not take, or
        the fit has no such term, or several and `term` does not choose.
    """
    ratios = _rate_ratios(ratios)
    _check_drawn(design)
    if not callable(fit):
        raise DesignError(f"fit must be a function from a panel to Estimates, got {fit!r}; pass fit_poisson.")
    draws = require_whole_number("draws", draws, least=1)
    require_whole_number("seed", seed)
    require_number("level", level, above=0, below=1, way_out="pass 0.05 for 5%.")
    require_level(ci_level)
    found = {
        ratio: list(_p_values(fit, design, ratio, draws=draws, seed=seed, term=term)) for ratio in ratios
    }
    return rejections(
        found,
        level=level,
        ci_level=ci_level,
        method=f"Share of drawn panels with p at most {level:g}; {draws} draws a ratio, seed {seed}",
    )


def _rate_ratios(ratios: Sequence[float]) -> list[float]:
    """The ratios as a list; one number or a text is none."""
    if isinstance(ratios, str) or np.ndim(ratios) != 1:
        raise DataError(f"ratios must be a sequence of rate ratios, got {ratios!r}; pass (0.5,) for one.")
    if not len(ratios):
        raise DataError(f"ratios must hold at least one rate ratio, got {ratios!r}; pass (0.5, 0.7, 1).")
    return [
        require_number("ratios", ratio, above=0, way_out="pass rate ratios such as 0.7.") for ratio in ratios
    ]


def _check_drawn(design: Mapping[str, Any]) -> None:
    """The design must be arguments of `draw_panel` that are free."""
    free = [name for name in signature(simulate.draw_panel).parameters if name not in ("effect", "seed")]
    if not isinstance(design, Mapping):
        rule = "design must be a mapping of arguments of simulate.draw_panel"
        raise DesignError(f"{rule}, got {design!r}; pass {{'units': 300, 'pilots': 60}}.")
    wrong = [name for name in design if name not in free]
    if wrong:
        rule = "design must hold arguments of simulate.draw_panel but for effect and seed"
        raise DesignError(f"{rule}, got {wrong}; take of {free}.")


def _p_values(
    fit: Callable[[pd.DataFrame], Estimates],
    design: Mapping[str, Any],
    ratio: float,
    *,
    draws: int,
    seed: int,
    term: str | None,
) -> Iterator[float]:
    """P-value of each drawn panel; NaN where it holds nothing to test."""
    with waiting.shown(np.random.SeedSequence(seed).spawn(draws), unit="draw") as children:
        for child in children:
            panel = simulate.draw_panel(
                **design, effect=None if ratio == 1 else ratio, seed=np.random.default_rng(child)
            )
            try:
                estimates = fit(panel)
            except UntestableError:
                yield np.nan
                continue
            if not isinstance(estimates, Estimates):
                got = type(estimates).__name__
                raise DesignError(f"fit must return Estimates, got {got}; return what fit_poisson returns.")
            yield float(estimates.to_frame().loc[_the_term(estimates, term), "p_value"])


def _the_term(estimates: Estimates, term: str | None) -> str:
    """The term asked for, or the only one."""
    terms = [str(each) for each in estimates.to_frame().index]
    if term is None and len(terms) == 1:
        return terms[0]
    if term not in terms:
        raise DesignError(f"term must be one of {terms}, got {term!r}; name the one that counts.")
    return str(term)


def _excluded_key(low: float) -> str:
    """The sentence for an interval that holds 1: a fall that rounds to 0% or 100% is given as a ratio."""
    if low <= 0:
        return "nothing"
    return "little" if low <= 0.005 else "all" if low >= 0.995 else "null"


def excluded_ratio(estimates: Estimates, *, term: str | None = None) -> CheckResult:
    """Say which falls a result excludes: what an interval that holds 1 is worth.

    Parameters
    ----------
    estimates : Estimates
        Rate ratios.
    term : str, optional
        The only one by default.

    Returns
    -------
    CheckResult
        For information. Index `term`; columns ``ci_low, ci_high, excluded_below, largest_fall``: every ratio
        below `excluded_below`, a fall of more than the fraction `largest_fall`, is excluded at the level of
        the interval. NaN where the result is no null result (the interval does not hold 1), or has none.

    Raises
    ------
    DesignError
        If the scale is another, or `term` does not choose.

    Examples
    --------
    >>> names = ["estimate", "std_error", "ci_low", "ci_high", "p_value"]
    >>> row = pd.DataFrame([[0.9, 0.2, 0.6, 1.3, 0.6]], columns=names)
    >>> row.index = pd.Index(["pilot"], name="term")
    >>> excluded_ratio(Estimates(row, "rate_ratio", 0.95, "Poisson", 100)).sentences["en"]
    'The 95% interval, 0.60 to 1.30, holds 1: no effect is shown. It excludes falls of more than 40%.'
    """
    if estimates.scale != "rate_ratio":
        raise DesignError(
            f"estimates must be rate ratios, got scale {estimates.scale!r}; pass a count model."
        )
    chosen = _the_term(estimates, term)
    row = estimates.to_frame().loc[chosen]
    low, high = float(row["ci_low"]), float(row["ci_high"])
    null = low <= 1 <= high
    key = _excluded_key(low) if null else "undefined" if np.isnan(low) or np.isnan(high) else "found"
    values = {"low": low, "high": Limit(high), "fall": 100 * (1 - low), "level": percent(estimates.ci_level)}
    excluded = low if null else np.nan
    frame = pd.DataFrame(
        [[low, high, excluded, 1 - excluded]],
        index=pd.Index([chosen], name="term"),
        columns=["ci_low", "ci_high", "excluded_below", "largest_fall"],
    )
    return CheckResult(
        name="excluded_ratio",
        passed=None,
        sentences={each: say(f"check.excluded_{key}", each, **values) for each in LANGUAGES},
        frame=frame,
        synthetic=estimates.synthetic,
    )
