"""Datasets for comparing models: a count per model and app, or why there is none."""

from __future__ import annotations

from factories import app, coverage, finding, task

from batchnb.records import CoverageStatus, Portfolio, TaskStatus
from batchnb.results.dataset import Dataset

FAILED, PARTLY = "failed", "partly"


def compared(counts, *, extra=(), cells=(), apps=None, placeholders=(), **records):
    """Return a dataset.

    Args:
        counts: model -> per app (from 1) the number of findings, or `FAILED`; `(PARTLY, n)`: n of a part.
        extra: findings to add.
        cells: coverage to add.
        apps: attributes of apps, by (model, number); None: there is no portfolio.
        placeholders: (model, number) of apps that are placeholders.
        records: what else `Dataset.from_records` takes.
    """
    tasks, findings, covered = [], [], []
    for model, found in counts.items():
        for number, count in enumerate(found, start=1):
            task_id = len(tasks) + 1
            status, many = _fate(count)
            ended = TaskStatus.COMPLETED if status.is_measured else TaskStatus.FAILED
            tasks.append(task(task_id, model, number, ended))
            covered.append(coverage(model, number, status=status, task_id=task_id))
            findings += [finding(model, number, 1, line=n + 1, task_id=task_id) for n in range(many)]
    portfolio = None
    if apps is not None or placeholders:
        known = [
            app(model, n, placeholder=(model, n) in placeholders, **(apps or {}).get((model, n), {}))
            for model, found in counts.items()
            for n in range(1, len(found) + 1)
        ]
        portfolio = Portfolio(base=known[0].path.parent, apps=tuple(known))
    return Dataset.from_records(
        tasks=tasks,
        findings=[*findings, *extra],
        coverage=[*covered, *cells],
        portfolio=portfolio,
        **records,
    )


def _fate(count):
    if count == FAILED:
        return CoverageStatus.FAILED, 0
    return (CoverageStatus.PARTIAL, count[1]) if isinstance(count, tuple) else (CoverageStatus.OK, count)
