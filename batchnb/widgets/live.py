"""A widget that draws itself in the page from one state, and tells the kernel what was clicked."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

if TYPE_CHECKING:
    from collections.abc import Callable


class Live(anywidget.AnyWidget):
    """Base of our own drawings. `state` goes to the page, whole, last value wins; messages come back.

    Only the publisher's thread of the view around it writes `state`. A message from the page calls `heard`
    on any thread, also while a cell is busy: it must note it and return.
    """

    script: ClassVar[str]
    """Name of the module in `static`, such as `grid.js`; it defines `draw(root, model)`."""
    helpers: ClassVar[tuple[str, ...]] = ()
    """Names of further files in `static` that stand before it."""
    state = traitlets.Dict().tag(sync=True)

    def __init_subclass__(cls, **options: Any) -> None:
        """Put our shared functions before the module: a page loads each widget's script by itself."""
        super().__init_subclass__(**options)
        if "script" in cls.__dict__:  # anywidget makes a class of its own for each widget
            cls._esm = "".join(map(static_text, ("common.js", *cls.helpers, cls.script)))

    def __init__(self, state: dict[str, Any], heard: Callable[[dict[str, Any]], None] | None = None) -> None:
        """Draw `state`.

        Args:
            state: plain data; its texts are untrusted and become text nodes in the page.
            heard: called with each message of the page, whatever it is: untrusted.
        """
        super().__init__(state=state)
        self._heard = heard
        self.on_msg(self._on_page)

    def _on_page(self, _: object, content: object, __: object) -> None:
        if self._heard is not None and isinstance(content, dict):
            self._heard(content)


def static_text(name: str) -> str:
    """Return a file of `static`: our own text."""
    return files("batchnb.widgets").joinpath("static", name).read_text(encoding="utf-8")
