"""Names against the province's list; expectations are counted from the file itself."""

import re
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reform_analysis.estimates import DataError
from reform_analysis.places import (
    COLUMNS,
    load_former_counties,
    load_renames,
    load_townships,
    match_units,
)

LIST = load_townships()
NAMES = Counter(LIST["township"])
SETTLED = ["exact", "normalised", "renamed"]


def one(name: object, **where: object) -> dict[str, str]:
    return match_units([name], **where).iloc[0].to_dict()


def test_the_list_is_the_one_described() -> None:
    assert LIST.shape == (1365, 4)
    assert (LIST["city"].nunique(), LIST["county"].nunique()) == (11, 89)
    assert sum(n > 1 for n in NAMES.values()) == 38
    assert not LIST.duplicated(["county", "township"]).any()


def test_every_unit_is_found_by_county_and_name() -> None:
    found = match_units(LIST["township"], county=LIST["county"])
    assert (found["status"] == "exact").all()
    assert (found["code9"] == LIST["code9"]).all()
    assert (found["city"] == LIST["city"]).all()


def test_a_bare_name_is_exact_if_unique_and_else_ambiguous_with_every_candidate() -> None:
    found = match_units(LIST["township"])
    for name, row in zip(LIST["township"], found.itertuples(), strict=True):
        if NAMES[name] == 1:
            assert (row.status, row.unit_name) == ("exact", name)
        else:
            assert (row.status, row.unit_name, row.code9) == ("ambiguous", "", "")
            owners = LIST.loc[LIST["township"] == name, "county"]
            assert row.candidates == "、".join(owners + name)
    assert (found["status"] == "ambiguous").sum() == sum(n for n in NAMES.values() if n > 1) == 88


def test_the_city_can_settle_a_repeated_name() -> None:
    assert one("横溪镇", city="台州市")["county"] == "仙居县"
    assert one("城东街道", city="金华市")["status"] == "ambiguous"


@pytest.mark.parametrize(
    ("name", "status", "unit", "county"),
    [
        ("干𬒗镇", "exact", "干𬒗镇", "定海区"),
        ("鿎石街道", "exact", "鿎石街道", "龙泉市"),
        ("鿎石街道办事处", "normalised", "鿎石街道", "龙泉市"),
        ("定海区干𬒗镇人民政府", "normalised", "干𬒗镇", "定海区"),
        ("壶镇", "normalised", "壶镇镇", "缙云县"),
        ("缙云县壶镇", "normalised", "壶镇镇", "缙云县"),
        ("乌镇", "normalised", "乌镇镇", "桐乡市"),
        ("五乡", "normalised", "五乡镇", "鄞州区"),
        ("仰义", "normalised", "仰义街道", "鹿城区"),
        ("浙江省温州市鹿城区仰义街道办事处", "normalised", "仰义街道", "鹿城区"),
        ("　姜 山\u200b镇 ", "normalised", "姜山镇", "鄞州区"),
        ("仰义街道办", "normalised", "仰义街道", "鹿城区"),
        ("姚庄镇政府", "normalised", "姚庄镇", "嘉善县"),
        ("安昌镇", "renamed", "安昌街道", "柯桥区"),
        ("安昌镇人民政府", "renamed", "安昌街道", "柯桥区"),
        ("马鞍镇", "renamed", "马鞍街道", "柯桥区"),
        ("台州市温岭市大溪镇人民政府", "normalised", "大溪镇", "温岭市"),
        ("台州市/温岭市-大溪镇", "normalised", "大溪镇", "温岭市"),
        ("大溪镇（温岭市）", "normalised", "大溪镇", "温岭市"),
        ("【温岭】大溪", "normalised", "大溪镇", "温岭市"),
        ("温岭市（大溪镇）", "normalised", "大溪镇", "温岭市"),
        ("横溪镇（仙居）", "normalised", "横溪镇", "仙居县"),
        ("大溪镇镇政府", "normalised", "大溪镇", "温岭市"),
        ("缙云县壶镇镇政府", "normalised", "壶镇镇", "缙云县"),
        ("杭州市上城区人民政府清波街道办事处", "normalised", "清波街道", "上城区"),
        ("上城区人民政府清波街道办", "normalised", "清波街道", "上城区"),
        ("清波办事处", "normalised", "清波街道", "上城区"),
        ("竹垟乡", "normalised", "竹垟畲族乡", "龙泉市"),
        ("龙泉竹垟", "normalised", "竹垟畲族乡", "龙泉市"),
        ("東浦镇", "proposed", "", ""),
        ("普陀山", "normalised", "普陀山镇", "普陀区"),
        ("余杭街道", "exact", "余杭街道", "余杭区"),
        ("东阳江镇", "exact", "东阳江镇", "东阳市"),
    ],
)
def test_names_as_offices_write_them(name: str, status: str, unit: str, county: str) -> None:
    got = one(name)
    assert (got["status"], got["unit_name"], got["county"]) == (status, unit, county)


def test_a_county_before_the_name_settles_it() -> None:
    assert one("仙居县横溪镇")["county"] == "仙居县"
    assert one("横溪")["status"] == "ambiguous"


@given(st.integers(0, len(LIST) - 1), st.sampled_from(["", "人民政府", "办事处"]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_full_address_of_any_unit_is_found(row: int, office: str, spaced: bool) -> None:
    place = LIST.loc[row]
    fits = office == "" or (office == "办事处") == place["township"].endswith("街道")
    name = place["city"] + place["county"] + place["township"] + (office if fits else "")
    got = one(" ".join(name) if spaced else name)
    assert (got["status"], got["code9"]) == ("normalised", place["code9"])


@given(st.integers(0, len(LIST) - 1))
@settings(max_examples=60, deadline=None)
def test_without_its_kind_a_unit_is_found_in_its_county_or_reported(row: int) -> None:
    place = LIST.loc[row]
    stem = re.sub("(街道|镇|乡)$", "", place["township"])  # one ending only: 五乡镇 is 五乡, 金乡镇 is 金乡
    got = one(stem, county=place["county"])
    assert got["code9"] == place["code9"] or got["status"] == "ambiguous"


def test_close_names_are_proposals_only() -> None:
    got = one("仰仪街道")
    assert (got["status"], got["unit_name"], got["code9"]) == ("proposed", "", "")
    assert "鹿城区仰义街道" in got["candidates"].split("、")
    elsewhere = one("壶镇镇", county="柯桥区")
    assert (elsewhere["status"], elsewhere["candidates"].split("、")[0]) == ("proposed", "缙云县壶镇镇")
    kind = one("姜山乡", county="鄞州区")
    assert (kind["status"], kind["candidates"].split("、")[0]) == ("proposed", "鄞州区姜山镇")


def test_a_short_county_or_city_is_the_one_it_stands_for() -> None:
    counties = LIST["county"].str.replace("(畲族自治县|市|县|区)$", "", regex=True)
    cities = LIST["city"].str.removesuffix("市")
    assert counties.groupby(counties).ngroups == LIST["county"].nunique()
    for found in (
        match_units(LIST["township"], county=counties),
        match_units(LIST["township"], county=counties, city=cities),
        match_units(LIST["township"], county=cities + counties),
    ):
        assert (found["status"] == "exact").all()
        assert (found["code9"] == LIST["code9"]).all()


@pytest.mark.parametrize(
    "county", ["景宁畲族自治县", "景宁自治县", "景宁县", "景宁", "丽水市景宁", "浙江省景宁县"]
)
def test_an_autonomous_county_is_known_without_its_people(county: str) -> None:
    assert one("鹤溪街道", county=county)["county"] == "景宁畲族自治县"


def test_a_short_prefix_leads_to_the_unit() -> None:
    counties = LIST["county"].str.replace("(畲族自治县|市|县|区)$", "", regex=True)
    for names in (
        counties + LIST["township"],
        LIST["city"].str.removesuffix("市") + counties + LIST["township"],
    ):
        found = match_units(names)
        assert (found["status"] == "normalised").all()
        assert (found["code9"] == LIST["code9"]).all()


def test_the_short_city_can_settle_a_repeated_name() -> None:
    assert one("横溪镇", city="台州")["county"] == one("台州横溪镇")["county"] == "仙居县"
    assert one("金华城东街道")["candidates"] == "婺城区城东街道、东阳市城东街道"


@pytest.mark.parametrize(
    ("name", "where", "status", "first"),
    [
        ("横溪镇", {"county": "不存在县"}, "unknown_county", "鄞州区横溪镇"),
        ("横溪镇", {"county": "仙居市"}, "unknown_county", "仙居县横溪镇"),
        ("大西镇", {"county": "温领市"}, "unknown_county", "温岭市大溪镇"),
        ("城东街道办事处", {"county": "台州"}, "unknown_county", "温岭市城东街道"),
        ("城东街道", {"city": "温岭市"}, "unknown_city", "温岭市城东街道"),
        ("大溪镇", {"county": "温岭市", "city": "杭州市"}, "unknown_county", "温岭市大溪镇"),
        ("柯桥街道", {"county": "绍兴"}, "unknown_county", "柯桥区柯桥街道"),  # a city, and a former county
        ("大溪镇", {"county": [3]}, "unknown_county", "温岭市大溪镇"),
    ],
)
def test_an_unknown_county_or_city_is_said_and_nothing_picked(
    name: str, where: dict[str, object], status: str, first: str
) -> None:
    got = one(name, **where)
    assert (got["status"], got["unit_name"], got["code9"]) == (status, "", "")
    assert got["candidates"].split("、")[0] == first


@pytest.mark.parametrize("missing", ["", " ", None, float("nan"), pd.NA])
def test_a_missing_county_is_none_given(missing: object) -> None:
    assert one("大溪镇", county=[missing])["status"] == "exact"
    assert one("大溪镇", county=missing)["status"] == "exact"


def test_a_given_county_is_not_overruled_by_the_one_in_the_name() -> None:
    got = one("鹿城区仰义街道", county="瓯海区")
    assert (got["status"], got["unit_name"], got["candidates"]) == ("proposed", "", "鹿城区仰义街道")


@pytest.mark.parametrize(
    ("name", "where", "unit", "county"),
    [
        ("柯桥街道", {"county": "绍兴县"}, "柯桥街道", "柯桥区"),
        ("绍兴县安昌镇", {}, "安昌街道", "柯桥区"),
        ("绍兴县富盛镇人民政府", {}, "富盛镇", "越城区"),
        ("四季青街道", {"county": "江干区"}, "四季青街道", "上城区"),
        ("下沙街道", {"county": "江干"}, "下沙街道", "钱塘区"),
        ("塘栖镇", {"county": "余杭区"}, "塘栖镇", "临平区"),
        ("杭州市余杭区塘栖镇人民政府", {}, "塘栖镇", "临平区"),
        ("洞桥镇", {"county": "鄞州区", "city": "宁波"}, "洞桥镇", "海曙区"),
        ("百官街道", {"county": "上虞市"}, "百官街道", "上虞区"),
    ],
)
def test_a_former_county_leads_to_the_present_one(
    name: str, where: dict[str, str], unit: str, county: str
) -> None:
    got = one(name, **where)
    assert (got["status"], got["unit_name"], got["county"]) == ("renamed", unit, county)


def test_a_county_that_lost_townships_keeps_the_others_and_gains_no_more() -> None:
    assert one("良渚街道", county="余杭区")["status"] == "exact"
    got = one("白云街道", county="鄞州区")  # of 海曙区, but never of 鄞州区
    assert (got["status"], got["unit_name"]) == ("proposed", "")
    assert one("孙端镇", county="绍兴县")["candidates"] == "越城区孙端街道"  # no source of the new name


@pytest.mark.parametrize(
    "name",
    [
        "大溪镇、泽国镇",
        "大溪镇 泽国镇",
        "大溪镇小计",
        "大溪镇司法所",
        "1.大溪镇",
        "温岭大溪镇大溪村",
        "大溪乡",
    ],
)
def test_what_is_more_or_other_than_a_unit_is_proposed_never_picked(name: str) -> None:
    got = one(name)
    assert (got["status"], got["unit_name"]) == ("proposed", "")
    assert "温岭市大溪镇" in got["candidates"].split("、")


def test_a_note_in_brackets_is_no_reason_to_pick() -> None:
    got = one("大溪镇（试点）")
    assert (got["status"], got["candidates"].split("、")[0]) == ("proposed", "温岭市大溪镇")


@pytest.mark.parametrize(
    "name",
    [
        *[
            "",
            "  ",
            "浙江省杭州市",
            "温岭市",
            "台州",
            "街道",
            "人民政府",
            "温岭市人民政府",
            "经济开发区",
            "ABC",
            "１２",
        ],
        *[None, float("nan"), pd.NA, 3, b"x"],
    ],
)
def test_what_fits_nothing_is_unmatched(name: object) -> None:
    got = one(name)
    assert (got["status"], got["candidates"]) == ("unmatched", "")


@given(st.text(max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_text_gets_a_status_and_only_settled_ones_a_unit(name: str) -> None:
    got = one(name)
    assert bool(got["code9"]) == (got["status"] in SETTLED)
    assert bool(got["candidates"]) == (got["status"] in ("ambiguous", "proposed"))


@given(st.text(max_size=8), st.text(max_size=4), st.text(max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_county_and_city_get_a_status(name: str, county: str, city: str) -> None:
    got = one(name, county=county, city=city)
    assert bool(got["code9"]) == (got["status"] in SETTLED)


def test_order_index_and_columns_are_kept() -> None:
    names = pd.Series(["壶镇", "清波街道"], index=["b", "a"])
    found = match_units(names, county=["", "上城区"])
    assert tuple(found.columns) == COLUMNS
    assert found["name"].to_dict() == names.to_dict()


@pytest.mark.parametrize("kind", [list, tuple, pd.Index, pd.Series, pd.Categorical, iter])
def test_any_list_of_names_is_taken_twice_the_same_included(kind: type) -> None:
    found = match_units(kind(["大溪镇", "大溪镇"]))
    assert found["county"].tolist() == ["温岭市", "温岭市"]
    assert match_units(kind([])).shape == (0, len(COLUMNS))


@pytest.mark.parametrize("names", ["大溪镇", None, 3, {"大溪镇": 1}, pd.DataFrame({"name": ["大溪镇"]})])
def test_names_that_are_no_list_are_refused(names: object) -> None:
    with pytest.raises(DataError, match="^names must be a list or column of names, got"):
        match_units(names)


@pytest.mark.parametrize("given", [3, {"a": "温岭市"}])
def test_a_county_that_is_no_text_is_refused(given: object) -> None:
    with pytest.raises(DataError, match="^county must be a text or one value a name, got"):
        match_units(["大溪镇"], county=given)


def test_a_column_of_another_index_is_refused() -> None:
    names = pd.Series(["大溪镇", "清波街道"], index=[1, 0])
    with pytest.raises(DataError, match="^county must have the index of names"):
        match_units(names, county=pd.Series(["上城区", "温岭市"]))


def test_counties_of_another_length_are_refused() -> None:
    with pytest.raises(DataError, match="county must have one value a name, got 1 for 2 names"):
        match_units(["壶镇", "乌镇"], county=["缙云县"])


def test_renames_are_sourced_and_lead_from_no_present_name_to_one() -> None:
    renames = load_renames()
    present = set(zip(LIST["county"], LIST["township"], strict=True))
    assert len(renames) > 0
    assert set(zip(renames["county"], renames["township"], strict=True)) <= present
    assert not set(zip(renames["county"], renames["old_name"], strict=True)) & present
    assert (renames["quote"].str.len() > 5).all()
    assert ((renames["note"] == "") == (renames["note_zh"] == "")).all()
    found = match_units(renames["old_name"], county=renames["county"])
    assert (found["status"] == "renamed").all()
    assert (found["unit_name"] == renames["township"]).all()


def test_a_quote_holds_both_names_or_the_note_says_why_it_is_the_source() -> None:
    simple = str.maketrans("鎮齊賢蘭靈東門鑒", "镇齐贤兰灵东门鉴")
    for table, before, now in [
        (load_renames(), "old_name", "township"),
        (load_former_counties(), "former_county", "county"),
    ]:
        for row in table.to_dict("records"):
            quote = row["quote"].translate(simple)
            assert row[before] in quote, row
            assert row[now] in quote or row["note"], row


def test_a_row_without_a_date_says_so_and_its_quote_holds_none() -> None:
    rows = [*load_renames().to_dict("records"), *load_former_counties().to_dict("records")]
    for row in [row for row in rows if not row["date"]]:
        assert re.search("date|year", row["note"]), row
        assert not re.search("[0-9]{4}年", row["quote"]), row


def test_former_counties_name_units_of_the_list_and_no_name_is_in_both_parts() -> None:
    former = load_former_counties()
    for row in former.itertuples():
        units = set(LIST.loc[LIST["county"] == row.county, "township"])
        assert units
        moved = set(row.townships.split("、")) if row.townships else set()
        assert moved <= units, row
        assert not moved & set(LIST.loc[LIST["county"] == row.former_county, "township"]), row
    assert ((former["note"] == "") == (former["note_zh"] == "")).all()
    gone = {name for name in former["former_county"] if name not in set(LIST["county"])}
    assert gone >= {"绍兴县", "江干区", "下城区", "江东区", "临安市"}
