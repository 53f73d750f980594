"""Labels of rows, against the province's list of real names."""

import pytest

from reform_analysis.places import load_townships
from reform_analysis.row_labels import is_county, is_note, is_unit, names_the_whole, read_label, says_number


def test_no_real_place_is_a_total_and_every_one_is_known_for_what_it_is() -> None:
    listed = load_townships()
    for name in listed["township"]:
        assert (is_unit(name), is_county(name), is_note(name)) == (True, False, False)
        assert (read_label(name), names_the_whole(name)) == (None, None)
    for name in {*listed["county"], *listed["city"]}:
        assert (is_unit(name), is_county(name)) == (False, True)
        assert (read_label(name), names_the_whole(name)) == (None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("总数", ("", "sum")),
        ("合计数", ("", "sum")),
        ("合计（件）", ("", "sum")),
        ("【合计】", ("", "sum")),
        ("全县合计数", ("全县", "sum")),
        ("汇总", ("", "sum")),
        ("乙县小计：", ("乙县", "part")),
        ("合计（不含开发区）", ("", "loose")),
        ("累计", ("", "loose")),
        ("其中：街道", ("", "loose")),
        ("平均", ("", "loose")),
        ("平均值", ("", "loose")),
        ("合计镇", None),
    ],
)
def test_totals_and_means(text: str, expected: tuple[str, str] | None) -> None:
    assert read_label(text) == expected


@pytest.mark.parametrize("text", ["全县", "全市", "全区", "全县（件）", "全县（市、区）"])
def test_the_whole(text: str) -> None:
    assert names_the_whole(text) == ("", "sum")


@pytest.mark.parametrize("text", ["试点乡镇", "非试点乡镇街道", "各街道", "街道", "* 镇指建制镇。"])
def test_headings_are_no_units(text: str) -> None:
    assert not is_unit(text)


@pytest.mark.parametrize("text", ["经济开发区", "高新区", "管理区", "一镇"])
def test_zones_are_no_counties(text: str) -> None:
    assert not is_county(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, True), ("2件", True), ("—", True), ("2022年", False), ("", False), (True, False)],
)
def test_what_says_a_number(value: object, expected: bool) -> None:
    assert says_number(value) is expected
