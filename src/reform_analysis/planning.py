"""What a study of this size could have found: the numbers of its own pilots put into the power formula."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reform_analysis import panel, power
from reform_analysis.bootstrap_power import Comparison
from reform_analysis.effect_design import Design
from reform_analysis.estimates import CheckResult, UntestableError
from reform_analysis.likeness import likeness
from reform_analysis.refits import in_both, joined
from reform_analysis.two_way_rates import fit_two_way


@dataclass(frozen=True)
class StudySize:
    """What decides the power of a comparison, taken from its own rows.

    Parameters
    ----------
    pilots, controls : int
        Units with a count in some period used.
    mean, control_mean : float
        Events of a row before adoption: the level without an effect.
    pre, post : int
        Periods.
    inflation : float
        Variance of a count over its mean, given unit, exposure and period; at least 1.
    clusters : int
        Clusters that hold pilots.
    unmixed : int
        Of these, the clusters without a control: their shocks do not cancel.
    total_before : float
        Events of the pilots before adoption.
    synthetic : bool
    gaps, pilot_gaps : int
        Units, and pilots among them, that lack a count in some period used.
    observed : tuple of float
        Share of the rows that there are: of pilots before and after, of controls before and after.
    """

    pilots: int
    controls: int
    mean: float
    control_mean: float
    pre: int
    post: int
    inflation: float
    clusters: int
    unmixed: int
    total_before: float
    synthetic: bool
    gaps: int = 0
    pilot_gaps: int = 0
    observed: tuple[float, ...] = power.EVERY_ROW

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `power.detectable_ratio`.

        Returns
        -------
        dict
        """
        names = ("pilots", "controls", "mean", "control_mean", "pre", "post", "inflation", "observed")
        return {name: getattr(self, name) for name in names}


def study_size(design: Design) -> StudySize:
    r"""Return what decides the power of a comparison.

    The inflation is the moment estimate

    .. math:: \hat f = \frac{\sum_{it} (y_{it} - n_i s_{it})^2}{\sum_{it} n_i s_{it} (1 - s_{it})}

    with the unit's total :math:`n_i` and the share :math:`s_{it}` of period t that its exposures and
    its arm's period effects give it (`two_way_rates.fit_two_way`), so that neither a lasting level, nor the
    denominator, nor an effect enters. Identifying assumption: given level, exposure and period the counts
    are independent, with variance f times their mean; shocks that units share are not in it.

    Parameters
    ----------
    design : Design
        As `effect_design.design` returns it. A unit that lacks a count in some period counts with the rows
        that it has, as in the fits.

    Returns
    -------
    StudySize

    Raises
    ------
    UntestableError
        If an arm has no event before adoption, or no row after it.
    """
    frame = design.frame
    wide = _by_period(frame, design.outcome).dropna(how="all")
    exposure = wide * 0 + 1 if design.exposure is None else _by_period(frame, design.exposure).loc[wide.index]
    unit = frame.drop_duplicates("unit_id").set_index("unit_id", drop=False).loc[wide.index]
    pilot = unit["pilot"].astype(bool)
    windows = [wide.loc[arm, list(of)] for arm in (pilot, ~pilot) for of in (design.before, design.after)]
    totals = [float(part.sum().sum()) for part in windows]
    rows = [int(part.count().sum()) for part in windows]
    means = [totals[at] / max(rows[at], 1) for at in (0, 2)]
    if not all(means) or not all(rows):
        raise UntestableError(
            f"both arms must have events of {design.outcome!r} before adoption and rows after it, got "
            f"{means} a unit and period before, and {rows[1::2]} rows after; choose longer windows."
        )
    gaps = wide.isna().any(axis=1)
    where = unit.loc[pilot, design.cluster].unique()
    mixed = unit.loc[~pilot, design.cluster].unique()
    return StudySize(
        pilots=int(pilot.sum()),
        controls=int((~pilot).sum()),
        mean=means[0],
        control_mean=means[1],
        pre=len(design.before),
        post=len(design.after),
        inflation=_inflation(wide, exposure, pilot),
        clusters=len(where),
        unmixed=len(set(where) - set(mixed)),
        total_before=totals[0],
        synthetic=design.synthetic,
        gaps=int(gaps.sum()),
        pilot_gaps=int(gaps[pilot].sum()),
        observed=tuple(count / part.size for count, part in zip(rows, windows, strict=True)),
    )


def _by_period(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row a unit, one column a period."""
    return frame.set_index(["unit_id", "period"])[column].unstack().astype(float)  # noqa: PD010


def _inflation(wide: pd.DataFrame, exposure: pd.DataFrame, pilot: pd.Series) -> float:
    """Variance over mean, given units' totals, exposures and each arm's periods; of cells with both."""
    squares = expected = 0.0
    for arm in (pilot, ~pilot):
        per = exposure[arm].where(wide[arm].notna()).fillna(0.0).to_numpy()
        counts = np.where(per > 0, wide[arm].to_numpy(), 0.0)
        share = fit_two_way(counts, per).share
        fitted = counts.sum(axis=1, keepdims=True) * share
        squares += float(((counts - fitted) ** 2).sum())
        expected += float((fitted * (1 - share)).sum())
    return max(squares / expected, 1.0)


def detectable(size: StudySize, **changed: Any) -> float:
    """Return the ratio nearest to 1 that a study of this size finds, by `power.detectable_ratio`.

    Parameters
    ----------
    size : StudySize
    **changed
        Arguments of `power.detectable_ratio` that replace the study's own.

    Returns
    -------
    float
        NaN where not even a ratio of one millionth is found.
    """
    return power.detectable_ratio(**{**size.arguments, **changed})


def detectable_ratio(design: Design, *, target: float = 0.8) -> CheckResult:
    """Say which ratio a comparison finds with the given power, before its result is seen.

    Parameters
    ----------
    design : Design
    target : float
        Probability of finding it.

    Returns
    -------
    CheckResult
        For information; one row, the fields of `StudySize` and ``ratio``.

    Raises
    ------
    UntestableError
        As `study_size`.
    """
    size = study_size(design)
    ratio = detectable(size, power=target)
    row = {**size.arguments, "clusters": size.clusters, "gaps": size.gaps, "ratio": ratio}
    del row["observed"]  # four numbers: no cell of a table
    key = "planning.detectable_none" if np.isnan(ratio) else "planning.detectable"
    values = {**row, "power": 100 * target, "fall": 100 * (1 - ratio)}
    sentences = in_both(key, **values)
    if size.gaps:
        counted = {"gaps": f"{size.gaps:,}", "pilot_gaps": f"{size.pilot_gaps:,}"}
        sentences = joined(sentences, in_both("planning.gaps", **counted))
    return CheckResult(
        name="detectable_ratio",
        passed=None,
        sentences=sentences,
        frame=pd.DataFrame([row], index=pd.Index(["design"], name="row")),
        synthetic=size.synthetic,
    )


def drawn_like(design: Design, size: StudySize) -> Comparison:
    """Return what panels are drawn like to learn the power of a comparison: its units in their clusters.

    Parameters
    ----------
    design : Design
    size : StudySize
        Of `design`.

    Returns
    -------
    bootstrap_power.Comparison
        The means of both arms, the inflation, and the spread of units' lasting levels (`likeness.likeness`,
        from the units without a gap). Panels are drawn without gaps, at means lowered by the share of rows
        that there are.

    Raises
    ------
    UntestableError
        If the spread cannot be told: no case after adoption, or fewer than four units without a gap.
    """
    units = design.frame[design.frame[design.outcome].notna()].drop_duplicates("unit_id")
    pilots, controls = (_rows_there(size, at) for at in (0, 2))
    moved = panel.changes(
        design.frame, pre=list(design.before), post=list(design.after), counts=[design.outcome]
    )
    like = likeness(moved.assign(pilot=moved["pilot"].astype(float)), outcome=design.outcome)
    return Comparison(
        pilot=units["pilot"].to_numpy(dtype=bool),
        cluster=pd.factorize(units[design.cluster], sort=True, use_na_sentinel=False)[0],
        pre=size.pre,
        post=size.post,
        mean=size.mean * pilots,
        control_mean=size.control_mean * controls,
        heterogeneity=like.heterogeneity,
        inflation=size.inflation,
    )


def _rows_there(size: StudySize, at: int) -> float:
    """Share of an arm's rows that there are, over both windows."""
    before, after = size.observed[at : at + 2]
    return (before * size.pre + after * size.post) / (size.pre + size.post)
