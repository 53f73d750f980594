"""Which specifications there are, from outcome to weights, and weights that depend on who is treated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reform_analysis.cell_scores import Floats, Integers
from reform_analysis.estimates import DesignError

CHOICES = ("outcome", "exposure", "coding", "controls", "sample", "weights")
NONE, EVERY, EQUAL = "none", "all", "equal"

_STEPS = 30
_SMALL = 1e-8
_FURTHEST = 30.0  # of a log weight; beyond it the arms do not overlap
_BLOCK = 2**20  # weights held at a time


class Weighting(Protocol):
    """Weights of units that may depend on who is treated, so that every relabelling has its own."""

    def __call__(self, treated: Floats, inside: NDArray[np.bool_], /) -> Floats:
        """Return weights, shape (draws, units), 0 for units that are not inside."""


@dataclass(frozen=True, eq=False)
class Choices:
    """What may reasonably be chosen; every combination is a specification.

    Inference is none of them: another standard error is no other estimate.

    Parameters
    ----------
    outcomes : sequence of str
        Columns of counts.
    codings : mapping of str to str
        Name to column of the time under treatment, 0 in units that are never treated. A period in which a
        coding is missing anywhere is left out of it.
    exposures : sequence of str or None
        Columns of denominators; None for none.
    controls : mapping of str to sequence of str
        Name to columns that vary within units.
    samples : mapping of str to str or None
        Name to column that is true in the rows used; None for all.
    weights : mapping of str to Weighting or None
        Name to weights of units, given who is treated; None for equal ones.

    Raises
    ------
    DesignError
        If a choice has no alternative at all.
    """

    outcomes: Sequence[str]
    codings: Mapping[str, str]
    exposures: Sequence[str | None] = (None,)
    controls: Mapping[str, Sequence[str]] = field(default_factory=lambda: {NONE: ()})
    samples: Mapping[str, str | None] = field(default_factory=lambda: {EVERY: None})
    weights: Mapping[str, Weighting | None] = field(default_factory=lambda: {EQUAL: None})

    def __post_init__(self) -> None:
        for name, of in self._alternatives().items():
            if not of or len(set(of)) < len(of):
                raise DesignError(f"{name} must list each alternative once, got {of}; give at least one.")

    def _alternatives(self) -> dict[str, list[Any]]:
        exposures = [NONE if name is None else name for name in self.exposures]
        named = (self.outcomes, exposures, self.codings, self.controls, self.samples, self.weights)
        return dict(zip(CHOICES, map(list, named), strict=True))

    def frame(self) -> pd.DataFrame:
        """Return every combination.

        Returns
        -------
        DataFrame
            Index `specification` from 1 on, columns ``outcome, exposure, coding, controls, sample, weights``.
        """
        rows = list(product(*self._alternatives().values()))
        return pd.DataFrame(
            rows, columns=list(CHOICES), index=pd.RangeIndex(1, len(rows) + 1, name="specification")
        )


@dataclass(frozen=True, eq=False)
class StratumWeights:
    r"""Controls weighted to the pilots' distribution over strata.

    A pilot weighs 1, a control of stratum s :math:`n_{1s} / n_{0s}`.

    Parameters
    ----------
    stratum : ndarray of int, shape (units,)
        Codes from 0, all units of the panel in order.
    """

    stratum: Integers

    def __call__(self, treated: Floats, inside: NDArray[np.bool_], /) -> Floats:
        """Return the weights of every draw."""
        member = np.eye(int(self.stratum.max()) + 1)[self.stratum] * inside[:, None]
        pilots, controls = treated @ member, (1 - treated) @ member
        share = np.divide(pilots, controls, out=np.zeros_like(pilots), where=controls > 0)
        weights: Floats = np.where(treated > 0, 1.0, share[:, self.stratum]) * inside
        return weights


@dataclass(frozen=True, eq=False)
class BalanceWeights:
    r"""Controls weighted by entropy balancing to the pilots' means.

    A control weighs :math:`\exp(x_i'\lambda)`, with :math:`\lambda` such that the weighted sums of x over the
    controls are the pilots'; solved by Newton's method for all draws at once.

    Parameters
    ----------
    columns : ndarray, shape (units, k)
        What is balanced, all units of the panel in order; missing in those that lack a row.

    References
    ----------
    Hainmueller (2012), Political Analysis 20, 25-46.
    """

    columns: Floats

    def __call__(self, treated: Floats, inside: NDArray[np.bool_], /) -> Floats:
        """Return the weights of every draw; where they do not converge, the last step's."""
        known = self.columns[inside]
        spread = np.where(known.std(axis=0) > 0, known.std(axis=0), 1.0)
        scaled = np.where(inside[:, None], (self.columns - known.mean(axis=0)) / spread, 0.0)
        x = np.column_stack([np.ones(len(self.columns)), scaled])
        rows = max(1, _BLOCK // len(x))
        blocks = [self._solved(treated[at : at + rows], x, inside) for at in range(0, len(treated), rows)]
        return np.concatenate(blocks)

    def _solved(self, treated: Floats, x: Floats, inside: NDArray[np.bool_]) -> Floats:
        target = (treated * inside) @ x
        free = (1 - treated) * inside
        slope = np.zeros((len(treated), x.shape[1]))
        slope[:, 0] = np.log(np.maximum(target[:, 0], 0.5) / np.maximum(free.sum(axis=1), 1))
        outer = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
        for _ in range(_STEPS):
            weights = free * np.exp(np.clip(slope @ x.T, -_FURTHEST, _FURTHEST))
            curvature = (weights @ outer).reshape(-1, x.shape[1], x.shape[1])
            step = np.einsum("bkl,bl->bk", np.linalg.pinv(curvature, hermitian=True), target - weights @ x)
            slope += np.clip(step, -1.0, 1.0)
            if np.abs(step).max() < _SMALL:
                break
        return np.where(treated > 0, inside, free * np.exp(np.clip(slope @ x.T, -_FURTHEST, _FURTHEST)))
