from __future__ import annotations

import os
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from chart_cases import full, several_jobs
from factories import START, batch, coverage, finding, job, result, task
from filled import SNIPPETS
from pandas.testing import assert_frame_equal
from report_cases import body, content, decided, hostile

from batchnb.records import CoverageStatus, JobStatus, TaskStatus
from batchnb.records.errors import InvalidValueError, ReportError
from batchnb.results.decisions.triage import apply_decisions
from batchnb.results.identity.compare import compare
from batchnb.results.reports import report as report_module
from batchnb.results.reports.data import report_frames
from batchnb.results.reports.report import render_report, write_report
from batchnb.results.sarif.frame_json import frame_to_json

SECTIONS = (
    *("summary", "unmeasured", "changes", "findings", "decisions", "patterns"),
    *("models", "measurements", "coverage", "runs", "apps", "origin"),
)


def page(data=None, **options):
    return body(render_report(content() if data is None else data, **options))


def test_report_says_everything_that_was_asked_for():
    text = page()
    for part in (
        "Nightly backend scan",
        "What was not measured",
        "timed out",
        "stopped after 60 s",
        "2 of 6 files not read",
        "Checks measured in full",
        "bandit ended with exit code 2",
        "Job 1, failed, started 2026-03-02 09:30:00 UTC, took 3 min 7 s.",
        "2026-03-02 09:33:07 UTC",
        "1.9.1",
        "backend/app.py:12: unexpected indent",
        "Files that were not read",
        "syntax error in line 4",
        "≥: a lower bound",
        "Fewer reported is not fewer faults",
    ):
        assert part in text, part


def test_every_section_is_in_the_table_of_contents():
    html = render_report(decided(content(), [0]), comparison=compare(content(), content()))
    for name in SECTIONS:
        assert html.count(f'<a href="#{name}">') >= 1, name
        assert (
            html.count(f'<section id="{name}"') + html.count(f'<section class="unmeasured" id="{name}"') == 1
        )


def test_a_fully_measured_clean_job_has_no_warning_and_a_zero():
    text = page(content(tasks=[task()], findings=[], coverage=[coverage()], portfolio=None))
    assert "What was not measured" not in text
    assert '<div class="big">0</div>' in text
    assert "No finding was reported." in text
    assert "Models compared" not in text


def test_a_job_that_measured_nothing_has_no_number_of_findings():
    cells = [coverage(status=CoverageStatus.TOOL_MISSING)]
    text = page(content(tasks=[task()], findings=[], coverage=cells))
    assert "Nothing was measured, so there is no number." in text
    assert "No finding was reported" not in text


def test_the_matrix_tells_a_silent_tool_from_one_that_was_not_asked():
    cells = [
        coverage(),
        coverage(tool="ruff"),
        coverage(app_num=2),
        coverage("b", 1, "zap", analysis_type="zap"),
    ]
    text = page(content(tasks=[], findings=[], coverage=cells, portfolio=None))
    assert text.count('✗ <span class="word">no report') == 1
    assert text.count('<span class="word">not asked for') == 4


def test_a_job_that_has_not_started_renders():
    waiting = job([task(status=TaskStatus.PENDING)], JobStatus.PENDING, started_at=None, errors=[])
    text = page(content(jobs=[waiting], tasks=[], findings=[], coverage=[], portfolio=None))
    assert "Job 1, pending." in text
    assert "No app was analysed." in text


def test_a_dataset_without_a_job_renders():
    tasks, findings, cells = batch()
    assert "<h1>Analysis report</h1>" in page(
        content(jobs=[], findings=findings, coverage=cells, tasks=tasks)
    )
    assert "<h1>Mine</h1>" in page(title="Mine")


def test_figures_without_anything_to_show_are_left_out_and_named():
    html = render_report(content())
    assert "No figure “Latency”, as there is nothing to show" in body(html)
    assert "No figure “Findings and coverage per job”, as there is nothing to show: one job" in body(html)
    assert '"latency":' not in html
    html = render_report(full())
    for name in ("latency", "throughput", "requirements", "timeline", "forest", "agreement", "rates_app"):
        assert f'"{name}":' in html, name
        assert f'data-figure="{name}"' in html, name
        assert f'id="text-{name}"' in html, name


def test_of_several_jobs_each_app_counts_once_and_the_trend_is_shown():
    data = several_jobs((1, 2))
    html = render_report(data)
    newest = data.latest()
    assert "Several jobs" in body(html)
    assert f"from {len(newest.findings)} findings of the tools" in body(html)
    assert '"trend":' in html


def test_tools_that_report_one_fault_are_one_row_with_their_evidence():
    line = {"line": 7, "message": "SQL is put together"}
    findings = [finding(number=0, **line), finding(number=3, **line), finding(number=1)]
    text = page(content(findings=findings))
    assert "2 faults, from 3 findings of the tools" in text
    assert "2 findings of 2 tools" in text
    assert '<span class="item">bandit</span><span class="item">ruff</span>' in text


def test_decisions_are_shown_with_their_state():
    data = decided(content(), [0], expires="2099-01-01")
    text = page(data)
    assert "<td>false positive</td>" in text
    assert "only in tests" in text
    old = decided(content(), [0])
    old = replace(old, decisions=old.decisions.assign(decided_at=START, expires_at=START + timedelta(days=1)))
    text = page(old)
    assert "<td>false positive</td>" not in text.partition('<section id="decisions"')[0]
    assert "1 decision: 1 expired" in text
    assert "Decisions" not in page()


def test_a_triage_of_other_findings_is_refused():
    with pytest.raises(InvalidValueError, match="triage"):
        render_report(content(), triage=apply_decisions(content(findings=[finding()])))
    data = decided(content(), [0])
    assert "<td>false positive</td>" in page(content(), triage=apply_decisions(data))


def test_a_comparison_is_told_by_state():
    before = content(findings=[finding(number=n) for n in range(3)])
    after = content(findings=[finding(number=n) for n in range(1, 4)])
    text = page(after, comparison=compare(before, after))
    assert "Compared with the earlier run" in text
    assert "New (1)" in text
    assert "Fixed (1)" in text
    cells = [coverage(status=CoverageStatus.TIMED_OUT)]
    text = page(after, comparison=compare(before, content(findings=[], coverage=cells, tasks=[task()])))
    assert "Not re-measured (3)" in text
    assert "Fixed (" not in text


def test_the_table_is_capped_and_the_whole_is_beside_it(monkeypatch, tmp_path):
    monkeypatch.setattr(report_module, "MOST_FINDINGS", 3)
    data = content(findings=[finding(number=number, message="=1+1") for number in range(10)])
    target = write_report(data, tmp_path / "a #1%?.html")
    html = target.read_text("utf-8")
    assert "3 of 10 faults are listed" in body(html)
    assert html.count('<td class="severity') == html.count('<td class="severity high"') + 1 == 3
    assert '<a href="./a%20%231%25%3F.html.findings.csv">' in html
    rows = (tmp_path / "a #1%?.html.findings.csv").read_text("utf-8").splitlines()
    assert len(rows) == 11
    assert all(',"\'=1+1",' in row for row in rows[1:])
    write_report(data, tmp_path / "alone.html", data=False)
    assert not (tmp_path / "alone.html.findings.csv").exists()
    assert "beside this page" not in (tmp_path / "alone.html").read_text("utf-8")


def test_secrets_and_the_home_are_left_out(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "kim"))
    where = Path.home() / "apps" / "x.py"
    cells = [
        coverage(
            status=CoverageStatus.FAILED, stderr_tail=f"no {where}", detail=f"at {where}: token=abcd1234efgh"
        )
    ]
    data = content(coverage=cells)
    data = replace(
        data, provenance={**data.provenance, "base": str(where), "zap_url": "http://kim:pw12345@localhost"}
    )
    html = render_report(data)
    for secret in ("hunter2", str(Path.home()), "abcd1234efgh", "pw12345"):
        assert secret not in html, secret
    assert "~/apps/x.py" in html
    assert "min_severity" in html


def test_results_and_coverage_come_back_exactly(tmp_path):
    tasks, findings, cells = batch()
    cells[0] = replace(cells[0], detail="".join(SNIPPETS), stderr_tail="</script><!--", exit_code=None)
    results = [
        result(each, [one for one in findings if one.task_id == each.id])
        for each in tasks
        if each.status.is_ended
    ]
    data = content(tasks=tasks, findings=findings, coverage=cells, results=results)
    found = report_frames(write_report(data, tmp_path / "r.html"))
    assert sorted(found) == ["coverage", "results"]
    assert len(found["results"]) == len(results) > 5
    for name, frame in found.items():
        assert frame_to_json(frame) == frame_to_json(data.frames[name]), name
        assert_frame_equal(frame, data.frames[name], check_categorical=False)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<p>no report", InvalidValueError),
        ('<script type="application/json" id="report-data">{</script>', InvalidValueError),
        ('<script type="application/json" id="report-data">[]</script>', InvalidValueError),
        ('<script type="application/json" id="report-data">{}</script>', ReportError),
        ('<script type="application/json" id="report-data">{"results":1,"coverage":2}</script>', ReportError),
    ],
)
def test_a_file_that_is_no_report_is_refused(tmp_path, text, error):
    (tmp_path / "r.html").write_text(text)
    with pytest.raises(error):
        report_frames(tmp_path / "r.html")
    with pytest.raises(InvalidValueError, match="missing"):
        report_frames(tmp_path / "missing.html")


def test_writing_replaces_in_one_step_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "report.html"
    target.write_text("old")
    assert write_report(content(), target) == target
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    mask = os.umask(0)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "report.html"
    target.write_text("old")

    def full_disk(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    monkeypatch.setattr(report_module, "MOST_FINDINGS", 3)
    with pytest.raises(InvalidValueError, match=r"report\.html.*No space left"):
        write_report(content(), target)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("name", "hint"), [("", "is a folder"), ("no/such/report.html", "there is no folder")]
)
def test_an_impossible_path_is_refused_by_name(tmp_path, name, hint):
    with pytest.raises(InvalidValueError, match=hint) as caught:
        write_report(content(), tmp_path / name)
    assert str(tmp_path) in str(caught.value)


def test_something_without_a_dataset_is_refused(tmp_path):
    with pytest.raises(InvalidValueError, match="Dataset"):
        write_report([], tmp_path / "r.html")
    assert not list(tmp_path.iterdir())


def test_no_payload_is_markup():
    html = body(render_report(hostile()))
    for raw in ("<script>window", "<img", "<b onmouseover", "<b>bold", "\u202e", "\x1b", 'href="javascript'):
        assert raw not in html, raw


def test_reports_can_be_rendered_in_threads():
    pages, data = [], content()
    threads = [threading.Thread(target=lambda: pages.append(len(render_report(data)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pages) == 4
    assert len(set(pages)) == 1
