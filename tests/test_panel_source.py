"""The panel of a notebook: the example, or the user's file with what only the user knows."""

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest

from reform_analysis import effect_design, panel, panel_findings, simulate
from reform_analysis.estimates import DataError
from reform_analysis.panel_columns import PANEL
from reform_analysis.panel_source import MARKS, listed, open_panel, present, says_synthetic

KEPT = ["unit_id", "unit_name", "county", "city", "period", "pilot", "adopted"]


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    rows = simulate.load_example().query("city == city.iloc[0]").head(24)
    mine = rows[
        [
            "unit_id",
            "unit_name",
            "county",
            "city",
            "period",
            "pilot",
            "adopted",
            "losses",
            "lawsuits_concluded",
        ]
    ]
    mine = mine.rename(columns={"losses": "我的败诉列", "unit_name": "乡镇名称"}).astype(
        {"我的败诉列": object}
    )
    mine.iloc[0, 7] = "—"
    mine.to_excel(tmp_path / "面板.xlsx", index=False)
    return tmp_path / "面板.xlsx"


def test_the_example_is_synthetic_and_has_measures() -> None:
    frame = open_panel()
    assert frame.attrs["synthetic"] is True
    assert frame.attrs["logged"] == 0
    assert {"devolution_share", "loss_rate"} <= set(frame.columns)


def test_one_city_can_be_kept() -> None:
    city = open_panel()["city"].iloc[0]
    assert set(open_panel(city=city)["city"]) == {city}
    with pytest.raises(DataError, match="^city must be one of"):
        open_panel(city="杭州市")


@pytest.mark.parametrize(
    ("lacking", "cluster"),
    [(["county"], "city"), (["city"], "county"), (["city", "county"], "unit_id")],
    ids=["county", "city", "both"],
)
def test_a_file_may_lack_county_and_city_and_the_banner_says_what_is_left_out(
    lacking: list[str], cluster: str, tmp_path: Path
) -> None:
    frame = simulate.load_example().drop(columns=lacking)
    frame.to_csv(tmp_path / "panel.csv", index=False)
    read = open_panel(str(tmp_path / "panel.csv"))
    compared = effect_design.design(
        read, outcome="losses", exposure=None, pre=["2018", "2019", "2020"], post=["2021"]
    )
    assert compared.cluster == cluster
    assert compared.strata == (None if "city" in lacking else "city")
    report = panel.panel_report(read, counts=["losses"])
    said = panel_findings.banner(report, data="panel.csv").sentences
    assert any(
        "no column of the " + " or the ".join(sorted(lacking, key="city".__eq__)) in line for line in said
    )
    if "city" in lacking:
        with pytest.raises(DataError, match="no column of the city"):
            open_panel(str(tmp_path / "panel.csv"), city="甲市")


def test_the_users_file_with_aliases_and_reading(workbook: Path) -> None:
    aliases = json.dumps({"我的败诉列": "losses"}, ensure_ascii=False)
    frame = open_panel(str(workbook), aliases=aliases, reading="dash_means=missing, date_basis=filed")
    assert frame.attrs["date_basis"] == "filed"
    assert frame.attrs["synthetic"] is False
    assert frame.attrs["logged"] > 0
    assert pd.isna(frame["losses"].iloc[0])
    assert len(frame) == 24


def test_the_count_of_changes_is_the_files_whichever_city_is_kept_and_says_so(tmp_path: Path) -> None:
    rows = simulate.load_example().groupby("city").head(6)[[*KEPT, "losses", "lawsuits_concluded"]]
    here, there = rows["city"].unique()[:2]
    rows = rows[rows["city"].isin([here, there])].astype({"losses": object})
    rows.loc[rows["city"] == there, "losses"] = "—"
    rows.to_excel(tmp_path / "panel.xlsx", index=False)
    reading = "dash_means=missing"
    whole = open_panel(str(tmp_path / "panel.xlsx"), reading=reading)
    kept = open_panel(str(tmp_path / "panel.xlsx"), reading=reading, city=here)
    assert len(kept) == len(whole) / 2
    assert kept.attrs["logged"] == whole.attrs["logged"] >= 6
    said = {
        "en": "While the whole file was read, whichever city is kept, 9 cells",
        "zh": "整个文件（不限所选城市）",
    }
    report = panel.panel_report(kept, counts=["losses"])
    for language, words in said.items():
        text = str(panel_findings.banner(report, data="panel.xlsx", logged=9, language=language))
        assert words in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "nowhere.xlsx"}, "^data must be a file"),
        ({"reading": "dash_means=zeros"}, "^dash_means must be one of"),
        ({"reading": "basis=filed"}, "^name in reading must be one of"),
    ],
)
def test_bad_parameters_are_named(options: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_panel(**options)


@pytest.mark.parametrize(
    ("aliases", "message"), [("{", "must be a JSON object"), ('["a"]', "must map headers")]
)
def test_bad_aliases_are_named(workbook: Path, aliases: str, message: str) -> None:
    with pytest.raises(DataError, match=f"^aliases {message}"):
        open_panel(str(workbook), aliases=aliases)


def test_a_dash_is_never_guessed(workbook: Path) -> None:
    with pytest.raises(DataError, match="dash_means"):
        open_panel(str(workbook), aliases=json.dumps({"我的败诉列": "losses"}))


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(DataError, match="at least one"):
        listed(" , ")


def test_a_header_that_no_alias_knows_is_named_in_the_banner(tmp_path: Path) -> None:
    rows = simulate.load_example().groupby("city").head(6)[[*KEPT, "losses", "lawsuits_concluded"]]
    rows.rename(columns={"lawsuits_concluded": "审结件数"}).to_excel(tmp_path / "panel.xlsx", index=False)
    frame = open_panel(str(tmp_path / "panel.xlsx"))
    assert frame.attrs["covariates"] == ["审结件数"]
    assert open_panel().attrs["covariates"] == []
    report = panel.panel_report(frame, counts=["losses"])
    for language in ("zh", "en"):
        plain = panel_findings.banner(report, data="panel.xlsx", language=language).sentences
        named = panel_findings.banner(
            report, data="panel.xlsx", covariates=frame.attrs["covariates"], language=language
        ).sentences
        assert len(named) == len(plain) + 1
        assert "审结件数" in named[-1]


def test_a_refused_file_names_the_headers_that_may_be_the_missing_column(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    header = "乡镇,县,市,年份,试点,试点启动时间,败诉案件总量"
    path.write_text(
        f"{header}\n一镇,甲县,乙市,2021,是,2021-05,1\n二镇,甲县,乙市,2021,否,,0\n", encoding="utf-8"
    )
    with pytest.raises(DataError, match=r"must have an outcome(?s:.*)closest known columns: losses"):
        open_panel(str(path))


def test_data_are_made_up_where_name_reading_or_column_says_so(workbook: Path) -> None:
    frame = pd.read_excel(workbook)
    aliases = json.dumps({"我的败诉列": "losses"})
    given = {"aliases": aliases, "reading": "dash_means=missing"}
    assert not says_synthetic(workbook, **given)
    assert not open_panel(str(workbook), **given).attrs["synthetic"]
    said = {**given, "reading": "dash_means=missing, synthetic=yes"}
    assert says_synthetic(workbook, **said)
    assert open_panel(str(workbook), **said).attrs["synthetic"]
    assert says_synthetic(workbook.with_name("SYNTHETIC.csv"))
    for number, values in enumerate(["是", ["是", *["否"] * (len(frame) - 1)], "否"]):
        marked = frame.assign(是否合成=values)
        for path in (workbook.with_name(f"{number}.xlsx"), workbook.with_name(f"{number}.csv")):
            write = {".xlsx": marked.to_excel, ".csv": marked.to_csv}[path.suffix]
            write(path, index=False, **({"encoding": "gb18030"} if path.suffix == ".csv" else {}))
            assert says_synthetic(path, **given) is (number < 2), path
    mine = workbook.with_name("own_header.csv")
    frame.assign(编的="是").to_csv(mine, index=False)
    assert says_synthetic(
        mine, **{**given, "aliases": json.dumps({"我的败诉列": "losses", "编的": "synthetic"})}
    )


def test_a_file_that_cannot_be_read_is_no_fault_of_the_plan(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("是否合成\n是\n", encoding="utf-8")
    assert not says_synthetic(tmp_path / "a.csv")
    assert not says_synthetic(tmp_path / "none.csv")
    assert not says_synthetic(tmp_path / "a.csv", reading="nonsense=1")


def test_every_header_of_the_mark_is_looked_for() -> None:
    table = tomllib.loads((files("reform_analysis") / "aliases.toml").read_text(encoding="utf-8"))
    headers = [header for part in (table, *table.values()) for header in part.get("synthetic", [])]
    headers += [
        "synthetic",
        PANEL.columns["synthetic"].title,
        PANEL.columns["synthetic"].metadata["title_zh"],
    ]
    assert len(headers) > 3
    assert all(any(mark in header.lower() for mark in MARKS) for header in headers)


def test_a_notebook_below_the_study_sees_the_studys_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "reports" / "20261125-120000"
    below.mkdir(parents=True)
    simulate.load_example().to_csv(tmp_path / "panel.csv", index=False)
    monkeypatch.chdir(below)
    with pytest.raises(DataError, match="panel.csv"):
        open_panel("panel.csv", reading="synthetic=yes")
    (tmp_path / "study.yaml").write_text("data: panel.csv\n", encoding="utf-8")
    found = open_panel("panel.csv", reading="synthetic=yes")
    assert len(found) == len(simulate.load_example())


def test_names_that_the_panel_lacks_are_told_apart() -> None:
    frame = pd.DataFrame(columns=["losses", "devolution_share"])
    assert present(frame, "reviews_per_1000，devolution_share") == (
        ["devolution_share"],
        ["reviews_per_1000"],
    )
    assert present(frame, "") == ([], [])
