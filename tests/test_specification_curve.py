"""The curve: specifications are refits, one draw relabels all, and the joint test keeps its size."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from reform_analysis import cell_scores, score_draws
from reform_analysis.assignments import Assignment
from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import DataError, DesignError
from reform_analysis.simulate import draw_panel
from reform_analysis.specification_curve import Choices, _joint, specification_curve
from reform_analysis.specifications import BalanceWeights, StratumWeights
from reform_analysis.treatment import treated_fraction

FIT = partial(fit_poisson, unit="unit_id", period="period", inference="cluster")


def panel(seed: int, effect: float | None = 0.3, **scenario: object) -> pd.DataFrame:
    options = {"units": 120, "pilots": 40, "counties": 12, "cities": 6, "mean": 1.5} | scenario
    df = draw_panel(seed=seed, effect=effect, **options)
    df["adopted"] = df["adopted"].where(~df["pilot"], "2021-05")
    codings = {each: treated_fraction(df, coding=each) for each in ("fraction", "binary", "drop")}
    df = df.assign(**{name: share.where(df["pilot"], 0.0) for name, share in codings.items()})
    return df.assign(log_reviews=np.log1p(df["reviews"].astype(float)), late=df["period"] != "2018")


def strata_of(df: pd.DataFrame) -> np.ndarray:
    units = cell_scores.grid(df, unit="unit_id", period="period").units
    city = df.drop_duplicates("unit_id").set_index("unit_id")["city"].reindex(units)
    return pd.factorize(city, sort=True)[0]


def test_each_specification_is_the_refit_it_names() -> None:
    df = panel(1)
    stratum = strata_of(df)
    choices = Choices(
        outcomes=["losses"],
        codings={"fraction": "fraction", "drop": "drop"},
        exposures=[None, "population"],
        controls={"none": (), "reviews": ("log_reviews",)},
        samples={"all": None, "late": "late"},
        weights={"equal": None, "city": StratumWeights(stratum)},
    )
    frame = specification_curve(df, FIT, choices=choices, draws=19, seed=1).to_frame()
    assert len(frame) == 32
    row = frame.query(
        "coding == 'drop' and exposure == 'population' and controls == 'reviews' and sample == 'late' "
        "and weights == 'city'"
    ).iloc[0]
    keep = df["late"] & (df["period"] != "2021")
    units = cell_scores.grid(df, unit="unit_id", period="period").units
    pilots = df.groupby("unit_id")["pilot"].first().reindex(units).to_numpy()
    count = [np.bincount(stratum[mask], minlength=stratum.max() + 1) for mask in (pilots, ~pilots)]
    weight = np.where(pilots, 1.0, (count[0] / count[1])[stratum])
    scaled = df.assign(losses=df["losses"].astype(float) * weight[units.get_indexer(df["unit_id"])])
    expected = FIT(
        scaled[keep], outcome="losses", terms=["drop", "log_reviews"], exposure="population"
    ).to_frame()
    assert row["estimate"] == pytest.approx(expected["estimate"].iloc[0], rel=1e-8)


def test_one_specification_ranks_among_the_draws_of_the_randomisation_test() -> None:
    df = panel(2, effect=0.8)
    choices = Choices(outcomes=["losses"], codings={"binary": "binary"})
    curve = specification_curve(df, FIT, choices=choices, strata="city", draws=199, seed=7)
    where = cell_scores.grid(df, unit="unit_id", period="period")
    tables = cell_scores.cells(df, where, outcome="losses", exposure=None, columns=["binary"])
    history = (tables[2]["binary"][:, -1] > 0).astype(np.intp)
    assignment = Assignment(strata_of(df), history)
    path = np.array([[0.0] * 6, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]])
    scores = score_draws.scores(
        tables[0], tables[1], score_draws.Layout(np.arange(len(history)), None, path, history)
    )
    observed = scores.statistics(assignment.observed(), robust=True)[0]
    drawn = scores.statistics(assignment.drawn(199, np.random.default_rng(7)), robust=True)
    assert curve.to_frame()["score"].iloc[0] == pytest.approx(observed, abs=1e-8)
    p_value = (1 + np.sum(drawn <= observed)) / 200
    assert curve.to_frame()["p_claimed"].iloc[0] == pytest.approx(p_value, abs=1e-12)
    assert curve.joint.loc["median_score", "p_value"] == pytest.approx(p_value, abs=1e-12)


def with_gaps(df: pd.DataFrame, units: pd.Series, n: int) -> pd.DataFrame:
    """The panel without the first row of the first n of some units."""
    return df[df.duplicated("unit_id") | ~df["unit_id"].isin(units.unique()[:n])]


def choices_with_weights(df: pd.DataFrame) -> Choices:
    levels = df.groupby("unit_id")["losses"].agg(lambda counts: np.log1p(float(counts.sum())))
    levels = levels.where(df.groupby("unit_id")["period"].count() == 6)  # unknown where rows are missing
    weights = {"equal": None, "city": StratumWeights(strata_of(df))}
    weights["balanced"] = BalanceWeights(levels.to_numpy()[:, None])
    return Choices(outcomes=["losses"], codings={"binary": "binary"}, weights=weights)


def test_units_with_missing_rows_are_left_out_as_if_they_were_not_in_the_panel() -> None:
    df = panel(8)
    lost = [*df["unit_id"].unique()[:20], *df.loc[df["pilot"], "unit_id"].unique()[-5:]]
    gaps = with_gaps(df, pd.Series(lost), len(lost))
    without = df[~df["unit_id"].isin(lost)]
    given = {"strata": "city", "cluster": "county", "draws": 99, "seed": 1}
    found = specification_curve(gaps, FIT, choices=choices_with_weights(gaps), **given)
    expected = specification_curve(without, FIT, choices=choices_with_weights(without), **given)
    pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame())
    pd.testing.assert_frame_equal(found.joint, expected.joint)
    pilots = df.loc[df["unit_id"].isin(lost) & df["pilot"], "unit_id"].nunique()
    assert found.left_out == (len(set(lost)), pilots)
    assert f"{len(set(lost))} of 120 units ({pilots} of them treated)" in found.notes[-1]
    assert f"are left out here: {len(set(lost))}, {pilots} of them pilots." in found.result.sentences["en"]
    assert f"不在此列：{len(set(lost))}个，其中试点{pilots}个。" in found.result.sentences["zh"]
    assert expected.left_out == (0, 0)
    assert "left out" not in expected.result.sentences["en"]


def test_the_joint_test_finds_a_strong_effect_and_not_its_absence() -> None:
    choices = Choices(
        outcomes=["losses"],
        codings={"fraction": "fraction", "binary": "binary"},
        samples={"all": None, "late": "late"},
    )
    strong = specification_curve(panel(3), FIT, choices=choices, draws=199, seed=1)
    assert strong.result.passed is True
    assert strong.joint.loc["share_significant", "observed"] == 1
    absent = specification_curve(panel(3, effect=None), FIT, choices=choices, draws=199, seed=1)
    assert absent.result.passed is False
    assert "is not beyond what chance assignment makes" in absent.result.sentences["en"]
    assert "并未超出随机指派" in absent.result.sentences["zh"]


def test_a_rise_is_no_evidence_for_a_fall() -> None:
    df = panel(4, effect=3.0)
    choices = Choices(outcomes=["losses"], codings={"binary": "binary"})
    fall = specification_curve(df, FIT, choices=choices, draws=199, seed=1)
    rise = specification_curve(df, FIT, choices=choices, draws=199, seed=1, claimed="rise")
    assert fall.joint.loc["median_score", "p_value"] > 0.95
    assert rise.result.passed is True


def test_specifications_that_are_copies_have_the_p_value_of_one() -> None:
    df = panel(5, effect=0.7).assign(copy=lambda df: df["losses"])
    one = Choices(outcomes=["losses"], codings={"binary": "binary"})
    two = Choices(outcomes=["losses", "copy"], codings={"binary": "binary"})
    p_values = [
        specification_curve(df, FIT, choices=each, draws=199, seed=1).joint["p_value"] for each in (one, two)
    ]
    assert p_values[0].tolist() == p_values[1].tolist()


def test_the_same_seed_gives_the_same_curve() -> None:
    df = panel(6)
    choices = Choices(outcomes=["losses"], codings={"binary": "binary"})
    curves = [specification_curve(df, FIT, choices=choices, draws=49, seed=3) for _ in range(2)]
    pd.testing.assert_frame_equal(curves[0].to_frame(), curves[1].to_frame())


def test_designs_that_cannot_be_relabelled_are_refused() -> None:
    df = panel(7)
    choices = Choices(outcomes=["losses"], codings={"binary": "binary"})
    with pytest.raises(DesignError, match="^at least half of the units must have a row in every period, got"):
        specification_curve(with_gaps(df, df["unit_id"], 61), FIT, choices=choices, draws=9, seed=1)
    pilots = df.loc[df["pilot"], "unit_id"]
    with pytest.raises(DesignError, match="^at least half of the treated units .* got 19 of 40"):
        specification_curve(with_gaps(df, pilots, 21), FIT, choices=choices, draws=9, seed=1)
    with pytest.raises(DesignError, match="^codings must have units that are never treated"):
        specification_curve(df.assign(binary=1.0), FIT, choices=choices, draws=9, seed=1)


@pytest.mark.parametrize("named", [{"strata": "city"}, {"cluster": "city"}])
def test_a_unit_without_its_stratum_or_cluster_is_refused_by_name(named: dict) -> None:
    df = panel(3)
    who = df["unit_id"].unique()[:2]
    df["city"] = df["city"].where(~df["unit_id"].isin(who))
    choices = Choices(outcomes=["losses"], codings={"binary": "binary"})
    with pytest.raises(
        DataError, match=rf"^column 'city' must have no missing value.*2 units have none: {who[0]!r}"
    ):
        specification_curve(df, FIT, choices=choices, draws=19, seed=1, **named)


def test_choices_must_be_choices() -> None:
    with pytest.raises(DesignError, match=r"^choices must be a Choices, got None"):
        specification_curve(panel(3), FIT, choices=None, draws=19, seed=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(5))
def test_the_bound_of_the_draws_is_a_share_that_specifications_can_have(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(90, 1)) + 0.5 * rng.normal(size=(90, 6))
    bound = 6 * _joint(scores, level=0.9)[1].loc["share_significant", "null_extreme"]
    assert bound == pytest.approx(round(bound), abs=1e-12)
