"""Power by the formula beside simulated power, where the formula's assumptions hold and where they do not.

    python benchmarks/power_agreement.py [simulations]

For each design `power.detectable_ratio` gives the ratio that it finds with 80% power at a level of 5%. Totals
are drawn with that ratio and with 1 (`bootstrap_power.drawn_totals`: lasting levels of units of variance 1,
negative binomial counts) and tested by the formula's own test, Wald's of the log ratio of totals with the
inflation known, and by the score bootstrap of the effect report, by unit or in that many clusters with pilots
in all. "Holds" are the designs in which the pilots' smaller expected total, over the inflation, is at least
20. Exit 1 if, among these, the formula's own test has a power away from 80%, or a size away from 5%, by more
than 3 Monte Carlo errors and 2 percentage points; with 4 clusters the bootstrap must reject nothing.
"""

import sys
from typing import Any

import numpy as np
from scipy import stats

from reform_analysis import bootstrap_power, power
from reform_analysis.bootstrap_power import Comparison

TARGET, LEVEL, ENOUGH = 0.8, 0.05, 20
LEAST = 0.1  # drawn where the formula finds no ratio
DESIGNS: tuple[
    tuple[Any, ...], ...
] = (  # pilots, controls, mean, control mean, pre, post, inflation, clusters
    (89, 1276, 0.6, 0.3, 1, 1, 1.0, None),
    (89, 1276, 0.6, 0.3, 1, 1, 1.5, None),
    (89, 1276, 0.6, 0.3, 3, 1, 1.5, None),
    (89, 1276, 0.6, 0.3, 4, 4, 1.0, None),
    (89, 1276, 0.6, 0.3, 4, 4, 1.5, None),
    (89, 1276, 2.0, 1.0, 1, 1, 2.0, None),
    (200, 400, 1.0, 1.0, 1, 1, 1.5, None),
    (200, 400, 1.0, 1.0, 4, 4, 1.5, None),
    (89, 1276, 0.3, 0.3, 1, 1, 1.0, None),
    (89, 1276, 0.2, 0.1, 1, 1, 1.5, None),
    (89, 1276, 0.1, 0.1, 4, 4, 1.5, None),
    (12, 188, 0.6, 0.3, 4, 4, 1.5, None),
    (12, 188, 2.0, 1.0, 3, 1, 1.5, None),
    (89, 1276, 0.6, 0.3, 4, 4, 1.5, 89),
    (89, 1276, 0.6, 0.3, 4, 4, 1.5, 20),
    (89, 1276, 0.6, 0.3, 4, 4, 1.5, 11),
    (89, 1276, 0.6, 0.3, 4, 4, 1.5, 8),
    (89, 1276, 0.6, 0.3, 4, 4, 1.5, 6),
    (89, 1276, 0.6, 0.3, 4, 4, 1.5, 5),
    (89, 1276, 0.6, 0.3, 4, 4, 1.5, 4),
)


def wald_share(like: Comparison, ratio: float, draws: int, seed: int) -> float:
    """Share of draws that the formula's own test rejects; a total of 0 rejects nothing."""
    rng, rejected = np.random.default_rng(seed), 0
    for _ in range(draws):
        drawn = bootstrap_power.drawn_totals(like, ratio, 1, rng)
        cells = np.array([[end[0, like.pilot].sum(), end[0, ~like.pilot].sum()] for end in drawn])
        if (cells > 0).all():
            log_ratio = np.log(cells[1, 0] * cells[0, 1] / (cells[0, 0] * cells[1, 1]))
            spread = np.sqrt(like.inflation * (1 / cells).sum())
            rejected += bool(2 * stats.norm.sf(abs(log_ratio) / spread) <= LEVEL)
    return rejected / draws


def words(share: float, draws: int) -> str:
    error = np.sqrt(share * (1 - share) / draws)
    return f"{100 * share:.1f}% ({100 * error:.1f})"


def sound(share: float, expected: float, draws: int) -> bool:
    off = abs(share - expected)
    return bool(off <= max(3 * np.sqrt(expected * (1 - expected) / draws), 0.02))


def compared(design: tuple[Any, ...], draws: int) -> bool:
    """Print a design's line; whether the formula holds where it should."""
    pilots, controls, mean, control_mean, pre, post, inflation, clusters = design
    sizes = {"mean": mean, "control_mean": control_mean, "pre": pre, "post": post, "inflation": inflation}
    ratio = power.detectable_ratio(pilots=pilots, controls=controls, power=TARGET, **sizes)
    none, ratio = np.isnan(ratio), LEAST if np.isnan(ratio) else ratio
    units = pilots + controls
    like = Comparison(
        np.arange(units) < pilots,
        np.arange(units) % (clusters or units),
        heterogeneity=1.0,
        **sizes,
    )
    wald = [wald_share(like, each, draws, seed=1) for each in (ratio, 1.0)]
    found = bootstrap_power.simulate_power(like, [ratio, 1.0], draws=draws, seed=1, level=LEVEL)
    boot = [float(share) for share in found.to_frame()["estimate"]]
    expected = pilots * mean * min(pre, post * ratio)
    holds = expected / inflation >= ENOUGH
    agree = sound(wald[0], TARGET, draws) and sound(wald[1], LEVEL, draws)
    where = f"{pilots} pilots of mean {mean}, {controls} others of {control_mean}, {pre}+{post} periods, "
    where += f"inflation {inflation}, {clusters or 'no'} clusters"
    said = f"ratio {ratio:.3f}, {expected:.0f} events in the smaller cell{'' if holds else ', too few'}; "
    formula = f"below {100 * TARGET:.0f}% at any ratio" if none else f"{100 * TARGET:.0f}%"
    said += f"power: formula {formula}, its own test {words(wald[0], draws)}, "
    said += f"bootstrap {words(boot[0], draws)}; size: {words(wald[1], draws)}, {words(boot[1], draws)}"
    print(f"{where}: {said}", flush=True)
    return (agree or not holds) and not (clusters and clusters < 6 and any(boot))


def main() -> int:
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("Shares of panels that reject (Monte Carlo error): at the ratio, and at a ratio of 1 (size)")
    agreed = [compared(design, draws) for design in DESIGNS]
    return int(not all(agreed))


if __name__ == "__main__":
    sys.exit(main())
