"""The command line: a thin layer on the library."""

import sys
from typing import TYPE_CHECKING, Literal

import click

from reform_analysis import __version__

if TYPE_CHECKING:
    from reform_analysis.report import Record

EXAMPLES = """\b
Examples:
  reform-analysis render
      all packaged notebooks, in Chinese and English
  reform-analysis render --only 01 --language zh
      one notebook, one language
  reform-analysis render study.yaml -p ci_level=0.9 --out reports
      a study of your own
  reform-analysis validate townships.xlsx --dash-means missing
      read a file of your own and name every fault in it
  reform-analysis dictionary --language zh
      what each column of such a file means
  reform-analysis cite reports/20261124-120000 --style bibtex
      the references of a run's methods
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLES)
@click.version_option(__version__, prog_name="reform-analysis")
def main() -> None:
    """Test whether the measures of a pilot reform go with falling litigation losses."""


def _split(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _pair(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"must be NAME=VALUE, got {value!r}; write -p ci_level=0.9.")
        if name in pairs:
            raise click.BadParameter(f"sets {name!r} twice; keep one of them.")
        pairs[name] = text
    return pairs


@main.command(epilog=EXAMPLES)
@click.argument("study", required=False)
@click.option(
    "--only", multiple=True, callback=_split, metavar="NAME", help="Notebooks whose names begin so."
)
@click.option(
    "--language", "languages", multiple=True, callback=_split, metavar="zh,en", help="Instead of the study's."
)
@click.option(
    "-p",
    "--parameter",
    "parameters",
    multiple=True,
    callback=_pair,
    metavar="NAME=VALUE",
    help="A notebook's parameter, read as the type that the notebook declares.",
)
@click.option("--out", default="reports", show_default=True, metavar="FOLDER", help="Where the reports go.")
def render(
    study: str | None, only: list[str], languages: list[str], parameters: dict[str, str], out: str
) -> None:
    """Render notebooks as self-contained HTML pages.

    STUDY is a study file (YAML); without it, the packaged notebooks are rendered. Everything is checked
    before anything runs. Exit code 1 if a report fails; the others are still rendered.
    """
    # papermill, nbconvert and pandas take a second to import: `--help` and usage errors do without.
    from reform_analysis import report  # noqa: PLC0415
    from reform_analysis.estimates import DataError, ReportError  # noqa: PLC0415

    try:
        run = report.render(
            study,
            only=only,
            languages=languages or None,
            parameters=parameters,
            out=out,
            on_record=_announce,
        )
    except (ReportError, DataError) as refused:
        click.echo(f"Error: {refused}", err=True)
        sys.exit(1)
    click.echo(f"{run.folder} ({len(run.records) - len(run.failed)} of {len(run.records)} reports complete)")
    sys.exit(1 if run.failed else 0)


@main.command(epilog=EXAMPLES)
@click.argument("file")
@click.option("--sheet", metavar="NAME", help="The sheet to read; by default all that hold data.")
@click.option(
    "--dash-means",
    type=click.Choice(["missing", "zero"]),
    help="What a dash, a slash or 无 in a cell means; without it the first one is an error.",
)
@click.option(
    "--alias",
    "aliases",
    multiple=True,
    callback=_pair,
    metavar="HEADER=COLUMN",
    help="A header of your own and the column it is.",
)
def validate(
    file: str, sheet: str | None, dash_means: Literal["missing", "zero"] | None, aliases: dict[str, str]
) -> None:
    """Read FILE as a township panel and name every fault, with sheet, cell, value and rule.

    Headers that are not known are listed with the known columns they resemble: they were read as covariates,
    which no rule checks. Exit code 1 if there is any fault. Nothing is written.
    """
    from reform_analysis import ingest, schema  # noqa: PLC0415
    from reform_analysis.estimates import DataError, DesignError  # noqa: PLC0415
    from reform_analysis.panel_reports import panel_report  # noqa: PLC0415

    covariates: list[str] = []
    try:
        read = ingest.read_panel(file, aliases=aliases or None, sheet=sheet, dash_means=dash_means)
        covariates = read.sentences()
        panel = schema.validate_panel(read.panel, cells=read.cells)
    except (DataError, DesignError) as refused:
        click.echo("\n".join([f"Error: {refused}", *covariates]), err=True)
        sys.exit(1)
    click.echo("\n".join([panel_report(panel).summary(), *covariates]))
    click.echo(f"No faults. {len(read.log)} cells were changed in reading.")


@main.command(epilog=EXAMPLES)
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
def dictionary(language: str) -> None:
    """Print the data dictionary of the township panel (Markdown)."""
    from reform_analysis import schema  # noqa: PLC0415

    click.echo(schema.dictionary(schema.PANEL, language=language), nl=False)


@main.command(epilog=EXAMPLES)
@click.argument("report", required=False)
@click.option(
    "--style", type=click.Choice(["gbt7714", "apa", "bibtex"]), default="gbt7714", show_default=True
)
@click.option(
    "--functions", is_flag=True, help="Say under each method's reference which functions rest on it."
)
def cite(report: str | None, style: Literal["gbt7714", "apa", "bibtex"], functions: bool) -> None:
    """Print what to cite: the package, the article whose figures it carries, the methods of REPORT.

    REPORT is a run's folder or one of its notebooks. Its methods are the functions that the code cells name
    and those that these can call; strike what you did not use. GB/T 7714-2015, APA or BibTeX.
    """
    from reform_analysis import cite as citing  # noqa: PLC0415
    from reform_analysis.estimates import DataError  # noqa: PLC0415

    try:
        found = citing.references(report)
    except DataError as refused:
        click.echo(f"Error: {refused}", err=True)
        sys.exit(1)
    click.echo(citing.bibliography(found, style=style, show_functions=functions), nl=False)


def _announce(record: "Record") -> None:
    head = f"{record.notebook} ({record.language})"
    if record.status == "failed":
        click.echo(f"Error: {head}, {(record.error or '').rstrip('.')}; see {record.html}", err=True)
    else:
        click.echo(f"{head}: {record.html}, {record.seconds:.1f} s")


if __name__ == "__main__":
    main()
