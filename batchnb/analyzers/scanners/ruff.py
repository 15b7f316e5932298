"""ruff's security rules (S): the same checks as bandit's on ruff's own parser (https://docs.astral.sh/ruff)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from batchnb.analyzers.scanners.base import Issue, Scanner, ScanReport, load_json, place
from batchnb.analyzers.scanners.noise import tags_of
from batchnb.analyzers.scanners.ruff_rules import rule_info
from batchnb.records.errors import ReportError
from batchnb.tools.locate import find_program

if TYPE_CHECKING:
    from pathlib import Path

    from batchnb.tools.process import RawOutput

_NEWEST_SYNTAX = "py313"


class Ruff(Scanner):
    """`ruff check --select S`. One run per app: on deep nesting ruff dies and would take others along."""

    name: ClassVar[str] = "ruff"
    suffixes: ClassVar[frozenset[str]] = frozenset({".py"})
    utf8_only: ClassVar[bool] = True
    install_hint: ClassVar[str] = "pip install 'batchnb[tools]'"
    self_test: ClassVar[tuple[str, str, str] | None] = (
        "app.py",
        "import subprocess\nsubprocess.call('ls *', shell=True)\n",
        "S602",
    )

    def command(self) -> tuple[str, ...] | None:
        """Return the ruff that is installed beside batchnb, or else on the PATH."""
        found = find_program("ruff")
        return (str(found),) if found else None

    def argv(self, root: Path) -> tuple[str, ...]:
        """Scan `root` with the S rules; no configuration, no ignore file and no `# noqa` is obeyed."""
        return (
            *("check", str(root), "--select", "S", "--output-format", "json", "--exit-zero"),
            *("--isolated", "--no-cache", "--no-respect-gitignore", "--ignore-noqa"),
            # ruff leaves out folders such as dist and venv by default, and says nothing
            *("--config", "exclude=[]", "--target-version", _NEWEST_SYNTAX),
        )

    def parse(self, raw: RawOutput) -> ScanReport:
        """Read ruff's JSON report; its many syntax errors of one file become one."""
        if raw.returncode != 0:
            raise ReportError(f"ruff ended with exit code {raw.returncode}")
        try:
            rows = [(row, row["code"]) for row in load_json(raw, self.name, list)]
            issues = tuple(_issue(row) for row, code in rows if not _is_syntax_error(code))
            unparsed: dict[str, str] = {}
            for row, code in rows:
                if _is_syntax_error(code):
                    where = f"line {row['location']['row']}: {row['message']}"
                    unparsed.setdefault(row["filename"], where)
        except (KeyError, TypeError, AttributeError) as error:
            raise ReportError(f"ruff's report is not of the known form: {error!r}") from error
        return ScanReport(issues=issues, unparsed=unparsed)


def _is_syntax_error(code: str | None) -> bool:
    return code is None or code == "invalid-syntax"  # None: ruff before 0.12


def _issue(row: dict[str, Any]) -> Issue:
    info = rule_info(row["code"])
    return Issue(
        path=row["filename"],
        rule=row["code"],
        severity=info.severity,
        confidence=None,
        cwe=info.cwe,
        line=place(row["location"]["row"]),
        end_line=place(row["end_location"]["row"]),
        column=place(row["location"]["column"]),
        message=row["message"],
        tags=tags_of(row["code"]),
    )
