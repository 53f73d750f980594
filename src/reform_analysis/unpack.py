"""Archives of strangers: which names and sizes are refused, and how members are written into a folder."""

import itertools
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

from reform_analysis.estimates import DataError
from reform_analysis.messages import cause, message
from reform_analysis.storage import FORBIDDEN, RESERVED

MEMBERS = 100_000
TOTAL = 8 * 2**30  # bytes of all members together
RATIO = 200  # bytes a compressed byte, from LARGE bytes on; reports reach 6, a bomb a thousand
LARGE = 10 * 2**20
_END, _END_BYTES = b"PK\x05\x06", 22  # the record that closes an archive
_FORBIDDEN = FORBIDDEN - {"%"}  # reports write it for what file systems forbid


def open_archive(content: bytes) -> zipfile.ZipFile:
    """Open a zip archive.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    ZipFile

    Raises
    ------
    DataError
        If it is none, or bytes stand before or after it, which no hash of a member covers.
    """
    try:
        archive = zipfile.ZipFile(BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as broken:
        raise DataError(message("refused.pack_zip", reason=cause(broken))) from None
    before = min((member.header_offset for member in archive.infolist()), default=0)
    after = len(content) - content.rfind(_END) - _END_BYTES
    for count, place in ((before, "before its first member"), (after, "after its end")):
        if count > 0:
            raise DataError(
                f"pack must be a zip archive and nothing else, got one with {count} bytes {place}."
            )
    return archive


def faults(archive: zipfile.ZipFile) -> list[str]:
    """Return why an archive must not be unpacked: names, kinds and sizes of its members. Nothing is read.

    Parameters
    ----------
    archive : ZipFile

    Returns
    -------
    list of str
        Empty if it may be unpacked.
    """
    members = archive.infolist()
    found = [fault for member in members for fault in _member_faults(member)]
    return found + collisions([member.filename for member in members]) + _size_faults(members)


def _member_faults(member: zipfile.ZipInfo) -> list[str]:
    # zipfile cuts a name at a NUL byte and keeps what stood in the archive in orig_filename.
    name = member.orig_filename
    found: list[str] = [message("refused.in_pack", name=name, fault=fault) for fault in name_faults(name)]
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or member.is_dir():
        found.append(f"{name!r}: is no plain file (a link, a folder or a device)")
    if member.flag_bits & 0x1:
        found.append(f"{name!r}: is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        found.append(f"{name!r}: is compressed by a method that a pack does not use")
    return found


def name_faults(name: str) -> list[str]:
    """Return why a member's name could leave a folder, or not be a file on every system.

    Parameters
    ----------
    name : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> name_faults("results/表 1.html")
    []
    >>> name_faults("../x")
    ['leaves the folder']
    """
    found: list[str] = []
    parts = name.split("/")
    if name.startswith(("/", "\\")) or name[1:2] == ":":
        found.append(message("refused.name_absolute"))
    if ".." in name.replace("\\", "/").split("/"):
        found.append(message("refused.name_leaves"))
    if any(part in ("", ".") for part in parts):
        found.append(message("refused.name_empty"))
    if any(char in _FORBIDDEN or unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in "".join(parts)):
        found.append(message("refused.name_forbidden"))
    if any(part.rstrip(". ") != part for part in parts if part not in (".", "..")):
        found.append(message("refused.name_dot"))
    if any(part.split(".")[0].strip().casefold() in RESERVED for part in parts):
        found.append(message("refused.name_reserved"))
    if any(len(part.encode("utf-8", "replace")) > 255 for part in parts):
        found.append(message("refused.name_long"))
    return found


def collisions(names: Iterable[str]) -> list[str]:
    """Return which names would be one file where case and Unicode form do not count, or a file and a folder.

    Parameters
    ----------
    names : iterable of str

    Returns
    -------
    list of str
    """
    found = []
    seen: dict[str, str] = {}
    for name in names:
        key = unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            found.append(f"{name!r}: would be the same file as {seen[key]!r}")
        seen.setdefault(key, name)
    for key, name in seen.items():
        parts = key.split("/")
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        found += [
            f"{name!r}: {seen[folder]!r} is a file and a folder" for folder in sorted(above & set(seen))
        ]
    return found


def _size_faults(members: Sequence[zipfile.ZipInfo]) -> list[str]:
    found = []
    total = sum(member.file_size for member in members)
    if len(members) > MEMBERS:
        found.append(f"has {len(members)} members, at most {MEMBERS} are unpacked")
    if total > TOTAL:
        found.append(f"holds {total} bytes, at most {TOTAL} are unpacked")
    found += [
        f"{member.filename!r}: grows {member.file_size // max(1, member.compress_size)} times, "
        f"at most {RATIO} times is unpacked"
        for member in members
        if member.file_size > LARGE and member.file_size > RATIO * member.compress_size
    ]
    placed = sorted(members, key=lambda member: member.header_offset)
    for first, second in itertools.pairwise(placed):
        if first.header_offset + first.compress_size + 30 > second.header_offset:
            found.append(f"{second.filename!r}: lies over {first.filename!r}, which only a bomb does")
    return found


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member's bytes.

    Parameters
    ----------
    archive : ZipFile
    name : str

    Returns
    -------
    bytes

    Raises
    ------
    DataError
        If its compressed bytes are broken.
    """
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as broken:
        raise DataError(f"{name!r}: cannot be read ({broken})") from None


def unpack(content: bytes, folder: Path) -> list[Path]:
    """Write an archive's members below a new or empty folder, or refuse it as a whole.

    Parameters
    ----------
    content : bytes
    folder : Path
        Nothing is written outside it.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    DataError
        If a name could leave the folder or collide, a member is no plain file, or it is a bomb.
    """
    with open_archive(content) as archive:
        wrong = faults(archive)
        if wrong:
            raise DataError("pack is not unpacked:\n" + "\n".join(f"- {fault}" for fault in wrong))
        if folder.is_symlink() or (folder.exists() and any(folder.iterdir())):
            raise DataError(f"folder must be new or empty, got {folder}; choose another.")
        root = folder.resolve()
        return [_write(archive, member, root) for member in archive.infolist()]


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, root: Path) -> Path:
    target = root.joinpath(*member.filename.split("/"))
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(root):  # the rules on names forbid it already
        raise DataError(f"pack is not unpacked: {member.filename!r} leaves the folder.")
    with target.open("xb") as file:
        file.write(read_member(archive, member.filename))
    return target
