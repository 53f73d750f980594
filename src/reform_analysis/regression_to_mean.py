"""How much of a fall is units falling back from a base period that was high by chance.

Pilots are chosen. If those with many losses in the base period are chosen, their losses fall afterwards
without any effect. Earlier periods tell how much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis import correlate, waiting
from reform_analysis.baseline_sample import (
    Array,
    BaselineSample,
    Spread,
    baseline_sample,
    levels,
    log_contrast,
)
from reform_analysis.estimates import (
    CheckResult,
    UntestableError,
    percent,
    require_choice,
    require_level,
    require_whole_number,
)
from reform_analysis.panel_texts import label
from reform_analysis.wording import LANGUAGES, p_text, say

_ROWS = ("base_period", "all_pre", "predicted", "pooled", "regression_alone")


def baseline_shrinkage(
    panel: pd.DataFrame,
    *,
    outcome: str,
    pre: Sequence[Any],
    post: Sequence[Any],
    exposure: str | None = None,
    pilot: str = "pilot",
    unit: str = "unit_id",
    period: str = "period",
    method: Spread = "moments",
    draws: int = 999,
    seed: int,
    ci_level: float = 0.95,
) -> CheckResult:
    r"""Compare pilots with what their past predicts, not with their base period.

    Each unit's lasting level is predicted by empirical Bayes (`baseline_sample.levels`), and the fall is
    measured from there:

    .. math:: \hat\rho = \frac{\sum_p y^{post} / \sum_p e^{post} \hat\lambda}
        {\sum_c y^{post} / \sum_c e^{post} \hat\lambda} .

    There are two targets. "predicted" leaves the base period out, gives each arm its own mean and its own
    variance between units, and shrinks units towards the mean of their arm,

    .. math:: \hat\lambda_i = m_a \frac{f_a + v_a Y_i}{f_a + v_a E_i}, \qquad
        m_a = \sum_{i \in a} Y_i \Big/ \sum_{i \in a} \sum_{t < b} e_{it} r_t ,

    with :math:`r_t` the rate of all units in period t. It is right whether pilots were chosen on chance in
    the base period b, on their lasting level, or on both. "pooled" shrinks both arms towards one mean over
    all pre-periods: it is right if pilots were chosen on their counts in all pre-periods, and wrong if on
    their lasting level.

    Identifying assumption of "predicted": chance in the periods before the base period had no part in the
    choice; levels last; a common trend. Of "pooled": given the counts of all pre-periods, choice says nothing
    more about later losses.

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
    method : {"moments", "ml"}
        How the variance between units is estimated.
    draws : int
        Bootstrap draws of units within arms.
    seed : int
    ci_level : float

    Returns
    -------
    CheckResult
        Index ``baseline``: "base_period" and "all_pre" (ratio of ratios against the base period, against all
        pre-periods), "predicted" and "pooled" (against predicted levels) and "regression_alone" (what the
        base period would give without an effect: the first over "predicted"). Columns ``ratio, ci_low,
        ci_high``. None if the interval of "base_period" holds 1; else failed if that of "predicted" does not
        exclude 1 on the same side, passed if "pooled" does too, and None if only "predicted" does.

    Raises
    ------
    DataError
        If a column or argument breaks its rule.
    DesignError
        If periods are wrong or fewer than three lie before adoption.
    UntestableError
        If an arm has too few units or losses, or none before the base period.

    Notes
    -----
    The intervals are percentiles of the bootstrap, so units are taken as independent.

    References
    ----------
    Robbins (1956); Buhlmann and Straub (1970). Chay, McEwan and Urquiola (2005), American Economic Review
    95, 1237-1258, for regression to the mean in a programme given by noisy scores.
    """
    require_choice("method", method, ("moments", "ml"))
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
    ones = np.ones(len(sample.pilot))
    _require_earlier(sample)
    with waiting.shown(range(draws), unit="draw") as each:
        drawn = [_ratios(sample, _arm_weights(sample, rng), method) for _ in each]
    ends = np.exp(np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0))
    frame = pd.DataFrame(
        {"ratio": np.exp(_ratios(sample, ones, method)), "ci_low": ends[0], "ci_high": ends[1]},
        index=pd.Index(_ROWS, name="baseline"),
    )
    passed, key = _verdict(frame)
    return CheckResult(
        name="baseline_shrinkage",
        passed=passed,
        sentences={
            each: _shrinkage_sentence(frame, key, level, each) + sample.kept(each) for each in LANGUAGES
        },
        frame=frame,
        synthetic=sample.synthetic,
        notes=(*sample.notes, *_spreads(sample, method)),
    )


def _require_earlier(sample: BaselineSample) -> None:
    for name, arm in {"pilots": sample.pilot, "others": ~sample.pilot}.items():
        periods = int((sample.pre[arm, :-1].sum(axis=0) > 0).sum())
        if periods < 2:
            raise UntestableError(
                f"{name} must have events in two periods before the base period, got them in {periods}: "
                "their levels cannot be predicted; add earlier periods."
            )


def _spreads(sample: BaselineSample, method: Spread) -> tuple[str, ...]:
    """How much the units of each arm differ for good."""
    early = _early(sample)
    arms = {"pilots": sample.pilot, "others": ~sample.pilot}
    found = {name: levels(_part(early, arm), method=method) for name, arm in arms.items()}
    return tuple(
        f"{name}: variance of lasting levels {each.spread:.3g} (mean 1), variance over mean of a count "
        f"{each.inflation:.3g}"
        for name, each in found.items()
    )


def _early(sample: BaselineSample) -> BaselineSample:
    """The pre-periods before the base period."""
    return replace(sample, pre=sample.pre[:, :-1], pre_exposure=sample.pre_exposure[:, :-1])


def _part(sample: BaselineSample, arm: Array) -> BaselineSample:
    names = ("pre", "pre_exposure", "post", "post_exposure", "pilot")
    return replace(sample, **{name: getattr(sample, name)[arm] for name in names})


def _own_levels(sample: BaselineSample, weights: Array, method: Spread) -> Array:
    """Levels within arms from the periods before the base period, times the arm's own mean."""
    early = _early(sample)
    expected = early.pre_exposure @ ((weights @ early.pre) / (weights @ early.pre_exposure))
    predicted = np.full(len(sample.pilot), np.nan)
    for arm in (sample.pilot, ~sample.pilot):
        total = weights[arm] @ early.pre[arm].sum(axis=1)
        if total:
            own = _part(early, arm)
            mean = total / (weights[arm] @ expected[arm])
            predicted[arm] = mean * levels(own, method=method, weights=weights[arm]).predicted(own)
    return predicted


def _arm_weights(sample: BaselineSample, rng: np.random.Generator) -> Array:
    """How often each unit is drawn, within its arm."""
    weights = np.zeros(len(sample.pilot))
    for arm in (sample.pilot, ~sample.pilot):
        n = int(arm.sum())
        weights[arm] = rng.multinomial(n, np.full(n, 1 / n))
    return weights


def _ratios(sample: BaselineSample, weights: Array, method: Spread) -> Array:
    """Log ratios in the order of `_ROWS`."""
    base = sample.pre[:, -1], sample.pre_exposure[:, -1]
    every = sample.pre.sum(axis=1), sample.pre_exposure.sum(axis=1)
    after = log_contrast(sample.post, sample.post_exposure, sample.pilot, weights)
    by_base, by_every = (
        after - log_contrast(counts, exposure, sample.pilot, weights) for counts, exposure in (base, every)
    )
    targets = (
        _own_levels(sample, weights, method),
        levels(sample, method=method, weights=weights).predicted(sample),
    )
    own, pooled = (
        log_contrast(sample.post, sample.post_exposure * level, sample.pilot, weights) for level in targets
    )
    return np.array([by_base, by_every, own, pooled, by_base - own])


def _verdict(frame: pd.DataFrame) -> tuple[bool | None, str]:
    """Whether the check passed, and the key of its sentence."""
    own, pooled = (_same_side(frame.loc["base_period"], frame.loc[name]) for name in ("predicted", "pooled"))
    if own is None:
        return None, "nothing"
    if not own:
        return False, "explained"
    return (True, "remains") if pooled else (None, "between")


def _same_side(first: pd.Series, second: pd.Series) -> bool | None:
    if not (first["ci_high"] < 1 or first["ci_low"] > 1):
        return None
    return bool(second["ci_high"] < 1 if first["ci_high"] < 1 else second["ci_low"] > 1)


def _shrinkage_sentence(frame: pd.DataFrame, key: str, level: float, language: str) -> str:
    rows = {"base": "base_period", "own": "predicted", "pooled": "pooled"}
    values = {
        f"{name}{end}": frame.loc[row, column]
        for name, row in rows.items()
        for end, column in {"": "ratio", "_low": "ci_low", "_high": "ci_high"}.items()
    }
    alone = frame.loc["regression_alone", "ratio"]
    return say(f"check.shrinkage_{key}", language, alone=alone, level=percent(level), **values)


def dose_on_baseline(
    changes: pd.DataFrame,
    *,
    measures: Sequence[str],
    outcome: str,
    seed: int,
    level: float = 0.05,
    **asked: Any,
) -> CheckResult:
    """Ask whether doses went where losses were high in the base period.

    A dose that answers the base period goes with a later fall without any effect.

    Parameters
    ----------
    changes : DataFrame
        One row a unit, as `panel.changes` returns it.
    measures : sequence of str
        Columns of the doses.
    outcome : str
        Base name of the count.
    seed : int
    level : float
        A Holm-adjusted p up to this fails the check.
    **asked
        Other arguments of `correlate.association`.

    Returns
    -------
    CheckResult
        Index `term`: one row a dose, columns of `Estimates.to_frame` and ``holm``; failed if any dose goes
        with the base-period level.

    Raises
    ------
    UntestableError
        If the base-period level does not vary, or is missing.
    """
    result = correlate.association(changes, measures=list(measures), outcome=outcome, seed=seed, **asked)
    base = result.base_year
    if base is None or base.adjusted_p is None:
        raise UntestableError(
            f"outcome must have a base-period level that varies, got {outcome!r} without one; choose a "
            "longer base period."
        )
    frame = base.to_frame().assign(holm=base.adjusted_p["holm"])
    worst = frame["holm"].idxmin() if frame["holm"].notna().any() else frame.index[0]
    passed = not bool((frame["holm"] <= level).any())
    values: Mapping[str, Any] = {
        "estimate": frame.loc[worst, "estimate"],
        "p": p_text(float(frame.loc[worst, "holm"])),
    }
    key = "check.dose_free" if passed else "check.dose_tied"
    return CheckResult(
        name="dose_on_baseline",
        passed=passed,
        sentences={each: say(key, each, measure=_measure(worst, each), **values) for each in LANGUAGES},
        frame=frame,
        synthetic=base.synthetic,
        notes=base.notes,
    )


def _measure(column: str, language: str) -> str:
    """The title of a measure, where its column in the frame of changes tells which it is."""
    return label(column.removesuffix("_difference").removesuffix("_post"), None, language)
