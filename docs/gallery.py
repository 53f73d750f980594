"""The figures of the README, drawn anew from the published figures.

    python docs/gallery.py            list the figures that are out of step; exit 1 if there is any
    python docs/gallery.py --write    draw them into docs/gallery

The pictures are equal byte for byte with the library versions of requirements.lock.
"""

import sys
import tempfile
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt

from reform_analysis import plots, published

HERE = Path(__file__).parent / "gallery"
DPI = 150


def draw(folder: Path) -> list[Path]:
    """Draw the figures into a folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path
    """
    figures = published.load_figures()
    evidence = published.evidence(figures)
    exposures = published.exposure_table(figures)
    changes = published.context_changes(published.load_context())
    with plt.rc_context(plots.theme()):
        shown = {
            "rate_ratios": plots.rate_ratios(evidence),
            "exposures": plots.exposures(exposures, outcome="losses"),
            "context_changes": plots.context_changes(changes, evidence),
        }
        return [
            path
            for name, axes in shown.items()
            for path in plots.save(axes, folder / name, formats=["png"], dpi=DPI, overwrite=True)
        ]


def main(arguments: list[str]) -> int:
    if "--write" in arguments:
        HERE.mkdir(exist_ok=True)
        draw(HERE)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw(Path(folder))
        outdated = [
            path.name
            for path in drawn
            if not (HERE / path.name).exists() or (HERE / path.name).read_bytes() != path.read_bytes()
        ]
    if outdated:
        print(f"out of step: {outdated}; run: python docs/gallery.py --write", file=sys.stderr)
    return bool(outdated)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
