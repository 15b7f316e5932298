"""A widget that draws itself in the page from one state, and tells the kernel what was clicked."""

from __future__ import annotations

import threading
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

if TYPE_CHECKING:
    from collections.abc import Callable


_MOST_PAGES = 64
"""Pages whose messages are counted; the one that was silent for longest is forgotten."""
_MOST_ID = 20


class Post:
    """Takes the numbered messages of each page once and in order, whatever shell of the kernel they come to.

    A page sends each again until it is told that it was heard, see `post` in common.js.
    """

    def __init__(self) -> None:
        self._heard: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, page: str, number: int, act: Callable[[], None]) -> int:
        """Call `act` if `number` is the next of `page`; return up to which number they were heard."""
        with self._lock:  # also while it acts: a copy of the next one may come to another shell
            last = self._heard.pop(page, 0)
            is_due = number == last + 1
            self._heard[page] = last + is_due
            if len(self._heard) > _MOST_PAGES:
                del self._heard[next(iter(self._heard))]
            if is_due:
                act()
            return last + is_due


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
        self._post = Post()
        self.on_msg(self._on_page)

    def _on_page(self, _: object, content: object, __: object) -> None:
        if not isinstance(content, dict):
            return
        page, number, said = content.get("from"), content.get("n"), content.get("said")
        if isinstance(page, str) and len(page) <= _MOST_ID and type(number) is int and isinstance(said, dict):
            heard = self._post.take(page, number, lambda: self._hear(said))
            self.send({"to": page, "heard": heard})  # a message, no trait: those have one writer
        else:
            self._hear(content)

    def _hear(self, message: dict[str, Any]) -> None:
        if self._heard is not None:
            self._heard(message)


def static_text(name: str) -> str:
    """Return a file of `static`: our own text."""
    return files("batchnb.widgets").joinpath("static", name).read_text(encoding="utf-8")
