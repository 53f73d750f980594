"""The published totals: the numbers that the project stands on, and shortcuts over sets of base counts."""

import hashlib
import json
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from reform_analysis import published, resources, schema
from reform_analysis.baselines import baseline
from reform_analysis.estimates import DataError
from reform_analysis.published import compare_counts, evidence, exposure_table, load_context, load_figures


@pytest.fixture(scope="module")
def figures() -> pd.DataFrame:
    return load_figures()


@pytest.fixture(scope="module")
def table(figures: pd.DataFrame) -> pd.DataFrame:
    return evidence(figures)


def test_thirteen_totals_have_a_rounded_growth_rate(table: pd.DataFrame) -> None:
    assert len(table) == 13
    assert list(table.index[table["status"] == "no baseline"]) == ["digital_projects", "fengqiao_stations"]


@pytest.mark.parametrize(
    ("column", "printed", "half_a_unit"),
    [
        ("ratio_low", 0.6038, 5e-5),
        ("p_value", 0.029456, 5e-7),
        ("ci_low", 0.3767, 5e-5),
        ("ci_high", 0.9538, 5e-5),
        ("p_holm", 0.0589, 5e-5),
        ("breakeven_inflation", 1.32, 5e-3),
        ("breakeven_inflation_score", 1.35, 5e-3),
        ("breakeven_trend", -4.6, 5e-2),
        ("breakeven_window_months", 11.4, 5e-2),
        ("baseline_low_worst", 50, 0),
        ("baseline_high_worst", 58, 0),
        ("p_value_low_worst", 0.008, 5e-4),
        ("p_value_worst", 0.060, 5e-4),
        ("ci_high_worst", 1.017, 5e-4),
        ("p_holm_worst", 0.12, 5e-3),
    ],
)
def test_losses(table: pd.DataFrame, column: str, printed: float, half_a_unit: float) -> None:
    assert table.loc["losses", column] == pytest.approx(printed, abs=half_a_unit or 1e-12)


def test_digital_projects_fit_only_rounding_to_tens(table: pd.DataFrame) -> None:
    row = table.loc["digital_projects"]
    assert np.isnan(row["ci_low"])
    assert [row["baseline_low_worst"], row["baseline_high_worst"]] == [122, 123]


@pytest.mark.parametrize("rounding", ["percent", "tens", "truncated"])
@pytest.mark.parametrize("suffix", ["", "_worst"])
def test_union_of_intervals_and_largest_p_over_every_base_count(
    figures: pd.DataFrame, rounding: str, suffix: str
) -> None:
    small = figures[figures["value"] < 1000]
    found = evidence(small, rounding=rounding)
    for name, row in found[found[f"status{suffix}"] != "no baseline"].iterrows():
        bases = range(int(row[f"baseline_low{suffix}"]), int(row[f"baseline_high{suffix}"]) + 1)
        fits = pd.concat([compare_counts(row["value"], n).to_frame() for n in bases])
        expected = [fits["ci_low"].min(), fits["ci_high"].max(), fits["p_value"].max(), fits["p_value"].min()]
        columns = [f"{column}{suffix}" for column in ("ci_low", "ci_high", "p_value", "p_value_low")]
        np.testing.assert_allclose(row[columns].astype(float), expected, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("name", ["losses", "reviews", "enforcement_department"])
def test_breakevens_are_where_the_interval_reaches_one(table: pd.DataFrame, name: str) -> None:
    row = table.loc[name]
    nearest = row["baseline_low"] if row["ratio_high"] < 1 else row["baseline_high"]
    months = row["breakeven_window_months"]
    bounds = (
        compare_counts(row["value"], int(nearest), exposure_ratio=months / 12).to_frame().loc["rate_ratio"]
    )
    assert min(abs(bounds[["ci_low", "ci_high"]] - 1)) < 1e-9
    inflated = row["breakeven_inflation"] * (1 / row["value"] + 1 / nearest)
    assert abs(np.log(row["value"] / nearest)) / np.sqrt(inflated) == pytest.approx(norm.ppf(0.975))


def test_an_interval_that_holds_one_says_already(table: pd.DataFrame) -> None:
    row = table.loc["corrections"]
    assert row["status"] == "already"
    assert row[["breakeven_inflation", "breakeven_trend", "breakeven_window_months"]].isna().all()
    assert row["p_inflation_5"] > row["p_inflation_2"] > row["p_value"]


def test_holm_counts_an_untestable_outcome(figures: pd.DataFrame) -> None:
    found = evidence(figures, rounding="truncated")
    assert found.loc["corrections", "status"] == "no baseline"
    assert found.loc["losses", "p_holm"] == pytest.approx(2 * found.loc["losses", "p_value"])


def test_worst_equals_plain_unless_the_change_is_a_multiple_of_ten(table: pd.DataFrame) -> None:
    others = table[table["change_pct"] % 10 != 0]
    for column in ("baseline_low", "ci_high", "p_value", "breakeven_trend"):
        np.testing.assert_array_equal(others[column].astype(float), others[f"{column}_worst"].astype(float))


@pytest.mark.parametrize(
    ("row", "column", "low", "high", "half_a_unit"),
    [
        ("losses_per_enforcement", "ratio", 0.686, 0.694, 5e-4),
        ("losses_per_enforcement", "ci", 0.428, 1.097, 5e-4),
        ("losses_per_dispute", "ratio", 0.501, 0.505, 5e-4),
        ("devolution_share", "before", 0.0707, 0.0719, 5e-5),
        ("opinions_per_review", "before", 1.64, 1.66, 5e-3),
    ],
)
def test_ratios_by_denominator(
    figures: pd.DataFrame, row: str, column: str, low: float, high: float, half_a_unit: float
) -> None:
    found = exposure_table(figures).loc[row]
    assert found[f"{column}_low"] == pytest.approx(low, abs=half_a_unit)
    assert found[f"{column}_high"] == pytest.approx(high, abs=half_a_unit)


def test_levels_after(figures: pd.DataFrame) -> None:
    found = exposure_table(figures)
    assert found.loc["devolution_share", "after"] == pytest.approx(0.1296, abs=5e-5)
    assert found.loc["opinions_per_review", "after"] == pytest.approx(1.30, abs=5e-3)


def test_exposures_that_the_reform_moves_are_marked(figures: pd.DataFrame) -> None:
    marked = exposure_table(figures).query("post_treatment").index
    assert {"losses_per_enforcement", "losses_per_own_enforcement"} <= set(marked)
    assert not {"losses", "losses_per_dispute"} & set(marked)


SUMS = {
    "none": (),
    "enforcement": ("enforcement_own", "enforcement_department"),
    "own_enforcement": ("enforcement_own",),
}


def corners(figures: pd.DataFrame, names: tuple[str, ...], rounding: str) -> list[int]:
    """Every sum of base counts that can matter: all for one series, the ends for two."""
    sets = []
    for name in names:
        value, change = int(figures.loc[name, "value"]), figures.loc[name, "change_pct"]
        found = baseline(value, change, rounding=rounding if change % 10 == 0 else "percent").integers
        sets.append(found if len(names) == 1 else (found[0], found[-1]))
    return [sum(parts) for parts in product(*sets)]


@pytest.mark.parametrize("rounding", ["percent", "tens"])
@pytest.mark.parametrize("exposure", list(SUMS))
@pytest.mark.parametrize("outcome", ["losses", "corrections"])
def test_every_column_over_all_base_counts_and_exposures(
    figures: pd.DataFrame, outcome: str, exposure: str, rounding: str
) -> None:
    table = exposure_table(figures, rounding=rounding)
    found = table[(table["numerator"] == outcome) & (table["denominator"] == exposure)].iloc[0]
    value = int(figures.loc[outcome, "value"])
    after = float(sum(figures.loc[name, "value"] for name in SUMS[exposure]))
    bases, dividing = corners(figures, (outcome,), rounding), corners(figures, SUMS[exposure], rounding)
    growths = [after / base if SUMS[exposure] else 1.0 for base in dividing]
    levels = [base / (per if SUMS[exposure] else 1.0) for base, per in product(bases, dividing)]
    fits = [compare_counts(value, base, exposure_ratio=growth) for base, growth in product(bases, growths)]
    bounds = pd.concat([fit.to_frame() for fit in fits])
    expected = {
        "before_low": min(levels),
        "before_high": max(levels),
        "after": value / (after or 1.0),
        "exposure_ratio_low": min(growths),
        "exposure_ratio_high": max(growths),
        "ratio_low": bounds["estimate"].min(),
        "ratio_high": bounds["estimate"].max(),
        "ci_low": bounds["ci_low"].min(),
        "ci_high": bounds["ci_high"].max(),
    }
    for column, number in expected.items():
        assert found[column] == pytest.approx(number, rel=1e-12), column
    if rounding == "tens":
        worst = exposure_table(figures).loc[found.name, ["ci_low_worst", "ci_high_worst"]]
        assert list(worst) == pytest.approx([expected["ci_low"], expected["ci_high"]], rel=1e-12)
    if not bounds["estimate"].min() <= 1 <= bounds["estimate"].max():
        assert found["p_central"] == pytest.approx(max(fit.p_central.iloc[0] for fit in fits), rel=1e-12)


def test_disputes_grow_by_what_is_printed(figures: pd.DataFrame) -> None:
    found = exposure_table(figures).loc["losses_per_dispute"]
    assert [found["exposure_ratio_low"], found["exposure_ratio_high"]] == [1.195, 1.205]
    assert found[["before_low", "before_high", "after"]].isna().all()
    assert found["ci_high_worst"] == pytest.approx(
        compare_counts(32, 50, exposure_ratio=1.15).to_frame().iloc[0, 3]
    )


def test_derived_ratio_over_all_base_counts(figures: pd.DataFrame) -> None:
    own, department = baseline(9269, 59).integers, baseline(62262, -18).integers
    shares = [a / (a + b) for a in own for b in department]
    found = exposure_table(figures).loc["devolution_share"]
    assert [found["before_low"], found["before_high"]] == pytest.approx([min(shares), max(shares)])
    after = 9269 / (9269 + 62262)
    assert [found["ratio_low"], found["ratio_high"]] == pytest.approx(
        [after / max(shares), after / min(shares)]
    )
    assert found["post_treatment"]
    assert np.isnan(found["ci_low"])


def test_exposures_of_another_study() -> None:
    mine = pd.DataFrame(
        {"value": [12.0, 80.0, 40.0], "change_pct": [-25.0, 30.0, -20.0]},
        index=pd.Index(["appeals", "audits", "fines"], name="id"),
    )
    found = exposure_table(
        mine,
        outcomes=("appeals",),
        exposures={"none": (), "audits": ("audits",)},
        post_treatment=("audits",),
        derived={"fines_per_audit": (("fines",), ("audits",))},
    )
    assert list(found.index) == ["appeals", "appeals_per_audit", "fines_per_audit"]
    assert found.loc["appeals", "ci_low"] == compare_counts(12, 16).to_frame().iloc[0, 2]


def test_unit_bounds(figures: pd.DataFrame) -> None:
    found = published.unit_bounds(evidence(figures), units=89)
    columns = ["before", "zero_before", "zero_after", "zero_both", "most_fallen"]
    assert found.loc["plain", columns].tolist() == [53, 36, 57, 4, 53]
    assert found.loc["tens", columns].tolist() == [58, 31, 57, 0, 58]
    assert found.loc["plain", ["highest", "lowest"]].tolist() == pytest.approx([1, -1])


def test_context_changes_follow_from_printed_changes() -> None:
    found = published.context_changes(load_context())
    assert found.loc["hz05", "before"] == pytest.approx(9.8)
    assert found.loc["js01_losses", "before"] == pytest.approx(1376 / 0.834)
    assert found.loc["hf01_2021", ["before", "after"]].tolist() == [13.5, 20.2]
    assert list(found["derived"]) == [True, True, True, False, False]


@pytest.mark.parametrize("name", ["hz04", "wz07", "nb10"])
def test_context_row_without_a_year_before_is_refused(name: str) -> None:
    with pytest.raises(DataError, match=name):
        published.context_changes(load_context(), ids=(name,))


def test_own_figures_of_another_study() -> None:
    mine = pd.DataFrame(
        {"value": [12.0, 80.0], "change_pct": [-25.0, 30.0], "change_kind": ["percent", "percent"]},
        index=pd.Index(["appeals", "audits"], name="id"),
    )
    found = evidence(mine, family=("appeals",))
    assert found.loc["appeals", "baseline_low"] == 16
    assert found.loc["appeals", "p_holm"] == pytest.approx(found.loc["appeals", "p_value"])


def altered(figures: pd.DataFrame, name: str, column: str, value: object) -> pd.DataFrame:
    copy = figures.astype({"value": object, "change_pct": object})
    copy.loc[name, column] = value
    return copy


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("value", 32.5),
        ("value", -1),
        ("value", "32"),
        ("change_pct", "x"),
        ("change_pct", np.inf),
        ("change_pct", np.nan),
        ("change_pct", -140),
    ],
)
@pytest.mark.parametrize("call", [evidence, exposure_table])
def test_a_bad_row_is_named(figures: pd.DataFrame, call: object, column: str, value: object) -> None:
    with pytest.raises(DataError, match=rf"^{column} of 'losses' must .* got"):
        call(altered(figures, "losses", column, value))


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("losses", "value", None),
        ("reviews", "value", 0),
        ("enforcement_own", "value", 0),
        ("enforcement_own", "value", None),
        ("administrative_disputes", "change_pct", -100),
    ],
)
def test_what_cannot_be_divided_is_named(
    figures: pd.DataFrame, name: str, column: str, value: object
) -> None:
    with pytest.raises(DataError, match=rf"'{name}'"):
        exposure_table(altered(figures, name, column, value))


@pytest.mark.parametrize(
    ("figures_passed", "family", "message"),
    [
        (None, (), "^figures must be a DataFrame"),
        (load_figures().drop(columns="change_pct"), (), "lack the columns"),
        (load_figures().drop(index="losses"), ("losses",), "no usable row"),
        (pd.concat([load_figures()] * 2), ("losses",), "more than once"),
        (load_figures(), "losses", "^ids must be a tuple"),
        (load_figures(), ("losses", "losses"), "^ids must be a tuple"),
    ],
)
def test_bad_frames_and_families_are_named(figures_passed: object, family: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        evidence(figures_passed, family=family)


def test_no_rows_give_no_rows(figures: pd.DataFrame) -> None:
    found = evidence(figures.iloc[:0], family=())
    assert found.empty
    assert "p_holm_worst" in found.columns


@pytest.mark.parametrize("call", [evidence, exposure_table])
@pytest.mark.parametrize(("name", "value"), [("rounding", "halves"), ("ci_level", 1.0)])
def test_bad_arguments_are_named(figures: pd.DataFrame, call: object, name: str, value: object) -> None:
    with pytest.raises(DataError, match=f"^{name} must"):
        call(figures, **{name: value})


def test_exposure_table_names_missing_rows(figures: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="reviews"):
        exposure_table(figures.drop(index="reviews"))


@pytest.fixture
def copied_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of data/ that loading reads instead."""
    copy = tmp_path / "data"
    shutil.copytree(resources.folder("data"), copy)
    monkeypatch.setattr(resources, "folder", lambda name: tmp_path / name)
    return copy


def test_a_changed_byte_is_refused_with_both_hashes(copied_data: Path) -> None:
    path = copied_data / "published" / "figures.csv"
    content = path.read_bytes()
    path.write_bytes(content.replace(b",32,", b",23,", 1))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    declared = hashlib.sha256(content).hexdigest()
    with pytest.raises(DataError, match=r"published/figures\.csv") as refused:
        load_figures()
    assert found in str(refused.value)
    assert declared in str(refused.value)


def test_a_missing_file_is_named(copied_data: Path) -> None:
    (copied_data / "context" / "context.csv").unlink()
    with pytest.raises(DataError, match=r"context/context\.csv is missing"):
        load_context()


def test_a_wrong_value_is_refused_even_with_a_matching_hash(copied_data: Path) -> None:
    path = copied_data / "published" / "figures.csv"
    path.write_bytes(path.read_bytes().replace(b"outcome", b"outcme", 1))
    package = json.loads((copied_data / "datapackage.json").read_text(encoding="utf-8"))
    for entry in package["resources"]:
        if entry["path"] == "published/figures.csv":
            entry["hash"] = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    (copied_data / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    with pytest.raises(DataError, match=r"column level, row \w+: 'outcme'"):
        load_figures()


def test_figures_are_real_and_carry_their_source(figures: pd.DataFrame) -> None:
    assert figures.attrs["synthetic"] is False
    assert "中国司法" in figures.attrs["source"]
    assert set(schema.FIGURES.columns) == set(figures.columns)
