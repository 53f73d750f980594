"""From a panel to the rows a count model can use; what is left out is counted by arm."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reform_analysis.estimates import DataError, DesignError, UntestableError, require_choice
from reform_analysis.measures import need_filled, require_names
from reform_analysis.synthetic_mark import is_synthetic

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Effect = Literal["unit", "period"]
Effects = Literal["two_way", "unit", "period"]
EFFECTS: dict[str, tuple[Effect, ...]] = {
    "two_way": ("unit", "period"),
    "unit": ("unit",),
    "period": ("period",),
}

_WHERE = {"unit": "in any period", "period": "in the period"}


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows that a count model uses, as arrays.

    Parameters
    ----------
    terms : tuple of str
    outcome, offset : ndarray, shape (n,)
        The offset is the log of the exposure plus what the caller added to it.
    terms_values : ndarray, shape (n, terms)
    unit, period, cluster : ndarray of int, shape (n,)
        Codes from 0 on, in the order of the values; no code is without rows.
    arm : ndarray of str, shape (n,)
        Whether the row's unit is ever treated.
    row : ndarray of int, shape (n,)
        Position of the row in the caller's frame.
    dropped : DataFrame
        Columns ``arm, reason, n``; n counts rows, so that they and the rows used add up to the frame's.
    synthetic : bool
    effects : tuple of str
        Those of "unit" and "period" whose effects the model has.
    """

    terms: tuple[str, ...]
    outcome: Floats
    offset: Floats
    terms_values: Floats
    unit: Codes
    period: Codes
    cluster: Codes
    arm: NDArray[Any]
    row: Codes
    dropped: pd.DataFrame
    synthetic: bool
    effects: tuple[Effect, ...] = ("unit", "period")

    @property
    def n_clusters(self) -> int:
        """Number of clusters.

        Returns
        -------
        int
        """
        return int(self.cluster.max()) + 1

    @property
    def n_units(self) -> int:
        """Number of units.

        Returns
        -------
        int
        """
        return int(self.unit.max()) + 1

    @property
    def fixed_effects(self) -> NDArray[np.uint64]:
        """Codes of the effects of every row.

        Returns
        -------
        ndarray of int, shape (n, effects)
        """
        return np.column_stack([getattr(self, name) for name in self.effects]).astype(np.uint64)

    def only(self, keep: NDArray[np.bool_], reason: str) -> "Sample":
        """Keep some rows; the others are counted by arm with the number of their units.

        Parameters
        ----------
        keep : ndarray of bool, shape (n,)
        reason : str

        Returns
        -------
        Sample
        """
        if keep.all():
            return self
        out = pd.DataFrame({"arm": self.arm, "unit": self.unit})[~keep].groupby("arm", sort=True)["unit"]
        counted = pd.DataFrame({"n": out.size(), "units": out.nunique()}).reset_index()
        counted["reason"] = [f"{reason} ({units} units)" for units in counted["units"]]
        rows = [self.dropped, counted[["arm", "reason", "n"]]]
        dropped = pd.concat([each for each in rows if len(each)], ignore_index=True)
        arrays: dict[str, Any] = {
            name: getattr(self, name)[keep] for name in ("outcome", "offset", "terms_values", "arm", "row")
        }
        for name in ("unit", "period", "cluster"):
            arrays[name] = np.unique(getattr(self, name)[keep], return_inverse=True)[1]
        return dataclasses.replace(self, **arrays, dropped=dropped)

    def subset(self, keep: NDArray[np.bool_]) -> "Sample":
        """Keep some rows of a sample for a refit: no report is made of the others.

        Parameters
        ----------
        keep : ndarray of bool, shape (n,)

        Returns
        -------
        Sample
        """
        return dataclasses.replace(self.only(keep, ""), dropped=self.dropped)


def sample(
    df: pd.DataFrame,
    *,
    outcome: str,
    terms: Sequence[str],
    exposure: str | None,
    unit: str,
    period: str,
    cluster: str | None,
    treatment: str | None,
    offset: str | None = None,
    effects: Effects = "two_way",
    counts: bool = True,
    least_terms: int = 1,
) -> Sample:
    """Check the arguments against the frame and return the rows with every value known.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    outcome : str
    terms : sequence of str
    exposure : str or None
    unit, period : str
    cluster : str or None
        Without one every unit is its own.
    treatment : str or None
        Column of the arms; None for ``pilot`` where the frame has it.
    offset : str or None
        Column added to the log of the exposure.
    effects : {"two_way", "unit", "period"}
    counts : bool
        Whether the outcome must be 0 or more.
    least_terms : int

    Returns
    -------
    Sample

    Raises
    ------
    DataError
        If a column is missing or not numeric, a count is negative, or a unit lacks its cluster or has two
        rows of a period.
    DesignError
        If no term is named, or one twice.
    UntestableError
        If no row is left.
    """
    names = _term_names(terms, least_terms)
    fixed = [name for name in (exposure, unit, period, cluster, treatment, offset) if name is not None]
    _require_columns(df, [outcome, *names, *fixed])
    _require_one_row(df, unit, period)
    values = _numbers(df, outcome, names, exposure, offset)
    if counts:
        _require_nonnegative(outcome, values["outcome"])
    groups = {"unit": unit, "period": period, "cluster": cluster or unit}
    labels = {key: _labels(df, name) for key, name in groups.items()}
    whole = Sample(
        terms=names,
        outcome=values["outcome"],
        offset=values["offset"],
        terms_values=np.array([values[f"term {name}"] for name in names]).reshape(len(names), len(df)).T,
        arm=arms(df, unit=unit, treatment=treatment),
        row=np.arange(len(df)),
        dropped=pd.DataFrame(columns=["arm", "reason", "n"]),
        synthetic=is_synthetic(df),
        effects=EFFECTS[require_choice("effects", effects, EFFECTS)],
        **labels,
    )
    known = np.isfinite(np.column_stack([whole.outcome, whole.terms_values])).all(axis=1)
    known &= (labels["unit"] >= 0) & (labels["period"] >= 0) & ~values["unknown"].astype(bool)
    need_filled(df[known], groups["cluster"], unit=unit)
    found = _kept(whole, known, "missing value")
    return _kept(found, np.isfinite(found.offset), "exposure of 0")


def _kept(found: Sample, keep: NDArray[np.bool_], reason: str) -> Sample:
    if not keep.any():
        raise UntestableError(
            f"df must leave rows with every value known and an exposure above 0, got none ({reason} in all "
            f"{len(keep)}); check the columns named."
        )
    return found.only(keep, reason)


def _term_names(terms: Sequence[str], least: int) -> tuple[str, ...]:
    listed = isinstance(terms, Sequence) and not isinstance(terms, str)
    if not listed or len(terms) < least:
        raise DesignError(f"terms must be a list of column names, got {terms!r}; pass at least {least}.")
    require_names(terms)
    if len(set(terms)) < len(terms):
        raise DesignError(f"terms must differ, got {list(terms)}; list each once.")
    return tuple(terms)


def _require_columns(df: pd.DataFrame, names: Sequence[str]) -> None:
    if not isinstance(df, pd.DataFrame) or not df.columns.is_unique:
        raise DataError("df must be a DataFrame that names each column once; pass one row a unit and period.")
    require_names(names)
    missing = [name for name in names if name not in df.columns]
    if missing:
        raise DataError(f"df lacks the columns {missing}; it has {list(df.columns)}: name its own.")


def _require_one_row(df: pd.DataFrame, unit: str, period: str) -> None:
    keys = [unit, period]
    repeated = df.duplicated(keys) & df[keys].notna().all(axis=1)
    if repeated.any():
        shown = df.loc[repeated, keys].head(3).to_dict("records")
        raise DataError(
            f"df must have one row for each {unit!r} and {period!r}, got {int(repeated.sum())} repeats, as "
            f"{shown}; aggregate them first."
        )


def _numbers(
    df: pd.DataFrame, outcome: str, terms: Sequence[str], exposure: str | None, offset: str | None
) -> dict[str, Floats]:
    """Outcome, terms and offset as plain floats; an exposure of 0 makes the offset minus infinity."""
    found = {"outcome": _number(df, outcome)} | {f"term {name}": _number(df, name) for name in terms}
    below = np.ones(len(df)) if exposure is None else _number(df, exposure)
    added = np.zeros(len(df)) if offset is None else _number(df, offset)
    _require_nonnegative(str(exposure), below)
    with np.errstate(divide="ignore"):
        found["offset"] = np.log(below) + added
    found["unknown"] = (np.isnan(below) | ~np.isfinite(added)).astype(float)
    return found


def _require_nonnegative(name: str, values: Floats) -> None:
    if (values < 0).any():
        raise DataError(
            f"{name!r} must hold numbers of 0 or more, got {values[values < 0][0]:g}; take fit_linear for "
            "other outcomes."
        )


def _number(df: pd.DataFrame, name: str) -> Floats:
    """A column as plain floats; what is missing or infinite is NaN."""
    if not pd.api.types.is_numeric_dtype(df[name]):
        raise DataError(f"column {name!r} must be numbers, got {df[name].dtype}; convert it.")
    values = df[name].to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def _labels(df: pd.DataFrame, name: str) -> Codes:
    """Codes in the order of the values, so that the order of rows changes no random draw; -1 if missing."""
    return np.asarray(pd.factorize(df[name], sort=True)[0], dtype=np.intp)


def arms(df: pd.DataFrame, *, unit: str, treatment: str | None) -> NDArray[Any]:
    """Return the arm of every row: the status of its unit, whenever it began.

    Parameters
    ----------
    df : DataFrame
    unit : str
    treatment : str or None
        True and False (or 1 and 0) become "pilot", if ever true in the unit, and "other"; other values
        are arms of their own. None: ``pilot`` where the frame has it, else one arm, "all".

    Returns
    -------
    ndarray of str, shape (rows,)
    """
    name = treatment if treatment is not None else ("pilot" if "pilot" in df.columns else None)
    if name is None:
        return np.full(len(df), "all", dtype=object)
    status = df[name]
    if status.isna().any() or not set(status.unique()) <= {0, 1}:
        words: NDArray[Any] = (
            status.astype(object).where(status.notna(), "missing").astype(str).to_numpy(object)
        )
        return words
    ever = status.astype(bool).groupby(df[unit].to_numpy(), dropna=False).transform("max")
    named: NDArray[Any] = np.where(ever.to_numpy(dtype=bool), "pilot", "other").astype(object)
    return named


def with_events(found: Sample, *, events: str = "events") -> Sample:
    """Return the rows that say something about a ratio, given the effects.

    Parameters
    ----------
    found : Sample
    events : str
        What the outcome counts, for the reason.

    Returns
    -------
    Sample
        Without units and periods that have no events (their effect is minus infinity, and they fit
        perfectly) or a single row, until none is left.

    Raises
    ------
    UntestableError
        If no row is left.
    """
    before = -1
    while before != len(found.outcome):
        before = len(found.outcome)
        for name in found.effects:
            codes = getattr(found, name)
            total = np.bincount(codes, weights=found.outcome)
            found = _informative(found, total[codes] > 0, f"no {events} {_WHERE[name]}")
        found = with_company(found)
    return found


def with_company(found: Sample) -> Sample:
    """Return the rows that share each of their effects with another row.

    Parameters
    ----------
    found : Sample

    Returns
    -------
    Sample

    Raises
    ------
    UntestableError
        If no row is left.
    """
    before = -1
    while before != len(found.outcome):
        before = len(found.outcome)
        for name in found.effects:
            codes = getattr(found, name)
            found = _informative(found, np.bincount(codes)[codes] > 1, f"the only row of its {name}")
    return found


def _informative(found: Sample, keep: NDArray[np.bool_], reason: str) -> Sample:
    if not keep.any():
        left_out = found.dropped.to_dict("records")
        raise UntestableError(
            f"df must leave units with events and two rows or more, got none ({left_out}); pool periods."
        )
    return found.only(keep, reason)
