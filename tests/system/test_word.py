"""Word tables as LibreOffice sets them: fonts by script, three rules of their weights, caption and notes."""

import os
import subprocess
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib import get_data_path

from reform_analysis import resources, tables
from reform_analysis.estimates import Estimates

pytestmark = pytest.mark.system

DPI = 300
# 宋体 and Times New Roman are rarely installed here: fonts at hand stand in under their names.
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<dir>{chinese}</dir><dir>{latin}</dir><cachedir>{cache}</cachedir>
<match target="pattern"><test name="family"><string>宋体</string></test>
<edit name="family" mode="assign" binding="strong"><string>Noto Serif SC</string></edit></match>
<match target="pattern"><test name="family"><string>Times New Roman</string></test>
<edit name="family" mode="assign" binding="strong"><string>STIXGeneral</string></edit></match>
</fontconfig>
"""


def converted(document: Path, folder: Path) -> Path:
    """The document as PDF, by a LibreOffice with a profile of its own."""
    (folder / "fonts.conf").write_text(
        FONTS.format(
            chinese=resources.font_path().parent, latin=f"{get_data_path()}/fonts/ttf", cache=folder / "cache"
        ),
        encoding="utf-8",
    )
    command = [
        "soffice",
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--headless",
        "--convert-to",
        "pdf",
        "--outdir",
        str(folder),
        str(document),
    ]
    environment = {**os.environ, "FONTCONFIG_FILE": str(folder / "fonts.conf")}
    subprocess.run(command, check=True, capture_output=True, env=environment, timeout=300)
    return document.with_suffix(".pdf")


def runs(dark: np.ndarray) -> list[int]:
    """Lengths of the runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], dark.astype(int), [0]])))
    return (edges[1::2] - edges[::2]).tolist()


@pytest.mark.parametrize(
    ("language", "caption", "note"),
    [
        ("zh", "表 1 各模型的估计结果", "合成数据（SYNTHETIC）"),
        ("en", "Table 1. Estimates by model", "SYNTHETIC DATA"),
    ],
)
def test_a_table_as_it_is_set(language: str, caption: str, note: str, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        [[0.6038, 0.2239, 0.3767, 0.9538, 0.029456]],
        columns=["estimate", "std_error", "ci_low", "ci_high", "p_value"],
        index=pd.Index(["losses"], name="term"),
    )
    result = Estimates(frame, scale="rate_ratio", ci_level=0.95, method="exact", n_obs=178, synthetic=True)
    document = tables.to_word({"总量": result, "面板": result}, tmp_path / "表 一.docx", language=language)
    pdf = converted(document, tmp_path)

    text = subprocess.run(
        ["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True
    ).stdout.decode()
    # Where one script meets the other LibreOffice sets a gap that is no character.
    assert "".join(caption.split()) in "".join(text.split())
    assert note in text
    assert "[0.38, 0.95]" in text
    fonts = subprocess.run(["pdffonts", str(pdf)], check=True, capture_output=True).stdout.decode()
    assert all(name in fonts for name in ("NotoSerifSC", "STIXGeneral"))
    assert "DejaVu" not in fonts

    subprocess.run(
        ["pdftoppm", "-r", str(DPI), "-png", "-singlefile", str(pdf), str(tmp_path / "page")], check=True
    )
    dark = matplotlib.image.imread(tmp_path / "page.png")[..., :3].mean(axis=2) < 0.5
    longest = [max(runs(row), default=0) for row in dark]
    rules = np.array(longest) > DPI  # an inch and more without a break: no line of text has that
    points = [72 * height / DPI for height in runs(rules)]
    # Drawn edges fall on whole dots: each side may be off by one.
    assert points == pytest.approx([1.5, 0.75, 1.5], abs=2 * 72 / DPI)
    assert points[1] < min(points[0], points[2])
    first, last = np.flatnonzero(rules)[[0, -1]]
    upright = [max(runs(column), default=0) for column in dark[first:last].T]
    assert max(upright) < 0.3 * (last - first)
