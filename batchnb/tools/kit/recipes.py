"""How each kind of part is made inside an empty folder."""

from __future__ import annotations

import base64
import hashlib
import shutil
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.tools.kit.environment import install_environment
from batchnb.tools.kit.finding import node, npm
from batchnb.tools.kit.parts import LOCKED, Source
from batchnb.tools.limits import Limits
from batchnb.tools.process import Ending, run_tool
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from batchnb.tools.cancellation import CancelToken, Deadline
    from batchnb.tools.kit.parts import Part

_LIMITS = Limits(memory_bytes=None, file_bytes=1 << 30, output_bytes=1 << 20)
_ERROR_LINES = 2
_LONGEST_LINE = 300


class NotInstalledError(Exception):
    """A part could not be made; the message says why, in words for the user."""


class Kitchen:
    """Runs the recipes, within one deadline."""

    def __init__(self, deadline: Deadline, cancel: CancelToken) -> None:
        self._deadline, self._cancel = deadline, cancel

    def make(self, part: Part, made: Path, final: Path) -> None:
        """Make `part` in the empty folder `made`, which will be renamed to `final`.

        Raises:
            NotInstalledError: if it cannot be made.
            OSError: if the disk is full, and the like.
        """
        recipes: dict[Source, Callable[[Part, Path, Path], None]] = {
            Source.NPM_LOCK: self._npm_lock,
            Source.NPM_PACKAGE: self._npm_package,
            Source.WHEEL: self._wheel,
            Source.VENV: self._venv,
        }
        recipes[part.source](part, made, final)
        if not (made / part.wanted).is_file():
            raise NotInstalledError(f"{part.package} {part.version} came without {part.wanted}")

    def _npm_lock(self, _: Part, made: Path, __: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(LOCKED / name, made / name)
        self._run((*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"), made)

    def _npm_package(self, part: Part, made: Path, _: Path) -> None:
        spec = f"{part.package}@{part.version}"
        self._run((*_npm(), "pack", "--ignore-scripts", "--loglevel=error", spec), made)
        archive = _only_file(made, "*.tgz")
        actual = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if actual not in part.hashes:
            raise NotInstalledError(f"{spec} is not what it was: its checksum is {actual}")
        with tarfile.open(archive) as packed:
            for name in (part.wanted, "package.json", "LICENSE"):
                _take(packed, f"package/{name}", made / name)
        archive.unlink()

    def _wheel(self, part: Part, made: Path, _: Path) -> None:
        wheels = made / ".wheel"
        wheels.mkdir()
        wanted = wheels / "wanted.txt"
        hashes = " ".join(f"--hash={value}" for value in part.hashes)
        wanted.write_text(f"{part.package}=={part.version} {hashes}\n", encoding="utf-8")
        options = (
            "--no-deps",
            "--only-binary",
            ":all:",
            "--require-hashes",
            "--quiet",
            "--dest",
            str(wheels),
        )
        self._run((*self._pip(wheels), "download", *options, "-r", str(wanted)), wheels)
        with zipfile.ZipFile(_only_file(wheels, "*.whl")) as packed:
            for entry in packed.infolist():
                path = Path(packed.extract(entry, made))
                if entry.external_attr >> 16 & 0o100:
                    path.chmod(0o755)
        shutil.rmtree(wheels)

    def _venv(self, part: Part, made: Path, final: Path) -> None:
        self._run((sys.executable, "-I", "-m", "venv", str(made)), made)
        built = ("--no-binary", ",".join(part.from_source)) if part.from_source else ()
        options = ("--quiet", "--only-binary", ":all:", *built, f"{part.package}=={part.version}")
        self._run((str(made / "bin" / "python"), "-I", "-m", "pip", "install", *options), made)
        _move_scripts(made, final)

    def _pip(self, spare: Path) -> tuple[str, ...]:
        """Return a pip: the one beside batchnb, else one in a new environment in the folder `spare`."""
        if find_spec("pip"):
            return (sys.executable, "-I", "-m", "pip")
        self._run((sys.executable, "-I", "-m", "venv", str(spare / "venv")), spare)
        return (str(spare / "venv" / "bin" / "python"), "-I", "-m", "pip")

    def _run(self, argv: Sequence[str], cwd: Path) -> None:
        raw = run_tool(
            argv,
            deadline=self._deadline,
            cancel=self._cancel,
            cwd=cwd,
            env=install_environment(),
            limits=_LIMITS,
        )
        if raw.ending is Ending.EXITED and raw.returncode == 0:
            return
        said = _last_words(raw.stderr) or _last_words(raw.stdout) or raw.start_error
        how = f"exit code {raw.returncode}" if raw.ending is Ending.EXITED else raw.ending.value
        raise NotInstalledError(
            f"{Path(argv[0]).name} {_verb(argv)} ended with {how}: {said or 'no message'}"
        )


def _npm() -> tuple[str, ...]:
    command = npm()
    if command is None:
        reason = "there is no npm beside Node" if node() else "there is no Node from 20.19 on"
        raise NotInstalledError(f"{reason}; `batchnb tools install node` gets one")
    return command


def _verb(argv: Sequence[str]) -> str:
    return next((word for word in argv[1:] if word in {"ci", "pack", "install", "download", "venv"}), "")


def _last_words(output: bytes) -> str:
    """Return what a program complained about last, on one line."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines()]
    errors = [line for line in lines if "err" in line.lower()] or [line for line in lines if line]
    return " | ".join(visible(line[:_LONGEST_LINE], one_line=True) for line in errors[-_ERROR_LINES:])


def _only_file(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise NotInstalledError(f"expected one file {pattern}, got {len(found)}")
    return found[0]


def _take(packed: tarfile.TarFile, name: str, target: Path) -> None:
    """Copy one regular file out of an archive, to a place that the archive has no say in."""
    member = packed.extractfile(packed.getmember(name)) if name in packed.getnames() else None
    if member is None:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with member, target.open("wb") as copy:
        shutil.copyfileobj(member, copy)


def _move_scripts(made: Path, final: Path) -> None:
    """Have the programs of an environment start its Python where it will be, not where it was made."""
    old, new = (str(place / "bin").encode() for place in (made, final))
    for script in (made / "bin").iterdir():
        if script.is_symlink() or not script.is_file():
            continue
        content = script.read_bytes()
        if content.startswith(b"#!") and old in content:
            script.write_bytes(content.replace(old, new))
