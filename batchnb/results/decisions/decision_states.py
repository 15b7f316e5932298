"""Decisions as a frame with their states: which hold, and why the others do not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.records import Decision, Member, Verdict, utc_now
from batchnb.records.errors import ReportError
from batchnb.results.columns import DECISIONS, Column
from batchnb.results.frames import decisions_frame, make_frame
from batchnb.results.text import plural, shorten
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

_NAMED = 20
"""Decisions that a text names one by one."""


class DecisionState(StrEnum):
    """Whether a decision holds, and why not."""

    ACTIVE = "active"
    """It holds; applied to a dataset: for at least one of its findings."""
    EXPIRED = "expired"
    """Its time is over."""
    WITHDRAWN = "withdrawn"
    """Somebody took it back."""
    SUPERSEDED = "superseded"
    """A newer decision about the same fault replaces it."""
    AMBIGUOUS = "ambiguous"
    """Something alike is there, but it cannot be told whether it is what was decided about: not applied."""
    NOT_MEASURED = "not measured"
    """Nothing matches, but not all of its tools read all of the app: nobody knows whether it is of use."""
    UNUSED = "unused"
    """Its tools read all of the app, and what was decided about is not there any more."""


@dataclass(slots=True)
class Use:
    """What became of one decision. The note is untrusted text."""

    state: DecisionState
    faults: int | None = None
    findings: int | None = None
    note: str = ""


STATE_COLUMNS = (
    Column(
        "state",
        "category",
        "Whether it holds, and why not",
        categories=tuple(str(each) for each in DecisionState),
    ),
    Column("faults", "Int64", "Consensus findings that it holds for; missing: it was not applied to any"),
    Column("findings", "Int64", "Findings of the tools that it holds for; missing: as above"),
    Column("note", "string", "What else is to be known: why it does not hold, or what is new about it"),
)
TRIAGE_DECISIONS = (*DECISIONS, *STATE_COLUMNS)
"""Columns of `Triage.decisions` and of `decision_states`."""


def decision_states(decisions: Iterable[Decision], *, now: datetime | None = None) -> pd.DataFrame:
    """Return one row per decision by id, with its state as far as no finding need be looked at."""
    ordered = sorted(decisions, key=lambda decision: decision.id)
    return states_frame(ordered, standing(ordered, now or utc_now()))


def standing(decisions: Sequence[Decision], now: datetime) -> list[Use]:
    """Return whether each decision is active, expired, withdrawn or superseded; the newest comes last."""
    uses: list[Use] = []
    newer: dict[tuple[str, int, str, str], Decision] = {}
    for decision in reversed(decisions):
        if decision.withdrawn_at is not None:
            said = (
                f"by {decision.withdrawn_by}: {decision.withdrawn_because}" if decision.withdrawn_by else ""
            )
            uses.append(Use(DecisionState.WITHDRAWN, note=said))
            continue
        keys = [(decision.model, decision.app_num, each.tool, each.fingerprint) for each in decision.members]
        by = next((newer[key] for key in keys if key in newer), None)
        if by is not None:
            uses.append(Use(DecisionState.SUPERSEDED, note=f"by decision {by.id}"))
        else:
            holds = decision.holds_at(now)
            uses.append(Use(DecisionState.ACTIVE if holds else DecisionState.EXPIRED))
        newer.update({key: decision for key in keys if key not in newer})
    return uses[::-1]


def states_frame(decisions: Sequence[Decision], uses: Sequence[Use]) -> pd.DataFrame:
    """Return one row per decision, which are in order of their ids; see `TRIAGE_DECISIONS`."""
    return pd.concat([decisions_frame(decisions), make_frame(STATE_COLUMNS, uses)], axis=1)


def states_text(frame: pd.DataFrame) -> str:
    """Return in words how many decisions are in each state, and which do not hold."""
    if frame.empty:
        return "No decision was made."
    counts = frame["state"].value_counts(sort=False)
    words = ", ".join(f"{count:,} {state}" for state, count in counts.items() if count)
    lines = [f"{plural(len(frame), 'decision')}: {words}."]
    idle = frame[frame["state"] != str(DecisionState.ACTIVE)]
    lines += [_line(row) for row in idle.head(_NAMED).to_dict("records")]
    if len(idle) > _NAMED:
        lines.append(f"... and {len(idle) - _NAMED:,} more that do not hold.")
    return "\n".join(lines)


def _line(row: dict[Any, Any]) -> str:
    since = f" since {row['expires_at']:%Y-%m-%d}" if row["state"] == str(DecisionState.EXPIRED) else ""
    note = f" ({shorten(row['note'], 200)})" if row["note"] else ""
    what = f"{row['verdict']} in {row['model']} app {row['app_num']}, by {row['author']}"
    text = f"Decision {row['decision_id']}, {what}: {row['state']}{since}{note}."
    return visible(text, one_line=True)


def decision_records(frame: pd.DataFrame) -> tuple[Decision, ...]:
    """Return the decisions of a decisions frame, in its order.

    Texts come back as the frame has them: characters that cannot be seen are escapes.

    Raises:
        ReportError: if a row is nothing that `decisions_frame` wrote.
    """
    return tuple(map(_record, frame.to_dict("records")))


def _record(row: dict[Any, Any]) -> Decision:
    try:
        return Decision(
            id=int(row["decision_id"]),
            verdict=Verdict(row["verdict"]),
            reason=row["reason"],
            author=row["author"],
            decided_at=row["decided_at"].to_pydatetime(),
            expires_at=_time(row["expires_at"]),
            withdrawn_at=_time(row["withdrawn_at"]),
            withdrawn_by=row["withdrawn_by"],
            withdrawn_because=row["withdrawn_because"],
            model=row["model"],
            app_num=int(row["app_num"]),
            message=row["message"],
            members=_members(row["members"]),
        )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ReportError(f"decision {row.get('decision_id')} cannot be read: {error}") from error


def _members(text: str) -> tuple[Member, ...]:
    found = json.loads(text)
    if not isinstance(found, list):
        raise TypeError("its members are no list")
    return tuple(Member(**member) for member in found)


def _time(value: Any) -> datetime | None:
    found: datetime | None = None if pd.isna(value) else value.to_pydatetime()
    return found
