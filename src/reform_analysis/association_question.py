"""The question put to `correlate.association`, checked against the frame it is put to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reform_analysis import measures as declared
from reform_analysis.estimates import DataError, DesignError
from reform_analysis.shared_denominators import is_ratio_over

ADJUSTING = ("partial", "poisson_score")


@dataclass(frozen=True, eq=False)
class Asked:
    """The question, checked against the frame.

    Parameters
    ----------
    changes : DataFrame
    measures, covariates, strata : tuple of str
    outcome, method : str
    exposure, cluster : str or None
    arm : str or None
        Column of the pilot status; None where there is none.
    """

    changes: pd.DataFrame
    measures: tuple[str, ...]
    outcome: str
    exposure: str | None
    covariates: tuple[str, ...]
    method: str
    strata: tuple[str, ...]
    cluster: str | None
    arm: str | None

    @classmethod
    def of(
        cls,
        changes: pd.DataFrame,
        *,
        measures: Sequence[str],
        outcome: str,
        exposure: str | None,
        covariates: Sequence[str],
        method: str,
        strata: str | Sequence[str] | None,
        cluster: str | None,
        pilot: str,
    ) -> "Asked":
        """Check the arguments of `correlate.association` against its frame.

        Parameters
        ----------
        changes : DataFrame
        measures : sequence of str
        outcome : str
        exposure : str or None
        covariates : sequence of str
        method : str
        strata : str, sequence of str or None
        cluster : str or None
        pilot : str

        Returns
        -------
        Asked

        Raises
        ------
        DataError
            If a column is missing, or a unit stands in several rows.
        DesignError
            If no measure is named, one is named twice or shares its denominator with the outcome (by its
            name or its values), covariates do not go with the method, or a merge renamed the pilot status.
        """
        if not isinstance(changes, pd.DataFrame) or not changes.columns.is_unique:
            raise DataError(
                "changes must be a DataFrame that names each column once; pass panel.changes(...)."
            )
        measures, covariates = _names("measures", measures), _names("covariates", covariates)
        if not measures:
            raise DesignError("measures must name at least one column, got none; name the doses to test.")
        _require_covariates(covariates, method)
        declared.require_separate_denominators(
            measures, outcome=outcome, exposure=exposure, rates=declared.known_rates(changes)
        )
        arm = _arm(changes, pilot)
        named = (strata,) if isinstance(strata, str) else tuple(strata or ())
        strata = tuple(dict.fromkeys([*([arm] if arm else []), *named]))
        _require(changes, [*measures, *covariates, *strata, *([cluster] if cluster else [])])
        asked = cls(changes, measures, outcome, exposure, covariates, method, strata, cluster, arm)
        _require_single_units(asked)
        _require_separate_values(asked)
        return asked


def _arm(changes: pd.DataFrame, pilot: str) -> str | None:
    """The column of the pilot status; a merge of two frames that both have it renames it."""
    if pilot in changes.columns or pilot != "pilot":
        return pilot
    renamed = [name for name in changes.columns if str(name) in ("pilot_x", "pilot_y")]
    if renamed:
        raise DesignError(
            f"changes must keep the pilot status as 'pilot', got {renamed}, as a merge leaves them; "
            "drop it from one of the two frames before merging, or name the one to use: pilot='pilot_x'."
        )
    return None


def _require_single_units(asked: Asked) -> None:
    """Raise where a merge has repeated units: rows without measures come back, and a text names them."""
    changes = asked.changes
    key = changes.attrs.get("unit", "unit_id")
    if key in changes.columns and changes[key].dropna().duplicated().any():
        again = changes.loc[changes[key].duplicated() & changes[key].notna(), key].iloc[0]
        raise DataError(
            f"changes must have one row a unit, got {key} {again!r} several times; "
            "aggregate the doses before merging them."
        )
    if changes.index.name is not None or not pd.api.types.is_integer_dtype(changes.index):
        return
    plain = changes.drop(columns=list(asked.measures)).astype(str)
    found = len(plain.drop_duplicates())
    names = [name for name in plain if not pd.api.types.is_numeric_dtype(changes[name])]
    told = [str(name) for name in names if plain[name].nunique() == found]
    if found < len(plain) and told:
        raise DataError(
            f"changes must have one row a unit, got {len(plain)} rows of {found} different {told[0]}, "
            "alike in all but the measures; aggregate the doses before merging them."
        )


def _require_separate_values(asked: Asked) -> None:
    """Raise where a measure's values are ratios over the exposure, or over the outcome itself."""
    for name in filter(None, (asked.exposure, asked.outcome)):
        windows = [f"{name}_{end}" for end in ("pre", "post")]
        held = [number(asked.changes, each).to_numpy() for each in windows if each in asked.changes.columns]
        with np.errstate(over="ignore"):  # what overflows is no whole number that a double could tell
            below = [*held, *([held[0] * held[1]] if len(held) == len(windows) else [])]
        for measure in asked.measures:
            if is_ratio_over(number(asked.changes, measure).to_numpy(), below):
                raise DesignError(
                    f"measure {measure!r} shares [{name!r}] with the outcome {asked.outcome!r}: its values "
                    "are ratios over it; what they share moves both: choose another measure or exposure."
                )


def _names(argument: str, names: Sequence[str]) -> tuple[str, ...]:
    listed = isinstance(names, Sequence) and not isinstance(names, str)
    if not listed or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise DesignError(
            f"{argument} must be a list of different column names, got {names!r}; list each once."
        )
    return tuple(names)


def _require_covariates(covariates: tuple[str, ...], method: str) -> None:
    if covariates and method not in ADJUSTING:
        raise DesignError(
            f"covariates go with the methods {list(ADJUSTING)}, got {list(covariates)} with {method!r}; "
            "choose one of these, or leave the covariates out."
        )
    if method == "partial" and not covariates:
        raise DesignError(
            "covariates must name a column for 'partial', got none; name one, or take 'pearson'."
        )


def _require(changes: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in changes.columns]
    if missing:
        raise DataError(f"changes lacks the columns {missing}; it has {list(changes.columns)}: name its own.")


def number(changes: pd.DataFrame, name: str) -> pd.Series:
    """Return a column as plain floats; what is missing or infinite is NaN.

    Parameters
    ----------
    changes : DataFrame
    name : str

    Returns
    -------
    Series

    Raises
    ------
    DataError
        If the column is missing or not numeric.
    """
    _require(changes, [name])
    if not pd.api.types.is_numeric_dtype(changes[name]):
        raise DataError(f"column {name!r} must be numbers, got {changes[name].dtype}; convert it.")
    values = changes[name].to_numpy(dtype=float, na_value=np.nan)
    return pd.Series(np.where(np.isfinite(values), values, np.nan), index=changes.index, name=name)


def level(asked: Asked, window: str) -> pd.Series:
    """Return the count of a window, per exposure of that window where there is one.

    Parameters
    ----------
    asked : Asked
    window : {"pre", "post", "earlier"}

    Returns
    -------
    Series
        A rate over 0 is missing.
    """
    both = window_counts(asked, window)
    if asked.exposure is None:
        return both["count"]
    return both["count"] / both["exposure"].where(both["exposure"] > 0)


def window_counts(asked: Asked, window: str) -> pd.DataFrame:
    """Return count and exposure of a window, from the same periods.

    Parameters
    ----------
    asked : Asked
    window : {"pre", "post", "earlier"}

    Returns
    -------
    DataFrame
        Columns ``count`` and, where there is one, ``exposure``. The earlier window's are the means over the
        periods in which both are known, where the frame has the single periods (`has_single_periods`).
    """
    names = {"count": asked.outcome} | ({"exposure": asked.exposure} if asked.exposure else {})
    if window != "earlier" or not has_single_periods(asked):
        return pd.DataFrame({key: number(asked.changes, f"{name}_{window}") for key, name in names.items()})
    periods = _single_periods(asked)
    each = {
        key: pd.DataFrame({period: number(asked.changes, f"{name}_earlier_{period}") for period in periods})
        for key, name in names.items()
    }
    known = np.logical_and.reduce([values.notna() for values in each.values()])
    return pd.DataFrame({key: values.where(known).mean(axis=1) for key, values in each.items()})


def has_single_periods(asked: Asked) -> bool:
    """Return whether the frame has outcome and exposure of single earlier periods, as `changes` gives them.

    Parameters
    ----------
    asked : Asked

    Returns
    -------
    bool
        False without an exposure: nothing has to be matched then.
    """
    return asked.exposure is not None and bool(_single_periods(asked))


def _single_periods(asked: Asked) -> list[str]:
    """The earlier periods that stand in the frame for the outcome and for its exposure."""
    found = []
    for name in (asked.outcome, asked.exposure):
        start = f"{name}_earlier_"
        found.append(
            [str(each)[len(start) :] for each in asked.changes.columns if str(each).startswith(start)]
        )
    return [period for period in found[0] if period in found[1]]


def per_period(asked: Asked, window: str) -> pd.Series:
    """Return what `level` does, pooled counts divided by their number of periods.

    Parameters
    ----------
    asked : Asked
    window : {"post", "earlier"}

    Returns
    -------
    Series
    """
    if asked.exposure or window == "earlier":
        return level(asked, window)
    return level(asked, window) / periods_in(asked.changes, window, outcome=asked.outcome)


def periods_in(changes: pd.DataFrame, window: str, *, outcome: str) -> pd.Series:
    """Return how many periods a window pools, by unit.

    Parameters
    ----------
    changes : DataFrame
        As `panel.changes` returns it: the column ``periods_{window}``, or ``attrs["n_{window}"]``. A frame
        with neither pools one, which its own difference must bear out.
    window : {"pre", "post"}
    outcome : str
        Base name.

    Returns
    -------
    Series

    Raises
    ------
    DesignError
        If the frame has neither, and ``{outcome}_difference`` is not ``{outcome}_post - {outcome}_pre``.
    """
    if f"periods_{window}" in changes.columns:
        return number(changes, f"periods_{window}")
    stated = changes.attrs.get(f"n_{window}")
    if stated is None and not _one_period(changes, outcome):
        raise DesignError(
            f"changes must say how many periods each window pools, got no column 'periods_{window}' and a "
            f"{outcome}_difference that is not {outcome}_post - {outcome}_pre; keep that column."
        )
    return pd.Series(float(stated or 1), index=changes.index)


def _one_period(changes: pd.DataFrame, outcome: str) -> bool:
    names = [f"{outcome}_{end}" for end in ("difference", "post", "pre")]
    if not set(names) <= set(changes.columns):
        return True
    difference, post, pre = (number(changes, name) for name in names)
    return bool(np.allclose((post - pre).where(difference.notna()), difference, equal_nan=True))
