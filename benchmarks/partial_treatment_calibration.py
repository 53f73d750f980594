"""Calibration of partly treated periods: intervals that cover, and what a wrong coding does.

    python benchmarks/partial_treatment_calibration.py [simulations]

Panels are drawn by `simulate.draw_panel` with 4 periods before and 4 after, mean 0.35, lasting differences
between units, overdispersion 1.5, and 89 of 1,365 units treated. In the first treated period the effect
lasts 8 of 12 months: losses are drawn without an effect and those of a pilot kept with the probability of
the period's ratio. Independent units, and 11 cities whose pilots share shocks, clustered by city. Printed
are the coverage of the 95% interval by score and how many are open above, and the geometric mean of the
estimates; for independent units beside them the likelihood's interval, and the first period counted in full.
Exit 1 if a coverage by score is outside 93 to 97% by more than 2 Monte Carlo errors.
"""

import sys
import warnings
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from did_calibration import panel

from reform_analysis import did
from reform_analysis.estimates import StatisticalWarning

SIZE = {"units": 1365, "pilots": 89}
EFFECTS = (0.6, 1.0)
SHARE = 8 / 12
SETTINGS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "independent units, by unit": (None, {}),
    "11 cities with shocks, by city": ("city", {"pilot_cluster_sd": 0.3}),
}


def drawn(seed: int, effect: float, options: dict[str, Any]) -> pd.DataFrame:
    """A panel without an effect, whose pilots' losses are then kept with the probability of their ratio."""
    frame = panel(seed, **SIZE, **options)
    first = frame["period"] == frame["adopted"]
    full = (frame["period"] >= frame["adopted"]).astype(float)
    share = full.where(~first, SHARE)
    kept = np.random.default_rng(seed).binomial(frame["losses"].astype(int), 1 - share + share * effect)
    return frame.assign(losses=kept.astype(float), in_full=full, share=share)


def intervals(where: str, effect: float, method: str, rows: list[pd.Series]) -> bool:
    """Print how many intervals hold the ratio drawn; whether those by score do as often as they should."""
    found, error = pd.DataFrame(rows), np.sqrt(0.95 * 0.05 / len(rows))
    share = float(((found["ci_low"] <= effect) & (effect <= found["ci_high"])).mean())
    words = f"{100 * share:.1f}% cover (Monte Carlo error {100 * error:.1f})"
    words += f", {100 * np.isinf(found['ci_high']).mean():.1f}% are open above"
    print(f"{where}, ratio {effect}, {method}, {len(rows)} panels: {words}", flush=True)
    return method != "score" or bool(0.93 - 2 * error <= share <= 0.97 + 2 * error)


def estimates(where: str, effect: float, coding: str, rows: list[pd.Series]) -> None:
    """Print the geometric mean of the estimates."""
    logs = np.log(pd.DataFrame(rows)["estimate"])
    mean = np.exp(logs.mean())
    words = f"{mean:.3f} (Monte Carlo error {mean * logs.std(ddof=1) / np.sqrt(len(logs)):.3f})"
    print(f"{where}, ratio {effect}, {coding}: geometric mean of the estimates {words}", flush=True)


def fits(frame: pd.DataFrame, cluster: str | None) -> dict[str, pd.Series]:
    """The interval by score; where units are independent the likelihood's and a wrong coding beside it."""
    given: dict[str, Any] = {"outcome": "losses", "unit": "unit_id", "period": "period", "cluster": cluster}
    columns = ["share"] if cluster else ["share", "in_full"]
    found = did.partial_treatment(frame, treated_fraction=columns, **given).to_frame()
    rows = dict(zip(["score", "in full"], [found.loc[name] for name in columns], strict=False))
    if cluster is None:
        likelihood = did.partial_treatment(frame, treated_fraction="share", inference="likelihood", **given)
        rows["likelihood"] = likelihood.to_frame().loc["share"]
    return rows


def main() -> int:
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    warnings.simplefilter("ignore", StatisticalWarning)
    held = True
    for (where, (cluster, options)), effect in product(SETTINGS.items(), EFFECTS):
        rows: dict[str, list[pd.Series]] = {}
        for seed in range(simulations):
            for name, row in fits(drawn(40_000 + seed, effect, options), cluster).items():
                rows.setdefault(name, []).append(row)
        for method in ("score", "likelihood"):
            held &= method not in rows or intervals(where, effect, method, rows[method])
        estimates(where, effect, "8 of 12 months", rows["score"])
        if "in full" in rows:
            estimates(where, effect, "first period in full", rows["in full"])
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
