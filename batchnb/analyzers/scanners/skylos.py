"""skylos: follows data from requests to dangerous calls, in Python and JavaScript (https://docs.skylos.dev).

Severity: its CRITICAL and HIGH are high, MEDIUM is medium, LOW is low; a word that is new is medium.
Confidence: skylos gives none. Here it is high where skylos names the source and the sink of the data,
and low where it holds a finding back because it cannot see who calls the function. CWE: see `skylos_rules`.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from batchnb.analyzers.scanners.base import Issue, Scanner, ScanReport, load_json, place
from batchnb.analyzers.scanners.skylos_rules import CWES, NOISE
from batchnb.records import Confidence, Severity
from batchnb.records.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchnb.tools.process import RawOutput

_RUNNER = Path(__file__).with_name("skylos_runner.py")
_CONFIG = Path(__file__).with_name("skylos_empty.toml")
_SEVERITIES = {"CRITICAL": Severity.HIGH, "HIGH": Severity.HIGH, "LOW": Severity.LOW}
_ASKED_FOR_SILENCE = "inline ignore comment"
_PASSED_OVER = "looks minified (very long lines), which skylos does not read"
_SECURITY = frozenset({"danger", "secret", "secrets"})
_ENDED_WELL = frozenset(
    {0, 1, 2}
)  # 1: a gate failed, 2: some file could not be read; both with a whole report


class Skylos(Scanner):
    """skylos on Python. Each app is scanned in a process of its own, see `skylos_runner`."""

    name: ClassVar[str] = "skylos"
    distribution: ClassVar[str] = "skylos"
    suffixes: ClassVar[frozenset[str]] = frozenset({".py"})
    languages: ClassVar[frozenset[str]] = frozenset({"Python"})
    """What skylos calls the files with these suffixes in its summary."""
    install_hint: ClassVar[str] = "pip install 'batchnb[tools]'"
    self_test: ClassVar[tuple[str, str, str] | None] = (
        "app.py",
        "from flask import request\n\n\ndef run():\n    return str(eval(request.args['x']))\n",
        "SKY-D201",
    )

    def command(self) -> tuple[str, ...] | None:
        """Return how to start it with the interpreter that runs batchnb."""
        return (sys.executable, "-I", str(_RUNNER)) if find_spec("skylos") else None

    def argv(self, root: Path) -> tuple[str, ...]:
        """Scan each folder in `root` for dangerous code and secrets, with an empty configuration."""
        return (str(root), str(_CONFIG))

    def parse(self, raw: RawOutput) -> ScanReport:
        """Read the reports of all apps; what skylos holds back is told too, and marked."""
        if raw.returncode != 0:
            raise ReportError(f"skylos ended with exit code {raw.returncode}")
        document = load_json(raw, self.name, dict)
        reading = _Reading(suffixes=self.suffixes, languages=self.languages)
        try:
            for folder, entry in document["apps"].items():
                reading.add(folder, entry)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ReportError(f"skylos's report is not of the known form: {error!r}") from error
        return ScanReport(
            issues=tuple(reading.issues),
            unparsed=reading.unparsed,
            incomplete=reading.incomplete,
            doubt="; ".join(reading.doubts),
        )


class SkylosScript(Skylos):
    """skylos on JavaScript and TypeScript."""

    suffixes: ClassVar[frozenset[str]] = frozenset({".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs"})
    languages: ClassVar[frozenset[str]] = frozenset({"JavaScript", "TypeScript"})
    self_test: ClassVar[tuple[str, str, str] | None] = (
        "src/App.jsx",
        "export default ({ html }) => <div dangerouslySetInnerHTML={{ __html: html }} />;\n",
        "SKY-D226",
    )


class _Reading:
    """What is read so far from the apps' reports."""

    def __init__(self, *, suffixes: frozenset[str], languages: frozenset[str]) -> None:
        self.issues: list[Issue] = []
        self.unparsed: dict[str, str] = {}
        self.incomplete: dict[str, str] = {}
        self.doubts: list[str] = []
        self._suffixes, self._languages = suffixes, languages

    def add(self, folder: str, entry: dict[str, Any]) -> None:
        """Read one app."""
        ours = [name for name in entry["files"] if PurePosixPath(name).suffix.lower() in self._suffixes]
        report = entry["report"]
        if report is None or entry["exit"] not in _ENDED_WELL:
            why = f"skylos ended with exit code {entry['exit']}: {entry['error'] or 'no report'}"
            self.unparsed |= dict.fromkeys((f"{folder}/{name}" for name in ours), why)
            return
        lost = {name: why for name, why in entry["lost"].items() if name in ours}
        self.unparsed |= {f"{folder}/{name}": why for name, why in lost.items()}
        self.unparsed |= {f"{folder}/{name}": _PASSED_OVER for name in entry["passed_over"] if name in ours}
        self._read_errors(folder, report.get("analysis_errors", []))
        self.issues += (_issue(folder, row) for row in _rows(report))
        counts = report["analysis_summary"]["languages"]
        read = sum(place(counts.get(language, 0)) for language in self._languages)
        if read < len(ours) - len(lost):
            self.doubts.append(f"skylos counts {read} files where it was given {len(ours) - len(lost)}")

    def _read_errors(self, folder: str, errors: list[dict[str, Any]]) -> None:
        for error in errors:
            if not error.get("file"):
                self.doubts.append(f"skylos says: {error['message']}"[:200])
                continue
            # its parser for scripts recovers from errors and goes on, Python's does not
            recovers = error.get("error_type") == "TypeScriptParseError"
            where = self.incomplete if recovers else self.unparsed
            where.setdefault(_path(folder, error["file"]), f"line {error.get('line')}: {error['message']}")


def _rows(report: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each finding with the reason why skylos holds it back, empty if it does not."""
    for part in ("danger", "secrets"):
        for row in report.get(part) or ():
            yield row, ""
    for row in report.get("suppressed") or ():
        if row.get("category") in _SECURITY:
            yield row, str(row.get("reason") or "no reason given")


def _issue(folder: str, told: tuple[dict[str, Any], str]) -> Issue:
    row, held_back = told
    rule, line = row["rule_id"], place(row["line"])
    tags = ("noise",) if rule in NOISE else ()
    message = str(row["message"])
    confidence = Confidence.HIGH if (row.get("metadata") or {}).get("security_evidence") else None
    if held_back == _ASKED_FOR_SILENCE:
        tags = (*tags, "suppressed")
    elif held_back:
        tags, confidence = (*tags, "unproven"), Confidence.LOW
        message = f"{message} (held back by skylos: {held_back})"
    column = row.get("col")
    return Issue(
        path=_path(folder, row["file"]),
        rule=rule,
        severity=_SEVERITIES.get(str(row["severity"]).upper(), Severity.MEDIUM),
        confidence=confidence,
        cwe=CWES.get(rule),
        line=max(line, 1),
        end_line=max(line, 1),
        column=None if column is None else place(column) + 1,
        message=message,
        tags=tags,
    )


def _path(folder: str, reported: str) -> str:
    """Return an absolute path as it is; skylos names files of some rules from the app's folder on."""
    return reported if PurePosixPath(reported).is_absolute() else f"{folder}/{reported}"
