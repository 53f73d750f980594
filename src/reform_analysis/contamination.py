"""Contaminated controls: units that had a reform of their own, and periods after the roll-out."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reform_analysis.conclusions import concluding_otherwise, not_estimated
from reform_analysis.estimates import CheckResult, DesignError, UntestableError
from reform_analysis.measures import as_numbers, need_columns, require_flags
from reform_analysis.periods import in_order
from reform_analysis.randomise import randomisation_test
from reform_analysis.refits import (
    Fit,
    Refits,
    Variant,
    as_check,
    in_both,
    in_words,
    joined,
    listed,
    refit_all,
    variant_name,
)
from reform_analysis.treatment import treated_fraction
from reform_analysis.wording import p_text

Array = NDArray[Any]

ALL = "all rows"
WITHOUT_CONTROLS = "without reformed controls"
WITHOUT_CELLS = "without their reformed rows"
WITHOUT_PERIODS = "up to the last clean period"
BOTH = "both"
THEIR_OWN = "reformed controls against the others"


def contamination(
    df: pd.DataFrame,
    fit: Fit,
    *,
    treatment: str = "treated_fraction",
    pilot: str = "pilot",
    unit: str = "unit_id",
    period: str = "period",
    adopted: str | None = "adopted",
    other_pilot: str | None = None,
    last_clean_period: Any = None,
    outcome: str = "losses",
    exposure: str | None = None,
    strata: str | Sequence[str] | None = None,
    draws: int = 1999,
    seed: int = 0,
    term: str | None = None,
) -> CheckResult:
    """Return whether controls that were reformed too moved, and what the estimate is without them.

    A row of a control is reformed where `other_pilot` is true (a city pilot), or where `adopted` says that
    the unit has taken up the reform although `treatment` is 0. The fit is repeated without such units,
    without such rows, without the periods after `last_clean_period` (the provincial roll-out), and without
    both; and among controls alone with their own reform as the treatment. That it moved none of them is
    tested by giving their histories to controls drawn anew.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    fit : callable
        ``fit(df, **spec) -> Estimates``, with `treatment` among its terms.
    treatment : str
        Column of the time under treatment.
    pilot, unit, period : str
        Columns.
    adopted : str, optional
        Column of the dates of adoption, controls' among them; None where the panel has none.
    other_pilot : str, optional
        Column that is true in rows of controls with a reform of their own; where it is constant within
        units, the reform counts from the first treated period on.
    last_clean_period : str or int, optional
        Last period before the roll-out.
    outcome, exposure : str
        Columns of the counts and, if any, of the denominator that the fit takes; the test uses them.
    strata : str or sequence of str, optional
        Columns within whose values controls change places.
    draws, seed : int
        Of the test.
    term : str, optional
        Row of the estimates that is checked; by default the first.

    Returns
    -------
    CheckResult
        Failed if the randomisation test rejects that controls' own reform moved none of them. None (for
        information) if it does not, or no control is flagged, but a variant concludes otherwise than all
        rows do (fewer rows, or an effect that grows, do that too) or cannot be estimated. Frame as of
        `refits.Refits` with ``units``, ``left_out`` (rows) and ``p_randomised``.

    Raises
    ------
    DataError
        If a column is missing, or a value is no date or period.
    DesignError
        If neither a column nor a period says what to leave out, or the period is not in the panel.
    UntestableError
        If no control was reformed and no period left out: the panel says nothing on contamination.

    Notes
    -----
    Without the flagged controls the estimate changes by their share times the difference between their change
    and the other controls'. Both comparisons therefore ask one question and get one test,
    `randomise.randomisation_test` among controls, whose rate of false alarms is at most 1 less the fit's
    level if, but for their reform, flagged controls could as well have been others of their stratum.

    Assumed: what is flagged is all there was. Controls reformed without a record cannot be found, and pull a
    ratio towards 1 if the reform does anything.
    """
    need_columns(df, [treatment, pilot, outcome, unit, period, *filter(None, (adopted, other_pilot))])
    if not (adopted or other_pilot or last_clean_period is not None):
        raise DesignError(
            "contamination needs adopted, other_pilot or last_clean_period, got none; name a column or a "
            "period."
        )
    share = _reformed(df, treatment, pilot, period=period, adopted=adopted, other_pilot=other_pilot)
    clean = _clean(df[period], last_clean_period)
    hit = df[unit].isin(df.loc[share > 0, unit]).to_numpy()
    if not hit.any() and clean.all():
        raise UntestableError(
            "contamination: no control is flagged and no period lies after last_clean_period; name what is "
            "known."
        )
    kept = _kept(hit, share, clean)
    variants = [Variant(ALL, df), *(Variant(name, df[rows]) for name, rows in kept.items())]
    controls = ~df[pilot].astype(bool).to_numpy()
    if hit.any():
        variants.append(Variant(THEIR_OWN, df.assign(**{treatment: share})[controls]))
    found = refit_all(fit, variants, term=term)
    sizes = {
        "units": [each.data[unit].nunique() for each in variants],
        "left_out": [len(df) - len(each.data) for each in variants],
    }
    n = int(df.loc[hit, unit].nunique())
    columns: dict[str, Any] = {"outcome": outcome, "exposure": exposure, "unit": unit, "period": period}
    settings: dict[str, Any] = {"draws": draws, "seed": seed, "ci_level": found.ci_level, "interval": False}
    test = partial(randomisation_test, **columns, treatment=treatment, strata=strata, **settings)
    p_value = _randomised(test, variants[-1]) if hit.any() else np.nan
    frame = found.frame.assign(
        **sizes, p_randomised=np.where(found.frame.index == THEIR_OWN, p_value, np.nan)
    )
    return _verdict(found, frame, p_value, n=n, of=int(df.loc[controls, unit].nunique()))


def _kept(hit: Array, share: pd.Series, clean: Array) -> dict[str, Any]:
    """Rows of each variant: without reformed controls, without periods, without both."""
    controls = {WITHOUT_CONTROLS: ~hit, WITHOUT_CELLS: share == 0} if hit.any() else {}
    periods = {} if clean.all() else {WITHOUT_PERIODS: clean}
    return controls | periods | ({BOTH: ~hit & clean} if controls and periods else {})


def _randomised(test: Fit, controls: Variant) -> float:
    """p of no change of any control; missing where their histories cannot change places."""
    try:
        return float(refit_all(test, [controls])[controls.name]["p_value"])
    except UntestableError:
        return np.nan


def _reformed(
    df: pd.DataFrame,
    treatment: str,
    pilot: str,
    *,
    period: str,
    adopted: str | None,
    other_pilot: str | None,
) -> Array:
    """Share of each control's row under a reform of its own, shape (rows,)."""
    require_flags(df, pilot, *([other_pilot] if other_pilot else []))
    treated = as_numbers(df, [treatment])[treatment].fillna(0).to_numpy()
    pilots = df[pilot].astype(bool).to_numpy()
    share = np.zeros(len(df))
    if adopted:
        # Binary: a control's year of adoption may be all that is known.
        share = treated_fraction(df, coding="binary", period=period, adopted=adopted).to_numpy()
    if other_pilot:
        flagged = df[other_pilot].fillna(False).astype(bool).to_numpy()
        share = np.maximum(share, flagged & _once_treated(df[period], treated))
    return np.where(pilots | (treated > 0), 0.0, share)


def _once_treated(periods: pd.Series, treated: Array) -> Array:
    """Whether a row lies in or after the first treated period."""
    ordered = in_order(periods)
    reached = set(periods[treated > 0])
    first = next((n for n, value in enumerate(ordered) if value in reached), 0)
    return np.asarray(periods.isin(ordered[first:]))


def _clean(periods: pd.Series, last: Any) -> Array:
    if last is None:
        return np.ones(len(periods), dtype=bool)
    ordered = in_order(periods)
    texts = [str(value) for value in ordered]
    if str(last) not in texts:
        raise DesignError(f"last_clean_period must be one of {ordered}, got {last!r}; name a period.")
    return np.asarray(periods.isin(ordered[: texts.index(str(last)) + 1]))


def _verdict(found: Refits, frame: pd.DataFrame, p_value: float, *, n: int, of: int) -> CheckResult:
    differing = concluding_otherwise(found, ALL, leave=[THEIR_OWN])
    empty = not_estimated(found, leave=[THEIR_OWN])
    compared = [str(name) for name in frame.index if name not in (ALL, THEIR_OWN, *empty)]
    moved = p_value <= 1 - found.ci_level
    kinds = {
        (False, False): "passed",
        (False, True): "against",
        (True, True): "failed",
        (True, False): "changed",
    }
    strictest = BOTH if BOTH in compared else (compared or [ALL])[0]
    shown = differing[-1] if differing else strictest
    sentences = in_both(
        f"check.contamination_{kinds[bool(differing), bool(moved)] if compared else 'open'}",
        estimate=in_words(found[ALL], found.ci_level),
        names=listed(differing or compared),
        shown=variant_name(shown),
        other=in_words(found[shown], found.ci_level),
        n=n,
        of=of,
    )
    if empty:
        sentences = joined(sentences, in_both("check.contamination_empty", names=listed(empty)))
    if THEIR_OWN in frame.index:
        tested = "untested" if np.isnan(p_value) else "moved" if moved else "still"
        own = in_words(found[THEIR_OWN], found.ci_level)
        sentences = joined(
            sentences, in_both(f"check.contamination_{tested}", estimate=own, p=p_text(p_value))
        )
    unknown = bool(differing or empty) or (THEIR_OWN in frame.index and np.isnan(p_value))
    passed = False if moved else None if unknown else True
    return as_check("contamination", found, passed=passed, sentences=sentences, frame=frame)
