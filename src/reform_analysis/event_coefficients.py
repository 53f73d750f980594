"""Event-study coefficients in the order that bounds on a common trend need them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reform_analysis.estimates import DesignError, Estimates, UntestableError

Array = NDArray[Any]

_SYMMETRIC = 1e-8  # of correlations: rounding of a fit is far below
_SINGULAR = 1e-10
_TERM = re.compile(r"event_(-?[0-9]+)")


@dataclass(frozen=True, eq=False)
class EventCoefficients:
    """Log rate ratios by event time, the reference period (0 by definition) left out.

    Parameters
    ----------
    coefficients : ndarray of float, shape (pre-periods + post-periods,)
        In the order of event time.
    vcov : ndarray of float
        Their covariance.
    n_pre : int
        How many come before the reference period.
    synthetic : bool
        True if any datum was made up.

    Raises
    ------
    DesignError
        If the shapes do not fit, a number is not finite, or `vcov` is no covariance.
    UntestableError
        If `vcov` has not full rank, or no period lies before the reference period, or none after it.
    """

    coefficients: Array
    vcov: Array
    n_pre: int
    synthetic: bool = False

    def __post_init__(self) -> None:
        values = np.asarray(self.coefficients, dtype=float)
        vcov = np.asarray(self.vcov, dtype=float)
        if values.ndim != 1 or vcov.shape != (len(values), len(values)):
            raise DesignError(
                f"vcov must have one row and column a coefficient, got {vcov.shape} for {values.shape}; "
                "leave the reference period out of both."
            )
        if not (np.isfinite(values).all() and np.isfinite(vcov).all() and (np.diag(vcov) > 0).all()):
            raise DesignError(
                "coefficients and vcov must be finite with positive variances, got others; leave out the "
                "reference period and periods without an estimate."
            )
        _require_covariance(vcov)
        if not 1 <= self.n_pre < len(values):
            raise UntestableError(
                f"n_pre must leave a period before the reference and one after, got {self.n_pre} of "
                f"{len(values)}; a common trend cannot be judged without periods on both sides."
            )
        object.__setattr__(self, "coefficients", values)
        object.__setattr__(self, "vcov", vcov)


def _require_covariance(vcov: Array) -> None:
    """Raise unless a matrix with positive variances is a covariance of full rank."""
    deviations = np.sqrt(np.diag(vcov))
    correlations = vcov / np.outer(deviations, deviations)
    if np.abs(correlations - correlations.T).max() > _SYMMETRIC:
        raise DesignError("vcov must be symmetric, got a matrix that is not; pass covariances, not a factor.")
    least = float(np.linalg.eigvalsh(correlations).min())
    if least < -_SINGULAR:
        raise DesignError(
            f"vcov must have no negative eigenvalue, got one (of the correlations: {least:.3g}); it is no "
            "covariance: pass that of the fit."
        )
    if least <= _SINGULAR:
        rank = np.linalg.matrix_rank(correlations, tol=_SINGULAR)
        raise UntestableError(
            f"vcov must have full rank, got {rank} for {len(vcov)} coefficients, as with fewer clusters than "
            "coefficients; pool periods, or cluster more finely."
        )


def event_coefficients(
    estimates: Estimates, *, event_times: Mapping[str, int] | None = None, reference: int | None = None
) -> EventCoefficients:
    """Return the coefficients of an event study, sorted by event time.

    Parameters
    ----------
    estimates : Estimates
        Scale "rate_ratio" or "log_rate_ratio", with `vcov`.
    event_times : mapping of str to int, optional
        Term to event time; terms it lacks are left out. None reads terms such as "event_-2" and leaves
        others out; without any such term, every term must be a whole number.
    reference : int, optional
        Event time of the reference period; by default that of the estimates, -1 if they name none. A term
        at it is left out: it is 0 by definition.

    Returns
    -------
    EventCoefficients

    Raises
    ------
    DesignError
        If scale, covariance or terms are not those of an event study, or event times have a gap.
    UntestableError
        If there is no period on one side of the reference.
    """
    if estimates.scale not in ("rate_ratio", "log_rate_ratio"):
        raise DesignError(
            f"estimates must be rate ratios of an event study, got scale {estimates.scale!r}; pass the "
            "result of an event study of counts."
        )
    if estimates.vcov is None:
        raise DesignError("estimates must carry vcov, got None; fit with a method that estimates it.")
    frame = estimates.to_frame()
    reference = int(getattr(estimates, "reference", -1)) if reference is None else reference
    times = dict(event_times) if event_times is not None else _times([str(term) for term in frame.index])
    order = sorted((t for t in times if times[t] != reference), key=lambda term: times[term])
    _require_no_gap([times[term] for term in order], reference)
    values = frame.loc[order, "estimate"].to_numpy()
    return EventCoefficients(
        np.log(values) if estimates.scale == "rate_ratio" else values,
        estimates.vcov.loc[order, order].to_numpy(),
        sum(times[term] < reference for term in order),
        estimates.synthetic,
    )


def _times(terms: list[str]) -> dict[str, int]:
    """Event times that the terms themselves name."""
    named = {term: int(match[1]) for term in terms if (match := _TERM.fullmatch(term))}
    return named or {term: _time(term) for term in terms}


def _time(term: str) -> int:
    try:
        return int(term)
    except ValueError:
        raise DesignError(
            f"event_times must tell the event time of every term, got the term {term!r}; pass "
            'a mapping such as {"pre2": -2, "post0": 0}.'
        ) from None


def _require_no_gap(times: list[int], reference: int) -> None:
    every = sorted([*times, reference])
    if every != list(range(every[0], every[-1] + 1)):
        raise DesignError(
            f"event_times must be consecutive with the reference {reference}, got {times}; name the "
            "reference period, or pool the periods."
        )
