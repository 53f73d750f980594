"""What makes inference from a panel doubtful: few clusters, few treated ones, few events."""

import warnings
from collections.abc import Iterable

import numpy as np

from reform_analysis.count_sample import Sample
from reform_analysis.estimates import StatisticalWarning, UntestableError

FEW_CLUSTERS = 30
FEW_TREATED = 6
UNRELIABLE = "no test by cluster is reliable"  # a note that ends so takes a check its verdict
EVENTS_PER_PARAMETER = 10


def troubles(sample: Sample, *, clustered: bool, events: bool = True) -> list[str]:
    """Return what makes inference doubtful, in words.

    Parameters
    ----------
    sample : Sample
        The rows used.
    clustered : bool
        Whether the inference is by cluster.
    events : bool
        Whether the outcome counts events.

    Returns
    -------
    list of str
        Fewer than 30 clusters; fewer than 6 clusters with (or without) treated rows, for each term of 0
        and 1; fewer than 10 events for each coefficient and period effect. Unit effects are incidental.

    References
    ----------
    MacKinnon and Webb (2018), Econometrics Journal 21, 114-135: with few treated clusters t-tests reject
    too often, and a wild bootstrap under the null too rarely. The bounds are ours.
    """
    found = [*_few_clusters(sample), *_few_treated(sample)] if clustered else []
    return found + (_little_information(sample) if events else [])


def require_clusters(clusters: int) -> None:
    """Raise where there is a single cluster.

    Parameters
    ----------
    clusters : int
        Their number in the rows used.

    Raises
    ------
    UntestableError
        If inference by cluster is impossible.
    """
    if clusters < 2:
        raise UntestableError(
            "cluster must have two values or more in the rows used, got 1; name a finer one."
        )


def _few_clusters(sample: Sample) -> list[str]:
    if sample.n_clusters >= FEW_CLUSTERS:
        return []
    return [
        f"few clusters: {sample.n_clusters}, fewer than {FEW_CLUSTERS}; tests by the normal distribution "
        "reject too often, those by t may"
    ]


def _few_treated(sample: Sample) -> list[str]:
    found = []
    for name, values in zip(sample.terms, sample.terms_values.T, strict=True):
        if not np.isin(values, (0.0, 1.0)).all():
            continue
        with_treated = len(np.unique(sample.cluster[values == 1]))
        ever = np.bincount(sample.unit, weights=values)[sample.unit] > 0
        with_others = len(np.unique(sample.cluster[~ever]))
        for number, what in ((with_treated, "treated"), (with_others, "never treated")):
            if number < FEW_TREATED:
                found.append(
                    f"few clusters with {what} units: {number} for {name!r}, fewer than {FEW_TREATED}; "
                    f"{UNRELIABLE}"
                )
    return found


def _little_information(sample: Sample) -> list[str]:
    events = sample.outcome.sum()
    parameters = len(sample.terms) + int(sample.period.max())
    if events >= EVENTS_PER_PARAMETER * parameters:
        return []
    return [
        f"little information: {events:g} events for {parameters} coefficients and period effects, fewer than "
        f"{EVENTS_PER_PARAMETER} each"
    ]


def warned(notes: Iterable[str], *, depth: int = 1) -> tuple[str, ...]:
    """Warn of each note once and return them.

    Parameters
    ----------
    notes : iterable of str
    depth : int
        How many calls above the caller the user stands, to whose line the warning is pinned.

    Returns
    -------
    tuple of str
    """
    found = tuple(notes)
    for note in found:
        warnings.warn(note, StatisticalWarning, stacklevel=2 + depth)
    return found
