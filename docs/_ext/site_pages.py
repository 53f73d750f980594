"""What the pages take from the package when they are built, and what a finished page still needs."""

import base64
import re
from io import BytesIO
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
ENDS, STARTS = re.compile(rf"{CHINESE.pattern}$"), re.compile(rf"^{CHINESE.pattern}")
SECONDS = re.compile(r", \d+ s(?=\)$)|^ +\d+ s$")
LABELS = {
    "en": {"table": "Table {n}, scrolls sideways", "sidebar": "Site", "toc": "On this page"},
    "zh-CN": {"table": "表格{n}，可左右滚动", "sidebar": "全站目录", "toc": "本页目录"},
}


class Calibration(SphinxDirective):
    """A table of a benchmark's output, ``{calibration} counts_coverage``: one line a row, nothing typed.

    The first line of ``calibration/<name>.txt`` is the command, the second the date; then the lines that it
    printed, shown without the seconds it took. The option ``match`` keeps the lines in which it is found.
    """

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"match": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        name = f"calibration/{self.arguments[0]}.txt"
        path = Path(self.env.srcdir) / name
        self.env.note_dependency(name)
        command, date, *lines = path.read_text(encoding="utf-8").splitlines()
        lines = [line for line in (SECONDS.sub("", line) for line in lines) if line]
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


def join_lines(_app: Sphinx, doctree: nodes.document) -> None:
    """Take out line breaks between Chinese characters: a browser would draw each as a space."""
    for text in list(doctree.findall(nodes.Text)):
        before, after = text.parent.index(text) - 1, text.parent.index(text) + 1
        if text != "\n" or before < 0 or after >= len(text.parent):
            continue
        if ENDS.search(text.parent[before].astext()) and STARTS.search(text.parent[after].astext()):
            text.parent.remove(text)


def finish(app: Sphinx, failed: Exception | None) -> None:
    """Make the pages accessible, and cut the font to the characters in use."""
    if failed or app.builder.format != "html":
        return
    used: set[str] = set()
    for path in Path(app.outdir).rglob("*.html"):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        _make_accessible(soup)
        path.write_text(str(soup), encoding="utf-8")
        used |= set(CHINESE.findall(soup.get_text()))
    sheet = Path(app.outdir) / "_static" / "font.css"
    sheet.write_text(_font_face("".join(sorted(used))), encoding="utf-8")


def _make_accessible(soup: BeautifulSoup) -> None:
    """Give what scrolls to the keyboard, and landmarks and headings what the theme leaves out."""
    root = soup.html
    labels = LABELS[str(root["lang"]) if isinstance(root, Tag) and root.has_attr("lang") else "en"]
    for block in soup.select("article pre"):
        block["tabindex"] = "0"
    for n, frame in enumerate(soup.select("article .table-wrapper"), start=1):
        frame.attrs |= {"tabindex": "0", "role": "region", "aria-label": labels["table"].format(n=n)}
    for name in ("sidebar", "toc"):
        for drawer in soup.select(f"aside.{name}-drawer"):
            drawer["aria-label"] = labels[name]
    for caption in soup.select('p.caption[role="heading"]'):
        caption["aria-level"] = "2"


def _font_face(characters: str) -> str:
    """Return the style sheet of a font that holds these characters alone."""
    options = Options(layout_features=[], hinting=False, desubroutinize=True, name_IDs=[0, 1, 2, 13, 14])
    options.drop_tables += ["BASE", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx", "DSIG"]
    with TTFont(resources.font_path(), recalcTimestamp=False) as font:
        subsetter = Subsetter(options)
        subsetter.populate(text=characters)
        subsetter.subset(font)
        font.flavor = "woff2"
        font.save(packed := BytesIO())
    face = base64.b64encode(packed.getvalue()).decode()
    return (
        '@font-face{font-family:"Site Sans SC";font-display:block;'
        "unicode-range:U+2E80-9FFF,U+F900-FAFF,U+FF00-FFEF;"
        f'src:url(data:font/woff2;base64,{face}) format("woff2")}}\n'
    )


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("calibration", Calibration)
    app.connect("builder-inited", write_dictionaries)
    app.connect("doctree-read", join_lines)
    app.connect("html-page-context", set_language)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
