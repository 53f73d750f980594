"""The question put to `correlate.association`, checked against the frame it is put to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reform_analysis import measures as declared
from reform_analysis.estimates import DataError, DesignError

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
            If a column is missing.
        DesignError
            If no measure is named, one is named twice or shares its denominator with the outcome, or
            covariates do not go with the method.
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
        arm = pilot if pilot in changes.columns or pilot != "pilot" else None
        named = (strata,) if isinstance(strata, str) else tuple(strata or ())
        strata = tuple(dict.fromkeys([*([arm] if arm else []), *named]))
        _require(changes, [*measures, *covariates, *strata, *([cluster] if cluster else [])])
        return cls(changes, measures, outcome, exposure, covariates, method, strata, cluster, arm)


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
    count = number(asked.changes, f"{asked.outcome}_{window}")
    if asked.exposure is None:
        return count
    below = number(asked.changes, f"{asked.exposure}_{window}")
    return count / below.where(below > 0)


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
    pooled = 1 if asked.exposure else asked.changes.attrs.get(f"n_{window}", 1)
    return level(asked, window) / pooled
