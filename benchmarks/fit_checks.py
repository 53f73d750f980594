"""How often each check of a fit passes, fails or leaves undecided a panel with its fault, and a clean one.

    python benchmarks/fit_checks.py [seeds] [check ...]

without seeds 200.

Panels have 400 units, 80 pilots, 6 periods. The fit is Poisson with unit and period effects and errors
clustered by unit, on arrays so that some ten thousand fits take minutes; the first panel holds that it is
`counts.fit_poisson(inference="cluster")`. Prints the rates with their Monte Carlo errors, and for
displacement how often the interval of the share holds the true one. Exit 1 if a check whose false alarms
have a nominal rate exceeds it by more than two Monte Carlo errors.

Regression to the mean without an effect, and a trend before adoption, are also in
``benchmarks/baseline_checks.py``, through `baseline_shrinkage`, `selection_simulation` and
`common_trend_bounds`; here they are in what the scorecard, `placebo_dates` and `timing_codings` make of them.
"""

import sys
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from faulty_panels import (
    STRONG,
    TREATMENT,
    chosen_on_2020,
    clean,
    earlier_trend,
    everything_falls,
    fewer_cases,
    flagged,
    flagged_without_effect,
    hidden_by_series,
    made_by_series,
    moved_into,
    no_effect,
    old_acts_fall,
    old_acts_stay,
    one_city,
    panel,
    rolled_out,
    rolled_out_later,
    small_effect,
    strong,
    strong_and_all_fall,
    strong_and_rolled_out,
    strong_before_the_roll_out,
    strong_with_withdrawals,
)
from scipy.stats import t as student

from reform_analysis import cell_scores, did, robustness
from reform_analysis.counts import fit_poisson
from reform_analysis.estimates import CheckResult, DesignError, Estimates, UntestableError

FIXED = {"unit": "unit_id", "period": "period"}
PRE = ["2018", "2019", "2020"]
SHOULD = {True: "pass", False: "fail", None: "decide nothing"}


def quick_fit(
    df: pd.DataFrame,
    /,
    *,
    outcome: str = "losses",
    terms: tuple[str, ...] = (TREATMENT,),
    exposure: str | None = None,
    unit: str = "unit_id",
    cluster: str | None = None,
) -> Estimates:
    """Poisson with unit and period effects, errors clustered by unit, as `fit_poisson` makes them."""
    assert cluster in (None, unit)
    where = cell_scores.grid(df, unit=unit, period="period")
    counts, below, tables = cell_scores.cells(df, where, outcome=outcome, exposure=exposure, columns=terms)
    fit = cell_scores.fit_cells(counts, below, [tables[name] for name in terms])
    cleared = fit.without_control(0).efficient(tables[terms[0]])
    information = float((fit.expected * cleared**2).sum())
    score = (cleared * fit.residual).sum(axis=1)
    used = counts.sum(axis=1) > 0
    groups, rows = int(used.sum()), int((fit.expected > 0).sum())
    if information < 1e-9:
        raise UntestableError("the treatment does not vary within units")
    correction = groups / (groups - 1) * (rows - 1) / (rows - len(terms))
    error = float(np.sqrt(correction * (score**2).sum())) / information
    beta = float(fit.slopes[0])
    reach = student.ppf(0.975, groups - 1) * error
    p_value = 2 * student.sf(abs(beta) / error, groups - 1)
    row = [np.exp(beta), error, np.exp(beta - reach), np.exp(beta + reach), p_value]
    frame = pd.DataFrame(
        [row],
        index=pd.Index([terms[0]], name="term"),
        columns=["estimate", "std_error", "ci_low", "ci_high", "p_value"],
    )
    return Estimates(frame, "rate_ratio", 0.95, "Poisson, clustered by unit", rows, groups, groups)


def card(df: pd.DataFrame) -> CheckResult:
    """The scorecard after all checks, or the first that fails; passed where it calls the fall an effect."""
    used: dict[str, Any] = {"pre": PRE, "post": df.attrs.get("post", ["2021", "2022", "2023"])}
    windows = {"outcome": "losses", **used}
    whole, df = df, df[df["period"].isin([*used["pre"], *used["post"]])]
    into = df.attrs.get("into", "reconsiderations_filed")
    checks: list[Callable[[], CheckResult]] = [
        lambda: robustness.displacement(df, quick_fit, into=[into], treatment=TREATMENT),
        lambda: robustness.placebo_outcomes(df, quick_fit, outcomes=["corrections"]),
        lambda: robustness.exposure_choices(df, quick_fit),
        lambda: robustness.series_collapse(
            df, quick_fit, events="net" if "net" in df else None, treatment=TREATMENT
        ),
        lambda: robustness.contamination(whole, quick_fit, treatment=TREATMENT, **used),
        lambda: robustness.placebo_dates(df, quick_fit, treatment=TREATMENT),
        lambda: robustness.baseline_shrinkage(df, draws=99, seed=1, **windows),
        lambda: robustness.selection_simulation(df, draws=99, seed=1, **windows),
        lambda: bounds(df),
    ]
    results: list[CheckResult] = []
    for check in checks:
        results += ran(check)
        if results and results[-1].passed is False:
            break
    page = robustness.scorecard(results, quick_fit(df))
    first = {language: sentences[0] for language, sentences in page.sentences.items()}
    return CheckResult("scorecard", page.shown, first, page.groups)


def ran(check: Callable[[], CheckResult]) -> list[CheckResult]:
    try:
        return [check()]
    except DesignError:  # such as no control that is reformed
        return []


def bounds(df: pd.DataFrame) -> CheckResult:
    start = df["adopted"].where(df["pilot"], "")
    asked = {"outcome": "losses", "adopted": "start", "inference": "cluster", **FIXED}
    events = did.event_study(df.assign(start=start), **asked)
    times = {name: int(name.removeprefix("event_")) for name in events.to_frame().index}
    return robustness.common_trend_bounds(events, event_times={k: v for k, v in times.items() if v != -1})


def curve(df: pd.DataFrame) -> CheckResult:
    df = df.assign(without_2020=df["period"] != "2020", log_reviews=np.log1p(df["reviews"].astype(float)))
    choices = robustness.Choices(
        outcomes=["losses"],
        codings={"binary": TREATMENT},
        exposures=[None, "population"],
        controls={"none": (), "reviews": ("log_reviews",)},
        samples={"all": None, "without 2020": "without_2020"},
    )
    return robustness.specification_curve(df, quick_fit, choices=choices, draws=199, seed=1).result


CHECKS: dict[str, Callable[[pd.DataFrame], CheckResult]] = {
    "placebo_dates": lambda df: robustness.placebo_dates(df, quick_fit, treatment=TREATMENT),
    "placebo_outcomes": lambda df: robustness.placebo_outcomes(
        df, quick_fit, outcomes=["corrections", "reconsiderations_filed"]
    ),
    "leave_one_out by unit": lambda df: robustness.leave_one_out(
        df, quick_fit, outcome="losses", by="unit_id", treatment=TREATMENT, largest=1
    ),
    "leave_one_out by city": lambda df: robustness.leave_one_out(
        df, quick_fit, outcome="losses", by="city", treatment=TREATMENT, largest=1
    ),
    "series_collapse, net counts": lambda df: robustness.series_collapse(df, quick_fit, events="net"),
    "series_collapse, caps": lambda df: robustness.series_collapse(df, quick_fit, treatment=TREATMENT),
    "timing_codings": lambda df: robustness.timing_codings(df, quick_fit, treatment=TREATMENT),
    "timing_codings, old acts": lambda df: robustness.timing_codings(
        df, quick_fit, treatment=TREATMENT, earlier_acts="old"
    ),
    "contamination": lambda df: robustness.contamination(df, quick_fit, treatment=TREATMENT),
    "contamination, later roll-out": lambda df: robustness.contamination(
        df, quick_fit, treatment=TREATMENT, pre=PRE, post=["2021"]
    ),
    "contamination, flags": lambda df: robustness.contamination(
        df, quick_fit, treatment=TREATMENT, adopted=None, other_pilot="city_pilot"
    ),
    "contamination, clean period": lambda df: robustness.contamination(
        df, quick_fit, treatment=TREATMENT, adopted=None, last_clean_period="2022"
    ),
    "displacement": lambda df: robustness.displacement(
        df, quick_fit, into=["corrections"], treatment=TREATMENT
    ),
    "displacement, reconsiderations": lambda df: robustness.displacement(
        df, quick_fit, into=["reconsiderations_filed"], treatment=TREATMENT
    ),
    "displacement, withdrawals": lambda df: robustness.displacement(
        df, quick_fit, into=["withdrawals"], treatment=TREATMENT
    ),
    "attribution": lambda df: robustness.attribution(
        df, quick_fit, department="department", treatment=TREATMENT
    ),
    "exposure_choices": lambda df: robustness.exposure_choices(df, quick_fit),
    "specification_curve": curve,
    "scorecard": card,
    "scorecard, later roll-out": card,
}
# What is checked, the panel, the verdict it should get, and the nominal rate of false alarms if there is one.
CASES: list[tuple[str, Callable[[int], pd.DataFrame], bool | None, float | None]] = [
    ("placebo_dates", earlier_trend, False, None),
    ("placebo_dates", clean, True, 0.05),
    ("placebo_outcomes", everything_falls, False, None),
    ("placebo_outcomes", clean, True, 0.05),
    ("leave_one_out by unit", hidden_by_series, False, None),
    ("leave_one_out by unit", clean, True, None),
    ("leave_one_out by city", one_city, False, None),
    ("leave_one_out by city", clean, True, None),
    ("series_collapse, net counts", made_by_series, False, None),
    ("series_collapse, net counts", hidden_by_series, False, None),
    ("series_collapse, net counts", clean, True, None),
    ("series_collapse, caps", made_by_series, False, None),
    ("series_collapse, caps", hidden_by_series, False, None),
    ("series_collapse, caps", clean, True, None),
    ("series_collapse, caps", small_effect, True, 0.05),
    ("timing_codings", chosen_on_2020, False, None),
    ("timing_codings", clean, True, None),
    ("timing_codings, old acts", old_acts_fall, False, None),
    ("timing_codings, old acts", old_acts_stay, True, None),
    ("contamination", rolled_out, False, None),
    ("contamination, later roll-out", rolled_out_later, None, None),
    ("contamination, flags", flagged, True, 0.05),
    ("contamination, flags", flagged_without_effect, True, 0.05),
    ("contamination, clean period", clean, True, 0.05),
    ("displacement", moved_into("corrections"), False, None),
    ("displacement", clean, True, 0.025),
    ("displacement, reconsiderations", moved_into("reconsiderations_filed"), False, None),
    ("displacement, reconsiderations", clean, True, 0.025),
    ("displacement, withdrawals", moved_into("withdrawals"), False, None),
    ("displacement, withdrawals", clean, True, 0.025),
    ("attribution", moved_into("department"), False, None),
    ("attribution", clean, True, None),
    ("exposure_choices", fewer_cases, False, None),
    ("exposure_choices", clean, True, None),
    ("specification_curve", no_effect, False, 0.05),
    ("specification_curve", clean, True, None),
    ("scorecard", chosen_on_2020, False, None),
    ("scorecard", earlier_trend, False, None),
    ("scorecard", fewer_cases, False, None),
    ("scorecard", made_by_series, False, None),
    ("scorecard", hidden_by_series, False, None),
    ("scorecard", moved_into("department", **STRONG), False, None),
    ("scorecard", moved_into("withdrawals", **STRONG), False, None),
    ("scorecard", moved_into("withdrawals", mean=1.6, effect=0.2), False, None),
    ("scorecard", strong_and_all_fall, False, None),
    ("scorecard", strong_and_rolled_out, False, None),
    ("scorecard", strong, True, None),
    ("scorecard", strong_with_withdrawals, True, None),
    ("scorecard, later roll-out", strong_before_the_roll_out, True, None),
]


def agrees() -> bool:
    """Whether the fit on arrays is the package's."""
    df = panel(0)
    quick = quick_fit(df).to_frame().iloc[0]
    full = (
        fit_poisson(df, outcome="losses", terms=[TREATMENT], inference="cluster", **FIXED).to_frame().iloc[0]
    )
    return bool(np.allclose(quick, full, rtol=1e-6))


def rate(held: Sequence[bool]) -> str:
    share = float(np.mean(held))
    return f"{100 * share:.1f}% ± {100 * np.sqrt(share * (1 - share) / len(held)):.1f}"


def rates(found: Sequence[bool | None]) -> str:
    """Shares of the verdicts with their Monte Carlo errors."""
    verdicts = {"passed": True, "undecided": None, "failed": False}
    return ", ".join(
        f"{said} {rate([each is verdict for each in found])}" for said, verdict in verdicts.items()
    )


def coverage(panels: Sequence[pd.DataFrame], results: Sequence[CheckResult]) -> str:
    """How often the interval of the share displaced holds the true one."""
    rows = [result.to_frame().loc["losses"] for result in results]
    true = [df.attrs["moved"] for df in panels]
    held = [row["share_low"] <= at <= row["share_high"] for row, at in zip(rows, true, strict=True)]
    return f"; the interval of the share holds the true one in {rate(held)}"


def main(arguments: list[str]) -> int:
    seeds = int(arguments[0]) if arguments else 200
    only = arguments[1:] or list(CHECKS)
    exceeded = [] if agrees() else ["the fit on arrays differs from fit_poisson"]
    for name, draw, should, nominal in CASES:
        if name not in only:
            continue
        begun = perf_counter()
        panels = [draw(seed) for seed in range(seeds)]
        results = [CHECKS[name](df) for df in panels]
        found = [result.passed for result in results]
        what = (draw.__doc__ or "").partition("\n")[0].rstrip(".")
        share = coverage(panels, results) if name.startswith("displacement") else ""
        print(
            f"{name} should {SHOULD[should]}, {what[0].lower()}{what[1:]}: "
            f"{rates(found)}{share} ({seeds} panels, {perf_counter() - begun:.0f} s)",
            flush=True,
        )
        if nominal is not None:
            wrong = found.count(not should) / seeds
            bound = nominal + 2 * np.sqrt(nominal * (1 - nominal) / seeds)
            exceeded += [f"{name}, {what}: {wrong:.3f} above {bound:.3f}"] if wrong > bound else []
    print("\n".join(exceeded) or "all nominal rates are kept")
    return int(bool(exceeded))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
