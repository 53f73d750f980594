r"""Randomisation tests of any rate ratio, and the interval of the ratios that they accept.

A ratio of 1 is tested as it stands: counts owe nothing to the assignment. At another ratio they do, and are
made alike in one of two ways. With many treated units, the ratio is held fixed in the fit and residuals
are relabelled. With few, counts are thinned: an event in a cell whose mean the ratio multiplies by
:math:`\varphi` is kept with probability :math:`\min_h \varphi_h / \varphi` (ratio below 1, the smallest over
histories in that period) or :math:`1 / \varphi` (above 1), after which Poisson counts of all units have one
law. An event keeps its random number at all ratios.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from reform_analysis import waiting
from reform_analysis.assignments import Columns
from reform_analysis.permutation import Floats, Integers
from reform_analysis.score_draws import Layout, Scores, scores

TIE = 1e-9
FARTHEST = 10.0  # a ratio of 22,000
_PATIENCE = 5
_PRECISION = 5e-4
_GROWTH = 1.1


@dataclass(frozen=True, eq=False)
class Thinning:
    """Events with a random number each.

    Parameters
    ----------
    cell : ndarray of int, shape (events,)
        Flat number of the cell.
    number : ndarray, shape (events,)
        Uniform between 0 and 1.
    shape : tuple of int
        Units and periods.
    """

    cell: Integers
    number: Floats
    shape: tuple[int, ...]

    @classmethod
    def of(cls, counts: Floats, rng: np.random.Generator) -> "Thinning":
        """Give every event its number.

        Parameters
        ----------
        counts : ndarray, shape (units, periods)
        rng : numpy.random.Generator

        Returns
        -------
        Thinning
        """
        cell = np.repeat(np.arange(counts.size), counts.ravel().astype(np.intp))
        return cls(cell, rng.random(len(cell)), counts.shape)

    def kept(self, probability: Floats) -> Floats:
        """Return counts of the events whose number is below the probability of their cell.

        Parameters
        ----------
        probability : ndarray, shape (units, periods)

        Returns
        -------
        ndarray, shape (units, periods)
        """
        chosen = self.cell[self.number < probability.ravel()[self.cell]]
        return np.bincount(chosen, minlength=probability.size).reshape(self.shape).astype(float)


def keeping(layout: Layout, ratio: float) -> Floats:
    """Return the probability with which thinning keeps an event.

    Parameters
    ----------
    layout : Layout
    ratio : float

    Returns
    -------
    ndarray, shape (units, periods)
    """
    factors = 1 - layout.histories + layout.histories * ratio
    least = factors.min(axis=0) if ratio < 1 else np.ones(factors.shape[1])
    return np.asarray((least / factors)[layout.unit_history])


@dataclass(frozen=True, eq=False)
class RatioTest:
    """The randomisation test of a ratio on common draws.

    Parameters
    ----------
    counts, exposure : ndarray, shape (units, periods)
    layout : Layout
    observed, drawn : ndarray of int, shape (1, slots) and (draws, slots)
        Assignments; `drawn` holds every one, the observed among them, where `enumerated`.
    enumerated : bool
    robust : bool
        Whether scores are divided by robust standard errors; thinned counts never are, being alike.
    thinning : Thinning or None
        None: residuals are relabelled at ratios other than 1.
    """

    counts: Floats
    exposure: Floats
    layout: Layout
    observed: Columns
    drawn: Columns
    enumerated: bool
    robust: bool
    thinning: Thinning | None

    def score(self, ratio: float) -> Scores:
        """Return the score of a ratio.

        Parameters
        ----------
        ratio : float

        Returns
        -------
        Scores
        """
        if self.thinning is None or ratio == 1:
            return scores(self.counts, self.exposure, self.layout, ratio=ratio)
        return scores(self.thinning.kept(keeping(self.layout, ratio)), self.exposure, self.layout)

    def p_values(self, ratio: float) -> "PValues":
        """Return the p-values of a ratio.

        Parameters
        ----------
        ratio : float

        Returns
        -------
        PValues
            1 where thinning has left the treated units no event: nothing speaks against such a ratio.
        """
        score = self.score(ratio)
        if ratio != 1 and not score.treated_events(self.observed)[0]:
            return PValues(1.0, 1.0)
        robust = self.robust and (ratio == 1 or self.thinning is None)
        observed, drawn = (score.statistics(each, robust=robust) for each in (self.observed, self.drawn))
        return p_values(float(observed[0]), drawn, enumerated=self.enumerated)


@dataclass(frozen=True)
class PValues:
    """Two two-sided p-values.

    Parameters
    ----------
    by_size : float
        Share of assignments whose statistic is at least as large in size.
    central : float
        Twice the smaller of the shares at least as large and at least as small, at most 1.
    """

    by_size: float
    central: float


def p_values(observed: float, drawn: Floats, *, enumerated: bool) -> PValues:
    """Return the p-values of an observed statistic.

    Parameters
    ----------
    observed : float
    drawn : ndarray, shape (draws,)
    enumerated : bool
        Whether `drawn` holds every assignment once.

    Returns
    -------
    PValues
        Of shares of the assignments, or of ``(1 + number) / (1 + draws)``.

    References
    ----------
    Phipson and Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9, article 39.
    """
    size = abs(observed) * (1 - TIE)
    slack = 0.0 if np.isinf(observed) else TIE * max(abs(observed), 1.0)
    reached = [np.abs(drawn) >= size, drawn >= observed - slack, drawn <= observed + slack]
    plus = 0 if enumerated else 1
    by_size, above, below = ((plus + int(each.sum())) / (plus + len(drawn)) for each in reached)
    return PValues(by_size, min(1.0, 2 * min(above, below)))


@dataclass(frozen=True)
class Hull:
    """The least and the greatest log ratio accepted, and whether some between them are not.

    Parameters
    ----------
    low, high : float
        NaN where nothing was accepted.
    connected : bool
    """

    low: float
    high: float
    connected: bool


@dataclass
class _Asked:
    """Log ratios tried so far."""

    accepts: Callable[[float], bool]
    tried: Callable[[], object]
    known: dict[float, bool] = field(default_factory=dict)

    def __call__(self, log_ratio: float) -> bool:
        if log_ratio not in self.known:
            self.known[log_ratio] = self.accepts(log_ratio)
            self.tried()
        return self.known[log_ratio]

    def accepted(self) -> list[float]:
        return sorted(at for at, is_in in self.known.items() if is_in)


def hull(accepts: Callable[[float], bool], *, centre: float, step: float) -> Hull:
    """Return the hull of the accepted log ratios.

    A grid with steps that grow by a tenth goes out from the centre on both sides, to five rejections in
    a row or a ratio of 22,000; the outermost change is then bisected. A log ratio of 0 is always on the
    grid. If it is rejected, ratios beyond it are left out, so that the interval holds 1 exactly where the
    test of 1 does not reject.

    Parameters
    ----------
    accepts : callable
        Of a log ratio.
    centre, step : float
        Where to start, best the estimate, and a third of its standard error.

    Returns
    -------
    Hull
        Infinite ends where a ratio of 22,000 (or its inverse) is still accepted.
    """
    with waiting.shown(unit="ratio") as bar:
        return _hull(_Asked(accepts, bar.update), centre, step)


def _hull(asked: _Asked, centre: float, step: float) -> Hull:
    no_effect = asked(0.0)
    ends = {side: _walk(asked, centre, side * step) for side in (-1, 1)}
    accepted = asked.accepted()
    if not no_effect:
        accepted = [at for at in accepted if at * (centre or 1.0) > 0]
    if not accepted:
        return Hull(np.nan, np.nan, True)
    low, high = (_refined(asked, at, side) for at, side in ((accepted[0], -1), (accepted[-1], 1)))
    inside = [is_in for at, is_in in asked.known.items() if low < at < high]
    low, high = (-np.inf if ends[-1] and low < 0 else low), (np.inf if ends[1] and high > 0 else high)
    return Hull(low, high, all(inside))


def _walk(asked: _Asked, centre: float, step: float) -> bool:
    """Try the grid on one side; True where its far end is accepted."""
    at, rejected, far = centre, 0, float(np.sign(step)) * FARTHEST
    while abs(at) < FARTHEST or at * far < 0:
        rejected = 0 if asked(at) else rejected + 1
        if rejected >= _PATIENCE:
            return False
        at, step = at + step, step * _GROWTH
    return asked(far)


def _refined(asked: _Asked, accepted: float, side: int) -> float:
    """Bisect between an accepted ratio and the next one that was rejected outside it."""
    outside = [at for at, is_in in asked.known.items() if not is_in and (at - accepted) * side > 0]
    if not outside:
        return accepted
    rejected = min(outside, key=lambda at: abs(at - accepted))
    while abs(rejected - accepted) > _PRECISION:
        middle = (accepted + rejected) / 2
        if asked(middle):
            accepted = middle
        else:
            rejected = middle
    return accepted
