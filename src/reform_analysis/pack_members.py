"""What goes into a replication pack: each file of a run and of its study, checked against the manifest."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from reform_analysis import resources
from reform_analysis.estimates import DataError
from reform_analysis.headlines import csv_bytes
from reform_analysis.manifest import Manifest
from reform_analysis.messages import cause, message
from reform_analysis.pack_contents import MANIFEST, Input, Notebook, read_manifest
from reform_analysis.plan_deviations import FILE
from reform_analysis.plan_manifest import describe_plan
from reform_analysis.plan_record import read_state, record_path
from reform_analysis.runs import RUN
from reform_analysis.storage import digest
from reform_analysis.study_file import read_study

Content = bytes | Path
AGAIN = message("refused.again")


@dataclass(frozen=True)
class Finished:
    """A run that can be packed.

    Parameters
    ----------
    folder : Path
    manifest : Manifest
    study : Path or None
        The study file, unchanged since the run.
    base : Path
        The folder that paths of the run start from.
    """

    folder: Path
    manifest: Manifest
    study: Path | None
    base: Path


def read_run(folder: Path, study: str | Path | None = None) -> Finished:
    """Read a run, and refuse one that is not whole or not as it was written.

    Parameters
    ----------
    folder : Path
        Of the run.
    study : str or Path, optional
        The study file; without it, it is looked for in the folders above the run and in the current one.

    Returns
    -------
    Finished

    Raises
    ------
    DataError
        If the folder holds no run, the run was stopped or is a shard, or a file has changed since.
    """
    try:
        manifest = read_manifest((folder / "manifest.json").read_bytes())
    except OSError as missing:
        raise DataError(message("refused.run", folder=folder, cause=cause(missing))) from None
    if manifest.status == "interrupted" or manifest.shard:
        raise DataError(message("refused.run_not_whole", folder=folder, again=AGAIN))
    _require_unchanged(folder, manifest)
    found = _find_study(folder, manifest, study)
    return Finished(folder, manifest, found, found.parent if found else Path.cwd())


def _require_unchanged(folder: Path, manifest: Manifest) -> None:
    files = [item for report in manifest.reports for item in report.files.items()]
    changed = [name for name, sha256 in files if not _is(folder / name, sha256)]
    if changed:
        raise DataError(message("refused.run_changed", names=tuple(changed), again=AGAIN))
    try:
        run = RUN.validate_python({**json.loads((folder / "run.json").read_bytes()), "folder": folder})
        recorded = run.estimates()
        expected = csv_bytes(recorded) if len(recorded) else None
        table, text = (folder / f"estimates.{kind}" for kind in ("parquet", "csv"))
        stored = {_table_bytes(table), text.read_bytes() if text.exists() else None}
    except (OSError, ValueError, TypeError) as broken:
        first = str(broken).splitlines()[0]
        told = message("refused.run_unreadable", folder=folder, reason=first, again=AGAIN)
        raise DataError(told) from None
    if stored != {expected}:
        raise DataError(message("refused.run_estimates", again=AGAIN))


def _table_bytes(path: Path) -> bytes | None:
    return csv_bytes(pd.read_parquet(BytesIO(path.read_bytes()))) if path.exists() else None


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and digest(path) == sha256


def _find_study(folder: Path, manifest: Manifest, given: str | Path | None) -> Path | None:
    if manifest.study is None:
        if given is not None:
            raise DataError(message("refused.run_no_study", folder=folder, given=given))
        return None
    above = [parent / manifest.study.name for parent in folder.resolve().parents]
    candidates = [Path(given)] if given is not None else [*above, Path.cwd() / manifest.study.name]
    for path in candidates:
        if _is(path, manifest.study.sha256):
            return path.resolve()
    named = {"name": manifest.study.name, "sha256": manifest.study.sha256[:12]}
    none = message("refused.none_above")
    raise DataError(message("refused.run_study", given=given or none, again=AGAIN, **named))


def results(run: Finished) -> dict[str, Content]:
    """Return the members below ``results/``.

    Parameters
    ----------
    run : Finished

    Returns
    -------
    dict of str to Path
    """
    names = [name for report in run.manifest.reports for name in report.files]
    names += [name for name in ("estimates.csv", "estimates.parquet") if (run.folder / name).exists()]
    return {
        MANIFEST: run.folder / "manifest.json",
        **{f"results/{name}": run.folder / name for name in names},
    }


def _below(path: Path, folder: Path) -> str | None:
    """A path below a folder with forward slashes; None for one that is not below it."""
    try:
        relative = Path(os.path.relpath(path, folder))
    except ValueError:  # another drive
        return None
    return None if relative.parts[:1] == ("..",) or relative.is_absolute() else relative.as_posix()


def notebooks(run: Finished) -> tuple[list[Notebook], dict[str, Content]]:
    """Return the notebooks' sources.

    Parameters
    ----------
    run : Finished

    Returns
    -------
    list of Notebook
    dict of str to Path
        Their members.

    Raises
    ------
    DataError
        If one has changed since the run.
    """
    packaged = resources.notebook_paths()
    named = (read_study(run.study).notebooks if run.study else None) or []
    own = {PurePosixPath(entry).stem: run.base / entry for entry in named if entry.endswith(".ipynb")}
    found: list[Notebook] = []
    members: dict[str, Content] = {}
    for file in run.manifest.notebooks:
        path = own.get(file.name, packaged.get(file.name))
        if path is None or not _is(path, file.sha256):
            raise DataError(message("refused.run_notebook", name=file.name, again=AGAIN))
        inside = _below(path, run.base) if file.name in own else None
        member = f"study/{inside}" if inside else f"notebooks/{file.name}.ipynb"
        found.append(Notebook(name=file.name, member=member, packaged=file.name not in own))
        members[member] = path
    return found, members


def inputs(run: Finished, *, without_data: bool) -> tuple[list[Input], dict[str, Content]]:
    """Return the data: the study's files (or their hashes alone), then those of the package.

    Parameters
    ----------
    run : Finished
    without_data : bool
        The study's own files do not travel.

    Returns
    -------
    list of Input
    dict of str to Path
        The members of those that travel.

    Raises
    ------
    DataError
        If one has changed since the run.
    """
    given = given_data(run.manifest)
    found: list[Input] = []
    members: dict[str, Content] = {}
    for number, file in enumerate(run.manifest.data, start=1):
        if file.path not in given:
            continue
        path = run.base / file.path
        if not without_data and not _is(path, file.sha256):
            raise DataError(message("refused.run_data", path=path, again=AGAIN))
        inside = _below(path, run.base)
        member = f"study/{inside}" if inside else f"inputs/{number}/{path.name}"
        travels = {} if without_data else {member: path}
        stored = None if without_data else member
        found.append(Input(read_as=file.path, member=stored, sha256=file.sha256, kind=file.kind))
        members |= travels
    more, packaged = _packaged_data(run.manifest)
    return found + more, members | packaged


def given_data(manifest: Manifest) -> set[str]:
    """Return the data files that a study gave to its reports, as paths of the run.

    Parameters
    ----------
    manifest : Manifest

    Returns
    -------
    set of str
    """
    named = (report.parameters.get("data") for report in manifest.reports)
    return {str(name) for name in named if name}


def _packaged_data(manifest: Manifest) -> tuple[list[Input], dict[str, Content]]:
    folder = resources.folder("data")
    read = {file.path: file for file in manifest.data if file.path not in given_data(manifest)}
    declared = {
        f"data/{resource['path']}": resource["hash"] for resource in resources.read_package()["resources"]
    }
    found: list[Input] = []
    members: dict[str, Content] = {}
    for name in ["data/datapackage.json", *declared]:
        example = "/example/" in name
        if example and name not in read:
            continue
        path = folder / name.removeprefix("data/")
        sha256 = digest(path)
        known = [f"sha256:{sha256}", read[name].sha256 if name in read else sha256]
        if known != [declared.get(name, known[0]), sha256]:
            raise DataError(message("refused.run_package_data", path=path, again=AGAIN))
        kind: Any = read[name].kind if name in read else "published"
        found.append(Input(read_as=name, member=name, sha256=sha256, kind=kind))
        members[name] = path
    return found, members


def included(run: Finished, paths: Sequence[str | Path]) -> dict[str, Content]:
    """Return further files, which notebooks of one's own read; the run does not know them.

    Parameters
    ----------
    run : Finished
    paths : sequence of str or Path
        Below the study's folder.

    Returns
    -------
    dict of str to Path

    Raises
    ------
    DataError
        If one is no file below the study's folder.
    """
    found: dict[str, Content] = {}
    for path in map(Path, paths):
        inside = _below(path.resolve(), run.base.resolve()) if run.study else None
        if inside is None or not path.is_file():
            raise DataError(message("refused.include", path=path))
        found[f"study/{inside}"] = path
    return found


def study_files(run: Finished) -> dict[str, Content]:
    """Return the study file and its analysis plan, with record and deviations.

    Parameters
    ----------
    run : Finished

    Returns
    -------
    dict of str to Path

    Raises
    ------
    DataError
        If the plan has changed since the run, or lies outside the study's folder.
    """
    if run.study is None:
        return {}
    plan = run.base / (read_study(run.study).plan or "plan.yaml")
    described = run.manifest.analysis_plan
    files = {f"study/{run.study.name}": run.study}
    if described is None and not record_path(plan).exists():
        return dict(files)
    if described is not None:
        now = describe_plan(read_state(plan), ()).model_dump(exclude={"unreported"})
        if now != described.model_dump(exclude={"unreported"}):
            raise DataError(message("refused.run_plan", plan=plan, again=AGAIN))
    for path in (plan, record_path(plan), plan.with_name(FILE)):
        inside = _below(path, run.base)
        if inside is None:
            raise DataError(message("refused.plan_below", path=path))
        files |= {f"study/{inside}": path} if path.exists() else {}
    return dict(files)
