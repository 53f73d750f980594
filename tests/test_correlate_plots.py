"""Figures of an association: what stands where, what is filled, and what says it is synthetic."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from reform_analysis import correlate, correlate_plots
from reform_analysis.estimates import DataError
from reform_analysis.plots import captioned
from reform_analysis.wording import LANGUAGES


@pytest.fixture(autouse=True)
def _close() -> object:
    yield
    plt.close("all")


def example(*, synthetic: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    pre, post = rng.poisson(3, 60).astype(float), rng.poisson(3, 60).astype(float)
    frame = pd.DataFrame(
        {
            "pilot": np.arange(60) % 4 == 0,
            "strong": pre - post + rng.normal(size=60),
            "weak": np.sin(np.arange(60.0)),
            "losses_pre": pre,
            "losses_post": post,
            "losses_difference": post - pre,
        }
    )
    frame.loc[5, "weak"] = np.nan
    frame.attrs["synthetic"] = synthetic
    return frame


def fit(changes: pd.DataFrame, method: correlate.Method = "spearman") -> correlate.Association:
    measures = ["strong", "weak"]
    return correlate.association(
        changes, measures=measures, outcome="losses", method=method, draws=199, seed=1
    )


@pytest.mark.parametrize("method", ["spearman", "poisson_score"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_forest_draws_estimates_and_intervals(method: correlate.Method, language: str) -> None:
    result = fit(example(), method)
    ax = correlate_plots.forest(result, labels={"strong": "审查 reviews"}, language=language)
    marks = {line.get_ydata()[0]: line for line in ax.lines if line.get_marker() == "o"}
    assert [text.get_text() for text in ax.get_yticklabels()] == ["审查 reviews", "weak"]
    for place, term in ((1, "strong"), (0, "weak")):
        assert marks[place].get_xdata()[0] == pytest.approx(result.to_frame().loc[term, "estimate"])
    segments = [tuple(part[:, 0]) for lines in ax.collections for part in lines.get_segments()]
    assert segments == [tuple(row) for row in result.to_frame()[["ci_low", "ci_high"]].to_numpy()]
    assert marks[1].get_markerfacecolor() == marks[1].get_color()
    assert marks[0].get_markerfacecolor() == "white"
    assert ax.get_xscale() == ("log" if method == "poisson_score" else "linear")


def test_dose_against_change_draws_every_unit_by_arm() -> None:
    changes = example()
    ax = correlate_plots.dose_against_change(
        changes, fit(changes), measure="weak", change="losses_difference"
    )
    drawn = {line.get_marker(): line for line in ax.lines if line.get_marker() in ("o", "^")}
    known = changes.dropna()
    for marker, arm in (("o", False), ("^", True)):
        rows = known[known["pilot"] == arm]
        assert drawn[marker].get_xdata() == pytest.approx(rows["weak"].to_numpy())
        assert drawn[marker].get_ydata() == pytest.approx(rows["losses_difference"].to_numpy())
    said = " ".join(text.get_text() for text in ax.texts)
    assert f"{fit(changes).to_frame().loc['weak', 'estimate']:.2f}" in said


@pytest.mark.parametrize("synthetic", [True, False])
def test_only_synthetic_data_say_so(synthetic: bool) -> None:
    changes = example(synthetic=synthetic)
    result = fit(changes)
    for language in LANGUAGES:
        axes = [
            correlate_plots.forest(result, language=language),
            correlate_plots.dose_against_change(
                changes, result, measure="weak", change="losses_difference", language=language
            ),
        ]
        said = [any("SYNTHETIC" in text.get_text() for text in ax.texts) for ax in axes]
        assert said == [synthetic, synthetic]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("figure", ["association_forest", "association_dose"])
def test_captions_hold_the_numbers(figure: str, language: str) -> None:
    result = fit(example())
    fields = correlate_plots.caption_fields(result, outcome="losses", source="S", language=language)
    drawn = captioned(correlate_plots.forest(result, language=language), figure, language=language, **fields)
    assert "59" in drawn.caption
    assert "SYNTHETIC" in drawn.caption
    assert fields["survive"] == (result.adjusted_p["max_t"] <= 0.05).sum() == 1


def test_an_unknown_measure_is_named() -> None:
    changes = example()
    with pytest.raises(DataError, match="nothing"):
        correlate_plots.dose_against_change(
            changes, fit(changes), measure="nothing", change="losses_difference"
        )
