"""Time of the association test against scipy's permutation test with a Python statistic a measure.

    python benchmarks/association_speed.py

1,365 units, 6 measures, 9,999 permutations; scipy runs 200 and is extrapolated. Its statistic is first the
studentised rank correlation that is tested here, then the bare rank correlation. Exit 1 if the first ratio is
below 50; both are in processor time, which other programs disturb less. The last line times a call with the
two further tables that a result carries.
"""

import sys
from collections.abc import Callable
from time import perf_counter, process_time

import numpy as np
import pandas as pd
from scipy import stats

from reform_analysis import correlate

UNITS, MEASURES, DRAWS, SCIPY_DRAWS, TARGET = 1365, 6, 9999, 200, 50


def example() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    level = rng.gamma(1.0, 0.5, UNITS)
    earlier, pre, post = (rng.poisson(level).astype(float) for _ in range(3))
    doses = {f"dose_{i}": rng.normal(size=UNITS) for i in range(MEASURES)}
    counts = {"losses_earlier": earlier, "losses_pre": pre, "losses_post": post}
    return pd.DataFrame({**doses, **counts, "losses_difference": post - pre})


def bare(x: np.ndarray, y: np.ndarray) -> float:
    return float(stats.spearmanr(x, y).statistic)


def studentised(x: np.ndarray, y: np.ndarray) -> float:
    """Fisher's z of the rank correlation over its infinitesimal-jackknife standard error."""
    n = len(x)
    a, b = (stats.rankdata(side) / n for side in (x, y))
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    r = a @ b / scale
    share = (a * b + above(x, b) + above(y, a)) / scale
    share -= r / 2 * ((a**2 + 2 * above(x, a)) / (a @ a) + (b**2 + 2 * above(y, b)) / (b @ b))
    return float(np.arctanh(r) * (1 - r**2) / np.sqrt(((share - share.mean()) ** 2).sum()))


def above(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean weight of the units above each one, those at it counted half."""
    _, level = np.unique(x, return_inverse=True)
    sums = np.bincount(level, weights=weights)
    return (sums.sum() - np.cumsum(sums) + sums / 2)[level] / len(x)


def scipy_seconds(changes: pd.DataFrame, statistic: object) -> float:
    """Time of scipy's test over all measures, extrapolated to the full number of draws."""
    y = changes["losses_difference"].to_numpy()
    begun = process_time()
    for i in range(MEASURES):
        x = changes[f"dose_{i}"].to_numpy()
        stats.permutation_test(
            (x,),
            lambda moved: statistic(moved, y),
            permutation_type="pairings",
            n_resamples=SCIPY_DRAWS,
            vectorized=False,
            rng=np.random.default_rng(0),
        )
    return (process_time() - begun) * DRAWS / SCIPY_DRAWS


def own_seconds(changes: pd.DataFrame, clock: Callable[[], float]) -> float:
    """Best of five calls."""
    measures = [f"dose_{i}" for i in range(MEASURES)]
    times = []
    for _ in range(5):
        begun = clock()
        correlate.association(changes, measures=measures, outcome="losses", draws=DRAWS, seed=1)
        times.append(clock() - begun)
    return min(times)


def main() -> int:
    changes = example()
    alone = changes.drop(columns=["losses_earlier", "losses_pre", "losses_post"])
    own, wall = own_seconds(alone, process_time), own_seconds(alone, perf_counter)
    same, plain = (scipy_seconds(changes, statistic) for statistic in (studentised, bare))
    sizes = f"{MEASURES} measures, {UNITS} units, {DRAWS} permutations"
    print(f"association {own:.2f} s of processor time, {wall:.2f} s by the clock; {sizes}")
    print(f"scipy with the same statistic {same:.0f} s: {same / own:.0f} times (target {TARGET})")
    print(f"scipy with the bare rank correlation {plain:.0f} s: {plain / own:.0f} times")
    print(f"association with base-year tables {own_seconds(changes, perf_counter):.2f} s by the clock")
    return int(same / own < TARGET)


if __name__ == "__main__":
    sys.exit(main())
