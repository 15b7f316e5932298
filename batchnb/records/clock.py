"""Time as the records hold it: aware, UTC, and strictly increasing within one process."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

_TICK = timedelta(microseconds=1)
_lock = threading.Lock()
_last = datetime.min.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """Return the current time in UTC, later than any value returned before in this process.

    The seed wants `scan_end_time > scan_start_time`; a wall clock with microseconds can tell the same time
    twice and can be set back, so equal or earlier readings are moved one microsecond past the last.
    """
    global _last  # noqa: PLW0603 - one clock per process is the point
    with _lock:
        _last = max(datetime.now(UTC), _last + _TICK)
        return _last


def require_aware(name: str, value: datetime | None) -> None:
    """Raise ValueError if `value` is a datetime without a zone."""
    if value is not None and value.tzinfo is None:
        raise ValueError(f"{name} {value!r} has no time zone; batchnb keeps times in UTC")
