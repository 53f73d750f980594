"""The README of a replication pack, on the template of the social-science data editors, version 1.1.

References
----------
Vilhuber et al. (2022), A template README for social science replication packages, version 1.1,
https://doi.org/10.5281/zenodo.7293838
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from reform_analysis import cite
from reform_analysis.manifest import Manifest, Report
from reform_analysis.pack_contents import README, Input, Notebook
from reform_analysis.pack_members import Content, Finished, given_data
from reform_analysis.wording import say

FOLDER = Path(str(files("reform_analysis"))) / "templates" / "pack"
SHOWN = 50  # reports that the README lists; a grid may have a thousand


def _cell(value: Any) -> str:
    """Text in a cell of a Markdown table: bars end no cell, tags are no tags."""
    words = " ".join(str(value).split())
    return words.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER),
    autoescape=False,  # Markdown
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
)
_ENVIRONMENT.filters["cell"] = _cell


def readmes(
    run: Finished,
    *,
    data: Sequence[Input],
    sources: Sequence[Notebook],
    outputs: pd.DataFrame,
    statement: str,
    members: dict[str, Content],
    added: Sequence[str] = (),
) -> dict[str, Content]:
    """Return the README in the run's languages: ``README.md`` in the first, ``README.en.md`` in another.

    Parameters
    ----------
    run : Finished
    data : sequence of Input
    sources : sequence of Notebook
    outputs : DataFrame
        Columns kind, output, report, notebook, cell, functions.
    statement : str
        The authors' words on their data, in Markdown; may be empty.
    members : dict of str to bytes or Path
        The pack's other members.
    added : sequence of str
        Those that the authors added to what the run knows.

    Returns
    -------
    dict of str to bytes
    """
    fields = _fields(run, data, sources, members) | {"statement": statement, "added": added}
    found: dict[str, Content] = {}
    for language in run.manifest.languages:
        template = _ENVIRONMENT.get_template(f"README.{language}.md.j2")
        kinds = {
            kind: say(f"pack.kind_{kind}", language)
            for kind in ("synthetic", "published", "own", "undeclared")
        }
        shown = _shown_outputs(outputs, run.manifest.reports, language)
        text = template.render(fields, outputs=shown, kinds=kinds)
        found[f"README.{language}.md" if found else README] = text.encode()
    return found


def _fields(
    run: Finished, data: Sequence[Input], sources: Sequence[Notebook], members: dict[str, Content]
) -> dict[str, Any]:
    manifest = run.manifest
    own = [file for file in data if file.read_as in given_data(manifest)]
    sizes = [
        len(content) if isinstance(content, bytes) else content.stat().st_size for content in members.values()
    ]
    return {
        "title": manifest.title,
        "synthetic": any(file.kind == "synthetic" for file in manifest.data),
        "version": manifest.package.version,
        "commit": manifest.package.commit,
        "package_sha256": manifest.package.sha256,
        "python": manifest.python,
        "platform": manifest.platform,
        "libraries": sorted(manifest.libraries.items()),
        "seed": manifest.seed,
        "languages": manifest.languages,
        "started": f"{manifest.started:%Y-%m-%d %H:%M}",
        "grid": manifest.grid,
        "study": run.study is not None,
        "plan": any(name.endswith(".frozen.json") for name in members) or manifest.analysis_plan is not None,
        "lock": "requirements.lock" in members,
        "data": data,
        "own": bool(own),
        "public": not own and all(source.packaged for source in sources),  # own notebooks read what they like
        "travels": any(file.member for file in own),
        "sources": sources,
        "packaged": any(source.packaged for source in sources),
        "megabytes": f"{sum(sizes) / 1e6:.1f}",
        "references": _references(run.folder),
        **_reports(manifest),
    }


def _reports(manifest: Manifest) -> dict[str, Any]:
    seconds = sum(report.seconds for report in manifest.reports if not report.cached)
    return {
        "reports": manifest.reports,
        "failed": sum(report.status == "failed" for report in manifest.reports),
        "cached": sum(report.cached for report in manifest.reports),
        "minutes": f"{seconds / 60:.1f}",
        "shown_reports": [
            {
                "stem": report.stem,
                "notebook": report.notebook,
                "keys": report.keys,
                "parameters": json.dumps(report.parameters, ensure_ascii=False, sort_keys=True),
                "status": report.status,
            }
            for report in manifest.reports[:SHOWN]
        ],
    }


def _references(folder: Path) -> list[str]:
    """APA, by name; a run without executed notebooks has no methods that could be told."""
    found = cite.references(folder if any(folder.glob("*.ipynb")) else None)
    return cite.bibliography(found, style="apa").splitlines()


def _shown_outputs(outputs: pd.DataFrame, reports: Sequence[Report], language: str) -> list[dict[str, Any]]:
    """Figures and tables of each notebook's first report in a language."""
    first: dict[str, str] = {}
    for report in reports:
        if report.keys.get("language") == language:
            first.setdefault(report.notebook, report.stem)
    shown = outputs[outputs["report"].isin(first.values()) & outputs["kind"].isin(["figure", "table"])]
    return [{str(name): value for name, value in row.items()} for row in shown.to_dict("records")]
