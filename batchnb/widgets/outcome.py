"""What an ended job's view shows below its progress: summary, chart, what was not measured, findings."""

from __future__ import annotations

import heapq
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.records import Severity, format_app_range
from batchnb.results.charts import severity_figure
from batchnb.results.gaps import find_gaps
from batchnb.results.severity import severity_info, severity_text
from batchnb.widgets.sinks import bundle_output, escape, html_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from batchnb.records import BatchAnalysisTask, Coverage, Finding
    from batchnb.results.gaps import Gap
    from batchnb.results.severity import SeverityInfo

MOST_FINDINGS = 200
"""Rows of the table; the rest is in `job.findings`."""
_MOST_GAPS = 12
_PLOTLY = "application/vnd.plotly.v1+json"
_RANK = {severity: rank for rank, severity in enumerate(Severity)}
_HEADS = ("severity", "model", "app", "rule", "CWE", "place", "message")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The results of an ended job, ready to be shown."""

    has_measurement: bool
    is_lower_bound: bool
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
        has_measurement=info.has_measurement,
        is_lower_bound=info.is_lower_bound,
        gaps=gaps,
        outputs=(
            html_output(f"<p>{escape(severity_text(info))}</p>", severity_text(info)),
            _chart(info),
            _gaps_output(gaps),
            _findings_output(findings, most_findings, measured=info.has_measurement),
        ),
    )


def gap_texts(gaps: Iterable[Gap]) -> tuple[str, ...]:
    """Return one line per tool and cause, such as `bandit: failed for a 1-3; b 2 (3 apps): no report`."""
    groups: dict[tuple[bool, str, str], list[Gap]] = defaultdict(list)
    for gap in gaps:
        if gap.applicable:
            groups[gap.partial, gap.tool or gap.analysis_type, gap.word].append(gap)
    ranked = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0]))
    lines = [_gap_text(who, word, members) for (_, who, word), members in ranked]
    more = len(lines) - _MOST_GAPS
    return (*lines[:_MOST_GAPS], *([f"and {more} more"] if more > 0 else []))


def _gap_text(who: str, word: str, gaps: list[Gap]) -> str:
    apps: dict[str, set[int]] = defaultdict(set)
    for gap in gaps:
        apps[gap.model].add(gap.app_num)
    where = "; ".join(f"{model} app {format_app_range(numbers)}" for model, numbers in sorted(apps.items()))
    details = list(dict.fromkeys(gap.detail for gap in gaps if gap.detail))
    reason = f" ({details[0]}{', and others' if len(details) > 1 else ''})" if details else ""
    return f"{who} {word}: {where}{reason}"


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
    shown = heapq.nsmallest(most, findings, key=_worst_first)
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


def _worst_first(finding: Finding) -> tuple[Any, ...]:
    place = (finding.path, finding.line or 0, finding.column or 0)
    return (_RANK[finding.severity], finding.model, finding.app_num, *place, finding.tool, finding.rule)


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
