"""Counts of a staggered adoption as arrays: which cells are treated, which say what would have been."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reform_analysis.comparison import Comparison
from reform_analysis.estimates import DesignError, UntestableError, require_choice
from reform_analysis.measures import need_columns
from reform_analysis.periods import period_index
from reform_analysis.treatment import Coding, treated_fraction
from reform_analysis.two_way_rates import Floats
from reform_analysis.unit_periods import tabulate

Controls = Literal["not_yet_treated", "never_treated"]
Groups = Literal["cohort", "unit"]
Aggregate = Literal["simple", "event", "cohort", "calendar"]

_ALWAYS = "treated in every period observed: no counterfactual"
_ADOPTS_LATER = (
    "adopts after the last period used: never treated in the data, yet not a never-treated control"
)


@dataclass(frozen=True, eq=False)
class Cells:
    """Units x periods.

    Parameters
    ----------
    counts, exposure : ndarray, shape (units, periods)
        0 where a unit has no row.
    untreated, treated : ndarray of bool, shape (units, periods)
        Both False where a unit has no row.
    start : ndarray, shape (units,)
        First treated period (`periods.period_index`), inf if none.
    time : ndarray of int, shape (periods,)
    label : list of str
        The periods as they are written, in order.
    group, cluster : ndarray of int, shape (units,)
        Whose level a unit shares, and with whom it varies.
    """

    counts: Floats
    exposure: Floats
    untreated: NDArray[np.bool_]
    treated: NDArray[np.bool_]
    start: Floats
    time: NDArray[np.int64]
    label: list[str]
    group: NDArray[np.intp]
    cluster: NDArray[np.intp]

    @property
    def cohorts(self) -> Floats:
        """First treated periods that occur.

        Returns
        -------
        ndarray
            In order, without inf.
        """
        found: Floats = np.unique(self.start[np.isfinite(self.start)])
        return found

    def terms(self, by: Aggregate) -> tuple[list[str], NDArray[np.intp]]:
        """Return the terms of an aggregate and which one each treated cell belongs to.

        Parameters
        ----------
        by : {"simple", "event", "cohort", "calendar"}

        Returns
        -------
        names : list of str
            ``att``; ``event_0``, ...; ``cohort_2021``, ...; ``period_2021``, ...
        of : ndarray of int, shape (units, periods)
            Position in `names`; -1 for a cell that is not treated.
        """
        start = np.where(np.isfinite(self.start), self.start, 0)[:, None]
        keys: dict[str, Any] = {
            "simple": np.zeros_like(self.counts),
            "event": self.time - start,
            "cohort": np.broadcast_to(start, self.counts.shape),
            "calendar": np.broadcast_to(self.time, self.counts.shape),
        }
        values, codes = np.unique(keys[by][self.treated], return_inverse=True)
        of = np.full(self.counts.shape, -1, dtype=np.intp)
        of[self.treated] = codes
        written = dict(zip(self.time.tolist(), self.label, strict=True))
        prefix = {"simple": "att", "event": "event_", "cohort": "cohort_", "calendar": "period_"}[by]
        names = {"simple": lambda _: "", "event": lambda value: str(int(value))}
        name = names.get(by, lambda value: written.get(int(value), str(int(value))))
        return [prefix + name(value) for value in values], of


def adoption(df: pd.DataFrame, *, period: str, adopted: str, coding: Coding = "binary") -> pd.DataFrame:
    """Return from which period on each row's unit is treated, and whether the row is.

    Parameters
    ----------
    df : DataFrame
    period : str
        Column of periods.
    adopted : str
        Column of dates like 2021-05 (empty if never), or, with whole-number periods, of the first treated
        period (missing if never).
    coding : {"binary", "drop"}
        "binary": a period treated in part counts as treated. "drop": it is missing.

    Returns
    -------
    DataFrame
        Index of `df`; ``start`` (float: the first treated period as `periods.period_index` counts, inf if
        none in the data) and ``treated`` (float: 1, 0, or NaN for a period treated in part under "drop").

    Raises
    ------
    DataError
        If a column is missing, or a value is no date or period.
    DesignError
        If `coding` is "fraction": see `did.partial_treatment`.
    """
    require_choice("coding", coding, get_args(Coding))
    if coding == "fraction":
        raise DesignError(
            "coding must be 'binary' or 'drop' here, got 'fraction'; use did.partial_treatment for shares."
        )
    need_columns(df, [period, adopted])
    time = period_index(df[period])
    if pd.api.types.is_numeric_dtype(df[adopted]) and pd.api.types.is_numeric_dtype(df[period]):
        start = df[adopted].astype(float).fillna(np.inf)
        return pd.DataFrame({"start": start, "treated": (time >= start).astype(float)})
    dates: dict[str, Any] = {"period": period, "adopted": adopted}
    binary = treated_fraction(df, coding="binary", **dates)
    dated = pd.DataFrame({"adopted": df[adopted].astype(str), "time": time, "treated": binary})
    first = dated[dated["treated"] > 0].groupby("adopted")["time"].min()
    start = dated["adopted"].map(first).astype(float).fillna(np.inf)
    treated = binary if coding == "binary" else treated_fraction(df, coding="drop", **dates)
    return pd.DataFrame({"start": start, "treated": treated})


def adopts_in(sample: Comparison, start: pd.Series) -> pd.Series:
    """Return whether each row's unit adopts in the periods used, whether or not it has rows from then on.

    Parameters
    ----------
    sample : Comparison
    start : Series
        First treated period of a row's unit, inf if none; has the rows of `sample.frame`.

    Returns
    -------
    Series of bool
        Index of `sample.frame`.
    """
    return start.loc[sample.frame.index] <= sample.time.max()


def staggered_sample(sample: Comparison, start: pd.Series, *, controls: Controls) -> Comparison:
    """Leave out what has no counterfactual.

    Parameters
    ----------
    sample : Comparison
        Of `comparison.comparison`, given what is treated.
    start : Series
        First treated period of a row's unit, inf if none; has the rows of `sample.frame`.
    controls : {"not_yet_treated", "never_treated"}

    Returns
    -------
    Comparison
        Without units treated throughout, without units that adopt after the last period used (for
        "never_treated"; they are controls otherwise), and without treated cells of periods in which no
        control is untreated.

    Raises
    ------
    UntestableError
        If no period has both treated and untreated units.
    """
    unit = sample.frame[sample.unit]
    treated = sample.treated
    sample = sample.only(~treated.groupby(unit).transform("all"), _ALWAYS)
    if controls == "never_treated":
        ever = adopts_in(sample, start)
        late = ~ever & np.isfinite(start.loc[sample.frame.index])
        sample = sample.only(~late, _ADOPTS_LATER)
        source = ~ever.loc[sample.frame.index]
    else:
        source = ~sample.treated
    there = source.groupby(sample.time).transform("any")
    sample = sample.only(there, f"no {controls.replace('_', '-')} unit in the period")
    return _require_treated(sample)


def _require_treated(sample: Comparison) -> Comparison:
    if not sample.treated.any():
        raise UntestableError(
            f"some period must have both treated and untreated units, got none; left out were "
            f"{sample.dropped_frame.to_dict('records')}: choose a later last_clean_period or other controls."
        )
    return sample


def cells_of(sample: Comparison, start: pd.Series, *, groups: Groups) -> Cells:
    """Return the rows as units x periods.

    Parameters
    ----------
    sample : Comparison
        As `staggered_sample` returns it.
    start : Series
        First treated period, inf if none; has the rows of `sample.frame`.
    groups : {"cohort", "unit"}
        Whether units share the level of their cohort or have one each.

    Returns
    -------
    Cells
    """
    table = tabulate(sample)
    treated = table.spread(sample.treated.to_numpy()) > 0
    adopts = adopts_in(sample, start).to_numpy()[table.first]
    first = np.where(adopts, start.loc[sample.frame.index].to_numpy()[table.first], np.inf)
    group = np.unique(first, return_inverse=True)[1] if groups == "cohort" else np.arange(len(first))
    labels = sample.frame[sample.period].astype(str).groupby(sample.time).first()
    return Cells(
        counts=table.counts,
        exposure=table.exposure,
        untreated=(table.spread(1.0) > 0) & ~treated,
        treated=treated,
        start=first,
        time=table.time,
        label=labels.sort_index().tolist(),
        group=np.asarray(group, dtype=np.intp),
        cluster=table.cluster,
    )
