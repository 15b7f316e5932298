"""Starting an app by `docker compose`, from a rewritten compose file. UNTESTED: needs a Docker engine.

Other than in bubblewrap, the app's images are built by running its Dockerfiles, with network access, and the
containers belong to Docker's daemon: if this process is killed, they stay until they are removed by name.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.launch.compose import backend_name, read_compose, rewrite_compose
from batchnb.tools.launch.errors import AppNotRunningError
from batchnb.tools.launch.health import wait_until_healthy
from batchnb.tools.launch.staged import copy_backend
from batchnb.tools.locate import find_program
from batchnb.tools.process import Ending, run_tool
from batchnb.tools.text import visible
from batchnb.tools.warden.scratch import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

_DOWN_SECONDS = 120.0
_FILE = "batchnb-compose.yml"


@contextmanager
def composed(
    app: Path, port: int, scratch: Path, memory_mib: int, deadline: Deadline, cancel: CancelToken
) -> Iterator[int]:
    """Give the loopback port of the backend's container; afterwards containers and volumes are removed.

    Raises:
        AppNotRunningError: without a Docker engine or a compose file, or if the app does not answer.
        ReportError: if the compose file cannot be read.
    """
    docker = find_program("docker")
    if docker is None or not _succeeds([str(docker), "info"], scratch, deadline, cancel):
        raise AppNotRunningError("there is no Docker engine to start the app with")
    document = read_compose(app)
    service = backend_name(document) if document else None
    if document is None or service is None:
        raise AppNotRunningError("the app has no compose file with a backend")
    root = Path(tempfile.mkdtemp(prefix="compose-", dir=scratch))
    try:
        copy_backend(app, root / "app")
        rewritten = rewrite_compose(document, {service: port}, memory_mib=memory_mib)
        (root / "app" / _FILE).write_text(yaml.safe_dump(rewritten), encoding="utf-8")
        compose = [str(docker), "compose", "--project-name", f"batchnb-{os.getpid()}-{root.name[8:].lower()}"]
        compose += ["--file", _FILE]
        try:
            up = [*compose, "up", "--detach", "--build", "--no-deps", service]
            _checked(up, root / "app", deadline, cancel)
            health = wait_until_healthy(port, seconds=60, deadline=deadline, cancel=cancel)
            if not health.port:
                raise AppNotRunningError(f"the app's container did not answer at port {port}")
            yield port
        finally:
            down = [*compose, "down", "--volumes", "--remove-orphans", "--rmi", "local", "--timeout", "5"]
            run_tool(down, deadline=Deadline.after(_DOWN_SECONDS), cancel=CancelToken(), cwd=root / "app")
    finally:
        remove_tree(os.fsencode(root))


def _succeeds(argv: list[str], cwd: Path, deadline: Deadline, cancel: CancelToken) -> bool:
    raw = run_tool(argv, deadline=deadline, cancel=cancel, cwd=cwd)
    return raw.ending is Ending.EXITED and raw.returncode == 0


def _checked(argv: list[str], cwd: Path, deadline: Deadline, cancel: CancelToken) -> None:
    raw = run_tool(argv, deadline=deadline, cancel=cancel, cwd=cwd)
    if raw.ending is not Ending.EXITED or raw.returncode != 0:
        said = visible(raw.stderr[-1_500:].decode(errors="replace"))
        raise AppNotRunningError("docker compose could not start the app", said)
