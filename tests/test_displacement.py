"""Displacement and attribution: shares by hand, and losses that only moved."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from reform_analysis.counts import fit_poisson
from reform_analysis.displacement import attribution, displacement, fieller
from reform_analysis.estimates import DataError, DesignError, Estimates
from reform_analysis.simulate import draw_panel

FIT = partial(
    fit_poisson, outcome="losses", terms=["treated"], unit="unit_id", period="period", inference="cluster"
)
Z = norm.ppf(0.975)
COUNTIES = {"county": "county", "county_total": "total"}


def panel(seed: int, effect: float | None) -> pd.DataFrame:
    df = draw_panel(seed=seed, effect=effect, units=200, pilots=60, counties=40, cities=6, mean=2.0)
    treated = (df["pilot"] & (df["period"] >= "2021")).astype(float)
    df = df.assign(treated=treated, losses=df["losses"].astype(int), into=df["corrections"].astype(int))
    return df.assign(total=df.groupby(["county", "period"])["losses"].transform("sum"))


def moved(seed: int) -> pd.DataFrame:
    """No effect; 60% of the pilots' losses are counted elsewhere after the reform."""
    df = panel(seed, None)
    share = np.where(df["treated"] > 0, 0.4, 1.0)
    kept = np.random.default_rng(seed).binomial(df["losses"], share)
    return df.assign(losses=kept, into=df["into"] + df["losses"] - kept)


def test_the_cases_that_came_and_went_by_hand() -> None:
    df = moved(1)
    frame = displacement(df, FIT, into=["into"], treatment="treated").to_frame()
    for name, outcome in {
        "losses": df["losses"],
        "into": df["into"],
        "all together": df["losses"] + df["into"],
    }.items():
        ratio = FIT(df.assign(losses=outcome)).to_frame()["estimate"].iloc[0]
        total = outcome[df["treated"] > 0].sum()
        assert frame.loc[name, "estimate"] == pytest.approx(ratio, rel=1e-9)
        assert frame.loc[name, "change"] == pytest.approx(total - total / ratio, rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2])
def test_losses_that_moved_fail_and_losses_that_went_pass(seed: int) -> None:
    failed = displacement(moved(seed), FIT, into=["into"], treatment="treated")
    assert failed.passed is False
    assert "cases may only have moved" in failed.sentences["en"]
    assert "全部转移不能排除" in failed.sentences["zh"]
    passed = displacement(panel(seed, 0.3), FIT, into=["into"], treatment="treated")
    assert passed.passed is True
    assert "full displacement is excluded" in passed.sentences["en"]


def test_a_large_other_account_drowns_the_outcome_and_the_sentence_says_so() -> None:
    df = panel(1, 0.5)
    big = df.assign(into=np.random.default_rng(1).poisson(200.0, len(df)))
    result = displacement(big, FIT, into=["into"], treatment="treated")
    assert result.passed is None
    assert "whether cases went or only moved is not decided" in result.sentences["en"]
    assert "没有判定" in result.sentences["zh"]
    assert "full displacement is not excluded" in result.sentences["en"]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_change_of_name_fails(seed: int) -> None:
    failed = attribution(moved(seed), FIT, department="into", treatment="treated")
    assert failed.passed is False
    assert "may only have changed name" in failed.sentences["en"]
    passed = attribution(panel(seed, 0.3), FIT, department="into", treatment="treated")
    assert passed.passed is True


def test_a_fall_that_the_sum_does_not_show_fails() -> None:
    df = panel(1, 0.5)
    noisy = df.assign(into=np.random.default_rng(1).poisson(200.0, len(df)))
    result = attribution(noisy, FIT, department="into", treatment="treated")
    assert result.passed is False
    assert "under one name alone" in result.sentences["en"]


def test_county_totals_stand_beside_for_information() -> None:
    df = panel(2, 0.3)
    result = attribution(df, FIT, department="into", treatment="treated", **COUNTIES)
    by_county = df.groupby(["county", "period"], sort=False)
    counties = by_county.agg(losses=("losses", "sum"), treated=("treated", "mean")).reset_index()
    spec = {"unit": "county", "cluster": "county"}
    expected = FIT(counties, **spec).to_frame()["estimate"].iloc[0]
    assert result.to_frame().loc["county totals", "estimate"] == pytest.approx(expected, rel=1e-8)
    assert "County totals give" in result.sentences["en"]


def test_what_cannot_be_added_up_is_refused() -> None:
    df = panel(1, 0.5)
    with pytest.raises(DesignError, match="^into must name at least one column other than the outcome"):
        displacement(df, FIT, into=["losses"], treatment="treated")
    with pytest.raises(DesignError, match="given together"):
        attribution(df, FIT, department="into", treatment="treated", county="county")
    wrong = df.assign(total=np.arange(len(df)))
    with pytest.raises(DataError, match="^'total' must be one number a county and period"):
        attribution(wrong, FIT, department="into", treatment="treated", **COUNTIES)


def test_an_account_without_cases_is_not_known_to_be_still() -> None:
    df = panel(1, 0.3).assign(into=0)
    found = displacement(df, FIT, into=["into"], treatment="treated")
    assert found.passed is None
    assert "not tested whether cases moved" in found.sentences["en"]
    assert attribution(df, FIT, department="into", treatment="treated").passed is None


def test_other_accounts_that_fell_are_given_no_negative_share() -> None:
    df = panel(1, 0.3)
    fewer = np.where(df["treated"] > 0, 0.5, 1.0)
    df = df.assign(into=np.random.default_rng(2).binomial(df["into"] + 3, fewer))
    found = displacement(df, FIT, into=["into"], treatment="treated")
    assert found.passed is True
    assert found.to_frame().loc["into", "change"] < 0
    assert "the other accounts fell too" in found.sentences["en"]
    assert "-" not in found.sentences["en"].split("At the estimates")[1]


def made(**log_ratios: tuple[float, float]) -> Any:
    """A fit that gives each account the log ratio and standard error of its name, or of its total."""

    def fit(df: pd.DataFrame, /, *, outcome: str = "losses") -> Estimates:
        known = {int(df[name].sum()): name for name in ("losses", "others", "together")}
        name = known[int(df[outcome].sum())] if outcome == "losses" else outcome
        size, error = log_ratios[name]
        row = [size, size - Z * error, size + Z * error]
        frame = pd.DataFrame(
            [[np.exp(row[0]), error, np.exp(row[1]), np.exp(row[2]), 2 * norm.sf(abs(size) / error)]],
            index=pd.Index(["treated"], name="term"),
            columns=["estimate", "std_error", "ci_low", "ci_high", "p_value"],
        )
        return Estimates(frame, "rate_ratio", 0.95, "made", len(df), 4, 4)

    return fit


def counted(losses: int, *into: int) -> pd.DataFrame:
    names = ("first", "second")[: len(into)]
    df = pd.DataFrame({"treated": [1.0, 0.0], "losses": [losses, 1]})
    df = df.assign(**{name: [value, 1] for name, value in zip(names, into, strict=True)})
    others = df[list(names)].sum(axis=1)
    return df.assign(others=others, together=others + df["losses"])


@pytest.mark.parametrize(
    ("estimates", "errors", "correlation"),
    [
        ((-20.0, -60.0), (15.0, 20.0), 0.0),
        ((-20.0, -60.0), (15.0, 20.0), 0.9),
        ((5.0, -60.0), (70.0, 30.0), -0.5),
        ((-60.0, -60.0), (20.0, 20.0), 1.0),
    ],
)
def test_fieller_is_the_inversion_of_a_test_on_a_grid(
    estimates: tuple[float, float], errors: tuple[float, float], correlation: float
) -> None:
    (top, bottom), (v, w) = estimates, errors
    covariance = correlation * v * w
    low, high = fieller(estimates, errors, covariance)
    grid = np.linspace(-8, 8, 320_001)
    accepted = grid[(top - grid * bottom) ** 2 <= v**2 - 2 * grid * covariance + grid**2 * w**2]
    assert [low, high] == pytest.approx([accepted[0], accepted[-1]], abs=2 * (grid[1] - grid[0]))
    assert np.ptp(accepted) == pytest.approx((len(accepted) - 1) * (grid[1] - grid[0]))  # no gap
    assert low <= top / bottom <= high


def test_fieller_has_no_ends_where_the_denominator_may_be_nothing() -> None:
    assert fieller((-20.0, -30.0), (5.0, 30.0), 0.0) == (-np.inf, np.inf)
    assert np.isnan(fieller((-20.0, -30.0), (np.nan, 5.0), 0.0)).all()


def test_the_interval_of_the_share_by_hand() -> None:
    """Errors are those of log r times change over log r; the covariance comes from three fits."""
    logs = {"losses": (np.log(0.5), 0.1), "first": (np.log(1.1), 0.08), "together": (np.log(0.8), 0.06)}
    df = counted(50, 110)
    row = displacement(df, made(**logs), into=["first"], treatment="treated").to_frame().loc["losses"]
    change = {"losses": -50.0, "first": 10.0, "together": 160 * (1 - 1 / 0.8)}
    error = {name: Z * logs[name][1] * change[name] / logs[name][0] for name in logs}
    both = (error["together"] ** 2 + error["losses"] ** 2 - error["first"] ** 2) / 2
    shares = np.linspace(-3, 3, 600_001)
    off = change["together"] - (1 - shares) * change["losses"]
    wide = error["together"] ** 2 - 2 * (1 - shares) * both + (1 - shares) ** 2 * error["losses"] ** 2
    accepted = shares[off**2 <= wide]
    assert row["share"] == pytest.approx(1 - change["together"] / change["losses"])
    assert [row["share_low"], row["share_high"]] == pytest.approx([accepted[0], accepted[-1]], abs=2e-5)


@pytest.mark.parametrize("z", [0.999 * Z, 1.001 * Z])
def test_the_share_excludes_one_where_the_sum_excludes_no_change(z: float) -> None:
    logs = {"losses": (np.log(0.5), 0.1), "first": (0.01, 0.08), "together": (-0.06 * z, 0.06)}
    found = displacement(counted(50, 110), made(**logs), into=["first"], treatment="treated")
    assert bool(found.to_frame().loc["losses", "share_high"] < 1) is bool(z > Z)
    assert found.passed is (True if z > Z else None)


def test_without_a_fall_beyond_chance_the_share_has_no_ends_and_nothing_is_decided() -> None:
    logs = {"losses": (-0.1, 0.1), "first": (-0.5, 0.08), "together": (-0.4, 0.06)}
    found = displacement(counted(50, 110), made(**logs), into=["first"], treatment="treated")
    assert found.passed is None
    assert np.isinf(found.to_frame().loc["losses", ["share_low", "share_high"]].to_numpy(float)).all()
    assert "no fall beyond chance that could have moved" in found.sentences["en"]
    assert "没有可以转移的下降" in found.sentences["zh"]
    assert "no finite interval" in found.sentences["en"]


def test_several_accounts_are_fitted_together_for_their_covariance() -> None:
    logs = {"losses": (np.log(0.5), 0.1), "first": (0.02, 0.08), "second": (0.01, 0.07)}
    logs |= {"others": (0.015, 0.05), "together": (-0.2, 0.06)}
    df = counted(50, 110, 60)
    frame = displacement(df, made(**logs), into=["first", "second"], treatment="treated").to_frame()
    assert frame.index.tolist() == ["losses", "first", "second", "the others together", "all together"]
    assert frame["treated_total"].tolist() == [50, 110, 60, 170, 220]
    alone = counted(50, 170)
    fit = made(**logs | {"first": logs["others"]})
    one = displacement(alone, fit, into=["first"], treatment="treated").to_frame()
    shares = ["share", "share_low", "share_high"]
    assert frame.loc["losses", shares].tolist() == pytest.approx(one.loc["losses", shares].tolist())


def test_the_sentence_gives_the_share_and_its_interval() -> None:
    logs = {"losses": (np.log(0.5), 0.1), "first": (np.log(1.02), 0.08), "together": (np.log(0.8), 0.06)}
    found = displacement(counted(50, 110), made(**logs), into=["first"], treatment="treated")
    share, low, high = 100 * found.to_frame().loc["losses", ["share", "share_low", "share_high"]]
    assert f"by {share:.0f}% of the fall (95% interval {low:.0f}% to {high:.0f}%)" in found.sentences["en"]
    assert f"下降的{share:.0f}%（95%区间{low:.0f}%至{high:.0f}%）" in found.sentences["zh"]


def test_accounts_that_fell_beyond_chance_leave_no_share_at_all() -> None:
    logs = {"losses": (np.log(0.5), 0.1), "first": (-0.5, 0.05), "together": (-0.55, 0.05)}
    found = displacement(counted(50, 110), made(**logs), into=["first"], treatment="treated")
    assert found.to_frame().loc["losses", "share_high"] < 0
    assert "the 95% interval ends at none, too" in found.sentences["en"]
    assert "上限也不高于0" in found.sentences["zh"]
