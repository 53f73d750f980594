"""Formulas as MathML: browsers draw it themselves, so no script and no font has to be loaded."""

import html
from typing import Any

from docutils import nodes
from math_core import LatexToMathML
from sphinx.application import Sphinx

CONVERTER = LatexToMathML()


def mathml(latex: str, *, block: bool) -> str:
    """Return a formula as MathML with its LaTeX source as text for those who cannot see it.

    Parameters
    ----------
    latex : str
    block : bool
        Whether it stands in a line of its own.

    Returns
    -------
    str
    """
    drawn = CONVERTER.convert_with_local_state(" ".join(latex.split()), displaystyle=block)
    return drawn.replace("<math", f'<math alttext="{html.escape(latex)}"', 1)


def visit_inline(self: Any, node: nodes.math) -> None:
    self.body.append(mathml(node.astext(), block=False))
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math" tabindex="0">{mathml(node.astext(), block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
