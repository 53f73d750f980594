"""Kernel provisioners, jupyter_client's own extension point: forked kernels and cold ones."""

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import Any
from uuid import uuid4

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

from reform_analysis.forkserver import ENVIRONMENT

MARK = "REFORM_ANALYSIS_KERNEL"
MOST_SWEEPS = 20
SWEEP_SECONDS = 0.01


class ForkProvisioner(LocalProvisioner):
    """Kernels forked by a `ForkServer` whose socket stands in the kernel specification's metadata."""

    server: str = ""
    connection_file: str = ""
    pidfd: int | None = None

    @property
    def has_process(self) -> bool:
        """Whether a kernel was started and not yet seen to end.

        Returns
        -------
        bool
        """
        return self.pidfd is not None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Ask the server for a kernel.

        Parameters
        ----------
        cmd : list of str
            As a cold kernel would be started; what follows ``-m ipykernel_launcher`` are its arguments.
        **kwargs
            ``env`` and ``cwd``.

        Returns
        -------
        dict
        """
        start = cmd.index("ipykernel_launcher") + 1
        self.cwd = kwargs.get("cwd") or os.getcwd()
        request = {
            "arguments": cmd[start:],
            "environment": {**kwargs["env"], **ENVIRONMENT},
            "folder": str(self.cwd),
            "log": os.path.splitext(self.connection_file)[0] + ".log",
        }
        self.pid = self.pgid = _request(
            self.server, request
        )  # milliseconds; the loop serves this kernel alone
        try:
            self.pidfd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            raise RuntimeError("Kernel died before it was started") from None
        return self.connection_info

    async def poll(self) -> int | None:
        """Whether the kernel has ended.

        Returns
        -------
        int or None
            None while it runs.
        """
        if self.pidfd is None:
            return 0
        return 1 if select.select([self.pidfd], [], [], 0)[0] else None

    async def wait(self) -> int | None:
        """Wait until the kernel has ended.

        Returns
        -------
        int
        """
        while await self.poll() is None:
            await asyncio.sleep(0.01)
        self._forget()
        return 0

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel and the processes that it started.

        Parameters
        ----------
        signum : int
        """
        if self.pidfd is None or self.pid is None or await self.poll() is not None:
            return
        try:
            os.killpg(self.pid, signum)
        except ProcessLookupError:  # it has not made its group yet
            signal.pidfd_send_signal(self.pidfd, signum)

    async def kill(self, restart: bool = False) -> None:  # noqa: ARG002  # jupyter_client's signature
        """Kill the kernel and the processes that it started.

        Parameters
        ----------
        restart : bool
        """
        await self.send_signal(signal.SIGKILL)

    def kill_now(self) -> None:
        """Kill the kernel and the processes that it started, from any thread."""
        pidfd = self.pidfd
        if pidfd is None or self.pid is None:
            return
        with suppress(OSError, ValueError):  # it has ended meanwhile, and the handle was given back
            if not select.select([pidfd], [], [], 0)[0]:
                os.killpg(self.pid, signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:  # noqa: ARG002  # jupyter_client's signature
        """Ask the kernel to end.

        Parameters
        ----------
        restart : bool
        """
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        """Give the handle back.

        Parameters
        ----------
        restart : bool
        """
        self._forget()
        await super().cleanup(restart=restart)

    def _forget(self) -> None:
        if self.pidfd is not None:
            os.close(self.pidfd)
        self.pidfd = None


class ColdProvisioner(LocalProvisioner):
    """Kernels started as processes of their own, in the environment that forked ones get.

    Each has a mark in its environment, which what it starts inherits: that is how orphans are found that have
    a session of their own, also those of a kernel that died by itself.
    """

    mark: str = ""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Add the environment.

        Parameters
        ----------
        **kwargs
            Of ``start_kernel``.

        Returns
        -------
        dict
        """
        asked: dict[str, Any] = await super().pre_launch(**kwargs)
        self.mark = uuid4().hex
        asked["env"] = {**asked["env"], **ENVIRONMENT, MARK: self.mark}
        return asked | {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the process.

        Parameters
        ----------
        cmd : list of str
        **kwargs
            Of `subprocess.Popen`.

        Returns
        -------
        dict
        """
        started = await super().launch_kernel(cmd, **kwargs)
        _COLD.add(self)
        return started

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel and the processes that it started.

        Parameters
        ----------
        restart : bool
        """
        self.kill_now()
        await super().kill(restart=restart)

    def kill_now(self) -> None:
        """Kill the kernel and the processes that it started, from any thread."""
        process = self.process  # the loop may forget it meanwhile
        if process is None or process.poll() is not None:
            return
        started = _descendants(process.pid)  # before it dies: orphans are told from others no more
        process.kill()
        for pid in started:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def cleanup(self, restart: bool = False) -> None:
        """Forget the process, and kill what it started.

        Parameters
        ----------
        restart : bool
        """
        _COLD.discard(self)
        _kill_marked(self.mark)
        await super().cleanup(restart=restart)


_COLD: set[ColdProvisioner] = set()


def kill_cold_kernels() -> None:
    """Kill the cold kernels of this process and what they started; forked ones end with their server."""
    for provisioner in list(_COLD):
        provisioner.kill_now()
        _kill_marked(provisioner.mark)


def _kill_marked(mark: str) -> None:
    for _ in range(MOST_SWEEPS):  # what is killed may have started more meanwhile
        found = _marked(f"{MARK}={mark}".encode()) if mark else []
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        sleep(SWEEP_SECONDS)


def _marked(entry: bytes) -> list[int]:
    """Processes of this user with an entry in their environment; none where the system does not tell."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # another user's, or ended meanwhile
            if entry in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def _descendants(pid: int) -> list[int]:
    """Processes below another one; none where the system does not list them (Linux does)."""
    found = []
    with suppress(OSError):  # it may end meanwhile
        for listing in list(Path(f"/proc/{pid}/task").glob("*/children")):
            for child in map(int, listing.read_text(encoding="ascii").split()):
                found += [child, *_descendants(child)]
    return found


def _request(server: str, request: dict[str, Any]) -> int:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(60)
            connection.connect(server)
            connection.sendall(json.dumps(request).encode() + b"\n")
            return int(connection.recv(32))
    except (OSError, ValueError) as broken:
        raise RuntimeError(f"Kernel died: the fork server does not answer ({broken})") from None
