"""Messages: the English text is the message itself, and its Chinese has the same numbers and names."""

import ast
import copy
from pathlib import Path

import pytest

from reform_analysis.estimates import DataError, ReportError
from reform_analysis.messages import SPOKEN, Message, cause, listed, message, sentence, speaks
from reform_analysis.wording import catalogue

SOURCE = Path(__file__).parents[1] / "src" / "reform_analysis"


def test_a_message_is_its_english_text() -> None:
    said = message("refused.shard", text="3/2")
    assert said == "shard must be i/n with i from 1 to n, got '3/2'; write 2/8."
    assert str(ReportError(said)) == said
    assert sentence(ReportError(said), "en") == said
    assert sentence(said, "zh") == "shard须为i/n，i在1与n之间，现为“3/2”；例如写2/8。"


def test_fields_that_are_messages_errors_or_lists_follow_the_language() -> None:
    near = message("refused.nearest", close="losses", allowed=("losses", "disputes"))
    fault = ReportError(message("refused.no_column", name="loses", nearest=near))
    said = message("refused.grid_key", name="loses", fault=fault)
    assert said == (
        "grid key 'loses': is no column of the panel; did you mean 'losses'? allowed: losses, disputes, "
        "or list grid.values.loses"
    )
    chinese = sentence(said, "zh")
    assert "是否想写“losses”？可用的有：losses、disputes，" in chinese
    assert "allowed" not in chinese


def test_a_list_of_faults_keeps_texts_that_are_english_alone() -> None:
    said = listed(message("refused.nothing_rendered"), ["as it is", message("refused.grid_empty")])
    assert said == "nothing was rendered:\n- as it is\n- there is nothing to render; the grid is empty"
    assert sentence(said, "zh") == "没有生成报告：\n- as it is\n- 没有可生成的报告；网格为空"


def test_what_the_system_says_is_translated_where_it_is_common() -> None:
    with pytest.raises(OSError, match="No such file") as missing:
        Path("nowhere/at/all").read_bytes()
    assert cause(missing.value) == "No such file or directory"
    assert sentence(cause(missing.value), "zh") == "没有这个文件或文件夹"
    assert cause(OSError(5, "Input/output error")) == "Input/output error"


def test_an_error_with_a_plain_text_speaks_english_alone() -> None:
    assert not speaks(DataError("x"))
    assert not speaks(DataError())
    assert sentence(DataError("x"), "zh") == "x"
    assert speaks(DataError(message("refused.kernel")))


def test_a_message_survives_a_copy() -> None:
    said = copy.deepcopy(message("refused.way_int"))
    assert isinstance(said, Message)
    assert sentence(said, "zh") == "请写整数，如3"


def test_every_literal_key_exists() -> None:
    calls = [
        node
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "message"
    ]
    keys = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    assert len(keys) > 50
    assert keys <= set(catalogue())


def test_in_the_kernel_of_a_chinese_report_an_error_shows_itself_in_chinese(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = ReportError(message("refused.shard", text="3"))
    assert str(refused).startswith("shard must be i/n")
    monkeypatch.setenv(SPOKEN, "zh")
    assert str(refused) == sentence(refused, "zh")
    assert "现为“3”" in f"{refused}"
    assert sentence(refused, "en").startswith("shard must be i/n")
    monkeypatch.setenv(SPOKEN, "en")
    assert str(refused).startswith("shard must be i/n")
