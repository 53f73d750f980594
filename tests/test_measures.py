"""Rates by hand, and the denominators that may not meet."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reform_analysis.estimates import DataError, DesignError
from reform_analysis.measures import need_constant, require_flags
from reform_analysis.panel import RATES, Rate, add_measures, known_rates, require_separate_denominators

COUNTS = st.one_of(st.none(), st.integers(0, 50))


@given(COUNTS, COUNTS)
def test_devolution_share_by_hand(own: int | None, department: int | None) -> None:
    frame = pd.DataFrame({"enforcement_own": [own], "enforcement_department": [department]}, dtype="Int64")
    got = add_measures(frame)["devolution_share"].item()
    if own is None or department is None or own + department == 0:
        assert np.isnan(got)
    else:
        assert got == own / (own + department)


def test_all_rates_of_the_published_totals() -> None:
    frame = pd.DataFrame(
        {
            "losses": [32],
            "lawsuits_concluded": [640],
            "corrections": [20],
            "reconsiderations_concluded": [400],
            "enforcement_own": [9269],
            "enforcement_department": [62262],
            "reviews": [8853],
            "review_opinions": [11511],
            "population": [5_000_000],
        }
    )
    got = add_measures(frame)[list(RATES)].iloc[0].round(4).to_dict()
    assert got == {
        "loss_rate": 0.05,
        "correction_rate": 0.05,
        "devolution_share": 0.1296,
        "opinions_per_review": 1.3002,
        "reviews_per_1000": 1.7706,
    }


def test_zero_over_zero_and_anything_over_zero_are_missing() -> None:
    frame = pd.DataFrame({"losses": [0, 3, 0], "lawsuits_concluded": [0, 0, 4]})
    np.testing.assert_array_equal(add_measures(frame)["loss_rate"], [np.nan, np.nan, 0])
    assert list(frame.columns) == ["losses", "lawsuits_concluded"], "the panel itself is not changed"


def test_a_printed_rate_stands_where_the_counts_give_none() -> None:
    frame = pd.DataFrame(
        {"losses": [1, None], "lawsuits_concluded": [8, 9], "loss_rate": [0.13, 0.2]}, dtype="Float64"
    )
    assert add_measures(frame)["loss_rate"].tolist() == [0.125, 0.2]


def test_any_names_and_only_what_was_asked_for() -> None:
    frame = pd.DataFrame({"uclms": [50], "pop": [2000], "losses": [1], "lawsuits_concluded": [2]})
    got = add_measures(frame, measures={"claims_per_1000": Rate("uclms", ("pop",), 1000)})
    assert got["claims_per_1000"].tolist() == [25]
    assert "loss_rate" not in got
    with pytest.raises(DataError, match="lacks the columns \\['people'\\]"):
        add_measures(frame, measures={"x": Rate("uclms", ("people",))})


def test_texts_are_no_counts() -> None:
    with pytest.raises(DataError, match="columns \\['losses'\\] must be numbers"):
        add_measures(pd.DataFrame({"losses": ["1"], "lawsuits_concluded": [2]}))


@pytest.mark.parametrize(
    ("measures", "outcome", "exposure"),
    [
        (["devolution_share_difference", "reviews_log_ratio"], "losses", "lawsuits_concluded"),
        (["devolution_share", "opinions_per_review"], "loss_rate", None),
        (["opinions_per_review_difference"], "losses", "population"),
        (["reviews_per_1000_difference"], "losses", None),
        (["dose"], "losses", "disputes"),
    ],
)
def test_separate_denominators_pass(measures: list[str], outcome: str, exposure: str | None) -> None:
    require_separate_denominators(measures, outcome=outcome, exposure=exposure)


@pytest.mark.parametrize(
    ("measure", "outcome", "exposure", "shared"),
    [
        ("reviews_per_1000_difference", "losses", "population", "population"),
        ("devolution_share_difference", "losses", "enforcement_own", "enforcement_own"),
        ("loss_rate", "corrections", "lawsuits_concluded", "lawsuits_concluded"),
        ("lawsuits_concluded_log_ratio", "loss_rate", None, "lawsuits_concluded"),
        ("losses_earlier", "losses_difference", None, "losses"),
        ("loss_rate_pre", "losses", None, "losses"),
    ],
)
def test_shared_ones_are_refused(measure: str, outcome: str, exposure: str | None, shared: str) -> None:
    with pytest.raises(DesignError, match=f"measure '{measure}' shares \\['{shared}'\\]"):
        require_separate_denominators(["dose", measure], outcome=outcome, exposure=exposure)


def test_why_a_shared_denominator_is_refused() -> None:
    """Independent numerators over one noisy denominator correlate; over their own they do not."""
    rng = np.random.default_rng(20210500)
    losses, reviews, people, cases = rng.poisson(20, (4, 4000)) + 1.0
    shared = np.corrcoef(losses / people, reviews / people)[0, 1]
    separate = np.corrcoef(losses / cases, reviews / people)[0, 1]
    assert shared > 0.3
    assert abs(separate) < 4 / np.sqrt(4000)


def test_own_rates_are_known() -> None:
    own = {"claims": Rate("uclms", ("pop",))}
    with pytest.raises(DesignError, match="shares \\['pop'\\]"):
        require_separate_denominators(["claims"], outcome="losses", exposure="pop", rates=own)
    assert known_rates(pd.DataFrame()) == RATES


def test_what_varies_within_a_unit_is_named() -> None:
    frame = pd.DataFrame({"u": [1, 1, 2, 2], "x": [None, None, 3, 3], "y": [1, 1, 2, None]})
    need_constant(frame, "x", unit="u")
    with pytest.raises(DataError, match="'y' must be constant within a unit, it varies in 2"):
        need_constant(frame, "y", unit="u")


def test_the_unit_itself_does_not_vary_within_it() -> None:
    need_constant(pd.DataFrame({"u": ["a", "a", "b"]}), "u", unit="u")


def test_a_panel_with_a_column_twice_gets_no_measures() -> None:
    frame = pd.DataFrame([[1, 2, 3]], columns=["losses", "losses", "lawsuits_concluded"])
    with pytest.raises(DataError, match="^panel has the columns .'losses'. more than once; keep one"):
        add_measures(frame)


@pytest.mark.parametrize("values", [[True, False], [1, 0], [1.0, None], np.array([True, False])])
def test_flags_are_true_false_or_one_nought(values: object) -> None:
    require_flags(pd.DataFrame({"pilot": values}), "pilot")


@pytest.mark.parametrize("values", [["0", "1"], ["False", "True"], ["是", "否"], [2, 0]])
def test_texts_are_no_flags(values: list[object]) -> None:
    with pytest.raises(DataError, match="^column 'pilot' must hold True/False or 1/0, got"):
        require_flags(pd.DataFrame({"pilot": values}), "pilot")
