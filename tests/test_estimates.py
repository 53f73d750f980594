"""The result type: fixed columns, a fixed level, nothing lost in its printing."""

from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest

from reform_analysis.estimates import (
    COLUMNS,
    CheckResult,
    DataError,
    DesignError,
    Estimates,
    require_number,
    require_whole_number,
)

FRAME = pd.DataFrame(
    [[0.6, 0.2, 0.4, 0.9, 0.01]], index=pd.Index(["pilot"], name="term"), columns=list(COLUMNS)
)


def make(**changes: object) -> Estimates:
    return Estimates(
        **{"frame": FRAME, "scale": "rate_ratio", "ci_level": 0.9, "method": "a fit", "n_obs": 10} | changes
    )


def test_to_frame_is_a_copy() -> None:
    result = make()
    shown = result.to_frame()
    shown.loc["pilot", "estimate"] = 99
    assert result.to_frame().loc["pilot", "estimate"] == 0.6


def test_no_attribute_gives_access_to_the_stored_frame() -> None:
    assert not hasattr(make(), "frame")


def test_the_frame_passed_in_can_change_without_harm() -> None:
    mine = FRAME.copy()
    result = make(frame=mine)
    mine.loc["pilot", "estimate"] = 99
    assert result.to_frame().loc["pilot", "estimate"] == 0.6


def test_the_level_cannot_be_changed_afterwards() -> None:
    result = make()
    with pytest.raises(FrozenInstanceError):
        result.ci_level = 0.5
    with pytest.raises(TypeError):
        result.summary(ci_level=0.5)
    assert "90% interval" in result.summary()


def test_summary_and_html_hold_what_a_reader_needs(capsys: pytest.CaptureFixture[str]) -> None:
    dropped = pd.DataFrame({"arm": ["pilot"], "reason": ["no losses"], "n": [7]})
    result = make(synthetic=True, dropped=dropped, n_clusters=11, notes=("a <b>note</b>",))
    text = result.summary()
    assert all(
        part in text for part in ("SYNTHETIC", "0.6", "n_clusters = 11", "left out: 7 (pilot): no losses")
    )
    page = result._repr_html_()
    assert "SYNTHETIC" in page
    assert "&lt;b&gt;note" in page
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.4, 1.3, "pilot: the interval holds 1; only ratios below 0.4 or above 1.3 are excluded"),
        (0.4, np.inf, "pilot: the interval holds 1; only ratios below 0.4 are excluded"),
        (0.0, np.inf, "pilot: the interval holds 1; nothing is excluded"),
    ],
)
def test_the_summary_of_a_null_ratio_says_what_it_excludes(low: float, high: float, said: str) -> None:
    frame = FRAME.assign(ci_low=low, ci_high=high)
    assert said in make(frame=frame).summary().splitlines()
    assert said in make(frame=frame)._repr_html_()
    assert "excluded" not in make(frame=frame, scale="difference").summary()
    assert "excluded" not in make().summary()


@pytest.mark.parametrize(
    "changes",
    [
        {"frame": FRAME.drop(columns="p_value")},
        {"frame": FRAME.rename_axis("name")},
        {"frame": FRAME[list(reversed(COLUMNS))]},
        {"scale": "percent"},
    ],
)
def test_a_result_of_another_shape_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(DesignError, match=r"must .*got"):
        make(**changes)


@pytest.mark.parametrize("level", [95, 1, 0.5, 0.05, 0, float("nan"), "0.95"])
def test_a_level_that_is_no_confidence_is_refused(level: object) -> None:
    with pytest.raises(DataError, match="^ci_level must be a number between 0.5 and 1"):
        make(ci_level=level)


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.float64(3)])
def test_whole_numbers(value: object) -> None:
    assert require_whole_number("n", value) == 3


@pytest.mark.parametrize("value", [True, 3.2, "3", None, float("nan"), float("inf"), -1])
def test_no_whole_numbers(value: object) -> None:
    with pytest.raises(DataError, match="^n must be"):
        require_whole_number("n", value)


@pytest.mark.parametrize("value", [0, 1, True, "0.5", None, float("nan")])
def test_open_bounds(value: object) -> None:
    with pytest.raises(DataError, match="^level must be a number between 0 and 1"):
        require_number("level", value, above=0, below=1, way_out="pass 0.95.")


def check(**changed: object) -> CheckResult:
    given = {
        "name": "placebo_dates",
        "passed": False,
        "sentences": {"zh": "未通过", "en": "1 < 2 & failed"},
        "frame": pd.DataFrame({"estimate": [0.5]}, index=["2019"]),
    }
    return CheckResult(**(given | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("passed", "verdict"), [(True, "passed"), (False, "failed"), (None, "for information")]
)
def test_a_check_says_its_verdict(passed: bool | None, verdict: str) -> None:
    assert check(passed=passed).verdict == verdict
    assert check(passed=passed).summary().splitlines()[0] == f"placebo_dates: {verdict}"


def test_a_check_shows_synthetic_data_its_sentence_and_its_notes() -> None:
    shown = check(synthetic=True, notes=("a note",))
    assert repr(shown).startswith("SYNTHETIC DATA. placebo_dates: failed\n1 < 2 & failed\n")
    assert repr(shown).endswith("a note")
    assert "1 &lt; 2 &amp; failed" in shown._repr_html_()
    assert "<p>a note</p>" in shown._repr_html_()


def test_the_numbers_of_a_check_cannot_be_changed_from_outside() -> None:
    frame = pd.DataFrame({"estimate": [0.5]})
    result = check(frame=frame)
    frame.loc[0, "estimate"] = 9
    shown = result.to_frame()
    shown.loc[0, "estimate"] = 9
    assert result.to_frame().loc[0, "estimate"] == 0.5


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"passed": 1}, "True, False or None"), ({"sentences": {"en": "only"}}, "must have 'zh' and 'en'")],
)
def test_a_check_refuses_half_an_answer(changed: dict[str, object], said: str) -> None:
    with pytest.raises(DesignError, match=said):
        check(**changed)
