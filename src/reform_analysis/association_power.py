"""Power of the association test on synthetic draws that are made like the data at hand.

`power.detectable_correlation` is the best case: two normal variables. Most changes in a township's losses are
zero, and what a researcher asks is not a correlation but how much lower the losses are where the dose is
larger. Here draws of `simulate.draw_panel` take their size, level and spread from the data, losses answer the
dose by a known rate ratio, and the share of the draws in which the test finds it is the power.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from reform_analysis import correlate, waiting
from reform_analysis.correlate import Method
from reform_analysis.estimates import (
    UntestableError,
    require_choice,
    require_level,
    require_number,
    require_whole_number,
)
from reform_analysis.likeness import Likeness, likeness
from reform_analysis.measures import require_flags

PERMUTATIONS = 199
FARTHEST = 0.05  # the smallest rate ratio tried: losses one twentieth for one standard deviation
_FIRST = 0.8
_SEARCHED = (25, 50)  # draws of the first rounds, which only say where to look


@dataclass(frozen=True, eq=False)
class SimulatedPower:
    """Where a test reaches a power, on synthetic draws.

    Parameters
    ----------
    rate_ratio : float
        For one standard deviation of the dose: the ratio that the search settled on.
    power, error : float
        Share of fresh draws with `rate_ratio` in which the test found it, and its Monte Carlo standard error.
    draws : int
        Fresh draws.
    searched : DataFrame
        The rounds before: ``rate_ratio, draws, power``. They chose `rate_ratio` and are not in `power`.
    method : str
    likeness : Likeness
    """

    rate_ratio: float
    power: float
    error: float
    draws: int
    searched: pd.DataFrame
    method: str
    likeness: Likeness


def simulated_power(
    alike: Likeness,
    *,
    rate_ratio: float,
    method: Method = "spearman",
    draws: int = 100,
    permutations: int = PERMUTATIONS,
    ci_level: float = 0.95,
    seed: int | np.random.Generator,
) -> float:
    """Return the share of synthetic draws in which the association test finds a rate ratio.

    Parameters
    ----------
    alike : Likeness
        As `likeness` returns it.
    rate_ratio : float
        Of the counts after, for one standard deviation of a normal dose that is unrelated to levels.
    method : {"spearman", "kendall", "pearson", "poisson_score"}
        Of `correlate.association`.
    draws, permutations : int
        Synthetic draws, and permutations for each of them.
    ci_level : float
        1 - ci_level is the level of the test, of one measure without adjustment.
    seed : int or numpy.random.Generator

    Returns
    -------
    float
        A draw with nothing to test counts as one in which nothing is found.

    Raises
    ------
    DataError
        If an argument breaks its rule.

    Notes
    -----
    No shocks common to a county or city are drawn, and no denominator varies: both would lower the power.
    The Monte Carlo standard error is ``sqrt(power (1 - power) / draws)``.
    """
    choices = [each for each in correlate.METHODS if each != "partial"]
    require_choice("method", method, choices)
    alpha = 1 - require_level(ci_level)
    rng = np.random.default_rng(seed)
    options: dict[str, Any] = {"method": method, "draws": permutations}
    asked = range(require_whole_number("draws", draws, least=1))
    with waiting.shown(asked, unit="draw") as drawn:
        found = [_p_value(alike.draw(rate_ratio, rng), rng, options) <= alpha + 1e-12 for _ in drawn]
    return float(np.mean(found))


def _p_value(changes: pd.DataFrame, rng: np.random.Generator, options: dict[str, Any]) -> float:
    try:
        found = correlate.p_values(changes, measures=["dose"], outcome="losses", seed=rng, **options)
    except UntestableError:
        return 1.0
    return float(found["dose"])


def detectable_ratio(
    alike: Likeness,
    *,
    method: Method = "spearman",
    power: float = 0.8,
    draws: int = 100,
    permutations: int = PERMUTATIONS,
    ci_level: float = 0.95,
    seed: int | np.random.Generator,
) -> SimulatedPower:
    r"""Search the rate ratio below 1 that the association test finds with a given power.

    Power is near :math:`\Phi(b |\log \rho| - z)` for a ratio :math:`\rho`. Two short rounds of draws give b,
    and so where to look; the power reported is that of fresh draws at the ratio found, whatever it is.

    Parameters
    ----------
    alike : Likeness
        As `likeness` returns it.
    method : {"spearman", "kendall", "pearson", "poisson_score"}
        As in `simulated_power`.
    power : float
        The probability aimed at.
    draws : int
        Fresh draws for the power reported, at least 20.
    permutations : int
        For each draw.
    ci_level : float
        1 - ci_level is the level of the test.
    seed : int or numpy.random.Generator

    Returns
    -------
    SimulatedPower

    Raises
    ------
    DataError
        If an argument breaks its rule.
    """
    require_number("power", power, above=0, below=1, way_out="pass 0.8 for 80%.")
    draws = require_whole_number("draws", draws, least=20)
    critical = norm.ppf((1 + require_level(ci_level)) / 2)
    rng = np.random.default_rng(seed)
    settled: dict[str, Any] = {
        "method": method,
        "permutations": permutations,
        "ci_level": ci_level,
        "seed": rng,
    }
    distance, rounds = -np.log(_FIRST), []
    for size in _SEARCHED:
        ratio = float(np.exp(-distance))
        found = simulated_power(alike, rate_ratio=ratio, draws=size, **settled)
        rounds.append({"rate_ratio": ratio, "draws": size, "power": found})
        distance = _next(distance, found, size, critical, power)
    ratio = float(np.exp(-distance))
    reached = simulated_power(alike, rate_ratio=ratio, draws=draws, **settled)
    error = float(np.sqrt(reached * (1 - reached) / draws))
    return SimulatedPower(ratio, reached, error, draws, pd.DataFrame(rounds), method, alike)


def _next(distance: float, found: float, draws: int, critical: float, power: float) -> float:
    """Distance of the log ratio from 0 with the power aimed at, if power is a normal probability of it."""
    half = 0.5 / draws  # none or all found says no more than this
    shift = critical + norm.ppf(np.clip(found, half, 1 - half))
    factor = (critical + norm.ppf(power)) / max(shift, 1e-9)
    return float(min(distance * np.clip(factor, 1 / 4, 4), -np.log(FARTHEST)))


def by_arm(
    changes: pd.DataFrame,
    *,
    measures: Sequence[str],
    outcome: str,
    pilot: str = "pilot",
    power: float = 0.8,
    draws: int = 50,
    ci_level: float = 0.95,
    seed: int,
) -> pd.DataFrame:
    """Return the rate ratio that the rank test finds with a given power, for all units and pilots alone.

    Parameters
    ----------
    changes : DataFrame
        As `panel.changes` returns it.
    measures : sequence of str
        Columns of the doses. Units that lack one or the outcome's change are left out, as the test does.
    outcome, pilot : str
        As in `likeness`.
    power : float
        The probability aimed at.
    draws : int
        Fresh draws for each power reported.
    ci_level : float
        1 - ci_level is the level of the test.
    seed : int

    Returns
    -------
    DataFrame
        Index ``arm``: "all" and "pilots". Columns ``units, rate_ratio, draws, power, error`` of Spearman's
        test (`SimulatedPower`), ``counts_power, counts_error`` of "poisson_score" at the same ratio, and
        ``mean, change, heterogeneity, overdispersion`` (`Likeness`). NaN where there is nothing to simulate
        from. ``attrs``: ``synthetic`` True.

    Raises
    ------
    DataError
        If a column is missing or no number, or an argument breaks its rule.
    """
    require_flags(changes, pilot)
    known = changes[changes[[*measures, f"{outcome}_difference"]].notna().all(axis=1)]
    settled: dict[str, Any] = {"draws": draws, "ci_level": ci_level, "seed": seed}
    rows: dict[str, dict[str, float]] = {}
    for name, arm in {"all": known, "pilots": known[known[pilot].astype(bool)]}.items():
        try:
            alike = likeness(arm, outcome=outcome, pilot=pilot)
        except UntestableError:
            rows[name] = {"units": len(arm)}
            continue
        found = detectable_ratio(alike, power=power, **settled)
        counts = simulated_power(alike, rate_ratio=found.rate_ratio, method="poisson_score", **settled)
        rows[name] = _row(found, counts)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(_COLUMNS)).rename_axis("arm")
    table.attrs = {"synthetic": True}
    return table


_COLUMNS = (
    "units",
    "rate_ratio",
    "draws",
    "power",
    "error",
    "counts_power",
    "counts_error",
    "mean",
    "change",
    "heterogeneity",
    "overdispersion",
)


def _row(found: SimulatedPower, counts: float) -> dict[str, float]:
    own = {name: getattr(found, name) for name in ("rate_ratio", "draws", "power", "error")}
    alike = {name: getattr(found.likeness, name) for name in ("units", *_COLUMNS[-4:])}
    error = float(np.sqrt(counts * (1 - counts) / found.draws))
    return {**own, **alike, "counts_power": counts, "counts_error": error}
