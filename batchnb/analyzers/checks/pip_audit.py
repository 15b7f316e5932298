"""`pip-audit`, for those who allow it: the names and versions of an app's requirements go to PyPI.

It is given a file of our own with the pinned requirements only: pip would run code of what other lines name,
and one line without a version makes pip-audit give up the whole file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from packaging.utils import canonicalize_name

from batchnb.analyzers.checks.answer import Answer
from batchnb.analyzers.checks.requirements_file import pinned_version, read_lines
from batchnb.analyzers.checks.rule import Confidence, Severity, shortened
from batchnb.analyzers.scanners.base import Issue, load_json
from batchnb.records import CoverageStatus
from batchnb.records.errors import ReportError
from batchnb.tools.locate import find_program
from batchnb.tools.process import RawOutput, run_tool

if TYPE_CHECKING:
    from pathlib import Path

    from batchnb.tools.cancellation import CancelToken, Deadline


class PipAudit:
    """Asks PyPI about the pinned requirements of one file. Only used if its option is on."""

    name: ClassVar[str] = "pip-audit"
    install_hint: ClassVar[str] = "pip install pip-audit"

    def command(self) -> tuple[str, ...] | None:
        """Return how pip-audit is started, None if it is not installed."""
        program = find_program("pip-audit")
        return (str(program),) if program else None

    def run(self, text: str, *, file: Path, deadline: Deadline, cancel: CancelToken) -> RawOutput:
        """Run it on the pinned requirements in `text`, which are written to the new file `file`.

        Raises:
            ToolMissingError: if pip-audit is not installed.
        """
        file.write_text("".join(f"{name}=={version}\n" for _, name, version in pinned(text)))
        return run_tool(
            (
                *(self.command() or ("pip-audit",)),
                *("-r", str(file), "--no-deps", "--disable-pip", "-f", "json", "--progress-spinner", "off"),
            ),
            deadline=deadline,
            cancel=cancel,
        )

    def parse(self, raw: RawOutput, path: str, text: str) -> Answer:
        """Read the report on the requirements file `path`.

        "No known vulnerabilities" and exit code 0 is also what pip-audit says when it could ask nobody: then
        each package has a reason why it was skipped.

        Raises:
            ReportError: if it is no report.
        """
        if not raw.stdout.strip():
            return Answer(status=CoverageStatus.OFFLINE, detail=_last_line(raw))
        report = load_json(raw, self.name, dict)
        lines = {canonicalize_name(name): (line, name) for line, name, _ in pinned(text)}
        try:
            rows = report["dependencies"]
            skipped = {row["name"]: str(row["skip_reason"]) for row in rows if "skip_reason" in row}
            asked = [row for row in rows if "skip_reason" not in row]
            issues = tuple(_issue(path, lines, row, told) for row in asked for told in row["vulns"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ReportError(f"pip-audit's report is not of the known form: {error!r}") from error
        why = shortened("; ".join(f"{name}: {reason}" for name, reason in skipped.items()), 300)
        if skipped and not asked:
            return Answer(status=CoverageStatus.OFFLINE, detail=f"PyPI gave no answer: {why}")
        return Answer(status=CoverageStatus.OK, issues=issues, incomplete=why)


def pinned(text: str) -> list[tuple[int, str, str]]:
    """Return line, name and version of each requirement that has one version from the index."""
    found = ((line.number, line.requirement) for line in read_lines(text) if line.requirement is not None)
    told = [(number, each.name, pinned_version(each)) for number, each in found if not each.url]
    return list({canonicalize_name(row[1]): row for row in told if row[2]}.values())


def _issue(path: str, lines: dict[Any, tuple[int, str]], row: dict[str, Any], told: dict[str, Any]) -> Issue:
    line, name = lines.get(canonicalize_name(row["name"]), (None, row["name"]))
    cves = [alias for alias in told.get("aliases", ()) if alias.startswith("CVE-")]
    fixed = f", fixed in {told['fix_versions'][-1]}" if told.get("fix_versions") else ""
    number = f" ({cves[0]})" if cves else ""
    summary = shortened(str(told.get("description") or ""), 300)
    return Issue(
        path=path,
        rule=told["id"],
        severity=Severity.MEDIUM,  # pip-audit tells none
        confidence=Confidence.HIGH,
        cwe=None,
        line=line,
        end_line=line,
        column=None,
        message=f"{name} {row['version']}: {summary}{number}{fixed}",
    )


def _last_line(raw: RawOutput) -> str:
    lines = raw.stderr.decode(errors="replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "no reason given")
    return f"PyPI gave no answer: {shortened(last, 200)}"
