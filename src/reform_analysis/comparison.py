"""The sample of a comparison: whose rows may stand for what would have been, and what was left out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis.estimates import DataError, DesignError, UntestableError
from reform_analysis.measures import as_numbers, need_columns, need_constant, need_filled
from reform_analysis.periods import period_index
from reform_analysis.reliability import FEW_CLUSTERS, FEW_TREATED, require_clusters
from reform_analysis.synthetic_mark import is_synthetic
from reform_analysis.wald import SYNTHETIC

ARMS = ("pilot", "other")


@dataclass(frozen=True, eq=False)
class Comparison:
    """Rows of a comparison and what was left out of it.

    Parameters
    ----------
    frame : DataFrame
        One row a unit and period, all columns of the caller's frame, outcome and exposure as floats. Rows
        are numbered as in the caller's frame, whose own labels may stand twice.
    unit, period, outcome : str
        Columns of `frame`.
    exposure, cluster : str or None
        Columns of `frame`; cluster None takes the unit.
    pilot : Series of bool
        Whether the row's unit is treated in some period; index of `frame`.
    time : Series of int
        `periods.period_index` of the row's period; index of `frame`.
    treated : Series of bool
        Whether the row's period is under treatment; False throughout where the comparison does not ask.
        Index of `frame`.
    dropped : tuple of (str, str, int)
        Arm, reason and number of rows.
    notes : tuple of str
    synthetic : bool
    """

    frame: pd.DataFrame
    unit: str
    period: str
    outcome: str
    exposure: str | None
    cluster: str | None
    pilot: pd.Series
    time: pd.Series
    treated: pd.Series
    dropped: tuple[tuple[str, str, int], ...] = ()
    notes: tuple[str, ...] = ()
    synthetic: bool = False

    @property
    def dropped_frame(self) -> pd.DataFrame:
        """What was left out.

        Returns
        -------
        DataFrame
            Columns ``arm, reason, n``; n counts rows.
        """
        return pd.DataFrame(self.dropped, columns=["arm", "reason", "n"])

    @property
    def clusters(self) -> pd.Series:
        """The cluster of each row.

        Returns
        -------
        Series
            Index of `frame`.
        """
        return self.frame[self.cluster or self.unit]

    def noted(self, *notes: str) -> "Comparison":
        """Return the comparison with notes added.

        Parameters
        ----------
        *notes : str

        Returns
        -------
        Comparison
        """
        return replace(self, notes=(*self.notes, *notes))

    def only(self, keep: pd.Series | np.ndarray, reason: str) -> "Comparison":
        """Return the comparison with the rows marked True; the others are counted by arm.

        Parameters
        ----------
        keep : Series or ndarray of bool
            In the order of `frame`.
        reason : str
            The number of units is added to it.

        Returns
        -------
        Comparison
        """
        kept = np.asarray(keep, dtype=bool)
        out = self.frame.loc[~kept, self.unit].groupby(self.pilot[~kept].map(_ARM_OF).rename("arm"))
        counted = pd.DataFrame({"n": out.size(), "units": out.nunique()}).reindex(list(ARMS)).dropna()
        rows = [
            (str(row.Index), f"{reason} ({row.units:.0f} units)", int(row.n)) for row in counted.itertuples()
        ]
        return replace(
            self,
            frame=self.frame[kept],
            pilot=self.pilot[kept],
            time=self.time[kept],
            treated=self.treated[kept],
            dropped=(*self.dropped, *rows),
        )


_ARM_OF = {True: "pilot", False: "other"}


def comparison(
    df: pd.DataFrame,
    *,
    outcome: str,
    unit: str,
    period: str,
    pilot: pd.Series,
    treated: pd.Series | None = None,
    exposure: str | None = None,
    cluster: str | None = None,
    columns: Iterable[str] = (),
    last_clean_period: Any = None,
    other_pilot: str | None = None,
    pooled: bool = False,
    both_arms: bool = True,
) -> Comparison:
    """Return the rows that a comparison may use.

    Left out, in this order and by arm: periods after `last_clean_period`, controls flagged in
    `other_pilot`, rows with a missing value, rows without exposure.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    outcome, unit, period : str
        Columns.
    pilot : Series of bool
        Whether the row's unit is treated in some period; in the order of `df`.
    treated : Series of bool, optional
        Whether the row's period is under treatment; in the order of `df`.
    exposure, cluster : str, optional
        Columns.
    columns : iterable of str
        Further columns whose values must be known.
    last_clean_period : str or int, optional
        The last period in which the controls were not reformed themselves.
    other_pilot : str, optional
        Column of bool or 0/1: the unit belongs to another reform. A unit flagged in any period is left
        out if it is a control; a pilot that is flagged stays, and the notes count it.
    pooled : bool
        Whether exposures are added up: a row with neither events nor exposure then stays.
    both_arms : bool
        Whether there must be units that are never treated.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        If a column is missing, a unit lacks its cluster, the outcome is negative, a unit has two rows for a
        period, or a flag is no bool.
    DesignError
        If `last_clean_period` is before the first period, or a single cluster is left.
    UntestableError
        If no pilot or no control is left.
    """
    if not isinstance(df, pd.DataFrame) or not df.columns.is_unique:
        raise DataError("df must be a DataFrame that names each column once; pass one row a unit and period.")
    df = df.reset_index(drop=True)
    numeric = [outcome, *([exposure] if exposure else [])]
    if cluster:
        need_columns(df, [cluster, unit])
        need_constant(df, cluster, unit=unit)
    named = [*numeric, unit, period, *([cluster] if cluster else []), *columns]
    need_columns(df, [*named, *([other_pilot] if other_pilot else [])])
    _require_rows(df, unit, period)
    numbers = as_numbers(df, numeric)
    _require_not_negative(numbers)
    sample = Comparison(
        frame=df.assign(**{name: numbers[name] for name in numeric}),
        unit=unit,
        period=period,
        outcome=outcome,
        exposure=exposure,
        cluster=cluster,
        pilot=pilot.astype(bool).reset_index(drop=True),
        time=period_index(df[period]),
        treated=pd.Series(False if treated is None else treated.to_numpy(bool), index=df.index),
        synthetic=is_synthetic(df),
        notes=(SYNTHETIC,) if is_synthetic(df) else (),
    )
    sample = without_reformed(sample, last_clean_period=last_clean_period, other_pilot=other_pilot)
    known = sample.frame[[name for name in named if name != cluster]].notna().all(axis=1)
    if cluster:
        need_filled(sample.frame[known], cluster, unit=unit)
    sample = sample.only(known, "missing value")
    if exposure:
        empty = pooled & (sample.frame[outcome] == 0)
        sample = sample.only(empty | (sample.frame[exposure] > 0), f"no {exposure}")
    if cluster and len(sample.frame):
        require_clusters(sample.clusters.nunique())
    return require_arms(sample) if both_arms else sample


def without_reformed(sample: Comparison, *, last_clean_period: Any, other_pilot: str | None) -> Comparison:
    """Return the sample without periods and controls that were reformed elsewhere.

    Parameters
    ----------
    sample : Comparison
    last_clean_period : str, int or None
    other_pilot : str or None

    Returns
    -------
    Comparison
        What was left out is counted in `dropped` and said in `notes`.

    Raises
    ------
    DataError
        If a flag is no bool.
    DesignError
        If `last_clean_period` is before the first period.
    """
    return _without_other_pilots(_clean(sample, last_clean_period), other_pilot)


def require_arms(sample: Comparison) -> Comparison:
    """Return the sample, or say that an arm is empty.

    Parameters
    ----------
    sample : Comparison

    Returns
    -------
    Comparison

    Raises
    ------
    UntestableError
        If no pilot or no control is left.
    """
    for arm, there in zip(ARMS, (sample.pilot.any(), (~sample.pilot).any()), strict=True):
        if not there:
            raise UntestableError(
                f"the comparison must have rows of both arms, got none of {arm!r}; left out were "
                f"{sample.dropped_frame.to_dict('records')}: choose other periods or controls."
            )
    return sample


def flags(df: pd.DataFrame, column: str, *, unit: str) -> pd.Series:
    """Return a column of bool or 0/1 that is constant within units, as bool.

    Parameters
    ----------
    df : DataFrame
    column, unit : str

    Returns
    -------
    Series of bool
        Index of `df`.

    Raises
    ------
    DataError
        If the column is missing, holds anything else, or varies within a unit.
    """
    need_columns(df, [column, unit])
    need_constant(df, column, unit=unit)
    return _bool(df, column)


def few_clusters(sample: Comparison) -> list[str]:
    """Return what makes inference by cluster doubtful, in words.

    Parameters
    ----------
    sample : Comparison

    Returns
    -------
    list of str
        Fewer than 30 clusters; fewer than 6 with pilots. The bounds are those of `reliability`.
    """
    clusters, treated = sample.clusters.nunique(), sample.clusters[sample.pilot].nunique()
    found = []
    if clusters < FEW_CLUSTERS:
        found.append(f"few clusters: {clusters}, fewer than {FEW_CLUSTERS}; the level is not assured")
    if treated < FEW_TREATED:
        found.append(
            f"few clusters with pilots: {treated}, fewer than {FEW_TREATED}; no interval is reliable"
        )
    return found


def listed(name: str, periods: Any) -> list[Any]:
    """Return one period or a sequence of periods as a list.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    periods : str, int or sequence of them

    Returns
    -------
    list

    Raises
    ------
    DesignError
        If it is empty or names a period twice.
    """
    several = isinstance(periods, Sequence) and not isinstance(periods, str)
    found = list(periods) if several else [periods]
    if not found or len(set(found)) < len(found):
        raise DesignError(f"{name} must name at least one period, each once, got {periods!r}; list them.")
    return found


def _bool(df: pd.DataFrame, column: str) -> pd.Series:
    values = df[column]
    if values.isna().any() or not values.isin([0, 1, True, False]).all():
        wrong = values[~values.isin([0, 1, True, False])].iloc[0]
        raise DataError(f"column {column!r} must hold True/False or 1/0, got {wrong!r}; code it so.")
    return values.astype(bool)


def _require_rows(df: pd.DataFrame, unit: str, period: str) -> None:
    twice = df.duplicated([unit, period])
    if twice.any():
        row = df.loc[twice, [unit, period]].iloc[0].tolist()
        raise DataError(f"df must have one row a unit and period, got two for {row}; aggregate it first.")


def _require_not_negative(numbers: pd.DataFrame) -> None:
    for name, values in numbers.items():
        if (values < 0).any() or np.isinf(values).any():
            raise DataError(
                f"{name!r} must hold finite numbers of 0 or more, got {values.min()}; correct it."
            )


def _clean(sample: Comparison, last: Any) -> Comparison:
    if last is None:
        return sample
    number = int(period_index(pd.Series([last])).iloc[0])
    if number < sample.time.min():
        raise DesignError(
            f"last_clean_period must not be before the first period, got {last!r}; the first is "
            f"{sample.frame[sample.period].loc[sample.time.idxmin()]!r}."
        )
    kept = sample.only(sample.time <= number, f"after last_clean_period {last}")
    left_out = list(dict.fromkeys(sample.frame.loc[sample.time > number, sample.period]))
    if not left_out:
        return kept
    return kept.noted(f"Periods after {last} are left out, controls were reformed in them: {left_out}.")


def _without_other_pilots(sample: Comparison, column: str | None) -> Comparison:
    if column is None:
        return sample
    unit = sample.frame[sample.unit]
    flagged = _bool(sample.frame, column).groupby(unit).transform("any")
    kept = sample.only(sample.pilot | ~flagged, f"control in {column}")
    both, out = unit[flagged & sample.pilot].nunique(), unit[flagged & ~sample.pilot].nunique()
    return kept.noted(
        f"Controls flagged in {column!r} are left out: {out}; pilots flagged there stay: {both}."
    )
