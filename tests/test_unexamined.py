"""What no check examined: stand-ins for those that must decide, and the end of the sentence that names it."""

import pandas as pd
import pytest

from reform_analysis.estimates import CheckResult
from reform_analysis.unexamined import MUST_DECIDE, NOT_RUN, not_run, unexamined


def check(name: str) -> CheckResult:
    return CheckResult(name, True, {"zh": "一句。", "en": "A sentence."}, pd.DataFrame())


def groups(**verdicts: str) -> pd.DataFrame:
    return pd.DataFrame({"verdict": pd.Series(verdicts)})


def test_a_check_that_must_decide_stands_undecided_where_it_was_not_run() -> None:
    assert [each.name for each in not_run([check("exposure_choices")])] == list(MUST_DECIDE)
    (missing,) = not_run([])
    assert missing.passed is None
    assert missing.notes == (NOT_RUN,)
    assert "没有检验" in missing.sentences["zh"]
    assert not_run([check("displacement")]) == []


def test_a_group_that_was_not_examined_is_named_once_and_its_checks_are_not() -> None:
    found = unexamined(groups(concentration=NOT_RUN, reporting="passed"), [check("reconcile")])
    assert found == {"en": "; not examined: few units and series", "zh": "；没有检验的有：少数单位与系列诉讼"}


@pytest.mark.parametrize(
    ("done", "said"), [("leave_one_out", "series of suits"), ("series_collapse", "few units")]
)
def test_within_a_group_one_check_does_not_answer_for_another(done: str, said: str) -> None:
    assert unexamined(groups(concentration="passed"), [check(done)])["en"] == f"; not examined: {said}"


def test_a_stand_in_is_no_examination() -> None:
    ran = [check("exposure_choices"), check("attribution"), *not_run([])]
    assert unexamined(groups(denominator="passed"), ran)["en"] == "; not examined: displacement of cases"


def test_nothing_is_said_where_all_was_examined() -> None:
    ran = [check("exposure_choices"), check("attribution"), check("displacement")]
    assert unexamined(groups(denominator="passed", reporting="failed"), ran) == {"en": "", "zh": ""}
