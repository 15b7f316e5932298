"""Records to pandas frames. An empty input gives an empty frame with the same columns and dtypes.

Texts in them come from apps and tools. Characters that cannot be seen are written as escapes
(`tools.text.visible`). So that a notebook does not typeset `$...$` (a formula can carry a link), importing
this module sets pandas' option `display.html.use_mathjax` to False; whoever wants formulas can set it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

import batchnb.results.slices  # noqa: F401 - so that every frame has `.batchnb`
from batchnb.records.errors import InvalidValueError
from batchnb.results.columns import FRAMES, TIME, Column
from batchnb.results.history import history, metric_rows
from batchnb.results.severity import SEVERITY_RANK
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from batchnb.records import (
        BatchAnalysisJob,
        BatchAnalysisResult,
        BatchAnalysisTask,
        Coverage,
        Decision,
        Finding,
        LogLine,
        Measurement,
        Metrics,
        Portfolio,
    )

STRING = pd.StringDtype("pyarrow")
"""Texts lie in Arrow: a third of the memory of Python objects, and no lock while they are read or written."""
pd.set_option("display.html.use_mathjax", False)  # noqa: FBT003 - an option's value; see above


def jobs_frame(jobs: Iterable[BatchAnalysisJob]) -> pd.DataFrame:
    """Return one row per job, by id. `describe_columns("jobs")` explains the columns."""
    return _frame("jobs", jobs, lambda job: job.id)


def tasks_frame(tasks: Iterable[BatchAnalysisTask]) -> pd.DataFrame:
    """Return one row per task, by job, model, app, analysis and id. See `describe_columns("tasks")`."""
    return _frame("tasks", tasks, lambda task: (*_cell_key(task), task.id))


def results_frame(results: Iterable[BatchAnalysisResult]) -> pd.DataFrame:
    """Return one row per result, by job, model, app and analysis. See `describe_columns("results")`.

    The counts of a result that measured nothing are missing, never 0, so that a sum or a mean over the frame
    does not take a failed task for a clean app.
    """
    return _frame("results", results, lambda result: (*_cell_key(result), result.task_id, result.id))


def findings_frame(findings: Iterable[Finding]) -> pd.DataFrame:
    """Return one row per finding, by job, model, app, analysis, severity (worst first), tool and place.

    See `describe_columns("findings")`. An app without a row here is clean only if `coverage_frame` says that
    it was measured.
    """
    return _frame("findings", findings, _finding_key)


def coverage_frame(coverage: Iterable[Coverage]) -> pd.DataFrame:
    """Return one row per app and tool, by job, model, app and analysis: `describe_columns("coverage")`."""
    return _frame("coverage", coverage, lambda cell: (*_cell_key(cell), cell.tool, cell.task_id or 0))


def measurements_frame(measurements: Iterable[Measurement]) -> pd.DataFrame:
    """Return one row per number, by job, model, app, analysis, tool, metric and subject.

    See `describe_columns("measurements")`.
    """
    return _frame("measurements", measurements, lambda m: (*_cell_key(m), m.tool, m.metric, m.subject))


def decisions_frame(decisions: Iterable[Decision]) -> pd.DataFrame:
    """Return one row per decision about a finding, by id. See `describe_columns("decisions")`."""
    return _frame("decisions", decisions, lambda decision: decision.id)


def portfolio_frame(portfolio: Portfolio) -> pd.DataFrame:
    """Return one row per app, by model and number. See `describe_columns("portfolio")`."""
    return _frame("portfolio", portfolio.apps, lambda app: (app.model, app.app_num))


def log_frame(
    job: BatchAnalysisJob, tasks: Iterable[BatchAnalysisTask], lines: Iterable[LogLine]
) -> pd.DataFrame:
    """Return what happened to a job, by time, one line a row. See `describe_columns("log")`."""
    return _frame("log", history(job, tasks, lines), lambda line: line.time)


def metrics_frame(metrics: Metrics) -> pd.DataFrame:
    """Return metrics, one number a row, in their own order. See `describe_columns("metrics")`."""
    return _frame("metrics", metric_rows(metrics), lambda row: 0)  # noqa: ARG005 - sorting is stable


def _cell_key(record: Any) -> tuple[Any, ...]:
    return (record.job_id or 0, record.model, record.app_num, record.analysis_type)


def _finding_key(finding: Finding) -> tuple[Any, ...]:
    place = (finding.path, finding.line or 0, finding.column or 0, finding.rule, finding.fingerprint)
    return (*_cell_key(finding), SEVERITY_RANK[finding.severity], finding.tool, *place)


def _frame(name: str, records: Iterable[Any], key: Callable[[Any], Any]) -> pd.DataFrame:
    return make_frame(FRAMES[name], sorted(records, key=key))


def make_frame(columns: Iterable[Column], rows: Sequence[Any]) -> pd.DataFrame:
    """Return one row per record, in the given order, with exactly the declared columns and dtypes."""
    return pd.DataFrame(
        {column.name: _array(column, list(map(column.getter, rows))) for column in columns}, copy=False
    )


def _array(column: Column, values: list[Any]) -> Any:
    if column.dtype == "category":
        return _category(column, values)
    if column.dtype == TIME:
        return pd.DatetimeIndex(values, dtype=TIME)
    if column.dtype == "string":
        return pd.array([None if text is None else visible(text) for text in values], dtype=STRING)
    return pd.array(values, dtype=column.dtype)


def _category(column: Column, values: Sequence[Hashable]) -> pd.Categorical:
    """Return `values` as codes; None becomes a missing value.

    Raises:
        InvalidValueError: for a value outside a closed vocabulary (pandas alone would make it missing).
    """
    if column.categories:
        words: Sequence[str] = column.categories
        codes: dict[Hashable, int] = {word: code for code, word in enumerate(words)}
    else:  # names come from apps and tools, as texts do
        texts = {value: visible(str(value)) for value in values if value is not None}
        words = sorted(set(texts.values()))
        places = {word: code for code, word in enumerate(words)}
        codes = {value: places[text] for value, text in texts.items()}
    codes[None] = -1
    try:
        found = [codes[value] for value in values]
    except KeyError as error:
        allowed = f"known are {', '.join(words)}"
        raise InvalidValueError(column.name, error.args[0], allowed, "a record") from None
    index = pd.Index(list(words), dtype=object)
    return pd.Categorical.from_codes(found, categories=index, ordered=bool(column.categories))
