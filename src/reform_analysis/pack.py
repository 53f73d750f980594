"""The replication pack of a run: one zip archive, with the SHA-256 of every member in ``pack.json``."""

import hashlib
import os
import stat
import zipfile
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

import pandas as pd

from reform_analysis import manifest, pack_readme
from reform_analysis.estimates import DataError
from reform_analysis.headlines import csv_bytes
from reform_analysis.manifest import Manifest
from reform_analysis.messages import cause, message
from reform_analysis.pack_contents import CONTENTS, OUTPUTS, Member, Pack, dump
from reform_analysis.pack_members import (
    Content,
    Finished,
    included,
    inputs,
    notebooks,
    read_run,
    results,
    study_files,
)
from reform_analysis.pack_outputs import outputs_of
from reform_analysis.runs import newest_run
from reform_analysis.storage import digest
from reform_analysis.unpack import LARGE, collisions, name_faults

_FIRST = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip archive can hold


def write_pack(
    run: str | Path,
    *,
    out: str | Path | None = None,
    study: str | Path | None = None,
    statement: str | Path | None = None,
    include: Sequence[str | Path] = (),
    without_data: bool = False,
) -> Path:
    """Write the replication pack of a run; equal runs and options give equal bytes.

    Parameters
    ----------
    run : str or Path
        The run's folder; of a folder with runs the newest is taken.
    out : str or Path, optional
        The archive; ``<run>.pack.zip`` beside the run where it is left out, on synthetic data
        ``<run>.SYNTHETIC.pack.zip``.
    study : str or Path, optional
        The study file, where it is not in a folder above the run.
    statement : str or Path, optional
        Text in Markdown on where the data come from and who may use them; it goes into the README.
    include : sequence of str or Path
        Further files below the study's folder, which notebooks of one's own read.
    without_data : bool
        The hashes of the study's data files travel, the files do not.

    Returns
    -------
    Path
        Of the archive.

    Raises
    ------
    DataError
        If the run is not whole, what it was made from has changed since, or `out` holds something else.
    """
    folder = newest_run(run)
    finished = read_run(folder, study)
    pack, members = contents(finished, without_data=without_data, statement=_text(statement), include=include)
    ending = "SYNTHETIC.pack.zip" if pack.synthetic else "pack.zip"
    named = folder if folder.name not in ("", "..") else folder.resolve()
    target = Path(out) if out is not None else named.with_name(f"{named.name}.{ending}")
    try:
        _write(target, {**members, CONTENTS: dump(pack)})
    except OSError as refused:
        raise DataError(message("refused.pack_out", path=target, cause=cause(refused))) from None
    return target


def _text(statement: str | Path | None) -> str:
    try:
        return "" if statement is None else Path(statement).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as broken:
        raise DataError(message("refused.statement", path=statement, cause=cause(broken))) from None


def contents(
    run: Finished,
    *,
    without_data: bool = False,
    statement: str = "",
    include: Sequence[str | Path] = (),
) -> tuple[Pack, dict[str, Content]]:
    """Return what a pack holds: its ``pack.json``, and all other members.

    Parameters
    ----------
    run : Finished
    without_data : bool
    statement : str
        For the README.
    include : sequence of str or Path

    Returns
    -------
    Pack
    dict of str to bytes or Path
        Member to content.

    Raises
    ------
    DataError
        If an input has changed since the run, or a name cannot be a file on every system.
    """
    sources, members = notebooks(run)
    data, data_members = inputs(run, without_data=without_data)
    outputs = _outputs(run)
    added = included(run, include)
    out = {f"study/{file.read_as}" for file in data if file.member is None} & added.keys()
    if out:
        raise DataError(message("refused.left_and_named", names=tuple(out)))
    members |= {**added, **data_members, **study_files(run), **results(run), **environment(run.manifest)}
    members[OUTPUTS] = csv_bytes(outputs)
    members |= pack_readme.readmes(
        run,
        data=data,
        sources=sources,
        outputs=outputs,
        statement=statement,
        members=members,
        added=list(added),
    )
    wrong = [f"{name!r} {fault}" for name in members for fault in name_faults(name)] + collisions(members)
    if wrong:
        raise DataError("names in a pack must be files on every system, got:\n" + "\n".join(wrong))
    listed = [_member(name, members[name]) for name in sorted(members)]
    pack = Pack(
        title=run.manifest.title,
        version=run.manifest.package.version,
        synthetic=any(file.kind == "synthetic" for file in run.manifest.data),
        study=f"study/{run.study.name}" if run.study else None,
        inputs=data,
        notebooks=sources,
        members=listed,
    )
    return pack, members


def _member(name: str, content: Content) -> Member:
    if isinstance(content, Path):
        return Member(path=name, sha256=digest(content), bytes=content.stat().st_size)
    return Member(path=name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def _outputs(run: Finished) -> pd.DataFrame:
    """One row a figure, table or text of a report, with the functions behind it."""
    rows = [
        {
            "kind": output.kind,
            "output": output.output,
            "report": report.stem,
            "notebook": output.notebook,
            "cell": output.cell,
            "functions": ", ".join(output.functions),
            "behind": ", ".join(output.behind),
        }
        for report in run.manifest.reports
        for name in report.files
        if name.endswith(".ipynb")
        for output in outputs_of(run.folder / name, notebook=report.notebook)
    ]
    columns = ["kind", "output", "report", "notebook", "cell", "functions", "behind"]
    return pd.DataFrame(rows, columns=columns)


def environment(described: Manifest) -> dict[str, Content]:
    """Return the members that say what the run ran on.

    Parameters
    ----------
    described : Manifest

    Returns
    -------
    dict of str to bytes or Path
        ``requirements.txt`` with the versions of the manifest; ``requirements.lock`` where the package is a
        checkout and still the one that ran.
    """
    own = described.package
    lines = [
        f"# Python {described.python} on {described.platform}",
        f"# reform-analysis {own.version}, commit {own.commit or 'unknown'}, SHA-256 {own.sha256}",
        *(f"{name}=={version}" for name, version in sorted(described.libraries.items())),
    ]
    found: dict[str, Content] = {"requirements.txt": ("\n".join(lines) + "\n").encode()}
    lock = Path(str(files("reform_analysis"))).parents[1] / "requirements.lock"
    if lock.is_file() and manifest.package().sha256 == own.sha256:
        found["requirements.lock"] = lock
    return found


def _write(target: Path, members: Mapping[str, Content]) -> None:
    temporary = target.with_name(f".{uuid4().hex}.tmp")
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            for name in sorted(members):
                content = members[name]
                packed = content.read_bytes() if isinstance(content, Path) else content
                archive.writestr(_info(name, len(packed)), packed, compresslevel=9)
        if target.exists() and digest(target) != digest(temporary):
            raise DataError(message("refused.pack_exists", path=target))
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _info(name: str, size: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _FIRST)
    info.create_system = 3  # Unix, wherever the pack is made
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    # A large table of zeros, compressed, would look like a bomb to whoever unpacks it.
    info.compress_type = zipfile.ZIP_STORED if size > LARGE else zipfile.ZIP_DEFLATED
    return info
