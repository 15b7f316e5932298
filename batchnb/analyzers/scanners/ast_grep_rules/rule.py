"""What a rule is: a shape that ast-grep looks for, and a question about each place that has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from ast_grep_py import SgNode

    from batchnb.analyzers.scanners.ast_grep_rules.script import Script
    from batchnb.records import Confidence, Severity


class Hit(NamedTuple):
    """A place that a rule objects to."""

    node: SgNode
    severity: Severity | None = None
    """None: the rule's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One check."""

    name: str
    """Without the prefix `batchnb/`."""
    cwe: int
    severity: Severity
    confidence: Confidence
    message: str
    shapes: tuple[dict[str, Any], ...]
    """Rules in ast-grep's language (https://ast-grep.github.io/reference/rule.html); any of them.

    Nothing in them looks further up or down than a few steps: on hostile nesting that would take for ever.
    """
    check: Callable[[Script, SgNode], SgNode | Hit | None]
    """Says where the fault is, given a place of one of the shapes; None: it is none."""
    jsx: bool = False
    """Whether it is about JSX, so that files without it are left out."""

    @property
    def id(self) -> str:
        """The rule's name in findings."""
        return f"batchnb/{self.name}"


def call(*patterns: str) -> tuple[dict[str, Any], ...]:
    """Return the shapes for ast-grep patterns."""
    return tuple({"pattern": pattern} for pattern in patterns)


def attribute(*names: str) -> tuple[dict[str, Any], ...]:
    """Return the shape of a JSX attribute with one of these names."""
    named = {"kind": "property_identifier", "regex": f"^(?:{'|'.join(names)})$"}
    return ({"kind": "jsx_attribute", "has": named},)
