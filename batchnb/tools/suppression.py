"""Comments by which source asks tools to be silent. They are made unreadable, and told of.

Each is overwritten at equal length in the staged copy, so that lines and columns stay right; what the app
wanted to hide is found and marked.
"""

from __future__ import annotations

import re

_WORDS = (
    rb"nosec\b",
    rb"noqa\b",
    rb"nosemgrep\b",
    rb"nosem\b",
    rb"noinspection\b",
    rb"(?:eslint|oxlint)-(?:disable|enable)",
    rb"eslint-env\b",
    rb"biome-ignore",
    rb"ast-grep-ignore",
    rb"skylos:\s*ignore",
    rb"pragma:\s*(?:allow|white)list",
    rb"pylint:\s*(?:disable|skip)",
    rb"ruff:\s*noqa",
    rb"type:\s*ignore",
    rb"@ts-(?:ignore|nocheck|expect-error)",
    rb"wapiti-ignore",
)
_SUPPRESSION = re.compile(rb"(?i)(?:" + rb"|".join(_WORDS) + rb")")
# Of what follows the word: does it speak of the next line, or of all that follows?
_NEXT = re.compile(rb"(?i)[-_ ]next[-_ ]line|biome-ignore|ast-grep-ignore|@ts-ignore|@ts-expect-error")
_WHOLE = re.compile(rb"(?i)/\*\s*(?:eslint|oxlint)-disable(?![-_ ]?(?:next-)?line)|ruff:\s*noqa|@ts-nocheck")
_MOST = 4_096


def blunt(content: bytes) -> tuple[bytes, tuple[int, ...]]:
    """Return `content` with its suppression comments made unreadable, and the lines that they spoke of.

    A line is counted from 1; 0 stands for the whole file.
    """
    if not _SUPPRESSION.search(content):
        return content, ()
    lines: set[int] = set()
    number, counted = 1, 0  # lines are counted on from match to match, not from the top each time
    for asked, match in enumerate(_SUPPRESSION.finditer(content)):
        if asked == _MOST:  # no file asks so often in earnest
            lines = {0}
            break
        before = max(0, match.start() - 80)
        start = max(before, content.rfind(b"\n", before, match.start()) + 1)
        around = content[start : match.end() + 40].split(b"\n")[0]
        number, counted = number + content.count(b"\n", counted, match.start()), match.start()
        lines.add(0 if _WHOLE.search(around) else number + bool(_NEXT.search(around)))
    return _SUPPRESSION.sub(_overwrite, content), tuple(sorted(lines))


def _overwrite(match: re.Match[bytes]) -> bytes:
    return re.sub(rb"[^\r\n]", b"x", match[0])
