"""The score bootstrap against every sign pattern by hand; its interval against the test it inverts."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from reform_analysis import count_sample, counts, wild_score
from reform_analysis.estimates import DesignError, StatisticalWarning

PANEL = pd.read_csv(Path(__file__).parent / "reference" / "counts_synthetic.csv", dtype={"period": str})
TERMS = ["treated", "dose_post"]
COLUMNS = {"outcome": "losses", "exposure": "population", "unit": "unit_id", "period": "period"}

pytestmark = pytest.mark.filterwarnings("ignore:few clusters:reform_analysis.estimates.StatisticalWarning")


def by_hand(panel: pd.DataFrame, *, tested: str, other: str, value: float) -> float:
    """P-value over all sign patterns of the cities, from dummies, least squares and loops."""
    used = panel[panel.groupby("unit_id")["losses"].transform("sum") > 0]
    effects = pd.get_dummies(used[["unit_id", "period"]], dtype=float).drop(columns="period_2018")
    nuisance = np.column_stack([used[other], effects])
    y, x = used["losses"].to_numpy(dtype=float), used[tested].to_numpy(dtype=float)
    offset = np.log(used["population"].to_numpy(dtype=float)) + value * x
    null = sm.GLM(y, nuisance, family=sm.families.Poisson(), offset=offset).fit(tol=1e-14, maxiter=200)
    mean = np.asarray(null.fittedvalues)
    cleared = np.asarray(sm.WLS(x, nuisance, weights=mean).fit().resid)
    cities = sorted(used["city"].unique())
    inside = [(used["city"] == city).to_numpy() for city in cities]
    scores = [float(cleared[at] @ (y - mean)[at]) for at in inside]
    informations = [float(mean[at] @ cleared[at] ** 2) for at in inside]

    def size(signs: tuple[int, ...]) -> float:
        signed = [sign * score for sign, score in zip(signs, scores, strict=True)]
        step = sum(signed) / sum(informations)
        left = [score - step * information for score, information in zip(signed, informations, strict=True)]
        return abs(sum(signed)) / sum(each**2 for each in left) ** 0.5

    observed = size((1,) * len(cities))
    drawn = [size(signs) for signs in product((1, -1), repeat=len(cities))]
    return sum(each >= observed * (1 - 1e-9) for each in drawn) / len(drawn)


@pytest.fixture(scope="module")
def fitted() -> pd.DataFrame:
    return counts.fit_poisson(PANEL, terms=TERMS, cluster="city", **COLUMNS).to_frame()


@pytest.mark.parametrize(("tested", "other"), [TERMS, TERMS[::-1]])
def test_p_is_the_share_of_all_sign_patterns(fitted: pd.DataFrame, tested: str, other: str) -> None:
    assert fitted.loc[tested, "p_value"] == by_hand(PANEL, tested=tested, other=other, value=0.0)


@pytest.mark.parametrize(("tested", "other"), [TERMS, TERMS[::-1]])
@pytest.mark.parametrize(("end", "outward"), [("ci_low", -1), ("ci_high", 1)])
def test_the_interval_ends_where_the_test_begins_to_reject(
    fitted: pd.DataFrame, tested: str, other: str, end: str, outward: int
) -> None:
    bound = np.log(fitted.loc[tested, end])
    near = 1e-4 * fitted.loc[tested, "std_error"]
    assert by_hand(PANEL, tested=tested, other=other, value=bound - outward * near) > 0.05
    assert by_hand(PANEL, tested=tested, other=other, value=bound + outward * near) <= 0.05


def test_signs_are_enumerated_up_to_the_number_of_draws() -> None:
    few = wild_score.signs(6, draws=63, seed=None)
    assert few.enumerated
    patterns = np.concatenate(list(few.blocks()))
    both = {tuple(row) for row in np.vstack([patterns, -patterns])}
    assert both == set(product((1.0, -1.0), repeat=6))
    assert not wild_score.signs(7, draws=126, seed=1).enumerated
    with pytest.raises(DesignError, match="^seed must be given"):
        wild_score.signs(7, draws=126, seed=None)


def test_drawn_weights_are_webbs_six_points() -> None:
    weights = np.concatenate(list(wild_score.signs(50, draws=9999, seed=3).blocks()))
    assert weights.shape == (9999, 50)
    points, numbers = np.unique(weights, return_counts=True)
    np.testing.assert_allclose(points**2, [1.5, 1.0, 0.5, 0.5, 1.0, 1.5])
    expected = weights.size / 6
    assert (np.abs(numbers - expected) < 5 * np.sqrt(expected * 5 / 6)).all()
    np.testing.assert_allclose(np.mean(points), 0, atol=1e-15)
    np.testing.assert_allclose(np.mean(points**2), 1)


def test_drawn_p_values_count_the_observed_one() -> None:
    score = wild_score.Score(score=np.full(40, 1.0), information=np.ones(40) + np.arange(40))
    assert wild_score.p_value(score, wild_score.signs(40, draws=199, seed=1)) == 1 / 200


def test_four_clusters_reject_nothing_and_say_so() -> None:
    four = PANEL.assign(city=PANEL["city"] % 4)
    with pytest.warns(StatisticalWarning, match="no bound on a side for \\['treated'\\]"):
        found = counts.fit_poisson(four, terms=["treated"], cluster="city", **COLUMNS)
    row = found.to_frame().loc["treated"]
    assert (row["ci_low"], row["ci_high"]) == (0, np.inf)
    assert row["p_value"] >= 2 / 2**4
    assert any("no bound on a side" in note for note in found.notes)


def test_the_score_at_the_estimate_is_zero() -> None:
    fit = counts.fit_poisson(PANEL, terms=TERMS, inference="hc", **COLUMNS).to_frame()
    sample = count_sample.with_events(
        count_sample.sample(PANEL, terms=TERMS, cluster="city", treatment=None, **COLUMNS)
    )
    score = wild_score.null_score(sample, 0, float(np.log(fit.loc["treated", "estimate"])))
    assert abs(score.score.sum()) < 1e-8 * np.abs(score.score).sum()
