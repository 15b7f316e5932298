"""What an ended job's view shows below its progress: summary, chart, what was not measured, findings."""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.results.charts import severity_figure
from batchnb.results.gaps import find_gaps, gap_groups
from batchnb.results.severity import severity_info, severity_text, worst_first
from batchnb.widgets.sinks import bundle_output, escape, html_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from batchnb.records import BatchAnalysisTask, Coverage, Finding
    from batchnb.results.gaps import Gap, GapGroup
    from batchnb.results.severity import SeverityInfo

MOST_FINDINGS = 200
"""Rows of the table; the rest is in `job.findings`."""
_MOST_GAPS = 12
_PLOTLY = "application/vnd.plotly.v1+json"
_HEADS = ("severity", "model", "app", "rule", "CWE", "place", "message")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The results of an ended job, ready to be shown."""

    info: SeverityInfo
    """What was found and measured, in numbers."""
    gaps: tuple[str, ...]
    """What was not measured, one untrusted text per tool and cause (capped)."""
    outputs: tuple[dict[str, Any], ...]
    """Notebook outputs; everything untrusted in them is escaped."""


def present_outcome(
    tasks: Iterable[BatchAnalysisTask],
    findings: Sequence[Finding],
    coverage: Sequence[Coverage],
    most_findings: int = MOST_FINDINGS,
) -> Outcome:
    """Return what to show of one job's records."""
    planned = list(tasks)
    info = severity_info(findings, coverage, planned)
    gaps = gap_texts(find_gaps(coverage, planned))
    return Outcome(
        info=info,
        gaps=gaps,
        outputs=(
            html_output(f"<p>{escape(severity_text(info))}</p>", severity_text(info)),
            _chart(info),
            _gaps_output(gaps),
            _findings_output(findings, most_findings, measured=info.has_measurement),
        ),
    )


def gap_texts(gaps: Iterable[Gap]) -> tuple[str, ...]:
    """Return one line per tool and cause, such as `bandit failed: atlas app 1-3; birch app 2 (no report)`."""
    lines = [_gap_text(group) for group in gap_groups(gaps)]
    more = len(lines) - _MOST_GAPS
    return (*lines[:_MOST_GAPS], *([f"and {more} more"] if more > 0 else []))


def _gap_text(group: GapGroup) -> str:
    where = "; ".join(f"{model} app {numbers}" for model, numbers in group.apps.items())
    others = ", and others" if len(group.details) > 1 else ""
    reason = f" ({group.details[0]}{others})" if group.details else ""
    return f"{group.tool or group.analysis_type} {group.word}: {where}{reason}"


def _chart(info: SeverityInfo) -> dict[str, Any]:
    """Return the severity chart, with its words for whoever cannot draw or see it."""
    words = severity_text(info)
    fallback = {"text/html": f"<p>{escape(words)}</p>", "text/plain": words}
    try:
        figure = json.loads(severity_figure(info).to_json())
    except ImportError as error:
        return html_output(f"<p>no chart: {escape(str(error))}</p>", str(error))
    config = {"displaylogo": False, "displayModeBar": False}
    return bundle_output({_PLOTLY: {**figure, "config": config}, **fallback})


def _gaps_output(gaps: tuple[str, ...]) -> dict[str, Any]:
    head = "<h4>What was not measured</h4>"
    if not gaps:
        text = "Nothing: every tool read every file that it is for."
        return html_output(f"{head}<p>{text}</p>", text)
    items = "".join(f"<li>{escape(gap)}</li>" for gap in gaps)
    note = "Not measured is not clean: these apps can have more findings than are listed."
    return html_output(f"{head}<p>{note}</p><ul>{items}</ul>", "\n".join((note, *gaps)))


def _findings_output(findings: Sequence[Finding], most: int, *, measured: bool) -> dict[str, Any]:
    if not findings:
        text = "None in what was measured." if measured else "Nothing was measured."
        return html_output(f"<h4>Findings</h4><p>{text}</p>", f"Findings: {text}")
    shown = heapq.nsmallest(most, findings, key=worst_first)
    total = f"{len(findings):,}"
    caption = f"Findings: {total}"
    if len(shown) < len(findings):
        caption += f", the {len(shown):,} worst are shown; job.findings has all"
    heads = "".join(f'<th scope="col">{head}</th>' for head in _HEADS)
    rows = "".join(_row(finding) for finding in shown)
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    # The box scrolls, so the keyboard must be able to reach it.
    box = f'<div class="batchnb-scroll" tabindex="0" role="region" aria-label="Findings">{table}</div>'
    return html_output(f"<h4>{caption}</h4>{box}", caption)


def _row(finding: Finding) -> str:
    level = str(finding.severity)
    place = finding.path if finding.line is None else f"{finding.path}:{finding.line}"
    cwe = "" if finding.cwe is None else str(finding.cwe)
    return (
        f'<tr><td><span class="batchnb-chip batchnb-{level}">{level}</span></td>'
        f'<td class="batchnb-long">{escape(finding.model, 60)}</td>'
        f'<td class="batchnb-number">{finding.app_num}</td>'
        f'<td class="batchnb-rule">{escape(finding.tool, 40)} {escape(finding.rule, 60)}</td><td>{cwe}</td>'
        f'<td class="batchnb-place"><code>{escape(place, 160)}</code></td>'
        f'<td class="batchnb-text-cell">{escape(finding.message, 240)}</td></tr>'
    )
