"""From a frame of changes to the arrays an association test works on; what is left out is counted by arm."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from reform_analysis.association_question import (
    ADJUSTING,
    Asked,
    has_single_periods,
    level,
    number,
    per_period,
    window_counts,
)
from reform_analysis.estimates import DataError, UntestableError
from reform_analysis.influence import Projection, projection
from reform_analysis.permutation import Design, Floats
from reform_analysis.split_score import Split
from reform_analysis.synthetic_mark import is_synthetic

_LEAST = 4
_ROUNDINGS = 8 * np.finfo(float).eps  # of a difference of two quotients, relative to the larger
_LARGEST = 1e15  # counts beyond are no longer whole numbers in a float


@dataclass(frozen=True, eq=False)
class Sample:
    """One family of tests, as arrays over the units used; units stand sorted by cluster.

    Parameters
    ----------
    method, label : str
        The estimator, and what the doses are set against.
    doses : dict of str to ndarray, shape (n,)
    response : ndarray, shape (n,)
    design : Design
    off : Projection
        Of strata and covariates.
    split : Split or None
        The counts, for "poisson_score".
    project : bool
        Whether a permuted dose has to be projected again.
    n_obs : int
        Rows that went in: two counts a unit for "poisson_score".
    dropped : DataFrame
        Columns ``arm, reason, n``.
    synthetic : bool
    notes : tuple of str
    """

    method: str
    label: str
    doses: dict[str, Floats]
    response: Floats
    design: Design
    off: Projection
    split: Split | None
    project: bool
    n_obs: int
    dropped: pd.DataFrame
    synthetic: bool
    notes: tuple[str, ...] = ()


def main_sample(asked: Asked) -> Sample:
    """Return the doses against the change from the base year.

    Parameters
    ----------
    asked : Asked

    Returns
    -------
    Sample
    """
    label = f"change in {_named(asked)}"
    if asked.method == "poisson_score":
        return _split_sample(asked, "pre", f"{label}, pre to post")
    if asked.exposure is None:
        change = number(asked.changes, f"{asked.outcome}_difference")
    else:
        change = _difference(level(asked, "post"), level(asked, "pre"))
    return _sample(asked, change, label)


def _difference(post: pd.Series, pre: pd.Series) -> pd.Series:
    """The change of rates; changes that only rounding tells apart (0.3 - 0.1 and 0.4 - 0.2) are made ties."""
    change = (post - pre).dropna()
    largest = np.maximum(post.abs(), pre.abs())[change.index].max()
    ordered = change.sort_values(kind="stable")
    apart = ordered.diff() > _ROUNDINGS * largest
    return ordered.groupby(apart.cumsum()).transform("first").reindex(post.index)


def base_sample(asked: Asked) -> Sample | None:
    """Return the doses against the base-year level, for the rank correlation where the method adjusts.

    Parameters
    ----------
    asked : Asked

    Returns
    -------
    Sample or None
        None where there is no base year in the frame, or it does not vary.
    """
    if not _has(asked, "pre"):
        return None
    plain = replace(asked, method="spearman", covariates=()) if asked.method in ADJUSTING else asked
    base = level(asked, "pre")
    return _sample(plain, base, f"level of {_named(asked)} in the base year") if _varies(base) else None


def without_base_sample(asked: Asked) -> Sample | None:
    """Return the doses against the change from the average of earlier years.

    Parameters
    ----------
    asked : Asked

    Returns
    -------
    Sample or None
        None where the frame has no earlier years, or nothing varies.
    """
    if not (_has(asked, "earlier") and _has(asked, "post")):
        return None
    label = f"change in {_named(asked)} from the average of earlier years"
    change = per_period(asked, "post") - per_period(asked, "earlier")
    if not _varies(change):
        return None
    sample = (
        _split_sample(asked, "earlier", label)
        if asked.method == "poisson_score"
        else _sample(asked, change, label)
    )
    if asked.exposure is None or has_single_periods(asked):
        return sample
    unmatched = (
        f"earlier means of {asked.outcome} and {asked.exposure} as they stand, by single periods not known"
    )
    return replace(sample, notes=(*sample.notes, unmatched))


def _named(asked: Asked) -> str:
    return asked.outcome + (f" per {asked.exposure}" if asked.exposure else "")


def _has(asked: Asked, window: str) -> bool:
    names = [asked.outcome, *([asked.exposure] if asked.exposure else [])]
    return all(f"{name}_{window}" in asked.changes.columns for name in names)


def _varies(values: pd.Series) -> bool:
    return bool(values.max() > values.min())


@dataclass(frozen=True, eq=False)
class _Kept:
    """Units kept so far and what was dropped."""

    index: pd.Index
    dropped: tuple[tuple[str, str, int], ...] = ()

    def only(self, keep: pd.Series, asked: Asked, reason: str) -> "_Kept":
        """Keep the units marked True; count the others by arm."""
        keep = keep.reindex(self.index)
        out = self.index[~keep.to_numpy(dtype=bool)]
        counted = _arms(asked).loc[out].value_counts().sort_index()
        rows = tuple((str(arm), reason, int(n)) for arm, n in counted.items())
        return _Kept(self.index.difference(out, sort=False), self.dropped + rows)

    def frame(self) -> pd.DataFrame:
        return pd.DataFrame(self.dropped, columns=["arm", "reason", "n"])


def _arms(asked: Asked) -> pd.Series:
    if asked.arm is None:
        return pd.Series("all", index=asked.changes.index)
    status = asked.changes[asked.arm]
    unknown = _is_unknown(status)
    known = status[~unknown]
    if known.map(lambda value: isinstance(value, (bool, np.bool_))).all():
        known = known.astype(bool).map({True: "pilot", False: "other"})
    return known.astype(str).reindex(status.index, fill_value="unknown")


def _is_unknown(status: pd.Series) -> pd.Series:
    """Whether a pilot status is missing or an empty text."""
    return status.isna() | status.astype(str).str.strip().eq("").fillna(True).astype(bool)


def _complete(asked: Asked, response: pd.DataFrame) -> _Kept:
    """Units with every value known, and with another unit in their stratum."""
    if not asked.changes.index.is_unique:
        raise DataError("changes must have one row a unit, got an index with repeats; aggregate it first.")
    names = [*asked.measures, *asked.covariates]
    numbers = pd.concat([number(asked.changes, name) for name in names] + [response], axis=1)
    labels = asked.changes[[*asked.strata, *([asked.cluster] if asked.cluster else [])]]
    known = numbers.notna().all(axis=1) & labels.notna().all(axis=1)
    kept = _Kept(_sorted_units(asked, numbers))
    if asked.arm is not None:
        kept = kept.only(~_is_unknown(asked.changes[asked.arm]), asked, "unknown pilot status")
    return _accompanied(kept.only(known, asked, "missing value"), asked)


def _sorted_units(asked: Asked, numbers: pd.DataFrame) -> pd.Index:
    """The units in an order of their own, so that one seed gives one p however the rows stand.

    Rows that are only numbered, as after a merge, have no unit to sort by: all that is used sorts them.
    """
    index = asked.changes.index
    if index.name is not None or not pd.api.types.is_integer_dtype(index):
        return index[pd.Series(index.map(str)).argsort(kind="stable").to_numpy()]
    keys = [asked.changes[name].map(str) for name in (*asked.strata, asked.cluster) if name]
    columns = [numbers[name] for name in sorted(numbers.columns, key=lambda name: (name != "response", name))]
    table = pd.concat([*keys, *columns], axis=1).set_axis(range(len(keys) + len(columns)), axis=1)
    return table.sort_values(list(table.columns), kind="stable").index


def _accompanied(kept: _Kept, asked: Asked) -> _Kept:
    stratum = _stratum(asked, kept.index)
    size = stratum.map(stratum.value_counts())
    kept = kept.only(size > 1, asked, "alone in its stratum")
    if len(kept.index) < _LEAST:
        raise UntestableError(
            f"changes must leave at least {_LEAST} units with every value known, got {len(kept.index)}; "
            f"{kept.frame().to_dict('records')}."
        )
    return kept


def _stratum(asked: Asked, index: pd.Index) -> pd.Series:
    if not asked.strata:
        return pd.Series(0, index=index)
    return asked.changes.loc[index, list(asked.strata)].groupby(list(asked.strata), sort=True).ngroup()


def _design(asked: Asked, kept: _Kept) -> tuple[Design, pd.Index]:
    """The design, and the units in the order it takes them."""
    stratum = _stratum(asked, kept.index)
    if asked.cluster is None:
        return Design(stratum.to_numpy(dtype=np.intp)), kept.index
    code = pd.Series(
        pd.factorize(asked.changes.loc[kept.index, asked.cluster], sort=True)[0], index=kept.index
    )
    code = code.sort_values(kind="stable")
    return Design(stratum.loc[code.index].to_numpy(dtype=np.intp), code.to_numpy(dtype=np.intp)), code.index


def _columns(asked: Asked, names: Sequence[str], order: pd.Index) -> dict[str, Floats]:
    return {name: _scaled(number(asked.changes, name).loc[order].to_numpy())[0] for name in names}


def _scaled(values: Floats) -> tuple[Floats, int]:
    """Values over a power of two that brings the largest to between 0.5 and 1, and the exponent.

    No digit changes, and the squares of values as large as 1e200, or as small as 1e-200, stay numbers.
    """
    exponent = int(np.frexp(np.abs(values).max())[1]) if len(values) else 0
    return np.ldexp(values, -exponent), exponent


def _require_variation(values: Floats, off: Projection, name: str) -> None:
    left = off.residual(values - values.mean())
    if np.abs(left).max() <= 1e-9 * max(np.abs(values).max(), 1e-300):
        raise UntestableError(
            f"{name!r} must vary within strata and beside the covariates, got no variation there; "
            "leave it out, or take coarser strata."
        )


def _sample(asked: Asked, response: pd.Series, label: str) -> Sample:
    kept = _complete(asked, response.to_frame("response"))
    design, order = _design(asked, kept)
    doses = _columns(asked, asked.measures, order)
    covariates = _standard(_columns(asked, asked.covariates, order))
    off = projection(np.column_stack([design.strata_dummies(), *covariates]))
    outcome = _scaled(response.loc[order].to_numpy())[0]
    for name, values in {**doses, label: outcome}.items():
        _require_variation(values, off, name)
    return Sample(
        method=asked.method,
        label=label,
        doses=doses,
        response=outcome,
        design=design,
        off=off,
        split=None,
        project=design.cluster is not None or bool(covariates),
        n_obs=len(order),
        dropped=kept.frame(),
        synthetic=is_synthetic(asked.changes),
        notes=_notes(asked, design),
    )


def _notes(asked: Asked, design: Design) -> tuple[str, ...]:
    n_strata = int(design.stratum.max()) + 1
    strata = (
        f"permuted within {n_strata} strata of {', '.join(asked.strata)}" if asked.strata else "no strata"
    )
    moved = f"whole clusters of {asked.cluster}" if asked.cluster else "single units"
    return (f"{strata}; {moved} change places",)


def _split_sample(asked: Asked, base: str, label: str) -> Sample:
    """Counts of two windows a unit; units without any, and strata all on one side, drop out."""
    frame = _counts(asked, base)
    kept = _complete(asked, frame.drop(columns=["offset"]))
    raw = {name: number(asked.changes, name).loc[kept.index].to_numpy() for name in asked.measures}
    scaled = {name: _scaled(values) for name, values in raw.items()}
    spread = {name: float(np.ldexp(values.std(ddof=1), power)) for name, (values, power) in scaled.items()}
    kept = kept.only(frame["offset"].notna(), asked, "no exposure")
    kept = kept.only(frame[["pre", "post"]].sum(axis=1) > 0, asked, "no count before or after")
    kept = _accompanied(_two_sided(kept, asked, frame), asked)
    design, order = _design(asked, kept)
    nuisance = np.column_stack(
        [design.strata_dummies(), *_standard(_columns(asked, asked.covariates, order))]
    )
    off = projection(nuisance)
    doses = {
        name: np.ldexp(number(asked.changes, name).loc[order].to_numpy(), -power)
        for name, (_, power) in scaled.items()
    }
    for name, values in doses.items():
        _require_variation(values, off, name)
    counts = {name: frame.loc[order, name].to_numpy() for name in ("pre", "post", "offset")}
    return Sample(
        method=asked.method,
        label=label,
        doses={name: (doses[name] - doses[name].mean()) / scaled[name][0].std(ddof=1) for name in doses},
        response=counts["post"],
        design=design,
        off=off,
        split=Split(**counts, nuisance=nuisance, design=design),
        project=True,
        n_obs=2 * len(order),
        dropped=kept.frame(),
        synthetic=is_synthetic(asked.changes),
        notes=(*_notes(asked, design), *_spread_notes(spread)),
    )


def _spread_notes(spread: dict[str, float]) -> tuple[str, ...]:
    sizes = ", ".join(f"{name} {size:.6g}" for name, size in spread.items())
    return (f"one standard deviation, over all units with known values: {sizes}",)


def _standard(columns: dict[str, Floats]) -> list[Floats]:
    return [(values - values.mean()) / (values.std() or 1.0) for values in columns.values()]


def _counts(asked: Asked, base: str) -> pd.DataFrame:
    """Counts of both windows and the log of the ratio of their exposures; no exposure leaves it missing."""
    first, last = window_counts(asked, base), window_counts(asked, "post")
    frame = pd.DataFrame({"pre": first["count"], "post": last["count"]})
    if ((frame < 0) | (frame > _LARGEST)).any(axis=None):
        raise DataError(
            f"{asked.outcome!r} must hold counts of 0 to {_LARGEST:g}; take a correlation for other data."
        )
    if asked.exposure is None:
        return frame.assign(offset=0.0)
    known = (first["exposure"] > 0) & (last["exposure"] > 0)
    logs = [np.log(each["exposure"].where(known)) for each in (last, first)]
    return frame.assign(offset=logs[0] - logs[1])


def _two_sided(kept: _Kept, asked: Asked, frame: pd.DataFrame) -> _Kept:
    totals = frame.loc[kept.index, ["pre", "post"]].groupby(_stratum(asked, kept.index)).transform("sum")
    return kept.only((totals > 0).all(axis=1), asked, "stratum whose counts all fall on one side")
