"""Numbers compared two by two: special cases by hand."""

from typing import Any

import pandas as pd
import pytest

from reform_analysis import pack_numbers
from reform_analysis.estimates import DataError


def notebook(*outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cells": [{"cell_type": "code", "metadata": {}, "outputs": [output]} for output in outputs]}


def html(text: str) -> dict[str, Any]:
    return {"output_type": "execute_result", "data": {"text/html": text, "text/plain": "<X object>"}}


def sentences(old: str, new: str) -> list[str]:
    compared = pack_numbers.compare_notebooks(notebook(html(old)), notebook(html(new)), report="a")
    return [difference.sentence() for difference in compared.differences]


def test_equal_outputs_have_no_difference_and_count_their_numbers() -> None:
    text = "<p>败诉为0.60，区间0.38至0.95，1,365件</p><style>p{width:3px}</style>"
    found = pack_numbers.compare_notebooks(notebook(html(text)), notebook(html(text)), report="a")
    assert (found.differences, found.largest, found.numbers) == ((), 0.0, 4)


def test_a_number_is_named_with_its_relative_difference() -> None:
    assert sentences("<td>0.60</td><td>1,000</td>", "<td>0.60</td><td>1,250</td>") == [
        "a, cell 1, output 1: 1,000 in the pack, 1,250 in the rerun (relative difference 0.2)."
    ]


def test_words_count_as_much_as_numbers() -> None:
    assert sentences("<p>The interval excludes 1.</p>", "<p>The interval holds 1.</p>") == [
        "a, cell 1, output 1: the words differ, “The interval excludes 1.” in the pack, "
        "“The interval holds 1.” in the rerun."
    ]


def test_outputs_that_one_side_lacks_are_named() -> None:
    packed, again = notebook(html("1")), notebook(html("1"), html("2"))
    (difference,) = pack_numbers.compare_notebooks(packed, again, report="a").differences
    assert difference.sentence() == "a, cell 2, output 1: the rerun has it, the pack does not."


def test_figures_and_standard_error_are_not_compared() -> None:
    image = {
        "output_type": "display_data",
        "data": {"image/svg+xml": "<svg>1</svg>", "text/plain": "<Figure 1>"},
    }
    noise = {"output_type": "stream", "name": "stderr", "text": "took 3 s"}
    assert [text for *_, text in pack_numbers.texts(notebook(image, noise))] == ["", ""]


TABLE = pd.DataFrame(
    {
        "notebook": "a",
        "language": "en",
        "name": "main",
        "term": ["x", "y"],
        "estimate": [0.5, None],
        "p_value": 0.04,
    }
)


def test_tables_are_compared_by_row_and_missing_numbers_are_equal() -> None:
    other = TABLE.assign(p_value=[0.04, 0.05])
    found = pack_numbers.compare_tables(TABLE, other, keys=["language"])
    (difference,) = found.differences
    assert difference.sentence() == (
        "Estimate a · en · main · y, p_value: 0.04 in the pack, 0.05 in the rerun (relative difference 0.2)."
    )
    assert found.largest == pytest.approx(0.2)


def test_a_row_that_one_side_lacks_is_named() -> None:
    found = pack_numbers.compare_tables(TABLE, TABLE.iloc[:1], keys=["language"])
    assert [difference.key for difference in found.differences] == ["row_missing"]


def test_the_last_digits_of_another_system_are_within_and_still_the_largest() -> None:
    found = pack_numbers.compare_tables(TABLE, TABLE.assign(p_value=0.04 * (1 + 1e-9)), keys=["language"])
    assert found.differences == ()
    assert 0.9e-9 < found.largest < 1.1e-9


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x" * 100])
def test_a_broken_table_is_refused(content: bytes) -> None:
    with pytest.raises(DataError, match=r"estimates\.parquet"):
        pack_numbers.read_table(content)


def test_a_row_prints_as_it_rounds() -> None:
    """0.0376 may stand as 0.038 and 3.76e-02, not as 0.037 or 3.77e-02."""
    lines = [
        ["", *pack_numbers.FIELDS],
        ["0", "main", "x", "{}", *["NaN"] * 4, "s", "NaN", "m", "NaN", "False"],
    ]
    rows = pd.DataFrame([{"name": "main", "term": "x", "estimate": 0.0376}])
    agrees = {}
    for printed in ("0.038", "3.76e-02", "0.037", "3.77e-02", "NaN"):
        cells = ["".join(f"<td>{cell.format(printed)}</td>" for cell in line) for line in lines]
        shown = html("<table>" + "".join(f"<tr>{line}</tr>" for line in cells) + "</table>")
        agrees[printed] = not pack_numbers.table_against_notebook(
            rows, notebook(shown), report="a"
        ).differences
    assert agrees == {"0.038": True, "3.76e-02": True, "0.037": False, "3.77e-02": False, "NaN": False}
