"""One place under two names is refused."""

import pandas as pd
import pytest

from reform_analysis.estimates import DataError
from reform_analysis.spellings import require_one_spelling


@pytest.mark.parametrize(
    ("column", "names"),
    [("county", ["甲", "甲县"]), ("city", ["甲市", "甲"]), ("county", ["甲区", "甲"])],
)
def test_an_ending_makes_two_places(column: str, names: list[str]) -> None:
    with pytest.raises(DataError, match=f"column '{column}' has both '甲' and '甲.'"):
        require_one_spelling(pd.DataFrame({column: names}))


def test_a_county_before_the_name_makes_two_units() -> None:
    frame = pd.DataFrame({"county": "甲县", "unit_name": ["一镇", "甲县一镇"]})
    with pytest.raises(DataError, match="both '一镇' and '甲县一镇'"):
        require_one_spelling(frame)


def test_namesakes_of_two_counties_are_two_units() -> None:
    frame = pd.DataFrame({"county": ["甲县", "乙县", ""], "unit_name": ["一镇", "一镇", "乙县一镇"]})
    require_one_spelling(frame)
    require_one_spelling(pd.DataFrame({"unit_id": ["1"]}))
