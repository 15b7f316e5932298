"""The helper process as the kernel sees it: a child to start and stop, and a socket to send requests on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_INHERITED = ("LD_LIBRARY_PATH",)
"""All that the helper gets of the kernel's environment, secrets and all: a task can read its guard's."""
_SEND_PATIENCE = 15.0


class Helper:
    """One running warden."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.settimeout(_SEND_PATIENCE)
        arguments = (str(Path(__file__).parent), str(theirs.fileno()), str(os.getpid()))
        with theirs:
            self._process = subprocess.Popen(
                (sys.executable, "-I", "-S", *arguments),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # the Stop button interrupts the kernel's group, not the scanners
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={name: os.environ[name] for name in _INHERITED if name in os.environ},
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def send(self, fds: Sequence[int]) -> None:
        """Hand over the descriptors of one task.

        Raises:
            ConnectionError: if it died.
            TimeoutError: if it does not take requests any more.
        """
        socket.send_fds(self._requests, [b"task"], fds)

    def stop(self, patience: float) -> None:
        """Hang up; it ends all tasks and leaves. Kill it if that takes more than `patience` seconds."""
        with suppress(OSError):  # it has hung up already
            # Not just closed: a process forked by the kernel may hold a copy.
            self._requests.shutdown(socket.SHUT_RDWR)
        self._requests.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self._process.kill()
        self._process.wait()

    def disown(self) -> None:
        """Forget it, in a forked child: it is the parent's, there is nothing to wait for or to stop."""
        self._requests.close()
        self._process.returncode = 0
