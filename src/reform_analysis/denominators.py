"""The same losses under every denominator at hand."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product
from math import inf, nan
from typing import Any, get_args

import numpy as np
import pandas as pd

from reform_analysis import schema
from reform_analysis.baselines import SeriesRounding, base_sets, ratio_range
from reform_analysis.estimates import DataError, require_choice, require_level, require_whole_number
from reform_analysis.rates import compare_counts

OUTCOME_FAMILY = ("losses", "corrections")

EXPOSURES: dict[str, tuple[str, ...]] = {
    "none": (),
    "disputes": ("administrative_disputes",),
    "enforcement": ("enforcement_own", "enforcement_department"),
    "own_enforcement": ("enforcement_own",),
}
POST_TREATMENT = frozenset({"enforcement", "own_enforcement"})
DERIVED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "devolution_share": (("enforcement_own",), ("enforcement_own", "enforcement_department")),
    "opinions_per_review": (("review_opinions",), ("reviews",)),
}


def exposure_table(
    figures: pd.DataFrame,
    *,
    rounding: SeriesRounding = "percent",
    ci_level: float = 0.95,
    outcomes: tuple[str, ...] = OUTCOME_FAMILY,
    exposures: Mapping[str, tuple[str, ...]] = EXPOSURES,
    post_treatment: Collection[str] = POST_TREATMENT,
    derived: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = DERIVED,
) -> pd.DataFrame:
    """The same outcomes under every denominator at hand, and the ratios that follow from the totals.

    Parameters
    ----------
    figures : DataFrame
        Index `id` with every row named by the arguments below; columns ``value, change_pct``. An
        exposure of one row may lack its value: its printed change is enough.
    rounding : {"percent", "tens", "truncated"}
        As in `evidence`.
    ci_level : float
        Level of the intervals.
    outcomes : tuple of str
        Ids of the numerators.
    exposures : mapping of str to tuple of str
        Name of each denominator -> the ids that add up to it; an empty tuple for raw counts.
    post_treatment : collection of str
        Names of the denominators that the reform itself moves.
    derived : mapping of str to pair of tuple of str
        Name of each ratio that follows from the totals -> ids of its numerator and of its denominator.

    Returns
    -------
    DataFrame
        Index `ratio`, by default ``losses, losses_per_dispute, losses_per_enforcement,
        losses_per_own_enforcement``, the same for corrections, then ``devolution_share`` (own-name over all
        enforcement) and ``opinions_per_review``. Columns:

        - ``numerator, denominator``; ``post_treatment``: the reform itself moves the denominator;
        - ``before_low, before_high, after``: level in both years (events, or events per unit of exposure),
          NaN where the source gives no level;
        - ``exposure_ratio_low, exposure_ratio_high``: exposure after / before, as rounding allows;
        - ``ratio_low, ratio_high``: rate ratio after / before, as rounding allows;
        - ``ci_low, ci_high``: union of the exact intervals over the allowed base counts and exposures; NaN
          for the derived ratios, which are descriptions of totals and no samples;
        - ``p_central``: the largest over the same set, 1 where it includes equal rates;
        - ``ci_low_worst, ci_high_worst``: with multiples of ten also read as rounded to tens.

    Raises
    ------
    DataError
        If a row or column is missing, a value is no whole number (or a denominator zero), a change no
        percent, or an argument is wrong. The message names the row.

    Notes
    -----
    A rate per post-treatment exposure mixes the reform's effect on losses with its effect on the
    denominator. Disputes are no innocent denominator either: preventing them is one of the reform's tasks.
    """
    require_choice("rounding", rounding, get_args(SeriesRounding))
    require_level(ci_level)
    schema.require_columns(figures, ("value", "change_pct"))
    schema.require_rows(figures, outcomes)
    for names in (*exposures.values(), *(part for pair in derived.values() for part in pair)):
        schema.require_rows(figures, names)
    plain, worst = (_Totals(figures, rounding, worst) for worst in (False, True))
    rows = {}
    for outcome, (exposure, names) in product(outcomes, exposures.items()):
        name = f"{outcome}_per_{exposure.removesuffix('s')}" if names else outcome
        wide = _rate_row(worst, outcome, names, ci_level)
        rows[name] = {
            "numerator": outcome,
            "denominator": exposure,
            "post_treatment": exposure in post_treatment,
            **_rate_row(plain, outcome, names, ci_level),
            "ci_low_worst": wide["ci_low"],
            "ci_high_worst": wide["ci_high"],
        }
    rows |= {name: _derived_row(plain, *parts) for name, parts in derived.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("ratio")


@dataclass(frozen=True)
class _Totals:
    """Totals of both years: exact after, a range before; NaN where the source gives no level."""

    figures: pd.DataFrame
    rounding: SeriesRounding
    worst: bool

    def after(self, names: tuple[str, ...], *, least: int = 0) -> float:
        values = {name: schema.numbers(self.figures, name)[0] for name in names}
        if None in values.values():
            if len(names) == 1:
                return nan
            raise DataError(f"figures must give values for {list(names)} to add up, got {values}; add them.")
        known = [require_whole_number(f"value of {name!r}", values[name], least=least) for name in names]
        return float(sum(known))

    def before(self, names: tuple[str, ...]) -> tuple[float, float]:
        """Smallest and largest sum of the base counts."""
        bounds = np.array([self._base(name) for name in names]).reshape(-1, 2)
        return float(bounds[:, 0].sum()), float(bounds[:, 1].sum())

    def growth(self, names: tuple[str, ...]) -> tuple[float, float]:
        """Smallest and largest after / before; 1 for raw counts."""
        if not names:
            return 1.0, 1.0
        after = self.after(names, least=1)
        if np.isnan(after):
            return self._printed_growth(names[0])
        low, high = self.before(names)
        return after / high, after / low

    def _base(self, name: str) -> tuple[float, float]:
        value, change = schema.numbers(self.figures, name)
        if value is None:
            return nan, nan
        integers = base_sets(value, change, self.rounding)[self.worst]
        return (integers[0], integers[-1]) if integers else (nan, nan)

    def _printed_growth(self, name: str) -> tuple[float, float]:
        change = schema.numbers(self.figures, name)[1]
        tens = change % 10 == 0 and (self.worst or self.rounding == "tens")
        plain = "percent" if self.rounding == "tens" else self.rounding
        low, high, *_ = ratio_range(change, "tens" if tens else plain)
        if low <= 0:
            raise DataError(f"change_pct of {name!r} must leave something to divide by, got {change:g}.")
        return float(low), float(high or inf)


def _rate_row(totals: _Totals, outcome: str, exposure: tuple[str, ...], ci_level: float) -> dict[str, float]:
    """One outcome per one exposure, over all base counts and exposure ratios that rounding allows."""
    value, (low, high) = _value(totals, outcome), totals.before((outcome,))
    growth_low, growth_high = totals.growth(exposure)
    per_before, per_after = (1.0, 1.0), 1.0
    if exposure:
        per_before, per_after = totals.before(exposure), totals.after(exposure)
    return {
        "before_low": low / per_before[1],
        "before_high": high / per_before[0],
        "after": value / per_after,
        "exposure_ratio_low": growth_low,
        "exposure_ratio_high": growth_high,
        "ratio_low": value / high / growth_high,
        "ratio_high": value / low / growth_low,
        **_rate_interval(value, (low, high), (growth_low, growth_high), ci_level),
    }


def _value(totals: _Totals, outcome: str) -> int:
    value = totals.after((outcome,))
    if np.isnan(value):
        raise DataError(f"value of {outcome!r} must be a whole number, got none; an outcome needs its count.")
    return int(value)


def _rate_interval(
    value: int, base: tuple[float, float], growth: tuple[float, float], ci_level: float
) -> dict[str, float]:
    """Union of the intervals between the least and the greatest base count and exposure ratio."""
    if np.isnan([*base, *growth]).any():
        return {"ci_low": nan, "ci_high": nan, "p_central": nan}
    corners = [
        compare_counts(value, int(b), exposure_ratio=g, ci_level=ci_level)
        for b, g in zip(base, growth, strict=True)
    ]
    most, least = (fit.to_frame().loc["rate_ratio"] for fit in corners)
    holds_equal = least["estimate"] <= 1 <= most["estimate"]
    p_central = (
        1.0
        if holds_equal
        else max(float(fit.p_central.iloc[0]) for fit in corners if fit.p_central is not None)
    )
    return {"ci_low": float(least["ci_low"]), "ci_high": float(most["ci_high"]), "p_central": p_central}


def _derived_row(totals: _Totals, numerator: tuple[str, ...], denominator: tuple[str, ...]) -> dict[str, Any]:
    """A ratio of two totals; where the numerator is part of the denominator, its own range is kept apart."""
    others = tuple(name for name in denominator if name not in numerator)
    shared = len(others) < len(denominator)
    top, rest = totals.before(numerator), totals.before(others)
    low = top[0] / (shared * top[0] + rest[1])
    high = top[1] / (shared * top[1] + rest[0])
    after = totals.after(numerator, least=1) / totals.after(denominator, least=1)
    return {
        "numerator": "+".join(numerator),
        "denominator": "+".join(denominator),
        "post_treatment": True,
        "before_low": low,
        "before_high": high,
        "after": after,
        "exposure_ratio_low": nan,
        "exposure_ratio_high": nan,
        "ratio_low": after / high,
        "ratio_high": after / low,
        **dict.fromkeys(("ci_low", "ci_high", "p_central", "ci_low_worst", "ci_high_worst"), nan),
    }
