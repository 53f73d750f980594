"""The frame of estimates from coefficients and their covariance, by the t or normal distribution."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from reform_analysis.count_sample import Floats, Sample
from reform_analysis.estimates import COLUMNS, Estimates, Scale

RATIOS = ("rate_ratio", "odds_ratio")
SYNTHETIC = "SYNTHETIC data: the numbers say nothing about any reform"


def wald_frame(
    coefficients: Floats,
    vcov: Floats,
    *,
    terms: Sequence[str],
    scale: str,
    ci_level: float,
    df: float | None = None,
) -> pd.DataFrame:
    """Return estimates with symmetric intervals on the scale of the coefficients.

    Parameters
    ----------
    coefficients : ndarray, shape (terms,)
        Logs of ratios on the scales "rate_ratio" and "odds_ratio".
    vcov : ndarray, shape (terms, terms)
    terms : sequence of str
    scale : str
        A scale of `Estimates`.
    ci_level : float
    df : float, optional
        Degrees of freedom of the t distribution; the normal without.

    Returns
    -------
    DataFrame
        Index `term`, columns ``estimate, std_error, ci_low, ci_high, p_value``. Where a variance is not
        positive everything but the estimate is NaN.
    """
    law = norm() if df is None else t(df)
    variance = np.diag(vcov)
    error = np.sqrt(np.where(variance > 0, variance, np.nan))
    reach = law.ppf((1 + ci_level) / 2) * error
    ends = np.column_stack([coefficients, error, coefficients - reach, coefficients + reach])
    if scale in RATIOS:
        ends[:, [0, 2, 3]] = np.exp(ends[:, [0, 2, 3]])
    p = 2 * law.sf(np.abs(coefficients) / error)
    return pd.DataFrame(
        np.column_stack([ends, p]), index=pd.Index(list(terms), name="term"), columns=list(COLUMNS)
    )


def wald_estimates(
    sample: Sample,
    coefficients: Floats,
    vcov: Floats,
    *,
    scale: Scale,
    ci_level: float,
    method: str,
    df: float | None = None,
    clustered: bool = True,
    by_test: pd.DataFrame | None = None,
    notes: Sequence[str] = (),
) -> Estimates:
    """Return the result of a fit: what it estimated, on which rows, and what to mind.

    Parameters
    ----------
    sample : Sample
        The rows used.
    coefficients : ndarray, shape (terms,)
    vcov : ndarray, shape (terms, terms)
    scale : str
    ci_level : float
    method : str
    df : float, optional
        Degrees of freedom of the t distribution; the normal without.
    clustered : bool
        Whether the clusters were used.
    by_test : DataFrame, optional
        Index `term`, columns ``ci_low, ci_high, p_value`` of a test that is inverted, in place of Wald's.
    notes : sequence of str

    Returns
    -------
    Estimates
    """
    frame = wald_frame(coefficients, vcov, terms=sample.terms, scale=scale, ci_level=ci_level, df=df)
    if by_test is not None:
        frame[by_test.columns] = by_test
    return Estimates(
        frame=frame,
        scale=scale,
        ci_level=ci_level,
        method=method,
        n_obs=len(sample.outcome),
        n_units=sample.n_units,
        n_clusters=sample.n_clusters if clustered else None,
        vcov=vcov_frame(vcov, sample.terms),
        dropped=sample.dropped,
        synthetic=sample.synthetic,
        notes=(*([SYNTHETIC] if sample.synthetic else []), *notes),
    )


def vcov_frame(vcov: Floats, terms: Sequence[str]) -> pd.DataFrame:
    """Return a covariance with its terms.

    Parameters
    ----------
    vcov : ndarray, shape (terms, terms)
    terms : sequence of str

    Returns
    -------
    DataFrame
        Term x term.
    """
    names = pd.Index(list(terms), name="term")
    return pd.DataFrame(vcov, index=names, columns=names)
