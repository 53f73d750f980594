"""Figures: what is drawn where, and the text that goes with it."""

import warnings
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest

from reform_analysis import findings, plots, published

FIGURES = published.load_figures()
EVIDENCE, EXPOSURES = published.evidence(FIGURES), published.exposure_table(FIGURES)
CHANGES = published.context_changes(published.load_context())


@pytest.fixture(autouse=True)
def _close() -> object:
    yield
    plt.close("all")


def points(ax: plt.Axes) -> dict[str, float]:
    """Position of each row's mark on the ratio axis, by label."""
    labels = {
        tick: text.get_text().replace("\n", " ")
        for tick, text in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
    }
    marks = [line for line in ax.lines if line.get_marker() in ("o", "s", "^", "D")]
    return {labels[line.get_ydata()[0]]: float(line.get_xdata()[0]) for line in marks}


def intervals(ax: plt.Axes) -> list[tuple[float, float]]:
    """Ends of every horizontal line that is drawn."""
    segments = [segment for lines in ax.collections for segment in lines.get_segments() if len(segment)]
    return [tuple(segment[:, 0]) for segment in segments if np.isfinite(segment).all()]


def test_rate_ratios_stand_where_the_numbers_are() -> None:
    drawn = points(plots.rate_ratios(EVIDENCE))
    assert len(drawn) == len(EVIDENCE)
    assert drawn["Administrative litigation losses"] == pytest.approx(32 / 53)
    reviews = EVIDENCE.loc["reviews"]
    assert drawn["Legality reviews"] == pytest.approx(np.sqrt(reviews["ratio_low"] * reviews["ratio_high"]))


def test_intervals_are_drawn_and_outcomes_come_first() -> None:
    ax = plots.rate_ratios(EVIDENCE)
    bounds = intervals(ax)
    losses = EVIDENCE.loc["losses"]
    assert (losses["ci_low"], losses["ci_high"]) in bounds
    assert (losses["ci_low_worst"], losses["ci_high_worst"]) in bounds
    top = max(zip(ax.get_yticks(), ax.get_yticklabels(), strict=True))[1].get_text()
    assert top == "Administrative litigation losses"
    assert ax.get_xscale() == "log"


def test_series_without_a_base_count_are_hollow_or_say_so() -> None:
    drawn = points(plots.rate_ratios(EVIDENCE))
    digital = EVIDENCE.loc["digital_projects"]
    middle = np.sqrt(digital["ratio_low_worst"] * digital["ratio_high_worst"])
    assert drawn["New digital projects for legal work"] == pytest.approx(middle)
    ax = plots.rate_ratios(published.evidence(FIGURES, rounding="truncated"))
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("no whole base count fits") == 1
    assert not any("nan" in text for text in texts)


def test_exposures_that_the_reform_moves_are_hollow() -> None:
    ax = plots.exposures(EXPOSURES, outcome="losses")
    faces = [line.get_markerfacecolor() for line in ax.lines if line.get_marker() == "o"]
    assert [face == "white" for face in faces] == [False, False, True, True]


def test_context_has_no_invented_intervals() -> None:
    ax = plots.context_changes(CHANGES, EVIDENCE)
    wide = [pair for pair in intervals(ax) if pair[0] < pair[1]]
    assert wide == [tuple(EVIDENCE.loc["losses", ["ci_low", "ci_high"]])]
    assert points(ax)["Hangzhou City, 2021 over 2020 Administrative litigation loss rate"] == pytest.approx(
        5.6 / 9.8
    )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_glyph_is_drawn_and_no_label_overlaps(language: str) -> None:
    figures = [
        plots.rate_ratios(EVIDENCE, language=language),
        plots.exposures(EXPOSURES, outcome="losses", language=language),
        plots.context_changes(CHANGES, EVIDENCE, language=language),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a missing glyph warns
        for ax in figures:
            ax.figure.canvas.draw()
            boxes = sorted(
                (text.get_window_extent() for text in ax.get_yticklabels()), key=lambda box: box.y0
            )
            assert all(below.y1 <= above.y0 + 1 for below, above in pairwise(boxes))


def test_caption_and_alternative_text_go_with_the_figure() -> None:
    texts = findings.figure_values(EVIDENCE, EXPOSURES, CHANGES, ci_level=0.95, language="zh")
    shown = plots.captioned(plots.rate_ratios(EVIDENCE, language="zh"), "rate_ratios", language="zh", **texts)
    data, metadata = shown._repr_mimebundle_()
    assert data["image/svg+xml"].startswith("<?xml")
    assert metadata["image/svg+xml"] == {"alt": shown.alt, "caption": shown.caption}
    assert "0.60" in shown.alt
    assert "95%" in shown.caption
    assert plt.get_fignums() == []


def test_the_same_figure_has_the_same_bytes() -> None:
    texts = findings.figure_values(EVIDENCE, EXPOSURES, CHANGES, ci_level=0.95)
    shown = [
        plots.captioned(plots.exposures(EXPOSURES, outcome="losses"), "exposures", language="en", **texts)
        for _ in range(2)
    ]
    first, second = (figure._repr_mimebundle_()[0]["image/svg+xml"] for figure in shown)
    assert first == second


def test_a_long_chinese_label_breaks_after_a_pause_and_not_in_a_word() -> None:
    labels = [text.get_text() for text in plots.rate_ratios(EVIDENCE, language="zh").get_yticklabels()]
    assert "新建成“枫桥式”派出所、司法所、法庭、\n检察室" in labels
