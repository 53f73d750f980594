"""Ratios for a stated difference in a dose: what one unit of the column means is seldom what is asked."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from reform_analysis.count_sample import Sample
from reform_analysis.estimates import COLUMNS, DesignError, Estimates, require_number
from reform_analysis.wald import RATIOS, vcov_frame


def dose_contrast(result: Estimates, *, sizes: Mapping[str, float]) -> Estimates:
    r"""Return the contrasts of rows that differ by a stated size of a dose.

    .. math:: \exp(s \beta), \quad [\exp(s \, l), \exp(s \, u)]

    The interval is that of the fit on another scale, and the test is the same. The contrast is an effect
    only if the term is as good as randomly assigned given the effects and the other terms, and linear in the
    log of the mean.

    Parameters
    ----------
    result : Estimates
        A fit with unit and period effects or of pooled counts.
    sizes : mapping of str to float
        Term to the difference s in its own unit; one standard deviation, or from 0 to a full share.

    Returns
    -------
    Estimates
        Terms are named ``"dose +0.12"``; everything else is the fit's.

    Raises
    ------
    DesignError
        If a term is not in the result.
    DataError
        If a size is no number, or 0.
    """
    unknown = [term for term in sizes if term not in result.to_frame().index]
    if unknown or not sizes:
        raise DesignError(
            f"sizes must name terms of the result, {result.to_frame().index.tolist()}, got {list(sizes)}; "
            "name at least one of these."
        )
    rows = [_contrast(result, term, _size(term, size)) for term, size in sizes.items()]
    names = [f"{term} {size:+g}" for term, size in sizes.items()]
    scaling = np.array([float(size) for size in sizes.values()])
    vcov = None
    if result.vcov is not None:
        vcov = vcov_frame(result.vcov.loc[[*sizes], [*sizes]].to_numpy() * np.outer(scaling, scaling), names)
    frame = pd.DataFrame(rows, index=pd.Index(names, name="term"), columns=list(COLUMNS))
    return replace(result, frame=frame, vcov=vcov, adjusted_p=None, p_central=None)


def _size(term: str, size: object) -> float:
    number = require_number(f"sizes[{term!r}]", size, way_out="pass the difference in the dose.")
    if number == 0 or not np.isfinite(number):
        raise DesignError(f"sizes[{term!r}] must not be 0 or infinite, got {number}; pass a difference.")
    return number


def _contrast(result: Estimates, term: str, size: float) -> list[float]:
    estimate, error, low, high, p = result.to_frame().loc[term]
    if result.scale in RATIOS:
        moved = [each**size for each in (estimate, low, high)]
    else:
        moved = [each * size for each in (estimate, low, high)]
    return [moved[0], abs(size) * error, min(moved[1:]), max(moved[1:]), p]


def with_dose_notes(result: Estimates, sample: Sample) -> Estimates:
    """Return the result with a note for each dose: its ratio per unit, per standard deviation, in words.

    Parameters
    ----------
    result : Estimates
    sample : Sample
        The rows used. Terms of 0 and 1 are no doses.

    Returns
    -------
    Estimates
    """
    notes = [
        _note(result, name, float(values.std(ddof=1)))
        for name, values in zip(sample.terms, sample.terms_values.T, strict=True)
        if not np.isin(values, (0.0, 1.0)).all()
    ]
    return replace(result, frame=result.to_frame(), notes=(*result.notes, *notes))


def _note(result: Estimates, term: str, spread: float) -> str:
    per_unit = float(result.to_frame().loc[term, "estimate"])
    ratio, _, low, high, _ = _contrast(result, term, spread)
    return (
        f"{term}: rate ratio {per_unit:.4g} for 1 more of it; {ratio:.4g} ({low:.4g} to {high:.4g}) for one "
        f"standard deviation more, {spread:.4g} over the rows used; it compares a unit with itself in a "
        f"period when {term} was so much higher, beside what changed for all units"
    )
