"""Time of the randomisation test against refitting with pyfixest, in one run.

    python benchmarks/randomise_speed.py

1,365 units in 8 periods with an exposure, 9,999 draws within strata: "refit" against pyfixest (30 fits,
extrapolated; 300 times asked), the score (600 times asked), the inverted interval (20 s). Then the score of
40,000 units in 8 periods in a process of its own (10 s and 2 GB). Exit 1 if one falls short.
"""

import multiprocessing
import resource
import sys
import warnings
from time import perf_counter, process_time

import numpy as np
import pandas as pd
import pyfixest as pf

from reform_analysis.randomise import randomisation_test
from reform_analysis.simulate import draw_panel

DRAWS, FITS = 9999, 30
PERIODS = tuple(str(year) for year in range(2014, 2022))
COLUMNS = {"outcome": "losses", "exposure": "population", "unit": "unit_id", "period": "period"}


def panel(**size: int) -> pd.DataFrame:
    return draw_panel(effect=0.8, seed=1, periods=PERIODS, adopted="2018", **size)


def seconds(df: pd.DataFrame, repeats: int = 3, **options: object) -> float:
    """Best time of a call."""
    times = []
    for _ in range(repeats):
        begun = perf_counter()
        randomisation_test(df, **COLUMNS, adopted="adopted", strata="city", draws=DRAWS, seed=1, **options)
        times.append(perf_counter() - begun)
    return min(times)


def pyfixest_seconds(df: pd.DataFrame) -> float:
    """Time of as many fits as there are draws, from 30 permuted ones."""
    rng = np.random.default_rng(2)
    frame = df[["unit_id", "period"]].assign(
        losses=df["losses"].astype(float), log_population=np.log(df["population"].astype(float))
    )
    pilot, post = df.groupby("unit_id")["pilot"].first(), (df["period"] >= "2018").to_numpy()
    times = []
    for _ in range(FITS + 1):
        moved = pd.Series(rng.permutation(pilot.to_numpy()), index=pilot.index)
        frame["treated"] = (df["unit_id"].map(moved).to_numpy() & post).astype(float)
        begun = perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # units without losses are dropped
            pf.fepois("losses ~ treated | unit_id + period", frame, offset="log_population", vcov="iid")
        times.append(perf_counter() - begun)
    return float(np.mean(times[1:])) * DRAWS  # the first one compiles


def large() -> None:
    df = panel(units=40_000, pilots=2_600)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = process_time()
    wall = seconds(df, repeats=1, interval=False)
    took = process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"score of 40,000 units: {took:.1f} s of processor time (10 asked), {wall:.1f} s by the clock; "
        f"peak {peak:.2f} GB (2 asked), before {before / 2**20:.2f} GB"
    )
    sys.exit(int(took > 10 or peak > 2))


def main() -> int:
    df = panel()
    rival = pyfixest_seconds(df)
    refit, score = (
        seconds(df, statistic="refit"),
        seconds(df, statistic="studentised_score", interval=False),
    )
    inverted = seconds(df, repeats=1)
    print(f"pyfixest, {DRAWS} fits: {rival:.0f} s, extrapolated from {FITS}")
    print(f"refit {refit:.2f} s: {rival / refit:.0f} times (300 asked)")
    print(f"score {score:.2f} s: {rival / score:.0f} times (600 asked)")
    print(f"score with its interval {inverted:.1f} s (20 asked)", flush=True)
    child = multiprocessing.get_context("spawn").Process(target=large)
    child.start()
    child.join()
    short = rival / refit < 300 or rival / score < 600 or inverted > 20
    return int(short or child.exitcode != 0)


if __name__ == "__main__":
    sys.exit(main())
