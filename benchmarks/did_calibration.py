"""Calibration of the ratios of sums: no success manufactured under no effect, intervals that cover.

    python benchmarks/did_calibration.py [simulations] [no_effect|coverage]

Panels are drawn by `simulate.draw_panel` with 4 periods before and 4 after, mean 0.35, lasting differences
between units and overdispersion 1.5. First, under no effect: mean observed over mean counterfactual events,
beside the version that drops treated units without events before treatment. Then the coverage of 95%
intervals at ratios 0.3, 0.6, 1 and 2, the delta method beside; with 89 of 1,365 and 12 of 200 treated, and
with 11 cities whose pilots share shocks, clustered by city; an undefined interval does not cover. Exit 1
if a ratio of means that should be 1 is more than 2 Monte Carlo errors away, or a coverage of a default is
outside 93 to 97% by more than 2 Monte Carlo errors.
"""

import sys
import warnings
from collections.abc import Mapping
from itertools import product
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis import did
from reform_analysis.estimates import StatisticalWarning
from reform_analysis.simulate import draw_panel

LONG = tuple(str(year) for year in range(2017, 2025))
SIZES: tuple[dict[str, Any], ...] = (
    {"units": 1365, "pilots": 89},
    {"units": 200, "pilots": 12, "counties": 22},
    {"units": 1365, "pilots": 89, "pilot_cluster_sd": 0.3},
)
EFFECTS = (0.3, 0.6, 1.0, 2.0)
COLUMNS: Mapping[str, Any] = {
    "outcome": "losses",
    "unit": "unit_id",
    "period": "period",
    "adopted": "adopted",
}


def panel(seed: int, **options: Any) -> pd.DataFrame:
    """A draw with what the estimators need; whole numbers for periods, which read faster."""
    drawn = draw_panel(seed=seed, **{"effect": None, "mean": 0.35, "periods": LONG, **options})
    frame = drawn[["unit_id", "city", "losses", "population"]].astype({"losses": float, "population": float})
    adopted = pd.to_numeric(drawn["adopted"].str[:4].replace("", None)).astype(float)
    return frame.assign(period=drawn["period"].astype(int), adopted=adopted)


def sums(frame: pd.DataFrame, result: Any) -> tuple[float, float]:
    """Observed and counterfactual events of the treated cells."""
    treated = frame["period"] >= frame["adopted"]
    if result.dropped["reason"].str.startswith("no events before treatment").any():
        had = frame["losses"].where(~treated, 0).groupby(frame["unit_id"]).transform("sum") > 0
        treated &= had
    observed = float(frame.loc[treated, "losses"].sum())
    return observed, observed / float(result.to_frame().loc["att", "estimate"])


def ratio_of_means(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """Mean observed over mean counterfactual, and its Monte Carlo error."""
    observed, expected = np.array(pairs).T
    ratio = observed.mean() / expected.mean()
    error = (observed - ratio * expected).std(ddof=1) / expected.mean() / np.sqrt(len(pairs))
    return float(ratio), float(error)


def no_effect(simulations: int) -> bool:
    """Print the ratios of means; whether those that keep every unit are 1."""
    held = True
    scenarios: dict[str, dict[str, Any]] = {
        "4+4 periods, mean 0.35": {},
        "4+4 periods, mean 0.35, roll-out": {"rollout": {"2022": 0.3, "2023": 0.3}},
        "4+4 periods, mean 0.6": {"mean": 0.6},
        "1+1 periods, mean 0.35": {"periods": ("2020", "2021")},
    }
    for name, options in scenarios.items():
        pairs: dict[str, list[tuple[float, float]]] = {"staggered": [], "imputation": [], "dropping": []}
        for seed in range(simulations):
            frame = panel(seed, **options)
            results = {
                "staggered": did.staggered(frame, **COLUMNS, exposure="population"),
                "imputation": did.imputation(frame, **COLUMNS),
                "dropping": did.imputation(frame, **COLUMNS, zero_history="drop"),
            }
            for method, result in results.items():
                pairs[method].append(sums(frame, result))
        for method, found in pairs.items():
            ratio, error = ratio_of_means(found)
            mean = np.mean([observed / expected for observed, expected in found])
            sound = abs(ratio - 1) <= 2 * error
            held &= sound or method == "dropping"
            said = f"mean observed / mean counterfactual {ratio:.4f} (Monte Carlo error {error:.4f})"
            print(f"{name}, {method}: {said}; mean ratio {mean:.4f}", flush=True)
    return held


def coverage(simulations: int) -> bool:
    """Print how many intervals hold the ratio they were drawn with."""
    held = True
    for size, effect in product(SIZES, EFFECTS):
        cluster = "city" if "pilot_cluster_sd" in size else None
        begun = perf_counter()
        counts = dict.fromkeys(("staggered, population", "imputation", "imputation, delta method"), 0)
        opened = dict.fromkeys(counts, 0)
        for seed in range(simulations):
            frame = panel(10_000 + seed, effect=effect, **size)
            results = [
                did.staggered(frame, **COLUMNS, cluster=cluster, exposure="population"),
                did.imputation(frame, **COLUMNS, cluster=cluster),
                did.imputation(frame, **COLUMNS, cluster=cluster, inference="delta"),
            ]
            for name, result in zip(counts, results, strict=True):
                row = result.to_frame().loc["att"]
                counts[name] += bool(row["ci_low"] <= effect <= row["ci_high"])
                opened[name] += bool(np.isinf(row["ci_high"]))
        error = np.sqrt(0.95 * 0.05 / simulations)
        for name, count in counts.items():
            share = count / simulations
            held &= 0.93 - 2 * error <= share <= 0.97 + 2 * error or "delta" in name
            said = f"{100 * share:.1f}% cover (Monte Carlo error {100 * error:.1f})"
            said += f", {100 * opened[name] / simulations:.1f}% are open above"
            where = f"{size['pilots']} of {size['units']}{', 11 cities with shocks' if cluster else ''}"
            print(f"{where}, ratio {effect}, {name}: {said}", flush=True)
        print(f"  {perf_counter() - begun:.0f} s", flush=True)
    return held


def main() -> int:
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    asked = sys.argv[2] if len(sys.argv) > 2 else None
    warnings.simplefilter("ignore", StatisticalWarning)
    parts = {"no_effect": no_effect, "coverage": coverage}
    sound = [part(simulations) for name, part in parts.items() if asked in (None, name)]
    return int(not all(sound))


if __name__ == "__main__":
    sys.exit(main())
