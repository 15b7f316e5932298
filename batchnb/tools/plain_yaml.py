"""YAML of hostile apps: plain data and nodes only, no alias is followed, nothing is nested deeply.

A few aliases of aliases make 271 bytes of YAML grow to hundreds of megabytes, and tags can name objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from yaml.events import AliasEvent

from batchnb.records.errors import ReportError
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from yaml.nodes import Node

LARGEST = 128 * 1024
"""Characters of a document."""
DEEPEST = 24
"""Levels of nesting."""


class _Loader(yaml.SafeLoader):
    """Refuses aliases and deep nesting before they are followed."""

    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """Compose one node and what is in it."""
        if self.check_event(AliasEvent):
            line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
            raise ReportError(f"line {line}: a YAML alias, which is not followed")
        self.depth += 1
        if self.depth > DEEPEST:
            raise ReportError(f"nested more than {DEEPEST} deep")
        node: Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def yaml_nodes(text: str) -> Node | None:
    """Return the root node of a document, with the places of all that is in it; None if it is empty.

    Raises:
        ReportError: if it is no YAML, is too large or deep, or has aliases; the message says which.
    """
    root: Node | None = _read(text, "get_single_node")
    return root


def yaml_data(text: str) -> Any:
    """Return a document as plain data. Raises as `yaml_nodes` does."""
    return _read(text, "get_single_data")


def _read(text: str, how: str) -> Any:
    if len(text) > LARGEST:
        raise ReportError(f"larger than {LARGEST} characters")
    try:
        loader = _Loader(text)
    except yaml.YAMLError as error:  # a character that YAML does not allow
        raise ReportError(_words(error)) from error
    try:
        return getattr(loader, how)()
    except ReportError:  # ours, and a ValueError too
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ReportError(_words(error)) from error
    finally:
        loader.dispose()


def _words(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark else ""
    return visible(f"{where}{getattr(error, 'problem', None) or 'is no YAML'}", one_line=True)[:300]
