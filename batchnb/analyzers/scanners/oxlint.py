"""oxlint: a few of ESLint's rules in one native program, without Node (https://oxc.rs)."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from batchnb.analyzers.scanners.base import Issue, Scanner, ScanReport, place
from batchnb.analyzers.scanners.javascript_rules import RULES, script_rule
from batchnb.records.errors import ReportError
from batchnb.tools.limits import Limits
from batchnb.tools.locate import find_program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.tools.process import RawOutput

SCRIPTS = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"})
"""Suffixes of files that are JavaScript or TypeScript from the first byte to the last."""

_CONFIG = Path(__file__).with_name("node") / "oxlint.json"
_NOTHING_TO_LINT = b"No files found to lint."
_LONGEST_NAMES = 512 << 10  # bytes; the system takes about 2 MiB of arguments
_STACK = 256 << 20  # bytes per thread: with the default of 2 MiB, 5,000 nested brackets are the end of it
_CODE = re.compile(r"([\w-]+)\(([\w/-]+)\)")
_UNREADABLE = re.compile(r"Failed to open file (.+) with error \"(.+)\"", re.DOTALL)


class Oxlint(Scanner):
    """`oxlint` from PyPI, which has no JavaScript engine and so cannot run an app's plug-ins."""

    name: ClassVar[str] = "oxlint"
    suffixes: ClassVar[frozenset[str]] = SCRIPTS | {".vue", ".svelte", ".astro"}
    install_hint: ClassVar[str] = "pip install 'batchnb[tools]'"
    limits: ClassVar[Limits] = Limits(memory_bytes=4 << 30)
    environment: ClassVar[Mapping[str, str]] = MappingProxyType({"RUST_MIN_STACK": str(_STACK)})
    self_test: ClassVar[tuple[str, str, str] | None] = (
        "src/App.jsx",
        "export const App = (p) => <div dangerouslySetInnerHTML={{ __html: p.text }} />;\n",
        "react(no-danger)",
    )

    def command(self) -> tuple[str, ...] | None:
        """Return the oxlint that is installed beside batchnb, or else on the PATH."""
        found = find_program("oxlint")
        return (str(found),) if found else None

    def argv(self, root: Path) -> tuple[str, ...]:
        """Lint the files under `root` by name, with our rules only.

        By name, because a folder is searched with the ignore files of every folder above it, such as a
        `.gitignore` in the system's temporary folder, and no option turns that off.
        """
        options = ("-c", str(_CONFIG), "--disable-nested-config", "--format", "json", "--threads", "2")
        return (*options, *self._files(root))

    def _files(self, root: Path) -> list[str]:
        names = sorted(
            os.path.join(folder, file)  # noqa: PTH118 - thousands of them, and only text is needed
            for folder, _, files in os.walk(root)
            for file in files
            if Path(file).suffix in self.suffixes
        )
        small = sum(len(os.fsencode(name)) + 1 for name in names) <= _LONGEST_NAMES
        return names if names and small else [str(root)]

    def parse(self, raw: RawOutput) -> ScanReport:
        """Read oxlint's JSON report; a diagnostic that is no rule's is a file that could not be read."""
        if raw.returncode not in {0, 1}:  # 1: there are errors, or nothing was linted
            raise ReportError(f"oxlint ended with exit code {raw.returncode}")
        try:
            return _report(_document(raw))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ReportError(f"oxlint's report is not of the known form: {error!r}") from error


def _document(raw: RawOutput) -> Any:
    """Return the JSON object on standard output; if nothing was linted, a sentence stands before it."""
    if raw.stdout_truncated:
        raise ReportError(f"oxlint's report was cut off at {len(raw.stdout)} bytes")
    text = raw.stdout.strip()
    if text.startswith(_NOTHING_TO_LINT):
        text = text[text.find(b"{") :]
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"oxlint wrote no readable report ({len(raw.stdout)} bytes): {error}") from error


def _report(document: dict[str, Any]) -> ScanReport:
    issues: list[Issue] = []
    unparsed: dict[str, str] = {}
    unplaced = ""
    for row in document["diagnostics"]:
        unreadable = _UNREADABLE.fullmatch(row["message"])
        if row.get("code") and _eslint_name(row["code"]) in RULES:
            issues.append(_issue(row))
        elif "filename" in row:
            unparsed.setdefault(row["filename"], _syntax_error(row))
        elif unreadable:
            unparsed.setdefault(unreadable[1], f"not read: {unreadable[2]}")
        else:
            unplaced = f"oxlint reported without naming a file: {row['message']:.200}"
    seen = document["number_of_files"]
    nothing = "" if seen else "oxlint found no file to lint"
    return ScanReport(issues=tuple(issues), unparsed=unparsed, doubt=unplaced or nothing)


def _syntax_error(row: dict[str, Any]) -> str:
    where = f"line {place(row['labels'][0]['span']['line'])}: " if row.get("labels") else ""
    return f"{where}{row['message']}"


def _issue(row: dict[str, Any]) -> Issue:
    """Return the finding. oxlint counts columns in bytes of UTF-8: right where all before is ASCII."""
    info = script_rule(_eslint_name(row["code"]))
    span = row["labels"][0]["span"] if row.get("labels") else {}
    return Issue(
        path=row["filename"],
        rule=row["code"],
        severity=info.severity,
        confidence=None,
        cwe=info.cwe,
        line=place(span["line"]) if span else None,
        end_line=place(span["line"]) if span else None,
        column=place(span["column"]) if span else None,
        message=row["message"],
        tags=info.tags,
    )


def _eslint_name(code: str) -> str:
    """Return `react/no-danger` for oxlint's `react(no-danger)`, and `no-eval` for `eslint(no-eval)`."""
    match = _CODE.fullmatch(code)
    scope, rule = (match[1], match[2]) if match else ("", code)
    return rule if scope in {"", "eslint"} else f"{scope}/{rule}"
