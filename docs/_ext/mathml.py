"""Formulas as MathML: browsers draw it themselves, so no script and no font has to be loaded."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from reform_analysis.formulas import draw


def visit_inline(self: Any, node: nodes.math) -> None:
    self.body.append(draw(node.astext(), block=False))
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math" tabindex="0">{draw(node.astext(), block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
