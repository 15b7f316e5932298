"""Findings of a job, read anew from the raw output that was kept beside the store."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from batchnb.analyzers.reparse import parse_again

if TYPE_CHECKING:
    from pathlib import Path

    from batchnb.analyzers.registry import AnalyzerRegistry
    from batchnb.engine.storage import JobStorage
    from batchnb.records import Finding


def reparse(storage: JobStorage, registry: AnalyzerRegistry, base_path: Path, job_id: int) -> list[Finding]:
    """Return a job's findings as today's parsers read what was kept; the store does not change.

    Raises:
        RecordNotFoundError: if there is no such job.
        OSError: if a kept file is gone. ReportError: if one cannot be read by this version.
    """
    storage.get_job_or_fail(job_id)
    files: defaultdict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for result in storage.get_results(job_id):
        raw = result.details.get("raw")
        if raw:
            files[result.analysis_type, raw["file"]][raw["target"]] = result.task_id
    found: list[Finding] = []
    for (kind, name), tasks in files.items():
        assert storage.raw_folder is not None  # noqa: S101 - only a store in a file keeps any
        for target, report in parse_again(
            registry[kind], base_path, storage.raw_folder / name, tasks
        ).items():
            found += [replace(issue, job_id=job_id, task_id=tasks[target]) for issue in report.issues]
    return found
