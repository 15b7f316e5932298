"""What the numbers of a load test are worth: a dead app, or one that only refuses, is not a fast one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.records import CoverageStatus, UnreadFile
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchnb.analyzers.load.figures import Figures, Summary
    from batchnb.analyzers.load.record import LoadRecord

MAX_DETAIL = 2_000
MAX_TEXT = 200
MAX_REASONS = 8


def unread_of(record: LoadRecord, summary: Summary) -> Iterator[UnreadFile]:
    """Give the endpoints that were not measured, each with the reason."""
    measured = {figures.name for figures in summary.endpoints if figures.requests}
    for asked in record.endpoints:
        why = asked.refusal or ("" if asked.name in measured else "no request to it was measured")
        if why:
            yield UnreadFile(path=visible(asked.name, one_line=True), reason=_line(why))
    for name, why in record.left_out:
        yield UnreadFile(path=visible(name, one_line=True), reason=_line(why))


def judge(record: LoadRecord, summary: Summary, unread: tuple[UnreadFile, ...]) -> tuple[CoverageStatus, str]:
    """Return what the numbers are worth, and why."""
    if record.cut == "cancelled":
        return CoverageStatus.CANCELLED, f"cancelled after {len(record.runs)} runs"
    if record.cut == "timed_out" and not record.runs:
        return CoverageStatus.TIMED_OUT, "the time that was left is too short for a whole run"
    if wrong := _worthless(record, summary, unread):
        return CoverageStatus.FAILED, wrong
    doubts = [*_doubts(record, summary), *([_first(unread)] if unread else [])]
    return (CoverageStatus.PARTIAL, "; ".join(doubts)) if doubts else (CoverageStatus.OK, "")


def _worthless(record: LoadRecord, summary: Summary, unread: tuple[UnreadFile, ...]) -> str:
    """Return why nothing was measured at all; empty if something was."""
    if not record.runs:
        return record.cut or f"no endpoint could be tested: {_first(unread)}"
    if wrong := _miscounted(record):
        return wrong
    if summary.total.requests == 0:
        return _never(record)
    return "" if summary.total.answered else f"every request failed: {reasons_of(summary.total)}"


def _doubts(record: LoadRecord, summary: Summary) -> Iterator[str]:
    if record.alive is False or any(run.stopped == "no_answer" for run in record.runs):
        when = next((run.stopped_at for run in record.runs if run.stopped == "no_answer"), None)
        after = "" if when is None else f" (noticed {when:.1f} s after the start of a run)"
        last = f"; its last words: {_line(record.last_words[-MAX_TEXT:])}" if record.last_words else ""
        yield f"the app stopped answering under load{after}, so the numbers are from before{last}"
    elif record.alive is None:
        yield "whether the app was still well after the last run could not be asked"
    if record.cut and len(record.runs) < record.wanted_runs:
        why = "for lack of time" if record.cut == "timed_out" else f"because {record.cut}"
        yield f"only {len(record.runs)} of {record.wanted_runs} runs {why}"
    if any(run.stopped == "max_requests" for run in record.runs):
        yield "the limit on requests ended a run early"
    if (left := sum(run.begun - run.locust_requests for run in record.runs)) > 0:
        yield f"{left} requests were still open at the end and are not counted"
    if summary.bottleneck:
        yield summary.bottleneck
    yield from record.notes


def _never(record: LoadRecord) -> str:
    if any(run.stopped == "max_requests" for run in record.runs):
        return "the limit on requests was reached during the warm-up, so nothing was measured"
    if any(run.stopped == "no_answer" for run in record.runs):
        return "the app stopped answering during the warm-up, so nothing was measured"
    return "no request began in the measured window"


def _miscounted(record: LoadRecord) -> str:
    """Return in what the generator's two counts of requests differ; empty if they agree."""
    for run in record.runs:
        ours = sum(good + bad for good, bad in run.timeline)
        if ours != run.locust_requests:
            return f"the generator counted {ours} requests, Locust itself {run.locust_requests}"
    return ""


def reasons_of(figures: Figures) -> str:
    """Return in words why requests failed, the most frequent kind first."""
    parts = [
        f"{count} x {kind}" + (f" ({_line(text)})" if text else "") for kind, text, count in figures.reasons
    ]
    more = f"; {len(parts) - MAX_REASONS} more kinds" if len(parts) > MAX_REASONS else ""
    return "; ".join(parts[:MAX_REASONS]) + more


def _first(unread: tuple[UnreadFile, ...]) -> str:
    more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
    return f"not measured: {unread[0].path} ({unread[0].reason}){more}" if unread else "there is none"


def _line(text: str) -> str:
    return capped(visible(" ".join(text.split()), one_line=True), MAX_TEXT)


def capped(text: str, most: int = MAX_DETAIL) -> str:
    """Return a text, shortened if it is longer than `most`."""
    return text if len(text) <= most else text[: most - 3] + "..."
