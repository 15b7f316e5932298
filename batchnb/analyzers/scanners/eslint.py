"""ESLint with its security plug-ins, through its Linter class in one Node process (https://eslint.org)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from batchnb.analyzers.scanners.base import Issue, Scanner, ScanReport, place
from batchnb.analyzers.scanners.javascript_rules import script_rule
from batchnb.analyzers.scanners.oxlint import SCRIPTS
from batchnb.records.errors import ReportError
from batchnb.tools import kit
from batchnb.tools.limits import Limits

if TYPE_CHECKING:
    from batchnb.tools.process import RawOutput

_RUNNER = Path(__file__).with_name("node") / "runner.mjs"
# Node's own, for what it holds beside the linting thread, which has a bound of its own in the runner.
_HEAP_MIB = 512


class ESLint(Scanner):
    """`node runner.mjs`: no configuration of anybody is looked up, and no comment is obeyed.

    Files of Vue, Svelte and Astro are not for it: they need parsers of their own. oxlint reads their scripts.
    """

    name: ClassVar[str] = "eslint"
    suffixes: ClassVar[frozenset[str]] = SCRIPTS
    install_hint: ClassVar[str] = (
        "batchnb tools install (and Node from 20.19 on, which it gets if there is none)"
    )
    # Node reserves address space freely: 3 GB suffice for Node 20 and 24
    limits: ClassVar[Limits] = Limits(memory_bytes=6 << 30)
    self_test: ClassVar[tuple[str, str, str] | None] = (
        "src/main.js",
        "export function show(box, text) {\n  box.innerHTML = text;\n}\n",
        "no-unsanitized/property",
    )

    def command(self) -> tuple[str, ...] | None:
        """Return the Node command line up to the folder that ESLint is installed in."""
        node, modules = kit.node(), kit.find("eslint")
        if node is None or modules is None:
            return None
        flags = (f"--max-old-space-size={_HEAP_MIB}", "--no-addons", "--no-warnings")
        return (str(node), *flags, str(_RUNNER), str(modules))

    def argv(self, root: Path) -> tuple[str, ...]:
        """Lint every script under `root`."""
        return (str(root),)

    def parse(self, raw: RawOutput) -> ScanReport:
        """Read the runner's lines: one for each file, and a last one with their number."""
        if raw.returncode != 0:
            raise ReportError(f"the ESLint runner ended with exit code {raw.returncode}")
        if raw.stdout_truncated:
            raise ReportError(f"ESLint's report was cut off at {len(raw.stdout)} bytes")
        try:
            _, *rows, last = (json.loads(line) for line in raw.stdout.splitlines())
            if last["end"] != len(rows):
                raise ReportError(f"ESLint's report names {len(rows)} files of {last['end']}")
            return _report(rows)
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            if isinstance(error, ReportError):
                raise
            raise ReportError(f"ESLint's report is not of the known form: {error!r:.200}") from error


def _report(rows: list[dict[str, Any]]) -> ScanReport:
    issues: list[Issue] = []
    unparsed: dict[str, str] = {}
    incomplete: dict[str, str] = {}
    for row in rows:
        path = row["file"]
        problem = row.get("error") or _problem(row["messages"])
        if problem:
            unparsed[path] = problem
            continue
        issues.extend(_issue(path, message) for message in row["messages"])
        undone = [f"ESLint's rule {rule['rule']} failed: {rule['why']}" for rule in row["failed"]]
        if row["left_out"]:
            undone.append(f"{row['left_out']} more findings were left out")
        if undone:
            incomplete[path] = f"read, but {'; '.join(undone)}"
    return ScanReport(
        issues=tuple(issues),
        unparsed=unparsed,
        incomplete=incomplete,
        scanned=frozenset(row["file"] for row in rows) - unparsed.keys(),
    )


def _problem(messages: list[dict[str, Any]]) -> str:
    """Return why a file was not linted: what no rule said is ESLint's own complaint."""
    for message in messages:
        if message["fatal"] or message["rule"] is None:
            where = f"line {message['line']}: " if message["line"] else ""
            return f"{where}{message['message']}"
    return ""


def _issue(path: str, message: dict[str, Any]) -> Issue:
    info = script_rule(message["rule"])
    line = place(message["line"])
    end = message["end_line"]
    return Issue(
        path=path,
        rule=message["rule"],
        severity=info.severity,
        confidence=None,
        cwe=info.cwe,
        line=line,
        end_line=line if end is None else place(end),
        column=place(message["column"]),
        message=message["message"],
        tags=info.tags,
    )
