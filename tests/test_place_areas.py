"""Cities and counties by their names in full, without their ending, or former."""

import pytest

from reform_analysis import place_areas
from reform_analysis.place_areas import Area, city_area, county_area, readings, shortened
from reform_analysis.place_lists import Place, load_townships, places

LIST = load_townships()


def counties(area: Area | None) -> tuple[set[str], set[str]] | None:
    return (
        None if area is None else tuple({place.county for place in part} for part in (area.now, area.before))
    )


@pytest.mark.parametrize(
    ("text", "city", "found"),
    [
        ("温岭市", "", ({"温岭市"}, set())),
        ("温岭", "", ({"温岭市"}, set())),
        ("台州温岭", "", ({"温岭市"}, set())),
        ("浙江省台州市温岭市", "", ({"温岭市"}, set())),
        ("温岭", "台州", ({"温岭市"}, set())),
        ("温岭", "杭州", None),
        ("余杭", "杭州市", ({"余杭区"}, {"临平区"})),
        ("江干区", "", (set(), {"上城区", "钱塘区"})),
        ("绍兴县", "绍兴市", (set(), {"柯桥区", "越城区"})),
        ("绍兴县", "杭州市", None),
        ("绍兴", "", None),
        ("绍兴市", "", None),
        ("温", "", None),
        ("市", "", None),
        ("龙港市", "", None),
    ],
)
def test_a_county_is_the_one_its_name_stands_for(
    text: str, city: str, found: tuple[set[str], set[str]] | None
) -> None:
    assert counties(county_area(text, city)) == found


def test_a_short_form_of_two_counties_is_that_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    invented = {
        name: (Place(city, name, "甲镇", code),)
        for name, city, code in [("安溪县", "台州市", "1"), ("安溪区", "杭州市", "2")]
    }
    everywhere = tuple(place for units in invented.values() for place in units)
    monkeypatch.setattr(place_areas, "by_county", lambda: invented)
    monkeypatch.setattr(place_areas, "by_former_county", dict)
    monkeypatch.setattr(place_areas, "places", lambda: everywhere)
    cached = (place_areas.county_area, place_areas.city_area, place_areas.everywhere, place_areas._cities)
    for function in cached:
        function.cache_clear()
    try:
        assert county_area("安溪") is None
        assert counties(county_area("安溪区")) == ({"安溪区"}, set())
        assert counties(county_area("安溪", "台州")) == ({"安溪县"}, set())
    finally:
        for function in cached:
            function.cache_clear()


def test_an_empty_text_is_everything() -> None:
    assert city_area("").now == county_area("").now == frozenset(places())
    assert {place.city for place in county_area("", "台州").now} == {"台州市"}


def test_no_two_cities_or_counties_share_a_short_form() -> None:
    for column in ("city", "county"):
        forms = [form for name in LIST[column].unique() for form in shortened(name)]
        assert len(forms) == len(set(forms))


def test_readings_put_names_in_full_before_short_ones() -> None:
    as_it_is, full, short = readings("温岭市大溪镇")
    assert [rest for rest, _ in as_it_is] == ["温岭市大溪镇"]
    assert [rest for rest, _ in full] == ["大溪镇"]
    assert "大溪镇" not in [rest for rest, _ in short]
    assert [rest for rest, _ in readings("温岭大溪镇")[2]] == ["大溪镇"]
    assert readings("绍兴安昌镇")[2][0][0] == "安昌镇"
