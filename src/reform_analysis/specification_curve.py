"""Specification curve: every reasonable specification, and what relabelling the pilots makes of them all."""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack
from scipy.stats import rankdata

from reform_analysis import cell_scores, waiting
from reform_analysis.assignments import Assignment, matrices
from reform_analysis.cell_scores import CellFit, Floats, Grid, Integers
from reform_analysis.curve_scores import Relabelling, ScoreTables, score_tables, studentised
from reform_analysis.estimates import (
    CheckResult,
    DesignError,
    percent,
    require_choice,
    require_whole_number,
)
from reform_analysis.measures import as_numbers, need_columns, need_constant, need_filled
from reform_analysis.refits import Fit, Variant, in_both, joined, refit_all
from reform_analysis.specifications import Choices, Weighting
from reform_analysis.wording import p_text

__all__ = ["Choices", "SpecificationCurve", "specification_curve"]

Claim = Literal["fall", "rise"]
_TIE = 1e-9


@dataclass(frozen=True, eq=False)
class SpecificationCurve:
    """Every specification with its estimate, and the joint test of all.

    Parameters
    ----------
    frame : DataFrame
        Index `specification`; columns ``outcome, exposure, coding, controls, sample, weights``, those of
        `refits.Refits`, ``score`` (studentised, at the null) and ``p_claimed`` (its rank among the draws,
        one-sided in the claimed direction).
    joint : DataFrame
        Index ``median_score, share_significant``; columns ``observed, null_median, null_extreme, p_value``:
        the statistic, its median over the draws, the bound that 1 less the level of them reach, and p.
    claimed : {"fall", "rise"}
    draws : int
    scale, ci_level : str, float
        Of the estimates.
    synthetic : bool
    notes : tuple of str
    left_out : tuple of int
        Units that lack a row in some period, which no specification uses, and how many of them are treated.
    """

    frame: InitVar[pd.DataFrame]
    joint: pd.DataFrame
    claimed: Claim
    draws: int
    scale: str
    ci_level: float
    synthetic: bool = False
    notes: tuple[str, ...] = ()
    left_out: tuple[int, int] = (0, 0)

    _frame: pd.DataFrame = field(init=False)

    def __post_init__(self, frame: pd.DataFrame) -> None:
        object.__setattr__(self, "_frame", frame.copy())

    def to_frame(self) -> pd.DataFrame:
        """Return the specifications.

        Returns
        -------
        DataFrame
            A copy.
        """
        return self._frame.copy()

    @property
    def result(self) -> CheckResult:
        """The curve as a check.

        Returns
        -------
        CheckResult
            Passed if the median score over all specifications is as extreme in the claimed direction as at
            most 1 less the level of the relabellings.
        """
        p_value = float(self.joint.loc["median_score", "p_value"])
        passed = p_value <= 1 - self.ci_level
        estimates = self._frame["estimate"]
        claimed = (self._frame["p_claimed"] <= (1 - self.ci_level) / 2).mean()
        sentences = in_both(
            f"check.specification_curve_{'passed' if passed else 'failed'}",
            n=len(self._frame),
            median=float(estimates.median()),
            low=float(estimates.min()),
            high=float(estimates.max()),
            share=100 * claimed,
            p=p_text(p_value),
            p_share=p_text(float(self.joint.loc["share_significant", "p_value"])),
            draws=f"{self.draws:,}",
            level=percent((1 - self.ci_level) / 2),
        )
        units, pilots = self.left_out
        if units:
            missing = in_both("check.specification_curve_left_out", n=f"{units:,}", pilots=f"{pilots:,}")
            sentences = joined(sentences, missing)
        return CheckResult("specification_curve", passed, sentences, self._frame, self.synthetic, self.notes)


def specification_curve(
    df: pd.DataFrame,
    fit: Fit,
    *,
    choices: Choices,
    unit: str = "unit_id",
    period: str = "period",
    strata: str | None = None,
    cluster: str | None = None,
    claimed: Claim = "fall",
    draws: int = 1999,
    seed: int | np.random.Generator,
) -> SpecificationCurve:
    r"""Return every specification's estimate, and a randomisation test of all of them at once.

    Each combination of `choices` is fitted. Then one draw relabels the pilots **in all specifications**:
    treatment histories change places between units within strata, weights that depend on who is treated are
    computed anew, and every specification's studentised score at the null is taken (`curve_scores`). Two
    statistics of the whole curve are compared with their draws: the median score, and the share of
    specifications that are significant in the claimed direction (each by its own rank among its draws).

    Parameters
    ----------
    df : DataFrame
        One row a unit and period. Units that lack a row in some period are left out of every specification:
        their history cannot change places with another's.
    fit : callable
        ``fit(df, **spec) -> Estimates``; takes `outcome`, `exposure` and `terms`.
    choices : Choices
    unit, period : str
        Columns.
    strata : str, optional
        Column constant within units; histories change places within its values.
    cluster : str, optional
        Column constant within units; scores are summed within it before they are squared. Units without.
    claimed : {"fall", "rise"}
        Direction of the claim.
    draws : int
    seed : int or numpy.random.Generator

    Returns
    -------
    SpecificationCurve

    Raises
    ------
    DataError
        If a column is missing or no number, or varies within a unit or is empty where it must not.
    DesignError
        If `choices` is none; if fewer than half of the units, or of the treated ones, have a row in every
        period; if no unit is never treated, or none is ever treated.
    UntestableError
        If a specification has no events in two periods.

    Notes
    -----
    Assumed: given its stratum, the history of a unit could as well have been another's, and the sharp null of
    no effect on any outcome in `choices`. The p-values are exact under both, whatever the specifications have
    in common; they say nothing about specifications that all share a fault, as a common trend. A weight w of
    a unit enters a fit as w times its counts, which with unit effects is the weighted likelihood. Samples
    keep the units that they have, whoever is relabelled. Leaving out units with missing rows assumes that
    rows are not missing because of the reform; the estimates are then those of the units left.

    References
    ----------
    Simonsohn, Simmons and Nelson (2020), Nature Human Behaviour 4, 1208-1214.
    """
    if not isinstance(choices, Choices):
        raise DesignError(
            f"choices must be a Choices, got {choices!r}; pass Choices(outcomes=..., codings=...)."
        )
    require_choice("claimed", claimed, ("fall", "rise"))
    draws = require_whole_number("draws", draws, least=1)
    curve = _Curve(df, choices, unit=unit, period=period, cluster=cluster)
    curve.relabel(strata, draws, np.random.default_rng(seed))
    table = choices.frame()
    found = refit_all(fit, [curve.variant(number, row) for number, row in table.iterrows()])
    with waiting.shown(table.iterrows(), total=len(table), unit="specification") as rows:
        scores = np.column_stack([curve.scores(row) for _, row in rows])
    sign = -1.0 if claimed == "fall" else 1.0
    p_claimed, joint = _joint(sign * scores, level=found.ci_level)
    estimated = found.frame.set_axis(table.index)
    frame = pd.concat(
        [table, estimated, pd.DataFrame({"score": scores[0], "p_claimed": p_claimed}, table.index)], axis=1
    )
    notes = *found.notes, *curve.notes()
    return SpecificationCurve(
        frame, joint, claimed, draws, found.scale, found.ci_level, found.synthetic, notes, curve.left_out
    )


def _joint(scores: Floats, *, level: float) -> tuple[Floats, pd.DataFrame]:
    """One-sided p of each specification, and the two statistics of the curve; the first row is observed."""
    total = len(scores)
    ranks = rankdata(-np.round(scores, 9), method="max", axis=0) / total
    statistics = {
        "median_score": np.median(scores, axis=1),
        "share_significant": np.mean(ranks <= (1 - level) / 2, axis=1),
    }
    rows = {}
    for name, values in statistics.items():
        drawn = values[1:]
        rows[name] = {
            "observed": values[0],
            "null_median": np.median(drawn),
            "null_extreme": np.quantile(drawn, level, method="higher"),  # a value that a draw has
            "p_value": (1 + np.sum(drawn >= values[0] - _TIE)) / total,
        }
    return ranks[0], pd.DataFrame.from_dict(rows, orient="index").rename_axis("statistic")


class _Curve:
    """The panel as tables, with what specifications share kept: state of one call."""

    def __init__(
        self, df: pd.DataFrame, choices: Choices, *, unit: str, period: str, cluster: str | None
    ) -> None:
        columns = list(dict.fromkeys(choices.codings.values()))
        need_columns(df, columns)
        every = cell_scores.grid(df, unit=unit, period=period)
        self.complete, self.left_out = _complete(every, as_numbers(df, columns))
        df = df[self.complete[every.row]]
        self.df, self.choices, self.unit = df, choices, unit
        self.grid = cell_scores.grid(df, unit=unit, period=period)
        self.cluster = None if cluster in (None, unit) else self.codes(str(cluster))
        tables = as_numbers(df, columns)
        self.codings = {name: self.grid.table(tables[name].to_numpy()) for name in columns}
        samples = [name for name in choices.samples.values() if name is not None]
        need_columns(df, samples)
        self.inside = {name: df[name].fillna(False).astype(bool).to_numpy() for name in samples}
        self.fits: dict[Any, tuple[CellFit, Any]] = {}
        self.weights: dict[Any, Floats | None] = {}

    def notes(self) -> tuple[str, ...]:
        """Who is left out."""
        units, pilots = self.left_out
        said = (
            f"{units} of {len(self.complete)} units ({pilots} of them treated) lack a row in some period and "
            "are left out of every specification."
        )
        return (said,) if units else ()

    def codes(self, column: str) -> Integers:
        """Codes of a column of units, in the order of the grid."""
        need_columns(self.df, [column])
        need_constant(self.df, column, unit=self.unit)
        need_filled(self.df, column, unit=self.unit)
        values = self.df.drop_duplicates(self.unit).set_index(self.unit)[column].reindex(self.grid.units)
        return np.asarray(pd.factorize(values, sort=True)[0], dtype=np.intp)

    def relabel(self, strata: str | None, draws: int, rng: np.random.Generator) -> None:
        """Draw who has which history; history 0 is never treated."""
        stacked = np.hstack(list(self.codings.values()))
        # A missing share marks a partly treated period: not the same as never treated.
        distinct, code = np.unique(np.nan_to_num(stacked, nan=-1.0), axis=0, return_inverse=True)
        never = np.flatnonzero((distinct == 0).all(axis=1))
        if not len(never) or len(distinct) < 2:
            raise DesignError(
                "codings must have units that are never treated (0 in every period) and treated ones; "
                "multiply the time under treatment by the pilot status."
            )
        order = np.concatenate([never, np.delete(np.arange(len(distinct)), never)])
        histories = np.argsort(order)[code.ravel()]
        first = np.array([np.flatnonzero(histories == number)[0] for number in range(len(distinct))])
        self.paths = {name: table[first[1:]] for name, table in self.codings.items()}
        stratum = np.zeros(len(histories), dtype=np.intp) if strata is None else self.codes(strata)
        self.labels = _relabelled(histories, stratum, draws, rng)

    def rows(self, row: Mapping[str, Any]) -> Any:
        """Rows of the panel in a specification's sample and in the periods that its coding knows."""
        coding = self.codings[self.choices.codings[row["coding"]]]
        known = np.asarray(np.isfinite(coding).all(axis=0))
        sample = self.choices.samples[row["sample"]]
        inside = np.ones(len(self.df), dtype=bool) if sample is None else self.inside[sample]
        return np.asarray(inside & known[self.grid.column])

    def variant(self, number: Any, row: Mapping[str, Any]) -> Variant:
        """The specification as a refit, the pilots as they are."""
        keep, outcome = self.rows(row), row["outcome"]
        weights = self.drawn_weights(row["weights"], keep)
        data = self.df[keep]
        if weights is not None:
            scaled = as_numbers(data, [outcome])[outcome] * weights[0, self.grid.row[keep]]
            data = data.assign(**{outcome: scaled})
        terms = [self.choices.codings[row["coding"]], *self.choices.controls[row["controls"]]]
        return Variant(
            str(number), data, {"outcome": outcome, "exposure": self.exposure(row), "terms": terms}
        )

    def exposure(self, row: Mapping[str, Any]) -> str | None:
        return None if row["exposure"] == "none" else str(row["exposure"])

    def drawn_weights(self, name: str, keep: np.ndarray) -> Floats | None:
        """Weights of every draw, made once for specifications with the same units."""
        weighting = self.choices.weights[name]
        if weighting is None:
            return None
        inside = np.bincount(self.grid.row[keep], minlength=len(self.grid.units)) > 0
        key = name, inside.tobytes()
        if key not in self.weights:
            self.weights[key] = self.weighed(weighting, inside)
        return self.weights[key]

    def weighed(self, weighting: Weighting, inside: NDArray[np.bool_]) -> Floats:
        """Weights of the units in use; a weighting knows all units of the panel."""
        labels = self.labels.treated()
        treated, among = np.zeros((len(labels), len(self.complete))), np.zeros_like(self.complete)
        treated[:, self.complete], among[self.complete] = labels, inside
        weights: Floats = weighting(treated, among)[:, self.complete]
        return weights

    def scores(self, row: Mapping[str, Any]) -> Floats:
        """Studentised scores of a specification, shape (draws + 1,)."""
        keep = self.rows(row)
        key = row["outcome"], row["exposure"], row["controls"], keep.tobytes()
        if key not in self.fits:
            self.fits[key] = self.null_fit(row, keep), {}
        fit, tables = self.fits[key]
        coding = self.choices.codings[row["coding"]]
        if coding not in tables:
            tables[coding] = score_tables(fit, np.nan_to_num(self.paths[coding]))
        made: ScoreTables = tables[coding]
        return studentised(
            made, self.labels, cluster=self.cluster, weights=self.drawn_weights(row["weights"], keep)
        )

    def null_fit(self, row: Mapping[str, Any], keep: np.ndarray) -> CellFit:
        controls = list(self.choices.controls[row["controls"]])
        part = Grid(self.grid.units, self.grid.periods, self.grid.row[keep], self.grid.column[keep])
        counts, exposure, tables = cell_scores.cells(
            self.df[keep], part, outcome=row["outcome"], exposure=self.exposure(row), columns=controls
        )
        return cell_scores.fit_cells(counts, exposure, [tables[name] for name in controls])


def _complete(where: Grid, codings: pd.DataFrame) -> tuple[NDArray[np.bool_], tuple[int, int]]:
    """Units with a row in every period; how many have not, and how many of those are treated."""
    complete = np.bincount(where.row, minlength=len(where.units)) == len(where.periods)
    treated = np.bincount(where.row[(codings != 0).any(axis=1)], minlength=len(where.units)) > 0
    for name, among in {"units": np.ones_like(complete), "treated units": treated}.items():
        kept, total = int(complete[among].sum()), int(among.sum())
        if 2 * kept < total:
            raise DesignError(
                f"at least half of the {name} must have a row in every period, got {kept} of {total}; leave "
                "out periods that few units have."
            )
    return complete, (int((~complete).sum()), int((treated & ~complete).sum()))


def _relabelled(histories: Integers, stratum: Integers, draws: int, rng: np.random.Generator) -> Relabelling:
    """The observed histories in the first row, and draws of them within strata below it."""
    assignment = Assignment(stratum, histories)
    columns = np.vstack([assignment.observed(), assignment.drawn(draws, rng)])
    width = int(histories.max()) * len(histories)
    return Relabelling(csr_array(vstack(list(matrices(columns, width=width)))), len(histories))
