"""Names against the province's list; expectations are counted from the file itself."""

import re
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reform_analysis.estimates import DataError
from reform_analysis.places import COLUMNS, load_renames, load_townships, match_units

LIST = load_townships()
NAMES = Counter(LIST["township"])
SETTLED = ["exact", "normalised", "renamed"]


def one(name: str, **where: str) -> dict[str, str]:
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


def test_a_former_county_is_no_reason_to_pick() -> None:
    got = one("四季青街道", county="江干区")
    assert (got["status"], got["unit_name"]) == ("proposed", "")
    assert got["candidates"].split("、")[0] == "上城区四季青街道"


@pytest.mark.parametrize("name", ["", "  ", "浙江省杭州市", "ABC", None, float("nan"), 3])
def test_what_fits_nothing_is_unmatched(name: object) -> None:
    got = one(name)
    assert (got["status"], got["candidates"]) == ("unmatched", "")


@given(st.text(max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_text_gets_a_status_and_only_settled_ones_a_unit(name: str) -> None:
    got = one(name)
    assert bool(got["code9"]) == (got["status"] in SETTLED)
    assert bool(got["candidates"]) == (got["status"] in ("ambiguous", "proposed"))


def test_order_index_and_columns_are_kept() -> None:
    names = pd.Series(["壶镇", "清波街道"], index=["b", "a"])
    found = match_units(names, county=["", "上城区"])
    assert tuple(found.columns) == COLUMNS
    assert found["name"].to_dict() == names.to_dict()


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
