"""The explorer as a widget: notes what the page asks, and answers on its publisher's thread."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchnb.records.errors import BatchnbError
from batchnb.results.dataset import as_dataset
from batchnb.results.identity.comparison import Change
from batchnb.results.text import shorten
from batchnb.tools.text import visible
from batchnb.widgets.explorer.answer import present_answer
from batchnb.widgets.explorer.desk import Desk
from batchnb.widgets.explorer.detail import present_detail
from batchnb.widgets.explorer.errands import Errands
from batchnb.widgets.explorer.exports import FORMATS, OF_FILTER
from batchnb.widgets.explorer.loaded import load
from batchnb.widgets.explorer.page import ExplorerPage
from batchnb.widgets.explorer.query import Query, changed
from batchnb.widgets.explorer.sources import read_baselines, require_source
from batchnb.widgets.view import View, output_area, put, show

if TYPE_CHECKING:
    import os

    import pandas as pd

    from batchnb.results.identity.comparison import Comparison
    from batchnb.widgets.explorer.desk import Outcome
    from batchnb.widgets.explorer.loaded import Loaded
    from batchnb.widgets.explorer.triage import Decide, Withdraw

_MOST_MESSAGES = 2_000
_MOST_MODELS = 40


class Explorer(View):
    """Findings with filter, sort, search, detail and triage; runs and models compared; files written.

    The kernel filters, and the page gets the rows that it shows. What was not measured is said beside every
    count.
    """

    def __init__(
        self,
        source: object,
        decide: Decide | None = None,
        *,
        withdraw: Withdraw | None = None,
        baseline: object = (),
        folder: str | os.PathLike[str] = ".",
    ) -> None:
        """Make the explorer; what it shows is read on a thread of its own.

        Args:
            source: a Job or a Dataset.
            decide: stores decisions, such as a workspace's `decide` (see `triage.Decide`); None: they are
                only shown.
            withdraw: takes decisions back, such as a workspace's `withdraw`; None: likewise.
            baseline: a Job or a Dataset to compare with, or several to choose from, as pairs of a label and
                a function that returns one.
            folder: where exported files go.

        Raises:
            InvalidValueError: if `source` or `baseline` is nothing of the kind.
        """
        require_source(source)
        desk = Desk(self._wake)
        self._errands = Errands(
            desk=desk,
            source=source,
            decide=decide,
            withdraw=withdraw,
            baselines=read_baselines(baseline),
            folder=Path(folder),
        )
        self._source, self._desk = source, desk
        self._inbox: deque[dict[str, Any]] = deque(maxlen=_MOST_MESSAGES)
        self._loaded: Loaded | None = None
        self._generation, self._query = 0, Query()
        self._opened: tuple[str, int] | None = None
        self._failure, self._compared_with = "", ""
        self._is_unread, self._says_so = True, False
        self._outputs: tuple[dict[str, Any], ...] = ()
        self.page = ExplorerPage(self._facts(), self._state(), self._desk_state(), self.heard)
        self.models = output_area()
        super().__init__([self.page, self.models], "batchnb-explorer")
        self.publisher.wake()

    def heard(self, message: dict[str, Any]) -> None:
        """Note a message of the page; any thread calls this."""
        self._inbox.append(message)
        self._wake()

    def step(self) -> float | None:
        """Take what was asked for, and write the answer; reading is announced in a step of its own."""
        if self._is_unread and self._says_so:
            self._read()
        while self._inbox:
            message = self._inbox.popleft()
            self.page.follow(message)
            self._take(message)
        for outcome in self._desk.take():
            self._apply(outcome)
        self._says_so = self._is_unread
        self.page.write(self._state())
        put(self.page, detail=self._detail(), desk=self._desk_state())
        show(self.models, *self._outputs)
        return 0 if self._is_unread else None

    def show_failure(self, text: str) -> None:
        """Say in the page that the explorer itself failed."""
        self.page.write({**self.page.state, "failure": _plain(text), "reading": False})

    def _wake(self) -> None:
        if self._open:  # not before the view is complete, and not after its end
            self.publisher.wake()

    def _read(self) -> None:
        self._is_unread, self._failure = False, ""
        before, old = self._opened_row(), self._query
        try:
            loaded = load(as_dataset(self._source))
        except (BatchnbError, OSError) as error:
            self._failure = str(error)
            return
        self._become(loaded)
        self._query = Query()
        if old.sheet in loaded.sheets:
            facets = loaded.sheets[old.sheet].facets
            kept = {name: values for name, values in old.chosen.items() if name in facets}
            self._query = replace(old, chosen=kept)
        after = self._opened_row()
        if before is None or after is None or before["fingerprint"].iloc[0] != after["fingerprint"].iloc[0]:
            self._opened = None

    def _become(self, loaded: Loaded) -> None:
        """Show something else; places of rows and values that the page knows no longer mean anything."""
        self._loaded = loaded
        self._generation += 1

    def _take(self, message: dict[str, Any]) -> None:
        do, loaded = message.get("do"), self._loaded
        if do == "read":
            self._is_unread = True
        elif do == "close":
            self._opened = None
        elif do == "search":  # it means the same whatever the page shows
            self._query = changed(self._query, message, {})
        elif loaded is not None and message.get("generation") == self._generation:
            self._take_about(loaded, message)

    def _take_about(self, loaded: Loaded, message: dict[str, Any]) -> None:
        """Do what a message about what the page shows asks for."""
        do = message.get("do")
        if do == "open":
            row = message.get("row")
            if type(row) is int and 0 <= row < len(loaded.sheets[self._query.sheet]):
                self._opened = (self._query.sheet, row)
                self._desk.hush("decide")
        elif do == "decide":
            rows = self._opened_row()
            # what the page showed when it was clicked: another tab may have opened something else
            is_meant = self._opened is not None and message.get("key") == list(self._opened)
            if is_meant and rows is not None and "decision_id" in rows:
                self._errands.decide_on(message, rows)
        elif do == "compare":
            self._errands.compare(message, loaded)
        elif do == "models":
            self._errands.models(message, loaded)
        elif do == "export":
            self._errands.export(message, loaded, self._query)
        else:
            self._query = changed(self._query, message, loaded.sheets)

    def _apply(self, outcome: Outcome) -> None:
        if outcome.outputs is not None:
            self._outputs = outcome.outputs
        self._is_unread = self._is_unread or outcome.read_again
        if self._loaded is None:
            return
        if outcome.decisions:
            self._become(self._loaded.with_decisions(outcome.decisions))
        if outcome.comparison is not None:
            self._become(self._loaded.with_comparison(outcome.comparison))
            self._compared_with, self._opened = outcome.label, None
            self._query = Query(sheet="comparison", bars=self._query.bars)

    def _opened_row(self) -> pd.DataFrame | None:
        """Return the opened row as a frame of one row."""
        if self._opened is None or self._loaded is None:
            return None
        name, row = self._opened
        sheet = self._loaded.sheets.get(name)
        return None if sheet is None or row >= len(sheet) else sheet.frame.iloc[[row]]

    def _facts(self) -> dict[str, Any]:
        errands = self._errands
        return {
            "can_decide": errands.decide is not None,
            "can_withdraw": errands.withdraw is not None,
            "baselines": [_plain(label, 120) for label, _ in errands.baselines],
            "formats": [[ending, title, ending in OF_FILTER] for ending, title in FORMATS.items()],
            "folder": _plain(str(errands.folder.absolute()), 300),
        }

    def _state(self) -> dict[str, Any]:
        common = {
            "generation": self._generation,
            "reading": self._is_unread,
            "failure": _plain(self._failure),
        }
        if self._loaded is None:
            return common
        return {**common, **present_answer(self._loaded, self._query), "opened": self._opened}

    def _detail(self) -> dict[str, Any]:
        if self._opened is None or self._loaded is None:
            return {}
        name, row = self._opened
        return {"key": [name, row], **present_detail(self._loaded, name, row)}

    def _desk_state(self) -> dict[str, Any]:
        comparison = None if self._loaded is None else self._loaded.comparison
        told = None if comparison is None else _counts(comparison, self._compared_with)
        return {**self._desk.state(), "comparison": told}


def _counts(comparison: Comparison, label: str) -> dict[str, Any]:
    """Return how many findings of each model are in each state, for the page."""
    states = [str(change) for change in Change]
    rows = [
        {"model": _plain(str(row["model"]), 60), "counts": [int(row[state]) for state in states]}
        for _, row in comparison.counts.head(_MOST_MODELS).iterrows()
    ]
    more = max(0, len(comparison.counts) - _MOST_MODELS)
    return {"label": _plain(label, 120), "states": states, "rows": rows, "more": more}


def _plain(text: str, limit: int = 1_000) -> str:
    return shorten(visible(text), limit)
