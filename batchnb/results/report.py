"""The report: one HTML file that needs no network and trusts nothing that it shows."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchnb.records.errors import InvalidValueError
from batchnb.results._plotly import plotly_javascript
from batchnb.results._templates import asset, json_data, render, script
from batchnb.results.charts import severity_figure
from batchnb.results.portfolio_view import portfolio_html
from batchnb.results.report_content import ReportContent
from batchnb.results.severity import severity_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from batchnb.records import (
        BatchAnalysisJob,
        BatchAnalysisTask,
        Coverage,
        Finding,
        Portfolio,
    )

MOST_FINDINGS = 5_000
"""Rows of the findings table; a page with more is slow to open. The report says how many there are in all."""


def write_report(path: str | os.PathLike[str], **content: Any) -> Path:
    """Write the report of a job to `path`, all or nothing, and return its absolute path.

    Args:
        path: the file to write; an existing one is replaced.
        content: the keyword arguments of `render_report`.

    Raises:
        InvalidValueError: if there cannot be a file at `path`.
        ImportError: if plotly is not installed.
    """
    target = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - resolve() would follow a link
    _require_writable(target)
    html = render_report(**content)
    _replace(target, html.encode("utf-8"))
    return target


def render_report(
    *,
    job: BatchAnalysisJob,
    tasks: Iterable[BatchAnalysisTask],
    findings: Iterable[Finding],
    coverage: Iterable[Coverage],
    versions: Mapping[str, str],
    portfolio: Portfolio | None = None,
    title: str | None = None,
) -> str:
    """Return the report of a job as one HTML page (about 5 MB: plotly.js is inside).

    Args:
        job: the job.
        tasks: its tasks.
        findings: everything that was reported.
        coverage: what each tool did.
        versions: name -> version of what made the report, such as Python and batchnb.
        portfolio: adds an overview of the apps.
        title: the heading; None: the job's name.

    Raises:
        ImportError: if plotly is not installed.
    """
    content = ReportContent(
        job=job,
        tasks=tuple(tasks),
        findings=tuple(findings),
        coverage=tuple(coverage),
        portfolio=portfolio,
        versions=versions,
        title=title or job.name,
        most_findings=MOST_FINDINGS,
    )
    library, library_hash = script(plotly_javascript())
    own, own_hash = script(str(asset("report.js")))
    return render(
        "report.html.j2",
        report=content,
        figure=json_data(severity_figure(content.info).to_json()),
        figure_text=severity_text(content.info),
        apps_html=None if portfolio is None else _trusted(portfolio_html(portfolio)),
        style=asset("report.css"),
        library=library,
        own=own,
        # Plotly 7 draws under this without 'unsafe-eval'; it only needs to write style rules, and a
        # data: or blob: image when the reader saves the chart as a picture.
        script_hashes=f"{library_hash} {own_hash}",
    )


def _trusted(html: str) -> Any:
    from markupsafe import Markup  # noqa: PLC0415

    return Markup(html)  # noqa: S704 - made by our own template, which escapes


def _require_writable(target: Path) -> None:
    """Say at once what is wrong, before a second is spent on rendering."""
    allowed = ""
    if target.is_dir():
        allowed = "it is a folder; name a file"
    elif not target.parent.is_dir():
        allowed = f"there is no folder {str(target.parent)!r}; make it first"
    elif not os.access(target.parent, os.W_OK):
        allowed = f"the folder {str(target.parent)!r} cannot be written to"
    if allowed:
        raise InvalidValueError("report path", str(target), allowed)


def _replace(target: Path, data: bytes) -> None:
    """Put `data` at `target` in one step; on any failure the old file stays and no other file is left."""
    draft = target.with_name(f".{target.name[:80]}.{uuid.uuid4().hex}.tmp")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        raise InvalidValueError(
            "report path", str(target), f"it cannot be written ({error.strerror})"
        ) from error
    finally:
        draft.unlink(missing_ok=True)
