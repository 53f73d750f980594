"""The numbers of a check alone, as the first sentence of the scorecard gives them: what decides, once."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reform_analysis.contamination import AFTERWARDS, THEIR_OWN
from reform_analysis.estimates import CheckResult
from reform_analysis.wording import say

_BASE = "baseline_shrinkage"


def briefly(checks: Sequence[CheckResult], language: str) -> list[str]:
    """Return the numbers that decide each check, none twice.

    Parameters
    ----------
    checks : sequence of CheckResult
        Of one question.
    language : {"zh", "en"}

    Returns
    -------
    list of str
        A check whose frame is of no known kind gives its sentence. The ratio against the base period, which
        two checks of selection share, stands once.
    """
    # The first names the ratio that the other shares.
    ordered = sorted(checks, key=lambda check: check.name != _BASE)
    named = bool(ordered) and ordered[0].name == _BASE
    return list(dict.fromkeys(_brief(check, language, named=named) for check in ordered))


def _brief(check: CheckResult, language: str, *, named: bool) -> str:
    frame = check.to_frame()
    if check.name == _BASE and "base_period" in frame.index:
        return _shrunk(frame, check.passed, language)
    if check.name == "selection_simulation" and "at_random" in frame.index:
        return _chosen(frame, check.passed, language, named=named)
    if check.name == "common_trend_bounds" and "breakdown" in frame.index:
        return _trend(frame, language)
    if check.name == "oster_delta" and "delta" in frame and np.isfinite(frame["delta"].iloc[0]):
        return say("check.brief_oster_delta", language, delta=frame["delta"].iloc[0])
    found = _compared(check.name, frame, language) if "conclusion" in frame else ""
    return found or check.sentences[language].rstrip("。. ")


def _compared(name: str, frame: pd.DataFrame, language: str) -> str:
    """The numbers of refits; empty where none could be estimated."""
    return _displaced(frame, language) if name == "displacement" else _refitted(frame, language)


def _shrunk(frame: pd.DataFrame, passed: bool | None, language: str) -> str:
    """The ratios up to the first whose interval decides, with that interval."""
    open_ = frame.loc["base_period", "ci_low"] <= 1 <= frame.loc["base_period", "ci_high"]
    key, row = ("base", "base_period") if open_ else ("own", "predicted")
    if passed is None and not open_:
        key = row = "pooled"
    ends = {"low": frame.loc[row, "ci_low"], "high": frame.loc[row, "ci_high"]}
    return say(f"check.brief_shrinkage_{key}", language, **frame["ratio"].to_dict(), **ends)


def _chosen(frame: pd.DataFrame, passed: bool | None, language: str, *, named: bool) -> str:
    """What choice alone gives, or chance where the ratio does not even leave that."""
    observed, chance = frame.loc["observed", "ratio"], frame.loc["at_random"]
    inside = passed is None and chance["low"] <= observed <= chance["high"]
    range_ = chance if inside else frame.loc["on_base_period"]
    values = {"low": range_["low"], "high": range_["high"]}
    said = say(f"check.brief_{'chance' if inside else 'choice'}", language, **values)
    return said if named else say("check.brief_base", language, observed=observed, then=said)


def _trend(frame: pd.DataFrame, language: str) -> str:
    """The breakdown value; where there is none, the interval and whether it holds 1."""
    low, high = frame.loc["original", ["ci_low", "ci_high"]]
    size = frame.loc["breakdown", "size"]
    missing = "trend_open" if low <= 1 <= high else "trend_never"
    key = missing if np.isnan(size) else "trend_holds" if np.isinf(size) else "trend"
    return say(f"check.brief_{key}", language, breakdown=size, low=low, high=high)


def _refitted(frame: pd.DataFrame, language: str) -> str:
    """From which to which ratio the refits go, what is no refit of the estimate apart; empty without one."""
    names = frame.index.astype(str)
    other = names.str.startswith("moved: ") | names.isin([THEIR_OWN, AFTERWARDS])
    known = frame.loc[~other, "estimate"].dropna()
    if known.empty:
        return ""
    ends = {"low": known.min(), "high": known.max()}
    own = frame["estimate"].get(THEIR_OWN, np.nan)
    if np.isfinite(own):
        return say("check.brief_controls", language, **ends, own=own)
    return say("check.brief_refits", language, **ends)


def _displaced(frame: pd.DataFrame, language: str) -> str:
    """The sum of accounts, and the share that moved where it has an interval."""
    together = frame["estimate"].iloc[-1]
    ends = ["share", "share_low", "share_high"]
    share, low, high = 100 * frame.reindex(columns=ends).iloc[0].to_numpy(dtype=float)
    if not np.isfinite([share, low, high]).all():
        return say("check.brief_displacement", language, together=together)
    return say("check.brief_displaced", language, together=together, share=share, low=low, high=high)
