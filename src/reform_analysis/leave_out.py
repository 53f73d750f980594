"""Leave one out: how much rests on one unit, county or city, and on how few of them all of it rests."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from reform_analysis import cell_scores
from reform_analysis.cell_scores import Floats, Integers
from reform_analysis.estimates import CheckResult, DesignError, UntestableError, require_whole_number
from reform_analysis.measures import need_columns, need_constant
from reform_analysis.panel_texts import label
from reform_analysis.refits import (
    FALL,
    NOT_ESTIMATED,
    RISE,
    UNDECIDED,
    Fit,
    Refits,
    Variant,
    as_check,
    in_both,
    in_words,
    joined,
    listed,
    null_value,
    refit_all,
)
from reform_analysis.wording import catalogue, say

EVERYTHING = "all"
_FEW = 15  # groups that are all refitted
_REFITTED = 6  # the most influential ones that are refitted where there are more
_NEAR = 1.15  # a refit is made once the predicted statistic is within this factor of its bound


@dataclass(frozen=True, eq=False)
class Influence:
    """What one step predicts for the removal of each group.

    Parameters
    ----------
    log_ratio : float
        The estimate of all that are left.
    without : ndarray, shape (groups,)
        Log ratio without each group; NaN for groups that are out already, and for one that holds all units
        whose treatment changes.
    statistic : ndarray, shape (groups,)
        The same over its cluster-robust error.
    """

    log_ratio: float
    without: Floats
    statistic: Floats


def influence(
    counts: Floats,
    exposure: Floats,
    treatment: Floats,
    group: Integers,
    *,
    controls: Sequence[Floats] = (),
) -> Influence:
    r"""Return the one-step influence of every group of units on a Poisson log ratio.

    With the treatment cleared of unit effects, period effects and controls, :math:`\tilde x`, the score
    :math:`s_g = \sum_{it \in g} \tilde x_{it} (y_{it} - \hat\mu_{it})` and the information
    :math:`I_g = \sum_{it \in g} \hat\mu_{it} \tilde x_{it}^2` of group g,

    .. math:: \hat\beta_{(-g)} \approx \hat\beta - s_g / (I - I_g),

    exact in the unit effects, which leave with their group, and with the period effects held fixed.

    Parameters
    ----------
    counts, exposure, treatment : ndarray, shape (units, periods)
        An exposure of 0 says that there is no cell.
    group : ndarray of int, shape (units,)
        Codes from 0; -1 for units that are out already.
    controls : sequence of ndarray

    Returns
    -------
    Influence

    Raises
    ------
    UntestableError
        If what is left cannot be fitted.

    References
    ----------
    Pregibon (1981), Annals of Statistics 9, 705-724.
    Broderick, Giordano and Meager (2020), arXiv:2011.14999: how few observations overturn a result.
    """
    inside, size = group >= 0, int(group.max()) + 1
    fit = cell_scores.fit_cells(counts, np.where(inside[:, None], exposure, 0.0), [treatment, *controls])
    cleared = fit.without_control(0).efficient(treatment)
    score = (cleared * fit.residual).sum(axis=1)
    information = (fit.expected * cleared**2).sum(axis=1)
    scores, informations, squares = (
        np.bincount(group[inside], weights=each[inside], minlength=size)
        for each in (score, information, score**2)
    )
    present = np.bincount(group[inside], minlength=size) > 0
    left = np.where(present, information.sum() - informations, np.nan)
    left = np.where((left > 0) & ~_last_treated(exposure, treatment, group, size), left, np.nan)
    without = float(fit.slopes[0]) - scores / left
    error = np.sqrt(np.maximum((score**2).sum() - squares, 0)) / left
    statistic = np.divide(without, error, out=np.full(size, np.nan), where=error > 0)
    return Influence(float(fit.slopes[0]), without, statistic)


def _last_treated(exposure: Floats, treatment: Floats, group: Integers, size: int) -> NDArray[np.bool_]:
    """Which group holds all units whose treatment changes: without it there is no effect to predict."""
    there = exposure > 0
    highest = np.where(there, treatment, -np.inf).max(axis=1)
    lowest = np.where(there, treatment, np.inf).min(axis=1)
    changes = (highest > lowest) & (group >= 0)
    return np.asarray(np.bincount(group[changes], minlength=size) == changes.sum())


def leave_one_out(
    df: pd.DataFrame,
    fit: Fit,
    *,
    outcome: str,
    by: str,
    unit: str = "unit_id",
    period: str = "period",
    treatment: str = "treated_fraction",
    exposure: str | None = None,
    controls: Sequence[str] = (),
    largest: int = 20,
    term: str | None = None,
) -> CheckResult:
    """Return how far one group moves the estimate, and how few groups overturn its sign or significance.

    Groups are ranked by their one-step influence on a Poisson fit (`influence`); with more than 15 the most
    influential ones are refitted, otherwise all. The smallest set is looked for greedily: the group that
    moves most towards the bound leaves, influence is computed anew, and once the bound is near the fit is
    repeated to confirm. The size found is an **upper bound** of the smallest set's. A group without which
    nothing could be estimated, as the last one with pilots, stays; where none else can leave, or a refit is
    refused, the search ends and the notes say at which size.

    Parameters
    ----------
    df : DataFrame
        One row a unit and period.
    fit : callable
        ``fit(df, **spec) -> Estimates`` of rate ratios.
    outcome : str
        Column of the counts that the fit takes; ranking uses it.
    by : str
        Column of the groups: the unit itself, its county, its city; constant within units.
    unit, period, treatment : str
        Columns.
    exposure : str, optional
        Column of the fit's denominator.
    controls : sequence of str
        Columns of the fit's other terms.
    largest : int
        The search stops at sets of this size.
    term : str, optional
        Row of the estimates that is checked; by default the first.

    Returns
    -------
    CheckResult
        Failed if leaving out one group takes a significant estimate its significance or its sign, or makes
        an insignificant one significant. Frame: rows "all", "without <group>", "overturns significance",
        "overturns sign"; columns as of `refits.Refits` with ``n_removed, removed, one_step`` (predicted
        estimate). A set that was not found has missing estimates, and ``reason`` the size up to which it was
        looked for.

    Raises
    ------
    DataError
        If a column is missing, or `by` varies within a unit.
    DesignError
        If there are fewer than three groups, or the fit is not on the scale of ratios.
    UntestableError
        If nothing can be estimated, or not without any one of the groups.

    Notes
    -----
    A group without which nothing can be estimated, as one that holds all treated units, is what the result
    rests on: the check then cannot pass, and names it.
    One-step influence is that of a Poisson fit with unit and period effects whatever `fit` is; only the
    refits are its own. Removal of influential groups is no estimate: it says what the result rests on.
    """
    require_whole_number("largest", largest, least=1)
    need_columns(df, [outcome, by, unit, period, treatment])
    if by != unit:
        need_constant(df, by, unit=unit)
    search = _Search(df, fit, _tables(df, unit, period, (outcome, exposure, treatment, *controls)), by, term)
    main = search.refit({EVERYTHING: []})
    if null_value(main.scale) != 1:
        raise DesignError(f"leave_one_out needs a fit of ratios, got {main.scale!r}; take fit_poisson.")
    search.level = main.ci_level
    search.codes(unit, largest)
    singles = search.singles(main[EVERYTHING])
    sets = {goal: search.smallest(main[EVERYTHING], goal) for goal in ("significance", "sign")}
    return _report(search, main, singles, sets)


def _tables(df: pd.DataFrame, unit: str, period: str, names: tuple[Any, ...]) -> dict[str, Any]:
    """The grid, counts, exposure, treatment and controls as tables."""
    outcome, exposure, treatment, *controls = names
    where = cell_scores.grid(df, unit=unit, period=period)
    counts, below, others = cell_scores.cells(
        df, where, outcome=outcome, exposure=exposure, columns=[treatment, *controls]
    )
    return {
        "grid": where,
        "arrays": (counts, below, others[treatment]),
        "controls": [others[name] for name in controls],
    }


class _Search:
    """The groups, the fit and what was refitted; state of one call of `leave_one_out`."""

    def __init__(self, df: pd.DataFrame, fit: Fit, tables: dict[str, Any], by: str, term: str | None) -> None:
        self.df, self.fit, self.tables, self.by, self.term = df, fit, tables, by, term
        self.notes: dict[str, None] = {}
        self.tried: dict[str, int] = {}
        self.level = 0.95

    def codes(self, unit: str, largest: int) -> None:
        """Number the groups in the order of the units of the grid."""
        of_unit = self.df.drop_duplicates(unit).set_index(unit)[self.by] if self.by != unit else None
        units = self.tables["grid"].units
        names = units if of_unit is None else of_unit.reindex(units)
        self.group, found = pd.factorize(pd.Index(names), sort=True)
        self.names = [str(name) for name in found]
        placeless = int((self.group < 0).sum())
        if placeless:
            self.notes[f"{placeless} units without {self.by} are never left out"] = None
        self.values = list(found)
        self.largest = min(largest, len(found) - 2)
        if len(found) < 3:
            raise DesignError(
                f"by {self.by!r} must have at least three groups, got {len(found)}; take units."
            )

    def influence(self, removed: list[int]) -> Influence:
        group = np.where(np.isin(self.group, removed), -1, self.group)
        counts, exposure, treatment = self.tables["arrays"]
        return influence(counts, exposure, treatment, group, controls=self.tables["controls"])

    def refit(self, sets: dict[str, list[int]]) -> Refits:
        """Refit without the groups of each set."""
        variants = []
        for name, removed in sets.items():
            out = self.df[self.by].isin([self.values[number] for number in removed]) if removed else None
            variants.append(Variant(name, self.df if out is None else self.df[~out]))
        found = refit_all(self.fit, variants, term=self.term)
        self.notes |= dict.fromkeys(found.notes)
        return found

    def singles(self, main: pd.Series) -> pd.DataFrame:
        """The most influential groups, each left out alone and refitted."""
        each = self.influence([])
        moves = pd.Series(np.abs(each.without - each.log_ratio)).fillna(-1).sort_values(ascending=False)
        nearest = pd.Series(_distance(each, main, "significance", self.level)).fillna(np.inf).sort_values()
        n = len(moves) if len(moves) <= _FEW else _REFITTED
        chosen = list(dict.fromkeys([*nearest.index[:n], *moves.index[:n]]))
        frame = self.refit({f"without {self.names[number]}": [number] for number in chosen}).frame
        one_step = np.exp(each.without[chosen])
        return frame.assign(n_removed=1, removed=[self.names[number] for number in chosen], one_step=one_step)

    def smallest(self, main: pd.Series, goal: str) -> pd.DataFrame:
        """One row: the first greedy set whose refit overturns the goal; without estimates where none does."""
        removed: list[int] = []
        name = f"overturns {goal}"
        while len(removed) < self.largest:
            try:
                each = self.influence(removed)
                distance = _distance(each, main, goal, self.level)
                if np.isnan(distance).all():
                    break
                following = [*removed, int(np.nanargmin(distance))]
                row = None if distance[following[-1]] > 0 else self.refit({name: following})
            except UntestableError:  # what is left can no longer be estimated
                break
            removed = following
            if row is not None and _overturned(row[name], main, goal):
                texts = [self.names[number] for number in removed]
                step = float(np.exp(each.without[removed[-1]]))
                return row.frame.assign(n_removed=len(texts), removed=", ".join(texts), one_step=step)
        return self.not_found(goal, len(removed))

    def not_found(self, goal: str, tried: int) -> pd.DataFrame:
        """The row of a set that was not found, and a note where the search had to end early."""
        self.tried[goal] = tried
        if tried < self.largest:
            ended = f"the search for sets that overturn {goal} ended at {tried} groups"
            self.notes[f"{ended}: with more left out nothing can be estimated"] = None
        empty = dict.fromkeys(("estimate", "std_error", "ci_low", "ci_high", "p_value"), np.nan)
        reason = f"not overturned by up to {tried} groups"
        row_of = {**empty, "n_obs": 0, "conclusion": NOT_ESTIMATED, "reason": reason}
        row_of |= {"n_removed": np.nan, "removed": "", "one_step": np.nan}
        return pd.DataFrame(row_of, index=[f"overturns {goal}"])


def _distance(each: Influence, main: pd.Series, goal: str, level: float) -> Floats:
    """How far each removal stays from the goal: at or below 0 it is near enough for a refit."""
    direction = np.sign(np.log(main["estimate"]))
    if goal == "sign":
        return np.asarray(direction * each.without)
    bound = float(norm.isf((1 - level) / 2))
    if main["conclusion"] in (FALL, RISE):
        return np.asarray(direction * each.statistic - _NEAR * bound)
    return np.asarray(bound / _NEAR - direction * each.statistic)


def _overturned(row: pd.Series, main: pd.Series, goal: str) -> bool:
    if row["conclusion"] == NOT_ESTIMATED:
        return False
    if goal == "sign":
        return bool((row["estimate"] - 1) * (main["estimate"] - 1) < 0)
    return bool((row["conclusion"] == UNDECIDED) != (main["conclusion"] == UNDECIDED))


def _report(
    search: _Search, main: Refits, singles: pd.DataFrame, sets: dict[str, pd.DataFrame]
) -> CheckResult:
    whole = main.frame.assign(n_removed=0, removed="", one_step=np.nan)
    frame = pd.concat([whole, singles, *sets.values()])
    possible = singles[singles["conclusion"] != NOT_ESTIMATED]
    if possible.empty:
        raise UntestableError("something must be left to estimate without any one group: all hold too much.")
    overturning = possible[possible["conclusion"] != main[EVERYTHING]["conclusion"]]
    needed = listed(singles.drop(possible.index)["removed"])
    sizes = {goal: _size(found, search.tried.get(goal, 0)) for goal, found in sets.items()}
    kind = "lose" if main[EVERYTHING]["conclusion"] != UNDECIDED else "gain"
    shown = overturning if len(overturning) else possible
    most = str((shown["estimate"].map(np.log) - np.log(main[EVERYTHING]["estimate"])).abs().idxmax())
    sentences = joined(
        in_both(
            f"check.leave_one_out_{'failed' if len(overturning) else 'passed'}",
            by=lambda language: groups_of(search.by, language),
            n=len(search.names),
            does=lambda language: say(f"check.does_{kind}", language),
            **sizes,
            estimate=in_words(main[EVERYTHING], main.ci_level),
            most=singles.loc[most, "removed"],
            other=in_words(singles.loc[most], main.ci_level),
            names=listed(overturning["removed"]),
        ),
        in_both(f"check.leave_one_out_{kind}", **sizes),
        *([in_both("check.leave_one_out_rests", names=needed)] if len(possible) < len(singles) else []),
    )
    passed = False if len(overturning) else None if len(possible) < len(singles) else True
    found = replace(main, frame=frame, notes=tuple(search.notes))
    return as_check("leave_one_out", found, passed=passed, sentences=sentences, variant=search.by)


def groups_of(by: str, language: str) -> str:
    """Return what is left out, in the plural.

    Parameters
    ----------
    by : str
        Column of the groups.
    language : {"zh", "en"}

    Returns
    -------
    str

    Examples
    --------
    >>> groups_of("unit_id", "en"), groups_of("unit_id", "zh"), groups_of("court", "en")
    ('units', '单位', 'groups by court')
    """
    key = f"check.by_{by}"
    if key in catalogue():
        return say(key, language)
    return say("check.by_other", language, name=label(by, None, language))


def _size(found: pd.DataFrame, tried: int) -> Any:
    """The size of a set in words: more than the largest that was tried where none was found."""
    size = found["n_removed"].iloc[0]
    if np.isnan(size):
        return lambda language: in_both("check.more_than", n=tried)[language]
    return lambda _language: f"{int(size)}"
