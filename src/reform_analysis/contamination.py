"""Contaminated controls: units that had a reform of their own, and periods after the roll-out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
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
    NOT_ESTIMATED,
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
from reform_analysis.wording import p_text, say

Array = NDArray[Any]

ALL = "all rows"
WITHOUT_CONTROLS = "without reformed controls"
WITHOUT_CELLS = "without their reformed rows"
WITHOUT_PERIODS = "up to the last clean period"
BOTH = "both"
THEIR_OWN = "reformed controls against the others"
AFTERWARDS = "controls reformed afterwards against the others"
_APART = (THEIR_OWN, AFTERWARDS)  # no refits of the estimate


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
    pre: Sequence[Any] | None = None,
    post: Sequence[Any] | None = None,
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

    Only rows that the estimate uses can spoil it. With `pre` and `post` the verdict is on those periods
    alone; that controls take the reform up after the last of `post` is for information.

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
    pre, post : sequence, optional
        Periods before and after that the estimate uses; all periods of `df` where neither is given.
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
        rows do (fewer rows, or an effect that grows, do that too) or cannot be estimated; and if controls
        are reformed after the periods used alone. Frame as of `refits.Refits` with ``units``, ``left_out``
        (rows) and ``p_randomised``; "all rows" are those in `pre` and `post`, and
        "controls reformed afterwards against the others" has the later ones too.

    Raises
    ------
    DataError
        If a column is missing, or a value is no date or period.
    DesignError
        If neither a column nor a period says what to leave out, a period is not in the panel, or only one of
        `pre` and `post` is given.
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
    used, later = _windows(df[period], pre, post)
    rows = _Rows(
        share, used, later, _clean(df[period], last_clean_period), df[unit], df[pilot].astype(bool).to_numpy()
    )
    if not rows.hit.any() and not rows.afterwards.any() and rows.clean[used].all():
        raise UntestableError(
            "contamination: no control is flagged and no period lies after last_clean_period; name what is "
            "known."
        )
    variants = _variants(df, rows, treatment)
    found = refit_all(fit, variants, term=term)
    columns: dict[str, Any] = {"outcome": outcome, "exposure": exposure, "unit": unit, "period": period}
    settings: dict[str, Any] = {"draws": draws, "seed": seed, "ci_level": found.ci_level, "interval": False}
    test = partial(randomisation_test, **columns, treatment=treatment, strata=strata, **settings)
    frame = found.frame.assign(
        units=[each.data[unit].nunique() for each in variants],
        left_out=[int(used.sum()) - len(each.data) for each in variants],
        p_randomised=[_randomised(test, each) if each.name in _APART else np.nan for each in variants],
    )
    return _verdict(found, frame, rows, last=None if post is None else in_order(df.loc[used, period])[-1])


@dataclass(frozen=True, eq=False)
class _Rows:
    """Which rows are reformed, used, clean and of pilots, each of shape (rows,)."""

    share: Array
    used: Array
    later: Array
    clean: Array
    unit: pd.Series
    pilot: Array

    def of_units(self, rows: Array) -> Array:
        """All rows of the units that have one of these."""
        return np.asarray(self.unit.isin(self.unit[rows]))

    @cached_property
    def hit(self) -> Array:
        """Rows of controls that are reformed in a row used."""
        return self.of_units((self.share > 0) & self.used)

    @cached_property
    def afterwards(self) -> Array:
        """Rows of controls that are reformed after the periods used, and not in them."""
        return self.of_units((self.share > 0) & self.later) & ~self.hit

    def count(self, rows: Array) -> int:
        """How many units have one of these rows."""
        return int(self.unit[rows].nunique())


def _variants(df: pd.DataFrame, rows: _Rows, treatment: str) -> list[Variant]:
    """The estimate, what is left out of it, and controls alone with their own reform as the treatment."""
    kept = {ALL: np.ones(len(df), dtype=bool)} | _kept(rows)
    variants = [Variant(name, df[keep & rows.used]) for name, keep in kept.items()]
    own = df.assign(**{treatment: rows.share})
    if rows.hit.any():
        variants.append(Variant(THEIR_OWN, own[~rows.pilot & rows.used]))
    if rows.afterwards.any():
        variants.append(Variant(AFTERWARDS, own[~rows.pilot & ~rows.hit & (rows.used | rows.later)]))
    return variants


def _kept(rows: _Rows) -> dict[str, Array]:
    """Rows of each variant: without reformed controls, without periods, without both."""
    hit, clean = rows.hit, rows.clean
    controls = {WITHOUT_CONTROLS: ~hit, WITHOUT_CELLS: rows.share == 0} if hit.any() else {}
    periods = {} if clean[rows.used].all() else {WITHOUT_PERIODS: clean}
    return controls | periods | ({BOTH: ~hit & clean} if controls and periods else {})


def _windows(
    periods: pd.Series, pre: Sequence[Any] | None, post: Sequence[Any] | None
) -> tuple[Array, Array]:
    """Rows that the estimate uses, and rows after its last period."""
    if pre is None and post is None:
        return np.ones(len(periods), dtype=bool), np.zeros(len(periods), dtype=bool)
    ordered = in_order(periods)
    names = [*(pre or ()), *(post or ())]
    if not pre or not post or not set(names) <= set(ordered):
        raise DesignError(
            f"pre and post must both name periods of the panel, {ordered}, got {pre!r} and {post!r}; name "
            "those that the estimate uses, or leave both out."
        )
    last = max(ordered.index(name) for name in names)
    return np.asarray(periods.isin(names)), np.asarray(periods.isin(ordered[last + 1 :]))


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


def _verdict(found: Refits, frame: pd.DataFrame, rows: _Rows, *, last: Any) -> CheckResult:
    differing, empty = concluding_otherwise(found, ALL, leave=_APART), not_estimated(found, leave=_APART)
    p_value = float(frame["p_randomised"].get(THEIR_OWN, np.nan))
    moved = p_value <= 1 - found.ci_level
    parts = [_refitted(found, frame, rows, moved=moved, last=last)]
    if empty:
        parts.append(in_both("check.contamination_empty", names=listed(empty)))
    if THEIR_OWN in frame.index:
        tested = "untested" if np.isnan(p_value) else "moved" if moved else "still"
        own = in_words(found[THEIR_OWN], found.ci_level)
        parts.append(in_both(f"check.contamination_{tested}", estimate=own, p=p_text(p_value)))
    if AFTERWARDS in frame.index:
        parts.append(_later(found, rows, last))
    unknown = bool(differing or empty) or (THEIR_OWN in frame.index and np.isnan(p_value))
    nothing = not set(frame.index) - {ALL, AFTERWARDS}
    passed = False if moved else None if unknown or nothing else True
    return as_check("contamination", found, passed=passed, sentences=joined(*parts), frame=frame)


def _refitted(
    found: Refits, frame: pd.DataFrame, rows: _Rows, *, moved: bool, last: Any
) -> Mapping[str, str]:
    """What the estimate is without what is left out; that no row used is reformed, where none is."""
    differing, empty = concluding_otherwise(found, ALL, leave=_APART), not_estimated(found, leave=_APART)
    compared = [str(name) for name in frame.index if name not in (ALL, *_APART, *empty)]
    if not compared and not rows.hit.any() and not empty:
        return in_both("check.contamination_unflagged", last=last)
    kinds = {
        (False, False): "passed",
        (False, True): "against",
        (True, True): "failed",
        (True, False): "changed",
    }
    shown = differing[-1] if differing else BOTH if BOTH in compared else (compared or [ALL])[0]
    return in_both(
        f"check.contamination_{kinds[bool(differing), moved] if compared else 'open'}",
        estimate=in_words(found[ALL], found.ci_level),
        names=listed(differing or compared),
        shown=variant_name(shown),
        other=in_words(found[shown], found.ci_level),
        left=partial(_left_out, frame.index, rows),
        **_sizes(rows, rows.hit),
    )


def _sizes(rows: _Rows, which: Array) -> dict[str, int]:
    return {"n": rows.count(which), "of": rows.count(~rows.pilot & rows.used)}


def _left_out(names: pd.Index, rows: _Rows, language: str) -> str:
    """What the refits leave out: controls, periods, or both."""
    asked = {"controls": WITHOUT_CONTROLS, "periods": WITHOUT_PERIODS}
    parts = [
        say(f"check.contamination_without_{key}", language, **_sizes(rows, rows.hit))
        for key, name in asked.items()
        if name in names
    ]
    return say("check.contamination_both", language).join(parts)


def _later(found: Refits, rows: _Rows, last: Any) -> Mapping[str, str]:
    """Controls that are reformed after the periods used: what their ratio is in later periods."""
    estimated = found[AFTERWARDS]["conclusion"] != NOT_ESTIMATED
    own = in_words(found[AFTERWARDS], found.ci_level, excluded=False)
    key = "check.contamination_afterwards" + ("" if estimated else "_open")
    return in_both(key, last=last, own=own, **_sizes(rows, rows.afterwards))
