"""Hostile apps whose files are no files, lie elsewhere, lie too deep, or have names that mean something."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from hostile_ground import PARTS, Case, Ground

_PLANTED = {
    "backend/app.py": "secret.py",
    "backend/server.js": "secret.js",
    "backend/requirements.txt": "requirements.txt",
    "backend/package.json": "package.json",
    "backend/Dockerfile": "Dockerfile",
    "docker-compose.yml": "docker-compose.yml",
    "frontend/src/App.jsx": "secret.js",
    "frontend/package.json": "package.json",
    "frontend/Dockerfile": "Dockerfile",
}
"""Planted file -> the foreign file of its kind."""
_SPECIAL = ("backend/x.py", "backend/x.js", "frontend/src/x.jsx", "frontend/src/x.ts", "frontend/index.html")


def _link(ground: Ground, place: str, target: Path | str) -> None:
    path = ground.path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def _links_beside(ground: Ground, target: Path | str) -> None:
    for number, place in enumerate(_SPECIAL):
        _link(ground, place.replace("x.", f"link{number}."), target)


def _links_to_secrets(ground: Ground) -> None:
    for place in _SPECIAL:
        name = "secret.py" if place.endswith(".py") else "secret.js"
        _link(ground, place, ground.outside / name)
    for folder in ("", "backend/", "frontend/"):
        _link(ground, f"{folder}package-lock.json", ground.outside / "secret.json")
        _link(ground, f"{folder}.env", ground.outside / "secret.py")


def _planted_links(ground: Ground) -> None:
    for place, foreign in _PLANTED.items():
        ground.swap(place).symlink_to(ground.outside / foreign)


def _planted_hard_links(ground: Ground) -> None:
    for place, foreign in _PLANTED.items():
        os.link(ground.outside / foreign, ground.swap(place))


def _linked_part(ground: Ground, part: str, target: Path) -> None:
    (ground.path / part).rename(ground.path / f"real-{part}")
    (ground.path / part).symlink_to(target)


def _linked_folders(ground: Ground) -> None:
    for part in PARTS:
        _link(ground, f"{part}/lib", ground.outside)
        _link(ground, f"{part}/up", "..")
        _link(ground, f"{part}/root", "/")
        _link(ground, f"{part}/self", ".")
        _link(ground, f"{part}/lib.js", ground.outside)


def _neighbour(ground: Ground) -> None:
    """Link to the files of another app, whose word must not turn up here."""
    other = ground.path.parent / f"app{max(1, ground.number - 1)}"
    _link(ground, "backend/other", other / "backend")
    _link(ground, "frontend/src/other.jsx", other / "frontend" / "src" / "App.jsx")
    _link(ground, "backend/other.py", f"../../{other.name}/backend/app.py")


def _fifos(ground: Ground) -> None:
    for place in _SPECIAL:
        os.mkfifo(ground.path / place)


def _planted_fifos(ground: Ground) -> None:
    for place in _PLANTED:
        os.mkfifo(ground.swap(place))


def _sockets(ground: Ground) -> None:
    for place in _SPECIAL:
        folder = os.open((ground.path / place).parent, os.O_RDONLY)
        try:
            # the path of a socket is limited to 107 bytes
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(f"/proc/self/fd/{folder}/{Path(place).name}")
        finally:
            os.close(folder)


def _devices(ground: Ground) -> None:
    for place in _SPECIAL:
        with suppress(PermissionError):  # only root may; without them the app is a plain one
            os.mknod(ground.path / place, 0o600 | 0o020000, os.makedev(1, 5))


def _folders_with_file_names(ground: Ground) -> None:
    for place in _PLANTED:
        ground.pull(place).mkdir()


def _unreadable(ground: Ground) -> None:
    for place in _PLANTED:
        (ground.path / place).chmod(0)


def _sparse(ground: Ground) -> None:
    for place in _PLANTED:
        with (ground.path / place).open("r+b") as file:
            file.truncate(8 << 30)


def _plant_both(ground: Ground, backend: str, frontend: str) -> None:
    ground.plant(f"backend/{backend}", "python")
    ground.plant(f"frontend/{frontend}", "script")


def _deep(ground: Ground, depth: int, name: str) -> None:
    """Plant a file below `depth` folders of this name; its path may be longer than the system takes."""
    for part, file, kind in (("backend", "deep.py", "python"), ("frontend", "deep.jsx", "script")):
        handle = os.open(ground.path / part, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir(name, dir_fd=handle)
            inner = os.open(name, os.O_RDONLY, dir_fd=handle)
            os.close(handle)
            handle = inner
        made = os.open(file, os.O_CREAT | os.O_WRONLY, dir_fd=handle)
        os.write(made, ground.text(kind).encode())
        os.close(made)
        os.close(handle)
        ground.plants[f"{part}/{f'{name}/' * depth}{file}"] = kind


def _wide(ground: Ground, files: int) -> None:
    for number in range(files):
        ground.put(f"backend/many/m{number}.py", f"x{number} = {number}\n")
        ground.put(f"frontend/src/many/m{number}.jsx", f"export const x{number} = {number};\n")
    _plant_both(ground, "zzz/last.py", "zzz/last.jsx")


def _entries(ground: Ground, entries: int) -> None:
    for part in PARTS:
        folder = ground.path / part / "crowd"
        folder.mkdir()
        for number in range(entries):
            os.close(os.open(folder / f"{number}.txt", os.O_CREAT | os.O_WRONLY))
    _plant_both(ground, "zzz/last.py", "zzz/last.jsx")


def _folders(ground: Ground, folders: int) -> None:
    for number in range(folders):
        ground.put(f"backend/f{number}/a.py", "x = 1\n")
        ground.put(f"frontend/src/f{number}/a.jsx", "export {};\n")
    _plant_both(ground, "zzz/last.py", "zzz/last.jsx")


def _large(ground: Ground, files: int) -> None:
    for number in range(files):
        ground.put(f"backend/large/l{number:02d}.py", "x = 1\n" * 170_000)
    _plant_both(ground, "zzz/last.py", "zzz/last.jsx")


def _huge(ground: Ground) -> None:
    ground.spoil(
        lambda text: text + "\n" * (2 << 20), "python", "script", "server", "dockerfile", "requirements"
    )


def _just_too_large(ground: Ground) -> None:
    ground.spoil(lambda text: text + "\n" * ((1 << 20) - len(text.encode()) + 1), "python", "script")


def _just_small_enough(ground: Ground) -> None:
    ground.spoil(lambda text: text + "\n" * ((1 << 20) - len(text.encode())), "python", "script")


def _foreign_folders(ground: Ground, name: str) -> None:
    _plant_both(ground, f"{name}/evil.py", f"{name}/evil.jsx")


def _environment(ground: Ground) -> None:
    ground.put("backend/env/pyvenv.cfg", "home = /usr/bin\n")
    _plant_both(ground, "env/lib/python3.11/site-packages/x.py", "node_modules/x/x.jsx")


NAMES = (
    *(
        "dist",
        "build",
        "venv",
        ".venv",
        "env",
        "CVS",
        ".github",
        ".tox",
        ".eggs",
        "lib",
        "vendor",
        "coverage",
    ),
    *(
        "__pypackages__",
        "_build",
        "buck-out",
        ".mypy_cache",
        "migrations",
        "tests",
        "__tests__",
        "public",
        ".next",
    ),
    *(
        "-r",
        "--help",
        "-",
        "--",
        "--config=evil",
        "@file",
        "new\nline",
        "tab\t",
        "cr\r",
        "\x1b[2J",
        "\x07bell",
        "\x7f",
    ),
    *(
        "quote'\"",
        "*",
        "[x]",
        "{a,b}",
        "back\\slash",
        "$(id)",
        "`id`",
        "; touch x",
        "a && b",
        "| cat",
        "> out",
        "~",
        "#",
    ),
    *(
        "%s",
        "%00",
        "{0}",
        "${HOME}",
        "a b",
        " blank ",
        "\u202egnp",
        "\u200b",
        "\u2028",
        "\ufeff",
        "\uff0e\uff0e",
        "ünï",
        "u\u0308",
    ),
    *(
        "<img src=x onerror=alert(1)>",
        "'; DROP TABLE findings;--",
        "=1+1",
        "n" * 200,
        "CON",
        "nul.txt",
        "a.py",
        "x.min",
    ),
    *(
        "x.test",
        "x.spec",
        "test_x",
        "x_test",
        "jquery.min",
        "conftest",
        "setup",
        "x.config",
        "x.d",
        "C:",
        "a:b",
        "...",
    ),
    *(os.fsdecode(b"\xff\xfe"), os.fsdecode(b"caf\xe9"), os.fsdecode(b"\xed\xa0\x80")),
)


def _named(ground: Ground, names: tuple[str, ...]) -> None:
    for name in names:
        _plant_both(ground, f"{name}/inner.py", f"src/{name}/inner.jsx")
        _plant_both(ground, f"{name}.py" if name != "a.py" else "b.py", f"src/{name}.jsx")


def _suffixes(ground: Ground) -> None:
    for name in ("UPPER.PY", "Mixed.Py", ".py.py", "__init__.py", "__main__.py", "setup.py", "conftest.py"):
        ground.plant(f"backend/{name}", "python")
    for name in (
        "UPPER.JSX",
        "Mixed.Jsx",
        ".jsx.jsx",
        "a.test.jsx",
        "index.min.jsx",
        "a.stories.jsx",
        "a.config.js",
    ):
        ground.plant(f"frontend/src/{name}", "script")
    for name in ("a.js", "a.mjs", "a.cjs", "a.tsx"):
        ground.plant(f"frontend/src/{name}", "script")


def _empty_names(ground: Ground) -> None:
    for name in (".py", "..py", ".jsx", ".js"):
        ground.plant(
            f"{'backend' if name.endswith('py') else 'frontend/src'}/{name}",
            "python" if name.endswith("py") else "script",
        )


def cases() -> list[Case]:
    """Return the apps of this kind."""
    some = [NAMES[at : at + 4] for at in range(0, len(NAMES), 4)]
    folders = (".git", "node_modules", "site-packages", "__pycache__", "Node_Modules", ".svn")
    targets = (
        "/etc/passwd",
        "/etc/shadow",
        "/dev/zero",
        "/dev/stdin",
        "/proc/self/environ",
        "/nowhere",
        "app.py",
    )
    return [
        Case("links to secrets", _links_to_secrets),
        *(
            Case(f"links to {target}", lambda ground, t=target: _links_beside(ground, t))
            for target in targets
        ),
        Case("links in place of the planted files", _planted_links),
        Case("hard links in place of the planted files", _planted_hard_links),
        *(
            Case(
                f"{part} is a link", lambda ground, p=part: _linked_part(ground, p, ground.path / f"real-{p}")
            )
            for part in PARTS
        ),
        *(
            Case(
                f"{part} is a link to elsewhere",
                lambda ground, p=part: _linked_part(ground, p, ground.outside),
            )
            for part in PARTS
        ),
        Case("linked folders", _linked_folders),
        Case("links to a neighbour", _neighbour),
        Case("pipes", _fifos),
        Case("pipes in place of the planted files", _planted_fifos),
        Case("sockets", _sockets),
        Case("devices", _devices),
        Case("folders in place of the planted files", _folders_with_file_names),
        Case("files without rights", _unreadable),
        Case("files of 8 GiB of nothing", _sparse),
        Case("20 folders deep", lambda ground: _deep(ground, 20, "d"), harmless=True),
        Case("300 folders deep", lambda ground: _deep(ground, 300, "d")),
        Case("a path longer than the system takes", lambda ground: _deep(ground, 40, "n" * 200)),
        Case("6,000 files", lambda ground: _wide(ground, 6_000), costly=True),
        Case("400 folders", lambda ground: _folders(ground, 400), costly=True),
        Case("51,000 entries", lambda ground: _entries(ground, 51_000), costly=True),
        Case("70 MiB of source", lambda ground: _large(ground, 70), costly=True),
        Case("huge planted files", _huge),
        Case("planted files a byte too large", _just_too_large),
        Case("planted files just small enough", _just_small_enough, costly=True),
        *(Case(f"code in {name}", lambda ground, n=name: _foreign_folders(ground, n)) for name in folders),
        Case("a committed environment", _environment),
        *(
            Case(f"names {' '.join(map(ascii, names))}", lambda ground, n=names: _named(ground, n))
            for names in some
        ),
        Case("suffixes", _suffixes),
        Case("names that are all suffix", _empty_names),
    ]
