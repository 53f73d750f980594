"""Synthetic panels: draws for power and for tests, and an example for demonstration.

`draw_panel` matches nothing, so the size, power and coverage of a method can be studied on its draws.
`example_panel` matches the published totals of the pilots, which pins their change whatever the effect:
it shows how a panel looks and how the functions are used, and nothing else. Both say SYNTHETIC in a
column and in their attributes.
"""

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis import invented_names, resources, schema
from reform_analysis.draws import Array, Draw, add_series, caseload, draw_arrays, finished
from reform_analysis.estimates import require_whole_number
from reform_analysis.panel_columns import COUNTS, kind_of
from reform_analysis.scenario import Scenario, disputes_growth, month_text, published_totals
from reform_analysis.wording import LANGUAGES, say

EXAMPLE_SEED = 20210500
EXAMPLE_FILE = "example/panel_synthetic.csv"

_ADOPTED = "2021-05"  # month in which the pilots were named
_ROLLOUT = {"2022": 0.3, "2023": 0.4}
_DISPUTES_BASE = 1500  # invented: the source prints the growth of disputes, and no level
_YEARS = ("2020", "2021")


def draw_panel(
    *,
    effect: float | None,
    seed: int | np.random.Generator,
    units: int = 1365,
    pilots: int = 89,
    counties: int = 89,
    cities: int = 11,
    periods: tuple[str, ...] = ("2018", "2019", "2020", "2021", "2022", "2023"),
    adopted: str = "2021",
    rollout: Mapping[str, float] | None = None,
    mean: float = 0.5,
    heterogeneity: float = 1.0,
    overdispersion: float = 1.5,
    series_share: float = 0.0,
    series_size: float = 6.0,
    cluster_sd: float = 0.0,
    pilot_cluster_sd: float = 0.0,
    trend: float = 1.0,
    selection: float = 0.0,
    dose_effect: float | None = None,
    dose_level: float = 0.0,
    dose_base: float = 0.0,
    dose_cluster: float = 0.0,
) -> pd.DataFrame:
    r"""Draw a panel whose truth is known; no published total is matched.

    Losses of unit i in period t, in city c, are counts with mean

    .. math:: \mu_{it} = m \, g_i \, s_{ct} \, v_{cpt}^{P_t} \, \tau^{t - b} \rho^{D_{it}} \delta^{d_i P_t}

    where m is `mean`, b the base period (the one before `adopted`), g a gamma variable with mean 1, s and v
    lognormal ones with mean 1, p whether the unit is a pilot, D whether it has adopted, d its dose and P
    whether the period is `adopted` or later. Use it for the size, power and coverage of a method, never as
    data.

    Parameters
    ----------
    effect : float or None
        Rate ratio :math:`\rho` of losses in every period from a unit's adoption on; None for no effect.
    seed : int or numpy.random.Generator
        Every random number comes from it.
    units, pilots, counties, cities : int
        Numbers of units, of pilots among them, of counties and of cities. Counties have nearly equal
        numbers of units; cities are unequal, the largest about five times the smallest.
    periods : tuple of str
        Periods of one frequency, in order.
    adopted : str
        The period in which pilots adopt: treated in full from its first month on.
    rollout : mapping of str to float, optional
        Period to share of the other units that adopt in it, at random.
    mean : float
        Expected losses of a unit in the base period.
    heterogeneity : float
        Variance of g, the lasting differences between units; 0 for none.
    overdispersion : float
        Variance of a count over its mean, given the mean, where suits come singly: negative binomial
        (Poisson events with logarithmic numbers of suits). 1 for Poisson.
    series_share : float
        Share of the mean that comes in series: one event (a demolition), many suits decided alike.
    series_size : float
        Mean number of suits of a series, 1 plus a Poisson number. With share a, size 1 + q and
        overdispersion f the variance over the mean is :math:`(1-a) f + a ((1+q)^2 + q)/(1+q)`.
    cluster_sd : float
        Standard deviation of log s: shocks common to a city in a period.
    pilot_cluster_sd : float
        Standard deviation of log v: shocks to losses common to the pilots of a city in a period from
        `adopted` on, and others common to its other units. Units are then no independent replicates.
    trend : float
        Ratio :math:`\tau` from one period to the next, in all units.
    selection : float
        Pilots are drawn without replacement with weights exp(selection times losses in the base period);
        0 for at random. Above 0 their losses fall back without any effect.
    dose_effect : float or None
        Rate ratio :math:`\delta` of losses for one standard deviation of the dose, in every unit, from
        the period `adopted` on; None for no effect.
    dose_level, dose_base : float
        Weights of the normal score of g and of the standardised losses of the base period in the dose,
        which has variance 1: if only one is not 0, it is the dose's correlation with that. A dose that
        answers the level leaves changes alone; one that answers the base period's losses goes with their
        falling back.
    dose_cluster : float
        Share of the variance of the dose that whole cities share; 1 for a dose assigned by city.

    Returns
    -------
    DataFrame
        A canonical panel (`schema.PANEL`), rows by unit and period, with the free column ``dose``. The
        measures respond to the reform by the published growth; own-name enforcement also grows by
        exp(0.3 d), reviews by a dose correlated 0.5 with d. Levels of the measures come from the published
        totals; those of lawsuits, disputes and residents are invented. ``attrs``: ``synthetic`` True,
        ``date_basis``, ``loss_definition``, ``scenario`` (the parameters).

    Raises
    ------
    DataError
        If a parameter breaks its rule.
    DesignError
        If parameters do not go together: more pilots than units, a base period that does not exist,
        weights of the dose that take more than its variance.

    Notes
    -----
    The truth holds by construction: given levels, shocks and dose the counts are independent. With
    `selection`, `dose_base`, `cluster_sd` or `pilot_cluster_sd` the assumptions of plain comparisons fail,
    which is their use.

    Examples
    --------
    >>> panel = draw_panel(effect=None, seed=1, units=30, pilots=5, counties=4, cities=2)
    >>> panel.shape[0], int(panel["pilot"].sum()), panel.attrs["synthetic"]
    (180, 30, True)
    """
    scenario = Scenario(
        effect=effect,
        units=units,
        pilots=pilots,
        counties=counties,
        cities=cities,
        periods=tuple(periods),
        adopted=adopted,
        rollout=dict(rollout or {}),
        mean=mean,
        heterogeneity=heterogeneity,
        overdispersion=overdispersion,
        series_share=series_share,
        series_size=series_size,
        cluster_sd=cluster_sd,
        pilot_cluster_sd=pilot_cluster_sd,
        trend=trend,
        selection=selection,
        dose_effect=dose_effect,
        dose_level=dose_level,
        dose_base=dose_base,
        dose_cluster=dose_cluster,
    )
    rng = np.random.default_rng(seed)
    draw = draw_arrays(scenario, rng)
    counts = draw.counts | caseload(draw, rng)
    months = np.array([*map(month_text, scenario.periods), ""], dtype=object)
    return frame(draw, finished(counts), adopted=months[draw.start]).assign(
        dose=np.repeat(draw.dose, len(scenario.periods))
    )


def example_panel(seed: int, *, selection: float = 0.0) -> pd.DataFrame:
    """Make up a panel whose pilots add up to the published totals; for demonstration only.

    1,365 invented townships in 11 invented cities and 89 invented counties, 2018 to 2023, 89 pilots from
    May 2021, others from 2022 on. Every series of the pilots with a published total and a growth rate in
    percent has exactly that total in 2021 and the base count it implies in 2020
    (`scenario.published_totals`). Counts are overdispersed and come in series.

    Parameters
    ----------
    seed : int
        Every random number comes from it.
    selection : float
        Pilots are drawn with weights exp(selection times losses of 2020 before matching); 0: at random.

    Returns
    -------
    DataFrame
        A canonical panel, rows by unit and period. ``attrs``: ``synthetic`` True, ``date_basis``,
        ``loss_definition``, ``seed``, ``description_zh`` and ``description_en`` (how it was made).

    Raises
    ------
    DataError
        If `seed` is no whole number, or `selection` no number.

    Notes
    -----
    Matching pins the pilots' change at the published one whatever the effect is, so no estimate from this
    panel says anything about the reform. The counts drawn are thinned at random where their total is too
    large, and raised in proportion to their expected values where it is too small.
    """
    seed = require_whole_number("seed", seed)
    rng = np.random.default_rng(seed)
    scenario = _example_scenario(selection)
    draw = draw_arrays(scenario, rng)
    for name in published_totals().index.difference(list(draw.counts), sort=False):
        add_series(draw, name, rng)
    for name, row in published_totals().iterrows():
        _match(draw, draw.counts[str(name)], draw.rates[str(name)], (row["base"], row["value"]), rng)
    counts = draw.counts | caseload(draw, rng, disputes_growth=disputes_growth())
    _match_disputes(draw, counts, rng)
    panel = frame(draw, finished(counts), adopted=_months(draw, rng))
    panel.attrs = _example_attributes(scenario, seed)
    return panel


def _example_scenario(selection: float) -> Scenario:
    """Parameters of the example: means and effect are the published ones, so that matching moves little."""
    losses = published_totals().loc["losses"]
    return Scenario(
        effect=float(losses["value"] / losses["base"]),
        mean=float(losses["base"] / Scenario().pilots),
        rollout=_ROLLOUT,
        series_share=0.1,
        cluster_sd=0.15,
        selection=selection,
    )


def _match(
    draw: Draw, counts: Array, rates: Array, totals: tuple[int, int], rng: np.random.Generator
) -> None:
    """Give the pilots' counts of the two years their totals, in place."""
    for year, total in zip(_YEARS, totals, strict=True):
        at = draw.scenario.periods.index(year)
        counts[draw.pilot, at] = _with_total(counts[draw.pilot, at], rates[draw.pilot, at], int(total), rng)


def _with_total(counts: Array, rates: Array, total: int, rng: np.random.Generator) -> Array:
    """Thin counts at random, or raise them in proportion to `rates`, so that they sum to `total`."""
    missing = total - int(counts.sum())
    if missing < 0:
        return counts - rng.multivariate_hypergeometric(counts, -missing, method="marginals")
    return counts + rng.multinomial(missing, rates / rates.sum())


def _match_disputes(draw: Draw, counts: dict[str, Array], rng: np.random.Generator) -> None:
    """Give the pilots' disputes the invented base and the published growth, above the cases filed."""
    targets = (_DISPUTES_BASE, round(_DISPUTES_BASE * (1 + disputes_growth())))
    filed = counts["lawsuits_filed"] + counts["reconsiderations_filed"]
    positions = [draw.scenario.periods.index(year) for year in _YEARS]
    others = [target - filed[draw.pilot, at].sum() for target, at in zip(targets, positions, strict=True)]
    _match(draw, counts["other_disputes"], 1.0 + filed, (int(others[0]), int(others[1])), rng)


def _months(draw: Draw, rng: np.random.Generator) -> Array:
    """Month of adoption: that of the pilots, a random one of the year for others, empty if never."""
    month = rng.integers(1, 13, size=len(draw.pilot))
    years = [*draw.scenario.periods, ""]
    texts = [f"{years[s]}-{m:02d}" if years[s] else "" for s, m in zip(draw.start, month, strict=True)]
    return np.where(draw.pilot, _ADOPTED, np.array(texts, dtype=object))


def _example_attributes(scenario: Scenario, seed: int) -> dict[str, Any]:
    totals = published_totals()
    numbers = {
        "units": f"{scenario.units:,}",
        "pilots": scenario.pilots,
        "series": len(totals),
        "base": totals.loc["losses", "base"],
        "value": totals.loc["losses", "value"],
        "effect": scenario.effect,
        "mean": scenario.mean,
        "heterogeneity": scenario.heterogeneity,
        "overdispersion": scenario.overdispersion,
        "series_share": 100 * scenario.series_share,
        "series_size": scenario.series_size,
        "cluster_sd": scenario.cluster_sd,
        "selection": scenario.selection,
        "disputes": _DISPUTES_BASE,
        "seed": seed,
    }
    described = {f"description_{lang}": say("example.description", lang, **numbers) for lang in LANGUAGES}
    return {
        "synthetic": True,
        "date_basis": "decided",
        "loss_definition": "strict",
        "seed": seed,
        **described,
    }


def load_example() -> pd.DataFrame:
    """Return the stored example, ``example_panel(EXAMPLE_SEED)``; it is synthetic.

    Returns
    -------
    DataFrame
        As `example_panel` returns it.

    Raises
    ------
    DataError
        If the file was changed or does not meet the declaration of the panel.
    """
    content = BytesIO(resources.read_data(EXAMPLE_FILE))
    panel = pd.read_csv(content, dtype=str, keep_default_na=False)
    for name in panel.columns:
        if kind_of(name) == "integer":
            panel[name] = pd.to_numeric(panel[name]).astype("Int64")
        elif kind_of(name) == "boolean":
            panel[name] = panel[name] == "true"
    panel.attrs = _example_attributes(_example_scenario(0.0), EXAMPLE_SEED)
    return schema.validate_panel(panel)


def example_csv() -> bytes:
    """Return the bytes of the stored example, made anew.

    Returns
    -------
    bytes
        UTF-8, comma separated, line feeds, truth values as true and false. ``data/build_example.py``
        writes them; a test holds that the stored file equals them.
    """
    panel = example_panel(EXAMPLE_SEED)
    truths = panel.select_dtypes("bool").columns
    written = panel.assign(**{name: panel[name].map({True: "true", False: "false"}) for name in truths})
    text: str = written.to_csv(index=False, lineterminator="\n")
    return text.encode("utf-8")


def frame(draw: Draw, counts: Mapping[str, Array], *, adopted: Array) -> pd.DataFrame:
    """Return a draw as a canonical panel.

    Parameters
    ----------
    draw : Draw
    counts : mapping of str to ndarray of int, shape (units, periods)
    adopted : ndarray of str, shape (units,)
        Date of adoption, empty if never.

    Returns
    -------
    DataFrame
        One row a unit and period; `attrs` with ``synthetic`` True.
    """
    scenario = draw.scenario
    units, periods = scenario.units, len(scenario.periods)
    texts = {
        "unit_id": _unit_ids(units),
        "unit_name": invented_names.township_names(units),
        "county": invented_names.county_names(scenario.counties)[draw.county],
        "city": invented_names.city_names(scenario.cities)[draw.city],
    }
    of_unit, of_period = np.repeat(np.arange(units), periods), np.tile(np.arange(periods), units)
    columns: dict[str, Any] = {name: _text(values).take(of_unit) for name, values in texts.items()}
    columns["period"] = _text(np.array(scenario.periods, dtype=object)).take(of_period)
    columns["pilot"] = draw.pilot[of_unit]
    columns["adopted"] = _text(adopted).take(of_unit)
    whole = {name: pd.array(counts[name].ravel(), dtype="Int64") for name in COUNTS if name in counts}
    panel = pd.DataFrame({**columns, **whole, "synthetic": np.ones(units * periods, dtype=bool)})
    parameters = {name: getattr(scenario, name) for name in scenario.__dataclass_fields__}
    panel.attrs = {
        "synthetic": True,
        "date_basis": "decided",
        "loss_definition": "strict",
        "scenario": parameters,
    }
    return panel


@cache
def _unit_ids(units: int) -> Array:
    return np.array([f"SYN{number:05d}" for number in range(1, units + 1)], dtype=object)


def _text(values: Array) -> Any:
    return pd.array(values, dtype="str")
