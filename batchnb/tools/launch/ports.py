"""At which ports an app is, or is to be: a table, a rule, its compose file, or free ones."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchnb.records.errors import InvalidValueError, PortfolioError, ReportError
from batchnb.tools.launch.compose import published_ports, read_compose
from batchnb.tools.launch.start import free_port
from batchnb.tools.layout import find_app, find_apps

_MAX_TABLE_BYTES = 8 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class PortRule:
    """Ports by arithmetic: `base + per_model * (place of the model) + per_app * app_num`.

    The place of a model is 0 for the first of the portfolio's models in alphabetical order.
    """

    backend: int
    """Base of the backends."""
    frontend: int | None = None
    """Base of the frontends."""
    per_model: int = 100
    per_app: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class AppPorts:
    """Ports of one app and how they are known."""

    backend: int
    frontend: int | None
    source: str
    """"port table", "port rule", "compose file" or "free port"."""
    note: str = ""
    """What stood in the way of a better source."""


class PortManager:
    """Knows the ports of every app. Safe for threads; an app keeps the free ports that it was given."""

    def __init__(
        self,
        base_path: Path,
        *,
        table: Mapping[str, Any] | Path | None = None,
        rule: PortRule | None = None,
    ) -> None:
        """Make a manager for the apps under `base_path`.

        Args:
            base_path: `<base_path>/<model>/app<N>`.
            table: ports that count before all else: `{"model": {"1": 5101, "2": {"backend": 5102,
                "frontend": 3102}}}`, or a JSON file of this form.
            rule: for apps that are not in the table.

        Raises:
            InvalidValueError: if the table is not of that form.
        """
        self._base = base_path
        self._table = _read_table(table)
        self._rule = rule
        self._given: dict[tuple[str, int], AppPorts] = {}
        self._lock = threading.Lock()

    def get_app_ports(self, model: str, app_num: int) -> dict[str, Any]:
        """Return `{"backend": port, "frontend": port or None, "source": how it is known}`."""
        ports = self.app_ports(model, app_num)
        return {"backend": ports.backend, "frontend": ports.frontend, "source": ports.source}

    def app_ports(self, model: str, app_num: int) -> AppPorts:
        """Return an app's ports from the first source that knows its backend's.

        Raises:
            InvalidValueError: if the rule gives a number that is no port.
        """
        listed = self._table.get((model, app_num))
        if listed:
            return listed
        if self._rule:
            return self._by_rule(self._rule, model, app_num)
        with self._lock:
            if (model, app_num) not in self._given:
                self._given[model, app_num] = self._from_compose(model, app_num)
            return self._given[model, app_num]

    def known(self) -> frozenset[int]:
        """Return every port of the table and of the apps that were asked about."""
        with self._lock:
            all_ports = [*self._table.values(), *self._given.values()]
        return frozenset(port for one in all_ports for port in (one.backend, one.frontend) if port)

    def _by_rule(self, rule: PortRule, model: str, app_num: int) -> AppPorts:
        try:
            models = sorted({app.model for app in find_apps(self._base)[0]})
        except PortfolioError:
            models = []
        if model not in models:
            raise InvalidValueError("model", model, "it has no app, so the port rule gives none", "port rule")
        offset = rule.per_model * models.index(model) + rule.per_app * app_num
        backend = _checked(rule.backend + offset, "port rule")
        frontend = None if rule.frontend is None else _checked(rule.frontend + offset, "port rule")
        return AppPorts(backend=backend, frontend=frontend, source="port rule")

    def _from_compose(self, model: str, app_num: int) -> AppPorts:
        app = find_app(self._base, model, app_num)
        note = ""
        try:
            document = read_compose(app.path) if app else None
            if document:
                found = published_ports(document)
                if found.backend:
                    return AppPorts(backend=found.backend, frontend=found.frontend, source="compose file")
                note = "the compose file publishes no port of a backend"
        except ReportError as error:
            note = str(error)
        return AppPorts(backend=free_port(), frontend=None, source="free port", note=note)


def _read_table(table: Mapping[str, Any] | Path | None) -> dict[tuple[str, int], AppPorts]:
    source = f"port table {table.name}" if isinstance(table, Path) else "port table"
    listed = _loaded(table) if isinstance(table, Path) else table or {}
    if not isinstance(listed, Mapping):
        raise InvalidValueError(source, type(listed).__name__, 'write {"model": {"1": 5101}}')
    found = {}
    for model, apps in listed.items():
        if not isinstance(apps, Mapping):
            raise InvalidValueError(source, apps, 'write {"model": {"1": 5101}}', str(model))
        for app_num, ports in apps.items():
            found[str(model), _number(app_num, source)] = _entry(ports, f"{source}, {model}, app {app_num}")
    return found


def _loaded(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            return json.loads(file.read(_MAX_TABLE_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidValueError("port table", path.name, f"it cannot be read: {error}") from error


def _entry(ports: object, source: str) -> AppPorts:
    given = ports if isinstance(ports, Mapping) else {"backend": ports}
    if "backend" not in given or set(given) - {"backend", "frontend"}:
        raise InvalidValueError("ports", ports, 'write 5101 or {"backend": 5101, "frontend": 3101}', source)
    frontend = given.get("frontend")
    return AppPorts(
        backend=_checked(given["backend"], source),
        frontend=None if frontend is None else _checked(frontend, source),
        source="port table",
    )


def _checked(port: object, source: str) -> int:
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65_536:
        raise InvalidValueError("port", port, "a whole number from 1 to 65535", source)
    return port


def _number(text: object, source: str) -> int:
    if not str(text).isascii() or not str(text).isdigit():
        raise InvalidValueError("app number", text, "a whole number from 1", source)
    return int(str(text))
