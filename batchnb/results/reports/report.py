"""The report: one HTML file that needs no network and trusts nothing that it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from batchnb.results._templates import asset, json_data, render, script
from batchnb.results.dataset import as_dataset
from batchnb.results.drawing._plotly import plotly_javascript
from batchnb.results.exports.export import write_csv
from batchnb.results.files import replacing, writable_target
from batchnb.results.reports.content import report_content
from batchnb.results.reports.data import data_json
from batchnb.results.reports.figures import specs_json
from batchnb.results.reports.private import presentable

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from batchnb.results.decisions.triage import Triage
    from batchnb.results.identity.comparison import Comparison
    from batchnb.results.reports.content import ReportContent

MOST_FINDINGS = 5_000
"""Rows of the findings table; a page with more is slow to open. The report says how many there are in all."""
_PATH = "report path"


def write_report(
    source: object,
    path: str | os.PathLike[str],
    *,
    comparison: Comparison | None = None,
    title: str | None = None,
    triage: Triage | None = None,
    data: bool = True,
) -> Path:
    """Write a report as one HTML file, all or nothing, and return its absolute path.

    Args:
        source: a Job or a Dataset; of several jobs each app and analysis counts as the newest has it.
        path: the file to write; an existing one is replaced.
        comparison: of it with an earlier run; adds what is new, fixed, reopened and not re-measured.
        title: the heading; None: the job's name.
        triage: the findings of `source` with decisions; None: the decisions in the dataset are applied.
        data: if there are more findings than the page lists, also write all of them as
            `<path>.findings.csv` beside it, and link it.

    Raises:
        InvalidValueError: if `source` has no dataset, there cannot be a file at `path`, or `triage` is that
            of other findings.
        ImportError: if plotly is not installed.
    """
    target = writable_target(path, _PATH)  # before a second is spent on rendering
    beside = writable_target(target.with_name(f"{target.name}.findings.csv"), _PATH)
    content = _content(source, comparison=comparison, title=title, triage=triage)
    with_data = data and content.findings.is_cut
    html = _page(content, link=f"./{quote(beside.name)}" if with_data else "")
    with replacing(target, _PATH) as draft:
        draft.write_bytes(html.encode("utf-8"))
        if with_data:
            write_csv(content.findings.triage.findings, beside)
    return target


def render_report(
    source: object,
    *,
    comparison: Comparison | None = None,
    title: str | None = None,
    triage: Triage | None = None,
) -> str:
    """Return the report as one HTML page (about 5 MB: plotly.js is inside); see write_report."""
    return _page(_content(source, comparison=comparison, title=title, triage=triage))


def _content(
    source: object, *, comparison: Comparison | None, title: str | None, triage: Triage | None
) -> ReportContent:
    return report_content(
        presentable(as_dataset(source)),
        title=title,
        comparison=comparison,
        triage=triage,
        most_findings=MOST_FINDINGS,
    )


def _page(content: ReportContent, link: str = "") -> str:
    library, library_hash = script(plotly_javascript())
    own, own_hash = script(str(asset("report.js")))
    early, early_hash = script('document.documentElement.classList.add("scripted")')
    return render(
        "report.html.j2",
        report=content,
        data_link=link,
        figures=json_data(specs_json(content.figures.values())),
        data=json_data(data_json(content.origin.dataset)),
        style=asset("report.css"),
        library=library,
        own=own,
        early=early,
        # Plotly 7 draws under this without 'unsafe-eval'; it only needs to write style rules, and a
        # data: or blob: image when the reader saves a chart as a picture.
        script_hashes=f"{early_hash} {library_hash} {own_hash}",
    )
