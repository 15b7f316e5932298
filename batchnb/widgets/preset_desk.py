"""Saving, loading and deleting presets as the form does it: what went wrong is told, not raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.records.errors import BatchnbError
from batchnb.widgets.preset_fit import fit_preset, preset_of
from batchnb.widgets.presets import Presets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from batchnb.widgets.catalog import AnalysisOffer
    from batchnb.widgets.draft import Draft
    from batchnb.widgets.form_presenter import FormState
    from batchnb.widgets.selection import AppTable


class PresetDesk:
    """The presets of one panel. Only the publisher's thread uses it."""

    def __init__(self, store: Path | None, table: AppTable, offers: Sequence[AnalysisOffer]) -> None:
        """Use the presets beside the file `store`; see `Presets`."""
        self._presets, self._table, self._offers = Presets(store), table, offers
        self._seen: object = None
        self.names: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()
        """What came of the last wish."""
        self.fault = ""
        """Why it failed, or why the presets cannot be read."""
        self._read()

    def refresh(self) -> None:
        """Look whether another notebook changed the presets."""
        if self._presets.signature() != self._seen:
            self.fault = ""
            self._read()

    def do(self, message: Mapping[str, Any], draft: Draft, state: FormState) -> Draft:
        """Do what a message of the page asks for, and return the form after it."""
        name = message.get("name")
        if not isinstance(name, str):
            return draft
        self.notes, self.fault = (), ""
        try:
            draft = self._done(str(message.get("do")), name, draft, state)
        except BatchnbError as error:
            self.fault = str(error)
        else:
            self._read()
        return draft

    def _done(self, do: str, name: str, draft: Draft, state: FormState) -> Draft:
        if do == "save":
            if state.spec is None:
                self.fault = f"Not saved. {state.summary}"
                return draft
            self._presets.save(name, preset_of(draft, state.values, self._table))
            self.notes = (f"Saved as {name.strip()!r}.",)
        elif do == "delete":
            self._presets.delete(name)
            self.notes = (f"Deleted {name!r}.",)
        elif do == "load":
            preset = self._presets.read().get(name)
            if preset is None:
                self.fault = f"there is no preset {name!r} any more"
                return draft
            draft, lost = fit_preset(preset, self._table, self._offers)
            self.notes = (f"Loaded {name!r}{', but not all of it:' if lost else '.'}", *lost)
        return draft

    def _read(self) -> None:
        self._seen = self._presets.signature()
        try:
            self.names = tuple(self._presets.read())
        except BatchnbError as error:
            self.names, self.fault = (), str(error)
