"""The fork server: one process that has imported the libraries once, and forks a kernel for each report.

`reform_analysis.kernels` starts it as ``python -m reform_analysis.forkserver SOCKET LIBRARY...``;
it ends when its standard input is closed, that is, with the process that started it, however that one ends.
"""

import builtins
import ctypes
import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import sys
from contextlib import suppress
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any, NoReturn

# matplotlib_inline.backend_inline is not among them: it hooks into the shell that exists when it is imported,
# and a kernel forked afterwards would show no figure, in silence.
LIBRARIES = (
    "IPython",
    "IPython.core.completerlib",
    "ipykernel.debugger",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "matplotlib.backends.backend_agg",
    "matplotlib.pyplot",
    "numpy",
    "openpyxl",
    "pandas",
    "pandas.io.formats.html",
    "pandera.pandas",
    "pyarrow",
    "pyfixest.estimation",
    "scipy.optimize",
    "scipy.stats",
    "seaborn",
    "statsmodels.api",
    "statsmodels.formula.api",
)
# One thread a kernel: the kernels share the cores, sums come out in one order, and a process with threads
# must not be forked. A fixed hash seed gives sets one order in forked and in cold kernels.
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # pyarrow's allocator starts a thread otherwise
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
SWEEP_SECONDS = 0.5
LAST_SECONDS = 2.0


def preimport(libraries: list[str]) -> list[str]:
    """Import libraries.

    Parameters
    ----------
    libraries : list of str
        Dotted names.

    Returns
    -------
    list of str
        Those that are installed and were imported.
    """
    found = []
    # pandas asks when it is imported whether it runs in a kernel, and would show fewer columns otherwise.
    builtins.get_ipython = lambda: SimpleNamespace(kernel=None)  # type: ignore[attr-defined]
    for name in libraries:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        found.append(name)
    del builtins.get_ipython  # type: ignore[attr-defined]
    return found


def count_threads() -> int:
    """Return the number of threads of this process (Linux).

    Returns
    -------
    int
    """
    return len(os.listdir("/proc/self/task"))


def serve(path: str, libraries: list[str]) -> None:
    """Listen on `path` and fork a kernel for each request until standard input is closed.

    Parameters
    ----------
    path : str
        Of the Unix socket, in a folder that only this user can enter.
    libraries : list of str
        To import beforehand.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the runner's affair
    imported = preimport(libraries)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps the kernels
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(128)
        hello = {"threads": count_threads(), "imported": imported}
        sys.stdout.write(json.dumps(hello) + "\n")
        sys.stdout.flush()
        _wait_for_requests(listener)
    _end_all()


def _wait_for_requests(listener: socket.socket) -> None:
    kernels: set[int] = set()
    _adopt_orphans()
    while True:
        ready, _, _ = select.select([listener, sys.stdin.fileno()], [], [], SWEEP_SECONDS)
        if sys.stdin.fileno() in ready:
            return
        if ready:
            connection, _ = listener.accept()
            with connection:
                kernels |= _answer(connection, listener)
        else:
            kernels &= _kill_children(spare=kernels)


def _adopt_orphans() -> None:
    # What a cell started, in a session of its own too, becomes the kernel's child when its parent ends, and
    # the server's when the kernel ends: so no child of the server is anything but a kernel or a leftover.
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1)


def _kill_children(*, spare: set[int]) -> set[int]:
    """Kill the children of this process except `spare`, and return all that there were."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            children = {int(pid) for pid in file.read().split()}
    except OSError:  # a system that does not list them
        return spare
    for pid in children - spare:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return children


def _end_all() -> None:
    end = monotonic() + LAST_SECONDS
    while _kill_children(spare=set()) and monotonic() < end:  # each may leave children of its own
        sleep(0.01)


def _answer(connection: socket.socket, listener: socket.socket) -> set[int]:
    try:
        with connection.makefile("r", encoding="utf-8") as lines:
            request = json.loads(lines.readline())
    except ValueError:  # the runner was killed in the middle of a request
        return set()
    server = os.getpid()  # in the child, getppid could already be the next one's
    pid = os.fork()
    if pid == 0:
        listener.close()
        connection.close()
        _run_kernel(request, server)
    try:
        connection.sendall(f"{pid}\n".encode())
    except OSError:
        os.kill(pid, signal.SIGKILL)
    return {pid}


def _run_kernel(request: dict[str, Any], server: int) -> NoReturn:
    """Become a kernel; never return into the server's loop."""
    status = 1
    try:
        _detach(request, server)
        from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415  # only the server's children need it

        app = IPKernelApp.instance()
        app.initialize(request["arguments"])
        app.start()
        status = 0
    finally:
        os._exit(status)


def _detach(request: dict[str, Any], server: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(1)
    os.setsid()
    _adopt_orphans()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, (file, flags) in enumerate(
        ((os.devnull, os.O_RDONLY), (request["log"], os.O_WRONLY | os.O_CREAT))
    ):
        opened = os.open(file, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.dup2(1, 2)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = ["ipykernel_launcher", *request["arguments"]]
    del sys.path[0]  # the server's folder, put there by -m; IPython puts the kernel's in its place
    _reseed()


def _reseed() -> None:
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
