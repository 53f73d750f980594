"""Leave-one-cluster-out variance of Poisson fixed-effects estimates, with the exposure kept."""

import numpy as np

from reform_analysis.count_sample import Floats, Sample, with_events
from reform_analysis.estimates import UntestableError
from reform_analysis.fixed_effects import poisson_fit, require_separate_terms


def leave_one_out(sample: Sample) -> Floats:
    """Return the coefficients without each cluster in turn.

    Parameters
    ----------
    sample : Sample
        The rows used by the fit.

    Returns
    -------
    ndarray, shape (clusters, terms)

    Raises
    ------
    UntestableError
        If a term has no estimate without one of the clusters.
    """
    return np.array([_without(sample, cluster) for cluster in range(sample.n_clusters)])


def _without(sample: Sample, cluster: int) -> Floats:
    try:
        left = with_events(sample.subset(sample.cluster != cluster))
        require_separate_terms(left)
        return poisson_fit(left).coefficients
    except ValueError as problem:
        raise UntestableError(
            f"terms must have an estimate without any one cluster, got none without cluster {cluster} in the "
            f"order of their values ({problem}); choose another inference."
        ) from None


def jackknife_vcov(coefficients: Floats, without: Floats) -> Floats:
    r"""Return the cluster jackknife covariance, CV3.

    .. math:: \frac{G - 1}{G} \sum_g (\hat\beta_{(g)} - \hat\beta)(\hat\beta_{(g)} - \hat\beta)'

    Parameters
    ----------
    coefficients : ndarray, shape (terms,)
        Of the full sample.
    without : ndarray, shape (clusters, terms)
        As `leave_one_out` returns them.

    Returns
    -------
    ndarray, shape (terms, terms)

    References
    ----------
    MacKinnon, Nielsen and Webb (2023), Journal of Applied Econometrics 38, 671-694.
    """
    away = without - coefficients
    clusters = len(without)
    covariance: Floats = (clusters - 1) / clusters * away.T @ away
    return covariance
