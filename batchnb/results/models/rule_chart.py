"""The chart of the rules: their shares, and which of them the ranking of the models hangs on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.results.drawing._plotly import make_figure
from batchnb.results.drawing.base import (
    empty_layout,
    framed_layout,
    heading,
    hover_lines,
    pixel_axis,
    value_axis,
)
from batchnb.results.drawing.style import GREY, MET_COLOUR, UNMET_COLOUR, plotly_text
from batchnb.results.text import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.results.drawing._plotly import Figure
    from batchnb.results.models.comparison import ModelComparison

MOST_RULES = 20
_ROW, _LABEL, _BAR = 50, 10, 11  # pixels: a row, the middle of its label, the height of a bar
_LETTERS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareRow:
    """One rule. The texts are untrusted."""

    label: str
    findings: float
    """Its share of the findings, 0 to 1."""
    apps: float
    """The share of the apps in which it fires, 0 to 1."""
    order_changes: bool
    hover: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SharesInfo:
    """What the chart of rules says."""

    title: str
    rows: tuple[ShareRow, ...]
    summary: tuple[str, ...]
    notes: tuple[str, ...] = ()


def shares_text(info: SharesInfo) -> str:
    """Return the chart in words; it quotes untrusted names."""
    return " ".join((f"{info.title}.", *info.summary, *info.notes))


def shares_info(comparison: ModelComparison) -> SharesInfo:
    """Return each rule's share of the findings and of the apps, the most frequent first."""
    rules = comparison.rules
    shown = rules.head(MOST_RULES)
    changing = rules[rules["order_changes"].fillna(False)]  # noqa: FBT003 - the value
    notes = (
        [f"⇄: without this rule two models change places ({plural(len(changing), 'rule')})."]
        if len(changing)
        else []
    )
    if len(rules) > MOST_RULES:
        rest = rules.iloc[MOST_RULES:]
        notes.append(f"{plural(len(rest), 'more rule')} with {rest['share'].sum():.1%} of the findings.")
    return SharesInfo(
        title="Share of each rule",
        rows=tuple(_share_row(row) for row in shown.to_dict("records")),
        summary=tuple(" ".join(_share_sentences(row)) for row in shown.to_dict("records")),
        notes=(*notes, *comparison.cells.notes),
    )


def _share_row(row: Any) -> ShareRow:
    name = f"{row['rule']} ({row['tool']})"
    return ShareRow(
        label=name,
        findings=float(row["share"]),
        apps=float(row["apps_share"]),
        order_changes=bool(pd.notna(row["order_changes"]) and row["order_changes"]),
        hover=(name, *_share_sentences(row)[1:]),
    )


def _share_sentences(row: Any) -> list[str]:
    told = [
        f"{row['rule']} ({row['tool']}):",
        f"{plural(row['findings'], 'finding')}, {row['share']:.1%} of all;",
        f"fires in {row['apps']:,} of the apps ({row['apps_share']:.0%}); {plural(row['models'], 'model')}.",
    ]
    if pd.notna(row["order_changes"]):
        what = "The ranking changes" if row["order_changes"] else "The ranking stays"
        told.append(f"{what} without it: {row['order_without']}.")
    return told


def shares_figure(info: SharesInfo) -> Figure:
    """Return the figure of the rules: two bars each, of the findings and of the apps.

    Raises:
        ImportError: if plotly is not installed.
    """
    rows = info.rows
    if not rows:
        return make_figure([], empty_layout("No finding is counted in the apps that are compared."))
    traces = [
        _share_bars([row.findings for row in rows], "share of the findings", MET_COLOUR, "", 0),
        _share_bars([row.apps for row in rows], "share of the apps in which it fires", UNMET_COLOUR, "/", 1),
        _hover(rows),
    ]
    body = _ROW * len(rows)
    names = [trace["name"] for trace in traces if trace["showlegend"]]
    layout = framed_layout(body, title=info.title, legend=names, notes=info.notes, below=38)
    layout["barmode"] = "overlay"
    layout["xaxis"] = {"range": [0, 1.08], "visible": False, "fixedrange": True}
    layout["xaxis2"] = value_axis("share", overlaying="x", anchor="y", range=[0, 1.08], tickformat=".0%")
    layout["yaxis"] = pixel_axis(body)
    layout["annotations"] += [
        heading(
            plotly_text(f"{'⇄ ' if row.order_changes else ''}{row.label}", _LETTERS), number * _ROW + _LABEL
        )
        for number, row in enumerate(rows)
    ]
    return make_figure(traces, layout)


def _share_bars(values: Sequence[float], name: str, colour: str, shape: str, place: int) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "xaxis": "x2",
        "x": list(values),
        "y": [number * _ROW + _LABEL + 15 + place * _BAR for number in range(len(values))],
        "width": _BAR,
        "marker": {
            "color": colour,
            "pattern": {
                "shape": shape,
                "fgcolor": "#111111",
                "fgopacity": 0.35,
                "fillmode": "overlay",
                "size": 6,
            },
            "line": {"color": GREY, "width": 0.5},
        },
        "text": [f" {value:.1%}" for value in values],
        "textposition": "outside",
        "textfont": {"color": GREY, "size": 10},
        "cliponaxis": False,
        "hoverinfo": "skip",
        "showlegend": True,
    }


def _hover(rows: Sequence[ShareRow]) -> dict[str, Any]:
    """Return invisible bars over the full width: wherever one points in a row, all is told about it."""
    return {
        "type": "bar",
        "orientation": "h",
        "name": "hover",
        "x": [1] * len(rows),
        "y": [(number + 0.5) * _ROW for number in range(len(rows))],
        "width": _ROW,
        "marker": {"color": "rgba(0,0,0,0)", "line": {"width": 0}},
        "hoverinfo": "text",
        "hovertext": [hover_lines(row.hover) for row in rows],
        "showlegend": False,
    }
