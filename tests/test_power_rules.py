"""Arguments of the formula: each rule with its argument's name, the value received and a way out."""

from typing import Any

import numpy as np
import pytest

from reform_analysis.estimates import DataError
from reform_analysis.power_rules import check_design

GIVEN: dict[str, Any] = {
    "pilots": 89,
    "pre": 1,
    "post": 1,
    "mean": 0.6,
    "exposure": 1.0,
    "dose": False,
    "controls": np.inf,
    "control_mean": None,
    "inflation": 1.0,
    "cluster_size": 1.0,
    "observed": (1.0, 1.0, 1.0, 1.0),
    "icc": 0.0,
    "ci_level": 0.95,
    "power": 0.8,
}


def test_what_keeps_every_rule_passes() -> None:
    check_design(GIVEN)
    check_design(GIVEN | {"dose": True, "controls": 0})  # which plays no part then


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pilots", 0),
        ("pre", 1.5),
        ("mean", 0),
        ("controls", None),
        ("controls", 0),
        ("inflation", 0.5),
        ("inflation", np.inf),
        ("cluster_size", True),
        ("observed", (1, 1, 1)),
        ("observed", (0, 1, 1, 1)),
        ("icc", 1),
        ("power", 0.02),
    ],
)
def test_a_broken_rule_names_argument_and_value(name: str, value: Any) -> None:
    with pytest.raises(DataError, match=rf"^{name} must .*got .*; "):
        check_design(GIVEN | {name: value})
