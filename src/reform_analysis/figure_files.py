"""Figures as files for a journal: SVG, PDF and PNG of an exact width, with their fonts and without a date."""

import base64
import re
from collections.abc import Sequence
from contextlib import nullcontext
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Protocol

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.transforms import Bbox

from reform_analysis import resources
from reform_analysis.estimates import DesignError, require_choice, require_number
from reform_analysis.figure_fonts import embeddable
from reform_analysis.font_subset import subset
from reform_analysis.new_files import require_new, write_new

WIDTHS = {"single": 84.0, "double": 174.0}
FORMATS = ("svg", "pdf", "png")
_INCH = 25.4
_LEAST_PANEL = 0.25  # of the width: where labels leave the axes less, the figure cannot be read
_STEPS = 12
_PAD = 0.02  # inches around what is drawn
_METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    "png": {"Software": None},
}


class Captioned(Protocol):
    """A figure with its caption, as `plots.captioned` returns it."""

    @property
    def figure(self) -> Figure:
        """The figure.

        Returns
        -------
        matplotlib.figure.Figure
        """


def save(
    shown: Axes | Captioned,
    path: str | Path,
    *,
    width: Literal["single", "double"] | float = "double",
    formats: Sequence[str] = FORMATS,
    dpi: int = 600,
    overwrite: bool = False,
) -> list[Path]:
    """Write a figure as SVG, PDF and PNG, exactly as wide as a journal's column.

    The axes are narrowed or widened; letters keep their size in points. In SVG and PDF text is text, with the
    glyphs it needs embedded (in PDF as TrueType, Type 42); equal figures are equal bytes.

    Parameters
    ----------
    shown : matplotlib.axes.Axes or CaptionedFigure
        As a function of `plots` returns it, or `plots.captioned`. It is left as it was.
    path : str or Path
        Without ending: each format adds its own.
    width : {"single", "double"} or float
        84 mm, 174 mm, or millimetres.
    formats : sequence of {"svg", "pdf", "png"}
    dpi : int
        Dots an inch of the PNG.
    overwrite : bool
        Replace files that are there.

    Returns
    -------
    list of Path
        One a format.

    Raises
    ------
    DataError
        If a file is there already, its folder is missing, or an argument is wrong.
    DesignError
        If the labels leave no room for the axes at this width.
    """
    endings = [require_choice("formats", ending, FORMATS) for ending in _listed(formats)]
    millimetres = _millimetres(width)
    base = Path(path)
    targets = {ending: base.with_name(f"{base.name}.{ending}") for ending in endings}
    for target in targets.values():
        require_new(target, overwrite=overwrite)
    figure = shown.get_figure(root=True) if isinstance(shown, Axes) else shown.figure
    assert isinstance(figure, Figure)
    size, shown_dpi = figure.get_size_inches().copy(), figure.dpi
    with plt.rc_context(_rc()):
        try:
            figure.set_dpi(dpi)  # letters are laid out on the grid of the dots, so their width depends on it
            box = _fit(figure, millimetres / _INCH)
            said = getattr(shown, "caption", None)
            contents = {ending: _bytes(figure, ending, box, dpi, said) for ending in endings}
        finally:
            figure.set_size_inches(*size)
            figure.set_dpi(shown_dpi)
    return [write_new(targets[ending], content, overwrite=overwrite) for ending, content in contents.items()]


def _rc() -> Any:
    return {"svg.fonttype": "none", "svg.hashsalt": "reform-analysis", "figure.dpi": 100}


def _listed(formats: Sequence[str]) -> list[str]:
    return [formats] if isinstance(formats, str) else list(dict.fromkeys(formats))


def _millimetres(width: object) -> float:
    if isinstance(width, str):
        return WIDTHS[require_choice("width", width, WIDTHS)]
    return require_number("width", width, above=20, below=1000, way_out="pass millimetres, or 'double'.")


def _fit(figure: Figure, inches: float) -> Bbox:
    """Set the size at which everything drawn is `inches` wide, labels included; the box of what is drawn.

    The drawn width is close to linear in the figure's width, so each step lands near the mark.
    """
    for _ in range(_STEPS):
        box = figure.get_tightbbox()
        away = inches - 2 * _PAD - box.width
        if abs(away) < 1e-4:
            break
        wider = figure.get_figwidth() + away
        if wider <= _LEAST_PANEL * inches:
            raise _no_room(inches)
        figure.set_figwidth(wider)
    panels = [axes.get_window_extent().width / figure.dpi for axes in figure.axes]
    if panels and max(panels) < _LEAST_PANEL * inches:
        raise _no_room(inches)
    middle = (box.x0 + box.x1) / 2
    return Bbox([[middle - inches / 2, box.y0 - _PAD], [middle + inches / 2, box.y1 + _PAD]])


def _no_room(inches: float) -> DesignError:
    return DesignError(
        f"width must leave the axes a quarter of it, got {inches * _INCH:g} mm, which the labels fill; "
        "pass width='double', or shorter labels."
    )


def _bytes(figure: Figure, ending: str, box: Bbox, dpi: int, caption: str | None) -> bytes:
    """The file, with the caption among its properties, since it says where the data come from."""
    buffer = BytesIO()
    metadata = {**_METADATA[ending], **({"Title": caption} if caption else {})}
    with (
        embeddable(figure) if ending == "pdf" else nullcontext(3) as kind,
        plt.rc_context({"pdf.fonttype": kind}),
    ):
        figure.savefig(buffer, format=ending, bbox_inches=box, dpi=dpi, metadata=metadata)
    content = buffer.getvalue()
    return _with_font(content.decode()).encode() if ending == "svg" else content


def _with_font(svg: str) -> str:
    """The drawing with the glyphs that it uses, so that it looks the same where the font is missing."""
    texts = re.findall(r"<text[^>]*>(.*?)</text>", svg, flags=re.DOTALL)
    used = set(unescape(re.sub(r"<[^>]+>", "", "".join(texts))))
    face = base64.b64encode(subset("".join(sorted(used)))).decode()
    family = FontProperties(fname=str(resources.font_path())).get_name()
    style = (
        f"<style>@font-face{{font-family:'{family}';"
        f"src:url(data:font/woff2;base64,{face}) format('woff2')}}</style>"
    )
    return re.sub(r"(<svg\b[^>]*>)", lambda found: found[1] + "\n " + style, svg, count=1)
