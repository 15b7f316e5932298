from __future__ import annotations

from types import SimpleNamespace

import pytest
from panel_host import GatedAnalyzer
from support import wait_until

from batchnb.analyzers.base import ToolNeed
from batchnb.widgets.job_form import JobForm
from batchnb.widgets.live_form import LiveForm


@pytest.fixture
def form(host):
    return JobForm(host, lambda: None)


def write(form):
    wanted = list(form.take())
    form.write(form.present(), "", "")
    return wanted


def test_the_parts_show_what_the_host_has(form):
    assert form.apps.facts["models"] == ["atlas", "birch"]
    assert form.apps.state["rows"] == ["11", "11"]
    assert [offer["title"] for offer in form.analyses.facts["analyses"]] == [
        "Backend security",
        "Gated check",
    ]
    assert form.analyses.state["analyses"]["gated"]["on"] is True
    assert form.fields.facts == {"timeout": "1800", "at_once": "2"}
    assert form.fields.state["summary"].startswith("Run starts 8 tasks")


def test_messages_of_all_parts_are_done_in_their_order(form):
    form.hear({"do": "pick", "rows": None, "columns": None, "on": False})
    form.hear({"do": "range", "text": "2"})
    form.hear({"do": "run"})
    form.hear({"do": "range", "text": "x"})
    taken = form.take()
    assert next(taken) == {"do": "run"}
    assert form.present().spec.app_ranges == {"atlas": (2,), "birch": (2,)}  # as it stood at the click
    assert list(taken) == []
    assert form.present().spec is None


def test_a_page_learns_how_much_of_what_it_sent_was_heard(form):
    form.fields._on_page(None, {"do": "field", "field": "name", "text": "a", "page": "p1", "at": 1}, None)
    form.fields._on_page(None, {"do": "field", "field": "name", "text": "ab", "page": "p1", "at": 2}, None)
    assert form.fields.state["heard"] == {}
    assert write(form) == []
    assert form.fields.state["heard"] == {"p1": 2}
    assert form.fields.state["values"]["name"] == "ab"
    assert form.apps.state["heard"] == {}


def test_pages_are_remembered_but_not_without_end():
    part = LiveForm({}, {}, lambda said: None)
    for number in range(50):
        part.follow({"page": f"p{number}", "at": 1})
    for page, at in (("x" * 21, 1), (3, 1), ("q", True), ("q", "1"), (None, None)):
        part.follow({"page": page, "at": at})
    part.write({})
    assert list(part.state["heard"]) == [f"p{number}" for number in range(42, 50)]


def test_an_equal_state_is_not_sent_again(form):
    write(form)
    sent = []
    form.fields.observe(sent.append, names="state")
    write(form)
    assert sent == []


def test_tools_are_looked_for_once_and_only_for_a_page(form, monkeypatch):
    calls = []

    def needs(self):
        calls.append(self.key)
        return (ToolNeed(name="gate", command=None, install_hint="build one"),)

    monkeypatch.setattr(GatedAnalyzer, "needs", needs)
    write(form)
    assert calls == []
    form.hear({"do": "look"})
    form.hear({"do": "look"})
    write(form)
    assert wait_until(lambda: form._tools["gated"] == "Missing: gate (build one).")
    write(form)
    assert form.analyses.state["analyses"]["gated"]["tools"] == "Missing: gate (build one)."
    assert calls == ["gated"]


def test_an_analysis_that_cannot_tell_its_tools_harms_nobody(form, monkeypatch):
    def fail(self):
        raise ZeroDivisionError("oh <b>")

    monkeypatch.setattr(GatedAnalyzer, "needs", fail)
    form.hear({"do": "look"})
    write(form)
    assert wait_until(lambda: "could not be told: oh <b>" in form._tools["gated"])


def test_presets_are_saved_loaded_and_deleted(form):
    form.hear({"do": "range", "text": "2"})
    form.hear({"do": "save", "name": "second"})
    form.hear({"do": "range", "text": ""})
    write(form)
    assert form.fields.state["presets"] == [["second", "second"]]
    assert form.fields.state["preset_notes"] == ["Saved as 'second'."]
    form.hear({"do": "load", "name": "second"})
    write(form)
    assert form.apps.state["rows"] == ["01", "01"]
    form.hear({"do": "delete", "name": "second"})
    form.hear({"do": "load", "name": "second"})
    form.hear({"do": "load", "name": ["second"]})
    write(form)
    assert form.fields.state["presets"] == []
    assert form.fields.state["preset_fault"] == "there is no preset 'second' any more"


def test_a_form_with_a_fault_is_not_saved(form):
    form.hear({"do": "range", "text": "x"})
    form.hear({"do": "save", "name": "bad"})
    write(form)
    assert form.fields.state["preset_fault"] == "Not saved. Nothing to run: correct Apps."
    assert form.fields.state["presets"] == []


def test_a_damaged_file_of_presets_is_told_until_it_is_moved_away(host, tmp_path, monkeypatch):
    monkeypatch.setattr(host, "storage", SimpleNamespace(path=tmp_path / "store.db"))
    file = tmp_path / "store.db.presets.json"
    file.write_text("{")
    form = JobForm(host, lambda: None)
    assert "move it away" in form.fields.state["preset_fault"]
    form.hear({"do": "save", "name": "a"})
    write(form)
    assert "move it away" in form.fields.state["preset_fault"]
    assert file.read_text() == "{"
    file.unlink()
    write(form)
    assert (form.fields.state["preset_fault"], form.fields.state["presets"]) == ("", [])
