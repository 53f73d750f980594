"""Refits: what one estimate concludes, which refusals become rows, and how sentences are put together."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import DataError, DesignError, Estimates, StatisticalWarning, UntestableError
from reform_analysis.exposure_choices import exposure_choices
from reform_analysis.placebo import placebo_dates
from reform_analysis.refits import (
    Variant,
    as_check,
    concluded,
    holm,
    in_both,
    in_words,
    joined,
    refit_all,
    variant_name,
)

COLUMNS = ["estimate", "std_error", "ci_low", "ci_high", "p_value"]
DF = pd.DataFrame({"y": [1, 2]})


def fit(df: pd.DataFrame, *, p: float = 0.5, ratio: float = 0.5, **spec: object) -> Estimates:
    """A fit that returns what it is told to."""
    if "refused" in spec:
        raise spec["refused"]
    if "warning" in spec:
        warnings.warn(str(spec["warning"]), StatisticalWarning, stacklevel=1)
    frame = pd.DataFrame([[ratio, 0.1, ratio / 2, ratio * 2, p]], columns=COLUMNS)
    frame.index = pd.Index(["x"], name="term")
    return Estimates(frame, spec.get("scale", "rate_ratio"), 0.95, "told", len(df))


@pytest.mark.parametrize(
    ("estimate", "p_value", "scale", "found"),
    [
        (0.5, 0.05, "rate_ratio", "fall"),
        (0.5, 0.051, "rate_ratio", "undecided"),
        (1.5, 0.01, "odds_ratio", "rise"),
        (0.5, 0.01, "difference", "rise"),
        (-0.5, 0.01, "log_rate_ratio", "fall"),
        (np.nan, 0.01, "rate_ratio", "not estimated"),
        (0.5, np.nan, "rate_ratio", "not estimated"),
    ],
)
def test_a_conclusion_is_drawn_from_p_and_direction(
    estimate: float, p_value: float, scale: str, found: str
) -> None:
    assert concluded(estimate, p_value, scale=scale, ci_level=0.95) == found


def test_a_refusal_is_a_row_with_its_reason() -> None:
    variants = [Variant("all", DF, {"p": 0.01}), Variant("none", DF, {"refused": UntestableError("no rows")})]
    found = refit_all(fit, variants)
    assert found["none"]["reason"] == "no rows"
    assert np.isnan(found["none"]["estimate"])


def test_a_fit_that_returns_nothing_is_named() -> None:
    with pytest.raises(DesignError, match="^fit must return Estimates, got NoneType"):
        refit_all(lambda _df: None, [Variant("all", DF)])  # type: ignore[arg-type, return-value]


def test_a_fault_in_the_data_is_raised() -> None:
    with pytest.raises(DataError, match="wrong"):
        refit_all(fit, [Variant("all", DF), Variant("none", DF, {"refused": DataError("wrong")})])


def test_nothing_that_can_be_estimated_says_why() -> None:
    with pytest.raises(UntestableError, match=r"no variant could be estimated: no rows\."):
        refit_all(fit, [Variant("all", DF, {"refused": UntestableError("no rows")})])


def test_a_wrong_term_and_mixed_scales_are_refused() -> None:
    with pytest.raises(DesignError, match=r"term must be one of \['x'\], got 'z'"):
        refit_all(fit, [Variant("all", DF)], term="z")
    with pytest.raises(DesignError, match="one scale and level"):
        refit_all(fit, [Variant("a", DF), Variant("b", DF, {"scale": "difference"})])


def test_statistical_warnings_become_notes_once() -> None:
    variants = [Variant(name, DF, {"warning": "few clusters"}) for name in "ab"]
    found = refit_all(fit, variants)
    assert found.notes == ("few clusters",)
    result = as_check("x", found, passed=np.bool_(True), sentences={"zh": "", "en": ""}, notes=("first",))
    assert result.notes == ("first", "few clusters")
    assert result.passed is True


def test_other_warnings_pass() -> None:
    def noisy(df: pd.DataFrame, **_: object) -> Estimates:
        warnings.warn("old", FutureWarning, stacklevel=1)
        return fit(df)

    with pytest.warns(FutureWarning, match="old"):
        refit_all(noisy, [Variant("all", DF)])


def test_holm_against_its_definition() -> None:
    adjusted = holm(pd.Series([0.04, 0.01, 0.03, np.nan]))
    assert adjusted.tolist()[:3] == pytest.approx([0.06, 0.03, 0.06])
    assert np.isnan(adjusted[3])
    several = pd.Series(np.random.default_rng(1).uniform(size=9))
    assert holm(several).to_numpy() == pytest.approx(multipletests(several, method="holm")[1], rel=1e-12)


def test_sentences_hold_an_estimate_with_or_without_its_interval() -> None:
    row = pd.Series({"estimate": 0.5, "ci_low": 0.25, "ci_high": 1.0, "p_value": 0.03})
    assert (
        in_words(row, 0.95)("zh") == "0.50（95%区间0.25至1.00，p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.030）"
    )
    assert (
        in_words(row.replace(0.25, np.nan), 0.95)("en")
        == "0.50 (p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.030)"
    )


def test_a_null_result_says_which_values_it_excludes() -> None:
    row = pd.Series({"estimate": 0.9, "ci_low": 0.6, "ci_high": 1.3, "p_value": 0.6})
    assert (
        in_words(row, 0.95)("zh")
        == "0.90（95%区间0.60至1.30，p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.600，排除小于0.60的值）"
    )
    assert in_words(row, 0.95)("en").endswith("which excludes values below 0.60)")
    assert "excludes" not in in_words(row, 0.95, excluded=False)("en")


@pytest.mark.parametrize(
    ("low", "chinese", "english"),
    [(0.0, "多小的值都没有排除", "excludes no value, however small"), (0.0012, "小于0.0012", "below 0.0012")],
)
def test_an_open_null_result_excludes_nothing_and_a_small_end_is_not_rounded_to_none(
    low: float, chinese: str, english: str
) -> None:
    row = pd.Series({"estimate": 0.9, "ci_low": low, "ci_high": 1.3, "p_value": 0.6})
    assert chinese in in_words(row, 0.95)("zh")
    assert english in in_words(row, 0.95)("en")


def test_names_of_variants_are_translated() -> None:
    assert variant_name("at most 3")("zh") == "每期至多3件"
    assert variant_name("without 2020")("en") == "without 2020"
    assert variant_name("without reformed controls")("zh") == "去除也实施改革的对照单位"
    assert variant_name("gdp")("zh") == "gdp"


def test_sentences_are_joined_with_a_space_in_english_alone() -> None:
    one = in_both("check.card_mediation")
    assert joined(one, one)["zh"] == one["zh"] * 2
    assert joined(one, one)["en"] == f"{one['en']} {one['en']}"


def test_what_was_not_estimated_has_no_number() -> None:
    row = pd.Series({"estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, "p_value": np.nan})
    assert [in_words(row, 0.95)(language) for language in ("zh", "en")] == ["无法估计", "no estimate"]


def test_a_check_whose_tests_are_not_reliable_decides_nothing() -> None:
    """Two of twelve clusters hold all treated units: cluster-robust tests reject far too often."""
    rng, units = np.random.default_rng(1), np.repeat(np.arange(240), 4)
    df = pd.DataFrame({"unit_id": units, "period": np.tile(np.arange(2018, 2022), 240), "city": units % 12})
    df = df.assign(pilot=df["city"] < 2, losses=rng.poisson(1.5, len(df)))
    df["treated"] = (df["pilot"] & (df["period"] == 2021)).astype(float)
    named = {"outcome": "losses", "terms": ["treated"], "unit": "unit_id", "period": "period"}
    by_city = partial(fit_poisson, inference="cluster", cluster="city", **named)
    df["suits"] = rng.poisson(20.0, len(df)) + 1
    rates = exposure_choices(df, by_city, exposures=["suits"])
    for check in (placebo_dates(df, by_city, treatment="treated"), rates):
        assert check.passed is None
        assert "Fewer than 6 clusters hold treated" in check.sentences["en"]
        assert "MacKinnon与Webb" in check.sentences["zh"]
    by_unit = partial(fit_poisson, inference="cluster", cluster="unit_id", **named)
    assert placebo_dates(df, by_unit, treatment="treated").passed is not None
