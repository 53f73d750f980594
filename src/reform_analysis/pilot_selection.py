"""What choosing pilots by their losses in the base period would give without any effect."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis import waiting
from reform_analysis.baseline_sample import (
    Array,
    BaselineSample,
    Levels,
    baseline_sample,
    levels,
    log_contrast,
)
from reform_analysis.estimates import (
    CheckResult,
    UntestableError,
    percent,
    require_level,
    require_whole_number,
)
from reform_analysis.wording import LANGUAGES, say

_CALIBRATION = 100
_STRONGEST = 20.0
_HALVINGS = 25


def selection_simulation(
    panel: pd.DataFrame,
    *,
    outcome: str,
    pre: Sequence[Any],
    post: Sequence[Any],
    exposure: str | None = None,
    pilot: str = "pilot",
    unit: str = "unit_id",
    period: str = "period",
    draws: int = 999,
    seed: int,
    ci_level: float = 0.95,
) -> CheckResult:
    r"""Draw what choosing pilots on the base period alone would give, with the study's own numbers.

    Panels without an effect are drawn from the gamma-Poisson model fitted to the pre-periods; in each, as
    many pilots are chosen, once at random and once with weights :math:`\exp(\kappa y_{base})`, where
    :math:`\kappa` gives the chosen the base-period mean that the pilots have.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and period.
    outcome : str
        Column of the count.
    pre : sequence
        At least three periods before adoption, in order; the last is the base period.
    post : sequence
        Periods after adoption.
    exposure : str, optional
        Column of the denominator.
    pilot, unit, period : str
        Columns.
    draws : int
        Panels drawn.
    seed : int
    ci_level : float
        Level of the central intervals of the ratios drawn.

    Returns
    -------
    CheckResult
        Index ``choice``: "at_random", "on_base_period", "observed". Columns ``ratio`` (median of those
        drawn), ``low, high`` (central interval), ``p_value`` (twice the smaller tail beyond the observed
        ratio). Passed if the observed ratio lies below the interval of "on_base_period", failed if inside;
        None if it lies above it, where choice alone gives a lower ratio, or inside that of "at_random".

    Raises
    ------
    DataError
        If a column or argument breaks its rule.
    DesignError
        If periods are wrong or fewer than three lie before adoption.
    UntestableError
        If an arm has too few units or losses, or only one period before adoption has losses.

    Notes
    -----
    It assumes the worst: that the whole difference in the base period is choice on that period's losses.
    Pilots chosen because their level is high for good do not fall back, and a real effect of the size that
    choice on the base period gives then fails here; `baseline_shrinkage` tells the two apart.
    """
    level = require_level(ci_level)
    draws = require_whole_number("draws", draws, least=99)
    rng = np.random.default_rng(require_whole_number("seed", seed))
    sample = baseline_sample(
        panel,
        outcome=outcome,
        pre=pre,
        post=post,
        exposure=exposure,
        pilot=pilot,
        unit=unit,
        period=period,
    )
    fitted = _levels(sample, outcome)
    answer, reached = _calibrated(sample, fitted, rng)
    observed = float(np.exp(_contrast(sample.pilot, sample.post, sample.pre[:, -1], sample)))
    rows = {
        name: _drawn_row(_ratios(sample, fitted, each, draws, rng), observed, level)
        for name, each in {"at_random": 0.0, "on_base_period": answer}.items()
    }
    rows["observed"] = (observed, np.nan, np.nan, np.nan)
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["ratio", "low", "high", "p_value"])
    frame.index.name = "choice"
    passed = _outside(frame, observed)
    return CheckResult(
        name="selection_simulation",
        passed=passed,
        sentences={
            each: _selection_sentence(frame, passed, level, each) + sample.kept(each) for each in LANGUAGES
        },
        frame=frame,
        synthetic=sample.synthetic,
        notes=(
            *sample.notes,
            f"log odds of being chosen per event in the base period: {answer:.3g}",
            *reached,
        ),
    )


def _levels(sample: BaselineSample, outcome: str) -> Levels:
    fitted = levels(sample)
    if np.isnan(fitted.spread):
        raise UntestableError(
            f"{outcome!r} must have events in two periods before adoption, got them in fewer: how much units "
            "differ for good cannot be seen; add earlier periods."
        )
    return fitted


def _ratios(
    sample: BaselineSample, fitted: Levels, answer: float, draws: int, rng: np.random.Generator
) -> Array:
    """Ratios without an effect where pilots are chosen with these log odds per event."""
    with waiting.shown(range(draws), unit="draw") as numbered:
        return np.exp([_chosen_ratio(sample, fitted, answer, rng) for _ in numbered])


def _draw_counts(expected: Array, level: Array, fitted: Levels, rng: np.random.Generator) -> Array:
    """Counts with the fitted variance over mean, given their units' levels."""
    mean = expected * level
    if fitted.inflation == 1:
        return rng.poisson(mean)
    shape = np.maximum(mean / (fitted.inflation - 1), np.finfo(float).tiny)
    return rng.negative_binomial(shape, 1 / fitted.inflation)


def _draw_levels(sample: BaselineSample, fitted: Levels, rng: np.random.Generator) -> Array:
    if not fitted.spread:
        return np.ones(len(sample.pilot))
    return rng.gamma(1 / fitted.spread, fitted.spread, len(sample.pilot))


def _choose(base: Array, answer: float, n: int, rng: np.random.Generator) -> Array:
    """Mark n units drawn with weights exp(answer x base), as the largest of Gumbel scores."""
    score = answer * base + rng.gumbel(size=len(base))
    chosen = np.zeros(len(base), dtype=bool)
    chosen[np.argpartition(-score, n)[:n]] = True
    return chosen


def _chosen_ratio(sample: BaselineSample, fitted: Levels, answer: float, rng: np.random.Generator) -> float:
    """Log ratio of ratios in one panel without an effect."""
    level = _draw_levels(sample, fitted, rng)
    others = ~sample.pilot
    post_rate = sample.post[others].sum() / sample.post_exposure[others].sum()
    base = _draw_counts(sample.pre_exposure[:, -1] * fitted.rates[-1], level, fitted, rng)
    post = _draw_counts(sample.post_exposure * post_rate, level, fitted, rng)
    chosen = _choose(base, answer, int(sample.pilot.sum()), rng)
    return _contrast(chosen, post, base, sample)


def _contrast(pilot: Array, post: Array, base: Array, sample: BaselineSample) -> float:
    """Log ratio of ratios against the base period."""
    ones = np.ones(len(pilot))
    return log_contrast(post, sample.post_exposure, pilot, ones) - log_contrast(
        base, sample.pre_exposure[:, -1], pilot, ones
    )


def _calibrated(
    sample: BaselineSample, fitted: Levels, rng: np.random.Generator
) -> tuple[float, tuple[str, ...]]:
    """Strength of choice that gives the chosen the pilots' base mean; a note if none does."""
    target, n = sample.pre[sample.pilot, -1].mean(), int(sample.pilot.sum())
    expected = sample.pre_exposure[:, -1] * fitted.rates[-1]
    bases = np.array(
        [_draw_counts(expected, _draw_levels(sample, fitted, rng), fitted, rng) for _ in range(_CALIBRATION)]
    )
    luck = rng.gumbel(size=bases.shape)

    def mean(answer: float) -> float:  # numpydoc ignore=GL08
        chosen = np.argpartition(-(answer * bases + luck), n, axis=1)[:, :n]
        return float(np.take_along_axis(bases, chosen, axis=1).mean())

    low, high = -_STRONGEST, _STRONGEST
    if not mean(low) <= target <= mean(high):
        end = low if target < mean(low) else high
        return end, ("no choice on the base period alone gives the pilots' base mean; the strongest is used",)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if mean(middle) < target else (low, middle)
    return (low + high) / 2, ()


def _drawn_row(ratios: Array, observed: float, level: float) -> tuple[float, ...]:
    low, middle, high = np.nanquantile(ratios, [(1 - level) / 2, 0.5, (1 + level) / 2])
    tail = min(np.sum(ratios <= observed), np.sum(ratios >= observed))
    return float(middle), float(low), float(high), float(min(1.0, 2 * (1 + tail) / (1 + len(ratios))))


def _outside(frame: pd.DataFrame, observed: float) -> bool | None:
    """Whether a fall goes beyond that of choice; a ratio above what choice gives is no such fall."""
    inside = (frame["low"] <= observed) & (observed <= frame["high"])
    if inside["at_random"] or observed > frame.loc["on_base_period", "high"]:
        return None
    return bool(not inside["on_base_period"])


def _selection_sentence(frame: pd.DataFrame, passed: bool | None, level: float, language: str) -> str:
    key = {None: "nothing", True: "remains", False: "explained"}[passed]
    random, chosen = frame.loc["at_random"], frame.loc["on_base_period"]
    observed = frame.loc["observed", "ratio"]
    if passed is None and not random["low"] <= observed <= random["high"]:
        key = "above"
    return say(
        f"check.selection_{key}",
        language,
        observed=observed,
        ratio=chosen["ratio"],
        low=chosen["low"],
        high=chosen["high"],
        random_low=random["low"],
        random_high=random["high"],
        level=percent(level),
    )
