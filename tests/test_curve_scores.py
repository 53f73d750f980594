"""Scores of all relabellings at once: each equals the one made from dummies, weighted and clustered."""

import numpy as np
import pytest
from scipy.sparse import csr_array, vstack

from reform_analysis import cell_scores, score_draws
from reform_analysis.assignments import Assignment, matrices
from reform_analysis.cell_scores import CellFit
from reform_analysis.curve_scores import Relabelling, score_tables, studentised

UNITS, PERIODS, PILOTS, DRAWS = 40, 5, 9, 12
RNG = np.random.default_rng(11)
COUNTS = RNG.poisson(1.5 * RNG.gamma(1.0, 1.0, (UNITS, 1)) * np.linspace(1, 1.6, PERIODS)).astype(float)
EXPOSURE = RNG.uniform(0.5, 2.0, (UNITS, PERIODS))
EXPOSURE[3, 2] = 0.0
COUNTS[3, 2] = 0.0
CONTROL = RNG.normal(size=(UNITS, PERIODS))
CLUSTER = np.arange(UNITS) % 7
HISTORY = np.zeros(UNITS, dtype=np.intp)
HISTORY[:PILOTS] = 1
HISTORY[:3] = 2
PATHS = np.array([[0.0, 0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.0, 0.0, 1.0]])


def relabelling() -> Relabelling:
    assignment = Assignment(np.arange(UNITS) % 2, HISTORY)
    columns = np.vstack([assignment.observed(), assignment.drawn(DRAWS, np.random.default_rng(1))])
    blocks = list(matrices(columns, width=2 * UNITS))
    return Relabelling(csr_array(vstack(blocks)), UNITS)


def treatment(labels: Relabelling, draw: int) -> np.ndarray:
    """Share of every cell under treatment in a draw."""
    member = labels.matrix.toarray()[draw].reshape(2, UNITS)
    return member.T @ PATHS


def brute(fit: CellFit, x: np.ndarray, weight: np.ndarray, cluster: np.ndarray) -> float:
    """Score of x cleared of dummies and control by weighted least squares, over the larger error."""
    inside = fit.expected > 0
    row, column = np.nonzero(inside)
    dummies = [np.eye(UNITS)[row], np.eye(PERIODS)[column], CONTROL[inside][:, None]]
    design, w = np.hstack(dummies), weight[row]
    root = np.sqrt(w * fit.expected[inside])
    slope = np.linalg.lstsq(design * root[:, None], x[inside] * root, rcond=None)[0]
    pieces = w * (x[inside] - design @ slope) * fit.residual[inside]
    scores = np.bincount(cluster[row], weights=pieces)
    poisson = (w**2 * fit.expected[inside] * (x[inside] - design @ slope) ** 2).sum()
    return float(scores.sum() / np.sqrt(max((scores**2).sum(), poisson)))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("clustered", [False, True])
def test_every_draw_equals_the_score_made_from_dummies(weighted: bool, clustered: bool) -> None:
    labels = relabelling()
    fit = cell_scores.fit_cells(COUNTS, EXPOSURE, [CONTROL])
    weights = np.random.default_rng(2).uniform(0.2, 3.0, (DRAWS + 1, UNITS)) if weighted else None
    found = studentised(
        score_tables(fit, PATHS), labels, cluster=CLUSTER if clustered else None, weights=weights
    )
    cluster = CLUSTER if clustered else np.arange(UNITS)
    expected = [
        brute(fit, treatment(labels, draw), np.ones(UNITS) if weights is None else weights[draw], cluster)
        for draw in range(DRAWS + 1)
    ]
    assert found == pytest.approx(expected, abs=1e-8)


def test_without_controls_it_is_the_score_of_the_randomisation_test() -> None:
    labels = relabelling()
    fit = cell_scores.fit_cells(COUNTS, EXPOSURE)
    found = studentised(score_tables(fit, PATHS), labels)
    layout = score_draws.Layout(np.arange(UNITS), None, np.vstack([np.zeros(PERIODS), PATHS]), HISTORY)
    assignment = Assignment(np.arange(UNITS) % 2, HISTORY)
    columns = np.vstack([assignment.observed(), assignment.drawn(DRAWS, np.random.default_rng(1))])
    expected = score_draws.scores(COUNTS, EXPOSURE, layout).statistics(columns, robust=True)
    finite = np.isfinite(expected)
    assert finite.any()
    assert found[finite] == pytest.approx(expected[finite], abs=1e-8)


def test_equal_weights_change_nothing() -> None:
    labels = relabelling()
    tables = score_tables(cell_scores.fit_cells(COUNTS, EXPOSURE, [CONTROL]), PATHS)
    weights = np.full((DRAWS + 1, UNITS), 2.5)
    for cluster in (None, CLUSTER):
        plain = studentised(tables, labels, cluster=cluster)
        assert studentised(tables, labels, cluster=cluster, weights=weights) == pytest.approx(plain, abs=1e-7)


def test_a_treatment_that_varies_nowhere_scores_zero() -> None:
    labels = relabelling()
    tables = score_tables(cell_scores.fit_cells(COUNTS, EXPOSURE), np.zeros((2, PERIODS)))
    assert (studentised(tables, labels) == 0).all()
