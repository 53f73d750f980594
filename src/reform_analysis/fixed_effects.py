"""Poisson and linear fits with unit and period effects, through pyfixest; what to mind about it is here."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyfixest
import pyfixest.estimation
from numpy.typing import NDArray
from pyfixest.estimation.models.fepois_ import _check_for_separation_ir
from scipy.linalg import svd
from scipy.sparse import block_array, coo_array
from scipy.sparse.csgraph import connected_components

from reform_analysis.count_sample import Floats, Sample, with_company, with_events
from reform_analysis.estimates import UntestableError

Covariance = Literal["iid", "hc", "cluster"]

# pyfixest keeps the names of fixed effects in a set, whose order depends on PYTHONHASHSEED, and with it the
# last digits of every result and, under its default correction, whether period effects count as parameters.
# So one effect is absorbed, the one with fewer levels becomes dummies (which also makes the projection
# exact), and parameters are counted here.
_CORRECTION = {"k_adj": False, "k_fixef": "none", "G_adj": True}
_VCOV: dict[str, Any] = {"iid": "iid", "hc": "hetero", "cluster": {"CRV1": "cluster"}}
_TOLERANCE = 1e-10  # of the projections; pyfixest's 1e-6 shows in the eighth digit
_DEVIANCE_TOLERANCE = 1e-12
_ITERATIONS = 100
_NO_VARIATION = 1e-6
_NEAR_ZERO = 1e-6  # of the mean count: fitted values below it may tend to 0


@dataclass(frozen=True, eq=False)
class Fit:
    """A fit with fixed effects.

    Parameters
    ----------
    sample : Sample
        The rows used.
    coefficients : ndarray, shape (terms,)
    vcov : ndarray, shape (terms, terms)
    mean : ndarray, shape (n,)
        Fitted values.
    """

    sample: Sample
    coefficients: Floats
    vcov: Floats
    mean: Floats


def poisson(sample: Sample, *, covariance: Covariance = "iid") -> Fit:
    """Fit counts, checked for what has no finite estimate.

    Parameters
    ----------
    sample : Sample
    covariance : {"iid", "hc", "cluster"}

    Returns
    -------
    Fit
        Of the rows that are left without separated ones.

    Raises
    ------
    DesignError
        If terms are collinear with each other or with the fixed effects.
    UntestableError
        If no row is left, or a term separates events from their absence.
    """
    informative = with_events(sample)
    require_separate_terms(informative)
    found = poisson_fit(informative, covariance=covariance)
    separated = _separated(found)
    if not separated.any():
        return found
    left = with_events(informative.only(~separated, "separated: its mean tends to 0"))
    _require_identified(left)
    return poisson_fit(left, covariance=covariance)


def poisson_fit(
    sample: Sample,
    *,
    covariance: Covariance = "iid",
    offset: Floats | None = None,
    without: int | None = None,
) -> Fit:
    """Fit counts on rows that were checked before.

    Parameters
    ----------
    sample : Sample
        As `count_sample.with_events` leaves it, its terms not collinear.
    covariance : {"iid", "hc", "cluster"}
    offset : ndarray, shape (n,), optional
        In place of the sample's.
    without : int, optional
        Number of a term to leave out, for a fit under a null hypothesis.

    Returns
    -------
    Fit

    Raises
    ------
    DesignError
        With "hc", if there are no more rows than parameters.
    UntestableError
        If the iterations do not converge.
    """
    frame, terms, formula = _frame(sample, without)
    frame["offset"] = sample.offset if offset is None else offset
    for tolerance in _tolerances(sample.outcome):
        fitted = _quietly(
            pyfixest.fepois,
            formula,
            data=frame,
            vcov=_VCOV[covariance] if terms else "iid",
            offset="offset",
            ssc=pyfixest.ssc(**_CORRECTION),
            iwls_tol=tolerance,
            iwls_maxiter=_ITERATIONS,
            fixef_rm="none",
            separation_check=[],
            copy_data=False,
        )
        if fitted.convergence:
            break
    else:
        # pyfixest only sets a flag: its test for the last iteration can never be true.
        raise UntestableError(
            f"the fit must converge, got no convergence in {_ITERATIONS} iterations; leave out a term, or "
            "pool periods."
        )
    mean = np.asarray(fitted.predict(type="response"), dtype=float)
    parameters = _all_parameters(sample) if covariance == "hc" and terms else len(terms)
    return _fit(sample, fitted, terms, mean, correction=_correction(len(mean), parameters, covariance))


def _tolerances(outcome: Floats) -> list[float]:
    """Changes of the deviance at which to stop.

    Large counts that the effects alone explain have a deviance near 0 made of terms as large as the counts:
    its rounding errors, of the order of the sum of them, never fall below the first tolerance.
    """
    rounding = float(np.finfo(float).eps * outcome.sum())
    return [_DEVIANCE_TOLERANCE, *([rounding] if rounding > _DEVIANCE_TOLERANCE else [])]


def linear(sample: Sample, *, covariance: Covariance) -> Fit:
    """Fit by least squares.

    Parameters
    ----------
    sample : Sample
    covariance : {"iid", "hc", "cluster"}

    Returns
    -------
    Fit

    Raises
    ------
    DesignError
        If terms are collinear with each other or with the fixed effects.
    """
    sample = with_company(sample)
    require_separate_terms(sample)
    frame, terms, formula = _frame(sample, None)
    frame["outcome"] = sample.outcome / np.exp(sample.offset)
    fitted = _quietly(
        pyfixest.feols,
        formula,
        data=frame,
        vcov=_VCOV[covariance],
        ssc=pyfixest.ssc(**_CORRECTION),
        fixef_rm="none",
        copy_data=False,
    )
    mean = frame["outcome"].to_numpy() - np.asarray(fitted.resid(), dtype=float)
    parameters = len(terms) if covariance == "cluster" else _all_parameters(sample)
    return _fit(sample, fitted, terms, mean, correction=_correction(len(mean), parameters, covariance))


def _all_parameters(sample: Sample) -> int:
    """Terms and effects: what errors that take rows one by one must count, as each effect has few rows."""
    freedom = residual_freedom(sample)
    if freedom < 1:
        rows = len(sample.outcome)
        raise UntestableError(
            f"df must leave more rows than parameters, got {rows} rows for {rows - freedom}; cluster by "
            "unit, or take more periods."
        )
    return len(sample.outcome) - freedom


def _correction(n: int, parameters: int, covariance: Covariance) -> float:
    """pyfixest's own, for the number of parameters; that of the number of clusters it has applied."""
    return (n if covariance == "hc" else n - 1) / (n - parameters)


def residual_freedom(sample: Sample) -> int:
    """Return the number of rows less that of all parameters.

    Parameters
    ----------
    sample : Sample

    Returns
    -------
    int
    """
    levels = [int(getattr(sample, name).max()) + 1 for name in sample.effects]
    shared = 0
    if len(levels) == 2:
        # Units and periods that no rows link are panels of their own: each has one effect too many.
        links = coo_array((np.ones(len(sample.unit)), (sample.unit, sample.period)), shape=levels)
        shared = connected_components(block_array([[None, links], [links.T, None]]), directed=False)[0]
    return len(sample.outcome) - len(sample.terms) - sum(levels) + shared


def _frame(sample: Sample, without: int | None) -> tuple[pd.DataFrame, list[str], str]:
    """Data under plain names, whatever the caller's are; the names of the terms; the formula."""
    *dummied, absorbed = sorted(sample.effects, key=lambda name: int(getattr(sample, name).max()))
    columns = {f"x{at}": sample.terms_values[:, at] for at in range(len(sample.terms)) if at != without}
    terms = list(columns)
    for name in dummied:
        codes = getattr(sample, name)
        columns |= {f"d{level}": (codes == level).astype(float) for level in range(1, int(codes.max()) + 1)}
    codes = {name: getattr(sample, name) for name in ("unit", "period", "cluster")}
    frame = pd.DataFrame({"outcome": sample.outcome, **columns, **codes})
    return frame, terms, f"outcome ~ {' + '.join(columns) or '1'} | {absorbed}"


def _fit(sample: Sample, fitted: Any, terms: list[str], mean: Floats, *, correction: float) -> Fit:
    """The terms' part of a fit."""
    if not terms:
        return Fit(sample, np.empty(0), np.empty((0, 0)), mean)
    with np.errstate(invalid="ignore"):  # it also divides by the errors, which an exact fit has none of
        found = fitted.coef()
    at = [list(found.index).index(name) for name in terms]
    vcov = np.asarray(fitted._vcov, dtype=float)[np.ix_(at, at)] * correction
    return Fit(sample, found.to_numpy(dtype=float)[at], vcov, mean)


def _quietly(estimator: Callable[..., Any], formula: str, **options: Any) -> Any:
    """Call pyfixest, whose use of pandas is deprecated in pandas 3.1; its other warnings pass.

    Terms were checked before, so that only a redundant dummy can be dropped: of panels that no rows link.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", r"\s*\d+ variables dropped due to multicollinearity", UserWarning)
        with np.errstate(invalid="ignore"):  # an exact fit has errors of 0
            return estimator(formula, **options)


def projected(sample: Sample, values: Floats, weights: Floats | None = None) -> Floats:
    """Return columns less their weighted projection on unit and period effects.

    Parameters
    ----------
    sample : Sample
    values : ndarray, shape (n, k)
    weights : ndarray, shape (n,), optional

    Returns
    -------
    ndarray, shape (n, k)
    """
    each = np.ones(len(values)) if weights is None else weights
    found, converged = pyfixest.estimation.demean(
        np.array(values, dtype=float), sample.fixed_effects, np.array(each, dtype=float), tol=_TOLERANCE
    )
    if not converged:
        raise UntestableError("the projection on unit and period effects did not converge; drop a period.")
    return np.asarray(found, dtype=float)


def require_separate_terms(sample: Sample) -> None:
    """Raise where a term cannot be told from the others or from unit and period effects.

    Parameters
    ----------
    sample : Sample

    Raises
    ------
    UntestableError
        Naming the terms. Rows without events are gone: a term may have varied in those alone.
    """
    collinear = _collinear(sample)
    if collinear:
        raise UntestableError(
            f"terms must vary beside the {' and '.join(sample.effects)} effects and each other, got "
            f"{collinear}, which do not in the {len(sample.outcome)} rows that can be used; leave them out."
        )


def _collinear(sample: Sample) -> list[str]:
    """Terms that take part in a linear dependence, from the null space of what the effects leave of them."""
    if not sample.terms:
        return []
    size = np.linalg.norm(sample.terms_values - sample.terms_values.mean(axis=0), axis=0)
    left = projected(sample, sample.terms_values) / np.where(size > 0, size, 1.0)
    norms = np.linalg.norm(left, axis=0)
    flat = norms <= _NO_VARIATION
    varying = np.flatnonzero(~flat)
    if varying.size:
        _, spread, directions = svd(left[:, varying] / norms[varying], full_matrices=False)
        null = np.abs(directions[spread <= _NO_VARIATION])
        flat[varying] = (null > _NO_VARIATION).any(axis=0)
    return [name for name, out in zip(sample.terms, flat, strict=True) if out]


def _separated(found: Fit) -> NDArray[np.bool_]:
    """Rows whose mean tends to 0; looked for only where the fit leaves a fitted value near 0."""
    sample = found.sample
    out = np.zeros(len(sample.outcome), dtype=bool)
    if not ((sample.outcome == 0) & (found.mean < _NEAR_ZERO * sample.outcome.mean())).any():
        return out
    frame, _, formula = _frame(sample, None)
    # fepois(separation_check=["ir"]) finds the rows as well, but raises before it says which, where a term
    # is collinear without them; and that is the usual case.
    unused = frame[["outcome"]]
    rows = _quietly(_check_for_separation_ir, formula, data=frame, Y=unused, X=unused, fe=unused)
    out[sorted(rows)] = True
    return out


def _require_identified(left: Sample) -> None:
    collinear = _collinear(left)
    if collinear:
        raise UntestableError(
            f"terms must have events on both sides, got {collinear}, which separate all events from their "
            "absence: the ratio is 0 or infinite; compare totals by an exact test instead."
        )
