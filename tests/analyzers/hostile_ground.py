"""The ground of the hostile corpus: an app with a planted fault for each tool, which a case then spoils.

Every app has a word of its own in its faulty lines, so that a finding which tells of another app gives itself
away, and traps that leave a canary file if anything of the app is ever executed. Beside all apps lies a
secret that links lead to; it must be in no output.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from support import write

if TYPE_CHECKING:
    from collections.abc import Callable

FOREIGN = "FOREIGN-SECRET-b7c1"
AWS_KEY = "AKIAQ3EGRZ7XW5TL2MNB"
PYTHON = """import subprocess
from flask import Flask, request

AWS_KEY = "{key}"
app = Flask(__name__)


@app.route("/{mark}")
def run():
    subprocess.call(request.args["{mark}"], shell=True)
    return str(eval(request.args["{mark}"]))
"""
SCRIPT = """const API_KEY = "8c1f0e5d7b2a4936a1f7";
const AWS_KEY = "{key}";
export default function App({{ {mark} }}) {{
  localStorage.setItem('token', {mark});
  document.body.innerHTML = {mark} + API_KEY + AWS_KEY;
  eval({mark});
  return <div dangerouslySetInnerHTML={{{{ __html: {mark} }}}} />;
}}
"""
SERVER = """const express = require('express');
const {{ exec }} = require('child_process');
const app = express();
const AWS_KEY = "{key}";
app.get('/{mark}', (req, res) => {{
  exec('ls ' + req.query.{mark});
  res.send(eval(req.query.{mark}));
}});
"""
REQUIREMENTS = "requests\nflask==0.12.2\n"
DOCKERFILE = "FROM python\nCOPY . .\n"
COMPOSE = "services:\n  {mark}:\n    image: web:1\n    privileged: true\n"
MANIFEST = json.dumps({"name": "app", "dependencies": {"axios": "0.21.0"}}, indent=1) + "\n"
TEXTS = {
    "python": PYTHON,
    "script": SCRIPT,
    "server": SERVER,
    "requirements": REQUIREMENTS,
    "dockerfile": DOCKERFILE,
    "compose": COMPOSE,
    "manifest": MANIFEST,
}
RULES = {
    "backend_security": {
        "bandit": {"python": "B602"},
        "ruff": {"python": "S602"},
        "skylos": {"python": "SKY-D201", "server": "SKY-D201"},
        "detect-secrets": {"python": "AWS Access Key", "server": "AWS Access Key"},
        "eslint": {"server": "security/detect-child-process"},
        "requirements": {"requirements": "requirement-unpinned"},
        "pypi-advisories": {"requirements": "GHSA-562c-5r94-xh97"},
        "npm-advisories": {"manifest": "GHSA-4w2v-q235-vp99"},
        "dockerfile": {"dockerfile": "docker-untagged"},
        "compose": {"compose": "compose-privileged"},
    },
    "frontend_security": {
        "oxlint": {"script": "eslint(no-eval)"},
        "eslint": {"script": "no-unsanitized/property"},
        "skylos": {"script": "SKY-D226"},
        "ast-grep": {"script": "batchnb/secret-in-web-storage"},
        "ast-grep-secrets": {"script": "batchnb/key-in-script"},
        "detect-secrets": {"script": "AWS Access Key"},
        "npm-advisories": {"manifest": "GHSA-4w2v-q235-vp99"},
        "dockerfile": {"dockerfile": "docker-untagged"},
    },
}
"""Analysis -> tool -> kind of planted file -> the rule that has to be found in each of those."""
PLACES = {
    "backend/app.py": "python",
    "backend/server.js": "server",
    "backend/requirements.txt": "requirements",
    "backend/package.json": "manifest",
    "backend/Dockerfile": "dockerfile",
    "docker-compose.yml": "compose",
    "frontend/src/App.jsx": "script",
    "frontend/package.json": "manifest",
    "frontend/Dockerfile": "dockerfile",
}
PARTS = ("backend", "frontend")


@dataclass
class Ground:
    """One app `hostile/app<N>` under `base`; `outside` and `canaries` lie beside all apps."""

    base: Path
    number: int
    plants: dict[str, str] = field(default_factory=dict)
    """Path as reports show it -> kind of fault in it."""

    def __post_init__(self) -> None:
        self.mark = f"mark{self.number:04d}end"
        self.path = self.base / "hostile" / f"app{self.number}"
        self.outside = self.base.parent / "outside"
        self.canaries = self.base.parent / "canaries"
        for place, kind in PLACES.items():
            self.plant(place, kind)

    def text(self, kind: str) -> str:
        """Return the faulty text of a kind of file, with the app's own word."""
        text = TEXTS[kind]
        return text if kind == "manifest" else text.format(mark=self.mark, key=AWS_KEY)

    def plant(self, place: str, kind: str, change: Callable[[str], str | bytes] = str) -> None:
        """Write a file with the fault of `kind` in it, `change`d; tools must find it, or say why not."""
        self.put(place, change(self.text(kind)))
        self.plants[shown(place)] = kind

    def spoil(self, change: Callable[[str], str | bytes], *kinds: str) -> None:
        """Rewrite the planted files of these kinds, of all if none is named; the faults stay planted."""
        for place, kind in list(self.plants.items()):
            if not kinds or kind in kinds:
                self.plant(place, kind, change)

    def pull(self, place: str) -> Path:
        """Take a planted file away, which then counts as planted no more, and return its path."""
        del self.plants[shown(place)]
        (self.path / place).unlink()
        return self.path / place

    def swap(self, place: str) -> Path:
        """Take a planted file away for what else is put there, which tools have to say they did not read."""
        (self.path / place).unlink()
        return self.path / place

    def put(self, place: str, content: str | bytes) -> Path:
        """Write a file of the app."""
        return write(self.path / place, content)

    def everywhere(self, name: str, content: str | bytes) -> None:
        """Write a file beside the app's parts and into each of them."""
        for folder in ("", *PARTS, "frontend/src"):
            self.put(str(PurePosixPath(folder, name)), content)

    def canary(self) -> Path:
        """Return the path of a file that is there only if something of the app was executed."""
        return self.canaries / self.mark

    def python_trap(self) -> str:
        return f"open({str(self.canary())!r}, 'a').close()\n"

    def node_trap(self) -> str:
        return f"process.getBuiltinModule('fs').writeFileSync({json.dumps(str(self.canary()))}, 'x');\n"

    def shell_trap(self) -> str:
        return f"touch {self.canary()}"

    def script_file(self, name: str, text: str) -> Path:
        """Write an executable file outside of the parts' sources."""
        path = self.put(name, text)
        path.chmod(0o755)
        return path


@dataclass(frozen=True)
class Case:
    """One hostile app."""

    name: str
    make: Callable[[Ground], object]
    harmless: bool = False
    """Whether every tool has to find every planted fault, no gap allowed."""
    costly: bool = False
    """Whether it takes seconds, so that it is no part of the short form."""


def shown(place: str) -> str:
    """Return a path as reports show it."""
    return os.fsencode(place).decode("utf-8", "backslashreplace")


def write_outside(base: Path) -> None:
    """Write what no app owns, beside the folder of the apps."""
    outside = base.parent / "outside"
    (base.parent / "canaries").mkdir(parents=True)
    filler = f'password = "{FOREIGN}"\n'
    python = f"import subprocess\n{filler}subprocess.call('{FOREIGN}' + input(), shell=True)\n"
    write(outside / "secret.py", python)
    write(outside / "secret.js", f"const {filler}eval('{FOREIGN}' + location.hash);\n")
    write(outside / "requirements.txt", f"{FOREIGN}\nflask==0.12.2 # {FOREIGN}\n")
    write(outside / "Dockerfile", f"FROM {FOREIGN.lower()}\nENV PASSWORD={FOREIGN}\n")
    write(outside / "docker-compose.yml", f"services:\n  {FOREIGN}:\n    image: x\n    privileged: true\n")
    write(outside / "package.json", json.dumps({"dependencies": {"axios": "0.21.0", FOREIGN: "1"}}))
    write(outside / "secret.json", json.dumps({"password": FOREIGN}))
