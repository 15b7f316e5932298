"""Reading and rewriting an app's docker-compose file, which is as hostile as the rest of the app."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from batchnb.records.errors import ReportError
from batchnb.tools.layout import COMPOSE_NAMES
from batchnb.tools.plain_yaml import yaml_data
from batchnb.tools.tree import Caps, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES = 64 << 10
_BACKENDS = ("backend", "api", "server", "web", "app")
_FRONTENDS = ("frontend", "client", "ui")
_DEFAULT = re.compile(r"\$\{[A-Za-z_]\w*:?-([^${}]*)\}")
# Keys of a service that are kept as they are; ports, volumes, build and the bounds are made anew.
_KEPT = (
    "image",
    "command",
    "entrypoint",
    "environment",
    "working_dir",
    "depends_on",
    "healthcheck",
    "expose",
)
_RESERVED_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,250}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """Ports of an app, as its compose file publishes them; None: it does not."""

    backend: int | None = None
    frontend: int | None = None


def read_compose(app: Path) -> dict[str, Any] | None:
    """Return the compose file in the folder of an app, or None if there is none.

    Raises:
        ReportError: if it cannot be read; the message says why.
    """
    found = {
        file.path: file
        for file in Tree(app, frozenset({".yml", ".yaml"}), Caps(depth=0, file_bytes=MAX_BYTES)).files()
    }
    for name in COMPOSE_NAMES:
        if name in found:
            content = found[name].content
            if content is None:
                raise ReportError(f"{name} {found[name].reason}")
            return parse_compose(content, name)
    return None


def parse_compose(content: bytes, name: str = "docker-compose.yml") -> dict[str, Any]:
    """Return a compose file's content as plain data.

    Raises:
        ReportError: if it is no YAML, has aliases, or is not of the form of a compose file.
    """
    try:
        document = yaml_data(content.decode("utf-8-sig"))
    except (ReportError, UnicodeDecodeError) as error:
        raise ReportError(f"{name} cannot be read: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("services"), dict):
        raise ReportError(f"{name} has no services")
    return document


def published_ports(document: Mapping[str, Any]) -> Published:
    """Return the host ports of backend and frontend."""
    backend, frontend = _service(document, "backend", _BACKENDS), _service(document, "frontend", _FRONTENDS)
    return Published(backend=_first_port(backend), frontend=_first_port(frontend))


def backend_environment(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that the compose file sets for the backend, without what only a shell knows."""
    given = _service(document, "backend", _BACKENDS).get("environment")
    if isinstance(given, list):
        pairs = [text.partition("=") for text in given if isinstance(text, str) and "=" in text]
        given = {name: value for name, _, value in pairs}
    if not isinstance(given, dict):
        return {}
    texts = {str(name): _with_defaults(value) for name, value in given.items()}
    return {
        name: text
        for name, text in texts.items()
        if re.fullmatch(r"[A-Za-z_]\w{0,99}", name) and "$" not in text and _is_value(text)
    }


def _is_value(text: str) -> bool:
    """Whether a program can be given the text: YAML may write half of a character, or a zero."""
    return "\0" not in text and not re.search("[\ud800-\udfff]", text)


def rewrite_compose(
    document: Mapping[str, Any], ports: Mapping[str, int], *, memory_mib: int = 1024
) -> dict[str, Any]:
    """Return a compose file for the same services without privileges: pure, nothing is run.

    Kept are image, build folder, command, environment and the like. Ports are published on the loopback
    address alone, and only for the services in `ports`. Mounts of the host, its network, processes, devices
    and sockets, added rights and everything that is not known to be harmless are left out; all rights are
    dropped, memory and processes bounded.

    Args:
        document: of `read_compose`.
        ports: service name -> host port to publish its first port at.
        memory_mib: bound of each service.
    """
    services = {
        name: _rewritten(service, ports.get(name), memory_mib)
        for name, service in _services(document).items()
    }
    named = {mount.partition(":")[0] for service in services.values() for mount in service.get("volumes", ())}
    return {"services": services, "volumes": {name: {} for name in sorted(named)}}


def _rewritten(service: Mapping[str, Any], port: int | None, memory_mib: int) -> dict[str, Any]:
    kept = {key: service[key] for key in _KEPT if key in service}
    if "image" in kept and not _RESERVED_IMAGE.fullmatch(str(kept["image"])):
        del kept["image"]
    build = _build(service.get("build"))
    mounts = [mount for mount in _list(service.get("volumes")) if _is_named(mount)]
    inside = _container_port(service)
    return {
        **kept,
        **({"build": build} if build else {}),
        **({"volumes": mounts} if mounts else {}),
        **({"ports": [f"127.0.0.1:{port}:{inside}"]} if port and inside else {}),
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": f"{memory_mib}m",
        "pids_limit": 256,
        "restart": "no",
    }


def _build(build: object) -> dict[str, str] | None:
    """Return the build folder and its file, both inside the app."""
    given = {"context": build} if isinstance(build, str) else build
    if not isinstance(given, dict):
        return None
    kept = {key: str(given[key]) for key in ("context", "dockerfile") if key in given}
    return kept if kept and all(map(_is_inside, kept.values())) else None


def _is_inside(path: str) -> bool:
    plain = re.fullmatch(r"[A-Za-z0-9._/-]+", path) is not None
    return plain and not path.startswith("/") and ".." not in PurePosixPath(path).parts


def _is_named(mount: object) -> bool:
    return isinstance(mount, str) and re.fullmatch(r"[A-Za-z0-9][\w.-]*:/[^:]*(:ro)?", mount) is not None


def backend_name(document: Mapping[str, Any]) -> str | None:
    """Return the name of the backend's service, or None if there is none."""
    return _named(document, "backend", _BACKENDS)


def _service(document: Mapping[str, Any], part: str, names: tuple[str, ...]) -> dict[str, Any]:
    name = _named(document, part, names)
    return {} if name is None else _services(document)[name]


def _named(document: Mapping[str, Any], part: str, names: tuple[str, ...]) -> str | None:
    """Return the service that is built from the folder `part`, or has one of the usual names."""
    services = _services(document)
    for name, service in services.items():
        build = service.get("build")
        context = build.get("context") if isinstance(build, dict) else build
        if isinstance(context, str) and context.strip("./") == part:
            return name
    return next((name for name in names if name in services), None)


def _services(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    listed = document["services"].items()
    return {str(name): service for name, service in listed if isinstance(service, dict)}


def _first_port(service: Mapping[str, Any]) -> int | None:
    return next(filter(None, map(_host_port, _list(service.get("ports")))), None)


def _container_port(service: Mapping[str, Any]) -> int | None:
    for entry in _list(service.get("ports")):
        if isinstance(entry, dict):
            return _port(entry.get("target"))
        return _port(_with_defaults(entry).rpartition(":")[2].partition("/")[0])
    return None


def _host_port(entry: object) -> int | None:
    """Return the host's port of `"5101:80"`, `"127.0.0.1:5101:80"` or the long form."""
    if isinstance(entry, dict):
        return _port(entry.get("published"))
    parts = _with_defaults(entry).partition("/")[0].split(":")
    return _port(parts[-2]) if len(parts) > 1 else None


def _port(value: object) -> int | None:
    text = str(value)
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) and 0 < int(text) < 65_536 else None


def _with_defaults(value: object) -> str:
    """Replace `${NAME:-default}` by its default; the environment that docker would look into is ours."""
    return _DEFAULT.sub(r"\1", "" if value is None else str(value))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
