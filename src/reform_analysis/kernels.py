"""Kernels of the batch: forked from a warm server where the system can, started cold elsewhere.

Both kinds get the same environment, one thread and a connection of their own; a report's bytes do not
depend on which of them it ran in. A kernel is never used twice.
"""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint
from math import inf
from pathlib import Path
from queue import Empty
from time import monotonic
from types import TracebackType
from typing import Any, Self

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory
from jupyter_core.paths import jupyter_path
from traitlets.config import Config

from reform_analysis.estimates import ReportError
from reform_analysis.forkserver import ENVIRONMENT, LIBRARIES
from reform_analysis.provisioners import ColdProvisioner, ForkProvisioner
from reform_analysis.storage import scratch_prefix

GROUP = "jupyter_client.kernel_provisioners"
FORKED, COLD = "reform-analysis-fork", "reform-analysis-cold"
HELLO_SECONDS = 120.0
READY_SECONDS = 0.2  # an answer that iopub has not brought by then was sent before iopub was connected
POLL_SECONDS = 0.005  # a killed kernel is gone in milliseconds
CAN_FORK = sys.platform == "linux"
HAS_IPC = os.name == "posix"


@cache
def _home() -> tempfile.TemporaryDirectory[str]:
    """A folder of this process for what libraries keep in a home, with matplotlib's list of fonts in it."""
    folder = tempfile.TemporaryDirectory(prefix=scratch_prefix(), ignore_cleanup_errors=True)
    _list_fonts({"MPLCONFIGDIR": folder.name})
    return folder


def _list_fonts(variables: Mapping[str, str]) -> None:
    listing = [sys.executable, "-c", "import matplotlib.font_manager"]
    subprocess.run(listing, check=False, capture_output=True, env={**os.environ, **variables})


def prepare_fonts(libraries: Iterable[str] = ()) -> None:
    """Have matplotlib make its list of fonts before the first kernel.

    On a new machine that takes seconds; after five it would say so in the report that waits for it.

    Parameters
    ----------
    libraries : iterable of str
        Those that a fork server has imported: with matplotlib among them the list is there.
    """
    if "matplotlib.pyplot" not in libraries:
        _list_fonts(homeless() | ENVIRONMENT)


def homeless() -> dict[str, str]:
    """Return the variables that kernels need where no home can be written, as under a service account.

    matplotlib and IPython would each make a folder of their own for every kernel and say so in the report.

    Returns
    -------
    dict of str to str
        Empty where there is a home; what the user has set stays.
    """
    if os.access(os.path.expanduser("~"), os.W_OK):
        return {}
    return {name: _home().name for name in ("MPLCONFIGDIR", "IPYTHONDIR") if name not in os.environ}


def specifications() -> KernelSpecManager:
    """Return what finds kernels: where Jupyter keeps them, without IPython's old folder in the home.

    Returns
    -------
    jupyter_client.kernelspec.KernelSpecManager
    """
    return KernelSpecManager(kernel_dirs=jupyter_path("kernels"))


def needed_libraries(sources: Iterable[str]) -> list[str]:
    """Return the libraries that are worth importing before forking.

    Parameters
    ----------
    sources : iterable of str
        Code of the notebooks.

    Returns
    -------
    list of str
        Those of `forkserver.LIBRARIES` that the code names; all of them where it imports this package.
    """
    code = "\n".join(sources)
    if "reform_analysis" in code:
        return list(LIBRARIES)
    return [
        name
        for name in LIBRARIES
        if name.split(".")[0] in ("IPython", "ipykernel") or name.split(".")[0] in code
    ]


class ForkServer:
    """A running fork server and the private folder of its sockets; a context manager.

    Parameters
    ----------
    libraries : iterable of str
        To import before the first fork.

    Raises
    ------
    ReportError
        If it does not start, or would have to fork with threads running.
    """

    def __init__(self, libraries: Iterable[str] = LIBRARIES) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix=scratch_prefix())  # mode 0700
        self.socket = str(Path(self._folder.name) / "server")
        command = [sys.executable, "-m", "reform_analysis.forkserver", self.socket, *libraries]
        with (Path(self._folder.name) / "log").open("w") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **homeless(), **ENVIRONMENT},
            )
        try:
            self._greet()
        except BaseException:
            self.close()
            raise

    def _greet(self) -> None:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], HELLO_SECONDS)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            log = (Path(self._folder.name) / "log").read_text(errors="replace").strip()
            raise ReportError(f"the fork server did not start ({log[-300:] or 'no word from it'}).")
        threads = json.loads(line)["threads"]
        if threads != 1:
            raise ReportError(f"the fork server has {threads} threads, which a fork would lose.")

    @property
    def pid(self) -> int:
        """The server's process.

        Returns
        -------
        int
        """
        return self._process.pid

    def close(self) -> None:
        """End the server; kernels still running die with it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_REGISTERED = threading.Lock()


def _register() -> None:
    # The entry points of pyproject.toml make them known to an installation; a checkout whose metadata are
    # older than its code knows them by this.
    with _REGISTERED:
        factory = KernelProvisionerFactory.instance()
        for name, kind in ((FORKED, ForkProvisioner), (COLD, ColdProvisioner)):
            value = f"{kind.__module__}:{kind.__name__}"
            factory.provisioners.setdefault(name, EntryPoint(name, value, GROUP))


class BatchKernelClient(AsyncKernelClient):
    """A client that goes on as soon as its kernel answers.

    jupyter_client's own waits two tenths of a second for messages that do not come; nbclient passes over
    messages that belong to no cell. There is no heartbeat: the manager sees its kernel's process, and the
    heartbeat's thread fails where a kernel ends while it starts.
    """

    def start_channels(self, *, hb: bool = False, **channels: bool) -> None:  # type: ignore[override]
        """Start the channels.

        Parameters
        ----------
        hb : bool
            Whether a thread listens to the heartbeat.
        **channels
            Of jupyter_client's.
        """
        super().start_channels(hb=hb, **channels)

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        end = monotonic() + (inf if timeout is None else timeout)
        asked = set()
        while monotonic() < end:
            asked.add(self.kernel_info())
            try:
                await self.shell_channel.get_msg(timeout=1)
                await self._hear_idle(asked)
            except Empty:
                if not await self._async_is_alive():
                    raise RuntimeError("Kernel died before replying to kernel_info") from None
            else:
                return
        raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")

    wait_for_ready = _async_wait_for_ready

    async def _hear_idle(self, asked: set[str]) -> None:
        """Wait for the end of an answer on iopub: outputs sent before it was connected would be lost."""
        while True:
            heard = await self.iopub_channel.get_msg(timeout=READY_SECONDS)
            idle = heard["content"].get("execution_state") == "idle"
            if idle and heard["parent_header"].get("msg_id") in asked:
                return


class BatchKernelManager(AsyncKernelManager):
    """A kernel manager for one report: its connection file lies in a folder of its own.

    Parameters
    ----------
    **kwargs
        Of `jupyter_client.AsyncKernelManager`.
    """

    server: str = ""
    variables: Mapping[str, str] = {}
    end: float = inf
    _alarm: threading.Timer | None = None

    def __init__(self, **kwargs: Any) -> None:
        _register()
        private = tempfile.mkdtemp(prefix=scratch_prefix())  # mode 0700
        self._tidy = weakref.finalize(self, shutil.rmtree, private, ignore_errors=True)
        # Without a connection file of its own, two kernels on ipc would share their sockets and hang.
        named = {"connection_file": str(Path(private) / "kernel.json")}
        kwargs = {"kernel_spec_manager": specifications(), **kwargs}
        super().__init__(**kwargs, **named, **({"transport": "ipc"} if HAS_IPC else {}))
        self.client_factory = BatchKernelClient
        if not HAS_IPC:  # others on this machine could read the loopback device
            self.transport_encryption = "auto"

    @property
    def kernel_spec(self) -> KernelSpec:
        """The specification found for the kernel's name, with a provisioner of this module.

        Returns
        -------
        KernelSpec
        """
        spec: KernelSpec = self.kernel_spec_manager.get_kernel_spec(self.kernel_name)
        name = FORKED if self.server else COLD
        spec.metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": name, "config": {}}}
        return spec

    async def _async_pre_start_kernel(self, **kw: Any) -> tuple[list[str], dict[str, Any]]:
        kw["env"] = {**(kw.get("env") or os.environ), **homeless(), **self.variables}
        started: tuple[list[str], dict[str, Any]] = await super()._async_pre_start_kernel(**kw)
        return started

    pre_start_kernel = _async_pre_start_kernel

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        if isinstance(self.provisioner, ForkProvisioner):
            self.provisioner.server = self.server
            self.provisioner.connection_file = self.connection_file
        await super()._async_launch_kernel(kernel_cmd, **kw)
        if self.end < inf and isinstance(self.provisioner, ForkProvisioner | ColdProvisioner):
            # A thread of its own: messages of the kernel can keep the loop busy past any timeout.
            self._alarm = threading.Timer(max(0.0, self.end - monotonic()), self.provisioner.kill_now)
            self._alarm.daemon = True
            self._alarm.start()

    async def _async_wait(self, pollinterval: float = POLL_SECONDS) -> None:
        await super()._async_wait(pollinterval)

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        await super()._async_cleanup_resources(restart=restart)
        if not restart:
            self._tidy()

    cleanup_resources = _async_cleanup_resources


def kernel_config(server: str | None, variables: Mapping[str, str], *, end: float = inf) -> Config:
    """Return the configuration with which papermill's client starts the batch's kernels.

    Parameters
    ----------
    server : str or None
        Socket of a `ForkServer`; None for cold kernels.
    variables : mapping
        Added to the kernel's environment.
    end : float
        When the kernels are killed, by `time.monotonic`.

    Returns
    -------
    Config
    """
    own = {"server": server or "", "variables": variables, "end": end}
    chosen = type("ChosenKernelManager", (BatchKernelManager,), own)
    return Config(PapermillNotebookClient={"kernel_manager_class": chosen})
