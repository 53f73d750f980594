"""Staggered adoption: Wooldridge's Poisson model of cohorts and periods, as rate ratios."""

from typing import Any, get_args

import numpy as np
import pandas as pd

from reform_analysis.comparison import Comparison, comparison
from reform_analysis.estimates import (
    DesignError,
    Estimates,
    require_choice,
    require_level,
    require_whole_number,
)
from reform_analysis.periods import period_index
from reform_analysis.treated_ratio import Inference, ratio_of_sums
from reform_analysis.treatment import Coding
from reform_analysis.untreated_cells import Aggregate, Controls, adoption, cells_of, staggered_sample


def staggered(
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
    last_clean_period: Any = None,
    other_pilot: str | None = None,
    inference: Inference = "score",
    draws: int = 999,
    ci_level: float = 0.95,
    seed: int | np.random.Generator | None = None,
) -> Estimates:
    r"""Rate ratio of treated cells by Wooldridge's extended two-way Poisson model.

    The mean of unit i of cohort g in period t is

    .. math:: \mu_{it} = e_{it} \exp(a_g + \tau_t + \delta_{gt} D_{it}),

    a level a cohort, an effect a period and one :math:`\delta_{gt}` a treated cell. The ATT is a ratio by
    g-computation: expected events of the treated cells with treatment over those without,

    .. math:: \rho = \sum_{D_{it}=1} \mu_{it} \Big/ \sum_{D_{it}=1} e_{it} \exp(a_g + \tau_t) .

    Use it where units adopt in different periods, where two-way fixed effects compare treated with treated.

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
        Whose untreated cells give the periods' effects. "never_treated" fits each cohort with the
        never-treated units alone.
    coding : {"binary", "drop"}
        Whether a period treated in part is a treated one or is left out.
    last_clean_period : str or int, optional
        Periods after it are left out: controls were reformed in them.
    other_pilot : str, optional
        Column that flags units of another reform; controls among them are left out.
    inference : {"score", "delta", "bootstrap"}
        "score": interval and p invert the test that observed less :math:`\rho` times expected events is 0 on
        average: Student's test of the clusters' contributions (`score_test`), solved for :math:`\rho` as in
        Fieller's interval; the hull of the ratios not rejected, and the notes say if it has gaps. "delta":
        cluster-robust sandwich for the log, variance times T/(T - 1) and t with T - 1 degrees of freedom, T
        the clusters with treated cells; too narrow with few of them. "bootstrap": whole clusters drawn
        again, within cohorts where each cluster keeps to one; percentile interval. `std_error` is that of
        "delta" for "score" too.
    draws : int
        Bootstrap draws, at least 99.
    ci_level : float
    seed : int or numpy.random.Generator, optional
        Needed for the bootstrap.

    Returns
    -------
    Estimates
        Scale "rate_ratio". Terms ``att``, ``event_0``, ..., ``cohort_2021``, ... or ``period_2021``, ...
        The notes give events observed and expected. No events observed: estimate 0 without an interval
        (except by bootstrap). None expected: infinite, or NaN for 0 over 0.

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
        With fewer than 30 clusters, or fewer than 6 with pilots.

    Notes
    -----
    Identifying assumption: without treatment the mean rate of every cohort would have moved by the same
    factor from period to period, and none anticipates. The sums of counts and of exposures by cohort and
    period are sufficient, so the fit is one of that table whatever the number of units.
    Without exposure and with "not_yet_treated" cell effects are those of Stata's ``jwdid, method(poisson)``.
    With few treated units or events the score interval is often open above: with 12 of 200 treated and 4
    periods of mean 0.35 before, a third of all intervals are, because such data do not bound the
    counterfactual away from 0; the delta method's are always bounded and cover 92 to 94% there.
    The delta method takes exposures and cohort sizes as given.

    References
    ----------
    Wooldridge (2023), The Econometrics Journal 26, C31-C66.
    """
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
    cells = cells_of(sample, start, groups="cohort")
    return ratio_of_sums(
        cells,
        sample,
        method=f"Poisson ETWFE, cohorts and periods, {controls.replace('_', '-')} controls",
        by=aggregate,
        controls=controls,
        inference=inference,
        shared_level=True,
        ci_level=ci_level,
        draws=draws,
        seed=seed,
    )


def require_arguments(
    *, aggregate: str, controls: str, inference: str, ci_level: float, draws: int, seed: object
) -> None:
    """Raise where an argument of a staggered comparison breaks its rule.

    Parameters
    ----------
    aggregate, controls, inference : str
    ci_level : float
    draws : int
    seed : object

    Raises
    ------
    DataError
        If a choice, the level or the number of draws is none.
    DesignError
        If the bootstrap has no seed.
    """
    require_choice("aggregate", aggregate, get_args(Aggregate))
    require_choice("controls", controls, get_args(Controls))
    require_choice("inference", inference, get_args(Inference))
    require_level(ci_level)
    require_whole_number("draws", draws, least=99)
    if inference == "bootstrap" and seed is None:
        raise DesignError("seed must be given for inference='bootstrap', got None; pass a whole number.")


def adopters(
    df: pd.DataFrame, *, adopted: str, coding: Coding, controls: Controls, period: str, **columns: Any
) -> tuple[Comparison, pd.Series]:
    """Return the sample of a staggered adoption and each row's first treated period.

    Parameters
    ----------
    df : DataFrame
    adopted : str
    coding : {"binary", "drop"}
    controls : {"not_yet_treated", "never_treated"}
    period : str
    **columns
        Arguments of `comparison.comparison`.

    Returns
    -------
    sample : Comparison
    start : Series of float
        First treated period of a row's unit, inf if none; has the rows of the sample's frame. Rows are
        numbered anew: labels of `df` may stand twice.
    """
    df = df.reset_index(drop=True)
    dated = adoption(df, period=period, adopted=adopted, coding=coding)
    treated = dated["treated"] > 0
    pilot = dated["start"] <= period_index(df[period]).max()
    sample = comparison(df, period=period, pilot=pilot, treated=treated, both_arms=False, **columns)
    known = dated["treated"].notna().loc[sample.frame.index]
    sample = sample.only(known, "treated for a part of the period")
    return staggered_sample(sample, dated["start"], controls=controls), dated["start"]
