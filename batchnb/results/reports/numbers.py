"""The numbers that a report lists: load tests and verdicts on requirements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from batchnb.results.drawing.verdicts import METRIC, read_verdicts
from batchnb.results.reports.table import Table, table_of

if TYPE_CHECKING:
    from batchnb.results.dataset import Dataset

_MOST = 500
_APP = {"model": "Model", "app_num": "App"}
_NUMBERS = _APP | {
    "tool": "Tool",
    "metric": "Metric",
    "subject": "Of what",
    "value": "Value",
    "unit": "Unit",
    "low": "Low",
    "high": "High",
    "samples": "Samples",
    "detail": "Note",
}
_VERDICTS = ["model", "app_num", "tool", "requirement", "verdict", "detail"]


def number_tables(newest: Dataset) -> list[Table]:
    """Return the tables of a dataset's numbers; only those that have a row."""
    rows = newest.measurements
    plain = rows[(rows["metric"] != METRIC) & ~rows["subject"].str.fullmatch(r"t=\d+s")]
    caption = "Measured numbers, without the courses over time; a dash is a number that could not be told."
    tables = [table_of(plain, _NUMBERS, caption, most=_MOST), _verdicts(newest)]
    return [table for table in tables if table.total]


def _verdicts(newest: Dataset) -> Table:
    said = read_verdicts(newest).said
    rows = [
        (model, number, tool, subject, verdict.kind, verdict.detail)
        for (model, tool, number), verdicts in sorted(said.items())
        for subject, verdict in verdicts.items()
    ]
    labels = _APP | {"tool": "Judged by", "requirement": "Requirement", "verdict": "Verdict", "detail": "Why"}
    return table_of(pd.DataFrame(rows, columns=_VERDICTS), labels, "Verdicts on requirements.", most=_MOST)
