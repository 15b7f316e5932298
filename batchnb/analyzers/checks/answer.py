"""What a registry answered about one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchnb.analyzers.scanners.base import Issue
    from batchnb.records import CoverageStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a registry said."""

    status: CoverageStatus
    """OFFLINE: it gave no answer."""
    detail: str = ""
    """Why it gave none."""
    issues: tuple[Issue, ...] = ()
    incomplete: str = ""
    """Which packages were not judged, and why."""
