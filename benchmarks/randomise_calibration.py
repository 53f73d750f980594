"""Size of the randomisation test and coverage of its interval, on drawn panels.

    python benchmarks/randomise_calibration.py [simulations]

Panels of 6 yearly periods, 3 of them treated, half a loss a unit and period, gamma levels, overdispersion
1.5. For 89 of 1,365 and 12 of 200 treated units, and true rate ratios of 0.3, 0.6, 1 and 2: share of 95%
intervals that hold the truth (93 to 97% asked), the shares that miss it on either side, and at a ratio of 1
the share of p-values of at most 5% (7.1% at most asked: three Monte Carlo errors of 1,000 simulations). Last,
for information: 11 cities whose pilots share a shock in each treated period, which permuting single units
does not cover.
Exit 1 if a bound is broken.
"""

import sys
import warnings
from time import perf_counter

import numpy as np
import pandas as pd

from reform_analysis.estimates import StatisticalWarning
from reform_analysis.randomise import randomisation_test
from reform_analysis.simulate import draw_panel

DRAWS = 999
SIZES = {"89 of 1,365": {}, "12 of 200": {"units": 200, "pilots": 12}}
RATIOS = (0.3, 0.6, 1.0, 2.0)
COLUMNS = {"outcome": "losses", "unit": "unit_id", "period": "period", "adopted": "adopted"}
MOST_REJECTED, LEAST_HELD, MOST_HELD = 0.071, 0.93, 0.97
SHOCK_SD, ABOVE = 0.3, 2.5  # a shock of exp(3 sd) at most


def main() -> int:
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    broken = 0
    for name, size in SIZES.items():
        for ratio in RATIOS:
            begun = perf_counter()
            rows = [result(draw_panel(effect=ratio, seed=[7, n], **size), seed=n) for n in range(simulations)]
            found = pd.DataFrame(rows)
            below, above = (found["ci_high"] < ratio).mean(), (found["ci_low"] > ratio).mean()
            held = 1 - below - above
            text = f"{name}, ratio {ratio}: {held:.3f} hold it, {below:.3f} lie below, {above:.3f} above"
            broken += not LEAST_HELD <= held <= MOST_HELD
            if ratio == 1:
                rejected = (found["p_value"] <= 0.05).mean()
                text += f", {rejected:.3f} rejected"
                broken += rejected > MOST_REJECTED
            width = (np.log(found["ci_high"]) - np.log(found["ci_low"])).median()
            text += f"; median log width {width:.2f}"
            print(f"{text} ({simulations} simulations, {perf_counter() - begun:.0f} s)", flush=True)
    clustered(simulations)
    return int(broken > 0)


def result(panel: pd.DataFrame, *, seed: int, **options: object) -> pd.Series:
    return randomisation_test(panel, **COLUMNS, draws=DRAWS, seed=seed, **options).to_frame().loc["treatment"]


def clustered(simulations: int) -> None:
    """Rejection of a true null where pilots of a city share shocks."""
    p_values = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticalWarning)
        for n in range(simulations):
            panel = shocked(n)
            units = result(panel, seed=n, strata="city", interval=False)
            summed = result(panel, seed=n, strata="city", interval=False, cluster="city")
            p_values.append((units["p_value"], summed["p_value"]))
    units, summed = np.mean(np.array(p_values) <= 0.05, axis=0)
    print(f"shocks of the pilots of 11 cities: {units:.3f} rejected; scores summed by city {summed:.3f}")


def shocked(seed: int) -> pd.DataFrame:
    """A panel without effect whose pilots have a shock by city and treated period.

    Counts are drawn too high and thinned by the shock, which leaves the law of `draw_panel` otherwise.
    """
    panel = draw_panel(effect=None, seed=[9, seed], mean=0.5 * ABOVE, overdispersion=1 + 0.5 * ABOVE)
    rng = np.random.default_rng([11, seed])
    city, period = pd.factorize(panel["city"])[0], pd.factorize(panel["period"])[0]
    shock = np.exp(SHOCK_SD * rng.standard_normal((city.max() + 1, period.max() + 1)) - SHOCK_SD**2 / 2)
    treated = panel["pilot"] & (panel["period"] >= "2021")
    factor = np.where(treated, np.minimum(shock[city, period], ABOVE), 1.0)
    return panel.assign(losses=rng.binomial(panel["losses"].to_numpy(dtype=np.int64), factor / ABOVE))


if __name__ == "__main__":
    sys.exit(main())
