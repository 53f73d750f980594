"""The wheel, installed in an empty environment outside the checkout: figures load and a report renders."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
SHOW = "from reform_analysis import load_figures, published; print(len(load_figures()), published.__file__)"


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_in_an_empty_environment(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path / "dist", ROOT, cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    versions = re.sub(
        r" \\\n(    --hash=\S+( \\)?\n)+", "\n", (ROOT / "requirements.lock").read_text(encoding="utf-8")
    )
    (tmp_path / "constraints.txt").write_text(versions, encoding="utf-8")
    run(sys.executable, "-m", "venv", tmp_path / "empty", cwd=tmp_path)
    python = tmp_path / "empty" / "bin" / "python"
    run(
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--constraint",
        tmp_path / "constraints.txt",
        wheel,
        cwd=tmp_path,
    )
    loaded, place = run(python, "-c", SHOW, cwd=tmp_path).split()
    assert int(loaded) > 0
    assert str(tmp_path) in place
    command = tmp_path / "empty" / "bin" / "reform-analysis"
    assert "中国司法, 2022(4)." in run(command, "cite", cwd=tmp_path)
    run(command, "render", "--only", "01", "--language", "zh", "--out", tmp_path / "out", cwd=tmp_path)
    (page,) = (tmp_path / "out").glob("*/01_published_totals.zh.html")
    assert "行政诉讼败诉" in page.read_text(encoding="utf-8")
    run(command, "render", "--only", "09", "--language", "en", "--out", tmp_path / "bare", cwd=tmp_path)
    (page,) = (tmp_path / "bare").glob("*/09_other_reforms.en.html")
    assert "reform-analysis[examples]" in page.read_text(encoding="utf-8")
