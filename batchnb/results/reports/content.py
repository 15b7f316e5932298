"""What a report says, part by part, as plain data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.records import Severity
from batchnb.results.drawing.severity import app_severity_info
from batchnb.results.drawing.view import current
from batchnb.results.rebuild import coverage_records, task_records
from batchnb.results.reports.changes import ChangesPart
from batchnb.results.reports.coverage import CoveragePart
from batchnb.results.reports.figures import FigureGroup, report_figures
from batchnb.results.reports.findings import FindingsPart, findings_part
from batchnb.results.reports.models import ModelsPart, model_table, models_part
from batchnb.results.reports.numbers import number_tables
from batchnb.results.reports.origin import OriginPart
from batchnb.results.severity import CellState
from batchnb.results.text import duration, plural

if TYPE_CHECKING:
    from batchnb.results.dataset import Dataset
    from batchnb.results.decisions.triage import Triage
    from batchnb.results.identity.comparison import Comparison
    from batchnb.results.reports.table import Table
    from batchnb.results.severity import SeverityInfo


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportContent:
    """All that a report's template asks for. Texts are untrusted."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    """Our own texts on how several jobs are counted."""
    info: SeverityInfo
    """What the first chart shows; the numbers beside it are taken from here, so they agree."""
    tasks: tuple[str, ...]
    """The status of every task."""
    findings: FindingsPart
    coverage: CoveragePart
    model_table: Table
    models: ModelsPart | None
    """None: there are not two."""
    changes: ChangesPart | None
    """None: no comparison was given."""
    numbers: tuple[Table, ...]
    figures: dict[str, FigureGroup]
    origin: OriginPart

    @property
    def severities(self) -> dict[str, int]:
        """Severity -> number of findings."""
        return {str(severity): self.info.count(severity) for severity in Severity}

    @property
    def app_states(self) -> dict[str, int]:
        """How far the apps were measured; only what occurs."""
        states = {str(state): self.info.apps_in(state) for state in CellState}
        return {state: count for state, count in states.items() if count}

    @property
    def task_states(self) -> dict[str, int]:
        """Task status -> number of tasks."""
        return dict(Counter(status.replace("_", " ") for status in self.tasks))

    @property
    def sections(self) -> dict[str, str]:
        """Id -> title of every section that there is, in order."""
        found = {
            "summary": "Summary",
            "unmeasured": "What was not measured" if self.coverage.gap_groups else "",
            "changes": "Compared with the earlier run" if self.changes else "",
            "findings": "Findings",
            "decisions": "Decisions" if self.findings.has_decisions else "",
            "patterns": "Where the findings are",
            "models": "Models compared" if self.models else "",
            "measurements": "Measurements",
            "coverage": "Coverage",
            "runs": "Tasks and failures",
            "apps": "Apps" if self.origin.apps.total else "",
            "origin": "How this was made",
        }
        return {name: title for name, title in found.items() if title}


def report_content(
    dataset: Dataset,
    *,
    title: str | None,
    comparison: Comparison | None,
    triage: Triage | None,
    most_findings: int,
) -> ReportContent:
    """Return what a report of `dataset` says; see `results.report.render_report` for the arguments."""
    newest, notes = current(dataset)
    info = app_severity_info(newest)
    models = models_part(newest)
    return ReportContent(
        title=title or _title(dataset),
        subtitle=_subtitle(dataset),
        notes=notes,
        info=info,
        tasks=tuple(map(str, newest.tasks["status"])),
        findings=findings_part(newest, triage, most_findings),
        coverage=CoveragePart(
            info=info, coverage=coverage_records(newest.coverage), tasks=task_records(newest.tasks)
        ),
        model_table=model_table(newest),
        models=models,
        changes=None if comparison is None else ChangesPart(comparison=comparison),
        numbers=tuple(number_tables(newest)),
        figures=report_figures(dataset, newest, models.comparison if models else None, comparison),
        origin=OriginPart(dataset=dataset),
    )


def _title(dataset: Dataset) -> str:
    names = [str(name) for name in dataset.jobs["name"].dropna() if name]
    return names[0] if len(names) == 1 else "Analysis report"


def _subtitle(dataset: Dataset) -> str:
    jobs = dataset.jobs
    if len(jobs) != 1:
        return f"{plural(len(jobs), 'job')}." if len(jobs) else ""
    job = jobs.astype(object).where(jobs.notna(), None).iloc[0]
    started = f", started {job['started_at']:%Y-%m-%d %H:%M:%S} UTC" if job["started_at"] is not None else ""
    took = f", took {duration(job['seconds'])}" if job["seconds"] is not None else ""
    return f"Job {job['job_id']}, {job['status']}{started}{took}."
