"""Power of the score bootstrap: its p-values against the fitted model's, the draws against their moments."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis import bootstrap_power, counts, simulate, wild_score
from reform_analysis.bootstrap_power import Comparison
from reform_analysis.estimates import DataError

FEW = pytest.mark.filterwarnings("ignore::reform_analysis.estimates.StatisticalWarning")


def comparison(clusters: int, *, units: int = 200, pilots: int = 60, **changed: float) -> Comparison:
    given = {"pre": 2, "post": 1, "mean": 1.0, "control_mean": 0.6, "heterogeneity": 0.5, "inflation": 1.5}
    return Comparison(
        pilot=np.arange(units) % (units // pilots) == 0,
        cluster=np.arange(units) * 7 % clusters,
        **(given | changed),  # type: ignore[arg-type]
    )


@FEW
@pytest.mark.parametrize(("cities", "cluster"), [(4, "city"), (11, "city"), (40, "county")])
def test_p_is_that_of_the_fitted_model(cities: int, cluster: str) -> None:
    """Panels of several periods, with empty units and unequal clusters."""
    panel = simulate.draw_panel(
        effect=0.6, seed=5, units=240, pilots=60, counties=40, cities=min(cities, 11), mean=0.4
    )
    panel["treated"] = (panel["pilot"] & (panel["period"] >= "2021")).astype(float)
    fitted = counts.fit_poisson(
        panel, outcome="losses", terms=["treated"], unit="unit_id", period="period", cluster=cluster, seed=1
    )
    late = (panel["period"] >= "2021").map({True: "after", False: "before"})
    wide = panel.groupby(["unit_id", late])["losses"].sum().unstack().astype(float)  # noqa: PD010
    unit = panel.drop_duplicates("unit_id").set_index("unit_id").loc[wide.index]
    like = Comparison(unit["pilot"].to_numpy(bool), pd.factorize(unit[cluster], sort=True)[0], 3, 3, 1.0, 1.0)
    found = bootstrap_power.scores(like, *(wide[[end]].to_numpy().T for end in ("before", "after")))
    assert like.clusters == cities
    (p,) = wild_score.p_values(*found, wild_score.signs(cities, draws=9999, seed=1))
    assert p == pytest.approx(fitted.to_frame()["p_value"].iloc[0], abs=1e-12)


def test_draws_have_the_moments_asked() -> None:
    like = comparison(5, mean=2.0, control_mean=1.0, heterogeneity=0.5, inflation=1.5)
    draws = 4000
    before, after = bootstrap_power.drawn_totals(like, 0.5, draws, np.random.default_rng(3))
    expected = {True: (4.0, 1.0), False: (2.0, 1.0)}
    for arm, means in expected.items():
        for events, mean in zip((before, after), means, strict=True):
            cell = events[:, like.pilot == arm]
            variance = 1.5 * mean + 0.5 * mean**2
            assert cell.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / cell.size))
            assert cell.var() == pytest.approx(variance, rel=0.03)


@pytest.mark.parametrize("clusters", [2, 3, 4, 5])
def test_few_clusters_never_reject_at_five_percent_whatever_the_effect(clusters: int) -> None:
    found = bootstrap_power.simulate_power(comparison(clusters), [0.05, 1.0], draws=300, seed=1)
    assert wild_score.least_p(clusters) > 0.05
    assert found.to_frame()["estimate"].tolist() == [0, 0]


def test_the_smallest_p_is_reached_with_few_clusters() -> None:
    like = comparison(4, mean=20.0, control_mean=20.0)
    before, after = bootstrap_power.drawn_totals(like, 0.05, 20, np.random.default_rng(1))
    weights = wild_score.signs(4, draws=9999, seed=None)
    p_values = wild_score.p_values(*bootstrap_power.scores(like, before, after), weights)
    assert p_values.min() == wild_score.least_p(4) == 0.125


@pytest.mark.parametrize(("clusters", "draws"), [(11, 2000), (200, 600)])
def test_size_is_five_percent_and_power_grows(clusters: int, draws: int) -> None:
    found = bootstrap_power.simulate_power(comparison(clusters), [0.4, 0.6, 1.0], draws=draws, seed=2)
    share = found.to_frame()["estimate"]
    assert found.n_obs == draws
    assert share["0.4"] > share["0.6"] > share["1"]
    assert abs(share["1"] - 0.05) < 3 * np.sqrt(0.05 * 0.95 / draws) + 2 / 1024


def test_arms_without_events_count_as_not_found() -> None:
    like = comparison(11, mean=0.001, control_mean=3.0)
    found = bootstrap_power.simulate_power(like, [1.0], draws=50, seed=2)
    assert found.to_frame()["estimate"].iloc[0] < 0.05
    assert "no p-value" in found.notes[0]


def test_draws_are_a_whole_number() -> None:
    with pytest.raises(DataError, match="^draws must"):
        bootstrap_power.simulate_power(comparison(11), [1.0], draws=0, seed=2)
