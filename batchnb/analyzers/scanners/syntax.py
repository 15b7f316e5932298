"""Files that are right for a newer Python than the one that bandit runs on.

bandit and skylos read with the syntax of their own interpreter. A file that they cannot parse, but ruff can,
whose own parser knows all versions, is not broken: it needs a newer interpreter, and there may be one.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.tools.process import Ending, run_tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from batchnb.tools.cancellation import CancelToken, Deadline

NEWEST = 16
"""The last minor version of Python 3 that is looked for."""
_BANDIT_SAYS = re.compile(rb"\S+ (\d+\.\d+\S*)")
_NAMED = r"^[ \t]*(?:async[ \t]+def|def|class|type)[ \t]+\w{1,200}"
_NEW_SYNTAX = (
    # the newest first; what a file uses is guessed from its text, to name the version
    (14, re.compile(r"\bt[\"']|^[ \t]*except [\w.]{1,200}, [\w., ]{1,200}:", re.MULTILINE)),
    (13, re.compile(_NAMED + r"\[\w{1,200}[ \t]*(?::[^=\]\n]{0,200})?=", re.MULTILINE)),
    (12, re.compile(_NAMED + r"\[|^[ \t]*type[ \t]+\w{1,200}[ \t]*=", re.MULTILINE)),
    (12, re.compile(r"\b[rR]?[fF][rR]?[\"']")),  # quotes, backslashes and comments inside an f-string
)


def needs_newer_python(unparsed: Mapping[str, str], ruff_unparsed: Iterable[str]) -> frozenset[str]:
    """Return the files of `unparsed` (of bandit or skylos: path -> why) that ruff can parse."""
    return frozenset(unparsed) - frozenset(ruff_unparsed)


def reason(text: str, host: tuple[int, int] | None = None) -> str:
    """Return why a file cannot be parsed here, given that it is right for some Python.

    Args:
        text: the file's source.
        host: version of the Python that tried; None: of this one.
    """
    major, minor = host or sys.version_info[:2]
    wanted = [version for version, form in _NEW_SYNTAX if version > minor and form.search(text)]
    lowest = wanted[-1] if wanted else 0  # the oldest that would explain it
    needed = f"Python {major}.{lowest} syntax" if lowest else "the syntax of a newer Python"
    return f"needs {needed}; host has {major}.{minor}"


def newer_pythons(path: str | None = None) -> tuple[Path, ...]:
    """Return newer interpreters than this one on the PATH, the newest first. They are not started."""
    folders = [Path(folder) for folder in (path or os.environ.get("PATH", os.defpath)).split(os.pathsep)]
    names = [f"python3.{minor}" for minor in range(NEWEST, sys.version_info.minor, -1)]
    found = (folder / name for name in names for folder in folders if folder.is_absolute())
    return tuple(file for file in found if os.access(file, os.X_OK) and file.is_file())


def newer_bandit(
    deadline: Deadline, cancel: CancelToken, path: str | None = None
) -> tuple[tuple[str, ...], str]:
    """Return how to start bandit on a newer Python, and bandit's version; an empty command: there is none."""
    for python in newer_pythons(path):
        command = (str(python), "-I", "-m", "bandit")
        raw = run_tool((*command, "--version"), deadline=deadline, cancel=cancel)
        match = _BANDIT_SAYS.match(raw.stdout)
        if raw.ending is Ending.EXITED and raw.returncode == 0 and match:
            return command, match[1].decode()
    return (), ""
