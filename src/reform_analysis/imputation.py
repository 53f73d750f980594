"""Imputation: unit and period effects of untreated cells say what treated ones would have had."""

import warnings
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from reform_analysis.comparison import Comparison
from reform_analysis.estimates import Estimates, StatisticalWarning, require_choice
from reform_analysis.staggered import adopters, require_arguments
from reform_analysis.treated_ratio import Inference, ratio_of_sums
from reform_analysis.treatment import Coding
from reform_analysis.untreated_cells import Aggregate, Controls, cells_of

ZeroHistory = Literal["keep", "drop"]


def imputation(
    df: pd.DataFrame,
    *,
    outcome: str,
    unit: str,
    period: str,
    adopted: str,
    exposure: str | None = None,
    cluster: str | None = None,
    aggregate: Aggregate = "simple",
    controls: Controls = "not_yet_treated",
    coding: Coding = "binary",
    zero_history: ZeroHistory = "keep",
    last_clean_period: Any = None,
    other_pilot: str | None = None,
    inference: Inference = "score",
    draws: int = 999,
    ci_level: float = 0.95,
    seed: int | np.random.Generator | None = None,
) -> Estimates:
    r"""Rate ratio of treated cells over counterfactuals from Poisson unit and period effects.

    Effects are fitted to untreated cells alone, :math:`\mu_{it} = e_{it} \exp(a_i + \tau_t)`, and

    .. math:: \rho = \sum_{D_{it}=1} Y_{it} \Big/ \sum_{D_{it}=1} e_{it} \exp(\hat a_i + \hat\tau_t) .

    A unit without events before treatment has the counterfactual 0. It stays: what it has afterwards
    belongs to the numerator, as units whose history is too high by chance make up for it below. Leaving
    it out selects on the outcome and finds a fall where there is none.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    outcome, unit, period : str
        Columns; `outcome` holds counts.
    adopted : str
        Column of dates like 2021-05, empty if never; or, with whole-number periods, of the first treated
        period, missing if never.
    exposure : str, optional
        Column of the denominator.
    cluster : str, optional
        Column of the level at which units depend on one another; by default the unit.
    aggregate : {"simple", "event", "cohort", "calendar"}
        One ratio over all treated cells, or one an event time, cohort or period.
    controls : {"not_yet_treated", "never_treated"}
        Whose untreated cells give the periods' effects.
    coding : {"binary", "drop"}
        Whether a period treated in part is a treated one or is left out.
    zero_history : {"keep", "drop"}
        "drop" leaves out treated units without events before treatment, warns, and is there to show what
        it does.
    last_clean_period : str or int, optional
        Periods after it are left out: controls were reformed in them.
    other_pilot : str, optional
        Column that flags units of another reform; controls among them are left out.
    inference : {"score", "delta", "bootstrap"}
        As in `staggered.staggered`; a unit's count varies around its own counterfactual times the ratio.
    draws : int
        Bootstrap draws, at least 99.
    ci_level : float
    seed : int or numpy.random.Generator, optional
        Needed for the bootstrap.

    Returns
    -------
    Estimates
        As `staggered.staggered`. The notes count the treated units with a counterfactual of 0.

    Raises
    ------
    DataError
        If a column is missing or breaks a rule.
    DesignError
        If an argument breaks its rule.
    UntestableError
        If no treated cell has a counterfactual.

    Warns
    -----
    StatisticalWarning
        If units without history are dropped; with fewer than 30 clusters, or fewer than 6 with pilots.

    Notes
    -----
    Identifying assumption: without treatment every unit's mean rate would have moved by the same factor
    from period to period, and none anticipates. On a balanced panel without exposure the estimate is that
    of `staggered.staggered`, because a unit's and its cohort's sums then predict the same total.

    References
    ----------
    Borusyak, Jaravel and Spiess (2024), Review of Economic Studies 91, 3253-3285 (linear).
    Hausman, Hall and Griliches (1984), Econometrica 52, 909-938 (Poisson unit effects).
    """
    require_choice("zero_history", zero_history, get_args(ZeroHistory))
    require_arguments(
        aggregate=aggregate,
        controls=controls,
        inference=inference,
        ci_level=ci_level,
        draws=draws,
        seed=seed,
    )
    sample, start = adopters(
        df,
        adopted=adopted,
        coding=coding,
        controls=controls,
        outcome=outcome,
        exposure=exposure,
        unit=unit,
        period=period,
        cluster=cluster,
        last_clean_period=last_clean_period,
        other_pilot=other_pilot,
    )
    sample = _zero_history(sample, zero_history)
    return ratio_of_sums(
        cells_of(sample, start, groups="unit"),
        sample,
        method=f"Poisson imputation, units and periods, {controls.replace('_', '-')} controls",
        by=aggregate,
        controls=controls,
        inference=inference,
        shared_level=False,
        ci_level=ci_level,
        draws=draws,
        seed=seed,
    )


def _zero_history(sample: Comparison, choice: ZeroHistory) -> Comparison:
    """Count the treated units without events before treatment; leave them out if asked."""
    unit, count = sample.frame[sample.unit], sample.frame[sample.outcome]
    treated = sample.treated
    history = count.where(~treated, 0.0).groupby(unit).transform("sum")
    empty = treated.groupby(unit).transform("any") & (history == 0)
    n, events = unit[empty].nunique(), count[empty & treated].sum()
    if choice == "keep":
        return sample.noted(
            f"{n} treated units have no events before treatment: counterfactual 0, {events:g} events "
            "under treatment; they stay in."
        )
    note = (
        f"zero_history='drop' leaves out {n} treated units and their {events:g} events because of their "
        "outcome: the ratio is too low under no effect at all."
    )
    warnings.warn(note, StatisticalWarning, stacklevel=3)
    kept = sample.only(~empty, "no events before treatment")
    return replace(kept, notes=(*kept.notes, note))
