"""Sections of the power report: what a study of this size could find, before its result is seen."""

from typing import Any

import numpy as np
import pandas as pd

from reform_analysis import bootstrap_power, planning, plots, power_plots, wild_score
from reform_analysis.effect_design import Design
from reform_analysis.estimates import DataError, Estimates, UntestableError, require_number
from reform_analysis.no_events import nothing_to_compare
from reform_analysis.panel_source import listed
from reform_analysis.planning import StudySize
from reform_analysis.tables import Table
from reform_analysis.wording import Prose, say, span

INFLATIONS = (1.0, 1.5, 2.0)
VOLUMES = (0.5, 1.0, 2.0, 4.0)
CORRELATIONS = (0.0, 0.01, 0.05)
ENOUGH = 20  # events a cell, over the inflation, from which the log ratio is near enough to normal
_TARGETS = np.append(np.linspace(0.06, 0.99, 94), 0.9999)


def smallest(design: Design, *, target: float = 0.8, language: str = "en") -> Prose:
    """Return the smallest effect that a comparison can detect, or that this cannot be computed.

    Parameters
    ----------
    design : Design
    target : float
        Probability of finding it.
    language : {"zh", "en"}

    Returns
    -------
    Prose
        By the formula, for pilots against others and for a dose; then the smallest p-value that the
        bootstrap of the effect report can give, where its clusters are few.
    """
    try:
        found = planning.detectable_ratio(design, target=target)
    except UntestableError:
        why = nothing_to_compare(design, language=language)
        return Prose((say("planning.none", language), *why))
    dose = planning.detectable(planning.study_size(design), power=target, dose=True)
    key = "dose_smallest_none" if np.isnan(dose) else "dose_smallest"
    per_sd = say(f"power_report.{key}", language, ratio=_ratio(dose), power=f"{100 * target:.0f}")
    return Prose((found.sentences[language], per_sd, *attainable(design, language=language)))


def attainable(design: Design, *, level: float = 0.05, language: str = "en") -> tuple[str, ...]:
    """Return the smallest p-value of the score bootstrap, and whether it can be significant at all.

    Parameters
    ----------
    design : Design
    level : float
        Of the test.
    language : {"zh", "en"}

    Returns
    -------
    tuple of str
        Empty where so many clusters allow any p-value.
    """
    clusters = int(design.frame[design.cluster].nunique())
    if not wild_score.is_enumerable(clusters):
        return ()
    least = wild_score.least_p(clusters)
    key = "least_p" if least <= level else "least_p_never"
    values = {"clusters": clusters, "patterns": f"{1 / least:,.0f}", "p": f"{least:.3g}"}
    return (say(f"power_report.{key}", language, level=f"{100 * level:g}", **values),)


def cited(design: Design, *, seed: int = 1, draws: int = 1000, language: str = "en") -> Prose:
    """Return what the effect report says of power before its result.

    Parameters
    ----------
    design : Design
    seed : int
        Of the simulation.
    draws : int
        Panels.
    language : {"zh", "en"}

    Returns
    -------
    Prose
        What `smallest` says of pilots against others, and how often the test of the effect report finds that
        ratio in panels drawn like the study's.
    """
    said = smallest(design, language=language).sentences
    first = say("planning.cited", language, found=said[0])
    size = size_of(design)
    ratio = np.nan if size is None else planning.detectable(size)
    if size is None:
        return Prose((first,))
    if np.isnan(ratio):
        return Prose((first, *said[2:]))
    found = simulated(design, size, ratios=f"{ratio:.2f}", draws=draws, seed=seed)
    return Prose((first, *_found_there(found, f"{ratio:.2f}", language), *said[2:]))


def _found_there(found: Estimates | None, ratio: str, language: str) -> tuple[str, ...]:
    """How often the bootstrap finds the ratio of the formula."""
    if found is None:
        return ()
    row = found.to_frame().loc[f"{float(ratio):g}"]
    shares = {name: f"{100 * row[of]:.1f}" for name, of in (("share", "estimate"), ("error", "std_error"))}
    counted = {"ratio": ratio, "draws": found.n_obs, "clusters": found.n_clusters}
    return (say("power_report.found_there", language, **shares, **counted),)


def size_of(design: Design) -> StudySize | None:
    """Return what decides the power, or None where an arm has no unit or no event.

    Parameters
    ----------
    design : Design

    Returns
    -------
    StudySize or None
    """
    try:
        return planning.study_size(design)
    except UntestableError:
        return None


def tables(size: StudySize | None, *, target: float = 0.8, language: str = "en") -> tuple[Table | Prose, ...]:
    """Return the ratios detected by inflation and periods, and by volume, with a dose's beside them.

    Parameters
    ----------
    size : StudySize or None
    target : float
    language : {"zh", "en"}

    Returns
    -------
    tuple of Table and Prose
        For ``display(*...)``.
    """
    if size is None:
        return (Prose((say("planning.none", language),)),)
    return _by_periods(size, target, language), _by_volume(size, target, language)


def _by_periods(size: StudySize, target: float, language: str) -> Table:
    most = max(size.pre, size.post)
    windows = list(dict.fromkeys((min(k, size.pre), min(k, size.post)) for k in range(1, most + 1)))
    inflations = sorted({*INFLATIONS, round(size.inflation, 2)})
    heads = {
        say("power_report.inflation", language): [_inflation(each, size, language) for each in inflations]
    }
    for pre, post in windows:
        head = say("power_report.periods", language, pre=pre, post=post)
        given = {"pre": pre, "post": post, "power": target}
        heads[head] = [_ratio(planning.detectable(size, inflation=each, **given)) for each in inflations]
    caption = say("power_report.periods_caption", language, power=f"{100 * target:.0f}")
    return Table(pd.DataFrame(heads), caption)


def _inflation(value: float, size: StudySize, language: str) -> str:
    text = f"{value:.2f}"
    measured = value == round(size.inflation, 2)
    return say("power_report.measured", language, inflation=text) if measured else text


def _by_volume(size: StudySize, target: float, language: str) -> Table:
    given = {"power": target}
    rows = [planning.detectable(size, exposure=each, **given) for each in VOLUMES]
    doses = [planning.detectable(size, exposure=each, dose=True, **given) for each in VOLUMES]
    heads = {
        "exposure": [f"{each:g}" for each in VOLUMES],
        "detected": [_ratio(value) for value in rows],
        "dose": [_ratio(value) for value in doses],
    }
    caption = say("power_report.exposure_caption", language, power=f"{100 * target:.0f}", pilots=size.pilots)
    texts = {say(f"power_report.{key}", language): column for key, column in heads.items()}
    return Table(pd.DataFrame(texts), caption)


def _ratio(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}"


def limits(size: StudySize | None, *, target: float = 0.8, language: str = "en") -> tuple[Any, ...]:
    """Return where the formula does not hold, and what shocks within clusters would do.

    Parameters
    ----------
    size : StudySize or None
    target : float
    language : {"zh", "en"}

    Returns
    -------
    tuple of Prose and Table
        For ``display(*...)``.
    """
    if size is None:
        return (Prose((say("planning.none", language),)),)
    ratio = planning.detectable(size, power=target)
    after = 0.0 if np.isnan(ratio) else size.pilots * size.mean * size.post * size.observed[1] * ratio
    enough = min(after, size.total_before) / size.inflation >= ENOUGH
    verdict = say(f"power_report.{'holds' if enough else 'fails'}", language, least=ENOUGH * size.inflation)
    said = (
        say("power_report.formula", language, before=size.total_before, after=after, verdict=verdict),
        say("power_report.clusters", language, clusters=size.clusters, unmixed=size.unmixed),
    )
    each = max(size.pilots / size.clusters, 1.0)
    shared = [planning.detectable(size, power=target, cluster_size=each, icc=icc) for icc in CORRELATIONS]
    heads = {
        say("power_report.icc", language): [f"{icc:.2f}" for icc in CORRELATIONS],
        say("power_report.detected", language): [_ratio(value) for value in shared],
    }
    caption = say("power_report.icc_caption", language, power=f"{100 * target:.0f}", size=f"{each:.1f}")
    return Prose(said), Table(pd.DataFrame(heads), caption)


def simulated(
    design: Design, size: StudySize | None, *, ratios: str, draws: int = 2000, seed: int
) -> Estimates | None:
    """Return how often the score bootstrap of the effect report finds ratios in panels like the study's.

    Parameters
    ----------
    design : Design
    size : StudySize or None
    ratios : str
        Separated by commas; added are 1, for the size of the test, and the ratio that the formula detects.
    draws : int
        Panels a ratio.
    seed : int

    Returns
    -------
    Estimates or None
        None where `size` is None, or levels cannot be told from the data.

    Raises
    ------
    DataError
        If a ratio is no number above 0.
    """
    if size is None:
        return None
    detected = planning.detectable(size)
    asked = {*_ratios(ratios), 1.0, *([] if np.isnan(detected) else [round(detected, 2)])}
    try:
        like = planning.drawn_like(design, size)
    except UntestableError:
        return None
    return bootstrap_power.simulate_power(like, sorted(asked), draws=draws, seed=seed)


def _ratios(text: str) -> list[float]:
    try:
        found = [float(each) for each in listed(text)]
    except ValueError:
        raise DataError(f"ratios must be numbers separated by commas, got {text!r}; pass 0.5, 0.7.") from None
    for ratio in found:
        require_number("ratios", ratio, above=0, way_out="pass rate ratios such as 0.7.")
    return found


def simulation(
    size: StudySize | None,
    found: Estimates | None,
    *,
    target: float = 0.8,
    source: str = "",
    language: str = "en",
) -> tuple[Any, ...]:
    """Return simulated power beside the formula's: sentence, table and figure.

    Parameters
    ----------
    size : StudySize or None
    found : Estimates or None
        As `simulated` returns it.
    target : float
    source : str
        Where real data come from.
    language : {"zh", "en"}

    Returns
    -------
    tuple of Prose, Table and plots.CaptionedFigure
        For ``display(*...)``.
    """
    if size is None or found is None:
        key = "planning.none" if size is None else "power_report.not_simulated"
        return (Prose((say(key, language),)),)
    formula = _formula(size)
    table = _simulated_table(found, formula, language)
    ax = power_plots.power(found, formula, target=target, language=language)
    ratio, estimate = planning.detectable(size, power=target), found.to_frame()["estimate"]
    fields = {
        "draws": found.n_obs,
        "level": f"{100 * found.ci_level:g}",
        "power": f"{100 * target:.0f}",
        "ratio": _ratio(ratio),
        "low": f"{estimate.min():.2f}",
        "high": f"{estimate.max():.2f}",
        "data": plots.data_note(True, source=source, language=language),
    }
    figure = plots.captioned(ax, "power", language=language, **fields)
    return Prose((_said(found, target, language),)), table, figure


def _formula(size: StudySize) -> pd.Series:
    """Power by the formula, indexed by the ratio at which it has it."""
    ratios = [planning.detectable(size, power=float(each)) for each in _TARGETS]
    return pd.Series(_TARGETS, index=ratios).loc[lambda of: of.index.notna()]


def _said(found: Estimates, target: float, language: str) -> str:
    frame = found.to_frame()
    effects = frame[frame.index.astype(float) < 1]
    reached = effects.index[effects["estimate"] >= target]
    nearest = max(map(float, reached), default=np.nan)
    key = "not_crossed" if np.isnan(nearest) else "crossed"
    level = f"{100 * target:.0f}"
    crossing = say(f"power_report.{key}", language, power=level, ratio=f"{nearest:g}")
    row = frame.loc["1"]
    size = {"size": f"{100 * row['estimate']:.1f}", "error": f"{100 * row['std_error']:.1f}"}
    counted = {"draws": f"{found.n_obs:,}", "clusters": f"{found.n_clusters:,}"}
    return say("power_report.simulated", language, crossing=crossing, **size, **counted)


def _simulated_table(found: Estimates, formula: pd.Series, language: str) -> Table:
    frame = found.to_frame()
    order = np.argsort(formula.index.to_numpy())
    at = np.interp(
        frame.index.astype(float), formula.index.to_numpy()[order], formula.to_numpy()[order], 1.0, np.nan
    )
    heads = {
        "ratio": list(frame.index),
        "power": [f"{value:.2f}" for value in frame["estimate"]],
        "error": [
            span(low, high, ".2f", language)
            for low, high in zip(frame["ci_low"], frame["ci_high"], strict=True)
        ],
        "analytic": ["–" if np.isnan(value) else f"{value:.2f}" for value in at],
    }
    texts = {say(f"power_report.{key}", language): column for key, column in heads.items()}
    return Table(pd.DataFrame(texts), say("power_report.simulated_caption", language, draws=found.n_obs))
