"""Calibration of the event study: intervals that cover, and what the joint test of pre-trends sees.

    python benchmarks/event_study_calibration.py [simulations]

Panels are drawn by `simulate.draw_panel` with 4 periods before and 4 after, mean 0.35, lasting differences
between units, overdispersion 1.5, and 89 of 1,365 units treated: independent units, and 11 cities whose
pilots share shocks from adoption on, clustered by city. First the coverage of 95% intervals, the share over
the four ratios from adoption on; the score bootstrap covers where it does not reject the ratio drawn, as
its interval is the inversion of that test. Then the joint test of the three ratios before adoption: its size
without a trend, and its power at the trend that it says it misses half the time, drawn by keeping a loss of
a pilot in a period k before the last one before adoption with the probability of that slope to the power -k.
Exit 1 if a coverage is below 93%, or a size or that power is away from 5% or 50%, by more than 2 Monte Carlo
errors.
"""

import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
from did_calibration import COLUMNS, panel

from reform_analysis import count_sample, did, wild_score
from reform_analysis.estimates import StatisticalWarning
from reform_analysis.event_study import EventStudy

SIZE = {"units": 1365, "pilots": 89}
EFFECTS = (0.6, 1.0)
SETTINGS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "independent units, by unit": (None, {}),
    "independent units, by city": ("city", {}),
    "11 cities with shocks, by city": ("city", {"pilot_cluster_sd": 0.3}),
}
AFTER = [f"event_{k}" for k in range(4)]
BEFORE = ["event_-4", "event_-3", "event_-2"]


def fit(frame: pd.DataFrame, cluster: str | None) -> EventStudy:
    """The event study with cluster-robust intervals; the joint test is the same for all inferences."""
    return did.event_study(frame, **COLUMNS, cluster=cluster, inference="cluster")


def bootstrap_covers(frame: pd.DataFrame, effect: float) -> float:
    """Share of the ratios from adoption on whose true value the score bootstrap by city does not reject."""
    since = frame["period"] - frame["adopted"]
    dummies = {f"event_{k}": (since == k).astype(float) for k in (-4, -3, -2, 0, 1, 2, 3)}
    sample = count_sample.sample(
        frame.assign(**dummies),
        outcome="losses",
        terms=list(dummies),
        exposure=None,
        unit="unit_id",
        period="period",
        cluster="city",
        treatment=None,
        offset=None,
    )
    weights = wild_score.signs(sample.n_clusters, draws=9999, seed=1)
    at = [list(dummies).index(name) for name in AFTER]
    scores = [wild_score.null_score(sample, each, float(np.log(effect))) for each in at]
    return float(np.mean([wild_score.p_value(score, weights) > 0.05 for score in scores]))


def said(shares: list[float]) -> tuple[float, float, str]:
    """Mean share, its Monte Carlo error, and both in words."""
    share, error = float(np.mean(shares)), float(np.std(shares, ddof=1) / np.sqrt(len(shares)))
    return share, error, f"{100 * share:.1f}% (Monte Carlo error {100 * error:.1f})"


def coverage(simulations: int) -> tuple[bool, dict[str, list[EventStudy]]]:
    """Print coverage; the fits without an effect are returned for the joint test."""
    held, kept = True, {}
    for where, (cluster, options) in SETTINGS.items():
        for effect in EFFECTS:
            covered: dict[str, list[float]] = {"cluster-robust": [], "score bootstrap": []}
            fits = []
            for seed in range(simulations):
                frame = panel(20_000 + seed, effect=effect, **SIZE, **options)
                fits.append(fit(frame, cluster))
                rows = fits[-1].to_frame().loc[AFTER]
                covered["cluster-robust"].append(
                    float(((rows["ci_low"] <= effect) & (effect <= rows["ci_high"])).mean())
                )
                if options:
                    covered["score bootstrap"].append(bootstrap_covers(frame, effect))
            for name, shares in covered.items():
                if shares:
                    share, error, words = said(shares)
                    held &= share >= 0.93 - 2 * error
                    print(f"{where}, ratio {effect}, {name}, {simulations} panels: {words} cover", flush=True)
        kept[where] = fits
    return held, kept


def with_trend(frame: pd.DataFrame, slope: float, seed: int) -> pd.DataFrame:
    """Thin the losses of pilots before the last period before adoption."""
    back = np.maximum(frame["adopted"] - 1 - frame["period"], 0).fillna(0)
    kept = np.random.default_rng(seed).binomial(frame["losses"].astype(int), slope**-back)
    return frame.assign(losses=kept.astype(float))


def pretrend(kept: dict[str, list[EventStudy]]) -> bool:
    """Print size and power of the joint test."""
    held = True
    for where, fits in kept.items():
        cluster, options = SETTINGS[where]
        tests = [each.pretrend for each in fits]
        slope = float(np.median([test.missed_slope for test in tests if test is not None]))
        share, error, words = said([float(test is not None and test.p_value <= 0.05) for test in tests])
        held &= abs(share - 0.05) <= 2 * max(error, np.sqrt(0.05 * 0.95 / len(tests)))
        print(f"{where}, joint test without a trend, {len(tests)} panels: {words} rejected", flush=True)
        found = []
        for seed in range(len(tests)):
            drawn = with_trend(panel(30_000 + seed, **SIZE, **options), slope, seed)
            test = fit(drawn, cluster).pretrend
            found.append(float(test is not None and test.p_value <= 0.05))
        share, error, words = said(found)
        held &= abs(share - 0.5) <= 2 * error
        trend = f"joint test at the slope it says it misses half the time ({slope:.3f} a period, the median)"
        print(f"{where}, {trend}, {len(found)} panels: {words} rejected", flush=True)
    return held


def main() -> int:
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    warnings.simplefilter("ignore", StatisticalWarning)
    covered, kept = coverage(simulations)
    return int(not (covered and pretrend(kept)))


if __name__ == "__main__":
    sys.exit(main())
