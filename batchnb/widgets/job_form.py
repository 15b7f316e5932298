"""The form for a job: three parts that the page draws, one draft that the publisher's thread changes."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from batchnb.widgets.catalog import read_catalog, tools_text
from batchnb.widgets.controls import aside
from batchnb.widgets.draft import changed, first_draft
from batchnb.widgets.form_presenter import FormContext, FormState, present_form
from batchnb.widgets.form_state import (
    analyses_facts,
    job_facts,
    present_analyses,
    present_apps,
    present_job_fields,
)
from batchnb.widgets.live_form import AnalysisChoice, AppGrid, JobFields, LiveForm
from batchnb.widgets.preset_desk import PresetDesk
from batchnb.widgets.selection import AppTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from batchnb.records import ExecutionTimes
    from batchnb.widgets.host import PanelHost

_PRESET_WISHES = frozenset({"save", "load", "delete"})


class JobForm:
    """What is typed and clicked, in the order in which it comes, and what the page shows of it."""

    def __init__(self, host: PanelHost, wake: Callable[[], None]) -> None:
        """Make the form: all apps and the usual analyses chosen.

        Args:
            host: the apps, the analyses, the settings and the store.
            wake: called, on any thread, when there is something to take or to show.
        """
        self._wake = wake
        self._inbox: deque[tuple[LiveForm | None, dict[str, Any]]] = deque()
        settings, portfolio = host.service.settings, host.portfolio.portfolio
        table, offers = AppTable(portfolio), read_catalog(host.registry)
        self._host, self._base = host, portfolio.base
        self._context = FormContext(table=table, offers=offers, registry=host.registry, settings=settings)
        self._tools: dict[str, str] = {}
        self._looked = False
        self.presets = PresetDesk(host.storage.path, table, offers)
        self.draft = first_draft(table, offers)
        state = self.present()
        self.apps = AppGrid(
            table.facts(), present_apps(table, self.draft, state), lambda said: self.hear(said, self.apps)
        )
        self.analyses = AnalysisChoice(
            analyses_facts(offers, host.registry.broken, settings),
            present_analyses(offers, self.draft, state, self._tools),
            lambda said: self.hear(said, self.analyses),
        )
        self.fields = JobFields(
            job_facts(settings), self._job_fields(state, "", ""), lambda said: self.hear(said, self.fields)
        )
        self.widget = widgets.VBox(
            [self.apps, self.analyses, self.fields],
            layout={"overflow": "visible"},
            _dom_classes=("batchnb-form",),
        )

    def hear(self, message: dict[str, Any], part: LiveForm | None = None) -> None:
        """Note a message of the page, or of a program in its place; any thread calls this."""
        self._inbox.append((part, message))
        self._wake()

    def take(self) -> Iterator[dict[str, Any]]:
        """Do what was asked for since the last time, and yield what the panel has to do, at its time."""
        while self._inbox:
            part, message = self._inbox.popleft()
            if part is not None:
                part.follow(message)
            do = message.get("do")
            if do == "run":
                yield message
            elif do == "look":
                self._look_for_tools()
            elif do in _PRESET_WISHES:
                self.draft = self.presets.do(message, self.draft, self.present())
            else:
                self.draft = changed(self.draft, message, self._context.table, self._context.offers)

    def learn(self, times: Sequence[ExecutionTimes]) -> None:
        """Judge durations by the past tasks in `times`."""
        self._context = replace(self._context, times=tuple(times))

    def present(self) -> FormState:
        """Return what the form says now."""
        return present_form(self.draft, self._context)

    def write(self, state: FormState, said: str, refusal: str) -> None:
        """Let the page show what stands in the form, and what is wrong with it."""
        self.presets.refresh()
        context = self._context
        self.apps.write(present_apps(context.table, self.draft, state))
        self.analyses.write(present_analyses(context.offers, self.draft, state, self._tools))
        self.fields.write(self._job_fields(state, said, refusal))

    def _job_fields(self, state: FormState, said: str, refusal: str) -> dict[str, Any]:
        desk = self.presets
        return present_job_fields(
            self.draft,
            state,
            presets=desk.names,
            preset_notes=desk.notes,
            preset_fault=desk.fault,
            said=said,
            refusal=refusal,
        )

    def _look_for_tools(self) -> None:
        """Ask each analysis, once and on a thread of its own, which tools it lacks: some take their time."""
        if self._looked:
            return
        self._looked = True
        for offer in self._context.offers:
            self._tools[offer.key] = "Looking for its tools …"
            aside(f"batchnb-needs-{offer.key}", self._look(offer.key), self._told(offer.key))

    def _look(self, key: str) -> Callable[[], None]:
        def look() -> None:
            self._tools[key] = tools_text(self._host.registry[key](self._base).needs())

        return look

    def _told(self, key: str) -> Callable[[str], None]:
        def told(failure: str) -> None:
            if failure:
                self._tools[key] = f"Which of its tools are there could not be told: {failure}"
            self._wake()

        return told
