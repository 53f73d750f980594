"""Refits that conclude otherwise than the reported one, and refits that conclude nothing."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis.conclusions import concluding_otherwise, not_estimated
from reform_analysis.refits import FALL, NOT_ESTIMATED, RISE, UNDECIDED, Refits


@pytest.fixture
def found() -> Refits:
    conclusions = {"all": FALL, "alike": FALL, "other": UNDECIDED, "against": RISE, "none": NOT_ESTIMATED}
    frame = pd.DataFrame({"estimate": np.nan, "conclusion": conclusions})
    return Refits(frame, "rate_ratio", 0.95, False, ())


def test_only_an_estimate_can_conclude_otherwise(found: Refits) -> None:
    assert concluding_otherwise(found, "all") == ["other", "against"]
    assert concluding_otherwise(found, "all", leave=["other"]) == ["against"]
    assert concluding_otherwise(found, "other") == ["all", "alike", "against"]


def test_a_refusal_concludes_nothing_and_is_named(found: Refits) -> None:
    assert not_estimated(found) == ["none"]
    assert not_estimated(found, leave=["none"]) == []
