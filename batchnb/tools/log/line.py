"""One logged line: what the caller leaves in the queue, and how the writer's thread writes it down."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from batchnb.tools.log.names import MODULE, ROOT
from batchnb.tools.log.redaction import redact
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

MESSAGE: Final = 8_192
"""Characters of a message that are kept."""
TRACE_START, TRACE_END = 8_192, 24_576
"""Characters of a traceback that are kept: its start, and its end where the exception is."""
OVERLAP: Final = 4_096
"""Characters that are searched for secrets beyond the cut, or half a secret would stay."""
RAW_MESSAGE: Final = MESSAGE + OVERLAP


class Line(NamedTuple):
    """What was logged, before secrets and control characters are taken out."""

    created: float
    """Seconds since 1970."""
    level: str
    logger: str
    thread: str
    job_id: int | None
    task_id: int | None
    message: str
    """At most RAW_MESSAGE characters."""
    cut: int = 0
    """How many characters more the message had."""
    trace: str = ""
    """Exception and stack, by `ends_of`."""

    @property
    def component(self) -> str:
        """The seed's name of the component: `task` of `batch_analysis.task`, `module` of the root."""
        return self.logger.removeprefix(ROOT).lstrip(".").partition(".")[0] or MODULE


def ends_of(trace: str) -> str:
    """Return as much of a traceback as can matter: its start and its end, each with the OVERLAP."""
    start, end = TRACE_START + OVERLAP, TRACE_END + OVERLAP
    return trace if len(trace) <= start + end else trace[:start] + trace[-end:]


def as_text(line: Line, secrets: Sequence[str]) -> str:
    """Return the line for a reader and for grep; a traceback is indented, so it cannot pass for a line."""
    message = _message(line, secrets).replace("\n", "\\n")
    head = f"{_stamp(line)} {line.level} {_name(line.logger)} [{_name(line.thread)}] {message}"
    if not line.trace:
        return head
    return f"{head}\n    " + _trace(line, secrets).replace("\n", "\n    ")


def as_json(line: Line, secrets: Sequence[str]) -> str:
    """Return the line as one JSON object in ASCII."""
    return json.dumps(
        {
            "time": _stamp(line),
            "level": line.level,
            "component": _name(line.component),
            "thread": _name(line.thread),
            "job_id": line.job_id,
            "task_id": line.task_id,
            "message": _message(line, secrets),
            "exception": _trace(line, secrets) if line.trace else None,
        }
    )


def _stamp(line: Line) -> str:
    return datetime.fromtimestamp(line.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _name(text: str) -> str:
    return visible(text[:100], one_line=True)


def _message(line: Line, secrets: Sequence[str]) -> str:
    clean = redact(line.message, secrets)
    if line.cut:
        clean = clean[:-OVERLAP]
    shown = visible(clean)
    if not line.cut and len(shown) <= MESSAGE:
        return shown
    return f"{shown[:MESSAGE]}{_note(line.cut + len(line.message) - len(shown[:MESSAGE]))}"


def _trace(line: Line, secrets: Sequence[str]) -> str:
    raw = line.trace
    if len(raw) <= TRACE_START + TRACE_END:
        shown = visible(redact(raw, secrets))
        if len(shown) <= TRACE_START + TRACE_END:
            return shown
        return f"{shown[:TRACE_START]}\n{_note(0)}\n{shown[-TRACE_END:]}"
    start = redact(raw[: TRACE_START + OVERLAP], secrets)[:-OVERLAP]
    end = redact(raw[-TRACE_END - OVERLAP :], secrets)[OVERLAP:]
    return f"{visible(start)[:TRACE_START]}\n{_note(0)}\n{visible(end)[-TRACE_END:]}"


def _note(cut: int) -> str:
    return f"... [{cut:,} more characters cut]" if cut > 0 else "... [cut]"
