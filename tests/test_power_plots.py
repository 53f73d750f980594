"""The figure of power: what is drawn is what was passed."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

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
