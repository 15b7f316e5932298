"""A real ipykernel, and the hostile programs that run in it."""

from __future__ import annotations

import os
import queue
import signal
import time
from pathlib import Path
from uuid import uuid4

from hostile import Payload, alive, put_down
from jupyter_client.manager import KernelManager
from support import PATIENCE, REPOSITORY, wait_until

HERE = Path(__file__).parent
_START_SECONDS = 60


class Kernel:
    """One kernel with folders of its own; `close` ends it whatever has become of it."""

    def __init__(self, folder):
        self.folder, self.scratch = folder, folder / "scratch"
        self.scratch.mkdir(parents=True)
        own = {"JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython", "TMPDIR": "scratch"}
        places = {name: str(folder / place) for name, place in own.items()}
        paths = os.pathsep.join(map(str, (REPOSITORY, HERE, HERE.parent)))
        self._manager = KernelManager(
            kernel_name="python3", connection_file=str(folder / "kernel.json"), shutdown_wait_time=PATIENCE
        )
        self._manager.start_kernel(env={**os.environ, **places, "PYTHONPATH": paths}, cwd=str(folder))
        self.client = self._manager.blocking_client()
        self._connect()

    @property
    def pid(self):
        return self._manager.provisioner.pid

    def run(self, code):
        """Run a cell; return (its reply, what it printed)."""
        return self.reply(self.send(code))

    def send(self, code):
        """Start a cell and return its id, to be given to `reply`."""
        return self.client.execute(code)

    def reply(self, sent, seconds=PATIENCE):
        printed = []
        while True:
            message = self.client.get_iopub_msg(timeout=seconds)
            if message["parent_header"].get("msg_id") != sent:
                continue
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        while (reply := self.client.get_shell_msg(timeout=seconds))["parent_header"]["msg_id"] != sent:
            pass
        return reply["content"], "".join(printed)

    def value(self, code):
        """Run a cell that must succeed and return what it printed."""
        reply, printed = self.run(code)
        assert reply["status"] == "ok", "\n".join(reply.get("traceback", ()))
        return printed.strip()

    def begun(self, sent):
        """Wait until the cell `sent` has printed something: before that, the kernel can miss an interrupt."""
        self._await(sent, "stream")

    def result(self, sent):
        """Wait until the value of the cell `sent` is there, as a page would show it."""
        self._await(sent, "execute_result")

    def stop(self):
        """What the Stop button does."""
        self._manager.interrupt_kernel()

    def restart(self, *, now):
        self.client.stop_channels()
        self._manager.restart_kernel(now=now)

    def reconnect(self):
        """Talk to the kernel that `restart` has started."""
        self.client = self._manager.blocking_client()
        self._connect()

    def shut_down(self):
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=False)

    def kill(self):
        """`kill -9`, as the system does when memory runs out."""
        self.client.stop_channels()
        os.kill(self.pid, signal.SIGKILL)
        assert wait_until(lambda: not self._manager.is_alive())

    def close(self):
        self.client.stop_channels()
        if self._manager.has_kernel:
            self._manager.shutdown_kernel(now=True)
        put_down(alive(str(self.folder), self.folder))

    def _await(self, sent, kind):
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") == sent and message["msg_type"] == kind:
                return

    def _connect(self):
        self.client.start_channels()
        self.client.wait_for_ready(timeout=_START_SECONDS)
        while True:  # leave nothing of the greeting for the first `reply`
            try:
                self.client.get_iopub_msg(timeout=0.05)
            except queue.Empty:
                return


class Tools:
    """Hostile programs that run in a kernel, one thread for each, until their deadline."""

    def __init__(self, kernel, kinds, seconds=50):
        self.word = f"tools-{uuid4().hex}"
        self._folder = kernel.folder / self.word
        self._folder.mkdir()
        payloads = {kind: Payload(self._folder, kind, self.word) for kind in kinds}
        commands = [payload.command(kind) for kind, payload in payloads.items()]
        kernel.value(f"import kernel_owner; kernel_owner.start({commands!r}, {seconds})")
        assert all(payload.stands(kind) for kind, payload in payloads.items())
        self._payloads = payloads.values()
        self.warden = int(kernel.value("kernel_owner.say_warden()"))

    def all_alive(self):
        return all(payload.is_alive() for payload in self._payloads)

    def any_alive(self):
        return any(payload.is_alive() for payload in self._payloads)

    def processes(self):
        return alive(self.word, self._folder)

    def seconds_to_die(self, patience):
        """Wait until none is alive and return how long that took; None: some are after `patience` seconds."""
        started = time.monotonic()
        dead = wait_until(lambda: not self.any_alive(), patience) and not self.processes()
        return time.monotonic() - started if dead else None


def in_session(leader):
    """Return the living processes of a session, such as a warden's: itself and its guards."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split() if entry.name.isdigit() else []
        except OSError:
            continue
        if len(fields) > 3 and int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(entry.name))
    return found
