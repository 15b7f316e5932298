"""A static picture of an ended job, for a saved notebook: all that its live view showed, without a script."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from batchnb.results._templates import asset, render
from batchnb.results.derived import seconds
from batchnb.results.severity import severity_text, worst_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.records import BatchAnalysisJob, Finding
    from batchnb.results.severity import SeverityInfo

MOST_APPS = 300
MOST_FINDINGS = 100
"""Rows of its tables: a saved notebook should stay small."""


def snapshot_html(
    job: BatchAnalysisJob,
    info: SeverityInfo,
    gaps: Sequence[str],
    findings: Sequence[Finding],
) -> str:
    """Return escaped HTML of what a job found and what of it was measured.

    Args:
        job: the job.
        info: its findings by app and severity, and how far each app was measured.
        gaps: what was not measured, in lines of untrusted text.
        findings: all of them; the worst `MOST_FINDINGS` are shown, and the true number said.
    """
    return render(
        "snapshot.html.j2",
        style=asset("notebook.css"),
        job=job,
        counts={word.replace("_", " "): count for word, count in job.task_count_by_status.items() if count},
        seconds=seconds(job),
        info=info,
        text=severity_text(info),
        cells=info.cells[:MOST_APPS],
        more_cells=max(0, len(info.cells) - MOST_APPS),
        gaps=gaps,
        shown=heapq.nsmallest(MOST_FINDINGS, findings, key=worst_first),
        total=len(findings),
    )
