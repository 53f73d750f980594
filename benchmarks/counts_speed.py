"""Time of `counts.fit_poisson` against pyfixest's own call, 40,000 units in 8 periods with an exposure.

    python benchmarks/counts_speed.py [units]

Both give clustered errors from the same frame; pyfixest with its default tolerances and checks. Prints the
medians and the ratio; exit 1 where `fit_poisson` takes more than 1.3 times as long. Also printed: the first
fit in the process, and the default inference at the province's size.
"""

import statistics
import sys
import warnings
from collections.abc import Callable
from time import perf_counter

import numpy as np
import pandas as pd
import pyfixest

from reform_analysis import counts, simulate

TARGET, ROUNDS = 1.3, 5
PERIODS = tuple(str(year) for year in range(2016, 2024))
COLUMNS = {"outcome": "losses", "exposure": "population", "unit": "unit_id", "period": "period"}


def panel(units: int) -> pd.DataFrame:
    drawn = simulate.draw_panel(effect=0.7, seed=1, units=units, pilots=units // 15, periods=PERIODS)
    drawn["treated"] = (drawn["pilot"] & (drawn["period"] >= "2021")).astype(float)
    drawn["losses"] = drawn["losses"].astype(float)
    return drawn


def ours(drawn: pd.DataFrame) -> float:
    found = counts.fit_poisson(drawn, terms=["treated"], cluster="county", inference="cluster", **COLUMNS)
    return float(np.log(found.to_frame()["estimate"].iloc[0]))


def bare(drawn: pd.DataFrame) -> float:
    frame = drawn.assign(log_exposure=np.log(drawn["population"].astype(float)))
    fitted = pyfixest.fepois(
        "losses ~ treated | unit_id + period",
        data=frame,
        offset="log_exposure",
        vcov={"CRV1": "county"},
        ssc=pyfixest.ssc(k_fixef="none"),
    )
    return float(fitted.coef()["treated"])


def timed(fit: Callable[[pd.DataFrame], float], drawn: pd.DataFrame) -> tuple[float, float]:
    begun = perf_counter()
    estimate = fit(drawn)
    return perf_counter() - begun, estimate


def main() -> int:
    warnings.simplefilter("ignore")
    drawn = panel(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000)
    first, _ = timed(ours, panel(200))
    pairs = [(timed(ours, drawn), timed(bare, drawn)) for _ in range(ROUNDS)]
    own, rival = (statistics.median(pair[at][0] for pair in pairs) for at in (0, 1))
    apart = abs(pairs[0][0][1] - pairs[0][1][1])
    print(f"fit_poisson {own:.2f} s, pyfixest {rival:.2f} s: ratio {own / rival:.2f} (target {TARGET})")
    print(f"log ratios differ by {apart:.1e}; the first fit of a process took {first:.2f} s (200 units)")
    province = panel(1365)
    for cluster in ("city", "unit_id"):
        begun = perf_counter()
        counts.fit_poisson(province, terms=["treated"], cluster=cluster, seed=1, **COLUMNS)
        print(f"score bootstrap with interval, 1,365 units, by {cluster}: {perf_counter() - begun:.1f} s")
    return int(own / rival > TARGET)


if __name__ == "__main__":
    sys.exit(main())
