"""A newcomer's first hour, from the installed wheel: init, own rows, validate, render, a Word table.

All of it as a user who cannot write to the installation, without HOME, under LANG=C, in a folder with spaces
and Chinese characters, with files as Windows writes them.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reform_analysis.workbook_template import COLUMNS

pytestmark = pytest.mark.system

SETTINGS = ("data: data/panel.xlsx", "periods:", '  pre: ["2020"]', '  post: ["2021"]')
TABLE = """
import sys
from reform_analysis import did, read_panel, tables
panel = read_panel(sys.argv[1]).panel
given = {"treatment": "pilot", "pre": ["2020"], "post": ["2021"], "unit": "unit_id", "period": "period"}
results = {
    name: did.two_by_two(panel, outcome=name, exposure="lawsuits_concluded", **given)
    for name in ("losses", "corrections")
}
tables.to_word(results, sys.argv[2], language=sys.argv[3])
"""


def typed(study: Path, language: str, fill: Callable[..., bytes]) -> str:
    """Thirty rows as a person types them, in Chinese into the workbook, in English as a file of text."""
    workbook = study / "data" / "panel.xlsx"
    workbook.write_bytes(fill(workbook.read_bytes(), COLUMNS, language))
    if language == "zh":
        return "data/panel.xlsx"
    text = pd.read_excel(workbook).to_csv(index=False, lineterminator="\r\n")
    (study / "data" / "面板 2021.csv").write_bytes(text.encode("utf-8-sig"))
    return "data/面板 2021.csv"


def set_up(file: Path, data: str) -> None:
    """Take the marks of comments away, as the README of the folder tells to, in an editor of Windows."""
    text = file.read_text(encoding="utf-8")
    for line in SETTINGS:
        assert f"# {line}\n" in text
        text = text.replace(f"# {line}\n", f"{line}\n")
    text = text.replace("data/panel.xlsx\n", f"{data}\n")
    file.write_bytes(text.replace("\n", "\r\n").encode())


def tool(*command: object) -> str:
    return subprocess.run([str(part) for part in command], check=True, capture_output=True).stdout.decode()


def test_the_user_cannot_write_to_the_installation(installed: Any) -> None:
    (package,) = installed.environment.glob("lib/python*/site-packages/reform_analysis")
    for place in (package, installed.environment):
        refused = installed.as_user("touch", place / "mine", cwd=installed.folder, expected=1)
        assert "Permission denied" in refused
    assert "HOME" not in installed.as_user("env", cwd=installed.folder)


@pytest.mark.parametrize(
    ("language", "caption", "heads"),
    [("zh", "表 1", ("行政诉讼败诉", "95%")), ("en", "Table 1.", ("losses", "95% intervals"))],
)
def test_from_init_to_a_word_table(
    language: str,
    caption: str,
    heads: tuple[str, ...],
    tmp_path: Path,
    installed: Any,
    fill_workbook: Callable[..., bytes],
    converted: Callable[[Path, Path], Path],
) -> None:
    name = f"我的 study {language}"
    installed.as_user(installed.command, "init", name, "--language", language, cwd=installed.folder)
    study = installed.folder / name
    data = typed(study, language, fill_workbook)
    set_up(study / "study.yaml", data)
    checked = installed.as_user(installed.command, "validate", data, cwd=study)
    expected = {
        "zh": ("15个单位，2个时期（2020至2021），30行", "没有错误。"),
        "en": ("15 units, 2 periods (2020 to 2021), 30 rows", "No faults."),
    }
    assert all(text in checked for text in expected[language])

    installed.as_user(installed.command, "render", "--only", "02", cwd=study)
    (page,) = study.glob(f"reports/*/02_panel.{language}.html")
    shown = page.read_text(encoding="utf-8")
    assert "SYNTHETIC" not in shown
    assert not any(word in shown.lower() for word in ("permission denied", "mplconfigdir", "writable"))

    document = study / "表 1.docx"
    installed.as_user(installed.python, "-c", TABLE, data, document, language, cwd=study)
    pdf = converted(document, tmp_path)
    text = tool("pdftotext", "-layout", pdf, "-")
    assert "".join(caption.split()) in "".join(text.split())
    assert all(head in text for head in heads)
    fonts = tool("pdffonts", pdf)
    assert "STIXGeneral" in fonts
    assert ("NotoSerifSC" in fonts) is (language == "zh")
    assert "DejaVu" not in fonts
