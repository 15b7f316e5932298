"""`npm audit`, for those who allow it: the names and versions of an app's packages go to the registry.

Nothing of the app's folder is used but its lock file, and of that only names and versions: npm would read the
app's .npmrc (which can name another registry and send it any variable), and run scripts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from batchnb.analyzers.checks import npm_versions
from batchnb.analyzers.checks.advisory import cwe_of, severity_of
from batchnb.analyzers.checks.answer import Answer
from batchnb.analyzers.checks.npm_packages import UnreadableError, lines_by_key, read_lock, read_object
from batchnb.analyzers.checks.rule import Confidence, shortened
from batchnb.analyzers.scanners.base import Issue, load_json
from batchnb.records import CoverageStatus
from batchnb.records.errors import ReportError
from batchnb.tools.kit.finding import npm
from batchnb.tools.limits import Limits
from batchnb.tools.process import RawOutput, run_tool

if TYPE_CHECKING:
    from pathlib import Path

    from batchnb.tools.cancellation import CancelToken, Deadline

_LIMITS = Limits(memory_bytes=None)  # Node reserves far more address space than it uses


class NpmAudit:
    """Asks the registry about the packages of one package-lock.json. Only used if its option is on."""

    name: ClassVar[str] = "npm-audit"
    install_hint: ClassVar[str] = "install Node.js with npm, or: batchnb tools install node"

    def __init__(self, registry: str = "") -> None:
        """Make one that asks `registry`, an address; empty: npm's own."""
        self._registry = registry

    def command(self) -> tuple[str, ...] | None:
        """Return how npm is started, None if it is not installed."""
        return npm()

    def run(self, lock: str, *, folder: Path, deadline: Deadline, cancel: CancelToken) -> RawOutput:
        """Run npm in the new folder `folder` on what a lock file says.

        Raises:
            UnreadableError: if the lock file is none.
            ToolMissingError: if npm is not installed.
        """
        manifest, clean = _clean(lock)
        folder.mkdir(mode=0o700)
        (folder / "package.json").write_text(json.dumps(manifest))
        (folder / "package-lock.json").write_text(json.dumps(clean))
        registry = ("--registry", self._registry) if self._registry else ()
        return run_tool(
            (
                *(self.command() or ("npm",)),
                *("audit", "--json", "--package-lock-only", "--ignore-scripts", "--no-fund"),
                *("--userconfig", "none.user", "--globalconfig", "none.global"),
                *("--no-update-notifier", "--fetch-retries", "0", "--fetch-timeout", "20000", *registry),
            ),
            deadline=deadline,
            cancel=cancel,
            cwd=folder,
            limits=_LIMITS,
        )

    def parse(self, raw: RawOutput, path: str, lock: str) -> Answer:
        """Read npm's report on the lock file `path`; exit code 1 means findings as well as a refusal.

        Raises:
            ReportError: if it is no report.
        """
        report = load_json(raw, self.name, dict)
        if "auditReportVersion" not in report:
            error = report.get("error")
            told = error.get("summary") if isinstance(error, dict) else report.get("message")
            why = shortened(str(told or report.get("message") or "no reason given"), 200)
            return Answer(status=CoverageStatus.OFFLINE, detail=f"the registry gave no answer: {why}")
        try:
            lines = lines_by_key(lock)
            issues = tuple(
                _issue(path, lines.get(f'"node_modules/{name}"'), name, via)
                for name, entry in report["vulnerabilities"].items()
                for via in entry["via"]
                if isinstance(via, dict)  # a text: another package's, which has a row of its own
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ReportError(f"npm-audit's report is not of the known form: {error!r}") from error
        return Answer(status=CoverageStatus.OK, issues=issues)


def _clean(lock: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a package.json and a lock file (version 3) with names and versions from the registry only."""
    packages = read_object(lock).get("packages")
    if not isinstance(packages, dict):
        raise UnreadableError("is a lock file of version 1, which npm would have to rewrite first")
    read_lock(lock)  # for its caps
    root = {}
    kept: dict[str, Any] = {}
    for path, entry in packages.items():
        version = entry.get("version") if isinstance(entry, dict) else None
        name = path.rpartition("node_modules/")[2]
        from_registry = str(entry.get("resolved", "https:") if isinstance(entry, dict) else "").startswith(
            "http"
        )
        if path and from_registry and isinstance(version, str) and npm_versions.key(version):
            kept[path] = {"version": version}
            if path == f"node_modules/{name}":
                root[name] = version
    head = {"name": "app", "version": "0.0.0"}
    whole = {"": {**head, "dependencies": root}, **kept}
    manifest = {**head, "private": True, "dependencies": root}
    return manifest, {**head, "lockfileVersion": 3, "requires": True, "packages": whole}


def _issue(path: str, line: int | None, name: str, via: dict[str, Any]) -> Issue:
    address = str(via.get("url") or "")
    versions = shortened(str(via.get("range", "")))
    return Issue(
        path=path,
        rule=address.rpartition("/")[2] or str(via["source"]),
        severity=severity_of(via["severity"]),
        confidence=Confidence.HIGH,
        cwe=cwe_of(next(iter(via.get("cwe") or ()), "")),
        line=line,
        end_line=line,
        column=None,
        message=f"{shortened(name)} {versions}: {shortened(str(via['title']), 300)}",
    )
