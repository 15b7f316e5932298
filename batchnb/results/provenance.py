"""Where a dataset comes from: versions, settings and times, so that a reader can judge it and repeat it."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from batchnb.records import BatchAnalysisJob, Portfolio

HIDDEN = "(hidden)"
_SECRET = re.compile(r"key|token|secret|passw|credential|auth", re.IGNORECASE)
_PACKAGES = ("batchnb", "pandas", "plotly", "scipy")


def provenance(
    jobs: Iterable[BatchAnalysisJob], portfolio: Portfolio | None, now: datetime
) -> dict[str, Any]:
    """Return what is to be known about the origin of `jobs`' data. JSON-able; no secret is in it.

    Returns:
        `read_at`, `versions` (package -> version), `jobs` (id -> options, limits and what was asked for) and
        `portfolio` (its folder's name, models, number of apps).
    """
    return {
        "read_at": now.isoformat(),
        "versions": versions(),
        "jobs": {
            str(job.id): {
                "options": without_secrets(job.analysis_options),
                "app_ranges": {model: list(apps) for model, apps in job.app_ranges.items()},
                "task_timeouts": dict(job.task_timeouts),
                "errors": [f"{error.category.value}: {error.message}" for error in job.errors],
            }
            for job in jobs
        },
        "portfolio": {}
        if portfolio is None
        else {"name": portfolio.base.name, "models": list(portfolio.models), "apps": len(portfolio.apps)},
    }


def versions() -> dict[str, str]:
    """Return the versions of what makes reports: Python, the system, batchnb and its libraries."""
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found


def without_secrets(value: Any, name: str = "") -> Any:
    """Return options with the values of what looks like a secret replaced by `HIDDEN`."""
    if isinstance(value, dict):
        return {key: without_secrets(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(inner, name) for inner in value]
    return HIDDEN if _SECRET.search(name) and isinstance(value, str) and value else value
