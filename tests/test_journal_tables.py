"""What a table for a journal holds, checked against the results that it is made of."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reform_analysis import describe
from reform_analysis.estimates import CheckResult, DataError, DesignError, Estimates
from reform_analysis.journal_tables import journal_table
from reform_analysis.text_table import Table

NAN = float("nan")


def result(rows: dict[str, list[float]], **given: Any) -> Estimates:
    columns = ["estimate", "std_error", "ci_low", "ci_high", "p_value"]
    frame = pd.DataFrame(rows, index=columns).T.rename_axis("term")
    settings = {"scale": "rate_ratio", "ci_level": 0.95, "method": "exact", "n_obs": 178, "n_units": 89}
    return Estimates(frame, **{**settings, **given})


PUBLISHED = result({"losses": [0.6038, 0.2239, 0.3767, 0.9538, 0.029456]})
OTHER = result(
    {"losses": [0.7, 0.2, 0.5, 1.25, 0.2], "x": [1.5, NAN, NAN, NAN, NAN]},
    n_obs=3475,
    n_clusters=11,
    method="score",
    notes=("few clusters",),
    dropped=pd.DataFrame({"arm": ["pilot"], "reason": ["no events"], "n": [1649]}),
)


def texts(table: Any) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def test_one_result_prints_the_published_figures() -> None:
    table = journal_table(PUBLISHED)
    assert table.heads == ("Term", "Rate ratio", "95% interval", "p")
    assert texts(table) == [["Administrative litigation losses", "0.60", "[0.38, 0.95]", "0.029"]]
    assert table.notes == ("178 observations; 89 units.", "Method: exact.")


def test_models_side_by_side() -> None:
    table = journal_table({"Totals": PUBLISHED, "Panel": OTHER})
    assert table.heads == ("Term", "(1)\nTotals", "(2)\nPanel")
    assert texts(table) == [
        ["Administrative litigation losses", "0.60", "0.70"],
        ["", "[0.38, 0.95]", "[0.50, 1.25]"],
        ["x", "", "1.50"],
        ["", "", "–"],
        ["Observations", "178", "3,475"],
        ["Units", "89", "89"],
        ["Clusters", "–", "11"],
    ]
    assert table.notes == (
        "Cells: Rate ratio; 95% intervals in brackets.",
        "(1): Method: exact.",
        "(2): Method: score.",
        "(2): Left out: 1,649 (pilot; no events).",
        "(2): few clusters",
    )


def test_a_list_has_numbers_for_names_and_what_all_say_stands_once() -> None:
    table = journal_table([PUBLISHED, PUBLISHED])
    assert table.heads == ("Term", "(1)", "(2)")
    assert [note for note in table.notes if "exact" in note] == ["Method: exact."]


def test_chinese_heads_and_full_width_punctuation() -> None:
    table = journal_table({"甲": PUBLISHED, "乙": OTHER}, language="zh")
    assert texts(table)[0][0] == "行政诉讼败诉"
    assert table.notes[0] == "估计值为率比，方括号内为95%区间。"
    assert all(not re.search(r"[\u4e00-\u9fff][,:;()]", note) for note in table.notes)


def test_stars_only_on_request_and_by_p() -> None:
    p = {"a": 0.2, "b": 0.09, "c": 0.049, "d": 0.0099, "e": NAN}
    made = result({name: [1.5, 0.1, 1, 2, value] for name, value in p.items()})
    assert [row[1] for row in texts(journal_table(made, stars=True))] == [
        "1.50",
        "1.50*",
        "1.50**",
        "1.50***",
        "1.50",
    ]
    assert "*" not in str(texts(journal_table(made)))
    assert journal_table(made, stars=True).notes[-1] == "* p < 0.10, ** p < 0.05, *** p < 0.01."


def test_stars_beside_adjusted_p_say_that_they_are_not() -> None:
    adjusted = pd.DataFrame({"holm": [0.0589]}, index=pd.Index(["losses"], name="term"))
    made = result({"losses": [0.6038, 0.2239, 0.3767, 0.9538, 0.029456]}, adjusted_p=adjusted)
    table = journal_table(made, stars=True)
    assert (table.heads[-1], texts(table)[0][-1]) == ("p (Holm)", "0.059")
    assert "not adjusted" in table.notes[-1]


def test_standard_errors_of_ratios_are_named_as_those_of_the_log() -> None:
    below = journal_table([PUBLISHED, PUBLISHED], show=("std_error", "p_value"))
    assert texts(below)[1:3] == [["", "(0.22)", "(0.22)"], ["", "p = 0.029", "p = 0.029"]]
    assert "of the log" in below.notes[0]
    difference = result({"a": [1, 1, 0, 2, 0.3]}, scale="difference")
    assert "of the log" not in journal_table([difference], show=["std_error"]).notes[0]


def test_models_of_other_scale_or_level_say_so_in_a_row() -> None:
    other = result({"losses": [0.1, 0.1, -0.1, 0.3, 0.3]}, scale="difference", ci_level=0.9)
    rows = texts(journal_table([PUBLISHED, other]))
    assert ["Scale", "Rate ratio", "Difference"] in rows
    assert ["Interval level", "95%", "90%"] in rows


def test_an_untestable_model_keeps_its_column() -> None:
    table = journal_table({"a": PUBLISHED, "b": None})
    assert [row[2] for row in texts(table)] == ["", "", "–", "–"]
    assert "(2): there was nothing to test." in table.notes


@pytest.mark.parametrize(
    ("size", "digits", "shown"), [(0.0021, None, "0.0021"), (0.0021, 1, "<0.1"), (12.5, None, "12.50")]
)
def test_decimals_show_two_digits_of_the_smallest_estimate(
    size: float, digits: int | None, shown: str
) -> None:
    made = result({"a": [size, 0.1, -1, 1, 0.5]}, scale="difference")
    assert texts(journal_table(made, digits=digits))[0][1] == shown


def test_no_estimate_bound_or_error_that_is_not_zero_prints_as_zero() -> None:
    made = result({"a": [1e-9, 2e-9, -1e-9, 3e-4, 0.5], "b": [0, 0, 0, 1, 1]}, scale="difference")
    show = ("interval", "std_error")
    table = journal_table(made, digits=2, show=show)
    assert [row[1:] for row in texts(table)] == [
        ["<0.01", "[>−0.01, <0.01]", "<0.01"],
        ["0.00", "[0.00, 1.00]", "0.00"],
    ]
    below = journal_table([made], digits=2, show=show)
    assert [row[1] for row in texts(below)[:3]] == ["<0.01", "[>−0.01, <0.01]", "(<0.01)"]


def test_numbers_keep_full_precision() -> None:
    numbers = journal_table({"a": PUBLISHED, "b": OTHER}).numbers
    assert numbers is not None
    pd.testing.assert_frame_equal(
        numbers.loc[numbers["model"] == "a", ["estimate", "p_value"]].reset_index(drop=True),
        PUBLISHED.to_frame()[["estimate", "p_value"]].reset_index(drop=True),
    )
    assert len(numbers) == 3


@pytest.mark.parametrize("language", ["zh", "en"])
def test_synthetic_is_the_first_note_of_every_source(language: str) -> None:
    made = result({"a": [1, 1, 0, 2, 0.3]}, synthetic=True, notes=("SYNTHETIC data: said by the fit",))
    frame = pd.DataFrame({"x": [1]})
    frame.attrs["synthetic"] = True
    check = CheckResult("a", True, {"zh": "句", "en": "s"}, pd.DataFrame(), synthetic=True)
    sources = [
        made,
        {"m": made, "n": PUBLISHED},
        [made],
        frame,
        Table(frame.astype(str), "c", True),
        check,
        [check],
    ]
    for source in sources:
        notes = journal_table(source, language=language).notes
        assert "SYNTHETIC" in notes[0]
        assert sum("SYNTHETIC" in note for note in notes) == 1
    assert not any("SYNTHETIC" in note for note in journal_table(PUBLISHED, language=language).notes)


def test_table_one_by_hand() -> None:
    panel = pd.DataFrame(
        {
            "unit_id": list("abcd"),
            "period": 1,
            "pilot": [True, True, False, False],
            "losses": [1.0, 3.0, 0.0, 2.0],
            "city": ["p", "q", "p", "p"],
        }
    )
    table = journal_table(describe.table_one(panel, variables=["losses"], categories=["city"]))
    # Means 2 and 1, both with variance 2: d = 1 / sqrt(2). Shares 1/2 and 1: d = -1/2 / sqrt(1/8).
    assert table.heads == ("Variable", "Pilots\n(n = 2)", "Others\n(n = 2)", "Standardised\ndifference")
    assert texts(table) == [
        ["Administrative litigation losses", "2.00 (1.41)", "1.00 (1.41)", "0.71"],
        ["City", "", "", ""],
        ["\u2003p", "50.0%", "100.0%", "−1.41"],
        ["\u2003q", "50.0%", "0.0%", "1.41"],
    ]


@pytest.mark.parametrize(
    ("language", "told"), [("en", "in percent: shares of the units"), ("zh", "百分比为单位所占比例")]
)
def test_the_note_of_table_one_speaks_of_percent_only_where_a_cell_has_it(language: str, told: str) -> None:
    """A share that is a column of numbers prints as a mean, 0.09, which no note may call a percentage."""
    rows = {"unit_id": list("abcd"), "period": 1, "pilot": [True, True, False, False]}
    panel = pd.DataFrame({**rows, "devolution_share": [0.05, 0.13, 0.04, 0.06], "coastal": [True, False] * 2})
    plain = describe.table_one(panel, variables=["devolution_share"])
    mixed = describe.table_one(panel, variables=["devolution_share", "coastal"])
    assert not re.search("percent|百分比", " ".join(journal_table(plain, language=language).notes))
    table = journal_table(mixed, language=language)
    assert told in " ".join(table.notes)
    assert [row[1] for row in texts(table)] == ["0.09 (0.06)", "50.0%"]


def test_a_rare_category_is_no_share_of_zero() -> None:
    rows = {"a": [0.0004, 0.02, 0.0, 0.0], "b": [0.3, 0.2, 1 / 3, 0.4]}
    columns = ["mean_1", "sd_1", "mean_0", "sd_0"]
    frame = pd.DataFrame(rows, index=columns).T.rename_axis("variable").reset_index()
    frame = frame.assign(category="", kind="share", standardised=-0.001, n_0=9, n_1=9)
    frame.attrs["arms"] = (False, True)
    table = journal_table(frame)
    assert texts(table)[0][1:] == ["<0.1%", "0.0%", ">−0.01"]
    assert [cell.value for cell in table.rows[1][1:3]] == [0.3, 1 / 3]


def test_table_one_with_gaps_counts_units_in_the_cells() -> None:
    panel = pd.DataFrame(
        {
            "unit_id": list("abcd"),
            "period": 1,
            "pilot": [True, True, False, False],
            "x": [1, 3, 0, 2],
            "y": [1, 2, 3, np.nan],
        }
    )
    rows = texts(journal_table(describe.table_one(panel, variables=["x", "y"])))
    assert [row[2] for row in rows] == ["1.00 (1.41); 2", "3.00 (–); 1"]


def test_a_scorecard() -> None:
    checks = [
        CheckResult(
            "placebo",
            passed,
            {"zh": f"发现{passed}。", "en": f"found {passed}"},
            pd.DataFrame(),
            notes=("n",),
        )
        for passed in (True, False, None)
    ]
    table = journal_table(checks, labels={"placebo": "Placebo dates"})
    assert texts(table) == [
        ["Placebo dates", "passed", "found True"],
        ["Placebo dates", "failed", "found False"],
        ["Placebo dates", "for information", "found None"],
    ]
    assert table.notes == ("n",)
    assert texts(journal_table(checks, language="zh"))[2][1:] == ["仅供参考", "发现None。"]


def test_any_frame_as_it_is() -> None:
    columns = {"a": [1, 2], "b": [0.5, NAN], "c": ["x", None], "d": pd.to_datetime(["2021-05-01", None])}
    frame = pd.DataFrame(columns, index=pd.Index(["r", "s"], name="row"))
    table = journal_table(frame, digits=3, labels={"a": "A"})
    assert table.heads == ("row", "A", "b", "c", "d")
    assert texts(table) == [["r", "1", "0.500", "x", "2021-05-01"], ["s", "2", "–", "–", "–"]]


def test_caption_number_and_further_notes() -> None:
    table = journal_table(PUBLISHED, caption="Losses", number=3, notes=["Source: the article."])
    assert table.numbered_caption == "Table 3. Losses"
    assert table.notes[-1] == "Source: the article."


@pytest.mark.parametrize("source", [[], {}, "text", 3, [PUBLISHED, "x"], {"a": None}])
def test_what_is_no_result_is_refused(source: Any) -> None:
    with pytest.raises(DesignError, match=r"source must be|results must hold"):
        journal_table(source)


def test_wrong_options_are_named() -> None:
    with pytest.raises(DataError, match="show must be one of"):
        journal_table(PUBLISHED, show=["t"])
    with pytest.raises(DataError, match="language must be one of"):
        journal_table(PUBLISHED, language="fr")
    with pytest.raises(DesignError, match="JournalTable already"):
        journal_table(journal_table(PUBLISHED))
    with pytest.raises(DesignError, match="heads must name a column"):
        journal_table(pd.DataFrame(index=[1, 2]))
