"""Where a report stands: planned only with the hypothesis' own settings, and only if frozen in time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reform_analysis.analysis_plan import Change, parse_plan, text_hash
from reform_analysis.plan_record import PlanState, Version
from reform_analysis.plan_standing import Standing, standing

PLAN = """title: T
alpha: 0.05
hypotheses:
  - id: H1
    statement: s
    notebook: 03_association
    outcome: losses
    exposure: lawsuits_concluded
    measures: [devolution_share, reviews_per_1000]
    pre: ["2020"]
    post: ["2021"]
    support: p
    refutation: q
"""
DEFAULTS: dict[str, Any] = {
    "language": "zh",
    "outcome": "losses",
    "exposure": "lawsuits_concluded",
    "measures": "devolution_share, reviews_per_1000",
    "pre": "2020",
    "post": "2021",
    "city": "",
    "cluster": "",
    "seed": 1,
}


def version(number: int, text: str = PLAN, *, rendered: tuple[str, ...] = ()) -> Version:
    return Version(
        version=number, sha256=text_hash(text), frozen=datetime(2026, 11, number, tzinfo=UTC),
        package_version="0.1.0", reason=None, study=None, data=[], reports="reports", rendered=list(rendered),
        statement="", text=text,
    )  # fmt: skip


def state(*versions: Version) -> PlanState:
    return PlanState(Path("plan.yaml"), text_hash(PLAN), parse_plan(PLAN), versions, ())


def found(
    *versions: Version, notebook: str = "03_association", kind: Any = "own", **settings: Any
) -> Standing:
    answer = standing(state(*versions), notebook=notebook, settings=settings, defaults=DEFAULTS, kind=kind)
    assert answer is not None
    return answer


def test_the_settings_of_the_hypothesis_are_planned() -> None:
    assert found(version(1)) == Standing("planned", ("H1",), 1, (), ())


@pytest.mark.parametrize(
    "settings",
    [
        {"measures": "reviews_per_1000，devolution_share"},
        {"seed": 7, "reading": "dash_means=zero", "data": "a.csv", "aliases": "{}"},
        {"ci_level": 0.95},
    ],
)
def test_order_seed_and_reading_do_not_matter(settings: dict[str, Any]) -> None:
    assert found(version(1), **settings).status == "planned"


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        ({"outcome": "corrections"}, Change("H1", "outcome", "losses", "corrections")),
        ({"exposure": ""}, Change("H1", "exposure", "lawsuits_concluded", "")),
        (
            {"measures": "reviews_per_1000"},
            Change("H1", "measures", ["devolution_share", "reviews_per_1000"], "reviews_per_1000"),
        ),
        ({"pre": "2019, 2020"}, Change("H1", "pre", ["2020"], "2019, 2020")),
        ({"post": "2022"}, Change("H1", "post", ["2021"], "2022")),
        ({"post": ""}, Change("H1", "post", ["2021"], "")),
        ({"ci_level": 0.9}, Change("plan", "alpha", 0.05, 0.1)),
        ({"city": "甲市"}, Change("H1", "city", "", "甲市")),
        ({"cluster": "county"}, Change("H1", "cluster", "", "county")),
    ],
)
def test_any_other_setting_is_explored_and_named(settings: dict[str, Any], change: Change) -> None:
    answer = found(version(1), **settings)
    assert (answer.status, answer.since, answer.departures) == ("explored", 0, (change,))


def test_parameters_that_the_plan_names_are_planned_and_their_absence_is_not() -> None:
    planned = version(1, PLAN + "    parameters: {cluster: county}\n")
    assert found(planned, cluster="county").status == "planned"
    assert found(planned).departures == (Change("H1", "cluster", "county", ""),)


def test_the_notebook_must_be_the_same() -> None:
    assert found(version(1), notebook="04_pilot_effect") == Standing("explored", (), 0, (), ())


def test_keys_that_the_plan_leaves_open_are_named() -> None:
    text = PLAN.replace('    pre: ["2020"]\n', "").replace("[devolution_share, reviews_per_1000]", "[]")
    answer = found(version(1, text), pre="2018", measures="reviews_per_1000")
    assert (answer.status, answer.open_keys) == ("planned", ("measures", "pre"))


def test_no_denominator_is_not_an_open_denominator() -> None:
    text = PLAN.replace("exposure: lawsuits_concluded", 'exposure: ""')
    assert found(version(1, text)).departures == (Change("H1", "exposure", "", "lawsuits_concluded"),)
    assert found(version(1, text), exposure="").status == "planned"


def test_the_nearest_of_several_hypotheses_is_named() -> None:
    second = PLAN.split("hypotheses:\n")[1].replace("H1", "H2").replace('"2021"', '"2022"')
    both = version(1, PLAN + second)
    assert found(both, post="2022").hypotheses == ("H2",)
    answer = found(both, post="2022", city="甲市")
    assert (answer.hypotheses, [change.key for change in answer.departures]) == (("H2",), ["city"])


def test_a_plan_frozen_after_reports_on_the_data_is_late() -> None:
    assert found(version(1, rendered=("1",))).status == "late"


def test_what_an_early_version_planned_stays_planned_through_a_late_amendment() -> None:
    late = version(2, PLAN.replace("title: T", "title: U"), rendered=("1",))
    assert found(version(1), late) == Standing("planned", ("H1",), 1, (), ())


def test_what_only_an_amendment_planned_is_dated_by_it() -> None:
    other = PLAN.replace("outcome: losses", "outcome: corrections")
    assert found(version(1, other), version(2)).since == 2
    assert found(version(1, other), version(2, rendered=("1",))).status == "late"
    back = found(version(1), version(2, other), version(3, rendered=("1",)))
    assert (back.status, back.since) == ("late", 3)
    assert found(version(1), version(2, other)).status == "explored"


def test_a_plan_that_was_never_frozen_plans_nothing() -> None:
    assert found().status == "explored"


def test_synthetic_data_are_a_rehearsal() -> None:
    assert found(version(1), kind="synthetic") == Standing("rehearsal", ("H1",), 1, (), ())
    assert found(kind="synthetic").status == "rehearsal"


@pytest.mark.parametrize(
    ("kind", "status"), [("own", "explored"), ("synthetic", None), ("published", None), ("undeclared", None)]
)
def test_without_a_plan_only_own_data_are_called_explored(kind: Any, status: str | None) -> None:
    answer = standing(None, notebook="a", settings={}, defaults={}, kind=kind)
    assert (answer.status if answer else None) == status
