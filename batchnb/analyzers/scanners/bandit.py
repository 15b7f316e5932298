"""bandit: pattern checks over Python's own syntax tree (https://bandit.readthedocs.io)."""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from batchnb.analyzers.scanners.base import Issue, Scanner, ScanReport, load_json, place
from batchnb.analyzers.scanners.noise import tags_of
from batchnb.analyzers.scanners.syntax import newer_bandit
from batchnb.records import Confidence, Severity
from batchnb.records.errors import ReportError
from batchnb.tools.cancellation import CancelToken, Deadline

if TYPE_CHECKING:
    from pathlib import Path

    from batchnb.tools.process import RawOutput

_LOOK_SECONDS = 20.0
_LEVELS = {level.value.upper() for level in Severity}
# An exclude list of our own that matches nothing: bandit's default drops every file whose path has ".git",
# "CVS" or "__pycache__" somewhere in it, and says nothing.
_EXCLUDE_NOTHING = "/nowhere/at/all"
# What bandit says, on standard error only, when a check of its own raised an exception.
_FAILED_CHECK = re.compile(r"Bandit internal error running: (\S+) on file (.+?) at line (\d+): ")


# The rules about passwords quote the one that they found, between these words and the end.
_QUOTED = re.compile(r"(Possible hardcoded password): '(.*)'", re.DOTALL)


class Bandit(Scanner):
    """`python -I -m bandit`: -I keeps the app's modules out of bandit's own imports."""

    name: ClassVar[str] = "bandit"
    distribution: ClassVar[str] = "bandit"
    suffixes: ClassVar[frozenset[str]] = frozenset({".py"})
    install_hint: ClassVar[str] = "pip install 'batchnb[tools]'"
    self_test: ClassVar[tuple[str, str, str] | None] = (
        "app.py",
        "import subprocess\nsubprocess.call('ls *', shell=True)\n",
        "B602",
    )

    def command(self) -> tuple[str, ...] | None:
        """Return how to start bandit, on the newest Python that has it: it knows its own syntax only."""
        newer, _ = _on_a_newer_python()
        return newer or ((sys.executable, "-I", "-m", "bandit") if find_spec("bandit") else None)

    def argv(self, root: Path) -> tuple[str, ...]:
        """Scan `root` with every test; no configuration file, `# nosec` not obeyed."""
        return (
            *("-q", "-r", str(root), "-f", "json", "-x", _EXCLUDE_NOTHING),
            *("--ignore-nosec", "--ini", "/dev/null"),
        )

    def parse(self, raw: RawOutput) -> ScanReport:
        """Read bandit's JSON report, whose `errors` are files that it could not parse, and its messages."""
        if raw.returncode not in {0, 1}:  # 1: there are findings
            raise ReportError(f"bandit ended with exit code {raw.returncode}")
        report = load_json(raw, self.name, dict)
        try:
            unparsed = {error["filename"]: str(error["reason"]) for error in report["errors"]}
            scanned = frozenset(report["metrics"]) - {"_totals"} - unparsed.keys()
            issues = tuple(_issue(result) for result in report["results"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ReportError(f"bandit's report is not of the known form: {error!r}") from error
        incomplete: dict[str, str] = {}
        for check, path, line in _FAILED_CHECK.findall(raw.stderr.decode(errors="replace")):
            incomplete.setdefault(path, f"read, but bandit's check {check} failed at line {line}")
        doubt = "bandit's messages were cut off, so more of its checks may have failed"
        return ScanReport(
            issues=issues,
            unparsed=unparsed,
            incomplete=incomplete,
            doubt=doubt if raw.stderr_truncated else "",
            scanned=scanned,
        )


@lru_cache(maxsize=1)
def _on_a_newer_python() -> tuple[tuple[str, ...], str]:
    return newer_bandit(Deadline.after(_LOOK_SECONDS), CancelToken())


def _issue(result: dict[str, Any]) -> Issue:
    confidence = result["issue_confidence"]
    severity = result["issue_severity"]
    message, secret = result["issue_text"], ""
    if quoted := _QUOTED.fullmatch(message):
        message, secret = quoted.groups()
    return Issue(
        path=result["filename"],
        rule=result["test_id"],
        severity=Severity(severity.lower()) if severity in _LEVELS else Severity.LOW,
        confidence=Confidence(confidence.lower()) if confidence in _LEVELS else None,
        cwe=result.get("issue_cwe", {}).get("id"),
        line=place(result["line_number"]),
        end_line=max(map(place, result["line_range"]), default=result["line_number"]),
        column=place(result["col_offset"]) + 1 if result["col_offset"] >= 0 else None,
        message=message,
        tags=tags_of(result["test_id"]),
        secret=secret,
    )
