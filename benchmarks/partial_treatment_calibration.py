"""Calibration of partly treated periods: intervals that cover where the first lasts 8 of 12 months.

    python benchmarks/partial_treatment_calibration.py [simulations]

Panels are drawn by `simulate.draw_panel` with 4 periods before and 4 after, mean 0.35, lasting differences
between units, overdispersion 1.5, and 89 of 1,365 units treated. In the first treated period the effect
lasts 8 of 12 months: losses are drawn without an effect and those of a pilot kept with the probability of
the period's ratio. Printed are the coverage of the 95% interval by score, and of the likelihood's beside it,
which takes counts for Poisson; and the geometric mean of the estimates. Exit 1 if a coverage by score is
outside 93 to 97% by more than 2 Monte Carlo errors.
"""

import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
from did_calibration import panel

from reform_analysis import did
from reform_analysis.estimates import StatisticalWarning

EFFECTS = (0.6, 1.0)
SHARE = 8 / 12
METHODS = ("score", "likelihood")


def drawn(seed: int, effect: float) -> pd.DataFrame:
    """A panel without an effect, whose pilots' losses are then kept with the probability of their ratio."""
    frame = panel(seed, units=1365, pilots=89)
    full = (frame["period"] >= frame["adopted"]).astype(float)
    share = full.where(frame["period"] != frame["adopted"], SHARE)
    kept = np.random.default_rng(seed).binomial(frame["losses"].astype(int), 1 - share + share * effect)
    return frame.assign(losses=kept.astype(float), share=share)


def fitted(frame: pd.DataFrame, inference: Any) -> pd.Series:
    found = did.partial_treatment(
        frame,
        outcome="losses",
        unit="unit_id",
        period="period",
        treated_fraction="share",
        inference=inference,
    )
    return found.to_frame().loc["share"]


def told(effect: float, method: str, rows: list[pd.Series]) -> bool:
    """Print how many intervals hold the ratio drawn; whether those by score do as often as they should."""
    found, error = pd.DataFrame(rows), np.sqrt(0.95 * 0.05 / len(rows))
    share = float(((found["ci_low"] <= effect) & (effect <= found["ci_high"])).mean())
    logs = np.log(found["estimate"])
    mean = np.exp(logs.mean())
    words = (
        f"{100 * share:.1f}% of {len(rows)} cover (Monte Carlo error {100 * error:.1f}); geometric mean of "
    )
    words += (
        f"the estimates {mean:.3f} (Monte Carlo error {mean * logs.std(ddof=1) / np.sqrt(len(logs)):.3f})"
    )
    print(f"89 of 1365, ratio {effect}, {method}: {words}", flush=True)
    return method != "score" or bool(0.93 - 2 * error <= share <= 0.97 + 2 * error)


def main() -> int:
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    warnings.simplefilter("ignore", StatisticalWarning)
    held = []
    for effect in EFFECTS:
        frames = (drawn(40_000 + seed, effect) for seed in range(simulations))
        rows = [[fitted(frame, method) for method in METHODS] for frame in frames]
        held += [
            told(effect, method, list(of))
            for method, of in zip(METHODS, zip(*rows, strict=True), strict=True)
        ]
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
