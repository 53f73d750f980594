"""Refusals: what plausible panels make checks say, in both languages and without the English message."""

import re
from functools import cache

import numpy as np
import pandas as pd
import pytest

from reform_analysis import simulate
from reform_analysis.effect_design import design
from reform_analysis.estimates import UntestableError
from reform_analysis.examination import Examination, NotRun, examine
from reform_analysis.refusals import _KNOWN, refusal
from reform_analysis.robustness_tables import reason
from reform_analysis.wording import LANGUAGES, say

PRE = ["2018", "2019", "2020"]


def panel() -> pd.DataFrame:
    return simulate.draw_panel(effect=0.6, seed=5, units=40, pilots=13, counties=6, cities=4, mean=1.0)


def without_events(rows: pd.Series, frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(losses=frame["losses"].mask(rows, 0))


def of(name: str) -> pd.DataFrame:
    """A panel with one thing that studies meet."""
    frame = panel()
    pilot, period = frame["pilot"], frame["period"]
    return {
        "pilots never lose": lambda: without_events(pilot, frame),
        "pilots did not lose before": lambda: without_events(pilot & (period < "2021"), frame),
        "pilots did not lose in the base period": lambda: without_events(pilot & (period == "2020"), frame),
        "losses begin in the base period": lambda: without_events(period < "2020", frame),
        "nothing after": lambda: frame.assign(losses=frame["losses"].astype(float).mask(period == "2021")),
        "always one": lambda: frame.assign(losses=1),
        "no exposure": lambda: frame.assign(lawsuits_concluded=0),
        "few units": lambda: frame[frame["unit_id"].isin(frame["unit_id"].unique()[:12])],
    }[name]()


@cache
def examined(name: str, pre: tuple[str, ...] = tuple(PRE)) -> Examination:
    frame = of(name).reset_index(drop=True)
    exposure = "lawsuits_concluded" if name == "no exposure" else None
    compared = design(frame, outcome="losses", exposure=exposure, pre=list(pre), post=["2021"])
    with np.errstate(all="ignore"):
        return examine(frame, compared, draws=99, seed=1)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name",
    [
        "pilots never lose",
        "pilots did not lose before",
        "pilots did not lose in the base period",
        "losses begin in the base period",
        "nothing after",
        "always one",
        "no exposure",
        "few units",
    ],
)
def test_what_cannot_run_says_so_in_words(name: str) -> None:
    refused = [each for each in examined(name).checks.values() if isinstance(each, NotRun) and each.reason]
    assert refused
    for each in refused:
        assert each.reason not in reason(each, "zh"), each
        assert re.search("[\u4e00-\u9fff]", reason(each, "zh"))
        assert each.reason not in reason(each, "en"), each


@pytest.mark.filterwarnings("ignore")
def test_reasons_of_refits_are_told_once() -> None:
    check = examined("no exposure").checks["timing_codings"]
    assert isinstance(check, NotRun)
    said = check.reason.removesuffix(".").partition(": ")[2].split("columns named")
    assert len(said) == len(set(said)) > 1


def test_an_arm_that_is_missing_is_named_in_both_languages() -> None:
    frame = panel().assign(pilot=False, adopted="")
    with pytest.raises(UntestableError) as refused:
        design(frame, outcome="losses", exposure=None, pre=PRE, post=["2021"])
    for language in LANGUAGES:
        assert refusal(str(refused.value), language) == say("robustness.one_arm", language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("part", _KNOWN)
def test_every_known_part_has_a_sentence(part: str, language: str) -> None:
    assert refusal(f"x {part} y", language)
