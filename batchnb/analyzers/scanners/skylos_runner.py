"""Runs skylos over several apps, each in a process of its own, and writes one JSON document about all.

It is a program, started with `python -I`, and imports nothing of batchnb. Why it is there: given a folder of
several apps, skylos follows data from one app into the functions of another that have the same name, and its
start (0.8 s) costs more than the look at a small app. Here it is started once and warmed up; each app is then
scanned in a fork, which shares nothing with the others and may die alone.

Usage: `skylos_runner.py ROOT CONFIG` or `skylos_runner.py --version`. The document is
`{"version": ..., "apps": {folder: {"exit": code, "report": {...}, "files": [...], "lost": {file: why},
"passed_over": [...]}}}`, where `report` is what skylos wrote, or else null with `error`; `lost` are
files that it dies of, so that it was not given them, and `passed_over` those that it does not look into,
without a word. All names of files are relative to the app's folder.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_FLAGS = (
    *("--danger", "--secrets", "--format", "json-ci", "--no-upload"),
    *("--no-default-excludes", "--include-generated", "--no-grep-verify", "--no-provenance"),
)
_ALONE_AT_MOST = 100
"""Files of an app that are tried one by one when skylos dies of it; with more, the app counts as unread."""
_SCRIPTS = frozenset({".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs"})
_DIED = "skylos died of it"
_WARM_UP = {
    "warm.py": "from flask import request\n\n\ndef f():\n    eval(request.args['x'])\n",
    "warm.js": "eval(x);\n",
    "warm.ts": "const a: number = 1;\n",
    "warm.tsx": "const A = () => <p/>;\n",
}


def main(arguments: list[str]) -> int:
    """Scan every folder in the root; return the exit code, 0 if each has an entry in the document."""
    if arguments == ["--version"]:
        sys.stdout.write(f"skylos {version('skylos')}\n")
        return 0
    root, config = map(Path, arguments)
    with tempfile.TemporaryDirectory(prefix="skylos") as made:
        scratch = Path(made)
        # git would look for a repository around the sources, and needs none of what it would find
        os.environ["PATH"] = str(scratch / "no-programs")
        os.environ["HOME"] = str(scratch)  # where skylos notes its failures
        runner = _Runner(scratch, config)
        runner.warm_up()
        apps = {folder.name: runner.scan(folder) for folder in sorted(root.iterdir()) if folder.is_dir()}
    json.dump({"version": version("skylos"), "apps": apps}, sys.stdout)
    return 0


class _Runner:
    def __init__(self, scratch: Path, config: Path) -> None:
        self._scratch, self._config = scratch, config
        self._skylos = importlib.import_module("skylos.entry").main
        scripts = importlib.import_module("skylos.visitors.languages.typescript")
        self._has_long_lines: Callable[[str, bytes], bool] = scripts.is_minified_js_source

    def warm_up(self) -> None:
        """Let skylos import what it needs before it is copied for each app."""
        folder = self._scratch / "warm"
        folder.mkdir()
        for name, text in _WARM_UP.items():
            (folder / name).write_text(text)
        with (self._scratch / "warm.out").open("w") as out:
            kept, sys.stdout = sys.stdout, out
            try:
                self._call(folder)
            finally:
                sys.stdout = kept

    def scan(self, folder: Path) -> dict[str, Any]:
        """Scan one app, if need be without the files that skylos dies of."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        names = [path.relative_to(folder).as_posix() for path in files]
        passed_over = [name for path, name in zip(files, names, strict=True) if self._is_minified(path)]
        entry = {"files": names, "lost": {}, "passed_over": passed_over, **self._attempt(folder)}
        if entry["report"] is not None or not 1 < len(files) <= _ALONE_AT_MOST:
            return entry
        alone = [(path, self._without(folder, set(files) - {path})) for path in files]
        bad = {path: tried["error"] or _DIED for path, tried in alone if tried["report"] is None}
        if not bad or len(bad) == len(files):
            return entry
        rest = self._without(folder, set(bad))
        if rest["report"] is None:
            return entry
        return {**entry, **rest, "lost": {p.relative_to(folder).as_posix(): why for p, why in bad.items()}}

    def _is_minified(self, path: Path) -> bool:
        """Whether skylos passes over a file because its lines are long; it says nothing of those itself."""
        return path.suffix.lower() in _SCRIPTS and self._has_long_lines(str(path), path.read_bytes())

    def _without(self, folder: Path, left_out: set[Path]) -> dict[str, Any]:
        """Scan a copy of an app without some files, and tell of it as if it were the app."""
        copy = self._scratch / "copy" / folder.name
        unwanted = {str(path) for path in left_out}
        shutil.copytree(
            folder,
            copy,
            ignore=lambda at, names: {n for n in names if os.path.join(at, n) in unwanted},  # noqa: PTH118
        )
        try:
            entry = self._attempt(copy)
        finally:
            shutil.rmtree(copy)
        told: dict[str, Any] = json.loads(json.dumps(entry).replace(str(copy), str(folder)))
        return told

    def _attempt(self, folder: Path) -> dict[str, Any]:
        """Scan a folder in a child process and return its exit code and its report, or why there is none."""
        out, err = self._scratch / "out", self._scratch / "err"
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            self._run_child(folder, out, err)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        try:
            report = json.loads(out.read_bytes())
            if isinstance(report, dict):
                return {"exit": code, "report": report, "error": ""}
        except (OSError, ValueError, RecursionError):
            pass
        finally:
            out.unlink(missing_ok=True)
        said = err.read_bytes()[-300:].decode(errors="replace") if err.exists() else ""
        return {"exit": code, "report": None, "error": " ".join(said.split())}

    def _run_child(self, folder: Path, out: Path, err: Path) -> None:
        """Never returns: the copy of this process must not go on as if it were this process."""
        code = 70
        try:
            for place, standard in ((out, 1), (err, 2)):
                os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), standard)
            code = self._call(folder)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def _call(self, folder: Path) -> int:
        sys.argv = ["skylos", str(folder), *_FLAGS, "--config-file", str(self._config)]
        try:
            ended = self._skylos()
        except SystemExit as exit_:
            ended = exit_.code
        return ended if isinstance(ended, int) else int(ended is not None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
