"""Whether a replication pack is as it was written, and agrees with itself. Nothing in it is run.

Hashes find accidents and careless changes. Whoever rewrites a file can rewrite its hash: against that only
the archive's own SHA-256 helps, compared with the one that its authors published.
"""

import hashlib
import json
import posixpath
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from reform_analysis.estimates import DataError, ReportError
from reform_analysis.manifest import Manifest
from reform_analysis.messages import cause, listed, message
from reform_analysis.pack_contents import CONTENTS, ESTIMATES, MANIFEST, Pack, read_contents, read_manifest
from reform_analysis.pack_differences import Difference
from reform_analysis.pack_members import given_data
from reform_analysis.pack_numbers import (
    Compared,
    read_notebook,
    read_table,
    table_against_csv,
    table_against_notebook,
)
from reform_analysis.plan_deviations import FILE
from reform_analysis.plan_manifest import describe_plan
from reform_analysis.plan_record import read_state, record_path
from reform_analysis.storage import scratch_prefix
from reform_analysis.study_file import Study, parse_checked
from reform_analysis.unpack import faults, name_faults, open_archive, read_member


@dataclass(frozen=True)
class Verified:
    """A pack that was read.

    Parameters
    ----------
    sha256 : str
        Of the archive.
    content : bytes
        Of the archive.
    pack : Pack
    manifest : Manifest or None
        None where it is missing or broken, which is one of the differences.
    differences : tuple of Difference
        Empty if all is as it was written.
    numbers : int
        Estimates compared with what the notebooks show.
    """

    sha256: str
    content: bytes
    pack: Pack
    manifest: Manifest | None
    differences: tuple[Difference, ...]
    numbers: int


def verify(path: str | Path) -> Verified:
    """Check a pack without running anything.

    Parameters
    ----------
    path : str or Path
        Of the archive.

    Returns
    -------
    Verified

    Raises
    ------
    DataError
        If it cannot be read, is no replication pack, or must not be unpacked (names that leave the folder,
        links, bombs).
    """
    try:
        content = Path(path).read_bytes()
    except OSError as missing:
        raise DataError(message("refused.pack_file", path=path, cause=cause(missing))) from None
    sha256 = hashlib.sha256(content).hexdigest()
    with open_archive(content) as archive:
        wrong = faults(archive)
        if wrong:
            raise DataError(listed(message("refused.pack_refused"), wrong))
        if CONTENTS not in archive.namelist():
            raise DataError(message("refused.pack_no_contents", name=CONTENTS))
        pack = read_contents(read_member(archive, CONTENTS))
        members = _Members(archive)
        found = _against_list(members, pack)
        manifest = _manifest(members, found)
        compared = Compared()
        if manifest is not None:
            found += _against_manifest(members, pack, manifest)
            compared = _estimates(members, manifest)
    return Verified(sha256, content, pack, manifest, (*found, *compared.differences), compared.numbers)


class _Members:
    """The members of an archive that can be read, with their hashes."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.hashes: dict[str, str] = {}
        self.broken: list[str] = []
        for name in archive.namelist():
            try:
                self.hashes[name] = hashlib.sha256(read_member(archive, name)).hexdigest()
            except DataError:
                self.broken.append(name)

    def read(self, name: str) -> bytes:
        return read_member(self._archive, name)


def _against_list(members: _Members, pack: Pack) -> list[Difference]:
    """Members that are missing, not listed, broken or changed."""
    listed = {member.path: member.sha256 for member in pack.members}
    present = [*members.hashes, *members.broken]
    found = [Difference("missing", {"path": name}) for name in listed if name not in present]
    found += [
        Difference("added", {"path": name}) for name in present if name not in listed and name != CONTENTS
    ]
    found += [Difference("broken", {"path": name}) for name in members.broken]
    return found + [
        Difference("changed", {"path": name, "listed": sha256[:12], "found": members.hashes[name][:12]})
        for name, sha256 in listed.items()
        if name in members.hashes and members.hashes[name] != sha256
    ]


def _manifest(members: _Members, found: list[Difference]) -> Manifest | None:
    if MANIFEST not in members.hashes:
        return None  # it is among the missing or broken
    try:
        manifest = read_manifest(members.read(MANIFEST))
    except DataError as broken:
        found.append(Difference("manifest_broken", {"reason": str(broken)}))
        return None
    stems = [report.stem for report in manifest.reports]
    names = [name for report in manifest.reports for name in report.files]
    bad = [name for name in [*stems, *names] if "/" in name or name_faults(name)]
    if bad:
        raise DataError(f"pack is refused: its manifest has reports that are no plain file names: {bad!r}")
    return manifest


def _against_manifest(members: _Members, pack: Pack, manifest: Manifest) -> list[Difference]:
    """Where the pack's files are not those that the run's manifest names; each changed file is told once."""
    listed = {member.path: member.sha256 for member in pack.members}
    expected = {f"results/{name}": hash_ for item in manifest.reports for name, hash_ in item.files.items()}
    own = {file.path: file.sha256 for file in manifest.data}
    sources = {file.name: file.sha256 for file in manifest.notebooks}
    known = {notebook.name: notebook.member for notebook in pack.notebooks}
    expected |= {known.get(name, f"notebooks/{name}.ipynb"): sha256 for name, sha256 in sources.items()}
    expected |= {file.member: own.get(file.read_as, file.sha256) for file in pack.inputs if file.member}
    if manifest.study is not None:
        expected[pack.study or f"study/{manifest.study.name}"] = manifest.study.sha256
    found = [
        Difference("not_the_runs", {"path": name, "recorded": sha256[:12]})
        for name, sha256 in expected.items()
        if listed.get(name) != sha256
    ]
    inputs = {file.read_as: file.sha256 for file in pack.inputs}
    found += [Difference("input_missing", {"path": name}) for name in own if inputs.get(name) != own[name]]
    allowed = {*expected, MANIFEST, *ESTIMATES}
    found += [
        Difference("not_in_manifest", {"path": name})
        for name in listed
        if name.startswith("results/") and name not in allowed
    ]
    if pack.synthetic != any(file.kind == "synthetic" for file in manifest.data):
        found.append(Difference("synthetic"))
    return [*found, *_package_data(members, pack, manifest), *_plan(members, pack, manifest)]


def _package_data(members: _Members, pack: Pack, manifest: Manifest) -> list[Difference]:
    """Data of reform-analysis itself: against the data package that lies with them."""
    given = given_data(manifest)
    own = {file.member for file in pack.inputs if file.read_as in given}
    if "data/datapackage.json" not in members.hashes:
        return []
    try:
        resources = json.loads(members.read("data/datapackage.json"))["resources"]
        declared = {f"data/{item['path']}": item["hash"].removeprefix("sha256:") for item in resources}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [Difference("broken", {"path": "data/datapackage.json"})]
    return [
        Difference("not_the_packages", {"path": member.path})
        for member in pack.members
        if member.path.startswith("data/") and member.path not in own | {"data/datapackage.json"}
        if declared.get(member.path) != member.sha256
    ]


def _plan(members: _Members, pack: Pack, manifest: Manifest) -> list[Difference]:
    """Whether plan, record and deviations are those that the manifest describes."""
    if manifest.analysis_plan is None or pack.study not in members.hashes:
        return []
    with TemporaryDirectory(prefix=scratch_prefix()) as folder:
        try:
            text = members.read(str(pack.study)).decode("utf-8-sig")
            named = parse_checked(text, Study, name=str(pack.study), kind="study file").plan or ""
            named = posixpath.normpath(named)
            plan = Path(folder) / Path(named).name
            for path in (plan, record_path(plan), plan.with_name(FILE)):
                member = f"study/{posixpath.join(posixpath.dirname(named), path.name)}"
                if member in members.hashes:
                    path.write_bytes(members.read(member))
            described = describe_plan(read_state(plan), ())
        except (ReportError, UnicodeDecodeError, ValueError) as broken:
            reason = " ".join(str(broken).replace(folder, "").split())
            return [Difference("plan_broken", {"reason": reason})]
    same = described.model_dump(exclude={"unreported"}) == manifest.analysis_plan.model_dump(
        exclude={"unreported"}
    )
    return [] if same else [Difference("plan_changed")]


def _estimates(members: _Members, manifest: Manifest) -> Compared:
    """Whether table, CSV and notebooks hold the same estimates."""
    table, text = (members.read(name) if name in members.hashes else None for name in ESTIMATES)
    if table is None or text is None:
        alone = table is not None or text is not None
        return Compared((Difference("estimates_alone"),) if alone else ())
    try:
        frame = read_table(table)
        found = Compared(tuple(table_against_csv(frame, text)))
    except DataError as broken:
        return Compared((Difference("estimates_broken", {"reason": str(broken)}),))
    for report in manifest.reports:
        for name in report.files:
            if name.endswith(".ipynb") and f"results/{name}" in members.hashes:
                found += _shown(members.read(f"results/{name}"), frame, report.files, name)
    return found


def _shown(content: bytes, frame: pd.DataFrame, files: dict[str, str], name: str) -> Compared:
    page = next((other for other in files if other.endswith(".html")), "")
    if not page or not {"html", "name", "term"} <= set(frame.columns):
        return Compared()
    try:
        notebook = read_notebook(content)
    except DataError:
        return Compared((Difference("broken", {"path": f"results/{name}"}),))
    return table_against_notebook(frame[frame["html"] == page], notebook, report=name)
