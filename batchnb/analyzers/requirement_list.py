"""The list of requirements per app number, which lies beside the apps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.tools.survey import REQUIREMENTS_NAME
from batchnb.tools.tree import Caps, Tree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_CHARS = 2_000
"""Length of one requirement; the rest is cut off."""
MAX_COUNT = 200
_FORM = '{"1": {"title": "...", "requirements": ["..."]}}'


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirements:
    """What one app has to do."""

    title: str = ""
    texts: tuple[str, ...] = ()
    lack: str = ""
    """Why there is nothing to check; empty if there is."""
    broken: bool = False
    """Whether that is because the list cannot be read, and not because it has no entry."""


def requirements_of(base: Path, app_num: int, given: Sequence[str] = ()) -> Requirements:
    """Return the requirements of an app: `given`, or else its entry in `<base>/requirements.json`."""
    if given:
        return Requirements(texts=_cut(given))
    found = Tree(base, frozenset({".json"}), Caps(depth=0), shallow=True).files()
    listed = next((file for file in found if file.parts == (REQUIREMENTS_NAME,)), None)
    if listed is None:
        return Requirements(lack=f"there is no {REQUIREMENTS_NAME} beside the models: {_FORM}")
    if listed.content is None:
        return Requirements(lack=f"{REQUIREMENTS_NAME} {listed.reason}", broken=True)
    try:
        return _entry(json.loads(listed.content), app_num)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        why = f"{REQUIREMENTS_NAME} is not of the form {_FORM}: {type(error).__name__} {error}"
        return Requirements(lack=why[:500], broken=True)


def _entry(lists: Any, app_num: int) -> Requirements:
    by_number = {int(number): entry for number, entry in lists.items()}
    if app_num not in by_number:
        return Requirements(lack=f"{REQUIREMENTS_NAME} has no entry for app {app_num}")
    entry = by_number[app_num]
    texts = entry["requirements"]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise TypeError(f"the requirements of app {app_num} are no list of texts")
    if not texts:
        return Requirements(lack=f"{REQUIREMENTS_NAME} lists no requirement for app {app_num}")
    return Requirements(title=str(entry.get("title", ""))[:MAX_CHARS], texts=_cut(texts))


def _cut(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(text[:MAX_CHARS] for text in texts[:MAX_COUNT])
