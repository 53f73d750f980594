"""Coverage of the intervals of the association over draws that nothing conditions on.

    python benchmarks/association_coverage.py [draws]

Each is a draw of `simulate.draw_panel` made into changes by `panel.changes`: 176 units, 0.8 times the losses
for each standard deviation of a dose that also answers the level, overdispersed counts with series cases;
pilots are a stratum. Once units are independent, once 44 cities share half the variance of the dose and a
shock to each period. The truth is the rate ratio drawn with, or the method's own estimate on draws of 100,000
units. Prints how many intervals hold it; exit 1 outside 181 to 197 of 200, the middle 99.5% of a binomial
with 0.95.
"""

import sys
from collections.abc import Iterator
from time import perf_counter

import numpy as np
import pandas as pd
from scipy.stats import binom, kendalltau

from reform_analysis import correlate, panel, simulate
from reform_analysis.influence import margin, projection
from reform_analysis.permutation import Design

UNITS, SIZE, PERIODS = 176, 4, ("2018", "2019", "2020", "2021")
CASES = {"mean": 1.2, "overdispersion": 1.5, "series_share": 0.15}
EFFECT, DRAWS = 0.8, 999
POPULATION, POPULATIONS, PAIRED = 100_000, 8, 20_000


def draw(seed: int, n: int, *, clustered: bool) -> pd.DataFrame:
    """Changes whose log rate ratio is log(EFFECT) per standard deviation of the dose."""
    drawn = simulate.draw_panel(
        effect=None,
        seed=seed,
        units=n,
        pilots=n // 4,
        counties=n // SIZE,
        cities=n // SIZE,
        periods=PERIODS,
        dose_effect=EFFECT,
        dose_level=0.4,
        cluster_sd=0.3 if clustered else 0.0,
        dose_cluster=0.5 if clustered else 0.0,
        **CASES,
    )
    changes = panel.changes(drawn, pre="2020", post="2021", counts=["losses"])
    return changes.rename(columns={"losses_earlier": "level"})


def truths(*, clustered: bool) -> pd.DataFrame:
    """Each method's estimate on populations of which the draws are samples, one row a population."""
    seeds = range(10**6, 10**6 + POPULATIONS)
    return pd.DataFrame([population_estimates(draw(seed, POPULATION, clustered=clustered)) for seed in seeds])


def population_estimates(population: pd.DataFrame) -> dict[str, float]:
    found = {"kendall": tau(population)}
    dummies = Design(population["pilot"].to_numpy(dtype=np.intp)).strata_dummies()
    for method in ("spearman", "pearson", "partial"):
        beside = [population["level"]] if method == "partial" else []
        off = projection(np.column_stack([dummies, *beside]))
        kind = "spearman" if method == "spearman" else "pearson"
        sides = [
            margin(population[name].to_numpy(), kind=kind, off=off).scores
            for name in ("dose", "losses_difference")
        ]
        found[method] = float(np.corrcoef(*sides)[0, 1])
    return found


def tau(population: pd.DataFrame) -> float:
    """Mean of tau-b over parts, of whole cities, and over the arms, which do not differ."""
    parts = [population.iloc[first : first + PAIRED] for first in range(0, len(population), PAIRED)]
    return float(np.mean([kendalltau(part["dose"], part["losses_difference"]).statistic for part in parts]))


def held(draws: int, target: dict[str, float], *, clustered: bool) -> Iterator[dict[str, bool]]:
    """Whether each method's interval holds the truth, draw by draw."""
    for seed in range(draws):
        changes = draw(seed, UNITS, clustered=clustered)
        aim = target | {"poisson_score": EFFECT ** changes["dose"].std(ddof=1)}
        rows = {method: row(changes, method, seed, clustered=clustered) for method in correlate.METHODS}
        yield {name: bool(each["ci_low"] <= aim[name] <= each["ci_high"]) for name, each in rows.items()}


def row(changes: pd.DataFrame, method: correlate.Method, seed: int, *, clustered: bool) -> pd.Series:
    # Without its columns the base-year table is not computed, which halves the time.
    result = correlate.association(
        changes if method == "poisson_score" else changes.drop(columns="losses_pre"),
        measures=["dose"],
        outcome="losses",
        method=method,
        covariates=["level"] if method == "partial" else (),
        cluster="city" if clustered else None,
        draws=DRAWS,
        seed=seed,
    )
    return result.to_frame().loc["dose"]


def main() -> int:
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    low, high = binom.ppf([0.0025, 0.9975], draws, 0.95) if draws != 200 else (181, 197)
    outside = 0
    for clustered in (False, True):
        begun = perf_counter()
        found = truths(clustered=clustered)
        counts = pd.DataFrame(held(draws, dict(found.mean()), clustered=clustered)).sum()
        print(f"{'44 cities' if clustered else 'independent units'}: {perf_counter() - begun:.0f} s")
        for method, count in counts.items():
            known = (
                f"{found[method].mean():.4f} (error {found[method].sem():.4f})" if method in found else EFFECT
            )
            print(f"  {method}: {count} of {draws} hold {known}, bounds {low:.0f} to {high:.0f}", flush=True)
        outside += int(((counts < low) | (counts > high)).sum())
    return int(outside > 0)


if __name__ == "__main__":
    sys.exit(main())
