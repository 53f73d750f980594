"""What fits say of themselves in Chinese: every sentence that a fit can say has its pattern."""

import ast
import re
import string
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reform_analysis import correlate, counts, did, panel, power, randomise, rates, simulate
from reform_analysis.entropy_balance import matched
from reform_analysis.estimates import CheckResult, DataError, Estimates
from reform_analysis.journal_tables import journal_table
from reform_analysis.note_texts import in_language
from reform_analysis.pilot_selection import selection_simulation
from reform_analysis.reconcile import reconcile
from reform_analysis.regression_to_mean import baseline_shrinkage
from reform_analysis.sensitivity import oster_delta
from reform_analysis.trend_bounds import common_trend_bounds
from reform_analysis.wording import catalogue

SOURCE = Path(__file__).parents[1] / "src" / "reform_analysis"
KEYS = {"outcome": "losses", "unit": "unit_id", "period": "period"}
DATED = {**KEYS, "adopted": "adopted"}
# Names of columns, arguments, software and methods that stand in Latin letters in Chinese too.
NAMES = re.compile(r"[A-Za-z_]*_[A-Za-z_0-9]*|zero_history='drop'|did\.staggered|tau-b")
SENTENCE = re.compile(r"[A-Za-z]{2,}(?:[ ,;:'-]+[A-Za-z]{2,}){2,}")


@cache
def sample() -> pd.DataFrame:
    """Sixty units in three cities; two cohorts, two doses, an exposure with gaps, another reform's units."""
    df = simulate.draw_panel(
        effect=0.8, seed=3, units=60, pilots=14, counties=10, cities=3, mean=1.2, rollout={"2022": 0.1}
    )
    when = df["period"].astype(int)
    late = df["unit_id"].isin(df.loc[df["pilot"], "unit_id"].unique()[::3])
    df["adopted"] = df["adopted"].where(~(df["pilot"] & late), "2022-07")
    start = pd.to_numeric(df["adopted"].str[:4]).where(df["pilot"], 9999)
    df["treated"] = (when >= start).astype(float)
    df["share"] = df["treated"].where(when != start, 0.5)
    df["dose"] = df["share"] * (when % 7 + 1)
    df["lawsuits"] = (df["losses"] + when % 3 + 1).where(df.index % 41 != 0)
    certain = df["unit_id"].isin(df["unit_id"].unique()[:3])
    df["lawsuits"] = df["lawsuits"].where(~certain, df["losses"])  # no case of theirs was won
    df["elsewhere"] = df["unit_id"].isin(df["unit_id"].unique()[-20:-15])
    return df


@cache
def changes() -> pd.DataFrame:
    return panel.changes(simulate.load_example().head(1200), pre="2020", post="2021")


Fits = Iterator[tuple[str, Callable[[], Any]]]
SMALL: dict[str, Any] = {"draws": 99, "seed": 1}


def count_models() -> Fits:
    df = sample()
    for how in ("exact", "midp", "score"):
        yield f"rates {how}", partial(rates.compare_counts, 32, 53, method=how)
    given: dict[str, Any] = {**KEYS, "terms": ["treated"], "exposure": "lawsuits"}
    for how in ("wild_score", "cluster", "crv3", "hc"):
        yield (
            f"poisson {how}",
            partial(counts.fit_poisson, df, **given, cluster="city", inference=how, **SMALL),
        )
    yield "poisson dose", partial(counts.fit_poisson, df, **given | {"terms": ["dose"]}, **SMALL)
    few = df[df["period"].isin(["2020", "2021"])]
    yield (
        "poisson few",
        partial(counts.fit_poisson, few[few["losses"] < 2], **given | {"exposure": None}, seed=1),
    )
    for how in ("cluster", "hc", "iid"):
        for effects in ("two_way", "unit", "period"):
            yield (
                f"linear {how} {effects}",
                partial(counts.fit_linear, df, **given, inference=how, effects=effects),
            )
    for kind in ("nb1", "nb2"):
        yield (
            kind,
            partial(
                counts.fit_negative_binomial,
                df,
                **given | {"exposure": None},
                variance=kind,
                cluster="county",
            ),
        )
    for correlation in ("independence", "exchangeable"):
        for how in ("bias_reduced", "robust"):
            yield (
                f"pooled {correlation} {how}",
                partial(counts.fit_pooled, df, **given, correlation=correlation, inference=how),
            )
    for effects in ("two_way", "period"):
        yield f"rate {effects}", partial(counts.fit_rate, df, **given, effects=effects)
        yield f"dispersion {effects}", partial(counts.dispersion_test, df, **KEYS, effects=effects)


def two_windows_and_event_times() -> Fits:
    df = sample()
    windows: dict[str, Any] = {"treatment": "pilot", "pre": ["2019", "2020"], "post": ["2022", "2023"]}
    clean: dict[str, str] = {"last_clean_period": "2022", "other_pilot": "elsewhere"}
    for extra in dict[str, str](), {"exposure": "lawsuits"}, clean:
        yield f"two by two {sorted(extra)}", partial(did.two_by_two, df, **KEYS, **windows, **extra)
    one: dict[str, Any] = {**DATED, "exposure": "lawsuits", "cluster": "city", **clean}
    yield "event study binned", partial(did.event_study, df, **one, window=(-2, 1), **SMALL)
    yield (
        "event study drop",
        partial(
            did.event_study, df, **DATED, window=(-2, 1), ends="drop", coding="drop", inference="cluster"
        ),
    )
    yield "event study hc", partial(did.event_study, df, **DATED, inference="hc")
    later = df[df["period"] >= "2020"]
    yield "event study no pre", partial(did.event_study, later, **DATED, window=(-1, 2), ends="drop", **SMALL)


def adoptions() -> Fits:
    df = sample()
    one: dict[str, Any] = {**DATED, "exposure": "lawsuits", "cluster": "city", "last_clean_period": "2022"}
    for name in ("staggered", "imputation"):
        for how in ("score", "delta", "bootstrap"):
            for by in ("simple", "event", "cohort", "calendar"):
                yield (
                    f"{name} {how} {by}",
                    partial(
                        getattr(did, name),
                        df,
                        **DATED,
                        inference=how,
                        aggregate=by,
                        cluster="county",
                        **SMALL,
                    ),
                )
        yield f"{name} never", partial(getattr(did, name), df, **one, controls="never_treated", coding="drop")
        yield f"{name} short", partial(getattr(did, name), df[df["period"] != "2018"].tail(330), **DATED)
        alike = df[df["pilot"]]
        yield f"{name} without others", partial(getattr(did, name), alike, **DATED)
    yield "imputation drop", partial(did.imputation, df[df["losses"] < 3], **DATED, zero_history="drop")
    for how in ("score", "likelihood"):
        yield (
            f"partial {how}",
            partial(did.partial_treatment, df, **KEYS, treated_fraction=["share", "treated"], inference=how),
        )


def permutations() -> Fits:
    df = sample()
    random: dict[str, Any] = {**KEYS, "treatment": "treated", "draws": 99, "seed": 1}
    yield "randomised", partial(randomise.randomisation_test, df, **random, exposure="lawsuits")
    yield "randomised strata", partial(randomise.randomisation_test, df, **random, strata=["city"])
    yield "randomised cluster", partial(randomise.randomisation_test, df, **random, cluster="city")
    yield (
        "randomised refit",
        partial(randomise.randomisation_test, df, **random, statistic="refit", interval=False),
    )
    few = df[df["unit_id"].isin([*df["unit_id"].unique()[:3], *df.loc[df["pilot"], "unit_id"].unique()[:2]])]
    yield "randomised few", partial(randomise.randomisation_test, few, **random)
    asked: dict[str, Any] = {
        "measures": ["enforcement_own_difference"],
        "outcome": "losses",
        "draws": 99,
        "seed": 1,
    }
    for method in ("spearman", "kendall", "pearson", "partial", "poisson_score"):
        extra = {"covariates": ["population_pre"]} if method == "partial" else {}
        yield (
            f"association {method}",
            partial(correlate.association, changes(), **asked, method=method, strata="county", **extra),
        )
    yield (
        "association exposure",
        partial(correlate.association, changes(), **asked, exposure="lawsuits_concluded", cluster="county"),
    )


def checks_and_power() -> Fits:
    df = sample()
    design = {"units": 30, "pilots": 6, "counties": 6, "cities": 3, "mean": 0.3}
    yield (
        "power",
        partial(
            power.simulate_power,
            partial(did.two_by_two, **KEYS, treatment="pilot", pre="2020", post="2021"),
            design,
            [1, 0.01],
            5,
            1,
        ),
    )
    base: dict[str, Any] = {"outcome": "losses", "pre": ["2018", "2019", "2020"], "post": ["2022"]}
    yield "matched", partial(matched, df, **base, exposure="lawsuits")
    yield "shrinkage", partial(baseline_shrinkage, df, **base, draws=99, seed=1)
    yield "selection", partial(selection_simulation, df, **base, draws=99, seed=1)
    yield (
        "reconcile",
        partial(
            reconcile,
            df.assign(counted=df["losses"].where(df.index % 9 != 0)),
            reported="losses",
            counted="counted",
        ),
    )
    yield (
        "oster",
        partial(oster_delta, df, outcome="losses", treatment="treated", controls=["dose"], draws=99, seed=1),
    )
    yield (
        "bounds",
        lambda: common_trend_bounds(did.event_study(df, **DATED, cluster="county", inference="cluster")),
    )


GROUPS = (count_models, two_windows_and_event_times, adoptions, permutations, checks_and_power)
ALL = {name: fit for group in GROUPS for name, fit in group()}


def english(text: str) -> list[str]:
    return SENTENCE.findall(NAMES.sub("", text))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.filterwarnings("ignore::reform_analysis.estimates.StatisticalWarning")
def test_no_english_sentence_stands_under_a_chinese_table(name: str) -> None:
    result: Estimates | CheckResult = ALL[name]()
    notes = journal_table(result, language="zh").notes
    assert [note for note in notes if english(note)] == []


def source_texts() -> list[str]:
    """Every text of the package, those of f-strings between their fields."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py")]
    nodes = (node for tree in trees for node in ast.walk(tree))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


@cache
def all_source() -> str:
    return "\n".join(source_texts())


COMPOSED = {  # of pieces in the code
    "note.few_treated_clusters",
    "note.few_never_treated",
    "note.studentised_clusters",
    "note_reason.no_other_cases_of_unit",
    "note_reason.no_other_cases_of_period",
    "note_reason.no_not_yet",
    "note_reason.no_never",
}
PATTERNS = [key for key in catalogue() if key.startswith(("note.", "note_reason.")) and key not in COMPOSED]


@pytest.mark.parametrize("key", PATTERNS)
def test_every_pattern_is_still_what_the_code_says(key: str) -> None:
    """Also of those that small fits do not reach."""
    pieces = [piece for piece, *_ in string.Formatter().parse(catalogue()[key]["en"])]
    longest = max(pieces, key=len)
    assert longest.strip(" ;,.") in all_source()


def test_the_check_sees_english() -> None:
    assert english("方法：two by two, exact。") == ["two by two, exact"]
    assert not english("请与did.staggered一并看，lawsuits_concluded，Sun和Abraham")


def test_what_the_reader_wrote_stays() -> None:
    for own in ("Costs per head are given; see the annex", "按县统计。", "no comment", "all"):
        assert in_language(own, "zh") == own


def test_english_is_what_the_fit_says() -> None:
    result = rates.compare_counts(32, 53)
    assert [in_language(note, "en") for note in result.notes] == [*result.notes]
    assert journal_table(result, language="en").notes[-1] == result.notes[-1]


def test_numbers_and_names_are_carried_over() -> None:
    note = "few clusters with treated units: 3 for 'a b', fewer than 6; no test by cluster is reliable"
    assert in_language(note, "zh") == ("有受处理单位的聚类少：'a b'为3个，少于6个；按聚类的检验都不可靠")
    reason = "event time outside (-2, 1) (14 units)"
    assert in_language(reason, "zh", kind="note_reason") == "事件时间在(-2, 1)之外，14个单位"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("no other cases in any period (3 units)", "单位没有其他案件，3个单位"),
        ("no other cases in the period (9 units)", "该时期没有其他案件，9个单位"),
        ("no never-treated unit in the period (2 units)", "该时期没有从未受处理的单位，2个单位"),
        ("no population (2 units)", "没有分母（population），2个单位"),
        ("control in other pilot", "对照属于另一试点（other pilot）"),
    ],
)
def test_the_most_particular_pattern_is_taken(reason: str, said: str) -> None:
    assert in_language(reason, "zh", kind="note_reason") == said


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(DataError, match="^language must be one of"):
        in_language("missing value", "fr")
