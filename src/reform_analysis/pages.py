"""The pages: an executed notebook becomes one HTML file that loads nothing; runs become the index."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar
from urllib.parse import quote

import jinja2
from bs4 import BeautifulSoup
from markupsafe import Markup
from nbconvert import HTMLExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath, MathInlineParser
from nbformat import NotebookNode

from reform_analysis import __version__, formulas
from reform_analysis.font_subset import embed_font
from reform_analysis.grid_labels import both_labels
from reform_analysis.page_faults import disarm, find_load, find_tofu
from reform_analysis.refusals import refusal
from reform_analysis.wording import LANGUAGES, catalogue, say

FOLDER = Path(str(files("reform_analysis"))) / "templates"
HTML_LANG = {"zh": "zh-CN", "en": "en"}
IMAGES = ("image/svg+xml", "image/png", "image/jpeg")
SHOWN = (*IMAGES, "text/html", "text/markdown", "text/latex", "text/plain")


@dataclass(frozen=True)
class Failure:
    """Why a report failed.

    Parameters
    ----------
    message : str
    cell : int or None
        Position of the failing cell in the notebook, from 1; None where no cell is at fault.
    source, traceback : str
        Of that cell, without terminal colours.
    """

    message: str
    cell: int | None = None
    source: str = ""
    traceback: str = ""

    def __str__(self) -> str:
        return self.message if self.cell is None else f"cell {self.cell}: {self.message}"


@dataclass(frozen=True)
class Page:
    """A page.

    Parameters
    ----------
    html : str
    title : str
        The first heading; the page's own title has the report's place in the grid after it.
    glyphs : tuple of str
        Characters that the embedded font lacks.
    fault : str or None
        Why the page must not pass for a good one.
    """

    html: str
    title: str
    glyphs: tuple[str, ...]
    fault: str | None


def page(
    notebook: NotebookNode,
    path: Path,
    *,
    language: str,
    study: str | None = None,
    failure: Failure | None = None,
    stamp: Sequence[str] = (),
    place: Mapping[str, str] | None = None,
) -> Page:
    """Return an executed notebook as one self-contained HTML page.

    Parameters
    ----------
    notebook : NotebookNode
        Executed, with the cells of one language.
    path : Path
        The notebook's file; local images are embedded from its folder.
    language : {"zh", "en"}
    study : str, optional
        The study's title.
    failure : Failure, optional
        Put on top of the page.
    stamp : sequence of str
        Provenance, for the footer.
    place : mapping of str to str, optional
        What the report is about, label by label: under the heading and in the page's title.

    Returns
    -------
    Page
    """
    report = {
        "lang": HTML_LANG[language],
        "say": lambda key, **values: say(key, language, **values),
        "name": path.stem,
        "version": __version__,
        "study": study,
        "failure": failure,
        "lead": _lead(failure, language),
        "shown": SHOWN,
        "stamp": stamp,
    }
    origin = {"name": path.stem, "path": str(path.parent)}
    about = place or {}
    with _EXPORTING:
        html, _ = _exporter().from_notebook_node(notebook, resources={"report": report, "metadata": origin})
    soup = BeautifulSoup(html, "html.parser")
    if failure:
        disarm(soup, own=(FOLDER / "report" / "report.js").read_text(encoding="utf-8"))
    heading = soup.select_one("main .markdown h1")
    title = heading.get_text(" ", strip=True) if heading else path.stem
    soup.title.string = " · ".join([title, *about.values()])  # type: ignore[union-attr]
    _add_place(soup, about, colon=say("grid_key.colon", language))
    _add_contents(soup)
    _frame_wide(soup, label=say("page.table", language))
    glyphs = embed_font(soup)
    mendable = tuple(glyph for glyph in glyphs if glyph not in "".join(about.values()))  # names are given
    return Page(str(soup), title, glyphs, find_load(soup) or find_tofu(mendable))


def _lead(failure: Failure | None, language: str) -> str:
    """What a refusal says of the data, where the catalogue has words for it, and of what kind it is."""
    kind, _, message = failure.message.partition(":") if failure else ("", "", "")
    key = f"render.kind_{kind}"
    return refusal(message, language) + say(key, language) if key in catalogue() else ""


_EXPORTING = Lock()  # one exporter serves all threads


class InlineParser(MathInlineParser):
    """nbconvert's parser of inline Markdown, which takes no prices for formulas."""

    SPECIFICATION: ClassVar = {**MathInlineParser.SPECIFICATION, "inline_math_tex": formulas.INLINE}


class Renderer(IPythonRenderer):
    """nbconvert's renderer of Markdown, which draws formulas where they stand.

    Parameters
    ----------
    explain : callable
        Makes a sentence of why a formula cannot be drawn.
    **options
        Of nbconvert's.
    """

    def __init__(self, explain: Callable[[str], str], **options: Any) -> None:
        super().__init__(escape=False, **options)
        self._explain = explain

    def block_math(self, body: str) -> str:
        """Draw a formula in a line of its own.

        Parameters
        ----------
        body : str

        Returns
        -------
        str
        """
        return formulas.place(body, block=True, explain=self._explain)

    def inline_math(self, body: str) -> str:
        """Draw a formula in a sentence.

        Parameters
        ----------
        body : str

        Returns
        -------
        str
        """
        return formulas.place(body, block=False, explain=self._explain)

    def latex_environment(self, name: str, body: str) -> str:
        """Draw an environment such as align.

        Parameters
        ----------
        name, body : str

        Returns
        -------
        str
        """
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")


class PageExporter(HTMLExporter):
    """nbconvert's exporter with formulas drawn, and without its own reading of the page.

    That took a fifth of an export, and looks for images without alternative text; such a figure has failed
    the report before.
    """

    @jinja2.pass_context
    def markdown2html(self, context: jinja2.runtime.Context, source: str) -> str:
        """Return Markdown as HTML.

        Parameters
        ----------
        context : jinja2.runtime.Context
            Of the template.
        source : str

        Returns
        -------
        str
        """
        renderer = Renderer(
            _explainer(context),
            attachments=context.get("cell", {}).get("attachments", {}),
            embed_images=True,
            path=context["resources"]["metadata"]["path"],
            exclude_anchor_links=True,
        )
        return str(MarkdownWithMath(renderer=renderer, inline=InlineParser(hard_wrap=False)).render(source))

    def default_filters(self) -> Iterator[tuple[str, Any]]:
        """Return the filters of the template.

        Yields
        ------
        name : str
        filter : callable
        """
        yield from super().default_filters()
        yield "latex2html", _latex2html

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return a notebook as HTML.

        Parameters
        ----------
        nb : NotebookNode
        resources : dict, optional
        **kw
            Of nbconvert.

        Returns
        -------
        html : str
        resources : dict
        """
        self.register_filter("highlight_code", Highlight2HTML(parent=self))
        found: tuple[str, dict[str, Any]]
        found = super(HTMLExporter, self).from_notebook_node(nb, self._init_resources(resources), **kw)
        return found


def _explainer(context: jinja2.runtime.Context) -> Callable[[str], str]:
    say_here = context["resources"]["report"]["say"]
    return lambda reason: str(say_here("page.formula_fault", reason=reason))


@jinja2.pass_context
def _latex2html(context: jinja2.runtime.Context, text: str) -> str:
    return formulas.place_all(text, explain=_explainer(context))


@cache
def _exporter() -> PageExporter:
    return PageExporter(
        template_name="report",
        extra_template_basedirs=[str(FOLDER)],
        embed_images=True,
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )


def _add_place(soup: BeautifulSoup, about: Mapping[str, str], *, colon: str) -> None:
    if not about:
        return
    line = soup.new_tag("p", attrs={"class": "place"})
    for label, value in about.items():
        pair, name = soup.new_tag("span"), soup.new_tag("strong")
        name.string = value
        pair.extend([label + colon, name])
        line.extend([pair, " "])
    heading = soup.select_one("main .markdown h1")
    if heading:
        heading.insert_after(line)
    else:
        soup.select("main")[0].insert(0, line)


def _add_contents(soup: BeautifulSoup) -> None:
    entries = soup.select("nav.contents ol")[0]
    headings = soup.select("main .markdown :is(h2, h3)")
    if len(headings) < 2:
        soup.select("nav.contents")[0].decompose()
        return
    for number, heading in enumerate(headings, start=1):
        heading["id"] = f"section-{number}"
        item = soup.new_tag("li", attrs={"class": f"level-{heading.name}"})
        link = soup.new_tag("a", href=f"#section-{number}")
        link.string = heading.get_text(" ", strip=True)
        item.append(link)
        entries.append(item)


def _frame_wide(soup: BeautifulSoup, *, label: str) -> None:
    for style in soup.select("main style[scoped]"):  # pandas' own, stronger than the page's
        style.decompose()
    for table in soup.select("main table"):
        if table.find_parent("table"):
            continue
        caption = table.caption.get_text(" ", strip=True) if table.caption else label
        columns = max((len(row.find_all(["th", "td"])) for row in table.find_all("tr")), default=0)
        attributes = {
            "class": "wide many-columns" if columns > 3 else "wide",
            "role": "region",
            "tabindex": "0",
            "aria-label": caption,
        }
        table.wrap(soup.new_tag("div", attrs=attributes))
    for block in soup.select("main pre"):  # a long line is scrolled by keyboard too
        block["tabindex"] = "0"


def _hash(script: str) -> str:
    return base64.b64encode(sha256(script.encode()).digest()).decode()


def _say_both(key: str) -> str:
    return " / ".join(dict.fromkeys(say(key, language) for language in LANGUAGES))


def index(runs: list[dict[str, Any]]) -> str:
    """Return the page that lists runs, in Chinese and English side by side.

    Parameters
    ----------
    runs : list of dict
        In the order to show: ``folder`` and either ``broken`` (why it cannot be read) or ``run`` and
        ``reports`` (notebook -> records); for a grid also the ``rows`` and ``choices`` of `index_rows.grid`.

    Returns
    -------
    str
    """
    loader = jinja2.FileSystemLoader(FOLDER)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.get_template("index.html.j2")
    script = (FOLDER / "report" / "font.js").read_text(encoding="utf-8")
    grid_script = (FOLDER / "grid.js").read_text(encoding="utf-8")
    text = template.render(
        runs=runs,
        say=_say_both,
        key_label=both_labels,
        quote=quote,
        html_lang=HTML_LANG,
        version=__version__,
        script=script,
        grid_script=grid_script,
        script_hashes=Markup(" ".join(f"'sha256-{_hash(text)}'" for text in (script, grid_script))),
    )
    soup = BeautifulSoup(text, "html.parser")
    embed_font(soup)
    return str(soup)
