r"""What treated cells had over what they would have had: a ratio of sums, with its standard error.

Untreated cells give every treated one a counterfactual count :math:`\hat C_{it}`, and the ratio is

.. math:: \hat\rho = \sum_{D_{it} = 1} Y_{it} \Big/ \sum_{D_{it} = 1} \hat C_{it} .

A ratio of sums keeps units whose counterfactual is 0: they add to the numerator and nothing below it.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from reform_analysis import waiting
from reform_analysis.comparison import Comparison, few_clusters
from reform_analysis.estimates import COLUMNS, Estimates, UntestableError
from reform_analysis.reliability import require_clusters, warned
from reform_analysis.score_test import critical_value, two_sided_p
from reform_analysis.two_way_rates import Floats, TwoWayRates, fit_two_way
from reform_analysis.untreated_cells import Aggregate, Cells, Controls

Inference = Literal["score", "delta", "bootstrap"]


@dataclass(frozen=True, eq=False)
class _Terms:
    """Terms, which one each cell belongs to (-1: none), and their sums."""

    names: list[str]
    of: NDArray[np.intp]
    observed: Floats
    expected: Floats
    clusters: Floats

    @property
    def ratio(self) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio: Floats = self.observed / self.expected
        return ratio


@dataclass(frozen=True, eq=False)
class _Counterfactual:
    """A fit to untreated cells and the cells it predicts."""

    fit: TwoWayRates
    used: Floats
    expected: Floats


def ratio_of_sums(
    cells: Cells,
    sample: Comparison,
    *,
    method: str,
    by: Aggregate,
    controls: Controls,
    inference: Inference,
    shared_level: bool,
    ci_level: float,
    draws: int,
    seed: int | np.random.Generator | None,
) -> Estimates:
    """Return observed over counterfactual counts of the treated cells, by term.

    Parameters
    ----------
    cells : Cells
    sample : Comparison
        Where the cells come from.
    method : str
        The estimator, in words.
    by : {"simple", "event", "cohort", "calendar"}
    controls : {"not_yet_treated", "never_treated"}
    inference : {"score", "delta", "bootstrap"}
    shared_level : bool
        Whether units share the level of a group, so that their own spread is around it.
    ci_level : float
    draws : int
        Bootstrap draws.
    seed : int, numpy.random.Generator or None
        For the bootstrap.

    Returns
    -------
    Estimates
        Scale "rate_ratio".

    Raises
    ------
    DesignError
        If there is a single cluster.
    UntestableError
        If the untreated cells do not identify the counterfactuals.
    """
    require_clusters(int(cells.cluster.max()) + 1)
    parts = _counterfactuals(cells, controls, cells.counts, cells.exposure)
    terms = _terms(cells, parts, by)
    index = pd.Index(terms.names, name="term")
    if inference == "bootstrap":
        drawn = _bootstrap(cells, controls, terms, draws, np.random.default_rng(seed))
        frame, vcov = _percentile(terms, drawn, ci_level)
    else:
        influence = _by_cluster(_influence(cells, parts, terms, shared_level), cells.cluster)
        frame, vcov = _delta(terms, influence, ci_level)
    gaps: list[str] = []
    if inference == "score":
        frame[:, 2:], gaps = _score(cells, parts, terms, ci_level)
    how = {
        "score": "cluster-robust score interval",
        "delta": "delta method, cluster-robust, t",
        "bootstrap": f"cluster bootstrap, {draws} draws",
    }
    return Estimates(
        frame=pd.DataFrame(frame, index=index, columns=list(COLUMNS)),
        scale="rate_ratio",
        ci_level=ci_level,
        method=f"{method}; {by}; {how[inference]}",
        n_obs=int(cells.untreated.sum() + cells.treated.sum()),
        n_units=len(cells.start),
        n_clusters=int(cells.cluster.max()) + 1,
        vcov=pd.DataFrame(vcov, index=index, columns=index),
        dropped=sample.dropped_frame,
        synthetic=sample.synthetic,
        notes=(*sample.notes, *_sum_notes(terms), *gaps, *warned(few_clusters(sample), depth=2)),
    )


def _counterfactuals(
    cells: Cells, controls: Controls, counts: Floats, exposure: Floats
) -> list[_Counterfactual]:
    """One fit for all treated cells; a fit a cohort where only never-treated units are controls."""
    if controls == "not_yet_treated":
        return [_counterfactual(cells, counts, exposure, np.ones(len(cells.start), dtype=bool))]
    never = np.isinf(cells.start)
    return [
        _counterfactual(cells, counts, exposure, never | (cells.start == cohort)) for cohort in cells.cohorts
    ]


def _counterfactual(cells: Cells, counts: Floats, exposure: Floats, rows: Any) -> _Counterfactual:
    used = np.where(rows[:, None] & cells.untreated, 1.0, 0.0)
    fit = fit_two_way(_by_group(counts * used, cells), _by_group(exposure * used, cells))
    predicted = np.where(rows[:, None] & cells.treated, exposure, 0.0)
    rates = fit.rates[cells.group]
    expected = np.where(predicted > 0, predicted * rates, 0.0)
    if np.isnan(expected).any():
        raise UntestableError(
            "every treated cell must have untreated cells of its group, got some without; "
            "leave those units out."
        )
    return _Counterfactual(fit, used, expected)


def _expected(parts: list[_Counterfactual]) -> Floats:
    total: Floats = np.sum([part.expected for part in parts], axis=0)
    return total


def _by_group(values: Floats, cells: Cells) -> Floats:
    table = np.zeros((int(cells.group.max()) + 1, values.shape[1]))
    np.add.at(table, cells.group, values)
    return table


def _by_cluster(values: Floats, cluster: Any) -> Floats:
    table = np.zeros((int(cluster.max()) + 1, values.shape[1]))
    np.add.at(table, cluster, values)
    return table


def _sums(values: Floats, of: Any, terms: int) -> Floats:
    inside = of >= 0
    return np.bincount(of[inside], weights=values[inside], minlength=terms).astype(float)


def _unit_sums(values: Floats, terms: _Terms) -> Floats:
    """Units x terms."""
    each = range(len(terms.names))
    return np.column_stack([np.where(terms.of == term, values, 0.0).sum(axis=1) for term in each])


def _terms(cells: Cells, parts: list[_Counterfactual], by: Aggregate) -> _Terms:
    names, of = cells.terms(by)
    treated = [len(np.unique(cells.cluster[(of == term).any(axis=1)])) for term in range(len(names))]
    return _Terms(
        names,
        of,
        observed=_sums(cells.counts, of, len(names)),
        expected=_sums(_expected(parts), of, len(names)),
        clusters=np.array(treated, dtype=float),
    )


def _influence(cells: Cells, parts: list[_Counterfactual], terms: _Terms, shared_level: bool) -> Floats:
    """Units x terms: what each unit adds to the error of the log ratio."""
    above = _unit_sums(_around(cells, parts, terms, shared_level), terms)
    below = np.zeros_like(above)
    for part in parts:
        below += _of_counterfactual(cells, part, terms)
    with np.errstate(divide="ignore", invalid="ignore"):
        influence: Floats = above / terms.observed - below / terms.expected
    return influence


def _around(cells: Cells, parts: list[_Counterfactual], terms: _Terms, shared_level: bool) -> Floats:
    """Treated counts less their mean: their cell's, or the unit's counterfactual times the ratio."""
    if not shared_level:
        with np.errstate(invalid="ignore"):
            left = cells.counts - terms.ratio[terms.of] * _expected(parts)
        return np.where(terms.of >= 0, left, 0.0)
    exposure = np.where(cells.treated, cells.exposure, 0.0)
    events, at_risk = (
        _by_group(each, cells) for each in (np.where(cells.treated, cells.counts, 0.0), exposure)
    )
    rate = np.divide(events, at_risk, out=np.zeros_like(events), where=at_risk > 0)
    return np.where(cells.treated, cells.counts - exposure * rate[cells.group], 0.0)


def _of_counterfactual(cells: Cells, part: _Counterfactual, terms: _Terms) -> Floats:
    """Units x terms: what each unit adds to the error of the counterfactual sum."""
    fit = part.fit
    rates = np.nan_to_num(fit.rates)[cells.group]
    residual = part.used * (cells.counts - cells.exposure * rates)
    total = residual.sum(axis=1)
    events = _by_group(part.used * cells.counts, cells).sum(axis=1)
    score = residual - fit.share[cells.group] * total[:, None]
    period = score @ np.linalg.pinv(fit.information, hermitian=True)
    found = np.zeros((len(total), len(terms.names)))
    for term in range(len(terms.names)):
        table = _by_group(np.where(terms.of == term, part.expected, 0.0), cells)
        by_group = table.sum(axis=1)
        slope = table.sum(axis=0) - by_group @ fit.share
        per_event = np.divide(by_group, events, out=np.zeros_like(by_group), where=events > 0)
        found[:, term] = period @ slope + per_event[cells.group] * total
    return found


def _delta(terms: _Terms, influence: Floats, ci_level: float) -> tuple[Floats, Floats]:
    """Estimates on the log scale; t with the treated clusters less one."""
    ratio, clusters = terms.ratio, terms.clusters
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.sqrt(clusters / (clusters - 1))
        vcov = (influence * factor).T @ (influence * factor)
        defined = (terms.observed > 0) & (terms.expected > 0) & (clusters > 1)
        vcov = np.where(np.outer(defined, defined), vcov, np.nan)
        error = np.sqrt(np.diag(vcov))
        df = np.maximum(clusters - 1, 1)
        reach = stats.t.ppf((1 + ci_level) / 2, df) * error
        p_value = 2 * stats.t.sf(np.abs(np.log(ratio)) / error, df)
        rows = (ratio, error, ratio * np.exp(-reach), ratio * np.exp(reach), p_value)
    return np.column_stack(rows), vcov


def _score(
    cells: Cells, parts: list[_Counterfactual], terms: _Terms, ci_level: float
) -> tuple[Floats, list[str]]:
    """Terms x 3, bounds and p of the test that observed less ratio times expected events is 0; and gaps."""
    below = _unit_sums(_expected(parts), terms)
    for part in parts:
        below += _of_counterfactual(cells, part, terms)
    above = _by_cluster(_unit_sums(cells.counts, terms), cells.cluster)
    below = _by_cluster(below, cells.cluster)
    pairs = zip(above.T, below.T, terms.expected, strict=True)
    rows = [_score_row(*pair, ci_level=ci_level) for pair in pairs]
    gaps = [
        f"{name}: the ratios not rejected have gaps: some inside the interval are rejected"
        for name, row in zip(terms.names, rows, strict=True)
        if row[3]
    ]
    return np.array([row[:3] for row in rows]), gaps


def _score_row(
    above: Floats, below: Floats, expected: float, *, ci_level: float
) -> tuple[float, float, float, bool]:
    r"""Solve (Y - rC)^2 <= q^2 sum (y_c - r x_c)^2 for r >= 0: the hull; p at r = 1; whether it has a gap."""
    observed, clusters = above.sum(), len(above)
    if observed <= 0 or expected <= 0 or clusters < 2:
        return np.nan, np.nan, np.nan, False
    critical = critical_value(clusters, ci_level)
    squares, cross, other = above @ above, above @ below, below @ below
    at_one = (observed - expected) / np.sqrt(squares - 2 * cross + other)
    a, b, c = (
        expected**2 - critical**2 * other,
        observed * expected - critical**2 * cross,
        observed**2 - critical**2 * squares,
    )
    p_value = two_sided_p(at_one, clusters)
    if b**2 <= a * c:
        return 0.0, np.inf, p_value, False
    roots = np.sort((b + np.array([-1, 1]) * np.sqrt(b**2 - a * c)) / a)
    if a > 0:
        return max(0.0, float(roots[0])), float(roots[1]), p_value, False
    # The test rejects between the roots alone: what lies below the smaller one is accepted too.
    if roots[0] < 0 < roots[1]:
        return float(roots[1]), np.inf, p_value, False
    return 0.0, np.inf, p_value, bool(roots[0] > 0)


def _bootstrap(
    cells: Cells, controls: Controls, terms: _Terms, draws: int, rng: np.random.Generator
) -> Floats:
    """Draws x terms: ratios with whole clusters drawn again, within cohorts where clusters keep to one."""
    of, size = terms.of, len(terms.names)
    drawn = np.empty((draws, size))
    strata = _strata(cells)
    with waiting.shown(range(draws), unit="draw") as numbered:
        for draw in numbered:
            times = np.zeros(int(cells.cluster.max()) + 1)
            for members in strata:
                np.add.at(times, rng.choice(members, size=len(members)), 1.0)
            weight = times[cells.cluster][:, None]
            counts, exposure = cells.counts * weight, cells.exposure * weight
            try:
                parts = _counterfactuals(cells, controls, counts, exposure)
            except UntestableError:
                drawn[draw] = np.nan
                continue
            with np.errstate(divide="ignore", invalid="ignore"):
                drawn[draw] = _sums(counts, of, size) / _sums(_expected(parts), of, size)
    return drawn


def _strata(cells: Cells) -> list[Any]:
    pairs = np.unique(np.column_stack([cells.cluster, cells.start]), axis=0)
    if len(pairs) > int(cells.cluster.max()) + 1:
        return [np.arange(int(cells.cluster.max()) + 1)]
    return [pairs[pairs[:, 1] == start, 0].astype(np.intp) for start in np.unique(pairs[:, 1])]


def _percentile(terms: _Terms, drawn: Floats, ci_level: float) -> tuple[Floats, Floats]:
    """Percentile interval; an undefined draw counts as 0 below and as infinite above."""
    alpha = (1 - ci_level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, logs = terms.ratio, np.log(drawn)
    least, most = np.where(np.isnan(drawn), 0.0, drawn), np.where(np.isnan(drawn), np.inf, drawn)
    low = np.quantile(least, alpha, axis=0, method="lower")
    high = np.quantile(most, 1 - alpha, axis=0, method="higher")
    tails = np.minimum((least <= 1).sum(axis=0), (most >= 1).sum(axis=0))
    p_value = np.minimum(1.0, 2 * (tails + 1) / (len(drawn) + 1))
    logs = np.where(np.isfinite(logs).all(axis=0), logs, np.nan)
    vcov = np.atleast_2d(np.cov(logs, rowvar=False))
    rows = (ratio, np.sqrt(np.diag(vcov)), low, high, np.where(np.isnan(ratio), np.nan, p_value))
    return np.column_stack(rows), vcov


def _sum_notes(terms: _Terms) -> tuple[str, ...]:
    rows = zip(terms.names, terms.observed, terms.expected, terms.clusters, strict=True)
    return tuple(
        f"{name}: {seen:g} events observed, {would:.4g} expected without treatment, "
        f"{int(clusters)} treated clusters"
        for name, seen, would, clusters in rows
    )
