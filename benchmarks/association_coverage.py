"""Coverage of the intervals of the association over draws that nothing conditions on.

    python benchmarks/association_coverage.py [draws]

Each draw has 176 units, a dose with an effect, overdispersed counts and pilots that are a stratum; once units
are independent, once 44 clusters share half the variance of the dose and a shock to the change. The truth is
the method's own estimate on a population of 400,000 units. Prints how many intervals hold it; exit 1 outside
181 to 197 of 200, the middle 99.5% of a binomial with 0.95.
"""

import sys
from itertools import product
from time import perf_counter

import numpy as np
import pandas as pd
from scipy.stats import binom, kendalltau

from reform_analysis import correlate
from reform_analysis.influence import margin, projection
from reform_analysis.permutation import Design

UNITS, DRAWS, SIZE = 176, 999, 4
EFFECT = 0.8


def draw(rng: np.random.Generator, n: int, *, clustered: bool) -> pd.DataFrame:
    """Changes whose log rate ratio is log(EFFECT) per standard deviation of the dose."""
    cluster = np.arange(n) // SIZE
    level = 2.0 * rng.gamma(1.0, 1.0, n)
    dose, shock = rng.normal(size=n), np.ones(n)
    if clustered:
        dose = (dose + rng.normal(size=n // SIZE)[cluster]) / np.sqrt(2)
        shock = np.exp(rng.normal(0, 0.3, n // SIZE))[cluster]
    pre = rng.poisson(level * rng.gamma(2.0, 0.5, n)).astype(float)
    post = rng.poisson(level * shock * EFFECT**dose * rng.gamma(2.0, 0.5, n)).astype(float)
    columns = {"cluster": cluster, "pilot": rng.random(n) < 0.3, "dose": dose, "level": np.log(level + 0.5)}
    return pd.DataFrame({**columns, "losses_pre": pre, "losses_post": post, "losses_difference": post - pre})


def truth(method: correlate.Method, clustered: bool) -> float:
    """The association in a population of which the draws are samples."""
    if method == "poisson_score":
        return EFFECT
    rng = np.random.default_rng(99)
    if method == "kendall":
        arms = [
            kendalltau(*draw(rng, 20_000, clustered=clustered)[["dose", "losses_difference"]].to_numpy().T)[0]
            for _ in range(20)
        ]
        return float(np.mean(arms))
    population = draw(rng, 400_000, clustered=clustered)
    design = Design(population["pilot"].to_numpy(dtype=np.intp))
    beside = [population["level"]] if method == "partial" else []
    off = projection(np.column_stack([design.strata_dummies(), *beside]))
    kind = "spearman" if method == "spearman" else "pearson"
    sides = [
        margin(population[name].to_numpy(), kind=kind, off=off).scores
        for name in ("dose", "losses_difference")
    ]
    return float(np.corrcoef(*sides)[0, 1])


def held(method: correlate.Method, clustered: bool, target: float, draws: int) -> int:
    """How many intervals hold the truth."""
    rng = np.random.default_rng(2025)
    count = 0
    for seed in range(draws):
        changes = draw(rng, UNITS, clustered=clustered)
        spread = changes["dose"].std(ddof=1)
        changes = changes.drop(columns=[] if method == "poisson_score" else ["losses_pre"])
        result = correlate.association(
            changes,
            measures=["dose"],
            outcome="losses",
            method=method,
            covariates=["level"] if method == "partial" else (),
            cluster="cluster" if clustered else None,
            draws=DRAWS,
            seed=seed,
        )
        row = result.to_frame().loc["dose"]
        aim = target**spread if method == "poisson_score" else target
        count += bool(row["ci_low"] <= aim <= row["ci_high"])
    return count


def main() -> int:
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    low, high = binom.ppf([0.0025, 0.9975], draws, 0.95) if draws != 200 else (181, 197)
    outside = 0
    for clustered, method in product((False, True), correlate.METHODS):
        begun = perf_counter()
        target = truth(method, clustered)
        count = held(method, clustered, target, draws)
        outside += not low <= count <= high
        seconds = perf_counter() - begun
        said = f"{count} of {draws} hold {target:.4f}, bounds {low:.0f} to {high:.0f}"
        print(f"{method}{', clusters' if clustered else ''}: {said} ({seconds:.0f} s)", flush=True)
    return int(outside > 0)


if __name__ == "__main__":
    sys.exit(main())
