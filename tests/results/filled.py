"""Stores that hold given records, to compare what is read of them."""

from __future__ import annotations

from dataclasses import replace

from factories import HOSTILE, coverage, finding

from batchnb.engine.storage import JobStorage
from batchnb.records import AnalysisReport, Confidence, CoverageStatus, Measurement, Severity, utc_now

SNIPPETS = (
    "app.run(debug=True)",
    "cursor.execute(\n\tf'SELECT {user_id}'\n)",
    "",
    "'; DROP TABLE findings; --,\"\n",
    "grüße = '日本語 🎉 \u0301'",
    "a\x00b\x1f\u2028\u202e\ufeff\ud800",
    *HOSTILE,
)
PATHS = ("backend/app.py", "backend/ä.py", "backend/\U0001f600.py", "Backend/app.py", "a\u202eb.py", "")


def measurement(model="gpt-4o", app_num=1, **changes):
    values = {
        "model": model,
        "app_num": app_num,
        "analysis_type": "performance",
        "tool": "locust",
        "metric": "p95",
        "subject": "GET /api/todos",
        "value": 0.1 + 0.2,
        "unit": "ms",
        "low": 1e-300,
        "high": None,
        "samples": 3,
        "detail": "",
    }
    return Measurement(**{**values, **changes})


def odd_findings(model, app_num):
    """Return findings with every kind of text, number and missing value, in no order."""
    return [
        finding(
            model,
            app_num,
            number,
            snippet=SNIPPETS[number % len(SNIPPETS)],
            message=SNIPPETS[(number * 7) % len(SNIPPETS)],
            path=PATHS[(number * 5) % len(PATHS)],
            rule=("B608", "=1+1", "a\x1bb")[number % 3],
            cwe=(None, 79, 89)[number % 3],
            line=None if number % 4 == 0 else 300 - number,
            column=None if number % 5 == 0 else number % 3 + 1,
            confidence=(None, *Confidence)[number % 4],
            severity=list(Severity)[number % 3],
            tags=((), ("noise",), ("noise", "suppressed"))[number % 3],
            fingerprint=f"{(number * 7919) % 65_521:016x}" if number % 6 else "0" * 16,
        )
        for number in range(60)
    ]


def odd_measurements(model, app_num):
    values = (None, 0.0, -0.0, 1 / 3, 2.0**60 + 1, 123456789.123456789, 5e-324, 9.2e18, -7)
    return [
        measurement(
            model,
            app_num,
            value=value,
            low=None if number % 2 else value,
            samples=None if number % 3 else number,
            subject=SNIPPETS[number % len(SNIPPETS)],
            detail=SNIPPETS[-number % len(SNIPPETS)],
        )
        for number, value in enumerate(values)
    ]


def fill(storage, *, models=("qwen", "GPT-4o", "änder"), apps=(2, 10, 1), findings=odd_findings):
    """Fill a store with a job of one ended task per app, and return the job's id."""
    job = storage.create_job({"name": "odd", "models": list(models)})
    cells = [(model, number, "backend_security") for model in models for number in apps]
    for task_id, (model, number, _) in zip(storage.create_tasks(job.id, cells), cells, strict=True):
        end_task(storage, task_id, model, number, findings(model, number))
    return job.id


def end_task(storage, task_id, model, number, findings):
    status = (CoverageStatus.OK, CoverageStatus.PARTIAL, CoverageStatus.TIMED_OUT)[task_id % 3]
    report = AnalysisReport(
        issues=tuple(findings),
        coverage=(replace(coverage(model, number, status=status), detail=SNIPPETS[5]),),
        measurements=tuple(odd_measurements(model, number)),
    )
    storage.update_task(task_id, lambda task: task.start(utc_now()))
    details = {"tool_status": {"bandit": str(status)}, "text": HOSTILE[3]}
    storage.finish_task(task_id, lambda task: task.complete(details, utc_now()), report)


def opened(where, tmp_path):
    return JobStorage(tmp_path / "store.db") if where == "file" else JobStorage()
