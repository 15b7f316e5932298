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
