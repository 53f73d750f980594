"""The lists by name and county, against the files themselves."""

from reform_analysis import place_lists
from reform_analysis.place_lists import load_former_counties, load_renames, load_townships


def test_every_unit_is_under_its_name_and_its_county() -> None:
    listed = load_townships()
    for index, column in ((place_lists.by_name(), "township"), (place_lists.by_county(), "county")):
        assert {name: len(units) for name, units in index.items()} == listed[column].value_counts().to_dict()
        assert all(getattr(unit, column) == name for name, units in index.items() for unit in units)


def test_every_former_name_leads_to_its_unit() -> None:
    for row in load_renames().itertuples():
        units = place_lists.by_former_name()[row.old_name]
        assert (row.county, row.township) in {(unit.county, unit.township) for unit in units}


def test_a_former_county_holds_the_townships_named_or_the_whole_county() -> None:
    listed = load_townships()
    for row in load_former_counties().itertuples():
        units = place_lists.by_former_county()[row.former_county]
        found = [unit.township for unit in units if unit.county == row.county]
        whole = listed.loc[listed["county"] == row.county, "township"].tolist()
        assert sorted(found) == sorted(row.townships.split("、") if row.townships else whole)
    nine = [unit for unit in place_lists.by_former_county()["鄞州区"] if unit.county == "海曙区"]
    assert len(nine) == 9
