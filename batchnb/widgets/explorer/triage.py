"""What a page asks to be decided, checked, and handed to whoever stores decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import pandas as pd

from batchnb.records import Decision, Verdict
from batchnb.records.decision import MAX_AUTHOR, MAX_REASON
from batchnb.records.errors import InvalidValueError
from batchnb.results.decisions.decision_states import decision_records

Decide: TypeAlias = Callable[..., object]
"""`decide(rows, verdict, reason=..., expires=...[, author=...])` stores decisions.

`rows` is a frame of findings or consensus findings, `expires` a `date` or None; `author` is given only if
the reader named one. It returns the decisions as they were stored, as records or as a frame.
"""
Withdraw: TypeAlias = Callable[..., object]
"""`withdraw(decision_id, reason=...[, author=...])` takes a decision back, and may return it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a reader typed beside a finding."""

    verdict: str
    """Empty: take back what was decided."""
    reason: str
    expires: date | None
    author: str

    @property
    def named(self) -> dict[str, str]:
        """The author as an argument, if there is one."""
        return {"author": self.author} if self.author else {}


def read_wish(message: Mapping[str, Any]) -> Wish:
    """Return what a message of the page asks for.

    Raises:
        InvalidValueError: if something is missing or makes no sense; a reader can understand why.
    """
    verdict = message.get("verdict", "")
    if not isinstance(verdict, str) or verdict not in {"", *map(str, Verdict)}:
        raise InvalidValueError("verdict", repr(verdict)[:40], f"one of {', '.join(map(str, Verdict))}")
    reason = _text(message, "reason", MAX_REASON)
    if not reason:
        raise InvalidValueError("reason", "", "say why: others will ask")
    return Wish(
        verdict=verdict,
        reason=reason,
        expires=_day(_text(message, "expires", 10)),
        author=_text(message, "author", MAX_AUTHOR),
    )


def stored_decisions(answer: object) -> tuple[Decision, ...]:
    """Return the decisions that `decide` or `withdraw` answered with; empty: it did not say."""
    if isinstance(answer, pd.DataFrame):
        return decision_records(answer)
    if isinstance(answer, Decision):
        return (answer,)
    if isinstance(answer, Iterable):
        found = tuple(answer)
        return found if all(isinstance(each, Decision) for each in found) else ()
    return ()


def _text(message: Mapping[str, Any], name: str, most: int) -> str:
    value = message.get(name, "")
    if not isinstance(value, str) or len(value) > most:
        raise InvalidValueError(name, f"{value!r:.40}", f"text of at most {most:,} characters")
    return value.strip()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidValueError("expiry", text, "a day such as 2027-01-01, or nothing") from None
