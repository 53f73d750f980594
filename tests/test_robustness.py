"""Every check stands under one name and is asked for on the scorecard."""

import inspect

import pytest

from reform_analysis import robustness
from reform_analysis.estimates import CheckResult
from reform_analysis.scorecard import GROUPS
from reform_analysis.wording import catalogue

CHECKS = [
    name
    for name in robustness.__all__
    if inspect.signature(getattr(robustness, name)).return_annotation in (CheckResult, "CheckResult")
]


def test_the_checks_that_decide_are_among_them() -> None:
    assert {name for names in GROUPS.values() for name in names} <= {*CHECKS, "specification_curve"}


@pytest.mark.parametrize("name", CHECKS)
def test_the_scorecard_knows_what_a_check_asks(name: str) -> None:
    assert f"check.asked_{name}" in catalogue()
