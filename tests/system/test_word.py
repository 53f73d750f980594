"""Word tables as LibreOffice sets them: fonts by script, three rules of their weights, caption and notes."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from reform_analysis import tables
from reform_analysis.estimates import Estimates

pytestmark = pytest.mark.system

DPI = 300


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
def test_a_table_as_it_is_set(
    language: str, caption: str, note: str, tmp_path: Path, converted: Callable[[Path, Path], Path]
) -> None:
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


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_number_is_broken_over_lines(
    language: str, tmp_path: Path, converted: Callable[..., Path]
) -> None:
    """In the widest font that stands in for Times New Roman: a text gives way, a number stays whole."""
    numbers = [1234567.891, 0.5, float("nan"), -3, float("inf")]
    frame = pd.DataFrame({"text": ["words " * 12] * 5, "=1+1": range(5), "val_%&": numbers})
    document = tables.to_word(frame, tmp_path / "numbers.docx", language=language)
    pdf = converted(document, tmp_path, "DejaVu Serif")
    command = ["pdftotext", "-layout", str(pdf), "-"]
    words = subprocess.run(command, check=True, capture_output=True).stdout.decode().split()
    assert [word for word in words if "." in word][-3:] == ["1,234,567.89", "0.50", "\u22123.00"]
    assert "=1+1" in words
