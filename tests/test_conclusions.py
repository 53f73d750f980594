"""Refits that conclude otherwise than the reported one, and refits that conclude nothing."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis.conclusions import concluding_otherwise, not_estimated, nothing_to_overturn
from reform_analysis.estimates import COLUMNS, CheckResult, Estimates
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


def test_only_checks_that_would_overturn_a_finding_open_where_there_is_none() -> None:
    rows = pd.DataFrame(
        [(0.5, 0.2, 0.34, 0.74, 0.001), (0.8, 0.2, 0.53, 1.2, 0.3)],
        columns=COLUMNS,
        index=pd.Index(["fall", "null"], name="term"),
    )
    result = Estimates(rows, "rate_ratio", 0.95, "a fit", 100)
    said = {"zh": "一句。", "en": "A sentence."}
    curve, placebo = (
        CheckResult(name, False, said, pd.DataFrame({"a": [1]}))
        for name in ("specification_curve", "placebo_dates")
    )
    assert nothing_to_overturn(curve, result) is curve
    assert nothing_to_overturn(placebo, result, term="null") is placebo
    assert nothing_to_overturn(curve, None).passed is None
    opened = nothing_to_overturn(curve, result, term="null")
    assert opened.passed is None
    assert opened.to_frame().equals(curve.to_frame())
    assert opened.sentences["en"].startswith("A sentence. The estimate that is checked does not itself")
    assert nothing_to_overturn(opened, result, term="null") is opened, "it says so once"
