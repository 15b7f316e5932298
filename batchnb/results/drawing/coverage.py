"""The coverage matrix: what each tool did for each app."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from batchnb.results.drawing.grid import (
    FEW_CELLS,
    MOST_CELLS,
    CellKind,
    GridBlock,
    GridCell,
    GridInfo,
    GridRow,
    kinds_text,
)
from batchnb.results.drawing.style import (
    CELL_HATCH,
    FAINT_MARKER,
    GREY,
    GRID_DOTS,
    MET_COLOUR,
    MET_INK,
    plain_marker,
)
from batchnb.results.drawing.tool_cells import NO_TOOL, tool_cells
from batchnb.results.drawing.view import MOST_COLUMNS, apps_text, current, joint_state
from batchnb.results.gaps import NO_REPORT
from batchnb.results.severity import CellState
from batchnb.results.text import plural
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from batchnb.results.drawing.tool_cells import ToolCell

_MOST_MODELS = 40
_LETTERS = {
    "failed": "F",
    "timed out": "T",
    "tool missing": "M",
    "data source offline": "O",
    "cancelled": "C",
    "skipped": "S",
    "not started yet": "W",
    "still running": "R",
    NO_REPORT: "N",
}
"""The second cue of an unmeasured cell: why."""
_MARKS = {CellState.MEASURED: "✓", CellState.PARTLY: "◐", CellState.NOT_APPLICABLE: "-"}
_KINDS = (
    CellKind(name=str(CellState.MEASURED), marker=plain_marker(MET_COLOUR), ink=MET_INK),
    CellKind(name=str(CellState.PARTLY), marker=GRID_DOTS, ink="#111111"),
    CellKind(name=str(CellState.NOT_MEASURED), marker=CELL_HATCH, ink=GREY),
    CellKind(name=str(CellState.NOT_APPLICABLE), marker=FAINT_MARKER, ink=GREY),
)
_Column = tuple[str, str]
"""A tool and its analysis."""


def coverage_info(source: object) -> GridInfo:
    """Return what each tool did for each app: a block per model, a row per tool, a column per app.

    Where that would be too many cells, there is a row per model and a column per tool instead, and a cell
    says for how many apps the tool measured everything.

    Raises:
        InvalidValueError: if `source` has no dataset.
    """
    dataset, notes = current(source)
    cells = tool_cells(dataset)
    models = sorted({cell.model for cell in cells})
    numbers = sorted({cell.app_num for cell in cells})
    tools = sorted({(cell.tool, cell.analysis_type) for cell in cells})
    is_large = len(numbers) > MOST_COLUMNS or len(models) * len(tools) * len(numbers) > MOST_CELLS
    if models[_MOST_MODELS:]:
        notes += (f"And {plural(len(models) - _MOST_MODELS, 'more model')}.",)
    build = _by_tool if is_large else _by_app
    columns, blocks = build(cells, models[:_MOST_MODELS], tools)
    return GridInfo(
        title="What each tool measured",
        across="tool; the numbers are apps" if is_large else "app",
        columns=columns,
        kinds=_KINDS,
        blocks=blocks,
        summary=_summary(cells),
        notes=(*notes, *_letters_note(blocks)),
    )


def _by_app(
    cells: Sequence[ToolCell], models: Sequence[str], tools: Sequence[_Column]
) -> tuple[tuple[str, ...], tuple[GridBlock, ...]]:
    numbers = sorted({cell.app_num for cell in cells})
    found = {(cell.model, cell.tool, cell.analysis_type, cell.app_num): cell for cell in cells}
    limit = 400 if len(cells) <= FEW_CELLS else 90
    blocks = []
    for model in models:
        rows = []
        for tool in tools:
            row = [found.get((model, *tool, number)) for number in numbers]
            if any(row):
                marked = tuple(None if cell is None else _cell(cell, limit) for cell in row)
                rows.append(GridRow(label=_tool_label(tool, tools), cells=marked))
        blocks.append(GridBlock(heading=visible(model, one_line=True) or "(no name)", rows=tuple(rows)))
    return tuple(map(str, numbers)), tuple(blocks)


def _cell(cell: ToolCell, limit: int) -> GridCell:
    where = f"{cell.tool or 'the task'} ({cell.analysis_type}), {cell.model}, app {cell.app_num}"
    hover = (where, cell.word, cell.detail[:limit]) if cell.detail else (where, cell.word)
    mark = _MARKS.get(cell.state) or _LETTERS.get(cell.word, "?")
    return GridCell(kind=str(cell.state), mark=mark, hover=hover)


def _by_tool(
    cells: Sequence[ToolCell], models: Sequence[str], tools: Sequence[_Column]
) -> tuple[tuple[str, ...], tuple[GridBlock, ...]]:
    groups: dict[tuple[str, _Column], list[ToolCell]] = defaultdict(list)
    for cell in cells:
        groups[cell.model, (cell.tool, cell.analysis_type)].append(cell)
    blocks = [
        GridBlock(
            heading=visible(model, one_line=True) or "(no name)",
            rows=(GridRow(label="", cells=tuple(_share(groups.get((model, tool))) for tool in tools)),),
        )
        for model in models
    ]
    return tuple(_tool_label(tool, tools) for tool in tools), tuple(blocks)


def _share(cells: Sequence[ToolCell] | None) -> GridCell | None:
    if not cells:
        return None
    state = joint_state(cell.state for cell in cells)
    wanted = [cell for cell in cells if cell.state is not CellState.NOT_APPLICABLE]
    measured = sum(cell.state is CellState.MEASURED for cell in wanted)
    first = cells[0]
    hover = [
        f"{first.tool or 'the task'} ({first.analysis_type}), {first.model}",
        f"measured in full: {measured:,} of {plural(len(wanted), 'app')}",
    ]
    hover += [
        f"{word}: {apps_text((c.model, c.app_num) for c in cells if c.word == word)}"
        for word in sorted({cell.word for cell in cells if cell.state is not CellState.MEASURED})
    ]
    mark = f"{measured}/{len(wanted)}" if wanted else _MARKS[CellState.NOT_APPLICABLE]
    return GridCell(kind=str(state), mark=mark, hover=tuple(hover))


def _tool_label(tool: _Column, tools: Sequence[_Column]) -> str:
    name, analysis = tool
    if name == NO_TOOL:
        return analysis
    is_shared = sum(each == name for each, _ in tools) > 1
    return f"{name}, {analysis}" if is_shared else name


def _letters_note(blocks: Iterable[GridBlock]) -> list[str]:
    marks = Counter(
        cell.mark for block in blocks for row in block.rows for cell in row.cells if cell is not None
    )
    named = [f"{letter} {word}" for word, letter in _LETTERS.items() if marks[letter]]
    return [f"Not measured: {', '.join(named)}."] if named else []


def _summary(cells: Sequence[ToolCell]) -> tuple[str, ...]:
    if not cells:
        return ()
    total = kinds_text(GridCell(kind=str(cell.state)) for cell in cells)
    said = [f"{plural(len(cells), 'cell')} of app and tool: {total}."]
    gaps: dict[tuple[str, str], list[ToolCell]] = defaultdict(list)
    for cell in cells:
        if cell.state in {CellState.NOT_MEASURED, CellState.PARTLY}:
            gaps[cell.tool or cell.analysis_type, cell.word].append(cell)
    widest = sorted(gaps.items(), key=lambda item: (-len(item[1]), item[0]))
    for (tool, word), members in widest[:10]:
        where = apps_text((cell.model, cell.app_num) for cell in members)
        said.append(f"{visible(tool, one_line=True)} {word}: {where}.")
    return (*said, f"And {plural(len(gaps) - 10, 'more gap')}.") if len(gaps) > 10 else tuple(said)
