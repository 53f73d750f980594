"""The figure of power: what is drawn is what was passed."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from reform_analysis import power_plots
from reform_analysis.estimates import COLUMNS, Estimates


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def test_simulated_power_stands_beside_the_formulas() -> None:
    rows = [[0.9, 0.03, 0.8, 0.95, np.nan], [0.05, 0.02, 0.01, 0.12, np.nan]]
    frame = pd.DataFrame(rows, index=pd.Index(["0.5", "1"], name="term"), columns=list(COLUMNS))
    simulated = Estimates(frame, "proportion", 0.95, "drawn", 60, synthetic=True)
    formula = pd.Series([0.95, 0.8, 0.1], index=[0.4, 0.55, 0.9])
    ax = power_plots.power(simulated, formula, target=0.8)
    lines = {line.get_marker(): line for line in ax.get_lines()}
    assert list(lines["o"].get_xdata()) == [0.5, 1.0]
    assert list(lines["o"].get_ydata()) == [0.9, 0.05]
    curves = [line for line in ax.get_lines() if len(line.get_xdata()) == 3]
    assert list(curves[0].get_ydata()) == [0.95, 0.8, 0.1]
    bars = [tuple(path.vertices[:, 1]) for path in ax.collections[0].get_paths()]
    assert bars == [(0.8, 0.95), (0.01, 0.12)]
    dashed = [line for line in ax.get_lines() if line.get_linestyle() == "--"]
    assert list(dashed[0].get_ydata()) == [0.8, 0.8]
    assert any(text.get_gid() == "synthetic" for text in ax.texts)


@pytest.mark.parametrize("added", ["0.48", "0.39", "0.79", "0.99"])
def test_labels_of_ratios_that_lie_close_do_not_touch(added: str) -> None:
    names = sorted(["0.4", "0.5", "0.6", "0.7", "0.8", "1", added], key=float)
    frame = pd.DataFrame(0.5, index=pd.Index(names, name="term"), columns=list(COLUMNS))
    ax = power_plots.power(Estimates(frame, "proportion", 0.95, "drawn", 60), pd.Series([0.8], index=[0.5]))
    ax.figure.canvas.draw()
    labels = [label for label in ax.get_xticklabels() if label.get_text()]
    assert [label.get_text().strip() for label in labels] == names
    boxes = [_ink(label) for label in labels]
    pairs = [(one, other) for one in boxes for other in boxes if one is not other]
    assert not any(one.overlaps(other) for one, other in pairs)


def _ink(label: Text) -> Bbox:
    """Where the last line of a label stands, with a little room at its sides."""
    box = label.get_window_extent()
    if label.get_text().startswith("\n"):
        box = Bbox.from_extents(box.x0, box.y0, box.x1, box.y0 + 0.45 * box.height)
    return Bbox.from_extents(box.x0 - 2, box.y0, box.x1 + 2, box.y1)
