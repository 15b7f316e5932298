"""Colours, patterns and plain-text rules that every chart shares."""

from __future__ import annotations

from typing import Any

from batchnb.records import Severity
from batchnb.results.text import shorten
from batchnb.tools.text import visible

GREY = "#797979"
"""Text, axes and hatches: contrast 4.3 against white and against #111, so one figure fits both themes."""
GRID = "rgba(121,121,121,0.28)"
SEVERITY_COLOURS = {Severity.HIGH: "#C62828", Severity.MEDIUM: "#E8A317", Severity.LOW: "#2F6FB5"}
"""Apart in normal sight, deuteranopia, protanopia, tritanopia and in grey (tested)."""
TEXT_COLOURS = {Severity.HIGH: "#FFFFFF", Severity.MEDIUM: "#111111", Severity.LOW: "#FFFFFF"}
SEVERITY_PATTERNS = {Severity.HIGH: "", Severity.MEDIUM: "-", Severity.LOW: "."}
"""The second cue beside colour: high is solid, medium striped, low dotted."""
FONT = {"family": "system-ui, -apple-system, 'Segoe UI', sans-serif", "size": 12, "color": GREY}


def plotly_text(text: str, limit: int = 200) -> str:
    """Return untrusted `text` so that Plotly shows it literally, on one line.

    Plotly reads a few HTML tags, entities and, where MathJax is loaded, TeX between dollars in every label.
    """
    plain = shorten(visible(text, one_line=True), limit)
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("$", "&#36;")):
        plain = plain.replace(char, entity)
    return plain


def severity_marker(severity: Severity) -> dict[str, Any]:
    """Return the bar marker of a severity: fill, pattern and outline."""
    pattern = {
        "shape": SEVERITY_PATTERNS[severity],
        "fgcolor": TEXT_COLOURS[severity],
        "fgopacity": 0.25,
        "fillmode": "overlay",
        "size": 6,
        "solidity": 0.15,
    }
    return {
        "color": SEVERITY_COLOURS[severity],
        "pattern": pattern if pattern["shape"] else {"shape": ""},
        "line": {"color": GREY, "width": 0.5},
    }


def hatch_marker(shape: str, *, strength: float, outline: float) -> dict[str, Any]:
    """Return the marker of a backdrop that stands for missing measurement: grey lines or dots, no fill."""
    return {
        "color": "rgba(121,121,121,0.06)",
        "pattern": {
            "shape": shape,
            "fgcolor": GREY,
            "fgopacity": strength,
            "fillmode": "overlay",
            "size": 7,
            "solidity": 0.2,
        },
        "line": {"color": GREY, "width": outline},
    }


UNMEASURED_MARKER = hatch_marker("/", strength=0.9, outline=1)
"""Backdrop of what was not measured."""
PARTLY_MARKER = hatch_marker(".", strength=0.35, outline=0)
"""Backdrop of what was partly measured."""
CELL_HATCH = hatch_marker("/", strength=0.5, outline=0.5)
"""A grid's cell that was not measured: a weaker hatch, so that a letter in it can be read."""
FAINT_MARKER = {"color": "rgba(0,0,0,0)", "line": {"color": "rgba(121,121,121,0.6)", "width": 0.5}}
"""A grid's cell that there is nothing to say about."""
CLEAN_MARKER = {"color": "rgba(121,121,121,0.12)", "line": {"color": GREY, "width": 0.5}}
"""A grid's cell that was measured, and where nothing was found."""
HEAT_COLOURS = ("#F6D9A8", "#EFA44F", "#D9632A", "#A31621")
"""Few to many; each is darker than the one before, so that they stay in order in grey."""
HEAT_INKS = ("#111111", "#111111", "#111111", "#FFFFFF")


def plain_marker(colour: str) -> dict[str, Any]:
    """Return the marker of a cell that is filled with one colour."""
    return {"color": colour, "line": {"color": GREY, "width": 0.5}}


MET_COLOUR, MET_INK = "#2F6FB5", "#FFFFFF"
"""Fill and text of a cell that is as it should be; blue, because green and red look alike to many."""
UNMET_COLOUR, UNMET_INK = "#E8A317", "#111111"
"""Fill and text of a cell that is not."""
GRID_DOTS = {
    "color": "#9DBBDD",
    "pattern": {"shape": ".", "fgcolor": "#111111", "fgopacity": 0.35, "fillmode": "overlay", "size": 6},
    "line": {"color": GREY, "width": 0.5},
}
"""A grid's cell that was partly measured."""
CELL_DOTS = hatch_marker(".", strength=0.5, outline=0.5)
"""A grid's cell about which nothing can be told."""
SHARE_COLOURS = ("#C9DCF0", "#8FB8E0", "#4F8AC9", "#1F4E8C")
"""A small to a large share; each is darker than the one before."""
SHARE_INKS = ("#111111", "#111111", "#111111", "#FFFFFF")
