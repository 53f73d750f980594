"""What the pages take from the package when they are built, and what a finished page still needs."""

import re
from pathlib import Path
from typing import Any, ClassVar

from bs4 import BeautifulSoup, Tag
from docutils import nodes
from docutils.parsers.rst import directives
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from reform_analysis import resources, schema

CHINESE = re.compile("[\u2014\u2018-\u201d\u2026\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
FONT = "noto-sans-sc-subset.woff2"
SCROLLED = {"en": "Table, scrolls sideways", "zh-CN": "表格，可左右滚动"}


class Calibration(SphinxDirective):
    """A table of a benchmark's output, ``{calibration} counts_coverage``: one line a row, nothing typed.

    The first line of ``calibration/<name>.txt`` is the command, the second the date; then the lines that it
    printed. The option ``match`` keeps the lines in which the expression is found.
    """

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"match": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        name = f"calibration/{self.arguments[0]}.txt"
        path = Path(self.env.srcdir) / name
        self.env.note_dependency(name)
        command, date, *lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if re.search(self.options.get("match", ""), line)]
        if not kept:
            raise self.error(f"no line of {name} matches {self.options['match']!r}.")
        source = nodes.paragraph("", "", nodes.literal("", command), nodes.Text(f" ({date})"))
        return [source, _table([line.partition(": ")[::2] for line in kept])]


def _table(rows: list[Any]) -> nodes.table:
    group = nodes.tgroup(
        "",
        nodes.colspec(colwidth=1),
        nodes.colspec(colwidth=2),
        nodes.thead("", _row(("setting", "found"))),
        nodes.tbody("", *[_row(row) for row in rows]),
        cols=2,
    )
    return nodes.table("", group, classes=["calibration"])


def _row(texts: tuple[str, str]) -> nodes.row:
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", text)) for text in texts])


def write_dictionaries(app: Sphinx) -> None:
    """Write the data dictionary in both languages, from the declarations that validate the data."""
    folder = Path(app.srcdir) / "generated"
    folder.mkdir(exist_ok=True)
    for language in ("en", "zh"):
        parts = []
        for path, declared in schema.TABLES.items():
            text = schema.dictionary(declared, language=language)
            parts.append(re.sub(r"^#+ (.+)$", rf"## \1\n\n`{path}`", text, count=1, flags=re.MULTILINE))
        (folder / f"dictionary_{language}.md").write_text("\n".join(parts), encoding="utf-8")


def set_language(
    _app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: nodes.document | None
) -> None:
    """Say which language a page is in: screen readers and hyphenation go by it."""
    context["language"] = "zh-CN" if page.startswith("zh/") else "en"


def finish(app: Sphinx, failed: Exception | None) -> None:
    """Let the keyboard scroll what scrolls, and cut the font to the characters in use."""
    if failed or app.builder.format != "html":
        return
    used: set[str] = set()
    for path in Path(app.outdir).rglob("*.html"):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        _reach_scrolled(soup)
        path.write_text(str(soup), encoding="utf-8")
        used |= set(CHINESE.findall(soup.get_text()))
    _write_font(Path(app.outdir) / "_static" / FONT, "".join(sorted(used)))


def _reach_scrolled(soup: BeautifulSoup) -> None:
    root = soup.html
    language = str(root["lang"]) if isinstance(root, Tag) and root.has_attr("lang") else "en"
    for block in soup.select("article pre"):
        block["tabindex"] = "0"
    for frame in soup.select("article .table-wrapper"):
        frame.attrs |= {"tabindex": "0", "role": "region", "aria-label": SCROLLED[language]}


def _write_font(path: Path, characters: str) -> None:
    options = Options(layout_features=[], hinting=False, desubroutinize=True, name_IDs=[0, 1, 2, 13, 14])
    options.drop_tables += ["BASE", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx", "DSIG"]
    with TTFont(resources.font_path(), recalcTimestamp=False) as font:
        subsetter = Subsetter(options)
        subsetter.populate(text=characters)
        subsetter.subset(font)
        font.flavor = "woff2"
        font.save(path)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("calibration", Calibration)
    app.connect("builder-inited", write_dictionaries)
    app.connect("html-page-context", set_language)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
