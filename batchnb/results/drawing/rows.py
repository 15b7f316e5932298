"""Where each app stands in a chart: rows of bars that wrap like text, so that labels stay legible."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from batchnb.results.drawing.style import plotly_text
from batchnb.results.text import shorten_middle
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.results.severity import SeverityCell

_ROW_PIXELS = 700
"""Width that a row is planned for; a wider screen only adds room."""
_BAR_PIXELS = 22
"""The least width of one app: three digits of text."""
_LETTER_PIXELS = 6.6
_LEAST_LETTERS, _MOST_LETTERS = 20, 40
_MAX_BARS = _ROW_PIXELS // _BAR_PIXELS


@dataclass(frozen=True, slots=True)
class ChartRow:
    """One row of bars: cells and their two-level axis labels, safe for Plotly."""

    cells: tuple[SeverityCell, ...]
    models: tuple[str, ...]
    apps: tuple[str, ...]


def wrap_rows(cells: Sequence[SeverityCell]) -> list[ChartRow]:
    """Split `cells` (sorted by model) into rows in which every model's label has room.

    A model starts a new row if it does not fit on the current one, and is split itself only if it has more
    apps than a row can hold.
    """
    models = list(dict.fromkeys(cell.model for cell in cells))
    labels = model_labels(models, _letters(len(cells), len(models)))
    rows: list[list[list[SeverityCell]]] = [[]]
    for _, group in groupby(cells, key=lambda cell: cell.model):
        for part in _split(list(group)):
            if rows[-1] and not _fits([*rows[-1], part], labels):
                rows.append([])
            rows[-1].append(part)
    return [_row([cell for part in row for cell in part], labels) for row in rows if row]


def model_labels(models: Sequence[str], limit: int = _MOST_LETTERS) -> dict[str, str]:
    """Return a label of at most `limit` characters per model, safe for Plotly; no two are the same.

    A long name loses its middle: names of models tend to differ at the end.
    """
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for model in models:
        plain = visible(model, one_line=True) or "(no name)"
        label, copy = shorten_middle(plain, limit), 1
        while label in taken:
            copy += 1
            label = f"{shorten_middle(plain, limit - 2 - len(str(copy)))}({copy})"
        taken.add(label)
        labels[model] = label
    return {model: plotly_text(label) for model, label in labels.items()}


def _letters(cells: int, models: int) -> int:
    """Return how long a label may be: what an average model has room for on a full row."""
    share = cells / max(1, models) / max(1, min(cells, _MAX_BARS))
    return min(_MOST_LETTERS, max(_LEAST_LETTERS, int(share * _ROW_PIXELS / _LETTER_PIXELS) - 2))


def _split(cells: list[SeverityCell]) -> list[list[SeverityCell]]:
    parts = -(-len(cells) // _MAX_BARS)
    size = -(-len(cells) // parts)
    return [cells[start : start + size] for start in range(0, len(cells), size)]


def _fits(row: list[list[SeverityCell]], labels: dict[str, str]) -> bool:
    bars = sum(len(part) for part in row)
    width = _ROW_PIXELS / bars
    return bars <= _MAX_BARS and all(
        len(part) * width >= (len(labels[part[0].model]) + 2) * _LETTER_PIXELS for part in row
    )


def _row(cells: list[SeverityCell], labels: dict[str, str]) -> ChartRow:
    return ChartRow(
        cells=tuple(cells),
        models=tuple(labels[cell.model] for cell in cells),
        apps=tuple(str(cell.app_num) for cell in cells),
    )
