"""Tables: the texts they print, in both languages, and their markup."""

import pytest

from reform_analysis import published, tables
from reform_analysis.estimates import DataError

FIGURES, CONTEXT = published.load_figures(), published.load_context()
EVIDENCE, EXPOSURES = published.evidence(FIGURES), published.exposure_table(FIGURES)


def test_claims_carry_the_words_of_the_article() -> None:
    frame = tables.claims(FIGURES, EVIDENCE, language="zh").frame
    row = frame[frame["指标"] == "行政诉讼败诉"].iloc[0]
    assert row.tolist()[1:] == ["32 件", "自2021年以来", "-40%", "行政诉讼败诉案件量32件,较2020年下降40%"]


def test_baselines_without_a_fit_say_none() -> None:
    frame = tables.baselines(EVIDENCE).frame.set_index("Series")
    assert frame.loc["New digital projects for legal work"].tolist()[2:] == ["none", "122 to 123", "–"]
    assert frame.loc["Legality reviews"].tolist()[2:] == ["4,576 to 4,598", "–", "1.93"]


def test_outcomes_show_plain_and_tens() -> None:
    frame = tables.outcomes(EVIDENCE, family=published.OUTCOME_FAMILY, ci_level=0.95).frame
    assert frame.iloc[0].tolist()[1:] == ["53", "32", "0.60", "0.38 to 0.95", "0.029", "0.059"]
    assert len(frame) == 3
    assert frame.iloc[2].tolist()[1:] == ["50 to 58", "32", "0.55 to 0.64", "0.35 to 1.02", "0.060", "0.120"]
    assert "95% interval" in frame.columns


@pytest.mark.parametrize(
    ("name", "texts"),
    [("losses", ["1.32", "1.35", "-4.6", "11.4"]), ("corrections", ["already holds 1"] * 4)],
)
def test_break_evens(name: str, texts: list[str]) -> None:
    assert tables.break_evens(EVIDENCE.loc[name]).frame.iloc[:, 1].tolist() == texts


def test_exposures() -> None:
    frame = tables.exposures(EXPOSURES, ci_level=0.95).frame
    assert frame.iloc[2].tolist()[2:] == ["0.870 to 0.880", "0.686 to 0.694", "0.428 to 1.097", "0.124"]
    assert len(frame) == 8


def test_derived_ratios() -> None:
    frame = tables.derived_ratios(EXPOSURES).frame
    assert frame.iloc[0].tolist()[1:3] == ["7.07 to 7.19%", "12.96%"]
    assert frame.iloc[1].tolist()[1:3] == ["1.64 to 1.66", "1.30"]


def test_context_marks_what_is_derived() -> None:
    frame = tables.context(published.context_changes(CONTEXT), CONTEXT).frame
    assert frame.iloc[0].tolist()[3:6] == ["9.8% (derived)", "5.6%", "0.57"]
    assert frame.iloc[3].tolist()[3:6] == ["13.5%", "20.2%", "1.50"]


def test_doubtful_rows_give_the_reason_in_the_language() -> None:
    assert "89" in tables.doubtful(FIGURES, language="zh").frame["存疑理由"].iloc[0]
    assert len(tables.doubtful(FIGURES).frame) == FIGURES["doubtful"].sum()


def test_markup_is_escaped_and_has_scopes() -> None:
    hostile = EVIDENCE.assign(label_en="<script>alert(1)</script>")
    page = tables.baselines(hostile)._repr_html_()
    assert "<script>" not in page
    assert page.count('scope="row"') == len(EVIDENCE)
    assert "<caption><span>" in page


@pytest.mark.parametrize("rounding", ["percent", "tens", "truncated"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_table_prints_nan_or_drops_a_row(rounding: str, language: str) -> None:
    evidence = published.evidence(FIGURES, rounding=rounding)
    exposures = published.exposure_table(FIGURES, rounding=rounding)
    shown = [
        tables.claims(FIGURES, evidence, language=language),
        tables.baselines(evidence, language=language),
        tables.outcomes(evidence, family=published.OUTCOME_FAMILY, ci_level=0.95, language=language),
        tables.exposures(exposures, ci_level=0.95, language=language),
        tables.derived_ratios(exposures, language=language),
    ]
    assert [len(table.frame) for table in shown] == [13, 13, 3, 8, 2]
    assert not any("nan" in text for table in shown for text in table.frame.to_numpy().ravel())


def test_unknown_language_is_named() -> None:
    with pytest.raises(DataError, match="^language must be one of"):
        tables.claims(FIGURES, EVIDENCE, language="fr")
