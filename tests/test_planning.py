"""What a study could find: its numbers by hand, and the inflation against a known truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reform_analysis import planning, power, simulate
from reform_analysis.effect_design import Design, design
from reform_analysis.estimates import UntestableError

ASKED = {"outcome": "losses", "exposure": None, "pre": ["2018", "2019", "2020"], "post": ["2021"]}


def by_hand() -> Design:
    counts = {"p": (4, 2), "q": (2, 0), "a": (1, 3), "b": (3, 1), "c": (2, np.nan)}
    rows = [
        (unit, period, unit in "pq", n)
        for unit, of in counts.items()
        for period, n in zip("12", of, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["unit_id", "period", "pilot", "losses"])
    frame["city"] = frame["unit_id"].map({"p": "x", "q": "y"}).fillna("x")
    none = pd.DataFrame(columns=["arm", "reason", "n"])
    return Design(frame, "losses", None, ("1",), ("2",), "city", none, synthetic=False)


def test_sizes_and_inflation_by_hand() -> None:
    size = planning.study_size(by_hand())
    assert (size.pilots, size.controls, size.mean, size.control_mean) == (2, 3, 3.0, 2.0)
    assert (size.pre, size.post, size.total_before) == (1, 1, 6.0)
    assert (size.gaps, size.pilot_gaps, size.observed) == (1, 0, (1.0, 1.0, 1.0, 2 / 3))
    assert (size.clusters, size.unmixed) == (2, 1)
    # pilots: shares 3/4 and 1/4, fitted 4.5 1.5 and 1.5 0.5; controls: shares 1/2, fitted 2 2 and 2 2
    squares = 4 * 0.25 + 4 * 1.0
    expected = 8 * 2 * 3 / 16 + 8 * 2 / 4
    assert squares / expected < 1
    assert size.inflation == 1.0


def test_units_may_be_their_own_clusters() -> None:
    given = by_hand()
    alone = planning.study_size(replace(given, frame=given.frame.drop(columns="city"), cluster="unit_id"))
    assert (alone.clusters, alone.unmixed) == (2, 2)
    assert alone.mean == planning.study_size(given).mean


def test_inflation_above_one_by_hand() -> None:
    wide = pd.DataFrame({"1": [6.0, 0.0, 4.0, 0.0], "2": [0.0, 2.0, 0.0, 4.0]})
    pilot = pd.Series([True, True, False, False])
    # pilots: share 3/4 of the first period; controls: a half
    squares = (6 - 4.5) ** 2 + 1.5**2 + 1.5**2 + (2 - 0.5) ** 2 + 4 * 2.0**2
    expected = 8 * 2 * (3 / 4) * (1 / 4) + 8 * 2 * (1 / 4)
    assert planning._inflation(wide, wide * 0 + 1, pilot) == pytest.approx(squares / expected)


@pytest.mark.parametrize("truth", [1.2, 2.0])
def test_inflation_is_that_of_the_draws_whatever_the_effect(truth: float) -> None:
    found = []
    for seed in range(40):
        panel = simulate.draw_panel(
            effect=0.5, seed=seed, units=300, pilots=60, counties=4, cities=2, overdispersion=truth
        )
        found.append(planning.study_size(design(panel, **ASKED)).inflation)  # type: ignore[arg-type]
    assert abs(np.mean(found) - truth) < 4 * np.std(found) / np.sqrt(len(found))


@pytest.mark.parametrize(("exposure", "low", "high"), [("cases", 0.95, 1.06), (None, 1.5, np.inf)])
def test_an_exposure_that_moves_is_no_variance(exposure: str | None, low: float, high: float) -> None:
    panel = simulate.draw_panel(effect=None, seed=3, units=600, pilots=150, counties=6, cities=3)
    rng = np.random.default_rng(5)
    cases = np.where(rng.random(len(panel)) < 0.1, 0.0, rng.gamma(1.5, 10, len(panel)))
    panel = panel.assign(cases=cases, losses=rng.poisson(0.08 * cases))
    size = planning.study_size(design(panel, **(ASKED | {"exposure": exposure})))  # type: ignore[arg-type]
    assert low <= size.inflation <= high


def test_the_check_quotes_the_formula_with_the_studys_own_numbers() -> None:
    panel = simulate.load_example()
    compared = design(panel, **ASKED)  # type: ignore[arg-type]
    size = planning.study_size(compared)
    before = panel[panel["pilot"] & panel["period"].isin(ASKED["pre"])]
    assert size.mean == pytest.approx(float(before["losses"].mean()))
    check = planning.detectable_ratio(compared)
    ratio = power.detectable_ratio(**size.arguments)
    assert check.to_frame()["ratio"].iloc[0] == ratio
    assert f"would detect a ratio of {ratio:.2f} or less" in check.sentences["en"]
    assert f"能看出{ratio:.2f}及更小的率比" in check.sentences["zh"]
    assert check.synthetic


def test_a_hopeless_design_says_that_it_detects_nothing() -> None:
    compared = by_hand()
    check = planning.detectable_ratio(compared, target=0.999)
    assert np.isnan(check.to_frame()["ratio"].iloc[0])
    assert "would detect no fall" in check.sentences["en"]


def test_an_arm_without_events_cannot_be_planned() -> None:
    compared = by_hand()
    compared.frame.loc[compared.frame["pilot"], "losses"] = 0
    with pytest.raises(UntestableError, match="^both arms must have events"):
        planning.study_size(compared)


def test_panels_are_drawn_with_every_unit_in_its_own_cluster() -> None:
    panel = simulate.draw_panel(effect=0.5, seed=4, units=200, pilots=40, counties=8, cities=4, mean=2.0)
    compared = design(panel, **ASKED)  # type: ignore[arg-type]
    size = planning.study_size(compared)
    like = planning.drawn_like(compared, size)
    units = panel.drop_duplicates("unit_id")
    assert sum(like.pilot) == size.pilots == 40
    assert (like.mean, like.control_mean) == (size.mean, size.control_mean)
    assert (like.pre, like.post, like.inflation) == (3, 1, size.inflation)
    drawn = pd.crosstab(like.cluster, like.pilot).to_numpy()
    assert drawn.tolist() == pd.crosstab(units["city"], units["pilot"]).to_numpy().tolist()
    assert 0.4 < like.heterogeneity < 1.8


def with_gaps() -> tuple[Design, pd.DataFrame]:
    panel = simulate.draw_panel(effect=0.5, seed=4, units=200, pilots=40, counties=8, cities=4, mean=2.0)
    panel = panel[panel["period"].between("2018", "2021")]
    gone = np.random.default_rng(5).choice(panel.index, 60, replace=False)
    return design(panel.drop(gone), **ASKED), panel  # type: ignore[arg-type]


def test_a_unit_with_a_gap_counts_with_its_rows() -> None:
    given, panel = with_gaps()
    size = planning.study_size(given)
    rows = given.frame[given.frame["pilot"] & (given.frame["period"] < "2021")]
    assert (size.pilots, size.controls) == (40, 160)
    assert size.total_before == rows["losses"].sum()
    assert size.mean == pytest.approx(rows["losses"].mean())
    assert size.observed[0] == len(rows) / (40 * 3)
    counted = given.frame.groupby("unit_id").size()
    assert size.gaps == (counted < 4).sum()
    whole = planning.study_size(design(panel, **ASKED))  # type: ignore[arg-type]
    assert (whole.gaps, whole.observed) == (0, power.EVERY_ROW)
    # the totals in the formula are those of the rows: fewer rows, less power, at the same means
    same = {**size.arguments, "observed": power.EVERY_ROW}
    assert planning.detectable(size) < power.detectable_ratio(**same)


def test_the_number_of_units_with_gaps_is_said() -> None:
    given, panel = with_gaps()
    size = planning.study_size(given)
    said = planning.detectable_ratio(given).sentences
    for text in said.values():
        assert "40" in text
        assert str(size.gaps) in text
        assert str(size.pilot_gaps) in text
    assert "without a row in some period" in said["en"]
    whole = planning.detectable_ratio(design(panel, **ASKED)).sentences  # type: ignore[arg-type]
    assert "without a row in some period" not in whole["en"]


def test_drawn_panels_hold_all_units_and_as_many_events_as_the_rows() -> None:
    given, _ = with_gaps()
    size = planning.study_size(given)
    like = planning.drawn_like(given, size)
    assert (int(like.pilot.sum()), len(like.pilot)) == (40, 200)
    rows = (given.frame["pilot"]).sum()
    assert like.mean * 40 * 4 == pytest.approx(size.mean * rows)


def test_the_inflation_is_not_that_of_missing_rows() -> None:
    """A missing row taken for a count of 0 would be noise that is not there."""
    given, panel = with_gaps()
    balanced = planning.study_size(design(panel, **ASKED)).inflation  # type: ignore[arg-type]
    assert planning.study_size(given).inflation == pytest.approx(balanced, abs=0.15)
