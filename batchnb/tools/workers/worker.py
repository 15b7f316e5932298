"""One worker process as the kernel sees it: started under a guard, asked, killed, buried."""

from __future__ import annotations

import json
import math
import os
import select
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.records.errors import RemoteError, ReportError, WorkerError, WorkerRefusedError
from batchnb.tools.cancellation import Deadline
from batchnb.tools.process import STDERR_TAIL, furnish, tool_environment
from batchnb.tools.warden.protocol import Report, Task
from batchnb.tools.warden.scratch import remove_tree
from batchnb.tools.workers.fallback import GroupLine
from batchnb.tools.workers.frames import FRAME_COST, MAX_FRAME, HungUpError, decode, receive
from batchnb.tools.workers.order import Order
from batchnb.tools.workers.remote import obituary, rebuild

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from batchnb.tools.cancellation import CancelToken
    from batchnb.tools.warden.client import Line, Warden
    from batchnb.tools.workers.frames import Json

_SLICE = 0.5
_DYING_SECONDS = 0.5
BOOT = (
    "import json, sys; path, limits = json.loads(sys.argv[1]); "
    "sys.path[:] = path + [entry for entry in sys.path if entry not in path]; "
    "from batchnb.tools.workers.child import main; main(*limits)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerLimits:
    """What one worker may use; each is a positive number of bytes."""

    memory_bytes: int = 2 << 30
    """Address space of the worker itself; the tools that it runs have limits of their own."""
    file_bytes: int = 64 << 20
    """Largest file that it may write."""
    resident_bytes: int = 384 << 20
    """Memory in use after a call, above which it is not used again."""


class Worker:
    """A process that runs one call at a time. Used by one thread; only `stop` may come from another."""

    def __init__(
        self, warden: Warden, path: tuple[str, ...], places: Mapping[str, str], limits: WorkerLimits
    ) -> None:
        """Start the process.

        Args:
            warden: under which it runs.
            path: where it looks for modules before its own places.
            places: environment variables that tell it where all else is; see `own_variables`.
            limits: what it may use.

        Raises:
            OSError: if it cannot be started.
        """
        self.path, self.calls, self.reusable = path, 0, False
        self._places = places
        self._idle_until = math.inf
        with ExitStack() as undo:
            # Written at its end by every process that holds it, so that it can be emptied between calls.
            self._errors = undo.enter_context(tempfile.TemporaryFile("a+b", buffering=0))
            self._channel, theirs = socket.socketpair()
            undo.callback(self._channel.close)
            undo.enter_context(theirs)
            self._channel.settimeout(_SLICE)
            self._scratch = Path(tempfile.mkdtemp(prefix="batchnb-"))
            undo.callback(remove_tree, os.fsencode(self._scratch))
            furnish(self._scratch)
            task = _task(self._scratch, path, limits, self._places)
            with Path(os.devnull).open("wb") as nowhere:
                self._line = _start(warden, task, (theirs.fileno(), nowhere.fileno(), self._errors.fileno()))
            theirs.close()
            undo.pop_all()  # it runs: all of this is its own now

    def call(
        self,
        request: bytes,
        *,
        deadline: Deadline,
        cancel: CancelToken,
        on_message: Callable[[Json], None] | None,
        cap_bytes: int,
    ) -> Json:
        """Run one call and return its answer; see `WorkerPool.call`.

        When this raises anything but `RemoteError`, the process and all that it started are dead.
        """
        self.calls += 1
        self.reusable = False
        try:
            with Order(self._line, self._channel, deadline, cancel) as order:
                order.send(request)
                answer, reusable = self._converse(order, on_message, cap_bytes)
                self.reusable = reusable and not order.is_nearly_over()
        except HungUpError:
            raise self._obituary(cancel) from None
        except ReportError as error:
            self.kill()
            raise WorkerRefusedError(f"the worker's answer was refused: {error}") from error
        except BaseException:  # the Stop button, or the one who was told of a message
            self.kill()
            raise
        if isinstance(answer, RemoteError):
            raise answer
        return answer

    def rest(self, seconds: float) -> None:
        """Wait for the next call; its guard ends it if none comes within `seconds`."""
        self._idle_until = time.monotonic() + seconds
        self._line.move(Deadline(self._idle_until))
        os.ftruncate(self._errors.fileno(), 0)

    def is_fit(self, path: tuple[str, ...], places: Mapping[str, str]) -> bool:
        """Whether it can take a call: alive, silent, with these places, with time left."""
        if self.path != path or self._places != places:
            return False
        # First, or its guard could end it between this look and the call, however soon that comes.
        self._line.move(Deadline(math.inf))
        return time.monotonic() < self._idle_until and self._peek() is None

    def stop(self) -> None:
        """Have it and all that it started killed, without waiting; a call under way fails."""
        self._line.hang_up()

    def retire(self) -> None:
        """Let go of it, without waiting: its guard ends it and removes its folder."""
        self._line.hang_up()
        self._let_go()

    def kill(self) -> Report:
        """Kill it and all that it started, and return how it ended once nothing is left."""
        try:
            self._line.hang_up()
            return self._line.report(Deadline.after(0))
        finally:
            self._let_go()
            remove_tree(os.fsencode(self._scratch))  # if its guard could not

    def disown(self) -> None:
        """Forget it, in a forked child: it is the parent's."""
        self._line.disown()
        self._channel.close()
        self._errors.close()

    def _converse(
        self, order: Order, on_message: Callable[[Json], None] | None, left: int
    ) -> tuple[Json | RemoteError, bool]:
        while True:
            body = receive(self._channel, min(left, MAX_FRAME), order.check)
            left = max(0, left - max(len(body), FRAME_COST))
            match decode(body):
                case ["message", message]:
                    if on_message is not None:
                        on_message(message)
                case ["result", value, bool() as reusable]:
                    return value, self._has_nothing_to_add() and reusable
                case ["error", row, bool() as reusable]:
                    return rebuild(row), self._has_nothing_to_add() and reusable
                case _:
                    raise ReportError("a message in a form that was not agreed")

    def _has_nothing_to_add(self) -> bool:
        """Whether it lives and waits for the next call; ReportError if it went on after its end."""
        if beyond := self._peek():
            raise ReportError("a message after the last one")
        return beyond is None

    def _peek(self) -> bytes | None:
        """Return what it has sent (its first byte), empty if it is gone; None if it is there and silent."""
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        if not poll.poll(0):
            return None
        try:
            return self._channel.recv(1, socket.MSG_PEEK)
        except OSError:
            return b""

    def _obituary(self, cancel: CancelToken) -> WorkerError:
        """Wait until it is dead and say what it died of."""
        self._line.has_ended(_DYING_SECONDS)  # without a word, it closed its socket and lives on
        tail = self._tail()
        return obituary(self.kill(), tail, cancelled=cancel.cancelled)

    def _tail(self) -> str:
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), STDERR_TAIL, max(0, size - STDERR_TAIL)).decode(
            errors="replace"
        )

    def _let_go(self) -> None:
        self._line.close()
        self._channel.close()
        self._errors.close()


def _start(warden: Warden, task: Task, stdio: tuple[int, int, int]) -> Line | GroupLine:
    if sys.platform == "linux":
        return warden.start(task, stdio)
    else:  # noqa: RET505 - spelled out, as the type checker skips the branch of another platform
        return GroupLine(task, stdio)


def _task(scratch: Path, path: tuple[str, ...], limits: WorkerLimits, places: Mapping[str, str]) -> Task:
    amounts = (limits.memory_bytes, limits.file_bytes, limits.resident_bytes)
    command = (sys.executable, "-I", "-c", BOOT, json.dumps([path, amounts]))
    library_path = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    added = {**library_path, **places}
    return Task(
        argv=tuple(os.fsencode(part) for part in command),
        env={os.fsencode(k): os.fsencode(v) for k, v in tool_environment(scratch, added).items()},
        cwd=os.fsencode(scratch / "work"),
        scratch=os.fsencode(scratch),
        deadline=math.inf,
        rlimits={},
    )
