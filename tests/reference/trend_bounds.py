"""Make trend_bounds.json: bounds on three invented event studies by honestdid 0.1.1.

Needs ``pip install honestdid torch "numpy<2.3"`` in an environment of its own (several gigabytes); with numpy
2.4 honestdid stops with a TypeError. Run it in this folder; it takes about a quarter of an hour. The tests
read the JSON only.

The library simulates the critical value of its first stage, with an error that can move an end of an interval
by more than a step of the grid. So these values are stored too, in the order in which they are drawn: by
multiple, by the pre-period change that is the largest, and by its sign (plus first).
"""

import json
from pathlib import Path

import honestdid
import numpy as np
from honestdid import core

LEAST_FAVOURABLE = core._compute_least_favorable_cv
GRID = 1000

# Invented totals by period of treated and untreated units; the reference period is the last before adoption.
STUDIES = {
    "two before, one after": {
        "treated": [210, 221, 204, 118],
        "untreated": [1530, 1498, 1511, 1490],
        "n_pre": 2,
        "weights": [1.0],
        "draws": 1_000_000,
    },
    "three before, three after": {
        "treated": [58, 54, 61, 57, 29, 26, 31],
        "untreated": [402, 391, 410, 399, 396, 405, 388],
        "n_pre": 3,
        "weights": [1 / 3, 1 / 3, 1 / 3],
        "draws": 5_000,
    },
    "two before, two after": {
        "treated": [131, 140, 133, 71, 64],
        "untreated": [640, 655, 652, 639, 645],
        "n_pre": 2,
        "weights": [1.0, 0.0],
        "draws": 1_000,
    },
}


def event_study(treated, untreated, n_pre):
    """Log ratios of ratios against the reference period, and their covariance for Poisson totals."""
    level = np.log(treated) - np.log(untreated)
    variance = 1 / np.array(treated) + 1 / np.array(untreated)
    kept = np.arange(len(treated)) != n_pre
    return (level - level[n_pre])[kept], np.diag(variance[kept]) + variance[n_pre]


def bounds(study):
    """Intervals of one study; the library's own loop over multiples and over its grid."""
    beta, vcov = event_study(study["treated"], study["untreated"], study["n_pre"])
    n_post = len(study["weights"])
    sizes = (study["n_pre"], n_post)
    weights = np.array(study["weights"])
    first_stage = []

    def recorded(*args, **kwargs):
        first_stage.append(LEAST_FAVOURABLE(*args, **kwargs, sims=study["draws"]))
        return first_stage[-1]

    core._compute_least_favorable_cv = recorded
    relative = honestdid.createSensitivityResults_relativeMagnitudes(
        beta, vcov, *sizes, Mbarvec=[0.5, 1, 2], l_vec=weights, gridPoints=GRID
    )
    smooth = honestdid.createSensitivityResults(beta, vcov, *sizes, Mvec=[0, 0.02, 0.1], l_vec=weights)
    sd = float(np.sqrt(weights @ vcov[study["n_pre"] :, study["n_pre"] :] @ weights))
    found = {"grid_step": 40 * sd / (GRID - 1), "beta": beta.tolist(), "vcov": vcov.tolist()}
    found["first_stage"] = first_stage
    found["relative_magnitudes"] = relative[["Mbar", "lb", "ub"]].to_numpy(float).tolist()
    found["smoothness"] = smooth[["M", "lb", "ub"]].to_numpy(float).tolist()
    return study | found


if __name__ == "__main__":
    made = {}
    for name, study in STUDIES.items():
        made[name] = bounds(study)
        Path("trend_bounds.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
