"""Time of one draw of 1,365 townships in 6 periods, with every option in use.

    python benchmarks/draw_panel.py

Prints the median; exit 1 above the target.
"""

import statistics
import sys
from time import perf_counter

from reform_analysis.simulate import draw_panel

TARGET = 0.050
DRAWS = 40


def seconds(seed: int) -> float:
    begun = perf_counter()
    draw_panel(
        effect=0.7,
        seed=seed,
        rollout={"2022": 0.3, "2023": 0.4},
        series_share=0.1,
        cluster_sd=0.2,
        selection=0.5,
        dose_effect=0.9,
        dose_level=0.2,
        dose_base=0.2,
        dose_cluster=0.3,
    )
    return perf_counter() - begun


def main() -> int:
    seconds(0)  # reads the published figures once
    times = sorted(seconds(seed) for seed in range(1, DRAWS + 1))
    median = statistics.median(times)
    slowest, target = 1000 * times[-1], 1000 * TARGET
    print(f"draw_panel: median {1000 * median:.1f} ms, slowest {slowest:.1f} ms (target {target:.0f} ms)")
    return int(median > TARGET)


if __name__ == "__main__":
    sys.exit(main())
