"""Load-test latencies: percentiles with intervals, per endpoint or per app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from batchnb.records.errors import UnknownNameError
from batchnb.results.drawing.view import apps_text, current, group_numbers
from batchnb.results.severity import CellState
from batchnb.results.text import plural
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from batchnb.results.dataset import Dataset

PERCENTILES = ("p50", "p90", "p95", "p99")
MOST_ROWS, _MOST_SILENT = 25, 8
_RANKED_BY = ("p95", "p90", "p50", "p99")
_KEYS = ["model", "app_num", "subject"]
_WHAT = {"endpoint": "endpoint", "app": "app"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Percentile:
    """One percentile of one endpoint or app, in milliseconds."""

    name: str
    value: float
    low: float | None
    """Ends of the interval around it; None: none is known."""
    high: float | None
    samples: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyRow:
    """One endpoint of an app, or an app as a whole."""

    model: str
    app_num: int
    endpoint: str
    """Untrusted text; empty: the app as a whole."""
    percentiles: tuple[Percentile, ...]
    """Those that could be told; empty: no request was answered without a failure."""
    reason: str = ""
    """Why there are none. Untrusted text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyInfo:
    """What the latency chart says."""

    title: str
    rows: tuple[LatencyRow, ...]
    """The slowest first; only those that are shown."""
    silent: tuple[LatencyRow, ...]
    """Some of those without any percentile, because no request was answered without a failure."""
    silent_count: int
    """The true number of those."""
    untested: tuple[tuple[str, int], ...]
    """Apps (model, number) whose load test was planned and measured nothing."""
    summary: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def latency_info(source: object, *, by: str = "endpoint") -> LatencyInfo:
    """Return the latency percentiles of load tests, the slowest first.

    Args:
        source: a job or a dataset.
        by: `endpoint`, or `app` for the requests of each app taken together.

    Raises:
        InvalidValueError: if `source` has no dataset.
        UnknownNameError: if `by` is neither.
    """
    if by not in _WHAT:
        raise UnknownNameError("grouping", by, _WHAT)
    dataset, notes = current(source)
    frame = dataset.measurements
    frame = frame[frame["metric"].isin(PERCENTILES)]
    frame = frame[frame["subject"].ne("") if by == "endpoint" else frame["subject"].eq("")]
    group = group_numbers(frame, _KEYS)
    ranked = _ranked(frame, group)
    told = ranked.dropna().sort_values(ascending=False, kind="stable")
    mute = ranked[ranked.isna()]
    rows = tuple(_row(frame[group == number]) for number in told.index[:MOST_ROWS])
    silent = tuple(_row(frame[group == number]) for number in mute.index[:_MOST_SILENT])
    untested = untested_apps(dataset)
    more = len(told) - len(rows)
    said = list(notes)
    if more:
        said.append(f"And {plural(more, f'more {_WHAT[by]}')}, none of them slower.")
    said += ["The lines are the intervals that the load test gives."] if rows else []
    return LatencyInfo(
        title=f"Latency under load by {_WHAT[by]}",
        rows=rows,
        silent=silent,
        silent_count=len(mute),
        untested=untested,
        summary=_summary(rows, len(mute), len(ranked), _WHAT[by], untested),
        notes=tuple(said),
    )


def latency_text(info: LatencyInfo) -> str:
    """Return the chart in words; it quotes untrusted names."""
    nothing = () if info.rows or info.silent else ("No load test left a latency.",)
    return " ".join((f"{info.title}.", *info.summary, *nothing, *info.notes))


def untested_apps(dataset: Dataset) -> tuple[tuple[str, int], ...]:
    """Return the apps that a load test was planned for and that it did not measure."""
    numbers = dataset.measurements
    kinds = {*numbers.loc[numbers["metric"].isin(PERCENTILES), "analysis_type"].unique(), "performance"}
    states = dataset.app_states(by_analysis=True)
    states = states[states["analysis_type"].isin(kinds) & states["state"].eq(str(CellState.NOT_MEASURED))]
    return tuple(
        (str(model), int(number)) for model, number in zip(states["model"], states["app_num"], strict=True)
    )


def row_name(row: LatencyRow) -> str:
    """Return what a row is about; untrusted text."""
    app = f"{row.model}, app {row.app_num}"
    return f"{row.endpoint} · {app}" if row.endpoint else app


def _ranked(frame: pd.DataFrame, group: pd.Series) -> pd.Series:
    """Return the latency that each endpoint or app is ranked by; missing: it has none at all."""
    plain = pd.DataFrame(
        {"group": group, "metric": frame["metric"].astype(object), "value": frame["value"].astype(float)}
    )
    wide = plain.groupby(["group", "metric"])["value"].max().unstack("metric")  # noqa: PD010 - keeps empty rows
    return wide.reindex(columns=list(_RANKED_BY)).bfill(axis="columns").iloc[:, 0]


def _row(numbers: pd.DataFrame) -> LatencyRow:
    found = list(numbers.itertuples(index=False))
    percentiles = [
        Percentile(
            name=str(each.metric),
            value=float(each.value),
            low=None if pd.isna(each.low) else float(each.low),
            high=None if pd.isna(each.high) else float(each.high),
            samples=None if pd.isna(each.samples) else int(each.samples),
        )
        for each in sorted(found, key=lambda each: PERCENTILES.index(each.metric))
        if not pd.isna(each.value)
    ]
    first = found[0]
    return LatencyRow(
        model=str(first.model),
        app_num=int(first.app_num),
        endpoint=str(first.subject),
        percentiles=tuple(percentiles),
        reason="" if percentiles else str(first.detail) or "no latency could be told",
    )


def _summary(
    rows: tuple[LatencyRow, ...], silent: int, total: int, noun: str, untested: tuple[tuple[str, int], ...]
) -> tuple[str, ...]:
    said = [f"{plural(total, noun)}."] if total else []
    if silent:
        said.append(f"{silent:,} without any latency, because no request was answered without a failure.")
    for row in rows[:3]:
        numbers = ", ".join(f"{each.name} {each.value:,.0f} ms" for each in row.percentiles)
        said.append(f"{visible(row_name(row), one_line=True)}: {numbers}.")
    if untested:
        said.append(f"Not measured: {apps_text(untested)}.")
    return tuple(said)
