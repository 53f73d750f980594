"""The analysis plan: each fault is named with line, key, rule and the nearest key; differences are exact."""

from pathlib import Path

import pytest

from reform_analysis.analysis_plan import (
    Change,
    canonical,
    differences,
    parse_plan,
    read_plan,
    require_complete,
    text_hash,
)
from reform_analysis.estimates import ReportError

PLAN = """title: 计划
alpha: 0.05
hypotheses:
  - id: H1
    statement: 措施多则败诉降
    notebook: 03_association
    outcome: losses
    exposure: ""
    measures: [a, b]
    pre: ["2020"]
    post: ["2021"]
    model: Spearman
    checks: [base]
    support: p < 0.05
    refutation: p >= 0.05
"""


def test_every_key_of_the_format_is_read() -> None:
    plan = parse_plan(PLAN)
    (hypothesis,) = plan.hypotheses
    assert (plan.title, plan.alpha, hypothesis.id, hypothesis.exposure) == ("计划", 0.05, "H1", "")
    assert (hypothesis.measures, hypothesis.pre, hypothesis.checks) == (["a", "b"], ["2020"], ["base"])
    require_complete(plan)


@pytest.mark.parametrize(
    "path", ["03_association", "notebooks/03_association.ipynb", "a\\03_association.ipynb"]
)
def test_a_notebook_may_be_named_by_its_path(path: str) -> None:
    plan = parse_plan(PLAN.replace("notebook: 03_association", f"notebook: '{path}'"))
    assert plan.hypotheses[0].notebook_name == "03_association"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("alpha: 0.05", "alfa: 0.05", r"line 2: 'alfa' is no key of an analysis plan; did you mean 'alpha'"),
        ("alpha: 0.05", "alpha: 5", "line 2: alpha: input should be less than 1, got 5"),
        ("    outcome:", "    outcom:", r"line 7: 'hypotheses\.0\.outcom' is no .*did you mean 'outcome'\?"),
        ("    refutation: p >= 0.05\n", "", r"line 4: the key 'hypotheses\.0\.refutation' is missing"),
        ('pre: ["2020"]', "pre: [2020]", r"line 10: hypotheses\.0\.pre\.0: .*got 2020; put text in quotes"),
        ("id: H1", "id: H 1", r"line 4: hypotheses\.0\.id: .*pattern"),
        ("id: H1", "id: plan", "line 3: hypotheses: the id 'plan' stands for title and alpha"),
        ("    model:", "    outcome: x\n    model:", "the key 'outcome' stands twice"),
        (PLAN, "- a\n", "must hold `key: value` lines"),
    ],
)
def test_faults_are_named(old: str, new: str, message: str) -> None:
    with pytest.raises(ReportError, match=message):
        parse_plan(PLAN.replace(old, new))


def test_two_hypotheses_have_two_ids() -> None:
    with pytest.raises(ReportError, match="the id 'H1' stands twice"):
        parse_plan(PLAN + PLAN.split("hypotheses:\n")[1])


def test_a_missing_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"analysis plan .*none\.yaml cannot be read"):
        read_plan(tmp_path / "none.yaml")


@pytest.mark.parametrize("text", ["", "'  '", "null"])
def test_a_plan_with_blanks_can_be_read_but_is_not_complete(text: str) -> None:
    plan = parse_plan(PLAN.replace("support: p < 0.05", f"support: {text}"))
    with pytest.raises(ReportError, match=r"empty: H1\.support\."):
        require_complete(plan)


def test_the_hash_does_not_depend_on_line_ends_or_a_byte_order_mark(tmp_path: Path) -> None:
    hashes = set()
    for number, content in enumerate([PLAN, PLAN.replace("\n", "\r\n"), "\ufeff" + PLAN]):
        path = tmp_path / f"{number}.yaml"
        path.write_bytes(content.encode())
        hashes.add(text_hash(canonical(path)))
    assert len(hashes) == 1
    assert text_hash(PLAN.replace("0.05", "0.06")) not in hashes


def test_differences_name_hypothesis_key_and_both_values() -> None:
    new = PLAN.replace("alpha: 0.05", "alpha: 0.1").replace('["2021"]', '["2021", "2022"]')
    assert differences(parse_plan(PLAN), parse_plan(new)) == (
        Change("plan", "alpha", 0.05, 0.1),
        Change("H1", "post", ["2021"], ["2021", "2022"]),
    )


def test_order_comments_and_layout_are_no_difference() -> None:
    new = "# 说明\n" + PLAN.replace("[a, b]", "\n      - b\n      - a")
    assert differences(parse_plan(PLAN), parse_plan(new)) == ()


def test_a_hypothesis_that_came_or_went_is_a_difference() -> None:
    second = PLAN.split("hypotheses:\n")[1].replace("H1", "H2")
    one, two = parse_plan(PLAN), parse_plan(PLAN + second)
    assert differences(one, two) == (Change("H2", "hypothesis", None, "措施多则败诉降"),)
    assert differences(two, one) == (Change("H2", "hypothesis", "措施多则败诉降", None),)
