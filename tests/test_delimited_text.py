"""Text tables: every line end and delimiter, and a file that was cut."""

import pytest

from reform_analysis.delimited_text import records
from reform_analysis.estimates import DataError

TEXT = "市,乡镇,年份,败诉件数\n某市,一镇,2020,19\n某市,二镇,2020,14\n"
WHOLE = [line.split(",") for line in TEXT.splitlines()]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_any_spelling_of_a_table(end: str, delimiter: str, encoding: str) -> None:
    content = TEXT.replace(",", delimiter).replace("\n", end).encode(encoding)
    assert records(content, "t.csv") == WHOLE


def test_a_last_line_without_an_end_may_be_whole() -> None:
    assert records(TEXT.removesuffix("\n").encode(), "t.csv") == WHOLE


@pytest.mark.parametrize("cut", [4, 5, 9])
def test_a_file_that_was_cut_is_refused(cut: int) -> None:
    with pytest.raises(DataError, match=r"t.csv ends within line 3, which has"):
        records(TEXT[:-cut].encode(), "t.csv")


def test_a_short_note_at_the_end_is_no_cut() -> None:
    assert records(f"{TEXT}注：数据来自司法局".encode(), "t.csv")[-1] == ["注：数据来自司法局"]


def test_a_page_and_bytes_are_no_table() -> None:
    with pytest.raises(DataError, match="web page"):
        records(b"<html>", "t.csv")
    with pytest.raises(DataError, match="neither in UTF-8"):
        records(b"a\x00\xff\xff", "t.csv")
