"""What published totals and rounded growth rates can say, and what they cannot.

The reform's only public data are totals of 89 pilots with growth rates in whole percent. This module
loads them, compares the years as counts for every base year that rounding allows, and states where a
conclusion breaks. `baseline`, `compare_counts`, `exposure_table`, `pigeonhole`, `attainable_correlation`
and `regression_to_mean` are handed on from the modules that define them.
"""

from io import BytesIO
from math import inf, nan
from typing import Any, get_args

import numpy as np
import pandas as pd
import pandera.pandas as pa
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from reform_analysis import resources, schema
from reform_analysis.allocations import attainable_correlation, pigeonhole, regression_to_mean
from reform_analysis.baselines import Baseline, SeriesRounding, base_sets, baseline
from reform_analysis.denominators import OUTCOME_FAMILY, exposure_table
from reform_analysis.estimates import DataError, Estimates, require_choice, require_level
from reform_analysis.rates import compare_counts

__all__ = [
    "CONTEXT_LOSSES",
    "OUTCOME_FAMILY",
    "Baseline",
    "attainable_correlation",
    "baseline",
    "compare_counts",
    "context_changes",
    "evidence",
    "exposure_table",
    "load_context",
    "load_figures",
    "pigeonhole",
    "regression_to_mean",
    "unit_bounds",
]

_MONTHS = 12


def load_figures() -> pd.DataFrame:
    """Return every figure of sections 3 and 4 of the article.

    Returns
    -------
    DataFrame
        Index `id`; columns as declared in `schema.FIGURES` (see ``data/README.md``). Missing numbers are
        NaN, missing texts empty. `attrs` holds the source.

    Raises
    ------
    DataError
        If the file was changed or does not meet its declaration.

    Examples
    --------
    >>> load_figures().loc["losses", "quote"]
    '行政诉讼败诉案件量32件,较2020年下降40%'
    """
    return _load("published/figures.csv", schema.FIGURES)


def load_context() -> pd.DataFrame:
    """Return figures on administrative litigation and reconsideration outside the article.

    Returns
    -------
    DataFrame
        Index `id`; columns as declared in `schema.CONTEXT`. `attrs` holds the source.

    Raises
    ------
    DataError
        If the file was changed or does not meet its declaration.
    """
    return _load("context/context.csv", schema.CONTEXT)


def _load(name: str, declaration: pa.DataFrameSchema) -> pd.DataFrame:
    frame = pd.read_csv(BytesIO(resources.read_data(name)), dtype=str, keep_default_na=False, index_col="id")
    kinds = {column: declared.metadata["type"] for column, declared in declaration.columns.items()}
    for column, kind in kinds.items():
        if kind in ("number", "integer"):
            frame[column] = pd.to_numeric(frame[column]).astype("Int64" if kind == "integer" else "float64")
        elif kind == "boolean":
            frame[column] = frame[column].map({"true": True, "false": False})
    frame = schema.validate(frame, declaration)
    described = {entry["path"]: entry for entry in resources.read_package()["resources"]}[name]
    frame.attrs = {"source": described["sources"][0]["title"], "synthetic": False}
    return frame


_STATISTICS = (
    "baseline_low",
    "baseline_high",
    "ratio_low",
    "ratio_high",
    "ci_low",
    "ci_high",
    "p_value",
    "p_value_low",
    "p_central",
    "p_holm",
    "breakeven_inflation",
    "breakeven_inflation_score",
    "p_inflation_2",
    "p_inflation_5",
    "breakeven_trend",
    "breakeven_window_months",
    "status",
)
_CARRIED = ("label_zh", "label_en", "level")
_EVIDENCE_COLUMNS = ["value", "change_pct", *_STATISTICS, *(f"{name}_worst" for name in _STATISTICS)]


def evidence(
    figures: pd.DataFrame,
    *,
    rounding: SeriesRounding = "percent",
    ci_level: float = 0.95,
    family: tuple[str, ...] = OUTCOME_FAMILY,
) -> pd.DataFrame:
    r"""What each total with a rounded growth rate can say about a change, and where that breaks.

    Every base count that fits the printed change is compared with the total (`compare_counts`,
    "exact"). Over a set of base counts the interval is the union of the intervals and the p-value the
    largest; break-evens are the smallest, that is the least favourable.

    Parameters
    ----------
    figures : DataFrame
        Index `id`; columns ``value, change_pct, change_kind``. Rows with a whole `value` and
        ``change_kind == "percent"`` are used.
    rounding : {"percent", "tens", "truncated"}
        How the changes were printed. Under "tens" a change that is no multiple of ten was not rounded to
        tens and is read as "percent".
    ci_level : float
        Level of the intervals; break-evens refer to 1 - ci_level.
    family : tuple of str
        Ids of the outcomes that Holm's correction covers.

    Returns
    -------
    DataFrame
        Index `id`, one row a series, with ``label_zh, label_en, level`` carried along where `figures` has
        them, and:

        - ``value, change_pct``: as published;
        - ``baseline_low, baseline_high``: smallest and largest whole base count that fits;
        - ``ratio_low, ratio_high``: rate ratio from the largest and the smallest of them;
        - ``ci_low, ci_high``: union of the exact intervals; ``p_value, p_value_low``: largest and smallest;
        - ``p_central``: the largest central p-value (twice the smaller tail), which break-evens and Holm use;
          at equal exposure, as here, it equals `p_value`;
        - ``p_holm``: Holm over `family` of `p_central`; NaN outside it;
        - ``breakeven_inflation``: variance inflation phi (Wald) at which the interval reaches 1,
          :math:`(\ln r)^2 / (z^2 (1/a + 1/b))`; ``breakeven_inflation_score``: from the score statistic,
          :math:`(a - b)^2 / (z^2 (a + b))`; ``p_inflation_2, p_inflation_5``: Wald p at phi = 2 and 5;
        - ``breakeven_trend``: common change elsewhere, in percent, at which the exact interval reaches 1;
        - ``breakeven_window_months``: months of counting "since 2021", against 12 in the base year, at
          which it reaches 1;
        - ``status``: "excludes 1", "already" (the interval holds 1 as it stands: break-evens are NaN) or
          "no baseline" (no whole number fits: all NaN);
        - the same with suffix ``_worst``: for changes that are multiples of ten the base counts under
          "tens" are taken in too. Equal to the plain column for all others.

    Raises
    ------
    DataError
        If columns or ids of `family` are missing, a value is no whole number, or an argument is wrong.

    Notes
    -----
    The comparison is before against after without a comparison group: it identifies an effect only
    if nothing else changed between the years, which nobody can know from totals.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70. McCullagh and Nelder (1989), Generalized
    Linear Models, 2nd ed., section 4.5 (variance inflation).
    """
    require_choice("rounding", rounding, get_args(SeriesRounding))
    require_level(ci_level)
    schema.require_columns(figures, ("value", "change_pct", "change_kind"))
    series = figures[(figures["change_kind"] == "percent") & figures["value"].notna()]
    schema.require_rows(series, family)
    rows = [_series_row(*schema.numbers(series, name), rounding, ci_level) for name in series.index]
    table = pd.DataFrame(rows, index=series.index, columns=_EVIDENCE_COLUMNS)
    for suffix in ("", "_worst"):
        table[f"p_holm{suffix}"] = _holm(table[f"p_central{suffix}"].astype(float), family)
    carried = [name for name in _CARRIED if name in figures.columns]
    return pd.concat([series[carried], table], axis=1)


def _series_row(
    value: int | None, change_pct: float, rounding: SeriesRounding, ci_level: float
) -> dict[str, Any]:
    assert value is not None  # rows without a value were left out
    plain, worst = base_sets(value, change_pct, rounding)
    statistics = _statistics(value, plain, ci_level)
    widest = statistics if worst == plain else _statistics(value, worst, ci_level)
    return {
        "value": value,
        "change_pct": change_pct,
        **statistics,
        **{f"{name}_worst": number for name, number in widest.items()},
    }


def _statistics(value: int, integers: tuple[int, ...], ci_level: float) -> dict[str, Any]:
    """Interval, p-values and break-evens over a run of base counts; NaN where there are none."""
    if not integers:
        return dict.fromkeys(_STATISTICS, nan) | {"status": "no baseline"}
    nearest = min(max(value, integers[0]), integers[-1])
    farthest = max(integers[0], integers[-1], key=lambda n: abs(n - value))
    fits = {
        n: compare_counts(value, n, ci_level=ci_level) for n in {integers[0], integers[-1], nearest, farthest}
    }
    bounds = {n: fit.to_frame().loc["rate_ratio"] for n, fit in fits.items()}
    low, high = float(bounds[integers[-1]]["ci_low"]), float(bounds[integers[0]]["ci_high"])
    return {
        "baseline_low": integers[0],
        "baseline_high": integers[-1],
        "ratio_low": value / integers[-1],
        "ratio_high": value / integers[0],
        "ci_low": low,
        "ci_high": high,
        "p_value": float(bounds[nearest]["p_value"]),
        "p_value_low": float(bounds[farthest]["p_value"]),
        "p_central": _central(fits[nearest]),
        **_break_evens(value, nearest, low, high, ci_level),
    }


def _central(fit: Estimates) -> float:
    assert fit.p_central is not None
    return float(fit.p_central.iloc[0])


def _break_evens(value: int, base: int, low: float, high: float, ci_level: float) -> dict[str, Any]:
    """Where the conclusion breaks, for the base count nearest to `value` and the whole interval."""
    z = float(norm.ppf((1 + ci_level) / 2))
    wald = _squared_wald(value, base)
    inflated = {f"p_inflation_{phi}": float(2 * norm.sf(np.sqrt(wald / phi))) for phi in (2, 5)}
    if low <= 1 <= high:
        names = ("inflation", "inflation_score", "trend", "window_months")
        return {
            **dict.fromkeys((f"breakeven_{name}" for name in names), nan),
            **inflated,
            "status": "already",
        }
    bound = high if high < 1 else low
    return {
        "breakeven_inflation": wald / z**2,
        "breakeven_inflation_score": (value - base) ** 2 / (value + base) / z**2,
        **inflated,
        "breakeven_trend": 100 * (bound - 1),
        "breakeven_window_months": _MONTHS * bound,
        "status": "excludes 1",
    }


def _squared_wald(after: int, before: int) -> float:
    """Squared Wald statistic of the log rate ratio; NaN with a zero count."""
    return float(np.log(after / before) ** 2 / (1 / after + 1 / before)) if after and before else nan


def _holm(p_values: pd.Series, family: tuple[str, ...]) -> pd.Series:
    """Holm over the family's defined p-values; an undefined one still counts as a hypothesis."""
    adjusted = pd.Series(nan, index=p_values.index, dtype=float)
    if family:
        tested = p_values.loc[list(family)]
        adjusted.loc[tested.index] = np.where(
            tested.isna(), nan, multipletests(tested.fillna(1.0), method="holm")[1]
        )
    return adjusted


CONTEXT_LOSSES = ("hz05", "js01_losses", "js01_loss_rate", "hf01_2021", "hf01_2022")


def context_changes(context: pd.DataFrame, *, ids: tuple[str, ...] = CONTEXT_LOSSES) -> pd.DataFrame:
    """Year-on-year ratios of loss figures outside the pilots.

    Parameters
    ----------
    context : DataFrame
        As `load_context` returns it.
    ids : tuple of str
        Rows to take: each needs a printed change, or a row of the same place and measure a year earlier.

    Returns
    -------
    DataFrame
        Index `id`; columns ``place_zh, place_en, measure_zh, measure_en, unit, period, before, after,
        ratio, derived``: `before` is the year before `period`, `derived` True where it follows from a
        printed change (value minus points, or value over 1 + percent / 100).

    Raises
    ------
    DataError
        If an id is missing, or a row has neither a printed change nor a year before.
    """
    schema.require_rows(context, ids)
    rows = context.loc[
        list(ids), ["place_zh", "place_en", "measure_zh", "measure_en", "unit", "period"]
    ].copy()
    rows["derived"] = context.loc[list(ids), "change"].notna()
    rows["before"] = [_year_before(context, name) for name in ids]
    rows["after"] = context.loc[list(ids), "value"]
    rows["ratio"] = rows["after"] / rows["before"]
    return rows


def _year_before(context: pd.DataFrame, name: str) -> float:
    row = context.loc[name]
    if row["change_unit"] == "points":
        return float(row["value"] - row["change"])
    if row["change_unit"] == "percent":
        return float(row["value"] / (1 + row["change"] / 100))
    if not str(row["period"]).isdigit():
        raise DataError(f"context row {name!r} covers {row['period']}, not one year; name another row.")
    same = (context["place_zh"] == row["place_zh"]) & (context["measure_zh"] == row["measure_zh"])
    earlier = context[same & (context["period"] == str(int(row["period"]) - 1))]
    if len(earlier) != 1:
        raise DataError(f"context row {name!r} has neither a printed change nor one row of the year before.")
    return float(earlier["value"].iloc[0])


def unit_bounds(
    evidence: pd.DataFrame, *, units: int, outcome: str = "losses", measure: str = "reviews"
) -> pd.DataFrame:
    """What the totals force, and leave open, about single units, for the printed change and under tens.

    Parameters
    ----------
    evidence : DataFrame
        As `evidence` returns it.
    units : int
        Number of units that the totals stand for.
    outcome, measure : str
        Ids of the outcome, and of the measure whose changes are correlated with the outcome's.

    Returns
    -------
    DataFrame
        Index `reading` ("plain", "tens"; the second only where it takes in more base counts), with
        ``before_low, before``: the least and the largest base count, ``after, units``; for the largest base
        count ``zero_before, zero_after, zero_both, least_fallen, most_fallen`` (`pigeonhole`), ``highest,
        lowest`` (`attainable_correlation`) and ``differing, alike`` (`regression_to_mean` with shape 1 and
        without lasting differences).

    Raises
    ------
    DataError
        If a row is missing or has no base count, or `units` is no whole number of at least 1.
    """
    schema.require_rows(evidence, (outcome, measure))
    readings = {"plain": "", "tens": "_worst"}
    bases = {reading: evidence.loc[outcome, f"baseline_high{suffix}"] for reading, suffix in readings.items()}
    kept = {reading: base for reading, base in bases.items() if pd.notna(base)}
    if kept.get("plain") == kept.get("tens"):
        kept.pop("tens", None)
    value, other = evidence.loc[outcome, "value"], evidence.loc[measure]
    pair = int(other["baseline_high_worst"]), int(other["value"])
    rows = {reading: _unit_row(int(base), int(value), pair, units) for reading, base in kept.items()}
    bounds = pd.DataFrame.from_dict(rows, orient="index").rename_axis("reading")
    bounds["before_low"] = [evidence.loc[outcome, f"baseline_low{readings[reading]}"] for reading in kept]
    return bounds


def _unit_row(before: int, after: int, measure: tuple[int, int], units: int) -> dict[str, float]:
    correlation = attainable_correlation(before, after, *measure, units)
    return {
        "before": before,
        "after": after,
        "units": units,
        **vars(pigeonhole(before, after, units)),
        "highest": correlation.highest,
        "lowest": correlation.lowest,
        "differing": regression_to_mean(before, after, units, shape=1),
        "alike": regression_to_mean(before, after, units, shape=inf),
    }
