"""Levels and trends by arm, table 1 with standardised differences, and what is missing.

Nothing here is an estimate of an effect: the tables say what the units looked like. Every function takes
any study's column names; the township names are only defaults.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis.estimates import DataError, DesignError
from reform_analysis.synthetic_mark import is_synthetic

ALL = "all"
NO_EXPOSURE = ""


def levels(
    panel: pd.DataFrame,
    *,
    variables: Sequence[str],
    exposures: Sequence[str] = (),
    arm: str | None = "pilot",
    period: str = "period",
) -> pd.DataFrame:
    r"""Return each variable by arm and period: totals, means, spread, zeros, and rates by exposure.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and period.
    variables : sequence of str
        Numeric columns.
    exposures : sequence of str
        Denominators; each variable is divided by each.
    arm : str or None
        Column that tells the arms apart; None for all units together, as arm "all".
    period : str
        Column of the periods.

    Returns
    -------
    DataFrame
        One row a variable, exposure, arm and period, in that order, and columns:

        - ``variable, exposure`` ("" for none), ``arm`` (values of `arm`), ``period``;
        - ``n, n_missing``: rows with and without a value (with an exposure: of both);
        - ``total``; ``mean, sd, median`` per unit and ``zero_share``, all without an exposure;
        - ``exposure_total`` and ``rate`` = total / exposure_total, with an exposure.

        What does not apply or has no row (or a zero below the line) is NaN. ``attrs``: ``synthetic``.

    Raises
    ------
    DataError
        If columns are missing, not numeric, or `arm` or `period` have missing values.

    Notes
    -----
    A rate is a ratio of sums over the rows that have both numbers, not a mean of the units' rates. An
    exposure that the reform itself moves cannot tell a change of the variable from one of the exposure.

    Examples
    --------
    >>> panel = pd.DataFrame({"period": [1, 1, 2, 2], "y": [0, 3, 1, 1], "n": [10, 20, 10, 10]})
    >>> found = levels(panel, variables=["y"], exposures=["n"], arm=None)
    >>> found[["exposure", "period", "total", "mean", "rate"]].values.tolist()
    [['', 1, 3.0, 1.5, nan], ['', 2, 2.0, 1.0, nan], ['n', 1, 3.0, nan, 0.1], ['n', 2, 2.0, nan, 0.1]]
    """
    frame = _prepared(panel, [*variables, *exposures], arm=arm, period=period)
    parts = [_cells(frame, name, exposure) for name in variables for exposure in (NO_EXPOSURE, *exposures)]
    found = pd.concat(parts, ignore_index=True)[list(_LEVEL_COLUMNS)]
    return _marked(found, panel)


_LEVEL_COLUMNS = (
    "variable",
    "exposure",
    "arm",
    "period",
    "n",
    "n_missing",
    "total",
    "mean",
    "sd",
    "median",
    "zero_share",
    "exposure_total",
    "rate",
)


def _cells(frame: pd.DataFrame, name: str, exposure: str) -> pd.DataFrame:
    """Every arm and period of one variable under one exposure."""
    both = frame[name].notna() & (frame[exposure].notna() if exposure else True)
    values = frame[name].where(both)
    keys = [frame["_arm"].rename("arm"), frame["_period"].rename("period")]
    grouped = values.groupby(keys, sort=True)
    cells = pd.DataFrame({"n": grouped.count(), "total": grouped.sum(min_count=1)})
    cells["n_missing"] = grouped.size() - cells["n"]
    if exposure:
        cells["exposure_total"] = frame[exposure].where(both).groupby(keys, sort=True).sum(min_count=1)
        cells["rate"] = cells["total"] / cells["exposure_total"].replace(0, np.nan)
    else:
        cells = cells.assign(mean=grouped.mean(), sd=grouped.std(), median=grouped.median())
        cells["zero_share"] = values.eq(0).astype(float).where(both).groupby(keys, sort=True).mean()
    cells = cells.reset_index().assign(variable=name, exposure=exposure)
    return cells.reindex(columns=list(_LEVEL_COLUMNS))


def trends(levels: pd.DataFrame, *, base: Any) -> pd.DataFrame:
    """Return how each level changed from a base period, arm by arm.

    Parameters
    ----------
    levels : DataFrame
        As `levels` returns it.
    base : object
        Value of ``period`` that the others are compared with.

    Returns
    -------
    DataFrame
        The rows of `levels` with columns ``variable, exposure, arm, period, n, level, base_level,
        difference, ratio``. `level` is the rate, or the mean per unit without an exposure; `ratio` is NaN
        where the base level is 0: the growth of a zero is undefined. ``attrs``: ``synthetic``, ``base``.

    Raises
    ------
    DataError
        If `base` is not among the periods.

    Notes
    -----
    Parallel trends before adoption make a comparison of changes plausible; they do not prove it.
    """
    if base not in set(levels["period"]):
        raise DataError(
            f"base must be one of the periods {sorted(set(levels['period']))}, got {base!r}; choose one."
        )
    rows = levels[["variable", "exposure", "arm", "period", "n"]].copy()
    rows["level"] = levels["rate"].where(levels["exposure"] != NO_EXPOSURE, levels["mean"])
    keys = ["variable", "exposure", "arm"]
    at_base = rows.loc[rows["period"] == base, [*keys, "level"]].rename(columns={"level": "base_level"})
    rows = rows.merge(at_base, on=keys, how="left")
    rows["difference"] = rows["level"] - rows["base_level"]
    rows["ratio"] = rows["level"] / rows["base_level"].replace(0, np.nan)
    return _marked(rows, levels, base=base)


def table_one(
    panel: pd.DataFrame,
    *,
    variables: Sequence[str],
    categories: Sequence[str] = (),
    arm: str = "pilot",
    at: Sequence[Any] | None = None,
    unit: str = "unit_id",
    period: str = "period",
) -> pd.DataFrame:
    r"""Return table 1: what the two arms looked like, and how far apart they were.

    The standardised difference of arms 1 and 0 is

    .. math:: d = (\bar x_1 - \bar x_0) / \sqrt{(s_1^2 + s_0^2) / 2},

    with :math:`s^2 = \bar x (1 - \bar x)` for a share. It does not grow with the number of units, as a test
    statistic would; above 0.1 in size it is commonly called notable.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and period.
    variables : sequence of str
        Numeric columns: a unit's mean over the periods of `at` is one observation. Truth values that do
        not vary within units are shares.
    categories : sequence of str
        Columns of categories, constant within a unit; each category becomes a row, as a share.
    arm : str
        Column with two values, constant within a unit; the larger one (True, 1) is arm 1. Truth values may
        hold one arm only: the other has no units and no means.
    at : sequence, optional
        Periods to use: those before the reform. None for all.
    unit, period : str
        Columns of the units and the periods.

    Returns
    -------
    DataFrame
        One row a variable or category: ``variable, category`` ("" for a numeric one), ``kind`` ("mean" or
        "share"), and for each arm k = 0, 1 ``n_k, missing_k`` (units), ``mean_k, sd_k``; then
        ``difference`` (arm 1 less arm 0) and ``standardised``, NaN where both arms are constant or one is
        empty.
        ``attrs``: ``arms`` (the two values), ``synthetic``.

    Raises
    ------
    DataError
        If columns are missing or not numeric, or a period of `at` has no rows.
    DesignError
        If the arm has not two values, or it or a category varies within a unit.

    References
    ----------
    Austin (2009), Statistics in Medicine 28, 3083-3107, section 3.1.
    """
    frame = _prepared(panel, variables, arm=arm, period=period)
    _require_columns(panel, [unit, *categories])
    _require_constant(panel, [arm, *categories], unit)
    by_unit = _rows_at(frame, at, period).groupby(panel[unit], sort=True)
    arms = by_unit["_arm"].first()
    values = [False, True] if _is_truth(panel[arm]) else sorted(arms.unique())
    if len(values) != 2:
        raise DesignError(
            f"arm {arm!r} must have two values, got {values}; make a column that tells two arms."
        )
    arm_one = arms == values[1]
    rows = [
        {"variable": name, "category": "", **_compared(by_unit[name].mean(), arm_one, _is_truth(panel[name]))}
        for name in variables
    ]
    for name in categories:
        labels = panel.groupby(unit, sort=True)[name].first().reindex(arms.index)
        for label in sorted(labels.dropna().unique()):
            shares = labels.eq(label).where(labels.notna()).astype(float)
            rows.append({"variable": name, "category": str(label), **_compared(shares, arm_one, share=True)})
    return _marked(pd.DataFrame(rows), panel, arms=tuple(values))


def _compared(observed: pd.Series, arm_one: pd.Series, share: bool) -> dict[str, Any]:
    """Both arms of one row of table 1, from one number a unit."""
    share = share and bool(observed.dropna().isin([0, 1]).all())
    row: dict[str, Any] = {"kind": "share" if share else "mean"}
    for number, group in enumerate((observed[~arm_one], observed[arm_one])):
        mean = group.mean()
        row |= {f"n_{number}": int(group.count()), f"missing_{number}": int(group.isna().sum())}
        row |= {f"mean_{number}": mean, f"sd_{number}": np.sqrt(mean * (1 - mean)) if share else group.std()}
    spread = np.sqrt((row["sd_0"] ** 2 + row["sd_1"] ** 2) / 2)
    row["difference"] = row["mean_1"] - row["mean_0"]
    row["standardised"] = row["difference"] / spread if spread > 0 else np.nan
    return row


def missingness(
    panel: pd.DataFrame,
    *,
    variables: Sequence[str],
    arm: str | None = "pilot",
    unit: str = "unit_id",
    period: str = "period",
) -> pd.DataFrame:
    """Return what is missing, by variable, arm and period: empty values, and rows that are not there.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and period.
    variables : sequence of str
        Columns to look at, of any type; an empty text counts as missing.
    arm : str or None
        Column that tells the arms apart, constant within a unit; None for all units together.
    unit, period : str
        Columns of the units and the periods.

    Returns
    -------
    DataFrame
        One row a variable, arm and period: ``variable, arm, period``, ``units`` (of the arm, in any period),
        ``absent`` (units without a row in the period), ``missing`` (rows without a value) and ``share`` =
        (absent + missing) / units. ``attrs``: ``synthetic``.

    Raises
    ------
    DataError
        If columns are missing.
    DesignError
        If a unit has two rows in a period, or `arm` varies within a unit.

    Notes
    -----
    Leaving out what is missing assumes that it is missing at random within arm and period. If pilots report
    more fully after adoption, their counts rise without anything happening.
    """
    frame = _prepared(panel, [], arm=arm, period=period)
    _require_columns(panel, [unit, *variables])
    _require_constant(panel, [arm] if arm else [], unit)
    repeated = panel.duplicated([unit, period])
    if repeated.any():
        first = ", ".join(map(str, panel.loc[repeated, [unit, period]].iloc[0]))
        raise DesignError(f"{unit} and {period} must name one row, {first} has several; leave one of them.")
    keys = [frame["_arm"].rename("arm"), frame["_period"].rename("period")]
    units = panel[unit].groupby(frame["_arm"]).nunique()
    every = pd.MultiIndex.from_product([units.index, sorted(panel[period].unique())], names=["arm", "period"])
    rows = pd.Series(1, index=frame.index).groupby(keys).sum().reindex(every, fill_value=0)
    parts = [_gaps(panel[name], keys, rows, units).assign(variable=name) for name in variables]
    columns = ["variable", "arm", "period", "units", "absent", "missing", "share"]
    return _marked(pd.concat(parts, ignore_index=True)[columns], panel)


def _gaps(values: pd.Series, keys: list[pd.Series], rows: pd.Series, units: pd.Series) -> pd.DataFrame:
    """Missing values of one variable by arm and period."""
    empty = values.isna() | values.eq("").fillna(False).astype(bool)
    found = pd.DataFrame({"missing": empty.groupby(keys).sum().reindex(rows.index, fill_value=0)})
    found["units"] = rows.index.get_level_values("arm").map(units)
    found["absent"] = found["units"] - rows
    found["share"] = (found["absent"] + found["missing"]) / found["units"]
    return found.reset_index()


def _prepared(panel: pd.DataFrame, numeric: Sequence[str], *, arm: str | None, period: str) -> pd.DataFrame:
    """Numeric columns as floats, with arm and period beside them."""
    _require_columns(panel, [*numeric, period, *([arm] if arm else [])])
    for name in numeric:
        if not (pd.api.types.is_numeric_dtype(panel[name]) or _is_truth(panel[name])):
            raise DataError(
                f"variable {name!r} must be numeric, got {panel[name].dtype}; pass it among categories, or "
                "turn it into numbers."
            )
    for name in [period, *([arm] if arm else [])]:
        if panel[name].isna().any():
            raise DataError(
                f"column {name!r} must be complete, it lacks {panel[name].isna().sum()} values; fill them."
            )
    frame = panel[list(dict.fromkeys(numeric))].astype("Float64").astype(float)
    return frame.assign(_arm=panel[arm] if arm else ALL, _period=panel[period])


def _rows_at(frame: pd.DataFrame, at: Sequence[Any] | None, period: str) -> pd.DataFrame:
    if at is None:
        return frame
    unknown = [value for value in at if value not in set(frame["_period"])]
    if unknown or isinstance(at, str):
        raise DataError(
            f"at must list values of {period!r}, {sorted(set(frame['_period']))}, got {at!r}; "
            "pass a list of those."
        )
    return frame[frame["_period"].isin(list(at))]


def _require_columns(panel: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in panel.columns]
    if missing:
        raise DataError(f"the panel lacks the columns {missing}; it has {list(panel.columns)}.")


def _require_constant(panel: pd.DataFrame, names: Sequence[str], unit: str) -> None:
    for name in names:
        codes = pd.Series(pd.factorize(panel[name])[0]).groupby(panel[unit].to_numpy())
        varies = codes.min() != codes.max()
        if varies.any():
            raise DesignError(
                f"{name!r} must be constant within a unit, it varies in {varies[varies].index[0]}; "
                "make a column of the value before the reform, or of whether the unit is ever treated."
            )


def _is_truth(values: pd.Series) -> bool:
    return bool(pd.api.types.is_bool_dtype(values))


def _marked(found: pd.DataFrame, source: pd.DataFrame, **more: Any) -> pd.DataFrame:
    """The result with the mark of synthetic data handed on."""
    found.attrs = {"synthetic": is_synthetic(source), **more}
    return found
