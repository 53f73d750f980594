"""What a synthetic panel is drawn from: the parameters, checked once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import pandas as pd

from reform_analysis import published
from reform_analysis.estimates import DataError, DesignError, require_number, require_whole_number
from reform_analysis.periods import first_month, period_index

LOSS_RATE = 0.1  # share of concluded lawsuits that are lost; no source prints it for townships
CORRECTION_RATE = 0.1  # likewise for reconsiderations
PILOTS = "89 pilots"


@dataclass(frozen=True)
class Scenario:
    """Parameters of `draws.draw_panel`, which describes them.

    Raises
    ------
    DataError
        If a value breaks its rule.
    DesignError
        If the values do not go together.
    """

    effect: float | None = None
    units: int = 1365
    pilots: int = 89
    counties: int = 89
    cities: int = 11
    periods: tuple[str, ...] = ("2018", "2019", "2020", "2021", "2022", "2023")
    adopted: str = "2021"
    rollout: Mapping[str, float] = field(default_factory=dict)
    mean: float = 0.5
    heterogeneity: float = 1.0
    overdispersion: float = 1.5
    series_share: float = 0.0
    series_size: float = 6.0
    cluster_sd: float = 0.0
    pilot_cluster_sd: float = 0.0
    trend: float = 1.0
    selection: float = 0.0
    dose_effect: float | None = None
    dose_level: float = 0.0
    dose_base: float = 0.0
    dose_cluster: float = 0.0

    def __post_init__(self) -> None:
        _check_sizes(self)
        _check_numbers(self)
        _check_time(self)

    @property
    def start(self) -> int:
        """Position of the period in which the pilots adopt; the one before is the base period.

        Returns
        -------
        int
        """
        return self.periods.index(self.adopted)

    @property
    def rollout_starts(self) -> dict[int, float]:
        """Share of the others that adopts, by position of the period.

        Returns
        -------
        dict of int to float
        """
        return {self.periods.index(period): share for period, share in self.rollout.items()}


def _check_sizes(scenario: Scenario) -> None:
    for name, least in {"units": 1, "pilots": 0, "counties": 1, "cities": 1}.items():
        whole = require_whole_number(name, getattr(scenario, name), least=least)
        object.__setattr__(scenario, name, whole)
    if scenario.pilots > scenario.units:
        raise DesignError(
            f"pilots must be at most units, got {scenario.pilots} of {scenario.units}; ask for fewer pilots."
        )
    if scenario.cities > scenario.counties:
        raise DesignError(
            f"cities must be at most counties, got {scenario.cities} and {scenario.counties}; "
            "a county lies in one city."
        )


def _check_numbers(scenario: Scenario) -> None:
    """Bounds of the parameters; closed ends are tested beside the open ones."""
    for name in ("mean", "trend", "effect", "dose_effect"):
        value = getattr(scenario, name)
        if value is not None:
            require_number(name, value, above=0, way_out="pass a rate or a ratio of rates.")
    for name in ("heterogeneity", "cluster_sd", "pilot_cluster_sd"):
        _require_least(name, getattr(scenario, name), 0)
    for name in ("overdispersion", "series_size"):
        _require_least(name, getattr(scenario, name), 1)
    for name in ("series_share", "dose_cluster"):
        if not 0 <= getattr(scenario, name) <= 1:
            raise DataError(
                f"{name} must lie between 0 and 1, got {getattr(scenario, name)!r}; pass a share."
            )
    for name in ("dose_level", "dose_base"):
        require_number(name, getattr(scenario, name), above=-1, below=1, way_out="pass a correlation.")
    require_number("selection", scenario.selection, way_out="pass log odds per loss; 0 for none.")


def _require_least(name: str, value: object, least: float) -> None:
    if value != least:
        require_number(name, value, above=least, way_out=f"pass {least:g} for none.")


def _check_time(scenario: Scenario) -> None:
    numbers = period_index(pd.Series(scenario.periods)).tolist()
    if numbers != sorted(set(numbers)):
        raise DataError(f"periods must rise without repeats, got {list(scenario.periods)}; sort them.")
    for name, period in [("adopted", scenario.adopted), *(("rollout", key) for key in scenario.rollout)]:
        if period not in scenario.periods[1:]:
            raise DesignError(
                f"{name} must name one of the periods after the first, {list(scenario.periods[1:])}, got "
                f"{period!r}; without an earlier period there is no base."
            )
    shares = list(scenario.rollout.values())
    if any(not 0 <= share <= 1 for share in shares) or sum(shares) > 1:
        raise DataError(
            f"rollout must hold shares that sum to at most 1, got {shares}; pass shares of units."
        )


def month_text(period: str) -> str:
    """Return the first month of a period as `adopted` is written.

    Parameters
    ----------
    period : str

    Returns
    -------
    str

    Examples
    --------
    >>> month_text("2021"), month_text("2021Q2")
    ('2021-01', '2021-04')
    """
    start, _ = first_month(period)
    return f"{start // 12}-{start % 12 + 1:02d}"


@cache
def published_totals() -> pd.DataFrame:
    """Return the pilots' totals of 2021 and the base counts of 2020 they imply.

    Returns
    -------
    DataFrame
        Index `id`: every series of `published.load_figures` of the 89 pilots with a total and a growth
        rate in percent. Columns ``base, value`` (whole numbers). Of the base counts that fit the growth
        rate the one nearest to value / (1 + growth) is taken; where none fits whole percents, of those
        that fit rounding to tens.
    """
    figures = published.load_figures()
    chosen = (figures["scope"] == PILOTS) & (figures["change_kind"] == "percent") & figures["value"].notna()
    rows = figures.loc[chosen, ["value", "change_pct"]]
    bases = [_implied_base(int(value), change) for value, change in rows.itertuples(index=False)]
    return pd.DataFrame({"base": bases, "value": rows["value"].astype(int)}, index=rows.index)


@cache
def disputes_growth() -> float:
    """Return the published growth of administrative disputes, as a fraction; no level is published.

    Returns
    -------
    float
    """
    return float(published.load_figures().loc["administrative_disputes", "change_pct"]) / 100


def _implied_base(value: int, change_pct: float) -> int:
    exact = value / (1 + change_pct / 100)
    fitting = published.baseline(value, change_pct).integers
    if not fitting:
        fitting = published.baseline(value, change_pct, rounding="tens").integers
    assert fitting
    return min(fitting, key=lambda n: abs(n - exact))
