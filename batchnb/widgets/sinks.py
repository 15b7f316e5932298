"""Where text from apps, tools and users goes in a panel: escaped HTML in an output area, as data.

`ipywidgets.HTML` would run it, and `ipywidgets.Label` hands it to MathJax (`$x$` becomes a formula, and a
formula can carry a link), so both are for our own words and numbers only.
"""

from __future__ import annotations

import html
from importlib.resources import files
from typing import Any

from batchnb.results.text import shorten
from batchnb.tools.text import visible

_NO_MATH = "mathjax_ignore"
"""MathJax leaves the inside of this class alone."""


def escape(text: str, limit: int = 400) -> str:
    """Return untrusted `text` for HTML: cut, nothing invisible, every special character escaped."""
    return html.escape(shorten(visible(text), limit))


def html_output(markup: str, plain: str) -> dict[str, Any]:
    """Return an output of `markup`, in which everything untrusted was escaped already."""
    return bundle_output(
        {"text/html": f'<div class="batchnb-text {_NO_MATH}">{markup}</div>', "text/plain": plain}
    )


def text_output(text: str, kind: str = "note") -> dict[str, Any]:
    """Return an output that shows untrusted `text` as it is.

    Args:
        text: any text.
        kind: note, error or title: how it looks.
    """
    tag = "strong" if kind == "title" else "span"
    return html_output(f'<{tag} class="batchnb-{kind}">{escape(text)}</{tag}>', text)


def bundle_output(data: dict[str, Any]) -> dict[str, Any]:
    """Return an output in the notebook's format."""
    return {"output_type": "display_data", "data": data, "metadata": {}}


def style_sheet() -> str:
    """Return the style element of every view: our own text."""
    sheet = files("batchnb.widgets").joinpath("view.css").read_text(encoding="utf-8")
    return f"<style>{sheet}</style>"
