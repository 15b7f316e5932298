"""Made-up but realistic records."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from batchnb.records import (
    AppInfo,
    BatchAnalysisJob,
    BatchAnalysisResult,
    BatchAnalysisTask,
    Coverage,
    CoverageStatus,
    ErrorCategory,
    Finding,
    JobError,
    JobStatus,
    Portfolio,
    Severity,
    TaskStatus,
    UnparsedFile,
    UnreadFile,
    fingerprint,
)

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
BACKEND = "backend_security"
RULES = (
    (
        "bandit",
        "B608",
        Severity.MEDIUM,
        89,
        "Possible SQL injection through string-based query construction.",
    ),
    ("bandit", "B201", Severity.HIGH, 94, "A Flask app appears to be run with debug=True."),
    ("bandit", "B105", Severity.LOW, 259, "Possible hardcoded password: 'change-me'"),
    (
        "ruff",
        "S608",
        Severity.MEDIUM,
        89,
        "Possible SQL injection vector through string-based query construction",
    ),
    ("ruff", "S113", Severity.LOW, None, "Probable use of `requests` call without timeout"),
)
HOSTILE = (
    "<script>window.pwn=1</script>",
    "</script><img src=x onerror=window.pwn=1>",
    "{{7*7}}",
    "a\u202eb\x1b[31mc\x00\u2028\ud800",
    '"><b onmouseover=window.pwn=1>bold</b>',
)


def finding(model="gpt-4o", app_num=1, number=0, **changes):
    tool, rule, severity, cwe, message = RULES[number % len(RULES)]
    values = {
        "model": model,
        "app_num": app_num,
        "analysis_type": BACKEND,
        "tool": tool,
        "rule": rule,
        "severity": severity,
        "cwe": cwe,
        "path": "backend/app.py",
        "line": 10 + number,
        "column": 5,
        "message": message,
        "snippet": 'cursor.execute(f"SELECT * FROM users WHERE id = {user_id}")',
        "fingerprint": fingerprint(tool, rule, "backend/app.py", "x", number),
        "job_id": 1,
        "task_id": app_num,
    }
    return Finding(**{**values, **changes})


def coverage(model="gpt-4o", app_num=1, tool="bandit", status=CoverageStatus.OK, **changes):
    seen = {CoverageStatus.OK: 6, CoverageStatus.PARTIAL: 4}.get(status, 0)
    values = {
        "model": model,
        "app_num": app_num,
        "analysis_type": BACKEND,
        "tool": tool,
        "status": status,
        "files_eligible": 0 if status is CoverageStatus.NOT_APPLICABLE else 6,
        "files_seen": seen,
        "exit_code": 0 if status.is_measured else None,
        "tool_version": {"bandit": "1.9.1", "ruff": "0.17.6"}.get(tool, ""),
        "seconds": 1.25,
        "job_id": 1,
        "task_id": app_num,
    }
    if status is CoverageStatus.PARTIAL:
        values["unread"] = (UnreadFile(path="backend/db.py", reason="syntax error in line 4"),)
    return Coverage(**{**values, **changes})


def error(message="bandit ended with exit code 2", category=ErrorCategory.ANALYSIS, **changes):
    return JobError(category=category, message=message, timestamp=START, **changes)


def task(task_id=1, model="gpt-4o", app_num=1, status=TaskStatus.COMPLETED, **changes):
    pending = status is TaskStatus.PENDING
    failed = status in {TaskStatus.FAILED, TaskStatus.TIMED_OUT}
    values = {
        "id": task_id,
        "job_id": 1,
        "model": model,
        "app_num": app_num,
        "analysis_type": BACKEND,
        "status": status,
        "created_at": START,
        "started_at": None if pending else START,
        "completed_at": START + timedelta(seconds=4.5) if status.is_ended else None,
        "error": error(task_id=task_id) if failed else None,
        "progress": 100 if status is TaskStatus.COMPLETED else 0,
        "result_details": {"tool_status": {"bandit": "ok", "ruff": "ok"}} if not failed else {},
    }
    return BatchAnalysisTask(**{**values, **changes})


def result(of=None, findings=()):
    return BatchAnalysisResult.from_task(of or task(), findings)


def job(tasks=(), status=JobStatus.COMPLETED, **changes):
    counts = {}
    for one in tasks:
        counts[str(one.status)] = counts.get(str(one.status), 0) + 1
    values = {
        "id": 1,
        "name": "Nightly backend scan",
        "created_at": START,
        "status": status,
        "models": sorted({one.model for one in tasks}),
        "analysis_types": [BACKEND],
        "analysis_options": {BACKEND: {"min_severity": "low", "api_key": "hunter2"}},
        "started_at": START,
        "completed_at": START + timedelta(minutes=3, seconds=7) if status.is_ended else None,
        "total_tasks": len(tasks),
        "completed_tasks": sum(one.status.is_ended for one in tasks),
        "task_count_by_status": counts,
    }
    return BatchAnalysisJob(**{**values, **changes})


def app(model="gpt-4o", app_num=1, **changes):
    values = {
        "model": model,
        "app_num": app_num,
        "path": Path("apps") / "m" / f"app{app_num}",
        "backend": True,
        "frontend": True,
        "compose": True,
        "requirements": 7,
        "files": 23,
        "lines_by_language": {"javascript": 640, "python": 210, "css": 88},
    }
    return AppInfo(**{**values, **changes})


def portfolio(models=("claude", "gpt-4o"), numbers=(1, 2, 3), problems=()):
    apps = [app(model, number) for model in models for number in numbers]
    if len(apps) > 2:
        broken = UnparsedFile(path="backend/app.py", line=12, reason="unexpected indent")
        apps[1] = app(apps[1].model, apps[1].app_num, unparsed=(broken,))
        apps[2] = app(apps[2].model, apps[2].app_num, backend=False, placeholder=True, compose=False)
    return Portfolio(base=Path("apps"), apps=tuple(apps), problems=tuple(problems))


def batch(models=("anthropic_claude-3.5-sonnet", "gpt-4o", "qwen2.5-coder"), numbers=range(1, 5), seed=7):
    """Return (tasks, findings, coverage) of a batch in which about every fifth app was not fully measured."""
    rng = random.Random(seed)
    tasks, findings, cells = [], [], []
    for task_id, (model, number) in enumerate(((m, n) for m in models for n in numbers), start=1):
        fate = (task_id * 7 + seed) % 11
        status = {
            0: CoverageStatus.TIMED_OUT,
            3: CoverageStatus.PARTIAL,
            6: CoverageStatus.NOT_APPLICABLE,
        }.get(fate, CoverageStatus.OK)
        both = status in {CoverageStatus.TIMED_OUT, CoverageStatus.NOT_APPLICABLE}
        detail = {CoverageStatus.TIMED_OUT: "stopped after 60 s"}.get(status, "")
        cells.append(coverage(model, number, "bandit", status, detail=detail, task_id=task_id))
        second = status if both else CoverageStatus.TOOL_MISSING if fate == 8 else CoverageStatus.OK
        cells.append(coverage(model, number, "ruff", second, detail=detail, task_id=task_id))
        ending = {
            CoverageStatus.TIMED_OUT: TaskStatus.TIMED_OUT,
            CoverageStatus.NOT_APPLICABLE: TaskStatus.SKIPPED,
        }.get(status, TaskStatus.COMPLETED)
        tasks.append(task(task_id, model, number, ending))
        count = 0 if both or fate == 5 else rng.randint(1, 12)
        findings += [finding(model, number, rng.randint(0, 4) + 5 * i, task_id=task_id) for i in range(count)]
    return tasks, findings, cells
