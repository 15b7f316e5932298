from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import timedelta, timezone

import pandas as pd
import pytest
from factories import (
    HOSTILE,
    START,
    app,
    batch,
    coverage,
    error,
    finding,
    job,
    portfolio,
    result,
    task,
)

from batchnb.records import (
    CoverageStatus,
    ErrorCategory,
    JobStatus,
    LogLine,
    Metrics,
    Portfolio,
    Severity,
    TaskStatus,
    UnreadFile,
)
from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results.catalogue import describe_columns
from batchnb.results.columns import FRAMES
from batchnb.results.frames import (
    coverage_frame,
    findings_frame,
    jobs_frame,
    log_frame,
    metrics_frame,
    portfolio_frame,
    results_frame,
    tasks_frame,
)

MAKERS = {
    "jobs": (jobs_frame, lambda: [job([task()]), job(id=2)]),
    "tasks": (tasks_frame, lambda: [task(), task(2, app_num=2, status=TaskStatus.FAILED)]),
    "results": (results_frame, lambda: [result()]),
    "findings": (findings_frame, lambda: [finding(), finding(cwe=None, line=None, column=None)]),
    "coverage": (coverage_frame, lambda: [coverage(), coverage(status=CoverageStatus.FAILED)]),
    "portfolio": (lambda apps: portfolio_frame(Portfolio(base=".", apps=tuple(apps))), lambda: [app()]),
}


def dtype_names(frame):
    return {
        name: "category" if str(dtype) == "category" else str(dtype) for name, dtype in frame.dtypes.items()
    }


@pytest.mark.parametrize("name", MAKERS)
def test_columns_and_dtypes_are_as_declared_with_and_without_rows(name):
    maker, records = MAKERS[name]
    declared = {column.name: column.dtype for column in FRAMES[name]}
    empty, full = maker([]), maker(iter(records()))
    assert dtype_names(empty) == dtype_names(full) == declared
    assert list(empty.columns) == list(full.columns) == list(declared)
    assert len(empty) == 0
    assert len(full) == len(records())


@pytest.mark.parametrize("name", MAKERS)
def test_closed_vocabularies_are_ordered_and_whole_even_without_rows(name):
    frame = MAKERS[name][0]([])
    for column in FRAMES[name]:
        if column.dtype == "category":
            assert frame[column.name].cat.ordered == bool(column.categories)
            assert tuple(frame[column.name].cat.categories) == column.categories


@pytest.mark.parametrize("name", MAKERS)
def test_every_column_is_documented(name):
    described = describe_columns(name)
    assert list(described["name"]) == list(MAKERS[name][0]([]).columns)
    assert described["doc"].str.len().min() > 8
    assert not described["name"].duplicated().any()


def test_an_unknown_frame_is_refused_by_name():
    with pytest.raises(UnknownNameError, match=r"frame 'finding'.*findings"):
        describe_columns("finding")


def test_severity_compares_by_rank():
    frame = findings_frame([finding(number=number) for number in range(5)])
    assert list(frame["severity"].cat.categories) == ["low", "medium", "high"]
    assert (frame["severity"] >= "medium").sum() == 3
    assert frame["severity"].max() == "high"


def test_findings_are_ordered_by_job_model_app_then_worst_first():
    records = [
        finding("b", 1, 0),
        finding("a", 10, 0),
        finding("a", 2, 2),
        finding("a", 2, 1),
        finding("a", 2, 0, job_id=None),
    ]
    frame = findings_frame(records)
    assert list(zip(frame["model"], frame["app_num"], frame["severity"], strict=True)) == [
        ("a", 2, "medium"),
        ("a", 2, "high"),
        ("a", 2, "low"),
        ("a", 10, "medium"),
        ("b", 1, "medium"),
    ]
    pd.testing.assert_frame_equal(frame, findings_frame(reversed(records)))


def test_missing_values_are_missing_and_not_text():
    frame = findings_frame([finding(cwe=None, line=None, column=None, confidence=None, job_id=None)])
    assert frame[["cwe", "line", "column", "confidence", "job_id"]].isna().all(axis=None)


def test_a_word_outside_the_vocabulary_is_refused_not_dropped():
    with pytest.raises(InvalidValueError, match="status 'fine'"):
        coverage_frame([coverage(status=type("Odd", (str,), {"is_measured": False})("fine"), exit_code=0)])


INVISIBLE = "a\u202eb\x1b[31mc\x00\u2028\ud800"
SHOWN = "a\\u202eb\\x1b[31mc\\x00\\u2028\\ud800"


def test_hostile_text_stays_what_it_is_but_for_what_cannot_be_seen():
    assert INVISIBLE in HOSTILE
    frame = findings_frame([finding(model=text, message=text, path=text) for text in HOSTILE])
    shown = {SHOWN if text == INVISIBLE else text for text in HOSTILE}
    assert set(frame["message"]) == set(frame["path"]) == set(frame["model"]) == shown


@pytest.mark.parametrize("name", MAKERS)
def test_no_text_column_holds_what_cannot_be_seen(name):
    """Every text of the record is hostile, so a column that is forgotten is found."""
    maker, records = MAKERS[name]
    fields = ("name", "description", "rule", "path", "message", "snippet", "fingerprint")
    fields += ("detail", "stderr_tail", "tool_version")
    for record in records():
        present = {field: INVISIBLE for field in fields if isinstance(getattr(record, field, None), str)}
        if name == "coverage":
            present["unread"] = (UnreadFile(path=INVISIBLE, reason=INVISIBLE),)
        if name == "tasks":
            present["error"] = error(INVISIBLE)
        frame = maker([replace(record, **present)])
        texts = [value for value in frame.select_dtypes("string").iloc[0] if isinstance(value, str)]
        assert all(text.isprintable() for text in texts)
        assert any(SHOWN in text for text in texts) == bool(present)


def test_lines_of_a_snippet_stay_lines():
    assert findings_frame([finding(snippet="a\n\tb")])["snippet"][0] == "a\n\tb"


def test_a_notebook_typesets_nothing_in_a_frame():
    """JupyterLab's MathJax leaves a table of this class alone; a formula could carry a link."""
    markup = findings_frame([finding(message=r"$\href{https://evil.example}{ok}$ <b>")])._repr_html_()
    (classes,) = re.findall(r'<table border="1" class="([^"]*)"', markup)
    assert {"dataframe", "tex2jax_ignore", "mathjax_ignore"} <= set(classes.split())
    assert "&lt;b&gt;" in markup


def test_times_are_utc_microseconds_whatever_the_zone():
    tokyo = START.astimezone(timezone(timedelta(hours=9)))
    frame = tasks_frame([task(1, started_at=tokyo), task(2, status=TaskStatus.PENDING, started_at=None)])
    assert frame["started_at"][0] == pd.Timestamp(START)
    assert frame["started_at"].isna().tolist() == [False, True]
    assert frame["seconds"].tolist()[0] == 4.5


def test_coverage_says_measured_and_names_unread_files():
    unread = (UnreadFile(path="a.py", reason="too large"), UnreadFile(path="b.py", reason="syntax error"))
    frame = coverage_frame(
        [
            coverage(tool="bandit", status=CoverageStatus.PARTIAL, unread=unread),
            coverage(tool="ruff", status=CoverageStatus.TIMED_OUT),
        ]
    )
    assert frame["measured"].tolist() == [True, False]
    assert frame["files_unread"].tolist() == [2, 6]
    assert frame["unread"][0] == "a.py: too large\nb.py: syntax error"


@pytest.mark.parametrize(
    ("of", "measured", "count"),
    [
        (task(), True, 0),
        (task(result_details={"tool_status": {"bandit": "tool_missing"}}), False, None),
        (task(result_details={"tool_status": {"bandit": "partial", "ruff": "failed"}}), True, 0),
        (task(result_details={"notes": "an older result"}), True, 0),
        (task(status=TaskStatus.FAILED), False, None),
        (task(status=TaskStatus.SKIPPED, result_details={}), False, None),
    ],
)
def test_a_result_that_measured_nothing_has_no_zero(of, measured, count):
    frame = results_frame([result(of)])
    assert frame["measured"][0] == measured
    for name in ("issues_count", "high_severity", "medium_severity", "low_severity"):
        assert frame[name].tolist() == [pd.NA if count is None else count] or frame[name].isna()[0]


def test_what_a_failed_task_did_find_is_kept():
    frame = results_frame([result(task(status=TaskStatus.TIMED_OUT), [finding(number=1)])])
    assert frame["high_severity"][0] == 1


def test_job_row_counts_tasks_by_status():
    tasks = [task(1), task(2, app_num=2, status=TaskStatus.TIMED_OUT)]
    frame = jobs_frame([job(tasks, JobStatus.FAILED, errors=[error()])])
    row = frame.iloc[0]
    assert (row["tasks_completed"], row["tasks_timed_out"], row["tasks_failed"]) == (1, 1, 0)
    assert row["errors"] == 1
    assert row["seconds"] == 187.0
    assert tasks_frame(tasks)["error_category"].tolist()[1] == ErrorCategory.ANALYSIS


def test_jobs_and_tasks_show_how_they_are_controlled():
    frame = jobs_frame([job(), job(id=2, paused=True, max_tasks=7, continues=1)])
    assert frame["paused"].tolist() == [False, True]
    for column, value in (("max_tasks", 7), ("continues", 1)):
        assert frame[column].isna().tolist() == [True, False]
        assert frame[column][1] == value
    assert tasks_frame([task(), task(2, app_num=2, priority=-3)])["priority"].tolist() == [0, -3]


def test_a_log_is_typed_visible_and_by_time():
    ran = task(5, completed_at=START + timedelta(seconds=9))
    lines = [
        LogLine(time=START + timedelta(seconds=8), level="warning", task_id=5, message="".join(HOSTILE)),
        LogLine(time=START + timedelta(seconds=7), level="error", message="a\x1b[31mb"),
    ]
    frame = log_frame(job([ran]), [ran], lines)
    assert dtype_names(frame) == {column.name: column.dtype for column in FRAMES["log"]}
    assert frame["time"].is_monotonic_increasing
    assert frame["job_id"].tolist() == [1] * len(frame)
    assert frame["level"].tolist()[-4:-1] == ["error", "warning", "info"]
    assert frame["level"].max() == "error"
    assert frame["task_id"].isna().tolist()[-4:] == [True, False, False, True]
    assert all(
        character.isprintable() or character == "\n" for text in frame["message"] for character in text
    )


def test_metrics_are_typed_and_keep_their_order():
    none = Metrics(
        jobs_by_status=dict.fromkeys(JobStatus, 0),
        tasks_by_status=dict.fromkeys(TaskStatus, 3),
        findings_by_severity=dict.fromkeys(Severity, 1),
        issues_total=4,
        times=(),
    )
    frame = metrics_frame(none)
    assert dtype_names(frame) == {column.name: column.dtype for column in FRAMES["metrics"]}
    assert frame["metric"].drop_duplicates().tolist() == ["jobs", "tasks", "findings"]
    assert frame["label"].tolist() == [*JobStatus, *TaskStatus, *Severity, "total"]
    assert frame.groupby("metric")["value"].sum().to_dict() == {"jobs": 0, "tasks": 21, "findings": 7}


def test_portfolio_row_counts_what_does_not_parse():
    frame = portfolio_frame(portfolio())
    assert frame["files_unparsed"].tolist() == [0, 1, 0, 0, 0, 0]
    assert frame["unparsed"][1] == "backend/app.py:12: unexpected indent"
    assert frame["languages"][0] == "javascript 640, python 210, css 88"
    assert frame["lines"][0] == 938


def test_grouping_a_batch_gives_counts_per_model_and_severity():
    _, findings, _ = batch()
    counts = findings_frame(findings).groupby(["model", "severity"], observed=False).size()
    assert counts.sum() == len(findings)
    assert counts["gpt-4o", "high"] == sum(
        one.model == "gpt-4o" and one.severity is Severity.HIGH for one in findings
    )


def test_a_hundred_thousand_findings_take_seconds_at_most(record_property):
    """A guard against work that grows faster than the findings; they take about 1 s, the bound is generous.

    The processor's time counts, not the clock's: other processes on the machine must not fail this.
    """
    snippet = (
        "cursor.execute(\n\tf'SELECT * FROM users WHERE id = {user_id}'\n)"  # several lines: not printable
    )
    records = [finding(f"model-{n % 9}", n % 30 + 1, n, snippet=snippet) for n in range(100_000)]
    start = time.process_time()
    frame = findings_frame(records)
    seconds = time.process_time() - start
    record_property("seconds", seconds)
    print(f"100,000 findings: {seconds:.2f} s")
    assert len(frame) == 100_000
    assert seconds < 5
