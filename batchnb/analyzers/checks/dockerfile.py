"""A few checks of Dockerfiles.

CWE: 250 (execution with unnecessary privileges), 494 (download of code without integrity check), 489 (active
debug code), 798 (hard-coded credentials), 1357 (insufficiently trustworthy component). Severities are our own
choice, low where nearly every image has it: no USER, no tag.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, ClassVar

from batchnb.analyzers.checks.debug_server import is_debug_command, is_debug_setting
from batchnb.analyzers.checks.dockerfile_form import Instruction, read_instructions
from batchnb.analyzers.checks.rule import NOT_RECOGNIZED, Confidence, Rule, Severity
from batchnb.analyzers.scanners.base import Issue, ScanReport, SourceCheck
from batchnb.analyzers.secret_names import is_placeholder, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Rule(name="docker-root", severity=Severity.LOW, cwe=250, says="the container runs as root: {}")
UNTAGGED = Rule(
    name="docker-untagged",
    severity=Severity.LOW,
    cwe=1357,
    says="the base image {} has no fixed version: each build may bring another one",
)
ADD_URL = Rule(
    name="docker-add-url",
    severity=Severity.MEDIUM,
    cwe=494,
    says="ADD fetches {} without a checksum",
)
PIPE_TO_SHELL = Rule(
    name="docker-pipe-to-shell",
    severity=Severity.MEDIUM,
    cwe=494,
    says="runs what it fetches, unchecked: {}",
)
SECRET = Rule(
    name="docker-secret",
    severity=Severity.HIGH,
    cwe=798,
    confidence=Confidence.MEDIUM,
    says="the image contains the value of {}",
)
PLACEHOLDER = Rule(
    name="docker-secret",
    severity=Severity.LOW,
    cwe=798,
    confidence=Confidence.LOW,
    says="the image contains a value of {}, which looks like an example",
    tags=("noise", "placeholder"),
)
DEBUG = Rule(
    name="docker-debug",
    severity=Severity.MEDIUM,
    cwe=489,
    says="starts the server in debug mode: {}",
)
RULES = (ROOT, UNTAGGED, ADD_URL, PIPE_TO_SHELL, SECRET, DEBUG)

_PIPE = re.compile(
    r"\b(?:curl|wget)\b[^\n|;&]{0,500}\|\s*(?:sudo\s+(?:-\S+\s+)*)?(?:\S*/)?(?:(?:ba|da|z|a)?sh|python[0-9.]*|node)\b"
)
_SUBSHELL = re.compile(r"\b(?:ba|z)?sh\b\s+(?:-c\s+)?[\"']?(?:\$\(|<\(|`)\s*(?:curl|wget)\b")
_ROOT_USERS = re.compile(r"(?:root|0)(?::.*)?", re.IGNORECASE)
_PAIR = re.compile(r"""\b([A-Za-z_][A-Za-z0-9_]{0,100})=("(?:[^"\\]|\\.)*"|'[^']*'|\S*)""")


class DockerfileCheck(SourceCheck):
    """Looks at Dockerfiles."""

    name: ClassVar[str] = "dockerfile"
    suffixes: ClassVar[frozenset[str]] = frozenset()
    names: ClassVar[frozenset[str]] = frozenset(
        {"dockerfile", "containerfile", "dockerfile.dev", "dockerfile.prod", "dockerfile.backend"}
        | {"dockerfile.frontend", "dockerfile.production", "dockerfile.development"}
    )
    self_test: ClassVar[tuple[str, str, str] | None] = ("Dockerfile", "FROM python\n", UNTAGGED.name)

    def version(self) -> str:
        """Return the version of the rules."""
        return "1"

    def check(self, files: Mapping[str, str]) -> ScanReport:
        """Return what is wrong, by line. A file without FROM is no Dockerfile, and counts as unread."""
        issues: list[Issue] = []
        unparsed: dict[str, str] = {}
        incomplete: dict[str, str] = {}
        for path, text in files.items():
            if not self.is_for(path):
                unparsed[path] = NOT_RECOGNIZED
                continue
            instructions = list(read_instructions(text))
            strange = [each for each in instructions if not each.word]
            gaps = "; ".join(f"line {each.line} {each.value}" for each in strange[:5])
            if not any(each.word == "FROM" for each in instructions):
                unparsed[path] = f"has no FROM{': ' if gaps else ''}{gaps}"
                continue
            if gaps:
                incomplete[path] = gaps
            issues += _issues(path, instructions)
        return ScanReport(issues=tuple(issues), unparsed=unparsed, incomplete=incomplete)


def _issues(path: str, instructions: list[Instruction]) -> Iterator[Issue]:
    stages: set[str] = set()
    user = start = None
    for each in instructions:
        if each.word == "FROM":
            yield from _of_image(path, each, stages)
            user, start = None, each
        elif each.word == "USER":
            user = each
        elif each.word == "ADD":
            yield from _of_add(path, each)
        elif each.word in {"ENV", "ARG"}:
            yield from _of_setting(path, each)
        elif each.word in {"RUN", "CMD", "ENTRYPOINT"}:
            yield from _of_command(path, each)
    if user is None and start is not None:
        yield ROOT.at(path, start.line, "there is no USER after the last FROM")
    elif user is not None and _ROOT_USERS.fullmatch(user.value):
        yield ROOT.at(path, user.line, f"USER {user.value}")


def _of_image(path: str, each: Instruction, stages: set[str]) -> Iterator[Issue]:
    words = [word for word in each.value.split() if not word.startswith("--")]
    image = words[0] if words else ""
    known = image.lower() in stages or image.lower() == "scratch" or "$" in image
    if len(words) == 3 and words[1].upper() == "AS":
        stages.add(words[2].lower())
    name, _, tag = image.rpartition("/")[2].partition(":")
    if name and not known and "@" not in image and tag in {"", "latest"}:
        yield UNTAGGED.at(path, each.line, image)


def _of_add(path: str, each: Instruction) -> Iterator[Issue]:
    if "--checksum=" not in each.value:
        for word in each.value.split():
            address = word.strip("\"'[],")
            if address.lower().startswith(("http://", "https://")):
                yield ADD_URL.at(path, each.line, address)


def _of_setting(path: str, each: Instruction) -> Iterator[Issue]:
    pairs = _PAIR.findall(each.value)
    if not pairs and each.word == "ENV":  # the old form: ENV NAME value
        name, _, value = each.value.partition(" ")
        pairs = [(name, value)]
    for name, value in pairs:
        if is_secret(name, value):
            yield (PLACEHOLDER if is_placeholder(value) else SECRET).at(path, each.line, name)
        if is_debug_setting(name, value):
            yield DEBUG.at(path, each.line, f"{name}={value}")


def _of_command(path: str, each: Instruction) -> Iterator[Issue]:
    command = _as_shell(each.value)
    if each.word == "RUN" and (match := _PIPE.search(command) or _SUBSHELL.search(command)):
        yield PIPE_TO_SHELL.at(path, each.line, match[0])
    if each.word != "RUN" and is_debug_command(command):
        yield DEBUG.at(path, each.line, command)


def _as_shell(value: str) -> str:
    """Return a command in its list form as one line."""
    if not value.startswith("["):
        return value
    try:
        words = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return " ".join(map(str, words)) if isinstance(words, list) else value
