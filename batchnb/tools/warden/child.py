"""The last steps before a program takes over: what runs between `fork` and `exec`."""

# ruff: noqa: PTH208 - pathlib would double the helper's start-up time

from __future__ import annotations

import errno
import os
import resource
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from .linux import die_with_parent, give_way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .protocol import Task

_VERDICT = 3


def become(task: Task, stdio: Sequence[int], verdict: int, guard: int) -> NoReturn:
    """Turn this freshly forked process into the task's program.

    Args:
        task: the program and its surroundings.
        stdio: descriptors that become its standard input, output and error.
        verdict: pipe that closes when the program runs; what stands in it is why it does not.
        guard: process id of the parent.
    """
    step, number = "prepare the process", errno.EINVAL
    try:
        os.setsid()
        die_with_parent(guard)
        verdict = _keep_only(stdio, verdict)
        os.umask(0o077)
        give_way()
        _default_signals()
        step = "enter its folder"
        os.chdir(task.cwd)
        step = "set its limits"
        _limit(task.rlimits)
        step = "execute it"
        os.execve(task.argv[0], task.argv, task.env)
    except OSError as error:
        number = error.errno or errno.EIO
    except MemoryError:
        number = errno.ENOMEM
    except ValueError:  # a limit that cannot be, a zero byte in an argument
        number = errno.EINVAL
    finally:  # whatever happens, a copy of the guard must never live on
        with suppress(OSError):
            os.write(verdict, f"{number} {step}".encode())
        os._exit(127)


def _keep_only(stdio: Sequence[int], verdict: int) -> int:
    """Leave nothing open but the standard three and the verdict pipe, which `exec` closes."""
    for target, source in enumerate(stdio):
        os.dup2(source, target)
    if verdict != _VERDICT:
        os.dup2(verdict, _VERDICT, inheritable=False)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > _VERDICT:
            with suppress(OSError):  # the listing's own descriptor is gone already
                os.close(int(name))
    return _VERDICT


def _default_signals() -> None:
    """Undo what Python and the warden ignore: a program started deaf to SIGPIPE or SIGXFSZ behaves oddly."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _limit(rlimits: dict[str, int]) -> None:
    # A worker bounds its own memory; the tools that it runs get the bound that is theirs, or none.
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for name, value in {**rlimits, "RLIMIT_CORE": 0}.items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # The soft CPU limit sends a signal that can be ignored, the hard one kills: leave a second between.
        soft = max(1, ceiling - 1) if name == "RLIMIT_CPU" else ceiling
        resource.setrlimit(kind, (soft, ceiling))
