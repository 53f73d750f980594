"""Figures as files: exact width, fonts inside, text as text, equal bytes, no file replaced."""

import re
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from matplotlib.axes import Axes

from reform_analysis import plots, resources
from reform_analysis.estimates import DataError, DesignError


@pytest.fixture
def ax() -> Iterator[Axes]:
    with plt.rc_context(plots.theme()):
        figure, axes = plt.subplots(figsize=(7.2, 2))
        axes.plot([0, 1], [0, 1], clip_path=None)
        axes.fill_between([0, 1], [0, 1])
        axes.set_yticks([0, 1], ["败诉", "losses & <others>"])
        axes.set_xlabel("率比")
        yield plots.stamped(axes, True, language="zh")
    plt.close(figure)


def points(path: Path) -> float:
    """The width that the file declares, in points of 1/72 inch."""
    content = path.read_bytes()
    if path.suffix == ".svg":
        return float(re.search(rb'<svg[^>]* width="([\d.]+)pt"', content)[1])
    if path.suffix == ".pdf":
        return float(re.search(rb"/MediaBox \[ ?0 0 ([\d.]+)", content)[1])
    pixels = struct.unpack(">I", content[16:20])[0]
    return pixels / 600 * 72


@pytest.mark.parametrize(
    ("width", "millimetres"), [("single", 84), ("double", 174), (120, 120), (60.5, 60.5)]
)
def test_every_format_is_as_wide_as_the_column(ax: Axes, tmp_path: Path, width, millimetres: float) -> None:
    before = ax.figure.get_size_inches().tolist()
    paths = plots.save(ax, tmp_path / "图 1", width=width)
    assert [path.name for path in paths] == ["图 1.svg", "图 1.pdf", "图 1.png"]
    wanted = millimetres / 25.4 * 72
    # The PNG is rounded to whole dots of 600 an inch, the PDF and SVG to 1e-6 points.
    for path, allowed in zip(paths, (1e-5, 1e-5, 72 / 600), strict=True):
        assert abs(points(path) - wanted) <= allowed
    assert ax.figure.get_size_inches().tolist() == before


@pytest.mark.parametrize("dpi", [72, 150, 600])
def test_nothing_is_cut_at_any_resolution(dpi: int, tmp_path: Path) -> None:
    """A margin of at least a hundredth of an inch stays free of ink on every side."""
    fig, ax = plt.subplots()
    ax.text(1.02, 0.5, "0.50 to 0.51 [0.31, 0.80]", transform=ax.transAxes)
    (path,) = plots.save(ax, tmp_path / "figure", formats=["png"], dpi=dpi)
    pixels = plt.imread(path)[..., :3]
    edge = max(1, dpi // 100)
    sides = (pixels[:edge], pixels[-edge:], pixels[:, :edge], pixels[:, -edge:])
    assert all(side.min() == 1 for side in sides)
    plt.close(fig)


def test_svg_text_is_text_with_its_glyphs_and_the_mark_of_synthetic_data(ax: Axes, tmp_path: Path) -> None:
    svg = plots.save(ax, tmp_path / "a", formats="svg")[0].read_text(encoding="utf-8")
    texts = re.findall(r"<text[^>]*>(.*?)</text>", svg, flags=re.DOTALL)
    assert {"败诉", "losses &amp; &lt;others&gt;", "率比"} <= set(texts)
    assert any("SYNTHETIC" in text for text in texts)
    family = re.search(r"@font-face\{font-family:'([^']+)';src:url\(data:font/woff2;base64,", svg)[1]
    assert family in re.search(r'<text[^>]*style="([^"]*)"', svg)[1]
    # Namespaces are names; nothing else may point outside.
    assert not re.search(r'(?:href|src)="https?:', svg)


def test_pdf_holds_its_fonts_as_text(ax: Axes, tmp_path: Path) -> None:
    pdf = plots.save(ax, tmp_path / "a", formats=["pdf"])[0].read_bytes()
    assert b"/Type3" not in pdf
    assert b"/CIDFontType2" in pdf
    assert b"/FontFile2" in pdf
    assert b"NotoSansSC-Regular" in pdf
    assert b"/CreationDate" not in pdf


def test_the_font_in_a_pdf_is_what_its_label_says(ax: Axes, tmp_path: Path) -> None:
    """TrueType outlines (glyf), as the label CIDFontType2 asks."""
    pdf = plots.save(ax, tmp_path / "a", formats=["pdf"])[0].read_bytes()
    streams = re.findall(rb"/Length1 \d+.*?stream\r?\n(.*?)endstream", pdf, flags=re.DOTALL)
    fonts = [TTFont(BytesIO(zlib.decompress(stream))) for stream in streams]
    assert fonts
    assert all("glyf" in font and "CFF " not in font for font in fonts)


def test_a_font_of_postscript_outlines_of_the_users_own_stays_type_3(tmp_path: Path) -> None:
    """Matplotlib would label it TrueType."""
    with TTFont(resources.font_path()) as font:
        font["name"].setName("Own Serif", 1, 3, 1, 0x409)
        font.save(tmp_path / "own.otf")
    kept = list(font_manager.fontManager.ttflist)
    font_manager.fontManager.addfont(tmp_path / "own.otf")
    figure, axes = plt.subplots()
    axes.set_title("mine", family="Own Serif")
    pdf = plots.save(axes, tmp_path / "a", formats=["pdf"])[0].read_bytes()
    plt.close(figure)
    font_manager.fontManager.ttflist[:] = kept
    assert b"/Type3" in pdf


def test_saving_leaves_the_list_of_fonts_as_it_was(ax: Axes, tmp_path: Path) -> None:
    with plt.rc_context(plots.theme()):
        plots.save(ax, tmp_path / "a", formats=["pdf"])
        family = font_manager.FontProperties(family=plt.rcParams["font.family"])
        assert font_manager.findfont(family) == str(resources.font_path())
    assert all(Path(entry.fname).exists() for entry in font_manager.fontManager.ttflist)


def test_equal_figures_are_equal_bytes(ax: Axes, tmp_path: Path) -> None:
    first, second = (plots.save(ax, tmp_path / name) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_captioned_figure_is_saved_too(ax: Axes, tmp_path: Path) -> None:
    shown = plots.CaptionedFigure(figure=ax.figure, caption="SYNTHETIC <c>", alt="a")
    svg, pdf, png = (path.read_bytes() for path in plots.save(shown, tmp_path / "a"))
    assert b"<dc:title>SYNTHETIC &lt;c&gt;</dc:title>" in svg
    assert b"/Title (SYNTHETIC <c>)" in pdf
    assert b"tEXtTitle\x00SYNTHETIC <c>" in png


def test_no_file_is_replaced_and_none_is_written_where_one_would_be(ax: Axes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"must be new, got .*a\.png"):
        plots.save(ax, tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    plots.save(ax, tmp_path / "a", overwrite=True)
    assert (tmp_path / "a.png").read_bytes() != b"mine"


def test_labels_that_fill_the_column_are_refused(ax: Axes, tmp_path: Path) -> None:
    ax.set_yticks([0, 1], ["a label that is much too long for a column of a journal" * 2, "b"])
    with pytest.raises(DesignError, match="84 mm, which the labels fill"):
        plots.save(ax, tmp_path / "a", width="single")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "rule"),
    [({"width": "triple"}, "width"), ({"width": 5}, "width"), ({"formats": ["tif"]}, "formats")],
)
def test_wrong_arguments_are_named(ax: Axes, tmp_path: Path, given: dict, rule: str) -> None:
    with pytest.raises(DataError, match=f"^{rule} must be"):
        plots.save(ax, tmp_path / "a", **given)
