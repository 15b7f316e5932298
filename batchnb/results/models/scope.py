"""Which tools and analyses can tell models apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from batchnb.tools.text import visible

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.results.dataset import Dataset


def without_mute_tools(dataset: Dataset) -> tuple[Dataset, tuple[str, ...]]:
    """Leave aside what tells no models apart: tools that measured no app, analyses that only give numbers.

    Without this one tool that is not installed, or one load test that failed, would make apps "partly
    measured", and their findings not comparable.
    """
    coverage, tasks = dataset.coverage, dataset.tasks
    tools = _pairs(coverage)
    heard = {pair for pair, measured in zip(tools, coverage["measured"], strict=True) if measured}
    numeric = {*map(str, dataset.measurements["analysis_type"])} - {
        *map(str, dataset.findings["analysis_type"])
    }
    heard = {(kind, tool) for kind, tool in heard if kind not in numeric}
    if not heard:
        return dataset, (
            "No tool that reports findings said that it measured an app: nothing can be compared.",
        )
    kinds = {kind for kind, _ in heard}
    mute_kinds = {*map(str, tasks["analysis_type"]), *(kind for kind, _ in tools)} - kinds
    mute_tools = {(kind, tool) for kind, tool in tools if kind in kinds} - heard
    if not mute_kinds and not mute_tools:
        return dataset, ()
    kept = replace(
        dataset,
        coverage=coverage[[pair in heard for pair in tools]].reset_index(drop=True),
        tasks=tasks[tasks["analysis_type"].isin(kinds)].reset_index(drop=True),
    )
    names = [
        *(
            f"{kind} ({'gives numbers, not findings' if kind in numeric else 'nothing measured'})"
            for kind in mute_kinds
        ),
        *(f"{tool} of {kind} (nothing measured)" for kind, tool in mute_tools),
    ]
    named = ", ".join(visible(name, one_line=True) for name in sorted(names))
    return kept, (f"Left aside, as it tells no models apart: {named}.",)


def _pairs(frame: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(map(str, frame["analysis_type"]), map(str, frame["tool"]), strict=True))
