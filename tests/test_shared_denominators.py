"""Ratios over given counts are found by their values; numbers that have nothing to do with them are not."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis import correlate
from reform_analysis.estimates import DesignError
from reform_analysis.shared_denominators import is_ratio_over

OPTIONS = {"outcome": "losses", "draws": 99, "seed": 3}


def counted(n: int = 60, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    names = ("reviews_pre", "reviews_post", "cases_pre", "cases_post", "others_pre", "others_post")
    return {name: rng.integers(5, 90, n).astype(float) for name in names}


def changes(n: int = 60) -> pd.DataFrame:
    made, rng = pd.DataFrame(counted(n)), np.random.default_rng(2)
    made = made.assign(losses_pre=rng.poisson(2.0, n), losses_post=rng.poisson(2.0, n)).astype(float)
    made["losses_difference"] = made["losses_post"] - made["losses_pre"]
    made["hidden"] = made["reviews_post"] / made["cases_post"] - made["reviews_pre"] / made["cases_pre"]
    made["fair"] = made["reviews_post"] / made["others_post"] - made["reviews_pre"] / made["others_pre"]
    return made.set_index(pd.Index([f"u{i}" for i in range(n)], name="unit_id"))


@pytest.mark.parametrize("factor", [1, 100, 1000])
def test_ratios_and_their_differences_are_found(factor: int) -> None:
    c = counted()
    pre, post = c["cases_pre"], c["cases_post"]
    ratio = factor * c["reviews_post"] / post
    assert is_ratio_over(ratio, [pre, post, pre * post])
    assert is_ratio_over(ratio - factor * c["reviews_pre"] / pre, [pre, post, pre * post])
    missing = np.where(np.arange(60) % 7 == 0, np.nan, ratio)
    assert is_ratio_over(missing, [post])


@pytest.mark.parametrize("seed", range(20))
def test_other_numbers_are_not(seed: int) -> None:
    c, rng = counted(seed=seed), np.random.default_rng(seed)
    pre, post = c["cases_pre"], c["cases_post"]
    below = [pre, post, pre * post]
    others = [
        c["reviews_post"] / c["others_post"],
        c["reviews_post"] / c["others_post"] - c["reviews_pre"] / c["others_pre"],
        rng.normal(size=60),
        rng.integers(0, 9, 60).astype(float),
        rng.integers(0, 9, 60) / 2,
        np.full(60, np.nan),
    ]
    assert [is_ratio_over(each, below) for each in others] == [False] * len(others)
    assert not is_ratio_over(rng.integers(0, 9, 60) / 2, [np.full(60, 10.0)])


def test_what_it_cannot_see_is_what_it_says() -> None:
    c = counted()
    ratio = c["reviews_post"] / c["cases_post"]
    for hidden in (ratio.round(3), np.log(ratio), (ratio - ratio.mean()) / ratio.std()):
        assert not is_ratio_over(hidden, [c["cases_post"]])
    assert not is_ratio_over(ratio[:2], [c["cases_post"][:2]])


@pytest.mark.parametrize("method", ["spearman", "poisson_score"])
def test_a_renamed_measure_over_the_exposure_is_refused(method: str) -> None:
    frame = changes()
    with pytest.raises(DesignError, match="^measure 'hidden' shares .'cases'. with the outcome 'losses'"):
        correlate.association(frame, measures=["hidden"], exposure="cases", method=method, **OPTIONS)
    fair = correlate.association(frame, measures=["fair"], exposure="cases", method=method, **OPTIONS)
    assert fair.n_units > 50
    free = correlate.association(frame, measures=["hidden"], method=method, **OPTIONS)
    assert free.n_units > 50
