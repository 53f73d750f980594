"""Sentences on litigation losses: which one holds for a result, and its numbers."""

from typing import Any

import pandas as pd

from reform_analysis.estimates import percent
from reform_analysis.wording import excluded_text, p_number, p_text, say, span

_KEYS = {"excludes 1": "excludes", "already": "holds", "no baseline": "no_baseline"}


def losses_changed(losses: pd.Series, *, ci_level: float, language: str = "en") -> str:
    """Return the sentence that states the change in losses with its interval.

    Parameters
    ----------
    losses : Series
        The row ``losses`` of `published.evidence`.
    ci_level : float
        Level the interval was made with.
    language : {"zh", "en"}

    Returns
    -------
    str
    """
    key = _KEYS[losses["status"]]
    if key == "no_baseline":
        return say("finding.losses_no_baseline", language, value=losses["value"], change=losses["change_pct"])
    return say(f"finding.losses_{key}", language, **series_texts(losses, "", ci_level, language))


def fragility(losses: pd.Series, *, ci_level: float, language: str = "en") -> str:
    """Return the sentence that says at what the change stops being significant.

    Parameters
    ----------
    losses : Series
        The row ``losses`` of `published.evidence`.
    ci_level : float
        Level the interval was made with.
    language : {"zh", "en"}

    Returns
    -------
    str
    """
    if losses["status"] != "excludes 1":
        return say(f"finding.fragility_{_KEYS[losses['status']]}", language)
    alpha = 1 - ci_level
    holm = "finding.fragility_holm" if losses["p_holm"] > alpha else "finding.fragility_no_holm"
    return say(
        "finding.fragility_excludes",
        language,
        inflation=losses["breakeven_inflation"],
        score=losses["breakeven_inflation_score"],
        trend=abs(losses["breakeven_trend"]),
        direction=say("finding.fall" if losses["breakeven_trend"] < 0 else "finding.rise", language),
        months=losses["breakeven_window_months"],
        holm=say(holm, language, p=p_text(losses["p_holm"]), alpha=f"{alpha:.3g}"),
    )


def rounding_to_tens(losses: pd.Series, *, ci_level: float, language: str = "en") -> tuple[str, ...]:
    """Return the sentence on rounding to tens; none where it adds no base count.

    Parameters
    ----------
    losses : Series
        The row ``losses`` of `published.evidence`.
    ci_level : float
        Level the interval was made with.
    language : {"zh", "en"}

    Returns
    -------
    tuple of str
    """
    if (
        losses["baseline_low"] == losses["baseline_low_worst"]
        and losses["baseline_high"] == losses["baseline_high_worst"]
    ):
        return ()
    key = _KEYS[losses["status_worst"]]
    numbers = series_texts(losses, "_worst", ci_level, language)
    sentence = say(
        f"finding.tens_{key}",
        language,
        change=losses["change_pct"],
        p_from=p_number(losses["p_value_low_worst"]),
        p_to=p_number(losses["p_value_worst"]),
        holm=p_text(losses["p_holm_worst"]),
        **numbers,
    )
    return (sentence,)


def denominators(exposures: pd.DataFrame, *, language: str = "en") -> str:
    """Return the sentence that reads one fall under four denominators.

    Parameters
    ----------
    exposures : DataFrame
        As `published.exposure_table` returns it.
    language : {"zh", "en"}

    Returns
    -------
    str
    """
    row = exposures.loc["losses_per_enforcement"]
    key = (
        "undefined"
        if pd.isna(row["ci_low"])
        else "holds"
        if row["ci_low"] <= 1 <= row["ci_high"]
        else "excludes"
    )
    interval = say(f"finding.interval_{key}", language, low=row["ci_low"], high=row["ci_high"])
    return say("finding.denominators", language, interval=interval, **exposure_texts(exposures, language))


def series_texts(row: pd.Series, suffix: str, ci_level: float, language: str) -> dict[str, Any]:
    """Return the texts and numbers of one series that sentences use.

    Parameters
    ----------
    row : Series
        A row of `published.evidence`.
    suffix : str
        "" or "_worst": which of its columns.
    ci_level : float
        Level the interval was made with.
    language : {"zh", "en"}

    Returns
    -------
    dict
        ``value, base, ratio, low, high, p, level, excluded``.
    """
    low, high = row[f"ci_low{suffix}"], row[f"ci_high{suffix}"]
    return {
        "value": row["value"],
        "base": span(row[f"baseline_low{suffix}"], row[f"baseline_high{suffix}"], ".0f", language),
        "ratio": span(row[f"ratio_low{suffix}"], row[f"ratio_high{suffix}"], ".2f", language),
        "low": low,
        "high": high,
        "p": p_text(row[f"p_value{suffix}"]),
        "level": percent(ci_level),
        "excluded": excluded_text(low, high, scale="rate_ratio", language=language),
    }


def exposure_texts(exposures: pd.DataFrame, language: str) -> dict[str, str]:
    """Return the ratio of losses under each denominator, as text.

    Parameters
    ----------
    exposures : DataFrame
        As `published.exposure_table` returns it.
    language : {"zh", "en"}

    Returns
    -------
    dict of str to str
        ``raw, dispute, enforcement, own``.
    """
    names = {"none": "raw", "disputes": "dispute", "enforcement": "enforcement", "own_enforcement": "own"}
    rows = exposures[exposures["numerator"] == "losses"]
    return {
        names[row["denominator"]]: span(row["ratio_low"], row["ratio_high"], ".2f", language)
        for _, row in rows.iterrows()
    }
