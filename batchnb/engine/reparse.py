"""Findings of a job, read anew from the raw output that was kept beside the store."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from batchnb.analyzers.reparse import parse_again
from batchnb.records.errors import ReportError

if TYPE_CHECKING:
    from pathlib import Path

    from batchnb.analyzers.registry import AnalyzerRegistry
    from batchnb.engine.storage import JobStorage
    from batchnb.records import Finding


def reparse(storage: JobStorage, registry: AnalyzerRegistry, base_path: Path, job_id: int) -> list[Finding]:
    """Return a job's findings as today's parsers read what was kept; the store does not change.

    Raises:
        RecordNotFoundError: if there is no such job.
        FileNotFoundError: if a kept file is gone, with the job that made it, say.
        ReportError: if one cannot be read by this version.
        InvalidValueError: if they lie behind a link; see JobStorage.raw_folder_of.
    """
    storage.get_job_or_fail(job_id)
    files: defaultdict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for result in storage.get_results(job_id):
        raw = result.details.get("raw")
        if raw:
            files[result.analysis_type, raw["file"]][raw["target"]] = result.task_id
    found: list[Finding] = []
    for (kind, name), tasks in files.items():
        file = _kept_file(storage, name)
        for target, report in parse_again(registry[kind], base_path, file, tasks).items():
            found += [replace(issue, job_id=job_id, task_id=tasks[target]) for issue in report.issues]
    return found


def _kept_file(storage: JobStorage, name: str) -> Path:
    """Return the file of that name, as `outcome.with_raw` notes it: one in the folder of a job, no other."""
    job_id, _, file = name.partition("/")
    folder = storage.raw_folder_of(int(job_id)) if job_id.isdecimal() else None
    if folder is None or "/" in file or file in {"", ".", ".."}:
        raise ReportError(f"the raw output {name!r} is not one that is kept beside the store")
    return folder / file
