"""Counts of units before and after adoption, and how much units differ for good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from reform_analysis.estimates import DataError, DesignError, UntestableError
from reform_analysis.measures import as_numbers, need_columns, need_constant, require_flags
from reform_analysis.wording import say

Array = NDArray[Any]
Spread = Literal["moments", "ml"]

LEAST_PERIODS = 3
_SMALL, _LARGE = 1e-6, 1e3


@dataclass(frozen=True, eq=False)
class BaselineSample:
    """Units with counts in all periods asked for.

    Parameters
    ----------
    pre, pre_exposure : ndarray of float, shape (units, pre-periods)
        In the order of time; the last column is the base period.
    post, post_exposure : ndarray of float, shape (units,)
        Sums over the periods after adoption.
    pilot : ndarray of bool, shape (units,)
    synthetic : bool
        True if any datum was made up.
    left_out : int
        Units that lack a count or an exposure in some period.
    """

    pre: Array
    pre_exposure: Array
    post: Array
    post_exposure: Array
    pilot: Array
    synthetic: bool
    left_out: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out.

        Returns
        -------
        tuple of str
        """
        n = self.left_out
        return (f"left out: {n} units with a missing count or no exposure in some period",) if n else ()

    def kept(self, language: str) -> str:
        """Return which units the numbers are of, if some were left out; else the empty text.

        Parameters
        ----------
        language : {"zh", "en"}

        Returns
        -------
        str
        """
        if not self.left_out:
            return ""
        numbers = {"units": len(self.pilot), "pilots": int(self.pilot.sum()), "n": self.left_out}
        return say("check.baseline_kept", language, **numbers)


@dataclass(frozen=True)
class Levels:
    r"""The lasting differences between units: relative level :math:`\lambda_i`, mean 1.

    Parameters
    ----------
    rates : ndarray of float, shape (pre-periods,)
        Counts over exposure of all units in each period.
    spread : float
        Variance of :math:`\lambda`.
    inflation : float
        Variance over mean of a count given its unit's level, at least 1.
    """

    rates: Array
    spread: float
    inflation: float

    def predicted(self, sample: BaselineSample) -> Array:
        r"""Return the best linear prediction of each unit's level from all its pre-periods.

        With the expected total :math:`E_i` and the total :math:`Y_i`, spread v and inflation f,
        :math:`\hat\lambda_i = (f + v Y_i) / (f + v E_i)`: the posterior mean of the gamma-Poisson model if f
        = 1, and the credibility estimate of Buhlmann and Straub (1970) whatever the distribution.

        Parameters
        ----------
        sample : BaselineSample

        Returns
        -------
        ndarray of float, shape (units,)
        """
        expected = sample.pre_exposure @ self.rates
        level: Array = (self.inflation + self.spread * sample.pre.sum(axis=1)) / (
            self.inflation + self.spread * expected
        )
        return level


def baseline_sample(
    panel: pd.DataFrame,
    *,
    outcome: str,
    pre: Sequence[Any],
    post: Sequence[Any],
    exposure: str | None = None,
    pilot: str = "pilot",
    unit: str = "unit_id",
    period: str = "period",
) -> BaselineSample:
    """Collect counts by unit.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and period.
    outcome : str
        Column of the count.
    pre : sequence
        Periods before adoption in order of time; the last is the base period.
    post : sequence
        Periods after adoption.
    exposure : str, optional
        Column of the denominator; 1 a unit and period by default.
    pilot, unit, period : str
        Columns.

    Returns
    -------
    BaselineSample

    Raises
    ------
    DataError
        If a column is missing or no number, a count or denominator of these periods is negative or infinite,
        the pilot status varies, or a unit has several rows a period.
    DesignError
        If there are fewer than three pre-periods, or periods are missing or overlap.
    UntestableError
        If fewer than two units of an arm are known in all periods, or an arm has no losses.
    """
    need_columns(panel, [outcome, pilot, unit, period, *([exposure] if exposure else [])])
    need_constant(panel, pilot, unit=unit)
    pre, post = list(pre), list(post)
    _require_periods(panel[period], pre, post)
    numbers = as_numbers(panel, [outcome, *([exposure] if exposure else [])])
    below = numbers[exposure] if exposure else 1.0
    table = pd.DataFrame({"unit": panel[unit], "period": panel[period], "count": numbers[outcome]})
    table = table.assign(exposure=below)[panel[period].isin([*pre, *post])]
    if table.duplicated(["unit", "period"]).any():
        raise DataError(
            "panel must hold one row a unit and period, got several; add them up or correct them."
        )
    _require_counts(table, dict(zip(["count", "exposure"], numbers, strict=False)))
    table.loc[~(table["exposure"] > 0), "count"] = np.nan
    wide = table.pivot_table(index="unit", columns="period", values=["count", "exposure"])
    wide = wide.reindex(columns=pd.MultiIndex.from_product([["count", "exposure"], [*pre, *post]]))
    known = wide.notna().all(axis=1)
    require_flags(panel, pilot)
    status = panel.groupby(unit)[pilot].first().astype(bool).reindex(wide.index[known]).to_numpy()
    kept = wide[known]
    sample = BaselineSample(
        pre=kept["count"][pre].to_numpy(float),
        pre_exposure=kept["exposure"][pre].to_numpy(float),
        post=kept["count"][post].sum(axis=1).to_numpy(float),
        post_exposure=kept["exposure"][post].sum(axis=1).to_numpy(float),
        pilot=status,
        synthetic=bool(panel.attrs.get("synthetic", False)),
        left_out=panel[unit].nunique() - int(known.sum()),
    )
    _require_arms(sample)
    return sample


def _require_counts(table: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Name the first row with a number below 0, or without end."""
    for column, name in names.items():
        wrong = table[(table[column] < 0) | np.isinf(table[column])]
        for row, found in wrong.head(1).iterrows():
            raise DataError(
                f"{name!r} must hold finite numbers of 0 or more, got {found[column]:g} in row {row} "
                f"({found['unit']}, {found['period']}); correct it, or leave it blank if it is not known."
            )


def _require_periods(periods: pd.Series, pre: list[Any], post: list[Any]) -> None:
    missing = [each for each in (*pre, *post) if each not in set(periods)]
    if missing or set(pre) & set(post) or not post:
        raise DesignError(
            f"pre and post must be separate periods of the panel, got {pre} and {post}; the panel has "
            f"{sorted(set(periods.dropna()))}."
        )
    if len(pre) < LEAST_PERIODS:
        raise DesignError(
            f"pre must hold at least {LEAST_PERIODS} periods, got {pre}; with fewer, lasting differences "
            "between units cannot be told from chance in the base period."
        )


def _require_arms(sample: BaselineSample) -> None:
    for name, arm in {"pilots": sample.pilot, "others": ~sample.pilot}.items():
        if arm.sum() < 2 or not sample.pre[arm].sum() or not sample.pre[arm, -1].sum():
            raise UntestableError(
                f"{name} must be at least two units with an event in the base period, got "
                f"{int(arm.sum())} with {sample.pre[arm, -1].sum():g}; pool periods, or choose another base."
            )
        if not sample.post[arm].sum():
            raise UntestableError(
                f"{name} must have an event after the base period, got none: the change has no finite ratio; "
                "pool more periods."
            )


def levels(sample: BaselineSample, *, method: Spread = "moments", weights: Array | None = None) -> Levels:
    r"""Estimate how much units differ for good.

    "moments" takes what the counts of a unit in different periods share,

    .. math:: \hat v = \sum_i \sum_{s \ne t} r_{is} r_{it} \Big/ \sum_i \sum_{s \ne t} E_{is} E_{it}, \qquad
        r = y - E,

    so chance within a period, overdispersed or not, does not count as a difference; the rest of the variance
    gives the inflation. "ml" maximises the gamma-Poisson likelihood, with inflation 1.

    Parameters
    ----------
    sample : BaselineSample
    method : {"moments", "ml"}
    weights : ndarray of float, shape (units,), optional
        Weights of the units, for the bootstrap.

    Returns
    -------
    Levels
        `spread` is NaN where fewer than two periods have events: nothing is shared then.
    """
    weight = np.ones(len(sample.pilot)) if weights is None else weights
    rates = (weight @ sample.pre) / (weight @ sample.pre_exposure)
    expected = sample.pre_exposure * rates
    if method == "ml":
        return Levels(rates, _likeliest_spread(sample.pre.sum(axis=1), expected.sum(axis=1), weight), 1.0)
    rest = sample.pre - expected
    shared = weight @ (rest.sum(axis=1) ** 2 - (rest**2).sum(axis=1))
    possible = weight @ (expected.sum(axis=1) ** 2 - (expected**2).sum(axis=1))
    spread = max(0.0, shared / possible) if possible > 0 else np.nan
    own = weight @ (rest**2 - spread * expected**2).sum(axis=1)
    return Levels(rates, float(spread), max(1.0, float(own / (weight @ expected.sum(axis=1)))))


def _likeliest_spread(total: Array, expected: Array, weight: Array) -> float:
    """Variance of a gamma level, by the negative binomial likelihood of the totals; 0 at its lower end."""

    def loss(log_spread: float) -> float:
        shape = np.exp(-log_spread)
        return -float(weight @ stats.nbinom.logpmf(total, shape, shape / (shape + expected)))

    ends = np.log([_SMALL, _LARGE])
    found = optimize.minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-8})
    return 0.0 if found.x < ends[0] + 1e-3 else float(np.exp(found.x))


def log_contrast(counts: Array, exposure: Array, pilot: Array, weights: Array) -> float:
    """Return the log rate of the pilots less that of the others.

    Parameters
    ----------
    counts, exposure : ndarray of float, shape (units,)
    pilot : ndarray of bool, shape (units,)
    weights : ndarray of float, shape (units,)

    Returns
    -------
    float
        NaN where an arm has no events.
    """
    totals = np.array([(weights[arm] @ counts[arm], weights[arm] @ exposure[arm]) for arm in (pilot, ~pilot)])
    if not totals.all():
        return np.nan
    rates = np.log(totals[:, 0] / totals[:, 1])
    return float(rates[0] - rates[1])
