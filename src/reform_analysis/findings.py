"""Whole sentences from results, in Chinese or English: which sentence, and which numbers."""

from typing import Any

import pandas as pd

from reform_analysis import sentences
from reform_analysis.estimates import percent
from reform_analysis.wording import Prose, localised, p_text, say, span

_NEAR = 0.99  # a correlation that leaves nothing to learn from its bound


def data_line(*, rounding: str, ci_level: float, language: str = "en") -> Prose:
    """Return the line that says that the data are real, where they were published and how they are read.

    Parameters
    ----------
    rounding : {"percent", "tens", "truncated"}
        How the growth rates are read.
    ci_level : float
        Level of the intervals.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    return Prose(
        (
            say(
                "finding.data",
                language,
                source=say("source.article", language),
                rounding=say(f"rounding.{rounding}", language),
                level=percent(ci_level),
            ),
        )
    )


def in_brief(
    evidence: pd.DataFrame, exposures: pd.DataFrame, *, ci_level: float, language: str = "en"
) -> Prose:
    """Return the findings on litigation losses that stand at the head of the report.

    Parameters
    ----------
    evidence, exposures : DataFrame
        As `published.evidence` and `published.exposure_table` return them.
    ci_level : float
        Level the intervals were made with.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    losses = evidence.loc["losses"]
    found = [
        sentences.losses_changed(losses, ci_level=ci_level, language=language),
        sentences.fragility(losses, ci_level=ci_level, language=language),
        *sentences.rounding_to_tens(losses, ci_level=ci_level, language=language),
        sentences.denominators(exposures, language=language),
        say("finding.design", language),
    ]
    return Prose(tuple(found))


def baselines(evidence: pd.DataFrame, *, language: str = "en") -> Prose:
    """Return what the base counts reveal about the rounding.

    Parameters
    ----------
    evidence : DataFrame
        As `published.evidence` returns it.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    empty = evidence[evidence["status"] == "no baseline"]
    if empty.empty:
        return Prose((say("finding.baselines_all_fit", language, n=len(evidence)),))
    names = say("format.list", language).join(localised(empty, "label", language))
    tens = bool((empty["change_pct"] % 10 == 0).all())
    found = [say("finding.baselines_none", language, n=len(empty), names=names)]
    if tens:
        multiples = int((evidence["change_pct"] % 10 == 0).sum())
        found.append(say("finding.baselines_tens", language, multiples=multiples))
    return Prose(tuple(found))


def multiplicity(
    evidence: pd.DataFrame, *, family: tuple[str, ...], ci_level: float, language: str = "en"
) -> Prose:
    """Return one sentence an outcome, after Holm's correction.

    Parameters
    ----------
    evidence : DataFrame
        As `published.evidence` returns it.
    family : tuple of str
        The outcomes corrected together.
    ci_level : float
        1 - ci_level is the level of the test.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    alpha = 1 - ci_level
    found = []
    for name in family:
        row = evidence.loc[name]
        key = "no_baseline" if pd.isna(row["p_holm"]) else "kept" if row["p_holm"] <= alpha else "lost"
        tens = row["change_pct"] % 10 == 0
        found.append(
            say(
                f"finding.holm_{key}",
                language,
                series=localised(row, "label", language),
                n=len(family),
                p=p_text(row["p_value"]),
                holm=p_text(row["p_holm"]),
                tens=say("finding.holm_tens", language, worst=p_text(row["p_holm_worst"])) if tens else "",
                alpha=f"{alpha:.3g}",
            )
        )
    return Prose(tuple(found))


def unit_level(bounds: pd.DataFrame, *, language: str = "en") -> Prose:
    """Return what the totals force, and leave open, about single units.

    Parameters
    ----------
    bounds : DataFrame
        As `published.unit_bounds` returns it.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    found = [
        say(
            f"finding.pigeonhole_{reading}",
            language,
            base=span(row["before_low"], row["before"], ".0f", language),
            **row,
        )
        for reading, row in bounds.iterrows()
    ]
    first = bounds.iloc[0]
    key = "unbounded" if first["highest"] > _NEAR and first["lowest"] < -_NEAR else "wide"
    found.append(say(f"finding.correlation_{key}", language, **first[["highest", "lowest"]]))
    found.append(say("finding.regression", language, **first))
    return Prose(tuple(found))


def context(
    changes: pd.DataFrame, figures: pd.DataFrame, losses: pd.Series, *, language: str = "en"
) -> Prose:
    """Return how losses moved elsewhere, against the common change that would undo the pilots' fall.

    Parameters
    ----------
    changes : DataFrame
        As `published.context_changes` returns it.
    figures : DataFrame
        As `published.load_context` returns it, for the city's count of losses.
    losses : Series
        The row ``losses`` of `published.evidence`.
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    city, city_losses = changes.loc["hz05"], float(figures.loc["hz04", "value"])
    fallen, risen = (changes["ratio"] < 1).sum(), (changes["ratio"] > 1).sum()
    found = [
        say(
            "finding.context_hangzhou",
            language,
            **city[["before", "after", "ratio"]],
            losses=losses["value"],
            city_losses=city_losses,
            share=100 * losses["value"] / city_losses,
            reading=say("finding.context_fell" if city["ratio"] < 1 else "finding.context_rose", language),
        ),
        say(
            "finding.context_range",
            language,
            low=changes["ratio"].min(),
            high=changes["ratio"].max(),
            fallen=fallen,
            risen=risen,
        ),
    ]
    if losses["status"] == "excludes 1":
        found.append(
            say(
                "finding.context_trend",
                language,
                trend=abs(losses["breakeven_trend"]),
                elsewhere=100 * (1 - city["ratio"]),
            )
        )
    return Prose(tuple(found))


def evidence_card(evidence: pd.DataFrame, *, ci_level: float, language: str = "en") -> Prose:
    """Return the card a referee reads first: design strength, estimate, interval, what would overturn it.

    Parameters
    ----------
    evidence : DataFrame
        As `published.evidence` returns it.
    ci_level : float
        Level the intervals were made with.
    language : {"zh", "en"}

    Returns
    -------
    Prose

    References
    ----------
    Sherman, Gottfredson, MacKenzie, Eck, Reuter and Bushway (1998), Preventing Crime: What Works, What
    Doesn't, What's Promising (the Maryland scale). What Works Centre for Local Economic Growth, Guide to
    scoring evidence using the Maryland Scientific Methods Scale.
    """
    losses = evidence.loc["losses"]
    found = (
        say("card.design", language),
        sentences.losses_changed(losses, ci_level=ci_level, language=language),
        sentences.fragility(losses, ci_level=ci_level, language=language),
        *sentences.rounding_to_tens(losses, ci_level=ci_level, language=language),
        say("card.verdict", language),
    )
    return Prose(found, kind="box", heading=say("card.heading", language))


def not_shown(*, language: str = "en") -> Prose:
    """Return the box of what published totals do not show.

    Parameters
    ----------
    language : {"zh", "en"}

    Returns
    -------
    Prose
    """
    items = ("effect", "association", "loss_rate", "persistence", "measure")
    found = tuple(say(f"not_shown.{item}", language) for item in items)
    return Prose(found, kind="box", heading=say("not_shown.heading", language))


def figure_values(
    evidence: pd.DataFrame,
    exposures: pd.DataFrame,
    changes: pd.DataFrame,
    *,
    ci_level: float,
    language: str = "en",
) -> dict[str, Any]:
    """Return the numbers that captions and alternative texts of the figures need.

    Parameters
    ----------
    evidence, exposures, changes : DataFrame
        As `published.evidence`, `exposure_table` and `context_changes` return them.
    ci_level : float
        Level the intervals were made with.
    language : {"zh", "en"}

    Returns
    -------
    dict
        Keyword arguments of `plots.captioned`.
    """
    losses = sentences.series_texts(evidence.loc["losses"], "", ci_level, language)
    others = evidence[evidence["level"] != "outcome"]
    return {
        "n": len(evidence),
        "others": len(others),
        "above": int((others["ratio_low_worst"] > 1).sum()),
        "level": losses["level"],
        "source": say("source.article", language),
        "losses": losses["ratio"],
        "losses_low": losses["low"],
        "losses_high": losses["high"],
        "before": losses["base"],
        "after": losses["value"],
        "corrections": sentences.series_texts(evidence.loc["corrections"], "", ci_level, language)["ratio"],
        "context_n": len(changes) + 1,
        "context_low": changes["ratio"].min(),
        "context_high": changes["ratio"].max(),
        **sentences.exposure_texts(exposures, language),
    }
