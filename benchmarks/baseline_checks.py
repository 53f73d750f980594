"""How often the checks of baselines and trends pass and fail: panels with a fault, and clean ones.

Prints the rates over 200 panels for each check; exit 1 if a check fails on a clean panel with a strong
effect, or passes on a panel with its fault, more often than its bound.
"""

import sys
import warnings
from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis import simulate
from reform_analysis.baseline_sample import log_contrast
from reform_analysis.entropy_balance import matched
from reform_analysis.estimates import CheckResult, StatisticalWarning, UntestableError
from reform_analysis.event_coefficients import EventCoefficients
from reform_analysis.panel import changes
from reform_analysis.pilot_selection import selection_simulation
from reform_analysis.reconcile import reconcile
from reform_analysis.regression_to_mean import baseline_shrinkage, dose_on_baseline
from reform_analysis.sensitivity import oster_delta
from reform_analysis.trend_bounds import Kind, common_trend_bounds

PRE, POST = ["2018", "2019", "2020"], ["2021", "2022", "2023"]
BOUND = 0.1
_PANEL = {"effect": None, "units": 500, "pilots": 89, "counties": 30, "cities": 4, "mean": 1.0}
Check = Callable[[int], CheckResult]


def panel(seed: int, **drawn: Any) -> pd.DataFrame:
    """500 units, 89 pilots, three periods before and after adoption."""
    return simulate.draw_panel(**_PANEL | {"seed": seed} | drawn)


def baselines(check: Callable[..., CheckResult], **drawn: Any) -> Check:
    """A check of baselines on the drawn panel."""
    return lambda seed: check(panel(seed, **drawn), outcome="losses", pre=PRE, post=POST, draws=99, seed=seed)


def on_level(effect: float) -> Check:
    """`baseline_shrinkage` where the pilots are 89 of the units with the highest lasting levels."""

    def check(seed: int) -> CheckResult:
        rng = np.random.default_rng([seed, 4])
        level = rng.gamma(1.0, 1.0, 500)
        pilot = np.argsort(np.argsort(-level * rng.lognormal(0, 0.5, 500))) < 89
        periods = np.array([*PRE, *POST])
        ratio = np.where(pilot[:, None] & np.isin(periods, POST), effect, 1.0)
        counts = rng.poisson(level[:, None] * ratio)
        made = pd.DataFrame(counts, columns=periods).assign(pilot=pilot, unit_id=np.arange(500))
        rows = made.melt(["unit_id", "pilot"], var_name="period", value_name="losses")
        return baseline_shrinkage(rows, outcome="losses", pre=PRE, post=POST, draws=99, seed=seed)

    return check


def dose(tie: float) -> Check:
    """A dose that answers the losses of the base period, or not."""

    def check(seed: int) -> CheckResult:
        frame = changes(
            panel(seed, dose_base=tie),
            pre="2020",
            post="2021",
            counts=["losses"],
            measures=["dose"],
        )
        frame = frame.rename(columns={"dose_post": "doses"})
        return dose_on_baseline(frame, measures=["doses"], outcome="losses", seed=seed, draws=199)

    return check


def event_study(counts: pd.DataFrame, pilot: pd.Series) -> EventCoefficients:
    """Log ratios of ratios of the arms' totals against 2020, with the covariance between units."""
    table = counts.to_numpy(float)
    level, influence = [], np.zeros_like(table)
    for sign, arm in ((1, pilot.to_numpy()), (-1, ~pilot.to_numpy())):
        total = table[arm].sum(axis=0)
        level.append(sign * np.log(total))
        influence[arm] = sign * (table[arm] - total / arm.sum()) / total
    base = PRE.index("2020")
    kept = np.delete(np.arange(table.shape[1]), base)
    influence = influence[:, kept] - influence[:, [base]]
    levels = np.sum(level, axis=0)
    return EventCoefficients(levels[kept] - levels[base], influence.T @ influence, base)


def trend(kind: Kind, steepness: float, **drawn: Any) -> Check:
    """Bounds on a panel whose pilots fall by a factor each period, long before they adopt."""

    def check(seed: int) -> CheckResult:
        made = panel(seed, pilots=200, mean=3.0, heterogeneity=0.5, overdispersion=1.0, **drawn)
        rng = np.random.default_rng([seed, 1])
        periods = made["period"].astype(int) - 2018
        keep = np.where(made["pilot"], steepness**periods, 1.0)
        made["losses"] = rng.binomial(made["losses"].to_numpy(int), keep)
        wide = made.pivot_table(index="unit_id", columns="period", values="losses")
        return common_trend_bounds(event_study(wide, made.groupby("unit_id")["pilot"].first()), kind=kind)

    return check


def reporting(pilots: float) -> Check:
    """Counts of which pilots report a share and others 90%."""

    def check(seed: int) -> CheckResult:
        rng = np.random.default_rng([seed, 2])
        made = panel(seed, pilots=300)
        made = made[made["period"].isin(POST)].assign(court=lambda rows: rows["losses"].astype(int))
        share = np.where(made["pilot"], pilots, 0.9)
        made["both"] = rng.binomial(made["court"], share)
        made["told"] = made["both"] + rng.poisson(0.05, len(made))
        return reconcile(made, reported="told", counted="court", matched="both", by="pilot")

    return check


def linear(effect: float) -> Check:
    """Changes that follow a dose which follows an observed and an equally strong unobserved control."""

    def check(seed: int) -> CheckResult:
        rng = np.random.default_rng([seed, 3])
        observed, unobserved, own, noise = rng.standard_normal((4, 500))
        x = 0.5 * observed + 0.5 * unobserved + own
        y = effect * x + observed + unobserved + noise
        frame = pd.DataFrame({"y": y, "x": x, "w": observed})
        r_max = 1 - noise.var() / y.var()
        return oster_delta(
            frame, outcome="y", treatment="x", controls=["w"], r_max=r_max, seed=seed, draws=199
        )

    return check


SCENARIOS: dict[str, tuple[Check, bool | None]] = {
    "baseline_shrinkage, choice on the base period, no effect": (
        baselines(baseline_shrinkage, selection=0.8),
        False,
    ),
    "baseline_shrinkage, random choice, ratio 0.4": (baselines(baseline_shrinkage, effect=0.4), True),
    "baseline_shrinkage, choice and ratio 0.4": (
        baselines(baseline_shrinkage, effect=0.4, selection=0.8),
        True,
    ),
    "baseline_shrinkage, random choice, no effect": (baselines(baseline_shrinkage), None),
    "baseline_shrinkage, choice on lasting level, no effect": (on_level(1.0), None),
    "baseline_shrinkage, choice on lasting level, ratio 0.6": (on_level(0.6), True),
    "baseline_shrinkage, choice on lasting level, ratio 0.4": (on_level(0.4), True),
    "selection_simulation, choice on the base period, no effect": (
        baselines(selection_simulation, selection=0.8),
        False,
    ),
    "selection_simulation, random choice, ratio 0.4": (baselines(selection_simulation, effect=0.4), True),
    "selection_simulation, random choice, no effect": (baselines(selection_simulation), None),
    "dose_on_baseline, dose answers the base period": (dose(0.4), False),
    "dose_on_baseline, dose at random": (dose(0.0), True),
    "relative magnitudes, pilots fall 15% a period": (trend("relative_magnitudes", 0.85), False),
    "relative magnitudes, common trend, ratio 0.4": (trend("relative_magnitudes", 1.0, effect=0.4), True),
    "smoothness, pilots fall 15% a period": (trend("smoothness", 0.85), False),
    "smoothness, common trend, ratio 0.4": (trend("smoothness", 1.0, effect=0.4), True),
    "reconcile, pilots report 70%, others 90%": (reporting(0.7), False),
    "reconcile, all report 90%": (reporting(0.9), True),
    "oster_delta, all of it unobserved selection": (linear(0.0), False),
    "oster_delta, effect of 1": (linear(1.0), True),
}


def main() -> int:
    panels = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    worst = 0
    for name, (check, expected) in SCENARIOS.items():
        begun = perf_counter()
        found = Counter(check(seed).passed for seed in range(panels))
        wrong = found[not expected] / panels if expected is not None else 1 - found[None] / panels
        worst += wrong > BOUND
        print(
            f"{name}: passed {found[True] / panels:.3f}, failed {found[False] / panels:.3f}, for information "
            f"{found[None] / panels:.3f} ({panels} panels, {perf_counter() - begun:.0f} s)",
            flush=True,
        )
    matched_under_choice(panels)
    return int(worst > 0)


def matched_under_choice(panels: int) -> None:
    """Print what balancing noisy lags gives where nothing happened."""
    ratios: dict[str, list[float]] = {"raw": [], "matched": []}
    beyond = 0
    for seed in range(panels):
        made = panel(seed, selection=0.8)
        try:
            frame = matched(made, outcome="losses", pre=PRE, post=POST).to_frame()
        except UntestableError:
            beyond += 1
            continue
        ratios["matched"].append(np.log(frame.loc["ratio", "ratio"]))
        wide = made.pivot_table(index="unit_id", columns="period", values="losses")
        pilot, one = made.groupby("unit_id")["pilot"].first().to_numpy(), np.ones(len(wide))
        after, base = wide[POST].mean(axis=1).to_numpy(), wide["2020"].to_numpy()
        ratios["raw"].append(log_contrast(after, one, pilot, one) - log_contrast(base, one, pilot, one))
    means = {name: np.exp(np.mean(values)) for name, values in ratios.items()}
    print(f"matched, choice on the base period, no effect: mean ratio {means['matched']:.3f}")
    print(f"not matched, the same panels: mean ratio {means['raw']:.3f}")
    print(f"matched: {beyond} of {panels} panels cannot be balanced")


if __name__ == "__main__":
    warnings.simplefilter("ignore", StatisticalWarning)
    sys.exit(main())
