from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest
from support import portfolio

from batchnb.analyzers.registry import GROUP, AnalyzerRegistry
from batchnb.widgets.form_presenter import FormInput, analysis_titles, present_form

APPS = portfolio(atlas=(1, 2, 3), birch=(1, 2))
REGISTRY = AnalyzerRegistry(())


def present(**changes):
    values = {"models": ("atlas", "birch"), "analyses": ("backend_security",)}
    return present_form(FormInput(**{**values, **changes}), APPS, REGISTRY)


def test_everything_chosen():
    state = present()
    assert state.errors == {}
    assert state.summary == "Run starts 5 tasks: 2 models x apps 1-3 (5 in all) x 1 analysis."
    assert state.spec.app_ranges == {"atlas": (1, 2, 3), "birch": (1, 2)}
    assert state.spec.task_timeout_seconds is None


def test_all_fields_reach_the_spec():
    state = present(models=("atlas",), apps=" 1, 3 ", name=" nightly ", timeout=" 60 ")
    assert state.spec.app_ranges == {"atlas": (1, 3)}
    assert (state.spec.name, state.spec.task_timeout_seconds) == ("nightly", 60)


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"models": ()}, "models", "choose at least one model"),
        ({"analyses": ()}, "analyses", "choose at least one analysis"),
        ({"apps": "1-3,x"}, "apps", "'x' at position 5 is not a number or a range such as 2-4"),
        ({"apps": "3-1"}, "apps", "runs downwards (3 to 1)"),
        ({"apps": "1,,2"}, "apps", "is empty"),
        ({"apps": "9"}, "apps", "9: no chosen model has them: atlas has 1-3; birch has 1-2"),
        ({"models": ("birch",), "apps": "3"}, "apps", "3: no chosen model has them: birch has 1-2"),
        ({"timeout": "0"}, "timeout", "'0': a whole number from 1 to 604800"),
        ({"timeout": "1.5"}, "timeout", "'1.5': a whole number"),
        ({"timeout": "9" * 5000}, "timeout", "a whole number"),
    ],
)
def test_a_wrong_field_has_its_message_and_nothing_can_be_started(changes, field, text):
    state = present(**changes)
    assert text in state.errors[field]
    assert "\n" not in state.errors[field]
    assert state.spec is None
    assert state.summary.startswith("Nothing to run: correct ")


def test_every_wrong_field_is_named_at_once():
    state = present(apps="x", timeout="y")
    assert set(state.errors) == {"apps", "timeout"}
    assert state.summary == "Nothing to run: correct Apps, Time limit."


def test_an_analysis_that_vanished_is_an_error_of_the_form():
    state = present(analyses=("gone",))
    assert state.spec is None
    assert "'gone'" in state.summary


def test_titles_leave_out_what_cannot_be_loaded():
    registry = AnalyzerRegistry((EntryPoint("broken", "no_such_module:Nothing", GROUP),))
    assert analysis_titles(registry) == {
        "frontend_security": "Frontend security",
        "backend_security": "Backend security",
        "performance": "Performance",
        "zap": "ZAP / DAST",
        "gpt4all": "Requirements (LLM)",
    }
