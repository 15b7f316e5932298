"""Which parts of an app's source the model is shown, when not all of it fits into its context window."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batchnb.analyzers.llm.rows import Chunk, lines_of, rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHUNK_LINES = 60
BYTES_PER_TOKEN = 2.4
"""Of source as JSON rows, on the low side (measured with Gemma's vocabulary of 262,144: 2.46 to 2.64)."""
_WORD = re.compile(r"[A-Za-z]{3,40}")
_ROUTE = re.compile(r"/[A-Za-z0-9_/-]{2,100}")
# fmt: off
_COMMON = frozenset({
    "all", "and", "answers", "any", "app", "application", "are", "can", "delete", "each", "every",
    "for", "from", "get", "gives", "has", "have", "into", "is", "its", "must", "not", "one", "only",
    "out", "page", "post", "put", "right", "shall", "should", "show", "shows", "status", "that", "the",
    "this", "two", "use", "used", "user", "users", "uses", "was", "what", "when", "where", "which",
    "who", "will", "with", "wrong",
})
# fmt: on
_PARTS = {
    "frontend": ("frontend", "form", "page", "button", "screen", "view", "ui"),
    "backend": ("api", "server"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Requirements that are asked about the same source."""

    numbers: tuple[int, ...]
    """Of the requirements, counted from 1."""
    source: str
    """As it stands in the prompt."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Path in the app -> which lines are not shown."""


def chunks_of(sources: Mapping[str, str]) -> list[Chunk]:
    """Return the source in pieces: the backend first, then by path.

    Args:
        sources: path in the app -> text.
    """
    chunks = []
    for path in sorted(sources, key=lambda path: (not path.startswith("backend/"), path)):
        lines = lines_of(sources[path])
        chunks += [
            Chunk(path=path, first=start + 1, lines=tuple(lines[start : start + CHUNK_LINES]))
            for start in range(0, len(lines), CHUNK_LINES)
        ]
    return chunks


def pack(chunks: Sequence[Chunk], requirements: Sequence[str], tokens: int) -> list[Group]:
    """Return the groups of requirements with what each is shown.

    Args:
        chunks: the app's source.
        requirements: all of them.
        tokens: how many the source may take.
    """
    room = int(tokens * BYTES_PER_TOKEN)
    everything = rows(chunks)
    numbers = tuple(range(1, len(requirements) + 1))
    if len(everything.encode()) <= room:
        return [Group(numbers=numbers, source=everything)]
    sizes = [chunk.size for chunk in chunks]
    words = [_words(chunk) for chunk in chunks]
    chosen: dict[tuple[int, ...], list[int]] = {}
    for number, requirement in zip(numbers, requirements, strict=True):
        scores = [_score(chunk, words[place], requirement) for place, chunk in enumerate(chunks)]
        chosen.setdefault(_choose(scores, sizes, room), []).append(number)
    return [
        Group(
            numbers=tuple(asking),
            source=rows(chunks[place] for place in places),
            left_out=_left_out(chunks, set(places)),
        )
        for places, asking in chosen.items()
    ]


def _choose(scores: Sequence[float], sizes: Sequence[int], room: int) -> tuple[int, ...]:
    """Return the places of the best chunks that fit together, in the order of the source."""
    places = []
    for place in sorted(range(len(scores)), key=lambda place: (-scores[place], place)):
        if sizes[place] <= room:
            places.append(place)
            room -= sizes[place]
    return tuple(sorted(places))


def _words(chunk: Chunk) -> frozenset[str]:
    return frozenset(stems("\n".join((chunk.path, *chunk.lines))))


def stems(text: str) -> list[str]:
    """Return the words of a text, `userProfiles` as two of them, without a plural's end."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    words = (word.lower() for word in _WORD.findall(apart))
    return [word.removesuffix("s") for word in words if word not in _COMMON]


def _score(chunk: Chunk, words: frozenset[str], requirement: str) -> float:
    """Return how much a chunk has to do with a requirement: words, and routes above all."""
    wanted = set(stems(requirement))
    score = float(len(wanted & words))
    text = "\n".join(chunk.lines)
    score += 5.0 * sum(route in text for route in _ROUTE.findall(requirement))
    lower = requirement.lower()
    for part, signs in _PARTS.items():
        is_named = part in lower or any(re.search(rf"\b{sign}s?\b", lower) for sign in signs)
        score += 2.0 * (is_named and chunk.path.startswith(f"{part}/"))
    return score


def _left_out(chunks: Sequence[Chunk], shown: set[int]) -> dict[str, str]:
    spans: dict[str, list[list[int]]] = {}
    for place, chunk in enumerate(chunks):
        if place not in shown:
            of_file = spans.setdefault(chunk.path, [])
            if of_file and of_file[-1][1] == chunk.first - 1:
                of_file[-1][1] = chunk.last
            else:
                of_file.append([chunk.first, chunk.last])
    return {path: ", ".join(f"{first}-{last}" for first, last in found) for path, found in spans.items()}
