"""Cluster score bootstrap of Poisson fixed-effects estimates, the null imposed; intervals by its inversion.

At a value of the coefficient tested the model is fitted without the term, its share of the mean kept as an
offset. What a cluster adds to the score of that coefficient, cleared of the others, is then multiplied by a
random sign: no refit is needed for a draw, and none for the draws of another term.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from reform_analysis.count_sample import Floats, Sample
from reform_analysis.estimates import DesignError
from reform_analysis.fixed_effects import poisson_fit, projected

_WEBB = np.sqrt([0.5, 1.0, 1.5])
_CELLS = 2**16
_FARTHEST = 12.0  # log of the ratio between the term's ends: beyond a factor of 160,000 a bound is infinite
_TIE = 1 - 1e-10  # equal statistics differ by rounding
_PRECISE = 1e-6  # of a bound, in standard errors


@dataclass(frozen=True, eq=False)
class Signs:
    """Random weights of clusters, common to all values tested.

    Parameters
    ----------
    codes : ndarray of int, shape (draws, clusters)
        Positions in `points`.
    points : ndarray
        -1 and 1 (Rademacher) or Webb's six.
    enumerated : bool
        Whether they are all sign patterns (up to a change of all signs), the observed one among them.
    """

    codes: NDArray[np.int8]
    points: Floats
    enumerated: bool

    def blocks(self) -> Iterator[Floats]:
        """Yield the weights, a block of draws at a time that fits a processor's cache.

        Yields
        ------
        ndarray, shape (block, clusters)
        """
        rows = max(1, _CELLS // self.codes.shape[1])
        for start in range(0, len(self.codes), rows):
            yield self.points.take(self.codes[start : start + rows])


def signs(clusters: int, *, draws: int, seed: int | np.random.Generator | None) -> Signs:
    """Return Rademacher weights, all of them, where there are at most `draws` + 1; else Webb's, drawn.

    Parameters
    ----------
    clusters, draws : int
    seed : int, numpy.random.Generator or None

    Returns
    -------
    Signs

    Raises
    ------
    DesignError
        If weights have to be drawn and there is no seed.

    References
    ----------
    Webb (2023), Canadian Journal of Economics 56, 839-858: the six-point distribution.
    """
    if is_enumerable(clusters, draws=draws):
        patterns = np.arange(2 ** (clusters - 1))[:, None] >> np.arange(clusters) & 1
        return Signs(patterns.astype(np.int8), np.array([1.0, -1.0]), enumerated=True)
    if seed is None:
        raise DesignError(
            f"seed must be given where weights are drawn, got None with {clusters} clusters; pass a number."
        )
    codes = np.random.default_rng(seed).integers(6, size=(draws, clusters), dtype=np.int8)
    return Signs(codes, np.concatenate([-_WEBB[::-1], _WEBB]), enumerated=False)


@dataclass(frozen=True, eq=False)
class Score:
    """Score of one coefficient at a value, by cluster.

    Parameters
    ----------
    score, information : ndarray, shape (clusters,)
        Of the coefficient, cleared of fixed effects and the other terms.
    """

    score: Floats
    information: Floats

    @property
    def statistic(self) -> float:
        """Size of the studentised statistic of the data.

        Returns
        -------
        float
        """
        return float(self._sizes(np.ones((1, len(self.score))))[0])

    def drawn(self, weights: Signs) -> Floats:
        """Return the size of the studentised statistic of every draw.

        Parameters
        ----------
        weights : Signs

        Returns
        -------
        ndarray, shape (draws,)
        """
        return np.concatenate([self._sizes(block) for block in weights.blocks()])

    def _sizes(self, block: Floats) -> Floats:
        return _studentised(block, self.score[:, None], self.information[:, None])[:, 0]


def _studentised(block: Floats, score: Floats, information: Floats) -> Floats:
    """Total score over the root of the clusters' squared scores at the estimate one step away.

    Weights are draws x clusters, scores and information clusters x samples, what is returned draws x samples.
    """
    share = information / information.sum(axis=0)
    total, cross = block @ score, block @ (score * share)
    variance = block**2 @ score**2 - 2 * total * cross + total**2 * (share**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(total) / np.sqrt(np.maximum(variance, 0.0))
    return np.where(np.isnan(size), np.inf, size)


def null_score(sample: Sample, at: int, value: float) -> Score:
    """Return the score of a coefficient where it is held at a value.

    Parameters
    ----------
    sample : Sample
    at : int
        Number of the term.
    value : float

    Returns
    -------
    Score
    """
    tested = sample.terms_values[:, at]
    fit = poisson_fit(sample, offset=sample.offset + value * tested, without=at)
    others = np.delete(np.arange(len(sample.terms)), at)
    left = projected(sample, sample.terms_values[:, [at, *others]], fit.mean)
    root = np.sqrt(fit.mean)[:, None]
    slope = np.linalg.lstsq(root * left[:, 1:], root[:, 0] * left[:, 0], rcond=None)[0]
    cleared = left[:, 0] - left[:, 1:] @ slope
    by_cluster = (cleared * (sample.outcome - fit.mean), fit.mean * cleared**2)
    sums = [np.bincount(sample.cluster, weights=each).astype(float) for each in by_cluster]
    return Score(score=sums[0], information=sums[1])


def p_value(score: Score, weights: Signs) -> float:
    """Return the share of draws at least as far from 0 as the data.

    Parameters
    ----------
    score : Score
    weights : Signs

    Returns
    -------
    float
        Exact over all sign patterns where they are enumerated; else with the observed one added.
    """
    return float(p_values(score.score[:, None], score.information[:, None], weights)[0])


def p_values(score: Floats, information: Floats, weights: Signs) -> Floats:
    """Return `p_value` of many samples at once, which share the weights.

    Parameters
    ----------
    score, information : ndarray, shape (clusters, samples)
        As in `Score`; a cluster that a sample lacks adds 0.
    weights : Signs

    Returns
    -------
    ndarray, shape (samples,)
    """
    observed = _studentised(np.ones((1, len(score))), score, information)[0] * _TIE
    beyond = np.zeros(len(observed))
    for block in weights.blocks():
        beyond += (_studentised(block, score, information) >= observed).sum(axis=0)
    added = 0 if weights.enumerated else 1
    return np.asarray((beyond + added) / (len(weights.codes) + added))


def least_p(clusters: int, *, draws: int = 9999) -> float:
    r"""Return the smallest p-value that the bootstrap can give.

    Parameters
    ----------
    clusters, draws : int
        As for `signs`.

    Returns
    -------
    float
        :math:`2^{1 - G}` with all sign patterns of G clusters, as a pattern and its opposite say the same;
        else 1 / (draws + 1).

    Examples
    --------
    >>> least_p(4), least_p(6), least_p(89)
    (0.125, 0.03125, 0.0001)
    """
    return 2.0 ** (1 - clusters) if is_enumerable(clusters, draws=draws) else 1 / (draws + 1)


def is_enumerable(clusters: int, *, draws: int = 9999) -> bool:
    """Return whether all sign patterns are taken, being no more than the draws would be.

    Parameters
    ----------
    clusters, draws : int
        As for `signs`.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_enumerable(13), is_enumerable(14)
    (True, False)
    """
    return clusters < 60 and 2**clusters <= draws + 1


def _margin(score: Score, weights: Signs, level: float) -> float:
    """Distance to rejection: 0 or more exactly where `p_value` exceeds 1 - level."""
    draws = len(weights.codes)
    if weights.enumerated:
        needed = int(np.floor((1 - level) * draws + 1e-9)) + 1
    else:
        needed = int(np.floor((1 - level) * (draws + 1) + 1e-9))
    if needed > draws:
        return -np.inf
    drawn = score.drawn(weights)
    critical = np.partition(drawn, draws - needed)[draws - needed]
    return float(min(critical, 1e6) - score.statistic * _TIE)


def interval(
    sample: Sample, at: int, *, estimate: float, std_error: float, weights: Signs, level: float
) -> tuple[float, float]:
    """Return the values around the estimate that the test does not reject.

    Parameters
    ----------
    sample : Sample
    at : int
        Number of the term.
    estimate, std_error : float
        Where the search begins, and its first step.
    weights : Signs
    level : float

    Returns
    -------
    tuple of float
        Ends on the log scale; infinite where values far beyond any use are not rejected. A rejected value
        may have an accepted one beyond it: the search goes outward from the estimate and stops at the first.
    """
    margin = partial(_margin_at, sample, at, weights, level)
    spread = float(np.ptp(sample.terms_values[:, at]))
    ends = [_bound(margin, estimate, side * std_error, _FARTHEST / spread) for side in (-1, 1)]
    return ends[0], ends[1]


def _margin_at(sample: Sample, at: int, weights: Signs, level: float, value: float) -> float:
    return _margin(null_score(sample, at, value), weights, level)


def _bound(margin: Callable[[float], float], estimate: float, step: float, farthest: float) -> float:
    inner, outer = estimate, estimate + 2 * step
    while margin(outer) >= 0:
        if abs(outer - estimate) > farthest:
            return float(np.sign(step) * np.inf)
        inner, outer = outer, estimate + 1.5 * (outer - estimate)
    return float(brentq(margin, inner, outer, xtol=_PRECISE * abs(step)))
