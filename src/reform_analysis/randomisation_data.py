"""From a panel to the arrays a randomisation test works on; what carries no information is counted by arm."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis.assignments import Assignment
from reform_analysis.comparison import Comparison, without_reformed
from reform_analysis.estimates import DataError, DesignError, UntestableError
from reform_analysis.measures import as_numbers, need_columns, need_constant, need_filled
from reform_analysis.periods import period_index
from reform_analysis.permutation import Floats, Integers
from reform_analysis.reliability import require_clusters
from reform_analysis.score_draws import Layout
from reform_analysis.synthetic_mark import is_synthetic
from reform_analysis.treatment import treated_fraction


@dataclass(frozen=True, eq=False)
class Columns:
    """Names of the columns, as `randomise.randomisation_test` takes them."""

    outcome: str
    exposure: str | None
    unit: str
    period: str
    treatment: str | None
    adopted: str | None
    cluster: str | None
    strata: tuple[str, ...]
    last_clean_period: Any = None
    other_pilot: str | None = None

    def all(self) -> list[str]:
        """Names of those given.

        Returns
        -------
        list of str
        """
        single = [self.outcome, self.unit, self.period]
        optional = [self.exposure, self.treatment, self.adopted, self.cluster, self.other_pilot]
        return [*single, *(name for name in optional if name is not None), *self.strata]


@dataclass(frozen=True, eq=False)
class Sample:
    """A panel as arrays.

    Parameters
    ----------
    counts, exposure : ndarray, shape (units, periods)
        Both 0 where there is no row to use.
    layout : Layout
    assignment : Assignment
    n_obs : int
        Rows used.
    n_clusters : int or None
    dropped : DataFrame
        Columns ``arm, reason, n``.
    synthetic : bool
    fixed : int
        Points in strata in which all have the same history.
    notes : tuple of str
        What was left out as reformed elsewhere.
    """

    counts: Floats
    exposure: Floats
    layout: Layout
    assignment: Assignment
    n_obs: int
    n_clusters: int | None
    dropped: pd.DataFrame
    synthetic: bool
    fixed: int
    notes: tuple[str, ...] = ()

    @property
    def by_cluster(self) -> bool:
        """Whether clusters change places, not units.

        Returns
        -------
        bool
        """
        return not np.array_equal(self.layout.point, np.arange(len(self.layout.point)))

    @property
    def treated_points(self) -> int:
        """Points with another history than the base.

        Returns
        -------
        int
        """
        return int((self.assignment.history > 0).sum())


def sample(df: pd.DataFrame, names: Columns) -> Sample:
    """Check the panel and lay it out.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    names : Columns

    Returns
    -------
    Sample
        Units in order of their cluster and name.

    Raises
    ------
    DataError
        If a column is missing or breaks its rule.
    DesignError
        If the columns do not make a design.
    UntestableError
        If no other assignment is possible, or nothing was counted that could differ.
    """
    _check(df, names)
    df = df.reset_index(drop=True)
    values = _values(df, names)
    clean = _clean(df, values, names)
    df, values = clean.frame, values.loc[clean.frame.index]
    units, periods = (pd.factorize(df[name], sort=True) for name in (names.unit, names.period))
    order = pd.DataFrame({"unit": units[0]}).drop_duplicates().sort_values("unit").index
    first = df.iloc[order]
    shape = len(units[1]), len(periods[1])
    counts, exposure, share = (_grid(values[name], units[0], periods[0], shape) for name in values)
    used = np.isfinite(counts) & (exposure > 0)
    histories, unit_history = _histories(share, units[1])
    point, group, n_clusters = _points(first, names, unit_history)
    layout = Layout(point, group, histories, unit_history)
    assignment = Assignment(_stratum(first, names, point), _by_point(unit_history, point))
    counts, exposure = np.where(used, counts, 0), np.where(used, exposure, 0)
    _require_testable(assignment, counts, layout, names)
    dropped = _dropped(values, units[0], used, counts, layout)
    return Sample(
        counts=counts,
        exposure=exposure,
        layout=layout,
        assignment=assignment,
        n_obs=int(used.sum()),
        n_clusters=n_clusters,
        dropped=pd.concat([clean.dropped_frame, dropped], ignore_index=True) if clean.dropped else dropped,
        synthetic=is_synthetic(df),
        fixed=_fixed(assignment),
        notes=clean.notes,
    )


def _clean(df: pd.DataFrame, values: pd.DataFrame, names: Columns) -> Comparison:
    """Rows whose controls were not reformed elsewhere."""
    treated = values["share"] > 0
    everyone = Comparison(
        frame=df,
        unit=names.unit,
        period=names.period,
        outcome=names.outcome,
        exposure=names.exposure,
        cluster=names.cluster,
        pilot=treated.groupby(df[names.unit]).transform("any"),
        time=treated.astype(int) if names.last_clean_period is None else period_index(df[names.period]),
        treated=treated,
    )
    return without_reformed(
        everyone, last_clean_period=names.last_clean_period, other_pilot=names.other_pilot
    )


def _check(df: pd.DataFrame, names: Columns) -> None:
    if (names.treatment is None) == (names.adopted is None):
        raise DesignError(
            f"one of treatment and adopted must be given, got {names.treatment!r} and {names.adopted!r}; "
            "name the column of the share under treatment or that of the date of adoption."
        )
    need_columns(df, names.all())
    if df.empty:
        raise DataError("df must have rows, got none; pass one row a unit and period.")
    keys = df[[names.unit, names.period]]
    if keys.isna().any(axis=None) or keys.duplicated().any():
        raise DataError(
            f"a unit and period must be known and stand only once in {names.unit!r} and {names.period!r}, "
            f"{int(keys.duplicated().sum() + keys.isna().any(axis=1).sum())} rows break this; mend them."
        )
    carried = [name for name in (names.adopted, names.cluster, *names.strata) if name is not None]
    for name in carried:
        need_constant(df, name, unit=names.unit)
        if name != names.adopted:
            need_filled(df, name, unit=names.unit)


def _values(df: pd.DataFrame, names: Columns) -> pd.DataFrame:
    """Counts, exposures and shares under treatment, row by row."""
    numbers = as_numbers(df, [names.outcome, *([names.exposure] if names.exposure else [])])
    counts = numbers[names.outcome]
    wrong = counts.notna() & ((counts < 0) | (counts % 1 != 0))
    if wrong.any():
        raise DataError(
            f"column {names.outcome!r} must hold whole counts of 0 or more, got "
            f"{counts[wrong].iloc[0]:g}; name a column of counts."
        )
    exposure = numbers[names.exposure] if names.exposure else pd.Series(1.0, index=df.index)
    if (exposure < 0).any() or np.isinf(exposure).any():
        raise DataError(f"column {names.exposure!r} must hold finite denominators of 0 or more; correct it.")
    return pd.DataFrame({"counts": counts, "exposure": exposure, "share": _share(df, names)})


def _share(df: pd.DataFrame, names: Columns) -> pd.Series:
    if names.adopted is not None:
        return treated_fraction(df, period=names.period, adopted=names.adopted)
    assert names.treatment is not None
    share = as_numbers(df, [names.treatment])[names.treatment]
    if not share.dropna().between(0, 1).all():
        raise DataError(
            f"column {names.treatment!r} must lie between 0 and 1, got {share.min():g} to {share.max():g}; "
            "name the share of the period under treatment."
        )
    return share


def _grid(values: pd.Series, unit: Integers, period: Integers, shape: tuple[int, int]) -> Floats:
    grid = np.full(shape, np.nan)
    grid[unit, period] = values.to_numpy()
    return grid


def _histories(share: Floats, units: pd.Index) -> tuple[Floats, Integers]:
    """Different histories, the base one first, and each unit's."""
    frame = pd.DataFrame(share)
    forward, back = frame.ffill(axis=1).bfill(axis=1), frame.bfill(axis=1).ffill(axis=1)
    unclear = (forward != back).any(axis=1).to_numpy()
    if unclear.any():
        first = units[unclear].tolist()[0]
        raise DataError(
            f"the treatment of {first!r} changes across periods without a row, so its history is "
            "unknown; add rows with a missing outcome there, or name the column of dates in adopted."
        )
    known, code, size = np.unique(forward.to_numpy(), axis=0, return_inverse=True, return_counts=True)
    never = ~known.any(axis=1)
    base = int(np.flatnonzero(never)[0]) if never.any() else int(size.argmax())
    order = np.array([base, *(k for k in range(len(known)) if k != base)])
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return known[order], rank[code.ravel()]


def _points(
    first: pd.DataFrame, names: Columns, history: Integers
) -> tuple[Integers, Integers | None, int | None]:
    """What changes places, and the groups within which units depend on one another."""
    own = np.arange(len(first))
    if names.cluster is None:
        return own, None, None
    code, found = pd.factorize(first[names.cluster], sort=True)
    require_clusters(len(found))
    assigned = pd.Series(history).groupby(code).nunique().max() == 1
    return (code, None, len(found)) if assigned else (own, code, len(found))


def _by_point(values: Integers, point: Integers) -> Integers:
    out = np.empty(int(point.max()) + 1, dtype=np.intp)
    out[point] = values
    return out


def _stratum(first: pd.DataFrame, names: Columns, point: Integers) -> Integers:
    if not names.strata:
        return np.zeros(int(point.max()) + 1, dtype=np.intp)
    code = first.groupby(list(names.strata), sort=True).ngroup().to_numpy()
    by_point = _by_point(code, point)
    if not np.array_equal(by_point[point], code):
        raise DesignError(
            f"strata must be constant within a cluster that changes places, {list(names.strata)} vary within "
            f"{names.cluster!r}; name coarser strata, or no cluster."
        )
    return by_point


def _fixed(assignment: Assignment) -> int:
    frame = pd.DataFrame({"stratum": assignment.stratum, "history": assignment.history})
    alike = frame.groupby("stratum")["history"].transform("nunique") == 1
    return int(alike.sum())


def _require_testable(assignment: Assignment, counts: Floats, layout: Layout, names: Columns) -> None:
    if not (assignment.history > 0).any():
        raise UntestableError(
            "treatment must differ between units, all have the same history; name another column."
        )
    if assignment.number < 2:
        raise UntestableError(
            f"strata must leave another assignment, but in each of {list(names.strata) or 'them'} all points "
            "have the same history; take coarser strata."
        )
    treated = layout.treated
    changing = treated.max(axis=1) > treated.min(axis=1)
    for said, among in (("that are treated in some periods", changing), ("in all", changing | True)):
        if not counts[among].sum() > 0:
            raise UntestableError(
                f"{names.outcome!r} must have events in units {said}, it has none; test another outcome."
            )


def _dropped(
    values: pd.DataFrame, unit: Integers, used: np.ndarray, counts: Floats, layout: Layout
) -> pd.DataFrame:
    """Rows left out, and units that stay in the permutation but carry no information, by arm."""
    arm = np.where(layout.treated.any(axis=1), "pilot", "other")
    exposure = values["exposure"]
    missing = values["counts"].isna()
    rows = {
        "row with a missing count": missing,
        "row with a missing exposure": ~missing & exposure.isna(),
        "row with an exposure of 0": ~missing & (exposure == 0),
    }
    found = [(a, reason, int(n)) for reason, out in rows.items() for a, n in _counted(arm[unit[out]])]
    empty = (counts.sum(axis=1) == 0) | (used.sum(axis=1) < 2)
    reason = (
        "unit without events or with one row: no information on the ratio; it changes places all the same"
    )
    found += [(a, reason, n) for a, n in _counted(arm[empty])]
    return pd.DataFrame(found, columns=["arm", "reason", "n"])


def _counted(arms: Sequence[str] | np.ndarray) -> list[tuple[str, int]]:
    names, counts = np.unique(np.asarray(arms, dtype=object).astype(str), return_counts=True)
    return [(str(name), int(n)) for name, n in zip(names, counts, strict=True)]
