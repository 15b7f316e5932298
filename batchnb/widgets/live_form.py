"""Fields that the page draws: what is typed comes as messages, and goes back as state once it was heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from batchnb.widgets.live import Live, static_text

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_PAGES = 8
"""Pages (browser tabs, output views) whose messages are told apart."""
_MOST_ID = 20


class LiveForm(Live):
    """Base of the parts of a form.

    Each message of a page carries `page` and `at`, its number. The state says in `heard` which number of
    which page it follows from, so that a page never shows a value older than what its reader typed.
    """

    helpers: ClassVar[tuple[str, ...]] = ("fields.js",)
    _css = static_text("form.css")
    facts = traitlets.Dict().tag(sync=True)
    """What never changes: labels, help texts."""

    def __init__(
        self, facts: dict[str, Any], state: dict[str, Any], heard: Callable[[dict[str, Any]], None]
    ) -> None:
        """Draw `facts` and `state`; see `Live`."""
        self._pages: dict[str, int] = {}
        super().__init__({**state, "heard": {}}, heard)
        self.facts = facts

    def follow(self, message: dict[str, Any]) -> None:
        """Note that what is written from now on follows from `message`. The publisher's thread calls this."""
        page, at = message.get("page"), message.get("at")
        if isinstance(page, str) and len(page) <= _MOST_ID and type(at) is int:
            self._pages = {**{key: value for key, value in self._pages.items() if key != page}, page: at}
            for key in list(self._pages)[:-_MOST_PAGES]:
                del self._pages[key]

    def write(self, state: dict[str, Any]) -> None:
        """Let the page show `state`. Only the publisher's thread calls this."""
        whole = {**state, "heard": dict(self._pages)}
        if whole != self.state:
            self.state = whole


class AppGrid(LiveForm):
    """Models x apps, to pick from; see `selection.present_selection`."""

    script: ClassVar[str] = "apps.js"


class AnalysisChoice(LiveForm):
    """The analyses and their options; see `form_state.present_analyses`."""

    script: ClassVar[str] = "analyses.js"


class JobFields(LiveForm):
    """The job's own fields, presets, and the button that starts it; see `form_state.present_job_fields`."""

    script: ClassVar[str] = "start.js"
