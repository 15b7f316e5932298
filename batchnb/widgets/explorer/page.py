"""The explorer's widget: the page draws it, the kernel says what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from batchnb.widgets.live import static_text
from batchnb.widgets.live_form import LiveForm

if TYPE_CHECKING:
    from collections.abc import Callable


class ExplorerPage(LiveForm):
    """Search, facets, bars, a page of rows, a row's detail, and what else can be done with them.

    `state` is the answer to the query (`answer.present_answer`), or `reading` and `failure` instead.
    """

    script: ClassVar[str] = "explore.js"
    helpers: ClassVar[tuple[str, ...]] = ("fields.js", "explore_table.js", "explore_detail.js")
    _css = static_text("explore.css")
    detail = traitlets.Dict().tag(sync=True)
    """The opened row (`detail.present_detail`); empty: none."""
    desk = traitlets.Dict().tag(sync=True)
    """What was asked for beside the table: decisions, comparisons, files (`desk.Desk.state`)."""

    def __init__(
        self,
        facts: dict[str, Any],
        state: dict[str, Any],
        desk: dict[str, Any],
        heard: Callable[[dict[str, Any]], None],
    ) -> None:
        """Draw `state`; see `Live`."""
        super().__init__(facts, state, heard)
        self.desk = desk
