"""Specifications: every combination once, and weights that do what they say in every draw."""

import numpy as np
import pytest

from reform_analysis.entropy_balance import entropy_weights
from reform_analysis.estimates import DesignError
from reform_analysis.specifications import BalanceWeights, Choices, StratumWeights

UNITS = 60
RNG = np.random.default_rng(3)
X = RNG.normal(size=(UNITS, 2))
TREATED = np.array([RNG.permutation(UNITS) < 12 for _ in range(5)]).astype(float)
INSIDE = np.arange(UNITS) != 4


def test_every_combination_is_one_specification() -> None:
    choices = Choices(
        outcomes=["a", "b"], codings={"c": "x"}, exposures=[None, "n"], controls={"none": (), "z": ("z",)}
    )
    frame = choices.frame()
    assert len(frame) == 2 * 1 * 2 * 2 == len(frame.drop_duplicates())
    assert frame.index[0] == 1
    assert set(frame["exposure"]) == {"none", "n"}
    assert "inference" not in frame.columns


@pytest.mark.parametrize(("changed", "said"), [({"outcomes": []}, "outcome"), ({"samples": {}}, "sample")])
def test_a_choice_needs_an_alternative(changed: dict[str, object], said: str) -> None:
    with pytest.raises(DesignError, match=f"^{said} must list each alternative once"):
        Choices(**({"outcomes": ["a"], "codings": {"c": "x"}} | changed))


def test_stratum_weights_give_controls_the_pilots_strata() -> None:
    stratum = np.arange(UNITS) % 3
    weights = StratumWeights(stratum)(TREATED, INSIDE)
    assert (weights[:, 4] == 0).all()
    for draw, weight in zip(TREATED, weights, strict=True):
        pilots, controls = draw.astype(bool) & INSIDE, ~draw.astype(bool) & INSIDE
        assert (weight[pilots] == 1).all()
        for code in range(3):
            mine = stratum == code
            assert weight[mine & controls].sum() == pytest.approx((mine & pilots).sum())


def test_balance_weights_meet_the_pilots_means_in_every_draw() -> None:
    weights = BalanceWeights(X)(TREATED, INSIDE)
    for draw, weight in zip(TREATED, weights, strict=True):
        pilots, controls = draw.astype(bool) & INSIDE, ~draw.astype(bool) & INSIDE
        assert weight[controls] @ X[controls] == pytest.approx(X[pilots].sum(axis=0), abs=1e-6)
        assert weight[controls].sum() == pytest.approx(pilots.sum())
        assert weight[4] == 0


def test_balance_weights_are_those_of_entropy_balancing() -> None:
    weight = BalanceWeights(X)(TREATED[:1], np.ones(UNITS, dtype=bool))[0]
    pilots = TREATED[0].astype(bool)
    other = entropy_weights(X[~pilots], X[pilots].mean(axis=0))
    assert weight[~pilots] / weight[~pilots].sum() == pytest.approx(other / other.sum(), rel=1e-5)
