"""Two arms, before and after: the cross-product ratio of four totals and its exact conditional interval."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import nchypergeom_fisher
from scipy.stats.contingency import odds_ratio

from reform_analysis.comparison import ARMS, Comparison, comparison, flags, listed, require_arms
from reform_analysis.estimates import COLUMNS, DataError, DesignError, Estimates, require_level

_WINDOWS = ("pre", "post")
_EXACT_FOR = (
    "The interval and p-value are exact for independent Poisson counts only: under overdispersion, suits in "
    "series or shocks common to many units they are too narrow."
)
_INVERTS = (
    "The estimate is the cross-product ratio; the interval inverts the conditional (Fisher) test, both tails "
    "alike, so it holds 1 exactly where p_central exceeds 1 - ci_level; p_value sums the tables no likelier."
)


@dataclass(frozen=True)
class _Table:
    """Four totals and the cross-product of their exposures."""

    treated: tuple[int, int]
    control: tuple[int, int]
    exposure_ratio: float

    @property
    def ratio(self) -> float:
        """Cross-product over that of the exposures; 0, inf or NaN where a cell is 0."""
        above, below = self.treated[1] * self.control[0], self.treated[0] * self.control[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.float64(above) / below / self.exposure_ratio)

    @property
    def std_error(self) -> float:
        cells = (*self.treated, *self.control)
        return float(np.sqrt(sum(1 / cell for cell in cells))) if all(cells) else np.nan


def two_by_two(
    df: pd.DataFrame,
    *,
    outcome: str,
    unit: str,
    period: str,
    treatment: str,
    pre: Any,
    post: Any,
    exposure: str | None = None,
    last_clean_period: Any = None,
    other_pilot: str | None = None,
    ci_level: float = 0.95,
) -> Estimates:
    r"""Ratio of the treated arm's change to the control arm's, from four pooled totals.

    .. math:: \hat\rho = \frac{Y_{11} / Y_{10}}{Y_{01} / Y_{00}} \Big/ \frac{e_{11} / e_{10}}{e_{01} / e_{00}}

    with the arm first and post second; e is the pooled exposure, 1 without. Given the margins of the table
    :math:`Y_{11}` is noncentral hypergeometric with odds :math:`\rho\, e_{11} e_{00} / (e_{10} e_{01})`,
    whatever the arms' and the periods' levels: that gives an exact test, and an interval by its inversion.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    outcome, unit, period : str
        Columns; `outcome` holds whole counts.
    treatment : str
        Column of bool or 0/1, constant within a unit.
    pre, post : str, int or sequence of them
        Periods before and after. Those in neither are left out.
    exposure : str, optional
        Column of the denominator. Rates are pooled within arm and window.
    last_clean_period : str or int, optional
        Periods after it are left out, from `post` too: controls were reformed in them.
    other_pilot : str, optional
        Column that flags units of another reform; controls among them are left out.
    ci_level : float

    Returns
    -------
    Estimates
        One term, ``treatment_post``, scale "rate_ratio"; `std_error` is the Wald one of the log ratio,
        :math:`\sqrt{\sum 1/Y}`, NaN with an empty cell. A zero in the numerator alone: 0; in the
        denominator alone: infinite; both: NaN. The interval then is open on that side. `p_central` is twice
        the smaller tail.

    Raises
    ------
    DataError
        If a column is missing or breaks a rule, or counts are not whole.
    DesignError
        If `pre` and `post` overlap or are not in the data, or `last_clean_period` leaves none of `post`.
    UntestableError
        If no unit of an arm is left.

    Notes
    -----
    Identifying assumption: without treatment the treated units' rate would have moved by the same factor as
    the controls'. Units that lack one of the periods are left out, so that both windows hold the same units.
    Without exposure the estimate is that of the Poisson regression with unit and period effects.

    References
    ----------
    Fisher (1935), Journal of the Royal Statistical Society 98, 39-82. Cornfield (1956), Proceedings of the
    Third Berkeley Symposium 4, 135-148 (the interval).
    """
    level = require_level(ci_level)
    before, after = _windows(pre, post)
    sample = comparison(
        df,
        outcome=outcome,
        unit=unit,
        period=period,
        pilot=flags(df, treatment, unit=unit),
        exposure=exposure,
        last_clean_period=last_clean_period,
        other_pilot=other_pilot,
        pooled=True,
    )
    sample, after = _complete(sample, before, after)
    totals = _totals(sample, after)
    table = _table(totals)
    row = [table.ratio, table.std_error, *_interval(table, level), _p_value(table)]
    term = pd.Index(["treatment_post"], name="term")
    return Estimates(
        frame=pd.DataFrame([row], index=term, columns=list(COLUMNS)),
        scale="rate_ratio",
        ci_level=level,
        method="two by two, cross-product ratio, conditional exact interval",
        n_obs=len(sample.frame),
        n_units=int(sample.frame[unit].nunique()),
        vcov=pd.DataFrame([[table.std_error**2]], index=term, columns=term),
        p_central=pd.Series([_p_central(table)], index=term, name="p_central"),
        dropped=sample.dropped_frame,
        synthetic=sample.synthetic,
        notes=(*sample.notes, *_total_notes(totals, exposure), _INVERTS, _EXACT_FOR),
    )


def _windows(pre: Any, post: Any) -> tuple[list[Any], list[Any]]:
    before, after = listed("pre", pre), listed("post", post)
    if set(before) & set(after):
        raise DesignError(f"pre and post must not overlap, got {pre!r} and {post!r}; name each period once.")
    return before, after


def _complete(sample: Comparison, before: list[Any], after: list[Any]) -> tuple[Comparison, list[Any]]:
    """Rows of the two windows, of units that have every period in them; and what is left of `after`."""
    periods = sample.frame[sample.period]
    there = set(periods)
    left = [value for value in after if value in there]
    for name, values in {
        "pre": [v for v in before if v not in there],
        "post": after if not left else [],
    }.items():
        if values:
            raise DesignError(
                f"{name} must name periods that are in the data and clean, got {values!r}; there are "
                f"{sorted(there, key=str)}."
            )
    if len(left) < len(after):
        sample = sample.noted(f"post is {left}: the other periods are not in the clean data.")
    sample = sample.only(periods.isin([*before, *left]), "period in neither pre nor post")
    rows = sample.frame.groupby(sample.unit)[sample.period].transform("size")
    sample = sample.only(rows == len(before) + len(left), "lacks a period of pre or post")
    return require_arms(sample), left


def _totals(sample: Comparison, after: list[Any]) -> pd.DataFrame:
    """Index arm and window; columns ``events, exposure``."""
    frame = sample.frame
    arm = sample.pilot.map({True: "pilot", False: "other"})
    window = frame[sample.period].isin(after).map({True: "post", False: "pre"})
    exposure = frame[sample.exposure] if sample.exposure else pd.Series(1.0, index=frame.index)
    both = pd.DataFrame({"events": frame[sample.outcome], "exposure": exposure})
    totals = both.groupby([arm.rename("arm"), window.rename("window")]).sum()
    if (frame[sample.outcome] % 1 != 0).any():
        raise DataError(f"{sample.outcome!r} must hold whole counts; pass counts, not rates.")
    return totals.reindex(pd.MultiIndex.from_product([ARMS, _WINDOWS]), fill_value=0.0)


def _table(totals: pd.DataFrame) -> _Table:
    events = totals["events"].astype(int)
    exposure = totals["exposure"]
    arms = [tuple(int(events[arm, window]) for window in _WINDOWS) for arm in ARMS]
    changes = [exposure[arm, "post"] / exposure[arm, "pre"] for arm in ARMS]
    # Equal numbers of units leave no exposure; dividing keeps that exact.
    return _Table((arms[0][0], arms[0][1]), (arms[1][0], arms[1][1]), float(changes[0] / changes[1]))


def _total_notes(totals: pd.DataFrame, exposure: str | None) -> list[str]:
    def change(arm: str) -> str:
        events = totals.loc[arm, "events"]
        text = f"{arm}: {events['pre']:.0f} events before, {events['post']:.0f} after"
        at = totals.loc[arm, "exposure"]
        return f"{text}; {exposure} {at['pre']:g} and {at['post']:g}" if exposure else text

    return [change(arm) for arm in ARMS]


def _likelihood(table: _Table) -> tuple[np.ndarray, np.ndarray]:
    """What the treated arm's events after may be, given the margins, and how likely at a ratio of 1."""
    treated, after = sum(table.treated), table.treated[1] + table.control[1]
    law = nchypergeom_fisher(treated + sum(table.control), treated, after, table.exposure_ratio)
    low, high = law.support()
    values = np.arange(low, high + 1)
    return values, law.pmf(values)


def _p_central(table: _Table) -> float:
    values, likelihood = _likelihood(table)
    tails = likelihood[values <= table.treated[1]].sum(), likelihood[values >= table.treated[1]].sum()
    return float(min(1.0, 2 * min(tails)))


def _p_value(table: _Table) -> float:
    """Sum of the tables no likelier than the observed one; ties as in R's fisher.test."""
    values, likelihood = _likelihood(table)
    observed = likelihood[values == table.treated[1]][0]
    return float(min(1.0, likelihood[likelihood <= observed * (1 + 1e-7)].sum()))


def _interval(table: _Table, level: float) -> tuple[float, float]:
    """scipy's interval for the odds ratio, over the cross-product of the exposures."""
    cells = np.array([table.treated[::-1], table.control[::-1]])
    bounds = odds_ratio(cells, kind="conditional").confidence_interval(level)
    return float(bounds.low) / table.exposure_ratio, float(bounds.high) / table.exposure_ratio
