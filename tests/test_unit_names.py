"""Offices left off names, never joining two units of the province."""

from reform_analysis.places import load_townships
from reform_analysis.unit_names import read_unit_name, without_office


def test_offices_are_left_off_and_kinds_stay() -> None:
    names = ["一镇人民政府", "一乡政府", "一街道办事处", "一街道办", "一办事处", "一镇"]
    assert [without_office(name) for name in names] == [
        "一镇",
        "一乡",
        "一街道",
        "一街道",
        "一办事处",
        "一镇",
    ]
    assert read_unit_name("一镇人民政府*").reason == "footnote mark, office left off"


def test_every_real_name_stays_and_is_that_of_its_office() -> None:
    for name in load_townships()["township"]:
        office = "办事处" if name.endswith("街道") else "人民政府"
        assert without_office(name) == name == without_office(name + office)
