"""Joining programs to the network of an app in bubblewrap."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.tools.launch.errors import AppNotRunningError
from batchnb.tools.locate import find_program

if TYPE_CHECKING:
    from collections.abc import Iterator

_CAP_SYS_ADMIN = 21


@contextmanager
def entrance(pid: int) -> Iterator[tuple[str, ...]]:
    """Give the command that joins a program to the network of process `pid`.

    The network is held by a descriptor of ours, not by the number of a process, which could be another's
    later: a program that is joined after the app died finds an empty network.

    Raises:
        AppNotRunningError: if the process has ended, or `nsenter` is missing.
    """
    nsenter = find_program("nsenter")
    if nsenter is None:
        raise AppNotRunningError("the program nsenter (package util-linux) is not installed")
    me = os.getpid()
    with ExitStack() as stack:
        try:
            network = _held(stack, f"/proc/{pid}/ns/net")
            command = [str(nsenter), f"--net=/proc/{me}/fd/{network}"]
            # Who may not enter networks as such may do so from inside the user namespace that owns them.
            if not _same("user", pid) and not _is_admin():
                user = _held(stack, f"/proc/{pid}/ns/user")
                command += [f"--user=/proc/{me}/fd/{user}", "--preserve-credentials"]
            if _same("net", pid):
                raise AppNotRunningError("the app has no network of its own")
        except OSError as error:
            raise AppNotRunningError(f"the app's network cannot be joined: {error.strerror}") from error
        yield (*command, "--")


def _is_admin() -> bool:
    """Whether this process has the right CAP_SYS_ADMIN, as root mostly has."""
    status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    rights = int(status.partition("CapEff:")[2].split()[0], 16)
    return bool(rights >> _CAP_SYS_ADMIN & 1)


def _same(kind: str, pid: int) -> bool:
    return Path(f"/proc/{pid}/ns/{kind}").samefile(f"/proc/self/ns/{kind}")


def _held(stack: ExitStack, path: str) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    stack.callback(os.close, fd)
    return fd
