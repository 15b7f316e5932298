from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest
from pydantic import ConfigDict, Field

from batchnb.analyzers.base import Analyzer, Options, ToolNeed
from batchnb.analyzers.registry import GROUP, AnalyzerRegistry
from batchnb.widgets.catalog import offer_facts, read_catalog, tools_text


class Opaque:
    pass


class OddOptions(Options):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    thing: Opaque | None = None


class PlainOptions(Options):
    """Options."""

    depth: int = Field(default=2, ge=1, title="Depth\u202e", description="<b>How deep.</b>")


class Plugin(Analyzer):
    """Looks `closely`
    at things.

    And more.
    """

    key = "plugin"
    title = "A plug-in"
    service = "plugin"
    tools = ("plugin",)
    options = PlainOptions
    secrets = ("PLUGIN_KEY",)
    exclusive = True

    def analyze(self, app, options, context):
        raise NotImplementedError


class Odd(Plugin):
    key = "odd"
    options = OddOptions
    part = "backend"
    needs_running_app = True


def offers():
    points = (
        EntryPoint("plugin", "test_catalog:Plugin", GROUP),
        EntryPoint("odd", "test_catalog:Odd", GROUP),
    )
    return {offer.key: offer for offer in read_catalog(AnalyzerRegistry(points))}


def test_a_plugin_is_offered_like_ours(monkeypatch):
    monkeypatch.setenv("PLUGIN_KEY", "hush")
    facts = offer_facts(offers()["plugin"])
    assert facts["about"] == (
        "Looks closely at things. Reads only; the app's code does not run. "
        "Its tasks run last and alone, as it measures times."
    )
    assert facts["keys"] == ["PLUGIN_KEY is set in the kernel's environment"]
    assert "hush" not in str(facts)
    (option,) = facts["options"]
    assert option == {
        "name": "depth",
        "title": "Depth\\u202e",
        "help": "<b>How deep.</b>",
        "allowed": "at least 1",
        "control": "number",
        "choices": [],
        "nullable": False,
        "required": False,
        "initial": "2",
    }


def test_a_schema_that_cannot_be_shown_harms_nothing_else(monkeypatch):
    monkeypatch.delenv("PLUGIN_KEY", raising=False)
    facts = offer_facts(offers()["odd"])
    assert facts["options"] == []
    assert "its options cannot be shown" in facts["fault"]
    assert facts["about"] == (
        "The app's code runs. Its tasks run last and alone, as it measures times. "
        "Apps without a backend are skipped."
    )
    assert facts["keys"] == ["PLUGIN_KEY is not set in the kernel's environment"]


def test_what_cannot_be_loaded_is_left_out():
    registry = AnalyzerRegistry((EntryPoint("broken", "no_such_module:Nothing", GROUP),))
    assert "broken" not in {offer.key for offer in read_catalog(registry)}
    assert "broken" in registry.broken


@pytest.mark.parametrize(
    ("needs", "text"),
    [
        ((), ""),
        ((ToolNeed(name="here", command=("here",), install_hint="get it"),), ""),
        ((ToolNeed(name="gone", command=None, install_hint="get it"),), "Missing: gone (get it)."),
        (
            (ToolNeed(name="nice", command=None, install_hint="", optional=True),),
            "Optional and not there: nice.",
        ),
    ],
)
def test_missing_tools_are_named_with_the_way_to_get_them(needs, text):
    assert tools_text(needs) == text
