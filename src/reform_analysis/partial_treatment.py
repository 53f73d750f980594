"""Periods treated in part: the effect enters as the average of a period's treated and untreated time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq, minimize_scalar

from reform_analysis.comparison import Comparison, comparison, listed
from reform_analysis.estimates import (
    COLUMNS,
    DataError,
    Estimates,
    UntestableError,
    require_choice,
    require_level,
)
from reform_analysis.measures import as_numbers, need_columns
from reform_analysis.two_way_rates import Floats, TwoWayRates, fit_two_way
from reform_analysis.unit_periods import tabulate

Inference = Literal["score", "likelihood"]

_FAR = 12.0  # log ratios beyond it count as 0 and infinite
_GRID = np.linspace(-_FAR, _FAR, 97)
_LEAST_INFORMATION = 1e-8  # of the log ratio, per event


@dataclass(frozen=True, eq=False)
class _Model:
    """Counts, exposures and treated shares, units x periods; exposure is 0 where a unit has no row."""

    counts: Floats
    exposure: Floats
    share: Floats
    cluster: NDArray[np.intp]

    def fit(self, log_ratio: float) -> tuple[TwoWayRates, Floats]:
        """The fit at a ratio, and the treated part of each mean."""
        factor = 1 - self.share + self.share * np.exp(log_ratio)
        return fit_two_way(self.counts, self.exposure * factor), factor

    def log_likelihood(self, log_ratio: float) -> float:
        return self.fit(log_ratio)[0].log_likelihood

    def scores(self, log_ratio: float) -> tuple[Floats, float]:
        """Scores of the log ratio by cluster, unit and period effects projected out, and the information."""
        fit, factor = self.fit(log_ratio)
        mean = self.exposure * factor * np.nan_to_num(fit.rates)
        slope = self.share * np.exp(log_ratio) / factor
        inside = slope - (fit.share * slope).sum(axis=1, keepdims=True)
        by_period = np.linalg.pinv(fit.information, hermitian=True) @ (mean * inside).sum(axis=0)
        left = inside - by_period + (fit.share @ by_period)[:, None]
        by_unit = (left * (self.counts - mean)).sum(axis=1)
        by_cluster: Floats = np.bincount(self.cluster, weights=by_unit).astype(float)
        return by_cluster, float((mean * left**2).sum())


def partial_treatment(
    df: pd.DataFrame,
    *,
    outcome: str,
    unit: str,
    period: str,
    treated_fraction: str | Sequence[str],
    exposure: str | None = None,
    cluster: str | None = None,
    last_clean_period: Any = None,
    other_pilot: str | None = None,
    inference: Inference = "score",
    ci_level: float = 0.95,
) -> Estimates:
    r"""Rate ratio where some periods are treated for a part of their length.

    A period treated for the fraction f has events of 1 - f of its time at the old rate and of f at the new
    one, so that

    .. math:: \mu_{it} = e_{it} \exp(a_i + \tau_t) \, (1 - f_{it} + f_{it} \theta),

    not :math:`\theta^f`. The factor is an offset, and :math:`\theta` maximises the likelihood in which unit
    and period effects are profiled out. Several columns of fractions (7/12 and 8/12 of the first year) are
    fitted side by side.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    outcome, unit, period : str
        Columns; `outcome` holds counts.
    treated_fraction : str or sequence of str
        Columns of fractions between 0 and 1, as `treatment.treated_fraction` returns. Each is a term.
    exposure : str, optional
        Column of the denominator.
    cluster : str, optional
        Column of the level at which units depend on one another; by default the unit.
    last_clean_period : str or int, optional
        Periods after it are left out: controls were reformed in them.
    other_pilot : str, optional
        Column that flags units of another reform; controls among them are left out.
    inference : {"score", "likelihood"}
        "score": the interval and p invert the cluster-robust score test, effects refitted at each ratio,
        squares of whole clusters' scores, t with G - 1 degrees of freedom. "likelihood": they invert the
        likelihood ratio, chi-squared; for independent Poisson counts only.
    ci_level : float

    Returns
    -------
    Estimates
        One term a column of fractions, scale "rate_ratio". `std_error` is cluster-robust, that of the log.
        An estimate of 0 or infinity has no standard error, and an interval for "likelihood" alone; a bound
        that is not reached between exp(-12) and exp(12) is 0 or infinite.

    Raises
    ------
    DataError
        If a column is missing or breaks a rule, or a fraction is not between 0 and 1.
    UntestableError
        If the fractions do not vary beside unit and period effects.

    Notes
    -----
    Identifying assumption: without treatment all units' mean rates would have moved by the same factor from
    period to period; the effect is constant in time, and sets in at once.

    References
    ----------
    Boos (1992), The American Statistician 46, 327-333 (the robust score test). Murphy and van der Vaart
    (2000), Journal of the American Statistical Association 95, 449-465 (profile likelihood).
    """
    require_choice("inference", inference, get_args(Inference))
    level = require_level(ci_level)
    columns = listed("treated_fraction", treated_fraction)
    sample = comparison(
        df,
        outcome=outcome,
        unit=unit,
        period=period,
        pilot=_pilots(df, columns, unit),
        exposure=exposure,
        cluster=cluster,
        columns=columns,
        last_clean_period=last_clean_period,
        other_pilot=other_pilot,
    )
    models = {name: _model(sample, name) for name in columns}
    rows = [_row(model, inference, level, name) for name, model in models.items()]
    return Estimates(
        frame=pd.DataFrame(rows, index=pd.Index(columns, name="term"), columns=list(COLUMNS)),
        scale="rate_ratio",
        ci_level=level,
        method=f"Poisson with unit and period effects, partly treated periods, profile {inference}",
        n_obs=len(sample.frame),
        n_units=int(sample.frame[unit].nunique()),
        n_clusters=int(sample.clusters.nunique()),
        dropped=sample.dropped_frame,
        synthetic=sample.synthetic,
        notes=(*sample.notes, *_fraction_notes(sample, columns), *_assumed(inference)),
    )


def _pilots(df: pd.DataFrame, columns: list[str], unit: str) -> pd.Series:
    """Units treated for some time; fractions outside 0 to 1 are refused."""
    need_columns(df, [*columns, unit])
    fractions = as_numbers(df, columns)
    values = fractions.to_numpy()
    wrong = values[(values < 0) | (values > 1)]
    if len(wrong):
        raise DataError(
            f"treated_fraction must lie between 0 and 1, got {wrong[0]}; see treatment.treated_fraction."
        )
    return (fractions > 0).any(axis=1).groupby(df[unit]).transform("any")


def _model(sample: Comparison, column: str) -> _Model:
    table = tabulate(sample)
    share = table.spread(sample.frame[column].to_numpy(dtype=float))
    return _Model(table.counts, table.exposure, share, table.cluster)


def _row(model: _Model, inference: Inference, level: float, name: str) -> list[float]:
    at = _maximum(model)
    scores, information = model.scores(at)
    if information <= _LEAST_INFORMATION * model.counts.sum() and abs(at) < _FAR:
        raise UntestableError(
            f"{name!r} must vary beside unit and period effects, got no variation there; "
            "take more periods or controls."
        )
    if abs(at) >= _FAR:
        ratio, error = (0.0 if at < 0 else np.inf), np.nan
        if inference == "score":  # scores without events have no spread to stand against
            return [ratio, error, np.nan, np.nan, np.nan]
    else:
        clusters = len(scores)
        ratio, error = np.exp(at), np.sqrt(clusters / (clusters - 1) * (scores**2).sum()) / information
    test, critical, p_value = _test(model, inference, level, at)
    low, high = (_bound(test, critical, at, side) for side in (-1, 1))
    return [float(ratio), float(error), low, high, p_value]


def _maximum(model: _Model) -> float:
    """Log of the ratio that maximises the profile likelihood; +-12 where it grows without end."""
    values = np.array([model.log_likelihood(at) for at in _GRID])
    best = int(values.argmax())
    if best in (0, len(_GRID) - 1):
        return float(_GRID[best])
    low, high = _GRID[best - 1], _GRID[best + 1]
    rough = minimize_scalar(lambda at: -model.log_likelihood(at), bounds=(low, high), method="bounded")
    near = float(rough.x) + np.array([-1e-3, 1e-3])
    slopes = [model.scores(at)[0].sum() for at in near]
    if slopes[0] > 0 > slopes[1]:
        return float(brentq(lambda at: model.scores(at)[0].sum(), *near, xtol=1e-12))
    return float(rough.x)


def _test(
    model: _Model, inference: Inference, level: float, at: float
) -> tuple[Callable[[float], float], float, float]:
    """The statistic as a function of the log ratio, its critical value, and p at a ratio of 1."""
    if inference == "likelihood":
        most = model.log_likelihood(at)

        def deviance(log_ratio: float) -> float:
            return 2 * (most - model.log_likelihood(log_ratio))

        return deviance, float(stats.chi2.ppf(level, 1)), float(stats.chi2.sf(deviance(0.0), 1))

    def score(log_ratio: float) -> float:
        scores = model.scores(log_ratio)[0]
        spread = float((scores**2).sum())
        return float(scores.sum()) ** 2 / spread if spread > 0 else 0.0

    df = int(model.cluster.max())
    critical = float(stats.t.ppf((1 + level) / 2, df) ** 2)
    return score, critical, float(2 * stats.t.sf(np.sqrt(score(0.0)), df))


def _bound(test: Callable[[float], float], critical: float, at: float, side: int) -> float:
    """The first ratio away from the estimate that the test rejects; 0 or infinite where it rejects none."""

    def excess(log_ratio: float) -> float:
        return -critical if log_ratio == at else test(log_ratio) - critical

    inner = at
    further = np.flatnonzero(side * (_GRID - at) > 0)[::side]
    for outer in _GRID[further]:
        if test(outer) > critical:
            return float(np.exp(brentq(excess, inner, outer, xtol=1e-10)))
        inner = outer
    return np.inf if side > 0 else 0.0


def _fraction_notes(sample: Comparison, columns: list[str]) -> list[str]:
    """Which fractions between 0 and 1 occur, by column."""
    notes = []
    for name in columns:
        partly = sample.frame[name][(sample.frame[name] > 0) & (sample.frame[name] < 1)]
        shown = ", ".join(f"{value:.4g} in {n}" for value, n in partly.round(6).value_counts().items())
        notes.append(f"{name}: fractions {shown or 'none between 0 and 1'} unit-periods")
    return notes


def _assumed(inference: Inference) -> list[str]:
    return ["The likelihood interval is for independent Poisson counts."] if inference == "likelihood" else []
