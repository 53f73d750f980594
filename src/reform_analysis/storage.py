"""Files of a run: written whole or not at all, under a name that no other unit of the run can have."""

import errno
import hashlib
import os
import re
import shutil
import socket
import stat
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir
from time import monotonic, sleep, time
from uuid import uuid4

from reform_analysis.estimates import ReportError
from reform_analysis.messages import cause, message

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
FORBIDDEN = set('/\\<>:"|?*%')
LONGEST = 180  # bytes; file systems take 255, and an ending is added
SCRATCH = re.compile(r"reform-([0-9]{1,9})-([0-9a-f]+)-.+")
ENTRY = re.compile(r"[0-9a-f]{64}\.(html|ipynb|json)")
CACHE_BYTES = 2 * 2**30  # several thousand reports
TURN_SECONDS = 60.0  # an index of ten thousand reports takes seconds
POLL_SECONDS = 0.05
KEPT_SECONDS = 7 * 86400.0  # a run going on, a shard elsewhere, or a killed run that is to go on


def write(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Parameters
    ----------
    path : Path
    content : bytes

    Raises
    ------
    OSError
        If it cannot be written; no part of it is left.
    """
    temporary = path.with_name(f".{uuid4().hex}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def reason(refused: OSError) -> str:
    """Return why the system refused, in words: a full disk is named as such.

    Parameters
    ----------
    refused : OSError

    Returns
    -------
    str
    """
    said = cause(refused)
    return message("refused.full_disk", cause=said) if refused.errno in FULL else said


def digest(path: Path) -> str:
    """Return the SHA-256 of a file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(folder: Path) -> None:
    """Remove temporary files of a run that was killed; call it under the lock only.

    Parameters
    ----------
    folder : Path
    """
    for path in folder.rglob(".*.tmp"):
        if len(path.name) == 37:
            path.unlink(missing_ok=True)


def mark_used(path: Path) -> None:
    """Note that a cache entry was used now; `prune` takes those unused for longest.

    Parameters
    ----------
    path : Path
        Of one of the entry's files.
    """
    with suppress(OSError):  # another run may have removed it meanwhile
        os.utime(path)


def prune(cache: Path, *, limit: int | None = None, now: float | None = None) -> None:
    """Cut the cache to `limit` bytes: entries unused for longest go first.

    Entries used in the last seven days stay whatever their size, so that a second run, a shard on another
    machine, or a killed run that is to go on finds its own. An entry that goes all the same costs its report
    a new rendering, never a wrong page: what is taken from the cache is read whole and checked.

    Parameters
    ----------
    cache : Path
        The folder of finished reports; files that are no entries are left alone.
    limit : int, optional
        Bytes; two gigabytes where it is left out.
    now : float, optional
        Seconds since 1970; the clock where it is left out.
    """
    limit = CACHE_BYTES if limit is None else limit
    oldest_kept = (time() if now is None else now) - KEPT_SECONDS
    entries = _entries(cache)
    total = sum(size for _, size, _ in entries)
    for used, size, paths in entries:
        if total <= limit or used >= oldest_kept:
            return
        with suppress(OSError):  # Windows removes no file that another run reads
            for path in paths:
                path.unlink(missing_ok=True)
            total -= size


def _entries(cache: Path) -> list[tuple[float, int, list[Path]]]:
    """Time of last use, bytes and files of each entry, unused for longest first; half an entry is one too."""
    found: dict[str, list[tuple[float, int, Path]]] = {}
    for path in cache.iterdir():
        if ENTRY.fullmatch(path.name):
            with suppress(FileNotFoundError):  # another run removes too
                status = path.stat()
                found.setdefault(path.stem, []).append((status.st_mtime, status.st_size, path))
    entries = [
        (max(used for used, _, _ in files), sum(size for _, size, _ in files), [path for *_, path in files])
        for files in found.values()
    ]
    return sorted(entries)


def file_part(value: str) -> str:
    """Return a value as part of a file name: what file systems forbid is written as ``%XX``.

    Parameters
    ----------
    value : str

    Returns
    -------
    str

    Examples
    --------
    >>> file_part("甲/乙"), file_part("../x"), file_part("")
    ('甲%2F乙', '..%2Fx', '_')
    """
    text = unicodedata.normalize("NFC", value)
    bad = {char for char in text if char in FORBIDDEN or unicodedata.category(char).startswith("C")}
    return "".join("".join(f"%{b:02X}" for b in c.encode()) if c in bad else c for c in text) or "_"


def report_stems(reports: Sequence[tuple[str, Sequence[str], str]]) -> list[str]:
    """Return the names of reports' files: notebook, values of the grid and language, joined by dots.

    A name that is too long is cut, and one that a file system may take for another's (case, composed and
    decomposed letters) stays whole; either gets the first eight hexadecimal digits of the SHA-256 of its
    values (UTF-8, a line each) after it. So a name depends on its values and on those that it is confused
    with, never on their order.

    Parameters
    ----------
    reports : sequence of (notebook, values, language)
        All that a study may render, whichever of them a run is for.

    Returns
    -------
    list of str
        Without ending.

    Examples
    --------
    >>> report_stems([("a", ["甲/乙"], "zh"), ("a", ["X"], "zh"), ("a", ["x"], "zh")])
    ['a.甲%2F乙.zh', 'a.X-4b68ab38.zh', 'a.x-2d711642.zh']
    """
    bodies = [".".join([name, *map(file_part, values)]) for name, values, _ in reports]
    plain = [f"{body}.{language}" for body, (*_, language) in zip(bodies, reports, strict=True)]
    alike = Counter(_folded(stem) for stem in plain)
    return [
        _marked(body, values, language)
        if values and (alike[_folded(stem)] > 1 or len(stem.encode()) > LONGEST)
        else stem
        for stem, body, (_, values, language) in zip(plain, bodies, reports, strict=True)
    ]


def _folded(stem: str) -> str:
    return unicodedata.normalize("NFC", stem).casefold()


def _marked(body: str, values: Sequence[str], language: str) -> str:
    mark = hashlib.sha256("\n".join(values).encode()).hexdigest()[:8]
    ending = f"-{mark}.{language}"
    cut = body.encode()[: LONGEST - len(ending)].decode(errors="ignore")
    return (cut if cut == body else re.sub("%[0-9A-F]?$", "", cut)) + ending


def name_faults(stems: list[str]) -> list[str]:
    """Return what is wrong with output names: reserved, too long, or the same on a system that ignores case.

    Parameters
    ----------
    stems : list of str

    Returns
    -------
    list of str
    """
    faults: list[str] = []
    folded: dict[str, str] = {}
    for stem in stems:
        if stem.split(".")[0].strip().casefold() in RESERVED:
            faults.append(message("refused.reserved", name=stem))
        if len(stem.encode()) > LONGEST:
            faults.append(message("refused.too_long", name=stem, most=LONGEST))
        other = folded.setdefault(_folded(stem), stem)
        if other is not stem:
            faults.append(message("refused.one_file", one=other, other=stem))
    return faults


def scratch_prefix() -> str:
    """Return how the names of this process's temporary folders begin: `sweep_scratch` knows them by it.

    Returns
    -------
    str
    """
    return f"reform-{os.getpid()}-{_process_space()}-"


def _process_space() -> str:
    # Containers that share a folder of temporary files number their processes apart.
    try:
        return f"{os.stat('/proc/self/ns/pid').st_ino:x}"
    except OSError:
        return "0"


def sweep_scratch(folder: Path | None = None) -> None:
    """Remove temporary folders of this user's batches whose process has ended without removing them.

    Parameters
    ----------
    folder : Path, optional
        The system's for temporary files where it is left out.
    """
    if sys.platform == "win32":  # one process cannot ask there whether another still runs
        return
    for path in (folder or Path(gettempdir())).glob("reform-*"):
        found = SCRATCH.fullmatch(path.name)
        if found and found[2] == _process_space() and not _runs(int(found[1])):
            with suppress(OSError):
                status = path.lstat()
                if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
                    shutil.rmtree(path, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a folder for one run; the system lets go of it however the process ends.

    Parameters
    ----------
    path : Path
        Of the lock file.

    Raises
    ------
    ReportError
        If another run holds it.
    """
    try:
        with _held(path, seconds=0):
            yield
    except _NotFreeError as other:
        told = message("refused.locked", folder=path.parent, holder=other.holder)
        raise ReportError(told) from None


@contextmanager
def turn(path: Path, *, seconds: float = TURN_SECONDS) -> Iterator[None]:
    """Wait until no other process holds a lock, and hold it.

    Parameters
    ----------
    path : Path
        Of the lock file.
    seconds : float
        To wait for.

    Raises
    ------
    TimeoutError
        If another process holds it for longer.
    """
    try:
        with _held(path, seconds=seconds):
            yield
    except _NotFreeError as other:
        raise TimeoutError(
            errno.ETIMEDOUT, f"{path.name} is held by {other.holder} for more than {seconds:g} seconds"
        ) from None


class _NotFreeError(Exception):
    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


@contextmanager
def _held(path: Path, *, seconds: float) -> Iterator[None]:
    end = monotonic() + seconds
    with path.open("a+b") as file:
        while not _hold(file.fileno()):
            if monotonic() >= end:
                file.seek(0)
                raise _NotFreeError(file.read(200).decode(errors="replace").strip())
            sleep(POLL_SECONDS)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
        file.flush()
        yield


def _hold(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
