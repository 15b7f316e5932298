"""The quality gate of the command line: whether what a job found, and what it did not look at, will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.results.decisions.triage import apply_decisions, open_consensus
from batchnb.results.gaps import find_gaps, gap_groups
from batchnb.results.rebuild import coverage_records, task_records
from batchnb.results.text import plural, shorten
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from batchnb.job import Job
    from batchnb.results.gaps import GapGroup

FOUND = 3
"""Exit code if something of the severity in question is open."""
UNKNOWN = 4
"""Exit code if nothing is, but not everything was measured, so that nobody can say."""
_MOST, _LETTERS = 20, 200


def gate(job: Job, level: str) -> tuple[int, str]:
    """Return the exit code that a job deserves, and why, in words.

    Consensus findings count, unless triage settled them (false positive, accepted). What a tool was to read
    and did not is unknown, and so is everything if no tool read anything.

    Args:
        job: the job.
        level: the least severity that counts.
    """
    data = job.dataset
    bad = int((open_consensus(apply_decisions(data))["severity"] >= level).sum())
    groups = gap_groups(find_gaps(coverage_records(data.coverage), task_records(data.tasks)))
    lines = [f"gate: {plural(bad, 'open consensus finding')} of severity {level} or worse"]
    if not data.coverage["measured"].any():
        lines.append("gate: nothing was measured")
    elif groups:
        lines.append("gate: not everything was measured, so there may be more:")
    lines += map(_line, groups[:_MOST])
    if len(groups) > _MOST:
        lines.append(f"  ... and {len(groups) - _MOST:,} more")
    return FOUND if bad else UNKNOWN if len(lines) > 1 else 0, "\n".join(lines)


def _line(group: GapGroup) -> str:
    where = "; ".join(f"{model} app {numbers}" for model, numbers in group.apps.items())
    why = f" ({shorten('; '.join(group.details), _LETTERS)})" if group.details else ""
    what = f"{group.tool} of {group.analysis_type}" if group.tool else group.analysis_type
    return visible(f"  {what}, {group.word}: {where}{why}", one_line=True)
