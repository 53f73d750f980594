"""Rejection rate of the association test under the null, with clusters and overdispersion.

    python benchmarks/association_size.py [simulations]

Each simulation draws 176 units in 44 clusters. A cluster shares a shock to its change and a part of its dose;
counts are negative binomial with series cases, and half the simulations tie the dose to the level of losses
(not to their change). Prints the rejection rate at 5% for each method; exit 1 above 6.5%.
"""

import sys
from time import perf_counter

import numpy as np
import pandas as pd

from reform_analysis import correlate

CLUSTERS, SIZE, PERIODS = 44, 4, 2
DRAWS, BOUND = 199, 0.065


def draw(rng: np.random.Generator, *, tied_to_level: bool) -> pd.DataFrame:
    """Changes with a dose that has nothing to do with them, whatever it has to do with levels."""
    cluster = np.repeat(np.arange(CLUSTERS), SIZE)
    n = len(cluster)
    level = rng.gamma(1.0, 1.0, n) + 0.1
    dose = (rng.normal(size=CLUSTERS)[cluster] + rng.normal(size=n)) / np.sqrt(2)
    dose = dose + np.log(level) if tied_to_level else dose
    shock = np.exp(rng.normal(0, 0.3, (PERIODS, CLUSTERS)))[:, cluster]
    pre, post = (counts(rng, 1.2 * level * each) for each in shock)
    columns = {"cluster": cluster, "pilot": rng.permutation(n) < n // 4, "dose": dose, "level": np.log(level)}
    counted = {"losses_pre": pre, "losses_post": post}
    return pd.DataFrame({**columns, **counted, "losses_difference": post - pre})


def counts(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    """Negative binomial single cases, and now and then a series of about six."""
    single = rng.poisson(mean * rng.gamma(2.0, 0.5, len(mean)))
    return (single + rng.poisson(0.03 * mean) * (1 + rng.poisson(5, len(mean)))).astype(float)


def main() -> int:
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    worst = 0.0
    for method in correlate.METHODS:
        begun = perf_counter()
        rejected = {tied: rejections(method, tied, simulations // 2) for tied in (False, True)}
        rates = {tied: np.mean(each) for tied, each in rejected.items()}
        rate = float(np.mean(list(rates.values())))
        worst = max(worst, *rates.values())
        print(
            f"{method}: {rate:.4f} (dose free of the level {rates[False]:.4f}, tied to it {rates[True]:.4f}; "
            f"{simulations} simulations, {perf_counter() - begun:.0f} s)",
            flush=True,
        )
    print(f"largest {worst:.4f}, bound {BOUND}")
    return int(worst > BOUND)


def rejections(method: correlate.Method, tied: bool, simulations: int) -> list[bool]:
    """Whether each simulation rejects at 5%."""
    rng = np.random.default_rng([7, tied])
    found = []
    for seed in range(simulations):
        changes = draw(rng, tied_to_level=tied)
        changes = changes.drop(columns=[] if method == "poisson_score" else ["losses_pre"])
        result = correlate.association(
            changes,
            measures=["dose"],
            outcome="losses",
            method=method,
            covariates=["level"] if method == "partial" else (),
            cluster="cluster",
            draws=DRAWS,
            seed=seed,
        )
        found.append(result.to_frame().loc["dose", "p_value"] <= 0.05)
    return found


if __name__ == "__main__":
    sys.exit(main())
