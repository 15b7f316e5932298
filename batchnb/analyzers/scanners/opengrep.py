"""opengrep or semgrep with a folder of rules of the user's own; neither ships any, and nothing is fetched.

Severity: ERROR and CRITICAL and HIGH are high, WARNING and MEDIUM medium, INFO and LOW low.
Confidence and CWE are those that the rule states in its metadata.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from batchnb.analyzers.scanners.base import Issue, Scanner, ScanReport, load_json, place
from batchnb.records import Confidence, Severity
from batchnb.records.errors import ReportError
from batchnb.tools import kit
from batchnb.tools.limits import Limits
from batchnb.tools.locate import find_program

if TYPE_CHECKING:
    from batchnb.tools.process import RawOutput

RULES_VARIABLE = "BATCHNB_RULES"
_SEVERITIES = {
    **dict.fromkeys(("CRITICAL", "ERROR", "HIGH"), Severity.HIGH),
    **dict.fromkeys(("WARNING", "MEDIUM"), Severity.MEDIUM),
    **dict.fromkeys(("INFO", "LOW"), Severity.LOW),
}
_CWE = re.compile(r"CWE-(\d{1,5})")


class Opengrep(Scanner):
    """`opengrep scan` with local rules. Without a folder of rules it counts as not there."""

    name: ClassVar[str] = "opengrep"
    suffixes: ClassVar[frozenset[str]] = frozenset({".py", ".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs"})
    utf8_only: ClassVar[bool] = True
    limits: ClassVar[Limits] = Limits(memory_bytes=4 << 30)
    install_hint: ClassVar[str] = (
        f"batchnb tools install opengrep, and name a folder of rules in {RULES_VARIABLE} (opengrep has none)"
    )

    def __init__(self, rules: Path | None = None) -> None:
        """Make one that uses the folder `rules`; None: the one that BATCHNB_RULES names."""
        self._given = rules

    @property
    def rules(self) -> Path | None:
        """The folder of rules; None: there is none, or it is named by a path that is not absolute."""
        folder = self._given or Path(os.environ.get(RULES_VARIABLE, ""))
        return folder if folder.is_absolute() and folder.is_dir() else None

    def command(self) -> tuple[str, ...] | None:
        """Return the program, if there is one and a folder of rules for it."""
        if self.rules is None:
            return None
        for program in (find_program("opengrep"), kit.find("opengrep"), find_program("semgrep")):
            if program is not None:
                return (str(program),)
        return None

    def argv(self, root: Path) -> tuple[str, ...]:
        """Scan `root`; no ignore file and no `nosemgrep` is obeyed, nothing is sent."""
        program = Path((self.command() or ("opengrep",))[0]).name
        silent = ("--metrics", "off", "--disable-version-check") if program == "semgrep" else ()
        return (
            *("scan", "--config", str(self.rules), "--json", "--jobs", "1"),
            *("--no-git-ignore", "--x-ignore-semgrepignore-files", "--disable-nosem", *silent, str(root)),
        )

    def parse(self, raw: RawOutput) -> ScanReport:
        """Read the report; errors about a file make it unread or incomplete, others are a doubt."""
        if raw.returncode not in {0, 1}:  # 1: there are findings, with --error
            raise ReportError(f"opengrep ended with exit code {raw.returncode}")
        report = load_json(raw, self.name, dict)
        try:
            scanned = frozenset(report["paths"]["scanned"])
            issues = tuple(_issue(row) for row in report["results"])
            broken = [(error.get("path", ""), _words(error)) for error in report["errors"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise ReportError(f"opengrep's report is not of the known form: {error!r}") from error
        return ScanReport(
            issues=issues,
            incomplete={path: why for path, why in broken if path},
            doubt="; ".join(why for path, why in broken if not path)[:300],
            scanned=scanned,
        )


def _words(error: dict[str, Any]) -> str:
    return " ".join(str(error.get("message") or error.get("type") or "an error").split())[:200]


def _issue(row: dict[str, Any]) -> Issue:
    extra = row["extra"]
    metadata = extra.get("metadata") or {}
    named = metadata.get("cwe") or ""
    cwe = _CWE.search(str(named[0]) if isinstance(named, list) and named else str(named))
    confidence = str(metadata.get("confidence", "")).lower()
    return Issue(
        path=row["path"],
        rule=_short(row["check_id"]),
        severity=_SEVERITIES.get(str(extra["severity"]).upper(), Severity.MEDIUM),
        confidence=Confidence(confidence) if confidence in set(Confidence) else None,
        cwe=int(cwe[1]) if cwe else None,
        line=place(row["start"]["line"]),
        end_line=place(row["end"]["line"]),
        column=place(row["start"]["col"]),
        message=extra["message"],
    )


def _short(check: str) -> str:
    """Return a rule's own name, without the path of its folder, which differs from place to place."""
    return check.rpartition(".")[2]
