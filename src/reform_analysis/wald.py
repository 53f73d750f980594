"""The frame of estimates from coefficients and their covariance, by the t or normal distribution."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from reform_analysis.count_sample import Floats
from reform_analysis.estimates import COLUMNS

RATIOS = ("rate_ratio", "odds_ratio")


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
