"""Source as rows of JSON, one per line: data in a prompt, whatever it says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

# What chat templates are made of. A server may take such words in a message for its own markers.
_MARKERS = re.compile(
    r"[<\[](?=/?\s?(?:\||[a-z]{1,12}_of_[a-z]{1,12}|s>|bos>|eos>|pad>|unk>|inst\b|sys|think|tool|system_prompt|"
    r"available_tools|img\b|media\b|__media|start_|end_|\uff5c))",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """Some consecutive lines of a file."""

    path: str
    """In the app."""
    first: int
    lines: tuple[str, ...]

    @property
    def last(self) -> int:
        """Number of the last line."""
        return self.first + len(self.lines) - 1

    @property
    def size(self) -> int:
        """Bytes that it takes in a prompt, with its share of the file's name."""
        own = sum(len(row(self.first, line).encode()) + 6 for line in self.lines)
        return own + len(self.path.encode()) + 12


def lines_of(text: str) -> list[str]:
    """Return the lines of a source as editors and tools count them: a form feed, say, ends none."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if not lines[-1] else lines


def rows(chunks: Iterable[Chunk]) -> str:
    """Return pieces of source as rows of JSON, each file's pieces under its name."""
    lines, current = [], None
    for chunk in chunks:
        if chunk.path != current:
            lines.append(f'{{"file":{as_data(chunk.path)}}}')
            current = chunk.path
        lines.extend(row(number, text) for number, text in enumerate(chunk.lines, start=chunk.first))
    return "\n".join(lines)


def row(number: int, text: str) -> str:
    """Return one line of source as a row."""
    return f"[{number},{as_data(text.rstrip())}]"


def as_data(text: str) -> str:
    """Return `text` as a JSON string in one line, with nothing invisible and no template marker in it."""
    written = json.dumps(visible(text), ensure_ascii=False)
    return _MARKERS.sub(lambda match: f"\\u{ord(match[0]):04x}", written)
