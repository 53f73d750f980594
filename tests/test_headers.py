"""Headers, against those that county offices write."""

import pytest

from reform_analysis import headers
from reform_analysis.estimates import DataError
from reform_analysis.panel_columns import PANEL

TABLE = headers.alias_table()


def resolved(*levels: str) -> tuple[str, str, str]:
    header = headers.resolve(levels, number=1, row=1, table=TABLE)
    return header.column, header.period, header.unit


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("乡镇", "unit_name"),
        ("街道", "unit_name"),
        ("单位名称", "unit_name"),
        ("乡镇（街道）", "unit_name"),
        ("县(市、区)", "county"),
        ("县（市、区）", "county"),
        ("设区市", "city"),
        ("年份", "period"),
        ("年度", "period"),
        ("时间", "period"),
        ("是否试点", "pilot"),
        ("试点时间", "adopted"),
        ("败诉件数", "losses"),
        ("行政诉讼败诉", "losses"),
        ("行政诉讼败诉案件数", "losses"),
        ("复议纠错", "corrections"),
        ("一审受理件数", "lawsuits_filed"),
        ("一审审结", "lawsuits_concluded"),
        ("复议受理", "reconsiderations_filed"),
        ("复议审结件数", "reconsiderations_concluded"),
        ("行政争议发案量", "disputes"),
        ("常住人口数", "population"),
        ("合法性审查件数", "reviews"),
        ("审查意见", "review_opinions"),
        ("以镇街名义执法", "enforcement_own"),
        ("以部门名义执法", "enforcement_department"),
        ("Lawsuits filed", "lawsuits_filed"),
        ("number of lawsuits concluded", "lawsuits_concluded"),
        ("败诉率", "loss_rate"),
        ("上年同期败诉件数", "losses_previous"),
        ("败诉件数同比增减", "losses_growth"),
    ],
)
def test_known_headers(text: str, column: str) -> None:
    assert resolved(text) == (column, "", "")


@pytest.mark.parametrize("name", [name for name, field in PANEL.columns.items() if not field.regex])
def test_every_column_is_known_by_its_name_and_its_titles(name: str) -> None:
    assert resolved(name)[0] == name
    assert resolved(PANEL.columns[name].title)[0] == name
    assert resolved(PANEL.columns[name].metadata["title_zh"])[0] == name


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (("2020年败诉件数",), ("losses", "2020", "")),
        (("2020年", "败诉件数"), ("losses", "2020", "")),
        (("2020年", "行政诉讼", "败诉件数"), ("losses", "2020", "")),
        (("2021年", "上半年", "败诉件数"), ("losses", "2021H1", "")),
        (("行政诉讼", "审结件数"), ("lawsuits_concluded", "", "")),
        (("行政复议", "审结件数"), ("reconsiderations_concluded", "", "")),
        (("常住人口（万人）",), ("population", "", "万人")),
        (("常住人口", "（人）"), ("population", "", "人")),
        (("败诉率（%）",), ("loss_rate", "", "%")),
        (("losses_2020",), ("losses", "2020", "")),
        (("财政支出（万元）",), ("财政支出_wan_yuan", "", "万元")),
        (("财政", "支出（元）"), ("财政_支出_wan_yuan", "", "元")),
        (("gdp per head",), ("gdp per head", "", "")),
        (("序号",), ("", "", "")),
    ],
)
def test_levels_periods_and_units(levels: tuple[str, ...], expected: tuple[str, str, str]) -> None:
    assert resolved(*levels) == expected


def test_own_aliases_go_first() -> None:
    table = headers.alias_table(
        {"败诉（终审）": "losses", "败诉件数": "losses_of_first_instance", "备注": ""}
    )
    assert headers.match("败诉（终审）", table) == "losses"
    assert headers.match("败诉件数", table) == "losses_of_first_instance"
    assert headers.match("备注", table) == ""


@pytest.mark.parametrize("aliases", [{"a": 1}, {1: "losses"}, ["losses"], {"": "losses"}, "losses"])
def test_wrong_aliases_raise(aliases: object) -> None:
    with pytest.raises(DataError, match="aliases must map headers to columns"):
        headers.alias_table(aliases)  # type: ignore[arg-type]


def test_no_alias_stands_for_two_columns() -> None:
    import tomllib
    from importlib.resources import files

    declared = tomllib.loads(files("reform_analysis").joinpath("aliases.toml").read_text(encoding="utf-8"))
    meant: dict[str, set[str]] = {}
    for column, texts in declared["columns"].items():
        for text in (*texts, column):
            meant.setdefault(headers.stem(text), set()).add(column)
    assert {text: columns for text, columns in meant.items() if len(columns) > 1} == {}
    assert set(declared["columns"]) <= set(PANEL.columns)


@pytest.mark.parametrize("text", ["败诉件数①", "败诉件数*", "败诉件数（件）[1]", "※败诉件数"])
def test_footnote_marks_of_headers_do_not_count(text: str) -> None:
    assert resolved(text)[0] == "losses"


def test_proposals_are_known_columns_with_like_headers() -> None:
    assert set(headers.closest("审结件数", TABLE)) >= {"lawsuits_concluded", "reconsiderations_concluded"}
    assert headers.closest("终审败诉", TABLE)[0] == "losses"
    assert headers.closest("x", TABLE) == ()
    assert len(headers.closest("执法", TABLE)) <= 3


@pytest.mark.parametrize(
    ("levels", "column"),
    [
        (["试点启动时间"], "adopted"),
        (["审查意见条数"], "review_opinions"),
        (["执法（件）", "以乡镇街道名义"], "enforcement_own"),
        (["执法（件）", "以部门名义"], "enforcement_department"),
    ],
)
def test_headers_of_county_offices(levels: list[str], column: str) -> None:
    assert headers.resolve(levels, number=1, row=1, table=headers.alias_table()).column == column
