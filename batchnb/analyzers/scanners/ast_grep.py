"""Our own rules for scripts, on the trees of ast-grep (https://ast-grep.github.io), inside this process."""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, ClassVar, cast

from batchnb.analyzers.scanners.base import Issue, ScanReport, SourceCheck
from batchnb.analyzers.scanners.oxlint import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ast_grep_py import Config

    from batchnb.analyzers.scanners.ast_grep_rules import Rule, Script

RULES_VERSION = "1"
_LONGEST_TEXT = 1 << 20
_MOST_FINDINGS = 200
"""Findings of one rule in one file."""
_FILE_SECONDS = 10.0
"""Of processor time, for one file; real ones take milliseconds."""
_CLOCK_EVERY = 64
"""Places between two looks at the clock."""
_WITHOUT_JSX = frozenset({".ts", ".mts", ".cts"})


class AstGrep(SourceCheck):
    """What the linters miss: storage, redirects, messages, HTML, plain HTTP."""

    name: ClassVar[str] = "ast-grep"
    suffixes: ClassVar[frozenset[str]] = SCRIPTS
    install_hint: ClassVar[str] = "pip install 'batchnb[tools]'"
    self_test: ClassVar[tuple[str, str, str] | None] = (
        "src/login.js",
        "export const keep = (token) => localStorage.setItem('token', token);\n",
        "batchnb/secret-in-web-storage",
    )

    def version(self) -> str:
        """Return the versions of ast-grep and of the rules."""
        try:
            return f"{version('ast-grep-py')}+rules{RULES_VERSION}"
        except PackageNotFoundError:
            return ""

    def available(self) -> str:
        """Return that ast-grep is missing, if it is."""
        return "" if find_spec("ast_grep_py") else "the package ast-grep-py is not installed"

    def check(self, files: Mapping[str, str]) -> ScanReport:
        """Apply every rule to every file."""
        issues: list[Issue] = []
        unparsed: dict[str, str] = {}
        incomplete: dict[str, str] = {}
        for path, text in files.items():
            if len(text) > _LONGEST_TEXT:
                unparsed[path] = f"longer than {_LONGEST_TEXT} characters"
                continue
            found, undone = _check_file(self._rules(), path, text)
            issues.extend(found)
            if undone:
                incomplete[path] = f"read, but {undone}"
        return ScanReport(
            issues=tuple(issues),
            unparsed=unparsed,
            incomplete=incomplete,
            scanned=frozenset(files) - unparsed.keys(),
        )

    def _rules(self) -> tuple[Rule, ...]:
        from batchnb.analyzers.scanners.ast_grep_rules import RULES  # noqa: PLC0415 - ast-grep is an extra

        return RULES


class AstGrepSecrets(AstGrep):
    """Keys written into scripts; a tool of its own, as what it looks for is no other rule's."""

    name: ClassVar[str] = "ast-grep-secrets"
    self_test: ClassVar[tuple[str, str, str] | None] = (
        "src/api.js",
        'export const API_KEY = "8c1f0e5d7b2a4936a1f7";\n',
        "batchnb/key-in-script",
    )

    def _rules(self) -> tuple[Rule, ...]:
        from batchnb.analyzers.scanners.ast_grep_rules import SECRET_RULES  # noqa: PLC0415 - as above

        return SECRET_RULES


def _check_file(rules: tuple[Rule, ...], path: str, text: str) -> tuple[list[Issue], str]:
    """Return a file's findings, and what was left undone in it."""
    from batchnb.analyzers.scanners.ast_grep_rules import Script  # noqa: PLC0415 - as above

    text = text.removeprefix("\ufeff").encode(errors="replace").decode()  # ast-grep takes no lone surrogates
    jsx = PurePosixPath(path).suffix.lower() not in _WITHOUT_JSX
    until = time.thread_time() + _FILE_SECONDS
    script = Script(text, "tsx" if jsx else "typescript")
    found: dict[tuple[str, int | None, int | None], Issue] = {}
    undone = _damage(script)
    for rule in rules:
        if rule.jsx and not jsx:
            continue
        for count, issue in enumerate(_findings(rule, script, path, until)):
            if count >= _MOST_FINDINGS:
                undone = undone or f"{rule.id} has more than {_MOST_FINDINGS} findings"
                break
            found.setdefault((rule.id, issue.line, issue.column), issue)  # two rules may share an id
        if time.thread_time() > until:
            return list(found.values()), f"not with every rule: {_FILE_SECONDS:.0f} seconds were over"
    return list(found.values()), undone


def _damage(script: Script) -> str:
    """Return where the text is not in the language, so that the tree has a hole; empty: nowhere."""
    skipped = script.root.find(kind="ERROR")
    if skipped is None:  # nor anything that the parser had to make up, which has no text
        skipped = script.root.find(cast("Config", {"rule": {"regex": "^$", "not": {"kind": "program"}}}))
    return f"line {skipped.range().start.line + 1} is not in the language" if skipped is not None else ""


def _findings(rule: Rule, script: Script, path: str, until: float) -> Iterator[Issue]:
    """Yield a rule's findings in a file; none any more when the thread's clock has passed `until`."""
    seen: set[int] = set()
    shapes = {"rule": {"any": list(rule.shapes)}}
    for number, place in enumerate(script.root.find_all(cast("Config", shapes))):
        if number % _CLOCK_EVERY == 0 and time.thread_time() > until:
            return
        answer = rule.check(script, place)
        if answer is None:
            continue
        node, severity = answer if isinstance(answer, tuple) else (answer, None)
        where = node.range()
        if where.start.index in seen:
            continue
        seen.add(where.start.index)
        yield Issue(
            path=path,
            rule=rule.id,
            severity=severity or rule.severity,
            confidence=rule.confidence,
            cwe=rule.cwe,
            line=where.start.line + 1,
            end_line=where.end.line + 1,
            column=where.start.column + 1,
            message=rule.message,
        )
