"""Every check of a comparison, run on one panel; a check that cannot run says why.

What a check needs beyond the comparison is a column that many panels lack. Then the report says which one.
`UntestableError` and `DesignError` are what a check raises where the question cannot be put to these data;
they become a sentence. Every other error stops the report.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pandas as pd

from reform_analysis import counts, did, panel, planning, power, robustness
from reform_analysis.conclusions import nothing_to_overturn
from reform_analysis.effect_design import TREATED, Design, attempt, completed
from reform_analysis.estimates import CheckResult, DesignError, Estimates, UntestableError
from reform_analysis.measures import as_numbers, need_columns
from reform_analysis.periods import in_order
from reform_analysis.refits import in_both, joined
from reform_analysis.reliability import FEW_TREATED, UNRELIABLE
from reform_analysis.scorecard import Scorecard
from reform_analysis.specification_curve import SpecificationCurve
from reform_analysis.specifications import EQUAL, EVERY, StratumWeights

EXPOSURES = ("lawsuits_concluded", "disputes", "population")
INTO = ("reconsiderations_filed", "reconsiderations_concluded")
BOUNDS = ("relative_magnitudes", "smoothness")
CURVE = "specification_curve"
LONGEST = 6  # groups shown of a leave-one-out table


@dataclass(frozen=True)
class NotRun:
    """A check that could not run.

    Parameters
    ----------
    name : str
    reason : str
        What the check said of the data; empty where the panel lacks a column for it.
    """

    name: str
    reason: str = ""


Found = CheckResult | NotRun


@dataclass(frozen=True, eq=False)
class Examination:
    """A comparison, its estimate and every check of it.

    Parameters
    ----------
    design : Design
    estimates : Estimates or None
        The result that is checked; None where nothing can be tested.
    checks : dict of str to CheckResult or NotRun
        In the order of the report.
    curve : SpecificationCurve or None
    card : Scorecard or None
        None where there is no estimate.
    """

    design: Design
    estimates: Estimates | None
    checks: dict[str, Found]
    curve: SpecificationCurve | None
    card: Scorecard | None

    @property
    def done(self) -> list[CheckResult]:
        """Return the checks that ran.

        Returns
        -------
        list of CheckResult
        """
        return [check for check in self.checks.values() if isinstance(check, CheckResult)]


@dataclass(frozen=True, eq=False)
class _Subject:
    """What the checks share."""

    whole: pd.DataFrame
    design: Design
    fit: Callable[..., Estimates]
    measures: tuple[str, ...]
    other_pilot: str | None
    reforms: pd.DataFrame | None
    draws: int
    seed: int
    roles: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def frame(self) -> pd.DataFrame:
        return self.design.frame

    @property
    def windows(self) -> dict[str, Any]:
        given = {"outcome": self.design.outcome, "exposure": self.design.exposure}
        return given | {"pre": list(self.design.before), "post": list(self.design.after)}

    @property
    def drawn(self) -> dict[str, Any]:
        return {"draws": self.draws, "seed": self.seed}

    def one(self, role: str) -> str | None:
        """The column of a role that has one."""
        return next(iter(self.roles.get(role, [])), None)


def examine(
    whole: pd.DataFrame,
    design: Design,
    *,
    measures: tuple[str, ...] = (),
    columns: Mapping[str, list[str]] | None = None,
    other_pilot: str | None = None,
    reforms: pd.DataFrame | None = None,
    draws: int = 999,
    seed: int,
) -> Examination:
    """Run every check of a comparison.

    The estimate checked is that of `counts.fit_poisson` with unit and period effects and the score bootstrap.
    The checks repeat the fit with cluster-robust errors and a t distribution: the estimate is the same.

    Parameters
    ----------
    whole : DataFrame
        The panel the comparison was made from; its later periods tell whether controls are reformed then.
    design : Design
    measures : tuple of str
        Doses; those that the panel lacks are left out.
    columns : mapping of str to list of str, optional
        As `roles` returns it.
    other_pilot : str or None
        Column that flags units of another reform.
    reforms : DataFrame or None
        Reforms that ran beside this one, columns of `schema.REFORMS`. By default those of `load_reforms` for
        a panel whose attribute ``reforms`` is "zhejiang", and none for others.
    draws : int
        Of each simulation, bootstrap and relabelling.
    seed : int

    Returns
    -------
    Examination

    Raises
    ------
    DataError
        If a column that was named is missing, or data break a rule.
    """
    given = dict(columns or {})
    need_columns(whole, [name for names in given.values() for name in names])
    asked = {**design.columns, "exposure": design.exposure, "terms": [TREATED], "cluster": design.cluster}
    estimates = attempt(counts.fit_poisson, design.frame, seed=seed, **asked)
    fit = partial(counts.fit_poisson, inference="cluster", **asked)
    there = tuple(name for name in measures if name in whole)
    subject = _Subject(whole, design, fit, there, other_pilot, reforms, draws, seed, given)
    checks = {name: _tried(name, check) for name, check in _planned(subject, estimates).items()}
    curve = _tried(CURVE, partial(_curve, subject))
    checks[CURVE] = curve.result if isinstance(curve, SpecificationCurve) else curve
    checks = {name: _open(found, estimates) for name, found in checks.items()}
    done = [check for check in checks.values() if isinstance(check, CheckResult)]
    card = robustness.scorecard(done, estimates) if estimates is not None and done else None
    return Examination(
        design, estimates, checks, curve if isinstance(curve, SpecificationCurve) else None, card
    )


def _open(found: Found, estimates: Estimates | None) -> Found:
    """A check for information where there is no finding that it could overturn."""
    return nothing_to_overturn(found, estimates) if isinstance(found, CheckResult) else found


def _tried(name: str, check: Callable[[], Any] | None) -> Any:
    """What a check finds, or that it could not run."""
    if check is None:
        return NotRun(name)
    try:
        return check()
    except DesignError as refused:  # UntestableError is one
        return NotRun(name, str(refused))


def _planned(s: _Subject, estimates: Estimates | None) -> dict[str, Callable[[], CheckResult] | None]:
    """Every check by name; None where the panel lacks what it needs."""
    found = {**_selection(s), **_trend(s), **_denominator(s), **_concentration(s), **_coding(s)}
    found |= {"reconcile": _reconcile(s), "oster_delta": partial(_oster, s)}
    if estimates is None:
        return found
    found["e_value"] = partial(robustness.e_value, estimates)
    found["excluded_ratio"] = partial(power.excluded_ratio, estimates)
    found["detectable_ratio"] = partial(planning.detectable_ratio, s.design)
    return found


def _selection(s: _Subject) -> dict[str, Callable[[], CheckResult] | None]:
    return {
        "selection_simulation": partial(robustness.selection_simulation, s.frame, **s.drawn, **s.windows),
        "baseline_shrinkage": partial(robustness.baseline_shrinkage, s.frame, **s.drawn, **s.windows),
        "dose_on_baseline": partial(_dose, s) if s.measures else None,
        "matched": partial(robustness.matched, s.frame, **s.windows),
    }


def _dose(s: _Subject) -> CheckResult:
    base = s.design.before[-1]
    named = [s.design.outcome, *([s.design.exposure] if s.design.exposure else [])]
    moved = panel.changes(
        s.frame, pre=base, post=list(s.design.after), counts=named, measures=list(s.measures)
    )
    doses = [f"{name}_difference" for name in s.measures]
    return robustness.dose_on_baseline(
        moved, measures=doses, outcome=s.design.outcome, seed=s.seed, draws=s.draws
    )


def _trend(s: _Subject) -> dict[str, Callable[[], CheckResult] | None]:
    outcomes = {name: {"exposure": None} for name in s.roles.get("placebo", [])}
    bounds = {kind: partial(_bounds, s, kind) for kind in BOUNDS}
    return {
        **bounds,
        "placebo_dates": partial(robustness.placebo_dates, s.frame, s.fit, treatment=TREATED),
        "placebo_outcomes": partial(robustness.placebo_outcomes, s.frame, s.fit, outcomes=outcomes)
        if outcomes
        else None,
    }


def _bounds(s: _Subject, kind: Any) -> CheckResult:
    asked = {"exposure": s.design.exposure, "cluster": s.design.cluster, "inference": "cluster"}
    events = attempt(did.event_study, s.frame, adopted="adopted", **s.design.columns, **asked)
    if events is None:
        raise UntestableError("the event study must have events in both arms before and after adoption.")
    found = robustness.common_trend_bounds(events, kind=kind)
    return _doubted(found) if any(note.endswith(UNRELIABLE) for note in events.notes) else found


def _doubted(found: CheckResult) -> CheckResult:
    """The bounds without their verdict: their errors are by cluster, and too few hold treated units."""
    sentences = joined(found.sentences, in_both("check.few_treated", n=FEW_TREATED))
    return replace(found, passed=None, sentences=sentences, frame=found.to_frame())


def _exposures(s: _Subject) -> list[str]:
    """Denominators at hand, the report's own first."""
    own = [s.design.exposure] if s.design.exposure else []
    return list(dict.fromkeys([*own, *(name for name in EXPOSURES if name in s.frame)]))


def _with_values(s: _Subject) -> list[str]:
    """Denominators that are not left empty: a blank column would take all rows with it."""
    numbers = as_numbers(s.frame, _exposures(s))
    return [name for name in numbers if (numbers[name] > 0).any()]


def _denominator(s: _Subject) -> dict[str, Callable[[], CheckResult] | None]:
    into = s.roles.get("into") or [name for name in INTO if name in s.frame][:1]
    counted = partial(s.fit, exposure=None)
    shared = {"outcome": s.design.outcome, "treatment": TREATED}
    department, total = s.one("department"), s.one("county_total")
    county = {"county": "county", "county_total": total} if total and "county" in s.frame else {}
    return {
        "exposure_choices": partial(robustness.exposure_choices, s.frame, s.fit, exposures=_exposures(s))
        if _exposures(s)
        else None,
        "displacement": partial(robustness.displacement, s.frame, counted, into=into, **shared)
        if into
        else None,
        "attribution": partial(
            robustness.attribution, s.frame, counted, department=department, **shared, **county
        )
        if department
        else None,
    }


def _concentration(s: _Subject) -> dict[str, Callable[[], CheckResult] | None]:
    net = s.one("net_of_series") or f"{s.design.outcome}_net_of_series"
    given: dict[str, Any] = {"outcome": s.design.outcome, "treatment": TREATED, "exposure": s.design.exposure}
    found: dict[str, Callable[[], CheckResult] | None] = {
        f"leave_one_out_{by}": partial(robustness.leave_one_out, s.frame, s.fit, by=by, **given)
        if by in s.frame
        else None
        for by in ("unit_id", "county", "city")
    }
    found["series_collapse"] = partial(
        robustness.series_collapse,
        s.frame,
        s.fit,
        **given,
        events=net if net in s.frame else None,
        **s.drawn,
    )
    return found


def _coding(s: _Subject) -> dict[str, Callable[[], CheckResult] | None]:
    last, acts = s.design.after[-1], s.one("earlier_acts")
    return {
        "timing_codings": partial(
            robustness.timing_codings, s.frame, s.fit, treatment=TREATED, earlier_acts=acts
        ),
        "contamination": partial(
            robustness.contamination,
            _with_later(s),
            s.fit,
            treatment=TREATED,
            other_pilot=s.other_pilot,
            strata=s.design.strata,
            **s.windows,
            **s.drawn,
        ),
        "concurrent_reforms": partial(
            robustness.concurrent_reforms, s.reforms, first=s.design.before[0], last=last
        )
        if s.reforms is not None or s.whole.attrs.get("reforms") == "zhejiang"
        else None,
    }


def _with_later(s: _Subject) -> pd.DataFrame:
    """The rows of the estimate and of the same units in later periods; gaps are filled without counts."""
    ordered = in_order(s.whole["period"])
    last = max(ordered.index(name) for name in s.design.after)
    later = s.whole["period"].isin(ordered[last + 1 :]) & s.whole["unit_id"].isin(s.frame["unit_id"])
    rows = pd.concat([s.frame, s.whole[later]], ignore_index=True)
    rows = completed(rows, also=[s.other_pilot] if s.other_pilot else [])
    treated = rows["pilot"].astype(bool) & rows["period"].isin(s.design.after)
    return rows.assign(**{TREATED: treated.astype(float)})


def _reconcile(s: _Subject) -> Callable[[], CheckResult] | None:
    reported, counted = s.one("reported") or s.design.outcome, s.one("counted")
    if counted is None:
        return None
    rows = s.frame.assign(_after=s.frame["period"].isin(s.design.after))
    given = {"reported": reported, "counted": counted, "matched": s.one("matched"), "by": "pilot"}
    return partial(robustness.reconcile, rows, after="_after", unit="unit_id", **given)  # type: ignore[arg-type]


def _oster(s: _Subject) -> CheckResult:
    """A linear fit of units' changes on being a pilot, with the levels before as controls."""
    levels = [s.design.outcome, *_with_values(s)]
    ends = [s.frame[s.frame["period"].isin(part)] for part in (s.design.before, s.design.after)]
    before, after = (rows.groupby("unit_id")[levels].mean().astype(float) for rows in ends)
    pilot = s.frame.groupby("unit_id")["pilot"].first().astype(float)
    changes = before.assign(change=after[s.design.outcome] - before[s.design.outcome], pilot=pilot).dropna()
    changes.attrs = {"synthetic": s.design.synthetic}
    return robustness.oster_delta(
        changes, outcome="change", treatment="pilot", controls=levels, draws=s.draws, seed=s.seed
    )


def _curve(s: _Subject) -> SpecificationCurve:
    late = ~s.frame["period"].eq(s.design.before[-1])
    base = f"without {s.design.before[-1]}"
    several = len(s.design.before) > 1
    codings = {TREATED: TREATED, "fraction": "treated_share"}
    frame = s.frame.assign(_late=late).sort_values(["unit_id", "period"])
    weights: dict[str, Any] = {EQUAL: None}
    if s.design.strata:
        place = frame.drop_duplicates("unit_id")[s.design.strata]
        weights[s.design.strata] = StratumWeights(place.factorize()[0])
    choices = robustness.Choices(
        outcomes=[s.design.outcome],
        codings=codings,
        exposures=[None, *_with_values(s)],
        samples={EVERY: None} | ({base: "_late"} if several else {}),
        weights=weights,
    )
    return robustness.specification_curve(
        frame, s.fit, choices=choices, strata=s.design.strata, cluster=s.design.cluster, **s.drawn
    )
