"""The one file that imports plotly, so that a plain install runs without it and says how to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as Figure  # noqa: PLC0414 - charts take the type from here

_HINT = "charts and reports need plotly; install it with: pip install 'batchnb[results]'"


def make_figure(data: list[dict[str, Any]], layout: dict[str, Any]) -> Figure:
    """Return the checked figure of `data` and `layout`.

    Raises:
        ImportError: if plotly is not installed; the message says how to install it.
    """
    try:
        from plotly.graph_objects import Figure  # noqa: PLC0415 - optional, wanted only here
    except ImportError as error:
        raise ImportError(_HINT) from error
    return Figure({"data": data, "layout": layout})


def plotly_javascript() -> str:
    """Return the source of plotly.js as the installed plotly ships it (about 5 MB).

    Raises:
        ImportError: if plotly is not installed; the message says how to install it.
    """
    try:
        from plotly.offline import get_plotlyjs  # noqa: PLC0415 - optional, wanted only here
    except ImportError as error:
        raise ImportError(_HINT) from error
    return str(get_plotlyjs())
