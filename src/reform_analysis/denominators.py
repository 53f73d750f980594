"""The same losses under every denominator at hand."""

from dataclasses import dataclass
from math import inf, nan
from typing import Any, get_args

import numpy as np
import pandas as pd

from reform_analysis import schema
from reform_analysis.baselines import SeriesRounding, base_sets, ratio_range
from reform_analysis.estimates import require_choice, require_number, require_whole_number
from reform_analysis.rates import compare_counts

OUTCOME_FAMILY = ("losses", "corrections")

_EXPOSURES: dict[str, tuple[str, ...]] = {
    "none": (),
    "disputes": ("administrative_disputes",),
    "enforcement": ("enforcement_own", "enforcement_department"),
    "own_enforcement": ("enforcement_own",),
}
_POST_TREATMENT = frozenset({"enforcement", "own_enforcement"})
_DERIVED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "devolution_share": (("enforcement_own",), ("enforcement_own", "enforcement_department")),
    "opinions_per_review": (("review_opinions",), ("reviews",)),
}


def exposure_table(
    figures: pd.DataFrame, *, rounding: SeriesRounding = "percent", ci_level: float = 0.95
) -> pd.DataFrame:
    """The same outcomes under every denominator at hand, and the ratios that follow from the totals.

    Parameters
    ----------
    figures : DataFrame
        Index `id` with the rows ``losses, corrections, administrative_disputes, enforcement_own,
        enforcement_department, reviews, review_opinions``; columns ``value, change_pct``.
    rounding : {"percent", "tens", "truncated"}
        As in `evidence`.
    ci_level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        Index `ratio`: ``losses, losses_per_dispute, losses_per_enforcement, losses_per_own_enforcement``,
        the same for corrections, then ``devolution_share`` (own-name over all enforcement) and
        ``opinions_per_review``. Columns:

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
        If a row or column is missing, or an argument is wrong.

    Notes
    -----
    A rate per post-treatment exposure mixes the reform's effect on losses with its effect on the
    denominator. Disputes are no innocent denominator either: preventing them is one of the reform's tasks.
    """
    require_choice("rounding", rounding, get_args(SeriesRounding))
    require_number("ci_level", ci_level, above=0, below=1, way_out="pass 0.95 for 95%.")
    schema.require_columns(figures, ("value", "change_pct"))
    needed = {*OUTCOME_FAMILY, *(name for names in _EXPOSURES.values() for name in names)}
    schema.require_rows(figures, tuple(sorted(needed | {"reviews", "review_opinions"})))
    plain, worst = _Totals(figures, rounding, False), _Totals(figures, rounding, True)
    rows = {}
    for outcome in OUTCOME_FAMILY:
        for exposure in _EXPOSURES:
            name = outcome if exposure == "none" else f"{outcome}_per_{exposure.removesuffix('s')}"
            wide = _rate_row(worst, outcome, exposure, ci_level)
            rows[name] = _rate_row(plain, outcome, exposure, ci_level) | {
                "ci_low_worst": wide["ci_low"],
                "ci_high_worst": wide["ci_high"],
            }
    rows |= {name: _derived_row(plain, *parts) for name, parts in _DERIVED.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("ratio")


@dataclass(frozen=True)
class _Totals:
    """Totals of both years: exact after, a range before."""

    figures: pd.DataFrame
    rounding: SeriesRounding
    worst: bool

    def after(self, names: tuple[str, ...]) -> float:
        return float(self.figures.loc[list(names), "value"].sum(skipna=False))

    def before(self, names: tuple[str, ...]) -> tuple[float, float]:
        """Smallest and largest sum of the base counts; NaN where the source gives no level."""
        bounds = np.array([self._base(name) for name in names])
        return float(bounds[:, 0].sum()), float(bounds[:, 1].sum())

    def growth(self, names: tuple[str, ...]) -> tuple[float, float]:
        """Smallest and largest after / before."""
        if not names:
            return 1.0, 1.0
        if np.isnan(self.after(names)):
            (name,) = names
            return self._printed_growth(float(self.figures.loc[name, "change_pct"]))
        low, high = self.before(names)
        return self.after(names) / high, self.after(names) / low

    def _base(self, name: str) -> tuple[float, float]:
        value, change = self.figures.loc[name, ["value", "change_pct"]].astype(float)
        if np.isnan(value):
            return nan, nan
        integers = base_sets(require_whole_number(f"value of {name!r}", value), change, self.rounding)[
            self.worst
        ]
        return (integers[0], integers[-1]) if integers else (nan, nan)

    def _printed_growth(self, change: float) -> tuple[float, float]:
        tens = change % 10 == 0 and (self.worst or self.rounding == "tens")
        plain = "percent" if self.rounding == "tens" else self.rounding
        low, high, *_ = ratio_range(change, "tens" if tens else plain)
        return float(low), float(high or inf)


def _rate_row(totals: _Totals, outcome: str, exposure: str, ci_level: float) -> dict[str, Any]:
    """One outcome per one exposure, over all base counts and exposure ratios that rounding allows."""
    value, (low, high) = int(totals.after((outcome,))), totals.before((outcome,))
    growth_low, growth_high = totals.growth(_EXPOSURES[exposure])
    per_before, per_after = (1.0, 1.0), 1.0
    if exposure != "none":
        per_before, per_after = totals.before(_EXPOSURES[exposure]), totals.after(_EXPOSURES[exposure])
    return {
        "numerator": outcome,
        "denominator": exposure,
        "post_treatment": exposure in _POST_TREATMENT,
        "before_low": low / per_before[1],
        "before_high": high / per_before[0],
        "after": value / per_after,
        "exposure_ratio_low": growth_low,
        "exposure_ratio_high": growth_high,
        "ratio_low": value / high / growth_high,
        "ratio_high": value / low / growth_low,
        **_rate_interval(value, (low, high), (growth_low, growth_high), ci_level),
    }


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
    after = totals.after(numerator) / totals.after(denominator)
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
