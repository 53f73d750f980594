"""The wheel, installed in an empty environment outside the checkout: figures load and a report renders."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

SHOW = "from reform_analysis import load_figures, published; print(len(load_figures()), published.__file__)"


def test_wheel_in_an_empty_environment(tmp_path: Path, installed: Any) -> None:
    loaded, place = installed.run(installed.python, "-c", SHOW, cwd=tmp_path).split(maxsplit=1)
    assert int(loaded) > 0
    assert place.startswith(str(installed.environment))
    command = installed.command
    assert "中国司法, 2022(4)." in installed.run(command, "cite", cwd=tmp_path)
    only = [command, "render", "--only"]
    installed.run(*only, "01", "--language", "zh", "--out", tmp_path / "out", cwd=tmp_path)
    (page,) = (tmp_path / "out").glob("*/01_published_totals.zh.html")
    assert "行政诉讼败诉" in page.read_text(encoding="utf-8")
    installed.run(*only, "09", "--language", "en", "--out", tmp_path / "bare", cwd=tmp_path)
    (page,) = (tmp_path / "bare").glob("*/09_other_reforms.en.html")
    assert "reform-analysis[examples]" in page.read_text(encoding="utf-8")
