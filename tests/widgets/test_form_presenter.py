from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest
from support import portfolio

from batchnb.analyzers.registry import GROUP, AnalyzerRegistry
from batchnb.engine.settings import Settings
from batchnb.records import ExecutionTimes
from batchnb.widgets.catalog import read_catalog
from batchnb.widgets.draft import changed, first_draft
from batchnb.widgets.form_presenter import FormContext, analysis_titles, present_form
from batchnb.widgets.selection import AppTable

REGISTRY = AnalyzerRegistry(())
TABLE = AppTable(portfolio(atlas=(1, 2, 3), birch=(1, 2)))
OFFERS = read_catalog(REGISTRY)
CONTEXT = FormContext(table=TABLE, offers=OFFERS, registry=REGISTRY, settings=Settings())
FIRST = first_draft(TABLE, OFFERS)
NONE = {"do": "pick", "rows": None, "columns": None, "on": False}
ONLY_BACKEND = {"do": "choose", "analysis": "frontend_security", "on": False}


def say(*messages, draft=FIRST):
    for message in messages:
        draft = changed(draft, message, TABLE, OFFERS)
    return draft


def present(*messages, context=CONTEXT):
    return present_form(say(ONLY_BACKEND, *messages), context)


def field(name, text):
    return {"do": "field", "field": name, "text": text}


def option(analysis, name, value):
    return {"do": "option", "analysis": analysis, "option": name, "value": value}


def chosen(analysis):
    return {"do": "choose", "analysis": analysis, "on": True}


def test_everything_chosen():
    state = present()
    assert state.errors == {}
    assert state.summary == "Run starts 5 tasks: 2 models x apps 1-3 (5 in all) x 1 analysis."
    assert state.spec.app_ranges == {"atlas": (1, 2, 3), "birch": (1, 2)}
    assert (state.spec.task_timeout_seconds, state.spec.max_tasks) == (None, None)
    assert state.spec.analysis_options == {}


def test_the_usual_analyses_are_chosen_at_first():
    assert FIRST.analyses == ("frontend_security", "backend_security")


def test_all_fields_reach_the_spec():
    state = present(
        {"do": "pick", "rows": [1, 1], "columns": None, "on": False},
        {"do": "pick", "rows": [0, 0], "columns": [1, 1], "on": False},
        field("name", " nightly "),
        field("description", " why "),
        field("timeout", " 60 "),
        field("at_once", "4"),
        option("backend_security", "full_scan", value=True),
        {"do": "limit", "analysis": "backend_security", "text": "90"},
    )
    spec = state.spec
    assert spec.app_ranges == {"atlas": (1, 3)}
    assert (spec.name, spec.description, spec.task_timeout_seconds, spec.max_tasks) == (
        "nightly",
        "why",
        60,
        4,
    )
    assert spec.analysis_options == {"backend_security": {"full_scan": True, "online": False}}
    assert spec.task_timeouts == {"backend_security": 90}


def test_what_is_not_chosen_neither_counts_nor_hinders():
    state = present(
        option("performance", "users", "x"),
        {"do": "limit", "analysis": "zap", "text": "soon"},
        {"do": "limit", "analysis": "gpt4all", "text": "7"},
    )
    assert state.faults == {"performance": {"users": "Input should be a valid integer"}}
    assert "'soon'" in state.limits["zap"]
    assert (state.spec.analysis_options, state.spec.task_timeouts) == ({}, {})
    now = present(chosen("performance"), option("performance", "users", "x"))
    assert now.spec is None
    assert now.summary == "Nothing to run: correct Performance: Users."


def test_back_to_the_defaults():
    wrong = say(option("performance", "users", "x"), {"do": "limit", "analysis": "performance", "text": "x"})
    mended = say({"do": "reset", "analysis": "performance"}, draft=wrong)
    assert (mended.options, mended.limits) == ({}, {})


@pytest.mark.parametrize(
    ("message", "name", "text"),
    [
        (NONE, "apps", "choose at least one app"),
        ({"do": "choose", "analysis": "backend_security", "on": False}, "analyses", "at least one analysis"),
        (
            {"do": "range", "text": "1-3,x"},
            "apps",
            "'x' at position 5 is not a number or a range such as 2-4",
        ),
        ({"do": "range", "text": "9"}, "apps", "9: no chosen model has them: atlas has 1-3; birch has 1-2"),
        (field("timeout", "0"), "timeout", "'0': a whole number from 1 to 604800"),
        (field("timeout", "1.5"), "timeout", "'1.5': a whole number"),
        (field("timeout", "9" * 5000), "timeout", "a whole number"),
        (field("at_once", "257"), "at_once", "'257': a whole number from 1 to 256"),
    ],
)
def test_a_wrong_field_has_its_message_and_nothing_can_be_started(message, name, text):
    state = present(message)
    assert text in state.errors[name]
    assert "\n" not in state.errors[name]
    assert len(state.errors[name]) < 300
    assert state.spec is None
    assert state.summary.startswith("Nothing to run: correct ")
    assert state.expected == ""


def test_every_wrong_field_is_named_at_once_but_not_without_end():
    state = present({"do": "range", "text": "x"}, field("timeout", "y"))
    assert set(state.errors) == {"apps", "timeout"}
    assert state.summary == "Nothing to run: correct Apps, Time limit."
    many = [
        option("zap", name, "x") for name in ("start_seconds", "memory_mib", "zap_minutes", "wapiti_minutes")
    ]
    state = present({"do": "range", "text": "x"}, chosen("zap"), *many)
    assert state.summary.endswith(", more.")


def test_an_analysis_that_vanished_is_an_error_of_the_form():
    state = present_form(replace(FIRST, analyses=("gone",)), CONTEXT)
    assert state.spec is None
    assert "'gone'" in state.summary


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"do": "field", "field": "selection", "text": "x"},
        {"do": "field", "field": "name", "text": 3},
        {"do": "field", "field": "name", "text": "x" * 20_001},
        {"do": "range", "text": None},
        {"do": "choose", "analysis": "gone", "on": True},
        {"do": "choose", "analysis": ["zap"], "on": True},
        {"do": "option", "analysis": "performance", "option": "gone", "value": "1"},
        {"do": "option", "analysis": "performance", "option": "users", "value": True},
        {"do": "option", "analysis": "performance", "option": "launch", "value": "yes"},
        {"do": "limit", "analysis": "performance", "text": 7},
        {"do": "explode"},
    ],
)
def test_what_no_page_sends_changes_nothing(message):
    assert say(message) == FIRST


def test_the_expected_duration_counts_what_there_is_to_do():
    whole = {"timed_out": 0, "total": 40, "p50": 4, "p95": 4, "longest": 4}
    times = (ExecutionTimes(analysis_type="backend_security", tasks=10, mean=4, **whole),)
    context = replace(CONTEXT, times=times)
    assert present(context=context).expected.startswith("About 10 s with 2 tasks at once; ")
    assert present(field("at_once", "5"), context=context).expected.startswith("About 4.0 s with 5 tasks")
    assert present().expected == "How long that takes is not known: no experience in this store yet."
    # none of these apps has a frontend: those tasks are skipped, and nobody needs to know how long they take
    with_frontend = present({"do": "choose", "analysis": "frontend_security", "on": True}, context=context)
    assert "no experience" not in with_frontend.expected


def test_titles_leave_out_what_cannot_be_loaded():
    registry = AnalyzerRegistry((EntryPoint("broken", "no_such_module:Nothing", GROUP),))
    assert analysis_titles(registry) == {
        "frontend_security": "Frontend security",
        "backend_security": "Backend security",
        "performance": "Performance",
        "zap": "ZAP / DAST",
        "gpt4all": "Requirements (LLM)",
    }
