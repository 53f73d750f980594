"""The command line: a thin layer on the library."""

import io
import sys
from pathlib import Path
from typing import Any, Literal

import click

from reform_analysis import __version__, cli_packs
from reform_analysis.cli_packs import LANGUAGE

EXAMPLES = """\b
Examples:
  reform-analysis init my-study --language zh
      the folder of a study of your own, ready to run
  reform-analysis render
      the study.yaml of this folder; without one, all packaged notebooks, in Chinese and English
  reform-analysis render --only 01 --language zh
      one notebook, one language
  reform-analysis render study.yaml -p ci_level=0.9 --out reports
      a study of your own
  reform-analysis render study.yaml --where county=X --jobs 4
      the reports of a study's grid for one county
  reform-analysis validate townships.xlsx --dash-means missing
      read a file of your own and name every fault in it
  reform-analysis dictionary --language zh
      what each column of such a file means
  reform-analysis cite reports/20261124-120000 --style bibtex
      the references of a run's methods
  reform-analysis plan freeze
      hash plan.yaml and record the time, before the data are read
  reform-analysis pack reports/20261124-120000
      a run with its inputs, notebooks, plan and README, for others to replicate
  reform-analysis verify 20261124-120000.pack.zip
      is every file of a replication pack as it was written?
"""

STUDY = "study.yaml"
INTERRUPTED = 130  # as shells say of Ctrl-C
NOT_FROZEN = 3  # of `plan check`; click takes 2 for a wrong call


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLES)
@click.version_option(__version__, prog_name="reform-analysis")
def main() -> None:
    """Test whether the measures of a pilot reform go with falling litigation losses.

    Messages are in the language of --language, else in the first of the study file, else in English.
    """
    for stream in (sys.stdout, sys.stderr):  # an encoding without Chinese is no reason to crash
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


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


def _formats(_context: click.Context, _option: click.Parameter, value: str | None) -> list[str] | None:
    return None if value is None else [part.strip() for part in value.split(",") if part.strip()]


@main.command(epilog=EXAMPLES)
@click.argument("folder")
@click.option(
    "--reform",
    type=click.Choice(["zhejiang", "blank"]),
    default="zhejiang",
    show_default=True,
    help="With the notebook on the published totals of Zhejiang, or for any other reform.",
)
@LANGUAGE
def init(folder: str, reform: str, language: str | None) -> None:
    """Write FOLDER: study.yaml, an empty workbook, its dictionary, notebooks, plan.yaml, README, Makefile.

    It can be rendered at once, on the example that comes with the project, until you fill in your own data.
    FOLDER must be new or empty; nothing is ever overwritten.
    """
    from reform_analysis import scaffold  # noqa: PLC0415
    from reform_analysis.estimates import DataError  # noqa: PLC0415
    from reform_analysis.speech import refusal, spoken  # noqa: PLC0415
    from reform_analysis.wording import say  # noqa: PLC0415

    told = spoken(language, Path(folder).parent)
    try:
        scaffold.write_study(folder, reform=reform, language=told)
    except DataError as refused:
        click.echo(refusal(refused, told, command="init"), err=True)
        sys.exit(1)
    click.echo(say("scaffold.ready", told, folder=folder))


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
@click.option(
    "--where",
    multiple=True,
    callback=_pair,
    metavar="KEY=VALUE",
    help="Only reports of the study's grid that have this value.",
)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Reports at a time; as many as cores.")
@click.option("--formats", callback=_formats, metavar="html,ipynb", help="Files of each report; both.")
@click.option("--shard", metavar="I/N", help="Every N-th report from the I-th on, for an array of machines.")
@click.option("--fresh", is_flag=True, help="Render again what was rendered before.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first report that fails.")
@click.option("--dry-run", is_flag=True, help="Check everything, list the reports, run nothing.")
@click.option("--log-json", is_flag=True, help="One JSON object a report on standard output, nothing else.")
def render(
    study: str | None,
    *,
    only: list[str],
    languages: list[str],
    parameters: dict[str, str],
    out: str,
    dry_run: bool,
    log_json: bool,
    **given: Any,
) -> None:
    """Render notebooks as self-contained HTML pages.

    STUDY is a study file (YAML); without it, study.yaml of the current folder is rendered if there is one,
    else the packaged notebooks. Everything is checked
    before anything runs. Exit code 1 if a report fails; the others are still rendered. Finished reports are
    kept: a batch that was stopped goes on where it was when it is started again.
    """
    # papermill, nbconvert and pandas take a second to import: `--help` and usage errors do without.
    from reform_analysis import progress, report  # noqa: PLC0415
    from reform_analysis.estimates import DataError, ReportError  # noqa: PLC0415
    from reform_analysis.speech import refusal, spoken  # noqa: PLC0415
    from reform_analysis.wording import say  # noqa: PLC0415

    study = study or (STUDY if Path(STUDY).is_file() else None)
    language = spoken(next(iter(languages), None), study)
    asked: dict[str, Any] = {"only": only, "languages": languages or None, "parameters": parameters}
    options = {name: value for name, value in given.items() if value not in (None, False, {})}
    shown = progress.choose(log_json=log_json, language=language)
    try:
        if dry_run:
            checked = ("where", "shard", "jobs", "formats")
            stems = report.dry_run(study, **asked, **{key: options[key] for key in checked if key in options})
            click.echo("\n".join([*stems, say("speech.nothing_run", language, n=len(stems))]))
            return
        with shown:
            told: dict[str, Any] = {"on_record": shown.record, "on_start": shown.start}
            run = report.render(study, out=out, **asked, **told, **options)
    except (ReportError, DataError) as refused:
        click.echo(refusal(refused, language, command="render"), err=True)
        sys.exit(1)
    except KeyboardInterrupt:  # before the first report, or after the last
        sys.exit(INTERRUPTED)
    shown.end(run)
    sys.exit(INTERRUPTED if run.stopped_by_user else 0 if run.complete else 1)


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
@LANGUAGE
def validate(
    file: str,
    sheet: str | None,
    dash_means: Literal["missing", "zero"] | None,
    aliases: dict[str, str],
    language: str | None,
) -> None:
    """Read FILE as a township panel and name every fault, with sheet, cell, value and rule.

    Headers that are not known are listed with the known columns they resemble: they were read as covariates,
    which no rule checks. Exit code 1 if there is any fault. Nothing is written.
    """
    from reform_analysis import ingest, schema  # noqa: PLC0415
    from reform_analysis.estimates import DataError, DesignError  # noqa: PLC0415
    from reform_analysis.panel_reports import panel_report  # noqa: PLC0415
    from reform_analysis.speech import refusal, spoken  # noqa: PLC0415
    from reform_analysis.wording import say  # noqa: PLC0415

    language = spoken(language, file)
    covariates: list[str] = []
    try:
        read = ingest.read_panel(file, aliases=aliases or None, sheet=sheet, dash_means=dash_means)
        covariates = read.sentences(language)
        panel = schema.validate_panel(read.panel, cells=read.cells)
    except (DataError, DesignError) as refused:
        click.echo("\n".join([refusal(refused, language, command="validate"), *covariates]), err=True)
        sys.exit(1)
    click.echo("\n".join([panel_report(panel).summary(language), *covariates]))
    click.echo(say("validate.none", language, n=len(read.log)))


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
@LANGUAGE
def cite(
    report: str | None, style: Literal["gbt7714", "apa", "bibtex"], functions: bool, language: str | None
) -> None:
    """Print what to cite: the package, the article whose figures it carries, the methods of REPORT.

    REPORT is a run's folder or one of its notebooks; of a folder with runs the newest is taken. Its methods
    are the functions that the code cells name and those that these can call; strike what you did not use.
    GB/T 7714-2015, APA or BibTeX.
    """
    from reform_analysis import cite as citing  # noqa: PLC0415
    from reform_analysis.estimates import DataError  # noqa: PLC0415
    from reform_analysis.speech import refusal, spoken  # noqa: PLC0415

    try:
        found = citing.references(report)
    except DataError as refused:
        click.echo(refusal(refused, spoken(language, report), command="cite"), err=True)
        sys.exit(1)
    click.echo(citing.bibliography(found, style=style, show_functions=functions), nl=False)


@main.group()
def plan() -> None:
    """The analysis plan: freeze it before the data are read, check what has changed since."""


@plan.command()
@click.argument("plan_file", default="plan.yaml", metavar="[PLAN]")
@click.option("--study", metavar="FILE", help="Names the data; study.yaml beside the plan by default.")
@click.option("--reports", metavar="FOLDER", help="Searched for earlier runs; reports beside the plan.")
@click.option("--amend", metavar="REASON", help="Add a version to a plan that is frozen already.")
@LANGUAGE
def freeze(
    plan_file: str, study: str | None, reports: str | None, amend: str | None, language: str | None
) -> None:
    """Record the hash of PLAN (plan.yaml), the time, and what data exist, in plan.frozen.json beside it.

    A frozen version is never overwritten. The time is that of this computer and proves nothing to a third
    party: commit the record, and deposit it or its hash (OSF, AsPredicted, AEA RCT Registry).
    """
    from reform_analysis import plan_record  # noqa: PLC0415
    from reform_analysis.estimates import ReportError  # noqa: PLC0415
    from reform_analysis.messages import sentence  # noqa: PLC0415
    from reform_analysis.plan_statement import statement  # noqa: PLC0415
    from reform_analysis.speech import refusal, spoken  # noqa: PLC0415
    from reform_analysis.wording import say  # noqa: PLC0415

    told = spoken(language, study, Path(plan_file).parent)
    try:
        version = plan_record.freeze(plan_file, study=study, reports=reports, amend=amend)
        warning = plan_record.not_named(plan_file, study=study)
    except ReportError as refused:
        click.echo(refusal(refused, told, command="plan freeze"), err=True)
        sys.exit(1)
    moment = f"{version.frozen:%Y-%m-%d %H:%M:%S}"
    click.echo(say("plan.now_frozen", told, version=version.version, time=moment))
    click.echo(f"SHA-256 {version.sha256}")
    click.echo(sentence(statement(**version.found), told))
    click.echo(say("plan.recorded_in", told, path=plan_record.record_path(plan_file)))
    if warning:
        click.echo(say("speech.warning", told, warning=sentence(warning, told)), err=True)


@plan.command()
@click.argument("plan_file", default="plan.yaml", metavar="[PLAN]")
@LANGUAGE
def check(plan_file: str, language: str | None) -> None:
    """Read PLAN (plan.yaml), its record and deviations.md, and say what has changed since it was frozen.

    Exit code 1 if one of the files is refused, or a deviation is not explained; 3 if the plan was never
    frozen, so that there is nothing to hold it against.
    """
    from reform_analysis import plan_record, plan_sentences  # noqa: PLC0415
    from reform_analysis.estimates import ReportError  # noqa: PLC0415
    from reform_analysis.speech import refusal, spoken  # noqa: PLC0415

    told = spoken(language, Path(plan_file).parent)
    try:
        state = plan_record.read_state(plan_file)
    except ReportError as refused:
        click.echo(refusal(refused, told, command="plan check"), err=True)
        sys.exit(1)
    click.echo("\n".join(line.text for line in plan_sentences.summary(state, told)))
    sys.exit(NOT_FROZEN if not state.versions else 1 if state.unexplained else 0)


main.add_command(cli_packs.pack)
main.add_command(cli_packs.verify)

if __name__ == "__main__":
    main()
