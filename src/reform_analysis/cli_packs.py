"""The commands ``pack`` and ``verify``: a thin layer on the library."""

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

EXAMPLES = """\b
Examples:
  reform-analysis pack reports
      the newest run with its inputs, notebooks, plan and README, in one archive beside it
  reform-analysis pack reports/20261124-120000 --without-data
      the hashes of your data instead of the data
  reform-analysis verify 20261124-120000.pack.zip
      is every file as it was written? Runs nothing
  reform-analysis verify 20261124-120000.pack.zip --rerun
      runs the notebooks and compares the numbers
"""
OK, DIFFERENT, REFUSED, STOPPED = 0, 1, 3, 130

LANGUAGE = click.option(
    "--language", type=click.Choice(["en", "zh"]), help="Of messages; by default the study's, else English."
)


@click.command(epilog=EXAMPLES)
@click.argument("run")
@click.option("--out", metavar="FILE.zip", help="The archive; RUN.pack.zip beside RUN by default.")
@click.option("--study", metavar="FILE", help="The study file, if it is in no folder above RUN.")
@click.option("--statement", metavar="FILE.md", help="On your data and who may use them, for the README.")
@click.option(
    "--include", multiple=True, metavar="FILE", help="A further file that a notebook of your own reads."
)
@click.option("--without-data", is_flag=True, help="Your data files stay out, their SHA-256 goes in.")
@LANGUAGE
def pack(run: str, *, language: str | None, **options: Any) -> None:
    """Write the replication pack of RUN: inputs, notebooks, plan, results, README.

    RUN is a run's folder, as reports/20261124-120000; of a folder with runs the newest is taken.

    Equal runs give equal bytes. Exit code 1, and nothing is written, if anything has changed since the run or
    an archive of that name holds something else.
    """
    from reform_analysis import pack as packing  # noqa: PLC0415
    from reform_analysis.estimates import DataError, ReportError  # noqa: PLC0415
    from reform_analysis.speech import spoken  # noqa: PLC0415
    from reform_analysis.storage import digest  # noqa: PLC0415
    from reform_analysis.wording import say  # noqa: PLC0415

    told = spoken(language, options["study"], run)
    try:
        path = packing.write_pack(run, **options)
    except (DataError, ReportError) as refused:
        _refuse(refused, told, command="pack", code=1)
    size = f"{path.stat().st_size / 1e6:.1f}"
    click.echo(say("pack.written", told, path=str(path), megabytes=size))
    click.echo(say("pack.publish", told, sha256=digest(path)))


@click.command(epilog=EXAMPLES)
@click.argument("pack", metavar="PACK.zip")
@click.option("--rerun", is_flag=True, help="Run the notebooks and compare the numbers. A pack is a program.")
@click.option("--yes", is_flag=True, help="Do not ask before --rerun.")
@click.option(
    "--data", multiple=True, metavar="FILE", help="A data file that the pack names and does not hold."
)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Reports at a time; as many as cores.")
@LANGUAGE
def verify(
    pack: str, *, rerun: bool, yes: bool, data: tuple[str, ...], jobs: int | None, language: str | None
) -> None:
    """Check PACK.zip: every file against its SHA-256, the results against manifest and estimates.

    Nothing is run without --rerun, and nothing is written outside a temporary folder. Exit code 0 if all is
    as it was written, 1 if anything differs, 3 if the pack cannot be read or is refused.
    """
    from reform_analysis import pack_checks, pack_rerun  # noqa: PLC0415
    from reform_analysis.estimates import DataError, ReportError  # noqa: PLC0415
    from reform_analysis.speech import spoken  # noqa: PLC0415
    from reform_analysis.wording import say  # noqa: PLC0415

    language = spoken(language, pack)
    try:
        verified = pack_checks.verify(pack)
        given = pack_rerun.match_data(verified, data)
        click.echo(say("pack.own_hash", language, sha256=verified.sha256))
        if verified.pack.synthetic:
            click.echo(say("pack.is_synthetic", language))
        _list(verified.differences, language)
        counts = {"members": len(verified.pack.members), "numbers": verified.numbers}
        if verified.differences:
            click.echo(say("pack.different", language, n=len(verified.differences), **counts))
            if rerun:
                click.echo(say("pack.rerun_left_out", language))
            sys.exit(DIFFERENT)
        click.echo(say("pack.sound", language, **counts))
        if verified.numbers:
            click.echo(say("pack.agree", language, **counts))
        for file in pack_rerun.left_out(verified):
            checked = "data_given" if file.read_as in given else "data_left_out"
            click.echo(say(f"pack.{checked}", language, path=_plain(file.read_as), sha256=file.sha256))
        if rerun:
            _rerun(verified, data=data, jobs=jobs, language=language, yes=yes)
    except (DataError, ReportError) as refused:
        _refuse(refused, language, command="verify", code=REFUSED)


def _rerun(verified: Any, *, data: Sequence[str], jobs: int | None, language: str, yes: bool) -> None:
    from reform_analysis import pack_rerun, progress  # noqa: PLC0415
    from reform_analysis.wording import say  # noqa: PLC0415

    click.echo(say("pack.warning", language), err=True)
    if not (yes or _agreed(say("pack.ask", language))):
        click.echo(say("pack.nothing_run", language), err=True)
        sys.exit(REFUSED)
    with progress.choose(log_json=False, language=language) as shown:
        told: dict[str, Any] = {"on_record": shown.record, "on_start": shown.start}
        found = pack_rerun.rerun(verified, data=data, jobs=jobs, **told)
    if found.stopped:
        click.echo(say("pack.stopped", language), err=True)
        sys.exit(STOPPED)
    compared = found.compared
    _list(compared.differences, language)
    click.echo(say("pack.rerun_bytes", language, same=found.identical, reports=found.reports))
    if found.promised < found.reports:
        click.echo(say("pack.rerun_other", language))
    largest = f"{compared.largest:.2g}"
    click.echo(say("pack.rerun_numbers", language, numbers=compared.numbers, largest=largest))
    outcome = "rerun_different" if compared.differences else "rerun_same"
    click.echo(say(f"pack.{outcome}", language, n=len(compared.differences)))
    sys.exit(DIFFERENT if compared.differences else OK)


def _agreed(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort:  # no terminal to ask at
        return False


def _list(differences: Sequence[Any], language: str) -> None:
    for difference in differences:
        click.echo(f"- {difference.sentence(language)}")


def _plain(text: str) -> str:
    from reform_analysis.pack_differences import plain  # noqa: PLC0415

    return str(plain(text))


def _refuse(refused: Exception, language: str, *, command: str, code: int) -> NoReturn:
    from reform_analysis.speech import refusal  # noqa: PLC0415

    lines = refusal(refused, language, command=command).split("\n")
    click.echo("\n".join(map(_plain, lines)), err=True)
    sys.exit(code)
