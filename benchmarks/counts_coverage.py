"""Coverage of the 95% intervals of `counts.fit_poisson`, clustered by unit, with few treated units.

    python benchmarks/counts_coverage.py [simulations]

Draws of `simulate.draw_panel` with ratios 0.3, 0.6, 1 and 2, 89 of 1,365 and 12 of 200 units treated,
variance 1.5 times the mean, half a loss a unit and year. An interval by inversion holds the true ratio
exactly where the test at that ratio does not reject: one restricted fit tells. Exit 1 where the score
bootstrap covers less than 93% or more than 97%.
"""

import sys
from time import perf_counter

import numpy as np
from scipy.stats import t

from reform_analysis import count_sample, fixed_effects, simulate, wild_score

LOW, HIGH, DRAWS = 0.93, 0.97, 999
SIZES = {"89 of 1,365": (1365, 89), "12 of 200": (200, 12)}
RATIOS = (0.3, 0.6, 1.0, 2.0)
COLUMNS = {"outcome": "losses", "exposure": None, "unit": "unit_id", "period": "period", "cluster": None}


def covered(units: int, pilots: int, ratio: float, seed: list[int]) -> dict[str, bool]:
    """Whether each interval of one draw holds the true ratio."""
    panel = simulate.draw_panel(effect=ratio, seed=np.random.default_rng(seed), units=units, pilots=pilots)
    panel["treated"] = (panel["pilot"] & (panel["period"] >= "2021")).astype(float)
    sample = count_sample.sample(panel, terms=["treated"], treatment=None, **COLUMNS)
    fit = fixed_effects.poisson(sample, covariance="cluster")
    clusters, truth = fit.sample.n_clusters, float(np.log(ratio))
    away = abs(fit.coefficients[0] - truth) / np.sqrt(fit.vcov[0, 0])
    weights = wild_score.signs(clusters, draws=DRAWS, seed=np.random.default_rng([*seed, 1]))
    p = wild_score.p_value(wild_score.null_score(fit.sample, 0, truth), weights)
    return {"wild_score": p > 0.05, "cluster, t": bool(away <= t(clusters - 1).ppf(0.975))}


def main() -> int:
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    failed = False
    for number, (name, (units, pilots)) in enumerate(SIZES.items()):
        for ratio in RATIOS:
            begun = perf_counter()
            found = []
            for seed in range(simulations):
                try:
                    found.append(covered(units, pilots, ratio, [17, number, seed]))
                except fixed_effects.UntestableError:
                    continue
            rates = {kind: float(np.mean([each[kind] for each in found])) for kind in found[0]}
            failed |= not LOW <= rates["wild_score"] <= HIGH
            shown = "; ".join(f"{kind} {rate:.3f}" for kind, rate in rates.items())
            print(
                f"{name} treated, ratio {ratio:g}: {shown} ({len(found)} of {simulations} simulations with a "
                f"finite ratio, {perf_counter() - begun:.0f} s)",
                flush=True,
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
