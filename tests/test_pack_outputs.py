"""Which functions a report's cells call, and which are behind their values: special cases by hand."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

from reform_analysis import pack_outputs

HEAD = "from reform_analysis import published, tables\nfrom reform_analysis.rates import compare_counts as cc"


def test_functions_follow_values_through_cells_and_items() -> None:
    cells = [HEAD, "found = published.evidence(1)\nall_ = {}", "all_['x'] = cc(found)", "tables.claims(all_)"]
    assert pack_outputs.calls(cells) == [
        ((), ()),
        (("published.evidence",), ()),
        (("rates.compare_counts",), ("published.evidence",)),
        (("tables.claims",), ("published.evidence", "rates.compare_counts")),
    ]


def test_a_value_that_is_not_used_is_not_behind() -> None:
    found = pack_outputs.calls([HEAD, "a = published.evidence(1)\nb = 2", "tables.claims(b)"])
    assert found[2] == (("tables.claims",), ())


def test_outputs_are_named_by_caption_and_cells_counted_without_parameters(tmp_path: Path) -> None:
    table = {"text/html": "<table><caption>表一</caption><tr><td>1</td></tr></table>"}
    figure = {"image/svg+xml": "<svg/>"}
    given = new_code_cell("language = 'zh'", metadata={"tags": ["injected-parameters"]})
    shown = [
        new_output("display_data", table),
        new_output("display_data", figure, metadata={"image/svg+xml": {"alt": "a", "caption": "图一"}}),
    ]
    cells = [given, new_code_cell(HEAD), new_code_cell("tables.claims(1)", outputs=shown)]
    nbformat.write(new_notebook(cells=cells), tmp_path / "a.ipynb")
    outputs = pack_outputs.outputs_of(tmp_path / "a.ipynb", notebook="a")
    assert [(o.kind, o.output, o.cell, o.functions) for o in outputs] == [
        ("table", "表一", 2, ("tables.claims",)),
        ("figure", "图一", 2, ("tables.claims",)),
    ]
