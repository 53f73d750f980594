"""One for a batch: whether the result rests on series of suits from one act."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reform_analysis.estimates import CheckResult, DataError, DesignError, require_whole_number
from reform_analysis.measures import as_numbers, need_columns
from reform_analysis.refits import (
    Fit,
    Variant,
    as_check,
    in_both,
    in_words,
    listed,
    refit_all,
    same_conclusion,
)

CAPS = (1, 2, 3, 5)
AS_COUNTED = "as counted"


def series_collapse(
    df: pd.DataFrame,
    fit: Fit,
    *,
    outcome: str = "losses",
    events: str | None = None,
    caps: Sequence[int] = CAPS,
    term: str | None = None,
) -> CheckResult:
    r"""Return whether the conclusion survives when a series of suits from one act counts as one.

    One demolition brings twenty suits that are decided alike: twenty losses, one event. A panel carries what
    is needed in one of two ways:

    - `events`: a column of counts **net of series** (each batch of suits from one act counted once, made
      where the case records are added up). The outcome is replaced by it.
    - without it the count of a unit and period is capped, :math:`y^{(k)}_{it} = \min(y_{it}, k)`, at each k
      of `caps`. A cap of 1 asks only whether there was a loss at all, so that no series, whatever its size,
      counts for more than one; higher caps lose less.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    fit : callable
        ``fit(df, **spec) -> Estimates``; the column `outcome` is replaced in the data.
    outcome : str
        Column of the counts.
    events : str, optional
        Column of the counts net of series; at most the outcome's.
    caps : sequence of int
        Used where `events` is not given.
    term : str, optional
        Row of the estimates that is checked; by default the first.

    Returns
    -------
    CheckResult
        Passed if the conclusion (fall, rise, undecided) is that of the counts net of series, or that at
        every cap. Frame as of `refits.Refits` with ``total`` (the outcome's sum) and ``changed`` (rows that
        were lowered).

    Raises
    ------
    DataError
        If a column is missing, or `events` exceeds the outcome.
    DesignError
        If `caps` is empty.
    UntestableError
        If nothing can be estimated.

    Notes
    -----
    A cap pulls a ratio towards 1, since it takes more from the arm that has more; that alone can cost a
    small effect its significance. The estimates under a cap are of other quantities and are no better ones.
    """
    need_columns(df, [outcome, *([events] if events else [])])
    counts = as_numbers(df, [outcome])[outcome]
    lowered = _net(df, counts, events) if events else _capped(counts, caps)
    outcomes = {AS_COUNTED: counts, **lowered}
    found = refit_all(
        fit, [Variant(name, df.assign(**{outcome: values})) for name, values in outcomes.items()], term=term
    )
    frame = found.frame.assign(
        total=[values.sum() for values in outcomes.values()],
        changed=[int((values < counts).sum()) for values in outcomes.values()],
    )
    differing = same_conclusion(found, AS_COUNTED)
    last = str(frame.index[1])
    sentences = in_both(
        f"check.series_collapse_{'failed' if differing else 'passed'}",
        estimate=in_words(found[AS_COUNTED], found.ci_level),
        names=listed(differing or frame.index[1:]),
        strictest=in_words(found[differing[0] if differing else last], found.ci_level),
        largest=int(np.nanmax(counts)),
    )
    return as_check("series_collapse", found, passed=not differing, sentences=sentences, frame=frame)


def _net(df: pd.DataFrame, counts: pd.Series, events: str) -> dict[str, pd.Series]:
    """The counts net of series, checked to be counts of the same cases."""
    net = as_numbers(df, [events])[events]
    beyond = net > counts
    if beyond.any():
        row = beyond.idxmax()
        raise DataError(
            f"events {events!r} must be at most the outcome, row {row!r} has {net[row]:g} of "
            f"{counts[row]:g}; count each batch of suits once."
        )
    return {events: net}


def _capped(counts: pd.Series, caps: Sequence[int]) -> dict[str, pd.Series]:
    if not list(caps):
        raise DesignError("caps must hold at least one number, got none; pass (1, 2, 3, 5).")
    whole = sorted({require_whole_number("caps", cap, least=1) for cap in caps})
    return {f"at most {cap}": counts.clip(upper=cap) for cap in whole}
