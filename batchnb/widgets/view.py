"""Base of every view: one writer, clicks that reach a busy kernel, and a close that leaves nothing behind."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from batchnb.widgets.publisher import Publisher
from batchnb.widgets.sinks import style_sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_log = logging.getLogger(__name__)


class View(widgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """A box of widgets whose traits only its publisher's thread writes, once it is on the page."""

    _open = False
    """Whether there is something to close: ipywidgets also closes what its constructor refused to make."""

    def __init__(self, children: Sequence[Any], name: str) -> None:
        """Make a view of `children`; `name` is its publisher's thread's."""
        style = widgets.HTML(style_sheet(), _dom_classes=("batchnb-style",))
        super().__init__(children=(style, *children), _dom_classes=("batchnb-view",))
        for widget in tree(self):
            route_by_frontend(widget)
        self.publisher = Publisher(self._guarded_step, name)
        self._open = True

    def step(self) -> float | None:
        """Write what changed, and return after how many seconds to look again; None: when woken.

        Only the publisher's thread calls this.
        """
        raise NotImplementedError

    def show_failure(self, text: str) -> None:
        """Say that the view itself failed. `text` is untrusted."""
        raise NotImplementedError

    def close(self) -> None:
        """End the view's thread and take it off the page; jobs go on. Twice is allowed."""
        if self._open:
            self._open = False
            self.publisher.close()
            for widget in list(tree(self)):
                for part in (getattr(widget, "layout", None), getattr(widget, "style", None)):
                    if isinstance(part, widgets.Widget):
                        part.close()
                if widget is not self:
                    widget.close()
        super().close()

    def _guarded_step(self) -> float | None:
        try:
            return self.step()
        except Exception as error:  # noqa: BLE001 - a view that stopped without a word would show old numbers for ever
            _log.exception("a view failed")
            self.show_failure(f"this view stopped ({type(error).__name__}: {error}); jobs are not affected")
            return None


def tree(widget: Any) -> Iterator[Any]:
    """Yield a widget and everything in it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from tree(child)


def put(widget: Any, **traits: Any) -> None:
    """Set the traits that differ, each in one assignment; what is equal sends nothing."""
    for name, value in traits.items():
        if getattr(widget, name) != value:
            setattr(widget, name, value)


def show(area: Any, *outputs: dict[str, Any]) -> None:
    """Let an output area show exactly `outputs`; without any it takes no room."""
    if outputs:  # shown first: a chart that is drawn into a hidden area does not know its width
        put(area.layout, display=None)
    put(area, outputs=outputs)
    if not outputs:
        put(area.layout, display="none")


def output_area(*outputs: dict[str, Any], css_class: str = "batchnb-area", **layout: str) -> Any:
    """Return an area for outputs, hidden while it has none."""
    shown = {"display": None if outputs else "none", "width": "100%", "margin": "0", **layout}
    return widgets.Output(outputs=outputs, layout=shown, _dom_classes=(css_class,))


def route_by_frontend(widget: Any) -> None:
    """Let the page decide on which (sub)shell the messages of our `widget` are handled.

    ipykernel 7.4.0 sends them to the shell that the widget last published from: the main one, where a click
    waits until the running cell has ended. Without this override JupyterLab's own choice, a subshell, holds,
    as in the versions before. It uses a private name, so it looks first whether the name exists.
    """
    comm = widget.comm
    if comm is not None and hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = _frontends_choice  # noqa: SLF001 - explained above


def _frontends_choice(data: object, default: Any) -> Any:
    """Return the (sub)shell that the page addressed."""
    del data
    return default
