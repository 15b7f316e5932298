"""How far each app of a dataset was measured, over all tools that are for it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.results.columns import APP, Column
from batchnb.results.frames import make_frame
from batchnb.results.gaps import find_gaps, is_complete
from batchnb.results.rebuild import coverage_records, task_records
from batchnb.results.severity import CellState, state_of

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.results.gaps import Gap

_STATE = (
    Column(
        "state", "category", "How far it was measured", categories=tuple(str(state) for state in CellState)
    ),
    Column("reasons", "string", "Why it is not fully measured, one line per tool"),
)
APP_STATES = (*APP, *_STATE)
CELL_STATES = (*APP, Column("analysis_type", "category", "Analysis, such as backend_security"), *_STATE)


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    model: str
    app_num: int
    analysis_type: str
    state: str
    reasons: str


def app_states(
    tasks: pd.DataFrame, coverage: pd.DataFrame, findings: pd.DataFrame, *, by_analysis: bool = False
) -> pd.DataFrame:
    """Return one row per app, or per app and analysis: how far it was measured, and why not fully.

    An app is in it if something was planned for it, or reported about it.
    """
    cells, planned = coverage_records(coverage), task_records(tasks)

    def key(model: str, app_num: int, kind: str) -> tuple[str, int, str]:
        return (model, app_num, kind if by_analysis else "")

    gaps: dict[tuple[str, int, str], list[Gap]] = defaultdict(list)
    for gap in find_gaps(cells, planned):
        gaps[key(gap.model, gap.app_num, gap.analysis_type)].append(gap)
    complete = {key(c.model, c.app_num, str(c.analysis_type)) for c in cells if is_complete(c)}
    rows = findings[["model", "app_num", "analysis_type"]].drop_duplicates()
    found = {key(str(m), int(n), str(k)) for m, n, k in rows.itertuples(index=False)}
    states = [
        _State(
            model=each[0],
            app_num=each[1],
            analysis_type=each[2],
            state=str(state_of(gaps[each], complete=each in complete, found=each in found)),
            reasons="\n".join(gap.text for gap in gaps[each]),
        )
        for each in sorted({*gaps, *complete, *found})
    ]
    return make_frame(CELL_STATES if by_analysis else APP_STATES, states)
