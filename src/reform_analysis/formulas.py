"""Formulas in LaTeX as MathML: browsers draw it themselves, so no script and no font has to be loaded."""

import re
from collections.abc import Callable
from html import escape

from math_core import LatexError, LatexToMathML

# A dollar opens a formula before a sign, and closes one after a sign and not before a digit, as pandoc has
# it: "$5 and $6" are prices.
INLINE = r"(?<![$\\])\$(?![\s$])(?P<math_inline_tex>(?:\\[\s\S]|[^$\\])+?)(?<![\s\\$])\$(?![\d$])"
_SEGMENT = re.compile(
    r"(?<!\\)\$\$(?P<dollars>[\s\S]+?)\$\$|\\\[(?P<square>[\s\S]+?)\\\]|\\\((?P<round>[\s\S]+?)\\\)|"
    rf"(?P<environment>\\begin\{{(?P<name>[a-z]+\*?)\}}[\s\S]*?\\end\{{(?P=name)\}})|{INLINE}"
)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_CONVERTER = LatexToMathML()


def draw(latex: str, *, block: bool) -> str:
    """Return a formula as MathML with its LaTeX as text for those who cannot see it.

    Parameters
    ----------
    latex : str
        Without dollars.
    block : bool
        Whether it stands in a line of its own.

    Returns
    -------
    str

    Raises
    ------
    math_core.LatexError
        If the LaTeX is not understood.

    Examples
    --------
    >>> draw("x_1", block=False)
    '<math alttext="x_1"><msub><mi>x</mi><mn>1</mn></msub></math>'
    """
    drawn = str(_CONVERTER.convert_with_local_state(" ".join(latex.split()), displaystyle=block))
    return drawn.replace("<math", f'<math alttext="{escape(latex)}"', 1)


def place(latex: str, *, block: bool, explain: Callable[[str], str]) -> str:
    """Return a formula for a page; one that is not understood as it was written, with the reason.

    Parameters
    ----------
    latex : str
    block : bool
    explain : callable
        Makes a sentence of a reason.

    Returns
    -------
    str
    """
    try:
        drawn = draw(latex, block=block)
    except LatexError as fault:
        reason = _COLOUR.sub("", str(fault)).strip().splitlines()[0].removeprefix("Error: ")
        return (
            f'<span class="formula-fault"><code>{escape(latex)}</code> '
            f"<span>{escape(explain(reason))}</span></span>"
        )
    return f'<span class="formula" tabindex="0">{drawn}</span>' if block else drawn


def place_all(text: str, *, explain: Callable[[str], str]) -> str:
    """Return what a cell showed as LaTeX: its formulas drawn, all else as it was written.

    Parameters
    ----------
    text : str
    explain : callable
        Makes a sentence of a reason.

    Returns
    -------
    str
    """
    shown, end = [], 0
    for found in _SEGMENT.finditer(text):
        kind = found.lastgroup if found.lastgroup != "name" else "environment"
        if kind == "environment" and found["name"].startswith("tab"):  # a table for a typesetter
            continue
        inline = kind in ("math_inline_tex", "round")
        shown += [
            escape(text[end : found.start()]),
            place(found[str(kind)], block=not inline, explain=explain),
        ]
        end = found.end()
    rest = escape(text[end:])
    return "".join([*shown, rest]) if shown else f"<pre>{rest}</pre>"
