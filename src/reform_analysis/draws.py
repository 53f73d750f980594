"""How a synthetic panel is drawn: places, levels, shocks, adoption, dose, and the counts given them."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr

from reform_analysis.estimates import DesignError
from reform_analysis.scenario import CORRECTION_RATE, LOSS_RATE, Scenario, published_totals

Array = NDArray[Any]

_POPULATION = 47_000  # residents a unit, about the provincial mean; the order of magnitude only
_POPULATION_GROWTH = 1.005  # a year
_SIZE_SD = 0.4  # of the log of a unit's size
_SIZE_LEVEL = 0.5  # correlation of the normal scores of size and of the level of losses
_UNIT_SD = 0.5  # of the log of a unit's own level of a measure
_SHOCK_SD = 0.15  # of the log of a measure from period to period
_DOSE_SD = 0.3  # change in the log of own-name enforcement for one standard deviation of the dose
_SHARED_DOSE = 0.5  # correlation of the growth of reviews with the dose
_SAME_PERIOD = 0.8  # share of the concluded cases that were filed in the period
_CITY_SPREAD = 5  # the largest city has about this many times the counties of the smallest


@dataclass(frozen=True, eq=False)
class Draw:
    """A draw as arrays.

    Parameters
    ----------
    scenario : Scenario
    county, city : ndarray of int, shape (units,)
        Numbers of the county and the city a unit lies in.
    pilot : ndarray of bool, shape (units,)
    start : ndarray of int, shape (units,)
        Position of the period in which a unit adopts; the number of periods if never.
    size, dose : ndarray of float, shape (units,)
        Size (mean 1) and dose (mean 0, variance 1).
    shock : ndarray of float, shape (units, periods)
        Common shock of the unit's city in the period (mean 1) times the trend.
    rates, counts : dict of str to ndarray, shape (units, periods)
        Expected counts given everything above, and the counts drawn.
    """

    scenario: Scenario
    county: Array
    city: Array
    pilot: Array
    start: Array
    size: Array
    dose: Array
    shock: Array
    rates: dict[str, Array]
    counts: dict[str, Array]

    @property
    def treated(self) -> Array:
        """Whether a unit has adopted.

        Returns
        -------
        ndarray of bool, shape (units, periods)
        """
        adopted: Array = np.arange(len(self.scenario.periods)) >= self.start[:, None]
        return adopted


def draw_arrays(scenario: Scenario, rng: np.random.Generator) -> Draw:
    """Return the draw before the counts that follow from others are made.

    Parameters
    ----------
    scenario : Scenario
    rng : numpy.random.Generator

    Returns
    -------
    Draw
        `counts` holds losses, won lawsuits, corrections, upheld reconsiderations and the measures.
    """
    county, city = _places(scenario)
    level_score, level, size = _levels(scenario, rng)
    shock = _shocks(scenario, city, rng)
    rate = scenario.mean * level[:, None] * shock
    before = cases(rate[:, : scenario.start], scenario, rng)
    pilot, start = _adoption(scenario, before[:, -1], rng)
    dose = _dose(scenario, level_score, before[:, -1], city, rng)
    draw = Draw(scenario, county, city, pilot, start, size, dose, shock, {}, {})
    rate = rate * (scenario.effect or 1.0) ** draw.treated
    rate[:, scenario.start :] *= _pilot_shocks(scenario, city, pilot, rng)
    rate[:, scenario.start :] *= (scenario.dose_effect or 1.0) ** dose[:, None]
    draw.rates["losses"] = rate
    draw.counts["losses"] = np.hstack([before, cases(rate[:, scenario.start :], scenario, rng)])
    for name, expected in _other_cases(draw).items():
        draw.rates[name], draw.counts[name] = expected, cases(expected, scenario, rng)
    _add_measures(draw, rng)
    return draw


def _places(scenario: Scenario) -> tuple[Array, Array]:
    """County and city of every unit: counties in the order of units, unequal cities of whole counties."""
    county = np.arange(scenario.units) * scenario.counties // scenario.units
    weights = np.linspace(1, _CITY_SPREAD, scenario.cities)
    spare = scenario.counties - scenario.cities
    last = np.arange(1, scenario.cities + 1) + np.floor(spare * weights.cumsum() / weights.sum() + 1e-9)
    return county, np.searchsorted(last, county, side="right")


def _levels(scenario: Scenario, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Normal score of the level of losses, the level (gamma, mean 1), and the size (lognormal, mean 1)."""
    score, other = rng.standard_normal((2, scenario.units))
    size_score = _SIZE_LEVEL * score + np.sqrt(1 - _SIZE_LEVEL**2) * other
    level = np.ones(scenario.units)
    if scenario.heterogeneity:
        shape = 1 / scenario.heterogeneity
        level = gammaincinv(shape, ndtr(score)) / shape
    return score, level, _lognormal(size_score, _SIZE_SD)


def _lognormal(score: Array, sd: float) -> Array:
    """Lognormal variable with mean 1 from standard normal scores."""
    factor: Array = np.exp(sd * score - sd**2 / 2)
    return factor


def _shocks(scenario: Scenario, city: Array, rng: np.random.Generator) -> Array:
    """Common shocks of the cities times the trend from the base period."""
    score = rng.standard_normal((scenario.cities, len(scenario.periods)))
    trend = scenario.trend ** (np.arange(len(scenario.periods)) - (scenario.start - 1))
    shocks: Array = _lognormal(score, scenario.cluster_sd)[city] * trend
    return shocks


def _pilot_shocks(scenario: Scenario, city: Array, pilot: Array, rng: np.random.Generator) -> Array:
    """Shocks from adoption on that a city's pilots share, and its other units; none takes no number."""
    if not scenario.pilot_cluster_sd:
        return np.ones(1)
    score = rng.standard_normal((scenario.cities, 2, len(scenario.periods) - scenario.start))
    shocks: Array = _lognormal(score, scenario.pilot_cluster_sd)[city, pilot.astype(int)]
    return shocks


def cases(rate: Array, scenario: Scenario, rng: np.random.Generator) -> Array:
    """Draw counts of cases, singly and in series.

    Parameters
    ----------
    rate : ndarray of float
        Expected counts.
    scenario : Scenario
        Its `overdispersion`, `series_share` and `series_size` are used.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int
        Shape of `rate`.
    """
    single = rate * (1 - scenario.series_share)
    if scenario.overdispersion == 1:
        drawn = rng.poisson(single)
    else:
        shape = np.maximum(single / (scenario.overdispersion - 1), np.finfo(float).tiny)
        drawn = rng.negative_binomial(shape, 1 / scenario.overdispersion)
    if scenario.series_share:
        events = rng.poisson(rate * scenario.series_share / scenario.series_size)
        drawn = drawn + events + rng.poisson(events * (scenario.series_size - 1))
    return drawn


def _adoption(scenario: Scenario, base_losses: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Pilots by weights exp(selection x losses), as the largest of Gumbel scores; others by roll-out."""
    score = scenario.selection * base_losses + rng.gumbel(size=scenario.units)
    pilot = np.zeros(scenario.units, dtype=bool)
    pilot[np.argsort(-score)[: scenario.pilots]] = True
    starts = [*scenario.rollout_starts, len(scenario.periods)]
    bounds = np.cumsum(list(scenario.rollout_starts.values()))
    other = np.array(starts)[np.searchsorted(bounds, rng.random(scenario.units), side="right")]
    return pilot, np.where(pilot, scenario.start, other)


def _dose(
    scenario: Scenario, level_score: Array, base_losses: Array, city: Array, rng: np.random.Generator
) -> Array:
    """Dose of variance 1 that answers the level, the base period's losses, and the city."""
    base = base_losses - base_losses.mean()
    base = base / (base.std() or 1.0)
    answer = scenario.dose_level * level_score + scenario.dose_base * base
    overlap = 2 * scenario.dose_level * scenario.dose_base * float(np.mean(level_score * base))
    taken = scenario.dose_level**2 + scenario.dose_base**2 + overlap + scenario.dose_cluster
    if taken > 1 + 1e-12:
        raise DesignError(
            "dose_level, dose_base and dose_cluster must leave the dose a variance of 1, got "
            f"{scenario.dose_level}, {scenario.dose_base} and {scenario.dose_cluster}, which take "
            f"{taken:.2f}; ask for smaller ones."
        )
    common = rng.standard_normal(scenario.cities)[city]
    own = rng.standard_normal(scenario.units)
    parts = (answer, np.sqrt(scenario.dose_cluster) * common, np.sqrt(max(1 - taken, 0)) * own)
    dose: Array = np.sum(parts, axis=0)
    return dose


def _other_cases(draw: Draw) -> dict[str, Array]:
    """Expected won lawsuits, corrections and upheld reconsiderations; the reform moves none of them."""
    totals = _pilot_means()
    common = draw.scenario.mean * draw.size[:, None] * draw.shock
    corrections = common * totals["corrections"][0] / totals["losses"][0]
    return {
        "won": common * (1 / LOSS_RATE - 1),
        "corrections": corrections,
        "upheld": corrections * (1 / CORRECTION_RATE - 1),
    }


@cache
def _pilot_means() -> dict[str, tuple[float, float]]:
    """Base count a pilot, and growth, of every published series."""
    table = published_totals()
    pilots = Scenario().pilots
    return {row.Index: (row.base / pilots, row.value / row.base) for row in table.itertuples()}


def _add_measures(draw: Draw, rng: np.random.Generator) -> None:
    """Enforcement, reviews and opinions: published levels and growth, spread over units and periods."""
    post = np.arange(len(draw.scenario.periods)) >= draw.scenario.start
    own, mixed = rng.standard_normal(len(draw.dose)), np.sqrt(1 - _SHARED_DOSE**2)
    doses = {"enforcement_own": draw.dose, "reviews": _SHARED_DOSE * draw.dose + mixed * own}
    for name in ("enforcement_own", "enforcement_department", "reviews"):
        add_series(draw, name, rng)
        if name in doses:
            draw.rates[name] *= np.where(post, _lognormal(doses[name], _DOSE_SD)[:, None], 1.0)
        draw.counts[name] = rng.poisson(draw.rates[name])
    (reviews, growth), (opinions, opinion_growth) = (
        _pilot_means()[n] for n in ("reviews", "review_opinions")
    )
    per_review = opinions / reviews * (opinion_growth / growth) ** draw.treated
    draw.rates["review_opinions"] = draw.rates["reviews"] * per_review
    draw.counts["review_opinions"] = rng.poisson(draw.counts["reviews"] * per_review)


def add_series(draw: Draw, name: str, rng: np.random.Generator) -> None:
    """Add a published series to the draw: its level a pilot, and its growth from adoption on.

    Parameters
    ----------
    draw : Draw
        `rates` and `counts` are added to.
    name : str
        Id of `scenario.published_totals`.
    rng : numpy.random.Generator
    """
    level, growth = _pilot_means()[name]
    unit = _lognormal(rng.standard_normal((len(draw.size), 1)), _UNIT_SD)
    shock = _lognormal(rng.standard_normal(draw.shock.shape), _SHOCK_SD)
    draw.rates[name] = level * draw.size[:, None] * unit * shock * growth**draw.treated
    draw.counts[name] = rng.poisson(draw.rates[name])


def caseload(draw: Draw, rng: np.random.Generator, *, disputes_growth: float = 0.0) -> dict[str, Array]:
    """Return the cases concluded and filed, and the disputes that became neither kind of case.

    Parameters
    ----------
    draw : Draw
    rng : numpy.random.Generator
    disputes_growth : float
        Growth of disputes from adoption on; the cases filed do not grow, so the other disputes, half of
        all, grow by twice as much. 0 leaves disputes a denominator that the reform does not move.

    Returns
    -------
    dict of str to ndarray of int
        Concluded is lost plus won, so no rule on a count and its whole can break. Filed are the concluded
        cases that were filed in the period, and those still pending.
    """
    loads = {}
    others = 1 + 2 * disputes_growth * draw.treated
    for kind, parts in {"lawsuits": ("losses", "won"), "reconsiderations": ("corrections", "upheld")}.items():
        concluded = draw.counts[parts[0]] + draw.counts[parts[1]]
        expected = draw.rates[parts[0]] + draw.rates[parts[1]]
        pending = rng.poisson(expected * (1 - _SAME_PERIOD))
        loads[f"{kind}_concluded"] = concluded
        loads[f"{kind}_filed"] = rng.binomial(concluded, _SAME_PERIOD) + pending
        loads[f"other_{kind}"] = rng.poisson(expected * others)
    loads["other_disputes"] = loads.pop("other_lawsuits") + loads.pop("other_reconsiderations")
    years = np.array([int(period[:4]) for period in draw.scenario.periods])
    growth = _POPULATION_GROWTH ** (years - years[0])
    loads["population"] = np.rint(_POPULATION * draw.size[:, None] * growth).astype(np.int64)
    return loads


def finished(counts: dict[str, Array]) -> dict[str, Array]:
    """Return the counts of the panel: disputes added up, what a panel does not have left out.

    Parameters
    ----------
    counts : dict of str to ndarray

    Returns
    -------
    dict of str to ndarray
    """
    kept = {name: count for name, count in counts.items() if name not in ("won", "upheld", "other_disputes")}
    kept["disputes"] = counts["lawsuits_filed"] + counts["reconsiderations_filed"] + counts["other_disputes"]
    return kept
