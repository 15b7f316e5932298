"""What is said about a model's answers: how much they are worth together, and each in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.analyzers.hiding import hide
from batchnb.records import CoverageStatus
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.analyzers.llm.transcript import Transcript
    from batchnb.analyzers.llm.verdict import Decision

MAX_DETAIL = 2_000


def judge(said: Transcript, answered: int, gaps: int) -> tuple[CoverageStatus, str]:
    """Return how much the answers are worth together, and what is to be said about them."""
    asked = len(said.requirements)
    lacks = []
    if answered < asked or said.failures or said.stopped:
        reasons = dict.fromkeys([*said.failures.values(), *([said.stopped] if said.stopped else [])])
        why = "; ".join(list(reasons)[:3]) or "the model's replies were no valid answers"
        what = f"{answered} of {asked} requirements answered"
        lacks.append(f"{what if answered < asked else 'not all that was wanted was asked'}: {why}")
    if said.cut:
        lacks.append(said.cut)
    if gaps:
        lacks.append(f"{gaps} files not shown whole to the model each time")
    if any(reply.cut for reply in said.replies):
        lacks.append("the server did not take in whole questions: raise its context window")
    cached = sum(reply.cached for reply in said.replies)
    notes = [f"{cached} of {len(said.replies)} answers from the cache"] if cached else []
    if said.context_source == "default":
        notes.append(f"the server does not say its context window; {said.context_tokens:,} tokens assumed")
    detail = "; ".join((*lacks, *notes, *said.notes))
    if answered == 0:
        return CoverageStatus.FAILED, detail
    return (CoverageStatus.PARTIAL if lacks else CoverageStatus.OK), detail


def detail_of(text: str, decision: Decision, failure: str, *, is_partial: bool) -> str:
    """Return what is said about one requirement.

    Args:
        text: the requirement.
        decision: what the answers come to.
        failure: why there is no answer, if there is none.
        is_partial: whether some of the code was not shown.
    """
    parts = [text, f"verdict: {decision.verdict.replace('_', ' ')}"]
    if decision.votes and decision.confidence is not None:
        parts.append(f"confidence {decision.confidence:.2f}, agreement {decision.agreement:.2f}")
    parts += [f"{place.path}:{place.line} `{hide(place.quote)}`" for place in decision.places[:3]]
    if decision.reason:
        parts.append(f"the model says: {decision.reason}")
    parts += decision.doubts
    if is_partial:
        parts.append("not all of the code was shown")
    if failure and not decision.votes:
        parts.append(f"no answer: {failure}")
    return " | ".join(visible(part, one_line=True)[:600] for part in parts)[:MAX_DETAIL]


def reason_of(lines: Sequence[str], asked: int) -> str:
    """Return why a file counts as unread: which lines were left out, each time."""
    what = f"lines {lines[0]}" if len(lines) == 1 else "in parts"
    return f"{what} not shown for {len(lines)} of {asked} requirements: beyond the context window"[:200]


def total(values: Sequence[int | None]) -> float | None:
    """Return the sum; None if one of the values is not known."""
    known = [value for value in values if value is not None]
    return float(sum(known)) if len(known) == len(values) else None
