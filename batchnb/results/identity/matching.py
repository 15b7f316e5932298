"""Which finding of one run is which finding of another run of the same app.

Three stages, each on what the one before left: the same fingerprint; the same rule in the same file, near the
place where the line should be by now, with similar source; the same rule elsewhere in the app, with source
that is nearly the same (the file was renamed, the code was moved).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from batchnb.records.finding import folded
from batchnb.results.identity.assignment import cheapest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

NEAR_LINES = 20
"""How far from the expected line an edited finding may be, within its file."""
SIMILAR = 0.5
"""Least likeness of the source of an edited finding, within its file."""
SIMILAR_ELSEWHERE = 0.75
"""Least likeness of the source of a finding that moved."""
MIN_WORDS = 3
"""Source with fewer words says nothing about where it came from."""
MIN_PIECE = 6
"""Characters (as `folded`) that a piece of a broken line needs to say where it is from."""
MAX_PAIRS = 250_000
"""Leftovers of one rule that are more pairs than this are only weighed if their source or place is alike."""
FEW = 8
"""Of very many leftovers, how many at a like place are weighed on each side."""


class How(StrEnum):
    """What a pair was recognised by."""

    SAME = "same"
    """The same source in the same file."""
    EDITED = "edited"
    """Similar source in the same file, near the same place."""
    MOVED = "moved"
    """Nearly the same source in another file, or far away."""


class Sighting(NamedTuple):
    """One finding, as far as it is recognised by it."""

    tool: str
    rule: str
    path: str
    line: int | None
    text: str
    """Its source; if it has none, its message."""
    fingerprint: str
    pinned: bool = False
    """Whether its file is in the other run too, though it was not read there, so that it has not moved."""


class Pair(NamedTuple):
    """Places in the two sequences, and how they were paired."""

    before: int
    after: int
    how: How


@lru_cache(maxsize=1 << 14)
def words(text: str) -> frozenset[str]:
    """Return the words and numbers of source."""
    return frozenset(re.findall(r"\w+", text))


def likeness(one: str, other: str) -> float:
    """Return from 0 to 1 how many words two pieces of source share (Dice's coefficient)."""
    ours, theirs = words(one), words(other)
    if not ours or not theirs:
        return float(folded(one) == folded(other))
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))


def is_piece(one: str, other: str) -> bool:
    """Whether one is a part of the other, as when a formatter broke a long line."""
    short, long = sorted((folded(one), folded(other)), key=len)
    return len(short) >= MIN_PIECE and short in long


def match(before: Sequence[Sighting], after: Sequence[Sighting]) -> list[Pair]:
    """Pair the findings of two runs of one app; each is in one pair at most.

    Of equal lines whose number changed, those are paired that lie where the lines around them say. The cost
    is bounded, whatever the number of findings.

    Args:
        before: findings of the earlier run, in any order.
        after: findings of the later run.

    Returns:
        The pairs, by place in `before`.
    """
    return sorted(_Matching(before, after).pairs())


class _Matching:
    def __init__(self, before: Sequence[Sighting], after: Sequence[Sighting]) -> None:
        self._sides = (before, after)
        self._open = ([True] * len(before), [True] * len(after))
        self._found: list[Pair] = []
        self._shifts: dict[str, list[tuple[int, int]]] = {}

    def pairs(self) -> list[Pair]:
        self._by_fingerprint()
        self._learn_shifts()
        self._within_files()
        self._across_files()
        return self._found

    # ------------------------------------------------------------------------------------- fingerprints

    def _by_fingerprint(self) -> None:
        """Pair equal fingerprints; lines that occur more often on one side are left to their places."""
        identities = [
            {(each.tool, each.fingerprint): n for n, each in reversed(list(enumerate(side)))}
            for side in self._sides
        ]
        counts = [Counter(map(_line_key, side)) for side in self._sides]
        for identity, first in identities[0].items():
            second = identities[1].get(identity)
            key = _line_key(self._sides[0][first])
            if second is not None and counts[0][key] == counts[1][key]:
                self._pair(first, second, How.SAME)

    def _learn_shifts(self) -> None:
        """Note, per file, by how many lines the pairs so far have shifted."""
        shifts: dict[str, dict[int, int]] = defaultdict(dict)
        for pair in self._found:
            one, other = self._sides[0][pair.before], self._sides[1][pair.after]
            if one.line is not None and other.line is not None:
                shifts[one.path].setdefault(one.line, other.line - one.line)
        self._shifts = {path: sorted(lines.items()) for path, lines in shifts.items()}

    def _distance(self, one: Sighting, other: Sighting) -> int:
        """Return how many lines `other` is from where `one` should be, by the nearest pair in the file."""
        if one.line is None or other.line is None:
            return 0
        known = self._shifts.get(one.path, ())
        place = bisect_left(known, (one.line, 0))
        around = known[max(0, place - 1) : place + 1]
        candidates = [shift for _, shift in around] or [0]
        return min(abs(other.line - one.line - shift) for shift in candidates)

    # --------------------------------------------------------------------------------------- the stages

    def _within_files(self) -> None:
        def cost(one: Sighting, other: Sighting) -> float | None:
            distance = min(self._distance(one, other), NEAR_LINES + 1)
            alike = likeness(one.text, other.text)
            if distance > NEAR_LINES or alike < SIMILAR:
                if not is_piece(one.text, other.text):
                    return None
                alike = max(alike, SIMILAR)
            return 0.7 * (1 - alike) + 0.29 * distance / (NEAR_LINES + 1)

        for group in self._leftovers(lambda each: (each.tool, each.rule, each.path)):
            self._assign(self._candidates(*group), cost, How.EDITED)

    def _across_files(self) -> None:
        moves = self._moves()

        def cost(one: Sighting, other: Sighting) -> float | None:
            alike = likeness(one.text, other.text)
            known = moves[one.path, other.path] > 0 and one.path != other.path
            if alike < SIMILAR_ELSEWHERE or (len(words(one.text)) < MIN_WORDS and not known):
                return None
            far = min(abs((one.line or 0) - (other.line or 0)), 1_000) / 1_000
            same_name = one.path.rpartition("/")[2] == other.path.rpartition("/")[2]
            return 0.5 * (1 - alike) + 0.2 * (not known) + 0.1 * (not same_name) + 0.1 * far

        for ones, others in self._leftovers(lambda each: (each.tool, each.rule)):
            free = [n for n in ones if not self._sides[0][n].pinned]
            taken = [n for n in others if not self._sides[1][n].pinned]
            self._assign(self._candidates(free, taken), cost, How.MOVED)

    def _moves(self) -> Counter[tuple[str, str]]:
        """Return how many lines of source that says something point from one file to another."""
        places: tuple[defaultdict[tuple[str, str, str], list[str]], ...] = (
            defaultdict(list),
            defaultdict(list),
        )
        for side, still, place in zip(self._sides, self._open, places, strict=True):
            for each, is_open in zip(side, still, strict=True):
                if is_open and not each.pinned and len(words(each.text)) >= MIN_WORDS:
                    place[each.tool, each.rule, folded(each.text)].append(each.path)
        return Counter(
            (ones[0], others[0])
            for key, ones in places[0].items()
            if len(ones) == 1 and len(others := places[1].get(key, [])) == 1
        )

    def _candidates(self, ones: list[int], others: list[int]) -> list[tuple[int, int]]:
        """Return the pairs to weigh: all, or of very many those with equal source or at a like place."""
        if len(ones) * len(others) <= MAX_PAIRS:
            return [(a, b) for a in ones for b in others]
        ones = sorted(ones, key=lambda n: self._sides[0][n].line or 0)
        others = sorted(others, key=lambda n: self._sides[1][n].line or 0)
        texts: defaultdict[str, deque[int]] = defaultdict(deque)
        for n in others:
            texts[folded(self._sides[1][n].text)].append(n)
        pairs = [(n, same.popleft()) for n in ones if (same := texts[folded(self._sides[0][n].text)])]
        for rank, n in enumerate(ones):
            place = rank * len(others) // len(ones)
            pairs += [(n, other) for other in others[max(0, place - FEW) : place + FEW + 1]]
        return pairs

    # -------------------------------------------------------------------------------------- book-keeping

    def _leftovers(self, key: Callable[[Sighting], tuple[str, ...]]) -> list[tuple[list[int], list[int]]]:
        groups: defaultdict[tuple[str, ...], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for number, (side, still) in enumerate(zip(self._sides, self._open, strict=True)):
            for n, each in enumerate(side):
                if still[n]:
                    groups[key(each)][number].append(n)
        return [group for group in groups.values() if group[0] and group[1]]

    def _assign(
        self,
        pairs: Iterable[tuple[int, int]],
        cost: Callable[[Sighting, Sighting], float | None],
        how: How,
    ) -> None:
        costs = {
            (a, b): value
            for a, b in pairs
            if (value := cost(self._sides[0][a], self._sides[1][b])) is not None
        }
        for a, b in cheapest(costs):
            same = how is How.EDITED and _line_key(self._sides[0][a]) == _line_key(self._sides[1][b])
            self._pair(a, b, How.SAME if same else how)

    def _pair(self, before: int, after: int, how: How) -> None:
        self._open[0][before] = self._open[1][after] = False
        self._found.append(Pair(before, after, how))


def _line_key(each: Sighting) -> tuple[str, str, str, str]:
    return each.tool, each.rule, each.path, folded(each.text)
