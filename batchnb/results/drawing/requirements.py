"""The requirement matrix: which requirement each app meets, and what nobody could tell."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from batchnb.results.drawing.grid import (
    FEW_CELLS,
    MOST_CELLS,
    CellKind,
    GridBlock,
    GridCell,
    GridInfo,
    GridRow,
)
from batchnb.results.drawing.style import (
    CELL_DOTS,
    CELL_HATCH,
    GREY,
    MET_COLOUR,
    MET_INK,
    UNMET_COLOUR,
    UNMET_INK,
    plain_marker,
)
from batchnb.results.drawing.verdicts import CANNOT_TELL, MET, NOT_CHECKED, NOT_MET, read_verdicts
from batchnb.results.drawing.view import MOST_COLUMNS, app_bins, bin_label, current
from batchnb.results.text import plural
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.results.drawing.verdicts import Judge, Verdicts

MARKS = {MET: "✓", NOT_MET: "✗", CANNOT_TELL: "?", NOT_CHECKED: ""}
_KINDS = (
    CellKind(name=MET, marker=plain_marker(MET_COLOUR), ink=MET_INK),
    CellKind(name=NOT_MET, marker=plain_marker(UNMET_COLOUR), ink=UNMET_INK),
    CellKind(name=CANNOT_TELL, marker=CELL_DOTS, ink=GREY),
    CellKind(name=NOT_CHECKED, marker=CELL_HATCH, ink=GREY),
)
_MOST_MODELS = 40
_SHARES = ("less than half met", "at least half met", "all met")
_SHARE_KINDS = (
    *(
        CellKind(name=name, marker=plain_marker(colour), ink=ink)
        for name, colour, ink in (
            (_SHARES[0], UNMET_COLOUR, UNMET_INK),
            (_SHARES[1], "#9DBBDD", "#111111"),
            (_SHARES[2], MET_COLOUR, MET_INK),
        )
    ),
    *_KINDS[2:],
)


def requirements_info(source: object) -> GridInfo:
    """Return which requirement each app meets: a block per model, a row per requirement, a column per app.

    Where that would be too many cells, a cell stands for an app (or several) and says how many of its
    requirements are met. An app whose analysis did not come to a verdict is "not checked", not "not met".

    Raises:
        InvalidValueError: if `source` has no dataset.
    """
    dataset, notes = current(source)
    table = read_verdicts(dataset)
    judges, numbers = table.judges, table.numbers
    is_large = len(numbers) > MOST_COLUMNS or len(judges) * len(table.subjects) * len(numbers) > MOST_CELLS
    if judges[_MOST_MODELS:]:
        notes += (f"And {plural(len(judges) - _MOST_MODELS, 'more model')}.",)
    tools = {tool for _, tool in judges if tool}
    if tools:
        notes += (f"Judged by: {', '.join(visible(tool, one_line=True) for tool in sorted(tools))}.",)
    build = _shares if is_large else _matrix
    columns, blocks = build(table, judges[:_MOST_MODELS])
    return GridInfo(
        title="Requirements met per app",
        across="app",
        columns=columns,
        kinds=_SHARE_KINDS if is_large else _KINDS,
        blocks=blocks,
        summary=_summary(table, judges[:_MOST_MODELS]),
        notes=notes,
        dots="not all could be told",
        nothing="No requirement was to be checked.",
    )


def _matrix(table: Verdicts, judges: Sequence[Judge]) -> tuple[tuple[str, ...], tuple[GridBlock, ...]]:
    numbers = table.numbers
    limit = 400 if len(numbers) * len(judges) * len(table.subjects) <= FEW_CELLS else 120
    blocks = [
        GridBlock(
            heading=_heading(judge, judges),
            rows=tuple(
                GridRow(
                    label=subject.removeprefix("requirement "),
                    cells=tuple(_cell(table, judge, number, subject, limit) for number in numbers),
                )
                for subject in table.subjects_of(judge)
            ),
        )
        for judge in judges
    ]
    return tuple(map(str, numbers)), tuple(blocks)


def _cell(table: Verdicts, judge: Judge, number: int, subject: str, limit: int) -> GridCell | None:
    verdict = table.verdict(judge, number, subject)
    if verdict is None:
        return None
    where = f"{judge[0]}, app {number}, {subject}: {verdict.kind}"
    hover = (
        where,
        *(part[:limit] for part in verdict.detail.split(" | ")[: 6 if limit > 200 else 1] if part),
    )
    return GridCell(kind=verdict.kind, mark=MARKS[verdict.kind], hover=hover)


def _shares(table: Verdicts, judges: Sequence[Judge]) -> tuple[tuple[str, ...], tuple[GridBlock, ...]]:
    bins = app_bins(table.numbers)
    blocks = [
        GridBlock(
            heading=_heading(judge, judges),
            rows=(GridRow(label="", cells=tuple(_share(table, judge, group) for group in bins)),),
        )
        for judge in judges
    ]
    return tuple(map(bin_label, bins)), tuple(blocks)


def _share(table: Verdicts, judge: Judge, group: Sequence[int]) -> GridCell | None:
    found = Counter(verdict.kind for number in group for verdict in table.of_app(judge, number))
    if not found:
        return None
    told = found[MET] + found[NOT_MET]
    share = found[MET] / told if told else 0
    kind = _SHARES[2] if share == 1 else _SHARES[1] if share >= 0.5 else _SHARES[0]
    if not told:
        kind = CANNOT_TELL if found[CANNOT_TELL] else NOT_CHECKED
    counts = ", ".join(f"{count:,} {word}" for word, count in found.items())
    return GridCell(
        kind=kind,
        mark=f"{found[MET]}/{told}" if told else MARKS[kind],
        partial=0 < told < found.total(),
        hover=(f"{judge[0]}, app {bin_label(group)}", counts),
    )


def _heading(judge: Judge, judges: Sequence[Judge]) -> str:
    model = visible(judge[0], one_line=True) or "(no name)"
    return (
        f"{model}, judged by {visible(judge[1], one_line=True)}" if len({t for _, t in judges}) > 1 else model
    )


def _summary(table: Verdicts, judges: Sequence[Judge]) -> tuple[str, ...]:
    said = []
    for judge in judges:
        found = Counter(v.kind for number in table.numbers for v in table.of_app(judge, number))
        counts = ", ".join(f"{found[kind]:,} {kind}" for kind in MARKS if found[kind])
        said.append(f"{_heading(judge, judges)}: {counts}.")
    return tuple(said)
