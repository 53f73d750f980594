r"""Poisson counts with unit and period effects, unit effects concentrated out; one ratio, many assignments.

Counts of unit i in period t have mean :math:`a_i e_{it} \exp(b_t)\,\varphi_{it}`, with exposure e (0 where
there is no row) and :math:`\varphi = 1 - D + D \rho`, D the share of the period spent under treatment. Given
the unit's total the counts are multinomial, which removes a: units without events drop out of the likelihood.
pyfixest fits one such model well; here ten thousand that differ in D alone are fitted at once.

References
----------
Hausman, Hall and Griliches (1984), Econometrica 52, 909-938.
Cameron and Trivedi (2013), Regression Analysis of Count Data, 2nd ed., section 9.4.
"""

from dataclasses import dataclass

import numpy as np

from reform_analysis import waiting
from reform_analysis.permutation import Floats, Integers

_FIT_STEPS = 100
_LONGEST = 2.0  # a step of a log effect; Newton overshoots far from the maximum
_SMALL = 1e-9
_REFIT_STEPS = 60
_REFIT_SMALL = 1e-6  # the error after such a step is of the order of its square
_DIVERGED = 25.0
_FAR = 5.0  # where an estimate has not settled in all these steps, it creeps to infinity
_RIDGE = 1e-9
_CELLS = 2**18
# Products of matrices this small stay in one thread: on a busy machine OpenBLAS waits 40 ms for a second one.
_UNTHREADED = 800_000


@dataclass(frozen=True, eq=False)
class PeriodFit:
    """Fit of unit and period effects alone.

    Parameters
    ----------
    log_effects : ndarray, shape (periods,)
        0 where a period has no events.
    expected : ndarray, shape (units, periods)
    """

    log_effects: Floats
    expected: Floats

    def information(self) -> Floats:
        """Return the information on the period effects, unit effects concentrated out.

        Returns
        -------
        ndarray, shape (periods, periods)
            Singular: the level of the period effects is the units'.
        """
        return _information(self.expected)


def _information(expected: Floats) -> Floats:
    total = expected.sum(axis=1, keepdims=True)
    share = np.divide(expected, total, out=np.zeros_like(expected), where=total > 0)
    information: Floats = np.diag(expected.sum(axis=0)) - expected.T @ share
    return information


def fit_periods(counts: Floats, exposure: Floats) -> PeriodFit:
    """Fit unit and period effects by Newton's method.

    Parameters
    ----------
    counts, exposure : ndarray, shape (units, periods)
        An exposure of 0 says that there is no row; any known treatment effect is multiplied in.

    Returns
    -------
    PeriodFit
    """
    events = counts.sum(axis=0)
    some = events > 0
    weight = exposure * some
    total = counts.sum(axis=1, keepdims=True)
    effects = np.zeros(len(events))
    first = _expected(weight, total).sum(axis=0)
    effects[some] = np.log(events[some] / first[some])
    for _ in range(_FIT_STEPS):
        expected = _expected(weight * np.exp(effects), total)
        gap = events - expected.sum(axis=0)
        step = np.linalg.pinv(_information(expected), rcond=1e-12, hermitian=True) @ gap
        effects += np.clip(step, -_LONGEST, _LONGEST)
        if np.abs(step).max() < _SMALL:
            break
    return PeriodFit(effects, _expected(weight * np.exp(effects), total))


def _expected(weight: Floats, total: Floats) -> Floats:
    below = weight.sum(axis=1, keepdims=True)
    expected: Floats = total * np.divide(weight, below, out=np.zeros_like(weight), where=below > 0)
    return expected


def slopes(histories: Floats, ratio: float | Floats) -> Floats:
    r"""Return the derivative of the log mean by the log ratio.

    Parameters
    ----------
    histories : ndarray
        Shares D of periods under treatment.
    ratio : float or ndarray

    Returns
    -------
    ndarray
        :math:`D \rho / (1 - D + D \rho)`: D itself at a ratio of 1, and wherever D is 0 or 1.
    """
    slope: Floats = histories * ratio / (1 - histories + histories * ratio)
    return slope


def at_infinity(
    treated: Floats, before: Floats, others: Floats | None, others_before: Floats | None
) -> Floats:
    """Return where the estimate of the log ratio is infinite.

    Parameters
    ----------
    treated, before : ndarray, shape (rows,)
        Events in treated cells, and in untreated cells of units that are treated at some time.
    others, others_before : ndarray, shape (rows,), or None
        Events of the other units in the same periods as the two; None where adoption is staggered.

    Returns
    -------
    ndarray, shape (rows,)
        -inf without events in treated cells (or the others' earlier ones), inf without the treated units'
        earlier ones (or the others' later ones), else 0. Where both hold the ratio is undefined; -inf is
        returned, so that such a draw counts among the extreme ones.
    """
    low, high = treated == 0, before == 0
    if others is not None and others_before is not None:
        low, high = low | (others_before == 0), high | (others == 0)
    return np.where(low, -np.inf, np.where(high, np.inf, 0.0))


@dataclass(frozen=True, eq=False)
class Refits:
    """Counts ready to be refitted under many assignments.

    Parameters
    ----------
    counts, exposure : ndarray, shape (units, periods)
    histories : ndarray, shape (histories, periods)
        Row 0 is the base history.
    """

    counts: Floats
    exposure: Floats
    histories: Floats

    def log_ratios(self, members: list[Integers], *, start: Floats) -> Floats:
        """Return the maximum likelihood estimate for every assignment.

        Parameters
        ----------
        members : list of ndarray of int, shape (draws, units of the history)
            Units that have history 1, 2, ...; places to leave empty hold the number of units.
        start : ndarray, shape (draws,)
            Where to start; infinite where the estimate is known to be.

        Returns
        -------
        ndarray, shape (draws,)
            Infinite where the likelihood rises without end.
        """
        batch = _Batch.of(self)
        found = start.copy()
        finite = np.flatnonzero(np.isfinite(start))
        rows = max(1, _CELLS // len(batch.total))
        with waiting.shown(range(0, len(finite), rows), unit="block") as begins:
            for begin in begins:
                block = finite[begin : begin + rows]
                chosen = [batch.place[each[block]] for each in members]
                found[block] = batch.newton(chosen, start[block])
        return found


@dataclass(frozen=True, eq=False)
class _Batch:
    """Units with events and periods with events; the last unit is empty, for places without a unit."""

    counts: Floats
    exposure: Floats
    pairs: Floats
    total: Floats
    histories: Floats
    effects: Floats
    place: Integers

    @classmethod
    def of(cls, refits: Refits) -> "_Batch":
        counts, exposure = refits.counts, refits.exposure
        units, periods = counts.sum(axis=1) > 0, counts.sum(axis=0) > 0
        empty = int(units.sum())
        place = np.full(len(units) + 1, empty, dtype=np.intp)
        place[:-1][units] = np.arange(empty)
        counts, exposure = (each[units][:, periods] for each in (counts, exposure))
        effects = fit_periods(counts, exposure).log_effects
        exposure = np.vstack([exposure, np.ones(exposure.shape[1])])
        counts = np.vstack([counts, np.zeros(counts.shape[1])])
        upper = np.triu_indices(counts.shape[1])
        pairs = exposure[:, upper[0]] * exposure[:, upper[1]]
        return cls(counts, exposure, pairs, counts.sum(axis=1), refits.histories[:, periods], effects, place)

    def newton(self, members: list[Integers], start: Floats) -> Floats:
        """Newton's method on period effects and log ratio, one row a draw; settled rows leave."""
        log_ratio = start.copy()
        effects = np.tile(self.effects, (len(start), 1))
        own = [self.exposure[each] for each in members]
        events = [self.counts[each].sum(axis=1) for each in members]
        left = np.arange(len(start))
        for _ in range(_REFIT_STEPS):
            step = self._step(
                effects[left],
                log_ratio[left],
                members=[each[left] for each in members],
                own=[each[left] for each in own],
                events=[each[left] for each in events],
            )
            longest = np.abs(step).max(axis=1)
            step *= np.minimum(1, _LONGEST / np.maximum(longest, _SMALL))[:, None]
            effects[left] += step[:, :-1]
            log_ratio[left] += step[:, -1]
            gone = np.abs(log_ratio[left]) > _DIVERGED
            log_ratio[left[gone]] = np.sign(log_ratio[left[gone]]) * np.inf
            left = left[(longest > _REFIT_SMALL) & ~gone]
            if not len(left):
                break
        far = left[np.abs(log_ratio[left]) > _FAR]
        log_ratio[far] = np.sign(log_ratio[far]) * np.inf
        return log_ratio

    def _step(
        self,
        effects: Floats,
        log_ratio: Floats,
        *,
        members: list[Integers],
        own: list[Floats],
        events: list[Floats],
    ) -> Floats:
        """Score over information, shape (rows, periods + 1); the period with most events stays put."""
        ratio: Floats = np.exp(log_ratio)[:, None]
        weight = np.exp(effects)
        base, slope = _factor(self.histories[0], ratio), slopes(self.histories[0], ratio)
        mean, cross = self._everyone(weight * base)
        moved = [_moments(e, self.total[who], weight * base) for e, who in zip(own, members, strict=True)]
        mean = mean - sum(each[0] for each in moved)
        cross = cross - sum(each[1] for each in moved)
        left_over = self.counts.sum(axis=0) - sum(events)
        groups = [(left_over, mean, cross, slope)]
        for history, e, who, seen in zip(self.histories[1:], own, members, events, strict=True):
            expected, squares = _moments(e, self.total[who], weight * _factor(history, ratio))
            groups.append((seen, expected, squares, slopes(history, ratio)))
        return _solved(groups, reference=int(self.counts.sum(axis=0).argmax()))

    def _everyone(self, weight: Floats) -> tuple[Floats, Floats]:
        """Expected events by period over all units, and the sums of their products over totals."""
        periods, upper = weight.shape[1], np.triu_indices(weight.shape[1])
        mean, products = np.empty_like(weight), np.empty((len(weight), self.pairs.shape[1]))
        rows = max(1, _UNTHREADED // self.pairs.size)
        for begin in range(0, len(weight), rows):
            block = slice(begin, begin + rows)
            below = weight[block] @ self.exposure.T
            share = self.total / below
            mean[block] = weight[block] * (share @ self.exposure)
            products[block] = (share / below) @ self.pairs
        cross = np.empty((len(weight), periods, periods))
        cross[:, upper[0], upper[1]] = cross[:, upper[1], upper[0]] = products
        return mean, cross * weight[:, :, None] * weight[:, None, :]


def _factor(history: Floats, ratio: Floats) -> Floats:
    factor: Floats = 1 - history + history * ratio
    return factor


def _moments(exposure: Floats, total: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """As `_Batch._everyone`, over the members of a history: exposure (rows, members, periods)."""
    below = np.matmul(exposure, weight[:, :, None])[:, :, 0]
    share = total / below
    mean = weight * np.matmul(share[:, None, :], exposure)[:, 0]
    scaled = exposure * (share / below)[:, :, None]
    cross = np.matmul(exposure.transpose(0, 2, 1), scaled)
    return mean, cross * weight[:, :, None] * weight[:, None, :]


def _solved(groups: list[tuple[Floats, Floats, Floats, Floats]], *, reference: int) -> Floats:
    mean, cross = (np.sum([group[at] for group in groups], axis=0) for at in (1, 2))
    seen = sum(group[0] for group in groups)
    rows, periods = mean.shape
    gradient = np.empty((rows, periods + 1))
    information = np.zeros((rows, periods + 1, periods + 1))
    gradient[:, :-1] = seen - mean
    gradient[:, -1] = sum(np.sum(d * (y - mu), axis=1) for y, mu, _, d in groups)
    information[:, :-1, :-1] = -cross
    at = np.arange(periods)
    information[:, at, at] += mean
    mixed = sum(d * mu - np.einsum("rts,rs->rt", b, d + 0 * mu) for _, mu, b, d in groups)
    information[:, :-1, -1] = information[:, -1, :-1] = mixed
    information[:, -1, -1] = sum(
        np.sum(d * d * mu, axis=1) - np.einsum("rt,rts,rs->r", d + 0 * mu, b, d + 0 * mu)
        for _, mu, b, d in groups
    )
    # Periods treated in part: the observed information exceeds the expected one, and steps would overshoot.
    bend = sum(np.sum(d * (1 - d) * (y - mu), axis=1) for y, mu, _, d in groups)
    information[:, -1, -1] += np.maximum(-np.asarray(bend), 0)
    gradient[:, reference] = 0
    information[:, reference, :] = information[:, :, reference] = 0
    information[:, reference, reference] = 1
    # A ridge changes steps, not where they end, and keeps rows solvable whose ratio runs off to infinity.
    diagonal = np.arange(periods + 1)
    information[:, diagonal, diagonal] = information[:, diagonal, diagonal] * (1 + _RIDGE) + _RIDGE**2
    return np.asarray(np.linalg.solve(information, gradient[:, :, None])[:, :, 0], dtype=float)
