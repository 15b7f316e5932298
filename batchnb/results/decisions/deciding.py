"""From rows that somebody points at to decisions about the faults that they belong to."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.records import Decision, Verdict, utc_now
from batchnb.records.decision import MAX_MESSAGE
from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results.dataset import as_dataset
from batchnb.results.decisions.recognition import Recognition
from batchnb.results.identity.consensus import consensus, members
from batchnb.results.text import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.results.dataset import Dataset

_FINDING = ["job_id", "model", "app_num", "tool", "rule", "path", "line", "fingerprint"]
"""What names a row of the findings frame."""
_FAULT = ["job_id", "model", "app_num", "rules", "path", "line", "fingerprint"]
"""What names a row of the consensus frame."""
_ROWS = "a row, or several, of the findings or the consensus frame of what the decision is made on"


def make_decisions(
    rows: pd.Series | pd.DataFrame,
    source: object,
    verdict: str,
    *,
    reason: str,
    author: str,
    expires: date | str | None = None,
    now: datetime | None = None,
) -> tuple[Decision, ...]:
    """Return one decision for each fault that `rows` belong to, in the order of the consensus frame.

    A decision is about the whole consensus finding: it does not matter which tool's row is given.

    Args:
        rows: a row, or several, of the findings or the consensus frame of `source`.
        source: the Job or Dataset in which they are.
        verdict: false_positive, accepted or confirmed.
        reason: why; needed.
        author: who decides; needed.
        expires: from when on it does not hold any more: a day (its start, in UTC), a time with its zone, or
            one of them as ISO text, such as "2027-01-01"; None: no end.
        now: the time of the decision; None: now.

    Raises:
        UnknownNameError: if there is no such verdict.
        InvalidValueError: if the rows are not of `source`, or another value is not allowed.
    """
    dataset = as_dataset(source)
    if verdict not in list(Verdict):
        raise UnknownNameError("verdict", verdict, [str(each) for each in Verdict], "verdict=")
    ends = _expiry(expires)
    wanted = _faults(rows, dataset)
    time = now or utc_now()
    decisions: dict[tuple[Any, ...], Decision] = {}
    for fault, positions, known in wanted:
        found = {(each.tool, each.fingerprint): each for each in map(known.member, positions)}
        first = known.seen[positions[0]]
        decision = Decision(
            verdict=Verdict(verdict),
            reason=reason,
            author=author,
            decided_at=time,
            expires_at=ends,
            model=first.model,
            app_num=first.app_num,
            message=shorten(fault, MAX_MESSAGE),
            members=tuple(found.values()),
        )
        decision.check()
        # the same fault in several jobs is decided about once
        decisions.setdefault((decision.model, decision.app_num, frozenset(found)), decision)
    return tuple(decisions.values())


def _faults(rows: Any, dataset: Dataset) -> Sequence[tuple[str, list[int], Recognition]]:
    """Return message, positions of the findings, and how they are recognised, of each fault."""
    frame = rows.to_frame().T if isinstance(rows, pd.Series) else rows
    if not isinstance(frame, pd.DataFrame) or frame.empty:
        raise InvalidValueError("finding", f"{rows!r:.80}", _ROWS)
    table = consensus(dataset)
    of_finding = members(dataset)
    if set(_FINDING) <= set(frame.columns):
        wanted = _wanted(frame, dataset.findings.assign(_fault=of_finding), _FINDING, "_fault")
    elif set(_FAULT) <= set(frame.columns):
        wanted = _wanted(frame, table, _FAULT, "consensus_id")
    else:
        raise InvalidValueError("finding", f"columns {', '.join(map(str, frame.columns))}"[:80], _ROWS)
    apps = set(zip(frame["model"].tolist(), frame["app_num"].tolist(), strict=True))
    known = Recognition(dataset.findings, dataset.coverage, apps)
    positions: dict[Any, list[int]] = {fault: [] for fault in wanted}
    ids = of_finding.tolist()
    for position in known.seen:
        if ids[position] in positions:
            positions[ids[position]].append(position)
    messages = dict(zip(table["consensus_id"].tolist(), table["message"].tolist(), strict=True))
    return [(messages[fault], found, known) for fault, found in positions.items()]


def _wanted(rows: pd.DataFrame, among: pd.DataFrame, names: list[str], fault: str) -> list[Any]:
    """Return the consensus ids of `rows`, sorted, each once."""
    known = dict(zip(_keys(among, names), among[fault].tolist(), strict=True))
    wanted = set()
    for key in _keys(rows, names):
        if key not in known:
            told = ", ".join(f"{name} {value}" for name, value in zip(names, key, strict=True))
            raise InvalidValueError("finding", told, _ROWS)
        wanted.add(known[key])
    return sorted(wanted)


def _keys(frame: pd.DataFrame, names: list[str]) -> list[tuple[Any, ...]]:
    columns = [frame[name].astype(object) for name in names]
    plain = [column.where(column.notna(), None).tolist() for column in columns]
    return list(zip(*plain, strict=True))


def _expiry(expires: object) -> datetime | None:
    """Return the time at which a decision ends."""
    value = expires
    if isinstance(value, str):
        try:
            value = (
                datetime.fromisoformat(value) if len(value) > len("2027-01-01") else date.fromisoformat(value)
            )
        except ValueError:
            value = None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if expires is None:
        return None
    allowed = "a day, or a time with its zone, such as 2027-01-01 or 2027-01-01T12:00+00:00, or None"
    raise InvalidValueError("expires", expires, allowed, "expires=")
