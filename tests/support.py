"""Records with defaults, portfolios on disk, and waiting with a deadline."""

from __future__ import annotations

import hashlib
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from batchnb.records import (
    AnalysisReport,
    AppInfo,
    BatchAnalysisJob,
    BatchAnalysisResult,
    BatchAnalysisTask,
    Coverage,
    CoverageStatus,
    ErrorCategory,
    Finding,
    JobError,
    Portfolio,
    Severity,
    TaskStatus,
    fingerprint,
)

REPOSITORY = Path(__file__).parents[1]
EXAMPLES = REPOSITORY / "examples"
START = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
LATER = START + timedelta(minutes=3)
PATIENCE = 20.0
"""Seconds after which something that must happen has not happened; nothing is ever waited for that long."""
FAULT = "import subprocess\nsubprocess.call(input(), shell=True)\n"
"""Python source in which bandit reports B602 and ruff S602, on line 2."""


def job(**changes):
    return BatchAnalysisJob(**{"id": 1, "name": "a job", "created_at": START, **changes})


def task(**changes):
    values = {"id": 7, "job_id": 3, "model": "atlas", "app_num": 2, "analysis_type": "backend_security"}
    return BatchAnalysisTask(**{**values, "created_at": START, **changes})


def result(**changes):
    values = {"job_id": 3, "task_id": 7, "model": "atlas", "app_num": 2, "analysis_type": "backend_security"}
    return BatchAnalysisResult(**{**values, "status": TaskStatus.COMPLETED, "details": {"a": 1}, **changes})


def error(**changes):
    return JobError(
        **{"category": ErrorCategory.ANALYSIS, "message": "it broke", "timestamp": START, **changes}
    )


def finding(**changes):
    values = {
        "model": "atlas",
        "app_num": 2,
        "analysis_type": "backend_security",
        "tool": "bandit",
        "rule": "B602",
        "severity": Severity.HIGH,
        "cwe": 78,
        "path": "backend/app.py",
        "line": 2,
        "column": 1,
        "message": "subprocess call with shell=True",
        "snippet": "subprocess.call(input(), shell=True)",
        **changes,
    }
    identity = fingerprint(values["tool"], values["rule"], values["path"], values["snippet"], 0)
    return Finding(**{"fingerprint": identity, **values})


def coverage(**changes):
    values = {"model": "atlas", "app_num": 2, "analysis_type": "backend_security", "tool": "bandit"}
    return Coverage(
        **{**values, "status": CoverageStatus.OK, "files_eligible": 1, "files_seen": 1, **changes}
    )


def report(*issues, **changes):
    return AnalysisReport(issues=issues, coverage=(coverage(**changes),))


def app_info(model, app_num):
    return AppInfo(
        model=model,
        app_num=app_num,
        path=Path(f"/apps/{model}/app{app_num}"),
        backend=True,
        frontend=False,
        compose=False,
        requirements=None,
    )


def portfolio(**models):
    """Return a Portfolio with the app numbers given per model."""
    apps = tuple(app_info(model, number) for model in sorted(models) for number in models[model])
    return Portfolio(base=Path("/apps"), apps=apps)


def write(path, content="x = 1\n"):
    """Write a text or bytes file with its folders and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def make_apps(base, apps, source=FAULT):
    """Make `<base>/<model>/app<N>/backend/app.py` for {model: numbers} and return `base`."""
    for model, numbers in apps.items():
        for number in numbers:
            write(base / model / f"app{number}" / "backend" / "app.py", source)
    return base


def wait_until(condition, seconds=PATIENCE):
    """Return the first true value of `condition()`, or the last false one after `seconds`."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not (value := condition()) and time.monotonic() < end:
        pause.wait(0.005)
    return value


def everything_below(folder):
    """Return {relative path: sha256, or "no file"}: equal before and after means untouched."""
    found = {}
    for path in sorted(folder.rglob("*")):
        regular = path.is_file() and not path.is_symlink()
        name = path.relative_to(folder).as_posix()
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if regular else "no file"
    return found


def processes_with(word):
    """Return the ids of living processes that have `word` on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if word.encode() in command and state != "Z":
                found.append(int(entry.name))
    return found
