"""A few checks of docker compose files.

CWE: 250 (execution with unnecessary privileges), 668 (exposure of a resource to the wrong sphere), 798
(hard-coded credentials), 489 (active debug code), 693 (protection mechanism failure). Severities are our
own choice; a port on all interfaces is what the short form means, so it counts as noise.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from batchnb.analyzers.checks.compose_form import fields, items, line_of, settings, text_of
from batchnb.analyzers.checks.debug_server import is_debug_command, is_debug_setting
from batchnb.analyzers.checks.rule import NOT_RECOGNIZED, Confidence, Rule, Severity
from batchnb.analyzers.scanners.base import Issue, ScanReport, SourceCheck
from batchnb.analyzers.secret_names import is_placeholder, is_secret
from batchnb.records.errors import ReportError
from batchnb.tools.plain_yaml import yaml_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from yaml.nodes import Node

PRIVILEGED = Rule(
    name="compose-privileged",
    severity=Severity.HIGH,
    cwe=250,
    says="{} runs with all rights of the host",
)
HOST_NAMESPACE = Rule(
    name="compose-host-namespace",
    severity=Severity.MEDIUM,
    cwe=668,
    says="is not kept apart from the host: {}",
)
DOCKER_SOCKET = Rule(
    name="compose-docker-socket",
    severity=Severity.HIGH,
    cwe=250,
    says="can command the docker engine, and with it the host: {}",
)
HOST_FOLDER = Rule(
    name="compose-host-folder",
    severity=Severity.HIGH,
    cwe=668,
    says="has a folder of the host's system: {}",
)
CAPABILITY = Rule(
    name="compose-capability",
    severity=Severity.MEDIUM,
    cwe=250,
    says="is given the capability {}",
)
UNCONFINED = Rule(
    name="compose-unconfined",
    severity=Severity.MEDIUM,
    cwe=693,
    says="a protection is switched off: {}",
)
OPEN_PORT = Rule(
    name="compose-open-port",
    severity=Severity.LOW,
    cwe=668,
    says="port {} is open on all interfaces of the host",
    tags=("noise",),
)
SECRET = Rule(
    name="compose-secret",
    severity=Severity.HIGH,
    cwe=798,
    confidence=Confidence.MEDIUM,
    says="the file contains the value of {}",
)
PLACEHOLDER = Rule(
    name="compose-secret",
    severity=Severity.LOW,
    cwe=798,
    confidence=Confidence.LOW,
    says="the file contains a value of {}, which looks like an example",
    tags=("noise", "placeholder"),
)
DEBUG = Rule(
    name="compose-debug",
    severity=Severity.MEDIUM,
    cwe=489,
    says="starts the server in debug mode: {}",
)
RULES = (
    *(PRIVILEGED, HOST_NAMESPACE, DOCKER_SOCKET, HOST_FOLDER, CAPABILITY, UNCONFINED),
    *(OPEN_PORT, SECRET, DEBUG),
)

_ON = frozenset({"true", "yes", "on"})
_SYSTEM = re.compile(r"/(?:etc|root|proc|sys|boot|dev|var/run|run|usr|home|var)?/?")
_LOOPBACK = re.compile(r"(?:127(?:\.\d+){3}|\[::1\]|localhost):.*")


class ComposeCheck(SourceCheck):
    """Looks at docker-compose.yml and its like."""

    name: ClassVar[str] = "compose"
    suffixes: ClassVar[frozenset[str]] = frozenset()
    names: ClassVar[frozenset[str]] = frozenset(
        f"{stem}{middle}.{suffix}"
        for stem in ("docker-compose", "compose")
        for middle in ("", ".dev", ".prod", ".override", ".production")
        for suffix in ("yml", "yaml")
    )
    self_test: ClassVar[tuple[str, str, str] | None] = (
        "docker-compose.yml",
        "services:\n  web:\n    image: web:1\n    privileged: true\n",
        PRIVILEGED.name,
    )

    def version(self) -> str:
        """Return the version of the rules."""
        return "1"

    def check(self, files: Mapping[str, str]) -> ScanReport:
        """Return what is wrong, by line; a file that is no compose file counts as unread."""
        issues: list[Issue] = []
        unparsed: dict[str, str] = {}
        for path, text in files.items():
            if not self.is_for(path):
                unparsed[path] = NOT_RECOGNIZED
                continue
            try:
                services = fields(fields(yaml_nodes(text)).get("services"))
            except ReportError as error:
                unparsed[path] = str(error)
                continue
            if not services:
                unparsed[path] = "has no services"
            for name, service in services.items():
                issues += _issues(path, name, service)
        return ScanReport(issues=tuple(issues), unparsed=unparsed)


def _issues(path: str, name: str, service: Node) -> Iterator[Issue]:
    parts = fields(service)
    if text_of(parts.get("privileged")).lower() in _ON:
        yield PRIVILEGED.at(path, line_of(parts["privileged"]), name)
    for key in ("network_mode", "pid", "ipc", "userns_mode"):
        if text_of(parts.get(key)) == "host":
            yield HOST_NAMESPACE.at(path, line_of(parts[key]), f"{key}: host")
    for capability in items(parts.get("cap_add")):
        yield CAPABILITY.at(path, line_of(capability), text_of(capability))
    for option in items(parts.get("security_opt")):
        if "unconfined" in text_of(option) or text_of(option).endswith("disable"):
            yield UNCONFINED.at(path, line_of(option), text_of(option))
    yield from _of_use(path, parts)


def _of_use(path: str, parts: Mapping[str, Node]) -> Iterator[Issue]:
    for volume in items(parts.get("volumes")):
        yield from _of_volume(path, volume)
    for port in items(parts.get("ports")):
        yield from _of_port(path, port)
    for variable, value, place in settings(parts.get("environment")):
        yield from _of_setting(path, variable, value, place)
    for key in ("command", "entrypoint"):
        command = " ".join(map(text_of, items(parts.get(key))))
        if is_debug_command(command):
            yield DEBUG.at(path, line_of(parts[key]), command)


def _of_volume(path: str, volume: Node) -> Iterator[Issue]:
    source = text_of(volume).partition(":")[0] or text_of(fields(volume).get("source"))
    if source.endswith(("docker.sock", "containerd.sock", "podman.sock")):
        yield DOCKER_SOCKET.at(path, line_of(volume), source)
    elif source and _SYSTEM.fullmatch(source):
        yield HOST_FOLDER.at(path, line_of(volume), source)


def _of_port(path: str, port: Node) -> Iterator[Issue]:
    short, parts = text_of(port), fields(port)
    if parts:
        published, address = text_of(parts.get("published")), text_of(parts.get("host_ip"))
        short = f"{address}:{published}" if address not in {"", "0.0.0.0"} else f"{published}:"  # noqa: S104
    if ":" in short and not _LOOPBACK.fullmatch(short):
        yield OPEN_PORT.at(path, line_of(port), short.rstrip(":"))


def _of_setting(path: str, name: str, value: str, place: Node) -> Iterator[Issue]:
    if is_secret(name, value):
        yield (PLACEHOLDER if is_placeholder(value) else SECRET).at(path, line_of(place), name)
    if is_debug_setting(name, value):
        yield DEBUG.at(path, line_of(place), f"{name}={value}")
