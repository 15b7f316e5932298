"""A decision about a finding (triage): what somebody made of it, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Verdict(StrEnum):
    """What was decided about a finding."""

    FALSE_POSITIVE = "false_positive"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """The identity of one finding at the time of the decision."""

    tool: str
    rule: str
    fingerprint: str
    clone_key: str
    path: str
    line: int | None = None
    cwe: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What somebody decided about one fault of one app. The texts are untrusted."""

    id: int = 0
    verdict: Verdict
    reason: str
    author: str
    decided_at: datetime
    expires_at: datetime | None = None
    withdrawn_at: datetime | None = None
    model: str
    app_num: int
    message: str = ""
    members: tuple[Member, ...]
