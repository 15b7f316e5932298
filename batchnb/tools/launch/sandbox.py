"""The command that runs an app in bubblewrap: own network, processes and files, nothing of ours.

What the app sees: the system's programs and libraries, the interpreter, its dependencies, and a copy of its
source, all read-only but the copy, which it works on in memory and which is gone with it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

APP = "/app"
"""Where the app finds its own files, writable."""
DATA = "/data"
"""An empty folder for what it keeps."""
_SOURCE = "/source"
_FOLDER_BYTES = 128 << 20
_SHARED_BYTES = 32 << 20
_SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/mime.types", "/etc/localtime", "/etc/alternatives", "/nix/store")
_ETC = {
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "passwd": "app:x:{uid}:{gid}:app:/tmp:/bin/sh\n",
    "group": "app:x:{gid}:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
# The copy is made inside, on a file system in memory: the app may write beside its source, as many do.
_START = f'cp -R {_SOURCE}/. {APP}/ && cd {APP} && exec "$@"'


@dataclass(frozen=True, kw_only=True, slots=True)
class Sandbox:
    """What is put into the sandbox."""

    bubblewrap: Path
    source: Path
    """The staged copy of the backend."""
    command: tuple[str, ...]
    """As seen from inside."""
    env: Mapping[str, str]
    binds: tuple[tuple[Path, str], ...] = ()
    """Further folders and files, read-only: where they are, where they are seen."""

    def argv(self, folder: Path, ids: tuple[int, int]) -> tuple[str, ...]:
        """Return the command. It writes to descriptor 3 which process the app is.

        Args:
            folder: an empty folder of ours, for the few files of /etc.
            ids: user and group that the app sees itself as.
        """
        inside = ("/bin/sh", "-c", _START, "sh", *self.command)
        return (
            str(self.bubblewrap),
            *("--info-fd", "3", "--unshare-all", "--die-with-parent", "--new-session"),
            *("--cap-drop", "ALL", "--clearenv"),
            *self._environment(),
            *_system(),
            *("--proc", "/proc", "--dev", "/dev"),
            *_in_memory("/dev/shm", _SHARED_BYTES),  # noqa: S108 - the app's own, as the next one
            *("--remount-ro", "/dev"),
            *_in_memory("/tmp", _FOLDER_BYTES),  # noqa: S108 - before what is bound under it
            *_in_memory(APP, _FOLDER_BYTES),
            *_in_memory(DATA, _FOLDER_BYTES),
            *_interpreter(),
            *_etc(folder, ids),
            *("--ro-bind", str(self.source), _SOURCE),
            *(part for here, there in self.binds for part in ("--ro-bind", str(here), there)),
            *("--remount-ro", "/", "--chdir", "/", "--", *inside),
        )

    def _environment(self) -> Sequence[str]:
        return [part for name, value in self.env.items() for part in ("--setenv", name, value)]


def _system() -> list[str]:
    parts = ["--ro-bind", "/usr", "/usr"]
    for link in map(Path, _SYSTEM_LINKS):
        if link.is_symlink():
            parts += ["--symlink", str(link.readlink()), str(link)]
        elif link.is_dir():
            parts += ["--ro-bind", str(link), str(link)]
    for file in _SYSTEM_FILES:
        parts += ["--ro-bind-try", file, file]
    return parts


def _interpreter() -> list[str]:
    """Bind the installation that our interpreter comes from, if it is not the system's."""
    base = Path(sys.base_prefix).resolve()
    if base.is_relative_to("/usr"):
        return []
    return ["--ro-bind", str(base), str(base)] + (
        ["--symlink", str(base), sys.base_prefix] if str(base) != sys.base_prefix else []
    )


def _in_memory(place: str, size: int) -> tuple[str, ...]:
    """Return the options for a folder in memory; what is in it counts as nobody's, so its size is bounded."""
    return ("--size", str(size), "--tmpfs", place)


def _etc(folder: Path, ids: tuple[int, int]) -> list[str]:
    parts = []
    for name, text in _ETC.items():
        (folder / name).write_text(text.format(uid=ids[0], gid=ids[1]), encoding="ascii")
        parts += ["--ro-bind", str(folder / name), f"/etc/{name}"]
    return parts
