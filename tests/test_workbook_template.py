"""The empty workbook: what a person fills in is what the reader reads."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook

from reform_analysis import ingest, schema
from reform_analysis.estimates import DataError
from reform_analysis.workbook_template import COLUMNS, header, workbook

LANGUAGES = ["zh", "en"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_filled_workbook_is_read_without_a_fault(
    tmp_path: Path, language: str, fill_workbook: Callable[..., bytes]
) -> None:
    path = tmp_path / "panel.xlsx"
    path.write_bytes(fill_workbook(workbook(language=language), COLUMNS, language))
    read = ingest.read_panel(path)
    panel = schema.validate_panel(read.panel, cells=read.cells)
    assert len(panel) == 30
    assert read.sentences() == []
    assert set(COLUMNS) <= set(panel.columns)
    assert panel["pilot"].sum() == 10
    assert set(panel.loc[panel["pilot"], "adopted"]) == {"2021-05"}
    assert panel.loc[panel["unit_name"] == "乙镇", "lawsuits_concluded"].tolist() == [9, 9]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_workbook_asks_for_rows(tmp_path: Path, language: str) -> None:
    path = tmp_path / "panel.xlsx"
    path.write_bytes(workbook(language=language))
    with pytest.raises(DataError, match="no rows below"):
        ingest.read_panel(path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_lists_prompts_and_the_frozen_header(language: str) -> None:
    sheet = load_workbook(BytesIO(workbook(language=language))).worksheets[0]
    rules = sheet.data_validations.dataValidation
    assert sheet.freeze_panes == "B2"
    assert [cell.value for cell in sheet[1]] == [header(name, language) for name in COLUMNS]
    assert len(rules) == len(COLUMNS)
    # what Excel takes; a longer text makes it call the file damaged
    assert all(len(rule.prompt) <= 255 and len(rule.promptTitle) <= 32 for rule in rules)
    assert all(len(rule.error or "") <= 225 and len(rule.formula1 or "") <= 255 for rule in rules)
    by_column = dict(zip(COLUMNS, rules, strict=True))
    assert by_column["pilot"].formula1 == {"zh": '"是,否"', "en": '"yes,no"'}[language]
    assert by_column["losses"].type == "whole"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_notes_explain_each_column_and_repeat_no_header(language: str) -> None:
    notes = load_workbook(BytesIO(workbook(language=language))).worksheets[1]
    texts = [str(cell.value) for row in notes.iter_rows() for cell in row if cell.value]
    for name in COLUMNS:
        assert f"{header(name, language)}{f'（{name}）' if language == 'zh' else f' ({name})'}" in texts
    assert not {header(name, language) for name in COLUMNS} & set(texts)


def test_equal_workbooks_are_equal_bytes() -> None:
    assert workbook(language="zh") == workbook(language="zh") != workbook(language="en")
    with pytest.raises(DataError, match="language must be"):
        workbook(language="de")
