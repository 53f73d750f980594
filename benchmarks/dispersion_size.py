"""Rejections at 5% of `dispersion.dispersion_test`: Poisson counts, then counts with a larger variance.

    python benchmarks/dispersion_size.py [simulations]

Panels of `simulate.draw_panel` without an effect, six years, a mean of half a loss a unit and year. Prints
the share rejected where the variance is 1, 1.2 and 1.5 times the mean, and the median of the statistic; exit
1 where Poisson counts are rejected more often than 7.1%: 5% and 3 Monte Carlo errors of 1,000 simulations.
"""

import sys
from time import perf_counter

import numpy as np

from reform_analysis import simulate
from reform_analysis.dispersion import dispersion_test

LEVEL, BOUND = 0.05, 0.071
PANELS = {
    "1,365 units": {"units": 1365, "pilots": 89},
    "89 units": {"units": 89, "pilots": 30, "counties": 30},
}
VARIANCES = (1.0, 1.2, 1.5)


def main() -> int:
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    failed = False
    for name, design in PANELS.items():
        for variance in VARIANCES:
            begun, found = perf_counter(), []
            for seed in range(simulations):
                panel = simulate.draw_panel(effect=None, seed=[13, seed], overdispersion=variance, **design)
                row = (
                    dispersion_test(panel, outcome="losses", unit="unit_id", period="period")
                    .to_frame()
                    .iloc[0]
                )
                found.append((row["p_value"] <= LEVEL, row["estimate"]))
            rate, middle = np.mean([p for p, _ in found]), np.median([value for _, value in found])
            failed |= variance == 1 and rate > BOUND
            print(
                f"{name}, variance {variance:g} times the mean: rejected {rate:.3f}, "
                f"median statistic {middle:.3f} ({simulations} simulations, {perf_counter() - begun:.0f} s)",
                flush=True,
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
