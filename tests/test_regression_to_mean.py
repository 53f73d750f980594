"""Falling back from a high base period is told from an effect."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis import simulate
from reform_analysis.baseline_sample import BaselineSample, baseline_sample, levels, log_contrast
from reform_analysis.estimates import DataError, UntestableError
from reform_analysis.panel import changes
from reform_analysis.regression_to_mean import (
    _ROWS,
    _ratios,
    _shrinkage_sentence,
    _verdict,
    baseline_shrinkage,
    dose_on_baseline,
)

ASKED = {"outcome": "losses", "pre": ["2018", "2019", "2020"], "post": ["2021", "2022"]}


def test_selection_without_effect_fails_and_an_effect_passes() -> None:
    chosen = simulate.draw_panel(effect=None, seed=3, selection=1.0)
    found = baseline_shrinkage(chosen, **ASKED, draws=199, seed=1)
    assert found.passed is False
    assert found.synthetic
    assert "regression to the mean alone" in found.sentences["en"]
    effect = simulate.draw_panel(effect=0.4, seed=3)
    assert baseline_shrinkage(effect, **ASKED, draws=199, seed=1).passed is True
    nothing = simulate.draw_panel(effect=None, seed=3)
    assert baseline_shrinkage(nothing, **ASKED, draws=199, seed=1).passed is None


def test_ratios_by_hand() -> None:
    """Units that do not differ: predicted levels are equal, so the whole base-period excess falls back."""
    table = {"a": (2, 2, 5, 2), "b": (2, 2, 5, 2), "c": (2, 2, 1, 2), "d": (2, 2, 1, 2)}
    rows = [
        (unit, period, count, unit in "ab")
        for unit, counts in table.items()
        for period, count in zip(("2018", "2019", "2020", "2021"), counts, strict=True)
    ]
    panel = pd.DataFrame(rows, columns=["unit_id", "period", "losses", "pilot"])
    found = baseline_shrinkage(panel, **ASKED | {"post": ["2021"]}, draws=99, seed=1).to_frame()["ratio"]
    assert found["base_period"] == pytest.approx((2 / 5) / (2 / 1))
    assert found["all_pre"] == pytest.approx((2 / 9) / (2 / 5))
    assert found["predicted"] == pytest.approx(1)
    assert found["pooled"] == pytest.approx(1)
    assert found["regression_alone"] == pytest.approx(found["base_period"])


def test_predicted_ratio_is_right_on_average_under_selection() -> None:
    """Gamma-Poisson panels, pilots chosen on the base period, no effect: the mean log ratio is 0."""
    logs: dict[str, list[float]] = {"base_period": [], "predicted": []}
    for seed in range(40):
        panel = simulate.draw_panel(effect=None, seed=seed, selection=0.7, overdispersion=1.0)
        sample = baseline_sample(panel, **ASKED)
        level, one = levels(sample, method="ml").predicted(sample), np.ones(len(sample.pilot))
        after, base, predicted = (
            log_contrast(*each, sample.pilot, one)
            for each in ((sample.post, one), (sample.pre[:, -1], one), (sample.post, level))
        )
        logs["base_period"].append(after - base)
        logs["predicted"].append(predicted)
    spread = np.std(logs["predicted"], ddof=1) / np.sqrt(40)
    assert abs(np.mean(logs["predicted"])) < 3 * spread
    assert np.mean(logs["base_period"]) < -10 * spread


def mean_logs(choose: str, effect: float, panels: int = 60) -> pd.DataFrame:
    """Log ratios of `_ratios` over panels whose pilots were chosen on chance, on level, or on both."""
    found = []
    for seed in range(panels):
        rng = np.random.default_rng([seed, 9])
        level = rng.gamma(1.0, 1.0, 400)
        pre = rng.poisson(level[:, None] * [1.2, 0.9, 1.0])
        chance = pre[:, -1] - level
        score = {"noise": chance, "level": level, "both": pre[:, -1]}[choose]
        pilot = np.argsort(np.argsort(score + 0.1 * rng.random(400))) >= 320
        post = rng.poisson(level * 1.6 * np.where(pilot, effect, 1.0))
        ones = np.ones(400)
        sample = BaselineSample(
            pre.astype(float), np.ones_like(pre, float), post, ones, pilot, synthetic=True
        )
        found.append(_ratios(sample, ones, "moments"))
    return pd.DataFrame(found, columns=_ROWS)


@pytest.mark.parametrize("effect", [1.0, 0.6])
@pytest.mark.parametrize("choose", ["noise", "level", "both"])
def test_predicted_ratio_is_the_effect_whatever_pilots_were_chosen_on(choose: str, effect: float) -> None:
    logs = mean_logs(choose, effect)
    spread = logs.std(ddof=1) / np.sqrt(len(logs))
    assert abs(logs["predicted"].mean() - np.log(effect)) < 3.5 * spread["predicted"]
    if choose == "level":
        assert abs(logs["pooled"].mean() - np.log(effect)) > 5 * spread["pooled"]
    if choose != "level" and effect == 1:
        fall = logs["base_period"] - logs["regression_alone"]
        assert logs["base_period"].mean() < -10 * spread["base_period"]
        assert abs(fall.mean()) < 3.5 * fall.std(ddof=1) / np.sqrt(len(logs))


@pytest.mark.parametrize(
    ("base", "own", "pooled", "passed"),
    [
        ((0.8, 1.2), (0.5, 0.7), (0.5, 0.7), None),
        ((0.5, 0.7), (0.8, 1.2), (0.5, 0.7), False),
        ((0.5, 0.7), (1.2, 1.5), (0.5, 0.7), False),
        ((0.5, 0.7), (0.6, 0.9), (0.8, 1.2), None),
        ((0.5, 0.7), (0.6, 0.9), (0.7, 0.9), True),
        ((1.5, 1.7), (1.2, 1.9), (1.1, 1.9), True),
    ],
)
def test_verdict_honours_both_targets(base: tuple, own: tuple, pooled: tuple, passed: bool | None) -> None:
    ends = [base, (1, 1), own, pooled, (1, 1)]
    frame = pd.DataFrame(ends, columns=["ci_low", "ci_high"], index=pd.Index(_ROWS)).assign(ratio=1.0)
    assert _verdict(frame)[0] is passed
    for language, words in {"en": "to 1.20", "zh": "至1.20"}.items():
        if passed is None and pooled[1] > 1:
            assert words in _shrinkage_sentence(frame, _verdict(frame)[1], 0.95, language)


@pytest.mark.parametrize(("empty", "left"), [(("2018", "2019"), 0), (("2019",), 1)])
def test_an_arm_with_events_in_fewer_than_two_earlier_periods_cannot_be_predicted(
    empty: tuple[str, ...], left: int
) -> None:
    panel = simulate.draw_panel(effect=None, seed=1, units=60, pilots=20, counties=6, cities=3, mean=2.0)
    panel.loc[panel["pilot"] & panel["period"].isin(empty), "losses"] = 0
    with pytest.raises(UntestableError, match=f"^pilots must have events in two periods .* in {left}"):
        baseline_shrinkage(panel, **ASKED, draws=99, seed=1)


def test_same_seed_same_result() -> None:
    panel = simulate.draw_panel(effect=0.6, seed=5, units=200, pilots=60, counties=10, cities=2)
    first, again, other = (baseline_shrinkage(panel, **ASKED, draws=99, seed=s).to_frame() for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_bad_input_is_named() -> None:
    panel = simulate.draw_panel(effect=None, seed=1, units=30, pilots=10, counties=3, cities=1)
    for changed, name in (
        ({"draws": 10}, "draws"),
        ({"method": "mean"}, "method"),
        ({"ci_level": 2}, "ci_level"),
    ):
        with pytest.raises(DataError, match=f"^{name} must"):
            baseline_shrinkage(panel, **ASKED, **{"seed": 1} | changed)


def test_dose_that_answers_the_base_period_fails() -> None:
    for tie, passed in ((0.5, False), (0.0, True)):
        panel = simulate.draw_panel(effect=None, seed=7, units=300, pilots=50, dose_base=tie)
        frame = changes(panel, pre="2020", post="2021", counts=["losses"], measures=["dose"])
        found = dose_on_baseline(
            frame.rename(columns={"dose_post": "doses"}),
            measures=["doses"],
            outcome="losses",
            seed=1,
            draws=199,
        )
        assert found.passed is passed
        assert found.to_frame().index.tolist() == ["doses"]


def test_dose_needs_a_base_level() -> None:
    panel = simulate.draw_panel(effect=None, seed=7, units=100, pilots=20)
    frame = changes(panel, pre="2020", post="2021", counts=["losses"], measures=["dose"])
    frame["losses_pre"] = 1.0
    with pytest.raises(UntestableError, match="base-period level"):
        dose_on_baseline(frame, measures=["dose_post"], outcome="losses", seed=1, draws=99)
