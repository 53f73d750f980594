"""Rejection rate of the association test under the null, with clusters and overdispersion.

    python benchmarks/association_size.py [simulations]

Each simulation is a draw of `simulate.draw_panel` without effect, made into changes by `panel.changes`: 176
units in 44 cities. A city shares a shock to each period and half the variance of the dose; counts are
overdispersed, with series cases. Once the dose is free of the level of losses, once it answers the level
(not the change). All methods test the same draws, with 199 permutations of whole cities. Prints the
rejection rate at 5% for each method; exit 1 above 6.5%.
"""

import sys
from collections.abc import Iterator
from time import perf_counter

import numpy as np
import pandas as pd

from reform_analysis import correlate, panel, simulate

UNITS, CITIES, PERIODS = 176, 44, ("2018", "2019", "2020", "2021")
CASES = {"mean": 1.2, "overdispersion": 1.5, "series_share": 0.15, "cluster_sd": 0.3}
LEVELS = {"free of the level": 0.0, "tied to it": 0.6}  # correlation of the dose with the level's score
DRAWS, BOUND = 199, 0.065


def draw(seed: int, *, dose_level: float) -> pd.DataFrame:
    """Changes with a dose that has nothing to do with them, whatever it has to do with levels."""
    drawn = simulate.draw_panel(
        effect=None,
        seed=seed,
        units=UNITS,
        pilots=UNITS // 4,
        counties=CITIES,
        cities=CITIES,
        periods=PERIODS,
        dose_cluster=0.5,
        dose_level=dose_level,
        **CASES,
    )
    changes = panel.changes(drawn, pre="2020", post="2021", counts=["losses"])
    return changes.rename(columns={"losses_earlier": "level"})


def rejections(simulations: int, *, dose_level: float) -> Iterator[dict[str, bool]]:
    """Whether each method rejects at 5%, draw by draw."""
    for seed in range(simulations):
        changes = draw(seed, dose_level=dose_level)
        yield {method: p_value(changes, method, seed) <= 0.05 for method in correlate.METHODS}


def p_value(changes: pd.DataFrame, method: correlate.Method, seed: int) -> float:
    # Without its columns the base-year table is not computed, which halves the time.
    kept = changes if method == "poisson_score" else changes.drop(columns="losses_pre")
    result = correlate.association(
        kept,
        measures=["dose"],
        outcome="losses",
        method=method,
        covariates=["level"] if method == "partial" else (),
        cluster="city",
        draws=DRAWS,
        seed=seed,
    )
    return float(result.to_frame().loc["dose", "p_value"])


def main() -> int:
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    worst = 0.0
    for name, level in LEVELS.items():
        begun = perf_counter()
        rates = pd.DataFrame(rejections(simulations, dose_level=level)).mean()
        error = np.sqrt(0.05 * 0.95 / simulations)
        print(f"dose {name}: {simulations} simulations, {perf_counter() - begun:.0f} s", flush=True)
        for method, rate in rates.items():
            print(f"  {method}: {rate:.4f} (Monte Carlo error {error:.4f})", flush=True)
        worst = max(worst, float(rates.max()))
    print(f"largest {worst:.4f}, bound {BOUND}")
    return int(worst > BOUND)


if __name__ == "__main__":
    sys.exit(main())
