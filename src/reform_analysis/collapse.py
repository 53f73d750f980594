"""One for a batch: whether the result rests on series of suits from one act."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reform_analysis import cell_scores
from reform_analysis.cell_scores import Floats
from reform_analysis.conclusions import concluding_otherwise, not_estimated
from reform_analysis.estimates import (
    CheckResult,
    DataError,
    DesignError,
    UntestableError,
    require_whole_number,
)
from reform_analysis.measures import as_numbers, need_columns
from reform_analysis.refits import (
    Fit,
    Refits,
    Variant,
    as_check,
    in_both,
    in_words,
    joined,
    listed,
    null_value,
    refit_all,
    variant_name,
)
from reform_analysis.wording import p_text

CAPS = (1, 2, 3, 5)
AS_COUNTED = "as counted"


def series_collapse(
    df: pd.DataFrame,
    fit: Fit,
    *,
    outcome: str = "losses",
    events: str | None = None,
    caps: Sequence[int] = CAPS,
    exposure: str | None = None,
    unit: str = "unit_id",
    period: str = "period",
    treatment: str = "treated_fraction",
    draws: int = 199,
    seed: int = 0,
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

    A cap also takes from counts that hold no series, and pulls a ratio towards 1. So where a conclusion
    changes under a cap, the shift of the log ratio at every cap is compared with that of panels without
    series: suits that come one by one are Poisson, and given a unit's total they fall into its periods as a
    multinomial with the shares of the Poisson fit, whatever the unit's level. The statistic is the largest
    shift over the caps in standard errors of the draws, two-sided.

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
    exposure, unit, period, treatment : str
        Columns of the Poisson fit that the draws are of; used with caps alone. No exposure by default.
    draws, seed : int
        Of panels without series.
    term : str, optional
        Row of the estimates that is checked; by default the first.

    Returns
    -------
    CheckResult
        Passed if the conclusion (fall, rise, undecided) is that of the counts net of series, or that at
        every cap. Failed if it is another one net of series; or at a cap, and the shift is beyond what
        capping does to suits that come one by one. None if it changes at a cap but no more than that, or
        a variant cannot be estimated. Frame as of `refits.Refits` with ``total`` (the outcome's sum),
        ``changed`` (rows that were lowered) and, for caps at which panels were drawn, ``chance_low,
        chance_high`` (the ratio that the cap makes of suits that come one by one).

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
    Counts whose years vary more than Poisson ones within a unit look like series here: to these data they are
    the same. The estimates under a cap are of other quantities and are no better ones.
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
    if events or not concluding_otherwise(found, AS_COUNTED):
        return _verdict(found, frame, counts, p_value=0.0 if events else np.nan)
    where = cell_scores.grid(df, unit=unit, period=period)
    counted, below, others = cell_scores.cells(
        df, where, outcome=outcome, exposure=exposure, columns=[treatment]
    )
    limits = [int(str(name).removeprefix("at most ")) for name in lowered]
    chance, p_value = _chance((counted, below, others[treatment]), limits, draws=draws, seed=seed)
    reach = float(np.log(found[AS_COUNTED]["estimate"])) if null_value(found.scale) == 1 else np.nan
    ends = np.quantile(chance, [(1 - found.ci_level) / 2, (1 + found.ci_level) / 2], axis=0)
    frame[["chance_low", "chance_high"]] = np.r_[[[np.nan, np.nan]], np.exp(reach + ends.T)]
    return _verdict(found, frame, counts, p_value=p_value)


def _chance(
    tables: tuple[Floats, Floats, Floats], caps: Sequence[int], *, draws: int, seed: int
) -> tuple[Floats, float]:
    """Shifts of the log ratio by each cap in panels without series, and the p-value of those observed."""
    counts, exposure, treatment = (table[tables[0].sum(axis=1) > 0] for table in tables)
    fit = cell_scores.fit_cells(counts, exposure, [treatment])
    totals = counts.sum(axis=1)
    shares = fit.expected / fit.expected.sum(axis=1, keepdims=True)
    rng = np.random.default_rng(seed)
    panels = [counts, *(rng.multinomial(totals.astype(int), shares) for _ in range(draws))]
    shifts = np.array([_shifts(each.astype(float), exposure, treatment, caps) for each in panels])
    known = np.isfinite(shifts).all(axis=1)
    if not known[0] or known.sum() < len(known) / 2:
        return np.full((1, len(caps)), np.nan), float("nan")
    shifts = shifts[known]
    spread = shifts.std(axis=0)
    size = np.abs(shifts - shifts.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    largest = size.max(axis=1, initial=0.0)
    return shifts[1:], float((largest >= largest[0]).mean())


def _shifts(counts: Floats, exposure: Floats, treatment: Floats, caps: Sequence[int]) -> Floats:
    """How far each cap moves the log ratio of a Poisson fit; NaN where there is none."""
    try:
        slopes = [
            float(cell_scores.fit_cells(np.minimum(counts, cap), exposure, [treatment]).slopes[0])
            for cap in (np.inf, *caps)
        ]
    except UntestableError:
        return np.full(len(caps), np.nan)
    return np.array(slopes[1:]) - slopes[0]


def _verdict(found: Refits, frame: pd.DataFrame, counts: pd.Series, *, p_value: float) -> CheckResult:
    differing, empty = concluding_otherwise(found, AS_COUNTED), not_estimated(found, leave=[AS_COUNTED])
    failed = bool(differing) and p_value <= 1 - found.ci_level
    drawn = "chance_low" in frame
    key = ("failed" if failed else "open") if differing else "passed"
    shown = (differing or [str(name) for name in frame.index[1:]])[0]
    sentences = in_both(
        f"check.series_collapse_{key}{'_drawn' if drawn and failed else ''}",
        estimate=in_words(found[AS_COUNTED], found.ci_level),
        first=variant_name(shown),
        strictest=in_words(found[shown], found.ci_level),
        names=listed(differing or frame.index[1:]),
        largest=int(np.nanmax(counts)),
        p=p_text(p_value),
        **dict(frame.reindex(columns=["chance_low", "chance_high"]).loc[shown]),
    )
    if empty:
        sentences = joined(sentences, in_both("check.series_collapse_empty", names=listed(empty)))
    passed = False if failed else None if differing or empty else True
    return as_check("series_collapse", found, passed=passed, sentences=sentences, frame=frame)


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
