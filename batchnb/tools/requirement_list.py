"""The list of requirements per app number, which lies beside the models: `requirements.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.records.errors import ReportError
from batchnb.tools.tree import Caps, Tree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

REQUIREMENTS_NAME = "requirements.json"
MAX_CHARS = 2_000
"""Length of one requirement; the rest is cut off, and `Requirements.cut` says so."""
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
    cut: str = ""
    """What was left out because of a bound; empty: nothing."""


def requirements_of(base: Path, app_num: int, given: Sequence[str] = ()) -> Requirements:
    """Return the requirements of an app: `given`, or else its entry in `<base>/requirements.json`."""
    if given:
        return _bounded(given)
    try:
        entries = read_entries(base)
        if entries is None:
            return Requirements(lack=f"there is no {REQUIREMENTS_NAME} beside the models: {_FORM}")
        if app_num not in entries:
            return Requirements(lack=f"{REQUIREMENTS_NAME} has no entry for app {app_num}")
        texts = texts_of(entries[app_num])
    except ReportError as error:
        return Requirements(lack=str(error)[:500], broken=True)
    if not texts:
        return Requirements(lack=f"{REQUIREMENTS_NAME} lists no requirement for app {app_num}")
    return _bounded(texts, title=str(entries[app_num].get("title", ""))[:MAX_CHARS])


def read_entries(base: Path) -> dict[int, Any] | None:
    """Return the entry of each app number as it stands in the file; None: there is no file.

    Raises:
        ReportError: if it cannot be read.
    """
    found = Tree(base, frozenset({".json"}), Caps(depth=0), shallow=True).files()
    listed = next((file for file in found if file.parts == (REQUIREMENTS_NAME,)), None)
    if listed is None:
        return None
    if listed.content is None:
        raise ReportError(f"{REQUIREMENTS_NAME} {listed.reason}")
    try:
        return {int(number): entry for number, entry in json.loads(listed.content).items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise _wrong(error) from error


def texts_of(entry: Any) -> list[str]:
    """Return the requirements of one app's entry.

    Raises:
        ReportError: if it is of another form.
    """
    try:
        texts = entry["requirements"]
    except (TypeError, KeyError) as error:
        raise _wrong(error) from error
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _wrong(TypeError(f"the requirements are no list of texts: {texts!r:.60}"))
    return texts


def _wrong(error: Exception) -> ReportError:
    return ReportError(f"{REQUIREMENTS_NAME} is not of the form {_FORM}: {type(error).__name__} {error}")


def _bounded(texts: Sequence[str], title: str = "") -> Requirements:
    taken = texts[:MAX_COUNT]
    cuts = []
    if len(texts) > MAX_COUNT:
        cuts.append(f"only the first {MAX_COUNT} of {len(texts)} requirements were checked")
    if long := sum(len(text) > MAX_CHARS for text in taken):
        cuts.append(f"{long} requirements were cut off after {MAX_CHARS:,} characters")
    return Requirements(title=title, texts=tuple(text[:MAX_CHARS] for text in taken), cut="; ".join(cuts))
