"""Rates of a panel's counts, and which of them may meet in one test."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis.estimates import DataError, DesignError
from reform_analysis.rate_counts import RATES, Rate

_SUFFIXES = re.compile(r"_(?:difference|log_ratio|pre|post|earlier(?:_[0-9][0-9A-Z]*)?)$")


def add_measures(panel: pd.DataFrame, *, measures: Mapping[str, Rate] | None = None) -> pd.DataFrame:
    """Return the panel with rates computed from its counts.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and period.
    measures : mapping of str to Rate, optional
        Name of the new column to its counts. By default those of `RATES` whose counts the panel has:
        loss_rate, correction_rate and devolution_share (shares), opinions_per_review, reviews_per_1000
        (reviews per 1,000 residents).

    Returns
    -------
    DataFrame
        A copy with one float column a measure. A rate over 0 is missing, 0/0 included, and so is one of a
        missing count; a printed rate the panel already has stands where the counts do not give one.

    Raises
    ------
    DataError
        If a measure that was asked for needs a column the panel lacks, or the panel has a column twice.

    Examples
    --------
    >>> frame = pd.DataFrame({"losses": [7, 0], "lawsuits_concluded": [140, 0]})
    >>> add_measures(frame)["loss_rate"].tolist()
    [0.05, nan]
    """
    require_unique_columns(panel)
    chosen = computable_rates(panel) if measures is None else dict(measures)
    need_columns(
        panel, [column for rate in chosen.values() for column in (rate.numerator, *rate.denominator)]
    )
    with_rates = panel.copy()
    for name, rate in chosen.items():
        computed = rate_of(as_numbers(panel, [rate.numerator, *rate.denominator]), rate)
        with_rates[name] = computed.fillna(as_numbers(panel, [name])[name]) if name in panel else computed
    return with_rates


def computable_rates(panel: pd.DataFrame) -> dict[str, Rate]:
    """Return the rates of `RATES` whose counts the panel has.

    Parameters
    ----------
    panel : DataFrame

    Returns
    -------
    dict of str to Rate
    """
    have = set(panel.columns)
    return {name: rate for name, rate in RATES.items() if {rate.numerator, *rate.denominator} <= have}


def rate_of(numbers: pd.DataFrame, rate: Rate) -> pd.Series:
    """Return a rate of counts; over 0 it is missing.

    Parameters
    ----------
    numbers : DataFrame of float
        Has the rate's columns.
    rate : Rate

    Returns
    -------
    Series of float
    """
    below = numbers[list(rate.denominator)].sum(axis=1, skipna=False)
    return rate.scale * numbers[rate.numerator] / below.where(below > 0)


def as_numbers(panel: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Return columns as plain floats, missing as NaN.

    Parameters
    ----------
    panel : DataFrame
    columns : iterable of str

    Returns
    -------
    DataFrame of float
        Same index, each column once.

    Raises
    ------
    DataError
        If a column holds no numbers.
    """
    names = list(dict.fromkeys(columns))
    wrong = [name for name in names if not pd.api.types.is_numeric_dtype(panel[name])]
    if wrong:
        raise DataError(f"columns {wrong} must be numbers; read the file with read_panel, or convert them.")
    arrays = {name: panel[name].to_numpy(dtype=float, na_value=np.nan) for name in names}
    return pd.DataFrame(arrays, index=panel.index)


def need_columns(panel: pd.DataFrame, columns: Iterable[str]) -> None:
    """Raise unless the panel has the columns.

    Parameters
    ----------
    panel : DataFrame
    columns : iterable of str

    Raises
    ------
    DataError
        Naming those it lacks, or a name that is no string.
    """
    named = list(columns)
    require_names(named)
    missing = sorted(set(named) - set(panel.columns))
    if missing:
        raise DataError(f"panel lacks the columns {missing}; it has {list(panel.columns)}: name its own.")


def require_once(argument: str, names: list[str]) -> None:
    """Raise if a list names something twice.

    Parameters
    ----------
    argument : str
        What the list is called.
    names : list of str

    Raises
    ------
    DesignError
        Naming what is repeated.
    """
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DesignError(
            f"{argument} must name each column once, got {repeated} several times; list it once."
        )


def require_unique_columns(
    frame: pd.DataFrame, *, name: str = "panel", way_out: str = "keep one of each"
) -> None:
    """Raise if two columns bear one name.

    Parameters
    ----------
    frame : DataFrame
    name, way_out : str
        Of the frame, and what to do; for the message.

    Raises
    ------
    DataError
        Naming the columns.
    """
    repeated = frame.columns[frame.columns.duplicated()].unique().tolist()
    if repeated:
        raise DataError(f"{name} has the columns {repeated} more than once; {way_out}.")


def require_names(columns: Iterable[object]) -> None:
    """Raise unless the names of columns are strings.

    Parameters
    ----------
    columns : iterable

    Raises
    ------
    DataError
        Naming the first that is none.
    """
    for name in columns:
        if not isinstance(name, str):
            raise DataError(
                f"names of columns must be strings, got {name!r}; rename them, as by df.rename(columns=str)."
            )


def need_constant(panel: pd.DataFrame, column: str, *, unit: str) -> None:
    """Raise unless a column is constant within each unit.

    Parameters
    ----------
    panel : DataFrame
    column, unit : str

    Raises
    ------
    DataError
        Naming a unit in which it varies.
    """
    varying = _varying(panel, column, unit)
    if varying:
        raise DataError(
            f"column {column!r} must be constant within a unit, it varies in {varying[0]!r}; "
            "correct it, or name another column."
        )


def need_filled(panel: pd.DataFrame, column: str, *, unit: str) -> None:
    """Raise unless a column that groups units has a value in every row.

    Parameters
    ----------
    panel : DataFrame
    column, unit : str

    Raises
    ------
    DataError
        Naming units without one: rows without a cluster are neither left out nor a cluster of their own.
    """
    empty = panel.loc[panel[column].isna(), unit].unique()
    if len(empty):
        named = ", ".join(repr(name) for name in empty[:3])
        raise DataError(
            f"column {column!r} must have no missing value, as it groups units; {len(empty)} units have "
            f"none: {named}{' and others' if len(empty) > 3 else ''}; fill it, or name another one."
        )


def is_constant(panel: pd.DataFrame, column: str, *, unit: str) -> bool:
    """Return whether a column is constant within each unit.

    Parameters
    ----------
    panel : DataFrame
    column, unit : str

    Returns
    -------
    bool
    """
    return not _varying(panel, column, unit)


def _varying(panel: pd.DataFrame, column: str, unit: str) -> list[Any]:
    """The units in which a column varies; missing is a value like any other."""
    if column == unit:
        return []
    pairs = panel[[unit, column]].drop_duplicates()
    return list(pairs.loc[pairs[unit].duplicated(), unit])


def require_flags(panel: pd.DataFrame, *columns: str) -> None:
    """Raise unless columns say yes or no as True and False or 1 and 0: a text "0" would count as yes.

    Parameters
    ----------
    panel : DataFrame
    *columns : str
        Missing values pass.

    Raises
    ------
    DataError
        Naming the column and a value.
    """
    need_columns(panel, columns)
    for column in columns:
        known = panel[column].dropna()
        wrong = known[~known.isin([0, 1, True, False])]
        if len(wrong):
            raise DataError(
                f"column {column!r} must hold True/False or 1/0, got {wrong.iloc[0]!r}; code it so."
            )


def require_separate_denominators(
    measures: Iterable[str],
    *,
    outcome: str,
    exposure: str | None = None,
    rates: Mapping[str, Rate] = RATES,
) -> None:
    """Raise if a measure is made of what the outcome is divided by, or of the outcome itself.

    Two ratios over one denominator are correlated whatever the numerators do, because the denominator's own
    noise moves both. This goes by names; `shared_denominators` goes by values, for frames that
    have lost them.

    Parameters
    ----------
    measures : iterable of str
        Names of counts or rates, with or without the endings of `changes` (``_difference``, ...).
    outcome : str
        Count or rate.
    exposure : str, optional
        Count the outcome is divided by.
    rates : mapping of str to Rate
        What rates are made of; `changes` keeps those it was given in ``attrs["rates"]``.

    Raises
    ------
    DesignError
        Naming the measure and what it shares.

    References
    ----------
    Pearson (1897), Proceedings of the Royal Society 60, 489-498 (spurious correlation of indices).
    """
    base = _SUFFIXES.sub("", outcome)
    against = {base, *(rates[base].denominator if base in rates else ())}
    against |= {exposure} if exposure else set()
    for measure in measures:
        name = _SUFFIXES.sub("", measure)
        rate = rates.get(name)
        shared = sorted(({name} if rate is None else {name, rate.numerator, *rate.denominator}) & against)
        if shared:
            raise DesignError(
                f"measure {measure!r} shares {shared} with the outcome {outcome!r}"
                + (f" per {exposure!r}" if exposure else "")
                + "; what they share moves both: choose another measure or another exposure."
            )


def known_rates(frame: pd.DataFrame) -> dict[str, Rate]:
    """Return what the rates in a frame of changes are made of.

    Parameters
    ----------
    frame : DataFrame
        As `changes` returns it; for any other frame `RATES`.

    Returns
    -------
    dict of str to Rate
    """
    kept = frame.attrs.get("rates")
    if kept is None:
        return dict(RATES)
    return {name: Rate(of["numerator"], tuple(of["denominator"]), of["scale"]) for name, of in kept.items()}
