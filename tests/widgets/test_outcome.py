from __future__ import annotations

import sys

from support import START, coverage, error, finding, task

from batchnb.records import CoverageStatus, Severity, TaskStatus
from batchnb.results.gaps import find_gaps
from batchnb.widgets.outcome import gap_texts, present_outcome

EVIL = "<img src=x onerror=window.pwn=1> $\\href{javascript:1}{x}$"


def htmls(outcome):
    return [output["data"]["text/html"] for output in outcome.outputs]


def test_untrusted_text_is_escaped_and_kept_from_mathjax():
    evil = {"model": EVIL, "tool": EVIL, "message": EVIL, "path": EVIL, "rule": EVIL}
    failed = coverage(app_num=9, status=CoverageStatus.FAILED, detail=EVIL, model=EVIL, tool=EVIL)
    outcome = present_outcome([], [finding(**evil)], [failed, coverage(model=EVIL)])
    for output in outcome.outputs:
        markup = output["data"]["text/html"]
        assert "<img" not in markup
        is_chart = "application/vnd.plotly.v1+json" in output["data"]
        assert is_chart or 'class="batchnb-text mathjax_ignore"' in markup
    assert any("&lt;img" in markup for markup in htmls(outcome))


def test_the_table_is_capped_worst_first_and_says_so():
    many = [finding(line=n, severity=Severity.LOW) for n in range(1, 31)]
    worst = finding(line=99, severity=Severity.HIGH, message="the worst")
    table = htmls(present_outcome([], [*many, worst], [coverage()], most_findings=10))[-1]
    assert "Findings: 31, the 10 worst are shown; job.findings has all" in table
    assert table.count("<tr>") == 11
    assert table.index("the worst") < table.index(":1<")


def test_no_finding_is_told_apart_from_nothing_measured():
    clean = present_outcome([], [], [coverage()])
    assert "None in what was measured." in htmls(clean)[-1]
    assert "every tool read every file" in htmls(clean)[2]
    assert clean.info.has_measurement
    assert not clean.info.is_lower_bound
    blind = present_outcome([], [], [coverage(status=CoverageStatus.TIMED_OUT, files_seen=0)])
    assert "Nothing was measured." in htmls(blind)[-1]
    assert not blind.info.has_measurement


def test_gaps_are_grouped_by_tool_and_cause():
    cells = [
        coverage(app_num=n, status=CoverageStatus.TIMED_OUT, files_seen=0, detail="60 s") for n in (1, 2, 3)
    ]
    lost = task(
        app_num=5,
        status=TaskStatus.FAILED,
        started_at=START,
        completed_at=START,
        error=error(message="no such app"),
    )
    lines = gap_texts(find_gaps(cells, [lost]))
    assert lines == (
        "bandit timed out: atlas app 1-3 (60 s)",
        "backend_security failed: atlas app 5 (no such app)",
    )


def test_many_gaps_are_capped_with_their_true_number():
    cells = [coverage(tool=f"tool{n}", status=CoverageStatus.FAILED, files_seen=0) for n in range(20)]
    lines = gap_texts(find_gaps(cells))
    assert len(lines) == 13
    assert lines[-1] == "and 8 more"


def test_the_chart_is_plotly_with_words_beside_it():
    data = present_outcome([], [finding()], [coverage()]).outputs[1]["data"]
    assert data["application/vnd.plotly.v1+json"]["data"]
    assert "1 high" in data["text/plain"]
    assert "1 high" in data["text/html"]


def test_without_plotly_everything_else_is_shown(monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    outputs = present_outcome([], [finding()], [coverage()]).outputs
    assert "no chart" in outputs[1]["data"]["text/html"]
    assert "Findings: 1" in outputs[-1]["data"]["text/html"]
