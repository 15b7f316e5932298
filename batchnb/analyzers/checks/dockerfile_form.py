"""Reading a Dockerfile into its instructions (https://docs.docker.com/reference/dockerfile/)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS = frozenset(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL"  # noqa: SIM905
    " USER VOLUME WORKDIR".split()
)
_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)(?:\s+(.*))?", re.DOTALL)
_HEREDOC = re.compile(r"<<-?\s*[\"']?([A-Za-z_][A-Za-z0-9_]*)[\"']?")
_ESCAPE = re.compile(r"#\s*escape\s*=\s*`\s*", re.IGNORECASE)
_MOST_LINES = 5_000
_LONGEST = 16_384


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """One instruction, its continued lines joined."""

    line: int
    """1-based, of its first line."""
    word: str
    """In capitals; empty: it is no instruction."""
    value: str


def read_instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions; what is none has an empty word and says why in its value."""
    lines = text.removeprefix("\ufeff").splitlines()
    if len(lines) > _MOST_LINES:
        yield Instruction(line=_MOST_LINES + 1, word="", value=f"more than {_MOST_LINES} lines")
    lines = lines[:_MOST_LINES]
    escape = "`" if lines and _ESCAPE.fullmatch(lines[0].strip()) else "\\"
    at = 0
    while at < len(lines):
        start, at, joined = at, *_joined(lines, at, escape)
        if joined.strip():
            yield _instruction(start + 1, joined)


def _joined(lines: list[str], at: int, escape: str) -> tuple[int, str]:
    """Return where the instruction that begins at a line ends, and its text."""
    parts: list[str] = []
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.lstrip().startswith("#"):  # also between continued lines
            if not parts:
                break
            continue
        if not line.rstrip().endswith(escape):
            parts.append(line)
            break
        parts.append(line.rstrip()[:-1])
    text = " ".join(parts)
    heredoc = _HEREDOC.search(text) if text.lstrip()[:5].upper().startswith(("RUN", "COPY", "ADD")) else None
    if heredoc:
        while at < len(lines):
            line = lines[at]
            at += 1
            if line.strip() == heredoc[1]:
                break
            text += f"\n{line}"
    return at, text


def _instruction(line: int, text: str) -> Instruction:
    match = _INSTRUCTION.fullmatch(text[:_LONGEST])
    word = match[1].upper() if match else ""
    if len(text) > _LONGEST:
        return Instruction(line=line, word="", value=f"is longer than {_LONGEST} characters")
    if match is None or word not in _WORDS:
        return Instruction(line=line, word="", value="is no instruction")
    return Instruction(line=line, word=word, value=(match[2] or "").strip())
