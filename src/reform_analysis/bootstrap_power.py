r"""Power of the score bootstrap in a comparison of pilots with others, before and after, from drawn totals.

With unit and period effects alone the null model of `counts.fit_poisson` needs no iteration: its mean is the
unit's total :math:`n_i` times the period's share. With q the share of the periods after adoption in all
events, :math:`a_i` a unit's events then, d whether it is a pilot and :math:`\bar d` its mean weighted by n,

.. math:: s_i = (d_i - \bar d)(a_i - n_i q), \qquad I_i = (d_i - \bar d)^2 n_i \, q (1 - q)

are its score and information. So a draw needs two counts a unit, and the bootstrap of all draws is a matrix
product (`wild_score.p_values`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reform_analysis import waiting, wild_score
from reform_analysis.estimates import Estimates, require_whole_number
from reform_analysis.rejections import rejections
from reform_analysis.wild_score import Floats

DRAWN_WEIGHTS = 999  # of the bootstrap, where its weights are drawn
_CELLS = 2**18  # of the counts drawn at a time


@dataclass(frozen=True, eq=False)
class Comparison:
    """What panels are drawn like.

    Parameters
    ----------
    pilot : ndarray of bool, shape (units,)
    cluster : ndarray of int, shape (units,)
        Numbers of the clusters of the bootstrap, from 0 without a gap.
    pre, post : int
        Periods.
    mean, control_mean : float
        Events of a pilot, and of another unit, in a period without an effect.
    heterogeneity : float
        Variance of the lasting level of a unit, a gamma variable of mean 1.
    inflation : float
        Variance of a count over its mean, given the level: negative binomial, 1 for Poisson.
    """

    pilot: NDArray[np.bool_]
    cluster: NDArray[np.intp]
    pre: int
    post: int
    mean: float
    control_mean: float
    heterogeneity: float = 1.0
    inflation: float = 1.0

    @property
    def clusters(self) -> int:
        """Number of clusters.

        Returns
        -------
        int
        """
        return int(self.cluster.max()) + 1


def simulate_power(
    like: Comparison,
    ratios: Sequence[float],
    *,
    draws: int,
    seed: int,
    level: float = 0.05,
    ci_level: float = 0.95,
) -> Estimates:
    """Return how often the score bootstrap by cluster finds effects of given size.

    Parameters
    ----------
    like : Comparison
    ratios : sequence of float
        Rate ratios to draw; 1 gives the size of the test.
    draws : int
        Panels a ratio.
    seed : int
        Panels of all ratios share it.
    level : float
        A p-value up to this counts as found.
    ci_level : float
        Level of the Monte Carlo interval of each rate (Clopper-Pearson).

    Returns
    -------
    Estimates
        As `power.simulate_power`. The test is that of ``counts.fit_poisson(inference="wild_score")`` without
        exposure: all sign patterns where there are at most 9,999, else 999 draws of Webb's weights. A
        panel in which an arm has no event before or after counts as not found, as no ratio is estimated.

    Raises
    ------
    DataError
        If `draws` or `seed` is no such number.

    Notes
    -----
    Counts are independent given a unit's level, so clusters matter for the test alone; exposures are equal.

    References
    ----------
    Kline and Santos (2012), Journal of Econometric Methods 1, 23-41: the score bootstrap.
    """
    draws = require_whole_number("draws", draws, least=1)
    require_whole_number("seed", seed)
    weights = _weights(like.clusters, seed)
    found = {ratio: np.concatenate(list(_p_values(like, ratio, draws, seed, weights))) for ratio in ratios}
    return rejections(
        {ratio: values.tolist() for ratio, values in found.items()},
        level=level,
        ci_level=ci_level,
        clusters=like.clusters,
        method=f"Share of drawn panels with p of the score bootstrap by {like.clusters} clusters at most "
        f"{level:g}; {draws} draws a ratio, seed {seed}",
    )


def _weights(clusters: int, seed: int) -> wild_score.Signs:
    draws = 9999 if wild_score.is_enumerable(clusters) else DRAWN_WEIGHTS
    return wild_score.signs(clusters, draws=draws, seed=seed)


def _p_values(
    like: Comparison, ratio: float, draws: int, seed: int, weights: wild_score.Signs
) -> Iterator[Floats]:
    rng, block = np.random.default_rng(seed), max(1, _CELLS // len(like.pilot))
    with waiting.shown(range(0, draws, block), unit="block") as starts:
        for start in starts:
            before, after = drawn_totals(like, ratio, min(block, draws - start), rng)
            testable = _testable(like.pilot, before, after)
            tested = np.full(len(before), np.nan)
            tested[testable] = wild_score.p_values(*scores(like, before[testable], after[testable]), weights)
            yield tested


def drawn_totals(
    like: Comparison, ratio: float, draws: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return events before and after adoption, drawn.

    Parameters
    ----------
    like : Comparison
    ratio : float
        Of the pilots' rate after adoption to that without an effect.
    draws : int
    rng : numpy.random.Generator

    Returns
    -------
    tuple of ndarray, shape (draws, units)
    """
    level = np.ones((draws, len(like.pilot)))
    if like.heterogeneity > 0:
        level = rng.gamma(1 / like.heterogeneity, like.heterogeneity, size=level.shape)
    rate = level * np.where(like.pilot, like.mean, like.control_mean)
    after = like.post * rate * np.where(like.pilot, ratio, 1.0)
    return _counts(like.pre * rate, like.inflation, rng), _counts(after, like.inflation, rng)


def _counts(mean: Floats, inflation: float, rng: np.random.Generator) -> Floats:
    if inflation == 1:
        return rng.poisson(mean).astype(float)
    shape = np.maximum(mean / (inflation - 1), np.finfo(float).tiny)
    return rng.negative_binomial(shape, 1 / inflation).astype(float)


def scores(like: Comparison, before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Return scores and informations of the null model by cluster.

    Parameters
    ----------
    like : Comparison
    before, after : ndarray, shape (draws, units)
        Events of the two windows, some in every draw.

    Returns
    -------
    tuple of ndarray, shape (clusters, draws)
    """
    total = before + after
    share = after.sum(axis=1, keepdims=True) / total.sum(axis=1, keepdims=True)
    treated = like.pilot - (total @ like.pilot / total.sum(axis=1))[:, None]
    parts = (treated * (after - total * share), treated**2 * total * share * (1 - share))
    order = np.argsort(like.cluster, kind="stable")
    starts = np.searchsorted(like.cluster[order], np.arange(like.clusters))
    score, information = (np.add.reduceat(part[:, order], starts, axis=1).T for part in parts)
    return score, information


def _testable(pilot: NDArray[np.bool_], before: Floats, after: Floats) -> NDArray[np.bool_]:
    """Whether every arm has events before and after."""
    cells = [events @ arm.astype(float) > 0 for events in (before, after) for arm in (pilot, ~pilot)]
    return np.asarray(np.logical_and.reduce(cells))
