r"""Randomisation test of a reform's rate ratio, for counts with unit and period effects and an exposure.

Model-based tests of small counts lean on variances that few treated units do not reveal. Here the treatment
is assigned anew, thousands of times, as it might have fallen, and the result compared with what chance gives.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, cast, get_args

import numpy as np
import pandas as pd

from reform_analysis import assignments, poisson_effects, ratio_inversion, score_draws
from reform_analysis.estimates import (
    COLUMNS,
    DesignError,
    Estimates,
    StatisticalWarning,
    require_choice,
    require_level,
    require_whole_number,
)
from reform_analysis.permutation import Integers
from reform_analysis.randomisation_data import Columns, Sample, sample
from reform_analysis.wald import SYNTHETIC

Statistic = Literal["studentised_score", "refit"]

FEW_TREATED = 20  # below it counts are thinned: a robust standard error from so few units is poor
FEW_EVENTS = 20
_FEW_TAIL = 5  # assignments in the tail of the test, below which its p-values are coarse
_GRID = 3.0  # steps of the inversion's grid to one standard error


def randomisation_test(
    df: pd.DataFrame,
    *,
    outcome: str,
    exposure: str | None = None,
    unit: str,
    period: str,
    treatment: str | None = None,
    adopted: str | None = None,
    cluster: str | None = None,
    strata: str | Sequence[str] | None = None,
    last_clean_period: Any = None,
    other_pilot: str | None = None,
    draws: int = 9999,
    statistic: Statistic = "studentised_score",
    ci_level: float = 0.95,
    interval: bool = True,
    seed: int | np.random.Generator,
) -> Estimates:
    r"""Test a rate ratio by assigning the treatment anew, and invert the test for an interval.

    Counts of unit i in period t have mean
    :math:`a_i e_{it} e^{b_t} (1 - D_{it} + D_{it} \rho)`: e the exposure, D the share of the period under
    treatment, :math:`\rho` the rate ratio. Whole histories of D change places between units (or clusters)
    within strata. Use it for few treated units and few events, where z tests mislead.

    Identifying assumption: given its stratum, the history of a unit (of a cluster) could as well have been
    that of another one: assignment is **as if** random. Nothing in the data makes it so. Units may differ in
    level; a trend that goes with selection is read as an effect.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period. Rows may be missing where the unit's treatment is the same in its rows
        before and after the gap, or at the end of its rows: its whole history must be known.
    outcome : str
        Column of whole counts.
    exposure : str, optional
        Column of the denominator. Rows where it is 0 or missing are left out.
    unit, period : str
        Columns.
    treatment : str, optional
        Column of the share of the period under treatment, 0 to 1. Give this or `adopted`.
    adopted : str, optional
        Column of dates of adoption, empty if never; shares as `treatment.treated_fraction` computes them.
    cluster : str, optional
        If the history is the same in all units of each cluster, whole clusters change places. If not, units
        do, and scores are summed within clusters before they are squared (robust standard error).
    strata : str or sequence of str, optional
        Columns within whose values histories change places.
    last_clean_period : str or int, optional
        Periods after it are left out: controls were reformed in them.
    other_pilot : str, optional
        Column that flags units of another reform; controls among them are left out.
    draws : int
        Assignments drawn, at least 99. If there are no more than that, each is taken once.
    statistic : {"studentised_score", "refit"}
        The score at the ratio tested over its standard error, or the estimate itself, fitted anew for each
        draw.
    ci_level : float
    interval : bool
        False leaves the interval undefined and saves its time.
    seed : int or numpy.random.Generator

    Returns
    -------
    Estimates
        Scale "rate_ratio", term "treatment": the maximum likelihood estimate, its robust standard error (of
        the log), p of no effect, and the hull of the ratios not rejected; 0 or inf where no ratio on that
        side is. With "refit" the p-value is all there is: the interval is undefined. `p_value` is the share
        of assignments with a statistic of at least the observed size, `p_central` twice the smaller tail. 1
        lies in the interval exactly where `p_value` exceeds ``1 - ci_level``; other ratios are rejected in
        either tail at half of that, since statistics of few events are skewed. `dropped` counts rows left
        out and units without information by arm.

    Raises
    ------
    DataError
        If a column is missing or breaks its rule, or an argument is no number of its kind.
    DesignError
        If arguments or strata and clusters do not go together.
    UntestableError
        If no other assignment is possible, or no events stand where the treatment changes.

    Warns
    -----
    StatisticalWarning
        If few assignments are possible, or `cluster` does not change places as a whole.

    Notes
    -----
    **Only the test of a ratio of 1 is exact**, and it tests that nothing changed for any unit (the sharp
    null); with staggered adoption likewise. Other ratios are tested approximately: residuals are relabelled,
    or with fewer than 20 treated units (or clusters), or 20 of their events before or under treatment, counts
    are thinned, see `ratio_inversion`. Thinning above 1 throws away events of the treated, which makes upper
    bounds wide. The standard error of the score is robust with 20 treated units or more, that of Poisson
    counts with fewer, see `score_draws`; the test of 1 is exact with either.

    A draw without events in treated cells ranks at minus infinity, one without events to compare them with
    at infinity; none is dropped. When all assignments are enumerated, p is the share at least as extreme as
    the one observed, which is among them; else ``(1 + number) / (1 + draws)``.

    References
    ----------
    Rosenbaum (2002), Observational Studies, 2nd ed., chapter 2.
    DiCiccio and Romano (2017), Journal of the American Statistical Association 112, 1211-1220.
    """
    chosen = cast("Statistic", require_choice("statistic", statistic, get_args(Statistic)))
    level = require_level(ci_level)
    draws = require_whole_number("draws", draws, least=99)
    if level * (draws + 1) > draws:
        raise DesignError(f"draws must be at least 1 / (1 - ci_level) - 1, got {draws}; draw more.")
    if not isinstance(seed, np.random.Generator):
        require_whole_number("seed", seed)
    named = (strata,) if isinstance(strata, str) else tuple(strata or ())
    columns = Columns(outcome, exposure, unit, period, treatment, adopted, cluster, named)
    data = sample(df, replace(columns, last_clean_period=last_clean_period, other_pilot=other_pilot))
    test = _prepared(data, draws=draws, rng=np.random.default_rng(seed))
    notes = [*data.notes, *_design_notes(data, named, cluster), *_warned(data, level, cluster)]
    fitted, start = _estimate(data, test)
    error = score_draws.standard_error(data.counts, data.exposure, data.layout, log_ratio=fitted)
    p = test.p_values(1.0) if chosen == "studentised_score" else _refit_p(data, test, fitted)
    if chosen == "refit" or not interval:
        low = high = np.nan
        notes.append("no interval: only a ratio of 1 was tested")
    else:
        low, high, more = _inverted(test, fitted=fitted, error=error, start=start, level=level)
        notes += more
    row = [np.exp(fitted), error, low, high, p.by_size]
    terms = pd.Index(["treatment"], name="term")
    return Estimates(
        frame=pd.DataFrame([row], index=terms, columns=list(COLUMNS)),
        scale="rate_ratio",
        ci_level=level,
        method=_method(chosen, test),
        n_obs=data.n_obs,
        n_units=len(data.counts),
        n_clusters=data.n_clusters,
        p_central=pd.Series([p.central], index=terms, name="p_central"),
        dropped=data.dropped,
        synthetic=data.synthetic,
        notes=(*notes, *([SYNTHETIC] if data.synthetic else [])),
    )


def _prepared(data: Sample, *, draws: int, rng: np.random.Generator) -> ratio_inversion.RatioTest:
    """Draws, or all assignments, and the random numbers of thinning."""
    assignment = data.assignment
    enumerated = assignment.number <= draws
    drawn = assignment.enumerated() if enumerated else assignment.drawn(draws, rng)
    few = data.treated_points < FEW_TREATED
    thin = few or _fewest_events(data) < FEW_EVENTS
    return ratio_inversion.RatioTest(
        counts=data.counts,
        exposure=data.exposure,
        layout=data.layout,
        observed=assignment.observed(),
        drawn=drawn,
        enumerated=enumerated,
        robust=not few or data.layout.group is not None,
        thinning=ratio_inversion.Thinning.of(data.counts, rng) if thin else None,
    )


def _fewest_events(data: Sample) -> float:
    """Events in treated cells, or in untreated cells of the same units, whichever are fewer."""
    layout = data.layout
    treated = layout.treated > 0
    ever = treated.any(axis=1, keepdims=True)
    return float(min(data.counts[treated].sum(), data.counts[ever & ~treated].sum()))


def _refits(data: Sample) -> poisson_effects.Refits:
    return poisson_effects.Refits(data.counts, data.exposure, data.layout.histories)


def _members(data: Sample, columns: assignments.Columns) -> list[Integers]:
    """Units of each history other than the base, short rows filled with the number of units."""
    layout, assignment = data.layout, data.assignment
    codes = range(1, len(layout.histories))
    points = [columns[:, assignment.histories == k] - (k - 1) * layout.points for k in codes]
    if not data.by_cluster:
        return [each.astype(np.intp) for each in points]
    order = np.argsort(layout.point, kind="stable")
    sizes = np.bincount(layout.point)
    table = np.full((layout.points, sizes.max()), len(layout.point), dtype=np.intp)
    table[np.arange(sizes.max()) < sizes[:, None]] = order
    return [table[each].reshape(len(each), -1) for each in points]


def _estimate(data: Sample, test: ratio_inversion.RatioTest) -> tuple[float, tuple[float, float]]:
    """Log ratio by maximum likelihood, and a finite guess at it with its standard error."""
    score = test.score(1.0)
    infinite = score.infinite(test.observed)
    treated = data.layout.treated
    ever = treated.any(axis=1, keepdims=True)
    cells = treated > 0, ever & (treated == 0)
    expected = poisson_effects.fit_periods(data.counts, data.exposure).expected
    seen = [float(data.counts[cell].sum()) + 0.5 for cell in cells]
    due = [float(expected[cell].sum()) + 0.5 for cell in cells]
    guess = float(np.log(seen[0] / due[0]) - np.log(seen[1] / due[1]))
    spread = float(np.sqrt(1 / seen[0] + 1 / seen[1]))
    begin = np.where(infinite == 0, 0.0, infinite)
    found = _refits(data).log_ratios(_members(data, test.observed), start=begin)
    return float(found[0]), (guess, spread)


def _refit_p(data: Sample, test: ratio_inversion.RatioTest, fitted: float) -> ratio_inversion.PValues:
    score = test.score(1.0)
    infinite = score.infinite(test.drawn)
    begin = np.where(infinite == 0, 0.0, infinite)
    found = _refits(data).log_ratios(_members(data, test.drawn), start=begin)
    return ratio_inversion.p_values(fitted, found, enumerated=test.enumerated)


def _inverted(
    test: ratio_inversion.RatioTest,
    *,
    fitted: float,
    error: float,
    start: tuple[float, float],
    level: float,
) -> tuple[float, float, list[str]]:
    """Interval, and what there is to say about it."""
    finite = bool(np.isfinite(fitted) and np.isfinite(error) and error > 0)
    centre, spread = (fitted, error) if finite else start

    def accepts(log_ratio: float) -> bool:
        """The test of 1 is by size, as its p-value; a bound is rejected in its own tail."""
        p = test.p_values(float(np.exp(log_ratio)))
        return (p.central if log_ratio else p.by_size) > 1 - level + ratio_inversion.TIE

    found = ratio_inversion.hull(
        accepts,
        centre=centre,
        step=min(max(spread / _GRID, 0.01), 1.0),
    )
    how = "residuals relabelled" if test.thinning is None else "counts thinned"
    notes = [f"interval: hull of the ratios not rejected on common draws, {how}; only the test of 1 is exact"]
    if not found.connected:
        notes.append("the ratios not rejected have gaps: some inside the interval are rejected")
    if np.isnan(found.low):
        notes.append("no ratio tried was accepted: bounds that are missing are undefined")
    low = 0.0 if fitted == -np.inf else float(np.exp(found.low))
    high = np.inf if fitted == np.inf else float(np.exp(found.high))
    return low, high, notes


def _method(statistic: Statistic, test: ratio_inversion.RatioTest) -> str:
    name = {"studentised_score": "studentised score", "refit": "estimate fitted anew for each draw"}[
        statistic
    ]
    how = f"all {len(test.drawn)} assignments" if test.enumerated else f"{len(test.drawn)} draws"
    return f"Poisson with unit and period effects; randomisation test, {name}, {how}"


def _design_notes(data: Sample, strata: tuple[str, ...], cluster: str | None) -> list[str]:
    moved = f"whole clusters of {cluster}" if data.by_cluster else "single units"
    within = f"within strata of {', '.join(strata)}" if strata else "without strata"
    size = "adoption histories" if len(data.layout.histories) > 2 else "treatment"
    always = data.layout.histories[0].any()
    others = "have another history than the most common one" if always else "are treated"
    notes = [
        f"{moved} exchange their {size} {within}: valid if assignment there was as if random; p tests that "
        "nothing changed for any unit",
        f"{data.treated_points} of {data.layout.points} {others}",
    ]
    if data.fixed:
        notes.append(f"{data.fixed} stand in strata with one history only and keep it in every draw")
    return notes


def _warned(data: Sample, level: float, cluster: str | None) -> list[str]:
    """What is also warned of."""
    found, number = [], data.assignment.number
    if number < _FEW_TAIL / (1 - level):
        found.append(
            f"only {number} assignments are possible: p cannot fall below {1 / number:.3g} and moves in such "
            "steps; take coarser strata or single units"
        )
    if data.layout.group is not None:
        found.append(
            f"treatment differs within {cluster}, so single units change places: shocks that the treated "
            "of a cluster share are covered by the standard error of the statistic only, not by the draws"
        )
    for note in found:
        warnings.warn(note, StatisticalWarning, stacklevel=3)
    return found
