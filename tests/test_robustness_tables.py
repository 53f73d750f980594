"""Tables of the checks: the numbers of a frame under the right heads, in both languages."""

import numpy as np
import pandas as pd
import pytest

from reform_analysis import robustness_tables
from reform_analysis.effect_design import Design
from reform_analysis.estimates import CheckResult
from reform_analysis.examination import Examination, NotRun
from reform_analysis.reforms import concurrent_reforms
from reform_analysis.wording import LANGUAGES


def check(name: str, frame: pd.DataFrame, *, passed: bool | None = True) -> CheckResult:
    return CheckResult(name, passed, {"zh": f"{name}一句。", "en": f"{name} says."}, frame)


def design() -> Design:
    return Design(pd.DataFrame(), "losses", None, ("1",), ("2",), "city", pd.DataFrame(), synthetic=False)


def refits(names: list[str], ratios: list[float]) -> pd.DataFrame:
    rows = {
        "estimate": ratios,
        "ci_low": np.array(ratios) / 2,
        "ci_high": np.array(ratios) * 2,
        "p_value": 0.04,
    }
    return pd.DataFrame(rows, index=pd.Index(names, name="variant")).assign(std_error=0.1, n_obs=9)


def test_a_table_has_interval_and_p_and_names_in_words() -> None:
    frame = refits(["as reported", "without 2020"], [0.5, 0.8]).assign(holm=[0.08, np.nan])
    frame.loc["without 2020", "ci_low"] = np.nan
    table = robustness_tables.numbers("timing_codings", check("timing_codings", frame), language="zh")
    assert table is not None
    assert table.frame.columns.tolist() == ["项", "率比", "95%区间", "p值", "Holm校正p值"]
    assert table.frame.to_numpy().tolist() == [
        ["原设定", "0.50", "0.25至1.00", "0.040", "0.080"],
        ["去除2020", "0.80", "–", "0.040", "–"],
    ]
    assert table.caption == "结论是否取决于时间的编码（通过）"


def test_heads_tell_the_level_of_the_intervals() -> None:
    found = check("timing_codings", refits(["as reported"], [0.5]))
    for language, head in {"en": "90% interval", "zh": "90%区间"}.items():
        table = robustness_tables.numbers("timing_codings", found, level=0.9, language=language)
        assert table is not None
        assert head in table.frame


def test_leave_one_out_keeps_what_moves_the_estimate_most_and_what_overturns_it() -> None:
    names = ["all", *(f"without {k}" for k in range(9)), "overturns significance", "overturns sign"]
    ratios = [0.5, 0.51, 0.52, 0.9, 0.53, 0.54, 0.55, 0.56, 0.57, 0.58, 0.8, np.nan]
    frame = refits(names, ratios).assign(n_removed=[0] + [1] * 9 + [2, np.nan], removed="x", one_step=0.5)
    found = check("leave_one_out", frame)
    table = robustness_tables.numbers("leave_one_out_county", found)
    assert table is not None
    kept = ["all", *(f"without {k}" for k in (2, 8, 7, 6, 5, 4)), "overturns significance", "overturns sign"]
    assert table.frame["Row"].tolist() == kept
    assert "(counties, passed)" in table.caption


def test_bounds_tell_the_size_once() -> None:
    frame = pd.DataFrame(
        {"size": [np.nan, 0.5, np.inf], "ci_low": 0.2, "ci_high": 0.9, "excludes_one": [True, True, False]},
        index=["original", "0.5", "breakdown"],
    )
    table = robustness_tables.numbers("smoothness", check("common_trend_bounds", frame))
    assert table is not None
    assert table.frame.iloc[:, [0, 1, 3]].to_numpy().tolist() == [
        ["exact common trend", "–", "yes"],
        ["relaxed common trend", "0.50", "yes"],
        ["breakdown value", "∞", "no"],
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_scorecard_has_a_row_for_what_could_not_run(language: str) -> None:
    checks = {
        "smoothness": check("common_trend_bounds", pd.DataFrame(), passed=False),
        "attribution": NotRun("attribution"),
        "matched": NotRun("matched", "pre must hold three periods, got 1."),
    }
    table = robustness_tables.scorecard(Examination(design(), None, checks, None, None), language=language)
    verdicts = {"zh": ["未通过", "未能检验", "未能检验"], "en": ["failed", "could not run", "could not run"]}
    assert table.frame.iloc[:, 1].tolist() == verdicts[language]
    assert "department" in table.frame.iloc[1, 2]
    assert "pre must hold three periods, got 1." in table.frame.iloc[2, 2]


def test_other_reforms_are_listed_with_their_source() -> None:
    table = robustness_tables.numbers("concurrent_reforms", concurrent_reforms(first="2020", last="2021"))
    assert table is not None
    assert table.frame.columns.tolist() == ["Date", "Place", "Reform", "Bears on", "Source"]
    assert len(table.frame) == len(concurrent_reforms(first="2020", last="2021").to_frame())


def test_a_check_told_in_its_sentence_has_no_table() -> None:
    assert robustness_tables.numbers("oster_delta", check("oster_delta", pd.DataFrame())) is None


def test_a_breakdown_rows_end_below_one_prints_below_one() -> None:
    frame = pd.DataFrame(
        {"size": [np.nan, 0.35], "ci_low": [0.4, 0.36], "ci_high": [0.9, 0.9999], "excludes_one": True},
        index=["original", "breakdown"],
    )
    for language in ("zh", "en"):
        table = robustness_tables.numbers(
            "smoothness", check("common_trend_bounds", frame), language=language
        )
        assert table is not None
        assert "<1.00" in table.frame.iloc[1].to_string()


def test_rows_have_names_in_both_languages() -> None:
    table = robustness_tables.numbers(
        "exposure_choices", check("exposure_choices", refits(["counts"], [0.5])), language="zh"
    )
    assert table is not None
    assert table.frame.iloc[0, 0] == "件数"
