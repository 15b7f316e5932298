"""detect-secrets: keys and passwords in files (https://github.com/Yelp/detect-secrets). It tells no secret.

Severity and confidence, of which detect-secrets gives neither: a token with the form of its provider is high
and sure to a high degree; what is assigned to a name such as `password` is medium; a text that only looks
random is low. CWE: 798 (hard-coded credentials), but for addresses, which are none.
"""

from __future__ import annotations

import hashlib
import sys
from importlib.util import find_spec
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from batchnb.analyzers.scanners.base import Issue, Scanner, ScanReport, load_json, place
from batchnb.records import Confidence, Severity
from batchnb.records.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from batchnb.tools.process import RawOutput

HARD_CODED = 798
# The checksums in a package-lock.json, each alone on its line: nothing else can hide behind this.
_CHECKSUM_LINE = r'^\s*"integrity": "sha(1|256|384|512)-[A-Za-z0-9+/=]+",?\s*$'
# Filters that let an app hide secrets by a comment or by the name of a file.
_OBEYED_BY_DEFAULT = (
    "detect_secrets.filters.allowlist.is_line_allowlisted",
    "detect_secrets.filters.heuristic.is_lock_file",
    "detect_secrets.filters.heuristic.is_swagger_file",
    # Not by what it hides in a line with a call in it: a whole file can be one line.
    "detect_secrets.filters.heuristic.is_indirect_reference",
)


class _Kind(NamedTuple):
    severity: Severity
    confidence: Confidence
    cwe: int | None = HARD_CODED
    tags: tuple[str, ...] = ()


_TOKEN = _Kind(Severity.HIGH, Confidence.HIGH)
_RANDOM = _Kind(Severity.LOW, Confidence.LOW)
KINDS = {
    "Secret Keyword": _Kind(Severity.MEDIUM, Confidence.MEDIUM),
    "Base64 High Entropy String": _RANDOM,
    "Hex High Entropy String": _RANDOM,
    "Public IP (ipv4)": _Kind(Severity.LOW, Confidence.LOW, cwe=None, tags=("noise",)),
}
"""Types that are not a token of known form; all others are."""


_PHRASES = (
    *("change me", "replace me", "change this", "fix me", "place holder", "example", "dummy", "todo"),
    *("change me in production", "change this in production", "change in production"),
)
_WHOSE = ("your", "your super", "my", "example", "insert", "insert your")
_THINGS = (
    *("api key", "secret key", "secret", "password", "token", "jwt secret", "access token", "client secret"),
)
_FROM_MANUALS = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def _placeholders() -> Iterator[str]:
    """Yield values that are written where a secret has to be put in later."""
    things = (f"{whose} {thing}" for whose, thing in product(_WHOSE, _THINGS))
    phrases = (*_PHRASES, *(text for thing in things for text in (thing, f"{thing} here")))
    for phrase, joint in product(phrases, ("-", "_", "", " ")):
        text = phrase.replace(" ", joint)
        yield from (text, text.upper(), text.title(), f"<{text}>")
    yield from ("x" * length for length in range(3, 41))
    yield from _FROM_MANUALS


def _hash(text: str) -> str:
    """Return what detect-secrets writes in the place of a secret."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


_PLACEHOLDER_HASHES = frozenset(map(_hash, _placeholders()))


class DetectSecrets(Scanner):
    """`python -I -m detect_secrets scan`, without asking any provider whether a key works."""

    name: ClassVar[str] = "detect-secrets"
    distribution: ClassVar[str] = "detect-secrets"
    suffixes: ClassVar[frozenset[str]] = frozenset(
        {".py", ".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".vue", ".svelte", ".html"}
        | {
            ".env",
            ".json",
            ".yml",
            ".yaml",
            ".toml",
            ".ini",
            ".cfg",
            ".conf",
            ".properties",
            ".sh",
            ".pem",
            ".key",
        }
    )
    names: ClassVar[frozenset[str]] = frozenset(
        {"dockerfile", ".env.local", ".env.example", ".env.production", ".env.development"}
    )
    utf8_only: ClassVar[bool] = True
    install_hint: ClassVar[str] = "pip install 'batchnb[tools]'"
    self_test: ClassVar[tuple[str, str, str] | None] = (
        "settings.py",
        'DB_PASSWORD = "q7Rw-planted-91xz"\n',
        "Secret Keyword",
    )

    def command(self) -> tuple[str, ...] | None:
        """Return how to start it with the interpreter that runs batchnb."""
        return (sys.executable, "-I", "-m", "detect_secrets") if find_spec("detect_secrets") else None

    def argv(self, root: Path) -> tuple[str, ...]:
        """Scan all files in `root`; no comment and no name of a file makes it pass over something."""
        unheard = [word for name in _OBEYED_BY_DEFAULT for word in ("--disable-filter", name)]
        # -C: given an absolute path it finds nothing and says nothing
        where = ("-c", "1", "-C", str(root))
        return (
            *where,
            "scan",
            "--all-files",
            "--no-verify",
            *unheard,
            "--exclude-lines",
            _CHECKSUM_LINE,
            ".",
        )

    def parse(self, raw: RawOutput) -> ScanReport:
        """Read the report, which says nothing about the files in which nothing was found."""
        if raw.returncode != 0:
            raise ReportError(f"detect-secrets ended with exit code {raw.returncode}")
        report = load_json(raw, self.name, dict)
        try:
            rows = [(path, row) for path, found in report["results"].items() for row in found]
            issues = tuple(_issue(path, row) for path, row in rows)
        except (KeyError, TypeError, AttributeError) as error:
            raise ReportError(f"detect-secrets's report is not of the known form: {error!r}") from error
        return ScanReport(issues=issues)


def _issue(path: str, row: dict[str, Any]) -> Issue:
    kind = KINDS.get(row["type"], _TOKEN)
    line = place(row["line_number"])
    tags = kind.tags
    if row["hashed_secret"] in _PLACEHOLDER_HASHES:
        tags = (*tags, "noise", "placeholder")
    return Issue(
        path=path,
        rule=row["type"],
        severity=kind.severity,
        confidence=kind.confidence,
        cwe=kind.cwe,
        line=line,
        end_line=line,
        column=None,
        message=f"Possible secret in the source: {row['type']}",
        tags=tags,
    )
